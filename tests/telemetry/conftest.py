"""A collector of OpenTelemetry's own protocol, and the real command line that sends to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

COMMAND = (sys.executable, "-m", "casava_os")
Manner = Literal["good", "slow", "garbage", "refuses"]


@dataclass
class Collector:
    """Takes OTLP over HTTP at `/v1/traces`, in one of several manners."""

    manner: Manner = "good"
    resources: list[ResourceSpans] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """A slow one answers when this is set."""
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}"}
        patience = {} if self.manner == "slow" else {"OTEL_BSP_EXPORT_TIMEOUT": "60000"}
        return {**where, **patience}

    @property
    def spans(self) -> list[Span]:
        return [span for one in self.resources for scope in one.scope_spans for span in scope.spans]

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        self.resources += ExportTraceServiceRequest.FromString(body).resource_spans

    def one(self, name: str) -> Span:
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def below(self, parent: Span) -> list[str]:
        """Names of the spans below one, in the order in which they began."""
        mine = [span for span in self.spans if span.parent_span_id == parent.span_id]
        return [span.name for span in sorted(mine, key=lambda span: span.start_time_unix_nano)]


def facts(span: Span) -> dict[str, object]:
    """Its attributes as plain values."""
    found: dict[str, object] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        assert kind is not None
        value = getattr(one.value, kind)
        found[one.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.manner == "garbage":
                self.wfile.write(b"\x00\xff this is no HTTP \r\n\r\n")
                return
            if made.manner == "refuses":
                self.send_error(400)
                return
            if made.manner == "slow":
                made.released.wait(60)
            assert self.path == "/v1/traces"
            made.take(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the program that sent is gone
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Home:
    """A folder, a home of its own, and the command line."""

    workspace: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CASAVA_", "OTEL_", "TRACE"))}
        own = {"CASAVA_HOME": str(self.home), "CASAVA_SANDBOX": "bubblewrap", "NO_COLOR": "1"}
        return {**inherited, **own, **self.environment}

    @property
    def log(self) -> str:
        """What was noted of failures."""
        file = self.home / "state" / "telemetry.log"
        return file.read_text() if file.exists() else ""

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        done = subprocess.run(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.workspace,
            env={**self.env, **environment},
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.workspace,
            env={**self.env, **environment},
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    workspace = tmp_path / "secret plans"
    workspace.mkdir()
    for name in ("one.py", "two.py", "old.tmp"):
        (workspace / name).write_text("one\ntwo\n")
    return Home(workspace, tmp_path / "home")


@pytest.fixture
def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
