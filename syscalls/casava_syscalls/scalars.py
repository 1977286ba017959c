"""The scalar types of the ABI: paths, globs, sizes, durations, modes. They reject nonsense at the border.

Each type accepts what a person writes ("10 MB", "2 days", "u+x") and holds the canonical form (bytes, seconds, a mode
string), so that a plan has one spelling. Sizes in `k`, `KB`, `MB` … are powers of 1000, in `KiB`, `MiB` … powers of 1024
(IEC 80000-13).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

_CONTROL = re.compile(r"\x00")

SIZE_UNITS: dict[str, int] = {
    **dict.fromkeys(("b", "byte", "bytes"), 1),
    **dict.fromkeys(("k", "kb", "kilobyte", "kilobytes", "kilo", "kilos"), 10**3),
    **dict.fromkeys(("m", "mb", "meg", "megs", "megabyte", "megabytes"), 10**6),
    **dict.fromkeys(("g", "gb", "gig", "gigs", "gigabyte", "gigabytes"), 10**9),
    **dict.fromkeys(("t", "tb", "terabyte", "terabytes"), 10**12),
    **dict.fromkeys(("ki", "kib", "kibibyte", "kibibytes"), 2**10),
    **dict.fromkeys(("mi", "mib", "mebibyte", "mebibytes"), 2**20),
    **dict.fromkeys(("gi", "gib", "gibibyte", "gibibytes"), 2**30),
    **dict.fromkeys(("ti", "tib", "tebibyte", "tebibytes"), 2**40),
}
"""Bytes per unit, by the lower-case spelling of the unit."""

DURATION_UNITS: dict[str, int] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * 86400),
    **dict.fromkeys(("fortnight", "fortnights"), 14 * 86400),
    **dict.fromkeys(("month", "months"), 30 * 86400),
    **dict.fromkeys(("quarter", "quarters"), 91 * 86400),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 365 * 86400),
}
"""Seconds per unit, by the lower-case spelling of the unit; a month is 30 days and a year 365."""

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*\Z")


def _quantity(value: object, units: dict[str, int], what: str, bare: str) -> object:
    """A number of base units from "10 MB"-like text; numbers pass through."""
    if not isinstance(value, str):
        return value
    match = _QUANTITY.match(value)
    if match is None:
        raise ValueError(f"{value!r} is not a {what}: write a number and a unit, like {bare!r}")
    number, unit = match.groups()
    if unit and unit.lower() not in units:
        raise ValueError(f"unknown unit {unit!r} in {value!r}: use one of {', '.join(sorted(units))}")
    return round(float(number) * (units[unit.lower()] if unit else 1))


def _outside(value: str, why: str) -> PydanticCustomError:
    text = f"{value!r} lies outside the workspace: {why}"
    return PydanticCustomError("outside_workspace", "{text}", {"text": text})


def normalise_path(value: str) -> str:
    """A workspace-relative path in canonical form.

    Raises `ValueError` for an empty path, a NUL or an over-long name, and `PydanticCustomError` of type
    `outside_workspace` for an absolute path, `~`, or a `..` that leaves the workspace.
    """
    if value == "":
        raise ValueError("a path must not be empty")
    if _CONTROL.search(value):
        raise ValueError("a path must not contain a NUL character")
    if value == "~" or value.startswith(("/", "~/")):
        raise _outside(value, "give a path relative to it")
    parts: list[str] = []
    for part in value.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                raise _outside(value, "`..` climbs above it")
            parts.pop()
            continue
        if len(part.encode("utf-8", "surrogatepass")) > 255:
            raise ValueError("a file name must not be longer than 255 bytes")
        parts.append(part)
    return "/".join(parts) or "."


def _glob(value: str) -> str:
    if not value.strip():
        raise ValueError("a pattern must not be empty")
    if "\x00" in value:
        raise ValueError("a pattern must not contain a NUL character")
    if value.startswith("/") or ".." in value.split("/"):
        raise _outside(value, "a pattern is matched below it")
    if value.count("[") != value.count("]"):
        raise ValueError(f"the pattern {value!r} has an unclosed '['")
    return value


def _extension(value: object) -> object:
    if not isinstance(value, str):
        return value
    bare = value.strip().removeprefix("*").removeprefix(".").lower()
    if not re.fullmatch(r"[\w+~-]+(\.[\w+~-]+)*", bare):
        raise ValueError(f"{value!r} is not a file extension")
    return bare


def compiled(pattern: str) -> re.Pattern[str]:
    """The compiled regular expression; `ValueError` with what is wrong when it is malformed."""
    try:
        return re.compile(pattern)
    except re.error as problem:
        raise ValueError(f"the regular expression {pattern!r} is malformed: {problem}") from problem


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("text must not contain a NUL character")
    return value


_MODE_CLAUSE = r"[ugoa]*[-+=][rwxXst]*"


def _mode(value: object) -> object:
    if isinstance(value, int):
        value = f"{value:o}"
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.fullmatch(r"(0o?)?[0-7]{3,4}", text):
        return text.removeprefix("0o")[-4:].zfill(4)
    if re.fullmatch(rf"{_MODE_CLAUSE}(,{_MODE_CLAUSE})*", text):
        return text
    raise ValueError(f"{value!r} is not a file mode: write 755 or u+x")


def _moment(value: object) -> object:
    """An ISO date or date-time; a bare date is its midnight, local time."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is not a date: write it as 2026-03-31 or 2026-03-31T14:00") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    return value


WorkspacePath = Annotated[str, AfterValidator(normalise_path)]
"""A path relative to the workspace, in canonical form; absolute paths and `..` above the root are refused."""

Glob = Annotated[str, AfterValidator(_glob)]
"""A shell pattern (`*`, `?`, `[…]`, `**`) matched against a name, or against the relative path when it has a `/`."""

Globs = Annotated[
    tuple[Glob, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
]
"""Patterns, any of which may match. One alone needs no list."""

Extension = Annotated[str, BeforeValidator(_extension)]
"""A file extension, lower case, without its dot: "jpg", "tar.gz"."""

_Bytes = Annotated[int, Field(ge=0, le=2**62)]
_Seconds = Annotated[int, Field(ge=0, le=10**10)]
_Spelled = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)? ?[A-Za-z]*$")]

ByteSize = Annotated[
    _Bytes,
    BeforeValidator(
        lambda v: _quantity(v, SIZE_UNITS, "size", "10 MB"), json_schema_input_type=_Bytes | _Spelled
    ),
]
"""A size in bytes; text such as "10 MB" or "1.5GiB" is accepted."""

Duration = Annotated[
    _Seconds,
    BeforeValidator(
        lambda v: _quantity(v, DURATION_UNITS, "duration", "2 days"),
        json_schema_input_type=_Seconds | _Spelled,
    ),
]
"""A span of time in seconds; text such as "2 days" is accepted."""

Count = Annotated[int, Field(ge=1, le=10**9)]
"""How many: at least one."""

Index = Annotated[int, Field(ge=0, le=10**9)]

FileMode = Annotated[str, BeforeValidator(_mode)]
"""A file mode: octal ("0755") or symbolic ("u+x,go-w")."""

Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A point in local time, from an ISO date or date-time."""

Needle = Annotated[str, StringConstraints(min_length=1), AfterValidator(_no_nul)]
"""A non-empty literal text to look for."""

Content = Annotated[str, AfterValidator(_no_nul)]
"""Text to put into a file."""

CommandLine = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_no_nul)]
"""One command line, run by `sh -c` inside the sandbox."""

Word = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True, max_length=1000), AfterValidator(_no_nul)
]
"""A short name: of a person, an environment variable, a container, a column."""

Port = Annotated[int, Field(ge=1, le=65535)]
