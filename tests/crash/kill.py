"""Kills a program and all its children, at a named point or at any instant, and counts how that ended.

Each action runs in a child with a process group of its own. Nothing is caught, flushed or cleaned up: SIGKILL.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from casava_sandbox.layer.points import EVENT
from casava_syscalls.results import Err
from tests.crash.world import World, exact

PURPOSES = ("commit", "undo", "redo")


def _child(action: Callable[[], object], before: Callable[[], None] = lambda: None) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        before()
        result = action()
        code = 0 if not isinstance(result, Err) else 1
        if isinstance(result, Err):
            print(f"refused: {result}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at_point(where: int | str, action: Callable[[], object]) -> tuple[int, str]:
    """The exit code (-9: killed) of an action that is killed at the n-th point, or the first of a name, and the point's name."""
    reading, writing = os.pipe()
    passed = 0

    def listen() -> None:
        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal passed
            if event == EVENT:
                passed += 1
                if where in (passed, arguments[0]):
                    os.write(writing, str(arguments[0]).encode())
                    os.killpg(0, signal.SIGKILL)

        sys.addaudithook(hook)

    code = _ended(_child(action, listen))
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        return code, told.read().decode()


def killed_after(seconds: float, action: Callable[[], object]) -> int:
    """The exit code (-9: killed) of an action that is killed after a while, if it has not ended by then."""
    child = _child(action)
    time.sleep(seconds)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it has not come to make its group, or it is over
        os.kill(child, signal.SIGKILL)
    return _ended(child)


@dataclass
class Tally:
    """What happened."""

    killed: Counter[str] = field(default_factory=Counter)
    """Kills, by what was at work."""
    points: Counter[str] = field(default_factory=Counter)
    """Kills by point."""
    ended: Counter[str] = field(default_factory=Counter)
    """Trees after recovery: "old" or "new"."""
    failures: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The counts, for a person."""
        lines = [
            f"{sum(self.killed.values())} kills: "
            + ", ".join(f"{n} in {what}" for what, n in self.killed.items()),
            f"{len(self.points)} labelled points" if self.points else "at random instants",
            f"after recovery: {self.ended['old']} the old tree, {self.ended['new']} the new one",
            f"{len(self.failures)} failures",
        ]
        return "\n".join(lines + self.failures[:20])


def settled(world: World, purpose: str, tally: Tally, what: str) -> str:
    """Recovers, and says whether the tree is the old one or the new one; anything else is a failure."""
    recovered = world.store.recover()
    old, new = world.stands(purpose)
    now = exact(world.workspace)
    if recovered.troubles:
        tally.failures.append(f"{what}: not recovered: {recovered.troubles[0]}")
    if left := world.leftovers():
        tally.failures.append(f"{what}: left behind: {left}")
    if now == old:
        stands = "old"
    elif now == new:
        stands = "new"
    else:
        differing = sorted(
            p for p in now.keys() | old.keys() if now.get(p) != old.get(p) and now.get(p) != new.get(p)
        )
        tally.failures.append(f"{what}: neither old nor new, at {differing[:6]}")
        return "neither"
    tally.ended[stands] += 1
    return stands


def every_point(world: World, purpose: str, tally: Tally, dice: random.Random, step: int = 1) -> None:
    """Kills at one point after another, and the recovery from half of the kills at a random point of its own."""
    number = dice.randrange(step) + 1
    while True:
        code, point = killed_at_point(number, lambda: world.act(purpose))
        if code != -signal.SIGKILL:
            if code:
                tally.failures.append(f"{purpose} point {number}: ended with {code}")
            break
        tally.killed[purpose] += 1
        tally.points[f"{purpose}: {point}"] += 1
        for _ in range(dice.randrange(3)):
            again, inner = killed_at_point(dice.randrange(1, 40), world.store.recover)
            if again == -signal.SIGKILL:
                tally.killed["recovery"] += 1
                tally.points[f"recovery: {inner}"] += 1
        stands = settled(world, purpose, tally, f"{purpose} at {point} ({number})")
        if stands == "neither":
            return
        if stands == "new":
            turn_back(world, purpose)
        number += step
    if settled(world, purpose, tally, f"{purpose} that was not killed") != "new":
        tally.failures.append(f"{purpose} did not land")


def turn_back(world: World, purpose: str) -> None:
    """Puts the world back to before the action."""
    done = world.store.redo(1) if purpose == "undo" else world.store.undo(1)
    assert done.ok, done
    if purpose == "commit":
        world.arm()


def random_instants(world: World, kills: int, tally: Tally, dice: random.Random) -> None:
    """Commits, undoes and redoes again and again, killed at random instants, as is the recovery from it."""
    turn, typical, left = 0, 0.2, kills
    while left > 0:
        purpose = PURPOSES[turn] if turn < len(PURPOSES) else "undo"
        began = time.monotonic()
        code = killed_after(dice.random() * typical * 1.3, lambda purpose=purpose: world.act(purpose))  # type: ignore[misc]
        if code == -signal.SIGKILL:
            tally.killed[purpose] += 1
            left -= 1
        elif code:
            tally.failures.append(f"{purpose} ended with {code}")
        else:
            typical = 0.7 * typical + 0.3 * (time.monotonic() - began)
        while dice.random() < 0.5:
            if killed_after(dice.random() * typical * 0.5, world.store.recover) == -signal.SIGKILL:
                tally.killed["recovery"] += 1
                left -= 1
        stands = settled(world, purpose, tally, f"{purpose} at random")
        if stands == "neither":
            return
        if stands == "new":
            turn += 1
            if turn > len(PURPOSES):  # the last undo: begin again
                turn = 0
                world.arm()
