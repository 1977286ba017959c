"""What killed processes left: half a commit is ended, and the journal hears of what landed and was not written down."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass

from casava_sandbox.layer.files import failure
from casava_sandbox.layer.intents import notes_dir, pending
from casava_sandbox.layer.steps import Intent, Purpose
from casava_sandbox.layer.transaction import settle_one
from casava_syscalls.results import Err, Ok, Result

_DAMAGED = Err(
    code="failed",
    title="Damaged intent",
    message="The record of an unfinished commit cannot be read",
    hint="Keep a copy of undo/intents in the state directory, then move the damaged file away: it said what was under way",
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What recovery did."""

    pids: tuple[int, ...] = ()
    """Processes whose commit, undo or redo was ended: rolled back or forward."""
    troubles: tuple[Err, ...] = ()
    """What could not be ended now. Nothing is lost; only commits to those workspaces wait for it."""

    @property
    def ok(self) -> bool:
        return not self.troubles


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A transaction that landed, and the program of the operating system that was to write that down."""

    pid: int
    purpose: Purpose
    owner: int
    born: str


def recover(state: str) -> Recovered:
    """Ends every transaction whose owner is gone. Never raises; one that cannot be ended stops no other."""
    done: list[int] = []
    troubles: list[Err] = []
    try:
        known = [intent.pid for _, intent in pending(state)]
    except ValueError:
        return Recovered(troubles=(_DAMAGED,))
    except OSError as problem:
        return Recovered(troubles=(failure(problem, "looking for unfinished commits"),))
    for pid in dict.fromkeys(known):
        try:
            if settle_one(state, pid, wait=False) is not None:
                done.append(pid)
        except OSError as problem:
            told = failure(problem, f"putting back what process {pid} left unfinished")
            hint = "Nothing is lost: the next start of Casava OS takes it up again"
            troubles.append(told.model_copy(update={"hint": hint}))
        except ValueError:
            continue
    return Recovered(tuple(done), tuple(troubles))


def unfinished(state: str) -> Result[list[Intent]]:
    """The transactions that are not at their end, as they stand on disk; nothing is done about them."""
    try:
        return Ok(value=[intent for _, intent in pending(state)])
    except ValueError:
        return _DAMAGED
    except OSError as problem:
        return failure(problem, "looking for unfinished commits")


def unsettled(state: str) -> list[Unsettled]:
    """What landed since the journal was last brought up to date, the oldest process first."""
    found: list[Unsettled] = []
    with suppress(OSError):  # what cannot be read here is told when something is to land
        for name in os.listdir(notes_dir(state)):
            with (
                suppress(OSError, ValueError, KeyError, TypeError),
                open(os.path.join(notes_dir(state), name), "rb") as file,
            ):
                note = json.loads(file.read())
                found.append(
                    Unsettled(
                        int(name.partition(".")[0]), note["purpose"], int(note["owner"]), str(note["born"])
                    )
                )
    return sorted(found, key=lambda one: one.pid)
