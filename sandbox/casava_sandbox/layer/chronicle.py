"""The commits that can be taken back or landed again, in the order in which they landed."""

from __future__ import annotations

import os
from contextlib import suppress

from pydantic import BaseModel, ConfigDict

from casava_sandbox.layer.record import load_record, remembered


class Remembered(BaseModel):
    """One commit that the undo store still has."""

    model_config = ConfigDict(frozen=True)

    pid: int
    sequence: int
    """Later commits have greater ones."""
    at: float
    """When it landed, seconds since the epoch."""
    workspace: str
    summary: str
    undone: bool
    kept_bytes: int
    """Size of the contents that are kept for the way back (or there again); equal ones are stored once, compressed."""


def chronicle(state: str) -> list[Remembered]:
    """All of them, the newest first. A record that cannot be read is left out."""
    found = []
    for pid in remembered(os.path.abspath(state)):
        with suppress(OSError, ValueError):
            record = load_record(state, pid)
            if record is not None:
                found.append(
                    Remembered(
                        pid=pid,
                        sequence=record.sequence,
                        at=record.at,
                        workspace=record.workspace,
                        summary=record.changeset.summary(),
                        undone=record.undone,
                        kept_bytes=sum(record.kept().values()),
                    )
                )
    return sorted(found, key=lambda one: one.sequence, reverse=True)
