"""The fields of a call with the ABI's defaults and the types that a performer counts on.

The host sends canonical JSON that has passed the ABI's types; absent fields mean their defaults. The table of defaults
is a copy (the ABI needs pydantic, which is not in the sandbox); a test holds the two together.
"""

from __future__ import annotations

from typing import Dict, List, Optional

from casava_sandbox.agent.errors import Fault

DEFAULTS: Dict[str, Dict[str, object]] = {
    "file.find": {"root": ".", "ignore_case": False, "sort": "name"},
    "file.count": {},
    "file.list": {"path": ".", "hidden": False, "sort": "name"},
    "file.read": {},
    "file.write": {"content": "", "how": "create"},
    "file.touch": {},
    "file.make_dir": {},
    "file.copy": {"overwrite": False},
    "file.move": {"overwrite": False},
    "file.rename": {},
    "file.delete": {},
    "file.chmod": {"recursive": False},
    "file.link": {"hard": False},
    "file.archive": {},
    "file.extract": {"to": "."},
    "file.hash": {"algorithm": "sha256"},
    "file.stat": {},
    "file.size": {"paths": ["."]},
    "file.usage": {"path": "."},
    "file.diff": {},
    "file.duplicates": {"root": "."},
    "text.search": {
        "source": ["."],
        "regex": False,
        "ignore_case": False,
        "whole_word": False,
        "invert": False,
    },
    "text.count": {"what": "lines", "regex": False, "ignore_case": False},
    "text.replace": {"replacement": "", "regex": False, "ignore_case": False, "whole_word": False},
    "text.sort": {"reverse": False, "numeric": False, "ignore_case": False, "unique": False},
    "text.unique": {"count": False, "ignore_case": False},
    "text.lines": {},
    "text.columns": {},
    "text.csv": {"where_op": "equals", "descending": False},
    "text.aggregate": {"how": "sum"},
    "text.json": {},
    "process.spawn": {"cwd": ".", "env": {}},
    "process.list": {},
    "process.wait": {},
    "process.logs": {},
    "process.signal": {"signal": "TERM"},
    "container.build": {"context": "."},
    "container.copy_in": {},
    "container.copy_out": {"to": "."},
}
"""Of each syscall performed here, the fields whose default is not None. A field with neither is optional or required."""


class Fields:
    """The fields of one call. Every getter raises a `Fault` of code `usage` for a value of the wrong type."""

    def __init__(self, call: str, given: Dict[str, object]) -> None:
        self.call = call
        self._given = given
        self._defaults = DEFAULTS[call]

    def get(self, name: str) -> object:
        """The field as it came, its default, or None."""
        value = self._given.get(name)
        return self._defaults.get(name) if value is None else value

    def given(self) -> Dict[str, object]:
        """The fields as they came."""
        return self._given

    def _wrong(self, name: str, wanted: str) -> Fault:
        value = self.get(name)
        found = "it is missing" if value is None else "it is a %s" % type(value).__name__
        return Fault(
            "usage", "%s cannot be called like that" % self.call, "%s must be %s; %s" % (name, wanted, found)
        )

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def maybe_text(self, name: str) -> Optional[str]:
        """A text, or None when it is absent."""
        return None if self.get(name) is None else self.text(name)

    def flag(self, name: str) -> bool:
        """A truth value that must be there."""
        value = self.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def maybe_flag(self, name: str) -> Optional[bool]:
        """A truth value, or None when it is absent."""
        return None if self.get(name) is None else self.flag(name)

    def maybe_number(self, name: str) -> Optional[int]:
        """A whole number, or None when it is absent."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return value

    def maybe_texts(self, name: str) -> Optional[List[str]]:
        """A list of texts, or None when it is absent."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of texts")
        return [str(item) for item in value]

    def numbers(self, name: str) -> List[int]:
        """A list of whole numbers that must be there."""
        value = self.get(name)
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, int) for item in value):
            raise self._wrong(name, "a list of whole numbers")
        return [item for item in value if isinstance(item, int)]

    def environment(self, name: str) -> Dict[str, str]:
        """Names and texts."""
        value = self.get(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "names with texts")
        return {str(key): str(item) for key, item in value.items()}
