"""Memory over a journal in the test's own folder, with an embedder that is real and needs no weights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from casava_os.kernel.journal import Journal
from casava_os.memory.service import Remembrance, remaker
from casava_os.memory.store import MemoryStore
from casava_syscalls.plan import Plan, describe, parse_plan
from casava_syscalls.results import Ok

DIMENSIONS = 64


class Hashing:
    """Character trigrams, hashed: near for texts that share letters."""

    digest = "hashing-trigrams-64"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return [self._one(text) for text in texts]

    @staticmethod
    def _one(text: str) -> list[float]:
        vector = [0.0] * DIMENSIONS
        padded = f"  {text.casefold()} "
        for at in range(len(padded) - 2):
            number = int.from_bytes(
                hashlib.blake2b(padded[at : at + 3].encode("utf-8", "replace"), digest_size=4).digest(), "big"
            )
            vector[number % DIMENSIONS] += 1.0
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]

    def close(self) -> None:
        pass


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "state" / "journal.sqlite")
    assert isinstance(opened, Ok)
    yield opened.value
    opened.value.close()


@pytest.fixture
def embedder() -> Hashing:
    return Hashing()


@pytest.fixture
def memory(tmp_path: Path, journal: Journal, embedder: Hashing) -> Iterator[Remembrance]:
    store = MemoryStore(tmp_path / "memory", lambda: embedder, remaker(journal))
    made = Remembrance(store, journal)
    yield made
    made.close()


def plan_of(*steps: Mapping[str, object], request: str = "") -> Plan:
    parsed = parse_plan({"version": 1, "request": request, "steps": list(steps)})
    assert isinstance(parsed, Ok), parsed
    return parsed.value


def ran(
    journal: Journal,
    request: str,
    plan: Plan | None,
    *,
    workspace: str = "/w",
    state: str = "done",
    model: str = "smol",
) -> int:
    """A process as the kernel records it, that ended well."""
    import json

    from casava_os.kernel.events import BaseEvent, Compiled, PlanStep, StepFinished, StepStarted
    from casava_os.kernel.journal import journal_body
    from casava_syscalls.values import Number

    pid = journal.new(request, workspace)
    if plan is not None:
        document = json.loads(plan.model_copy(update={"request": request}).canonical())
        steps = tuple(
            PlanStep(number=n, line=describe(step), call=call, effects=step.effect.names())
            for n, (step, call) in enumerate(zip(plan.steps, document["steps"], strict=True), 1)
        )
        events: list[BaseEvent] = [Compiled(steps=steps, plan=document, sha256=plan.sha256(), model=model)]
        for step in steps:
            events += [
                StepStarted(step=step.number, line=step.line),
                StepFinished(step=step.number, value=Number(value=1)),
            ]
        for event in events:
            body = journal_body(event)
            assert body is not None
            journal.record(pid, event.event, body)
    if state == "committed":
        for a, b in (("new", "running"), ("running", "committing"), ("committing", "committed")):
            assert journal.move(pid, a, b, 0 if b == "committed" else None)  # type: ignore[arg-type]
    else:
        assert journal.move(pid, "new", state, 0)  # type: ignore[arg-type]
    return pid
