"""What a request costs, and in which parts: the medians of whole commands, and the benches of the single rooms.

Prints tables. Times are this machine's, now: read them as ratios within one run. `--rounds N` repeats each request,
`--json FILE` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench import blocks, instruct, layers, memory, model, sandbox, scheduling, shell, stacks
from tests.journeys.conftest import furnish

REQUESTS = (
    "find all python files",
    "what is the largest file here?",
    "how many lines are in notes.txt?",
    "search for ERROR in logs/app.log",
    "run python3 src/main.py",
    'create a file hello.txt with the text "hello world"',
    "rename notes.txt to ideas.txt",
    "delete all .tmp files",
    "replace alpha with omega in notes.txt",
    "create a folder called archive and move report.pdf into it",
)
DRIVERS = ("docker", "bubblewrap")
Parts = dict[str, float]


def command(driver: str, request: str, home: Path) -> Parts:
    """Milliseconds of one `casava-os run --yes` in a fresh folder: the whole and its parts."""
    with tempfile.TemporaryDirectory() as folder:
        furnish(Path(folder))
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "casava_os", "run", "--yes", "--json", "--sandbox", driver, request],
            cwd=folder,
            env={**os.environ, "CASAVA_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        whole = (time.perf_counter() - begin) * 1000
    events = [json.loads(line) for line in done.stdout.splitlines()]
    finished = next((event for event in events if event["event"] == "finished"), None)
    if finished is None or done.returncode:
        sys.exit(f"{request!r} on {driver} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    parts = {name: seconds * 1000 for name, seconds in finished["timings"].items() if name != "total"}
    return {"whole": whole, "start and imports": whole - sum(parts.values()), **parts}


def journeys(rounds: int) -> dict[str, Parts]:
    """Medians over all requests and rounds, by driver."""
    medians: dict[str, Parts] = {}
    with tempfile.TemporaryDirectory() as home:
        for driver in DRIVERS:
            command(driver, REQUESTS[0], Path(home))  # warms caches: image, bytecode, weights
            runs = [command(driver, request, Path(home)) for _ in range(rounds) for request in REQUESTS]
            names = dict.fromkeys(name for run in runs for name in run)
            medians[driver] = {name: statistics.median(run.get(name, 0.0) for run in runs) for name in names}
    return medians


def show(title: str, columns: Mapping[str, Mapping[str, float]], unit: str) -> None:
    """One table: a row a measurement, a column a driver."""
    print(f"\n{title} ({unit})")
    names = dict.fromkeys(name for column in columns.values() for name in column)
    print(f"  {'':34}" + "".join(f"{head:>14}" for head in columns))
    for name in names:
        cells = "".join(
            f"{column[name]:14.2f}" if name in column else f"{'':14}" for column in columns.values()
        )
        print(f"  {name:34}{cells}")


def main() -> None:
    """Measures everything and prints it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    whole = journeys(options.rounds)
    show("casava-os run --yes, median of whole commands and their parts", whole, "ms")
    rooms = {
        "sandbox": sandbox.measure(),
        "layers": layers.measure(),
        "a long past": blocks.measure(),
        "the shell": shell.measure(),
        "model": model.measure(),
        "scheduling": scheduling.measure(),
        "instruct": instruct.measure(),
        "stacks": stacks.measure(),
    }
    for room, figures in rooms.items():
        show(room, {"": figures}, "as named")
    remembered = memory.measure()
    show("memory, by number of entries", remembered, "ms")
    if options.json:
        options.json.write_text(
            json.dumps({"journeys": whole, **rooms, "memory": remembered}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
