"""Measures a kernel model on requests with known plans: fresh synthetic ones, or hand-written JSONL.

Compared are typed plans, so two spellings of one meaning are equal. A request whose known plan is `ask` or `refuse` is
right when the answer is that call. *Spurious* counts answers with an effect that deletes (or runs a program) where the
known plan has none: what must never happen.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from casava_os.forge.data import Sample
from casava_os.kernel.compiler.tagged import SurfaceCall, lower
from casava_os.kernel.ports import CompileRequest, Model
from casava_syscalls.base import Effect
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err, Ok

DANGEROUS = Effect.DELETE
"""Effects that an answer must not have unless the request asked for them."""


@dataclass(frozen=True, slots=True)
class Item:
    """A request and the plan that it means, in surface form."""

    request: str
    calls: tuple[SurfaceCall, ...]
    family: str
    piped_stdin: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model made of an item."""

    item: Item
    exact: bool
    sequence: bool
    """The right calls in the right order, whatever their arguments."""
    spurious: bool
    confidence: float
    seconds: float
    answer: str
    """The model's native output, or its error."""


@dataclass(slots=True)
class Score:
    """Counts over some items."""

    count: int = 0
    exact: int = 0
    sequence: int = 0
    spurious: int = 0
    outcomes: list[Outcome] = field(default_factory=list, repr=False)

    def add(self, outcome: Outcome) -> None:
        self.count += 1
        self.exact += outcome.exact
        self.sequence += outcome.sequence
        self.spurious += outcome.spurious
        self.outcomes.append(outcome)

    def row(self) -> str:
        """One line of a table: count, exact %, sequence %, spurious."""
        return (
            f"{self.count:6d} {100 * self.exact / max(1, self.count):7.1f} "
            f"{100 * self.sequence / max(1, self.count):9.1f} {self.spurious:9d}"
        )


def fresh(sample: Sample, count: int, seed: int) -> Iterator[Item]:
    """Newly synthesized items."""
    rng = random.Random(seed)
    while count:
        example = sample(rng)
        calls = tuple(cast("SurfaceCall", call) for call in example.calls)
        count -= 1
        name = str(calls[0]["call"])
        family = f"{len(calls)} steps" if len(calls) > 1 else name.partition(".")[0]
        yield Item(example.request, calls, family, example.piped_stdin)


def written(path: Path) -> Iterator[Item]:
    """Hand-written items: JSONL with `request`, `calls` and perhaps `family`, `piped_stdin`, `names`."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                record = json.loads(line)
                name = str(record["calls"][0]["call"])
                yield Item(
                    record["request"],
                    tuple(record["calls"]),
                    record.get("family") or name.partition(".")[0],
                    bool(record.get("piped_stdin")),
                    tuple(record.get("names", ())),
                )


def known_plan(item: Item, now: datetime) -> Plan | None:
    """The typed plan of an item, None when its calls are no plan (the item is at fault)."""
    lowered = lower(item.calls, now)
    if isinstance(lowered, Err):
        return None
    plan = parse_plan({"version": 1, "steps": lowered.value, "reads_stdin": item.piped_stdin})
    return plan.value if isinstance(plan, Ok) else None


def canonical(plan: Plan) -> str:
    """The steps' JSON without defaults, question texts and the seconds of dates that depend on the clock."""
    steps = [{"call": s.call, **s.model_dump(mode="json", exclude_defaults=True)} for s in plan.steps]
    return json.dumps(steps, sort_keys=True, ensure_ascii=False)


def judge(model: Model, item: Item, offered: frozenset[str]) -> Outcome | None:
    """Compiles one request and compares; None when the item's own calls are no valid plan."""
    known = known_plan(item, datetime.now())  # noqa: DTZ005 - dates are the person's local ones, as in the engine
    if known is None:
        return None
    result = model.compile(CompileRequest(item.request, offered, item.piped_stdin, item.names))
    if isinstance(result, Err):
        return Outcome(item, False, False, False, 0.0, 0.0, f"{result.code}: {result.message}")
    draft = result.value
    parsed = parse_plan({"version": 1, "steps": list(draft.steps), "reads_stdin": item.piped_stdin})
    if isinstance(parsed, Err):
        return Outcome(
            item, False, False, False, draft.confidence, draft.seconds, f"{draft.raw} {parsed.message}"
        )
    plan = parsed.value
    return Outcome(
        item=item,
        exact=canonical(plan) == canonical(known),
        sequence=[s.call for s in plan.steps] == [s.call for s in known.steps],
        spurious=bool(plan.effect & DANGEROUS) and not known.effect & DANGEROUS,
        confidence=draft.confidence,
        seconds=draft.seconds,
        answer=draft.raw,
    )


def evaluate(model: Model, items: Iterable[Item], offered: frozenset[str]) -> Mapping[str, Score]:
    """Scores by family, with "all" first. Items that are no valid plan are counted under "invalid items"."""
    scores: dict[str, Score] = {"all": Score()}
    for item in items:
        outcome = judge(model, item, offered)
        if outcome is None:
            scores.setdefault("invalid items", Score()).count += 1
            continue
        scores["all"].add(outcome)
        scores.setdefault(item.family, Score()).add(outcome)
    return scores


def risk_coverage(
    outcomes: Sequence[Outcome], shares: Sequence[float] = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
) -> str:
    """Of the surest share of the answers, how many are exact, and the confidence that admits that share."""
    ranked = sorted(outcomes, key=lambda o: -o.confidence)
    lines = []
    for share in shares:
        kept = ranked[: max(1, round(share * len(ranked)))]
        right = sum(o.exact for o in kept) / len(kept)
        lines.append(f"{share:5.0%} surest: {right:6.1%} exact, confidence ≥ {kept[-1].confidence:.3f}")
    return "\n".join(lines)


def calibrate(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """(slope, offset) that make the log-odds of a confidence the log-odds of being exact: logistic regression.

    Correct when the outcomes come from a model exported with slope 1 and offset 0.
    """
    import numpy as np

    confidence = np.clip([outcome.confidence for outcome in outcomes], 1e-6, 1 - 1e-6)
    x = np.stack([np.log(confidence / (1 - confidence)), np.ones(len(outcomes))], 1)
    y = np.array([outcome.exact for outcome in outcomes], float)
    w = np.array([1.0, 0.0])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        # A weak prior towards (1, 0) keeps the fit finite when every answer is right.
        gradient = x.T @ (p - y) + 0.1 * (w - [1.0, 0.0])
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 0.1 * np.eye(2), gradient)
        # Newton's step, shortened where the curve is flat and it would jump off.
        w = w - step / max(1.0, 2 * float(np.abs(step).max()))
    return float(w[0]), float(w[1])


def table(scores: Mapping[str, Score]) -> str:
    """Scores as plain text."""
    width = max(len(name) for name in scores)
    head = f"{'':{width}}  count   exact  sequence  spurious"
    return "\n".join([head, *(f"{name:{width}} {score.row()}" for name, score in scores.items())])
