"""Draws an example: a template or a chain of them, worded, garbled and dressed."""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from casava_os.forge.synth import about, changes, files, hosts, idioms, programs, spared, talk, texts  # noqa: F401 - they declare the templates
from casava_os.forge.synth.build import IMPERATIVE, TEMPLATES, Program, Template, realise
from casava_os.forge.synth.chains import CHAINS, connect
from casava_os.forge.synth.grammar import Scene
from casava_os.forge.synth.noise import dress, finish, garble
from casava_os.kernel.compiler.tagged import performed_by
from casava_syscalls.base import Effect
from casava_syscalls.registry import SYSCALLS

SurfaceCall = dict[str, object]

ASK_SHARE, REFUSE_SHARE, CHAIN_SHARE, PIPED_ANYWAY, SPARED_SHARE = 1 / 12, 1 / 12, 0.24, 0.03, 0.03

_ANSWERS = ("ask", "refuse")


@dataclass(frozen=True, slots=True)
class Example:
    """A request beside the surface calls that it means."""

    request: str
    calls: list[SurfaceCall]
    family: str
    template: str
    piped_stdin: bool = False


class _Wheel:
    """Draws by weight."""

    def __init__(self, templates: list[Template]) -> None:
        self.templates = templates
        self.sums = list(accumulate(t.weight for t in templates))

    def draw(self, rng: random.Random) -> Template:
        return self.templates[min(bisect(self.sums, rng.random() * self.sums[-1]), len(self.templates) - 1)]


@cache
def _wheels() -> dict[str, _Wheel]:
    groups: dict[str, list[Template]] = {"ask": [], "refuse": [], "single": [], "orders": []}
    for one in TEMPLATES:
        if one.family in ("ask", "refuse"):
            groups[one.family].append(one)
        else:
            groups["single"].append(one)
            if not one.stdin and any(form == IMPERATIVE for form, _ in one.phrases):
                groups["orders"].append(one)
    return {name: _Wheel(group) for name, group in groups.items()}


@cache
def _orders(name: str) -> tuple[str, ...]:
    template = next(t for t in TEMPLATES if t.name == name)
    return tuple(phrase for form, phrase in template.phrases if form == IMPERATIVE)


def sample(rng: random.Random) -> Example:
    """One example; the same state of `rng` gives the same one."""
    while True:
        found = _draw(rng)
        if found is not None and len(found.request) <= 400 and all(map(_changes_something, found.calls)):
            return found


def _changes_something(call: SurfaceCall) -> bool:
    return "find" not in call or call["find"] != call.get("replacement")


def _harms(call: SurfaceCall) -> bool:
    name = str(call["call"])
    return name in _ANSWERS or bool(SYSCALLS[performed_by(name)].effect & (Effect.DELETE | Effect.EXECUTE))


def _draw(rng: random.Random) -> Example | None:
    wheels = _wheels()
    draw = rng.random()
    if draw < ASK_SHARE:
        return _single(rng, wheels["ask"].draw(rng))
    if draw < ASK_SHARE + REFUSE_SHARE:
        return _single(rng, wheels["refuse"].draw(rng))
    if draw < ASK_SHARE + REFUSE_SHARE + CHAIN_SHARE:
        return _chain(rng)
    return _single(rng, wheels["single"].draw(rng))


def _single(rng: random.Random, template: Template) -> Example:
    form, phrase = template.phrases[int(rng.random() * len(template.phrases))]
    scene = Scene(rng, may_front=form != ":")
    program = Program()
    said = realise(template, scene, program, phrase)
    piped = template.stdin or (template.family != "ask" and rng.random() < PIPED_ANYWAY)
    return _finished(scene, form, said, program, template.family, template.name, piped)


def _finished(
    scene: Scene, form: str, said: str, program: Program, family: str, name: str, piped: bool
) -> Example:
    if form != ":" and scene.rng.random() < SPARED_SHARE and not any(map(_harms, program.calls)):
        said = spared.spare(scene, form, said)
    text = finish(scene, form, garble(scene.rng, dress(scene, form, said)))
    return Example(text, program.calls, family, name, piped)


def _chain(rng: random.Random) -> Example | None:
    """Several orders: a written chain with data flow, or independent ones joined."""
    if rng.random() < 0.62:
        at = rng.random() * CHAINS.total
        template = CHAINS.templates[min(bisect(CHAINS.sums, at), len(CHAINS.templates) - 1)]
        form, phrase = template.phrases[int(rng.random() * len(template.phrases))]
        scene = Scene(rng)
        program = Program()
        said = realise(template, scene, program, phrase)
        return _finished(scene, form, said, program, "chain", template.name, template.stdin)
    used: set[str] = set()
    program = Program()
    parts: list[str] = []
    names: list[str] = []
    last: Scene | None = None
    for _ in range(2 if rng.random() < 0.6 else 3):
        if last is not None and last.open_end:
            break
        template = _wheels()["orders"].draw(rng)
        scene = Scene(rng, used=used)
        parts.append(realise(template, scene, program, _order_phrase(rng, template)))
        names.append(template.family)
        last = scene
    if len(parts) < 2 or last is None or len({repr(c) for c in program.calls}) < len(program.calls):
        return None
    said = connect(last, parts)
    return _finished(last, IMPERATIVE, said, program, "chain", "+".join(names), False)


def _order_phrase(rng: random.Random, template: Template) -> str:
    phrases = _orders(template.name)
    return phrases[int(rng.random() * len(phrases))]
