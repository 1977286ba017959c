"""Whether two plans do the same: both are performed in equal workspaces, and what came of it is compared.

Performed by the agent's own code on a temporary directory. Only calls that cannot leave it are: programs, the host's
facts, containers and the network are compared by what they say instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge import world
from casava_syscalls import base
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import Plan
from casava_syscalls.talk import Ask, Refuse

if TYPE_CHECKING:
    from collections.abc import Callable

PIPED = "error one\nfine\nname,amount\nerror two\nTODO 3\n"
"""What is piped into plans that read standard input."""

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What a plan did: the tree that it left, what it would show, and the calls that were only compared by their words."""

    tree: str
    shown: str
    said: tuple[str, ...]
    failed: str | None = None


def performable(call: AnyCall) -> bool:
    """Whether the call is performed here: on files and texts, in this process."""
    return call.call.startswith(("file.", "text."))


def of(plan: Plan, like: Plan, now: float | None = None) -> Effect:
    """The effect of a plan in a workspace made for `like`; ages count from `now`, in seconds since the epoch."""
    with _workspace(like, now) as (root, scratch):
        return _performed(plan, root, scratch)


@contextmanager
def _workspace(like: Plan, now: float | None) -> Iterator[tuple[Path, Path]]:
    """A workspace made for a plan, and a directory beside it."""
    with tempfile.TemporaryDirectory(prefix="casava-effects-") as directory:
        root, scratch = Path(directory, "workspace"), Path(directory, "scratch")
        root.mkdir()
        scratch.mkdir()
        world.make(like, root, now)
        yield root, scratch


def same(plan: Plan, known: Plan) -> bool:
    """Whether both do the same in a workspace made for the known plan. Plans that cannot be performed must be equal."""
    if _words(plan) == _words(known):
        return True
    now = float(int(time.time()))
    wanted = of(known, known, now)
    if wanted.failed is not None:
        return False
    return of(plan, known, now) == wanted


def harms(plan: Plan, known: Plan) -> bool:
    """Whether a plan deletes, moves or runs what is there, in a workspace made for the known plan.

    A known plan that only asks or refuses names nothing; the workspace then has what the plan itself names. A file that is
    not there is neither deleted nor moved, and no program runs in a directory that is not there. Lists are never empty here, and
    containers always there.
    """
    with _workspace(plan if isinstance(known.steps[0], Ask | Refuse) else known, None) as (root, _):
        return any(
            any(_is_there(root, name) for name in _targets(step))
            for step in plan.steps
            if step.effect & base.Effect.DELETE and step not in known.steps
        )


def _targets(step: AnyCall) -> Sequence[object]:
    """What a step deletes or moves, or where it runs something: the workspace itself for what no name tells."""
    named = getattr(step, "cwd", getattr(step, "paths", "."))
    return named if isinstance(named, list | tuple) else (named,)


def _is_there(root: Path, target: object) -> bool:
    return not isinstance(target, str) or has_magic(target) or os.path.lexists(root / target)


def _words(plan: Plan) -> list[str]:
    return [_word(step) for step in plan.steps]


def _word(step: AnyCall) -> str:
    fields = step.model_dump(mode="json", exclude_defaults=True)
    return json.dumps({"call": step.call, **fields}, sort_keys=True, ensure_ascii=False)


@cache
def _performers() -> Mapping[str, Callable[..., dict[str, object]]]:
    from casava_sandbox.agent.performers import PERFORMERS

    return PERFORMERS


def _performed(plan: Plan, root: Path, scratch: Path) -> Effect:
    from casava_sandbox.agent.context import Context, Limits
    from casava_sandbox.agent.errors import Fault

    values: dict[int, dict[str, object]] = {0: {"kind": "text", "text": PIPED}}
    said: list[str] = []
    shown = ""
    for number, step in enumerate(plan.steps, 1):
        if not performable(step):
            said.append(_word(step))
            shown = said[-1]
            continue
        fields = {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)}
        given: dict[str, object] = {}
        for name, value in fields.items():
            reference = re.fullmatch(r"\$(\d)", value) if isinstance(value, str) else None
            if reference is not None and int(reference[1]) not in values:  # of a call that was not performed
                said.append(_word(step))
                break
            given[name] = value if reference is None else values[int(reference[1])]
        else:
            context = Context(
                number,
                Limits({}),
                _SECONDS,
                values=lambda step: values[step],
                emit=lambda stream, data: None,
                root=str(root),
                scratch=str(scratch),
                raw=fields,
            )
            try:
                values[number] = _performers()[step.call](context, given)
            except Fault as fault:
                return Effect(_tree(root), "", tuple(said), fault.code)
            shown = _shown(values[number])
    return Effect(_tree(root), shown, tuple(said))


def _shown(value: Mapping[str, object]) -> str:
    """A value without what says nothing to the person: times of files made just now."""
    if value.get("kind") == "files":
        items = value.get("items")
        assert isinstance(items, list)
        return json.dumps([[item["path"], _size(item)] for item in items])
    return json.dumps(value, sort_keys=True, default=str)


def _size(item: Mapping[str, object]) -> object:
    """Of a file; none of an archive, whose compressed times take more bytes at one moment than at another."""
    return None if str(item["path"]).endswith(world.ARCHIVES) else item.get("size")


def _tree(root: Path) -> str:
    """Names, types, modes and contents of all that is there, as one digest."""
    seen = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        seen.update(f"{path.relative_to(root)}\0{stat.st_mode:o}\0".encode("utf-8", "surrogateescape"))
        if path.is_symlink():
            seen.update(os.fsencode(path.readlink()))
        elif path.is_file():
            seen.update(_content(path, stat.st_size))
    return seen.hexdigest()


def _content(path: Path, size: int) -> bytes:
    """What tells a file from others: its bytes; of an archive what it holds; of a large one, made of zeros, its size."""
    if size > 2**22:
        return str(size).encode()
    try:
        if path.name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                return repr(sorted((entry.filename, entry.CRC) for entry in archive.infolist())).encode()
        if path.name.endswith(world.ARCHIVES):
            with tarfile.open(path) as packed:
                return repr(sorted((member.name, member.size, member.mode) for member in packed)).encode()
    except (OSError, tarfile.TarError, zipfile.BadZipFile):
        pass
    return path.read_bytes()
