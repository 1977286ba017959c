"""From what the person typed to a typed plan, a question or a refusal: the compiler's one way through.

The request is checked, given to the model together with the syscalls that may be used, and what comes back is
type-checked like any plan from a stranger. A plan that is not certain enough becomes a question; one that destroys
something must be more certain than one that reads.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from casava_os.kernel.ports import CompileRequest, Draft, Model
from casava_os.kernel.repair import told
from casava_syscalls.base import Effect
from casava_syscalls.file import Delete
from casava_syscalls.names import path_text
from casava_syscalls.plan import Plan, describe, parse_plan
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.talk import QUESTIONS, REASONS, Ask, Refuse
from casava_syscalls.values import Question, Refusal

_LOG = logging.getLogger(__name__)
_INVISIBLE = frozenset(
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
) | frozenset(map(chr, range(0xE0000, 0xE0080)))
"""Direction marks, spaces without width and tags: what is seen would not be what is read. Joiners belong to writing, and stay."""

DESTRUCTIVE = Effect.DELETE | Effect.EXECUTE | Effect.NETWORK | Effect.HOST | Effect.PROVISION


@dataclass(frozen=True, slots=True)
class Certainty:
    """How certain a plan must be, 0 to 1, to be run instead of asked about."""

    confidence: float = 0.35
    destructive: float = 0.5
    deleting: float = 0.65

    @property
    def most(self) -> float:
        """What no plan needs more than."""
        return max(self.confidence, self.destructive, self.deleting)

    def needed(self, plan: Plan, *, moves: bool = False) -> float:
        """What destroys needs no less than what reads does, whatever the settings are. `moves`: as in `Draft`."""
        overwrites = any(
            getattr(step, "overwrite", False) or getattr(step, "how", None) == "overwrite"
            for step in plan.steps
        )
        if not (plan.effect & DESTRUCTIVE or overwrites or moves):
            return self.confidence
        deletes = any(
            Effect.DELETE in step.effect and Effect.EXECUTE not in step.effect for step in plan.steps
        )
        return self.most if deletes or moves else max(self.confidence, self.destructive)


@dataclass(frozen=True, slots=True)
class Compilation:
    """A compiled plan, with how sure the model was, its time in seconds and its native output."""

    plan: Plan
    confidence: float
    seconds: float
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A question instead of a plan; `plans` are those that its choices stand for, in their order."""

    question: Question
    confidence: float | None = None
    plans: tuple[Plan, ...] = ()


Outcome = Compilation | Unsure | Refusal | Err


def clean(request: str, most_bytes: int = 8192) -> Result[str]:
    """The request without surrounding white space. `Err("usage")` for one that is empty, too long or not plain text."""
    text = request.strip()
    if not text:
        return Err(
            code="usage",
            title="The request is empty",
            message="There is nothing to do",
            hint='say it in words, like: casava-os run "list the largest files"',
        )
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        return Err(
            code="usage",
            title="The request is too long",
            message=f"it has {size} bytes, and at most {most_bytes} are read",
            hint="put the data into a file, or pipe it in, and say in the request what to do with it",
        )
    for position, char in enumerate(text):
        if char in "\n\t":
            continue
        if unicodedata.category(char) in ("Cc", "Cs") or char in _INVISIBLE:
            what = "not text" if unicodedata.category(char) == "Cs" else f"the character U+{ord(char):04X}"
            return Err(
                code="usage",
                title="The request is not plain text",
                message=f"at position {position + 1} it has {what}, which cannot be seen",
                hint="type the request again, or put the data into a file and name the file",
            )
    return Ok(value=text)


def workspace_names(workspace: Path, most: int) -> tuple[str, ...]:
    """Names near the top of the workspace, breadth first and sorted, at most `most`; unreadable directories are empty."""
    found: list[str] = []
    for name in _names(workspace, depth=2):
        if len(found) >= most:
            break
        found.append(name)
    return tuple(found)


def _names(directory: Path, depth: int) -> Iterator[str]:
    below: list[Path] = []
    try:
        with os.scandir(directory) as entries:
            # A directory may hold a hundred thousand names: what is sorted is what was read first.
            listed = sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry, _ in zip(entries, range(4096), strict=False)
            )
    except OSError:
        return
    for name, is_directory in listed:
        yield path_text(name)
        if is_directory and not name.startswith("."):
            below.append(directory / name)
    if depth > 1:
        for child in below:
            for name in _names(child, depth - 1):
                yield f"{path_text(child.name)}/{name}"


async def compile_request(
    model: Model,
    request: CompileRequest,
    certainty: Certainty,
    repairs: int = 0,
    spent: Callable[[int], None] = lambda tokens: None,
) -> Outcome:
    """Asks the model, checks what it says. Cancelling ends the model's work between two tokens.

    `repairs`: how often a model that can make use of it is shown what is wrong with its plan, before the person is asked.
    `spent` is told what each answer cost, in tokens.
    """
    while True:
        drafted = await _draft(model, request)
        if isinstance(drafted, Err):
            if drafted.code == "not-understood":
                return Unsure(Question(text=drafted.message or QUESTIONS["meaning"]))
            return drafted
        usage = drafted.value.usage
        spent(drafted.value.tokens if usage is None else usage.evaluated)
        outcome = _judged(drafted.value, request, certainty)
        if not isinstance(outcome, _Malformed):
            return outcome
        if not model.repairs or len(request.attempts) >= repairs:
            return Unsure(Question(text=QUESTIONS["meaning"]), drafted.value.confidence)
        request = replace(request, attempts=(*request.attempts, told(drafted.value.steps, 0, outcome.err)))


async def _draft(model: Model, request: CompileRequest) -> Result[Draft]:
    stop = threading.Event()
    try:
        return await _in_own_thread(lambda: model.compile(request, stop.is_set))
    except Exception as problem:  # noqa: BLE001 - a worker's edge: it must reach the person as a sentence
        _LOG.exception("the model %s failed", model.name)
        return Err(
            code="no-model",
            title=f"The model {model.name} failed",
            message=f"{type(problem).__name__}: {problem}",
            hint="casava-os doctor checks the model; another one is chosen with --model",
        )
    finally:
        stop.set()


async def _in_own_thread(work: Callable[[], Result[Draft]]) -> Result[Draft]:
    """The result of work in a thread of its own.

    The few threads that asyncio shares would be a queue before the model's, without its priorities; and a model that
    hangs would hold up the end of the program.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result[Draft]] = loop.create_future()

    def settle(result: Result[Draft] | None, problem: BaseException | None) -> None:
        if done.done():
            return
        if problem is not None:
            done.set_exception(problem)
        elif result is not None:
            done.set_result(result)

    def run() -> None:
        result: Result[Draft] | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except Exception as problem:  # noqa: BLE001 - a worker's edge: it is raised where the result is awaited
            failure = problem
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="compile", daemon=True).start()
    return await done


@dataclass(frozen=True, slots=True)
class _Malformed:
    """A draft that is no plan, with why."""

    err: Err


def _judged(draft: Draft, request: CompileRequest, certainty: Certainty) -> Outcome | _Malformed:
    names = [str(step.get("call")) for step in draft.steps]
    if missing := next((name for name in names if name not in request.offered), None):
        if missing in SYSCALLS:
            return Refusal(reason=_withheld(missing))
        return Unsure(Question(text=QUESTIONS["meaning"]), draft.confidence)
    parsed = parse_plan(
        {
            "version": 1,
            "request": request.text,
            "steps": list(draft.steps),
            "reads_stdin": request.piped_stdin,
        }
    )
    if isinstance(parsed, Err):
        if parsed.code == "outside-workspace":
            return Refusal(reason=f"{REASONS['outside']} {parsed.message.rstrip('.')}; {parsed.hint}.")
        _LOG.info("the model's plan does not type-check: %s", parsed)
        return _Malformed(parsed)
    plan = parsed.value
    first = plan.steps[0]
    if isinstance(first, Ask):
        return Unsure(
            Question(text=first.question or QUESTIONS[first.about], choices=first.choices), draft.confidence
        )
    if isinstance(first, Refuse):
        return Refusal(reason=first.message or REASONS[first.reason])
    if draft.confidence < certainty.needed(plan, moves=draft.moves):
        meant = candidates(*_narrowest_first([*_sensible([plan, *_valid(draft.others, request)])]))
        return Unsure(did_you_mean(meant), draft.confidence, tuple(meant.values()))
    return Compilation(plan, draft.confidence, draft.seconds, draft.raw)


def _withheld(call: str) -> str:
    """Why a call that the model named cannot be had."""
    if not SYSCALLS[call].available:
        return f"{REASONS['unavailable']} It would need {call}."
    return (
        f"It would need {call}, which is withheld here: by policy, by what an app was granted, "
        "or because the model has not been qualified for it."
    )


def _valid(others: Iterable[Sequence[Mapping[str, object]]], request: CompileRequest) -> Iterator[Plan]:
    """Those of the next best plans that could run."""
    for steps in others:
        if all(str(step.get("call")) in request.offered for step in steps):
            parsed = parse_plan(
                {
                    "version": 1,
                    "request": request.text,
                    "steps": list(steps),
                    "reads_stdin": request.piped_stdin,
                }
            )
            if isinstance(parsed, Ok) and not isinstance(parsed.value.steps[0], Ask | Refuse):
                yield parsed.value


def _sensible(plans: Sequence[Plan]) -> Sequence[Plan]:
    """Those that can be meant, or all where none can: not what deletes a file, and then that once more or what was in it."""
    return [plan for plan in plans if not _deletes_twice(plan)] or plans


def _deletes_twice(plan: Plan) -> bool:
    gone: set[PurePosixPath] = set()
    for step in plan.steps:
        if isinstance(step, Delete) and isinstance(step.paths, tuple):
            paths = {PurePosixPath(path) for path in step.paths}
            if any(not gone.isdisjoint((path, *path.parents)) for path in paths):
                return True
            gone |= paths
    return False


def _narrowest_first(plans: Sequence[Plan]) -> list[Plan]:
    """The plans in the model's order, but of those that delete the one with the most conditions before the others.

    Who takes the first of several by mistake then loses the least.
    """
    deleting = [plan for plan in plans if plan.effect & Effect.DELETE]
    narrowest = iter(sorted(deleting, key=_conditions, reverse=True))
    return [next(narrowest) if plan.effect & Effect.DELETE else plan for plan in plans]


def _conditions(plan: Plan) -> int:
    """How many arguments the steps of a plan have."""
    return sum(len(step.model_dump(exclude_defaults=True)) for step in plan.steps)


def candidates(*plans: Plan) -> dict[str, Plan]:
    """The plans by how they read in calls, each once, the best first."""
    found: dict[str, Plan] = {}
    for plan in plans:
        found.setdefault(" → ".join(describe(step) for step in plan.steps), plan)
    return found


def did_you_mean(meant: Mapping[str, Plan]) -> Question:
    """The best candidates, shown as choices."""
    which = "this" if len(meant) == 1 else "one of these"
    return Question(
        text=f"I am not sure that I understood. Did you mean {which}? If not, say it in other words.",
        choices=tuple(meant),
    )
