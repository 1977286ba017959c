"""The line above the prompt: what came of what was typed last, where the person looks. It stays until the next line."""

from __future__ import annotations

from typing import Literal

from textual.content import Content
from textual.widgets import Static

from casava_sandbox.layer.visible import visible

Kind = Literal["information", "done", "warning", "error"]
_STYLES: dict[Kind, str] = {
    "information": "$text-primary", "done": "$text-success", "warning": "$text-warning", "error": "$text-error",
}  # fmt: skip


class Said(Static):
    """Empty, it takes no room."""

    def __init__(self) -> None:
        super().__init__("", id="said", markup=False)
        self.text = ""
        self.display = False

    def tell(self, text: str, kind: Kind = "information") -> None:
        """Says this; the empty text takes the line away."""
        self.text = visible(text, keep="\n").strip()
        self.display = bool(self.text)
        self.update(Content.styled(self.text, _STYLES[kind]))
