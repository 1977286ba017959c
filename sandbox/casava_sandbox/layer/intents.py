"""Where the undo store keeps what, and the intents of transactions under way, as they stand on disk."""

from __future__ import annotations

import os
from contextlib import suppress

from casava_sandbox.layer.steps import Intent


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


def note_path(state: str, pid: int) -> str:
    """The note for the journal while its transaction is under way."""
    return os.path.join(undo_dir(state, pid), "note.json")


def intents_dir(state: str) -> str:
    """The intents of transactions that are not at their end."""
    return os.path.join(state, "undo", "intents")


def next_path(state: str, pid: int) -> str:
    """The record that takes the old one's place when its transaction lands."""
    return os.path.join(undo_dir(state, pid), "next.json")


def find_intent(state: str, pid: int) -> tuple[bool, Intent] | None:
    """The intent of a process, and whether it has landed. One that cannot be read raises `ValueError`."""
    for done in (True, False):
        with suppress(FileNotFoundError):
            return done, load_intent(intent_path(state, pid, done=done))
    return None


def intent_path(state: str, pid: int, *, done: bool = False) -> str:
    """The file of an intent, before or after the instant of its commit."""
    return os.path.join(intents_dir(state), f"{pid}.{'done' if done else 'json'}")


def pending(state: str) -> list[tuple[str, Intent]]:
    """The intents on disk, each with its file's name. One that cannot be read raises `ValueError`."""
    found = []
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(intents_dir(state))):
            if name.endswith((".json", ".done")):
                with suppress(FileNotFoundError):
                    found.append((name, load_intent(os.path.join(intents_dir(state), name))))
    return found


def load_intent(path: str) -> Intent:
    """One intent. Raises `ValueError` (pydantic) for a damaged file."""
    with open(path, "rb") as file:
        return Intent.model_validate_json(file.read())
