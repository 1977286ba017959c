"""What may stand at the cursor: commands and their arguments, apps, paths of the workspace, past requests."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from casava_os.shell.history import History
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import fs_path, path_text

MOST = 50
"""Candidates that are offered."""
MOST_ENTRIES = 20_000
"""Directory entries that are looked at."""

_WORD = re.compile(r"""(?:"[^"]*|'[^']*|\S*)$""")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to go on."""

    shown: str
    """What the list shows."""
    start: int
    """Where in the text before the cursor the replacement begins."""
    insert: str
    kind: str
    """"command", "choice", "app", "parameter", "path" or "past request"."""


@dataclass(frozen=True, slots=True)
class Completer:
    """Finds candidates."""

    workspace: Path
    history: History
    commands: Mapping[str, tuple[str, Sequence[str]]]
    """Each command's name with a sentence and the choices for its argument."""
    apps: Callable[[], Mapping[str, tuple[str, Sequence[str]]]] = dict
    """Each app's name with a sentence and its parameters; asked for when `/app` is typed."""

    def candidates(self, before: str) -> list[Candidate]:
        """Candidates for the text before the cursor, the likeliest first."""
        if before.startswith("/") and "\n" not in before:
            return list(self._commands(before))
        found = list(self._paths(before))
        if len(before.strip()) >= 2 and not before.startswith("!"):
            past = [entry for entry in self.history.search(before, 20) if not entry.startswith(("/", "!"))]
            found += [Candidate(_one_line(entry), 0, entry, "past request") for entry in past[:5]]
        return found[:MOST]

    def _commands(self, before: str) -> Iterator[Candidate]:
        name, space, argument = before[1:].partition(" ")
        if not space:
            for known, (sentence, choices) in self.commands.items():
                if known.startswith(name):
                    yield Candidate(
                        f"/{known}  {sentence}", 0, f"/{known}" + (" " if choices else ""), "command"
                    )
        elif name == "app":
            yield from self._apps(before, argument)
        elif name in self.commands:
            for choice in self.commands[name][1]:
                if choice.startswith(argument):
                    yield Candidate(choice, len(name) + 2, choice, "choice")

    def _apps(self, before: str, argument: str) -> Iterator[Candidate]:
        app, space, given = argument.partition(" ")
        known = self.apps()
        if not space:
            for name, (sentence, parameters) in known.items():
                if name.startswith(app):
                    yield Candidate(
                        f"{name}  {sentence}", len("/app "), name + (" " if parameters else ""), "app"
                    )
        elif app in known:
            word = given.rpartition(" ")[2]
            for parameter in known[app][1]:
                if parameter.startswith(word) and f"{parameter}=" not in given:
                    yield Candidate(f"{parameter}=", len(before) - len(word), f"{parameter}=", "parameter")

    def _paths(self, before: str) -> Iterator[Candidate]:
        match = _WORD.search(before)
        raw = match.group() if match else ""
        command = before.startswith("!")
        start = len(before) - len(raw)
        if command and start == 0:
            raw, start = raw[1:], 1
        typed = raw.lstrip("\"'")
        if not typed:
            return
        folder, _, name = typed.rpartition("/")
        where = self.workspace / fs_path(folder) if folder else self.workspace
        if typed.startswith(("/", "~")):
            return  # requests speak of the workspace
        for entry, is_directory in _entries(where):
            if entry.startswith(name) and (name.startswith(".") or not entry.startswith(".")):
                path = (f"{folder}/" if folder else "") + entry + ("/" if is_directory else "")
                yield Candidate(visible(path), start, quoted(path, command=command), "path")


def _entries(where: Path) -> list[tuple[str, bool]]:
    """Names with whether they are directories, directories first; none for what cannot be read."""
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(where) as entries:
            for entry in entries:
                found.append((path_text(entry.name), entry.is_dir(follow_symlinks=False)))
                if len(found) >= MOST_ENTRIES:
                    break
    except OSError:
        return []
    return sorted(found, key=lambda item: (not item[1], item[0]))


def quoted(path: str, *, command: bool) -> str:
    """A path as it stands in a request, or in a command for the shell of the sandbox."""
    if command:
        return shlex.quote(path)
    if not re.search(r"[\s\"']", path):
        return path
    return f"'{path}'" if '"' in path and "'" not in path else f'"{path}"'


def _one_line(text: str) -> str:
    return visible(text.replace("\n", " "))
