"""`${NAME}` in a Compose file: replaced by declared settings and defaults, never by this machine's environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PLACE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<text>[^{}$]*))?\}|(?P<wrong>.?))"
)


@dataclass(slots=True)
class Interpolation:
    """Replaces names in texts, and remembers which were used."""

    values: Mapping[str, str]
    used: set[str] = field(default_factory=set)

    def replaced(self, text: str) -> str:
        """The text with every name replaced. `ValueError` for a name that has no value, or for what cannot be read."""
        return _PLACE.sub(self._one, text)

    def _one(self, found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name = found["bare"] or found["name"]
        if name is None:
            raise ValueError(
                f"{found[0]!r} cannot be read: write ${{NAME}}, ${{NAME:-default}}, or $$ for a dollar sign"
            )
        self.used.add(name)
        how, text = found["how"] or "", found["text"] or ""
        value = self.values.get(name)
        missing = value is None or (how.startswith(":") and value == "")
        if how.endswith("+"):
            return "" if missing else text
        if not missing:
            return value or ""
        if how.endswith("-"):
            return text
        why = f": {text}" if how.endswith("?") and text else ""
        raise ValueError(f"{name} has no value{why}; give it with --set {name}=…")
