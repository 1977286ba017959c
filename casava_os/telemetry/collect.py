"""All metrics at one moment: every part in a thread of its own, with a time limit, so that none holds up the others.

A part that fails or takes too long is `casava_up{part="…"} 0` and says nothing else; it is asked again at the next scrape, or,
when it is still at it, waited for again. Scrapes at the same time share one look.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from casava_os.telemetry.containers import containers
from casava_os.telemetry.kept import kept, remembers
from casava_os.telemetry.machine import Machine
from casava_os.telemetry.page import Page
from casava_os.telemetry.past import Past
from casava_os.telemetry.stacks import stacks
from casava_syscalls.results import Err, Ok, Result

LIMIT_SECONDS = 5.0
"""How long a scrape waits for its slowest part; Prometheus waits for 10 s by default."""
ONCE_SECONDS = 20.0
"""The same for who asks once, and has nothing read before to go by."""
FRESH_SECONDS = 1.0
"""What was read less than this ago is not read again."""
STALE_SECONDS = 60.0
"""What was read less than this ago stands for a part that is being read and takes its time."""

Work = Callable[[], "Result[list[Metric]]"]
Told = Callable[[str], None]


class Part:
    """One part of the metrics, read by one thread at a time."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self._work = work
        self._lock = threading.Lock()
        self._running: threading.Event | None = None
        self._result: Result[list[Metric]] = Ok(value=[])
        self._ended = float("-inf")
        self.seconds = 0.0

    def begin(self) -> threading.Event:
        """Begins to read, unless somebody does already or just has; the event is set when there is a result."""
        with self._lock:
            if self._running is not None:
                return self._running
            done = threading.Event()
            if time.monotonic() - self._ended < FRESH_SECONDS:
                done.set()
                return done
            self._running = done
        threading.Thread(target=self._read, args=(done,), name=f"casava-{self.name}", daemon=True).start()
        return done

    def _read(self, done: threading.Event) -> None:
        began = time.monotonic()
        try:
            result = self._work()
        except (OSError, sqlite3.Error) as problem:
            result = Err(code="failed", title=f"The part {self.name} cannot be read", message=str(problem))
        except Exception as problem:  # noqa: BLE001 - the worker's edge
            message = f"{type(problem).__name__}: {problem}"
            result = Err(code="failed", title=f"The part {self.name} failed", message=message)
        with self._lock:
            self._result, self._running = result, None
            self._ended = time.monotonic()
            self.seconds = self._ended - began
        done.set()

    def result(self, done: threading.Event) -> Result[list[Metric]] | None:
        """What was read; of a part that is still being read, what was read a short while ago; None: nothing."""
        with self._lock:
            recent = time.monotonic() - self._ended < STALE_SECONDS
            return self._result if done.is_set() or recent else None


class Everything(Collector):
    """The collector of Casava OS, for a registry of its own."""

    def __init__(
        self, parts: Mapping[str, Work], told: Told = lambda _: None, limit: float = LIMIT_SECONDS
    ) -> None:
        """`told` hears, a sentence each, of parts that go and come back. `limit`: seconds for all parts together."""
        self._parts = [Part(name, work) for name, work in parts.items()]
        self._told = told
        self._limit = limit
        self._down: dict[str, str] = {}

    def describe(self) -> list[Metric]:
        """Nothing is read to be registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        until = time.monotonic() + self._limit
        begun = [(part, part.begin()) for part in self._parts]
        page = Page()
        page.gauge("casava_build_info", "Always 1; what runs", 1, version=version("casava-os"))
        found: list[Metric] = []
        for part, done in begun:
            done.wait(max(0.0, until - time.monotonic()))
            result = part.result(done)
            well = isinstance(result, Ok)
            meaning = (
                "Whether a part of these metrics could be read; nothing else is told of one that could not"
            )
            page.gauge("casava_up", meaning, float(well), part=part.name)
            if isinstance(result, Ok):
                page.gauge(
                    "casava_collect_duration_seconds",
                    "How long reading a part took",
                    part.seconds,
                    part=part.name,
                )
                found += result.value
            why = f"it takes longer than {self._limit:g} seconds" if result is None else str(result)
            self._tell(part.name, "" if well else why)
        yield from page.families()
        yield from found

    def _tell(self, part: str, why: str) -> None:
        before = self._down.get(part, "")
        if why and not before:
            self._told(f"No metrics of {part}: {why}")
        elif before and not why:
            self._told(f"Metrics of {part} are back.")
        self._down[part] = why


def everything(
    state: Path, journal: Path, ledger: Path, told: Told = lambda _: None, limit: float = LIMIT_SECONDS
) -> Everything:
    """All parts of one installation. Nothing is read before it is asked for, and nothing is ever made."""
    machine, past = Machine(state), Past(journal)
    parts: dict[str, Work] = {
        "machine": lambda: Ok(value=machine.read()),
        "journal": lambda: Ok(value=past.read()),
        "kept": lambda: Ok(value=kept(state, journal)),
        "memory": lambda: Ok(value=remembers(ledger)),
        "docker": containers,
        "stacks": lambda: stacks(state),
    }
    return Everything(parts, told, limit)


def registry_of(collector: Collector) -> CollectorRegistry:
    """A registry with this, and with what the serving program itself uses."""
    from prometheus_client import ProcessCollector

    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry
