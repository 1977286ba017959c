"""A small language for phrasings, so that one line of text stands for hundreds of requests.

`(a|b|c)` chooses, `[x]` is there or not, `{name}` is a named pattern, `<name:kind>` is an argument of that kind which
lands in the field `name`, `<name=value>` sets a field without saying a word, `<+name>` sets a flag. Arguments are kept
between two private-use characters until the very end, so that noise never touches them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

OPEN, CLOSE = "\ue000", "\ue001"
"""Around every argument while a request is being written."""

Value = object
Slot = Callable[["Scene"], tuple[str, Value]]
Node = Callable[["Scene"], str]

MACROS: dict[str, str] = {}
SLOTS: dict[str, Slot] = {}


@dataclass(slots=True)
class Scene:
    """What one request has said so far: its arguments by field, the names already used, and its open end."""

    rng: random.Random
    values: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    open_end: bool = False
    """The request ends with unquoted free text: nothing may follow."""
    front: str = ""
    """A place said before everything else: "in src"."""
    may_front: bool = False

    def pick(self, options: tuple[str, ...] | list[str]) -> str:
        return options[int(self.rng.random() * len(options))]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def inner(self) -> Scene:
        """A scene with its own fields that knows the same names."""
        return Scene(self.rng, used=self.used)


def macro(**patterns: str) -> None:
    """Names patterns for use as `{name}`."""
    MACROS.update(patterns)


def slot(*names: str) -> Callable[[Slot], Slot]:
    """Registers a kind of argument."""

    def register(function: Slot) -> Slot:
        for name in names:
            SLOTS[name] = function
        return function

    return register


@cache
def pattern(text: str) -> Node:
    """The compiled form of a phrasing. Raises `ValueError` when its brackets do not match."""
    node, end = _alternatives(text, 0, "")
    if end != len(text):
        raise ValueError(f"unmatched bracket at {end} in {text!r}")
    return node


def say(scene: Scene, text: str) -> str:
    """One wording of a phrasing; its arguments land in the scene."""
    return pattern(text)(scene)


def _alternatives(text: str, at: int, closing: str) -> tuple[Node, int]:
    options: list[Node] = []
    while True:
        node, at = _sequence(text, at)
        options.append(node)
        if at < len(text) and text[at] == "|":
            at += 1
            continue
        break
    if closing:
        if at >= len(text) or text[at] != closing:
            raise ValueError(f"{closing!r} is missing in {text!r}")
        at += 1
    if len(options) == 1:
        return options[0], at
    return _choose(tuple(options)), at


def _choose(options: tuple[Node, ...]) -> Node:
    count = len(options)

    def run(scene: Scene) -> str:
        return options[int(scene.rng.random() * count)](scene)

    return run


def _sequence(text: str, at: int) -> tuple[Node, int]:
    parts: list[Node] = []
    literal = ""
    while at < len(text) and text[at] not in "|)]":
        char = text[at]
        if char not in "([{<\\" or (
            char == "<" and not text[at + 1 : at + 2].isalpha() and text[at + 1 : at + 2] != "+"
        ):
            literal += char
            at += 1
            continue
        if char == "\\":
            literal += text[at + 1]
            at += 2
            continue
        if literal:
            parts.append(_literal(literal))
            literal = ""
        if char == "(":
            node, at = _alternatives(text, at + 1, ")")
            parts.append(node)
        elif char == "[":
            node, at = _alternatives(text, at + 1, "]")
            parts.append(_optional(node))
        else:
            end = text.index("}" if char == "{" else ">", at)
            inside = text[at + 1 : end]
            parts.append(_macro(inside) if char == "{" else _argument(inside))
            at = end + 1
    if literal:
        parts.append(_literal(literal))
    return (parts[0] if len(parts) == 1 else _join(tuple(parts))), at


def _literal(text: str) -> Node:
    return lambda _: text


def _join(parts: tuple[Node, ...]) -> Node:
    return lambda scene: "".join([part(scene) for part in parts])


def _optional(node: Node) -> Node:
    return lambda scene: node(scene) if scene.rng.random() < 0.5 else ""


def _macro(name: str) -> Node:
    found: list[Node] = []

    def run(scene: Scene) -> str:
        if not found:
            found.append(pattern(MACROS[name]))
        return found[0](scene)

    return run


def _argument(inside: str) -> Node:
    if inside.startswith("+") or "=" in inside:
        name, _, value = inside.removeprefix("+").partition("=")
        return _set(name, {"": True, "false": False, "1": 1}.get(value, value))
    name, _, kind = inside.partition(":")
    kind = kind or name

    def run(scene: Scene) -> str:
        said, value = SLOTS[kind](scene)
        scene.values[name] = value
        return said

    return run


def _set(name: str, value: Value) -> Node:
    def run(scene: Scene) -> str:
        scene.values[name] = value
        return ""

    return run


def fields(scene: Scene) -> Mapping[str, Value]:
    """The fields that were said, by name."""
    return scene.values
