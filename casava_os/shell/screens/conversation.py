"""The screen: the conversation with the kernel above, the prompt below, room for a panel at the right."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static, TextArea

from casava_os.kernel.journal import guarded
from casava_os.kernel.options import RunOptions
from casava_os.kernel.partial import left_out, whole_request
from casava_os.kernel.running import Running
from casava_os.model import SHIPPED
from casava_os.shell.apps import app_words, start_app
from casava_os.shell.commands import commands
from casava_os.shell.completion import Completer, quoted
from casava_os.shell.hint import PlanHint
from casava_os.shell.planwords import plan_words
from casava_os.shell.recall import past_of
from casava_os.shell.replan import Replanning
from casava_os.shell.screens.files import FilesScreen
from casava_os.shell.screens.help import HelpScreen
from casava_os.shell.screens.models import ModelsScreen
from casava_os.shell.screens.panel import Panel
from casava_os.shell.screens.past import PastScreen
from casava_os.shell.screens.settings import SettingsScreen
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.session import Place
from casava_os.shell.slips import ANSWERS, meant, own_command
from casava_os.shell.themes import THEMES
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.block import ProcessBlock
from casava_os.shell.widgets.conversation import Conversation
from casava_os.shell.widgets.offer import Offer
from casava_os.shell.widgets.prompt import CompletionList, Prompt
from casava_os.shell.widgets.said import Kind, Said
from casava_os.shell.widgets.story import Story
from casava_os.shell.widgets.topline import TopLine
from casava_os.shell.wording import home_path
from casava_sandbox.layer.visible import visible
from casava_syscalls.base import AnyCall
from casava_syscalls.names import path_text
from casava_syscalls.process import Run
from casava_syscalls.results import Err, Ok

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp

MOST_HELD = 20
"""Held processes that are shown when the shell opens."""
SIDE_FROM = 110
"""Width in cells from which the panel stands at the right; below, it is one line under the top."""
ALONE = 0.4
"""Seconds for which a number stands alone in the prompt before it is an answer: else a request begins with it."""
KEEP_SECONDS = 0.5
"""How often what is typed is kept for the next time: what a killed shell loses."""
LINE_FROM = 20
"""Height in cells from which there is room for that line."""

WELCOME = """Say in plain words what you want done in {place}.

  find log files bigger than 10 MB
  how many lines are in the python files
  delete the *.tmp files older than a week
  !ls -l                              runs a command, in the sandbox, too

Nothing in this folder changes before you have seen what would change and said yes.
What changed can be taken back: /undo.   All keys and commands: /help"""


class ConversationScreen(Screen[None]):
    """The one screen; others come up over it."""

    CSS_PATH = "conversation.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="help", tooltip="This help."),
        Binding("f2", "answer_next", "Answer", id="answer", tooltip="Go to the question that waits."),
        Binding(
            "escape", "interrupt", "Cancel", id="cancel", tooltip="Interrupt the newest request that runs."
        ),
        Binding(
            "ctrl+c",
            "interrupt_or_copy",
            "Cancel",
            show=False,
            id="interrupt",
            priority=True,
            tooltip="Copy what is selected; else empty the prompt; else interrupt. It answers no question.",
        ),
        Binding(
            "pageup",
            "scroll(-1)",
            "Page up",
            show=False,
            id="page_up",
            priority=True,
            tooltip="Scroll the conversation; Page Down goes forward.",
        ),
        Binding("pagedown", "scroll(1)", "Page down", show=False, id="page_down", priority=True),
        Binding(
            "f3",
            "toggle_side",
            "Panel",
            id="panel",
            show=False,
            tooltip="Show or hide what the machine does.",
        ),
        Binding(
            "f4",
            "processes",
            "Processes",
            id="processes",
            show=False,
            priority=True,
            tooltip="What runs and what is held: kill, hold, sooner, later, commit, discard.",
        ),
        Binding(
            "f5",
            "journal",
            "Journal",
            id="journal",
            show=False,
            priority=True,
            tooltip="Every past request with what it did: search, diff, undo.",
        ),
        Binding(
            "f6",
            "files",
            "Files",
            id="files",
            show=False,
            priority=True,
            tooltip="The files of the workspace, and what is held for them.",
        ),
        Binding(
            "f7",
            "app.panel('containers')",
            "Containers",
            id="containers",
            show=False,
            priority=True,
            tooltip="Containers: what they use and print; stop, start, remove, extend.",
        ),
        Binding(
            "f8",
            "app.panel('stacks')",
            "Stacks",
            id="stacks",
            show=False,
            priority=True,
            tooltip="Stacks: how their services are; extend, scale, take down.",
        ),
        Binding(
            "f9",
            "app.panel('memory')",
            "Memory",
            id="memory",
            show=False,
            priority=True,
            tooltip="What is remembered: search, add, forget; private mode.",
        ),
        Binding(
            "f10",
            "settings",
            "Settings",
            id="settings",
            show=False,
            tooltip="Every setting and every key, to look at and to change.",
        ),
    ]

    def __init__(self, shell: ShellApp) -> None:
        super().__init__()
        self.shell = shell
        self.commands = commands(shell.models)
        self._told_before: set[str] = set()
        self._side_wanted = True
        self._replanning = Replanning(self)
        self._here = path_text(os.path.realpath(shell.workspace))
        self._warned_leaving = False
        self._hint: PlanHint | None = None

    def compose(self) -> ComposeResult:
        shell = self.shell
        place = home_path(path_text(str(shell.workspace)))
        offered = {name: (command.sentence, command.choices) for name, command in self.commands.items()}
        completions = CompletionList()
        yield TopLine(place, shell.marks)
        with Horizontal(id="body"):
            with Vertical(id="main"):
                with Conversation():
                    yield Static(Content(WELCOME.format(place=visible(place))), id="welcome")
                yield completions
                yield Said()
                with Horizontal(id="typing"):
                    yield Static(Content(f"{shell.marks.prompt} "), id="sign")
                    completer = Completer(shell.workspace, shell.history, offered, cache(app_words))
                    yield Prompt(shell.history, completer, completions)
            if shell.side is not None:
                with Vertical(id="side"):
                    yield shell.side()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        typing, shell = self.query_one("#typing"), self.shell
        self._hint = PlanHint(typing, shell.kernel, shell.workspace, self._quick, lambda: shell.chosen_model)
        self.query_one(Conversation).anchor()
        self.query_one(TopLine).model = self.shell.model
        self.query_one(Prompt).fill(self._left_in_the_prompt())
        self.run_worker(self._continue(), group="held")

    def _left_in_the_prompt(self) -> str:
        """What was typed and not sent. A shell that died may have had no time to note that it was sent."""
        session, journal = self.shell.session, self.shell.kernel.journal
        typed = session.place.draft
        last = guarded(lambda: journal.process(session.pids[-1])) if typed.strip() and session.pids else None
        sent = isinstance(last, Ok) and isinstance(last.value, Ok) and last.value.value.request
        return "" if sent == typed.strip() else typed

    async def _tell_how_it_died(self) -> None:
        """Said above the prompt until the next request."""
        if sentence := self.shell.died:
            if self.query_one(Prompt).text:
                sentence += ". What you had typed is in the prompt again."
            told = Static(Content.styled(visible(sentence), "$text-warning"), id="died")
            told.styles.height = "auto"
            await self.query_one("#main").mount(told, before="#typing")

    async def _continue(self) -> None:
        """The blocks of the last session come back, then what waits here besides, to be landed or thrown away."""
        session, kernel = self.shell.session, self.shell.kernel
        if session.pids:
            for welcome in self.query("#welcome"):
                await welcome.remove()
            recall = partial(past_of, kernel.journal, marks=self.shell.marks, told_before=self._told_before)
            place = session.place
            await self.query_one(Conversation).restore(session.pids, recall, place.at, place.offset)
        await self._show_held(set(session.pids))
        await self._tell_how_it_died()
        if session.problem:
            self.notify(session.problem, severity="warning", markup=False)
        self.set_interval(KEEP_SECONDS, self.keep_place)

    def keep_place(self) -> None:
        """Remembers what is typed and where the conversation is scrolled to."""
        session = self.shell.session
        at, offset = self.query_one(Conversation).place() or (None, 0)
        had = session.problem
        session.keep(Place(draft=self.query_one(Prompt).text, at=at, offset=offset))
        if session.problem and not had:
            self.notify(session.problem, severity="warning", markup=False)

    def on_process_block_numbered(self, event: ProcessBlock.Numbered) -> None:
        """It belongs to this session from now on."""
        self.shell.session.add(event.pid)

    async def _show_held(self, there: set[int]) -> None:
        """What other sessions left waiting here."""
        kernel = self.shell.kernel
        rows = guarded(lambda: kernel.journal.processes(states=("held",)))
        if isinstance(rows, Err):
            self.notify(str(rows), severity="error", markup=False)
            return
        for row in reversed(rows.value[:MOST_HELD]):
            if row.workspace == self._here and row.pid not in there:
                await self.begin(row.request, kernel.diff(row.pid))
        self._count_held()
        told = list(kernel.notices)
        if held := self.query_one(TopLine).held:
            what = "1 request is" if held == 1 else f"{held} requests are"
            told.append(f"{what} held from before: F4 shows what is held, to apply or to discard")
        if told:
            self.say("\n".join(told), "warning" if kernel.notices else "information")

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        wide = self.size.width >= SIDE_FROM
        for side in self.query("#side"):
            side.display = self._side_wanted and (wide or self.size.height >= LINE_FROM)
            side.set_class(not wide, "-line")

    # ------------------------------------------------------------------------------------------ requests

    @property
    def blocks(self) -> list[ProcessBlock]:
        """The blocks on the screen, the oldest first."""
        return self.query_one(Conversation).blocks

    async def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """A command of the shell, a program, or a request."""
        text = event.text
        self.keep_place()  # what is sent is no longer in the prompt, even if the shell dies of it
        await self.query("#died").remove()
        self.say("")
        if self._slipped(text):
            return
        if (offer := self._offer(text)) is not None:
            offer.action_take(int(text))
        elif text.startswith("/") and (known := self.commands.get(text[1:].partition(" ")[0])) is not None:
            await known.perform(self, text.partition(" ")[2].strip())
        elif text.startswith("/") and "/" not in text[1:].partition(" ")[0]:
            self.say(f"There is no command {text.partition(' ')[0]}; /help lists them", "warning")
        elif text.startswith("!"):
            if command := text[1:].strip():
                script = Run(script=command) if "\n" in command else Run(command=command)
                options = self.options()
                kernel, workspace = self.shell.kernel, self.shell.workspace
                await self.begin(
                    text, kernel.call(script, workspace=workspace, options=options, request=text)
                )
        else:
            options = self.options()
            await self.begin(
                text, self.shell.kernel.run(text, workspace=self.shell.workspace, options=options)
            )
        if self.shell.history.problem:
            self.notify(self.shell.history.problem, severity="warning")
            self.shell.history.problem = ""

    def on_prompt_pasted(self, event: Prompt.Pasted) -> None:
        """They go as one."""
        self.say(f"{event.lines:,} lines: Enter sends them as one request.")

    def say(self, text: str, kind: Kind = "information") -> None:
        """One line above the prompt, until the next one is typed."""
        self.query_one(Said).tell(text, kind)

    def _slipped(self, text: str) -> bool:
        """Whether these letters were meant for a question; nothing is done with them then, and it is said."""
        cards = [card for card in self.query(ApprovalCard) if card.is_attached]
        if text.casefold() in ANSWERS:
            if cards:
                self._to(cards[0])
                self.say("The question has the keys now: Y applies, N discards, H holds.", "warning")
            else:
                self.say(f'Nothing waits for an answer, so "{text}" did nothing.', "warning")
            return True
        if (
            text.isdecimal()
            and (offer := self._open_offer()) is not None
            and int(text) not in range(1, offer.count + 1)
        ):
            numbers = "1" if offer.count == 1 else f"1 to {offer.count}"
            self.say(f"Choose {numbers}, or say what you want in other words.", "warning")
            return True
        if (command := own_command(text)) is not None:
            self.query_one(Prompt).fill(command)
            self.say(f'Did you mean "{command}"? Enter does it.', "information")
            return True
        if (line := meant(text, self.commands)) is None:
            return False
        self.query_one(Prompt).fill(line)
        self.say(f'"{text}" begins with a stray letter. Did you mean "{line}"? Enter does it.', "warning")
        return True

    def options(self) -> RunOptions:
        """How a request of this conversation is run."""
        return RunOptions(
            interactive=True,
            model=self.shell.chosen_model,
            sandbox=self.shell.sandbox,
            session=self._conversation(),
            memory=not self.shell.private,
        )

    def _conversation(self) -> int:
        """The number of this conversation in the journal; 0 while nothing was asked in it."""
        pids, journal = self.shell.session.pids, self.shell.kernel.journal
        row = guarded(lambda: journal.process(pids[0])) if pids else None
        known = row.value if isinstance(row, Ok) else None
        return known.value.session if isinstance(known, Ok) else 0

    async def start_app(self, line: str) -> None:
        """Begins an app; what is wrong with its name or parameters is told."""
        if not line:
            names = ", ".join(app_words()) or "none is installed"
            self.say(f"/app needs the name of one. There are: {names}", "warning")
            return
        running = start_app(self.shell.kernel, line, self.shell.workspace, self.options())
        if isinstance(running, Err):
            self.say(
                ". ".join(part for part in (running.title, running.message, running.hint) if part), "error"
            )
        else:
            await self.begin(f"/app {line}", running.value)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """The plan forms while a request is typed."""
        if self._hint is not None and event.text_area.id == "prompt":
            self._hint.typed(event.text_area.text, self.shell.marks)
            if self._offer(typed := event.text_area.text) is not None:
                self.set_timer(ALONE, partial(self._take_alone, typed))

    def _offer(self, typed: str) -> Offer | None:
        """The plans of the newest question, when what is typed is the number of one of them."""
        found = self.blocks[-1].offer if self.blocks else None
        number = int(typed) if len(typed) == 1 and typed in "123456789" else 0
        return found if found is not None and 1 <= number <= found.count else None

    def _take_alone(self, typed: str) -> None:
        prompt = self.query_one(Prompt)
        if prompt.text == typed and (offer := self._offer(typed)) is not None:
            prompt.fill("")
            offer.action_take(int(typed))

    async def on_offer_taken(self, event: Offer.Taken) -> None:
        """Runs the plan that the person means, with policy and approval like any other."""
        event.stop()
        self.query_one(Prompt).focus()
        shell, plan = self.shell, event.plan
        running = shell.kernel.run_plan(plan, workspace=shell.workspace, options=self.options())
        await self.begin(plan.request or plan_words(plan), running)

    def _quick(self) -> bool:
        """Whether the model that makes the plans may be asked while somebody types."""
        name = self.shell.model
        return name == SHIPPED or any(name == model.name for model in self.shell.kernel.measured())

    async def begin(self, title: str, running: Running) -> ProcessBlock:
        """A new block for a process, which it follows to its end."""
        for welcome in self.query("#welcome"):
            await welcome.remove()
        block = ProcessBlock(title, self.shell.workspace, self.shell.marks, self._told_before)
        await self.query_one(Conversation).add(block)
        self.follow(block, running)
        return block

    def follow(self, block: ProcessBlock, running: Running) -> None:
        """Lets a block follow a process; its failure is a fault of the shell, and shown as one."""
        block.run_worker(block.follow(running), group="processes", exit_on_error=True)
        self._count()

    async def later(self, verb: str, argument: str, block: ProcessBlock | None = None) -> ProcessBlock | None:
        """Takes back, applies (again) or discards: process N, or for undo and redo the last here; in which block."""
        kernel, workspace = self.shell.kernel, self.shell.workspace
        merge = verb == "commit" and argument.endswith("--merge")
        argument = argument.removesuffix("--merge").strip() if merge else argument
        if argument and not argument.isdigit():
            self.say(f"/{verb} takes the number of a process, such as /{verb} 3", "warning")
            return None
        pid = int(argument) if argument else None
        if pid is None and verb not in ("undo", "redo"):
            self.say(f"/{verb} needs the number of a process; F4 lists them", "warning")
            return None
        match verb:
            case "undo":
                running = kernel.undo(pid, workspace=workspace)
            case "redo":
                running = kernel.redo(pid, workspace=workspace)
            case "commit":
                running = kernel.commit(pid or 0, merge=merge, interactive=merge)
            case _:
                running = kernel.discard(pid or 0)
        if block is None and pid is not None:
            block = next((found for found in self.blocks if found.pid == pid and not found.running), None)
            if block is not None:  # its answer may stand out of sight
                before = block.errors
                self.follow(block, running)
                self.run_worker(self._say_outcome(f"/{verb} {pid}", block, before), group="said")
                return block
        if block is not None:
            self.follow(block, running)
            return block
        return await self.begin(f"/{verb} {argument}".strip(), running)

    async def settle(self, verb: str, pid: int, tell: Callable[..., None]) -> None:
        """Takes back, lands or throws away from another screen, and tells there what came of it."""
        block = await self.later(verb, str(pid))
        if block is None:
            return
        new = await self._new_errors(block, block.errors)
        if new:
            tell(visible("; ".join(new)), severity="error", markup=False)
        else:
            tell(block.sentence, markup=False)

    async def perform(self, call: AnyCall, request: str) -> ProcessBlock:
        """Begins a syscall that was chosen on another screen: a block like any other, policy and approval as always."""
        shell = self.shell
        running = shell.kernel.call(call, workspace=shell.workspace, options=self.options(), request=request)
        return await self.begin(request, running)

    async def outcome(self, block: ProcessBlock) -> list[str]:
        """Waits for the end of what a block follows; what failed of it."""
        return await self._new_errors(block, ())

    def tell_private(self) -> None:
        """The line at the top says whether requests are remembered."""
        self.query_one(TopLine).private = self.shell.private

    async def _new_errors(self, block: ProcessBlock, before: tuple[str, ...]) -> list[str]:
        """What failed of what a block still follows, once that is at its end."""
        await asyncio.gather(
            *(worker.wait() for worker in self.workers if worker.node is block and not worker.is_finished),
            return_exceptions=True,  # the shell may be closed meanwhile
        )
        return [error for error in block.errors if error not in before]

    async def _say_outcome(self, command: str, block: ProcessBlock, before: tuple[str, ...]) -> None:
        """What came of a command, with the way to the block that says all of it."""
        if new := await self._new_errors(block, before):
            self.say(f"{command} failed: {'; '.join(new)}", "error")
        else:
            self.say(f"{command}: {block.sentence.partition(chr(10))[0]}   /log {block.pid} shows it", "done")

    def go_to(self, pid: int) -> bool:
        """Back to the block of a process; False when it has none on this screen."""
        block = next((found for found in reversed(self.blocks) if found.pid == pid), None)
        if block is None:
            return False
        while self.shell.screen is not self:
            self.shell.pop_screen()
        block.focus()
        block.scroll_visible()
        return True

    # ------------------------------------------------------------------------------------------ blocks

    def on_story_asking(self, event: Story.Asking) -> None:
        """The question gets the keys, unless somebody is typing."""
        self._count()
        if not self.query_one(Prompt).text and self.shell.screen is self and not self._answering():
            event.card.focus(scroll_visible=False)
        self.query_one(Conversation).anchor()
        if isinstance(over := self.shell.screen, Panel):
            over.asked(event.card)

    def _answering(self) -> bool:
        return isinstance(self.focused, ApprovalCard) or any(
            isinstance(parent, ApprovalCard) for parent in (self.focused.ancestors if self.focused else ())
        )

    def on_approval_card_answered(self, event: ApprovalCard.Answered) -> None:
        """Hands the answer to the kernel."""
        event.card.event.answer(event.answer)
        self.say("")
        for block in self.blocks:
            if block.card is event.card:
                block.answered(event.answer)
        event.card.remove()
        waiting = [card for card in self.query(ApprovalCard) if card is not event.card]
        if waiting and not self.query_one(Prompt).text:
            self._to(waiting[0])
        else:
            self.query_one(Prompt).focus()
        self.call_after_refresh(self._count)

    def on_approval_card_plan_wanted(self, event: ApprovalCard.PlanWanted) -> None:
        """Opens the plan that the question is about."""
        event.stop()
        for block in self.blocks:
            if block.card is event.card:
                self._replanning.edit(block)

    async def on_process_block_ended(self, event: ProcessBlock.Ended) -> None:
        """Marks what a later command took back, shows what was left out, and looks whether its card had the keys."""
        ended = event.block
        await self._replanning.ended(ended)
        if rest := ended.told.take_rest():
            await self.begin(left_out(ended.request, ended.pid), self.shell.kernel.diff(rest))
        before = {"undone": "committed", "committed": "undone"}.get(ended.told.state)
        if before is not None:
            for block in self.blocks:
                if block is not ended and block.pid == ended.pid and block.told.state == before:
                    block.told.state, block.told.ending = ended.told.state, ended.told.ending
                    block.settle()
            self.query_one(Conversation).turned(ended.pid, ended.told.state, ended.told.ending)
        if self.focused is None:
            self.query_one(Prompt).focus()
        self._count()
        self._count_held()

    async def on_story_sandboxed(self, event: Story.Sandboxed) -> None:
        """The line at the top says where things run."""
        self.query_one(TopLine).sandbox = event.driver
        if isinstance(event.story, ProcessBlock):
            await self._replanning.begun(event.story)

    async def on_process_block_wish(self, event: ProcessBlock.Wish) -> None:
        """What the person wants done with a finished process."""
        block = event.block
        match event.verb:
            case "open" if block.value is not None:
                self.shell.push_screen(ViewerScreen.of_value(block.request, block.value))
            case "diff":
                self.shell.push_screen(ViewerScreen.of_diff(block.request, block.diff))
            case "plan":
                self._replanning.edit(block)
            case "again":
                self.query_one(Prompt).fill(whole_request(block.request))
                await self.action_focus_prompt()
            case verb:
                await self.later(verb, str(block.pid), block)

    def _count(self) -> None:
        top = self.query_one(TopLine)
        top.running = sum(block.running for block in self.blocks)
        top.waiting = len(self.query(ApprovalCard))
        self.refresh_bindings()

    def _count_held(self) -> None:
        """The line at the top says how much is held for this folder."""
        rows = guarded(lambda: self.shell.kernel.journal.processes(states=("held",)))
        if not isinstance(rows, Err):
            self.query_one(TopLine).held = sum(row.workspace == self._here for row in rows.value)

    def on_screen_resume(self) -> None:
        """Another screen may have settled some."""
        self._count_held()

    # ------------------------------------------------------------------------------------------ choices

    async def choose_model(self, name: str) -> None:
        """From now on plans are made by this model, if it loads; without a name, shows which there are."""
        if name:
            self.run_worker(self._load_model(name), group="model", exclusive=True)
        else:
            self.shell.push_screen(ModelsScreen(self.shell.kernel, self.shell.model, self.use_model))

    async def _load_model(self, name: str) -> None:
        failed = await asyncio.to_thread(self.shell.kernel.ready, name)
        if failed is None:
            self.use_model(name)
            self.say(f"{name} makes the plans from now on", "done")
        else:
            told = ". ".join(part for part in (failed.title, failed.message, failed.hint) if part)
            self.say(f"{told}\n{self.shell.model} goes on making the plans", "error")

    def use_model(self, name: str) -> None:
        """A model that is loaded makes the plans of this session from now on."""
        self.shell.chosen_model = self.shell.model = name
        self.query_one(TopLine).model = name

    def action_settings(self) -> None:
        """Every setting, and every key."""
        self.shell.push_screen(SettingsScreen(self.shell.set_by_option))

    async def choose_theme(self, name: str) -> None:
        """The colours from now on; without a name, says which there are."""
        if name in THEMES:
            self.shell.theme = name
            self.say(f"The theme is {name} now; /settings keeps it for the next time")
            return
        unknown = f"There is no theme {name}. " if name else ""
        others = " or ".join(f"/theme {other}" for other in THEMES if other != self.shell.theme)
        self.say(
            f"{unknown}The theme is {self.shell.theme}; {others} changes it",
            "warning" if name else "information",
        )

    # ------------------------------------------------------------------------------------------ actions

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Keys are shown when they mean something."""
        match action:
            case "answer_next":
                return bool(self.query(ApprovalCard)) or self._open_offer() is not None
            case "interrupt":
                return any(block.running and block.card is None for block in self.blocks)
            case "toggle_side":
                return self.shell.side is not None
            case _:
                return True

    def action_help(self) -> None:
        """Everything that can be typed and pressed."""
        self.shell.push_screen(HelpScreen(self.commands.values(), self.shell.keys))

    async def action_focus_prompt(self) -> None:
        """Back to typing."""
        self.query_one(Prompt).focus()
        await self.query_one(Conversation).to_end()

    def action_focus_last(self) -> None:
        """To the newest block."""
        if self.blocks:
            self.blocks[-1].focus()

    def action_answer_next(self) -> None:
        """To the oldest question that waits."""
        for card in self.query(ApprovalCard):
            card.focus()
            card.scroll_visible()
            return
        if (offer := self._open_offer()) is not None:
            offer.focus()

    def _open_offer(self) -> Offer | None:
        """The plans of the newest question, while none of them is taken."""
        return self._offer("1")

    def _to(self, card: ApprovalCard) -> None:
        """Gives a question the keys; one that was pressed for another thing is no answer to it."""
        card.arm()
        card.focus()
        card.scroll_visible(animate=False)

    def cancel_newest(self, *, questions: bool = True) -> bool:
        """Interrupts the newest process that works; `questions`: else the newest that waits for an answer."""
        running = [block for block in reversed(self.blocks) if block.running]
        working = [block for block in running if block.card is None]
        for block in working or (running if questions else []):
            block.cancel()
            return True
        return False

    def action_interrupt(self) -> None:
        """Interrupts the newest process that works; a question stays."""
        self.cancel_newest(questions=False)

    def action_interrupt_or_copy(self) -> None:
        """Copies what is selected; else empties the prompt; else interrupts; else says how to leave. A question stays."""
        prompt = self.query_one(Prompt)
        if selected := self.get_selected_text() or prompt.selected_text:
            self.shell.copy_to_clipboard(selected)
            self.clear_selection()
        elif prompt.text:
            prompt.fill("")
        elif self.cancel_newest(questions=False):
            return
        elif self.query(ApprovalCard):
            self.say(
                "A question waits. F2 goes to it; Y, N or H answers it, and it stays until then.", "warning"
            )
        else:
            self.say("Nothing runs. Ctrl-Q leaves.")

    def action_scroll(self, pages: int) -> None:
        """Scrolls the conversation."""
        conversation = self.query_one(Conversation)
        (conversation.scroll_page_down if pages > 0 else conversation.scroll_page_up)(animate=False)

    def action_processes(self) -> None:
        """What runs and what is held."""
        self.shell.show_processes()

    def action_journal(self) -> None:
        """What is past."""
        self.shell.show_journal()

    def action_files(self) -> None:
        """The files of the workspace; the one that is chosen goes into the prompt."""
        prompt = self.query_one(Prompt)

        def chosen(path: str | None) -> None:
            if path is not None:
                space = " " if prompt.before_cursor and not prompt.before_cursor[-1].isspace() else ""
                prompt.insert(f"{space}{quoted(path, command=prompt.text.startswith('!'))} ")

        self.shell.push_screen(
            FilesScreen(self.shell.workspace, self.shell.kernel.journal, self.shell.marks), chosen
        )

    def action_toggle_side(self) -> None:
        """Shows or hides the panel at the right."""
        self._side_wanted = not self._side_wanted
        self._arrange()

    def action_search_history(self) -> None:
        """Finds a past request."""
        prompt = self.query_one(Prompt)

        def found(entry: str | None) -> None:
            if entry is not None:
                prompt.fill(entry)

        self.shell.push_screen(PastScreen(self.shell.history, prompt.text), found)
