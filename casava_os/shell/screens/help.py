"""Help, made from the commands and the key bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

if TYPE_CHECKING:
    from casava_os.shell.commands import Command


class HelpScreen(ModalScreen[None]):
    """Everything that can be typed and pressed."""

    CSS_PATH = "over.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1,enter", "dismiss", "Close")]

    def __init__(self, commands: Iterable[Command]) -> None:
        super().__init__()
        self._commands = tuple(commands)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="over"):
            yield Static(Content("\n").join(self._lines()))
        yield Footer()

    def _lines(self) -> Iterator[Content]:
        yield Content.styled("What you can type", "bold")
        yield _row("a request", 'in plain words; quotes keep words together: delete "old notes"')
        yield _row("!command", "runs a program in the sandbox; what it changes is shown before it lands")
        for command in self._commands:
            yield _row(f"/{command.name} {command.argument}".rstrip(), command.sentence)
        for title, bindings in key_groups():
            yield Content("")
            yield Content.styled(title, "bold")
            for key, sentence in bindings:
                yield _row(key, sentence)


def _row(left: str, right: str) -> Content:
    return Content.assemble("  ", (left, "$text-primary"), " " * max(2, 22 - cell_len(left)), right)


def key_groups() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every key with what it does, by where it works."""
    from casava_os.shell.app import ShellApp
    from casava_os.shell.screens.conversation import ConversationScreen
    from casava_os.shell.widgets.approval import ApprovalCard
    from casava_os.shell.widgets.block import ProcessBlock
    from casava_os.shell.widgets.prompt import Prompt

    for title, owner in (
        ("While typing", Prompt),
        ("When a question waits", ApprovalCard),
        ("On a block", ProcessBlock),
        ("Anywhere", ConversationScreen),
        ("", ShellApp),
    ):
        rows: dict[str, str] = {}
        for binding in owner.BINDINGS:
            assert isinstance(binding, Binding)
            if binding.description:
                rows.setdefault(key_text(binding.key), binding.tooltip or binding.description)
        if title:
            yield title, list(rows.items())
        else:
            yield "The shell", list(rows.items())


def key_text(keys: str) -> str:
    """Keys for people: "ctrl+j,shift+enter" is "Ctrl-J, Shift-Enter"."""
    return ", ".join(
        "-".join(part.upper() if len(part) == 1 else part.capitalize() for part in key.split("+"))
        for key in keys.split(",")
    )
