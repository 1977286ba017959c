"""F7: the containers of this machine: Casava's, and the others on a toggle; what they use and print, and what to do with them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from casava_os.containers.known import seconds_of
from casava_os.containers.looking import left_words
from casava_os.containers.watching import ContainerWatch, Seen
from casava_os.paths import state_dir
from casava_os.shell.background import aside, beside
from casava_os.shell.deeds import container_deed, lease_deed
from casava_os.shell.screens.panel import Panel, Part
from casava_os.shell.standing import clock_text
from casava_os.shell.widgets.logpane import LogPane, Target
from casava_os.shell.widgets.rows import Cell as RowCell
from casava_os.shell.widgets.rows import Column
from casava_os.shell.widgets.told import error_content
from casava_os.shell.widgets.values import value_content
from casava_os.shell.wording import size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err, Result
from casava_syscalls.values import Cell, Facts

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp

MOST_FACTS = 80
"""Facts that are shown of one."""
SOON = 600
"""Seconds of a lease from which on it is told in a colour."""
WHOSE: Mapping[str, str] = {"casava": "Casava", "sandbox": "sandbox", "other": "others"}


class ContainerDetail(Vertical):
    """All that is known of one container, and what it prints."""

    def __init__(self, logs: LogPane) -> None:
        super().__init__(id="container")
        self._facts = Static("", id="facts", markup=False)
        self._logs = logs

    def compose(self) -> Sequence[Widget]:
        return (VerticalScroll(self._facts, classes="facts"), self._logs)

    def tell(self, content: Content) -> None:
        """The facts from now on."""
        self._facts.update(content)


class ContainersScreen(Panel[Seen]):
    """Looking is free; whatever acts is a syscall, and is asked for."""

    WORD = "Containers"
    NAME = "containers"
    LIVE = 1.0
    WORDS = "words of the name, the image, the state"
    COLUMNS = (
        Column("name", 14, rest=True),
        Column("state", 12),
        Column("cpu", 6, right=True),
        Column("memory", 7, right=True),
        Column("limit", 7, right=True, wide=84),
        Column("lease", 12, right=True, wide=62),
        Column("by", 7, wide=70),
        Column("image", 22, wide=110),
        Column("ports", 26, wide=140),
    )
    EMPTY = (
        "Casava has started no container here. Say what you want, like: run redis and keep it private. "
        "A shows the containers of others."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="containers.open", tooltip="All that is known of it, and what it prints."),
        Binding("s", "act('stop')", "Stop", id="containers.stop", tooltip="Stop it; asks first."),
        Binding("t", "act('start')", "Start", id="containers.start", tooltip="Start it again; asks first."),
        Binding("r", "act('restart')", "Restart", id="containers.restart", tooltip="Stop it and start it again; asks first."),
        Binding("x,delete", "act('remove')", "Remove", id="containers.remove", tooltip="Remove it with what was written in it; asks first."),
        Binding("e", "extend", "Extend", id="containers.extend", tooltip="Keep it for longer, from now on; asks first."),
        Binding("f", "stand", "Follow", id="containers.follow", tooltip="Have the log stand still, or follow again."),
        Binding("a", "all", "All", id="containers.all", tooltip="Those of others, too, or Casava's alone."),
        Binding("slash", "filter", "Filter", key_display="/", id="containers.filter", tooltip="Only what has these words."),
        Binding("escape,q,f7", "leave", "Close", id="containers.leave"),
    ]  # fmt: skip

    def __init__(self, shell: ShellApp, begin_with: str = "") -> None:
        super().__init__(shell, begin_with)
        self._watch = ContainerWatch(state_dir())
        self.logs = LogPane(state_dir())
        self._detail = ContainerDetail(self.logs)
        self._everyones = bool(begin_with)
        self._facts_of: tuple[str, str] = ("", "")

    # ------------------------------------------------------------------------------------------ the list

    def look(self) -> Result[list[Seen]]:
        return self._watch.look()

    def name_of(self, row: Seen) -> str:
        return row.name

    def picked(self, words: Sequence[str]) -> list[Seen]:
        """Casava's first, of each those that run, by name."""
        there = [row for row in self.all if self._everyones or row.maker == "casava"]
        found = [row for row in there if all(word in _words_of(row) for word in words)]
        return sorted(found, key=lambda row: (row.maker != "casava", not row.running, row.name))

    def cells(self, row: Seen) -> Sequence[RowCell]:
        foreign = row.maker != "casava"
        return (
            (f"{self.shell.marks.skipped} {row.name}", "muted") if foreign else row.name,
            (state_word(row.state), state_colour(row.state)),
            "" if row.cpu is None else f"{row.cpu:.1f}%",
            "" if row.memory is None else size_text(row.memory),
            ("" if row.limit is None else size_text(row.limit), "muted"),
            lease_cell(row.lease),
            (WHOSE[row.maker], "warning" if foreign else "muted"),
            (row.image, "muted"),
            ", ".join(row.ports),
        )

    def head(self) -> Sequence[Part]:
        mine = [row for row in self.all if row.maker == "casava"]
        others = len(self.all) - len(mine)
        runs = sum(row.running for row in mine)
        parts: list[Part] = [(f"{runs} running", "$text-primary")] if runs else []
        if stopped := len(mine) - runs:
            parts.append((f"{stopped} stopped", "$text-muted"))
        if others and self._everyones:
            parts.append((f"{others} of others, shown", "$text-warning"))
        elif others:
            parts.append((f"{others} of others", "$text-muted"))
        return parts

    def under(self, row: Seen) -> Content:
        whose = {
            "casava": f"process {row.process}: {row.reason}" if row.process else row.reason,
            "sandbox": "one of Casava's sandboxes: a process works in it",
            "other": "not started by Casava: it is acted upon only because you name it",
        }[row.maker]
        ports = ", ".join(row.ports) or "no published port"
        return Content.assemble(
            (visible(row.name), "bold"), f"  {visible(row.image)}  {visible(ports)}\n",
            (visible(whose), "$text-muted" if row.maker == "casava" else "$text-warning"),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ one of them

    def detail(self) -> Widget:
        return self._detail

    def focus_detail(self) -> None:
        self.logs.view.focus()

    async def show_row(self, row: Seen | None) -> None:
        if row is None:
            self.logs.follow([])
            self._facts_of = ("", "")
            self._detail.tell(Content(""))
            return
        self.logs.follow([Target(row.id, "", row.running)])
        if self._facts_of != (row.id, f"{row.state}{row.lease is None}"):
            self._facts_of = (row.id, f"{row.state}{row.lease is None}")
            self.run_worker(self._show_facts(row), group="facts", exclusive=True)

    async def _show_facts(self, row: Seen) -> None:
        found = await beside(lambda: self._watch.facts(row.id))
        if not self.there:
            return
        detail = self._detail
        if isinstance(found, Err):
            detail.tell(error_content(found, self.shell.marks))
            return
        detail.tell(facts_content(found.value, self.shell.workspace))

    def shut(self) -> None:
        self.logs.stop()
        self._watch.cut()
        aside(self._watch.close)

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are shown when they mean something."""
        row = self.chosen if self.is_mounted else None
        mine = row is not None and row.maker == "casava"
        match action, parameters:
            case "act", ("start",):
                return (
                    row is not None and row.maker != "sandbox" and (not row.running or row.state == "paused")
                )
            case "act", ("stop" | "restart",):
                return row is not None and row.maker != "sandbox" and row.running
            case "act", _:
                return row is not None and row.maker != "sandbox"
            case "extend", _:
                return mine
            case "stand", _:
                return self.is_mounted and self.opened and row is not None
            case "open", _:
                return row is not None and not self.has_class("-detail")
            case _:
                return True

    def show_keys(self) -> None:
        """Other keys are meant for what stands still than for what runs."""
        row = self.chosen
        keys = (
            None if row is None else (row.maker, row.running, row.state == "paused"), self.has_class("-detail"), self.both,
        )  # fmt: skip
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def action_act(self, verb: str) -> None:
        """Starts, stops, restarts or removes the one under the cursor, through the kernel."""
        if (row := self.chosen) is not None:
            self.do(container_deed(verb, row.name, running=row.running))

    def action_extend(self) -> None:
        """Keeps it for longer; one of a stack with its stack."""
        if (row := self.chosen) is None:
            return
        name = row.stack or row.name
        what = f"How long should {visible(name)} stay, from now on?"
        self.ask_for(what, "2 hours", lambda span: self.do(lease_deed(name, span)))

    def action_stand(self) -> None:
        """The log stands still, or follows again."""
        self.logs.view.action_stand()

    def action_all(self) -> None:
        """With those of others, or without them."""
        self._everyones = not self._everyones
        self.lay_out()


def state_word(state: str) -> str:
    """A container's state, short: of one that runs and has a health check, its health."""
    found = re.fullmatch(r"running \((?:health: )?(.+)\)", state)
    return found[1] if found is not None else state


def facts_content(facts: Facts, workspace: Path) -> Content:
    """What is known of a container, as a person reads it."""
    said: dict[str, Cell] = {}
    for name, fact in facts.items.items():
        if name in ("created", "started", "finished") and (moment := seconds_of(fact)) is not None:
            said[name] = clock_text(moment, time.time())
        elif name == "memory_limit" and isinstance(fact, int):
            said["memory limit"] = size_text(fact)
        elif fact is not None:
            said[name.replace("_", " ") if not name.startswith("env ") else name] = fact
    content, left = value_content(Facts(items=said), workspace, rows=MOST_FACTS)
    return content + Content.styled(f"\n{left} more facts", "$text-muted") if left else content


def state_colour(state: str) -> str:
    """The colour of a container's or a service's state."""
    word = state.partition(" ")[0]
    if "unhealthy" in state or word in ("dead", "failed", "missing", "unknown", "partial"):
        return "error"
    if word in ("starting", "restarting", "paused", "asleep", "removing") or "starting" in state:
        return "warning"
    if word in ("exited", "created", "stopped", "completed", "down,"):
        return "error" if state.startswith("exited (") and state != "exited (0)" else "muted"
    return "success"


def lease_cell(left: float | None) -> RowCell:
    """What is left of a lease, for a list."""
    if left is None:
        return ""
    return ("ends now", "warning") if left <= 0 else (left_words(left), "warning" if left < SOON else "")


def _words_of(row: Seen) -> str:
    return f"{row.name} {row.image} {row.state} {row.stack or ''} {WHOSE[row.maker]} {row.reason}".casefold()
