"""Keeps the undo store within its budget: the oldest commits are forgotten first, the newest never."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from casava_sandbox.layer.intents import pending, undo_dir
from casava_sandbox.layer.objects import Objects
from casava_sandbox.layer.record import Record, appearing, forget, load_record, remembered
from casava_sandbox.layer.trash import trash_path

_DAY = 86_400.0
_PATIENCE = 10.0  # seconds of compressing at a time
_BLOCK = 4096  # of a file system, in bytes: less is not won


@dataclass(frozen=True, slots=True)
class Budget:
    """How much undo keeps."""

    size: int = 4 * 2**30
    """Bytes on disk."""
    age: float = 30 * _DAY
    """Seconds since the commit."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was forgotten."""

    pids: tuple[int, ...] = ()
    size: int = 0
    """Bytes on disk that stay."""


def due(state: str, budget: Budget) -> bool:
    """Whether it is time to look: the store has grown past its budget, or a day has passed (or the clock was set)."""
    path = os.path.join(state, "undo", "size")
    try:
        looked = os.path.join(state, "undo", "pruned")
        since = time.time() - os.lstat(looked).st_mtime
        with open(path, encoding="ascii") as file:
            return int(file.read() or 0) > budget.size or not 0 <= since < _DAY
    except (OSError, ValueError):
        return True


def prune(state: str, budget: Budget) -> Pruned | None:
    """Forgets what is beyond the budget, and contents that nobody needs. None when somebody is at work just now."""
    objects = Objects(state)
    if not os.path.isdir(os.path.join(state, "undo")):
        return Pruned()
    with objects.alone() as alone:
        if not alone:
            return None
        for name in os.listdir(os.path.join(state, "undo", "intents")):
            if name.endswith(".new"):  # its writer was killed
                os.unlink(os.path.join(state, "undo", "intents", name))
        busy = {intent.pid for _, intent in pending(state)}
        records: list[Record] = []
        for pid in remembered(state):
            try:
                record = load_record(state, pid)
            except ValueError:  # damaged: what it needs is not known, so nothing is swept below
                return None
            if record is not None:
                records.append(record)
        records.sort(key=lambda record: record.sequence)
        gone = _too_much(state, records, budget, busy, objects)
        live = {digest for record in records if record.pid not in gone for digest in record.kept()}
        for pid in busy:
            live |= _needed(state, pid)
        size = objects.sweep(live, busy, trash_path(state))
        _note(state, size)
        return Pruned(tuple(sorted(gone)), size)


def _too_much(
    state: str, records: list[Record], budget: Budget, busy: set[int], objects: Objects
) -> set[int]:
    """Forgets commits, the oldest first, until the rest fits; answers which."""
    sizes: dict[str, int] = {}
    users: Counter[str] = Counter()
    for record in records:
        for digest, size in record.kept().items():
            users[digest] += 1
            if digest not in sizes:
                path = objects.find(digest, size)
                sizes[digest] = 0 if path is None else os.lstat(path).st_blocks * 512
    total, gone = sum(sizes.values()), set[int]()
    total -= _squeezed(records, sizes, total - budget.size, objects)
    for record in records[:-1]:
        old = time.time() - record.at > budget.age
        if record.pid in busy or (total <= budget.size and not old):
            continue
        forget(state, record.pid)
        gone.add(record.pid)
        for digest in record.kept():
            users[digest] -= 1
            if not users[digest]:
                total -= sizes[digest]
    return gone


def _squeezed(records: list[Record], sizes: dict[str, int], excess: int, objects: Objects) -> int:
    """Compresses the oldest contents until the excess is gone, for a while at most; answers the bytes won."""
    won, until = 0, time.monotonic() + _PATIENCE
    for record in records:
        for digest, size in record.kept().items():
            if won >= excess or time.monotonic() > until:
                return won
            if sizes[digest] > _BLOCK:
                less = objects.squeeze(digest, size)
                sizes[digest] -= less
                won += less
    return won


def _needed(state: str, pid: int) -> set[str]:
    """Contents that an unfinished transaction may still need."""
    needed: set[str] = set()
    for name in ("record.json", "next.json"):
        with suppress(FileNotFoundError), open(os.path.join(undo_dir(state, pid), name), "rb") as file:
            text = file.read()
            for purpose in ("undo", "redo"):
                tree = appearing(text, purpose)
                needed |= {kept.text for kept in tree.values() if kept.kind == "file" and kept.text}
    return needed


def _note(state: str, size: int) -> None:
    for name, text in (("size", str(size)), ("pruned", "")):
        path = os.path.join(state, "undo", name)
        with (
            suppress(OSError),
            open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file,
        ):
            file.write(text)
    with suppress(OSError):
        os.utime(os.path.join(state, "undo", "pruned"))
