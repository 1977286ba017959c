"""Whether spans are wanted, by the standard environment variables of OpenTelemetry. Nothing of its library is loaded to know.

By its specification an SDK exports unless it is told not to. Here nothing leaves the machine by default: spans are made only
when `OTEL_TRACES_EXPORTER` names an exporter, or an endpoint is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from casava_os.kernel.ports import Broker
from casava_os.kernel.watching import Watcher

Exporter = Literal["otlp", "console"]
Protocol = Literal["http/protobuf", "grpc"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exporters, and what is wrong with what the environment says (a sentence each)."""

    exporters: tuple[Exporter, ...] = ()
    protocol: Protocol = "http/protobuf"
    problems: tuple[str, ...] = ()


def wanted(environment: Mapping[str, str]) -> Wanted:
    """What the environment asks for."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Wanted()
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if not named:
        named = "otlp" if any(environment.get(name, "").strip() for name in _ENDPOINTS) else "none"
    exporters: dict[Exporter, None] = {}
    problems: list[str] = []
    for name in filter(None, (one.strip().lower() for one in named.split(","))):
        if name in ("otlp", "console"):
            exporters[cast("Exporter", name)] = None
        elif name != "none":
            problems.append(
                f"OTEL_TRACES_EXPORTER names {name!r}, which is none of otlp, console, none: it is passed over"
            )
    protocol = next((text for name in _PROTOCOLS if (text := environment.get(name, "").strip())), "")
    if protocol not in ("", "http/protobuf", "grpc"):
        problems.append(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; http/protobuf and grpc are spoken: nothing is sent"
        )
        exporters.pop("otlp", None)
    return Wanted(tuple(exporters), "grpc" if protocol == "grpc" else "http/protobuf", tuple(problems))


def watcher_of(environment: Mapping[str, str], state: Path, *, details: bool) -> Watcher | None:
    """Whoever makes spans of what the kernel does; None, at no cost, when the environment asks for none.

    `state`: the directory in which failures of exporting are noted. `details`: spans also say what was asked and with which
    arguments.
    """
    asked = wanted(environment)
    if not (asked.exporters or asked.problems):
        return None
    from casava_os.telemetry.tracing import Tracing

    return Tracing(asked, environment, state, details=details)


def traced(broker: Broker, watcher: Watcher | None) -> Broker:
    """The broker, listened to when spans are made."""
    if watcher is None:
        return broker
    from casava_os.telemetry.tracing import Tracing
    from casava_os.telemetry.watchedbroker import WatchedBroker

    return WatchedBroker(broker, watcher) if isinstance(watcher, Tracing) else broker
