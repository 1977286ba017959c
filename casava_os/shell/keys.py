"""Which keys can be other ones, what a person may name a key, and whether two things would have the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys

from casava_syscalls.results import Err, Ok, Result

FIXED = ("approval.",)
"""Bindings that stay as they are: an answer must never be another key than the card says."""
_NAMES = frozenset(key.value for key in Keys if not key.value.startswith("<")) | {
    "minus", "plus", "full_stop", "slash", "question_mark", "comma", "space",
}  # fmt: skip
_MODIFIERS = ("ctrl", "alt", "shift")


@dataclass(frozen=True, slots=True)
class Bound:
    """One thing that a key does."""

    id: str
    key: str
    """As it is made; the person's own are in the keymap."""
    doc: str
    where: str
    """Where it works, as the help says."""
    owner: type[DOMNode]

    @property
    def fixed(self) -> bool:
        return self.id.startswith(FIXED)


def bound(owners: Sequence[tuple[str, type[DOMNode]]]) -> list[Bound]:
    """Everything that has a key and a name, in the help's order."""
    return [
        Bound(binding.id, binding.key, binding.tooltip, where, owner)
        for where, owner in owners
        for binding in owner.BINDINGS
        if isinstance(binding, Binding) and binding.id and binding.tooltip
    ]


def named(text: str) -> Result[str]:
    """What a person typed for a key or several, as Textual names them: "Ctrl-O, F9" is "ctrl+o,f9"."""
    keys = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key = re.sub(r"(?<=\w)[-+ ](?=\S)", "+", part)
        *modifiers, name = key.split("+")
        name = {"esc": "escape", "page_up": "pageup", "page_down": "pagedown", "return": "enter"}.get(
            name.lower(), name.lower() if len(name) > 1 or modifiers else name
        )
        modifiers = [modifier.lower() for modifier in modifiers]
        if any(modifier not in _MODIFIERS for modifier in modifiers) or not (
            len(name) == 1 or name in _NAMES
        ):
            return Err(
                code="usage",
                title=f"{part} is no key",
                message="keys are written like ctrl+o, f9, shift+tab, pageup, delete; several are parted by commas",
            )
        keys.append("+".join((*modifiers, name)))
    if not keys:
        return Err(code="usage", title="No key", message="name a key, like ctrl+o or f9")
    return Ok(value=",".join(keys))


def clash(wanted: Bound, keys: str, all_bound: Sequence[Bound], keymap: Mapping[str, str]) -> Err | None:
    """Why these keys cannot be those of this binding; None when they can."""
    from casava_os.shell.app import ShellApp
    from casava_os.shell.screens.conversation import ConversationScreen
    from casava_os.shell.widgets.prompt import Prompt

    everywhere = (ShellApp, ConversationScreen)
    if wanted.fixed:
        return Err(
            code="usage", title="This key stays", message="the keys that answer a question cannot be others"
        )
    for key in keys.split(","):
        if wanted.owner in (*everywhere, Prompt) and len(key) == 1:
            return Err(
                code="usage", title=f"{key} is for typing", message="take one with ctrl or alt, or an F key"
            )
        for other in all_bound:
            meets = other.owner is wanted.owner or other.owner in everywhere or wanted.owner in everywhere
            if other.id != wanted.id and meets and key in keymap.get(other.id, other.key).split(","):
                return Err(
                    code="usage",
                    title=f"{key} is taken",
                    message=f"it is that of {other.id}: {other.doc.rstrip('.')}",
                )
    return None
