"""Whole requests: the real command line, the shipped model, a real sandbox, a real folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DRIVERS = ("docker", "bubblewrap")
DAY = 86_400


@dataclass(frozen=True)
class Ran:
    """What one `casava-os` command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Desk:
    """A person's folder and their shell."""

    workspace: Path
    home: Path
    driver: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: bytes | None = None, timeout: float = 120) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "casava_os", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            cwd=self.workspace,
            env={**os.environ, "CASAVA_HOME": str(self.home), "NO_COLOR": "1", **self.environment},
            check=False,
        )
        return Ran(
            done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )

    def run(self, request: str, *options: str, stdin: bytes | None = None) -> Ran:
        return self("run", "--yes", "--sandbox", self.driver, *options, request, stdin=stdin)

    def tree(self) -> dict[str, bytes | str | None]:
        """Every path below the workspace: bytes of a file, target of a link, None for a directory."""
        found: dict[str, bytes | str | None] = {}
        for path in sorted(self.workspace.rglob("*")):
            name = str(path.relative_to(self.workspace))
            if path.is_symlink():
                found[name] = str(path.readlink())
            else:
                found[name] = None if path.is_dir() else path.read_bytes()
        return found

    def text(self, name: str) -> str:
        return (self.workspace / name).read_text()


def furnish(root: Path) -> None:
    """A small project as it lies on somebody's desk."""
    files: dict[str, str | bytes] = {
        "notes.txt": "alpha\nbeta\ngamma\n",
        "todo.md": "# Things\n- call Ann\n- fix the TODO list\n",
        "names.txt": "zoe\nadam\nmia\nadam\n",
        "numbers.txt": "10\n9\n100\n1\n",
        "report.pdf": b"%PDF-1.4\n" + b"x" * 3000,
        "run.sh": "#!/bin/sh\necho hello from run\n",
        "config.json": '{"server": {"port": 8080, "host": "localhost"}, "debug": true}\n',
        "data/sales.csv": "region,amount\nnorth,10\nsouth,25\nnorth,5\n",
        "data/big.bin": bytes(3_000_000),
        "data/copy.txt": "alpha\nbeta\ngamma\n",
        "src/main.py": "import util\n\n# TODO: say more\nprint(util.greet('world'))\n",
        "src/util.py": "def greet(name):\n    return f'hello {name}'\n",
        "src/__init__.py": "",
        "logs/app.log": "ok\nERROR one\nok\nERROR two\n",
        "logs/old.log": "ok\nold\n",
        "tmp/a.tmp": "a",
        "tmp/b.tmp": "b",
        "images/cat.jpg": b"\xff\xd8cat",
        "images/dog.png": b"\x89PNGdog",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    (root / "empty").mkdir()
    old = time.time() - 40 * DAY
    for name in ("logs/old.log", "tmp/a.tmp"):
        os.utime(root / name, (old, old))


@pytest.fixture(scope="session")
def casava_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("casava-home")


@pytest.fixture(params=DRIVERS)
def desk(request: pytest.FixtureRequest, tmp_path: Path, casava_home: Path) -> Desk:
    workspace = tmp_path / "project"
    workspace.mkdir()
    furnish(workspace)
    return Desk(workspace, casava_home, request.param)


Check = Callable[[Desk, Ran], None]
