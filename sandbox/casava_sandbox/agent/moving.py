"""`file.copy` and `file.move`: everything is looked at first, then done."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import Dict, List, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.files import need_removable, remove
from casava_sandbox.agent.kinds import split_extension
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, is_reference, listed, shown, topmost
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.writing import make_parents, need_writable, temporary_beside

Pair = Tuple[str, str]
"""Source and target, paths of `os` functions."""


def copy(context: Context, fields: Fields) -> Stored:
    """`file.copy`. Links are copied as links; permissions and times are kept. The result is the copies."""
    workspace = Workspace(context)
    pairs = planned(workspace, fields, "copied")
    for source, target in pairs:
        _need_readable(workspace, source)
        need_writable(workspace, target)
    for source, target in pairs:
        make_parents(workspace, target)
        copy_over(context, source, target)
    return workspace.entries(target for _, target in pairs)


def move(context: Context, fields: Fields) -> Stored:
    """`file.move`. The result is what was moved, at its new place."""
    workspace = Workspace(context)
    pairs = planned(workspace, fields, "moved")
    for source, target in pairs:
        need_writable(workspace, target)
        need_removable(workspace, source)
    for source, target in pairs:
        context.check()
        make_parents(workspace, target)
        relocate(context, source, target)
    return workspace.entries(target for _, target in pairs)


# ---------------------------------------------------------------------------------------------- planning


def planned(workspace: Workspace, fields: Fields, done: str) -> List[Pair]:
    """What goes where, after all that can be foreseen was ruled out."""
    value, to = fields.get("paths"), fields.text("to")
    names = topmost(given_paths(value))
    sources = [(name, workspace.entry_path(name)) for name in names]
    if not sources:
        return []
    into = _into_directory(workspace, value, sources, to)
    destination = workspace.locate(to)
    if into and os.path.lexists(destination):
        destination = workspace.directory(to)
    several = len(sources) > 1 or is_reference(value)
    pairs = []
    for name, source in sources:
        target = os.path.join(destination, os.path.basename(source)) if into else destination
        if name == ".":
            raise Fault("usage", "The workspace itself cannot be %s" % done, "", "name what in it is meant")
        real_source, real_target = _real(source), _real(target)
        if several and real_source in (real_target, os.path.realpath(destination)):
            continue  # it is there already, or is itself the place where all goes
        if real_source == real_target:
            raise Fault(
                "usage", "%s cannot be %s onto itself" % (shown(name), done), "", "choose another name"
            )
        if real_target.startswith(real_source + "/"):
            message = "%s lies within it" % shown(to)
            raise Fault(
                "usage",
                "%s cannot be %s into itself" % (shown(name), done),
                message,
                "choose a place outside it",
            )
        pairs.append((source, target))
    _rule_out_collisions(workspace, pairs, done, overwrite=fields.flag("overwrite"))
    return pairs


def _real(path: str) -> str:
    """The path with all links but the last followed."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _into_directory(workspace: Workspace, value: object, sources: List[Tuple[str, str]], to: str) -> bool:
    """Whether `to` is a directory to put things into, rather than the new name of a single one."""
    path = workspace.locate(to)
    if os.path.isdir(path):
        return True
    if len(sources) > 1:
        if os.path.lexists(path):
            message = "%d files cannot go there" % len(sources)
            raise Fault("not-a-directory", "%s is not a directory" % shown(to), message, "name a directory")
        return True
    if not is_reference(value):
        return False
    # A search that happened to find one file still meant a directory, unless `to` reads like a file of that sort.
    extension = split_extension(os.path.basename(sources[0][1]))[1].lower()
    return not (os.path.lexists(path) or (extension and split_extension(path)[1].lower() == extension))


def _rule_out_collisions(workspace: Workspace, pairs: List[Pair], done: str, *, overwrite: bool) -> None:
    by_target: Dict[str, str] = {}
    twice, there, mixed = [], [], []
    for source, target in pairs:
        if target in by_target:
            twice += [workspace.text(by_target[target]), workspace.text(source)]
        by_target[target] = source
        if os.path.lexists(target):
            there.append(workspace.text(target))
            mixed += (
                [workspace.text(path) for path in _mismatches(workspace, source, target)] if overwrite else []
            )
    nothing = "nothing was " + done
    if twice:
        raise Fault(
            "exists",
            "Several files would get the same name",
            "%s; %s" % (listed(dict.fromkeys(twice)), nothing),
            "rename them first",
        )
    if there and not overwrite:
        hint = "overwrite, or choose another place"
        raise Fault("exists", "Something is already there", "%s; %s" % (listed(there), nothing), hint)
    if mixed:
        hint = "move or delete it first"
        raise Fault(
            "exists", "A file and a directory have the same name", "%s; %s" % (listed(mixed), nothing), hint
        )


def _is_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _mismatches(workspace: Workspace, source: str, target: str) -> List[str]:
    """Existing targets that are a directory where a file would go, or the other way round."""
    if _is_directory(source) != _is_directory(target):
        return [target]
    if not _is_directory(source):
        return []
    found = []
    walk = Walk(workspace.context, source)
    for item in walk:
        place = os.path.join(target, item.relative)
        if not os.path.lexists(place):
            walk.skip()
        elif item.entry.is_dir(follow_symlinks=False) != _is_directory(place):
            found.append(place)
            walk.skip()
    return found


def _need_readable(workspace: Workspace, source: str) -> None:
    """A `Fault` when something at or below the path cannot be copied."""
    closed, strange = [], []

    def look(path: str) -> None:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            strange.append(workspace.text(path))
        elif not os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0)):
            closed.append(workspace.text(path))

    look(source)
    if _is_directory(source) and not closed:
        for item in Walk(workspace.context, source, forgiving=True):
            look(item.entry.path)
    if closed:
        raise Fault("permission", "That may not be read", listed(closed), "change its permissions first")
    if strange:
        raise Fault(
            "unsupported",
            "That is no regular file",
            "%s: pipes, sockets and devices are not copied" % listed(strange),
        )


# ---------------------------------------------------------------------------------------------- doing


def relocate(context: Context, source: str, target: str) -> None:
    """Moves one entry to where nothing of another type is; a directory joins one that is there."""
    if _is_directory(source) and _is_directory(target):
        _merge(context, source, target)
        return
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # An overlay answers so for directories that lie in its lower layer, and file systems for each other.
        copy_over(context, source, target)
        remove(context, source)


def _merge(context: Context, source: str, target: str) -> None:
    for name in sorted(os.listdir(source)):
        context.check()
        relocate(context, os.path.join(source, name), os.path.join(target, name))
    os.rmdir(source)


def copy_over(context: Context, source: str, target: str) -> None:
    """Copies one entry into place at once; a directory joins one that is there."""
    if _is_directory(source) and _is_directory(target):
        for name in sorted(os.listdir(source)):
            copy_over(context, os.path.join(source, name), os.path.join(target, name))
        return
    temporary = temporary_beside(target)
    try:
        _copy_tree(context, source, temporary)
        os.replace(temporary, target)
    except BaseException:
        if os.path.lexists(temporary):
            shutil.rmtree(temporary, ignore_errors=True) if _is_directory(temporary) else os.unlink(temporary)
        raise


def _copy_tree(context: Context, source: str, target: str) -> None:
    if not _is_directory(source):
        _copy_one(context, source, target)
        return
    os.mkdir(target, 0o700)
    directories = [(source, target)]
    for item in Walk(context, source):
        place = os.path.join(target, item.relative)
        if item.entry.is_dir(follow_symlinks=False):
            os.mkdir(place, 0o700)
            directories.append((item.entry.path, place))
        else:
            _copy_one(context, item.entry.path, place)
    for old, new in reversed(directories):
        shutil.copystat(old, new)


def _copy_one(context: Context, source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    else:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as new, open(source, "rb") as old:
            while True:
                context.check()
                chunk = old.read(2**20)
                if not chunk:
                    break
                new.write(chunk)
    shutil.copystat(source, target, follow_symlinks=False)
