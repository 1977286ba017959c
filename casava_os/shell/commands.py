"""What may be typed after a slash. Each command is a sentence of the help, a completion and an entry of the palette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from casava_os.shell.allowed import standing_rules
from casava_os.shell.themes import THEMES

if TYPE_CHECKING:
    from casava_os.shell.screens.conversation import ConversationScreen


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    sentence: str
    perform: Callable[[ConversationScreen, str], Awaitable[None]]
    argument: str = ""
    """What may follow, for the help; empty when nothing does."""
    choices: Sequence[str] = ()


async def _help(screen: ConversationScreen, _argument: str) -> None:
    screen.action_help()


async def _undo(screen: ConversationScreen, argument: str) -> None:
    await screen.later("undo", argument)


async def _redo(screen: ConversationScreen, argument: str) -> None:
    await screen.later("redo", argument)


async def _commit(screen: ConversationScreen, argument: str) -> None:
    await screen.later("commit", argument)


async def _discard(screen: ConversationScreen, argument: str) -> None:
    await screen.later("discard", argument)


async def _cancel(screen: ConversationScreen, _argument: str) -> None:
    screen.cancel_newest()


async def _model(screen: ConversationScreen, argument: str) -> None:
    await screen.choose_model(argument)


async def _theme(screen: ConversationScreen, argument: str) -> None:
    await screen.choose_theme(argument)


async def _app(screen: ConversationScreen, argument: str) -> None:
    await screen.start_app(argument)


async def _files(screen: ConversationScreen, _argument: str) -> None:
    screen.action_files()


async def _settings(screen: ConversationScreen, _argument: str) -> None:
    screen.action_settings()


async def _ps(screen: ConversationScreen, _argument: str) -> None:
    screen.action_processes()


async def _log(screen: ConversationScreen, argument: str) -> None:
    screen.shell.show_journal(int(argument) if argument.isdecimal() else None)


async def _containers(screen: ConversationScreen, argument: str) -> None:
    screen.shell.show_panel("containers", argument)


async def _stacks(screen: ConversationScreen, argument: str) -> None:
    screen.shell.show_panel("stacks", argument)


async def _memory(screen: ConversationScreen, argument: str) -> None:
    screen.shell.show_panel("memory", argument)


async def _quit(screen: ConversationScreen, _argument: str) -> None:
    await screen.shell.action_leave()


def commands(models: Sequence[str]) -> dict[str, Command]:
    """Every command by name."""
    made = (
        Command("help", "what can be typed, and every key", _help),
        Command("undo", "take back the last change here, or that of process N", _undo, "[N]"),
        Command("redo", "apply again what was taken back last here, or process N", _redo, "[N]"),
        Command(
            "commit",
            "apply what process N holds, exactly as shown; --merge where files here have changed since",
            _commit,
            "N [--merge]",
        ),
        Command("discard", "throw away what process N holds", _discard, "N"),
        Command("cancel", "interrupt what runs (Esc does the same)", _cancel),
        Command(
            "app",
            "run an app, such as tidy; Tab completes names and parameters",
            _app,
            "NAME [PARAMETER=VALUE]",
        ),
        Command("files", "the files here, and what is held for them (F6)", _files),
        Command(
            "policy",
            "what you allow for good; remove N takes one back",
            standing_rules,
            "[remove N]",
            ("remove",),
        ),
        Command(
            "model", "which models there are, and which makes the plans", _model, "[NAME]", tuple(models)
        ),
        Command("theme", "the colours", _theme, "[NAME]", tuple(THEMES)),
        Command("settings", "every setting and every key, to look at and to change (F10)", _settings),
        Command("ps", "what runs and what is held: kill, hold, sooner, later (F4)", _ps),
        Command("log", "every past request, or all of process N: search, diff, undo (F5)", _log, "[N]"),
        Command(
            "containers",
            "what runs in containers: logs, use, stop, start, remove (F7)",
            _containers,
            "[NAME]",
        ),
        Command("stacks", "stacks: their services, logs, leases; scale, take down (F8)", _stacks, "[NAME]"),
        Command("memory", "what is remembered: search, add, forget, private mode (F9)", _memory, "[WORDS]"),
        Command("quit", "leave; what waits for an answer is held", _quit),
    )
    return {command.name: command for command in made}
