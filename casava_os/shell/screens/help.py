"""Help, made from the commands and the key bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

if TYPE_CHECKING:
    from casava_os.shell.commands import Command


class HelpScreen(ModalScreen[None]):
    """Everything that can be typed and pressed."""

    CSS_PATH = "over.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1,enter", "dismiss", "Close")]

    def __init__(self, commands: Iterable[Command], keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._keymap = keymap
        self._commands = tuple(commands)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="over"):
            for title, rows in (("What you can type", self._typed()), *key_groups(self._keymap)):
                yield Static(title, classes="title")
                with Grid(classes="rows"):
                    for left, right in rows:
                        yield Static(Content(left), classes="key")
                        yield Static(Content(right))
        yield Footer()

    def _typed(self) -> list[tuple[str, str]]:
        rows = [
            ("a request", 'in plain words; quotes keep words together: delete "old notes"'),
            ("!command", "runs a program in the sandbox; what it changes is shown before it is applied"),
        ]
        return rows + [
            (f"/{command.name} {command.argument}".rstrip(), command.sentence) for command in self._commands
        ]


def key_owners() -> tuple[tuple[str, type[DOMNode]], ...]:
    """What has keys of its own, by where they work."""
    from casava_os.shell.app import ShellApp
    from casava_os.shell.screens.containers import ContainersScreen
    from casava_os.shell.screens.conversation import ConversationScreen
    from casava_os.shell.screens.files import FilesScreen
    from casava_os.shell.screens.journal import JournalScreen
    from casava_os.shell.screens.memory import MemoryScreen
    from casava_os.shell.screens.plan_editor import PlanEditor
    from casava_os.shell.screens.processes import ProcessesScreen
    from casava_os.shell.screens.stacks import StacksScreen
    from casava_os.shell.widgets.approval import ApprovalCard
    from casava_os.shell.widgets.block import ProcessBlock
    from casava_os.shell.widgets.changes import ChangeTree
    from casava_os.shell.widgets.diff import DiffView
    from casava_os.shell.widgets.filetree import FileTree
    from casava_os.shell.widgets.logview import LogView
    from casava_os.shell.widgets.prompt import Prompt

    return (
        ("While typing", Prompt),
        ("When a question waits", ApprovalCard),
        ("In a question's files", ChangeTree),
        ("In a diff", DiffView),
        ("In the editor of a plan", PlanEditor),
        ("On a block", ProcessBlock),
        ("In the list of processes", ProcessesScreen),
        ("In the journal", JournalScreen),
        ("In the list of containers", ContainersScreen),
        ("In the list of stacks", StacksScreen),
        ("In a log", LogView),
        ("In the memory", MemoryScreen),
        ("Anywhere", ConversationScreen),
        ("The shell", ShellApp),
        ("In the files", FilesScreen),
        ("In the tree of files", FileTree),
    )


def key_groups(keymap: Mapping[str, str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every key with what it does, by where it works; `keymap`: those that the person chose, by binding."""
    for title, owner in key_owners():
        own = [binding for binding in owner.BINDINGS if isinstance(binding, Binding) and binding.tooltip]
        yield title, [(key_text(keymap.get(b.id or "", b.key)), b.tooltip) for b in own]


_KEYS = {"pageup": "Page Up", "pagedown": "Page Down", "escape": "Esc", "full_stop": "."}


def key_text(keys: str) -> str:
    """Keys for people: "ctrl+j,shift+enter" is "Ctrl-J, Shift-Enter"."""
    return ", ".join(
        "-".join(
            _KEYS.get(part, part.upper() if len(part) == 1 else part.capitalize()) for part in key.split("+")
        )
        for key in keys.split(",")
    )
