"""What memory costs a whole `casava-os run`, and what it saves: the same command with it, without it, and with a proven plan.

Run: `python -m bench.remembering [ROUNDS]`. The three take turns, so a busy machine is as busy for each: read the ratios. Memory
holds ten thousand requests before the first round.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.memory import entry_of
from casava_os.memory.store import MemoryStore

HELD = 10_000
REQUEST = "how long has the machine been up"
WAYS = {
    "--no-memory": ("--no-memory",),
    "--no-cache": ("--no-cache",),
    "proven plan": (),
}


def measure(rounds: int = 15) -> dict[str, dict[str, float]]:
    """By way: the median milliseconds of the whole command and of its processor time."""
    rng = random.Random(1)  # noqa: S311 - the same texts every time
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        store = MemoryStore(home / "data" / "memory")
        store.put(entry_of(number, rng) for number in range(10**6, 10**6 + HELD))
        store.close()
        environment = {**os.environ, "CASAVA_HOME": str(home), "NO_COLOR": "1"}
        for number in range(rounds + 1):
            for name, options in WAYS.items():
                figures = _run(Path(folder), environment, options)
                if number:  # the first of each makes the state directory and warms the disk
                    taken[name].append(figures)
    return {
        name: {
            "whole": statistics.median(whole for whole, _ in figures),
            "processor time": statistics.median(processor for _, processor in figures),
        }
        for name, figures in taken.items()
    }


def _run(workspace: Path, environment: Mapping[str, str], options: tuple[str, ...]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "casava_os", "run", "--yes", *options, REQUEST],
        cwd=workspace,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    whole = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr.decode()[-500:])
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1e3 * whole, 1e3 * processor


def ratios(figures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Processor time of each way, as a multiple of the first."""
    first = next(iter(figures.values()))["processor time"]
    return {name: parts["processor time"] / first for name, parts in figures.items()}


if __name__ == "__main__":
    from bench.__main__ import show

    found = measure(int(sys.argv[1]) if sys.argv[1:] else 15)
    show("A whole run", found, "ms")
    for name, ratio in ratios(found).items():
        print(f"  {ratio:4.2f} of the processor time of the first: {name}")
