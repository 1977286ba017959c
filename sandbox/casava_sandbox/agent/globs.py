"""Shell patterns as regular expressions: `*`, `?`, `[…]`, and `**` across directories."""

from __future__ import annotations

import re
from typing import Callable, List


def matcher(pattern: str, ignore_case: bool = False, *, on_path: bool = False) -> Callable[[str, str], bool]:
    """A test of (name, relative path), both in text form.

    A pattern with a `/` is matched against the path (any pattern, with `on_path`), another against the name.
    """
    whole = pattern.rstrip("/")
    while whole.startswith("./"):
        whole = whole[2:]
    expression = re.compile(_translated(whole), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    match = expression.fullmatch
    if on_path or "/" in whole:
        return lambda name, path: match(path) is not None
    return lambda name, path: match(name) is not None


def _translated(pattern: str) -> str:
    out: List[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            out.append("(?:[^/]+/)*")
            at += 3
            continue
        if pattern.startswith("**", at):
            out.append(".*")
            while at < len(pattern) and pattern[at] == "*":
                at += 1
            continue
        if char == "[":
            end, expression = _bracket(pattern, at)
            out.append(expression)
            at = end
            continue
        out.append({"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char))
        at += 1
    return "".join(out)


def _bracket(pattern: str, at: int) -> "tuple[int, str]":
    """(end, expression) of a `[…]` that starts at `at`; a bracket that never closes is itself."""
    start = at + 1
    negated = pattern[start : start + 1] in ("!", "^")
    first = start + 1 if negated else start
    close = pattern.find("]", first + 1)
    if close < 0:
        return at + 1, re.escape("[")
    parts: List[str] = []
    inside = pattern[first:close]
    place = 0
    while place < len(inside):
        if place + 2 < len(inside) and inside[place + 1] == "-":
            low, high = inside[place], inside[place + 2]
            if low <= high:
                parts.append(re.escape(low) + "-" + re.escape(high))
            place += 3
        else:
            parts.append(re.escape(inside[place]))
            place += 1
    if not parts:
        return close + 1, "(?!)" if not negated else "[^/]"
    return close + 1, "(?!/)[%s%s]" % ("^" if negated else "", "".join(parts))
