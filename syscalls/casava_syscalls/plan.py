"""The plan: the typed program compiled from a request, and its type check."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from casava_syscalls.base import AnyCall, Effect
from casava_syscalls.refs import Ref
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.shapes import shapes
from casava_syscalls.values import Text, Value

MAX_STEPS = 32


def _parse_step(value: object) -> object:
    if not isinstance(value, dict):
        return value
    syscall = SYSCALLS.get(str(value.get("call")))
    if syscall is None:
        raise ValueError(f"there is no syscall {value.get('call')!r}")
    return syscall.model_validate(value)


Step = Annotated[SerializeAsAny[AnyCall], BeforeValidator(_parse_step)]


class Plan(BaseModel):
    """Steps in order, each one syscall; a step may refer to the result of an earlier one.

    Validation is the type check: a reference to a later step, or to a result of the wrong type, is an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    request: str = ""
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MAX_STEPS)
    reads_stdin: bool = False
    """Whether standard input was piped to the request, so that `$0` may be used."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[str] = set()
        for number, step in enumerate(self.steps, 1):
            for field, ref in references(step):
                if ref.step >= number:
                    raise ValueError(
                        f"step {number} ({step.call}): {field} refers to {ref}, which is not an earlier step"
                    )
                if ref.step == 0 and not self.reads_stdin:
                    raise ValueError(
                        f"step {number} ({step.call}): {field} refers to $0, but no standard input was piped"
                    )
                given = Text if ref.step == 0 else self.steps[ref.step - 1].result_type()
                wanted = shapes(type(step))[field].refs
                if not issubclass(given, wanted):
                    names = " or ".join(sorted(kind.__name__ for kind in wanted))
                    raise ValueError(  # noqa: TRY004 - pydantic collects ValueErrors
                        f"step {number} ({step.call}): {field} takes {names}, but {ref} gives {given.__name__}"
                    )
            text = step.model_dump_json()
            if text in seen and Effect.EXECUTE not in step.effect:
                raise ValueError(f"step {number} ({step.call}) repeats an earlier step")
            seen.add(text)
        if len(self.steps) > 1 and any(step.call in ("ask", "refuse") for step in self.steps):
            raise ValueError("a question or a refusal stands alone")
        return self

    @property
    def effect(self) -> Effect:
        """All that the plan may do."""
        total = Effect.NONE
        for step in self.steps:
            total |= step.effect
        return total

    def canonical(self) -> str:
        """The plan's JSON text with sorted keys and without defaults: what `sha256` is taken of."""
        data = {
            "version": self.version,
            "request": self.request,
            "reads_stdin": self.reads_stdin,
            "steps": [
                {"call": s.call, **s.model_dump(mode="json", exclude_defaults=True)} for s in self.steps
            ],
        }
        return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def sha256(self) -> str:
        """Hexadecimal sha256 of `canonical()`."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def references(step: AnyCall) -> Iterator[tuple[str, Ref]]:
    """Fields of a step that refer to earlier steps."""
    for field in type(step).model_fields:
        value = getattr(step, field)
        if isinstance(value, Ref):
            yield field, value


def describe(step: AnyCall) -> str:
    """One readable line: `file.find extension=tmp older_than=604800`."""
    parts = [step.call]
    for field, value in step.model_dump(mode="json", exclude_defaults=True).items():
        if field == "call":
            continue
        items = getattr(step, field)
        if isinstance(value, dict):
            shown = ", ".join(f"{name}={item}" for name, item in value.items())
        elif isinstance(value, list):
            # What has a short form of its own (a port, a mount) is told in that.
            shown = ", ".join(str(item) for item in (items if isinstance(items, tuple) else value))
        else:
            shown = str(value)
        parts.append(f"{field}={shown if shown.isprintable() else repr(shown)}")
    return " ".join(parts)


def _first_problem(problem: ValidationError) -> tuple[str, str]:
    """(error type, one sentence a person can read) of what pydantic found."""
    found = problem.errors(include_url=False)
    # Of a field that takes a path or a reference, the complaint about the path is the one that helps.
    first = next((e for e in found if "a step reference is written" not in e["msg"]), found[0])
    where = ".".join(
        str(part)
        for part in first["loc"]
        if part not in SYSCALLS and not re.match(r"function-|tuple\[|\d", str(part))
    )
    message = first["msg"].removeprefix("Value error, ")
    return first["type"], f"{where}: {message}" if where else message


def parse_call(data: object) -> Result[AnyCall]:
    """A syscall from its JSON form."""
    if not isinstance(data, dict) or not isinstance(data.get("call"), str):
        return Err(
            code="usage", title="Not a syscall", message="a syscall is an object with the field `call`"
        )
    name = data["call"]
    if name not in SYSCALLS:
        family = name.partition(".")[0]
        near = [known for known in SYSCALLS if known.startswith(family + ".")]
        return Err(
            code="usage",
            title=f"There is no syscall {name!r}",
            message=f"the family has {', '.join(near)}" if near else "the ABI has no such family",
            hint="`casava-os call --list` shows all of them",
        )
    try:
        return Ok(value=SYSCALLS[name].model_validate(data))
    except ValidationError as problem:
        kind, message = _first_problem(problem)
        if kind == "outside_workspace":
            hint = "start with --workspace in the directory that holds it"
            return Err(
                code="outside-workspace", title="That lies outside the workspace", message=message, hint=hint
            )
        title, hint = f"{name} cannot be called like that", f"see `casava-os call {name} --help`"
        return Err(code="usage", title=title, message=message, hint=hint)


def parse_plan(data: object) -> Result[Plan]:
    """A plan from its JSON form: parsed and type-checked."""
    if not isinstance(data, dict):
        return Err(
            code="usage", title="Not a plan", message="a plan is a JSON object with `version` and `steps`"
        )
    steps = data.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list | tuple) else (), 1):
        parsed = parse_call(step)
        if isinstance(parsed, Err):
            return parsed.model_copy(update={"message": f"step {number}: {parsed.message}"})
    try:
        return Ok(value=Plan.model_validate(data))
    except ValidationError as problem:
        return Err(code="type", title="The plan does not type-check", message=_first_problem(problem)[1])


def value_type(call: str) -> type[Value]:
    """The type of value that the named syscall gives."""
    return SYSCALLS[call].result_type()
