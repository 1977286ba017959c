"""`python -m tests.infra.kubernetes_victim WORKSPACE`: applies and destroys, each in a program of its own, to be killed.

Reads a line a time (`apply FILE`, `destroy`), does it in a fork, and writes the fork's number and, when it is over, how it ended.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.wishes import Errand, Wish
from casava_os.paths import state_dir
from casava_syscalls.results import Err, Ok


def act(workspace: Path, words: list[str]) -> int:
    engine, errand = (
        engine_of(state_dir()),
        Errand(pid=5, reason="to be killed", workspace=workspace, seconds=120),
    )
    if words[0] == "destroy":
        done = engine.destroy("shop", volumes=True, errand=errand)
        return 1 if isinstance(done, Err) else 0
    read = read_spec((workspace / words[1]).read_text(), words[1])
    assert isinstance(read, Ok), read
    applied = engine.apply(Wish("shop", read.value, workspace, words[1], "kubernetes"), errand)
    if isinstance(applied, Err):
        print(f"error {applied}", flush=True)
    return 1 if isinstance(applied, Err) else 0


def main() -> None:
    import kubernetes.client  # noqa: F401 - once, for all forks

    workspace = Path(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            code = 2
            try:
                code = act(workspace, line.split())
            finally:
                os._exit(code)
        print(f"pid {child}", flush=True)
        print(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}", flush=True)


if __name__ == "__main__":
    main()
