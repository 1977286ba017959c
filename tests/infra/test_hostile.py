"""Whatever stands in a file, it is a spec or an error that a person can read; and counters of any kind are read or passed over."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from casava_os.infra.docker import measure
from casava_os.infra.docker.observe import Container
from casava_os.infra.reading import read_spec
from casava_os.infra.record import Record
from casava_syscalls.results import Err, Ok

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["image", "ports", "volumes", "environment", "healthcheck", "deploy", "depends_on", "secrets", "networks", "command",
     "restart", "mem_limit", "labels", "tmpfs", "configs", "extra_hosts", "scale", "privileged", "x-other"]
)  # fmt: skip


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    read = read_spec(text, "compose.yaml")
    assert isinstance(read, Ok | Err)
    assert isinstance(read, Ok) or (read.title and read.message)


@given(st.dictionaries(KEYS, DATA, max_size=5), DATA)
@settings(max_examples=300, deadline=None)
def test_any_service(service: dict[str, object], extension: object) -> None:
    text = yaml.safe_dump({"services": {"web": {"image": "n", **service}}, "x-casava": extension})
    read = read_spec(text, "compose.yaml")
    assert isinstance(read, Ok) or (read.code in ("usage", "limit") and read.message)


@given(st.binary(max_size=300))
def test_any_record(data: bytes) -> None:
    assert isinstance(Record.read(data), str)


def test_a_record_is_what_was_written() -> None:
    record = Record(stack="s", owner="o", kept=("d",))
    assert Record.read(record.written()) == record
    assert isinstance(Record.read(record.written().replace(b'"d"', b'"e"')), str)


def container(pid: int) -> Container:
    return Container(
        "id", "n", "s", 1, "", "", "", "running", 0, "", pid, 0, 0.0, 0, "no", frozenset(), (), {}, grace=10, server=False
    )  # fmt: skip


def test_what_a_container_uses_in_both_versions_of_control_groups(tmp_path: Path) -> None:
    proc, one, two = tmp_path / "proc", tmp_path / "v1", tmp_path / "v2"

    def write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write(proc / "7/cgroup", "9:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n")
    dev = "Inter-|\n face |\n    lo: 9 0 0 0 0 0 0 0 9 0\n  eth0: 100 0 0 0 0 0 0 0 50 0\n"
    write(proc / "7/net/dev", dev)
    write(one / "memory/docker/x/memory.usage_in_bytes", "5000\n")
    write(one / "memory/docker/x/memory.max_usage_in_bytes", "9000\n")
    write(one / "memory/docker/x/memory.stat", "cache 1\ntotal_inactive_file 1000\n")
    write(one / "cpuacct/docker/x/cpuacct.usage", "2500000000\n")
    assert measure.use(container(7), proc, one) == measure.Use(4000, 9000, 2.5, 150)
    write(proc / "8/cgroup", "0::/system.slice/docker-x.scope\n")
    write(proc / "8/net/dev", dev)
    write(two / "cgroup.controllers", "memory cpu\n")
    group = two / "system.slice/docker-x.scope"
    write(group / "memory.current", "5000\n")
    write(group / "memory.peak", "7000\n")
    write(group / "memory.stat", "inactive_file 2000\n")
    write(group / "cpu.stat", "usage_usec 1500000\n")
    assert measure.use(container(8), proc, two) == measure.Use(3000, 7000, 1.5, 150)
    assert measure.use(container(9), proc, two) == measure.Use()
    assert measure.use(container(0), proc, two) == measure.Use()
    assert measure.proposed(100 * 2**20) == 128 * 2**20
    assert measure.proposed(None) is None
