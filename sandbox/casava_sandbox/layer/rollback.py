"""Puts a workspace back, wherever a transaction stood: what lies where, by inode, says how far it had got.

May itself be killed and repeated. Somebody else's later work is never moved, overwritten or taken for ours.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from casava_sandbox.layer.area import lock, unlock
from casava_sandbox.layer.beneath import Beneath
from casava_sandbox.layer.files import write_durably
from casava_sandbox.layer.intents import rolled_back_path
from casava_sandbox.layer.kept import Tree, altered, grouped
from casava_sandbox.layer.points import point
from casava_sandbox.layer.steps import Intent, Item
from casava_syscalls.names import fs_path, path_text

_WORKED_ON = "somebody worked on it before it could be put back; move it away, and start again"


@dataclass(slots=True)
class Rollback:
    """The way back of one transaction."""

    workspace: Beneath
    intent: Intent
    incoming: Beneath
    outgoing: Beneath
    after: Callable[[], Tree]
    """What was to appear; asked only when something of it is there."""
    _after: Tree | None = None
    _within: dict[str, list[str]] | None = None

    def run(self) -> None:
        """Puts every path back."""
        workspace, steps = self.workspace, self.intent.steps
        for step in steps.directories:
            unlock(workspace, fs_path(step.path))
        for item in reversed(steps.items):
            self._return(item)
            point("item back")
        for mode in steps.modes:
            node = workspace.look(fs_path(mode.path))
            if node is not None and node.kind == "file" and node.mode == mode.after:
                workspace.chmod(fs_path(mode.path), mode.before)
        for step in reversed(steps.directories):
            lock(workspace, fs_path(step.path), step.mode_before, step.mtime_before)
            point("directory back")

    def _return(self, item: Item) -> None:
        """Undoes one item. Somebody else's later work in its place is not touched."""
        path, name, workspace = fs_path(item.path), str(item.number), self.workspace
        incoming, outgoing = self.incoming, self.outgoing
        assert item.placed is not None or item.taken is not None
        new, old, here = incoming.look(name), outgoing.look(name), workspace.look(path)
        if item.put and item.placed is not None:
            waiting = new is not None and new.ino == item.placed[0]
            if new is not None and not waiting:  # exchanged: what went lies where the new one was
                if here is None or here.ino != item.placed[0]:
                    raise FileExistsError(errno.EEXIST, _WORKED_ON, path)
                self._untouched(item, path)
                incoming.exchange(name, workspace, path)
                self._closed(item, path)
                return
            if not waiting and here is not None and here.ino == item.placed[0]:
                self._untouched(item, path)
                if old is not None and workspace.exchange(path, outgoing, name):
                    point("exchanged back")
                    outgoing.rename(name, incoming, name)
                    self._closed(item, path)
                    return
                workspace.rename(path, incoming, name)
                here = None
        elif here is not None and old is not None:
            raise FileExistsError(errno.EEXIST, _WORKED_ON, path)
        if old is None:
            if item.take and here is not None and item.taken is not None and here.ino == item.taken[0]:
                self._closed(item, path)
            return
        if item.placed is not None and old.ino == item.placed[0]:  # an exchange back that was interrupted
            outgoing.rename(name, incoming, name)
            return
        if here is not None:
            raise FileExistsError(errno.EEXIST, _WORKED_ON, path)
        outgoing.rename(name, workspace, path)
        self._closed(item, path)
        return

    def _untouched(self, item: Item, path: str) -> None:
        """Raises `FileExistsError` when somebody has worked on what the transaction had put there."""
        if self._after is None or self._within is None:
            self._after = self.after()
            self._within = grouped(self._after, [one.path for one in self.intent.steps.items if one.put])
        within = self._within[item.path]
        if within and altered(self.workspace, path, item.path, within, self._after):
            raise FileExistsError(errno.EEXIST, _WORKED_ON, path)

    def _closed(self, item: Item, path: str) -> None:
        """A read-only directory that was opened for the instant of a rename has its permissions again."""
        node, taken = self.workspace.look(path), item.taken
        ours = node is not None and taken is not None and (node.kind, node.ino) == ("directory", taken[0])
        if ours and node is not None and taken is not None and node.mode != taken[1]:
            self.workspace.chmod(path, taken[1])


def seal(workspace: Beneath, intent: Intent) -> None:
    """Closes again what was opened for reading."""
    for text, mode in reversed(intent.unsealed):
        with suppress(FileNotFoundError, NotADirectoryError):
            node = workspace.look(fs_path(text))
            if (
                node is not None
                and node.kind != "link"
                and node.mode == mode | (0o700 if node.kind == "directory" else 0o400)
            ):
                workspace.chmod(fs_path(text), mode)


def remember_touched(state: str, workspace: Beneath, intent: Intent) -> None:
    """What we touched and left as it was is not taken for somebody else's work later. On a full disk it is."""
    path = rolled_back_path(state, intent.pid)
    if intent.purpose != "commit" or not os.path.isdir(os.path.dirname(path)):
        return
    touched = [text for text, _ in intent.unsealed]
    if intent.area_host is not None:
        touched.append(intent.area_host.path)
    if intent.phase == "applying":
        steps = intent.steps
        touched += [item.path for item in steps.items] + [mode.path for mode in steps.modes]
        touched += [step.path for step in steps.directories]
    for item in intent.steps.items:
        if item.take:
            with suppress(OSError):
                touched += [path_text(below) for below, _ in workspace.walk(fs_path(item.path))]
    times: dict[str, int] = {}
    with suppress(FileNotFoundError, ValueError), open(path, "rb") as file:
        times = json.loads(file.read())
    for text in touched:
        with suppress(OSError):
            if (node := workspace.look(fs_path(text))) is not None:
                times[text] = node.ctime_ns
    with suppress(OSError):
        write_durably(path, json.dumps(times).encode())
