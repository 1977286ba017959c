"""What of a process is remembered, made from its records in the journal.

The same function serves a process that has just ended and a store that is made again after it was lost, so both hold the
same. A process that ran in private, or was forgotten, says so in its records. Contents of files and outputs of programs do
not come in at all; names of changed files do, as data, and nothing but what the person typed is ever proposed as a plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import JsonValue, ValidationError

from casava_os.kernel.compiler import alike
from casava_os.kernel.events import ChangesetMade, Compiled
from casava_os.kernel.journal import Journal, ProcessRow, Record
from casava_os.kernel.process import UNDER_WAY
from casava_os.kernel.recalling import MEANT, PRIVATE
from casava_os.kernel.taint import taint
from casava_os.memory.ports import Entry
from casava_os.memory.secrets import of_mapping, redact
from casava_syscalls.memory import Remember
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err, Ok

FORGOTTEN = "forgotten"
"""Kind of a record that names entries (ids, no text) that the person had forgotten."""
PATHS = 40
"""Names of changed files that an episode keeps."""


def entries_of(journal: Journal, pid: int) -> list[Entry]:
    """What is remembered of a process: its episode, its plan where it is proven, the facts it was told. Raises `JournalError`."""
    row = journal.process(pid)
    if isinstance(row, Err) or row.value.state in UNDER_WAY:
        return []
    records = journal.records(pid)
    if any(record.kind == PRIVATE for record in records):
        return []
    gone = {
        str(one) for record in records if record.kind == FORGOTTEN for one in _list(record.body.get("ids"))
    }
    return [entry for entry in _entries(row.value, records) if entry.id not in gone]


def _entries(row: ProcessRow, records: list[Record]) -> Iterator[Entry]:
    compiled = _compiled(records)
    plan = _plan(compiled)
    if plan is not None and all(step.family() == "memory" for step in plan.steps):
        yield from _facts(row, records, plan)
        return
    if plan is not None:
        yield from _facts(row, records, plan)
    by_program = compiled is None and any(record.kind == "step_started" for record in records)
    reasons = taint(plan) if plan is not None else {}
    payload: dict[str, JsonValue] = {"state": row.state, "exit_code": row.exit_code, **_what_came(records)}
    if compiled is not None and plan is not None:
        payload |= {"lines": [step.line for step in compiled.steps], "plan": compiled.plan}
    yield Entry(
        id=f"e{row.pid}",
        collection="episodes",
        text=redact(row.request),
        workspace=row.workspace,
        time=row.created,
        pid=row.pid,
        provenance="program" if by_program else "person",
        tainted=by_program or bool(reasons),
        payload=of_mapping(payload),
    )
    if any(record.kind == MEANT for record in records):
        return  # its words say nothing without those before them
    if compiled is None or plan is None or reasons or not _proven(row, records, compiled):
        return
    pattern = alike.pattern(row.request, plan, datetime.fromtimestamp(row.created))  # noqa: DTZ006 - as the person's clock said
    if pattern is not None and redact(row.request) == row.request:
        yield Entry(
            id=f"p{row.pid}",
            collection="plans",
            text=row.request,
            workspace=row.workspace,
            time=row.created,
            pid=row.pid,
            provenance="person",
            payload={"plan": compiled.plan, "model": compiled.model, **pattern.payload()},
        )


def _proven(row: ProcessRow, records: list[Record], compiled: Compiled) -> bool:
    """Whether the plan did, from one end to the other, what the person wanted and approved."""
    if not compiled.model or row.exit_code != 0 or row.state not in ("done", "committed"):
        return False
    kinds = [record.kind for record in records]
    told = kinds.count("compiled") == 1 and "failed" not in kinds and "step_skipped" not in kinds
    began, ended = kinds.count("step_started"), kinds.count("step_finished")
    dropped = "discarded" in kinds  # a dry run, or a person who said no
    return told and began == ended == len(compiled.steps) and not dropped


def _facts(row: ProcessRow, records: list[Record], plan: Plan) -> Iterator[Entry]:
    done = {
        record.body.get("step")
        for record in records
        if record.kind == "step_finished" and record.body.get("err") is None
    }
    for number, step in enumerate(plan.steps, 1):
        if isinstance(step, Remember) and number in done:
            yield fact(row, number, step.text)


def fact(row: ProcessRow, number: int, text: str) -> Entry:
    """What the person told to remember, in a step of a process."""
    return Entry(
        id=f"f{row.pid}" if number == 1 else f"f{row.pid}.{number}",
        collection="facts",
        text=redact(text),
        workspace=row.workspace,
        time=row.created,
        pid=row.pid,
        provenance="person",
        source=redact(row.request) if not row.request.startswith("memory.remember") else "",
    )


def _what_came(records: list[Record]) -> dict[str, JsonValue]:
    """Of its failure or question, the title; of its changeset, the summary and names."""
    came: dict[str, JsonValue] = {}
    for record in records:
        if record.kind == "failed" and isinstance(err := record.body.get("err"), dict):
            came["failed"] = str(err.get("title", ""))
        if record.kind == "asked":
            came["asked"] = True
        if record.kind == "refused":
            came["refused"] = True
        if record.kind == "changeset":
            try:
                made = ChangesetMade.model_validate(record.body)
            except ValidationError:
                continue
            came["changes"] = made.summary
            came["paths"] = [change.path for change in made.changes[:PATHS]]
    return came


def _compiled(records: list[Record]) -> Compiled | None:
    for record in reversed(records):
        if record.kind == "compiled":
            try:
                return Compiled.model_validate(record.body)
            except ValidationError:  # of another version
                return None
    return None


def _plan(compiled: Compiled | None) -> Plan | None:
    parsed = parse_plan(compiled.plan) if compiled is not None else None
    return parsed.value if isinstance(parsed, Ok) else None


def _list(value: JsonValue | None) -> list[JsonValue]:
    return value if isinstance(value, list) else []
