"""What a process tells, as plain sentences: for screen readers, for terminals that cannot draw, and for pipes.

No signs, no colours, no boxes: each line is a sentence or a numbered item that can be read aloud as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from casava_os.errors import ExitCode
from casava_os.kernel.events import Finished, PlanStep
from casava_os.kernel.policy import Verdict
from casava_os.kernel.ports import Change
from casava_os.shell.wording import effect_words, privileges_text, seconds_text, size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err
from casava_syscalls.values import Question, Refusal

MOST_CHANGES = 40
"""Changes that are read out; the rest is counted."""

_EFFECTS = {
    "read": "reads",
    "write": "writes files",
    "delete": "deletes",
    "execute": "runs a program",
    "network": "uses the network",
    "host": "acts on this machine",
    "provision": "starts machines or containers",
    "move": "moves files",
    "rename": "renames files",
    "run": "runs a program, which may change files",
}
_CHANGES = {
    "added": "add",
    "changed": "change",
    "deleted": "delete",
    "mode": "set the mode of",
    "renamed": "rename",
}


def listed(words: Sequence[str]) -> str:
    """Words as a person lists them: "a, b and c"."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def step_sentence(step: PlanStep, verdict: Verdict) -> str:
    """One step of a plan with what it does and what policy says to it."""
    does = (
        listed([_EFFECTS.get(word, word) for word, _ in effect_words(step.call.get("call"), step.effects)])
        or "does nothing"
    )
    told = f"{step.number}. {visible(step.line)}. It {does}."
    if verdict.decision == "deny":
        return f"{told} Policy denies it: {visible(verdict.reason)}."
    if verdict.decision == "ask":
        return f"{told} You will be asked."
    return told


def change_sentence(number: int, change: Change) -> str:
    """One change."""
    kind = {"directory": "folder ", "link": "link "}.get(change.type, "")
    name = visible(change.path)
    if change.action == "renamed":
        told = f"rename {kind}{visible(change.source or '')} to {name}"
    else:
        told = f"{_CHANGES[change.action]} {kind}{name}"
    if change.target is not None:
        told += f", which points to {visible(change.target)}"
    if change.action == "mode":
        told += f" from {change.mode_before} to {change.mode}"
    elif change.type == "file" and change.action != "renamed":
        if change.action == "changed" and change.size is not None and change.size_before is not None:
            told += f", {size_text(change.size_before)} becomes {size_text(change.size)}"
        elif (size := change.size if change.size is not None else change.size_before) is not None:
            told += f", {size_text(size)}"
    if privileges := privileges_text(change):
        told += f". Careful: it would run as its owner, {privileges}"
    return f"{number}. {told}."


def changes_sentences(changes: Sequence[Change], head: str) -> Iterator[str]:
    """A changeset."""
    what = "1 change" if len(changes) == 1 else f"{len(changes):,} changes"
    yield f"{head}, {what}:"
    for number, change in enumerate(changes[:MOST_CHANGES], 1):
        yield change_sentence(number, change)
    if (more := len(changes) - MOST_CHANGES) > 0:
        yield f"And {more:,} more."


def error_sentences(err: Err) -> Iterator[str]:
    """A failure: title, sentence, next step."""
    yield f"Error: {visible(err.title).rstrip('.')}."
    for line in err.message.splitlines():
        yield visible(line)
    if err.hint:
        yield f"What to do: {visible(err.hint)}"


def ending_sentence(event: Finished, told: str, *, plans: int = 0) -> str:
    """How a process ended; `told` is what became of its changes, as an earlier event said it.

    `plans`: how many a question stands for, to be chosen by number.
    """
    pid = event.pid
    took = sum(seconds for part, seconds in event.timings.items() if part != "total")
    time = f" It took {seconds_text(took)}." if took >= 1 else ""
    match event.state:
        case "committed":
            return f"Applied: {told}. To take it back, type /undo {pid}.{time}"
        case "held":
            return f"Held: {told}. Type /commit {pid} to apply it, /discard {pid} to discard it.{time}"
        case "undone":
            return f"Undone: {told}."
        case "discarded":
            return f"Discarded: {told}. Nothing changed."
        case "cancelled":
            return "Cancelled. Nothing was changed."
        case "done" if isinstance(event.value, Question) and plans:
            numbers = "1" if plans == 1 else f"a number from 1 to {plans}"
            return f"A question for you. Nothing ran. Answer {numbers}, or ask in other words."
        case "done" if isinstance(event.value, Question):
            return "A question for you. Nothing ran. Ask again in full."
        case "done" if isinstance(event.value, Refusal):
            return "This cannot be done. Nothing ran."
        case "done" if event.exit_code == ExitCode.NOT_UNDERSTOOD:
            return "Not understood. Nothing ran."
        case "done":
            return f"Done.{time}"
        case "failed" if event.exit_code == ExitCode.APPROVAL_NEEDED:
            return "Not approved. Nothing ran."
        case _:
            return f"It failed.{time}"
