"""The real command line in a process of its own, on a folder and a home of its own. No model: calls and plans only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from casava_os.kernel.events import BaseEvent, Event

COMMAND = (sys.executable, "-m", "casava_os")


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()

    @property
    def events(self) -> list[BaseEvent]:
        """Standard output as events; a line that is none fails."""
        adapter = TypeAdapter[BaseEvent](Event)
        return [adapter.validate_json(line) for line in self.out.splitlines()]


@dataclass
class Desk:
    """A folder, a home, and the command line."""

    workspace: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CASAVA_")}
        return {
            **inherited,
            "CASAVA_HOME": str(self.home),
            "CASAVA_SANDBOX": "bubblewrap",
            **self.environment,
        }

    def __call__(self, *arguments: str | bytes, stdin: bytes | None = None, timeout: float = 60) -> Ran:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            cwd=self.workspace,
            env=self.env,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def names(self) -> list[str]:
        """Every path below the workspace."""
        return sorted(str(path.relative_to(self.workspace)) for path in self.workspace.rglob("*"))

    def configure(self, name: str, text: str) -> None:
        path = self.home / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def plan(self, *steps: dict[str, object], **more: object) -> str:
        """Writes a plan file beside the workspace; gives its path."""
        path = self.workspace.parent / "plan.json"
        path.write_text(json.dumps({"version": 1, "steps": list(steps), **more}))
        return str(path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    workspace = tmp_path / "work space"
    workspace.mkdir()
    for name, text in (("a.txt", "one\ntwo\n"), ("b.txt", "three\n"), ("old.tmp", "x")):
        (workspace / name).write_text(text)
    return Desk(workspace, tmp_path / "home")
