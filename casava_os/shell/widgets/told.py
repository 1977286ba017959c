"""What a block knows of its process so far, and how that reads: the line at its end, its failures, its details."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from textual.content import Content

from casava_os.errors import ExitCode
from casava_os.kernel.events import Compiled, SandboxReady
from casava_os.kernel.ports import Change
from casava_os.shell.marks import Marks
from casava_os.shell.wording import seconds_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err

_COMMAND = re.compile(r"\bcasava-os (log|undo|commit|discard)\b")


@dataclass(slots=True)
class Told:
    """What the events told."""

    phase: str = "starting"
    """What happens now, while it runs."""
    state: str = ""
    """The last state; empty while it runs for the first time."""
    ending: str = ""
    """What became of its changes."""
    outcome: str = ""
    """What came instead of a plan, in a few words."""
    exit_code: int = 0
    seconds: float | None = None
    """Of work; waiting for the person is none."""
    compiled: Compiled | None = None
    sandbox: SandboxReady | None = None
    changes: tuple[Change, ...] = ()
    streamed: set[int] = field(default_factory=set)
    """Steps whose output came while they ran."""
    rest: int = 0
    """The process that holds what was left out of this one, until it is shown."""

    def take_rest(self) -> int:
        """That process, once; 0 when there is none."""
        rest, self.rest = self.rest, 0
        return rest


def status_content(told: Told, marks: Marks, running: float | None, pid: int) -> Content:
    """The line at the end of a block. `running`: seconds since what runs began; None when nothing does."""
    if running is not None:
        waits = told.phase.startswith("waits")
        sign = marks.waits if waits else marks.busy[int(running / 0.15) % len(marks.busy)]
        style = "$text-warning" if waits else "$text-primary"
        clock = "" if waits else f"  {seconds_text(running)}" if running >= 1 else ""
        return Content.assemble((f"{sign} ", style), (told.phase, style), (clock, "$text-muted"))
    sign, style, words = _ending(told, marks)
    parts: list[str | tuple[str, str]] = [(f"{sign} ", style), (words, style)]
    if told.state == "committed":
        parts += [("  take it back with ", "$text-muted"), (f"/undo {pid}", "$text-primary")]
    elif told.state == "held":
        parts += ["\n  ", (f"/commit {pid}", "$text-primary"), (" applies it, ", "$text-muted")]
        parts += [(f"/discard {pid}", "$text-primary"), (" discards it", "$text-muted")]
    if told.seconds is not None:
        parts.append((f"  {seconds_text(told.seconds)}", "$text-muted"))
    return Content.assemble(*parts)


def _ending(told: Told, marks: Marks) -> tuple[str, str, str]:
    """Sign, style and words of how it ended."""
    ending = visible(told.ending)
    match told.state:
        case "committed":
            return marks.done, "$text-success", ending or "applied"
        case "held":
            return marks.waits, "$text-warning", f"held: {ending}"
        case "discarded":
            return marks.skipped, "$text-muted", f"discarded: {ending}; nothing changed"
        case "undone":
            return marks.undone, "$text-success", f"undone: {ending}"
        case "cancelled":
            return marks.skipped, "$text-muted", f"cancelled: {ending}" if ending else "cancelled"
        case "done" if told.exit_code == 0:
            return marks.done, "$text-success", "done"
        case "done":
            return marks.waits, "$text-warning", f"{told.outcome or 'not understood'}; nothing ran"
        case "failed" if told.exit_code == ExitCode.APPROVAL_NEEDED:
            return marks.skipped, "$text-muted", f"not approved: {ending}"
        case "":
            return marks.failed, "$text-error", "ended"
        case _:
            return marks.failed, "$text-error", f"{told.state}{f': {ending}' if ending else ''}"


def here(hint: str) -> str:
    """A next step with the shell's own commands: "/log" for "casava-os log"."""
    return _COMMAND.sub(r"/\1", hint)


def error_content(err: Err, marks: Marks) -> Content:
    """A failure: title, sentence, next step."""
    parts: list[str | tuple[str, str]] = [(f"{marks.failed} {visible(err.title)}", "bold $text-error")]
    if err.message:
        parts += [f"\n  {visible(err.message, keep=chr(10))}"]
    if err.hint:
        parts += [("\n  " + marks.to + " ", "$text-muted"), (visible(here(err.hint)), "$text-primary")]
    return Content.assemble(*parts)


def details_content(told: Told, pid: int) -> Content | None:
    """How the process was run, for who wants to know; None when nothing is known yet."""
    lines: list[str] = []
    if (compiled := told.compiled) is not None:
        if compiled.model:
            sure = "" if compiled.confidence is None else f", {compiled.confidence:.0%} sure"
            lines.append(f"plan: {compiled.model}{sure}, {seconds_text(compiled.seconds)}")
        lines.append(f"sha256: {compiled.sha256}")
    if (sandbox := told.sandbox) is not None:
        promises = ", ".join(f"{name} {value}" for name, value in sandbox.verified.items())
        lines.append(f"sandbox: {sandbox.driver}; {promises}")
        lines += [f"warning: {warning}" for warning in sandbox.warnings]
    if pid:
        lines.append(f"process: {pid}")
    return Content.styled(visible("\n".join(lines), keep="\n"), "$text-muted") if lines else None
