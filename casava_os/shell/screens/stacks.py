"""F8: the stacks: how each of their services is, what it uses and what would fit it, what it prints, and what to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from casava_os.containers.leases import now
from casava_os.containers.watching import ContainerWatch, Seen
from casava_os.infra.docker.marks import REPLICA, RESOURCE
from casava_os.infra.drivers import ServiceState
from casava_os.infra.performing import engine_of
from casava_os.paths import state_dir
from casava_os.shell.background import aside
from casava_os.shell.deeds import destroy_deed, lease_deed, scale_deed
from casava_os.shell.screens.containers import lease_cell, state_colour
from casava_os.shell.screens.panel import Panel, Part
from casava_os.shell.standing import clock_text
from casava_os.shell.widgets.logpane import LogPane, Target
from casava_os.shell.widgets.rows import Cell, Column
from casava_os.shell.widgets.stackdetail import ServiceList, Stack, StackDetail
from casava_os.shell.widgets.told import error_content
from casava_os.shell.wording import size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.shell.app import ShellApp


class StacksScreen(Panel[Stack]):
    """What stacks do is told by the engine that made them; whatever acts is a syscall, and is asked for."""

    WORD = "Stacks"
    NAME = "stacks"
    LIVE = 2.0
    WORDS = "words of the name, the state, a service"
    COLUMNS = (
        Column("stack", 12, rest=True),
        Column("state", 15),
        Column("services", 8, right=True),
        Column("memory", 7, right=True, wide=66),
        Column("watts", 6, right=True, wide=104),
        Column("drift", 8, right=True, wide=74),
        Column("lease", 12, right=True, wide=56),
        Column("since", 16, wide=120),
    )
    EMPTY = (
        "No stack is set up here. Say what you want, like: set up postgres for 2 hours; "
        "casava-os stack catalog lists what there is."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="stacks.open", tooltip="Its services, and what they print."),
        Binding("e", "extend", "Extend", id="stacks.extend", tooltip="Keep it for longer, from now on; asks first."),
        Binding("s", "scale", "Scale", id="stacks.scale", tooltip="More or fewer replicas of a service; asks first."),
        Binding("x", "destroy(False)", "Take down", id="stacks.destroy", tooltip="Take it down; its data stays. Asks first."),
        Binding("delete", "destroy(True)", "With data", id="stacks.wipe", tooltip="Take it down with its data; asks first."),
        Binding("f", "stand", "Follow", id="stacks.follow", tooltip="Have the log stand still, or follow again."),
        Binding("slash", "filter", "Filter", key_display="/", id="stacks.filter", tooltip="Only what has these words."),
        Binding("escape,q,f8", "leave", "Close", id="stacks.leave"),
    ]  # fmt: skip

    def __init__(self, shell: ShellApp, begin_with: str = "") -> None:
        super().__init__(shell, begin_with)
        self._engine = engine_of(state_dir())
        self._watch = ContainerWatch(state_dir())
        self.logs = LogPane(state_dir())
        self.services = ServiceList(ServiceList.COLUMNS, shell.marks, id="services")
        self._detail = StackDetail(self.services, self.logs)
        self._shown: tuple[ServiceState, ...] = ()

    # ------------------------------------------------------------------------------------------ the list

    def look(self) -> Result[list[Stack]]:
        try:
            found = self._engine.status()
        finally:
            self._engine.close()
        if isinstance(found, Err):
            return found
        if not found.value:
            return Ok(value=[])
        seen = self._watch.look()
        there = seen.value if isinstance(seen, Ok) else []
        return Ok(
            value=[Stack(one, tuple(row for row in there if row.stack == one.name)) for one in found.value]
        )

    def name_of(self, row: Stack) -> str:
        return row.name

    def picked(self, words: Sequence[str]) -> list[Stack]:
        """By name."""
        return [row for row in self.all if all(word in _words_of(row) for word in words)]

    def cells(self, row: Stack) -> Sequence[Cell]:
        memory = [one.memory for one in row.services if one.memory is not None]
        watts = [one.watts for one in row.services if one.watts is not None]
        well = sum(one.state in ("running", "completed") for one in row.services)
        begun = row.told.begun
        return (
            row.name,
            (row.state, state_colour(row.state)),
            f"{well}/{len(row.services)}" if row.services else "",
            size_text(sum(memory)) if memory else "",
            f"{sum(watts):.1f}" if watts else "",
            (f"{len(row.drift)}", "warning") if row.drift else "",
            lease_cell(row.lease),
            "" if begun is None else clock_text(begun, now().wall),
        )

    def head(self) -> Sequence[Part]:
        well = sum(row.state in ("running", "completed") for row in self.all)
        down = sum(row.down for row in self.all)
        ill = len(self.all) - well - down
        said = (
            (well, "well", "$text-success"),
            (ill, "not well", "$text-error"),
            (down, "down", "$text-muted"),
        )
        return [(f"{count} {words}", style) for count, words, style in said if count]

    def under(self, row: Stack) -> Content:
        state = row.told.state
        if isinstance(state, Err):
            said, style = str(state), "$text-error"
        elif row.drift:
            said, style = f"not as the spec says: {'; '.join(row.drift)}", "$text-warning"
        elif row.down and row.told.record is not None:
            said, style = f"kept: {', '.join(row.told.record.kept)}", "$text-muted"
        else:
            said, style = row.reason, "$text-muted"
        ports = ", ".join(port for one in row.services for port in one.ports) or row.told.driver
        return Content.assemble((visible(row.name), "bold"), f"  {visible(ports)}\n", (visible(said), style))

    # ------------------------------------------------------------------------------------------ one of them

    def detail(self) -> Widget:
        return self._detail

    def focus_detail(self) -> None:
        self.services.focus()

    async def show_row(self, row: Stack | None) -> None:
        if row is None:
            self._shown = ()
            self.services.show(0, self._service_cells, cursor=0)
            self._detail.head.update("")
            self._tell_service()
            return
        before = self._service
        self._shown = row.services
        names = [one.service for one in self._shown]
        at = names.index(before.service) if before is not None and before.service in names else 0
        self.services.show(len(self._shown), self._service_cells, cursor=at)
        self.services.styles.height = min(len(self._shown), 8) + 1
        head = self._detail.head
        if isinstance(row.told.state, Err):
            head.update(error_content(row.told.state, self.shell.marks))
        else:
            head.update(
                Content.assemble((visible(row.name), "bold"), "  ", (visible(row.reason), "$text-muted"))
            )
        self._tell_service()

    def _service_cells(self, number: int) -> Sequence[Cell]:
        one = self._shown[number]
        copies = f"{one.running}" if one.wanted is None else f"{one.running}/{one.wanted}"
        return (
            one.service, (one.state, state_colour(one.state)), copies, *(_size(n) for n in (one.memory, one.peak, one.limit)),
            (_size(one.proposed), "primary"), "" if one.watts is None else f"{one.watts:.1f}",
            (one.health, state_colour(one.health) if one.health else ""),
        )  # fmt: skip

    @property
    def _service(self) -> ServiceState | None:
        at = self.services.cursor
        return self._shown[at] if at < len(self._shown) else None

    def on_row_list_moved(self) -> None:
        """Of the stacks or of the services."""
        super().on_row_list_moved()
        if self.opened:
            self._tell_service()

    async def on_row_list_chosen(self) -> None:
        """A double click opens a stack."""
        if self.list.has_focus:
            await self.action_open()

    def _tell_service(self) -> None:
        """What is to be said of the service under the cursor, and its log."""
        row, one = self.open_row, self._service
        told = self._detail.service
        if row is None or one is None:
            told.update("")
            self.logs.follow([])
            return
        drift = "; ".join(one.drift)
        told.update(
            Content.assemble(
                visible(", ".join(one.ports) or "no published port"),
                (f"\n{visible(drift)}" if drift else "", "$text-warning"),
            )
        )
        its = [seen for seen in row.containers if (seen.tags or {}).get(RESOURCE) == one.service]
        its.sort(key=lambda seen: (_replica(seen), seen.name))
        many = len(its) > 1
        self.logs.follow(
            [Target(seen.id, f"{one.service}-{_replica(seen)}" if many else "", seen.running) for seen in its]
        )

    def shut(self) -> None:
        self.logs.stop()
        self._watch.cut()
        aside(self._watch.close)

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are shown when they mean something."""
        row = self.chosen if self.is_mounted else None
        match action, parameters:
            case "extend", _:
                return row is not None and not row.down
            case "scale", _:
                return row is not None and bool(row.services)
            case "destroy", (False,):
                return row is not None and not row.down
            case "destroy", _:
                return row is not None
            case "stand", _:
                return self.is_mounted and self.opened and row is not None
            case "open", _:
                return row is not None and not self.has_class("-detail")
            case _:
                return True

    def show_keys(self) -> None:
        """Other keys are meant for one that is down."""
        row = self.chosen
        keys = (None if row is None else (row.down, bool(row.services)), self.has_class("-detail"), self.both)
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def action_extend(self) -> None:
        """Keeps it for longer."""
        if (row := self.chosen) is not None:
            name = row.name
            what = f"How long should {visible(name)} stay, from now on?"
            self.ask_for(what, "2 hours", lambda span: self.do(lease_deed(name, span)))

    def action_scale(self) -> None:
        """More or fewer replicas of a service: the one under the cursor, where one is open."""
        if (row := self.chosen) is None or not row.services:
            return
        one = self._service if self.opened and self.open_row is not None else None
        one = one if one in row.services else row.services[0]
        assert one is not None
        name, wanted = row.name, one.running if one.wanted is None else one.wanted

        def take(typed: str) -> None:
            service, _, number = typed.rpartition(" ")
            self.do(scale_deed(name, service.strip() or one.service, number))

        self.ask_for(
            f"How many replicas in {visible(name)}? A service and a number", f"{one.service} {wanted}", take
        )

    def action_destroy(self, volumes: bool) -> None:
        """Takes it down, through the kernel."""
        if (row := self.chosen) is not None:
            self.do(destroy_deed(row.name, volumes=volumes))

    def action_stand(self) -> None:
        """The log stands still, or follows again."""
        self.logs.view.action_stand()


def _size(count: int | None) -> str:
    return "" if count is None else size_text(count)


def _replica(seen: Seen) -> int:
    text = (seen.tags or {}).get(REPLICA, "")
    return int(text) if text.isdecimal() else 0


def _words_of(row: Stack) -> str:
    services = " ".join(one.service for one in row.services)
    return f"{row.name} {row.state} {services} {row.reason}".casefold()
