"""What the lists of containers, stacks and memories have in common.

Rows that are read beside the screen, one of them open, a line to type a value into, and deeds that go through the kernel as
requests do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from casava_os.shell.background import beside
from casava_os.shell.screens.asking import Asking
from casava_os.shell.widgets.rows import Cell, Column, RowList
from casava_os.shell.widgets.told import error_content
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err, Result

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp

T = TypeVar("T")

BOTH_FROM = 130
"""Width in cells from which the list and what is open stand side by side."""
SETTLE = 0.25
"""Seconds that the cursor rests before what is under it is looked into."""

ELSEWHERE = tuple(
    Binding(key, f"app.panel('{name}')", name.capitalize(), show=False)
    for key, name in (
        ("f4", "processes"), ("f5", "journal"), ("f7", "containers"), ("f8", "stacks"), ("f9", "memory"),
    )
)  # fmt: skip
"""From one list to the others."""

Part = str | tuple[str, str]


class Panel(Asking, Generic[T]):
    """A list of things of one kind. What is read is read in a thread; closing the screen lets go of all of it."""

    CSS_PATH = ["lists.tcss", "panels.tcss"]  # noqa: RUF012 - as Textual declares it
    AUTO_FOCUS = "#rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        *ELSEWHERE,
        Binding("tab", "other", "To the other side", show=False),
        Binding("f1", "help", "Help", show=False),
    ]
    WORD: ClassVar[str] = ""
    """What the list is of, for its head."""
    NAME: ClassVar[str] = ""
    """As `app.panel` calls it."""
    COLUMNS: ClassVar[Sequence[Column]] = ()
    LIVE: ClassVar[float] = 0
    """Seconds from one reading to the next; 0: only when something was done."""
    WORDS: ClassVar[str] = ""
    """What is typed to find something."""
    EMPTY: ClassVar[str] = ""
    NO_MATCH: ClassVar[str] = "Nothing here has these words. Esc takes them away."

    def __init__(self, shell: ShellApp, begin_with: str = "") -> None:
        """`begin_with`: what to begin with, open."""
        super().__init__(shell)
        self.about = Static("", id="about", markup=False)
        self.words = Input("", id="filter", placeholder=self.WORDS, compact=True)
        self.empty = Static("", id="empty", markup=False)
        self.list = RowList(self.COLUMNS, shell.marks, id="rows")
        self.beneath = Static("", id="under", markup=False)
        self.line = Input("", id="line", compact=True)
        self.all: list[T] = []
        self.rows: list[T] = []
        self.problem: Err | None = None
        self.open_row: T | None = None
        self._begin_with = begin_with
        self._reading = self._again = self._read_once = False
        self._settling: Timer | None = None
        self._taking: Callable[[str], None] | None = None
        self._keys: object = ()

    # ------------------------------------------------------------------------------ what a list says of itself

    def look(self) -> Result[list[T]]:
        """Reads all rows. Blocking, in a thread."""
        raise NotImplementedError

    def name_of(self, row: T) -> str:
        """What tells a row from the others, from one reading to the next."""
        raise NotImplementedError

    def picked(self, words: Sequence[str]) -> list[T]:
        """The rows to show, in order, of all that were read."""
        raise NotImplementedError

    def cells(self, row: T) -> Sequence[Cell]:
        """A row of the list."""
        raise NotImplementedError

    def nothing(self) -> str:
        """Why there is no row, and what to do about it."""
        return self.NO_MATCH if self.words.value.strip() else self.EMPTY

    def head(self) -> Sequence[Part]:
        """What stands beside the word in the head."""
        raise NotImplementedError

    def under(self, row: T) -> Content:
        """What the columns have no room for."""
        raise NotImplementedError

    def detail(self) -> Widget:
        """Where a row is shown in full."""
        raise NotImplementedError

    async def show_row(self, row: T | None) -> None:
        """Shows this one in full; None: nothing any more."""
        raise NotImplementedError

    def focus_detail(self) -> None:
        """Gives what is open the keys."""
        raise NotImplementedError

    def shut(self) -> None:
        """The screen is closed: lets go of what was read from."""

    # ------------------------------------------------------------------------------------------ the screen

    def compose(self) -> ComposeResult:
        yield self.about
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield self.words
                yield self.empty
                yield self.list
                yield self.beneath
            with Vertical(id="detail"):
                yield self.detail()
        yield self.line
        yield Footer()

    def on_mount(self) -> None:
        self.words.display = False
        self.line.display = False
        self.read()
        if self.LIVE:
            self.set_interval(self.LIVE, self._tick)

    def on_unmount(self) -> None:
        self.shut()

    def on_resize(self) -> None:
        self.set_class(self.both, "-both")

    @property
    def there(self) -> bool:
        """Whether the screen still is: what was read may come when it is closed."""
        return self.is_attached and self.about.is_attached and self.list.is_attached

    @property
    def both(self) -> bool:
        """Whether there is room for the list and what is open."""
        return self.size.width >= BOTH_FROM

    @property
    def opened(self) -> bool:
        """Whether a row is shown in full."""
        return self.both or self.has_class("-detail")

    # ------------------------------------------------------------------------------------------ reading

    def read(self) -> None:
        """The list as it is now, as soon as it is known; who asks meanwhile gets the reading after it."""
        if self._reading or not self.there:
            self._again = True
            return
        self._reading = True
        self.run_worker(self._read(), group="reading")

    async def _read(self) -> None:
        try:
            found = await beside(self.look)
        finally:
            self._reading = False
        if not self.there:
            return
        self.problem = found if isinstance(found, Err) else None
        self.all = [] if isinstance(found, Err) else found.value
        first, self._read_once = not self._read_once, True
        self.lay_out()
        if first and self._begin_with:
            await self._begin()
        if self._again:
            self._again = False
            self.read()

    def _tick(self) -> None:
        if not self._reading:
            self.read()

    async def _begin(self) -> None:
        """What was named is open at once."""
        names = [self.name_of(row) for row in self.rows]
        if self._begin_with in names:
            self.list.cursor = names.index(self._begin_with)
            await self.action_open()
        elif self.problem is None:
            self.notify(f"There is no {visible(self._begin_with)} here.", severity="warning", markup=False)

    def lay_out(self) -> None:
        """The rows that are to be shown, the cursor on the same one as before."""
        if not self.there:
            return
        chosen = self.chosen
        keep = None if chosen is None else self.name_of(chosen)
        self.rows = self.picked(self.words.value.casefold().split())
        names = [self.name_of(row) for row in self.rows]
        at = names.index(keep) if keep in names else self.list.cursor
        self.list.show(len(self.rows), lambda number: self.cells(self.rows[number]), cursor=at)
        if (
            self.has_class("-detail")
            and self.open_row is not None
            and self.name_of(self.open_row) not in names
        ):
            self._close_detail()  # it is gone, and no other must stand there in its place
            self.call_later(self.show_row, None)
        empty = self.empty
        empty.display = not self.rows
        if self.problem is not None:
            empty.update(error_content(self.problem, self.shell.marks))
        elif self._read_once:
            empty.update(self.nothing())
        self.tell()

    def tell(self) -> None:
        """The head."""
        if not self.there:
            return
        parts: list[Part] = [(self.WORD, "bold")]
        for part in (*self.underway(), *self.head()):
            parts += ["   ", part]
        self.about.update(Content.assemble(*parts))

    @property
    def chosen(self) -> T | None:
        """The row under the cursor."""
        return self.rows[self.list.cursor] if self.list.cursor < len(self.rows) else None

    def on_row_list_moved(self) -> None:
        """Says under the list what the columns have no room for, and looks into it once the cursor rests."""
        row = self.chosen
        self.beneath.update("" if row is None else self.under(row))
        self.show_keys()
        if self.opened and self._settling is None:
            self._settling = self.set_timer(SETTLE, self._rested)

    async def _rested(self) -> None:
        self._settling = None
        if self.opened:
            self.open_row = self.chosen
            await self.show_row(self.open_row)
            self.show_keys()

    def show_keys(self) -> None:
        """The line of keys is made anew only when others are meant: it costs more than the list."""
        keys = tuple(
            self.check_action(binding.action.partition("(")[0], ())
            for binding in type(self).BINDINGS
            if isinstance(binding, Binding)
        )
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    # ------------------------------------------------------------------------------------------ keys

    async def on_row_list_chosen(self) -> None:
        """A double click opens."""
        await self.action_open()

    async def action_open(self) -> None:
        """All of it: beside the list, or in its place."""
        if self.chosen is None:
            return
        self.set_class(not self.both, "-detail")
        self.open_row = self.chosen
        await self.show_row(self.open_row)
        self.focus_detail()
        self.show_keys()

    def _close_detail(self) -> None:
        self.remove_class("-detail")
        self.open_row = None
        if not self.line.display:
            self.list.focus()
        self.show_keys()

    def action_other(self) -> None:
        """Between the list and what is open."""
        if self.both and self.list.has_focus:
            self.focus_detail()
        elif self.both or self.has_class("-detail"):
            self.remove_class("-detail")
            self.list.focus()

    def action_filter(self) -> None:
        """A line to type words into."""
        self.remove_class("-detail")
        line = self.words
        line.display = True
        line.focus()

    def ask_for(self, what: str, begin_with: str, take: Callable[[str], None]) -> None:
        """A line for a value; `take` gets what was typed."""
        line = self.line
        line.placeholder, line.value, line.display = what, begin_with, True
        line.border_title = what
        line.cursor_position = len(begin_with)
        self._taking = take
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters while words are typed."""
        if event.input.id == "filter" and self._read_once:
            self.typed(event.value)

    def typed(self, words: str) -> None:  # noqa: ARG002 - for a list that searches
        """Other words are looked for."""
        self.lay_out()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the list, with what was found or typed."""
        take = self._taking
        if event.input.id == "line" and take is not None:
            self._end_line()
            if event.value.strip():
                take(event.value.strip())
        else:
            self.list.focus()

    def _end_line(self) -> None:
        line = self.line
        line.display, line.value, self._taking = False, "", None
        if self.has_class("-detail"):
            self.focus_detail()
        else:
            self.list.focus()

    def action_help(self) -> None:
        """Everything that can be typed and pressed."""
        self.shell.conversation.action_help()

    async def action_leave(self) -> None:
        """Closes what is open: the line, the detail, the filter, the screen."""
        words = self.words
        if self.line.display:
            self._end_line()
        elif self.has_class("-detail"):
            self._close_detail()
            await self.show_row(None)
        elif words.display:
            words.value = ""
            words.display = False
            self.list.focus()
            self.lay_out()
        else:
            self.dismiss()
