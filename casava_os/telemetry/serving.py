"""`/metrics` over HTTP, from an address to a clean end.

A thread for each request, and not many of them: a scrape is a request, an answer, and goodbye. A client that is slow or silent
holds up its own thread alone, and is cut off after a few seconds. Nothing here waits for a thread at the end: Ctrl-C is at once.
"""

from __future__ import annotations

import errno
import gzip
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from casava_os.telemetry.guard import Guard
from casava_syscalls.results import Err, Ok, Result

PORT = 9464
"""What OpenTelemetry's specification gives to a Prometheus exporter."""
MOST_AT_ONCE = 64
PATIENCE = 15.0
"""Seconds that a scrape may take, the client's part of it included."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


_Request = socket.socket | tuple[bytes, socket.socket]


class _Server(ThreadingHTTPServer):
    """Ours: bounded, and silent about clients that went away."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        self.registry = registry
        self.guard: Guard | None = None
        self.places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((host, port), _Handler)

    def process_request(self, request: _Request, client_address: object) -> None:
        """A thread for it; when all places are taken, none: whoever is there already goes on."""
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: _Request, client_address: object) -> None:
        """Answers, and cuts a client off that takes its time, however it does that."""
        cut = threading.Timer(PATIENCE, self._cut, (request,))
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self.places.release()

    @staticmethod
    def _cut(request: _Request) -> None:
        with suppress(OSError):
            if isinstance(request, socket.socket):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that broke off is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def version_string(self) -> str:
        return "casava-os"

    def do_GET(self) -> None:
        """The metrics, or why not."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """The same without the metrics."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        def several(name: str) -> list[str]:
            return [str(value) for value in self.headers.get_all(name) or []]

        guard = self.server.guard
        assert guard is not None
        refused = guard.refusal(
            several("Host"),
            several("Origin"),
            self.headers.get("Sec-Fetch-Site", ""),
            several("Authorization"),
        )
        if refused is not None:
            self._send(
                refused.status, f"{refused.sentence}\n".encode(), "text/plain; charset=utf-8", body=body
            )
            return
        if self.path.partition("?")[0] != "/metrics":
            self._send(404, b"the metrics are at /metrics\n", "text/plain; charset=utf-8", body=body)
            return
        encode, kind = choose_encoder(self.headers.get("Accept", ""))
        self._send(200, encode(self.server.registry) if body else b"", kind, body=body)

    def _send(self, status: int, data: bytes, kind: str, *, body: bool) -> None:
        zipped = "gzip" in self.headers.get("Accept-Encoding", "") and len(data) > 1024
        if zipped:
            data = gzip.compress(data, 1)
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if body:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
        """Scrapes are no news."""


def serve(
    host: str, port: int, token: str | None, registry: CollectorRegistry, told: Callable[[str], None]
) -> Result[int]:
    """Serves until a signal ends it; the exit code. `told` gets the address once it can be asked. Port 0: any free one.

    `Err`: `exists` for a port that is taken, `unavailable` for an address that this machine does not have, `permission`.
    """
    try:
        server = _Server(host, port, registry)
    except (OSError, OverflowError) as problem:
        return _unbound(host, port, problem)
    number = int(server.server_address[1])
    server.guard = Guard(host, number, token)
    over = threading.Event()
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for sign, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(sign, end)
    try:
        threading.Thread(target=server.serve_forever, args=(0.1,), name="casava-metrics", daemon=True).start()
        told(f"http://{f'[{host}]' if ':' in host else host}:{number}/metrics")
        # Not for good: a signal that another thread received is only seen when this one moves.
        while not over.wait(1.0):
            pass
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
        server.server_close()
    return Ok(value=0)


def _unbound(host: str, port: int, problem: Exception) -> Err:
    code = problem.errno if isinstance(problem, OSError) else None
    if code == errno.EADDRINUSE:
        return Err(
            code="exists",
            title=f"Port {port} is taken",
            message=f"another program listens on {host}:{port}, perhaps another casava-os metrics",
            hint="name another port with --port (0 takes a free one), and tell Prometheus",
        )
    if code == errno.EADDRNOTAVAIL:
        message = "it belongs to none of this machine's interfaces"
        return Err(
            code="unavailable",
            title=f"{host} is not an address of this machine",
            message=message,
            hint="ip address",
        )
    hint = "name another port with --port"
    return Err(code="permission", title=f"{host}:{port} cannot be used", message=str(problem), hint=hint)
