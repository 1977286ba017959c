"""File names as text, without loss: any byte string becomes valid Unicode and comes back unchanged.

A Unix file name is bytes. JSON, pydantic and terminals want Unicode text. Python's ``surrogateescape`` gives lone
surrogates, which pydantic refuses and UTF-8 cannot encode. Here each byte that is not part of valid UTF-8 becomes one
character of a private-use block (``0x80`` → U+F780 … ``0xFF`` → U+F7FF, the block that MirBSD's OPTU encoding made
known); a name that really contains a character of that block has its bytes escaped the same way, so the mapping is
one-to-one.

Standard library only: the agent inside the sandbox carries a copy of this file.
"""

import os

_BASE = 0xF700
_ESCAPED = {code: code - 0xDC00 + _BASE for code in range(0xDC80, 0xDD00)}


def name_to_text(name: bytes) -> str:
    """The text form of a file name or path given as bytes."""
    text = name.decode("utf-8", "surrogateescape")
    if any(0xF780 <= ord(char) <= 0xF7FF for char in text):
        text = "".join(
            "".join(chr(_BASE + byte) for byte in char.encode()) if 0xF780 <= ord(char) <= 0xF7FF else char
            for char in text
        )
    return text.translate(_ESCAPED)


def text_to_name(text: str) -> bytes:
    """The bytes of a file name from its text form: the inverse of `name_to_text`."""
    return b"".join(
        bytes([ord(char) - _BASE])
        if 0xF780 <= ord(char) <= 0xF7FF
        else char.encode("utf-8", "surrogateescape")
        for char in text
    )


def fs_path(text: str) -> str:
    """The path to hand to `os` functions for a text form."""
    return os.fsdecode(text_to_name(text))


def path_text(path: str) -> str:
    """The text form of a path that `os` functions returned."""
    return name_to_text(os.fsencode(path))
