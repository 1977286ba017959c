"""The command palette: every command of the shell, and the past requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from casava_os.shell.commands import commands

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp


class ShellCommands(Provider):
    """Each entry is what typing it would do; a past request is put into the prompt, not run."""

    @property
    def _shell(self) -> ShellApp:
        from casava_os.shell.app import ShellApp

        assert isinstance(self.app, ShellApp)
        return self.app

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        shell = self._shell
        for command in commands(shell.models).values():
            if command.choices:
                for choice in command.choices:
                    line = f"/{command.name} {choice}"
                    yield line, command.sentence, partial(shell.type, line)
            elif command.argument == "N":
                yield f"/{command.name}", command.sentence, partial(shell.fill, f"/{command.name} ")
            else:
                yield f"/{command.name}", command.sentence, partial(shell.type, f"/{command.name}")

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for line, sentence, perform in self._entries():
            yield DiscoveryHit(line, perform, help=sentence)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for line, sentence, perform in self._entries():
            if (score := matcher.match(f"{line} {sentence}")) > 0:
                yield Hit(score, matcher.highlight(line), perform, help=sentence)
        for entry in self._shell.history.search(query, 10):
            if "\n" not in entry and entry.isprintable():
                yield Hit(
                    0.1, entry.replace("[", "\\["), partial(self._shell.fill, entry), help="past request"
                )
