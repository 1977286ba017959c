"""Lands prepared changes in a workspace so that all of them happen or none, also when the process is killed midway.

A transaction moves things between three places on one mount, so every step is one rename: the workspace, an `incoming`
folder with what is to appear, and an `outgoing` one that takes what is to go. What lies where, by inode, says how far it got;
that is why rolling back needs no log beyond the intent, and may itself be interrupted and repeated.

1. The intent is written. What is to appear is staged, what goes is kept in the store of objects, the record of the new state
   is written beside the old one, and all of that is on disk.
2. The intent is written again (`applying`), with every step. From here until 4 a kill is rolled back.
3. The steps. Then the workspace's directories are synced.
4. The intent is renamed to `<pid>.done`: the instant of the commit. It needs no space on the disk. From here on a kill is
   rolled forward: the new record takes the old one's place, a note for the journal is left, the folders go.

Everything in the workspace is reached by descriptors (`beneath`). Where state and workspace lie on different mounts, the two
folders stand in a hidden one in the workspace meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from casava_os.kernel.owners import born
from casava_os.paths import private_dir
from casava_sandbox.layer.area import hidden_area, identity, lock, open_folders, remove_folders, unlock
from casava_sandbox.layer.beneath import ASTRAY, Beneath
from casava_sandbox.layer.files import (
    Node,
    failure,
    mount_of,
    named,
    remove_tree,
    sync,
    sync_filesystem,
    write_durably,
)
from casava_sandbox.layer.intents import (
    find_intent,
    intent_path,
    intents_dir,
    next_path,
    note_path,
    notes_dir,
    pending,
    record_path,
    undo_dir,
)
from casava_sandbox.layer.kept import Tree, altered, describe, grouped
from casava_sandbox.layer.locks import overlap, workspace_lock
from casava_sandbox.layer.objects import DamagedError, Objects
from casava_sandbox.layer.points import point
from casava_sandbox.layer.rollback import Rollback, remember_touched, seal
from casava_sandbox.layer.steps import Intent, Item, Purpose, Steps
from casava_sandbox.layer.trash import empty
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err

DOING: dict[Purpose, str] = {
    "commit": "applying the changes",
    "undo": "taking the changes back",
    "redo": "applying the changes again",
}
"""What a transaction does, for the sentence that says why it could not."""
_ELSEWHERE = (*ASTRAY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EISDIR)
"""Errors of a path in the workspace that is not what it was a moment ago."""
_LONG = 30.0  # seconds of making room on a full disk
_MANY = 16  # directories that are synced one by one; more of them by one syncfs


class MovedError(OSError):
    """The workspace is not what the steps were made for; `paths` (text form) say where."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(errno.ESTALE, os.strerror(errno.ESTALE))
        self.paths = paths


class Staged(NamedTuple):
    """What `stage` made: the state that is reached, and what describes it."""

    record: bytes
    """The record that takes the old one's place."""
    before: Tree
    """What goes."""
    after: Tree
    """What appears."""


# ---------------------------------------------------------------------------------------------- who may


@contextmanager
def exclusive(state: str, workspace: str) -> Iterator[None]:
    """One commit, undo, redo or recovery at a time in workspaces that overlap; an unfinished one there is ended first.

    Raises `OSError` when that cannot be done.
    """
    for folder in ("locks", "intents", "notes"):
        private_dir(Path(state, "undo", folder))
    while True:
        for _, intent in pending(state):
            if overlap(fs_path(intent.workspace), workspace):
                settle_one(state, intent.pid)
        with workspace_lock(os.path.join(state, "undo", "locks"), workspace):
            if not any(overlap(fs_path(intent.workspace), workspace) for _, intent in pending(state)):
                yield
                return


def settle_one(state: str, pid: int, *, wait: bool = True) -> Intent | None:
    """Ends what a killed process left unfinished: back before the instant of its commit, forward after it.

    None when there is nothing (any more), or when its owner is still at work and `wait` is false. Raises `OSError` when it
    cannot be done; the next attempt may.
    """
    known = find_intent(state, pid)
    if known is None:
        return None
    try:
        with workspace_lock(os.path.join(state, "undo", "locks"), fs_path(known[1].workspace), wait=wait):
            found = find_intent(state, pid)
            if found is None:
                return None
            done, intent = found
            point("recovery")
            with Beneath.at(fs_path(intent.workspace)) as workspace:
                if identity(workspace) != intent.root:
                    raise FileNotFoundError(
                        errno.ENOENT, "another directory is in its place", fs_path(intent.workspace)
                    )
                _Transaction(state, workspace, intent).end(landed=done)
            return intent
    except BlockingIOError:
        return None


# ---------------------------------------------------------------------------------------------- the transaction


@dataclass(slots=True)
class Staging:
    """What fills the folders is given this."""

    workspace: Beneath
    incoming: Beneath
    objects: Objects
    transaction: _Transaction

    def keep(self, paths: list[str]) -> Tree:
        """Describes what goes (paths as `os` spells them), contents in the store and on disk."""
        owner = self.transaction
        kept = describe(self.workspace, paths, self.objects, owner.unseal, owner.linked)
        owner.reseal()
        return kept


Stage = Callable[[Staging], "Staged | Err"]
"""Fills the incoming folder."""


Check = Callable[[frozenset[str]], Err | None]
"""Looks once more whether the workspace is what was staged for. It is given the paths (text form) whose permissions or links
we had changed for a moment: their ctime is newer."""


def run(
    state: str,
    place: str,
    workspace: Beneath,
    pid: int,
    purpose: Purpose,
    steps: Steps,
    stage: Stage,
    check: Check,
) -> Err | None:
    """Stages, checks once more, and applies; on any trouble nothing has happened.

    The caller holds `exclusive`; `place` is the absolute path of the open `workspace`.
    """
    objects = Objects(state, pid)
    store = undo_dir(state, pid)
    private_dir(Path(store))
    apart = mount_of(store)[0] != mount_of(place)[0]
    area = hidden_area(workspace, steps, purpose, pid) if apart else (None, None)
    intent = Intent(
        pid=pid,
        workspace=path_text(place),
        root=identity(workspace),
        purpose=purpose,
        area=area[0],
        area_host=area[1],
        steps=steps,
    )
    transaction = _Transaction(state, workspace, intent)
    try:
        with objects.reading():
            error = transaction.prepare(objects, stage, check)
            if error is None:
                transaction.apply()
    except (OSError, DamagedError) as trouble:
        error = _trouble(trouble, purpose)
        if error.code == "disk-full":
            with suppress(OSError):
                empty(state, _LONG)
    except BaseException:  # Ctrl-C, or a bug: half a commit is never left
        objects.drop()
        transaction.end(landed=transaction.landed)
        raise
    try:
        objects.drop()
        transaction.end(landed=transaction.landed)
    except OSError as again:
        if not transaction.landed:  # after it, the next start ends the tidying
            hint = "Nothing is lost: the next start of Casava OS takes it up again"
            return failure(again, "putting the workspace back").model_copy(update={"hint": hint})
    return None if transaction.landed else error


def _trouble(trouble: OSError | DamagedError, purpose: Purpose) -> Err:
    if isinstance(trouble, DamagedError):
        message = f"What was kept is missing or damaged: object {trouble.digest}"
        return Err(code="conflict", title="Cannot be put back", message=message, hint="Nothing was touched")
    paths = trouble.paths if isinstance(trouble, MovedError) else []
    if trouble.errno in _ELSEWHERE and isinstance(trouble.filename, str) and trouble.filename[:1] != "/":
        paths = [path_text(trouble.filename)]
    if paths:
        message = f"{named(paths)} changed in the workspace meanwhile"
        return Err(code="conflict", title="Nothing was applied", message=message, hint="Try it again")
    return failure(trouble, DOING[purpose])


@dataclass(slots=True)
class _Transaction:
    """An intent and the places that it speaks of."""

    state: str
    workspace: Beneath
    intent: Intent
    landed: bool = False
    staged: Staged | None = None
    linked: set[str] = field(default_factory=set)
    _open_now: dict[str, int] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------ 1, 2

    def prepare(self, objects: Objects, stage: Stage, check: Check) -> Err | None:
        """Everything up to the intent with all steps."""
        point("beginning")
        self._save()
        point("intent written")
        with ExitStack() as stack:
            incoming, outgoing = open_folders(self.state, self.workspace, self.intent, stack, make=True)
            point("folders made")
            staged = stage(Staging(self.workspace, incoming, objects, self))
            if isinstance(staged, Err):
                return staged
            self.staged = staged
            point("staged")
            if objects.linked:
                self._save(linked=tuple(objects.linked))
            _count(self.state, objects.flush())
            point("objects flushed")
            write_durably(next_path(self.state, self.intent.pid), staged.record)
            write_durably(note_path(self.state, self.intent.pid), self._note())
            point("record written")
            if (
                error := check(frozenset({*self.linked, *(text for text, _ in self.intent.unsealed)}))
            ) is not None:
                return error
            self._sync_tree(incoming)
            self._save(phase="applying", steps=self._identified(incoming))
            outgoing.sync()
        point("applying")
        return None

    def _identified(self, incoming: Beneath) -> Steps:
        """The steps with the inodes of what goes and what appears."""
        items = []
        for item in self.intent.steps.items:
            gone = self.workspace.look(fs_path(item.path)) if item.take else None
            new = incoming.look(str(item.number)) if item.put else None
            if (item.take and gone is None) or (item.put and new is None):
                raise MovedError([item.path])
            update = {
                "taken": None if gone is None else (gone.ino, gone.mode),
                "placed": None if new is None else (new.ino, new.mode),
            }
            items.append(item.model_copy(update=update))
        return self.intent.steps.model_copy(update={"items": tuple(items)})

    def unseal(self, path: str, node: Node) -> None:
        """Opens for reading what its owner closed; the intent remembers it first."""
        if os.geteuid() in (0, -1) or node.uid != os.geteuid():
            if node.kind == "directory":
                return  # the walk itself says what is not permitted
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        text = path_text(path)
        self._save(unsealed=(*self.intent.unsealed, (text, node.mode)))
        self._open_now[text] = node.mode
        self.workspace.chmod(path, node.mode | (0o700 if node.kind == "directory" else 0o400))

    def reseal(self) -> None:
        """Closes again what was opened."""
        for text, mode in reversed(list(self._open_now.items())):
            with suppress(FileNotFoundError, NotADirectoryError):
                self.workspace.chmod(fs_path(text), mode)
        self._open_now.clear()

    # ------------------------------------------------------------------------------------------ 3, 4

    def apply(self) -> None:
        """The steps, and the instant of the commit."""
        steps, workspace = self.intent.steps, self.workspace
        with ExitStack() as stack:
            incoming, outgoing = open_folders(self.state, self.workspace, self.intent, stack)
            for step in steps.directories:
                unlock(workspace, fs_path(step.path))
            point("directories open")
            for mode in steps.modes:
                workspace.chmod(fs_path(mode.path), mode.after)
                point("mode")
            for item in steps.items:
                self._exchange(item, incoming, outgoing)
                point("item")
            self._verify(outgoing)
            for step in reversed(steps.directories):
                lock(workspace, fs_path(step.path), step.mode_after, step.mtime_after)
                point("directory")
            incoming.sync()
            outgoing.sync()
            self._sync_workspace()
        point("applied")
        pid = self.intent.pid
        os.rename(intent_path(self.state, pid), intent_path(self.state, pid, done=True))
        self.landed = True
        point("landed")
        sync([intents_dir(self.state)])

    def _exchange(self, item: Item, incoming: Beneath, outgoing: Beneath) -> None:
        """Takes, puts, or replaces. What is replaced is swapped in one instant: readers see the old or the new one."""
        path, name = fs_path(item.path), str(item.number)
        if item.take and item.put and incoming.exchange(name, self.workspace, path):
            point("exchanged")
            out = incoming.look(name)
            if out is None or item.taken is None or out.ino != item.taken[0]:
                raise MovedError([item.path])
            incoming.rename(name, outgoing, name)
            return
        if item.take:
            self.workspace.rename(path, outgoing, name)
            point("taken")
            out = outgoing.look(name)
            if out is None or item.taken is None or out.ino != item.taken[0]:
                raise MovedError([item.path])
        if item.put:
            incoming.rename(name, self.workspace, path)

    def _verify(self, outgoing: Beneath) -> None:
        """What went is what was kept: nobody wrote to it in between."""
        assert self.staged is not None
        tree = self.staged.before
        tops = [item.path for item in self.intent.steps.items if item.take]
        within = grouped(tree, tops)
        wrong = [
            path
            for item in self.intent.steps.items
            if item.take
            for path in altered(outgoing, str(item.number), item.path, within[item.path], tree)
        ]
        if wrong:
            raise MovedError(wrong)

    # ------------------------------------------------------------------------------------------ the end

    def end(self, *, landed: bool) -> None:
        """Rolls back or forward, and forgets the intent. May be interrupted and repeated."""
        self.landed = landed
        pid, store = self.intent.pid, undo_dir(self.state, self.intent.pid)
        if landed:
            point("rolling forward")
            with suppress(FileNotFoundError):
                os.rename(next_path(self.state, pid), record_path(self.state, pid))
            with suppress(FileNotFoundError):
                os.rename(
                    note_path(self.state, self.intent.pid), os.path.join(notes_dir(self.state), f"{pid}.json")
                )
            point("record in place")
            sync([store, notes_dir(self.state)])
            Objects(self.state, pid).make_private(self.intent.linked)
        else:
            point("rolling back")
            if self.intent.phase == "applying":
                self._roll_back()
            seal(self.workspace, self.intent)
            point("rolled back")
            objects = Objects(self.state, pid)
            objects.drop()
            objects.unlink_shared(self.intent.linked)
        remove_folders(self.state, self.workspace, self.intent, landed=landed)
        if not landed:
            remember_touched(self.state, self.workspace, self.intent)
            for path in (next_path(self.state, pid), note_path(self.state, self.intent.pid)):
                with suppress(FileNotFoundError):
                    os.unlink(path)
            if self.intent.purpose == "commit" and not os.path.lexists(record_path(self.state, pid)):
                remove_tree(store)
        point("folders removed")
        with suppress(FileNotFoundError):
            os.unlink(intent_path(self.state, pid, done=landed))
        sync([intents_dir(self.state)])
        point("ended")

    def _roll_back(self) -> None:
        with ExitStack() as stack:
            try:
                incoming, outgoing = open_folders(self.state, self.workspace, self.intent, stack)
            except FileNotFoundError:  # an earlier rollback went so far
                return
            Rollback(self.workspace, self.intent, incoming, outgoing, self._after).run()
            self._sync_workspace()

    def _after(self) -> Tree:
        """What was to appear, as the record beside the old one says; empty when there is none."""
        from casava_sandbox.layer.record import appearing

        if self.staged is not None:
            return self.staged.after
        with suppress(FileNotFoundError), open(next_path(self.state, self.intent.pid), "rb") as file:
            return appearing(file.read(), self.intent.purpose)
        return {}

    # ------------------------------------------------------------------------------------------ parts

    def _save(self, **update: object) -> None:
        self.intent = self.intent.model_copy(update=update)
        write_durably(intent_path(self.state, self.intent.pid), self.intent.model_dump_json().encode())

    def _note(self) -> bytes:
        owner = os.getpid()
        return json.dumps({"purpose": self.intent.purpose, "owner": owner, "born": born(owner)}).encode()

    def _sync_tree(self, incoming: Beneath) -> None:
        """What was staged is on disk."""
        files = []
        with suppress(PermissionError):
            for path, node in incoming.walk(""):
                if node.kind in ("file", "directory"):
                    files.append(path)
                if len(files) > _MANY:
                    break
            else:
                for path in files:
                    incoming.sync(path)
                return
        _sync_all(incoming)

    def _sync_workspace(self) -> None:
        steps = self.intent.steps
        paths = dict.fromkeys([s.path for s in steps.directories] + [m.path for m in steps.modes])
        if len(paths) > _MANY:
            _sync_all(self.workspace)
            return
        for path in paths:
            with suppress(FileNotFoundError):
                self.workspace.sync(fs_path(path))


def _sync_all(folder: Beneath) -> None:
    try:
        descriptor = folder.open("", os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        os.sync()
        return
    try:
        sync_filesystem(descriptor)
    finally:
        os.close(descriptor)


def _count(state: str, size: int) -> None:
    """Adds to what the store is believed to hold (bytes), which only says when to look."""
    path = os.path.join(state, "undo", "size")
    with suppress(OSError, ValueError):
        known = 0
        with suppress(FileNotFoundError), open(path, encoding="ascii") as file:
            known = int(file.read() or 0)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(str(known + size))
