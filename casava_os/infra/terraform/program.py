"""Runs `tofu` or `terraform`: in an environment without surprises, its output in a file, ended in an orderly way.

The output goes to a file and not into a pipe: should this program be killed, Terraform goes on to the end of what it has
begun and writes its state, where a broken pipe would end it in the middle of a request. Whoever comes next finds it by a
mark in its environment (`survivors`), asks it to end, and waits.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from casava_os.infra.drivers import Tell
from casava_syscalls.results import Err, Ok, Result

MARK = "CASAVA_OS_WRITES"
"""In the environment of a Terraform that may write a state: the folder of the state."""
_DROPPED = re.compile(r"TF_(VAR_.*|CLI_ARGS.*|WORKSPACE|DATA_DIR|LOG.*|INPUT|IN_AUTOMATION)\Z")
_GRACE = 25.0
"""Seconds between asking Terraform to end and killing it: requests that are under way are waited for."""
_LOOK = 0.1
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")

Line = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Program:
    """One of the two."""

    path: str
    name: str
    version: tuple[int, int]


@dataclass(slots=True)
class Ran:
    """What a run said."""

    code: int
    output: Path
    lines: list[Line] = field(default_factory=list)
    """Of its JSON output."""
    text: str = ""
    """All of it, without secrets."""

    def errors(self) -> list[tuple[str, str]]:
        """(address, sentence) of every error."""
        found: list[tuple[str, str]] = []
        for line in self.lines:
            one = line.get("diagnostic")
            if isinstance(one, dict) and one.get("severity") == "error":
                said = " ".join(f"{one.get('summary', '')}: {one.get('detail', '')}".split()).rstrip(": ")
                found.append((str(one.get("address") or ""), scrubbed(said)))
        return found


def find() -> Result[Program]:
    """`tofu`, or else `terraform`. `Err("unavailable")` when neither is there."""
    for name in ("tofu", "terraform"):
        path = shutil.which(name)
        if path is None:
            continue
        try:
            done = subprocess.run(
                [path, "version", "-json"],
                capture_output=True,
                timeout=60,
                env=environment({}),
                check=False,
                stdin=subprocess.DEVNULL,
            )
            text = str(json.loads(done.stdout)["terraform_version"]) if done.returncode == 0 else ""
        except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
            text = ""
            done = None
        numbers = re.match(r"(\d+)\.(\d+)", text)
        if numbers is None:
            said = scrubbed(done.stderr.decode(errors="replace")) if done is not None else ""
            return Err(
                code="unavailable",
                title=f"{name} does not start",
                message=" ".join(said.replace("│", " ").split())[:500] or f"`{path} version` failed",
                hint="TF_CLI_CONFIG_FILE names a file that is not there: make it, or unset it"
                if "CLI configuration file" in said
                else "",
            )
        return Ok(value=Program(path, name, (int(numbers[1]), int(numbers[2]))))
    return Err(
        code="unavailable",
        title="There is neither tofu nor terraform here",
        message="stacks on AWS are made with one of them, and neither is on PATH",
        hint="install OpenTofu (opentofu.org) or Terraform 1.11 or later, or leave --driver out to run it on docker",
    )


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The person's environment, credentials and all, without what would change what Terraform does."""
    kept = {name: value for name, value in os.environ.items() if not _DROPPED.match(name)}
    return {**kept, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", **more}


def scrubbed(text: str) -> str:
    """Without this person's credentials."""
    for name in _SECRETS:
        value = os.environ.get(name, "")
        if len(value) >= 8:
            text = text.replace(value, "••••••")
    return text


def run(
    command: list[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    hear: Callable[[Line], None] = lambda _: None,
    until: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result[Ran]:
    """Runs to the end, and tells each line of JSON as it comes. `until`: on the monotonic clock. `Err`: timeout, interrupted."""
    output = folder / "output.log"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    ran, why = Ran(-1, output), None
    with output.open("rb") as source:
        try:
            while (code := process.poll()) is None:
                _listen(source, ran, hear)
                if cancelled():
                    why = Err(code="interrupted", title="Interrupted", message="Terraform was stopped")
                elif time.monotonic() > until:
                    why = Err(code="timeout", title="It took too long", message="Terraform was stopped")
                if why is not None:
                    end(process)
                    break
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
        except BaseException:
            end(process)
            raise
        ran.code = process.wait() if code is None else code
        _listen(source, ran, hear)
    ran.text = scrubbed(output.read_text(encoding="utf-8", errors="replace"))
    return why if why is not None else Ok(value=ran)


def _listen(source: object, ran: Ran, hear: Callable[[Line], None]) -> None:
    """Whole lines since the last look."""
    from typing import BinaryIO, cast

    file = cast("BinaryIO", source)
    while True:
        at = file.tell()
        raw = file.readline()
        if not raw.endswith(b"\n"):
            file.seek(at)
            return
        with suppress(ValueError):
            line = json.loads(raw)
            if isinstance(line, dict):
                ran.lines.append(line)
                hear(line)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end, waits, and kills what is left of it."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


# ------------------------------------------------------------------------------------------------ of a killed program


def survivors(folder: Path) -> Iterator[int]:
    """Programs that may still write this state: Terraform whose parent was killed, and its plugins."""
    mark = f"{MARK}={folder}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0") and _alive(entry):
                yield int(entry.name)


def _alive(entry: Path) -> bool:
    return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in ("Z", "X")


def quieten(folder: Path, tell: Tell, patience: float = 60.0) -> None:
    """Waits until nobody writes this state any more: asks those who do to end, and kills them when they don't."""
    left = set(survivors(folder))
    if not left:
        return
    tell("Waiting for the Terraform of a program that was killed")
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)  # plugins do not mind it
    limit = time.monotonic() + patience
    while (left := set(survivors(folder))) and time.monotonic() < limit:
        if not any(_leads(pid) for pid in left):  # plugins alone: nobody is there whom they could answer
            break
        time.sleep(0.2)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _leads(pid: int) -> bool:
    """Whether it is Terraform itself and not one of its plugins."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
