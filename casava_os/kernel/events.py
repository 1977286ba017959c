"""What the kernel tells while it works: typed, versioned events, the same for a terminal, a window and `--json`.

An event is data: `model_dump_json()` of it is one line of NDJSON, and `events_schema()` is the contract of those lines
(pinned by a test). Fields are only ever added within version 1. A request for approval also carries, inside this program,
the future of its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, TypeAdapter
from pydantic.json_schema import JsonSchemaValue

from casava_os.kernel.policy import Allow, Ask, Deny, Verdict
from casava_os.kernel.ports import Change, Changeset
from casava_os.kernel.selection import Selection
from casava_os.kernel.standing import Standing
from casava_syscalls.docstrings import documented
from casava_syscalls.results import Err
from casava_syscalls.values import AnyValue, Question, Refusal

ALWAYS: Final = "always"
"""A yes to this question, and to all of its kind from now on."""

Answer = bool | Selection | Literal["always"] | None
"""What a person can say to a question."""


class BaseEvent(BaseModel):
    """What every event has: the version of this contract and the process it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    v: Literal[1] = 1
    event: str
    pid: int = 0
    """The process; 0 when it failed before it had a number."""


class Started(BaseEvent):
    """A request became a process."""

    event: Literal["started"] = "started"
    request: str
    workspace: str


class PlanStep(BaseModel):
    """One step of a plan, readable and typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    number: int
    line: str
    """One readable line: `file.find extension=tmp`."""
    call: dict[str, JsonValue]
    """The syscall's JSON form, without defaults."""
    effects: tuple[str, ...]


class Compiled(BaseEvent):
    """The request became a plan (or a plan was given: then `model` is empty)."""

    event: Literal["compiled"] = "compiled"
    steps: tuple[PlanStep, ...]
    plan: dict[str, JsonValue]
    """The plan as it stands in a plan file."""
    sha256: str
    """Of the plan's canonical JSON, hexadecimal."""
    confidence: float | None = None
    """0 to 1."""
    model: str = ""
    model_digest: str = ""
    seconds: float = 0.0
    raw: str = ""
    """What the model wrote."""


class Asked(BaseEvent):
    """The outcome is a question back to the person."""

    event: Literal["asked"] = "asked"
    question: Question
    confidence: float | None = None
    plans: tuple[dict[str, JsonValue], ...] = ()
    """The plans that the choices stand for, as they stand in plan files, in the order of the choices; none has run."""


class Refused(BaseEvent):
    """The outcome is a refusal."""

    event: Literal["refused"] = "refused"
    refusal: Refusal


class Judged(BaseEvent):
    """Policy's verdict on one step."""

    event: Literal["verdict"] = "verdict"
    step: int
    verdict: Verdict


class ApprovalNeeded(BaseEvent):
    """The person is asked, once: for effects that no layer holds, before they happen; or for a changeset, before it lands.

    Answer with `answer(…)` from the loop that runs the kernel: True lands it, False throws it away, None holds it; of a
    changeset, a `Selection` lands a part of it and holds the rest, and `ALWAYS` lands it and saves the rule `always`. When
    nobody will (`RunOptions.interactive` is false) the event is not sent: the process is held instead.
    """

    event: Literal["approval_needed"] = "approval_needed"
    kind: Literal["effects", "changeset"]
    question: str
    """One sentence."""
    reasons: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    """The exact calls, one readable line each."""
    meaning: tuple[str, ...] = ()
    """What each of the calls will do: a sentence, and below it a line for each thing; empty where the call itself says enough."""
    changeset: Changeset | None = None
    diff: str = ""
    sha256: str
    """What is approved: of the plan for effects, of the changeset for a changeset."""
    always: Standing | None = None
    """The standing rule that would spare this question from now on; None where there may be none."""

    _answer: asyncio.Future[Answer] | None = PrivateAttr(default=None)

    def expect(self) -> None:
        """Makes the future of the answer; called by the kernel."""
        self._answer = asyncio.get_running_loop().create_future()

    def answer(self, yes: Answer) -> None:
        """Gives the person's answer; only the first one counts. One that is not offered is a `ValueError`."""
        if (isinstance(yes, Selection) and self.changeset is None) or (yes == ALWAYS and self.always is None):
            raise ValueError(f"{yes!r} is no answer to this question")
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(yes)

    def when_answered(self, call: Callable[[], None]) -> None:
        """Has `call` called, in the loop, once there is an answer."""
        if self._answer is not None:
            self._answer.add_done_callback(lambda _: call())

    async def answered(self) -> Answer:
        """Waits for the answer; an event that came from a file has none and is held."""
        return await self._answer if self._answer is not None else None


class SandboxReady(BaseEvent):
    """A sandbox runs; `verified` is what protection is in force, as read back."""

    event: Literal["sandbox"] = "sandbox"
    driver: str
    verified: dict[str, str]
    warnings: tuple[str, ...] = ()


class StepStarted(BaseEvent):
    """A syscall begins."""

    event: Literal["step_started"] = "step_started"
    step: int
    line: str


class Output(BaseEvent):
    """A program printed something."""

    event: Literal["output"] = "output"
    step: int
    stream: Literal["stdout", "stderr"]
    text: str


class StepFinished(BaseEvent):
    """A syscall gave its value or its failure: exactly one of them is set."""

    event: Literal["step_finished"] = "step_finished"
    step: int
    value: AnyValue | None = None
    err: Err | None = None
    seconds: float = 0.0


class StepSkipped(BaseEvent):
    """A step was not performed, because an earlier one that it depends on was not done."""

    event: Literal["step_skipped"] = "step_skipped"
    step: int
    because: int
    """The earlier step."""


class ChangesetMade(BaseEvent):
    """What would change in the workspace."""

    event: Literal["changeset"] = "changeset"
    changes: tuple[Change, ...]
    summary: str
    diff: str
    digest: str
    """sha256 of the changeset's canonical JSON, hexadecimal."""
    calls: tuple[str, ...] = ()
    """Names of the syscalls that may have made it."""


class Conflicted(BaseEvent):
    """The workspace has moved on, or a part of the changeset can never land: nothing of it did, and it is kept."""

    event: Literal["conflict"] = "conflict"
    paths: tuple[str, ...]
    """Every file that changed in the workspace since the layer was taken and that the changeset touches."""
    refused: tuple[str, ...] = ()
    """What no layer can land, a sentence each: FIFOs, sockets, devices, mounts."""
    lands: tuple[str, ...] = ()
    """What is not concerned and may land all the same, by path."""
    stays: tuple[str, ...] = ()
    """What would stay held then, by path."""
    merge: str = ""
    """The command that lands it; empty when there is nothing to land."""


class Committed(BaseEvent):
    """The changeset landed, exactly as shown."""

    event: Literal["committed"] = "committed"
    summary: str
    digest: str
    undo: str
    """The command that takes it back."""
    rest: int = 0
    """The process that holds what was left out; 0 when all of it landed."""
    rest_summary: str = ""


class Held(BaseEvent):
    """The changeset waits in its layer."""

    event: Literal["held"] = "held"
    reason: str
    commit: str
    """The command that lands it."""
    discard: str
    """The command that throws it away."""


class Discarded(BaseEvent):
    """The layer was thrown away; the workspace is as it was."""

    event: Literal["discarded"] = "discarded"
    reason: str


class Undone(BaseEvent):
    """A commit was taken back; `changes` are those that did it."""

    event: Literal["undone"] = "undone"
    changes: tuple[Change, ...]
    summary: str


class Replayed(BaseEvent):
    """A past plan ran again: whether it changed what it changed then."""

    event: Literal["replayed"] = "replayed"
    of: int
    """The process whose plan it is."""
    same: bool
    differing: tuple[str, ...] = ()
    """Paths whose change is another one now, was not there then, or is missing now."""


class Progress(BaseEvent):
    """Something takes longer than a second and is still being worked at. Sent each second, and not recorded."""

    event: Literal["progress"] = "progress"
    doing: str
    """What, in a few words."""
    seconds: float
    """Since it began."""
    share: float | None = None
    """How much of it is done, 0 to 1; None where that is not known."""


class Note(BaseEvent):
    """One sentence the person should know, that is no failure."""

    event: Literal["note"] = "note"
    text: str


class Failed(BaseEvent):
    """Why the process stopped."""

    event: Literal["failed"] = "failed"
    err: Err


class Finished(BaseEvent):
    """The last event of every process."""

    event: Literal["finished"] = "finished"
    exit_code: int
    state: str
    """The process's last state: done, held, committed, discarded, undone, failed or cancelled."""
    value: AnyValue | None = None
    """The result: the value of the last step, or the question or refusal."""
    timings: dict[str, float] = Field(default_factory=dict)
    """Seconds by part: model, compile, sandbox, steps, changeset, commit, total."""


Event = Annotated[
    Started
    | Compiled
    | Asked
    | Refused
    | Judged
    | ApprovalNeeded
    | SandboxReady
    | StepStarted
    | Output
    | StepFinished
    | StepSkipped
    | ChangesetMade
    | Conflicted
    | Committed
    | Held
    | Discarded
    | Undone
    | Replayed
    | Progress
    | Note
    | Failed
    | Finished,
    Field(discriminator="event"),
]
"""Any event."""


def events_schema() -> JsonSchemaValue:
    """JSON Schema (2020-12) of one line of `--json`."""
    found = TypeAdapter[BaseEvent](Event).json_schema(mode="serialization")
    schema = documented(found, (*BaseEvent.__subclasses__(), PlanStep, Allow, Ask, Deny))
    title = "Casava OS event, version 1: one line of `casava-os run --json`"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
