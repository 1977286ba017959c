"""What containers print, under a line that says how it stands: followed from threads that end with the pane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from casava_os.containers.following import LogFollower
from casava_os.shell.widgets.logview import LogLines, LogView
from casava_os.shell.widgets.told import here
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err

MOST_FOLLOWED = 16
"""Containers that are followed at once: each has a thread and a connection."""
EVERY = 0.25
"""Seconds from one look at how it stands to the next."""


@dataclass(frozen=True, slots=True)
class Target:
    """A container to follow."""

    id: str
    name: str = ""
    """What stands before its lines; empty where it is the only one."""
    running: bool = True


@dataclass(slots=True)
class _Followed:
    """One that is followed."""

    target: Target
    follower: LogFollower | None = None
    over: bool = False
    err: Err | None = field(default=None)


class LogPane(Vertical):
    """A head, and the lines."""

    def __init__(self, state: Path) -> None:
        """`state`: the state directory."""
        super().__init__()
        self._state = state
        self._followed: list[_Followed] = []
        self._left_out = 0
        self._said = ""
        self._title = Static("", classes="title", markup=False)
        self.view = LogView(id="log")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self.view

    def on_mount(self) -> None:
        self.set_interval(EVERY, self.tell)

    def on_unmount(self) -> None:
        self.stop()

    def follow(self, targets: Sequence[Target]) -> None:
        """These from now on; those that are followed already go on. One that has ended begins anew when it runs again."""
        wanted = list(targets)[:MOST_FOLLOWED]
        self._left_out = len(targets) - len(wanted)
        same = [(one.id, one.name) for one in wanted] == [
            (one.target.id, one.target.name) for one in self._followed
        ]
        if not same:
            self.stop()
            lines = self.view.begin()
            self._said = "?"
            self._followed = [self._begin(target, lines) for target in wanted]
        else:
            for number, target in enumerate(wanted):
                if (
                    self._followed[number].over
                    and target.running
                    and not self._followed[number].target.running
                ):
                    lines = self.view.lines if len(wanted) > 1 else self.view.begin()
                    self._followed[number] = self._begin(target, lines)
                else:
                    self._followed[number].target = target
        self.tell()

    def _begin(self, target: Target, lines: LogLines) -> _Followed:
        made = _Followed(target)

        def ended(err: Err | None) -> None:
            lines.end(target.name)
            made.err, made.over = err, True

        made.follower = LogFollower(self._state, target.id, partial(lines.feed, target.name), ended)
        return made

    def stop(self) -> None:
        """Nobody is followed any more."""
        for one in self._followed:
            if one.follower is not None:
                one.follower.stop()
        self._followed = []

    @property
    def followers(self) -> list[LogFollower]:
        """The threads at work."""
        return [one.follower for one in self._followed if one.follower is not None and not one.over]

    def on_log_view_changed(self) -> None:
        """Says how it stands."""
        self.tell()

    def tell(self) -> None:
        """The head, when it is another one."""
        if not self.is_attached:
            return
        view, style = self.view, "$text-muted"
        count = view.lines.total
        parts = ["Logs", f"{count:,} {'line' if count == 1 else 'lines'}"] if self._followed or count else []
        problem = next((one.err for one in self._followed if one.err is not None), None)
        if problem is not None:
            parts = ["Logs", visible(f"{problem.title}: {problem.message}"), visible(here(problem.hint))]
            style = "$text-error"
        elif not view.follows:
            parts.append(f"stands still, {view.new:,} new: End follows again" if view.new else "stands still")
        elif any(not one.over for one in self._followed):
            parts.append("follows")
        elif self._followed:
            parts.append("it prints no more" if count else "it printed nothing")
        if self._left_out:
            parts.append(f"{self._left_out} more replicas are not followed")
        said = "   ".join(part for part in parts if part)
        if said != self._said:
            self._said = said
            self._title.update(Content.styled(said, style))
