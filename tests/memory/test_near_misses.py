"""Proven plans are never used for a request that means something else, however little it differs.

Pairs are minimal edits of requests that people wrote: a word, a negation, a number, a path, a capital, an order. A plan that is
used again must be the one that the edit means: with the new number or name where the old one stood, and nothing else.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from importlib import resources

import pytest

from casava_os.kernel.compiler import alike
from casava_os.kernel.compiler.lexer import normalise
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Ok
from casava_syscalls.shapes import shapes
from tests.memory.conftest import plan_of

NOW = datetime(2026, 11, 21, 13, 0)  # noqa: DTZ001 - local time is what people mean
OPPOSITES = {
    "larger": "smaller", "bigger": "smaller", "smaller": "larger", "older": "newer", "newer": "older", "first": "last",
    "last": "first", "largest": "smallest", "biggest": "smallest", "smallest": "largest", "newest": "oldest",
    "oldest": "newest", "move": "copy", "copy": "move", "delete": "list", "remove": "show", "show": "delete", "list": "delete",
    "before": "after", "after": "before", "over": "under", "under": "over", "above": "below", "below": "above", "and": "or",
    "in": "outside", "from": "to", "to": "from", "with": "without", "all": "no", "files": "folders", "folders": "files",
    "lines": "words", "words": "lines", "ascending": "descending", "days": "weeks", "weeks": "days", "mb": "gb", "gb": "mb",
    "more": "less", "less": "more", "include": "exclude", "start": "stop", "stop": "start", "compress": "extract",
}  # fmt: skip


def document(calls: list[dict[str, object]]) -> Plan | None:
    """The plan of a line of the corpus, its words read as the compiler reads them."""
    steps: list[dict[str, object]] = []
    for call in calls:
        syscall = SYSCALLS.get(str(call.get("call")))
        if syscall is None:
            return None
        step: dict[str, object] = {}
        for name, value in call.items():
            shape = shapes(syscall).get(name)
            if shape is None or shape.lexeme in ("choice", "flag", "object", "mapping"):
                step[name] = value
            elif isinstance(value, list):
                step[name] = [item for one in value for item in _many(shape.lexeme, one)]
            elif isinstance(value, str) and not value.startswith("$"):
                read = normalise(shape.lexeme, value, NOW)
                step[name] = value if read is None else read
            else:
                step[name] = value
        steps.append(step)
    parsed = parse_plan({"version": 1, "request": "", "steps": steps})
    return parsed.value if isinstance(parsed, Ok) else None


def _many(lexeme: object, one: object) -> list[object]:
    if not isinstance(one, str) or one.startswith("$"):
        return [one]
    read = normalise(lexeme, one, NOW)  # type: ignore[arg-type]
    return list(read) if isinstance(read, list) else [one if read is None else read]


def corpus() -> list[tuple[str, list[dict[str, object]], Plan]]:
    found = []
    for path in sorted(resources.files("casava_os.forge.corpus").iterdir(), key=lambda one: one.name):
        if path.name.endswith(".jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                data = json.loads(line)
                calls = data.get("calls") or []
                plan = document(calls)
                if plan is not None and plan.steps[0].call not in ("ask", "refuse"):
                    found.append((data["request"], calls, plan))
    return found


def substituted(calls: list[dict[str, object]], old: str, new: str) -> Plan | None:
    """The plan that is meant when a literal is another one."""
    whole = re.compile(rf"(?<![\w.]){re.escape(old)}(?![\w])")

    def put(value: object) -> object:
        if isinstance(value, str):
            return value if value.startswith("$") else whole.sub(new, value)
        if isinstance(value, list):
            return [put(one) for one in value]
        return (
            int(new)
            if isinstance(value, int) and not isinstance(value, bool) and str(value) == old and new.isdigit()
            else value
        )

    return document(
        [{key: value if key == "call" else put(value) for key, value in call.items()} for call in calls]
    )


Edit = tuple[str, str, Plan | None]
"""(kind, request, the plan that may be used for it; None when none may)."""


def edits(request: str, calls: list[dict[str, object]], rng: random.Random) -> Iterator[Edit]:
    found = alike.tokens(request)
    plain = [token for token in found if not token.literal and token.text.isalpha()]

    def put(token: alike.Token, text: str) -> str:
        return request[: token.start] + text + request[token.end :]

    for token in plain:
        if (other := OPPOSITES.get(token.kind)) is not None:
            yield "opposite", put(token, other), None
    if plain:
        token = rng.choice(plain)
        yield "word", put(token, rng.choice(["purple", "every", "never", "archive", "tests"])), None
        yield "dropped", put(rng.choice(plain), ""), None
        yield "negated", put(token, f"not {token.text}"), None
        yield "excepted", f"{request.rstrip('.?! ')} except the newest", None
    yield "forbidden", f"don't {request}", None
    yield "more", f"{request.rstrip('.?! ')} and delete them", None
    if len(plain) > 2:
        a, b = rng.sample(plain, 2)
        a, b = sorted((a, b), key=lambda one: one.start)
        if a.kind != b.kind:
            swapped = request[: a.start] + b.text + request[a.end : b.start] + a.text + request[b.end :]
            yield "swapped", swapped, None
    for token in found:
        written = request[token.start : token.end]
        if request.count(token.text) > 1:
            continue  # what is meant then, these edits cannot tell
        if re.fullmatch(r"\d{1,6}", written):
            new = str(int(written) + rng.choice([1, 3, 40]))
            yield "number", put(token, new), substituted(calls, written, new)
            yield "decimal", put(token, written + "0"), substituted(calls, written, written + "0")
            yield "negative", put(token, f"-{written}"), None
        elif token.kind.startswith("\x00name"):
            stem, dot, ending = token.text.rpartition(".")
            for new in (f"other_{stem}{dot}{ending}", f"{stem}2{dot}{ending}"):
                yield "path", put(token, new), substituted(calls, token.text, new)
            yield "ending", put(token, f"{stem}.bak2"), None
            yield "wildcard", put(token, f"*.{ending}"), None
            yield "climbs", put(token, f"../{token.text}"), None
            yield "absolute", put(token, f"/etc/{token.text}"), None
        elif token.kind.startswith("\x00quoted") and token.text.isalpha():
            yield (
                "quoted",
                put(token, f"{written[0]}{token.text}ish{written[-1]}"),  # a shell tells the marks apart
                substituted(calls, token.text, f"{token.text}ish"),
            )
        elif "/" in token.text:
            yield "folder", put(token, f"{token.text}/other"), None


def used(request: str, plan: Plan, other: str) -> Plan | None:
    how = alike.pattern(request, plan, NOW)
    return None if how is None else alike.again(plan, how, other, NOW)


def test_no_minimal_edit_of_thousands_is_answered_with_another_plan() -> None:
    rng = random.Random(6)
    counts: Counter[str] = Counter()
    wrong: list[tuple[str, str, str, str]] = []
    for request, calls, plan in corpus()[::3]:
        how = alike.pattern(request, plan, NOW)
        if how is None:
            continue
        for kind, other, meant in edits(request, calls, rng):
            if [token.text.casefold() for token in alike.tokens(other)] == [
                token.text.casefold() for token in alike.tokens(request)
            ]:
                continue  # "Archive" with "archive" in its place is no edit
            made = alike.again(plan, how, other, NOW)
            counts[f"{kind}{'' if made is None else ' used'}"] += 1
            if made is not None and (meant is None or made.steps != meant.steps):
                wrong.append((kind, request, other, made.canonical()))
    print(f"\nnear misses: {sum(counts.values())} pairs, {len(wrong)} wrong; {dict(sorted(counts.items()))}")
    assert wrong == []
    assert sum(counts.values()) >= 300
    # Not all of it is refused: what is alike is used.
    assert counts["number used"] >= 100
    assert counts["path used"] >= 100


def test_the_same_request_said_again_is_answered_with_its_plan() -> None:
    same = 0
    for request, _, plan in corpus()[::3]:
        how = alike.pattern(request, plan, NOW)
        if how is None:
            continue
        again = [
            request,
            f"  {request}  ",
            f"please {request}",
            f"{request.rstrip(' .?!')}, thanks",
            f"could you {request}",
        ]
        for other in again:
            made = alike.again(plan, how, other, NOW)
            assert made is not None, (request, other)
            assert made.steps == plan.steps, (request, other)
        same += 1
    assert same >= 1000


FIND_BIG = ("find files larger than 5 MB", {"call": "file.find", "larger_than": "5 MB"})
READ = ("show the first 3 lines of notes.txt", {"call": "file.read", "paths": ["notes.txt"], "first": 3})
MOVE = ("move notes.txt to docs", {"call": "file.move", "paths": ["notes.txt"], "to": "docs"})
JOIN = ("move notes.txt to docs", {"call": "file.move", "paths": ["notes.txt"], "to": "docs/notes.txt"})
ZIP = ("zip data.csv", {"call": "file.archive", "paths": ["data.csv"], "to": "data.zip"})
RENAME = ("rename a.txt to b.txt", {"call": "file.rename", "paths": ["a.txt"], "to": "b.txt"})
SEARCH = ('search for "TODO" in src', {"call": "text.search", "pattern": "TODO", "source": ["src"]})
YESTERDAY = ("files changed since yesterday", {"call": "file.find", "modified_after": "2026-11-20T00:00:00"})
CHMOD = ("chmod 644 run.sh", {"call": "file.chmod", "paths": ["run.sh"], "mode": "644"})
RUN = ('run "make test"', {"call": "process.run", "command": "make test"})
BYHAND = [
    (FIND_BIG, "find files smaller than 5 MB", None),
    (FIND_BIG, "find files larger than 5 GB", None),
    (FIND_BIG, "find files larger than 5", None),
    (FIND_BIG, "find files larger than 50 MB", {"call": "file.find", "larger_than": "50 MB"}),
    (FIND_BIG, "find folders larger than 5 MB", None),
    (FIND_BIG, "find files no larger than 5 MB", None),
    (FIND_BIG, "find files larger than five MB", None),
    (FIND_BIG, "find files larger than 5 MB in docs", None),
    (FIND_BIG, "Please find files larger than 7 MB.", {"call": "file.find", "larger_than": "7 MB"}),
    (READ, "show the last 3 lines of notes.txt", None),
    (READ, "show the first 4 lines of notes.txt", {"call": "file.read", "paths": ["notes.txt"], "first": 4}),
    (READ, "show the first 3 lines of Notes.txt", {"call": "file.read", "paths": ["Notes.txt"], "first": 3}),
    (READ, "show the first 3 words of notes.txt", None),
    (READ, "show the first 0 lines of notes.txt", None),
    (READ, "show the first 3 lines of notes.md", None),
    (READ, "show the first 3 lines of notes", None),
    (READ, "show the first 3 lines of docs/notes.txt", None),
    (READ, "show the first 3 lines of /etc/notes.txt", None),
    (READ, "don't show the first 3 lines of notes.txt", None),
    (MOVE, "copy notes.txt to docs", None),
    (MOVE, "move notes.txt to Docs", None),
    (MOVE, "move notes.txt to images", None),
    (MOVE, "move todo.txt to docs", {"call": "file.move", "paths": ["todo.txt"], "to": "docs"}),
    (MOVE, "move everything to docs", None),
    (JOIN, "move todo.txt to docs", None),
    (ZIP, "zip other.csv", None),
    (ZIP, "zip data.tsv", None),
    (RENAME, "rename b.txt to a.txt", {"call": "file.rename", "paths": ["b.txt"], "to": "a.txt"}),
    (RENAME, "rename a.txt to b.md", None),
    (RENAME, "rename a.txt b.txt", None),
    (SEARCH, 'search for "FIXME" in src', {"call": "text.search", "pattern": "FIXME", "source": ["src"]}),
    (SEARCH, "search for TODO in src", None),
    (SEARCH, 'search for "TODO" in tests', None),
    (SEARCH, 'search for "*" in src', None),
    (SEARCH, 'search for "a b" in src', None),
    (SEARCH, 'search for "src/x" in src', None),
    (SEARCH, 'search for "TODO" outside src', None),
    (YESTERDAY, "files changed since today", None),
    (YESTERDAY, "files changed before yesterday", None),
    (CHMOD, "chmod 755 run.sh", {"call": "file.chmod", "paths": ["run.sh"], "mode": "755"}),
    (CHMOD, "chmod 999 run.sh", None),
    (CHMOD, "chmod 644 run", None),
    (RUN, 'run "make clean"', {"call": "process.run", "command": "make clean"}),
    (RUN, "run make test", None),
]


@pytest.mark.parametrize(("proven", "other", "meant"), BYHAND)
def test_pairs_by_hand(
    proven: tuple[str, dict[str, object]], other: str, meant: dict[str, object] | None
) -> None:
    request, step = proven
    made = used(request, plan_of(step), other)
    if meant is None:
        assert made is None
    else:
        assert made is not None
        assert made.steps == plan_of(meant).steps


def test_a_day_that_was_said_in_words_is_another_day_later() -> None:
    request, step = YESTERDAY
    plan = plan_of(step)
    how = alike.pattern(request, plan, NOW)
    assert how is not None
    made = alike.again(plan, how, request, datetime(2026, 12, 25, 9, 0))  # noqa: DTZ001
    assert made is not None
    assert "2026-12-24T00:00:00" in made.canonical()
    assert alike.pattern("files changed lately", plan, NOW) is None
