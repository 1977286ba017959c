"""Makes text that other programs wrote safe to show: nothing in it can steer the person's terminal.

File names and contents come from the sandbox. An escape sequence could move the cursor and repaint a deletion as
something harmless, a right-to-left override could turn a name around: each such character is shown as what it is.
"""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # scripts and emoji need them, and they move nothing


def visible(text: str, *, keep: str = "") -> str:
    """`text` with control, format and private characters spelled as escapes; those in `keep` stay as they are.

    A byte that is not UTF-8 (see `casava_syscalls.names`, or a lone surrogate of `surrogateescape`) becomes a hexadecimal escape.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep else _spelled(char) for char in text)


def _spelled(char: str) -> str:
    if char.isprintable() or char in _JOINERS or unicodedata.category(char) not in _HIDING:
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xF780 <= code <= 0xF7FF:
        return f"\\x{code - 0xF700:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
