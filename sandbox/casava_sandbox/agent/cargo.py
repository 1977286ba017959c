"""Files on their way between the layer and a container: packed and unpacked here, carried by the broker.

The broker never touches the layer, and nothing in the workspace (a link, a name) can lead it anywhere else on the host. The
tar file lies in the scratch space under the number of the step.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import List

from casava_sandbox.agent.archives import Item, items_of, pack_tar
from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.extracting import Unpacking, rule_out_collisions, settle
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Workspace, shown
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.writing import make_parents, need_writable, temporary_beside


def cargo_path(context: Context) -> str:
    """The tar file of this step."""
    return os.path.join(context.scratch, "cargo-%d.tar" % context.step)


def pack_source(context: Context, fields: Fields) -> Stored:
    """`container.copy_in`, the first half: `source` with all that is in it, under its own name."""
    workspace = Workspace(context)
    source = fields.text("source")
    path = workspace.entry_path(source)
    above = os.path.dirname(workspace.text(path))
    found = items_of(workspace, [source], cargo_path(context))
    if path == workspace.root:
        return _packed(context, found)
    return _packed(
        context, [(name[len(above) + 1 :] if above else name, at, info) for name, at, info in found]
    )


def pack_context(context: Context, fields: Fields) -> Stored:
    """`container.build`, the first half: what is in the directory `context`."""
    workspace = Workspace(context)
    text = fields.text("context")
    top = workspace.text(workspace.directory(text))
    found = items_of(workspace, [text], cargo_path(context))
    if top == ".":
        return _packed(context, found)
    inside = [(name[len(top) + 1 :], at, info) for name, at, info in found if name != top]
    return _packed(context, inside)


def _packed(context: Context, items: List[Item]) -> Stored:
    with open(cargo_path(context), "xb") as stream:
        pack_tar(context, stream, items)
    size = sum(info.st_size for _, _, info in items if stat.S_ISREG(info.st_mode))
    files = sum(stat.S_ISREG(info.st_mode) for _, _, info in items)
    return {"kind": "facts", "items": {"files": files, "bytes": size}}


def unpack(context: Context, fields: Fields) -> Stored:
    """`container.copy_out`, the second half: into `to` when that is a directory, else as `to`. Nothing is overwritten."""
    workspace = Workspace(context)
    to = fields.text("to")
    target = workspace.writing_path(to)
    into = os.path.isdir(target)
    if not into and os.path.lexists(target):
        raise Fault(
            "exists",
            "%s is already there" % shown(to),
            "nothing was copied",
            "choose another name, or delete it first",
        )
    make_parents(workspace, target)
    need_writable(workspace, os.path.join(target, "any") if into else target)
    staging = temporary_beside(target if not into else os.path.join(target, "any"))
    os.mkdir(staging, 0o700)
    try:
        stage = os.path.join(staging, "0")
        Unpacking(context, fields.text("source"), cargo_path(context), stage).run()
        if not into:
            names = os.listdir(stage)
            if len(names) == 1:
                os.rename(os.path.join(stage, names[0]), os.path.join(stage, os.path.basename(target)))
            target = os.path.dirname(target)
        names = rule_out_collisions(workspace, [stage], target)
        settle(stage, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return {"kind": "facts", "items": {"files": len(names)}}
