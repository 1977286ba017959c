"""Runs programs: `process.run`, and the starting, feeding and watching of programs that other performers may use."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import BinaryIO, Dict, List, Optional, Union

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.tree import Tree
from casava_sandbox.agent.values import Stored, as_input

TREE = Tree()
"""Every program the agent started; one per agent process, as the process table is."""

_CHUNK = 65536
_LINGER = 0.3
"""Seconds that output is still read after the program itself has ended."""


def environment(context: Context, extra: Optional[Dict[str, str]] = None) -> Dict[str, str]:
    """The environment of a program: the sandbox's own, and what the call adds."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "PYTHONDONTWRITEBYTECODE")
    env = {name: os.environ[name] for name in names if name in os.environ}
    env["PWD"] = context.root
    for name, value in (extra or {}).items():
        if not name or "=" in name or "\0" in name + value:
            raise Fault("usage", "Not an environment variable", "%s=%s" % (name, value))
        env[name] = value
    return env


def working_directory(context: Context, text: str) -> str:
    """The directory to start a program in; a `Fault` when there is none."""
    path = context.path(text)
    if not os.path.isdir(path):
        code = "not-a-directory" if os.path.exists(path) else "not-found"
        raise Fault(code, "There is no such directory", text, "name a directory of the workspace")
    return path


class Output:
    """Keeps what a program prints, up to a limit for both streams together, and streams it on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.room = context.limits.output_bytes
        self.kept: Dict[str, List[bytes]] = {"stdout": [], "stderr": []}
        self.dropped = 0

    def take(self, stream: str, data: bytes) -> None:
        """Keeps as much of `data` as there is room for."""
        kept = data[: self.room]
        self.room -= len(kept)
        self.dropped += len(data) - len(kept)
        if kept:
            self.kept[stream].append(kept)
            self._context.emit(stream, kept)

    def text(self, stream: str) -> str:
        """All that was kept; undecodable bytes are replaced."""
        return b"".join(self.kept[stream]).decode("utf-8", "replace")


def run(context: Context, fields: Stored) -> Stored:
    """`process.run`: a command line or a script, to its end. Nothing that it started outlives it."""
    cwd = working_directory(context, str(fields.get("cwd") or "."))
    extra = fields.get("env")
    env = environment(
        context, {str(k): str(v) for k, v in extra.items()} if isinstance(extra, dict) else None
    )
    env["PWD"] = cwd
    seconds = fields.get("seconds")
    if isinstance(seconds, (int, float)) and seconds < context.seconds:
        context.seconds = float(seconds)
        context.deadline = time.monotonic() + seconds
    mark = os.urandom(16).hex()
    context.on_cancel(lambda: TREE.kill(mark))
    context.check()
    started = time.monotonic()
    stdin = _stdin(context, fields)
    try:
        program = _start(_argv(fields), mark, env, cwd, stdin)
    finally:
        if not isinstance(stdin, bytes):
            stdin.close()
    output = Output(context)
    try:
        _pump(context, program, stdin if isinstance(stdin, bytes) else b"", output)
    finally:
        TREE.kill(mark)
        program.wait()
        TREE.ended(program)
        for pipe in (program.stdin, program.stdout, program.stderr):
            if pipe is not None:
                _close(pipe)
        TREE.reap()
    context.check()
    return {
        "kind": "exit",
        "code": program.returncode,
        "stdout": output.text("stdout"),
        "stderr": output.text("stderr"),
        "seconds": round(time.monotonic() - started, 4),
        "truncated": output.dropped > 0,
    }


def _argv(fields: Stored) -> List[str]:
    command, script = fields.get("command"), fields.get("script")
    if isinstance(command, str) and script is None:
        return ["sh", "-c", command]
    if isinstance(script, str) and command is None:
        interpreter = str(fields.get("interpreter") or "sh")
        if interpreter not in ("sh", "bash", "python3"):
            raise Fault("unsupported", "No such interpreter", interpreter, "use sh, bash or python3")
        return [interpreter, "-c", script]
    raise Fault("usage", "Give a command or a script", "exactly one of them is needed")


def _stdin(context: Context, fields: Stored) -> Union[bytes, BinaryIO]:
    """What the program reads. The piped standard input is handed on as it is, not through text."""
    wanted = fields.get("stdin")
    piped = os.path.join(context.scratch, "stdin")
    if (wanted is True or context.raw.get("stdin") == "$0") and os.path.exists(piped):
        return open(piped, "rb")  # closed by `run` once the program has it
    return as_input(wanted)


def _start(
    argv: List[str], mark: str, env: Dict[str, str], cwd: str, stdin: Union[bytes, BinaryIO]
) -> subprocess.Popen[bytes]:
    try:
        return TREE.start(
            argv,
            mark,
            env,
            cwd=cwd,
            stdin=stdin if not isinstance(stdin, bytes) else subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except FileNotFoundError:
        raise Fault("not-found", "The program does not exist in the sandbox", argv[0]) from None
    except ValueError as error:
        raise Fault("usage", "The program cannot be started", str(error)) from None
    except OSError as error:
        if error.errno == 7:  # E2BIG
            raise Fault(
                "usage", "The command line is too long", "", "write it to a file and run that"
            ) from None
        raise


def _pump(context: Context, program: subprocess.Popen[bytes], feed: bytes, output: Output) -> None:
    """Feeds and reads the program until it has ended and its output is read."""
    view = memoryview(feed)
    ended_at: Optional[float] = None
    with selectors.DefaultSelector() as selector:
        for pipe, name in ((program.stdout, "stdout"), (program.stderr, "stderr")):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, name)
        if program.stdin is not None:
            os.set_blocking(program.stdin.fileno(), False)
            selector.register(program.stdin, selectors.EVENT_WRITE, "stdin")
        while selector.get_map() or ended_at is None:
            context.check()
            if ended_at is None and program.poll() is not None:
                ended_at = time.monotonic()
            if ended_at is not None and time.monotonic() - ended_at > _LINGER:
                return
            if not selector.get_map():
                _wait(context, program)
                return
            for key, _ in selector.select(timeout=0.1):
                end = key.fileobj
                if key.data == "stdin":
                    view = _feed(key.fd, view)
                    if not view:
                        selector.unregister(end)
                        assert program.stdin is not None
                        _close(program.stdin)
                    continue
                data = _read(key.fd)
                if data is None:
                    continue
                if data:
                    output.take(str(key.data), data)
                else:
                    selector.unregister(end)


def _wait(context: Context, program: subprocess.Popen[bytes]) -> None:
    """Waits for a program that has closed its output."""
    while True:
        try:
            program.wait(0.1)
        except subprocess.TimeoutExpired:
            context.check()
        else:
            return


def _feed(fd: int, view: memoryview) -> memoryview:
    try:
        return view[os.write(fd, view[:_CHUNK]) :]
    except BlockingIOError:
        return view
    except BrokenPipeError:
        return view[len(view) :]


def _read(fd: int) -> Optional[bytes]:
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None


def _close(pipe: object) -> None:
    try:
        pipe.close()  # type: ignore[attr-defined]
    except OSError:
        return
