"""Frames: a four-byte big-endian length and that many bytes of JSON, an object each.

A push parser, so that a reader never blocks in the middle of a frame and a bad frame costs itself only.
"""

from __future__ import annotations

import json
import struct
from typing import Dict, Iterator, Union

MAX_FRAME = 8 * 2**20
"""Largest frame in bytes. Values above `SPILL_BYTES` travel in parts."""

SPILL_BYTES = 2**20
"""A value whose JSON is larger is kept in a file and fetched in parts of this size."""

Message = Dict[str, object]


class BadFrame(ValueError):  # noqa: N818 - a message of the decoder, never raised across it
    """A frame that is too long, or is no JSON object."""


def encode(message: Message) -> bytes:
    """One frame. Lone surrogates and everything beyond ASCII travel as JSON escapes."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_FRAME:
        raise BadFrame("a frame of %d bytes is too long" % len(body))
    return struct.pack(">I", len(body)) + body


class Decoder:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[Union[Message, BadFrame]]:
        """The messages that `data` completes; a bad frame is given as `BadFrame` and its bytes are skipped."""
        self._buffer += data
        while True:
            if self._skip:
                dropped = min(self._skip, len(self._buffer))
                del self._buffer[:dropped]
                self._skip -= dropped
            if len(self._buffer) < 4:
                return
            (size,) = struct.unpack_from(">I", self._buffer)
            if size > MAX_FRAME:
                del self._buffer[:4]
                self._skip = size
                yield BadFrame("a frame of %d bytes is too long" % size)
                continue
            if len(self._buffer) < 4 + size:
                return
            body = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            yield _parsed(body)


def _parsed(body: bytes) -> Union[Message, BadFrame]:
    try:
        message = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return BadFrame("a frame is no JSON: %s" % error)
    return message if isinstance(message, dict) else BadFrame("a frame is no JSON object")
