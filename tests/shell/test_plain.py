"""The shell without drawing: on a real terminal line by line, and in a pipe. The shipped model, bubblewrap, files on a disk."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SECONDS = 60
COMMAND = [sys.executable, "-m", "casava_os"]


@dataclass
class Home:
    workspace: Path
    environment: dict[str, str]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.workspace.iterdir())

    def piped(self, text: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "shell", "--plain", *more], input=text, capture_output=True, text=True, timeout=SECONDS,
            cwd=self.workspace, env=self.environment, check=False,
        )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for name in ("a.txt", "b.tmp", "c.tmp"):
        (workspace / name).write_text("hello\n")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CASAVA_")}
    mine = {
        "CASAVA_HOME": str(tmp_path / "home"),
        "CASAVA_SANDBOX": "bubblewrap",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return Home(workspace, {**inherited, **mine})


@dataclass
class Reader:
    """A person at a terminal, of whom the machine says: every byte that came."""

    process: subprocess.Popen[bytes]
    terminal: int
    heard: str = ""
    at: int = field(default=0)

    def until(self, text: str) -> str:
        """Reads on until this was said; gives what was said since the last time."""
        end = time.monotonic() + SECONDS
        while text not in self.heard[self.at :]:
            assert time.monotonic() < end, self.heard
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.heard += os.read(self.terminal, 65_536).decode()
                except OSError:
                    assert text in self.heard[self.at :], self.heard
        found = self.heard.index(text, self.at) + len(text)
        said, self.at = self.heard[self.at : found], found
        return said.replace("\r\n", "\n")

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())


@pytest.fixture
def reader(home: Home, request: pytest.FixtureRequest) -> Iterator[Reader]:
    arguments, term = getattr(request, "param", (["shell", "--plain"], "xterm-256color"))
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=home.workspace,
        env={**home.environment, "TERM": term}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    yield Reader(process, mine)
    process.kill()
    process.wait()
    os.close(mine)


EVERYWHERE = [(["shell", "--plain"], "xterm-256color"), ([], "dumb")]


@pytest.mark.parametrize(
    "reader", EVERYWHERE, indirect=True, ids=["asked for", "a terminal that cannot draw"]
)
def test_a_request_is_read_out_answered_by_a_word_and_taken_back(reader: Reader, home: Home) -> None:
    reader.until("Say in plain words what you want done.")
    reader.until("Request: ")
    reader.type("delete the tmp files\n")
    said = reader.until("Answer yes, no, hold or diff: ")
    assert (
        "Plan, 2 steps:\n1. file.find extension=tmp. It reads.\n2. file.delete paths=$1. It deletes." in said
    )
    assert "What would change, 2 changes:\n1. delete b.tmp, 6 B.\n2. delete c.tmp, 6 B.\n" in said
    assert home.names() == ["a.txt", "b.tmp", "c.tmp"]

    reader.type("maybe\n")
    reader.until("Please answer yes, no, hold or diff: ")
    reader.type("diff\n")
    reader.until("deleted file: c.tmp (6 bytes)")
    reader.until("Answer yes, no, hold or diff: ")
    reader.type("yes\n")
    assert "Applied: 2 deleted. To take it back, type /undo 1." in reader.until("Request: ")
    assert home.names() == ["a.txt"]

    reader.type("/undo\n")
    reader.until("Undone: 2 added.")
    assert home.names() == ["a.txt", "b.tmp", "c.tmp"]

    reader.until("Request: ")
    reader.type("!printf 'bad\\033[2J\\nname\\n'; sleep 600\n")
    reader.until("bad\\x1b[2J")
    os.killpg(reader.process.pid, signal.SIGINT)
    reader.until("Cancelled. Nothing was changed.")
    reader.until("Request: ")
    reader.type("\x04")
    reader.until("Goodbye.")
    assert reader.process.wait(SECONDS) == 0
    assert "\x1b" not in reader.heard
    assert "bad\\x1b[2J" in reader.heard
    drawn = re.sub(r"[\x20-\x7e\r\n\t\x08\x07]", "", reader.heard)
    assert not drawn, f"signs that cannot be read aloud: {drawn!r}"


def test_what_is_not_answered_is_held(reader: Reader, home: Home) -> None:
    reader.until("Request: ")
    reader.type("delete the tmp files\n")
    reader.until("Answer yes, no, hold or diff: ")
    reader.type("\x04")
    said = reader.until("Goodbye.")
    assert (
        "Held: its changes wait for approval. Type /commit 1 to apply it, /discard 1 to discard it." in said
    )
    assert home.names() == ["a.txt", "b.tmp", "c.tmp"]


def test_a_pipe_is_read_line_by_line_and_its_results_are_data(home: Home) -> None:
    told = home.piped("how many txt files are there\n\ndelete the tmp files\n/held\n/commit 2\n!ls\n")
    assert told.stdout.split() == ["1", "a.txt"]
    assert "Held: its changes wait for approval" in told.stderr
    assert "Process 2 holds its changes: delete the tmp files" in told.stderr
    assert "Applied: 2 deleted." in told.stderr
    assert home.names() == ["a.txt"]
    assert told.returncode == 3  # the first that did not end with 0


def test_what_a_pipe_gets_wrong_is_said_and_the_next_line_goes_on(home: Home) -> None:
    told = home.piped(
        "/nonsense\n/commit\n/undo abc\n/model no-such-model\n/app nope\n/app tidy where=x\nlist the files\n/model casava-smol\n!true"
    )
    for said in (
        "There is no command /nonsense.",
        "/commit needs the number of a process",
        "/undo takes the number of a process.",
        "Error: There is no such model.",
        "Error: There is no app 'nope'.",
        "Error: tidy has no parameter 'where'.",
        "Done.",
    ):
        assert said in told.stderr, told.stderr
    assert told.returncode == 2


def test_a_plain_shell_without_a_sandbox_says_so_and_stays(home: Home) -> None:
    home.environment["PATH"] = str(Path(sys.executable).parent)
    told = home.piped("!true\n/help\n")
    assert "Error: " in told.stderr
    assert "What to do: " in told.stderr
    assert "Nothing changes before you have heard what would change" in told.stderr
    assert told.returncode == 6


def test_the_setting_makes_it_plain(home: Home, tmp_path: Path) -> None:
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "config.toml").write_text("[shell]\nplain = true\n")
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        COMMAND, stdin=theirs, stdout=theirs, stderr=theirs, cwd=home.workspace, env=home.environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    reader = Reader(process, mine)
    reader.until("Request: ")
    reader.type("/quit\n")
    reader.until("Goodbye.")
    assert process.wait(SECONDS) == 0
    os.close(mine)
