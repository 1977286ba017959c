"""What the journal and memory have for a request that is about to be compiled: earlier turns, proven plans, commits.

Between the words that point back (`compiler.references`) and the walk: it reads, and says what was found in the person's
words. Nothing here decides that something may happen: a plan from here is judged, shown and approved like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from casava_os.kernel.compiler import references
from casava_os.kernel.compiler.references import Again, Past, Same, Those, Turn, Undo
from casava_os.kernel.events import ChangesetMade, Compiled
from casava_os.kernel.journal import Journal, ProcessRow, Search
from casava_os.kernel.ports import Memory
from casava_syscalls.plan import Plan, describe, parse_plan
from casava_syscalls.results import Ok
from casava_syscalls.shapes import shapes
from casava_syscalls.values import Question

PRIVATE = "private"
"""Kind of the record of a process that memory is not told of."""
MEANT = "meant"
"""Kind of the record with what a request that points back means."""
_SURELY = tuple(
    f"{same} {word}"
    for same in ("same", "same thing", "again", "it", "that", "this")
    for word in ("for", "with", "in", "on", "to", "from", "but for", "but with", "but in", "but on", "but")
)
"""How words end that point back, whatever follows."""
TURNS = 12
"""How many earlier requests are looked at."""
SHOWN = 8
"""How many names a sentence tells."""


@dataclass(frozen=True, slots=True)
class Plainly:
    """A plan is meant that is already there."""

    plan: Plan
    note: str
    meant: str
    """The request without what points back."""


@dataclass(frozen=True, slots=True)
class Instead:
    """A request with a stand-in for names is compiled in its place; where the stand-in stands in the plan, the names are put."""

    requests: tuple[tuple[str, str], ...]
    """(request, stand-in), the best first."""
    names: tuple[str, ...]
    note: str
    unclear: str
    """The question when none of it fits."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """These commits are to be undone, in this order."""

    rows: tuple[ProcessRow, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It must be asked what is meant; `plans` are what the question's choices stand for."""

    question: Question
    plans: tuple[Plan, ...] = ()


Meant = Plainly | Instead | TakeBack | Unclear


def meant(
    text: str,
    *,
    journal: Journal,
    memory: Memory | None,
    pid: int,
    session: int | None,
    workspace: Path,
    shown: str,
    names: Sequence[str],
) -> Meant | None:
    """What a request that points back means; None for one that stands for itself. Reads the journal; may raise `JournalError`.

    `session`: the conversation, None for a request that stands alone; `shown`: the workspace's name in the journal.
    """
    if not references.points_back(text):
        return None
    now = datetime.now()  # noqa: DTZ005 - local time is what people mean
    turns = _turns(journal, session, pid, shown)
    found = references.refer(text, turns, names, workspace, now)
    if found is None:
        return None
    if isinstance(found, Undo):
        return _undo(found, journal, memory, shown, session)
    if isinstance(found, Past):
        return _past(found, journal, memory, shown, now)
    if isinstance(found, Same) and not found.made and not found.word.endswith(_SURELY):
        return None  # "what about the disk" may be a question of its own: the model sees
    if found.turn is None:
        # A word like "it" may mean nothing here: the model asks, where it must.
        return None if isinstance(found, Those) and session is None and not turns else _nothing(found)
    if session is None:
        return _alone(found, now)
    return _in_session(found, found.turn, now)


def _in_session(found: Again | Same | Those, turn: Turn, now: datetime) -> Meant:
    was = f"request {turn.pid} (“{_short(turn.typed)}”)"
    if isinstance(found, Again):
        return Plainly(references.repeated(turn, now), f"“{found.word}” is {was}.", turn.request)
    if isinstance(found, Same):
        question = f"I do not see what of {was} that should be. Say the whole request, please."
        if not found.made:
            return Unclear(Question(text=question))
        if len(found.made) > 1:
            plans = tuple(plan for _, plan in found.made)
            choices = tuple(" → ".join(map(describe, plan.steps)) for plan in plans)
            return Unclear(
                Question(text="That can be meant in more than one way. Which one?", choices=choices), plans
            )
        request, plan = found.made[0]
        return Plainly(plan, f"“{found.word} …” is {was} with something else in it.", request)
    if found.one and len(found.names) > 1:
        which = f"Which one do you mean by “{found.word}”? {was.capitalize()} gave {len(found.names)}."
        return Unclear(Question(text=which, choices=found.names[:9]))
    if len(found.names) > references.MOST_NAMES or not found.requests:
        return Unclear(
            Question(text=f"“{found.word}” would be {_told(found.names)}: say it in other words, please.")
        )
    note = f"“{found.word}”: {_told(found.names)}, from request {turn.pid}."
    unclear = f"I cannot do that with all of {_told(found.names)} at once. Name one of them, please."
    return Instead(found.requests, found.names, note, unclear)


def _alone(found: Again | Same | Those, now: datetime) -> Meant:
    """A request that points back and stands alone: said what it would be, never guessed."""
    turn = found.turn
    assert turn is not None
    how = f"Add --continue to go on from request {turn.pid} (“{_short(turn.typed)}”)."
    text = f"“{found.word}” points at an earlier request, and this one stands alone. {how}"
    if isinstance(found, Again):
        plan = references.repeated(turn, now)
        return Unclear(Question(text=text, choices=(" → ".join(map(describe, plan.steps)),)), (plan,))
    return Unclear(Question(text=text))


def _nothing(found: Again | Same | Those) -> Unclear:
    if isinstance(found, Those):
        what = "no earlier request in this conversation named a file that is still there"
    else:
        what = "no earlier request in this conversation became a plan"
    return Unclear(Question(text=f"I do not know what “{found.word}” is: {what}."))


# ------------------------------------------------------------------------------------------------ the past


def _undo(found: Undo, journal: Journal, memory: Memory | None, shown: str, session: int | None) -> Meant:
    if found.about or found.since is not None:
        rows = _at(journal, shown, found.since, found.until)
        if found.about:
            rows = _about(rows, memory, shown, found)
        committed = [row for row in rows if row.state == "committed"]
    else:
        of_session = journal.session(session) if session is not None else []
        last = next((row for row in of_session if row.state == "committed"), None) or journal.last_committed(
            shown
        )
        committed = [last] if last is not None else []
    if not committed:
        return Unclear(
            Question(
                text=f"I find nothing that “{found.word}” could take back: no request that fits is applied here."
            )
        )
    if found.about and len(committed) > 1:
        choices = tuple(f"casava-os undo {row.pid}: {_short(row.request)}" for row in committed[:9])
        return Unclear(
            Question(text="More than one request fits. Which one should be taken back?", choices=choices)
        )
    told = "; ".join(f"{row.pid} (“{_short(row.request)}”)" for row in committed)
    return TakeBack(tuple(committed), f"“{found.word}” takes back request {told}.")


def _past(found: Past, journal: Journal, memory: Memory | None, shown: str, now: datetime) -> Meant:
    rows = _at(journal, shown, found.since, found.until)
    if found.about:
        rows = _about(rows, memory, shown, found)
    turns: list[Turn] = []
    for row in rows:
        if (
            row.state in ("done", "committed")
            and row.exit_code == 0
            and (turn := _turn(journal, row)) is not None
        ):
            if all(turn.plan.steps != other.plan.steps for other in turns):
                turns.append(turn)
            if len(turns) == 9:
                break
    if not turns:
        return Unclear(Question(text=f"I find no request that “{found.word}” could mean in this folder."))
    if found.since is None and not found.about:
        turns = turns[:1]
    if len(turns) > 1:
        plans = tuple(references.repeated(turn, now) for turn in turns)
        choices = tuple(" → ".join(map(describe, plan.steps)) for plan in plans)
        return Unclear(
            Question(text="More than one request fits. Which one do you mean?", choices=choices), plans
        )
    turn = turns[0]
    return Plainly(
        references.repeated(turn, now),
        f"“{found.word}” is request {turn.pid} (“{_short(turn.typed)}”).",
        turn.request,
    )


def _at(journal: Journal, shown: str, since: float | None, until: float | None) -> list[ProcessRow]:
    found = journal.found(Search(since=since, until=until, workspace=shown), limit=200)
    return [row for row in found if row.workspace == shown]


def _about(rows: list[ProcessRow], memory: Memory | None, shown: str, found: Undo | Past) -> list[ProcessRow]:
    """Those of the rows that are about something: with all its words, else the most alike of memory."""
    words = [
        word for word in found.about.casefold().split() if word not in ("the", "my", "a", "all", "files")
    ]
    having = [
        row for row in rows if words and all(word.rstrip("s") in row.request.casefold() for word in words)
    ]
    if having or memory is None:
        return having
    near = memory.alike(found.about, shown, since=found.since, until=found.until)
    return [row for pid in near for row in rows if row.pid == pid]


# ------------------------------------------------------------------------------------------------ earlier turns


def _turns(journal: Journal, session: int | None, pid: int, shown: str) -> list[Turn]:
    if session is not None:
        rows = journal.session(session, before=pid, limit=TURNS)
    else:
        rows = [row for row in journal.found(Search(workspace=shown), limit=TURNS) if row.pid != pid][:1]
    made = (_turn(journal, row) for row in rows if row.workspace == shown)
    return [turn for turn in made if turn is not None]


def _turn(journal: Journal, row: ProcessRow) -> Turn | None:
    """The turn of a process; None for one that became no plan, or kept to itself."""
    records = journal.records(row.pid)
    if any(record.kind == PRIVATE for record in records):
        return None
    request, plan, names = row.request, None, list[str]()
    changed: list[str] = []
    for record in records:
        if record.kind == MEANT:
            request = str(record.body.get("request") or request)
        elif record.kind == "compiled":
            try:
                parsed = parse_plan(Compiled.model_validate(record.body).plan)
            except ValidationError:
                continue
            plan = parsed.value if isinstance(parsed, Ok) else None
        elif record.kind == "step_finished":
            names = list(_names(record.body.get("value"))) or names
        elif record.kind == "changeset":
            try:
                made = ChangesetMade.model_validate(record.body)
            except ValidationError:
                continue
            changed = [change.path for change in made.changes if change.action != "deleted"]
    if plan is None or references.speaks(plan):
        return None
    given = names or changed or list(_paths(plan))
    at = datetime.fromtimestamp(row.created)  # noqa: DTZ006 - as the person's clock said
    return Turn(row.pid, request, at, plan, tuple(dict.fromkeys(given)), row.request)


def _names(value: object) -> Iterator[str]:
    """Names of files in a value of the journal: "delete those" means none that holds what a search left out."""
    if isinstance(value, dict) and value.get("kind") in ("files", "matches"):
        items = value.get("items")
        for item in items if isinstance(items, list) else ():
            path = item.get("path") if isinstance(item, dict) and not item.get("partial") else None
            if isinstance(path, str) and path:
                yield path


def _paths(plan: Plan) -> Iterator[str]:
    """Names that the plan says itself."""
    for step in plan.steps:
        known = shapes(type(step))
        for field, value in step.model_dump(mode="json", exclude_defaults=True).items():
            if field != "call" and known[field].lexeme == "path":
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, str) and not one.startswith("$") and one != ".":
                        yield one


def record_of(request: str, of: int | None = None) -> str:
    """The body of a record of what a request means."""
    return json.dumps({"request": request, "of": of}, ensure_ascii=False)


def _told(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:SHOWN])
    return f"{len(names)} names ({shown}{', …' if len(names) > SHOWN else ''})"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
