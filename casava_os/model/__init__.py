"""The kernel models: what turns a request into a plan. Ours is in the package; others are files or served somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from casava_os.kernel.ports import Model
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.model.chat.endpoint import Address

SHIPPED = "casava-smol"
"""The name of the model inside the package."""

WEIGHTS = Path(__file__).parent / "weights"


@cache
def shipped_weights() -> Path | None:
    """The newest GGUF file in the package, None when there is none."""
    return max(WEIGHTS.glob(f"{SHIPPED}-*.gguf"), default=None, key=lambda path: path.name)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from, before it is loaded."""

    name: str
    kind: Literal["smol", "instruct", "endpoint"]
    path: Path | None = None
    address: Address | None = None
    shipped: bool = False

    def identity(self) -> str:
        """What the loaded model's `identity` will be."""
        if self.address is not None:
            return f"{self.address.shown}#{self.address.model}"
        from casava_os.model.download import digest

        return digest(self.path) if self.path is not None else ""

    def facts(self) -> list[tuple[str, str]]:
        """What there is to say without loading it."""
        kinds = {
            "smol": "our own: writes plans in control tokens",
            "instruct": "an instruct model: writes plans as JSON",
            "endpoint": "served elsewhere: writes plans as JSON",
        }
        facts = [("kind", kinds[self.kind])]
        if self.address is not None:
            facts += [("served at", self.address.shown), ("its name there", self.address.model)]
        return facts


def source(name: str | None = None) -> Result[Source]:
    """What a name means: the shipped model, a .gguf file, an address with a model ("http://…/v1#llama3"), the catalogue.

    `Err("no-model")` for a name that is none of these, or a file that is missing or no GGUF.
    """
    if name is None or name == SHIPPED:
        path = shipped_weights()
        if path is None:
            return Err(
                code="no-model",
                title="There is no kernel model",
                message=f"the package lacks its weights in {WEIGHTS}",
                hint="reinstall Casava OS, or make one with `make model`",
            )
        return Ok(value=Source(SHIPPED, "smol", path, shipped=True))
    if name.startswith(("http://", "https://")):
        return _served(name)
    if name.endswith(".gguf"):
        return _file(name, Path(name).expanduser())
    return _catalogued(name)


def _served(name: str) -> Result[Source]:
    from casava_os.model.chat.endpoint import Address

    url, _, model = name.partition("#")
    if not model:
        return Err(
            code="no-model",
            title="Which model of the server?",
            message=f"{name} names a server and no model",
            hint=f"write the model behind a #, like {url.rstrip('/')}#llama3, or use `--model {SHIPPED}`",
        )
    return Ok(value=Source(name, "endpoint", address=Address(url, model)))


def _file(name: str, path: Path) -> Result[Source]:
    from casava_os.model import gguf_file

    read = gguf_file.header(path)
    if isinstance(read, Err):
        return read
    return Ok(value=Source(name, "smol" if gguf_file.is_ours(read.value) else "instruct", path))


def _catalogued(name: str) -> Result[Source]:
    from casava_os.model import catalog

    known = catalog.load()
    if isinstance(known, Err):
        return known
    entry = known.value.get(name)
    if entry is None:
        return catalog.unknown(name, known.value)
    if entry.kind == "endpoint":
        return Ok(value=Source(name, "endpoint", address=entry.address()))
    path = catalog.path_of(name)
    if not path.exists():
        return Err(
            code="no-model",
            title="The model is not here yet",
            message=f"{name} has to be downloaded first ({entry.megabytes} MB)",
            hint=f"casava-os model pull {name}, or use `--model {SHIPPED}`",
        )
    return _file(name, path)


def load(name: str | None = None) -> Result[Model]:
    """Loads a model by what `source` understands. `Err("no-model")` says what is wrong with it and what to do."""
    found = source(name)
    if isinstance(found, Err):
        return found
    chosen = found.value
    if chosen.kind == "smol":
        return _smol(chosen)
    from casava_os.model import qualified

    if chosen.address is not None:
        from casava_os.model.chat.endpoint import EndpointModel

        return Ok(value=EndpointModel(chosen.address, qualified=qualified.passed(chosen.identity())))
    return _instruct(chosen)


def _instruct(chosen: Source) -> Result[Model]:
    from casava_os.model import gguf_file, qualified
    from casava_os.model.chat.instruct import InstructModel
    from casava_os.model.fit import measured, need

    assert chosen.path is not None
    fields, needed = gguf_file.header(chosen.path), need(chosen.path)
    if isinstance(fields, Err):
        return fields
    if isinstance(needed, Err):
        return needed
    fit = measured(needed.value)
    if not fit.fits:
        return Err(
            code="no-model",
            title="The model does not fit this machine",
            message=f"it needs {needed.value.total / 1e9:.1f} GB, and {fit.free_ram / 1e9:.1f} GB of RAM are free",
            hint=f"close something, choose a smaller one, or use `--model {SHIPPED}`",
        )
    identity = chosen.identity()
    try:
        return Ok(
            value=InstructModel(
                chosen.path,
                fields.value,
                identity,
                qualified=qualified.passed(identity),
                gpu_layers=fit.gpu_layers,
            )
        )
    except RuntimeError as problem:
        return Err(
            code="no-model",
            title="The model does not start",
            message=f"{chosen.path}: {problem}",
            hint=f"is it an instruct model, whole, and known to llama.cpp? `--model {SHIPPED}` needs none",
        )


def _smol(chosen: Source) -> Result[Model]:
    from casava_os.model import gguf_file, qualified

    assert chosen.path is not None
    weights = gguf_file.read(chosen.path)
    if isinstance(weights, Err):
        return weights
    from casava_os.model.llama import LlamaModel

    trusted = chosen.shipped or qualified.passed(weights.value.digest)
    try:
        name = SHIPPED if chosen.shipped else chosen.path.stem
        return Ok(value=LlamaModel(weights.value, name, qualified=trusted))
    except RuntimeError as problem:
        return Err(
            code="no-model",
            title="The kernel model does not start",
            message=str(problem),
            hint="is there enough memory? `casava-os doctor` looks into it",
        )
