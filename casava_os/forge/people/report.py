"""All pairs: which become lines, which do not and why; and the two sides of the split, which never change."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from casava_os.forge import corpus
from casava_os.forge.data import without_defaults
from casava_os.forge.people import boundaries, faithful, rewrite, shell, templates
from casava_os.forge.people.errors import Dropped, Unsaid
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.prove import prove
from casava_os.forge.people.translate import run_quoted, translate

HEADINGS = ("not parsed", "not expressible", "not in the request", "request says more", "outcomes differ")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one pair: a line, or the heading and reason for which it was dropped."""

    line: corpus.Line | None = None
    changes: tuple[str, ...] = ()
    heading: str = ""
    reason: str = ""
    by_table: bool = False


@dataclass(slots=True)
class Counts:
    """The table that `people` prints."""

    pairs: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    changes: Counter[str] = field(default_factory=Counter)
    syscalls: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    by_table: int = 0
    repeated: int = 0

    def add(self, outcome: Outcome) -> None:
        """Counts one pair."""
        self.pairs += 1
        if outcome.line is None:
            self.dropped[outcome.heading] += 1
            self.reasons[outcome.heading][outcome.reason] += 1
            return
        self.verified += 1
        self.by_table += outcome.by_table
        self.changes.update(set(outcome.changes))
        self.syscalls.update(str(call["call"]) for call in outcome.line.calls)

    def table(self, most: int = 25) -> str:
        """The counts as text, `most` reasons of each heading."""
        left = self.pairs
        rows = [f"{self.pairs:6} pairs"]
        after = (
            "parsed",
            "expressible",
            "with every argument in the request",
            "that say no more than the command",
            "verified",
        )
        for heading, what in zip(HEADINGS, after, strict=True):
            left -= self.dropped[heading]
            rows.append(f"{left:6} {what}")
        rows.append(
            f"{self.verified - self.repeated:6} lines without repetitions; {self.by_table} of the verified ask the host and are judged by a table"
        )
        for heading in HEADINGS:
            rows.append(f"\n{heading}: {self.dropped[heading]}")
            rows += [f"{number:6} {reason}" for reason, number in self.reasons[heading].most_common(most)]
        rows.append("\nchanged before translation:")
        rows += [f"{number:6} {change}" for change, number in self.changes.most_common()]
        rows.append("\nverified, by call:")
        rows += [f"{number:6} {call}" for call, number in self.syscalls.most_common()]
        return "\n".join(rows)


def one(request: str, command: str) -> Outcome:
    """What becomes of one pair."""
    pair = rewrite.rewritten(request, command)
    try:
        draft = _drafted(pair)
        line = _line(pair.request, draft)
        if rewrite.ABSOLUTE in pair.changes and _digest(pair.request) < _ABSOLUTE_SHARE:
            line = _absolute(request, command) or line
        return Outcome(line, tuple(pair.changes), by_table=draft.by_table)
    except Dropped as why:
        return Outcome(heading=why.heading, reason=why.reason)


_ABSOLUTE_SHARE = 0.33
"""Of the lines with absolute paths as many keep them: the kernel refuses them by itself, once they are copied."""


def _absolute(request: str, command: str) -> corpus.Line | None:
    """The line with the paths as people wrote them. What it means was proved on relative ones."""
    pair = rewrite.rewritten(request, command, keep_absolute=True)
    try:
        draft = translate(pair.request, shell.parse(pair.command))
        faithful.check(draft)
    except Dropped:
        return None
    line = _line(pair.request, draft)
    return line if corpus.problem(line) is None else None


def _drafted(pair: rewrite.Pair) -> Draft:
    quoted = run_quoted(pair.request, pair.command)
    if quoted is not None:
        faithful.check(quoted)
        quoted.by_table = True
        return quoted
    commands = shell.parse(pair.command)
    draft = translate(pair.request, commands)
    faithful.check(draft)
    wrong = corpus.problem(corpus.Line(pair.request, tuple(draft.surface()), draft.needs.stdin))
    if wrong is not None:
        raise Unsaid(wrong.partition(":")[0])
    if not draft.by_table:
        prove(draft, commands)
    return draft


def _line(request: str, draft: Draft) -> corpus.Line:
    return corpus.Line(request, tuple(without_defaults(draft.surface())), draft.needs.stdin)


def all_of(
    pairs: Sequence[tuple[str, str]], *, threads: int = 2, progress: Callable[[int], None] = lambda done: None
) -> Iterator[Outcome]:
    """The outcomes of pairs, in order."""
    with ThreadPoolExecutor(threads) as pool:
        for done, outcome in enumerate(pool.map(lambda pair: one(*pair), pairs), 1):
            progress(done)
            yield outcome


def read(path: Path) -> list[tuple[str, str]]:
    """Pairs of a JSONL file with `nl` or `request`, and `cmd` or `command`."""
    found: list[tuple[str, str]] = []
    for row in path.read_text("utf-8").splitlines():
        data: Mapping[str, object] = json.loads(row)
        request, command = data.get("request", data.get("nl")), data.get("command", data.get("cmd"))
        if isinstance(request, str) and isinstance(command, str):
            template = "{{" in command and "page" in data
            found.append(templates.filled(request, command) if template else (request, command))
    return found


def distinct(lines: Iterable[corpus.Line]) -> list[corpus.Line]:
    """Each request once, with the plan that most of its pairs have."""
    plans: dict[str, Counter[str]] = {}
    kept: dict[tuple[str, str], corpus.Line] = {}
    for line in lines:
        key, plan = " ".join(line.request.lower().split()), json.dumps(line.calls, sort_keys=True)
        plans.setdefault(key, Counter())[plan] += 1
        kept.setdefault((key, plan), line)
    return [kept[key, counter.most_common(1)[0][0]] for key, counter in plans.items()]


def held_out(line: corpus.Line, share: float) -> bool:
    """Whether a line is for testing: by a hash of its request without arguments, so that like requests stay together."""
    return _digest(corpus.mask(line)) < share


def _digest(text: str) -> float:
    """A number below 1 that a text always has."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def written(lines: Iterable[corpus.Line], source: str) -> str:
    """Lines as JSONL."""
    rows = []
    for line in lines:
        row: dict[str, object] = {"request": line.request, "calls": line.calls, "source": source}
        if line.piped_stdin:
            row["stdin"] = True
        rows.append(json.dumps(row, ensure_ascii=False))
    return "".join(f"{row}\n" for row in rows)


def run(
    pairs: Path, out: Path, share: float, source: str, threads: int = 2, refusals: Path | None = None
) -> Counts:
    """Translates a file of pairs into `out`, and `held_out.jsonl` beside it when a share is held out.

    `refusals` gets the requests that no call can answer, with the reason: see `boundaries`.
    """
    if refusals is not None:
        refused = (boundaries.refusal(*pair) for pair in read(pairs))
        lines = distinct(line for line in refused if line is not None)
        refusals.write_text(
            written((line for line in lines if not held_out(line, share)), f"{source}-refusals"),
            encoding="utf-8",
        )
    counts, translated = Counts(), []
    for outcome in all_of(read(pairs), threads=threads, progress=_tell):
        counts.add(outcome)
        if outcome.line is not None:
            translated.append(outcome.line)
    once = distinct(translated)
    counts.repeated = len(translated) - len(once)
    kept = [line for line in once if not held_out(line, share)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(written(kept, source), encoding="utf-8")
    if share:
        aside = [line for line in once if held_out(line, share)]
        out.with_name("held_out.jsonl").write_text(written(aside, source), encoding="utf-8")
    return counts


def _tell(done: int) -> None:
    if done % 1000 == 0:
        print(f"{done} pairs", flush=True)
