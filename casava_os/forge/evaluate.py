"""Measures a kernel model on requests with known plans: fresh synthetic ones, or hand-written JSONL.

Compared are typed plans, so two spellings of one meaning are equal. *Exact*: the same plan. *Calls*: the same calls in
the same order. *Arguments*: of the known plan's arguments, the share that the answer has too. *Effect*: both plans,
performed in equal workspaces, leave and show the same (`effects`); for ask and refuse, that the answer is one of the two.
*Spurious* counts answers that delete where the known plan does not: what must never happen.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from casava_os.forge import corpus, effects, synth
from casava_os.forge.data import Sample
from casava_os.forge.logistic import logistic
from casava_os.kernel.compiler.compile import Certainty
from casava_os.kernel.compiler.tagged import Copy, SurfaceCall, encode, lower
from casava_os.kernel.ports import CompileRequest, Model
from casava_syscalls.base import Effect
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err, Ok, Result

_WORD = re.compile(r"[^\W\d_]{2,}")

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
    writer: str = ""


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
    effect: bool = False
    arguments: tuple[int, int] = (0, 0)
    """How many of the known plan's arguments the answer has, and how many there are."""
    declines: bool = False
    """The answer asks or refuses."""
    should_decline: bool = False
    plan: Plan | None = None
    moves: bool = False
    """The answer, where it is a plan."""


@dataclass(slots=True)
class Score:
    """Counts over some items."""

    count: int = 0
    exact: int = 0
    sequence: int = 0
    effect: int = 0
    given: int = 0
    asked: int = 0
    spurious: int = 0
    outcomes: list[Outcome] = field(default_factory=list, repr=False)

    def add(self, outcome: Outcome) -> None:
        self.count += 1
        self.exact += outcome.exact
        self.sequence += outcome.sequence
        self.effect += outcome.effect
        self.given += outcome.arguments[0]
        self.asked += outcome.arguments[1]
        self.spurious += outcome.spurious
        self.outcomes.append(outcome)

    def shares(self) -> tuple[float, float, float, float]:
        """Exact, calls, arguments, effect: in percent."""
        count = max(1, self.count)
        parts = (
            self.exact / count,
            self.sequence / count,
            self.given / self.asked if self.asked else 1.0,
            self.effect / count,
        )
        return tuple(100 * part for part in parts)  # type: ignore[return-value]

    def row(self) -> str:
        """One line of a table: count, exact %, calls %, arguments %, effect %, spurious."""
        cells = "".join(f"{share:11.1f}" for share in self.shares())
        return f"{self.count:7d}{cells}{self.spurious:11d}"


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
    """Hand-written items: JSONL with `request`, `calls` and perhaps `family`, `stdin`, `names`, `writer`."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                record = json.loads(line)
                name = str(record["calls"][0]["call"])
                yield Item(
                    record["request"],
                    tuple(record["calls"]),
                    record.get("family") or name.partition(".")[0],
                    bool(record.get("stdin") or record.get("piped_stdin")),
                    tuple(record.get("names", ())),
                    writer=str(record.get("writer", "")),
                )


def kept_out(writers: Collection[str] = ()) -> Iterator[Item]:
    """The lines of the corpus that nobody trains on; only those of some writers, when any are named."""
    for line in corpus.load(calibration=True):
        if not writers or line.writer in writers:
            family = str(line.calls[0]["call"]).partition(".")[0]
            yield Item(line.request, line.calls, family, line.piped_stdin, writer=line.writer)


def held_out() -> list[Item]:
    """The blind requests that come with the project, for machines and not for people who edit the training data."""
    folder = Path(__file__).parent / "held_out"
    return [item for path in sorted(folder.glob("*.jsonl")) for item in written(path)]


def known_plan(item: Item, now: datetime) -> Plan | None:
    """The typed plan of an item, None when its calls are no plan (the item is at fault)."""
    lowered = lower(item.calls, now)
    if isinstance(lowered, Err):
        return None
    plan = _typed(lowered.value, item.piped_stdin)
    return plan.value if isinstance(plan, Ok) else None


def _typed(steps: Sequence[Mapping[str, object]], piped_stdin: bool) -> Result[Plan]:
    """The plan of these steps. One that leaves the workspace is the refusal that the kernel makes of it."""
    data = {"version": 1, "steps": list(steps), "reads_stdin": piped_stdin}
    plan = parse_plan(data)
    if isinstance(plan, Err) and plan.code == "outside-workspace":
        return parse_plan({"version": 1, "steps": [{"call": "refuse", "reason": "outside"}]})
    return plan


def canonical(plan: Plan) -> str:
    """The steps' JSON without defaults, question texts and the seconds of dates that depend on the clock."""
    steps = [{"call": s.call, **s.model_dump(mode="json", exclude_defaults=True)} for s in plan.steps]
    return json.dumps(steps, sort_keys=True, ensure_ascii=False)


def judge(model: Model, item: Item, offered: frozenset[str]) -> Outcome | None:
    """Compiles one request and compares; None when the item's own calls are no valid plan."""
    known = known_plan(item, datetime.now())  # noqa: DTZ005 - dates are the person's local ones, as in the engine
    if known is None:
        return None
    should_decline = _declines(known)
    wanted = _arguments(known)
    result = model.compile(CompileRequest(item.request, offered, item.piped_stdin, item.names))
    if isinstance(result, Err):
        return Outcome(
            item, False, False, False, 0.0, 0.0, f"{result.code}: {result.message}", should_decline,
            (0, len(wanted)), True, should_decline,
        )  # fmt: skip
    draft = result.value
    parsed = _typed(draft.steps, item.piped_stdin)
    if isinstance(parsed, Err):
        answer = f"{draft.raw} {parsed.message}"
        return Outcome(
            item, False, False, False, draft.confidence, draft.seconds, answer, False,
            (0, len(wanted)), False, should_decline,
        )  # fmt: skip
    plan = parsed.value
    exact = canonical(plan) == canonical(known)
    declines = _declines(plan)
    return Outcome(
        item=item,
        exact=exact,
        sequence=[s.call for s in plan.steps] == [s.call for s in known.steps],
        spurious=bool(plan.effect & DANGEROUS) and not known.effect & DANGEROUS,
        confidence=draft.confidence,
        seconds=draft.seconds,
        answer=draft.raw,
        effect=_like(plan, known),
        arguments=(len(wanted & _arguments(plan)), len(wanted)),
        declines=declines,
        should_decline=should_decline,
        plan=plan,
        moves=draft.moves,
    )


def right(steps: Sequence[Mapping[str, object]], piped_stdin: bool, known: Plan) -> bool:
    """Whether a model's steps do what the known plan does; of a plan that asks or refuses, whether they do one of both."""
    parsed = _typed(steps, piped_stdin)
    return isinstance(parsed, Ok) and _like(parsed.value, known)


def _like(plan: Plan, known: Plan) -> bool:
    if _declines(plan) or _declines(known):
        return _declines(plan) and _declines(known)
    return canonical(plan) == canonical(known) or effects.same(plan, known)


def _declines(plan: Plan) -> bool:
    return plan.steps[0].call in ("ask", "refuse")


def _arguments(plan: Plan) -> set[tuple[int, str, str, str]]:
    return {
        (number, step.call, name, json.dumps(value, sort_keys=True))
        for number, step in enumerate(plan.steps)
        for name, value in step.model_dump(mode="json", exclude_defaults=True).items()
        if name != "call"
    }


def evaluate(
    model: Model, items: Iterable[Item], offered: frozenset[str], seen: Container[str] | None = None
) -> Mapping[str, Score]:
    """Scores by family and writer, with "all" first. Items that are no valid plan are counted under "invalid items".

    With `seen`, the words of training, also by whether a request has an instruction word that is not among them.
    """
    scores: dict[str, Score] = {"all": Score()}
    for item in items:
        outcome = judge(model, item, offered)
        if outcome is None:
            scores.setdefault("invalid items", Score()).count += 1
            continue
        scores["all"].add(outcome)
        scores.setdefault(item.family, Score()).add(outcome)
        if item.writer:
            scores.setdefault(f"by {item.writer}", Score()).add(outcome)
        if seen is not None:
            known = all(word in seen for word in instruction_words(item))
            scores.setdefault("words seen" if known else "with an unseen word", Score()).add(outcome)
    return scores


def words_of_training(count: int, seed: int = 1) -> frozenset[str]:
    """Every word, in lower case, of the corpus and of so many synthesized requests."""
    rng = random.Random(seed)
    requests = [line.request for line in corpus.load()]
    requests += [synth.sample(rng).request for _ in range(count)]
    return frozenset(word for request in requests for word in _WORD.findall(request.lower()))


def instruction_words(item: Item) -> set[str]:
    """The words of a request that are no argument, in lower case."""
    text = item.request
    for segment in encode(item.calls):
        if isinstance(segment, Copy):
            text = text.replace(segment.text, " ")
    return set(_WORD.findall(text.lower()))


def declining(outcomes: Sequence[Outcome], certainty: Certainty | None = None) -> str:
    """Precision and recall of asking and refusing; with `certainty`, too low a confidence is a question, as in the kernel."""

    def declined(outcome: Outcome) -> bool:
        if outcome.declines or certainty is None:
            return outcome.declines
        needed = (
            certainty.confidence
            if outcome.plan is None
            else certainty.needed(outcome.plan, moves=outcome.moves)
        )
        return outcome.confidence < needed

    said = [outcome for outcome in outcomes if declined(outcome)]
    right = sum(outcome.should_decline for outcome in said)
    wanted = sum(outcome.should_decline for outcome in outcomes)
    acted = [outcome for outcome in outcomes if not declined(outcome)]
    wrong = sum(not outcome.effect for outcome in acted)
    others = len(outcomes) - wanted
    return (
        f"asks or refuses: precision {right / max(1, len(said)):.1%}, recall {right / max(1, wanted):.1%}, "
        f"false alarms {(len(said) - right) / max(1, others):.1%}; of {len(acted)} plans that would run, "
        f"{wrong / max(1, len(acted)):.1%} do something else"
    )


def risk_coverage(
    outcomes: Sequence[Outcome], shares: Sequence[float] = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
) -> str:
    """Of the surest share of the answers, how many do what was asked, and the confidence that admits that share."""
    ranked = sorted(outcomes, key=lambda o: -o.confidence)
    lines = []
    for share in shares:
        kept = ranked[: max(1, round(share * len(ranked)))]
        right = sum(o.effect for o in kept) / len(kept)
        lines.append(f"{share:5.0%} surest: {right:6.1%} as asked, confidence ≥ {kept[-1].confidence:.3f}")
    return "\n".join(lines)


def calibrate(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """(slope, offset) that make the log-odds of a confidence those of doing what was asked: logistic regression.

    Correct when the outcomes come from a model exported with slope 1 and offset 0.
    """
    import numpy as np

    confidence = np.clip([outcome.confidence for outcome in outcomes], 1e-6, 1 - 1e-6)
    x = np.stack([np.log(confidence / (1 - confidence)), np.ones(len(outcomes))], 1)
    y = np.array([outcome.effect for outcome in outcomes], float)
    # Towards (1, 0) where the outcomes say nothing.
    slope, offset = logistic(x, y, (1.0, 0.0), 0.1)
    return float(slope), float(offset)


def table(scores: Mapping[str, Score]) -> str:
    """Scores as plain text."""
    width = max(len(name) for name in scores)
    head = f"{'':{width}}   count      exact      calls  arguments     effect   spurious"
    return "\n".join([head, *(f"{name:{width}} {score.row()}" for name, score in scores.items())])
