"""The kernel models: what turns a request into tokens of the plan language."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.model.llama import LlamaModel

SHIPPED = "casava-smol"
"""The name of the model inside the package."""

WEIGHTS = Path(__file__).parent / "weights"


@cache
def shipped_weights() -> Path | None:
    """The newest GGUF file in the package, None when there is none."""
    return max(WEIGHTS.glob(f"{SHIPPED}-*.gguf"), default=None, key=lambda path: path.name)


def load(name: str | None = None) -> Result[LlamaModel]:
    """Loads a model: the shipped one (None or "casava-smol"), or a GGUF file that `make model` made.

    `Err("no-model")` when the file is missing, damaged, made for another ABI, or of a kind that cannot be run yet.
    """
    from casava_os.model import gguf_file

    if name is None or name == SHIPPED:
        path = shipped_weights()
        if path is None:
            return Err(
                code="no-model",
                title="There is no kernel model",
                message=f"the package lacks its weights in {WEIGHTS}",
                hint="reinstall Casava OS, or make one with `make model`",
            )
    elif "://" in name or not name.endswith(".gguf"):
        return Err(
            code="no-model",
            title="There is no such kernel model",
            message=f"{name!r} is neither {SHIPPED!r} nor a .gguf file; models from elsewhere come later",
            hint=f"use `--model {SHIPPED}`, or a file that `make model` made",
        )
    else:
        path = Path(name).expanduser()
    weights = gguf_file.read(path)
    if isinstance(weights, Err):
        return weights
    from casava_os.model.llama import LlamaModel

    try:
        return Ok(value=LlamaModel(weights.value, SHIPPED if path.parent == WEIGHTS else path.stem))
    except RuntimeError as problem:
        return Err(
            code="no-model",
            title="The kernel model does not start",
            message=str(problem),
            hint="is there enough memory? `casava-os doctor` looks into it",
        )
