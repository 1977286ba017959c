"""Requests worded by hand, with their plans: what no grammar of phrasings would think of.

Each `*.jsonl` here is one writer's: {"request": …, "calls": [surface calls], "stdin": true?}. `load` reads and checks
them; training gives each line other argument words, so that the model learns its wording and not its file names.
`python -m casava_os.forge.corpus FILE…` checks files and counts lines that are alike once arguments are masked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from casava_os.kernel.compiler import tagged
from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_syscalls import Err, parse_plan
from casava_syscalls.shapes import Lexeme

_NOW = datetime.fromisoformat("2026-03-18T12:00")


@dataclass(frozen=True, slots=True)
class Line:
    """One hand-worded request with its surface calls."""

    request: str
    calls: tuple[tagged.SurfaceCall, ...]
    piped_stdin: bool = False
    writer: str = ""


CALIBRATION = 16
"""One line in so many is kept from training: confidence is calibrated on it."""


def load(*, calibration: bool = False) -> list[Line]:
    """The lines to train on, in order of file and line; or those that nobody trains on."""
    return [line for line in every() if kept_out(line) == calibration]


def kept_out(line: Line) -> bool:
    """Whether a line is for calibration. Its words decide: it stays so wherever it stands in the files."""
    return hashlib.sha256(line.request.encode()).digest()[0] % CALIBRATION == 0


def every() -> list[Line]:
    """Every line of the corpus."""
    folder = resources.files(__name__)
    found: list[Line] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        writer = entry.name.removesuffix(".jsonl")
        if entry.name.endswith(".jsonl"):
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
            shape = tagged.field_shapes(str(call["call"]))[key]
            for segment in tagged.encode([{"call": call["call"], key: value}])[2:-1]:
                if isinstance(segment, tagged.Copy) and not stands_in(
                    segment.text, shape.lexeme, words, line.request
                ):
                    return f"{call['call']} {key}: {segment.text!r} is not a {shape.lexeme} that stands in the request"
    decoded = tagged.decode(segments)
    lowered = decoded if isinstance(decoded, Err) else tagged.lower(decoded.value, _NOW)
    if isinstance(lowered, Err):
        return str(lowered)
    plan = parse_plan({"request": line.request, "steps": lowered.value, "reads_stdin": line.piped_stdin})
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
