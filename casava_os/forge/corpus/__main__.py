"""Checks corpus files: `python -m casava_os.forge.corpus FILE…` (all shipped ones without arguments)."""

from __future__ import annotations

import sys
from pathlib import Path

from casava_os.forge.corpus import check_files


def main(arguments: list[str]) -> int:
    """Prints every complaint; exit code 1 when there is one."""
    paths = [Path(argument) for argument in arguments] or sorted(Path(__file__).parent.glob("*.jsonl"))
    complaints = check_files(paths)
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)
    for complaint in complaints:
        print(complaint)
    print(f"{lines} lines in {len(paths)} files, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
