"""The real Python bindings of NVML, over a compiled library that keeps to NVIDIA's reference: names, types and layouts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROBE = """
import dataclasses, json, sys
from casava_os.meters.nvidia import NvidiaMeter
meter = NvidiaMeter(sys.argv[1])
print(json.dumps([dataclasses.asdict(reading) for reading in meter.read(0.0)]))
meter.close()
"""


def test_the_bindings_call_the_library_as_it_is_documented(tmp_path: Path) -> None:
    source = Path(__file__).with_name("libnvidia_ml.c")
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(
        ["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)], check=True
    )
    told = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(told.stdout) == [
        {
            "key": "0000:c1:00.0", "vendor": "nvidia", "name": "NVIDIA Test Card", "use_percent": 42.0,
            "memory_used": 5368709120, "memory_total": 12884901888, "own_memory": 123456789012, "temperature": 55.0, "watts": 123.456,
            "watts_limit": None, "asleep": False,
        }
    ]  # fmt: skip
