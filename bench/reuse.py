"""What a proven plan saves: finding it among many and reading its arguments again, next to compiling the request anew.

Run: `python -m bench.reuse`. Medians on one thread, with the model loaded; read the ratio, not the milliseconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from casava_os import model
from casava_os.kernel.journal import Journal
from casava_os.kernel.ports import CompileRequest
from casava_os.memory.episodes import alike
from casava_os.memory.ports import Entry
from casava_os.memory.service import Remembrance
from casava_os.memory.store import MemoryStore
from casava_syscalls.plan import parse_plan
from casava_syscalls.registry import available
from casava_syscalls.results import Err, Ok

REQUESTS = (
    "delete the .tmp files older than 3 weeks",
    "how many python files are there",
    "show the last 20 lines of server.log",
    "find the five largest files in downloads",
    "replace foo with bar in notes.txt",
    "zip the reports folder as reports.zip",
    "find files larger than 5 MB",
    "count the words in todo.md",
    "list all .log files",
    "sort names.txt",
)
ROUNDS = 15
SIZES = (100, 10_000, 100_000)


def measure() -> dict[str, float]:
    """Milliseconds by name, and how many times faster the proven plan is there."""
    loaded = model.load(None)
    if isinstance(loaded, Err):
        sys.exit(str(loaded))
    offered = frozenset(available())
    figures: dict[str, float] = {}
    compiled: list[float] = []
    plans: dict[str, dict[str, object]] = {}
    for request in REQUESTS:
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            drafted = loaded.value.compile(CompileRequest(text=request, offered=offered))
            document: dict[str, object] = {"version": 1, "request": request, "reads_stdin": False}
            if isinstance(drafted, Ok):
                document["steps"] = list(drafted.value.steps)
                if isinstance(parse_plan(document), Ok):
                    plans[request] = document
            compiled.append(time.perf_counter() - begin)
    figures["compiled"] = 1e3 * statistics.median(compiled)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.open(Path(folder) / "journal.sqlite")
        assert isinstance(journal, Ok)
        memory = Remembrance(MemoryStore(Path(folder) / "memory"), journal.value)
        for size in SIZES:
            memory.store.put(_others(size, memory.store.count()))
            memory.store.put(_proven(plans))
            found: list[float] = []
            for request in plans:
                for _ in range(ROUNDS):
                    begin = time.perf_counter()
                    hit = memory.proven(request, "/w", reads_stdin=False)
                    assert hit is not None, request
                    parse_plan(dict(hit.plan))
                    found.append(time.perf_counter() - begin)
            figures[f"proven, of {size:,}"] = 1e3 * statistics.median(found)
            figures[f"times faster, of {size:,}"] = figures["compiled"] / figures[f"proven, of {size:,}"]
        memory.close()
        journal.value.close()
    loaded.value.close()
    return figures


def _proven(plans: dict[str, dict[str, object]]) -> list[Entry]:
    from datetime import datetime

    made: list[Entry] = []
    for number, (request, document) in enumerate(plans.items(), 1):
        plan = parse_plan(document)
        assert isinstance(plan, Ok)
        pattern = alike.pattern(request, plan.value, datetime.now())  # noqa: DTZ005 - local time, as requests have it
        assert pattern is not None
        payload = {"plan": json.loads(plan.value.canonical()), **pattern.payload()}
        made.append(Entry(f"p{number}", "plans", request, "/w", time.time(), number, payload=payload))
    return made


def _others(size: int, there: int) -> list[Entry]:
    return [
        Entry(
            f"p9{n}",
            "plans",
            f"find file number {n}",
            "/w",
            0.0,
            90_000_000 + n,
            payload={"key": f"{n:032x}"},
        )
        for n in range(there, size)
    ]


def main() -> None:
    """Prints the figures."""
    for name, figure in measure().items():
        print(f"{name:32} {figure:10.2f}{'' if name.startswith('times') else ' ms'}")


if __name__ == "__main__":
    main()
