"""The line at the top: where we are, which model and sandbox, and what needs the person."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from casava_os.shell.marks import Marks
from casava_sandbox.layer.visible import visible


class TopLine(Static):
    """One line; the place is cut first when it is narrow."""

    model = reactive("")
    sandbox = reactive("")
    running = reactive(0)
    waiting = reactive(0)
    held = reactive(0)
    private = reactive(False)

    def __init__(self, place: str, marks: Marks) -> None:
        super().__init__(id="top", markup=False)
        self._place = place
        self._marks = marks

    def render(self) -> Content:
        right: list[str | tuple[str, str]] = []
        if self.waiting:
            waits = (
                f"{self._marks.waits} {self.waiting} wait{'s' if self.waiting == 1 else ''} for you (F2)   "
            )
            right.append((waits, "bold $text-warning"))
        if self.running - self.waiting > 0:
            right.append((f"{self.running - self.waiting} running   ", "$text-primary"))
        if self.held:
            right.append((f"{self.held} held (F4)   ", "$text-warning"))
        if self.private:
            right.append(("private   ", "bold $text-warning"))
        right.append((" in ".join(part for part in (self.model, self.sandbox) if part), "$text-muted"))
        told = Content.assemble(*right)
        if told.cell_length + 13 > self.size.width and self.size.width:  # what needs the person stays
            told = Content.assemble(*right[:-1])
        room = max(0, self.size.width - told.cell_length - 13)
        place = visible(self._place)
        if cell_len(place) > room:
            place = self._marks.more + place[-max(0, room - 3) :] if room > 8 else ""
        space = " " * max(1, room - cell_len(place))
        return Content.assemble(("Casava OS", "bold $text-primary"), "  ", place, space, "  ", told)
