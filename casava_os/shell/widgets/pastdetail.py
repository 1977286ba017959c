"""All that the journal has of one process: asked, planned, allowed, done, landed, and how long each part took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from casava_os.kernel.events import (
    Asked,
    BaseEvent,
    ChangesetMade,
    Committed,
    Compiled,
    Discarded,
    Failed,
    Held,
    Judged,
    Note,
    Refused,
    SandboxReady,
    StepFinished,
    StepSkipped,
    Undone,
)
from casava_os.kernel.journal import ProcessRow, Record
from casava_os.shell.marks import Marks
from casava_os.shell.recall import events_of
from casava_os.shell.standing import clock_text, state_parts
from casava_os.shell.widgets.changes import DiffView, change_content
from casava_os.shell.widgets.plan import EFFECT_STYLES
from casava_os.shell.widgets.told import error_content
from casava_os.shell.widgets.values import value_content
from casava_os.shell.wording import home_path, seconds_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import fs_path
from casava_syscalls.results import Err
from casava_syscalls.values import Question, Refusal

VALUE_ROWS = 12
"""Rows of each step's value; O in the conversation shows all of it."""
MOST_CHANGES = 200
"""Changes that are listed; the diff has all."""

Part = str | Content | tuple[str, str]


@dataclass(frozen=True, slots=True)
class PastProcess:
    """A process of the journal, as it can be shown."""

    row: ProcessRow
    events: tuple[BaseEvent, ...]
    seconds: Mapping[str, float]
    """Of each part of the walk, later commands on the process included."""

    @classmethod
    def read(cls, row: ProcessRow, records: list[Record]) -> PastProcess:
        """From its row and its records."""
        seconds: dict[str, float] = {}
        for record in records:
            timings = record.body.get("timings") if record.kind == "finished" else None
            for part, spent in timings.items() if isinstance(timings, dict) else ():
                if isinstance(spent, int | float):
                    seconds[part] = seconds.get(part, 0.0) + spent
        if "total" in seconds:
            seconds["total"] = seconds.pop("total")
        return cls(row, tuple(events_of(row, records)), seconds)

    @property
    def changes(self) -> ChangesetMade | None:
        """What it would change or changed, as it was shown last."""
        made = [event for event in self.events if isinstance(event, ChangesetMade)]
        return made[-1] if made else None


class PastDetail(VerticalScroll, can_focus=True):
    """One process, from the request to the diff."""

    def __init__(self, marks: Marks, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._marks = marks
        self.shown: PastProcess | None = None
        self._asked = 0

    async def show(self, past: PastProcess | Err | None) -> None:
        """Shows this one, or why it cannot be read; of two at once the one that was asked for last."""
        self.shown = past if isinstance(past, PastProcess) else None
        self._asked += 1
        asked = self._asked
        await self.remove_children()
        if asked == self._asked:
            await self.mount(*self._parts(past))
            self.scroll_home(animate=False)

    def _parts(self, past: PastProcess | Err | None) -> Iterator[Widget]:
        if isinstance(past, Err):
            yield Static(error_content(past, self._marks))
        elif past is not None:
            yield Static(detail_content(past, self._marks))
            made = past.changes
            if made is not None and made.diff:
                diff = DiffView(visible(made.diff, keep="\n\t"))
                diff.styles.height = diff.length + 1
                diff.can_focus = False
                yield Static(Content.styled("Diff", "bold"))
                yield diff


def detail_content(past: PastProcess, marks: Marks) -> Content:
    """Everything but the diff."""
    parts: list[Part] = []
    for section in (
        _head(past),
        _plan(past),
        _done(past, marks),
        _rest(past, marks),
        _times(past),
        _digests(past),
    ):
        lines = list(section)
        if lines:
            parts += [*lines, "\n\n"]
    return Content.assemble(*parts, strip_control_codes=False).rstrip() + Content("\n")


def _head(past: PastProcess) -> Iterator[Part]:
    row = past.row
    state, known = state_parts(row.state, row.exit_code)
    colour = known or "foreground"
    yield (f"{row.pid}  ", "$text-muted")
    yield (state, f"bold $text-{colour}" if colour != "foreground" else "bold")
    if row.exit_code:
        yield (f"  exit code {row.exit_code}", "$text-muted")
    yield (f"\n{visible(row.request, keep=chr(10))}", "bold")
    facts = [clock_text(row.created, time.time()), home_path(visible(row.workspace))]
    if row.priority != "normal":
        facts.append(f"{row.priority} priority")
    if row.tokens:
        facts.append(f"{row.tokens:,} tokens")
    yield (f"\n{'   '.join(facts)}", "$text-muted")


def _plan(past: PastProcess) -> Iterator[Part]:
    """Each plan that was made, with the verdicts on its steps."""
    compiled: Compiled | None = None
    verdicts: dict[int, Judged] = {}
    first = True
    for event in (*past.events, None):
        if isinstance(event, Compiled) or event is None:
            if compiled is not None:
                yield "" if first else "\n\n"
                yield from _one_plan(compiled, verdicts)
                first = False
            compiled, verdicts = event, {}
        elif isinstance(event, Judged):
            verdicts[event.step] = event


def _one_plan(compiled: Compiled, verdicts: dict[int, Judged]) -> Iterator[Part]:
    said: set[str] = set()
    yield ("Plan", "bold")
    if compiled.model:
        sure = "" if compiled.confidence is None else f", {compiled.confidence:.0%} sure"
        yield (f"  {visible(compiled.model)}{sure}, {seconds_text(compiled.seconds)}", "$text-muted")
    for step in compiled.steps:
        yield f"\n  {step.number} {visible(step.line)}"
        for effect in step.effects:
            yield " "
            yield (f"[{effect}]", EFFECT_STYLES.get(effect, "bold $text-error"))
        if (judged := verdicts.get(step.number)) is not None:
            verdict = judged.verdict
            colour = {"allow": "success", "ask": "warning", "deny": "error"}[verdict.decision]
            reason = f": {visible(verdict.reason)}" if verdict.reason and verdict.reason not in said else ""
            said.add(verdict.reason)
            yield (f"  {verdict.decision}{reason}", f"$text-{colour}")


def _done(past: PastProcess, marks: Marks) -> Iterator[Part]:
    """What each syscall gave."""
    steps = [event for event in past.events if isinstance(event, StepFinished | StepSkipped)]
    sandbox = [event for event in past.events if isinstance(event, SandboxReady)]
    if not steps:
        return
    yield ("Done", "bold")
    if sandbox:
        yield (f"  in {sandbox[-1].driver}", "$text-muted")
    workspace = Path(fs_path(past.row.workspace))
    for step in steps:
        if isinstance(step, StepSkipped):
            yield (
                f"\n  {marks.skipped} {step.step} skipped: step {step.because} was not done",
                "$text-muted",
            )
            continue
        sign = (
            (f"\n  {marks.done} ", "$text-success")
            if step.err is None
            else (f"\n  {marks.failed} ", "$text-error")
        )
        yield sign
        yield f"{step.step}"
        yield (f"  {seconds_text(step.seconds)}", "$text-muted")
        if step.err is not None:
            yield from _indented(error_content(step.err, marks), "")
        elif step.value is not None:
            content, left = value_content(step.value, workspace, rows=VALUE_ROWS)
            if content.plain:
                yield from _indented(content, f"{marks.more} {left:,} more" if left else "")


def _indented(content: Content, more: str) -> Iterator[Part]:
    for line in content.split("\n", allow_blank=True):
        yield "\n      "
        yield line
    if more:
        yield (f"\n      {more}", "$text-muted")


def _rest(past: PastProcess, marks: Marks) -> Iterator[Part]:
    """What became of it, in the order it was told."""
    first = True
    told: dict[str, None] = {}
    for event in past.events:
        said = _sentence(event, marks)
        if said is None or said.plain in told:
            continue
        told[said.plain] = None
        yield "" if first else "\n"
        yield said
        first = False
    made = past.changes
    if made is not None:
        yield "" if first else "\n"
        yield (f"Changes  {visible(made.summary)}", "bold")
        for change in made.changes[:MOST_CHANGES]:
            yield "\n  "
            yield change_content(change)
        if (more := len(made.changes) - MOST_CHANGES) > 0:
            yield (f"\n  {marks.more} {more:,} more", "$text-muted")


def _sentence(event: BaseEvent, marks: Marks) -> Content | None:
    """What an event says in one line or a few; None for one that stands elsewhere."""
    match event:
        case Note():
            return Content.styled(visible(event.text), "$text-muted")
        case Failed():
            return error_content(event.err, marks)
        case Asked():
            return _answer(event.question)
        case Refused():
            return _answer(event.refusal)
        case Held():
            return Content.styled(f"{marks.waits} held: {visible(event.reason)}", "$text-warning")
        case Committed():
            return Content.styled(f"{marks.done} applied: {visible(event.summary)}", "$text-success")
        case Discarded():
            return Content.styled(f"{marks.skipped} discarded: {visible(event.reason)}", "$text-muted")
        case Undone():
            return Content.styled(f"{marks.undone} undone: {visible(event.summary)}", "$text-success")
    return None


def _answer(value: Question | Refusal) -> Content:
    return value_content(value, Path())[0]


def _times(past: PastProcess) -> Iterator[Part]:
    if past.seconds:
        parts = [f"{part} {seconds_text(seconds)}" for part, seconds in past.seconds.items()]
        yield ("Time", "bold")
        yield (f"  {visible(', '.join(parts))}", "$text-muted")


def _digests(past: PastProcess) -> Iterator[Part]:
    """What a script names a plan or a changeset by, and the model that made the plan."""
    named: dict[str, None] = {}
    for event in past.events:
        if isinstance(event, Compiled):
            if event.model_digest:
                named[f"model      {event.model_digest}"] = None
            named[f"plan       {event.sha256}"] = None
        elif isinstance(event, ChangesetMade):
            named[f"changeset  {event.digest}"] = None
    if named:
        yield ("sha256", "bold")
        for line in named:
            yield (f"\n  {line}", "$text-muted")
