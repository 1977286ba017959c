"""`file.chmod`: modes as chmod(1) reads them."""

from __future__ import annotations

import os
import re
import stat
from typing import List

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, shown
from casava_sandbox.agent.values import Stored

_CLAUSE = re.compile(r"([ugoa]*)([-+=])([rwxXst]*)\Z")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}


def chmod(context: Context, fields: Fields) -> Stored:
    """`file.chmod`. A named link changes what it points to; links below a directory are passed over."""
    workspace = Workspace(context)
    mode = fields.text("mode")
    changed_mode(mode, 0, is_directory=False)
    names = given_paths(fields.get("paths"), whole=fields.flag("recursive"))
    paths = [workspace.followed(name) for name in names]
    every: List[str] = []
    for path in paths:
        every.append(path)
        if fields.flag("recursive") and os.path.isdir(path):
            every += [item.entry.path for item in Walk(context, path) if not item.entry.is_symlink()]
    for path in every:
        if os.stat(path).st_uid != os.geteuid() and os.geteuid() != 0:
            name = shown(workspace.text(path))
            raise Fault(
                "permission",
                "%s belongs to somebody else" % name,
                "nothing was changed",
                "only its owner can do that",
            )
    for path in reversed(every):  # what is in a directory before the directory, which may close itself
        context.check()
        info = os.stat(path)
        os.chmod(
            path, changed_mode(mode, stat.S_IMODE(info.st_mode), is_directory=stat.S_ISDIR(info.st_mode))
        )
    return workspace.entries(workspace.locate(name) for name in names)


def changed_mode(mode: str, old: int, *, is_directory: bool) -> int:
    """The permission bits that `mode`, octal or symbolic, makes of the old ones. No umask is applied."""
    if re.match(r"[0-7]{1,4}\Z", mode):
        return int(mode, 8)
    bits = old
    for clause in mode.split(","):
        match = _CLAUSE.match(clause)
        if match is None:
            raise Fault("usage", "That is no file mode", mode, "write 755 or u+x")
        bits = _apply(match.group(1) or "a", match.group(2), match.group(3), bits, is_directory=is_directory)
    return bits


def _apply(who: str, operation: str, what: str, bits: int, *, is_directory: bool) -> int:
    classes = "ugo" if "a" in who else who
    wanted = touched = 0
    for letter in classes:
        shift = _SHIFTS[letter]
        touched |= 7 << shift
        for permission in what:
            if permission in _BITS:
                wanted |= _BITS[permission] << shift
            elif permission == "X" and (is_directory or bits & 0o111):
                wanted |= 1 << shift
            elif permission == "s" and letter in "ug":
                wanted |= 0o4000 if letter == "u" else 0o2000
    if "t" in what and ("a" in who or "o" in who):
        wanted |= 0o1000
    if operation == "+":
        return bits | wanted
    if operation == "-":
        return bits & ~wanted
    special = (
        (0o4000 if "u" in classes else 0)
        | (0o2000 if "g" in classes else 0)
        | (0o1000 if "o" in classes else 0)
    )
    if is_directory:
        special &= ~0o6000  # chmod(1) leaves these bits of directories unless they are named
    return (bits & ~(touched | special)) | wanted
