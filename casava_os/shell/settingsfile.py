"""The settings as a list to look at and to change: each with its doc, its value, and where that comes from.

What a person changes is written into their own `config.toml`; every other line and comment of it stays. A file that cannot
be read as TOML is never written.
"""

from __future__ import annotations

import os
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tomlkit
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from tomlkit.exceptions import TOMLKitError

from casava_os.paths import private_dir, write_private
from casava_os.settings import Settings
from casava_syscalls.docstrings import field_docs
from casava_syscalls.results import Err, Ok, Result

FILE = "config.toml"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    key: str
    """As in the file, with the table before a dot: "meters.cpu_percent"."""
    doc: str
    value: object
    source: str
    """Where the value comes from: "default", the file's name, an environment variable, an option."""
    default: object
    choices: tuple[str, ...] = ()
    """What it may be, when that is a list."""

    @property
    def shown(self) -> str:
        """The value as a person writes it."""
        return text_of(self.value)

    @property
    def told(self) -> str:
        """The value in a list: sizes in words."""
        return told_value(self.key, self.value)

    @property
    def outdone(self) -> bool:
        """Whether something stronger than the file decides it."""
        return self.source.startswith(("CASAVA_", "--"))


def text_of(value: object) -> str:
    """A value as a person writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def told_value(key: str, value: object) -> str:
    """A value as it is read: "1 GiB" for a number of bytes, else as it is written."""
    if not key.endswith("_bytes") or not isinstance(value, int):
        return text_of(value)
    amount = float(value)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:,.1f}".removesuffix(".0") + f" {unit}"
        amount /= 1024
    raise AssertionError("the loop returns")


def _fields() -> dict[str, tuple[FieldInfo, str]]:
    """Every setting's field and doc by its key; those that are tables of the person's own are left out."""
    found: dict[str, tuple[FieldInfo, str]] = {}
    docs = field_docs(Settings)
    for name, info in Settings.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            inner_docs = field_docs(kind)
            for inner, inner_info in kind.model_fields.items():
                if typing.get_origin(inner_info.annotation) is not dict:
                    found[f"{name}.{inner}"] = (inner_info, inner_docs[inner])
        else:
            found[name] = (info, docs[name])
    return found


def read_file(folder: Path) -> Result[dict[str, object]]:
    """What stands in the person's file; nothing when there is none."""
    path = folder / FILE
    try:
        return Ok(value=tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        return _broken(path, problem)


def settings_list(folder: Path, options: Mapping[str, str]) -> Result[list[Setting]]:
    """Every setting as it is in force. `options`: keys that an option decided, with the option."""
    data = read_file(folder)
    if isinstance(data, Err):
        return data
    try:
        in_force = Settings(**data.value)  # type: ignore[arg-type]  # checked by pydantic
    except (ValidationError, ValueError) as problem:
        return _broken(folder / FILE, problem)
    usual = Settings.model_construct()
    return Ok(
        value=[
            Setting(
                key=key,
                doc=doc,
                value=_get(in_force, key),
                source=_source(key, data.value, options),
                default=_get(usual, key),
                choices=_choices(info),
            )
            for key, (info, doc) in _fields().items()
        ]
    )


def _get(settings: BaseModel, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _source(key: str, data: Mapping[str, object], options: Mapping[str, str]) -> str:
    if key in options:
        return options[key]
    variable = f"CASAVA_{key.replace('.', '__').upper()}"
    if os.environ.get(variable):
        return variable
    at: object = data
    for part in key.split("."):
        if not isinstance(at, Mapping) or part not in at:
            return "default"
        at = at[part]
    return FILE


def _choices(info: FieldInfo) -> tuple[str, ...]:
    if info.annotation is bool:
        return ("true", "false")
    if typing.get_origin(info.annotation) is Literal:
        return tuple(str(choice) for choice in typing.get_args(info.annotation))
    return ()


# ---------------------------------------------------------------------------------------------------- changing


def parsed(key: str, text: str) -> Result[object]:
    """What a person typed, as the setting's type has it. `Err("usage")` says what it must be."""
    info, _ = _fields()[key]
    text = text.strip()
    optional = typing.get_origin(info.annotation) in (typing.Union, types.UnionType)
    if not text and optional:
        return Ok(value=None)
    kind: TypeAdapter[object] = TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]  # a type made here
    try:
        return Ok(value=kind.validate_python(text))
    except ValidationError as problem:
        sentence = problem.errors(include_url=False)[0]["msg"].replace("Input should be", "it must be")
        return Err(code="usage", title=f"{key} cannot be {text!r}", message=sentence)


def write(folder: Path, key: str, value: object) -> Err | None:
    """Writes one setting (None: as by default) into the file; every other line stays. Nothing is written on `Err`.

    `key` may name a table of the person's own, such as "shell.keys.files".
    """
    path = Path(os.path.realpath(folder / FILE))
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        document = tomlkit.parse(text)
        *tables, name = key.split(".", 2)
        table: typing.Any = document  # tomlkit's tables have no common type
        for part in tables:
            if part not in table:
                table.add(part, tomlkit.table())
            table = table[part]
        if value is not None:
            table[name] = value
        elif name in table:
            table.remove(name)
        made = tomlkit.dumps(document)
        tomllib.loads(made)
        private_dir(path.parent)
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "it is read-only")
        write_private(path, made.encode())
    except (TOMLKitError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        return _broken(path, problem)
    except OSError as problem:
        return Err(
            code="permission",
            title="The setting cannot be written",
            message=f"{path}: {problem.strerror or problem}; nothing was changed",
            hint="make the file and its folder writable, or set CASAVA_HOME to a directory of your own",
        )
    return None


def _broken(path: Path, problem: Exception) -> Err:
    first = str(problem)
    if isinstance(problem, ValidationError):
        error = problem.errors(include_url=False)[0]
        first = f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
    return Err(
        code="usage",
        title="The settings file is not right",
        message=f"{path}: {first}. It was left as it is",
        hint="mend it with an editor, or move it away to use the defaults",
    )
