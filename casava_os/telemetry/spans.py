"""One walk as a tree of spans, made from the kernel's events as they come.

    request
    ├─ compile            from the request to the plan
    ├─ approval           while somebody is asked
    ├─ sandbox            until it runs
    ├─ file.find          each syscall
    ├─ infra.apply
    │  └─ docker.apply    what a driver does
    │     └─ POST /containers/create
    ├─ changeset          until what changed is known
    └─ commit             until it has landed

Attributes name syscalls, effects, outcomes, digests and numbers of processes. What was asked, paths and arguments are in none
of them, unless `details` says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from casava_os.errors import ExitCode
from casava_os.kernel.events import (
    ApprovalNeeded,
    Asked,
    BaseEvent,
    ChangesetMade,
    Committed,
    Compiled,
    Conflicted,
    Discarded,
    Failed,
    Finished,
    Held,
    Judged,
    Refused,
    SandboxReady,
    Started,
    StepFinished,
    StepSkipped,
    StepStarted,
    Undone,
)
from casava_os.kernel.watching import WalkName

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

Attributes = Mapping[str, str | int | float | bool | tuple[str, ...]]


class Trace:
    """The spans of one walk. Events come in the loop that runs it, operations from any thread."""

    def __init__(
        self, tracer: Tracer, walk: WalkName, parent: Context | None, *, details: bool = False
    ) -> None:
        self._tracer = tracer
        self._details = details
        now = time.time_ns()
        self._root = tracer.start_span(walk, parent, start_time=now)
        self._mark = now
        """When what is being done now began."""
        self._steps: dict[int, Span] = {}
        self._planned: dict[int, tuple[str, ...]] = {}
        """Effects by step."""
        self._verdicts: dict[int, str] = {}
        self._waiting: Span | None = None
        self._failure = ""

    def heard(self, event: BaseEvent) -> bool:  # noqa: C901, PLR0912 - one case an event, and nothing else
        """Goes on with an event; whether it was the last."""
        now = time.time_ns()
        match event:
            case Started():
                self._root.set_attribute("casava.pid", event.pid)
                if self._details:
                    self._root.set_attribute("casava.request", event.request)
                    self._root.set_attribute("casava.workspace", event.workspace)
            case Compiled():
                self._compiled(event, now)
            case Asked() | Refused():
                self._part("compile", now, {"casava.compile.outcome": event.event})
            case Judged():
                self._verdicts[event.step] = event.verdict.decision
                self._mark = now
            case ApprovalNeeded():
                self._asked(event, now)
            case SandboxReady():
                self._part("sandbox", now, {"casava.sandbox.driver": event.driver})
            case StepStarted():
                self._step(event, now)
            case StepFinished():
                self._step_ended(event.step, "" if event.err is None else event.err.code, now)
            case StepSkipped():
                self._root.add_event("step skipped", {"casava.step": event.step}, now)
            case ChangesetMade():
                self._part("changeset", now, {"casava.changes": len(event.changes)})
            case Committed() | Undone():
                name = "undo" if isinstance(event, Undone) else "commit"
                self._part(name, now, {"casava.outcome": event.event})
            case Conflicted():
                self._part("commit", now, {"casava.outcome": event.event}, error="conflict")
            case Held() | Discarded():
                self._root.add_event(event.event, timestamp=now)
            case Failed():
                self._failure = self._failure or event.err.code
            case Finished():
                self._finished(event, now)
                return True
            case _:
                pass
        return False

    def operations(self, step: int) -> Operations:
        """Who hears what is done for a step; for 0, for the whole walk: its broker looks ahead."""
        return Operations(self._tracer, self._steps.get(step, self._root))

    # ------------------------------------------------------------------------------------ parts of the walk

    def _part(self, name: str, now: int, attributes: Attributes, error: str = "") -> None:
        """A part of the walk that has just ended; the next one begins."""
        span = self._tracer.start_span(name, _under(self._root), attributes=attributes, start_time=self._mark)
        _end(span, error, now)
        self._mark = now

    def _compiled(self, event: Compiled, now: int) -> None:
        facts: dict[str, str | int | float | bool] = {
            "casava.plan.sha256": event.sha256,
            "casava.plan.steps": len(event.steps),
            "casava.plan.compiled": bool(event.model),
        }
        if event.model:
            facts |= {"casava.model.seconds": event.seconds, "casava.model.digest": event.model_digest}
            if event.confidence is not None:
                facts["casava.plan.confidence"] = event.confidence
        self._part("compile", now, {"casava.compile.outcome": "plan", **facts})
        self._root.set_attribute("casava.plan.sha256", event.sha256)
        self._planned = {step.number: step.effects for step in event.steps}
        self._verdicts.clear()

    def _asked(self, event: ApprovalNeeded, now: int) -> None:
        facts = {"casava.approval.kind": event.kind, "casava.approval.sha256": event.sha256}
        waiting = self._tracer.start_span("approval", _under(self._root), attributes=facts, start_time=now)
        self._waiting = waiting

        def answered() -> None:
            self._mark = time.time_ns()
            waiting.end(self._mark)

        event.when_answered(answered)

    def _step(self, event: StepStarted, now: int) -> None:
        name = event.line.partition(" ")[0]
        facts: dict[str, str | int | tuple[str, ...]] = {
            "casava.syscall": name,
            "casava.step": event.step,
        }
        if effects := self._planned.get(event.step):
            facts["casava.effects"] = effects
        if verdict := self._verdicts.get(event.step):
            facts["casava.verdict"] = verdict
        if self._details:
            facts["casava.call"] = event.line
        self._steps[event.step] = self._tracer.start_span(
            name, _under(self._root), attributes=facts, start_time=now
        )

    def _step_ended(self, step: int, error: str, now: int) -> None:
        span = self._steps.pop(step, None)
        if span is not None:
            span.set_attribute("casava.outcome", error or "ok")
            _end(span, error, now)
        self._mark = now

    def _finished(self, event: Finished, now: int) -> None:
        if self._waiting is not None and self._waiting.is_recording():
            _end(self._waiting, "interrupted", now)
        for step in list(self._steps):
            self._step_ended(step, "interrupted", now)
        self._root.set_attributes(
            {
                "casava.pid": event.pid,
                "casava.outcome": ExitCode(event.exit_code).name.lower(),
                "casava.exit_code": event.exit_code,
                "casava.state": event.state,
                **{f"casava.seconds.{part}": seconds for part, seconds in event.timings.items()},
            }
        )
        _end(self._root, self._failure, now)


class Operations:
    """Hears what is done for one syscall. A driver works at one thing at a time; a daemon may be asked several at once."""

    def __init__(self, tracer: Tracer, parent: Span) -> None:
        self._tracer = tracer
        self._parents = [parent]
        self._lock = threading.Lock()

    def begun(self, name: str) -> Callable[[str], None]:
        with self._lock:
            span = self._tracer.start_span(name, _under(self._parents[-1]))
            self._parents.append(span)

        def ended(code: str) -> None:
            with self._lock:
                self._parents.remove(span)
            _end(span, code, time.time_ns())

        return ended

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        from opentelemetry.trace import SpanKind

        now = time.time_ns()
        facts: dict[str, str | int] = {
            "http.request.method": method,
            "url.template": route,
            "http.response.status_code": status,
        }
        with self._lock:
            parent = self._parents[-1]
        span = self._tracer.start_span(
            f"{method} {route}",
            _under(parent),
            kind=SpanKind.CLIENT,
            attributes=facts,
            start_time=now - int(seconds * 1e9),
        )
        _end(span, str(status) if status >= 400 else "", now)


def _under(span: Span) -> Context:
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)


def _end(span: Span, error: str, at: int) -> None:
    """Ends a span, as failed when there is an error code."""
    if error:
        from opentelemetry.trace import StatusCode

        span.set_attribute("error.type", error)
        span.set_status(StatusCode.ERROR)
    span.end(at)
