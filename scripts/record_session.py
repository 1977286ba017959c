#!/usr/bin/env python3
"""Records the session that README.md shows, by really running its commands on a real folder.

    .venv/bin/python scripts/record_session.py           # run, check, and write it into README.md
    .venv/bin/python scripts/record_session.py --check   # run and check only

Each command's exit code and a word of its output are checked first: a README that shows what does not happen is not
written. The folder and the CASAVA_HOME are temporary.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- session:begin -->", "<!-- session:end -->"
WEEK = 7 * 86_400


@dataclass(frozen=True)
class Line:
    """One command line as a person types it, its exit code, and what must be seen of it."""

    typed: str
    code: int = 0
    sees: str = ""


SESSION = (
    Line("ls", sees="photo1.png"),
    Line('casava-os run "how many python files are there"', sees=r"^2$"),
    Line('casava-os run "delete the .tmp files older than a week"', code=3, sees="casava-os commit"),
    Line("casava-os commit", sees="take it back"),
    Line('casava-os run --yes "move all png files to pictures"', sees="take it back"),
    Line("ls", sees="pictures"),
    Line("casava-os undo", sees="undone"),
    Line('cat logs/app.log | casava-os run "how many lines contain ERROR"', sees=r"^2$"),
    Line('casava-os run "run python3 src/report.py"', sees="total 270"),
    Line('casava-os run "make me a sandwich"', code=5),
    Line("casava-os app run tidy --dry-run", sees="Pictures"),
)


def furnish(folder: Path) -> None:
    """A small, messy project."""
    old = time.time() - 3 * WEEK
    files: dict[str, bytes] = {
        "photo1.png": b"\x89PNG one",
        "photo2.png": b"\x89PNG two",
        "notes.md": b"# Things\n\n- call Ann\n",
        "cache/index.tmp": b"x" * 20_000,
        "cache/upload.tmp": b"fresh",
        "logs/app.log": b"INFO started\nERROR disk is nearly full\nINFO ok\nERROR disk is full\n",
        "src/report.py": b'rows = [line.split(",") for line in open("sales.csv")]\n'
        b'print("total", sum(int(row[1]) for row in rows[1:]))\n',
        "src/util.py": b"def twice(n):\n    return 2 * n\n",
        "sales.csv": b"region,amount\nnorth,120\nsouth,150\n",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    os.utime(folder / "cache/index.tmp", (old, old))


def play(line: Line, folder: Path, environment: dict[str, str]) -> str:
    """Runs one line; what a terminal would have shown. Ends the program when it is not what it should be."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.typed],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    shown = done.stdout.decode("utf-8", "replace").replace(str(folder), "~/project")
    if done.returncode != line.code or not re.search(line.sees, shown, re.MULTILINE):
        sys.exit(
            f"$ {line.typed}\n{shown}\nexit code {done.returncode}, where {line.code} was due"
            + (f", and {line.sees!r} to be seen" if line.sees else "")
        )
    return shown


def record() -> str:
    """The whole session as a Markdown block."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="casava-session-") as place:
        folder = Path(place) / "project"
        folder.mkdir()
        furnish(folder)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CASAVA_")}
        environment |= {
            "CASAVA_HOME": str(Path(place) / "home"),
            "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{environment['PATH']}",
            "LC_ALL": "C.UTF-8",
        }
        for line in SESSION:
            shown = play(line, folder, environment)
            lines += [f"~/project$ {line.typed}", *shown.splitlines()]
            if line.code:
                lines.append(f"~/project$ echo $?\n{line.code}")
            lines.append("")
    return "```console\n" + "\n".join(lines).rstrip() + "\n```\n"


def main() -> int:
    """Returns 0 when every command did what the README claims."""
    parser = argparse.ArgumentParser(description="Records the session that README.md shows.")
    parser.add_argument("--check", action="store_true", help="run the commands, write nothing")
    options = parser.parse_args()
    block = record()
    if options.check:
        print(block)
        return 0
    readme = ROOT / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"README.md lacks the lines {BEGIN} and {END}")
    readme.write_text(f"{before}{BEGIN}\n{block}{END}{after}", encoding="utf-8")
    print(f"recorded {len(SESSION)} commands in README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
