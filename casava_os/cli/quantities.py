"""`--timeout` and `--budget`: numbers with units, read as the ABI reads them."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from casava_os.kernel.dispatch import Budget
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.scalars import ByteSize, Count, Duration


def seconds_of(text: str) -> Result[float]:
    """Seconds from "90", "0.5", "2 min". `Err("usage")` for anything else, and for zero."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = TypeAdapter[int](Duration).validate_python(text)
        except ValidationError as problem:
            return _wrong(f"{text!r} is no time", problem)
    if not (isfinite(seconds) and seconds > 0):
        return Err(code="usage", title=f"{text!r} is no time", message="it must be more than zero")
    return Ok(value=seconds)


_REPAIRS: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, le=10)])


def budget_of(text: str, budget: Budget) -> Result[Budget]:
    """The budget with some of its parts changed: "seconds=60,steps=10,output_bytes=1MB"."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        name = name.strip()
        try:
            if name in ("seconds", "step_seconds") and equals:
                read = seconds_of(value.strip())
                if isinstance(read, Err):
                    return read
                seconds = read.value
                budget = (
                    replace(budget, seconds=seconds)
                    if name == "seconds"
                    else replace(budget, step_seconds=seconds)
                )
            elif name == "steps" and equals:
                budget = replace(budget, steps=TypeAdapter[int](Count).validate_python(value))
            elif name == "repairs" and equals:
                budget = replace(budget, repairs=_REPAIRS.validate_python(value))
            elif name == "output_bytes" and equals:
                budget = replace(budget, output_bytes=TypeAdapter[int](ByteSize).validate_python(value))
            else:
                known = "seconds=…, step_seconds=…, steps=…, repairs=…, output_bytes=…"
                return Err(code="usage", title=f"{part!r} is no part of a budget", message=f"it has {known}")
        except ValidationError as problem:
            return _wrong(f"The budget's {name} is wrong", problem)
    return Ok(value=budget)


def _wrong(title: str, problem: ValidationError) -> Err:
    message = problem.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
    return Err(code="usage", title=title, message=message)
