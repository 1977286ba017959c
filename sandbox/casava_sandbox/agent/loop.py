"""The agent's main loop: takes frames, performs calls in threads, keeps their values, enforces their time.

Whatever a performer raises becomes an answer; only the end of the stream ends the agent, and with it every program.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import queue
import re
import select
import sys
import threading
import time
import traceback
import uuid
from typing import BinaryIO, Callable, Dict, List, Optional

from casava_sandbox.agent.context import Context, Limits
from casava_sandbox.agent.errors import Fault, fault_from
from casava_sandbox.agent.frames import SPILL_BYTES, BadFrame, Decoder, Message, encode
from casava_sandbox.agent.promises import measured, restrict
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.workers import Workers

Performers = Dict[str, Callable[[Context, Stored], Stored]]
_GRACE = 5.0
"""Seconds that a cancelled call has for its own answer."""
_REFERENCE = re.compile(r"\$([0-9]{1,2})\Z")


class Agent:
    """Serves one host over two file descriptors."""

    def __init__(
        self, source: int, sink: int, *, root: str = "/workspace", scratch: str = "/casava/scratch"
    ) -> None:
        self._source = source
        self._sink = sink
        self._root = root
        self._scratch = scratch
        self._limits = Limits({})
        self._write_lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._values: Dict[int, Stored] = {}
        self._spilled: Dict[int, BinaryIO] = {}
        self._parts: Dict[int, List[str]] = {}
        self._calls: Dict[int, Context] = {}
        self._performers: Optional[Performers] = None
        self._workers = Workers()
        self._cancellations: "queue.SimpleQueue[tuple[Context, str]]" = queue.SimpleQueue()
        self._done = False

    def run(self) -> None:
        """Serves until the stream ends or the host says bye."""
        # Started now: under a fork bomb there is no room for another thread.
        threading.Thread(target=self._cancel_calls, daemon=True).start()
        decoder = Decoder()
        while not self._done:
            ready, _, _ = select.select([self._source], [], [], self._patience())
            self._enforce_time()
            if not ready:
                continue
            data = os.read(self._source, 1 << 16)
            if not data:
                return
            for message in decoder.feed(data):
                if isinstance(message, BadFrame):
                    self._send(
                        {
                            "id": None,
                            "ok": False,
                            "error": Fault("usage", "A malformed frame", str(message)).as_json(),
                        }
                    )
                else:
                    self._take(message)

    # ------------------------------------------------------------------------------------------ time

    def _patience(self) -> float:
        """Seconds until the nearest deadline."""
        with self._state_lock:
            deadlines = [call.deadline for call in self._calls.values()]
        return max(0.0, min([deadline - time.monotonic() for deadline in deadlines] + [5.0])) + 0.002

    def _enforce_time(self) -> None:
        """Cancels what is late; what does not end then is answered for, a little later."""
        now = time.monotonic()
        with self._state_lock:
            late = [call for call in self._calls.items() if call[1].deadline <= now]
        for number, call in late:
            if call.cancelled.is_set():
                self._answer(number, call.stopped())
            else:
                call.deadline = now + _GRACE
                self._cancellations.put((call, "timeout"))

    def _cancel_calls(self) -> None:
        """Cancels one call after another: ending a tree of programs may take a while, and other calls go on."""
        while True:
            call, reason = self._cancellations.get()
            try:
                call.cancel(reason)
            except BaseException as error:  # noqa: BLE001 - a worker's edge
                self._log(error)

    # ------------------------------------------------------------------------------------------ frames

    def _take(self, message: Message) -> None:
        number = message.get("id")
        try:
            operation = message.get("op")
            if operation == "perform":
                self._perform(message)
            elif operation == "cancel":
                self._cancel(message)
            elif operation == "put":
                self._put(message)
            elif operation == "read":
                self._read(message)
            elif operation == "hello":
                self._hello(message)
            elif operation == "bye":
                self._done = True
            else:
                raise Fault("usage", "An unknown operation", str(operation))  # noqa: TRY301
        except BaseException as error:  # noqa: BLE001 - the loop outlives every message
            self._log(error)
            self._send({"id": number, "ok": False, "error": fault_from(error, self._root).as_json()})

    def _send(self, message: Message) -> None:
        data = memoryview(encode(message))
        with self._write_lock:
            while data:
                data = data[os.write(self._sink, data) :]

    def _hello(self, message: Message) -> None:
        limits = message.get("limits")
        self._limits = Limits(limits if isinstance(limits, dict) else {})
        warnings = restrict(self._limits, bool(message.get("rlimits")))
        facts = measured(self._root, self._scratch)
        self._send({"id": message.get("id"), "ok": True, "facts": facts, "warnings": warnings})
        # The performers are imported while the host is busy with its own start.
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> Performers:
        with self._state_lock:
            if self._performers is None:
                try:
                    from casava_sandbox.agent.performers import PERFORMERS

                    self._performers = dict(PERFORMERS)
                except BaseException as error:
                    self._log(error)
                    raise
            return self._performers

    def _cancel(self, message: Message) -> None:
        with self._state_lock:
            call = self._calls.get(_number(message, "call"))
        if call is not None:
            call.deadline = min(call.deadline, time.monotonic() + _GRACE)
            self._cancellations.put((call, "interrupted"))

    # ------------------------------------------------------------------------------------------ values

    def _put(self, message: Message) -> None:
        step = _number(message, "step")
        self._parts.setdefault(step, []).append(str(message.get("part", "")))
        if message.get("last", True):
            self._store(step, "".join(self._parts.pop(step)))
            self._send({"id": message.get("id"), "ok": True})

    def _store(self, step: int, text: str) -> bool:
        """Keeps a value, given as JSON; whether it was spilled to a file."""
        if len(text) <= SPILL_BYTES:
            with self._state_lock:
                self._values[step] = json.loads(text)
                self._spilled.pop(step, None)
            return False
        try:
            file = nameless(self._scratch)
            file.write(text.encode("ascii"))
            file.flush()
        except OSError as error:
            raise fault_from(error, self._root) from error
        with self._state_lock:
            self._spilled[step] = file
            self._values.pop(step, None)
        return True

    def _value(self, step: int) -> Stored:
        with self._state_lock:
            if step in self._values:
                return self._values[step]
            spilled = self._spilled.get(step)
        if spilled is not None:
            value: Stored = json.loads(_bytes_at(spilled, 0, os.fstat(spilled.fileno()).st_size))
            return value
        piped = os.path.join(self._scratch, "stdin")
        if step == 0 and os.path.exists(piped):
            with open(piped, "rb") as stdin:
                data = stdin.read()
            text = data.decode("utf-8", "replace")
            return {"kind": "text", "text": text, "lossy": text.encode("utf-8", "replace") != data}
        raise Fault(
            "type",
            "There is no such result",
            "step %d has none" % step,
            "refer to an earlier step that succeeded",
        )

    def _read(self, message: Message) -> None:
        """A part of a spilled value, as text (JSON in ASCII, so any cut is a good one)."""
        with self._state_lock:
            spilled = self._spilled.get(_number(message, "step"))
        if spilled is None:
            raise Fault("not-found", "There is no such spilled value")
        part = _bytes_at(spilled, _number(message, "offset"), SPILL_BYTES).decode("ascii")
        self._send({"id": message.get("id"), "ok": True, "part": part})

    # ------------------------------------------------------------------------------------------ calls

    def _perform(self, message: Message) -> None:
        number, step = _number(message, "id"), _number(message, "step")
        fields = message.get("call")
        if not isinstance(fields, dict):
            raise Fault("usage", "A call is a JSON object")
        given = message.get("seconds")
        seconds = float(given) if isinstance(given, (int, float)) else self._limits.step_seconds
        context = Context(
            step,
            self._limits,
            seconds,
            values=self._value,
            emit=self._emitter(number) if message.get("stream") else lambda stream, data: None,
            root=self._root,
            scratch=self._scratch,
            raw=fields,
        )
        references = message.get("references")
        names = set(references) if isinstance(references, list) else set(fields)
        with self._state_lock:
            self._calls[number] = context
        try:
            self._workers.submit(lambda: self._work(number, context, fields, names))
        except RuntimeError as error:
            self._answer(number, Fault("limit", "The sandbox has no room for another thread", str(error)))

    def _emitter(self, number: int) -> Callable[[str, bytes], None]:
        def emit(stream: str, data: bytes) -> None:
            for start in range(0, len(data), SPILL_BYTES):
                part = base64.b64encode(data[start : start + SPILL_BYTES]).decode("ascii")
                self._send({"id": number, "output": stream, "data": part})

        return emit

    def _work(self, number: int, context: Context, fields: Stored, references: "set[str]") -> None:
        try:
            performer = self._load().get(str(fields.get("call")))
            if performer is None:
                raise Fault(  # noqa: TRY301
                    "unavailable", "The sandbox does not perform this syscall", str(fields.get("call"))
                )
            resolved = {name: self._resolved(name, value, references) for name, value in fields.items()}
            value = performer(context, resolved)
            self._answer(number, value)
        except BaseException as error:  # noqa: BLE001 - a worker's edge: whatever is raised becomes the answer
            if not isinstance(error, Fault):
                self._log(error)
            self._answer(
                number, context.stopped() if context.cancelled.is_set() else fault_from(error, self._root)
            )

    def _resolved(self, name: str, value: object, references: "set[str]") -> object:
        match = _REFERENCE.match(value) if name in references and isinstance(value, str) else None
        return self._value(int(match.group(1))) if match else value

    def _answer(self, number: int, result: object) -> None:
        """Answers a call once: what comes after its timeout is dropped."""
        with self._state_lock:
            context = self._calls.pop(number, None)
        if context is None:
            return
        if isinstance(result, Fault):
            self._send({"id": number, "ok": False, "error": result.as_json()})
            return
        try:
            text = json.dumps(result)
            if self._store(context.step, text):
                self._send({"id": number, "ok": True, "spilled": len(text), "step": context.step})
            else:
                self._send({"id": number, "ok": True, "value": result})
        except BaseException as error:  # noqa: BLE001 - a worker's edge: the host waits for some answer
            self._log(error)
            self._send({"id": number, "ok": False, "error": fault_from(error, self._root).as_json()})

    def _log(self, error: BaseException) -> None:
        """The traceback goes to standard error, which the host keeps as its debug log."""
        if isinstance(error, Fault):
            return
        try:
            sys.stderr.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
            sys.stderr.flush()
        except (OSError, MemoryError, ValueError):
            return


def nameless(directory: str) -> BinaryIO:
    """A file on the directory's disk that has no name.

    Programs in the sandbox are the agent's user: they could rewrite a result that has a name, and a later step would act
    upon other files than were found.
    """
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        path = os.path.join(directory, uuid.uuid4().hex)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.unlink(path)
    return os.fdopen(descriptor, "w+b")


def _bytes_at(file: BinaryIO, offset: int, most: int) -> bytes:
    """Up to `most` bytes from there; several threads may read at once."""
    parts = []
    while most:
        part = os.pread(file.fileno(), most, offset)
        if not part:
            break
        parts.append(part)
        offset, most = offset + len(part), most - len(part)
    return b"".join(parts)


def _number(message: Message, name: str) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Fault("usage", "A malformed message", "%s is no number" % name)
    return value
