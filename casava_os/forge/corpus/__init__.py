"""Requests worded by hand, with their plans: what no grammar of phrasings would think of.

Each `*.jsonl` here is one writer's: {"request": …, "calls": [surface calls], "stdin": true?}. `load` reads and checks
them; `swapped` gives a line other argument words, so that the model learns its wording and not its file names.
`python -m casava_os.forge.corpus FILE…` checks files and counts lines that are alike once arguments are masked.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from casava_os.kernel.compiler import tagged
from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_syscalls import SYSCALLS, Err, parse_plan
from casava_syscalls.shapes import Lexeme, shapes

SWAPPABLE: frozenset[Lexeme] = frozenset(("path", "needle", "content", "word", "glob"))
_NOW = datetime.fromisoformat("2026-03-18T12:00")


@dataclass(frozen=True, slots=True)
class Line:
    """One hand-worded request with its surface calls."""

    request: str
    calls: tuple[tagged.SurfaceCall, ...]
    stdin: bool = False
    writer: str = ""


def load(writers: Iterable[str] | None = None) -> list[Line]:
    """Every line of the shipped corpus (of these writers only, when given), in order of file and line."""
    folder = resources.files(__name__)
    found: list[Line] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        writer = entry.name.removesuffix(".jsonl")
        if entry.name.endswith(".jsonl") and (writers is None or writer in set(writers)):
            found += parse(entry.read_text(encoding="utf-8"), writer)
    return found


def parse(text: str, writer: str) -> Iterator[Line]:
    """The lines of one JSONL file. Raises `ValueError` for a line that is not a request with calls."""
    for number, row in enumerate(text.splitlines(), 1):
        if row.strip():
            data = json.loads(row)
            if (
                not isinstance(data, dict)
                or not isinstance(data.get("request"), str)
                or not data.get("calls")
            ):
                raise ValueError(f"{writer}, line {number}: a line has `request` and `calls`")
            yield Line(data["request"], tuple(data["calls"]), bool(data.get("stdin", False)), writer)


def problem(line: Line) -> str | None:
    """What is wrong with a line, or None: arguments must be words of the request and the plan must type-check."""
    try:
        segments = tagged.encode(line.calls)
    except ValueError as why:
        return str(why)
    words = atoms(line.request)
    for call in line.calls:
        for key, value in call.items():
            if key == "call":
                continue
            shape = shapes(SYSCALLS[str(call["call"])])[key]
            for segment in tagged.encode([{"call": call["call"], key: value}])[2:-1]:
                if isinstance(segment, tagged.Copy) and not stands_in(
                    segment.text, shape.lexeme, words, line.request
                ):
                    return f"{call['call']} {key}: {segment.text!r} is not a {shape.lexeme} that stands in the request"
    decoded = tagged.decode(segments)
    lowered = decoded if isinstance(decoded, Err) else tagged.lower(decoded.value, _NOW)
    if isinstance(lowered, Err):
        return str(lowered)
    plan = parse_plan({"request": line.request, "steps": lowered.value, "reads_stdin": line.stdin})
    return str(plan) if isinstance(plan, Err) and plan.code != "outside-workspace" else None


def stands_in(text: str, lexeme: Lexeme, words: Sequence[Atom], request: str) -> bool:
    """Whether the decoding grammar lets an argument of this kind spell `text` for this request."""
    if lexeme not in tagged.FREE_TEXT:
        return text in tagged.candidates(lexeme, words, request, _NOW)
    if any(atom.quoted and atom.text == text for atom in words):
        return True
    starts, ends = {atom.start for atom in words}, {atom.end for atom in words}
    return any(
        match.start() in starts and match.start() + len(text) in ends
        for match in re.finditer(rf"(?={re.escape(text)})", request)
    )


def mask(line: Line) -> str:
    """The request with its arguments masked, lower case: two lines with the same mask word the same thing."""
    texts = {segment.text for segment in tagged.encode(line.calls) if isinstance(segment, tagged.Copy)}
    masked = line.request.lower()
    for text in sorted(texts, key=len, reverse=True):
        masked = masked.replace(text.lower(), "_")
    return " ".join(masked.split())


def swapped(line: Line, rng: random.Random) -> Line:
    """The same wording with other argument words, consistently in request and plan.

    Only single words and quotations that stand for names, paths or literal text are replaced; quantities, formats and
    the instruction itself stay.
    """
    words = atoms(line.request)
    wanted = {text for text in _swappable(line.calls) if sum(atom.text == text for atom in words) == 1}
    if not wanted:
        return line
    fresh = {text: _another(text, rng) for text in sorted(wanted)}
    request, at = "", 0
    for atom in words:
        if fresh.get(atom.text):
            raw = line.request[atom.start : atom.end]
            request += line.request[at : atom.start] + raw.replace(atom.text, fresh[atom.text])
            at = atom.end
    request += line.request[at:]
    calls = tuple({key: _renamed(value, fresh) for key, value in call.items()} for call in line.calls)
    other = Line(request, calls, line.stdin, line.writer)
    return other if problem(other) is None else line


def _swappable(calls: Iterable[tagged.SurfaceCall]) -> Iterator[str]:
    for call in calls:
        for key, value in call.items():
            if key == "call" or shapes(SYSCALLS[str(call["call"])])[key].lexeme not in SWAPPABLE:
                continue
            for segment in tagged.encode([{"call": call["call"], key: value}]):
                if isinstance(segment, tagged.Copy):
                    yield segment.text


def _renamed(value: tagged.SurfaceValue, fresh: Mapping[str, str]) -> tagged.SurfaceValue:
    if isinstance(value, str):
        return fresh.get(value, value)
    if isinstance(value, Mapping):
        return {key: fresh.get(text, text) for key, text in value.items()}
    if isinstance(value, Sequence):
        return [
            fresh.get(item, item) if isinstance(item, str) else {k: fresh.get(t, t) for k, t in item.items()}
            for item in value
        ]
    return value


def _another(text: str, rng: random.Random) -> str:
    """Words of the same shape: letters become other letters, extensions and punctuation stay."""
    stem, dot, extension = text.rpartition(".")
    if not dot or not stem or not re.fullmatch(r"[A-Za-z0-9]{1,5}", extension):
        stem, dot, extension = text, "", ""
    return re.sub(r"[A-Za-z]{2,}", lambda word: _pseudo_word(word.group(), rng), stem) + dot + extension


def _pseudo_word(word: str, rng: random.Random) -> str:
    length = max(2, len(word) + rng.choice((-1, 0, 0, 1, 2)))
    letters = "".join(rng.choice("aeiou" if place % 2 else "bcdfghklmnprstvwz") for place in range(length))
    if rng.random() < 0.2:
        letters = "".join(rng.choice(string.ascii_lowercase) for _ in range(length))
    return letters.upper() if word.isupper() else letters.capitalize() if word[0].isupper() else letters


def check_files(paths: Iterable[Path]) -> list[str]:
    """Every complaint about these files: lines that do not check, and lines alike once arguments are masked."""
    complaints: list[str] = []
    seen: dict[str, str] = {}
    for path in paths:
        for number, line in enumerate(parse(path.read_text(encoding="utf-8"), path.stem), 1):
            where = f"{path.name}:{number}"
            if (wrong := problem(line)) is not None:
                complaints.append(f"{where}: {wrong}   [{line.request}]")
            elif (masked := mask(line)) in seen:
                complaints.append(f"{where}: worded like {seen[masked]}   [{line.request}]")
            else:
                seen[masked] = where
    return complaints
