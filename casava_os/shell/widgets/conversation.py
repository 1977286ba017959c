"""The conversation: blocks one below the other, of which only those near the end are kept on the screen.

A day's work is hundreds of blocks and each is a dozen widgets. Finished blocks far above the end are taken off the screen
and remembered by their events; they come back when the person scrolls up to where they were.
"""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from casava_os.shell.widgets.block import Past, ProcessBlock

MOUNTED = 40
"""Blocks that stay on the screen."""
STEP = 15
"""Blocks that leave or come back together."""


class Conversation(VerticalScroll, can_focus=False):
    """The blocks, the newest at the end."""

    def __init__(self) -> None:
        super().__init__(id="conversation")
        self._earlier: list[Past] = []
        self._moving = False

    @property
    def blocks(self) -> list[ProcessBlock]:
        """The blocks on the screen, the oldest first."""
        return list(self.query(ProcessBlock))

    async def add(self, block: ProcessBlock) -> None:
        """A new block at the end, which comes into view."""
        await self.mount(block)
        self.anchor()
        blocks = self.blocks
        surplus = len(blocks) - MOUNTED
        if surplus < STEP:
            return
        leaving: list[ProcessBlock] = []
        for old in blocks[:surplus]:
            if old.running or old.has_focus_within or old.has_focus:
                break
            leaving.append(old)
        self._earlier += [old.past() for old in leaving]
        await self.remove_children(leaving)
        await self._say()

    async def _say(self) -> None:
        """How many are not on the screen."""
        await self.query("#earlier").remove()
        if count := len(self._earlier):
            what = "request" if count == 1 else "requests"
            said = Content.styled(f"{count:,} earlier {what}: scroll up", "$text-muted")
            await self.mount(Static(said, id="earlier"), before=0)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """At the top, what was there before comes back."""
        super().watch_scroll_y(old_value, new_value)
        if new_value <= 0 < old_value and self._earlier and not self._moving:
            self._moving = True
            self.call_later(self._bring_back)

    async def _bring_back(self) -> None:
        try:
            back, self._earlier = self._earlier[-STEP:], self._earlier[:-STEP]
            first = self.blocks[0] if self.blocks else None
            again = [ProcessBlock.again(past) for past in back]
            await self.mount_all(again, before=first)
            for block, past in zip(again, back, strict=True):
                block.recall(past)
            await self._say()
            if first is not None:
                self.call_after_refresh(self.scroll_to_widget, first, top=True, animate=False)
        finally:
            self._moving = False
