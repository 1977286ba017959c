"""`file.diff`: two files or two directories as a unified diff."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import uuid
from typing import Dict, Iterator, List, Optional

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, shown, text_of
from casava_sandbox.agent.programs import TREE, environment
from casava_sandbox.agent.texts import decode, read_bytes
from casava_sandbox.agent.values import Stored

_MOST_LINES = 4000
"""Beyond this many lines on one side, difflib takes minutes: `diff`, where the sandbox has it, takes over."""


def diff(context: Context, fields: Fields) -> Stored:
    """`file.diff`. Equal files give an empty text."""
    workspace = Workspace(context)
    names = fields.text("left"), fields.text("right")
    left, right = (workspace.followed(name) for name in names)
    if os.path.isdir(left) != os.path.isdir(right):
        directory = shown(names[0] if os.path.isdir(left) else names[1])
        raise Fault(
            "not-a-file",
            "%s is a directory and the other is not" % directory,
            "",
            "compare two files or two directories",
        )
    if os.path.isdir(left):
        parts = list(_of_directories(context, left, right, names[0], names[1]))
    else:
        for name in names:
            workspace.file(name)
        parts = [_of_files(context, left, right, names[0], names[1])]
    return {"kind": "text", "text": "".join(parts), "lossy": False}


def _of_directories(
    context: Context, left: str, right: str, left_name: str, right_name: str
) -> Iterator[str]:
    ours, theirs = _below(context, left), _below(context, right)
    for relative in sorted({**ours, **theirs}, key=text_of):
        context.check()
        names = [
            name + "/" + text_of(relative) if name != "." else text_of(relative)
            for name in (left_name, right_name)
        ]
        if relative not in theirs or relative not in ours:
            only = names[0] if relative in ours else names[1]
            parent = os.path.dirname(relative)
            if not parent or (parent in ours and parent in theirs):  # else its directory was named
                yield "Only in %s: %s\n" % (left_name if relative in ours else right_name, shown(only))
            continue
        kinds = [stat.S_IFMT(mode) for mode in (ours[relative], theirs[relative])]
        one, other = os.path.join(left, relative), os.path.join(right, relative)
        if kinds[0] != kinds[1]:
            yield "%s and %s are of different types\n" % (shown(names[0]), shown(names[1]))
        elif kinds[0] == stat.S_IFLNK:
            if os.readlink(one) != os.readlink(other):
                targets = [shown(text_of(os.readlink(path))) for path in (one, other)]
                yield "Links %s -> %s and %s -> %s differ\n" % (
                    shown(names[0]),
                    targets[0],
                    shown(names[1]),
                    targets[1],
                )
        elif kinds[0] == stat.S_IFREG:
            yield _of_files(context, one, other, names[0], names[1])


def _below(context: Context, path: str) -> Dict[str, int]:
    return {item.relative: item.entry.stat(follow_symlinks=False).st_mode for item in Walk(context, path)}


def _of_files(context: Context, left: str, right: str, left_name: str, right_name: str) -> str:
    import difflib
    import filecmp

    if filecmp.cmp(left, right, shallow=False):
        return ""
    names = shown(left_name), shown(right_name)
    old, new = (
        decode(read_bytes(context, path, name)) for path, name in ((left, left_name), (right, right_name))
    )
    if old is None or new is None:
        return "Binary files %s and %s differ\n" % names
    if old.text == new.text:
        return "Files %s and %s differ in their encoding only\n" % names
    if max(old.text.count("\n"), new.text.count("\n")) > _MOST_LINES:
        by_program = _by_program(context, left, right, names)
        if by_program is not None:
            return by_program
    lines = difflib.unified_diff(_lines(old.text), _lines(new.text), *names)
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> List[str]:
    """Lines with their ends; only a line feed ends one."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _communicated(context: Context, program: "subprocess.Popen[bytes]") -> bytes:
    while True:
        try:
            return program.communicate(timeout=0.05)[0]
        except subprocess.TimeoutExpired:
            context.check()


def _by_program(context: Context, left: str, right: str, names: "tuple[str, str]") -> Optional[str]:
    """What `diff -u` says, or None when there is no such program."""
    if shutil.which("diff") is None:
        return None
    mark = uuid.uuid4().hex
    context.on_cancel(lambda: TREE.kill(mark))
    argv = ["diff", "-u", "--text", "--label", names[0], "--label", names[1], "--", left, right]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    program = TREE.start(argv, mark, environment(context), cwd="/", **options)
    try:
        output = _communicated(context, program)
    finally:
        TREE.kill(mark)
        program.wait()
        TREE.ended(program)
        if program.stdout is not None:
            program.stdout.close()
    decoded = decode(output)
    return decoded.text if decoded is not None and program.returncode == 1 else None
