"""The shell as an application: the kernel it is a client of, what the person chose, and the way out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from casava_os.kernel.run import Kernel
from casava_os.shell.abrupt import BEAT_SECONDS
from casava_os.shell.ascii import AsciiFilter
from casava_os.shell.history import History
from casava_os.shell.marks import ASCII, Marks, marks_here
from casava_os.shell.palette import ShellCommands
from casava_os.shell.screens.conversation import ConversationScreen
from casava_os.shell.screens.journal import JournalScreen
from casava_os.shell.screens.leave import LeaveScreen
from casava_os.shell.screens.panel import Panel
from casava_os.shell.screens.processes import ProcessesScreen
from casava_os.shell.session import Session
from casava_os.shell.themes import THEMES
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.prompt import Prompt
from casava_sandbox.layer.visible import visible

LEASE_SECONDS = 15.0
"""How often leases are looked at: a look into a directory, when nothing is over."""


class ShellApp(App[int]):
    """A client of `Kernel.run`: shows events, hands answers back. Its return value is the exit code."""

    TITLE = "Casava OS"
    CSS_PATH = "shell.tcss"
    COMMANDS = {ShellCommands}  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+q",
            "leave",
            "Leave",
            id="leave",
            priority=True,
            tooltip="Leave; what waits for an answer is held, nothing is lost.",
        ),
        Binding(
            "ctrl+p",
            "command_palette",
            "Palette",
            show=False,
            id="palette",
            tooltip="Find a command or a past request.",
        ),
    ]
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012

    def __init__(
        self,
        kernel: Kernel,
        workspace: Path,
        *,
        model: str = "",
        models: Sequence[str] = (),
        sandbox: str | None = None,
        history: History | None = None,
        session: Session | None = None,
        theme: str = "dark",
        marks: Marks | None = None,
        side: Callable[[], Widget] | None = None,
        memory: Callable[[], Mapping[int, int]] = dict,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """`model` is what the settings name; `side` makes the panel at the right; `keys`: others, by binding."""
        super().__init__()
        self.kernel = kernel
        self.workspace = workspace
        self.model = model
        self.models = tuple(models)
        self.chosen_model: str | None = None
        self.sandbox = sandbox
        self.history = history if history is not None else History(None)
        self.session = session if session is not None else Session()
        self.marks = marks if marks is not None else marks_here()
        self.side = side
        self.memory = memory
        for name in list(self.available_themes):
            self.unregister_theme(name)
        for made in THEMES.values():
            self.register_theme(made)
        self.theme = theme if theme in THEMES else "dark"
        self.keys: dict[str, str] = {}
        """The keys that the person chose, by binding."""
        self.died = ""
        """What to say of the shell that died here before this one; empty when none did."""
        self.beat: Callable[[], None] = lambda: None
        """Called now and then: the shell lives."""
        self.leases_over: Callable[[], Sequence[str]] = tuple
        """Ends what was started and has had its time; a sentence for each. Called now and then, in a thread."""
        self.private = False
        """Whether requests of this shell are neither remembered nor helped by what is."""
        self.set_by_option: dict[str, str] = {}
        """Settings that a command-line option decided, with the option."""
        self.use_keys(keys or {})
        self._conversation: ConversationScreen | None = None
        self._ending_leases = asyncio.Lock()
        self._said_of_leases: set[str] = set()
        if self.marks == ASCII:
            self._filters.append(AsciiFilter())

    def on_mount(self) -> None:
        self._conversation = ConversationScreen(self)
        self.push_screen(self._conversation)
        self.set_interval(BEAT_SECONDS, self.beat)
        self.set_interval(LEASE_SECONDS, self._end_leases)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) != signal.SIG_IGN:
                    loop.add_signal_handler(number, self._told_to_go)

    def _end_leases(self) -> None:
        """What is over is not waited for by anybody: one look at a time."""
        self.run_worker(self._say_leases_over(), group="leases", exclusive=False)

    async def _say_leases_over(self) -> None:
        if self._ending_leases.locked():
            return
        async with self._ending_leases:
            for sentence in await asyncio.to_thread(self.leases_over):
                if sentence not in self._said_of_leases:
                    self._said_of_leases.add(sentence)
                    self.notify(visible(sentence), timeout=10, markup=False)

    def _told_to_go(self) -> None:
        """The terminal was closed, or the machine goes down: nobody can be asked."""
        self.run_worker(self._leave(), group="leaving", exclusive=True)

    @property
    def conversation(self) -> ConversationScreen:
        """The one screen that is always there."""
        assert self._conversation is not None
        return self._conversation

    def use_keys(self, keys: Mapping[str, str]) -> None:
        """From now on these keys, by binding; those not named are as they are made."""
        self.keys = dict(keys)
        self.set_keymap(self.keys)

    def type(self, text: str) -> None:
        """Does what typing this line would do."""
        self.conversation.post_message(Prompt.Submitted(text))

    def fill(self, text: str) -> None:
        """Puts a line into the prompt."""
        self.conversation.query_one(Prompt).fill(text)

    def show_processes(self) -> None:
        """What runs and what is held, over the conversation."""
        self._over(ProcessesScreen(self))

    def show_journal(self, pid: int | None = None) -> None:
        """What is past, over the conversation; `pid` is open at once."""
        self._over(JournalScreen(self, pid))

    def show_panel(self, name: str, begin_with: str = "") -> None:
        """Containers, stacks or memory, over the conversation; `begin_with` is open, or looked for, at once."""
        from casava_os.shell.screens.containers import ContainersScreen
        from casava_os.shell.screens.memory import MemoryScreen
        from casava_os.shell.screens.stacks import StacksScreen

        panels: dict[str, Callable[[ShellApp, str], Screen[None]]] = {
            "containers": ContainersScreen, "stacks": StacksScreen, "memory": MemoryScreen,
        }  # fmt: skip
        self._over(panels[name](self, begin_with))

    def action_panel(self, name: str) -> None:
        """From one list to another."""
        match name:
            case "processes":
                self.show_processes()
            case "journal":
                self.show_journal()
            case _:
                self.show_panel(name)

    def _over(self, screen: Screen[None]) -> None:
        """One list at a time: from one to the other, and back to the conversation."""
        if isinstance(self.screen, ProcessesScreen | JournalScreen | Panel):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    # ------------------------------------------------------------------------------------------ leaving

    async def action_leave(self) -> None:
        """Leaves. What waits for an answer is held; what runs is cancelled, after asking."""
        if isinstance(self.screen, LeaveScreen):
            await self._leave()
            return
        busy = [block for block in self.conversation.blocks if block.running and block.card is None]
        if busy:
            self.push_screen(LeaveScreen(len(busy)), self._left)
        else:
            await self._leave()

    async def _left(self, leave: bool | None) -> None:
        if leave:
            await self._leave()

    async def _leave(self) -> None:
        """Answers what waits with "hold", cancels what runs, and waits until all of it has cleaned up."""
        self.conversation.keep_place()
        waiting = len(self.conversation.query(ApprovalCard))
        for card in self.conversation.query(ApprovalCard):
            card.event.answer(None)
        for block in self.conversation.blocks:
            if block.running and block.card is None:
                block.cancel()
        workers = [worker for worker in self.workers if worker.group == "processes"]
        await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
        self.exit(0, message=_held_when_leaving(waiting) if waiting else None)


def _held_when_leaving(questions: int) -> str:
    """What is said in the terminal after the shell: what became of the questions that waited."""
    what = (
        "1 question waited; what it would change is"
        if questions == 1
        else f"{questions} questions waited; what they would change is"
    )
    return f"{what} held. The shell shows it again, or: casava-os ps"
