"""A sandbox ends although nobody reads what its program wrote."""

from __future__ import annotations

import asyncio
from pathlib import Path

from casava_os.kernel.ports import LayerPaths
from casava_sandbox.bubblewrap import driver


def test_a_sandbox_whose_words_nobody_reads_any_more_ends(tmp_path: Path) -> None:
    """Its stream is full and paused: what a reader that went away leaves behind."""
    forgotten: list[bool] = []

    async def ending() -> None:
        process = await asyncio.create_subprocess_exec(
            "yes",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        transport = process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        while transport.is_reading():  # noqa: ASYNC110 - nothing tells when that ends
            await asyncio.sleep(0.01)
        listening = asyncio.create_task(asyncio.sleep(0))
        layer = LayerPaths(
            pid=1,
            workspace=tmp_path,
            upper=tmp_path / "upper",
            work=tmp_path / "work",
            scratch=tmp_path / "scratch",
        )
        async with asyncio.timeout(60):
            await driver._tear_down(process, listening, None, layer, lambda: forgotten.append(True))
        assert process.returncode == -9

    asyncio.run(ending())
    assert forgotten == [True]
