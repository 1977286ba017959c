"""The check that every example must pass: it encodes, its arguments can be copied, and its plan type-checks."""

from __future__ import annotations

from datetime import datetime

from casava_os.forge.synth.sample import Example
from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import FREE_TEXT, Control, candidates, encode, field_shapes, lower
from casava_syscalls.plan import parse_plan
from casava_syscalls.results import Err
from casava_syscalls.shapes import Lexeme

NOW = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - local time is what people mean
"""The day on which the examples are read."""


class Unfit(ValueError):  # noqa: N818 - a verdict on an example, as in `raise Unfit`
    """An example that cannot be learned from."""


def check(example: Example, *, outside: bool = True) -> None:
    """Raises `Unfit` when the example's plan cannot be copied from its request, or does not type-check.

    With `outside`, a path that leaves the workspace is in order: such requests keep their call, and the ABI refuses it.
    """
    words = atoms(example.request)
    try:
        segments = encode(example.calls)  # type: ignore[arg-type]
    except ValueError as problem:
        raise Unfit(f"{problem}: {example}") from problem
    call = ""
    lexeme: Lexeme = "needle"
    for segment in segments:
        if isinstance(segment, Control):
            kind, _, name = segment.name.partition(":")
            if kind == "call":
                call = name
            elif kind == "key":
                lexeme = field_shapes(call)[name].lexeme
        elif not _copyable(example.request, words, lexeme, segment.text):
            raise Unfit(f"{segment.text!r} is no {lexeme} of the request: {example}")
    lowered = lower(example.calls, NOW)  # type: ignore[arg-type]
    if isinstance(lowered, Err):
        raise Unfit(f"{lowered.message}: {example}")
    plan = parse_plan(
        {"request": example.request, "steps": lowered.value, "reads_stdin": example.piped_stdin}
    )
    if isinstance(plan, Err) and not (outside and plan.code == "outside-workspace"):
        raise Unfit(f"{plan.message}: {example}")


def _copyable(request: str, words: tuple[Atom, ...], lexeme: Lexeme, text: str) -> bool:
    if lexeme in FREE_TEXT:
        return any(a.quoted and a.text == text for a in words) or _run(request, words, text)
    return text in candidates(lexeme, words, request, NOW)


def _run(request: str, words: tuple[Atom, ...], text: str) -> bool:
    starts = {atom.start for atom in words}
    ends = {atom.end for atom in words}
    at = request.find(text)
    while at != -1:
        if at in starts and at + len(text) in ends:
            return True
        at = request.find(text, at + 1)
    return False
