"""The kernel's counters of a container, in both versions of control groups; a container of another kernel has none here."""

from __future__ import annotations

from pathlib import Path

import pytest

from casava_os.containers.counters import Counters, counters
from casava_os.containers.measuring import told
from tests.containers.conftest import Casava

IDENT = "0123456789ab" + "c" * 52
DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
    lo:     999       9    0    0    0     0          0         0      999       9
  eth0:    1000      10    0    0    0     0          0         0      200       2    0    0    0     0       0          0
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def proc(root: Path, lines: str) -> Path:
    return write(root, {"42/cgroup": lines, "42/net/dev": DEV})


def test_version_2(tmp_path: Path) -> None:
    scope = f"system.slice/docker-{IDENT}.scope"
    groups = write(
        tmp_path / "cgroup",
        {
            f"{scope}/cpu.stat": "usage_usec 5000\nuser_usec 1\n",
            f"{scope}/memory.current": "3000\n",
            f"{scope}/memory.stat": "anon 1\ninactive_file 1000\n",
            f"{scope}/memory.max": "max\n",
            f"{scope}/pids.current": "3\n",
            f"{scope}/io.stat": "8:0 rbytes=100 wbytes=50 rios=1 wios=1\n8:16 rbytes=1 wbytes=2\n",
        },
    )
    found = counters(42, IDENT, proc=proc(tmp_path / "proc", f"0::/{scope}\n"), cgroup=groups)
    assert found == Counters(5_000_000, 2000, None, 1000, 200, 101, 52, 3)


def test_version_1(tmp_path: Path) -> None:
    groups = write(
        tmp_path / "cgroup",
        {
            f"cpu,cpuacct/docker/{IDENT}/cpuacct.usage": "7000\n",
            f"memory/docker/{IDENT}/memory.usage_in_bytes": "3000\n",
            f"memory/docker/{IDENT}/memory.stat": "total_inactive_file 500\n",
            f"memory/docker/{IDENT}/memory.limit_in_bytes": "10000\n",
            f"pids/docker/{IDENT}/pids.current": "1\n",
            f"blkio/docker/{IDENT}/blkio.throttle.io_service_bytes_recursive": "8:0 Read 5\n8:0 Write 6\nTotal 11\n",
        },
    )
    lines = f"5:cpu,cpuacct:/docker/{IDENT}\n4:memory:/docker/{IDENT}\n3:pids:/docker/{IDENT}\n2:blkio:/docker/{IDENT}\n0::/x\n"
    found = counters(42, IDENT, proc=proc(tmp_path / "proc", lines), cgroup=groups)
    assert found == Counters(7000, 2500, 10000, 1000, 200, 5, 6, 1)


@pytest.mark.parametrize(
    "lines", ["", "0::/\n", "0::/system.slice/docker-ffffffffffff.scope\n", f"0::/docker/{IDENT}\n"]
)
def test_what_cannot_be_read(tmp_path: Path, lines: str) -> None:
    assert counters(42, IDENT, proc=proc(tmp_path / "proc", lines), cgroup=tmp_path / "none") is None


async def test_the_daemon_tells_the_same(casava: Casava) -> None:
    name = await casava.started()
    found = casava.api.inspect_container(name)
    here = counters(found["State"]["Pid"], found["Id"])
    there = told(casava.api.stats(name, decode=False, stream=False, one_shot=True))
    assert here is not None
    assert there is not None
    assert abs(here.memory - there.memory) < 2**20
    assert here.pids == there.pids == 1
    assert there.cpu >= here.cpu
