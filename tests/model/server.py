"""A local HTTP server that answers as a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: dict[str, object]


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Endpoint:
    """The server's address, what it will answer, one after the other, and what it was asked."""

    url: str
    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)


def events(*parts: str, logprobs: Sequence[float] = ()) -> Answer:
    """A stream of these pieces of an answer, each with a log-probability if given."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for number, part in enumerate(parts):
            choice: dict[str, object] = {"index": 0, "delta": {"content": part}}
            if number < len(logprobs):
                choice["logprobs"] = {"content": [{"token": part, "logprob": logprobs[number]}]}
            handler.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        handler.wfile.write(b"data: [DONE]\n\n")

    return answer


def status(code: int, text: str = "", **headers: str) -> Answer:
    """A status with a plain text."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


@contextmanager
def serving(*answers: Answer) -> Iterator[Endpoint]:
    """A server on a free port of this machine; the last answer is given again and again."""
    made = Endpoint("", list(answers))

    class Handler(BaseHTTPRequestHandler):
        """Gives the next answer."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.asked.append(Asked(self.path, dict(self.headers), json.loads(body)))
            answer = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            with suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
