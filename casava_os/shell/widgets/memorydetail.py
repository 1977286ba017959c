"""Everything that is kept of one entry of memory, for the person whose memory it is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

from pydantic import JsonValue
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from casava_os.memory.ports import Collection, Entry, Provenance
from casava_os.shell.standing import clock_text
from casava_os.shell.wording import home_path
from casava_sandbox.layer.visible import visible

KINDS: Mapping[Collection, str] = {
    "episodes": "request", "facts": "fact", "plans": "plan", "documents": "passage",
}  # fmt: skip
"""What an entry of each kind is called."""
FROM: Mapping[Provenance, str] = {
    "person": "you", "kernel": "the kernel", "file": "a file", "program": "a program", "network": "the network",
}  # fmt: skip
"""Whose words they are."""
MOST_TEXT = 20_000
"""Characters of a text, and of a plan, that are shown."""
_TOLD = {
    "state": "ended as",
    "exit_code": "exit code",
    "changes": "changed",
    "failed": "failed with",
    "model": "model",
}

Part = str | tuple[str, str]


class MemoryDetail(VerticalScroll, can_focus=True):
    """One entry."""

    def __init__(self) -> None:
        self._entry = Static("", id="entry", markup=False)
        super().__init__(self._entry, id="all")

    def show(self, entry: Entry | None) -> None:
        """Shows one from now on."""
        self._entry.update("" if entry is None else entry_content(entry))
        self.scroll_home(animate=False)


def from_text(entry: Entry) -> str:
    """Where an entry's words come from."""
    whose = FROM[entry.provenance]
    told = entry.source and entry.text not in entry.source
    return f"{whose}: {entry.source}" if told else whose


def entry_content(entry: Entry) -> Content:
    """All of it."""
    return Content.assemble(*_parts(entry), strip_control_codes=False).rstrip()


def _parts(entry: Entry) -> Iterator[Part]:
    yield (f"{visible(entry.id)}  {KINDS[entry.collection]}\n", "$text-muted")
    yield (visible(entry.text[:MOST_TEXT], keep="\n"), "bold")
    if (more := len(entry.text) - MOST_TEXT) > 0:
        yield (f"\n{more:,} more characters: casava-os memory show {visible(entry.id)}", "$text-muted")
    yield "\n\n"
    facts = [
        ("when", clock_text(entry.time, time.time())),
        ("folder", home_path(entry.workspace) or "none"),
        ("process", f"{entry.pid}: /log {entry.pid} shows it" if entry.pid else "none: it was brought in"),
        ("words of", from_text(entry)),
        ("used for plans", "yes, when it is asked for again" if entry.trusted else "never: untrusted text has a part in it"),
    ]  # fmt: skip
    facts += [
        (name, str(entry.payload[key]))
        for key, name in _TOLD.items()
        if entry.payload.get(key) not in (None, "")
    ]
    wide = max(len(name) for name, _ in facts)
    for name, fact in facts:
        yield (f"{name:<{wide}}  ", "$text-muted")
        yield visible(fact) + "\n"
    yield from _listed("Steps", entry.payload.get("lines"))
    yield from _listed("Changed", entry.payload.get("paths"))
    rest = {
        key: value
        for key, value in entry.payload.items()
        if key not in _TOLD and key not in ("lines", "paths")
    }
    for key, value in sorted(rest.items()):
        yield (f"\n{visible(key)}\n", "bold")
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        yield (visible(text[:MOST_TEXT], keep="\n"), "$text-muted")
        yield "\n"


def _listed(title: str, found: JsonValue) -> Iterator[Part]:
    if isinstance(found, list) and found:
        yield (f"\n{title}", "bold")
        for line in found:
            yield f"\n  {visible(str(line))}"
        yield "\n"
