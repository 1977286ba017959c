"""The proof of a translation: command and plan, each in a workspace of its own, come to the same."""

from __future__ import annotations

import tempfile
import time
import zlib
from pathlib import Path

from casava_os.forge.people import compare, jail, perform, shell, workspace
from casava_os.forge.people.errors import Different
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.shell import Command

STDIN = "pear 3\napple 12\nplum 7\napple 12\nfig, 2\n12 30\n7 1\npear 3\n"
"""What is piped into plans that read standard input."""


def prove(draft: Draft, commands: tuple[Command, ...]) -> None:
    """Raises `Different` unless both come to the same, twice, in different workspaces."""
    request = draft.said.request
    plan = perform.plan_of(request, draft.surface(), reads_stdin=draft.needs.stdin)
    if plan is None:
        raise Different("the plan is none")
    line = shell.command_line(commands, exact="iname" in draft.relaxed)
    stdin = STDIN if draft.needs.stdin else "y\n" * 100
    with tempfile.TemporaryDirectory(prefix="casava-people-") as directory:
        commanded, planned, scratch = (Path(directory, name) for name in ("commanded", "planned", "scratch"))
        now, seed = time.time(), zlib.crc32(request.encode())
        for place in (commanded, planned):
            place.mkdir()
            try:
                workspace.fill(draft.needs, place, now, seed)
            except (ValueError, OSError) as why:
                raise Different("no workspace for it") from why
        scratch.mkdir()
        times = "file.touch" in compare.calls_of(draft)
        before = compare.tree(commanded, times=times)
        ran = jail.run(line, commanded, stdin)
        if ran.code == 124:
            raise Different("the command does not end")
        if ran.err.strip() and not ran.out.strip() and compare.tree(commanded) == before:
            raise Different("the command fails")
        done = perform.perform(plan, planned, scratch, stdin)
        if done.failed is not None:
            raise Different(f"the plan fails: {done.failed}")
        if compare.changes(draft):
            if compare.tree(commanded, times=times) == before:
                raise Different("the command changes nothing")
        elif not ran.out.strip():
            raise Different("the command prints nothing")
        if (what := compare.difference(draft, ran, done.value, commanded, planned)) is not None:
            raise Different(what)
