"""The models that can be had by name: what is here, whether it fits and qualified; chosen for this session or for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from casava_os.kernel.run import Kernel
from casava_os.paths import config_dir
from casava_os.shell.modelfacts import ModelFacts, ModelRow, facts, rows
from casava_os.shell.settingsfile import write
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err


class ModelsScreen(ModalScreen[None]):
    """A list, and below it what there is to say of the model under the cursor."""

    CSS_PATH = ["over.tcss", "models.tcss"]  # noqa: RUF012 - as Textual declares it
    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "This session", priority=True, id="models.use", tooltip="It makes the plans of this session."),
        Binding("d", "default", "For good", id="models.default", tooltip="It makes the plans from now on, in every shell."),
        Binding("escape,q", "leave", "Close", id="models.leave"),
    ]  # fmt: skip

    def __init__(self, kernel: Kernel, used: str, use: Callable[[str], None]) -> None:
        """`use` takes the name of a model that is loaded."""
        super().__init__()
        self._kernel = kernel
        self._used = used
        self._use = use
        self._rows: list[ModelRow] = []
        self._facts: dict[str, ModelFacts] = {}
        self._loading = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield Static("", id="about", markup=False)
            yield OptionList(compact=True, id="models")
            yield Static("", id="facts", markup=False)
            yield Static("", id="said", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self._list()

    def _list(self) -> None:
        title = Content.assemble(
            ("Models", "bold"), "  ", (f"{visible(self._used)} makes the plans", "$text-muted")
        )
        self.query_one("#about", Static).update(title)
        found = rows(self._used)
        if isinstance(found, Err):
            self._fail(found)
            return
        options = self.query_one("#models", OptionList)
        before = options.highlighted
        self._rows = found.value
        wide = max(cell_len(visible(row.name)) for row in self._rows)
        options.set_options([Option(self._row(row, wide)) for row in self._rows])
        used = next((n for n, row in enumerate(self._rows) if row.used), 0)
        options.highlighted = used if before is None else before

    @staticmethod
    def _row(row: ModelRow, wide: int) -> Text:
        name = visible(row.name)
        line = Text("* " if row.used else "  ")
        line.append(name + " " * (wide - cell_len(name)), style="bold" if row.used else "")
        line.append(f"  {row.state:<8} {row.size:>9}  ", style="dim" if row.state == "not here" else "")
        line.append(visible(row.summary), style="dim")
        return line

    @property
    def _current(self) -> ModelRow | None:
        at = self.query_one("#models", OptionList).highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else None

    # ------------------------------------------------------------------------------------------ one model

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.run_worker(self._tell(), group="facts", exclusive=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_choose()

    async def _tell(self) -> None:
        row = self._current
        if row is None:
            return
        panel = self.query_one("#facts", Static)
        if row.state == "not here":
            parts = [f"{row.license}\n" if row.license else "", "It has to be downloaded first, with\n  "]
            get = f"casava-os model pull {row.name}"
            panel.update(Content.assemble(*parts, (get, "$text-primary"), "\nIt then stands here."))
            return
        panel.update(Content.styled("looking…", "$text-muted"))
        known = await asyncio.to_thread(facts, row.name, self._kernel.measured())
        if known.problem is not None:
            panel.update(_problem(known.problem))
            return
        lines = [
            ("what", row.summary),
            ("licence", row.license),
            ("needs", known.needs),
            ("fits", known.fits),
            ("qualified", known.qualified),
            ("speed", known.speed or "not measured in this session"),
        ]
        told: list[str | tuple[str, str]] = []
        for name, text in lines:
            if text:
                told += [(f"{name:<10} ", "$text-muted"), visible(text), "\n"]
        panel.update(Content.assemble(*told).rstrip())

    # --------------------------------------------------------------------------------------------- choosing

    def action_choose(self) -> None:
        """It makes the plans of this session."""
        self._load(for_good=False)

    def action_default(self) -> None:
        """It makes the plans from now on, in every shell."""
        self._load(for_good=True)

    def _load(self, *, for_good: bool) -> None:
        row = self._current
        if row is None or self._loading:
            return
        self._loading = row.name
        self._say(f"Loading {visible(row.name)}…")
        self.run_worker(self._loaded(row.name, for_good=for_good), group="model", exclusive=True)

    async def _loaded(self, name: str, *, for_good: bool) -> None:
        """Loads it; when that fails, the one before goes on."""
        try:
            failed = await asyncio.to_thread(self._kernel.ready, name)
        finally:
            self._loading = ""
        if failed is not None:
            self._fail(failed, f"{visible(self._used)} goes on making the plans.")
            return
        self._used = name
        self._use(name)
        self._list()
        if for_good and (failed := write(config_dir(), "model", name)) is not None:
            self._fail(failed, "For this session it makes the plans.")
        else:
            self._say(f"{visible(name)} makes the plans {'from now on' if for_good else 'of this session'}.")
        self.run_worker(self._tell(), group="facts", exclusive=True)

    def action_leave(self) -> None:
        """Closes it."""
        self.dismiss()

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Content.styled(text, "$text-success"))

    def _fail(self, err: Err, then: str = "") -> None:
        self.query_one("#said", Static).update(Content.assemble(_problem(err), f"\n{then}" if then else ""))


def _problem(err: Err) -> Content:
    parts: list[str | tuple[str, str]] = [(visible(err.title), "bold $text-error")]
    parts += [f"\n{visible(text)}" for text in (err.message, err.hint) if text]
    return Content.assemble(*parts)
