"""F9: what is remembered: found while one types, opened whole, added to, forgotten; whether anything is remembered now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from casava_os.kernel.life import real, text_of
from casava_os.kernel.threads import uninterrupted
from casava_os.memory.embedding import NoEmbedderError
from casava_os.memory.ports import COLLECTIONS, Entry, Filter
from casava_os.memory.service import FORGET_LEAVES, Remembrance
from casava_os.shell.deeds import private_for_good, remember_deed
from casava_os.shell.screens.panel import Panel, Part
from casava_os.shell.screens.panelquestion import ConfirmScreen
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.standing import clock_text
from casava_os.shell.widgets.memorydetail import FROM, KINDS, MemoryDetail, from_text
from casava_os.shell.widgets.rows import Cell, Column
from casava_os.shell.wording import home_path, size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp

TYPED = 0.15
"""Seconds that the words rest before they are looked for."""
MOST_FOUND, MOST_LISTED = 100, 2_000
"""Entries that a search shows, and that are listed without one; the newest."""
_SHOWN = 120
"""Characters of an entry in a question."""


class MemoryScreen(Panel[Entry]):
    """The person's own: looked into here, and forgotten after a question; what is added goes through the kernel."""

    WORD = "Memory"
    NAME = "memory"
    WORDS = "what it was about: words, or what they mean"
    COLUMNS = (
        Column("when", 16, wide=44),
        Column("kind", 7),
        Column("words of", 10, wide=70),
        Column("folder", 18, wide=96),
        Column("text", 12, rest=True),
    )
    EMPTY = (
        "Nothing is remembered yet. Every request will stand here once it has ended; "
        "N tells it something to remember."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="memory.open", tooltip="Everything that is kept of it."),
        Binding("slash", "filter", "Search", key_display="/", id="memory.search", tooltip="By words and by what they mean, while you type."),
        Binding("n", "remember", "Remember", id="memory.remember", tooltip="Tell it something to remember."),
        Binding("x,delete", "forget", "Forget", id="memory.forget", tooltip="Forget it, everywhere in memory; says first what goes."),
        Binding("k", "kind", "Kind", id="memory.kind", tooltip="Only requests, facts, plans or passages; then all again."),
        Binding("p", "private", "Private", id="memory.private", tooltip="From now on this shell's requests are not remembered; again: they are."),
        Binding("w", "here", "Here", id="memory.here", tooltip="Only what belongs to this folder, or all."),
        Binding("i", "stats", "Stats", id="memory.stats", tooltip="How much is remembered, of what, where, and how it is found."),
        Binding("escape,q,f9", "leave", "Close", id="memory.leave"),
    ]  # fmt: skip

    def __init__(self, shell: ShellApp, begin_with: str = "") -> None:
        """`begin_with`: words to look for."""
        super().__init__(shell)
        self._query = begin_with
        self._kind = ""
        self._only_here = False
        self._counts: dict[str, int] = {}
        self._detail = MemoryDetail()
        self._typing: Timer | None = None
        self._here = text_of(real(shell.workspace))

    def on_mount(self) -> None:
        super().on_mount()
        if self._query:
            line = self.words
            line.value, line.display = self._query, True

    # ------------------------------------------------------------------------------------------ the list

    @property
    def memory(self) -> Remembrance | None:
        """What the kernel remembers with; None in private mode for good."""
        found = self.shell.kernel.memory
        return found if isinstance(found, Remembrance) else None

    def look(self) -> Result[list[Entry]]:
        memory = self.memory
        if memory is None:
            return private_for_good()
        collections = tuple(name for name in COLLECTIONS if self._kind in ("", name))
        wanted = Filter(collections, self._here if self._only_here else None)
        counted = memory.guarded(lambda: {name: memory.store.count(Filter((name,))) for name in COLLECTIONS})
        if isinstance(counted, Err):
            return counted
        self._counts = {str(name): count for name, count in counted.value.items()}
        if not self._query.strip():
            return memory.listed(wanted, limit=MOST_LISTED)
        found = memory.search(self._query, wanted, limit=MOST_FOUND, workspace=self._here)
        return found if isinstance(found, Err) else Ok(value=[one.entry for one in found.value])

    def name_of(self, row: Entry) -> str:
        return row.id

    def picked(self, words: Sequence[str]) -> list[Entry]:  # noqa: ARG002 - they were looked for
        """As they were found."""
        return self.all

    def nothing(self) -> str:
        if self._query.strip() or self._kind or self._only_here:
            kind = f" among the {_plural(KINDS[self._kind])}" if self._kind else ""  # type: ignore[index]
            where = " of this folder" if self._only_here else ""
            return (
                f"Nothing is remembered about that{kind}{where}. Esc takes the words away, K and W show all."
            )
        return self.EMPTY

    def lay_out(self) -> None:
        """What is found; what memory has to say of its files is said once."""
        if self.memory is not None:
            notices, self.memory.store.notices = self.memory.store.notices, []
            for sentence in notices:
                self.notify(visible(sentence), severity="warning", timeout=15, markup=False)
        super().lay_out()

    def cells(self, row: Entry) -> Sequence[Cell]:
        return (
            clock_text(row.time, time.time()),
            (KINDS[row.collection], "primary" if row.collection == "facts" else ""),
            (FROM[row.provenance], "muted" if row.trusted else "warning"),
            (home_path(row.workspace), "muted"),
            row.text.replace("\n", " "),
        )

    def head(self) -> Sequence[Part]:
        parts: list[Part] = []
        if self.memory is None:
            return [("private mode is on, by the settings", "$text-warning")]
        if self.shell.private:
            parts.append(("private mode is on", "bold $text-warning"))
        for name in COLLECTIONS:
            if (count := self._counts.get(name, 0)) or name == self._kind:
                words = f"{count:,} {KINDS[name] if count == 1 else _plural(KINDS[name])}"
                parts.append((words, "bold $text-primary" if name == self._kind else "$text-muted"))
        if self._only_here:
            parts.append(("of this folder", "$text-primary"))
        if not self.shell.private:
            parts.append(("private mode is off", "$text-muted"))
        return parts

    def under(self, row: Entry) -> Content:
        facts = f"{row.id}   {home_path(row.workspace) or 'no folder'}   words of {from_text(row)}"
        trust = "" if row.trusted else "   never used for a plan"
        return Content.assemble(
            (visible(row.text.replace("\n", " ")), "bold"), "\n",
            (visible(facts), "$text-muted"), (trust, "$text-warning"),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ one of them

    def detail(self) -> Widget:
        return self._detail

    def focus_detail(self) -> None:
        self._detail.focus()

    async def show_row(self, row: Entry | None) -> None:
        self._detail.show(row)

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - as Textual calls it
        """Keys are shown when they mean something."""
        row = self.chosen if self.is_mounted else None
        match action:
            case "forget":
                return row is not None
            case "open":
                return row is not None and not self.has_class("-detail")
            case "remember" | "private" | "stats" | "kind" | "here":
                return self.memory is not None
            case _:
                return True

    def typed(self, words: str) -> None:
        """Looks for other words once they rest."""
        self._query = words
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPED, self._look_anew)

    def _look_anew(self) -> None:
        self.list.cursor = 0
        self.read()

    def action_kind(self) -> None:
        """Only those of the next kind."""
        order = ("", *COLLECTIONS)
        self._kind = order[(order.index(self._kind) + 1) % len(order)]
        self._look_anew()

    def action_here(self) -> None:
        """Those of this folder, or all."""
        self._only_here = not self._only_here
        self._look_anew()

    def action_private(self) -> None:
        """From now on requests of this shell are remembered, or not."""
        self.shell.private = not self.shell.private
        self.shell.conversation.tell_private()
        said = (
            "Private mode is on: what you ask for in this shell is not remembered, and nothing is recalled for it."
            if self.shell.private
            else "Private mode is off: what you ask for is remembered again."
        )
        self.notify(said)
        self.tell()

    def action_remember(self) -> None:
        """A line for what is to be remembered."""
        if self.shell.private:
            self.notify("Private mode is on: nothing is remembered. P turns it off.", severity="warning")
            return
        self.ask_for("What should be remembered?", "", lambda text: self.do(remember_deed(text)))

    def action_forget(self) -> None:
        """Says what goes, and forgets it on a yes."""
        if (row := self.chosen) is not None and self.memory is not None:
            self.run_worker(self._forget(row, self.memory), group="forget", exclusive=True)

    async def _forget(self, row: Entry, memory: Remembrance) -> None:
        ids = [row.id]
        if row.collection in ("episodes", "plans"):
            ids += [one for one in (f"e{row.id[1:]}", f"p{row.id[1:]}") if one != row.id]
        found = await uninterrupted(lambda: memory.guarded(lambda: memory.store.get(ids)))
        if isinstance(found, Err):
            self.notify(visible(str(found)), severity="error", markup=False)
            return
        if not found.value:
            self.notify("It is forgotten already.")
            self.read()
            return
        if not await self.shell.push_screen_wait(_question(found.value)):
            return
        done = await uninterrupted(lambda: memory.forget([row.id]))
        if isinstance(done, Err):
            self.notify(visible(str(done)), severity="error", markup=False)
        else:
            count = done.value
            self.notify(f"{count} {'entry is' if count == 1 else 'entries are'} forgotten.")
        self.read()

    def action_stats(self) -> None:
        """How much is remembered, and how."""
        if self.memory is not None:
            self.run_worker(self._show_stats(self.memory), group="stats", exclusive=True)

    async def _show_stats(self, memory: Remembrance) -> None:
        found = await uninterrupted(lambda: stats_of(memory))
        if isinstance(found, Err):
            self.notify(visible(str(found)), severity="error", markup=False)
        else:
            self.shell.push_screen(ViewerScreen.of_value("What is remembered", found.value))

    async def action_leave(self) -> None:
        """Closes what is open: the line, the detail, the search, the screen."""
        words = self.words
        searched = words.display and not self.has_class("-detail") and not self.line.display
        await super().action_leave()
        if searched:
            self._query = ""
            self.read()


def stats_of(memory: Remembrance) -> Result[Facts]:
    """How much is remembered, of what, and how it is found. Blocking."""

    def read() -> Facts:
        memory.settle()
        store = memory.store
        try:
            by_meaning = store.embedder() is not None
        except NoEmbedderError:
            by_meaning = False
        oldest = min((entry.time for entry in store.entries()), default=None)
        items: dict[str, str | int | None] = {
            _plural(KINDS[name]): store.count(Filter((name,))) for name in COLLECTIONS
        }
        items["since"] = None if oldest is None else clock_text(oldest, time.time())
        items["size"] = size_text(store.bytes() if store.exists else 0)
        items["found"] = (
            "by meaning and by words" if by_meaning else "by words alone: there is no embedding model"
        )
        items["place"] = home_path(str(store.root))
        keep = memory.retention
        items["kept for"] = "until you forget it" if keep.days is None else f"{keep.days:g} days"
        items["kept at most"] = f"{keep.entries:,} requests"
        return Facts(items={name: fact for name, fact in items.items() if fact is not None})

    return memory.guarded(read)


def _question(entries: Sequence[Entry]) -> ConfirmScreen:
    lines: list[Content] = []
    for entry in entries:
        text = entry.text.replace("\n", " ")
        cut = visible(text[:_SHOWN]) + (" …" if len(text) > _SHOWN else "")
        lines.append(
            Content.assemble((f"{visible(entry.id)}  {KINDS[entry.collection]}  ", "$text-muted"), cut)
        )
    lines += [
        Content(""),
        Content(
            "It goes from memory without a trace: the text, the words, the vectors. It cannot be brought back."
        ),
        Content.styled(FORGET_LEAVES, "$text-muted"),
    ]
    what = "this" if len(entries) == 1 else f"these {len(entries)}"
    return ConfirmScreen(f"Forget {what} for good?", Content("\n").join(lines), "Y forget   N keep")


def _plural(kind: str) -> str:
    return f"{kind}s"
