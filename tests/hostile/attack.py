"""What the hostile tests share: the real command line under attack, and the search for whatever it leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = (sys.executable, "-m", "casava_os")
_EACH = """
import json, os, sys
from casava_os.boot import boot_kernel
from casava_os.cli import call, entry, follow, show
from casava_os.kernel import run
from casava_syscalls.registry import adapter
adapter()
commands = json.load(sys.stdin)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for number, arguments in enumerate(commands):
    child = os.fork()
    if child == 0:
        for descriptor, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{sys.argv[1]}/{number}.{name}", os.O_CREAT | os.O_WRONLY, 0o600), descriptor)
        sys.argv[0] = "casava-os"
        os._exit(entry.command([os.fsdecode(bytes.fromhex(word)) for word in arguments]))
    with open(f"{sys.argv[1]}/{number}.code", "w") as file:
        file.write(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
"""
"""Many commands, one after another, each in a process of its own that need not import everything anew."""
NOWHERE = "unix:///nonexistent/docker.sock"
PATIENCE = 60.0
"""Seconds that a test waits for something that must happen. No test asserts how long it took."""


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()

    def events(self, name: str) -> list[dict[str, object]]:
        """Those events of `--json` that have this name; a line that is no JSON object fails."""
        found = [json.loads(line) for line in self.out.splitlines()]
        return [event for event in found if event["event"] == name]

    def failed(self, code: int, *said: str) -> Ran:
        """Asserts the exit code, a title, a sentence and a next step on stderr, and nothing on stdout."""
        assert self.code == code, self
        assert self.out == b"", self
        assert "Traceback" not in self.err, self
        lines = self.err.splitlines()
        title = next((n for n, line in enumerate(lines) if line.startswith("error: ")), None)
        assert title is not None, self
        assert len(lines[title]) > len("error: "), self
        for text in said:
            assert text in self.err, (text, self)
        return self

    def explained(self, code: int, *said: str) -> Ran:
        """`failed`, with a sentence below the title and a next step."""
        self.failed(code, *said)
        assert any(line.startswith("  ") and line.strip() for line in self.err.splitlines()), self
        assert "→" in self.err, self
        return self


def started(arguments: tuple[str | bytes, ...], **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *arguments], **more)  # type: ignore[call-overload, no-any-return]


def _groups(named: str = "casava-*") -> set[Path]:
    """Control groups of Casava's."""
    root = Path("/sys/fs/cgroup")
    return {*root.glob(named), *root.glob(f"*/{named}")}


@dataclass
class Desk:
    """A person's folder, their home, and the command line between them."""

    workspace: Path
    home: Path
    temporary: Path
    driver: str
    environment: dict[str, str] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)
    """Of every command started, for the search after leftovers."""
    groups: set[Path] = field(default_factory=_groups)
    """Control groups that were there before: of killed commands, whose numbers others may have got since."""

    @property
    def env(self) -> Mapping[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CASAVA_")}
        return {
            **inherited,
            "CASAVA_HOME": str(self.home),
            "CASAVA_SANDBOX": self.driver,
            "TMPDIR": str(self.temporary),
            "NO_COLOR": "1",
            **self.environment,
        }

    def start(self, *arguments: str | bytes, **more: object) -> subprocess.Popen[bytes]:
        """A command that runs on its own; its streams are pipes unless `more` says otherwise."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = started(arguments, **{**streams, "cwd": self.workspace, "env": self.env, **more})
        self.pids.append(process.pid)
        return process

    def __call__(
        self, *arguments: str | bytes, stdin: bytes | None = None, timeout: float = 120, **more: object
    ) -> Ran:
        if stdin is not None:
            more["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **more)
        return self.ended(process, stdin, timeout)

    def each(self, *commands: tuple[str | bytes, ...]) -> list[Ran]:
        """What each of many commands did."""
        written = self.home.parent / "each"
        written.mkdir(exist_ok=True)
        words = [[os.fsencode(word).hex() for word in command] for command in commands]
        done = subprocess.run(
            [sys.executable, "-c", _EACH, str(written)],
            input=json.dumps(words).encode(),
            cwd=self.workspace,
            env=self.env,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        ran = []
        for number in range(len(commands)):
            code, out, err = (written / f"{number}.{name}" for name in ("code", "out", "err"))
            ran.append(Ran(int(code.read_text()), out.read_bytes(), err.read_text("utf-8", "replace")))
        shutil.rmtree(written)
        return ran

    @staticmethod
    def ended(process: subprocess.Popen[bytes], stdin: bytes | None = None, timeout: float = 120) -> Ran:
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Ran(process.returncode, out or b"", (err or b"").decode("utf-8", "replace"))

    def script(self, text: str, *options: str, interpreter: str = "python3", timeout: float = 120) -> Ran:
        """Runs a program in the sandbox."""
        return self(
            "call",
            "process.run",
            "--script",
            text,
            "--interpreter",
            interpreter,
            *options,
            timeout=timeout,
        )

    def plan(self, *steps: Mapping[str, object], **more: object) -> str:
        """Writes a plan file beside the workspace; gives its path."""
        path = self.home.parent / "plan.json"
        path.write_text(json.dumps({"version": 1, "steps": list(steps), **more}))
        return str(path)

    def apply(self, *steps: Mapping[str, object], options: tuple[str, ...] = ("--yes",)) -> Ran:
        return self("apply", *options, self.plan(*steps))

    def configure(self, name: str, text: str) -> None:
        path = self.home / "config" / name
        self.home.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def tree(self) -> dict[bytes, tuple[object, ...]]:
        """Every path below the workspace with its kind, permissions and contents."""
        return snapshot(self.workspace)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Asserts that the workspace is byte-identical at the end of the block."""
        before = self.tree()
        yield
        assert self.tree() == before

    def states(self) -> list[str]:
        """The states of all processes in the journal, oldest first."""
        return [state for _, state in self._rows()]

    def held(self) -> set[str]:
        return {str(pid) for pid, state in self._rows() if state == "held"}

    def _rows(self) -> list[tuple[int, str]]:
        journal = self.home / "state" / "journal.sqlite"
        if not journal.exists():
            return []
        connection = sqlite3.connect(journal)
        try:
            return connection.execute("SELECT pid, state FROM processes ORDER BY pid").fetchall()
        finally:
            connection.close()


def snapshot(root: Path) -> dict[bytes, tuple[object, ...]]:
    found: dict[bytes, tuple[object, ...]] = {}
    pending = [os.fsencode(root)]
    while pending:
        path = pending.pop()
        status = os.lstat(path)
        kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
        content: object = None
        if stat.S_ISLNK(kind):
            content, mode = os.readlink(path), 0
        elif stat.S_ISREG(kind):
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        elif stat.S_ISDIR(kind):
            pending += [entry.path for entry in os.scandir(path)]
        found[path] = (kind, mode, content)
    return found


# ------------------------------------------------------------------------------------------------ leftovers


def until(what: Callable[[], object], patience: float = PATIENCE) -> object:
    """Waits for something to become true; gives it. Fails when it does not."""
    give_up = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.02)
    return found


def docker(*arguments: str) -> str:
    """What the docker client says; nothing when there is no daemon."""
    with suppress(FileNotFoundError):
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""
    return ""


def containers(desk: Desk) -> list[str]:
    """The containers of the desk's home."""
    return docker("ps", "-aq", "--no-trunc", "--filter", f"label=casava.home={desk.home / 'state'}").split()


def inside(desk: Desk) -> list[int]:
    """Processes in whose view of the file system something of the desk is mounted that is not mounted here."""
    here, mine = os.stat("/proc/self/ns/mnt").st_ino, os.fsencode(desk.home)
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(OSError):
                if os.stat(f"/proc/{name}/ns/mnt").st_ino != here:
                    with open(f"/proc/{name}/mountinfo", "rb") as file:
                        if mine in file.read():
                            found.append(int(name))
    return found


def _marked(desk: Desk) -> list[str]:
    """Commands of the desk that still run (their environment names its home)."""
    mark = b"CASAVA_HOME=" + os.fsencode(desk.home)
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    found.append(f"process {name}")
    return found


def leftovers(desk: Desk) -> list[str]:
    """All that the desk's commands left behind."""
    label = f"label=casava.home={desk.home / 'state'}"
    found = [f"container {one}" for one in containers(desk)]
    found += [f"volume {one}" for one in docker("volume", "ls", "-q", "--filter", label).split()]
    found += _marked(desk) + [f"process {one} in a sandbox" for one in inside(desk)]
    mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    found += [f"mount {line!r}" for line in mounts if b"overlay" in line and os.fsencode(desk.home) in line]
    for pid in desk.pids:
        found += [f"control group {path}" for path in _groups(f"casava-{pid}-*") - desk.groups]
    found += [f"temporary {path}" for path in desk.temporary.iterdir()]
    layers = desk.home / "state" / "layers"
    if layers.is_dir():
        found += [f"layer {path.name}" for path in layers.iterdir() if path.name not in desk.held()]
        found += [f"link {path}" for path in layers.glob("*/.casava-*")]
        found += [f"token {path}" for path in layers.glob("*/scratch/token")]
    found += [f"hidden folder {path}" for path in desk.workspace.rglob(".casava-os-*")]
    if [
        *(desk.home / "state" / "undo" / "intents").glob("*.json"),
        *(desk.home / "state" / "undo" / "intents").glob("*.done"),
    ]:
        found.append("an unfinished commit")
    return found


def loose_permissions(desk: Desk) -> list[str]:
    """What of the state somebody else could read. Inside a layer's folder the modes are the workspace's own."""
    found = []
    for directory, names, files in os.walk(desk.home):
        names[:] = [name for name in names if name != "config"]
        if stat.S_IMODE(os.stat(directory).st_mode) & 0o077:
            found.append(directory)
        found += [
            path
            for name in files
            if stat.S_IMODE(os.lstat(path := os.path.join(directory, name)).st_mode) & 0o077
            and not name.endswith(".pyz")
        ]
        if os.path.basename(os.path.dirname(directory)) in ("layers", "undo"):
            names[:] = [name for name in names if name not in ("upper", "work", "scratch", "old", "new")]
    return found


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
