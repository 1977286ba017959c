"""Every setting, with its default and its meaning. The annotated copy `config/casava_config/casava.toml` is made from this.

Order of what counts: a command's option, then an environment variable (`CASAVA_SANDBOX`, nested ones with two
underscores: `CASAVA_BUDGET__SECONDS`), then `config.toml` in the configuration directory, then the default here.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from casava_syscalls.docstrings import documented, field_docs
from casava_syscalls.results import Err, Ok, Result

Seconds = Annotated[float, Field(gt=0, le=10**7)]
Bytes = Annotated[int, Field(ge=1, le=2**50)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
KeyId = Annotated[str, Field(pattern=r"^[a-z][a-z_.]{0,60}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CompilerSettings(_Section):
    """From a request to a plan."""

    confidence: Share = 0.35
    """A plan less certain than this (0 to 1) is not run: it becomes a question."""
    destructive_confidence: Share = 0.5
    """The same for plans that run a program, write over a file, or do something outside the workspace."""
    delete_confidence: Share = 0.65
    """The same for plans with a step that deletes, moves or renames."""
    request_bytes: Annotated[int, Field(ge=1, le=2**20)] = 8192
    """Longest request, in bytes of UTF-8."""
    names: Annotated[int, Field(ge=0, le=100_000)] = 500
    """How many file names near the top of the workspace an argument may be completed from."""


class BudgetSettings(_Section):
    """What one process may use, unless `--budget` says otherwise."""

    seconds: Seconds = 600.0
    """Longest time for all of its steps together."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 32
    """Most syscalls."""
    output_bytes: Bytes = 64 * 2**20
    """Most output of all of its programs together."""
    repairs: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a model that can may plan again after a plan of its own failed."""


class SandboxSettings(_Section):
    """What one sandbox may use."""

    step_seconds: Seconds = 120.0
    """Longest time for one syscall that names none itself."""
    output_bytes: Bytes = 8 * 2**20
    """Most output kept from one program; the rest is counted and dropped."""
    memory_bytes: Annotated[int, Field(ge=16 * 2**20, le=2**50)] = 2 * 2**30
    """RAM and swap together."""
    pids: Annotated[int, Field(ge=8, le=2**22)] = 256
    """Most processes and threads."""
    cpus: Annotated[float, Field(ge=0.05, le=4096)] = 2.0
    """Share of processors."""
    tmpfs_bytes: Annotated[int, Field(ge=2**20, le=2**50)] = 256 * 2**20
    """Size of the private /tmp."""
    file_bytes: Annotated[int, Field(ge=2**20, le=2**60)] = 16 * 2**30
    """Largest file a program may write."""


class UndoSettings(_Section):
    """How much undo and redo keep. The newest commit is always kept."""

    bytes: Bytes = 4 * 2**30
    """Most space on disk; beyond it, what was kept is compressed, then the oldest commits are forgotten."""
    days: Annotated[float, Field(gt=0, le=36_500)] = 30.0
    """Commits older than this are forgotten."""


class DisplaySettings(_Section):
    """What is shown of a changeset."""

    diff_context: Annotated[int, Field(ge=0, le=1000)] = 3
    """Lines of context in a diff."""
    diff_bytes: Bytes = 2**20
    """Longest diff; what is longer is summed up."""


class MemorySettings(_Section):
    """What is remembered of past requests."""

    enabled: bool = True
    """Without it nothing is remembered, recalled or used again; `--no-memory` says so for one request."""
    reuse: bool = True
    """A plan that did what was asked is used again for the same request; `--no-cache` says no for one request."""
    examples: Literal["none", "local", "all"] = "local"
    """Which chat models are shown what did like requests here before: `none`, `local` (on this machine), `all` (at any address)."""
    days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """Requests older than this are forgotten; without it they stay. What you told it to remember stays in any case."""
    entries: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """Most requests that are remembered; the oldest are forgotten first."""
    embedding: Annotated[str, Field(min_length=1, max_length=4096)] = "builtin"
    """What tells texts apart by meaning: `builtin`, `none` (words alone), the path of a GGUF embedding model, or `URL#MODEL`."""
    embedding_key_env: str = ""
    """The environment variable with the key of an embedding model at a URL."""
    embedding_key_ring: str = ""
    """The service in the system's keyring with that key."""


class MetersSettings(_Section):
    """What the resource panel samples, and when it raises an alarm. A threshold of 0 means: no alarm."""

    refresh_seconds: Annotated[float, Field(ge=0.2, le=3600)] = 2.0
    """From one sample to the next; longer where sampling would take more than 1 % of a core."""
    history_samples: Annotated[int, Field(ge=10, le=100_000)] = 150
    """How many samples are kept for the curves."""
    alarm_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """How long a figure must stay at its threshold to raise an alarm, and below it to end one."""
    cpu_percent: Percent = 0.0
    """All processors together."""
    cpu_celsius: Annotated[float, Field(ge=0, le=200)] = 95.0
    """Of the processor package."""
    memory_percent: Percent = 92.0
    """RAM that programs could not have without swapping."""
    swap_percent: Percent = 80.0
    """Swap space in use."""
    disk_percent: Percent = 95.0
    """Of the file system that the workspace lies on."""
    pressure_percent: Percent = 25.0
    """Time in which work stood still for want of memory or disks."""
    gpu_memory_percent: Percent = 97.0
    """VRAM of one graphics processor."""
    gpu_celsius: Annotated[float, Field(ge=0, le=200)] = 88.0
    """Of one graphics processor."""
    sandbox_memory_percent: Percent = 90.0
    """Of what one sandbox may have."""


class TelemetrySettings(_Section):
    """Spans for OpenTelemetry, made when its standard environment variables ask for them (`OTEL_TRACES_EXPORTER=otlp`)."""

    details: bool = False
    """Spans also carry what was asked, the workspace and the arguments of syscalls, and so names of your files."""


class ShellSettings(_Section):
    """The shell in the terminal."""

    theme: Literal["dark", "light", "high-contrast"] = "dark"
    """The colours."""
    plain: bool = False
    """Line by line, for screen readers: no drawing, no colours. A terminal that cannot draw gets it anyway."""
    keys: dict[KeyId, str] = Field(default_factory=dict)
    """Other keys by the name of what they do, such as `files = "ctrl+o"`; several are parted by commas."""


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="CASAVA_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    model: str = "casava-smol"
    """The kernel model: a name from the catalogue or the path of a GGUF file."""
    sandbox: Literal["auto", "docker", "bubblewrap"] = "auto"
    """The driver; `auto` takes Docker where it can be had, else bubblewrap, and says which."""
    image: str = ""
    """Docker image that sandboxes are made from: a name or an ID; empty for the project's own."""
    timeout: Seconds | None = None
    """Longest time for a whole request, approval included."""
    stdin_bytes: Bytes = 2**30
    """Longest standard input that is kept for a request."""
    held_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """Changes that were held so many days are discarded, a day after that was said; without it they wait for ever."""
    limits: SandboxSettings = SandboxSettings()
    budget: BudgetSettings = BudgetSettings()
    compiler: CompilerSettings = CompilerSettings()
    display: DisplaySettings = DisplaySettings()
    undo: UndoSettings = UndoSettings()
    memory: MemorySettings = MemorySettings()
    meters: MetersSettings = MetersSettings()
    shell: ShellSettings = ShellSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings gives all of them
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file, whose contents are handed in as keyword arguments."""
        return (env_settings, init_settings)


def load_settings(config_dir: Path) -> Result[Settings]:
    """The settings in force. `Err("usage")` names the file (or the environment variable) and the key that is wrong."""
    path = config_dir / "config.toml"
    data: dict[str, object] = {}
    try:
        if path.exists():
            data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        return Err(
            code="usage",
            title=f"{path} cannot be read",
            message=str(problem),
            hint="mend the file, or move it away to use the defaults",
        )
    try:
        return Ok(value=Settings.model_validate({}) if not data else Settings(**data))  # type: ignore[arg-type]
    except SettingsError as problem:
        return Err(code="usage", title="An environment variable CASAVA_… is wrong", message=str(problem))
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        keys = tuple(str(part) for part in first["loc"])
        variable = f"CASAVA_{'__'.join(keys).upper()}"
        source = f"the environment variable {variable}" if os.environ.get(variable) else str(path)
        message = (
            "there is no such setting"
            if first["type"] == "extra_forbidden"
            else f"{first['msg']}, not {first['input']!r}"
        )
        return Err(
            code="usage",
            title=f"The setting {'.'.join(keys)} is wrong",
            message=f"{source}: {message}",
            hint="casava-os config shows every setting",
        )


def settings_schema() -> JsonSchemaValue:
    """JSON Schema (2020-12) of config.toml."""
    return documented(Settings.model_json_schema(), (Settings, *_Section.__subclasses__()))


def defaults_toml() -> str:
    """The annotated defaults, as the shipped casava.toml holds them."""
    lines = [
        "# Every setting with its default. Copy what you change into config.toml in the configuration directory.",
        "# Generated from casava_os/settings.py.",
    ]
    sections: list[str] = []
    defaults = Settings.model_construct()
    docs = field_docs(Settings)
    for name in Settings.model_fields:
        value = getattr(defaults, name)
        if isinstance(value, _Section):
            sections += ["", f"# {type(value).__doc__}", f"[{name}]"]
            told = field_docs(type(value))
            for inner in type(value).model_fields:
                sections += [f"# {told[inner]}", _toml(inner, getattr(value, inner))]
        else:
            lines += ["", f"# {docs[name]}", _toml(name, value)]
    return "\n".join((*lines, *sections)) + "\n"


def _toml(name: str, value: object) -> str:
    if value is None:
        return f"# {name} ="
    if isinstance(value, bool):
        return f"{name} = {str(value).lower()}"
    if isinstance(value, dict):
        return f"{name} = {{}}"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return f"{name} = {text}"
