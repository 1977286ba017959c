"""F4: what runs, here and in other terminals, and what is held; what to do with each of them."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from casava_os.kernel.control import Listed
from casava_os.kernel.events import ChangesetMade, Failed
from casava_os.kernel.ports import PRIORITIES
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.standing import clock_text, state_parts
from casava_os.shell.widgets.rows import Cell, Column, RowList
from casava_os.shell.wording import held_text, home_path, killed_text, seconds_text, size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err, Result

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp

LIVE_SECONDS = 1.0
"""How often the list is read anew."""

COLUMNS = (
    Column("pid", 5, right=True),
    Column("state", 11),
    Column("prio", 6),
    Column("time", 6, right=True),
    Column("tokens", 7, right=True),
    Column("memory", 7, right=True),
    Column("since", 16, wide=140),
    Column("workspace", 34, wide=110),
    Column("request", 12, rest=True),
)

EMPTY = (
    "Nothing runs and nothing is held. What you ask for stands here while it works. F5 shows what is past."
)
NO_MATCH = "No process here has these words. Esc takes the filter away."


class ProcessesScreen(Screen[None]):
    """The list is the journal's; each key is a call to the kernel, and what it says is shown."""

    CSS_PATH = "lists.tcss"
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="ps.open", tooltip="Its block, or all that is recorded of it."),
        Binding("k,delete", "kill", "Kill", id="ps.kill", tooltip="Cancel it; nothing is changed."),
        Binding("plus", "renice(1)", "Sooner", id="ps.up", key_display="+", tooltip="A higher priority."),
        Binding("minus", "renice(-1)", "Later", id="ps.down", key_display="-", tooltip="A lower priority."),
        Binding("h", "hold", "Hold", id="ps.hold", tooltip="Have its changes held, whoever would apply them."),
        Binding("d", "diff", "Diff", id="ps.diff", tooltip="What it would change."),
        Binding("c", "later('commit')", "Apply", id="ps.commit", tooltip="Apply what it holds."),
        Binding("x", "later('discard')", "Discard", id="ps.discard", tooltip="Discard what it holds."),
        Binding("s", "sort", "Sort", show=False, id="ps.sort", tooltip="By the next column; R turns it around."),
        Binding("r", "reverse", "Reverse", show=False, id="ps.reverse"),
        Binding("slash", "filter", "Filter", key_display="/", id="ps.filter", tooltip="Only what has these words."),
        Binding("f5", "journal", "Journal", show=False),
        Binding("f7", "app.panel('containers')", "Containers", show=False),
        Binding("f8", "app.panel('stacks')", "Stacks", show=False),
        Binding("f9", "app.panel('memory')", "Memory", show=False),
        Binding("f1", "help", "Help", show=False),
        Binding("escape,q,f4", "leave", "Close", id="ps.leave"),
    ]  # fmt: skip

    def __init__(self, shell: ShellApp) -> None:
        super().__init__()
        self.shell = shell
        self._control = shell.kernel.control
        self._list = RowList(COLUMNS, shell.marks, id="rows")
        self._all: list[Listed] = []
        self._rows: list[Listed] = []
        self._memory: dict[int, int] = {}
        self._sort, self._down = "pid", True
        self._keys: tuple[str, str] | None = ("", "")

    def compose(self) -> ComposeResult:
        yield Static("", id="about", markup=False)
        yield Input("", id="filter", placeholder="words of the request, the state, the folder", compact=True)
        yield Static("", id="empty", markup=False)
        yield self._list
        yield Static("", id="under", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.read()
        self.set_interval(LIVE_SECONDS, self.read)

    # ------------------------------------------------------------------------------------------ the list

    def read(self) -> None:
        """The list as it is now."""
        found = self._control.listed()
        if isinstance(found, Err):
            self._tell(f"{found}")
            return
        self._all = found.value
        self._memory = dict(self.shell.memory())
        self._arrange()

    def _arrange(self) -> None:
        chosen = self.chosen
        words = self.query_one("#filter", Input).value.casefold().split()
        self._rows = sorted(
            (row for row in self._all if _has(row, words)), key=self._sorting, reverse=self._down
        )
        pids = [row.pid for row in self._rows]
        at = pids.index(chosen.pid) if chosen is not None and chosen.pid in pids else self._list.cursor
        sign = f"{self._sort}{self.shell.marks.down if self._down else self.shell.marks.up}"
        self._list.show(len(self._rows), self._cells, cursor=at, sorted_by=sign)
        empty = self.query_one("#empty", Static)
        empty.display = not self._rows
        empty.update(EMPTY if not self._all else NO_MATCH)
        self._tell()

    def _tell(self, problem: str = "") -> None:
        runs = sum(row.state != "held" and not row.left_behind for row in self._all)
        held = sum(row.state == "held" for row in self._all)
        left = sum(row.left_behind for row in self._all)
        parts: list[str | tuple[str, str]] = [("Processes", "bold")]
        for count, words, style in (
            (runs, "running", "$text-primary"), (held, "held", "$text-warning"), (left, "left behind", "$text-error"),
        ):  # fmt: skip
            if count:
                parts += ["   ", (f"{count} {words}", style)]
        if problem:
            parts += ["   ", (visible(problem), "$text-error")]
        self.query_one("#about", Static).update(Content.assemble(*parts))

    def _cells(self, number: int) -> Sequence[Cell]:
        row = self._rows[number]
        runs = row.state != "held" and not row.left_behind
        memory = self._memory.get(row.pid)
        return (
            (str(row.pid), "muted"),
            state_parts(row.standing),
            row.priority if row.priority != "normal" else ("normal", "muted"),
            seconds_text(max(0.0, time.time() - row.created)) if runs else "",
            f"{row.tokens:,}" if row.tokens else "",
            size_text(memory) if memory is not None else "",
            clock_text(row.created, time.time()),
            home_path(row.workspace),
            row.request.replace("\n", " "),
        )

    def _sorting(self, row: Listed) -> tuple[str | int | float, int]:
        keys: dict[str, str | int | float] = {
            "pid": row.pid,
            "state": row.standing,
            "prio": PRIORITIES.index(row.priority),
            "time": -row.created,
            "tokens": row.tokens,
            "memory": self._memory.get(row.pid, -1),
            "since": row.created,
            "workspace": row.workspace,
            "request": row.request.casefold(),
        }
        return keys[self._sort], row.pid

    @property
    def chosen(self) -> Listed | None:
        """The process under the cursor."""
        return self._rows[self._list.cursor] if self._list.cursor < len(self._rows) else None

    def on_row_list_moved(self) -> None:
        """Says under the list what the columns have no room for."""
        row = self.chosen
        under = self.query_one("#under", Static)
        if row is None:
            under.update("")
        else:
            who = "this shell" if row.owner == os.getpid() else f"casava-os {row.owner}"
            told = {
                "held": "since " + clock_text(row.created, time.time()),
                "left behind": f"{who} is gone; K clears it away",
            }
            how = told.get(row.standing, f"run by {who}")
            under.update(
                Content.assemble(
                    (visible(row.request.replace("\n", " ")), "bold"), "\n",
                    (f"{visible(home_path(row.workspace))}   {how}", "$text-muted"),
                )
            )  # fmt: skip
        keys = None if row is None else (row.standing, row.wish)
        if keys != self._keys:  # the line of keys costs more than the list
            self._keys = keys
            self.refresh_bindings()

    def on_row_list_chosen(self) -> None:
        """A double click opens."""
        self.action_open()

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Keys are shown when they mean something."""
        row = self.chosen if self.is_mounted else None
        runs = row is not None and row.state not in ("held", "committing")
        match action:
            case "kill":
                return runs
            case "renice":
                return runs and row is not None and not row.left_behind
            case "hold":
                return runs and row is not None and not row.left_behind and row.wish != "hold"
            case "diff":
                return row is not None and row.state in ("held", "waiting")
            case "later":
                return row is not None and row.state == "held"
            case "open":
                return row is not None
            case _:
                return True

    def action_kill(self) -> None:
        """Cancels the process under the cursor."""
        self._do(self._control.kill, killed_text)

    def action_hold(self) -> None:
        """Has its changes held."""
        self._do(self._control.hold, held_text)

    def action_renice(self, by: int) -> None:
        """The next priority up or down."""
        if (row := self.chosen) is None:
            return
        level = PRIORITIES[max(0, min(PRIORITIES.index(row.priority) + by, len(PRIORITIES) - 1))]
        self._do(lambda pid: self._control.renice(pid, level), lambda row: "")

    def _do(self, act: Callable[[int], Awaitable[Result[Listed]]], said: Callable[[Listed], str]) -> None:
        if (row := self.chosen) is None:
            return
        pid = row.pid

        async def done() -> None:
            result = await act(pid)
            if isinstance(result, Err):
                self.notify(visible(f"{result}"), severity="error", markup=False)
            elif text := said(result.value):
                self.notify(visible(text), markup=False)
            self.read()

        self.run_worker(done(), group="control")

    async def action_later(self, verb: str) -> None:
        """Lands or throws away what it holds; the conversation has the block of it."""
        if (row := self.chosen) is not None:
            await self.shell.conversation.settle(verb, row.pid, self.notify)
            self.read()

    async def action_diff(self) -> None:
        """The whole diff of what it would change."""
        if (row := self.chosen) is None:
            return
        async with self.shell.kernel.diff(row.pid) as events:
            async for event in events:
                if isinstance(event, ChangesetMade):
                    self.shell.push_screen(
                        ViewerScreen.of_diff(row.request, visible(event.diff, keep="\n\t"))
                    )
                elif isinstance(event, Failed):
                    self.notify(visible(str(event.err)), severity="warning", markup=False)

    def action_open(self) -> None:
        """Its block in the conversation, or, when it has none there, what is recorded of it."""
        if (row := self.chosen) is None:
            return
        if not self.shell.conversation.go_to(row.pid):
            self.shell.show_journal(row.pid)

    def action_sort(self) -> None:
        """By the next column."""
        titles = [column.title for column in COLUMNS if self._list.size.width >= column.wide]
        at = titles.index(self._sort) if self._sort in titles else -1
        self._sort = titles[(at + 1) % len(titles)]
        self._down = self._sort in ("pid", "prio", "tokens", "memory", "since")
        self._arrange()

    def action_reverse(self) -> None:
        """Turns the order around."""
        self._down = not self._down
        self._arrange()

    def action_filter(self) -> None:
        """A line to type words into."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    def on_input_changed(self) -> None:
        """Filters while words are typed."""
        self._arrange()

    def on_input_submitted(self) -> None:
        """Back to the list, with what was filtered."""
        self._list.focus()

    def action_journal(self) -> None:
        """From what runs to what is past."""
        self.shell.show_journal()

    def action_help(self) -> None:
        """Everything that can be typed and pressed."""
        self.shell.conversation.action_help()

    def action_leave(self) -> None:
        """Takes the filter away, then closes."""
        line = self.query_one("#filter", Input)
        if line.display:
            line.value = ""
            line.display = False
            self._list.focus()
            self._arrange()
        else:
            self.dismiss()


def _has(row: Listed, words: Sequence[str]) -> bool:
    text = f"{row.pid} {row.standing} {row.priority} {row.workspace} {row.request}".casefold()
    return all(word in text for word in words)
