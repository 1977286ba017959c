"""Starts the agent: takes the stream away from everything else, shields itself, and serves."""

from __future__ import annotations

import os
import sys

from casava_sandbox.agent.loop import Agent
from casava_sandbox.agent.promises import shield


def main() -> None:
    """Serves the host on what are standard input and output at the start; neither is left to programs or prints."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.umask(0o022)
    from casava_sandbox.agent.programs import TREE

    shield()
    root = sys.argv[1] if len(sys.argv) > 1 else "/workspace"
    scratch = sys.argv[2] if len(sys.argv) > 2 else "/casava/scratch"
    try:
        Agent(source, sink, root=root, scratch=scratch).run()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the host is gone
    finally:
        TREE.kill_all()
        os._exit(0)


if __name__ == "__main__":
    main()
