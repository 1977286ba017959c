"""`container.logs` and `container.exec`: what containers print, as it comes; cancelling ends the waiting, and the program."""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from casava_os.containers.daemon import explained, sentence
from casava_os.containers.desk import Desk
from casava_os.containers.images import INTERRUPTED
from casava_os.containers.known import Known, find, guarded
from casava_os.containers.reins import Reins
from casava_syscalls.base import AnyCall
from casava_syscalls.container import ContainerLogs, ExecContainer
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Exit, Text

if TYPE_CHECKING:
    from docker import APIClient

KEPT_BYTES = 8 * 2**20
"""So much of what was printed is kept: the end of a log, the beginning of a program's output."""
_WRAP = 'echo "$$"; exec sh -c "$0"'
"""Tells its number first, so that the program can be ended: the daemon itself offers no way to."""


def logs(desk: Desk, call: AnyCall) -> Result[Text]:
    """`container.logs`. Followed, it streams until the container stops, the time is over or somebody cancels."""
    assert isinstance(call, ContainerLogs)
    found = find(desk.api, call.container)
    if isinstance(found, Err):
        return found
    driver = _log_driver(found.value)
    if driver == "none":
        message = f"{found.value.name} was started with logging switched off"
        return Err(code="unavailable", title="There are no logs", message=message)
    since = None if call.newer_than is None else desk.now().wall - call.newer_than
    kept, lost = bytearray(), 0
    with _until(desk, enough=call.follow) as over:
        for chunk in _log_chunks(desk, found.value, call, since):
            if call.follow:
                desk.errand.output("stdout", chunk)
            kept += chunk
            if len(kept) > KEPT_BYTES:
                lost += len(kept) - KEPT_BYTES
                del kept[:-KEPT_BYTES]
    if desk.stopped and not over():
        return INTERRUPTED
    if over():
        desk.errand.note(
            f"{found.value.name} was followed for {desk.seconds:.0f} seconds; it goes on printing."
        )
    if lost:
        desk.errand.note(f"The first {lost} bytes of the log are left out.")
    text = kept.decode("utf-8", "replace")
    return Ok(value=Text(text=text, lossy="\ufffd" in text))


def _log_driver(one: Known) -> str:
    host = one.details.get("HostConfig")
    config = host.get("LogConfig") if isinstance(host, dict) else None
    return str(config.get("Type", "")) if isinstance(config, dict) else ""


def _log_chunks(desk: Desk, one: Known, call: ContainerLogs, since: float | None) -> Iterator[bytes]:
    patience, desk.api.timeout = desk.api.timeout, int(desk.seconds) + 60
    try:
        yield from desk.api.logs(
            one.id,
            stdout=True,
            stderr=True,
            stream=True,
            follow=call.follow,
            tail=call.last if call.last is not None else "all",
            since=since,
        )
    finally:
        desk.api.timeout = patience


class _until:  # noqa: N801 - reads as a word in `with`
    """Cuts the connection a little before the time is over, and knows that it was that."""

    def __init__(self, desk: Desk, *, enough: bool) -> None:
        self._over = False
        self._desk = desk
        self._timer = threading.Timer(max(0.1, desk.seconds - 1.0), self._end) if enough else None

    def _end(self) -> None:
        self._over = True
        self._desk.reins.cut()

    def __enter__(self) -> Callable[[], bool]:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return lambda: self._over

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> bool:
        if self._timer is not None:
            self._timer.cancel()
        return self._over and isinstance(problem, OSError | ValueError)


# ------------------------------------------------------------------------------------------------ exec


def execute(desk: Desk, call: AnyCall) -> Result[Exit]:
    """`container.exec`: by the container's own shell; where it has none, the program alone."""
    assert isinstance(call, ExecContainer)
    found = find(desk.api, call.container)
    if isinstance(found, Err):
        return found
    one = found.value
    if (denied := guarded(one, call.container, desk, "entered")) is not None:
        return denied
    if one.state != "running":
        return not_running(one)
    result = _Execution(desk, one).run(["sh", "-c", _WRAP, call.command], tells_number=True)
    if isinstance(result, Err) and result.code == "unsupported":
        if re.search(r"[|&;<>$`*?~(){}\n]", call.command):
            return result
        try:
            words = shlex.split(call.command)
        except ValueError as problem:
            return Err(code="usage", title="The command line cannot be read", message=str(problem))
        result = _Execution(desk, one).run(words, tells_number=False)
        if isinstance(result, Err) and result.code == "unsupported":
            return result.model_copy(update={"code": "not-found", "title": f"{one.name} has no such program"})
    return result


def not_running(one: Known) -> Err:
    """What needs a running container."""
    hint = f"start it first: start {one.name}" if one.state != "paused" else "start it again first"
    return Err(code="failed", title=f"{one.name} is not running", message=f"it is {one.state}", hint=hint)


class _Execution:
    """One program in a running container."""

    def __init__(self, desk: Desk, one: Known) -> None:
        self._desk = desk
        self._one = one
        self._kept = {"stdout": bytearray(), "stderr": bytearray()}
        self._number: int | None = None
        self._head: bytearray | None = None
        self._truncated = False

    def run(self, words: list[str], *, tells_number: bool) -> Result[Exit]:
        """`Err("unsupported")` when the container has no such program."""
        from docker.errors import APIError

        api = self._desk.api
        began = time.monotonic()
        self._head = bytearray() if tells_number else None
        try:
            ident = str(api.exec_create(self._one.id, words)["Id"])
            stream: Any = api.exec_start(ident, stream=True, demux=True)
            self._desk.reins.patience(self._desk.seconds + 60)
            for out, err in stream:
                self._take("stdout", out)
                self._take("stderr", err)
            if self._desk.stopped:
                self._end()
                return INTERRUPTED
            code = api.exec_inspect(ident)["ExitCode"]
        except APIError as problem:
            said = sentence(problem)
            if "executable file not found" in said or "no such file or directory" in said:
                return self._no_program(said)
            return explained(problem)
        except (OSError, ValueError):
            if self._desk.stopped:
                self._end()
                return INTERRUPTED
            raise
        said = (self._kept["stdout"] + self._kept["stderr"] + (self._head or b"")).decode("utf-8", "replace")
        if code in (126, 127) and "OCI runtime exec failed" in said:
            return self._no_program(said)
        return Ok(
            value=Exit(
                code=int(code or 0),
                stdout=self._kept["stdout"].decode("utf-8", "replace"),
                stderr=self._kept["stderr"].decode("utf-8", "replace"),
                seconds=round(time.monotonic() - began, 3),
                truncated=self._truncated,
            )
        )

    def _no_program(self, said: str) -> Err:
        message = " ".join(said.split())
        title = f"{self._one.name} has no shell"
        return Err(code="unsupported", title=title, message=message, hint="name a program that the image has")

    def _take(self, name: str, data: bytes | None) -> None:
        if not data:
            return
        if name == "stdout" and self._head is not None:
            self._head += data
            first, found, data = bytes(self._head).partition(b"\n")
            if not found and len(first) < 12:
                return
            if first.startswith(b"OCI runtime"):
                data = bytes(self._head)
            elif first.isdigit():
                self._number = int(first)
            self._head = None
            if not data or data.startswith(b"OCI runtime exec failed"):
                self._kept["stdout"] += data
                return
        self._desk.errand.output("stdout" if name == "stdout" else "stderr", data)
        room = KEPT_BYTES - sum(map(len, self._kept.values()))
        self._kept[name] += data[: max(0, room)]
        self._truncated |= len(data) > room

    def _end(self) -> None:
        """Ends the program, which the daemon would let run on; with a fresh connection, since ours was cut."""
        if self._number is None:
            return
        fresh = Reins()
        found = fresh.take(timeout=10)
        if isinstance(found, Err):
            return
        end_program(found.value, self._one.id, self._number)
        fresh.close()


def end_program(api: APIClient, container: str, number: int) -> None:
    """TERM, then KILL, to a program in a container and to all that it started."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    line = (
        f"kill -TERM -{number} || kill -TERM {number}; sleep 0.3; kill -KILL -{number} || kill -KILL {number}"
    )
    with suppress(DockerException, RequestException, OSError):
        ident = str(api.exec_create(container, ["sh", "-c", line])["Id"])
        api.exec_start(ident)
