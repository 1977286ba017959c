"""`file.rename`: one new name, or a rule for many; in any order, also where names change places."""

from __future__ import annotations

import os
from typing import Dict, List, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.kinds import split_extension
from casava_sandbox.agent.moving import relocate
from casava_sandbox.agent.paths import Workspace, given_paths, listed, shown
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.writing import make_parents, need_place, temporary_beside
from casava_syscalls.names import fs_path, text_to_name

Pair = Tuple[str, str]
"""Old and new path, of `os` functions."""


def rename(context: Context, fields: Fields) -> Stored:
    """`file.rename`. The result is all that was named, at its place afterwards."""
    workspace = Workspace(context)
    names = given_paths(fields.get("paths"))
    sources = [(name, workspace.entry_path(name)) for name in names]
    if any(path == workspace.root for _, path in sources):
        raise Fault("usage", "The workspace itself cannot be renamed", "", "name what in it is meant")
    if fields.maybe_text("to") is not None:
        pairs = [_to_new_name(workspace, sources, fields.text("to"))] if sources else []
    else:
        pairs = [(path, _by_rule(workspace, path, fields)) for _, path in sources]
        find = fields.maybe_text("find")
        if (
            find is not None
            and pairs
            and not any(find in workspace.text(path).rpartition("/")[2] for _, path in sources)
        ):
            raise Fault("not-found", "No name has %r" % find, "of %s" % listed(names), "check the spelling")
    changes = [pair for pair in pairs if pair[0] != pair[1]]
    _rule_out_collisions(workspace, changes)
    for old, new in changes:
        need_place(workspace, old)
        need_place(workspace, new)
    _carry_out(context, workspace, changes)
    return workspace.entries(_afterwards(new, changes) for _, new in pairs)


def _to_new_name(workspace: Workspace, sources: "list[tuple[str, str]]", to: str) -> Pair:
    if len(sources) > 1:
        message = "%d files cannot all be called %s" % (len(sources), shown(to))
        raise Fault(
            "usage",
            "One name for several files",
            message,
            "give a rule: find and replacement, prefix, suffix",
        )
    name, path = sources[0]
    if "/" in to or to == "." or "/" not in name:
        return path, workspace.locate(to)
    return path, workspace.locate(name.rpartition("/")[0] + "/" + to)


def _by_rule(workspace: Workspace, path: str, fields: Fields) -> str:
    """The new path: text replaced, then case, then prefix, suffix and extension. A directory has no extension."""
    old = workspace.text(path).rpartition("/")[2]
    is_directory = os.path.isdir(path) and not os.path.islink(path)
    name = old
    find, case = fields.maybe_text("find"), fields.maybe_text("case")
    if find is not None:
        name = name.replace(find, fields.maybe_text("replacement") or "")
    if case is not None:
        name = name.lower() if case == "lower" else name.upper()
    stem, extension = (name, "") if is_directory else split_extension(name)
    wanted = fields.maybe_text("extension")
    if wanted is not None and not is_directory:
        extension = "." + wanted
    name = (fields.maybe_text("prefix") or "") + stem + (fields.maybe_text("suffix") or "") + extension
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(text_to_name(name)) > 255:
        why = "it is empty" if not name else "a name has no / and at most 255 bytes"
        raise Fault(
            "usage", "%s cannot be called %s" % (shown(old), shown(name) or "nothing"), why, "change the rule"
        )
    return os.path.join(os.path.dirname(path), fs_path(name))


def _rule_out_collisions(workspace: Workspace, changes: List[Pair]) -> None:
    going = {old for old, _ in changes}
    sources: Dict[str, List[str]] = {}
    for old, new in changes:
        sources.setdefault(new, []).append(workspace.text(old))
        if new.startswith(old + "/"):
            raise Fault(
                "usage", "%s cannot go into itself" % shown(workspace.text(old)), "", "choose another name"
            )
    twice = [name for olds in sources.values() if len(olds) > 1 for name in olds]
    if twice:
        message = "%s would all be called the same; nothing was renamed" % listed(twice)
        raise Fault("exists", "Several files would get the same name", message, "change the rule")
    there = [workspace.text(new) for new in sources if os.path.lexists(new) and new not in going]
    if there:
        message = "%s; nothing was renamed" % listed(there)
        raise Fault("exists", "That name is taken", message, "choose another name, or move what is there")


def _carry_out(context: Context, workspace: Workspace, changes: List[Pair]) -> None:
    """Renames the deepest first, so that no path changes before its turn; by way of other names where targets are sources.

    What was renamed goes back when a later one fails.
    """
    ordered = sorted(changes, key=lambda pair: -pair[0].count("/"))
    sources = {old for old, _ in changes}
    steps: List[Pair] = []
    while ordered:
        depth = ordered[0][0].count("/")
        level = [pair for pair in ordered if pair[0].count("/") == depth]
        ordered = ordered[len(level) :]
        if any(new in sources for _, new in level):
            aside = [(old, temporary_beside(old), new) for old, new in level]
            steps += [(old, temporary) for old, temporary, _ in aside] + [
                (temporary, new) for _, temporary, new in aside
            ]
        else:
            steps += level
    done: List[Pair] = []
    try:
        for old, new in steps:
            context.check()
            make_parents(workspace, new)
            relocate(context, old, new)
            done.append((old, new))
    except BaseException:
        for old, new in reversed(done):
            os.rename(new, old)
        raise


def _afterwards(path: str, changes: List[Pair]) -> str:
    """Where a path is when directories above it were renamed too."""
    for old, new in sorted(changes, key=lambda pair: -pair[0].count("/")):
        if path.startswith(old + "/"):
            path = new + path[len(old) :]
    return path
