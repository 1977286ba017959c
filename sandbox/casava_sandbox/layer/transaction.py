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
from casava_sandbox.layer.kept import Tree, altered, describe, grouped
from casava_sandbox.layer.locks import overlap, workspace_lock
from casava_sandbox.layer.objects import DamagedError, Objects
from casava_sandbox.layer.points import point
from casava_sandbox.layer.steps import DirectoryStep, Intent, Item, Purpose, Steps
from casava_sandbox.layer.trash import empty, throw
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err

_DOING = {
    "commit": "landing the changes",
    "undo": "taking the changes back",
    "redo": "landing the changes again",
}
_ELSEWHERE = (*ASTRAY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EISDIR)
"""Errors of a path in the workspace that is not what it was a moment ago."""
_LONG = 30.0  # seconds of making room on a full disk
_WORKED_ON = "somebody worked on it before it could be put back; move it away, and start again"
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


def undo_dir(state: str, pid: int) -> str:
    """Where the commit of a process is remembered."""
    return os.path.join(state, "undo", str(pid))


def record_path(state: str, pid: int) -> str:
    """The record of a process's commit."""
    return os.path.join(undo_dir(state, pid), "record.json")


def rolled_back_path(state: str, pid: int) -> str:
    """A list of the paths that a rollback moved out and in again: their ctime is newer, their contents are not."""
    return os.path.join(state, "layers", str(pid), "rolled-back.json")


def notes_dir(state: str) -> str:
    """Notes for the journal: what landed, and who was to write that down."""
    return os.path.join(state, "undo", "notes")


def _intents(state: str) -> str:
    return os.path.join(state, "undo", "intents")


def _next_path(state: str, pid: int) -> str:
    return os.path.join(undo_dir(state, pid), "next.json")


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


def pending(state: str) -> list[tuple[str, Intent]]:
    """The intents on disk, each with its file's name. One that cannot be read raises `ValueError`."""
    found = []
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(_intents(state))):
            if name.endswith((".json", ".done")):
                with suppress(FileNotFoundError):
                    found.append((name, _load(os.path.join(_intents(state), name))))
    return found


def _load(path: str) -> Intent:
    with open(path, "rb") as file:
        return Intent.model_validate_json(file.read())


def settle_one(state: str, pid: int, *, wait: bool = True) -> Intent | None:
    """Ends what a killed process left unfinished: back before the instant of its commit, forward after it.

    None when there is nothing (any more), or when its owner is still at work and `wait` is false. Raises `OSError` when it
    cannot be done; the next attempt may.
    """
    known = _find(state, pid)
    if known is None:
        return None
    try:
        with workspace_lock(os.path.join(state, "undo", "locks"), fs_path(known[1].workspace), wait=wait):
            found = _find(state, pid)
            if found is None:
                return None
            done, intent = found
            point("recovery")
            with Beneath.at(fs_path(intent.workspace)) as workspace:
                if _identity(workspace) != intent.root:
                    raise FileNotFoundError(
                        errno.ENOENT, "another directory is in its place", fs_path(intent.workspace)
                    )
                _Transaction(state, workspace, intent).end(landed=done)
            return intent
    except BlockingIOError:
        return None


def _find(state: str, pid: int) -> tuple[bool, Intent] | None:
    for done in (True, False):
        with suppress(FileNotFoundError):
            return done, _load(_intent_path(state, pid, done=done))
    return None


def _intent_path(state: str, pid: int, *, done: bool = False) -> str:
    return os.path.join(_intents(state), f"{pid}.{'done' if done else 'json'}")


def _identity(folder: Beneath) -> tuple[int, int]:
    status = folder.status()
    return status.st_dev, status.st_ino


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
    area = _area(workspace, steps, purpose, pid) if apart else (None, None)
    intent = Intent(
        pid=pid,
        workspace=path_text(place),
        root=_identity(workspace),
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
    return failure(trouble, _DOING[purpose])


def _area(workspace: Beneath, steps: Steps, purpose: Purpose, pid: int) -> tuple[str, DirectoryStep]:
    """A hidden folder in the workspace's root, or in the first directory of it that may be written."""
    touched = {step.path: step for step in steps.directories}
    for path in ["", *touched]:
        with workspace.below(fs_path(path)) as folder:
            if os.access(f"/proc/self/fd/{folder.descriptor}", os.W_OK | os.X_OK):
                break
    else:
        path = ""
    node = workspace.look(fs_path(path))
    assert node is not None
    host = touched.get(path) or DirectoryStep(
        path=path,
        mode_before=node.mode,
        mode_after=node.mode,
        mtime_before=node.mtime_ns,
        mtime_after=node.mtime_ns,
    )
    name = f".casava-os-{purpose}-{pid}-{os.urandom(4).hex()}"
    return (f"{path}/{name}" if path else name), host


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
    _within: dict[str, list[str]] | None = None

    # ------------------------------------------------------------------------------------------ 1, 2

    def prepare(self, objects: Objects, stage: Stage, check: Check) -> Err | None:
        """Everything up to the intent with all steps."""
        point("beginning")
        self._save()
        point("intent written")
        with ExitStack() as stack:
            incoming, outgoing = self._folders(stack, make=True)
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
            write_durably(_next_path(self.state, self.intent.pid), staged.record)
            write_durably(self._note_path(), self._note())
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
            incoming, outgoing = self._folders(stack)
            for step in steps.directories:
                _unlock(workspace, fs_path(step.path))
            point("directories open")
            for mode in steps.modes:
                workspace.chmod(fs_path(mode.path), mode.after)
                point("mode")
            for item in steps.items:
                self._exchange(item, incoming, outgoing)
                point("item")
            self._verify(outgoing)
            for step in reversed(steps.directories):
                _lock(workspace, fs_path(step.path), step.mode_after, step.mtime_after)
                point("directory")
            incoming.sync()
            outgoing.sync()
            self._sync_workspace()
        point("applied")
        pid = self.intent.pid
        os.rename(_intent_path(self.state, pid), _intent_path(self.state, pid, done=True))
        self.landed = True
        point("landed")
        sync([_intents(self.state)])

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
                os.rename(_next_path(self.state, pid), record_path(self.state, pid))
            with suppress(FileNotFoundError):
                os.rename(self._note_path(), os.path.join(notes_dir(self.state), f"{pid}.json"))
            point("record in place")
            sync([store, notes_dir(self.state)])
            Objects(self.state, pid).make_private(self.intent.linked)
        else:
            point("rolling back")
            if self.intent.phase == "applying":
                self._roll_back()
            self._seal()
            point("rolled back")
            objects = Objects(self.state, pid)
            objects.drop()
            objects.unlink_shared(self.intent.linked)
        self._remove_folders(landed=landed)
        if not landed:
            self._remember_touched()
            for path in (_next_path(self.state, pid), self._note_path()):
                with suppress(FileNotFoundError):
                    os.unlink(path)
            if self.intent.purpose == "commit" and not os.path.lexists(record_path(self.state, pid)):
                remove_tree(store)
        point("folders removed")
        with suppress(FileNotFoundError):
            os.unlink(_intent_path(self.state, pid, done=landed))
        sync([_intents(self.state)])
        point("ended")

    def _roll_back(self) -> None:
        """Puts every path back, wherever the transaction stood."""
        workspace, steps = self.workspace, self.intent.steps
        with ExitStack() as stack:
            try:
                incoming, outgoing = self._folders(stack)
            except FileNotFoundError:  # an earlier rollback went so far
                return
            for step in steps.directories:
                _unlock(workspace, fs_path(step.path))
            for item in reversed(steps.items):
                self._return(item, incoming, outgoing)
                point("item back")
            for mode in steps.modes:
                node = workspace.look(fs_path(mode.path))
                if node is not None and node.kind == "file" and node.mode == mode.after:
                    workspace.chmod(fs_path(mode.path), mode.before)
            for step in reversed(steps.directories):
                _lock(workspace, fs_path(step.path), step.mode_before, step.mtime_before)
                point("directory back")
            self._sync_workspace()

    def _return(self, item: Item, incoming: Beneath, outgoing: Beneath) -> None:
        """Undoes one item. Somebody else's later work in its place is not touched."""
        path, name, workspace = fs_path(item.path), str(item.number), self.workspace
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
        after = self._after()
        if self._within is None:
            self._within = grouped(after, [one.path for one in self.intent.steps.items if one.put])
        within = self._within[item.path]
        if within and altered(self.workspace, path, item.path, within, after):
            raise FileExistsError(errno.EEXIST, _WORKED_ON, path)

    def _after(self) -> Tree:
        """What was to appear, as the record beside the old one says; empty when there is none."""
        from casava_sandbox.layer.record import appearing

        if self.staged is not None:
            return self.staged.after
        with suppress(FileNotFoundError), open(_next_path(self.state, self.intent.pid), "rb") as file:
            return appearing(file.read(), self.intent.purpose)
        return {}

    def _closed(self, item: Item, path: str) -> None:
        """A read-only directory that was opened for the instant of a rename has its permissions again."""
        node, taken = self.workspace.look(path), item.taken
        ours = node is not None and taken is not None and (node.kind, node.ino) == ("directory", taken[0])
        if ours and node is not None and taken is not None and node.mode != taken[1]:
            self.workspace.chmod(path, taken[1])

    def _seal(self) -> None:
        for text, mode in reversed(self.intent.unsealed):
            with suppress(FileNotFoundError, NotADirectoryError):
                node = self.workspace.look(fs_path(text))
                if (
                    node is not None
                    and node.kind != "link"
                    and node.mode == mode | (0o700 if node.kind == "directory" else 0o400)
                ):
                    self.workspace.chmod(fs_path(text), mode)

    def _remember_touched(self) -> None:
        """What we touched and left as it was is not taken for somebody else's work later. On a full disk it is."""
        intent, path = self.intent, rolled_back_path(self.state, self.intent.pid)
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
                    touched += [path_text(below) for below, _ in self.workspace.walk(fs_path(item.path))]
        times: dict[str, int] = {}
        with suppress(FileNotFoundError, ValueError), open(path, "rb") as file:
            times = json.loads(file.read())
        for text in touched:
            with suppress(OSError):
                if (node := self.workspace.look(fs_path(text))) is not None:
                    times[text] = node.ctime_ns
        with suppress(OSError):
            write_durably(path, json.dumps(times).encode())

    # ------------------------------------------------------------------------------------------ parts

    def _save(self, **update: object) -> None:
        self.intent = self.intent.model_copy(update=update)
        write_durably(_intent_path(self.state, self.intent.pid), self.intent.model_dump_json().encode())

    def _note_path(self) -> str:
        return os.path.join(undo_dir(self.state, self.intent.pid), "note.json")

    def _note(self) -> bytes:
        owner = os.getpid()
        return json.dumps({"purpose": self.intent.purpose, "owner": owner, "born": born(owner)}).encode()

    def _folders(self, stack: ExitStack, *, make: bool = False) -> tuple[Beneath, Beneath]:
        """The incoming and the outgoing folder, opened."""
        if self.intent.area is None:
            home = stack.enter_context(Beneath.at(undo_dir(self.state, self.intent.pid)))
            place = "moving"
        else:
            home, place = self.workspace, fs_path(self.intent.area)
        if make:
            if self.intent.area is None:
                home.remove(place)
            for folder in (place, f"{place}/new", f"{place}/old"):
                home.make_dir(folder)
        return (
            stack.enter_context(home.below(f"{place}/new")),
            stack.enter_context(home.below(f"{place}/old")),
        )

    def _remove_folders(self, *, landed: bool) -> None:
        if self.intent.area is None:
            throw(self.state, os.path.join(undo_dir(self.state, self.intent.pid), "moving"))
            return
        host = self.intent.area_host
        assert host is not None
        path = fs_path(host.path)
        node = self.workspace.look(path)
        mtime = host.mtime_after if landed else host.mtime_before
        if mtime is None and node is not None:
            mtime = node.mtime_ns
        if self.workspace.exists(fs_path(self.intent.area)):
            _unlock(self.workspace, path)
            self.workspace.remove(fs_path(self.intent.area))
        _lock(self.workspace, path, host.mode_after if landed else host.mode_before, mtime)

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


def _unlock(workspace: Beneath, path: str) -> None:
    """Lets us write in a directory of ours, whatever its permissions."""
    node = workspace.look(path)
    if node is not None and node.mode & 0o300 != 0o300 and node.uid == os.geteuid():
        workspace.chmod(path, node.mode | 0o700)


def _lock(workspace: Beneath, path: str, mode: int, mtime: int | None) -> None:
    node = workspace.look(path)
    if node is None or node.kind != "directory":
        return
    if node.mode != mode:
        workspace.chmod(path, mode)
    if mtime is not None and node.mtime_ns != mtime:
        with suppress(PermissionError):  # a directory that others own and let us write
            workspace.touch(path, mtime)
