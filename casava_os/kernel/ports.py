"""The Protocols through which the kernel sees concrete parts, and the plain data that crosses them.

The kernel imports no driver, model or store: `boot` picks them and hands them in. Whatever implements one of these
Protocols passes the contract tests of its kind (`tests/contracts/`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict

from casava_syscalls.base import AnyCall
from casava_syscalls.results import Err, Result
from casava_syscalls.values import Value

Priority = Literal["low", "normal", "high"]
"""How a process stands to the others: at the kernel model, and at the processors."""

PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high")
"""From the one that waits for all others up."""


def ordinary() -> Priority:
    """The priority of what nobody said anything about."""
    return "normal"


# ---------------------------------------------------------------------------------------------- sandbox


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sandbox may use. Sizes in bytes, times in seconds."""

    step_seconds: float = 120.0
    """Longest one syscall may run."""
    output_bytes: int = 8 * 2**20
    """Most output (stdout + stderr) kept from one program; the rest is counted and dropped."""
    memory_bytes: int = 2 * 2**30
    pids: int = 256
    cpus: float = 2.0
    tmpfs_bytes: int = 256 * 2**20
    """Size of the sandbox's private /tmp."""
    file_bytes: int = 16 * 2**30
    """Largest file a program may write (`RLIMIT_FSIZE`)."""


@dataclass(frozen=True, slots=True)
class LayerPaths:
    """Where a process's layer lies on the host.

    `upper` and `work` are the overlay's directories; `scratch` holds spilled results and the piped standard input
    (file `stdin`), and is not part of the workspace.
    """

    pid: int
    workspace: Path
    upper: Path
    work: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """What protection is really in force, as read back from the running sandbox."""

    driver: Literal["docker", "bubblewrap", "ram"]
    verified: Mapping[str, str] = field(default_factory=dict)
    """Each promise by name ("network": "none", "memory_bytes": "2147483648"), as read back."""
    warnings: tuple[str, ...] = ()
    """Promises that this host cannot keep, each a sentence."""


OutputSink = Callable[[Literal["stdout", "stderr"], bytes], None]
"""Receives a program's output as it comes."""


class SandboxSession(Protocol):
    """One running sandbox with its agent, over one layer."""

    @property
    def info(self) -> SandboxInfo: ...

    async def perform(
        self,
        step: int,
        call: Mapping[str, object],
        *,
        on_output: OutputSink | None = None,
        seconds: float | None = None,
    ) -> Result[Value]:
        """Performs one syscall (its JSON form; references "$N" are resolved by the agent) and keeps its value as step `step`.

        Several may be awaited at once. A value larger than 1 MiB comes back whole as well (it is spilled on the way).
        `Err` codes of its own: `timeout`, `limit`, `disk-full`, `sandbox-died`. Cancelling the awaiting task ends the
        syscall's programs.
        """

    async def put(self, step: int, value: Value) -> None:
        """Hands the agent the value of a step that was performed elsewhere (broker)."""

    async def renice(self, priority: Priority) -> Err | None:
        """Sets the share of the processors that the sandbox's programs get when others want them, too.

        An `Err` says why this host cannot; nothing else changes then.
        """

    async def close(self) -> None:
        """Ends every program, removes the sandbox and its mounts. Never raises; safe to call twice."""


class Sandbox(Protocol):
    """A driver: where effects happen."""

    @property
    def name(self) -> Literal["docker", "bubblewrap", "ram"]: ...

    async def check(self) -> Err | None:
        """Why this driver cannot be had here (with what to do), or None when it can."""

    async def open(self, layer: LayerPaths, limits: Limits) -> Result[SandboxSession]:
        """Starts a sandbox over the layer, workspace mounted at /workspace; nothing is left behind on `Err`."""

    async def close(self) -> None:
        """Lets go of what the driver holds (a connection to a daemon). Never raises; safe to call twice."""


# ---------------------------------------------------------------------------------------------- layers

Action = Literal["added", "changed", "deleted", "mode", "renamed"]


class Change(BaseModel):
    """One path that the layer changes. Sizes in bytes; None where the path did not or does not exist.

    `renamed`: `path` is the new name and `source` the old one; contents are equal. `type_before` differs from `type`
    when, say, a directory became a file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    action: Action
    type: Literal["file", "directory", "link"]
    type_before: Literal["file", "directory", "link"] | None = None
    source: str | None = None
    size: int | None = None
    size_before: int | None = None
    mode: str | None = None
    mode_before: str | None = None
    target: str | None = None
    digest: str | None = None
    """sha256 of the new contents (files), hexadecimal."""


class Changeset(BaseModel):
    """What a layer adds, changes and deletes, sorted by path.

    `digest` is the sha256 of the canonical JSON of `changes`: equal effects have equal digests, whatever process had them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    workspace: str
    changes: tuple[Change, ...] = ()
    digest: str = ""

    @classmethod
    def made(cls, pid: int, workspace: str, changes: Iterable[Change]) -> Self:
        """These changes, sorted and with their digest."""
        ordered = tuple(sorted(changes, key=lambda change: change.path))
        plain = [change.model_dump(mode="json") for change in ordered]
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(pid=pid, workspace=workspace, changes=ordered, digest=digest)

    @property
    def empty(self) -> bool:
        return not self.changes

    def summary(self) -> str:
        """One line: "2 added, 1 deleted"."""
        counts: dict[str, int] = {}
        for change in self.changes:
            counts[change.action] = counts.get(change.action, 0) + 1
        return ", ".join(f"{n} {action}" for action, n in counts.items()) or "no changes"


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What of a changeset the workspace has moved on from."""

    paths: tuple[str, ...]
    """Everything that changed in the workspace since the layer was taken and that the changeset touches; sorted."""
    now: Changeset
    """What the layer changes in the workspace as it is now."""
    rest: Changeset | None = None
    """The part of `now` that was shown exactly so and stands alone: it may land. None when there is no such part."""
    refused: tuple[str, ...] = ()
    """What no layer can land, a sentence each: FIFOs, sockets, devices, mounts."""


class Layer(Protocol):
    """A process's copy-on-write view of the workspace."""

    @property
    def paths(self) -> LayerPaths: ...

    def changeset(self) -> Changeset:
        """Reads the upper directory. Call it when no sandbox writes to the layer."""

    def diff(self, changeset: Changeset, *, context: int = 3, max_bytes: int = 2**20) -> str:
        """A unified diff of text files and a line for every other change."""

    def commit(self, changeset: Changeset, *, of: Changeset | None = None) -> Result[Changeset]:
        """Lands exactly this changeset in the workspace and keeps what `undo` needs.

        `of`: the changeset of the whole layer, of which `changeset` is a part that can stand alone
        (`casava_os.kernel.selection`); what is left out can be landed later, after `LayerStore.split`.

        `Err("conflict")`: the workspace (or the layer) no longer is what the changeset was made from; nothing applied.
        `Err("disk-full")`, `Err("permission")`: nothing applied.
        """

    def conflicts(self, shown: Changeset) -> Conflicts:
        """What stands in the way of landing the changeset that was shown. Raises `OSError` when that cannot be read."""

    def discard(self) -> None:
        """Removes the layer's directories. Safe to call twice."""


class LayerStore(Protocol):
    """Makes, finds and undoes layers."""

    def create(self, pid: int, workspace: Path) -> Result[Layer]:
        """A fresh layer. `Err("usage" | "permission" | "outside-workspace")` for a workspace that cannot be used."""

    def open(self, pid: int) -> Result[Layer]:
        """The held layer of a process."""

    def held(self) -> tuple[int, ...]:
        """The processes that have a layer, or what is left of one."""

    def remove(self, pid: int) -> None:
        """Removes what there is of a process's layer: one that cannot be opened, too. Without one nothing is done."""

    def split(self, pid: int, rest: int, landed: Changeset) -> Result[Layer]:
        """Hands the layer of process `pid` on to process `rest`, without what landed of it.

        From now on its changeset is what was left out: also when the commit of `pid` is taken back.
        """

    def undo(self, pid: int) -> Result[Changeset]:
        """Takes back the commit of process `pid`; the value is the changeset that undid it.

        `Err("conflict")` when the workspace has moved on: nothing applied, the message names the files.
        """

    def redo(self, pid: int) -> Result[Changeset]:
        """Lands again what `undo` took back from process `pid`; the value is the changeset of its commit. `Err` as there."""


# ---------------------------------------------------------------------------------------------- model


@dataclass(frozen=True, slots=True)
class Attempt:
    """A plan that failed, and what a model may know of that. No text of files, programs or servers is in it."""

    steps: tuple[Mapping[str, object], ...]
    """As the model wrote them."""
    step: int
    """The one that failed, from 1; 0 when the plan as a whole was wrong."""
    code: str
    sentence: str
    """What the code means."""
    named: tuple[str, ...] = ()
    """Arguments of the plan that the failure is about."""


@dataclass(frozen=True, slots=True)
class Example:
    """An earlier request of the person with the plan that did it."""

    request: str
    steps: tuple[Mapping[str, object], ...]
    pid: int
    """The process that proved it."""
    piped_stdin: bool = False


@dataclass(frozen=True, slots=True)
class CompileRequest:
    """What a model is given to compile."""

    text: str
    offered: frozenset[str]
    """Names of the syscalls that may be used (available ones, narrowed by policy)."""
    piped_stdin: bool = False
    names: tuple[str, ...] = ()
    """File names near the top of the workspace, which the grammar lets an argument spell although the request does not."""
    interactive: bool = True
    """A person waits for it: it goes before requests for which nobody does."""
    priority: Callable[[], Priority] = ordinary
    """Of its process; asked again and again while the request waits, because it can be changed."""
    deadline: float | None = None
    """When the answer is of no use any more, on the clock of `time.monotonic`; waiting counts."""
    certain: float = 0.0
    """Below this confidence the next best plans are wanted, too."""
    attempts: tuple[Attempt, ...] = ()
    """Plans for this request that failed, oldest first; for models that repair."""
    examples: tuple[Example, ...] = ()
    """Like requests with their proven plans, the most alike first; for models that take examples."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request cost the model. The seconds add up to the whole; a batch's time is shared out by its tokens."""

    waiting: float = 0.0
    """For a place, for its turn, and for the tokens of others in its batches."""
    prefill: float = 0.0
    """The network reading the request."""
    decoding: float = 0.0
    """The network writing the plan."""
    thinking: float = 0.0
    """The grammar, and all that is not the network."""
    evaluated: int = 0
    """Tokens that the network evaluated, those of the request too."""
    evictions: int = 0
    """How often it gave its place to another."""


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """What a model that runs in this program does at the moment, and what it has done since it was loaded."""

    waiting: int = 0
    """Requests without a place in its context."""
    filled: float = 0.0
    """Share of its context that requests have taken, 0 to 1."""
    evaluated: int = 0
    """Tokens that the network has evaluated."""
    seconds: float = 0.0
    """That the network has worked for them."""


@runtime_checkable
class TakesExamples(Protocol):
    """A model that makes use of a request's `examples`; the one that ships was not trained to."""

    @property
    def local(self) -> bool:
        """Whether what it is told stays on this machine."""


@runtime_checkable
class Measured(Protocol):
    """A model that runs in this program and tells what it does; one behind a server does not."""

    @property
    def name(self) -> str: ...

    def load(self) -> ModelLoad:
        """Answers at once, from any thread."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A model's answer before type checking: steps as JSON objects (`call` and fields), and how sure it is."""

    steps: tuple[Mapping[str, object], ...]
    confidence: float
    """0 to 1: how likely the plan is what was meant, as far as the model can tell."""
    tokens: int = 0
    seconds: float = 0.0
    raw: str = ""
    """The native output, for the journal and for people who debug."""
    others: tuple[tuple[Mapping[str, object], ...], ...] = ()
    """The next best plans, best first, when the request wants them and the model has any."""
    usage: Usage | None = None
    """Where the time went, from models that share one engine."""
    moves: bool = False
    """A script of ours in it moves, renames or rewrites files, which its steps do not show."""


@runtime_checkable
class Model(Protocol):
    """A language model that compiles requests."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """sha256 of the weights, or an empty string for a remote model."""

    @property
    def identity(self) -> str:
        """What tells this model from others: sha256 of the weights, or address and name."""

    @property
    def qualified(self) -> bool:
        """Whether it may be offered syscalls that destroy or that no layer holds: it ships, or passed its trial here."""

    @property
    def repairs(self) -> bool:
        """Whether it makes use of a request's `attempts`."""

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        """Blocking; called from any number of threads at once.

        `Err` codes: `no-model`, `not-understood`, `limit`, `interrupted`, `timeout` (the request's deadline).
        """

    def close(self) -> None: ...


# ---------------------------------------------------------------------------------------------- broker and choices


def _unheard(*_: object) -> None:
    """What is told to nobody."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a broker knows of the step that it performs, beside the call itself. Its callbacks may come from any thread."""

    pid: int = 0
    """The process; 0 when there is none."""
    step: int = 0
    """The step of its plan; 0 while its broker only looks ahead."""
    request: str = ""
    """What the person typed: a thing that the broker guards may be touched when it is named here."""
    workspace: Path | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    """The values of the fields that refer to earlier steps, by field."""
    cargo: Path | None = None
    """A tar file: packed from the layer for a syscall that takes files along, to be written by one that brings some."""
    output: OutputSink = _unheard
    """Streams what a program prints."""
    progress: Callable[[str, float | None], None] = _unheard
    """What is being done, and which share of it is (0 to 1; None: not known). Shown, not recorded."""
    note: Callable[[str], None] = _unheard
    """One sentence that the person should know. Recorded."""


class Broker(Protocol):
    """Performs, kernel-side, what cannot run inside the sandbox."""

    def performs(self) -> frozenset[str]:
        """Names of the syscalls this broker performs."""

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        """Performs one syscall from its JSON form. Cancelling the awaiting task ends what it waits for."""


@runtime_checkable
class Foresees(Protocol):
    """A broker that can say what a call would do before it does it. What it then does is what it said, or nothing."""

    async def foresee(self, call: AnyCall, errand: Errand) -> tuple[str, ...]:
        """What the call would do, a line each; nothing when the call itself says enough. Changes nothing."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The driver that was chosen, and what the person should know of the choice (each a sentence)."""

    sandbox: Sandbox
    notes: tuple[str, ...] = ()


Progress = Callable[[str], None]
"""Is told, a sentence each, of what takes long. May be called from any thread."""

ChooseSandbox = Callable[[str | None, Progress], "Awaitable[Result[Chosen]]"]
"""The driver of this name, or the best that can be had. `Err("no-sandbox")`: it fails closed."""

LoadModel = Callable[[str | None], "Result[Model]"]
"""The kernel model of this name or path (None: the one in the settings). Blocking. `Err("no-model")`."""


# ---------------------------------------------------------------------------------------------- memory


@dataclass(frozen=True, slots=True)
class Recalled:
    """A proven plan that fits a request word for word, its arguments read again."""

    plan: Mapping[str, object]
    """As it stands in a plan file."""
    pid: int
    """The process that proved it."""
    request: str
    """What was asked then."""
    model: str
    """Name of the model that made it."""


class Memory(Protocol):
    """What past sessions left. Nothing here raises; what fails is an `Err`, and the walk goes on without memory."""

    def keep(self, pid: int) -> Err | None:
        """Remembers a process that has ended, or whose end has changed. Blocking."""

    def proven(self, request: str, workspace: str, *, reads_stdin: bool) -> Recalled | None:
        """The plan that was proven for a request like this one in this workspace. Blocking; a few milliseconds."""

    def alike(
        self, request: str, workspace: str, *, since: float | None, until: float | None, limit: int = 3
    ) -> tuple[int, ...]:
        """Processes that did something like this, the most alike first, of what the person asked for. Blocking."""

    def examples(self, request: str, workspace: str, *, limit: int) -> tuple[Example, ...]:
        """Proven plans of requests in this workspace that are like this one, the most alike first, each plan once. Blocking."""

    def close(self) -> None:
        """Safe to call twice."""
