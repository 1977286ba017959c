"""SIGKILL at every single write of an apply, a change and a destroy: the next start leaves one whole version, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casava_os.infra import settling
from casava_os.infra.record import Record
from tests.infra.conftest import good
from tests.infra.kubernetes_api import RefusedError, Request
from tests.infra.kubernetes_world import SHOP, Cluster

CHANGED = (
    SHOP.replace("example/web:1", "example/web:2")
    .replace("example/db:1", "example/db:2")
    .replace("one\\n", "two\\n")
    .replace("networks: [front, back]", "networks: [front]")
    .replace("condition: service_healthy", "condition: service_started")
)


class Victim:
    """Does one thing after another, each in a program of its own."""

    def __init__(self, workspace: Path) -> None:
        command = [sys.executable, "-m", "tests.infra.kubernetes_victim", str(workspace)]
        self._forker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = 0

    def begin(self, what: str) -> None:
        assert self._forker.stdin is not None
        self._forker.stdin.write(f"{what}\n")
        self._forker.stdin.flush()

    def hear(self) -> str:
        assert self._forker.stdout is not None
        while True:
            line = self._forker.stdout.readline().split()
            if line[:1] == ["pid"]:
                self.pid = int(line[1])
            elif line[:1] == ["ended"]:
                return line[1]
            else:
                assert line, "it is gone"

    def close(self) -> None:
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.close()
        self._forker.wait()
        self._forker.stdout.close()


@pytest.fixture
def victim(cluster: Cluster) -> Iterator[Victim]:
    (cluster.workspace / "one.yaml").write_text(SHOP)
    (cluster.workspace / "two.yaml").write_text(CHANGED)
    made = Victim(cluster.workspace)
    yield made
    made.close()


def killed_at(cluster: Cluster, victim: Victim, what: str, number: int, *, done: bool) -> bool:
    """Kills at the write of this number, which is carried out (`done`) or lost; whether there were so many."""
    api = cluster.other.api
    assert api is not None, "unset CASAVA_TEST_KUBECONFIG: only the tests' own server kills whoever writes"
    writes = 0

    def answer(request: Request) -> RefusedError | None:
        nonlocal writes
        if request.method == "GET" or "dryRun" in request.query:
            return None
        writes += 1
        if writes < number:
            return None
        if writes == number:
            os.kill(child(), signal.SIGKILL)
            return None if done else RefusedError(503, "Lost", "it never arrived")
        return RefusedError(503, "Lost", "it never arrived")

    def child() -> int:
        """The fork: the one child of what forks."""
        forker = victim._forker.pid
        return int(Path(f"/proc/{forker}/task/{forker}/children").read_text().split()[0])

    api.answer = answer
    victim.begin(what)
    ended = victim.hear()
    api.answer = lambda _: None
    assert ended in ("0", str(-signal.SIGKILL)), ended
    return ended != "0"


def settled(cluster: Cluster) -> str:
    """Which version runs after the next start, or `nothing`; fails for anything in between."""
    cluster.engine.reconcile()
    cluster.engine.reconcile()
    record = cluster.engine.store.read("shop")
    there = cluster.other.everything()
    assert there.pop("Service") == [
        *(("db", "theirs", "web", "web-local") if isinstance(record, Record) else ("theirs",))
    ]
    assert there.pop("PersistentVolumeClaim") == [
        *(("shop-data",) if isinstance(record, Record) else ()),
        "shop-data-theirs",
    ]
    if not isinstance(record, Record):
        there.pop("Pod", None)  # the cluster takes a moment to remove those of what is gone
        assert there == {}
        return "nothing"
    assert record.pending is None
    for name, text in (("one", SHOP), ("two", CHANGED)):
        if cluster.rows(text) == []:
            return name
    raise AssertionError(f"neither version: {there}, {cluster.rows(SHOP)}, {cluster.rows(CHANGED)}")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("before", "what", "writes", "may_be"),
    [
        ("", "apply one.yaml", 12, {"nothing", "one"}),
        ("apply one.yaml", "apply two.yaml", 4, {"one", "two"}),
        ("apply one.yaml", "destroy", 12, {"nothing"}),
    ],
)
def test_killed_at_every_write(
    cluster: Cluster,
    victim: Victim,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    what: str,
    writes: int,
    may_be: set[str],
) -> None:
    monkeypatch.setattr(settling, "SWEEP_AFTER", 0.0)
    about = {"apiVersion": "v1", "metadata": {"name": "theirs", "labels": {"casava-os.stack": "shop"}}}
    service = cluster.other.create("Service", {**about, "kind": "Service", "spec": {"ports": [{"port": 1}]}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}
    theirs = {
        **about,
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "shop-data-theirs"},
        "spec": claim,
    }
    held = cluster.other.create("PersistentVolumeClaim", theirs)
    seen: set[str] = set()
    number = kills = 0
    more = True
    while more:
        number += 1
        for done in (True, False):
            if before:
                victim.begin(before)
                assert victim.hear() == "0"
            more = killed_at(cluster, victim, what, number, done=done)
            kills += more
            seen.add(settled(cluster))
            if cluster.engine.store.names():
                good(cluster.down())
            if not more:
                break
    assert kills == 2 * writes
    assert seen <= may_be, seen
    for kind, one in (("Service", service), ("PersistentVolumeClaim", held)):
        name = one["metadata"]["name"]
        assert (
            cluster.other.get(kind, name)["metadata"]["resourceVersion"] == one["metadata"]["resourceVersion"]
        )
