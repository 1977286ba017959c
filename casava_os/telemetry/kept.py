"""What is kept on disk: undo, layers, the journal, memory; and the leases, which no daemon has to be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client.metrics_core import Metric

from casava_os.containers.leases import LeaseBook, now
from casava_os.telemetry.page import Page
from casava_os.telemetry.past import reading
from casava_sandbox.layer.record import remembered

COLLECTIONS = ("episodes", "facts", "plans", "documents")


def kept(state: Path, journal: Path) -> list[Metric]:
    """Blocking, and quick: it lists directories, and walks through none."""
    page = Page()
    page.gauge(
        "casava_undo_kept_bytes",
        "What undo keeps, on disk, as it was last counted",
        _number(state / "undo" / "size"),
    )
    page.gauge("casava_undo_commits", "Commits that can be taken back", len(remembered(str(state))))
    page.gauge(
        "casava_layers", "Layers that are kept: of what runs, and of what is held", _entries(state / "layers")
    )
    size = sum(_sizes(journal, journal.with_name(f"{journal.name}-wal")))
    page.gauge("casava_journal_size_bytes", "The journal's files", size)
    at = now()
    for entry in LeaseBook(state).entries():
        if entry.lease is not None:
            left = entry.lease.left(at)
            page.gauge(
                "casava_lease_remaining_seconds",
                "Until a lease is over; below 0 when it is",
                left,
                kind=entry.kind,
                name=entry.name,
            )
    return page.families()


def remembers(ledger: Path) -> list[Metric]:
    """How much is remembered. Raises `sqlite3.Error` for a store that cannot be read; none at all is an empty one."""
    page = Page()
    counts = dict.fromkeys(COLLECTIONS, 0)
    if ledger.exists():
        with reading(ledger) as connection:
            for name, number in connection.execute(
                "SELECT collection, count(*) FROM entries GROUP BY collection"
            ):
                counts[name if name in counts else "documents"] += number
    for name, number in counts.items():
        page.gauge("casava_memory_entries", "What is remembered, by kind", number, collection=name)
    page.gauge("casava_memory_size_bytes", "The ledger of memory, on disk", sum(_sizes(ledger)))
    return page.families()


def _sizes(*paths: Path) -> Iterator[int]:
    for path in paths:
        with suppress(OSError):
            yield path.stat().st_size


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii") or 0)
    except (OSError, ValueError):
        return 0


def _entries(folder: Path) -> int:
    try:
        return sum(1 for path in folder.iterdir() if path.name.isdecimal())
    except OSError:
        return 0
