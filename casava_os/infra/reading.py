"""From the text of a Compose file to a `StackSpec`, or to an error that names the place: `services.web.ports[0]: …`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from casava_os.infra.graph import check
from casava_os.infra.interpolation import Interpolation
from casava_os.infra.parts import REFUSED
from casava_os.infra.service import Service
from casava_os.infra.spec import Casava, StackSpec
from casava_os.infra.yamlfile import Data, load
from casava_syscalls.results import Err, Ok, Result

_MOST_TOLD = 5

T = TypeVar("T")


def read_spec(text: str, source: str, settings: Mapping[str, str] | None = None) -> Result[StackSpec]:
    """The stack that a file describes, with the settings put in. `Err("usage")` names every wrong place, up to five."""
    loaded = load(text, source)
    if isinstance(loaded, Err):
        return loaded
    values = _values(loaded.value, source, settings or {})
    if isinstance(values, Err):
        return values
    names = Interpolation(values.value)
    try:
        data = _interpolated(loaded.value, names, ())
    except _PlaceError as problem:
        return _wrong(source, [str(problem)])
    unknown = sorted(set(settings or {}) - names.used - _declared(loaded.value))
    if unknown:
        known = ", ".join(sorted(names.used)) or "none"
        message = f"it has no setting {unknown[0]!r}"
        return Err(code="usage", title="An unknown setting", message=message, hint=f"its settings: {known}")
    try:
        spec = StackSpec.model_validate(data)
    except ValidationError as problem:
        return _wrong(
            source, list(dict.fromkeys(_sentence(one) for one in problem.errors(include_url=False)))
        )
    problems = check(spec)
    return _wrong(source, problems) if problems else Ok(value=spec)


def _wrong(source: str, sentences: list[str]) -> Err:
    shown = sentences[:_MOST_TOLD]
    if len(sentences) > _MOST_TOLD:
        shown.append(f"and {len(sentences) - _MOST_TOLD} more")
    return Err(
        code="usage",
        title=f"{source} is wrong",
        message="; ".join(shown),
        hint="mend the file; the README of the infra engine lists what is understood",
    )


# ------------------------------------------------------------------------------------------------ settings


def _declared(data: Data) -> set[str]:
    extension = data.get("x-casava")
    parameters = extension.get("parameters") if isinstance(extension, dict) else None
    return {str(name) for name in parameters} if isinstance(parameters, dict) else set()


def _values(data: Data, source: str, settings: Mapping[str, str]) -> Result[Mapping[str, str]]:
    """Defaults of the declared parameters with the settings over them."""
    extension = data.get("x-casava")
    declared = extension.get("parameters") if isinstance(extension, dict) else None
    try:
        parameters = Casava.model_validate({"parameters": declared} if declared else {}).parameters
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        return _wrong(source, [_sentence({**first, "loc": ("x-casava", *first["loc"])})])
    fallbacks = {name: one.fallback() for name, one in parameters.items() if name not in settings}
    values = {name: text for name, text in fallbacks.items() if text is not None} | dict(settings)
    for name, parameter in parameters.items():
        value = values.get(name)
        if parameter.pattern and value is not None:
            try:
                fits = re.fullmatch(parameter.pattern, value)
            except re.error as problem:
                return _wrong(source, [f"x-casava.parameters.{name}.pattern: {problem}"])
            if not fits:
                message = f"{name}={value} does not fit: {parameter.description}"
                return Err(code="usage", title="A setting is wrong", message=message)
    return Ok(value=values)


class _PlaceError(Exception):
    """Something is wrong at a place of the file."""


def _interpolated(value: object, names: Interpolation, place: tuple[str | int, ...]) -> object:
    """The data with every name in a text replaced; keys, and what declares the parameters, stay as they are."""
    if place == ("x-casava", "parameters"):
        return value
    if isinstance(value, dict):
        return {key: _interpolated(inner, names, (*place, str(key))) for key, inner in value.items()}
    if isinstance(value, list):
        return [_interpolated(inner, names, (*place, number)) for number, inner in enumerate(value)]
    if isinstance(value, str) and "$" in value:
        try:
            return names.replaced(value)
        except ValueError as problem:
            raise _PlaceError(f"{where(place)}: {problem}") from None
    return value


# ------------------------------------------------------------------------------------------------ sentences


def where(place: tuple[str | int, ...]) -> str:
    """A place in a file as a person writes it: services.web.ports[0]."""
    out = ""
    for part in place:
        out += f"[{part}]" if isinstance(part, int) else (f".{part}" if out else str(part))
    return out or "the file"


_INTERNAL = re.compile(r"function-|constrained-|literal\[|tagged-|^(str|int|float|tuple|list|dict)\b|\[")


def _sentence(problem: ErrorDetails) -> str:
    """What pydantic found, with its place, in words for the person who wrote the file."""
    place = tuple(part for part in problem["loc"] if isinstance(part, int) or not _INTERNAL.search(part))
    if place and place[-1] == "[key]":
        place = place[:-1]
    kind, given = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        key = str(place[-1])
        why = f"is refused: {REFUSED[key]}" if key in REFUSED else "is not a key that is understood here"
        near = _near(key) if len(place) == 3 and place[0] == "services" else ""
        return f"{where(place)}: `{key}` {why}{near}"
    if kind == "missing":
        return f"{where(place[:-1])}: `{place[-1]}` is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if kind == "model_type":
        message = "a mapping is needed here"
    elif kind == "string_pattern_mismatch":
        message = f"{given!r} is not written as it must be"
    elif kind == "literal_error":
        message = f"{given!r} is not supported here: {problem.get('ctx', {}).get('expected', '')}"
    elif kind.endswith(("_type", "_parsing")):
        message = f"{message[0].lower()}{message[1:]}, not {_short(given)}"
    return f"{where(place)}: {message}"


def _near(key: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, list(Service.model_fields), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
