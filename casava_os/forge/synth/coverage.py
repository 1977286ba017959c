"""What the templates reach: the forge stops when a syscall, or a field of one, has no phrasing."""

from __future__ import annotations

import random
from collections.abc import Mapping

from casava_os.forge.synth.build import TEMPLATES, Template, assert_compiles
from casava_os.forge.synth.chains import CHAINS
from casava_os.forge.synth.sample import sample
from casava_os.forge.synth.sets import assert_patterns
from casava_os.kernel.compiler.tagged import CALLS, tagged_fields

UNSAID = frozenset(
    {
        ("ask", "question"),
        ("ask", "choices"),
        ("refuse", "message"),
    }
)
"""Fields that our own model leaves to the host: the standard sentences of `ask` and `refuse`."""


def families() -> Mapping[str, tuple[Template, ...]]:
    """The templates by family; chains are a family of their own."""
    found: dict[str, list[Template]] = {}
    for one in (*TEMPLATES, *CHAINS.templates):
        found.setdefault(one.family, []).append(one)
    return {name: tuple(group) for name, group in found.items()}


def reached(samples: int, seed: int) -> frozenset[tuple[str, str, str]]:
    """(call, field, choice or "") of everything that so many examples say."""
    rng = random.Random(seed)
    found: set[tuple[str, str, str]] = set()
    for _ in range(samples):
        for call in sample(rng).calls:
            name = str(call["call"])
            for field, value in call.items():
                found.add((name, "" if field == "call" else field, ""))
                if isinstance(value, str):
                    found.add((name, field, value))
    return frozenset(found)


BATCH, MOST = 15_000, 150_000
"""Examples that are looked through at a time, and at most: what is said at all is said in a few tens of thousands."""


def missing() -> tuple[str, ...]:
    """What none of `MOST` examples says: "file.find", "file.find.mode", "file.hash.algorithm=md5"."""
    said: frozenset[tuple[str, str, str]] = frozenset()
    gaps: tuple[str, ...] = ()
    for seed in range(MOST // BATCH):
        said |= reached(BATCH, seed)
        gaps = _gaps(said)
        if not gaps:
            break
    return gaps


def _gaps(said: frozenset[tuple[str, str, str]]) -> tuple[str, ...]:
    gaps: list[str] = []
    for name in sorted(CALLS):
        if (name, "", "") not in said:
            gaps.append(name)
            continue
        for shape in tagged_fields(name):
            if (name, shape.name) in UNSAID:
                continue
            if (name, shape.name, "") not in said:
                gaps.append(f"{name}.{shape.name}")
                continue
            gaps += [
                f"{name}.{shape.name}={choice}"
                for choice in shape.choices
                if choice != shape.default and (name, shape.name, choice) not in said
            ]
    return tuple(gaps)


def assert_complete() -> None:
    """Raises `ValueError` when a wording is malformed, or something that the ABI can say is never said."""
    assert_compiles()
    assert_patterns()
    if gaps := missing():
        raise ValueError(f"no phrasing for {', '.join(gaps)}")
