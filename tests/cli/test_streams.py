"""Standard input, signals, pipes that break, and the person at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from tests.cli.conftest import COMMAND, Desk

# ------------------------------------------------------------------------------------------- standard input


def test_piped_input_is_what_dollar_zero_means(desk: Desk) -> None:
    assert desk("call", "text.count", "--source", "-", stdin=b"a\nb\nc\n").out == b"3\n"
    assert desk("call", "text.sort", "--source", "$0", stdin=b"b\na\n").out == b"a\nb\n"
    plan = desk.plan({"call": "text.count", "source": "$0", "what": "words"}, reads_stdin=True)
    assert desk("apply", plan, stdin=b"one two\n").out == b"2\n"
    assert desk("apply", plan).out == b"0\n"


def test_content_from_standard_input_and_from_a_file(desk: Desk) -> None:
    assert (
        desk("call", "file.write", "--path", "in.txt", "--content", "-", "--yes", stdin=b"typed\n").code == 0
    )
    assert (desk.workspace / "in.txt").read_text() == "typed\n"
    assert desk("call", "file.write", "--path", "copy.txt", "--content", "@a.txt", "--yes").code == 0
    assert (desk.workspace / "copy.txt").read_text() == "one\ntwo\n"


def test_too_much_input_is_refused(desk: Desk) -> None:
    desk.environment = {"CASAVA_STDIN_BYTES": "10"}
    ran = desk("call", "text.count", "--source", "-", stdin=b"x" * 11)
    assert (ran.code, ran.out) == (1, b"")
    assert "10 bytes" in ran.err


def test_run_never_waits_for_a_silent_input(desk: Desk) -> None:
    """A daemon's open pipe that nobody writes to: the request goes on without it, and says so."""
    read, write = os.pipe()
    command = [*COMMAND, "run", "--model", "none.gguf", "list all files"]
    began = time.monotonic()
    done = subprocess.run(
        command,
        stdin=read,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=desk.workspace,
        env=desk.env,
        check=False,
    )
    os.close(read)
    os.close(write)
    assert done.returncode == 7
    assert "standard input" in done.stderr
    assert time.monotonic() - began < 15


def test_a_closed_input_is_no_input(desk: Desk) -> None:
    script = 'exec "$@" <&-'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, "call", "file.find", "--extension", "txt"],
        capture_output=True, text=True, timeout=60, cwd=desk.workspace, env=desk.env, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "a.txt\nb.txt\n"), done.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-"])
def test_a_closed_output_is_no_crash(desk: Desk, redirection: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, "call", "file.delete", "--paths", "old.tmp"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150, cwd=desk.workspace, env=desk.env,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------- signals, broken pipes


def start(desk: Desk, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=desk.workspace, env=desk.env,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_is_130_and_clean(desk: Desk, number: signal.Signals) -> None:
    process = start(desk, "call", "process.run", "--command", "touch half; echo ready; sleep 60", "--yes")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"nterrupted" in err
    assert "half" not in desk.names()
    assert desk("ps").lines[1:] == []
    layers = desk.home / "state" / "layers"
    assert list(layers.iterdir()) == []


def test_a_reader_that_goes_away_is_silent(desk: Desk) -> None:
    script = '"$@" | head -n 1'
    for arguments in (
        ("call", "process.run", "--command", "yes | head -n 200000"),
        ("call", "--list"),
        ("call", "process.run", "--command", "yes | head -n 200000", "--json"),
    ):
        done = subprocess.run(
            ["bash", "-c", script, "sh", *COMMAND, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150, cwd=desk.workspace, env=desk.env,
            check=False,
        )  # fmt: skip
        assert len(done.stdout.splitlines()) == 1
        assert "Traceback" not in done.stderr
        assert "BrokenPipe" not in done.stderr
        assert "Exception" not in done.stderr


def test_output_streams_while_the_program_runs(desk: Desk) -> None:
    process = start(desk, "call", "process.run", "--command", "echo early; sleep 60")
    assert process.stdout is not None
    began = time.monotonic()
    assert process.stdout.readline() == b"early\n"
    assert time.monotonic() - began < 30
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


# ---------------------------------------------------------------------------------------------- a terminal


class Terminal:
    """A command whose standard input and error (and output) are a terminal."""

    def __init__(self, desk: Desk, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=desk.workspace,
            env={**desk.env, "TERM": "xterm-256color", "COLUMNS": "100"}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def until(self, *wanted: str) -> None:
        """Reads until the terminal shows one of the texts."""
        deadline = time.monotonic() + 30
        while not any(text in self.seen for text in wanted):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"not seen: {wanted}; seen: {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode("utf-8", "replace")

    def type(self, text: str) -> None:
        self.seen = ""
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Reads to the end; gives the exit code."""
        while True:
            try:
                data = os.read(self.master, 4096)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode("utf-8", "replace")
        os.close(self.master)
        return self.process.wait(30)


@pytest.mark.parametrize(
    ("answer", "code", "landed"),
    [("y", 0, True), ("yes", 0, True), ("n", 3, False), ("h", 3, False), ("\x04", 3, False)],
)
def test_a_person_is_asked_once(desk: Desk, answer: str, code: int, landed: bool) -> None:
    terminal = Terminal(desk, "call", "file.delete", "--paths", "old.tmp")
    terminal.until("[y/n/d/h]")
    assert "old.tmp" in terminal.seen
    terminal.type(answer if answer == "\x04" else answer + "\n")
    assert terminal.end() == code
    assert ("old.tmp" not in desk.names()) == landed
    held = len(desk("ps").lines) == 2
    assert held == (answer == "h")


def test_a_person_may_look_at_the_diff_first(desk: Desk) -> None:
    terminal = Terminal(
        desk, "call", "file.write", "--path", "a.txt", "--content", "new\n", "--how", "overwrite"
    )
    terminal.until("[y/n/d/h]")
    assert "-one" in terminal.seen, "a short diff is shown unasked"
    terminal.type("what?\n")
    terminal.until("[y/n/d/h]")
    assert "d = show the diff" in terminal.seen
    terminal.type("d\n")
    terminal.until("[y/n/d/h]")
    assert "-one" in terminal.seen
    assert "+new" in terminal.seen
    terminal.type("y\n")
    assert terminal.end() == 0
    assert (desk.workspace / "a.txt").read_text() == "new\n"


def test_ctrl_c_at_the_question_is_130(desk: Desk) -> None:
    terminal = Terminal(desk, "call", "file.delete", "--paths", "old.tmp")
    terminal.until("[y/n/d/h]")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "old.tmp" in desk.names()


def test_yes_and_json_ask_nobody(desk: Desk) -> None:
    assert Terminal(desk, "call", "file.delete", "--paths", "old.tmp", "--json").end() == 3
    assert Terminal(desk, "call", "file.delete", "--paths", "old.tmp", "--yes").end() == 0


def visible(seen: str) -> str:
    """What a terminal got, without the colours that we put there ourselves."""
    return re.sub(r"\x1b\[[0-9;]*m", "", seen)


@pytest.mark.parametrize(
    "arguments",
    [
        ("call", "file.find"),
        ("call", "file.usage"),
        ("call", "file.delete", "--paths", "HOSTILE", "--dry-run"),
    ],
)
def test_a_hostile_name_steers_no_terminal(desk: Desk, arguments: tuple[str, ...]) -> None:
    hostile = "x\x1b]0;owned\x07\x1b[2Jy\u202etxt"
    (desk.workspace / hostile).write_text("x")
    terminal = Terminal(desk, *(hostile if part == "HOSTILE" else part for part in arguments))
    assert terminal.end() == 0
    shown = visible(terminal.seen)
    assert "owned" in shown
    for char in ("\x1b", "\x07", "\u202e"):
        assert char not in shown


def test_a_hostile_program_steers_no_terminal(desk: Desk) -> None:
    terminal = Terminal(
        desk, "call", "process.run", "--command", r"printf '\033[2Jowned\n'; printf '\033]0;t\007' >&2"
    )
    assert terminal.end() == 0
    assert "owned" in terminal.seen
    assert "\x1b" not in visible(terminal.seen)


def test_no_color_is_respected(desk: Desk) -> None:
    desk.environment = {"NO_COLOR": "1"}
    terminal = Terminal(desk, "call", "file.delete", "--paths", "old.tmp", "--dry-run")
    assert terminal.end() == 0
    assert "\x1b[3" not in terminal.seen
