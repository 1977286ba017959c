"""A long past: what it costs to open the shell with 10,000 blocks behind it, and to scroll through them.

Ratios to a shell with no past on the same machine at the same time; the figures of one run belong together.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from casava_os.kernel.chain import append
from casava_os.kernel.journal import Journal
from casava_os.shell.app import ShellApp
from casava_os.shell.marks import UNICODE
from casava_os.shell.session import Session
from casava_os.shell.widgets.conversation import Conversation
from tests.kernel.doubles import Bench
from tests.shell.conftest import SCRIPT

BLOCKS = 10_000
SCROLLS = 20


def fill(journal: Journal, workspace: Path, count: int) -> list[int]:
    """So many finished requests in the journal, each with a plan of two steps and a result."""
    sql = journal._connection  # noqa: SLF001 - a thousand times faster than one by one
    steps = [
        {"number": n, "line": f"file.find extension=e{n}", "call": {"call": "file.find"}, "effects": ["read"]}
        for n in (1, 2)
    ]
    records = (
        ("compiled", {"steps": steps, "plan": {}, "sha256": "0" * 64, "model": "casava-smol"}),
        ("verdict", {"step": 1, "verdict": {"decision": "allow"}}),
        ("verdict", {"step": 2, "verdict": {"decision": "allow"}}),
        ("step_finished", {"step": 1, "value": {"kind": "number", "value": 7, "unit": "files"}, "err": None}),
        ("step_finished", {"step": 2, "value": {"kind": "text", "text": "one\ntwo\nthree\n"}, "err": None}),
        ("finished", {"exit_code": 0, "state": "done", "timings": {"steps": 0.2}}),
    )
    pids = []
    sql.execute("BEGIN")
    for number in range(count):
        row = sql.execute(
            "INSERT INTO processes (created, request, workspace, state, owner, exit_code) VALUES (1, ?, ?, 'done', 1, 0)",
            (f"request {number}", str(workspace)),
        )
        pids.append(int(row.lastrowid or 0))
        for kind, body in records:
            append(sql, pids[-1], 1, kind, json.dumps(body))
    sql.execute("COMMIT")
    return pids


async def opening(bench: Bench, session: Session) -> tuple[float, list[float]]:
    """Milliseconds until the last block (or the welcome) is painted, and of each scroll by a page upwards."""
    begin = time.perf_counter()
    app = ShellApp(bench.kernel, bench.workspace, model="scripted", marks=UNICODE, session=session)
    scrolls: list[float] = []
    async with app.run_test(size=(120, 40)) as pilot:
        conversation = app.conversation.query_one(Conversation)
        while session.pids and not conversation.blocks:
            await pilot.pause()
        await pilot.pause()
        opened = (time.perf_counter() - begin) * 1000
        for _ in range(0 if session.pids else SCROLLS):
            start = time.perf_counter()
            await pilot.pause()
            scrolls.append((time.perf_counter() - start) * 1000)
        for _ in range(SCROLLS if session.pids else 0):
            start = time.perf_counter()
            conversation.scroll_page_up(animate=False)
            await pilot.pause()
            scrolls.append((time.perf_counter() - start) * 1000)
        if session.pids:
            assert conversation.length == BLOCKS
            assert len(conversation.blocks) < 80
    return opened, scrolls


async def _measure(rounds: int) -> dict[str, float]:
    empty: list[float] = []
    full: list[float] = []
    scrolls: list[float] = []
    nothing: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), script=SCRIPT)
        pids = fill(bench.kernel.journal, bench.workspace, BLOCKS)
        root = Path(folder) / "sessions"
        for number in range(rounds + 1):
            none = Session.open(root, Path(folder) / f"none{number}")
            past = Session.open(root, bench.workspace)
            for pid in pids:
                past.add(pid)
            opened_none, idle = await opening(bench, none)
            opened_full, paged = await opening(bench, past)
            if number:  # the first one warms up
                empty.append(opened_none)
                full.append(opened_full)
                scrolls += paged
                nothing += idle
            none.close()
            past.close()
        bench.kernel.close()
    scrolls.sort()
    return {
        "open, no past (ms)": statistics.median(empty),
        f"open, {BLOCKS:,} past blocks (ms)": statistics.median(full),
        "ratio of opening": statistics.median(full) / statistics.median(empty),
        "doing nothing, the harness alone (ms)": statistics.median(nothing),
        "a page up, median (ms)": scrolls[len(scrolls) // 2],
        "a page up, 95th percentile (ms)": scrolls[int(0.95 * len(scrolls))],
    }


def measure(rounds: int = 3) -> dict[str, float]:
    """The figures, by name."""
    return asyncio.run(_measure(rounds))


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:34} {value:10.2f}")
