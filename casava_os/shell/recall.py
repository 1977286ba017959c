"""Blocks of earlier sessions, made again from the journal: the events of a process as far as they were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from casava_os.kernel.events import (
    ApprovalNeeded,
    Asked,
    BaseEvent,
    Compiled,
    Event,
    Failed,
    Finished,
    Refused,
    StepFinished,
)
from casava_os.kernel.journal import Journal, ProcessRow, Record, guarded
from casava_os.kernel.owners import alive
from casava_os.kernel.process import UNDER_WAY
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.block import Past
from casava_syscalls.results import Err
from casava_syscalls.values import AnyValue, Text

_EVENTS: TypeAdapter[BaseEvent] = TypeAdapter(Event)


def past_of(journal: Journal, pid: int, marks: Marks, told_before: set[str]) -> Past | None:
    """What the block of a process is made again from; None when the journal does not know it."""
    row = guarded(lambda: journal.process(pid))
    records = guarded(lambda: journal.records(pid))
    if isinstance(row, Err) or isinstance(records, Err) or isinstance(row.value, Err):
        return None
    known = row.value.value
    events = tuple(events_of(known, records.value))
    return Past(_typed(known.request, events), Path(known.workspace), marks, told_before, events, None, pid)


def _typed(request: str, events: tuple[BaseEvent, ...]) -> str:
    """What the person typed: a program that they ran is in the journal as its call."""
    plan = next((event for event in events if isinstance(event, Compiled)), None)
    if plan is None or plan.model or len(plan.steps) != 1:
        return request
    match plan.steps[0].call:
        case {"call": "process.run", "command": str(command)} | {
            "call": "process.run",
            "script": str(command),
        }:
            return f"!{command}"
    return request


def events_of(row: ProcessRow, records: list[Record]) -> Iterator[BaseEvent]:
    """The events that tell a process as it stands now: what was recorded, its value put back, one end."""
    end: Finished | None = None
    value: AnyValue | None = None
    for record in records:
        event = _event(record)
        if isinstance(event, Finished):
            end = event
            continue
        if event is None or isinstance(event, ApprovalNeeded):
            continue
        match event:
            case StepFinished():
                value = event.value
            case Asked():
                value = event.question
            case Refused():
                value = event.refusal
        yield event
    if row.state in UNDER_WAY or row.state == "committing":
        yield from _unfinished(row)
    elif end is not None and end.state == row.state:
        yield end.model_copy(update={"value": value})
    else:
        yield Finished(pid=row.pid, exit_code=row.exit_code or 0, state=row.state, value=value)


def _unfinished(row: ProcessRow) -> Iterator[BaseEvent]:
    """Of a process that is not over: another shell runs it, or it ended with the one that did."""
    if alive(row.owner, row.born):
        sentence = f"another casava-os works on it (process {row.owner} of this machine)"
        yield Failed(pid=row.pid, err=Err(code="interrupted", title="Elsewhere", message=sentence))
        yield Finished(pid=row.pid, exit_code=0, state="running")
    else:
        sentence = "the shell that ran it was ended; nothing was changed"
        yield Failed(pid=row.pid, err=Err(code="interrupted", title="Ended", message=sentence))
        yield Finished(pid=row.pid, exit_code=130, state="cancelled")


def _event(record: Record) -> BaseEvent | None:
    """The event of a record; None for a record that is none, or that a later version wrote."""
    body: dict[str, JsonValue] = {**record.body, "event": record.kind, "pid": record.pid}
    if isinstance(value := body.get("value"), dict) and "begins" in value:
        left = f"\n… {value.get('characters')} characters in all; the rest was not recorded"
        body["value"] = Text(text=f"{value['begins']}{left}").model_dump(mode="json")
    try:
        return _EVENTS.validate_python(body)
    except ValidationError:
        return None


Recall = Callable[[int], Past | None]
"""Makes what the block of a process is made again from."""
