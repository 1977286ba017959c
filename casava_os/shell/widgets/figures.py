"""The resource panel as lines of text: what the machine does, calmly. Pure; `resources` is the widget.

A line is a label, a curve, a value. Colour says nothing that a sign or a word does not say, too. Parts that this machine does
not have share the last line; nothing that is unknown is shown as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from casava_os.meters import Alarm, GpuReading, History, ModelReading, Sample, SandboxReading
from casava_os.shell.widgets.curves import Signs, curve, strip
from casava_os.shell.wording import size_text
from casava_sandbox.layer.visible import visible

LABEL = 9
"""Cells of the labels at the left."""
VALUE = 16
"""Cells of the values at the right; a longer one takes from its curve."""
QUIET_RATE = 100_000.0
"""Bytes a second that fill a curve at least: an idle line's few bytes are no mountains."""

_MUTED, _CURVE, _ALARM, _HEAD = "$text-muted", "$primary 80%", "bold $text-error", "bold"


@dataclass(frozen=True, slots=True)
class View:
    """All that the panel shows."""

    sample: Sample
    history: History
    alarms: tuple[Alarm, ...] = ()
    model: ModelReading | None = None
    stalled: float | None = None
    """Seconds for which the meters have not answered; None while they do."""


def panel(view: View, width: int, signs: Signs) -> Content:
    """The whole panel, `width` cells wide."""
    return Content("\n").join(_Panel(view, max(width, 16), signs).lines())


def line(view: View, width: int, signs: Signs) -> Content:
    """The one line that stands for the panel where there is no room: alarms, then what fits."""
    parts = [Content.styled(f"{signs.alarm} {alarm.sentence}", _ALARM) for alarm in view.alarms]
    sample = view.sample
    if sample.cpu is not None:
        parts.append(_part("CPU", _percent(sample.cpu.use_percent)))
    if sample.memory is not None:
        parts.append(_part("RAM", _of(sample.memory.used, sample.memory.total)))
    for number, gpu in enumerate(sample.gpus):
        name = "GPU" if len(sample.gpus) == 1 else f"GPU {number}"
        parts.append(_part(name, "asleep" if gpu.asleep else _percent(gpu.use_percent)))
    if sample.network is not None and sample.network.received is not None:
        parts.append(_part("in", _rate(sample.network.received)))
    if sample.network is not None and sample.network.sent is not None:
        parts.append(_part("out", _rate(sample.network.sent)))
    told = Content("")
    for part in parts:
        longer = part if not told.plain else Content.assemble(told, "   ", part)
        if longer.cell_length > width:
            break
        told = longer
    if not told.plain and parts:
        return parts[0].truncate(width, ellipsis=True)
    return told


class _Panel:
    def __init__(self, view: View, width: int, signs: Signs) -> None:
        self._view, self._width, self._signs = view, width, signs
        self._alarmed = {alarm.figure for alarm in view.alarms}

    def lines(self) -> Iterator[Content]:
        view = self._view
        if view.stalled is not None:
            yield self._wrapped(f"No answer for {view.stalled:.0f} s: a driver may hang.", _ALARM)
        for alarm in view.alarms:
            yield self._wrapped(f"{self._signs.alarm} {alarm.sentence}", _ALARM)
        if view.alarms or view.stalled is not None:
            yield Content("")
        yield from self._processors()
        yield from self._memory()
        yield from self._traffic()
        yield from self._pressure_and_power()
        for number, gpu in enumerate(view.sample.gpus):
            yield Content("")
            yield from self._gpu(number, gpu)
        yield from self._model()
        yield from self._sandboxes()
        if missing := self._missing():
            yield Content("")
            yield self._wrapped(f"Not here: {', '.join(missing)}", _MUTED)

    # -- one line

    def _row(self, label: str, figure: str, value: str, *, top: float | None = 100.0) -> Content:
        """A label, the curve of a figure in what room is left, and its value. `top`: None fits the highest value."""
        style = _ALARM if figure in self._alarmed else ""
        if not self._signs.levels:
            return Content.assemble((self._label(label.strip()), _MUTED), (value, style))
        room = self._width - LABEL - max(VALUE, len(value)) - 1
        past = self._view.history.last(figure, room) if figure else ()
        highest = top or max((number for number in past if number is not None), default=0.0)
        least = QUIET_RATE if figure in _RATES else 1.0
        drawn = curve(past, max(highest, least), room, self._signs)
        return Content.assemble(
            (label[:LABEL].ljust(LABEL), _MUTED),
            (drawn.ljust(room + 1), _CURVE),
            (value, style),
        )

    def _label(self, text: str) -> str:
        if self._signs.levels:
            return text.ljust(LABEL)
        return f"{text}: " if text else ""

    def _notes(self, parts: Sequence[str], figure: str = "") -> Iterator[Content]:
        """Short remarks, as many a line as fit."""
        told = ""
        for part in parts:
            longer = f"{told}{self._signs.dot}{part}" if told else part
            if told and len(longer) > self._width - LABEL:
                yield self._note(told, figure)
                longer = part
            told = longer
        if told:
            yield self._note(told, figure)

    def _note(self, text: str, figure: str = "") -> Content:
        style = _ALARM if figure in self._alarmed else _MUTED
        indent = " " * LABEL if self._signs.levels else ""
        return Content.assemble(indent, (self._cut(text, self._width - LABEL), style))

    def _wrapped(self, text: str, style: str) -> Content:
        """Whole sentences: broken between words, not cut."""
        lines, rest = [], text
        while len(rest) > self._width:
            at = rest.rfind(" ", 0, self._width + 1)
            at = at if at > 0 else self._width
            lines.append(rest[:at])
            rest = rest[at:].lstrip()
        return Content("\n").join(Content.styled(part, style) for part in (*lines, rest))

    def _cut(self, text: str, room: int) -> str:
        more = self._signs.more
        return text if len(text) <= room else text[: max(0, room - len(more))] + more

    # -- the parts

    def _processors(self) -> Iterator[Content]:
        cpu = self._view.sample.cpu
        if cpu is None:
            return
        yield self._row("CPU", "cpu", _percent(cpu.use_percent))
        cores = [cpu.cores[number] for number in sorted(cpu.cores)]
        notes = [f"{len(cores)} core{'' if len(cores) == 1 else 's'}"] if cores else []
        if cpu.temperature is not None:
            notes.append(f"{cpu.temperature:.0f} {self._signs.degrees}")
        told = self._signs.dot.join(notes)
        style = _ALARM if "cpu.temperature" in self._alarmed else _MUTED
        if self._signs.levels:
            drawn = strip(
                cores if len(cores) > 1 else (), 100.0, self._width - LABEL - VALUE - 1, self._signs
            )
            room = max(0, self._width - LABEL - VALUE)
            yield Content.assemble(" " * LABEL, (drawn.ljust(room), _CURVE), (told, style))
        elif told:
            each = ", ".join(_percent(percent) for percent in cores)
            yield self._wrapped(f"{told}: {each}" if len(cores) > 1 else told, style)

    def _memory(self) -> Iterator[Content]:
        sample = self._view.sample
        if sample.memory is not None:
            yield self._row("RAM", "memory", _of(sample.memory.used, sample.memory.total))
        if sample.swap is not None:
            yield self._row("Swap", "swap", _of(sample.swap.used, sample.swap.total))

    def _traffic(self) -> Iterator[Content]:
        disk, network = self._view.sample.disk, self._view.sample.network
        if disk is not None:
            if disk.read is not None or disk.written is not None:
                yield self._row("Disk", "disk.read", f"read {_rate(disk.read)}", top=None)
                yield self._row("", "disk.written", f"write {_rate(disk.written)}", top=None)
            if disk.full_percent is not None and disk.free is not None:
                told = f"{_percent(disk.full_percent)} full{self._signs.dot}{size_text(disk.free)} free"
                label = "Disk" if disk.read is None and disk.written is None else ""
                style = _ALARM if "disk.full" in self._alarmed else _MUTED
                yield Content.assemble(
                    (self._label(label), _MUTED), (self._cut(told, self._width - LABEL), style)
                )
        if network is not None and (network.received is not None or network.sent is not None):
            down, up = self._signs.down, self._signs.up
            yield self._row("Network", "network.received", f"{down} {_rate(network.received)}", top=None)
            yield self._row("", "network.sent", f"{up} {_rate(network.sent)}", top=None)

    def _pressure_and_power(self) -> Iterator[Content]:
        sample = self._view.sample
        if sample.pressure:
            names = {"cpu": "CPU", "memory": "RAM", "io": "disk"}
            alarmed = any(f"pressure.{name}" in self._alarmed for name in sample.pressure)
            told = "  ".join(f"{names[name]} {_percent(one.some)}" for name, one in sample.pressure.items())
            yield Content.assemble((self._label("Waiting"), _MUTED), (told, _ALARM if alarmed else ""))
        if sample.power is not None and sample.power.watts is not None:
            yield self._row("Power", "power", f"{sample.power.watts:.0f} W", top=None)

    def _gpu(self, number: int, gpu: GpuReading) -> Iterator[Content]:
        title = "GPU" if len(self._view.sample.gpus) == 1 else f"GPU {number}"
        name = self._cut(visible(gpu.name), self._width - LABEL)
        yield Content.assemble((self._label(title), _HEAD), (name, _MUTED))
        if gpu.asleep:
            yield self._note("asleep")
            return
        key = f"gpu.{gpu.key}"
        if gpu.use_percent is not None:
            yield self._row("  use", f"{key}.use", _percent(gpu.use_percent))
        if gpu.memory_used is not None and gpu.memory_total is not None:
            yield self._row("  VRAM", f"{key}.memory", _of(gpu.memory_used, gpu.memory_total))
        elif gpu.memory_total is not None:
            yield self._row("  VRAM", "", size_text(gpu.memory_total))
        notes = []
        if gpu.temperature is not None:
            notes.append(f"{gpu.temperature:.0f} {self._signs.degrees}")
        if gpu.watts is not None:
            limit = "" if gpu.watts_limit is None else f" of {gpu.watts_limit:.0f}"
            notes.append(f"{gpu.watts:.0f}{limit} W")
        yield from self._notes(notes, f"{key}.temperature")

    def _model(self) -> Iterator[Content]:
        model, own = self._view.model, self._view.sample.own
        if model is None and (own is None or own.memory is None):
            return
        yield Content("")
        name = "Casava OS" if model is None else visible(model.name)
        yield Content.assemble((self._label("Kernel"), _HEAD), (self._cut(name, self._width - LABEL), _MUTED))
        notes = []
        memory = model.memory if model is not None and model.memory is not None else None
        if memory is None and own is not None:
            memory = own.memory
        if memory is not None:
            notes.append(f"{size_text(memory)} RAM")
        on_cards = [gpu.own_memory for gpu in self._view.sample.gpus if gpu.own_memory is not None]
        vram = model.vram if model is not None and model.vram is not None else sum(on_cards) or None
        if vram is not None:
            notes.append(f"{size_text(vram)} VRAM")
        if own is not None and own.cpu_percent is not None:
            notes.append(f"{own.cpu_percent:.0f} % CPU")
        if model is not None and model.context_percent is not None:
            notes.append(f"context {_percent(model.context_percent)} full")
        if model is not None and model.tokens_per_second is not None:
            notes.append(f"{model.tokens_per_second:.0f} tokens/s")
        if model is not None and model.waiting:
            notes.append(f"{model.waiting} waiting")
        yield from self._notes(notes)

    def _sandboxes(self) -> Iterator[Content]:
        found: Sequence[SandboxReading] = self._view.sample.sandboxes
        for one in found:
            yield Content("")
            name = one.driver if one.pid is None else f"#{one.pid} {one.driver}"
            yield Content.assemble((self._label("Sandbox"), _HEAD), (name, _MUTED))
            if one.cpu_percent is not None:
                highest = max(100.0, one.cpu_percent)
                yield self._row("  CPU", f"sandbox.{one.key}.cpu", f"{one.cpu_percent:.0f} %", top=highest)
            if one.memory is not None:
                limit = "" if one.memory_limit is None else f" of {size_text(one.memory_limit)}"
                yield self._row("  RAM", f"sandbox.{one.key}.memory", f"{size_text(one.memory)}{limit}")

    def _missing(self) -> list[str]:
        """What this machine does not have, or does not let this user read."""
        sample = self._view.sample
        missing = [
            name
            for name, there in (
                ("swap", sample.swap),
                ("network", sample.network),
                ("pressure", sample.pressure),
                ("GPU", sample.gpus),
            )
            if not there
        ]
        if sample.power is None:
            missing.append("power")
        elif sample.power.forbidden:
            missing.append("power (only root may read it)")
        return missing


_RATES = frozenset({"disk.read", "disk.written", "network.received", "network.sent"})


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} %"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{size_text(round(value))}/s"


def _of(used: int, total: int) -> str:
    """What of what, with one unit where both have the same: "5.6 of 25 GB"."""
    first, whole = size_text(used), size_text(total)
    number, _, unit = first.partition(" ")
    return f"{number if whole.endswith(' ' + unit) else first} of {whole}"


def _part(name: str, value: str) -> Content:
    return Content.assemble((f"{name} ", _MUTED), value)
