"""A local server that speaks the part of the Hub's protocol that a download uses: HEAD with the facts, GET with ranges."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Its address, the files it has by path, and how it misbehaves."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)
    """The Range headers of the GETs that came; empty where there was none."""
    breaks_after: int | None = None
    """Bytes after which the next GET's connection is cut."""
    lies: bytes | None = None
    """What is sent instead of a file's bytes."""
    nameless: bool = False
    """The facts hold no sha256."""


@contextmanager
def hub() -> Iterator[Hub]:
    """A Hub on a free port of this machine."""
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        """Answers for one repository file: /OWNER/NAME/resolve/REVISION/FILE."""

        protocol_version = "HTTP/1.1"

        def _data(self) -> bytes | None:
            match = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/[\w.-]+/(.+)", self.path)
            return None if match is None else made.files.get(f"{match[1]}/{match[2]}")

        def _head(self, data: bytes, start: int) -> None:
            self.send_response(206 if start else 200)
            etag = "abc" if made.nameless else hashlib.sha256(data).hexdigest()
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("Accept-Ranges", "bytes")
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()

        def _missing(self) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            data = self._data()
            self._missing() if data is None else self._head(data, 0)

        def do_GET(self) -> None:
            data = self._data()
            if data is None:
                self._missing()
                return
            asked = self.headers.get("Range", "")
            made.ranges.append(asked)
            match = re.fullmatch(r"bytes=(\d+)-", asked)
            start = int(match[1]) if match else 0
            self._head(data, start)
            body = (made.lies or data)[start:]
            with suppress(BrokenPipeError, ConnectionResetError):
                if made.breaks_after is not None:
                    body, made.breaks_after = body[: made.breaks_after], None
                    self.wfile.write(body)
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                else:
                    self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
