"""`make crash`: kills commits, undos, redos and recoveries at every labelled point and at random instants, and counts."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.kill import PURPOSES, Tally, every_point, random_instants
from tests.crash.world import World


def main() -> int:
    """Prints the counts; 1 when anything was neither old nor new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=600, metavar="N", help="kills at random instants")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, failed = time.monotonic(), 0
    for title, elsewhere in (("workspace and state on one mount", None), ("on two", "/dev/shm")):
        dice = random.Random(options.seed)
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory(dir=elsewhere) as place:
            world = World.make(Path(home) / "state", Path(place) / "workspace")
            world.arm()
            at_points, at_random = Tally(), Tally()
            for purpose in PURPOSES:
                every_point(world, purpose, at_points, dice)
            assert world.store.undo(1).ok
            world.arm()
            random_instants(world, options.random // 2, at_random, dice)
        for tally in (at_points, at_random):
            print(f"{title}: {tally.told()}\n", flush=True)
            failed += len(tally.failures)
    print(f"{failed} failures in {time.monotonic() - began:.0f} seconds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
