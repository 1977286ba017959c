"""Any file of procfs or sysfs may read as anything (another kernel, another driver, a container): no meter fails over it."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casava_os.meters import Sampler, figures
from tests.meters.conftest import MACHINES
from tests.meters.nvml_fake import FakeNvml, loads

TREES = ("workstation", "laptop", "groups-v1", "groups-v2")


def files_of(name: str) -> dict[str, str]:
    """A tree's files by path."""
    files: dict[str, str] = {}
    for part in (MACHINES / f"{name}.tree").read_text().split("## ")[1:]:
        path, _, text = part.partition("\n")
        files[path] = text
    return files


CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"", b"\n", b"-1", b"9" * 40, b"N/A", b"max", b"1e308", b"nan", b"0", b"cpux 1 2 3 4\n", b"a:b\n:\n::\n",
            b"some avg10=x\n", b"1 (", b"1 ) 2 3", b"=\n==", b"MemTotal: 0 kB\nMemAvailable: 5 kB", b"cpu 1 2 3 4\ncpu0 0 0 0 0",
        ]
    ),
)  # fmt: skip


@pytest.mark.parametrize("tree", TREES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_content_of_any_file_stops_the_sampling(tree: str, data: st.DataObject) -> None:
    files = files_of(tree)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        clock = iter(range(100))
        nvml = FakeNvml(init_error="NVML_ERROR_LIBRARY_NOT_FOUND")
        sampler = Sampler(root, root=root, clock=lambda: float(next(clock)), nvml=loads(nvml))
        sampler.sample()
        for _ in range(3):
            for path in data.draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=4)):
                (root / path).write_bytes(data.draw(CONTENTS))
            values = figures(sampler.sample())
            for name, value in values.items():
                assert value is None or math.isfinite(value), name
                if value is not None and name.endswith((".use", "memory", "cpu")) and "sandbox" not in name:
                    assert 0 <= value <= 100 or name == "own.cpu", name
