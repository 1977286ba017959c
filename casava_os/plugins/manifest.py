"""What an app is: its `app.toml`, checked; its parameters, its settings, and the plan or request that it stands for."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from casava_os.paths import config_dir
from casava_syscalls.base import Effect
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err, Ok, Result

EffectName = Literal["read", "write", "delete", "execute", "network", "host", "provision"]
Setting = str | int | float | bool | list[str] | dict[str, str] | dict[str, list[str]]
"""What a setting of an app may be."""

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Parameter(BaseModel):
    """A word that the person gives when running the app: `--set NAME=VALUE`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    help: str = ""
    default: str | None = None
    """Without a default the parameter must be given."""


class Budget(BaseModel):
    """The most that one run of the app may use."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seconds: Annotated[float, Field(gt=0, le=3600)] = 120.0
    steps: Annotated[int, Field(ge=1, le=10_000)] = 32


class Manifest(BaseModel):
    """An `app.toml`. What the app does is said in exactly one way: `request`, `steps` or `main`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    summary: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
    """One sentence."""
    effects: Annotated[tuple[EffectName, ...], Field(min_length=1)]
    """What it is granted; policy may allow less, never more."""
    budget: Budget = Budget()
    parameters: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Parameter] = Field(
        default_factory=dict
    )
    settings: dict[str, Setting] = Field(default_factory=dict)
    """What the person may change in `<config>/apps/NAME.toml`."""
    request: Annotated[str, StringConstraints(min_length=1)] | None = None
    """A request in plain words; `{parameter}` is replaced."""
    steps: tuple[dict[str, object], ...] = ()
    """Syscalls in their JSON form; `{parameter}` is replaced in every text."""
    main: Annotated[str, StringConstraints(pattern=r"^[\w.]+:\w+$")] | None = None
    """`module:function`, called with an `Os`; for installed apps only."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [self.request is not None, bool(self.steps), self.main is not None]
        if sum(ways) != 1:
            raise ValueError("an app has exactly one of `request`, `steps` and `main`")
        named = {
            name for text in _texts([self.request or "", list(self.steps)]) for name in _PLACE.findall(text)
        }
        if unknown := sorted(named - set(self.parameters)):
            raise ValueError(f"{{{unknown[0]}}} is no parameter of this app")
        return self

    @property
    def granted(self) -> Effect:
        """The effects as one value."""
        total = Effect.NONE
        for name in self.effects:
            total |= Effect[name.upper()]
        return total


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner: list[object] = []
    if isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, list | tuple):
        inner = list(value)
    return [text for part in inner for text in _texts(part)]


def _filled(value: object, given: Mapping[str, str]) -> object:
    """The value with every `{parameter}` in its texts replaced."""
    if isinstance(value, str):
        return _PLACE.sub(lambda match: given.get(match[1], match[0]), value)
    if isinstance(value, Mapping):
        return {key: _filled(part, given) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(part, given) for part in value]
    return value


@dataclass(frozen=True, slots=True)
class App:
    """An app that was found: its manifest, its folder, and who installed it."""

    manifest: Manifest
    folder: Path
    source: Literal["installed", "own"]

    def parameters(self, given: Mapping[str, str]) -> Result[Mapping[str, str]]:
        """The values of all parameters; `Err("usage")` when one is missing or unknown."""
        known = self.manifest.parameters
        if unknown := sorted(set(given) - set(known)):
            message = f"it takes {', '.join(known)}" if known else "it takes none"
            return Err(
                code="usage", title=f"{self.manifest.name} has no parameter {unknown[0]!r}", message=message
            )
        values = {name: given.get(name, parameter.default) for name, parameter in known.items()}
        if missing := [name for name, value in values.items() if value is None]:
            hint = f"add --set {missing[0]}=…"
            return Err(
                code="usage",
                title=f"{self.manifest.name} needs {missing[0]!r}",
                message=known[missing[0]].help,
                hint=hint,
            )
        return Ok(value={name: str(value) for name, value in values.items()})

    def request(self, parameters: Mapping[str, str]) -> str:
        """The request in plain words, of an app that has one."""
        return str(_filled(self.manifest.request or "", parameters))

    def plan(self, parameters: Mapping[str, str]) -> Result[Plan]:
        """The plan of an app that is a list of steps."""
        steps = _filled(list(self.manifest.steps), parameters)
        return parse_plan({"version": 1, "request": f"app {self.manifest.name}", "steps": steps})

    def settings(self) -> Result[Mapping[str, Setting]]:
        """The app's settings, with the person's own on top."""
        own = config_dir() / "apps" / f"{self.manifest.name}.toml"
        if not own.is_file():
            return Ok(value=self.manifest.settings)
        data = read_toml(own)
        if isinstance(data, Err):
            return data
        if unknown := sorted(set(data.value) - set(self.manifest.settings)):
            known = ", ".join(self.manifest.settings) or "none"
            return Err(
                code="usage",
                title=f"{own} has an unknown setting {unknown[0]!r}",
                message=f"the app knows {known}",
            )
        try:
            merged = Manifest.model_validate(
                {**self.manifest.model_dump(), "settings": {**self.manifest.settings, **data.value}}
            )
        except ValidationError as problem:
            return Err(code="usage", title=f"{own} is not right", message=first_problem(problem))
        return Ok(value=merged.settings)

    def entry(self) -> Result[Callable[..., object]]:
        """Imports and gives the app's `main`."""
        module, _, function = (self.manifest.main or "").partition(":")
        try:
            found = getattr(importlib.import_module(module), function, None)
        except ImportError as problem:
            return Err(code="failed", title=f"{self.manifest.name} cannot be loaded", message=str(problem))
        if not callable(found):
            return Err(
                code="failed",
                title=f"{self.manifest.name} cannot be loaded",
                message=f"{module} has no function {function}",
            )
        return Ok(value=cast("Callable[..., object]", found))


# ------------------------------------------------------------------------------------------------ reading


def read_toml(path: Path) -> Result[dict[str, object]]:
    """A TOML file's contents; `Err` names the file."""
    try:
        return Ok(value=tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        return Err(code="not-found", title=f"{path} cannot be read", message=problem.strerror or str(problem))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        return Err(code="usage", title=f"{path} is not TOML", message=str(problem))


def first_problem(problem: ValidationError) -> str:
    """What is wrong first: the key and a sentence."""
    error = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
