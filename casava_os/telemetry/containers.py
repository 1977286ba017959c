"""The daemon's part of the metrics: containers by state, and each that Casava OS started.

Those of others are counted and not named. Figures come from the kernel's counters, not from the daemon's `stats`.
"""

from __future__ import annotations

from prometheus_client.metrics_core import Metric

from casava_os.containers import labels
from casava_os.containers.census import STATES, census
from casava_os.containers.counters import counters
from casava_os.containers.known import Known, Maker
from casava_os.telemetry.page import Page
from casava_syscalls.results import Err, Ok, Result

MOST = 200
"""Containers that are named; of more, the youngest."""
MAKERS: tuple[Maker, ...] = ("casava", "sandbox", "other")
HEALTH = {"healthy": 1.0, "unhealthy": 0.0, "starting": 0.5}


def containers() -> Result[list[Metric]]:
    """Blocking. `Err` as in `connect`."""
    found = census(MOST)
    if isinstance(found, Err):
        return found
    page = Page()
    for state in STATES:
        for by in MAKERS:
            meaning = "Containers of this daemon; by casava: of this installation, sandbox: one of a process"
            number = found.value.counts.get((state, by), 0)
            page.gauge("casava_containers", meaning, number, state=state, by=by)
    for one in found.value.mine:
        _told(page, one)
    return Ok(value=page.families())


def _told(page: Page, one: Known) -> None:
    about = {"name": one.name, "stack": labels.stack_of(one.labels) or ""}
    page.gauge("casava_container_up", "Whether a container runs", float(one.state == "running"), **about)
    state = one.details.get("State")
    state = state if isinstance(state, dict) else {}
    health = state.get("Health")
    word = str(health.get("Status")) if isinstance(health, dict) else ""
    page.gauge(
        "casava_container_health",
        "1 healthy, 0.5 starting, 0 unhealthy; none without a check",
        HEALTH.get(word),
        **about,
    )
    restarts = one.details.get("RestartCount")
    page.counter(
        "casava_container_restarts_total",
        "How often the daemon started it again",
        float(restarts) if isinstance(restarts, int) else None,
        **about,
    )
    if state.get("OOMKilled"):
        page.gauge("casava_container_out_of_memory", "It was ended for want of memory", 1.0, **about)
    host = one.details.get("HostConfig")
    limit = host.get("Memory") if isinstance(host, dict) else None
    page.gauge(
        "casava_container_memory_limit_bytes", "What it may have", float(limit) if limit else None, **about
    )
    pid = state.get("Pid")
    use = counters(pid, one.id) if isinstance(pid, int) and pid > 0 else None
    if use is None:
        return
    page.gauge("casava_container_memory_used_bytes", "What it has, without caches", use.memory, **about)
    page.counter("casava_container_cpu_seconds_total", "Processor time", use.cpu / 1e9, **about)
    page.counter("casava_container_received_bytes_total", "Over its networks", use.received, **about)
    page.counter("casava_container_sent_bytes_total", "Over its networks", use.sent, **about)
    page.gauge("casava_container_processes", "Processes and threads in it", use.pids, **about)
