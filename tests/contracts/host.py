"""A program that opens a sandbox, says so, and waits: for the tests that kill it or run it as another user.

Arguments: driver, directory for the layer (made here when it is not there yet), command to run inside.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from casava_os.kernel.ports import LayerPaths, Limits
from casava_sandbox.select import choose
from casava_syscalls.results import Err


async def main(driver: str, place: Path, command: str) -> None:
    layer = LayerPaths(4711, place / "workspace", place / "upper", place / "work", place / "scratch")
    for directory in (layer.workspace, layer.upper, layer.work, layer.scratch):
        directory.mkdir(parents=True, exist_ok=True)
    chosen = await choose(driver, cache=place / "cache", home=str(place / "cache"))
    assert not isinstance(chosen, Err), str(chosen)
    opened = await chosen.value.sandbox.open(layer, Limits(pids=64, memory_bytes=256 * 2**20))
    assert not isinstance(opened, Err), str(opened)
    session = opened.value
    print(
        json.dumps({"verified": dict(session.info.verified), "warnings": session.info.warnings}), flush=True
    )
    result = await session.perform(1, {"call": "process.run", "command": command})
    print(result.model_dump_json(), flush=True)
    await session.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
