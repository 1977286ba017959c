"""What a stack costs to set up and take down: against docker-compose on the same file, where it is installed, and by size.

Run: `python -m bench.stacks`. Both use the same daemon in the same run, turn by turn: read the ratios.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from casava_os.containers.daemon import connect
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.wishes import Errand, Wish
from casava_os.paths import state_dir
from casava_syscalls.results import Err
from tests.infra.image import imported

ROUNDS = 3
SIZES = (1, 3, 10, 25, 50)
THREE = """
version: "2.4"
services:
  web:
    image: IMAGE
    command: [httpd, -f, -p, "80", -h, /srv]
    stop_signal: SIGKILL
    ports: ["80"]
    networks: [front]
    depends_on: [app]
  app:
    image: IMAGE
    command: [sleep, "10000"]
    stop_signal: SIGKILL
    networks: [front]
    depends_on: [db]
  db:
    image: IMAGE
    command: [sleep, "10000"]
    stop_signal: SIGKILL
    networks: [front]
    volumes: ["data:/data"]
networks:
  front: {}
volumes:
  data: {}
"""


def measure() -> dict[str, float]:
    """Milliseconds and ratios."""
    connected = connect()
    if isinstance(connected, Err):
        sys.exit(str(connected))
    api = connected.value
    name = f"casava-bench-{os.urandom(3).hex()}:1"
    before = os.environ.get("CASAVA_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CASAVA_HOME"] = folder
        try:
            imported(api, name)
            return {**_against_compose(Path(folder), name), **_growth(Path(folder), name)}
        finally:
            api.remove_image(name, force=True)
            api.close()
            if before is None:
                del os.environ["CASAVA_HOME"]
            else:
                os.environ["CASAVA_HOME"] = before


def _must(result: object) -> None:
    if isinstance(result, Err):
        sys.exit(str(result))


def _timed(action: Callable[[], object]) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1000


def _against_compose(folder: Path, image: str) -> dict[str, float]:
    """Whole commands: `casava-os stack …` and `docker-compose …` on the same file, turn by turn."""
    workspace = folder / "three"
    workspace.mkdir()
    file = workspace / "compose.yaml"
    file.write_text(THREE.replace("IMAGE", image))
    ours = [sys.executable, "-m", "casava_os", "stack"]
    ways: dict[str, tuple[list[str], list[str]]] = {
        "casava-os stack": (
            [*ours, "apply", "compose.yaml", "--yes"], [*ours, "destroy", "three", "--volumes", "--yes"],
        )
    }  # fmt: skip
    compose = shutil.which("docker-compose")
    if compose is not None:
        project = [compose, "--project-name", f"bench{os.urandom(3).hex()}", "--file", str(file)]
        ways["docker-compose"] = ([*project, "up", "-d"], [*project, "down", "-v"])
    # A person's Python keeps what it has compiled.
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times: dict[str, list[float]] = {}
    for round_ in range(ROUNDS + 1):
        for way, (up, down) in ways.items():
            for what, command in (("up", up), ("down", down)):
                spent = _timed(
                    partial(
                        subprocess.run, command, cwd=workspace, check=True, capture_output=True, env=compiled
                    )
                )
                if round_:  # the first one warms caches
                    times.setdefault(f"{way} {what}", []).append(spent)
    found = {f"3 services, {name} ms": round(statistics.median(all_), 0) for name, all_ in times.items()}
    if compose is not None:
        for what in ("up", "down"):
            ratio = statistics.median(times[f"casava-os stack {what}"]) / statistics.median(
                times[f"docker-compose {what}"]
            )
            found[f"3 services, {what}: casava-os / docker-compose"] = round(ratio, 2)
    return found


def _growth(folder: Path, image: str) -> dict[str, float]:
    """The engine alone, without the start of a program: stacks of more and more services."""
    found: dict[str, float] = {}
    engine = engine_of(state_dir())
    for size in SIZES:
        services = "\n".join(
            f"  s{n}: {{image: '{image}', command: [sleep, '10000'], stop_signal: SIGKILL}}"
            for n in range(size)
        )
        read = read_spec(f"services:\n{services}\n", "compose.yaml")
        if isinstance(read, Err):
            sys.exit(str(read))
        wish = Wish("grown", read.value, folder, "compose.yaml")
        found |= _one_size(engine, wish, size)
    engine.close()
    smallest, largest = SIZES[1], SIZES[-1]
    for what in ("up", "down"):
        each = found[f"{largest} services, {what} ms"] / largest
        found[f"{what} a service, {largest} / {smallest} services"] = round(
            each / (found[f"{smallest} services, {what} ms"] / smallest), 2
        )
    return found


def _one_size(engine: Engine, wish: Wish, size: int) -> dict[str, float]:
    errand = Errand(reason="bench", seconds=500)
    return {
        f"{size} services, {what} ms": round(_timed(action), 0)
        for what, action in {
            "up": lambda: _must(engine.apply(wish, errand)),
            "plan": lambda: _must(engine.plan(wish, errand)),
            "status": lambda: _must(engine.status("grown")),
            "down": lambda: _must(engine.destroy("grown", volumes=True, errand=errand)),
        }.items()
    }


def main() -> None:
    """Prints a line a figure."""
    for name, value in measure().items():
        print(f"{name:56} {value}", flush=True)


if __name__ == "__main__":
    main()
