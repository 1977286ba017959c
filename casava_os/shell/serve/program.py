"""The program in a tab: the shell over a pipe. A failure before it can draw is said on standard error, for the tab to show."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from casava_os.errors import exit_code
from casava_os.shell.opening import open_shell
from casava_syscalls.results import Err


def main() -> int:
    """Opens the shell; gives its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--sandbox")
    options = parser.parse_args()
    opened = open_shell(options.workspace, model=options.model, sandbox=options.sandbox, plain=False)
    if isinstance(opened, Err):
        sys.stderr.write(f"{opened.title}\n{opened.message}\n{opened.hint}\n")
        return exit_code(opened)
    return opened.value


if __name__ == "__main__":
    sys.exit(main())
