"""Spans of what the kernel does, handed to OpenTelemetry's exporters: a `Watcher` over the library.

A collector that is down, slow or sends garbage costs a request nothing: spans go into a bounded queue, a thread of the
library's sends them, and the end of the program waits for it a moment, no longer. No global of the library is set.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.events import BaseEvent
from casava_os.kernel.ports import Errand
from casava_os.kernel.watching import WalkName
from casava_os.operations import Listener
from casava_os.telemetry import notes
from casava_os.telemetry.spans import Trace
from casava_os.telemetry.wanted import Protocol, Wanted

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

FLUSH_SECONDS = 1.5
"""How long the end of the program waits for what is still to be sent, unless `OTEL_BSP_EXPORT_TIMEOUT` (milliseconds) says so."""
SERVICE = "casava-os"


class Tracing:
    """Makes a trace of each walk. Nothing of the library is loaded before the first one."""

    def __init__(
        self, wanted: Wanted, environment: Mapping[str, str], state: Path, *, details: bool = False
    ) -> None:
        self._wanted = wanted
        self._environment = environment
        self._state = state
        self._details = details
        self._notes: notes.Notes | None = None
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None
        self._parent: Context | None = None
        self._running: dict[int, Trace] = {}
        """By process: of those that run."""

    # --------------------------------------------------------------------------------- as a watcher of the kernel

    def begins(self, walk: WalkName) -> Callable[[BaseEvent], None]:
        """The spans of one walk."""
        tracer = self._ready()
        if tracer is None:
            return lambda _: None
        trace = Trace(tracer, walk, self._parent, details=self._details)

        def heard(event: BaseEvent) -> None:
            try:
                if event.pid:
                    self._running[event.pid] = trace
                if trace.heard(event):
                    self._running.pop(event.pid, None)
            except Exception as problem:  # noqa: BLE001 - a fault in here is no reason to disturb a request
                self._fault(problem)

        return heard

    def operations(self, errand: Errand | None) -> Listener | None:
        """Who hears what a broker does for a step; None when its process is not traced."""
        trace = self._running.get(errand.pid) if errand is not None else None
        return None if trace is None or errand is None else trace.operations(errand.step)

    def close(self) -> None:
        """Sends what is left, for a moment at most. Safe to call twice."""
        provider, self._provider = self._provider, None
        self._tracer = None
        if provider is not None:
            self._flush(provider)
        if self._notes is not None:
            notes.leave(self._notes)

    def _flush(self, provider: TracerProvider) -> None:
        """Waits until all is sent, until the collector turns out not to take it, or until the time is over."""
        sent, over = threading.Event(), threading.Event()
        if self._notes is not None:
            self._notes.trouble = over

        def send() -> None:
            provider.shutdown()
            sent.set()
            over.set()

        threading.Thread(target=send, name="casava-telemetry-end", daemon=True).start()
        named = self._environment.get("OTEL_BSP_EXPORT_TIMEOUT", "").strip()
        over.wait(int(named) / 1000 if named.isdecimal() else FLUSH_SECONDS)
        if not sent.is_set() and self._notes is not None:
            self._notes.say("the collector did not take what was left: spans were thrown away")

    # --------------------------------------------------------------------------------- the library

    def _ready(self) -> Tracer | None:
        if self._tracer is None and self._notes is None:
            self._notes = notes.listen(self._state)
            for problem in self._wanted.problems:
                self._notes.say(problem)
            if self._wanted.exporters:
                try:
                    self._open()
                except Exception as problem:  # noqa: BLE001 - what the environment may say wrong has no end
                    self._fault(problem)
        return self._tracer

    def _fault(self, problem: Exception) -> None:
        if self._notes is not None:
            self._notes.once("fault", f"no spans: {type(problem).__name__}: {problem}")

    def _open(self) -> None:
        from importlib.metadata import version

        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        number = version("casava-os")
        named = self._environment.get("OTEL_SERVICE_NAME") or "service.name=" in self._environment.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        attributes = {"service.version": number} | ({} if named else {"service.name": SERVICE})
        provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
        for name in self._wanted.exporters:
            exporter = _to_stderr() if name == "console" else _to_collector(self._wanted.protocol)
            provider.add_span_processor(BatchSpanProcessor(exporter))
        carrier = {
            name.lower(): self._environment[name]
            for name in ("TRACEPARENT", "TRACESTATE")
            if name in self._environment
        }
        self._parent = TraceContextTextMapPropagator().extract(carrier) if carrier else None
        self._provider = provider
        self._tracer = provider.get_tracer("casava_os", number)


def _to_collector(protocol: Protocol) -> SpanExporter:
    """An exporter by the standard variables. Raises what the library raises, and `ImportError` for grpc without its package."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

        return OverGrpc()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _to_stderr() -> SpanExporter:
    """Prints spans on standard error, as it is when they are printed: standard output is data, and the shell draws on its own."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class ToStderr(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            for span in spans:
                print(span.to_json(indent=None), file=sys.stderr)  # noqa: T201 - the person asked for it
            return SpanExportResult.SUCCESS

    return ToStderr()
