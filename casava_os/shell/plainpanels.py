"""Containers, stacks and memory without drawing: each thing a sentence, each deed a syscall that is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.containers import labels
from casava_os.kernel.life import real, text_of
from casava_os.kernel.run import Kernel
from casava_os.paths import state_dir
from casava_os.shell.deeds import (
    Deed,
    container_deed,
    destroy_deed,
    lease_deed,
    private_for_good,
    remember_deed,
    scale_deed,
)
from casava_os.shell.standing import clock_text
from casava_os.shell.wording import size_text
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.infra.drivers import ServiceState

LOG_LINES = 20
"""Lines of a log that are said."""
MOST_SAID = 50
"""Containers or memories that are said at once."""

HELP = """\
/containers lists what Casava started, /containers all everybody's, /containers NAME tells one with its last lines.
/containers stop NAME stops it; start, restart, remove NAME and extend NAME TIME do what they say.
/stacks lists stacks, /stacks NAME tells its services; extend NAME TIME, scale NAME SERVICE N, destroy NAME.
/memory WORDS finds what is remembered; /memory alone tells the newest; remember TEXT adds, forget ID forgets, private switches."""

_DO = frozenset({"start", "stop", "restart", "remove"})


def containers(words: Sequence[str]) -> Result[Deed | list[str]]:
    """What `/containers …` does or says. Blocking."""
    match [*words]:
        case [verb, name] if verb in _DO:
            return _deed(container_deed(verb, name, running=verb == "remove" and _runs(name)))
        case ["extend", name, *span] if span:
            return _deed(lease_deed(name, " ".join(span)))
        case [] | ["all"]:
            return _containers(everyones=bool(words))
        case [name]:
            return _container(name)
    return _usage("containers", "all, NAME, stop NAME, extend NAME TIME")


def stacks(words: Sequence[str]) -> Result[Deed | list[str]]:
    """What `/stacks …` does or says. Blocking."""
    match [*words]:
        case ["extend", name, *span] if span:
            return _deed(lease_deed(name, " ".join(span)))
        case ["scale", name, service, number]:
            return _deed(scale_deed(name, service, number))
        case ["destroy", name]:
            return _deed(destroy_deed(name, volumes=False))
        case ["destroy", name, "with", "data"]:
            return _deed(destroy_deed(name, volumes=True))
        case [] | [_]:
            return _stacks("".join(words))
    return _usage("stacks", "NAME, extend NAME TIME, scale NAME SERVICE N, destroy NAME [with data]")


def memory(kernel: Kernel, workspace: str, words: Sequence[str]) -> Result[Deed | list[str]]:
    """What `/memory …` does or says. Blocking."""
    from casava_os.memory.service import FORGET_LEAVES, Remembrance

    kept = kernel.memory
    if not isinstance(kept, Remembrance):
        return private_for_good()
    match [*words]:
        case ["remember", *text] if text:
            return _deed(remember_deed(" ".join(text)))
        case ["forget", ident]:
            done = kept.forget([ident])
            if isinstance(done, Err):
                return done
            if not done.value:
                return Err(
                    code="not-found", title=f"There is no entry {ident}", message="memory has none of that id"
                )
            what = "1 entry is" if done.value == 1 else f"{done.value} entries are"
            return Ok(value=[f"{what} forgotten. {FORGET_LEAVES}"])
        case []:
            listed = kept.listed(limit=MOST_SAID)
            found = listed if isinstance(listed, Err) else Ok(value=listed.value)
        case _:
            searched = kept.search(" ".join(words), limit=10, workspace=workspace)
            found = searched if isinstance(searched, Err) else Ok(value=[one.entry for one in searched.value])
    if isinstance(found, Err):
        return found
    from casava_os.shell.widgets.memorydetail import KINDS, from_text

    lines = [
        f"{entry.id}, {KINDS[entry.collection]} of {clock_text(entry.time, time.time())}, words of {from_text(entry)}: "
        + " ".join(entry.text.split())[:400]
        for entry in found.value
    ]
    return Ok(value=lines or ["Nothing is remembered about that." if words else "Nothing is remembered yet."])


def asked_before(words: Sequence[str]) -> str:
    """The question before something is forgotten; empty for everything else."""
    match [*words]:
        case ["forget", ident]:
            return f"Forget {ident} for good? It goes from memory without a trace. Answer yes or no: "
    return ""


PANELS: Mapping[str, Callable[[Kernel, str, Sequence[str]], Result[Deed | list[str]]]] = {
    "containers": lambda _kernel, _place, words: containers(words),
    "stacks": lambda _kernel, _place, words: stacks(words),
    "memory": memory,
}


def here(workspace: Path) -> str:
    """A workspace as memory names it."""
    return text_of(real(workspace))


# ------------------------------------------------------------------------------------------------ parts


def aloud(lines: Iterable[str]) -> Iterator[str]:
    """The same in signs that can be read aloud."""
    return (line.replace("\N{RIGHTWARDS ARROW}", " to ").replace(labels.MASK, "hidden") for line in lines)


def _deed(made: Result[Deed]) -> Result[Deed | list[str]]:
    return made if isinstance(made, Err) else Ok(value=made.value)


def _usage(command: str, what: str) -> Err:
    return Err(code="usage", title=f"/{command} takes: {what}", message="nothing was done")


def _runs(name: str) -> bool:
    from casava_os.containers.watching import ContainerWatch

    watch = ContainerWatch(state_dir())
    try:
        found = watch.look()
        return isinstance(found, Ok) and any(one.running for one in found.value if one.name == name)
    finally:
        watch.close()


def _containers(*, everyones: bool) -> Result[Deed | list[str]]:
    from casava_os.containers.looking import left_words
    from casava_os.containers.watching import ContainerWatch

    watch = ContainerWatch(state_dir())
    try:
        found = watch.look()
    finally:
        watch.close()
    if isinstance(found, Err):
        return found
    shown = [one for one in found.value if everyones or one.maker == "casava"]
    whose = {"casava": "", "sandbox": ", a sandbox of Casava's", "other": ", not started by Casava"}
    lines = []
    for one in sorted(shown, key=lambda one: (one.maker != "casava", not one.running, one.name))[:MOST_SAID]:
        parts = [f"{one.name}: {one.image}, {one.state}{whose[one.maker]}"]
        parts += [f"ports {', '.join(one.ports)}"] if one.ports else []
        parts += [f"{size_text(one.memory)} of memory"] if one.memory is not None else []
        parts += [f"its lease ends in {left_words(one.lease)}"] if one.lease is not None else []
        lines.append(", ".join(parts))
    others = len(found.value) - len(shown)
    if not shown:
        lines = ["Casava has started no container here."]
    if others:
        lines.append(f"{others} of others: /containers all tells them, too.")
    return Ok(value=lines)


def _container(name: str) -> Result[Deed | list[str]]:
    from casava_os.containers.watching import ContainerWatch
    from casava_os.shell.widgets.logview import shown

    watch = ContainerWatch(state_dir())
    try:
        facts = watch.facts(name)
        printed = watch.last_lines(name, LOG_LINES) if isinstance(facts, Ok) else None
    finally:
        watch.close()
    if isinstance(facts, Err):
        return facts
    lines = [
        f"{fact.replace('_', ' ')}: {value}" for fact, value in facts.value.items.items() if value is not None
    ]
    if isinstance(printed, Ok):
        lines.append(
            f"It printed, the last {len(printed.value)} lines:" if printed.value else "It printed nothing."
        )
        lines += [f"  {shown(line)}" for line in printed.value]
    elif printed is not None:
        lines.append(str(printed))
    return Ok(value=lines)


def _stacks(name: str) -> Result[Deed | list[str]]:
    from casava_os.infra.performing import engine_of

    engine = engine_of(state_dir())
    try:
        found = engine.status(name or None)
    finally:
        engine.close()
    if isinstance(found, Err):
        return found
    from casava_os.containers.leases import now
    from casava_os.infra.tables import duration

    lines: list[str] = []
    for told in found.value:
        if isinstance(told.state, Err):
            lines.append(f"{told.name}: {told.state}")
            continue
        left = (
            told.lease.lease.left(now()) if told.lease is not None and told.lease.lease is not None else None
        )
        ends = "" if left is None else f", its lease ends in {duration(left)}"
        services = told.state.value.services
        lines.append(f"{told.name}: {told.state.value.state}, {len(services)} services{ends}")
        if name:
            lines += _services(told.state.value.services)
            lines += [f"  {text}" for text in told.state.value.other]
    return Ok(value=lines or ["No stack is set up here."])


def _services(services: Sequence[ServiceState]) -> Iterator[str]:
    for one in services:
        wanted = "" if one.wanted is None else f" of {one.wanted}"
        parts = [f"  {one.service}: {one.state}, {one.running}{wanted} running"]
        parts += [f"health {one.health}"] if one.health else []
        parts += [f"ports {', '.join(one.ports)}"] if one.ports else []
        sizes = (
            ("memory", one.memory),
            ("at most", one.peak),
            ("limit", one.limit),
            ("what fits", one.proposed),
        )
        parts += [f"{word} {size_text(size)}" for word, size in sizes if size is not None]
        parts += [f"{one.watts:.1f} watts"] if one.watts is not None else []
        parts += [f"not as the spec says: {'; '.join(one.drift)}"] if one.drift else []
        yield ", ".join(parts)
