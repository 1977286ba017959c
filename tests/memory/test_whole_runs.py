"""Whole `casava-os` runs at once, killed ones among them: what was said to be remembered is remembered, and nothing is broken."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

RUNS, EACH, STEPS = 8, 100, 25
"""People at once, what each has remembered, and how much of it in one run."""
UPTIME = "how long has the machine been up"


@dataclass
class Home:
    """A person's home and folder, and the command line over it."""

    workspace: Path
    environment: Mapping[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "casava_os", *arguments],
            env=self.environment,
            cwd=self.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(self, *arguments: str) -> str:
        """Standard output of a command that must succeed."""
        started = self.start(*arguments)
        out, err = started.communicate(timeout=400)
        assert started.returncode == 0, (arguments, err.decode())
        return out.decode()

    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self("memory", "export").splitlines()]

    def facts(self) -> list[str]:
        return sorted(str(one["text"]) for one in self.entries() if one["collection"] == "facts")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CASAVA_")}
    return Home(workspace, {**inherited, "CASAVA_HOME": str(tmp_path / "home"), "NO_COLOR": "1"})


def test_eight_people_who_have_a_hundred_things_remembered_each_lose_none(home: Home) -> None:
    def person(number: int) -> None:
        for run in range(EACH // STEPS):
            plan = home.workspace / f"plan{number}.{run}.json"
            facts = range(run * STEPS, (run + 1) * STEPS)
            steps = [{"call": "memory.remember", "text": f"fact {n} of person {number}"} for n in facts]
            plan.write_text(json.dumps({"version": 1, "request": "remember this", "steps": steps}))
            home("apply", str(plan), "--yes")

    with ThreadPoolExecutor(RUNS) as pool:
        for one in [pool.submit(person, number) for number in range(RUNS)]:
            one.result()
    wanted = sorted(f"fact {n} of person {number}" for n in range(EACH) for number in range(RUNS))
    assert home.facts() == wanted
    assert int(home("memory", "rebuild")) == RUNS * EACH
    assert home.facts() == wanted
    home("verify")


def test_runs_at_once_lose_nothing_when_some_are_killed(home: Home) -> None:
    rng = random.Random(6)
    said: list[str] = []
    ended = threading.Event()

    def person(number: int) -> None:
        fact = f"person {number} likes tea"
        home("memory", "remember", fact)
        said.append(fact)
        home("run", "--yes", UPTIME)

    def killer() -> int:
        killed = 0
        while not ended.is_set() or killed < 4:
            victim = home.start("memory", "remember", f"victim {killed} was here")
            time.sleep(rng.uniform(0.3, 4.0))
            victim.send_signal(signal.SIGKILL)
            out, _ = victim.communicate(timeout=60)
            if b"victim" in out:
                said.append(f"victim {killed} was here")
            killed += 1
        return killed

    with ThreadPoolExecutor(RUNS + 1) as pool:
        killing = pool.submit(killer)
        people = [pool.submit(person, number) for number in range(RUNS)]
        for one in people:
            one.result()
        ended.set()
        killed = killing.result()
    assert len([fact for fact in said if fact.startswith("person")]) == RUNS
    kept = home.entries()
    facts = {str(one["text"]) for one in kept if one["collection"] == "facts"}
    assert set(said) <= facts
    assert facts - set(said) <= {f"victim {n} was here" for n in range(killed)}
    ran = [one for one in kept if one["collection"] == "episodes" and one["text"] == UPTIME]
    assert len(ran) == RUNS
    home("memory", "rebuild")
    assert {json.dumps(one, sort_keys=True) for one in home.entries()} >= {
        json.dumps(one, sort_keys=True) for one in kept
    }
    stats = json.loads(home("memory", "stats", "--json"))["items"]
    assert stats["whole"] is True
