"""`python -m tests.infra.crash`: kills applies, scalings, destroys and reconciles of a stack at random instants, and counts.

Nothing is caught, flushed or cleaned up: SIGKILL. After each kill the next start settles what it finds; then what the daemon
has must be one whole version of the stack, or nothing. Things of others that look alike must be as they were.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.containers.daemon import connect
from casava_os.infra import settling
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.record import Record
from casava_os.infra.wishes import Errand, Wish
from casava_os.paths import state_dir
from casava_syscalls.results import Err, Ok
from tests.infra.image import discard, imported

if TYPE_CHECKING:
    from docker import APIClient

STACK = "crash"
SPEC = """
name: crash
services:
  db:
    image: {image}
    command: [sh, -c, "touch /tmp/up; exec sleep 10000"]
    stop_signal: SIGKILL
    volumes: ["data:/data"]
    secrets: [word]
    healthcheck: {{test: [CMD, test, -e, /tmp/up], interval: 20s}}
    {change}
  web:
    image: {image}
    command: [httpd, -f, -p, "80", -h, /srv]
    stop_signal: SIGKILL
    depends_on: {{db: {{condition: service_healthy}}}}
    networks: [front, default]
    scale: {replicas}
networks: {{front: }}
volumes: {{data: }}
secrets: {{word: {{x-casava: {{generate: 16}}}}}}
"""


@dataclass
class Tally:
    """What happened."""

    killed: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    late: int = 0
    """Times that only the second look found something, which the daemon had still been making."""
    failures: list[str] = field(default_factory=list)

    def told(self) -> str:
        """For a person."""
        kills = ", ".join(f"{n} in {what}" for what, n in sorted(self.killed.items()))
        ends = ", ".join(f"{n} {what}" for what, n in sorted(self.ended.items()))
        lines = [f"{sum(self.killed.values())} kills: {kills}", f"afterwards: {ends}"]
        lines.append(f"{self.late} times something came after the first look, and went at the second")
        lines.append(f"{len(self.failures)} failures")
        return "\n".join(lines + self.failures[:20])


@dataclass
class World:
    """One stack, things of others beside it, and what may be done."""

    api: APIClient
    image: str
    workspace: Path
    others: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, workspace: Path, image: str) -> World:
        """With a container, a network and a volume of somebody else whose names look alike."""
        found = connect()
        assert isinstance(found, Ok), found
        api = found.value
        identity = imported(api, image)
        world = cls(api, image, workspace)
        tag = os.urandom(4).hex()
        labels = {"casava-os.owner": "12345:somebody-else", "casava-os.stack": STACK, "casava-tests": tag}
        made = api.create_container(
            identity, ["sleep", "10000"], name=f"casava-other-{tag}", labels=labels, stop_signal="SIGKILL"
        )
        api.start(made["Id"])
        network = api.create_network(f"casava-other-{tag}", labels=labels)
        api.create_volume(f"casava-other-{tag}", labels=labels)
        world.others = {
            "container": str(made["Id"]),
            "network": str(network["Id"]),
            "volume": f"casava-other-{tag}",
        }
        return world

    def engine(self) -> Engine:
        return engine_of(state_dir())

    def wish(self, version: str) -> Wish:
        """Version a, b (another definition) or c (three replicas)."""
        change = "environment: {VERSION: two}" if version == "b" else "environment: {VERSION: one}"
        text = SPEC.format(image=self.image, change=change, replicas=3 if version == "c" else 1)
        read = read_spec(text, "crash.yaml")
        assert isinstance(read, Ok), read
        return Wish(STACK, read.value, self.workspace, "crash.yaml")

    def act(self, what: str) -> object:
        """An operation, from its beginning to its end."""
        engine, errand = self.engine(), Errand(pid=1, reason="crash", seconds=60)
        if what == "destroy":
            return engine.destroy(STACK, volumes=True, errand=errand)
        if what == "reconcile":
            return engine.reconcile()
        return engine.apply(self.wish(what), errand)

    def stands(self) -> str:
        """a, b, c or nothing; another text says what is wrong."""
        engine = self.engine()
        try:
            record = engine.store.read(STACK)
            found = engine.driver("docker")
            assert isinstance(found, Ok)
            labelled = found.value.found(engine.owner)
            assert isinstance(labelled, Ok), labelled
            if not isinstance(record, Record) or record.applied is None:
                return "nothing" if not labelled.value else f"no record, and there is {labelled.value}"
            for version in "abc":
                spec = self.wish(version).spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                if spec == record.applied.spec:
                    plan = engine.plan(self.wish(version), Errand())
                    assert isinstance(plan, Ok), plan
                    wrong = [row for row in plan.value.rows if row.action != "start"]
                    return version if not wrong else f"{version}, but {wrong}"
            return "a version that nobody applied"
        finally:
            engine.close()

    def disturbed(self) -> str:
        """What became of the things of others; empty when nothing did."""
        from docker.errors import NotFound

        try:
            state = self.api.inspect_container(self.others["container"])["State"]
            self.api.inspect_network(self.others["network"])
            self.api.inspect_volume(self.others["volume"])
        except NotFound as problem:
            return f"a thing of somebody else is gone: {problem}"
        return "" if state["Running"] else "the container of somebody else was stopped"

    def close(self) -> None:
        """Takes away what the world made."""
        ended = self.act("destroy")
        assert isinstance(ended, Ok) or (isinstance(ended, Err) and ended.code == "not-found"), ended
        self.api.remove_container(self.others["container"], force=True)
        self.api.remove_network(self.others["network"])
        self.api.remove_volume(self.others["volume"])
        discard(self.api, self.image)
        self.api.close()


def _child(action: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        result = action()
        code = 1 if isinstance(result, Err) else 0
        if isinstance(result, Err):
            print(f"refused: {result}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def killed_after(seconds: float, action: Callable[[], object]) -> int:
    """The exit code (-9: killed) of an action that is killed after a while, if it has not ended by then."""
    child = _child(action)
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def settled(world: World, tally: Tally, what: str) -> str:
    """Settles as the next start does, and says what stands then."""
    world.act("reconcile")
    stands = world.stands()
    if stands not in ("a", "b", "c", "nothing"):
        time.sleep(settling.SWEEP_AFTER + 0.2)  # what the daemon was still making is there by now
        world.act("reconcile")
        stands = world.stands()
        tally.late += 1
    if stands not in ("a", "b", "c", "nothing"):
        tally.failures.append(f"{what}: {stands}")
    if wrong := world.disturbed():
        tally.failures.append(f"{what}: {wrong}")
    tally.ended[stands if len(stands) < 8 else "broken"] += 1
    return stands


def random_instants(world: World, kills: int, tally: Tally, dice: random.Random) -> None:
    """Applies versions, scales and destroys again and again, killed at random instants, as is what settles it."""
    stands, typical = "nothing", {"up": 4.0, "change": 4.0, "destroy": 1.0, "reconcile": 1.5}
    while sum(tally.killed.values()) < kills and len(tally.failures) < 5:
        choices = ["a", "b", "c"] if stands == "nothing" else [*(v for v in "abc" if v != stands), "destroy"]
        what = dice.choice(choices)
        kind = "destroy" if what == "destroy" else "up" if stands == "nothing" else "change"
        began = time.monotonic()
        code = killed_after(dice.random() * typical[kind] * 1.1, lambda what=what: world.act(what))  # type: ignore[misc]
        if code == -signal.SIGKILL:
            tally.killed[kind] += 1
        elif code:
            tally.failures.append(f"{kind} to {what} from {stands} ended with {code}")
        else:
            typical[kind] = 0.7 * typical[kind] + 0.3 * (time.monotonic() - began)
        while dice.random() < 0.3:
            seconds = dice.random() * typical["reconcile"]
            if killed_after(seconds, lambda: world.act("reconcile")) == -signal.SIGKILL:
                tally.killed["reconcile"] += 1
        stands = settled(world, tally, f"{kind} to {what} from {stands}")


def main() -> int:
    """Prints the counts; 1 when anything was left behind, lost or disturbed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settling.SWEEP_AFTER = 1.0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        os.environ["CASAVA_HOME"] = home
        workspace = Path(home) / "workspace"
        workspace.mkdir()
        world = World.make(workspace, f"casava-crash-{os.urandom(3).hex()}:1")
        tally = Tally()
        try:
            random_instants(world, options.kills, tally, random.Random(options.seed))
        finally:
            world.close()
    print(f"a stack of two services: {tally.told()}\n{time.monotonic() - began:.0f} seconds")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
