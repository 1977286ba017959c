"""How the shell feels: from a key press to its paint while a program floods the screen, and how long the first paint takes.

Run: `python -m bench.shell`. The whole shell runs in a pseudo-terminal of 200 by 60 with everything it has: the real
kernel, bubblewrap, the resource panel. A key's time starts when Textual's driver has read it, and ends when the frame
that shows the letter was handed to the terminal. Meanwhile a program in the sandbox prints 10 MB/s. Then another prints
a gigabyte as fast as it can, with the settings as they ship: the memory of the shell is watched, and keys are pressed, too.
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import signal
import statistics
import string
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

KEYS = 150
WARM = 20
"""Keys that are not counted."""
PAUSE = (0.06, 0.14)
"""Seconds between two keys."""
GIGABYTE = 10**9
FIRST_ROUNDS = 7
SIZE = (60, 200)
EMPTY = "\x15\x0b"
"""Ctrl-U and Ctrl-K: the prompt without what was typed."""

MORE = """
[limits]
output_bytes = 1000000000
[budget]
output_bytes = 2000000000
"""
"""For the stream: as shipped, the shell is shown the first 8 MB of a program, and the rest is counted and dropped."""
STREAM = """
import os, time
line = b"x" * 99 + b"\\n"
begin, sent = time.monotonic(), 0
while True:
    os.write(1, line * 1000)
    sent += 100_000
    time.sleep(max(0, begin + sent / 10e6 - time.monotonic()))
"""
FLOOD = f"""
import os
line = b"y" * 99 + b"\\n"
for _ in range({GIGABYTE} // 100_000):
    os.write(1, line * 1000)
"""
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


def ours() -> type:
    """Textual's driver, with a clock at both ends."""
    from textual import events
    from textual.drivers.linux_driver import LinuxDriver
    from textual.message import Message

    class Clocked(LinuxDriver):
        """Writes how long each letter took to a file."""

        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, **named)  # type: ignore[arg-type]
            self._told = Path(os.environ["CASAVA_BENCH"]).open("a", encoding="ascii")  # noqa: SIM115
            self._typed = ""
            self._waits: dict[str, float] = {}
            terminal, clocked = self._file, self

            class Stamped:
                """The terminal, and what was shown when."""

                def write(self, text: str) -> int:
                    written = terminal.write(text)
                    terminal.flush()
                    clocked.shown(text)
                    return written

                def flush(self) -> None:
                    terminal.flush()

                def fileno(self) -> int:
                    return int(terminal.fileno())

            self._file = Stamped()  # type: ignore[assignment]

        def process_message(self, message: Message) -> None:
            if isinstance(message, events.Key) and message.is_printable:
                self._typed += message.character or ""
                self._waits[self._typed[-6:]] = time.perf_counter()
            elif isinstance(message, events.Key):
                self._typed = ""
                if message.key == "enter":
                    self._waits.clear()  # a command came at once, not as a person types
            super().process_message(message)

        def shown(self, text: str) -> None:
            plain = _ESCAPES.sub(b"", text.encode()).decode()
            for typed, begin in list(self._waits.items()):
                if typed in plain:
                    self._told.write(f"{time.perf_counter() - begin:.6f}\n")
                    self._told.flush()
                    del self._waits[typed]

    return Clocked


def __getattr__(name: str) -> type:
    """Textual finds its driver here by name; nothing of it is loaded before."""
    if name == "Driver":
        return ours()
    raise AttributeError(name)


class Terminal:
    """The shell in a pseudo-terminal, whose screen is read and thrown away but for its end."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        (self.workspace / "stream.py").write_text(STREAM)
        (self.workspace / "flood.py").write_text(FLOOD)
        config = folder / "home" / "config"
        config.mkdir(parents=True)
        (config / "config.toml").write_text(settings)
        self.times = folder / "times"
        self.times.touch()
        environment = {
            **os.environ, "CASAVA_HOME": str(folder / "home"), "CASAVA_SANDBOX": "bubblewrap", "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8", "TEXTUAL_DRIVER": "bench.shell:Driver", "CASAVA_BENCH": str(self.times),
        }  # fmt: skip
        self.begun = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.execve(  # noqa: S606 - an argument list, no shell
                sys.executable,
                [sys.executable, "-m", "casava_os", "shell", "--workspace", str(self.workspace)],
                environment,
            )
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._seen = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            self._seen = (self._seen + _ESCAPES.sub(b"", data))[-200_000:]

    def seen(self, text: str) -> bool:
        """Whether the screen said this since the prompt was emptied."""
        return text.encode() in self._seen

    def until(self, text: str, seconds: float = 120) -> None:
        """Waits until the screen says this."""
        end = time.monotonic() + seconds
        while not self.seen(text):
            if time.monotonic() > end:
                raise TimeoutError(f"no {text!r} in {self._seen[-2000:]!r}")
            time.sleep(0.002)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def empty(self) -> None:
        """Empties the prompt, and forgets what was seen."""
        self.press(EMPTY)
        time.sleep(0.5)
        self._seen = b""

    def type(self, count: int, goes_on: Callable[[], bool] = lambda: True) -> list[float]:
        """Presses keys like a person; seconds from each press to its paint, the slowest first to be noticed missing."""
        self.times.write_text("")
        chosen, pressed = random.Random(4), 0  # noqa: S311 - a person's keys are no secret
        for number in range(count):
            if not goes_on():
                break
            self.press(chosen.choice(string.ascii_lowercase))
            pressed += 1
            time.sleep(chosen.uniform(*PAUSE))
            if number % 40 == 39:
                self.press(EMPTY)  # before the line wraps
                time.sleep(0.5)
        time.sleep(1)
        times = [float(line) for line in self.times.read_text().split()]
        if len(times) < pressed * 0.95:
            raise RuntimeError(f"{pressed} keys were pressed, {len(times)} were seen painted")
        return times

    def memory(self) -> float:
        """Megabytes that the shell holds now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self._master)


def measure() -> dict[str, float]:
    """Milliseconds from key to paint, megabytes of memory, and the first paint as a ratio."""
    figures = first_paint()
    with tempfile.TemporaryDirectory() as folder:
        shell = Terminal(Path(folder), MORE)
        try:
            shell.until("Say in plain words")
            shell.type(WARM)
            figures |= _told("quiet", shell.type(KEYS))
            shell.empty()
            shell.press("!python3 stream.py\r")
            shell.until("lines above")
            figures |= _told("10 MB/s", shell.type(KEYS))
            shell.empty()
            shell.press("\x1b")
            shell.until("cancelled")
        finally:
            shell.close()
    with tempfile.TemporaryDirectory() as folder:
        shell = Terminal(Path(folder))
        try:
            shell.until("Say in plain words")
            before = shell.memory()
            begin = time.perf_counter()
            shell.press("!python3 flood.py\r")
            shell.until("lines above")
            peak, over = [before], threading.Event()

            def watch() -> None:
                while not over.wait(0.1):
                    peak.append(shell.memory())

            watcher = threading.Thread(target=watch, daemon=True)
            watcher.start()
            times = shell.type(KEYS, lambda: not shell.seen("✓ done"))
            shell.until("✓ done", 300)
            figures["1 GB of output, s"] = time.perf_counter() - begin
            over.set()
            watcher.join()
            figures |= _told("1 GB at once", times)
            figures["1 GB of output: memory grew at most, MB"] = max(peak) - before
        finally:
            shell.close()
    return figures


def _told(when: str, times: list[float]) -> dict[str, float]:
    times = sorted(times)
    return {
        f"key to paint, {when}: median, ms": 1e3 * statistics.median(times),
        f"key to paint, {when}: 95th percentile, ms": 1e3 * times[int(0.95 * len(times))],
    }


def first_paint() -> dict[str, float]:
    """Medians of the time until the welcome stands, and of what importing Textual's own part of it takes."""
    opened: list[float] = []
    imported: list[float] = []
    for _ in range(FIRST_ROUNDS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        imported.append(time.perf_counter() - begin)
        with tempfile.TemporaryDirectory() as folder:
            shell = Terminal(Path(folder))
            shell.until("Say in plain words")
            opened.append(time.perf_counter() - shell.begun)
            shell.close()
    return {
        "first paint of casava-os, ms": 1e3 * statistics.median(opened),
        'python -c "import textual.app", ms': 1e3 * statistics.median(imported),
        "first paint, as a ratio": statistics.median(opened) / statistics.median(imported),
    }


def main() -> int:
    """Prints the figures; 1 when the promise is broken."""
    figures = measure()
    for name, value in figures.items():
        print(f"{name:48} {value:9.2f}")
    return int(any(value >= 50 for name, value in figures.items() if "10 MB/s: median" in name))


if __name__ == "__main__":
    sys.exit(main())
