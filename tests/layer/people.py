"""Runs a part of a test as an ordinary person, also where the tests are run by root."""

from __future__ import annotations

# Read before the change of user: nobody may not be allowed to read the interpreter's library.
import ctypes  # noqa: F401
import encodings.ascii  # noqa: F401
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

NOBODY = 65534


def as_nobody(action: Callable[[Path], None]) -> None:
    """Calls `action` with a new home directory, in a child process that has no privileges."""
    home = Path(tempfile.mkdtemp(prefix="casava-nobody-"))
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.umask(0o022)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            os.chdir(home)
            action(home)
            code = 0
        except BaseException:  # noqa: BLE001 - the child's failure is shown and becomes its exit code
            traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shutil.rmtree(home, ignore_errors=True)
    assert status == 0, "the part that ran as nobody failed: its traceback is above"
