"""The resource panel: what the machine, the kernel model and the sandboxes use, with curves and alarms.

It fills the room it is given: many lines, or, where that is one line high, one. The machine is sampled in a thread of its own,
which does not keep the program from ending, for a graphics driver that hangs hangs its caller.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from casava_os.meters import Alarm, Alarms, History, ModelReading, Pace, Sample, figures
from casava_os.settings import MetersSettings
from casava_os.shell.widgets.curves import UNICODE, Signs
from casava_os.shell.widgets.figures import View, line, panel

_LOG = logging.getLogger(__name__)

FIRST_AFTER = 0.3
"""Seconds from the panel's mount to the first sample: the screen is painted first."""
STALLED_AFTER = 10.0
"""Seconds after which a sample that has not come is told, beyond the pause between two."""


class SampleSource(Protocol):
    """What is sampled; `casava_os.meters.Sampler` is one. Called from one thread, which is not the screen's."""

    def sample(self) -> Sample: ...

    def close(self) -> None: ...


class ResourcePanel(VerticalScroll):
    """The panel. `model` is asked at every sample for what the kernel model does; it must answer at once."""

    DEFAULT_CSS = """
    ResourcePanel {
        width: 1fr;
        height: 1fr;
        padding: 0 1;
        scrollbar-size-vertical: 1;

        & > #figures { height: auto; width: 1fr; }
        &:focus { background: $surface; }
    }
    """

    class Sampled(Message):
        """A sample came."""

        def __init__(self, sample: Sample) -> None:
            super().__init__()
            self.sample = sample

    class Failed(Message):
        """The meters have stopped, which is a fault of theirs."""

    class Alarmed(Message):
        """The alarms in force are others than before."""

        def __init__(self, raised: tuple[Alarm, ...], ended: tuple[Alarm, ...]) -> None:
            super().__init__()
            self.raised = raised
            self.ended = ended

    def __init__(
        self,
        source: SampleSource,
        settings: MetersSettings,
        *,
        signs: Signs = UNICODE,
        model: Callable[[], ModelReading | None] = lambda: None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(name=name, id=id, can_focus=False)
        self._source, self._settings, self._signs, self._model = source, settings, signs, model
        self._history = History(settings.history_samples)
        self._alarms = Alarms(settings)
        self._in_force: dict[str, Alarm] = {}
        self._sample: Sample | None = None
        self._heard = time.monotonic()
        self._failed = False
        self._height = -1
        self._ending = threading.Event()

    def compose(self) -> ComposeResult:
        yield Static("", id="figures", markup=False)

    def on_mount(self) -> None:
        threading.Thread(target=self._keep_sampling, name="meters", daemon=True).start()
        self.set_interval(STALLED_AFTER / 2, self._look_whether_it_answers)

    def on_unmount(self) -> None:
        self._ending.set()

    def on_resize(self) -> None:
        self._height = -1
        self._paint()

    def on_show(self) -> None:
        self._paint()

    # -- in the thread

    def _keep_sampling(self) -> None:
        pace = Pace(self._settings.refresh_seconds)
        pause = FIRST_AFTER
        try:
            while not self._ending.wait(pause):
                sample = self._source.sample()
                self.post_message(self.Sampled(sample))
                pause = pace.pause(sample)
            self._source.close()
        except Exception:  # noqa: BLE001 - the worker's edge: the shell must not end because a counter reads oddly
            _LOG.exception("the meters have stopped")
            self.post_message(self.Failed())

    # -- on the screen

    def on_resource_panel_sampled(self, event: Sampled) -> None:
        """Remembers, compares with the thresholds, shows."""
        self._sample, self._heard = event.sample, time.monotonic()
        self._history.add(figures(event.sample))
        before, self._in_force = (
            self._in_force,
            {alarm.figure: alarm for alarm in self._alarms.look(event.sample)},
        )
        raised = tuple(alarm for name, alarm in self._in_force.items() if name not in before)
        ended = tuple(alarm for name, alarm in before.items() if name not in self._in_force)
        if raised or ended:
            self.post_message(self.Alarmed(raised, ended))
        if not self.is_on_screen:
            for alarm in raised:  # nobody sees the panel
                self.notify(alarm.sentence, severity="warning", markup=False)
        self._paint()

    def on_resource_panel_failed(self) -> None:
        """Says so; the figures that are shown would be old ones."""
        self._failed = True
        self._paint()

    def _look_whether_it_answers(self) -> None:
        if self._stalled() is not None:
            self._paint()

    def _stalled(self) -> float | None:
        silent = time.monotonic() - self._heard
        return silent if silent > STALLED_AFTER + self._settings.refresh_seconds else None

    def _paint(self) -> None:
        if not self.is_mounted or not self.size.area:
            return
        shown = self.query_one("#figures", Static)
        if self._failed:
            told = Content("The meters have stopped; the log says why.")
        elif self._sample is not None:
            alarms = tuple(self._in_force.values())
            view = View(self._sample, self._history, alarms, self._model(), self._stalled())
            draw = line if self.size.height <= 2 else panel
            told = draw(view, shown.content_size.width or self.size.width, self._signs)
        else:
            return
        # As long as the panel keeps its height, nothing else on the screen has to be arranged anew.
        height = told.plain.count("\n")
        shown.update(told, layout=height != self._height)
        self._height = height
        self.call_after_refresh(self._let_scroll)

    def _let_scroll(self) -> None:
        """Takes the keys only where there is more than fits."""
        self.can_focus = self.max_scroll_y > 0 and self.size.height > 2
