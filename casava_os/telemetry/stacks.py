"""The stacks' part of the metrics: up, health, replicas, memory, limits, watts and drift, as `casava-os stack status` tells them."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.metrics_core import Metric

from casava_os.infra.drivers import ServiceState
from casava_os.infra.wishes import Told
from casava_os.telemetry.page import Page
from casava_syscalls.results import Err, Ok, Result

MOST = 100
"""Stacks that are told of."""
WELL = ("running", "completed")


def stacks(state: Path) -> Result[list[Metric]]:
    """Blocking. `Err` when the stacks that there are cannot be looked at."""
    from casava_os.infra.performing import engine_of

    engine = engine_of(state)
    try:
        found = engine.status()
    finally:
        engine.close()
    if isinstance(found, Err):
        return found
    page = Page()
    page.gauge("casava_stacks", "Stacks of this installation", len(found.value))
    for told in found.value[:MOST]:
        _stack(page, told)
    return Ok(value=page.families())


def _stack(page: Page, told: Told) -> None:
    about = {"stack": told.name, "driver": told.driver}
    known = isinstance(told.state, Ok)
    page.gauge("casava_stack_known", "Whether its driver could be asked", float(known), **about)
    page.gauge("casava_stack_begun_timestamp_seconds", "When it was first applied", told.begun, **about)
    if isinstance(told.state, Err):
        return
    state = told.state.value
    well = bool(state.services) and all(one.state in WELL for one in state.services)
    page.gauge("casava_stack_up", "Whether all of its services work", float(well), **about)
    drift = sum(len(one.drift) for one in state.services) + len(state.other)
    page.gauge("casava_stack_drift", "Things that are not as its spec says", drift, **about)
    for one in state.services:
        _service(page, told.name, one)


def _service(page: Page, stack: str, one: ServiceState) -> None:
    about = {"stack": stack, "service": one.service}
    page.gauge("casava_service_up", "Whether a service works", float(one.state in WELL), **about)
    page.gauge("casava_service_replicas_running", "Replicas that run", one.running, **about)
    page.gauge("casava_service_replicas_wanted", "Replicas that its spec wants", one.wanted, **about)
    healthy = None if not one.health else float(one.health == "healthy")
    page.gauge(
        "casava_service_healthy", "Whether all of its checks pass; none without a check", healthy, **about
    )
    page.gauge("casava_service_memory_used_bytes", "All replicas together", one.memory, **about)
    page.gauge("casava_service_memory_peak_bytes", "The most that one replica had", one.peak, **about)
    page.gauge("casava_service_memory_limit_bytes", "What one replica may have", one.limit, **about)
    page.gauge(
        "casava_service_memory_proposed_bytes", "A limit that fits what was measured", one.proposed, **about
    )
    page.gauge("casava_service_power_watts", "Its share of what the processors draw", one.watts, **about)
