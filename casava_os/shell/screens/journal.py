"""F5: every past process, found by words, state and day, with all that is recorded of it, and the way back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Input, Static

from casava_os.kernel.journal import ProcessRow, Search, guarded
from casava_os.kernel.search import parse_search
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.standing import clock_text, state_parts
from casava_os.shell.widgets.pastdetail import PastDetail, PastProcess
from casava_os.shell.widgets.rows import Cell, Column, RowList
from casava_os.shell.wording import home_path
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp

LIVE_SECONDS = 1.0
"""How often it is looked whether something was recorded."""
SETTLE = 0.08
"""Seconds that the cursor rests before what is under it is read."""
PAGE = 100
PAGES = 20
"""Rows that are read at a time, and how many such pages are kept."""
BOTH_FROM = 130
"""Width in cells from which the list and the detail stand side by side."""

COLUMNS = (
    Column("pid", 6, right=True),
    Column("when", 16),
    Column("state", 10),
    Column("exit", 4, right=True),
    Column("workspace", 20, wide=85),
    Column("request", 12, rest=True),
)
HINT = "words   state:held   since:monday   until:2026-11-21   on:today   in:folder"
EMPTY = "Nothing was asked yet. Every request will stand here, with what it did and the way back."
NO_MATCH = "No past request is like that. Esc takes the search away."


class JournalScreen(Screen[None]):
    """The journal's pages, and one process in full; what is done with it goes through the conversation."""

    CSS_PATH = "lists.tcss"
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="log.open", tooltip="All that is recorded of it."),
        Binding("u", "later('undo')", "Undo", id="log.undo", tooltip="Take back what it changed."),
        Binding("c", "later('commit')", "Apply", id="log.commit", tooltip="Apply what it holds."),
        Binding("x", "later('discard')", "Discard", id="log.discard", tooltip="Discard what it holds."),
        Binding("d", "diff", "Diff", id="log.diff", tooltip="The whole diff of what it changed."),
        Binding("e", "again", "Edit", id="log.again", tooltip="Put the request into the prompt."),
        Binding("slash", "search", "Search", key_display="/", id="log.search", tooltip="By words, state:held, since:monday, on:2026-11-21, in:folder."),
        Binding("tab", "other", "To the other side", show=False, id="log.other"),
        Binding("f4", "processes", "Processes", show=False),
        Binding("f7", "app.panel('containers')", "Containers", show=False),
        Binding("f8", "app.panel('stacks')", "Stacks", show=False),
        Binding("f9", "app.panel('memory')", "Memory", show=False),
        Binding("f1", "help", "Help", show=False),
        Binding("escape,f5", "leave", "Close", id="log.leave"),
    ]  # fmt: skip

    def __init__(self, shell: ShellApp, pid: int | None = None) -> None:
        """`pid`: the process to begin with, open."""
        super().__init__()
        self.shell = shell
        self._journal = shell.kernel.journal
        self._list = RowList(COLUMNS, shell.marks, id="rows")
        self._detail = PastDetail(shell.marks, id="detail")
        self._search = Search()
        self._pages: dict[int, list[ProcessRow]] = {}
        self._mark = -1
        self._begin_at = pid
        self._settling: Timer | None = None
        self._keys: tuple[bool, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("", id="about", markup=False)
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Input("", id="search", placeholder=HINT, compact=True)
                yield Static("", id="hint", markup=False)
                yield Static("", id="empty", markup=False)
                yield self._list
            yield self._detail
        yield Footer()

    async def on_mount(self) -> None:
        self._look(self._begin_at)
        self.set_interval(LIVE_SECONDS, self._follow)
        if self._begin_at is not None:
            await self.action_open()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= BOTH_FROM, "-both")

    @property
    def _both(self) -> bool:
        return self.size.width >= BOTH_FROM

    # ------------------------------------------------------------------------------------------ the list

    def _follow(self) -> None:
        """Reads anew when something was recorded since."""
        mark = guarded(self._journal.mark)
        if not isinstance(mark, Err) and mark.value != self._mark:
            self._look()

    def _look(self, pid: int | None = None) -> None:
        """The list as it is now; the cursor stays with its process, or goes to `pid`."""
        chosen = self.chosen
        keep = pid or (chosen.pid if chosen is not None and self._list.cursor else None)

        def read() -> tuple[int, int, int, int]:
            search = self._search
            newer = self._journal.count(search, newer_than=keep) if keep is not None else 0
            return self._journal.mark(), self._journal.count(search), newer, self._journal.count(Search())

        found = guarded(read)
        if isinstance(found, Err):
            self._tell(str(found))
            return
        self._mark, count, newer, whole = found.value
        self._pages.clear()
        self._list.show(count, self._cells, cursor=newer)
        empty = self.query_one("#empty", Static)
        empty.display = not count
        empty.update(NO_MATCH if whole else EMPTY)
        self._tell("", f"{count:,} of {whole:,}" if count != whole else f"{whole:,}")

    def _tell(self, problem: str, count: str = "") -> None:
        self.query_one("#about", Static).update(
            Content.assemble(
                ("Journal", "bold"), (f"   {count}" if count else "", "$text-muted"),
                (f"   {visible(problem)}" if problem else "", "$text-error"),
            )
        )  # fmt: skip

    def _at(self, number: int) -> ProcessRow | None:
        """One row of the list, read with its page."""
        page = number // PAGE
        if page not in self._pages:
            read = guarded(lambda: self._journal.found(self._search, limit=PAGE, offset=page * PAGE))
            if len(self._pages) >= PAGES:
                self._pages.pop(next(iter(self._pages)))
            self._pages[page] = [] if isinstance(read, Err) else read.value
        rows = self._pages[page]
        return rows[number % PAGE] if number % PAGE < len(rows) else None

    def _cells(self, number: int) -> Sequence[Cell]:
        row = self._at(number)
        if row is None:
            return ()
        return (
            (str(row.pid), "muted"),
            clock_text(row.created, time.time()),
            state_parts(row.state, row.exit_code),
            str(row.exit_code or ""),
            (home_path(row.workspace), "muted"),
            row.request.replace("\n", " "),
        )

    @property
    def chosen(self) -> ProcessRow | None:
        """The process under the cursor."""
        return self._at(self._list.cursor) if self._list.cursor < self._list.count else None

    # ------------------------------------------------------------------------------------------ the detail

    def on_row_list_moved(self) -> None:
        """What is under the cursor is shown beside the list once it rests."""
        self._show_keys()
        if self._settling is not None:
            self._settling.stop()
        if self._both or self.has_class("-detail"):
            self._settling = self.set_timer(SETTLE, self._show)

    def _show_keys(self) -> None:
        """The line of keys is made anew only when others are meant: it costs more than the list."""
        row = self.chosen
        keys = (
            row is None,
            row is not None and row.state == "held",
            row is not None and row.state == "committed",
        )
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    async def _show(self) -> None:
        row = self.chosen
        if row is None:
            await self._detail.show(None)
            return
        records = guarded(lambda: self._journal.records(row.pid))
        await self._detail.show(records if isinstance(records, Err) else PastProcess.read(row, records.value))
        self.refresh_bindings()

    async def on_row_list_chosen(self) -> None:
        """A double click opens."""
        await self.action_open()

    async def action_open(self) -> None:
        """All that is recorded of it: beside the list, or in its place."""
        if self.chosen is None:
            return
        await self._show()
        self.set_class(not self._both, "-detail")
        self._detail.focus()
        self.refresh_bindings()

    def action_other(self) -> None:
        """Between the list and the detail."""
        if self._both:
            (self._list if self.focused is self._detail else self._detail).focus()
        elif self.has_class("-detail"):
            self.remove_class("-detail")
            self._list.focus()

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are shown when they mean something."""
        row = self.chosen if self.is_mounted else None
        match action, parameters:
            case "later", ("undo",):
                return row is not None and row.state == "committed"
            case "later", _:
                return row is not None and row.state == "held"
            case "open", _:
                return row is not None and not self.has_class("-detail")
            case "diff" | "again", _:
                return row is not None
            case _:
                return True

    async def action_later(self, verb: str) -> None:
        """Takes back, lands or throws away; the conversation has the block of it."""
        if (row := self.chosen) is None:
            return
        await self.shell.conversation.settle(verb, row.pid, self.notify)
        self._look(row.pid)

    def action_diff(self) -> None:
        """The whole diff of what it changed."""
        if (row := self.chosen) is None:
            return
        records = guarded(lambda: self._journal.records(row.pid, "changeset"))
        past = None if isinstance(records, Err) else PastProcess.read(row, records.value)
        if past is None or past.changes is None:
            self.notify(f"Process {row.pid} changed nothing.")
        else:
            self.shell.push_screen(ViewerScreen.of_diff(row.request, visible(past.changes.diff, keep="\n\t")))

    def action_again(self) -> None:
        """Puts the request into the prompt."""
        if (row := self.chosen) is not None:
            self.dismiss()
            self.shell.fill(row.request)

    def action_search(self) -> None:
        """To the words."""
        self.remove_class("-detail")
        self.query_one("#search", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Searches while words are typed; half of a word is no mistake yet."""
        parsed = parse_search(event.value, datetime.now().astimezone())
        hint = self.query_one("#hint", Static)
        if isinstance(parsed, Err):
            hint.update(Content.styled(visible(str(parsed)), "$text-warning"))
            return
        hint.update("")
        self._search = parsed.value
        self._pages.clear()
        self._list.cursor = 0
        self._look()

    def on_input_submitted(self) -> None:
        """Back to the list, with what was found."""
        self._list.focus()

    def action_processes(self) -> None:
        """To what runs."""
        self.shell.show_processes()

    def action_help(self) -> None:
        """Everything that can be typed and pressed."""
        self.shell.conversation.action_help()

    def action_leave(self) -> None:
        """Closes what is open: the detail, the search, the screen."""
        line = self.query_one("#search", Input)
        if self.has_class("-detail"):
            self.remove_class("-detail")
            self._list.focus()
            self.refresh_bindings()
        elif line.value:
            line.value = ""
            self._list.focus()
        elif self.focused is line:
            self._list.focus()
        else:
            self.dismiss()
