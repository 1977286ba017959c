"""The conversation: blocks one below the other, of which only those around what is looked at are on the screen.

A day's work is hundreds of blocks and each is a dozen widgets. Finished blocks far from what is looked at are taken off
the screen and remembered: by their events, or, those of earlier sessions, by the number of their process. They come back
when the person scrolls to where they were. What runs, or has the keys, stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from casava_os.shell.recall import Recall
from casava_os.shell.widgets.block import Past, ProcessBlock

MOUNTED = 40
"""Blocks that stay on the screen."""
STEP = 8
"""Blocks that leave or come back together."""
AT_FIRST = 5
"""Blocks of an earlier session that are on the screen when the shell opens; more come as long as there is room."""


@dataclass(slots=True, eq=False)
class _Entry:
    """One block, wherever it is: on the screen, remembered, or in the journal."""

    pid: int = 0
    past: Past | None = None
    block: ProcessBlock | None = None

    @property
    def busy(self) -> bool:
        """Whether it may not leave the screen."""
        return self.block is not None and (self.block.running or self.block.has_focus_within)


class _More(Static):
    """How many blocks are not on the screen; a click brings some."""

    def __init__(self, which: str) -> None:
        super().__init__("", id=which, markup=False)
        self.display = False

    def tell(self, count: int, told: str) -> None:
        self.display = bool(count)
        what = "request" if count == 1 else "requests"
        self.update(Content.styled(f"{count:,} {told.format(what=what)}", "$text-muted"))

    def on_click(self, event: Click) -> None:
        event.stop()
        if isinstance(self.parent, Conversation):
            self.parent.bring(-1 if self.id == "earlier" else 1)


class Conversation(VerticalScroll, can_focus=False):
    """The blocks, the newest at the end."""

    def __init__(self) -> None:
        super().__init__(id="conversation")
        self._entries: list[_Entry] = []
        self._low = self._high = 0
        """The window: the entries that are on the screen because they are looked at."""
        self._moving = False
        self._recall: Recall = lambda _pid: None
        self._earlier, self._later = _More("earlier"), _More("later")

    @property
    def blocks(self) -> list[ProcessBlock]:
        """The blocks on the screen, the oldest first."""
        return list(self.query(ProcessBlock))

    @property
    def length(self) -> int:
        """How many blocks there are, on the screen or not."""
        return len(self._entries)

    async def on_mount(self) -> None:
        await self.mount(self._earlier, before=0)
        await self.mount(self._later)

    # -------------------------------------------------------------------------------------- what is there

    async def restore(
        self, pids: Iterable[int], recall: Recall, at: int | None = None, offset: int = 0
    ) -> None:
        """The blocks of these processes, before all others; `at` comes `offset` lines below the top, else the end."""
        self._recall = recall
        restored = [_Entry(pid=pid) for pid in pids]
        self._entries[:0] = restored
        self._low, self._high = len(restored), len(self._entries)
        where = next((n for n, entry in enumerate(restored) if entry.pid == at), None) if at else None
        if where is None:
            await self._window(len(restored) - AT_FIRST, len(self._entries))
            self.anchor()
            self.call_after_refresh(self._fill)
            return
        await self._window(where - AT_FIRST, where + STEP)
        self.anchor(False)
        block = self._entries[min(where, len(self._entries) - 1)].block
        if block is not None:
            self.call_after_refresh(self._put, block, offset)

    async def add(self, block: ProcessBlock) -> None:
        """A new block at the end, which comes into view."""
        at_end = self._high == len(self._entries)
        self._entries.append(_Entry(block=block))
        await self.mount(block)
        if at_end:
            self._high = len(self._entries)
            if self._high - self._low >= MOUNTED + STEP:
                await self._window(self._high - MOUNTED, self._high)
        else:
            await self._window(len(self._entries) - 2 * STEP, len(self._entries))
        self.anchor()

    def turned(self, pid: int, state: str, ending: str) -> None:
        """A process's commit was taken back, or applied again: its block says so when it comes back."""
        before = "committed" if state == "undone" else "undone"
        for entry in self._entries:
            told = entry.past.told if entry.past is not None else None
            if told is not None and entry.past is not None and entry.past.pid == pid and told.state == before:
                told.state, told.ending = state, ending

    def place(self) -> tuple[int, int] | None:
        """The process whose block stands at the top, with its distance from the top in lines; None at the end."""
        if self._high >= len(self._entries) and self.is_vertical_scroll_end:
            return None
        for block in self.blocks:
            region = block.virtual_region
            if block.pid and region.bottom > self.scroll_y:
                return block.pid, region.y - int(self.scroll_y)
        return None

    async def to_end(self) -> None:
        """To the newest."""
        if self._high < len(self._entries):
            await self._window(len(self._entries) - 2 * STEP, len(self._entries))
        self.anchor()

    # ----------------------------------------------------------------------------------------- the window

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """At an edge of what is on the screen, what lies behind it comes."""
        super().watch_scroll_y(old_value, new_value)
        if new_value <= 0 < old_value:
            self.bring(-1)
        elif new_value > old_value and new_value >= self.max_scroll_y > 0:
            self.bring(1)

    def bring(self, direction: int) -> None:
        """Brings blocks from before (-1) or after (1) those on the screen, if there are any."""
        there = self._low > 0 if direction < 0 else self._high < len(self._entries)
        if there and not self._moving:
            self._moving = True
            self.call_later(self._bring, direction)

    async def _bring(self, direction: int) -> None:
        try:
            low, high = self._low, self._high
            if direction < 0:
                low = max(0, low - STEP)
                high = min(high, low + MOUNTED + STEP)
            else:
                high = min(len(self._entries), high + STEP)
                low = max(low, high - MOUNTED - STEP)
            self.anchor(False)
            keep = self._looked_at()
            offset = keep.virtual_region.y - int(self.scroll_y) if keep is not None else 0
            await self._window(low, high)
            if keep is not None and keep.is_attached:
                self.call_after_refresh(self._put, keep, offset)
        finally:
            self._moving = False

    def _looked_at(self) -> ProcessBlock | None:
        """The first block that is in view."""
        return next((block for block in self.blocks if block.virtual_region.bottom > self.scroll_y), None)

    def _put(self, block: ProcessBlock, offset: int) -> None:
        """Scrolls so that the block stands so many lines below the top."""
        if block.is_attached:
            self.scroll_to(y=block.virtual_region.y - offset, animate=False, force=True)
            self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        """At the end, what comes keeps it in view again."""
        self._anchored = self._high >= len(self._entries)

    async def _fill(self) -> None:
        """More of the past, as long as there is room for it."""
        if self._low > 0 and self.max_scroll_y <= 0 and self.size.height:
            await self._window(self._low - AT_FIRST, self._high)
            self.anchor()
            self.call_after_refresh(self._fill)

    async def _window(self, low: int, high: int) -> None:
        """Puts exactly these entries on the screen, and those that may not leave it."""
        low, high = max(0, low), min(len(self._entries), high)
        leaving: list[ProcessBlock] = []
        for number, entry in enumerate(self._entries):
            if entry.block is not None and not low <= number < high and not entry.busy:
                entry.past, leaving = entry.block.past(), [*leaving, entry.block]
                entry.block = None
        coming: list[tuple[ProcessBlock, Past]] = []
        missing: list[_Entry] = []
        for entry in self._entries[low:high]:
            if entry.block is None:
                past = entry.past or self._recall(entry.pid)
                if past is None:
                    missing.append(entry)
                    continue
                entry.block, entry.past = ProcessBlock.again(past), None
                coming.append((entry.block, past))
        self._entries = (
            [entry for entry in self._entries if entry not in missing] if missing else self._entries
        )
        high -= len(missing)
        self._low, self._high = low, high
        with self.app.batch_update():
            await self.remove_children(leaving)
            await self._mount({block for block, _ in coming})
            for block, past in coming:
                block.recall(past)
            after = sum(entry.block is None for entry in self._entries[high:])
            self._earlier.tell(
                sum(entry.block is None for entry in self._entries[:low]), "earlier {what}: scroll up"
            )
            self._later.tell(after, "later {what}: scroll down")
            following = next((e.block for e in self._entries[high:] if e.block is not None), None)
            if following is not None:
                self.move_child(self._later, before=following)
            else:
                self.move_child(self._later, after=-1)

    async def _mount(self, coming: set[ProcessBlock]) -> None:
        """Mounts blocks at their places, each run of them at once."""
        run: list[ProcessBlock] = []
        for entry in self._entries:
            if entry.block is None:
                continue
            if entry.block in coming:
                run.append(entry.block)
            elif run:
                await self.mount_all(run, before=entry.block)
                run = []
        if run:
            await self.mount_all(run)
