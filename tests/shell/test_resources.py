"""The resource panel: what it shows of given samples, at which size, with which signs; when it alarms; that it never hangs."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.pilot import Pilot
from textual.widgets import Static

from casava_os.kernel.ports import Measured, ModelLoad
from casava_os.meters import (
    CpuReading,
    DiskReading,
    GpuReading,
    MemoryReading,
    ModelReading,
    NetworkReading,
    OwnReading,
    PowerReading,
    PressureReading,
    Sample,
    Sampler,
    SandboxReading,
    SwapReading,
)
from casava_os.settings import MetersSettings
from casava_os.shell.app import ShellApp
from casava_os.shell.modelwatch import ModelWatch
from casava_os.shell.themes import THEMES
from casava_os.shell.widgets import resources
from casava_os.shell.widgets.curves import ASCII, UNICODE, WORDS, Signs, curve, strip
from casava_os.shell.widgets.resources import ResourcePanel, SampleSource
from tests.kernel.doubles import Bench
from tests.shell.looking import LOOKS, looks

GB = 10**9
SETTINGS = MetersSettings(alarm_seconds=4)
MODEL = ModelReading("casava-smol", memory=96 * 10**6, context_percent=12, tokens_per_second=340, waiting=2)


def wave(at: float, low: float, high: float, period: float) -> float:
    """A triangle: the same at every run."""
    return low + (high - low) * abs((at / period) % 2 - 1)


def workstation(at: float, ram: float = 0.42) -> Sample:
    """A machine that has everything, in the middle of work."""
    return Sample(
        at=at,
        cpu=CpuReading(
            wave(at, 8, 71, 16), {n: wave(at + 3 * n, 0, 100, 9) for n in range(8)}, load=2.5, temperature=61.0
        ),
        memory=MemoryReading(32 * GB, int(ram * 32 * GB)),
        swap=SwapReading(8 * GB, 2 * GB),
        disk=DiskReading(wave(at, 0, 80e6, 11), wave(at, 0, 5e6, 7), 500 * GB, 310 * GB, 165 * GB),
        network=NetworkReading(wave(at, 0, 2e6, 13), wave(at, 0, 90e3, 5)),
        pressure={"cpu": PressureReading(3.5), "memory": PressureReading(1.2, 0.7), "io": PressureReading(12.0)},
        power=PowerReading(wave(at, 14, 65, 16)),
        gpus=(
            GpuReading(
                "0000:01:00.0", "nvidia", "NVIDIA H100 80GB HBM3", wave(at, 20, 99, 10), 43 * GB, 86 * GB, 61, 302, 700
            ),
            GpuReading("0000:07:00.0", "intel", "Intel 8086:E20B", 25.0, None, 12 * GB, 47, 41),
            GpuReading("0000:03:00.0", "amd", "AMD 1002:73EF", asleep=True),
        ),
        sandboxes=(
            SandboxReading("a", "docker", 12, 150.0, 100 * 10**6, 2 * GB, 3),
            SandboxReading("b", "bubblewrap", 13, None, 11 * 10**6, None, None),
        ),
        own=OwnReading(140 * 10**6, 3.0),
    )  # fmt: skip


def small(at: float) -> Sample:
    """A virtual machine that tells little."""
    return Sample(at, cpu=CpuReading(30.0, {0: 20.0, 1: 40.0}), memory=MemoryReading(2 * GB, GB))


class Scripted:
    """A source that gives samples when it is told to."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.wanted = threading.Semaphore(0)
        self.closed = threading.Event()

    def sample(self) -> Sample:
        while not self.wanted.acquire(timeout=0.05):
            if self.closed.is_set():
                break
        return self.samples.pop(0)

    def close(self) -> None:
        self.closed.set()


class Host(App[None]):
    """Gives the panel its room, as the shell does."""

    CSS = """
    #main { width: 1fr; }
    #side { width: 44; border-left: solid $border; }
    .line #side { dock: bottom; width: 100%; height: 1; border: none; }
    .hidden #side { display: none; }
    """

    def __init__(
        self,
        source: SampleSource,
        *,
        theme: str = "dark",
        signs: Signs = UNICODE,
        place: str = "panel",
        model: ModelReading | None = None,
        settings: MetersSettings = SETTINGS,
    ) -> None:
        super().__init__()
        self._source, self._signs, self._place, self._model = source, signs, place, model
        self._chosen = settings
        self.heard: list[ResourcePanel.Alarmed] = []
        for made in THEMES.values():
            self.register_theme(made)
        self.theme = theme

    def compose(self) -> ComposeResult:
        with Horizontal(classes=self._place):
            yield Static("The conversation", id="main")
            with Vertical(id="side"):
                yield ResourcePanel(self._source, self._chosen, signs=self._signs, model=lambda: self._model)

    def on_resource_panel_alarmed(self, event: ResourcePanel.Alarmed) -> None:
        self.heard.append(event)

    @property
    def panel(self) -> ResourcePanel:
        return self.query_one(ResourcePanel)

    def seen(self) -> str:
        lines = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in one).rstrip() for one in lines)

    async def feed(self, pilot: Pilot[None], *samples: Sample) -> None:
        for sample in samples:
            self.panel.post_message(ResourcePanel.Sampled(sample))
        await pilot.pause()
        await pilot.pause()


class Silent:
    """A source that is never asked in time."""

    def sample(self) -> Sample:
        raise AssertionError("the tests feed the panel themselves")

    def close(self) -> None:
        pass


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sample comes by itself."""
    monkeypatch.setattr(resources, "FIRST_AFTER", 3600.0)


@pytest.fixture
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def minute() -> Iterator[Sample]:
    return (workstation(2.0 * n) for n in range(30))


# ---- curves


def test_a_curve_ends_at_the_right_and_leaves_gaps_where_nothing_is_known() -> None:
    assert curve((0, 50, None, 100), 100, 6, UNICODE) == "  ▁▅ █"
    assert curve((0, 50, None, 100), 100, 2, UNICODE) == " █"
    assert curve((0, 50, None, 100), 100, 4, ASCII) == "_= #"
    assert curve((1, 2), 100, 4, WORDS) == ""
    assert curve((250, -3), 100, 2, UNICODE) == "█▁"
    assert curve((0, 0), 0, 2, UNICODE) == "▁▁"


def test_many_cores_share_cells_and_no_busy_one_is_hidden() -> None:
    assert strip([0, 0, 0, 100], 100, 2, UNICODE) == "▁█"
    assert strip([0, 100], 100, 10, UNICODE) == "▁█"
    assert len(strip([1.0] * 131, 100, 16, UNICODE)) == 16


# ---- what is seen


async def test_the_panel_shows_every_part_of_a_machine(by_hand: None) -> None:
    app = Host(Silent(), model=MODEL)
    async with app.run_test(size=(200, 60)) as pilot:
        await app.feed(pilot, *minute())
        seen = app.seen()
    for text in (
        "8 cores · 61 °C", "13 of 32 GB", "2.0 of 8.0 GB", "read ", "write ", "65 % full · 165 GB free", "↓ ", "↑ ",
        "Waiting  CPU 4 %  RAM 1 %  disk 12 %", " W\n", "NVIDIA H100 80GB HBM3", "43 of 86 GB", "61 °C · 302 of 700 W",
        "Intel 8086:E20B", "12 GB", "47 °C · 41 W", "AMD 1002:73EF", "asleep", "casava-smol", "96 MB RAM", "3 % CPU",
        "context 12 % full", "340 tokens/s", "2 waiting", "#12 docker", "150 %", "100 MB of 2.0 GB", "#13 bubblewrap",
    ):  # fmt: skip
        assert text in seen, text
    assert "Not here" not in seen


async def test_what_a_machine_lacks_is_named_and_never_zero(by_hand: None) -> None:
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        await app.feed(
            pilot, small(0), dataclasses.replace(small(2), power=PowerReading(None, forbidden=True))
        )
        seen = " ".join(app.seen().replace("│", " ").split())
    assert "Not here: swap, network, pressure, GPU, power (only root may read it)" in seen
    assert " 0 " not in seen.replace("100 %", "")
    for absent in ("Swap", "Disk", "Network", "Waiting", "VRAM", "Kernel", "Sandboxes", "°C"):
        assert absent not in seen


async def test_the_first_sample_s_rates_are_unknown(by_hand: None) -> None:
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        first = Sample(
            0, cpu=CpuReading(), disk=DiskReading(total=10, used=5, free=5), network=NetworkReading()
        )
        await app.feed(pilot, first)
        seen = app.seen()
    (cpu,) = (one for one in seen.splitlines() if "CPU" in one)
    assert cpu.endswith(" -")
    assert "B/s" not in seen
    assert "50 % full" in seen


@pytest.mark.parametrize(("signs", "forbidden"), [(ASCII, None), (WORDS, "_.:=+*#│")])
async def test_without_unicode_every_sign_is_ascii(
    by_hand: None, signs: Signs, forbidden: str | None
) -> None:
    app = Host(Silent(), signs=signs, model=MODEL)
    async with app.run_test(size=(200, 60)) as pilot:
        await app.feed(pilot, *minute(), workstation(60, ram=0.99), workstation(66, ram=0.99))
        seen = app.seen().replace("│", " ")
    assert seen.isascii()
    assert "RAM: 99 %, alarm from 92 %" in seen
    if signs is WORDS:
        assert "Alarm: RAM" in seen
        assert "8 cores, 61 degrees: " in seen
        assert "CPU: " in seen


async def test_where_there_is_one_line_it_is_one_line(by_hand: None) -> None:
    app = Host(Silent(), place="line")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.feed(pilot, *minute())
        bottom = app.seen().splitlines()[-1]
        assert bottom.strip().startswith("CPU ")
        assert "RAM 13 of 32 GB" in bottom
        assert len(bottom) <= 80
        await app.feed(pilot, workstation(60, ram=0.99), workstation(66, ram=0.99))
        assert app.seen().splitlines()[-1].strip().startswith("▲ RAM: 99 %, alarm from 92 %")


@pytest.mark.parametrize("width", [20, 30, 47])
async def test_a_narrow_line_is_cut_between_its_parts(by_hand: None, width: int) -> None:
    app = Host(Silent(), place="line")
    async with app.run_test(size=(width, 10)) as pilot:
        await app.feed(pilot, *minute())
        bottom = app.seen().splitlines()[-1].strip()
    assert bottom.startswith("CPU ")
    assert bottom.endswith(("%", "GB", "B/s"))


async def test_a_panel_higher_than_its_room_takes_the_keys_and_scrolls(by_hand: None) -> None:
    app = Host(Silent(), model=MODEL)
    async with app.run_test(size=(120, 16)) as pilot:
        await app.feed(pilot, *minute())
        assert "#13 bubblewrap" not in app.seen()
        assert app.panel.can_focus
        app.panel.focus()
        await pilot.press("end")
        await pilot.pause(0.5)
        assert "#13 bubblewrap" in app.seen()
        await pilot.resize_terminal(120, 60)
        await app.feed(pilot, workstation(60))
        assert not app.panel.can_focus


async def test_resizing_up_and_down_always_fits(by_hand: None) -> None:
    app = Host(Silent(), model=MODEL)
    async with app.run_test(size=(200, 60)) as pilot:
        await app.feed(pilot, *minute())
        for size in ((80, 24), (60, 10), (20, 3), (45, 2), (200, 60), (44, 1), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert all(len(one) <= size[0] for one in app.seen().splitlines())
        assert "casava-smol" in app.seen()


async def test_names_that_would_steer_the_terminal_are_shown_as_what_they_are(by_hand: None) -> None:
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        evil = GpuReading("a", "amd", "A\x1b[2J[bold]B", 1.0)
        await app.feed(pilot, dataclasses.replace(small(0), gpus=(evil,)))
        assert "A\\x1b[2J[bold]B" in app.seen()


# ---- alarms


async def test_an_alarm_is_shown_told_once_and_ends(by_hand: None) -> None:
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        await app.feed(pilot, workstation(0, ram=0.95), workstation(2, ram=0.95))
        assert "alarm" not in app.seen()
        await app.feed(pilot, workstation(4, ram=0.95), workstation(6, ram=0.96))
        assert "▲ RAM: 96 %, alarm from 92 %" in app.seen()
        (raised,) = app.heard
        assert [alarm.subject for alarm in raised.raised] == ["RAM"]
        await app.feed(pilot, workstation(8, ram=0.5), workstation(12, ram=0.5))
        assert "alarm" not in app.seen()
        assert [alarm.subject for alarm in app.heard[-1].ended] == ["RAM"]
        assert len(app.heard) == 2
        assert not app._notifications


async def test_an_alarm_is_heard_where_the_panel_is_not_seen(by_hand: None) -> None:
    app = Host(Silent(), place="hidden")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.feed(pilot, *(workstation(at, ram=0.95) for at in (0, 4, 8)))
        assert [one.message for one in app._notifications] == ["RAM: 95 %, alarm from 92 %"]


# ---- the thread


async def until(pilot: Pilot[None] | Pilot[int], holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        await pilot.pause(0.02)
    await pilot.pause()


async def test_samples_come_by_themselves_and_the_source_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "FIRST_AFTER", 0.0)
    source = Scripted()
    source.samples = [workstation(0), workstation(2)]
    app = Host(source)
    async with app.run_test(size=(120, 40)) as pilot:
        source.wanted.release()
        await until(pilot, lambda: "13 of 32 GB" in app.seen())
    assert source.closed.wait(10)


async def test_meters_that_fail_say_so_and_the_shell_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resources, "FIRST_AFTER", 0.0)
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "The meters have stopped" in app.seen())
    assert app.return_code in (0, None)
    assert "the tests feed the panel themselves" in caplog.text


async def test_a_driver_that_hangs_is_told_and_does_not_keep_the_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(resources, "STALLED_AFTER", 0.2)
    source = Scripted()
    app = Host(source, settings=MetersSettings(refresh_seconds=0.2))
    async with app.run_test(size=(120, 40)) as pilot:
        await app.feed(pilot, small(0))
        await until(pilot, lambda: "No answer for" in app.seen())
        began = time.monotonic()
    assert time.monotonic() - began < 5
    source.close()


async def test_this_machine_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "FIRST_AFTER", 0.0)
    app = Host(Sampler(Path.cwd()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "% full" in app.seen())
        assert "CPU" in app.seen()
        assert "RAM" in app.seen()


async def test_memory_that_the_model_has_on_cards_is_the_kernel_s(by_hand: None) -> None:
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        first, second = (GpuReading(key, "nvidia", "N", own_memory=10**9) for key in ("a", "b"))
        sample = dataclasses.replace(small(0), gpus=(first, second), own=OwnReading(10**8))
        await app.feed(pilot, sample)
        assert "100 MB RAM · 2.0 GB VRAM" in app.seen()


# ---- in the shell


async def test_the_shell_shows_it_where_there_is_room_and_tells_alarms_where_there_is_none(
    tmp_path: Path, by_hand: None
) -> None:
    bench = Bench(tmp_path, script={})
    app = ShellApp(bench.kernel, bench.workspace, side=lambda: ResourcePanel(Silent(), SETTINGS))

    def seen() -> str:
        return "\n".join(
            "".join(segment.text for segment in one) for one in app.screen._compositor.render_strips()
        )

    async def feed(*samples: Sample) -> None:
        for sample in samples:
            app.screen.query_one(ResourcePanel).post_message(ResourcePanel.Sampled(sample))
        await pilot.pause()
        await pilot.pause()

    try:
        async with app.run_test(size=(200, 60), notifications=True) as pilot:
            await pilot.pause()
            await feed(*minute())
            assert "13 of 32 GB" in seen()
            app.conversation.action_toggle_side()
            await pilot.pause()
            assert "13 of 32 GB" not in seen()
            app.conversation.action_toggle_side()
            await pilot.pause()
            await pilot.pause()
            assert "13 of 32 GB" in seen()
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "13 of 32 GB" in seen() and "Network" not in seen())  # one line
            await feed(workstation(60, ram=0.95), workstation(66, ram=0.95))
            await until(pilot, lambda: "RAM: 95 %, alarm from 92 %" in seen())
    finally:
        bench.kernel.close()


# ---- the kernel model


class OneModel:
    """A kernel with a model that did what `loads` says."""

    name = "casava-smol 7"

    def __init__(self, *loads: ModelLoad) -> None:
        self.loads = list(loads)

    def measured(self) -> tuple[Measured, ...]:
        return (self,) if self.loads else ()

    def load(self) -> ModelLoad:
        return self.loads.pop(0)


def test_the_model_s_speed_is_that_of_its_newest_work() -> None:
    idle, worked = ModelLoad(), ModelLoad(2, 0.25, 600, 2.0)
    kernel = OneModel(idle, worked, worked, ModelLoad(0, 0.0, 700, 2.1))
    watch = ModelWatch(kernel, "casava-smol")
    assert watch.read() == ModelReading("casava-smol 7", context_percent=0, waiting=0)
    busy = ModelReading("casava-smol 7", context_percent=25, tokens_per_second=300, waiting=2)
    assert watch.read() == busy
    assert watch.read() == busy
    assert watch.read().tokens_per_second == pytest.approx(1000)
    assert watch.read() == ModelReading("casava-smol"), "a model elsewhere tells its name alone"


# ---- looks


@pytest.mark.parametrize("theme", sorted(THEMES))
@pytest.mark.parametrize(("size", "place"), [((200, 60), "panel"), ((80, 24), "line")])
async def test_looks(by_hand: None, theme: str, size: tuple[int, int], place: str) -> None:
    app = Host(Silent(), theme=theme, place=place, model=MODEL)
    async with app.run_test(size=size) as pilot:
        await app.feed(pilot, *minute(), workstation(60, ram=0.95), workstation(66, ram=0.95))
        await looks(pilot, f"resources-{place}-{theme}")


async def test_looks_without_colour_and_unicode(by_hand: None, no_color: None) -> None:
    app = Host(Silent(), signs=ASCII, model=MODEL)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.feed(pilot, *minute(), workstation(60, ram=0.95), workstation(66, ram=0.95))
        await looks(pilot, "resources-ascii-no-color")
    svg = (LOOKS / "resources-ascii-no-color.svg").read_text()
    colours = {one.lower() for one in re.findall(r"fill: (#[0-9a-fA-F]{6})", svg)}
    colours.discard("#c5c8c6")  # of the window that Textual draws around
    assert colours
    assert all(one[1:3] == one[3:5] == one[5:7] for one in colours), "grey is no colour"


async def test_looks_on_a_machine_that_tells_little(by_hand: None) -> None:
    app = Host(Silent())
    async with app.run_test(size=(120, 40)) as pilot:
        await app.feed(pilot, *(small(2.0 * n) for n in range(10)))
        await looks(pilot, "resources-little")
