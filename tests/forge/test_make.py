"""The forge's one command, from nothing to a model with its card; as small as it can be, and whole."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from casava_os.forge.cli import app
from casava_os.kernel.ports import CompileRequest
from casava_os.model import gguf_file, load
from casava_syscalls.registry import available
from casava_syscalls.results import Ok

TINY = (
    "--minutes", "0.1", "--width", "32", "--layers", "1", "--heads", "2", "--hidden", "32", "--benign", "5",
    "--sampled", "5", "--told", "5", "--version", "9.9.9",
    "--count", "10", "--reader-count", "500",
    "--calibration-lines", "60",
)  # fmt: skip


def forged(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "casava_os", "forge", "make", "--dir", str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_command_makes_a_model_that_runs_and_says_what_it_is(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"nl": "list all files in docs by size", "cmd": "ls -S docs"}\n' * 2)
    made = forged(tmp_path / "model", *TINY, "--pairs", str(pairs))
    # An untrained network fails the proof, which is the command's last word; everything is made before it.
    assert made.returncode in (0, 1), made.stdout + made.stderr
    assert "benign requests: 5 tried" in made.stdout
    assert "sentences that ask for nothing: 5 tried" in made.stdout
    path = tmp_path / "model" / "casava-smol-9.9.9.gguf"
    weights = gguf_file.read(path)
    assert isinstance(weights, Ok), weights
    assert weights.value.version == "9.9.9"
    assert "nobody trains on" in weights.value.basis
    weighing = weights.value.weighing
    assert weighing is not None
    assert all(math.isfinite(odds) and odds > -500 for odds in weighing.consent)
    card = (tmp_path / "model" / "README.md").read_text()
    assert card.startswith("# casava-smol 9.9.9")
    assert "people.jsonl" in card
    loaded = load(str(path))
    assert isinstance(loaded, Ok), loaded
    answer = loaded.value.compile(CompileRequest("list docs", available()))
    loaded.value.close()
    assert isinstance(answer, Ok) or answer.code == "not-understood"

    again = forged(tmp_path / "model", *TINY, "--pairs", str(pairs))
    assert "resumed at step" in again.stdout  # what is there is not made again


def test_nothing_is_made_while_a_syscall_has_no_phrasing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casava_os.forge.synth.coverage.reached", lambda samples, seed: frozenset())
    made = CliRunner().invoke(app, ["make", "--dir", str(tmp_path / "model"), *TINY])
    assert made.exit_code == 7, made.output
    assert "no phrasing for ask, " in made.output
    assert not (tmp_path / "model").exists()


def test_without_torch_it_says_what_is_missing(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from casava_os.cli.entry import command\n"
        f"sys.exit(command(['forge', 'export', '--dir', {str(tmp_path)!r}, '--out', 'x.gguf']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "The forge is not installed" in ran.stderr
    assert "torch" in ran.stderr
    assert "make forge" in ran.stderr
    assert "Traceback" not in ran.stderr
