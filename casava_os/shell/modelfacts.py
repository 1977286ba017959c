"""What there is to say of each model that can be had by name: where it is, what it needs, whether that fits, how it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from casava_os.kernel.ports import Measured
from casava_os.model import SHIPPED, catalog, qualified, source
from casava_syscalls.results import Err, Ok, Result

State = Literal["shipped", "here", "served", "not here", "set"]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model, as far as its name and the catalogue say."""

    name: str
    state: State
    size: str = ""
    license: str = ""
    summary: str = ""
    used: bool = False
    """Whether it makes the plans now."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What its file, this machine and its trial say."""

    needs: str = ""
    fits: str = ""
    qualified: str = ""
    speed: str = ""
    problem: Err | None = None
    """Why it cannot be used."""


def rows(used: str) -> Result[list[ModelRow]]:
    """Every model that can be had by name; what is wrong with the catalogue."""
    known = catalog.load()
    if isinstance(known, Err):
        return known
    found = [ModelRow(SHIPPED, "shipped", "5 MB", "Apache-2.0", "our own, small and fast")]
    for name, entry in sorted(known.value.items()):
        here = entry.kind == "endpoint" or catalog.path_of(name).exists()
        state: State = "served" if entry.kind == "endpoint" else "here" if here else "not here"
        size = f"{entry.megabytes:,} MB" if entry.megabytes else ""
        found.append(ModelRow(name, state, size, entry.license, entry.summary))
    if used not in {row.name for row in found}:
        found.append(ModelRow(used, "set"))
    return Ok(value=[replace(row, used=row.name == used) for row in found])


def facts(name: str, loaded: Iterable[Measured]) -> ModelFacts:
    """All of it. Blocking: reads the file's header, and once its whole contents where a trial is on record."""
    found = source(name)
    speed = _speed(name, loaded)
    if isinstance(found, Err):
        return ModelFacts(speed=speed, problem=found)
    chosen = found.value
    needs = fits = ""
    if chosen.path is not None:
        from casava_os.model.fit import measured, need

        needed = need(chosen.path)
        if isinstance(needed, Err):
            return ModelFacts(speed=speed, problem=needed)
        fit = measured(needed.value)
        needs = f"{needed.value.total / 1e9:.1f} GB of memory"
        gpu = f", {fit.gpu_layers} of {needed.value.layers} layers on the GPU" if fit.gpu_layers else ""
        free = f"{fit.free_ram / 1e9:.1f} GB of RAM are free"
        fits = f"{'yes' if fit.fits else 'no'}: {free}{gpu}"
    if chosen.shipped:
        told = "ships with Casava OS, for everything"
    else:
        told = _trial(qualified.records(), chosen.path, None if chosen.path else chosen.identity())
    return ModelFacts(needs, fits, told, speed)


def _trial(records: Mapping[str, qualified.Record], path: Path | None, identity: str | None) -> str:
    nothing = "not tried: it is not offered what deletes, runs programs or leaves the workspace"
    if not records:
        return nothing
    if path is not None:
        found = path.stat()
        identity = _digest(path, found.st_size, found.st_mtime_ns)
    record = records.get(identity or "")
    if record is None:
        return nothing
    did = f"{record.effect:.0%} of {record.requests} requests right, {record.spurious} unwanted deletes"
    if record.passed:
        return f"for everything, on {record.when[:10]}: {did}"
    return f"for reading and writing only, on {record.when[:10]}: {did}"


@lru_cache(maxsize=16)
def _digest(path: Path, size: int, changed: int) -> str:  # noqa: ARG001 - a file that changed is another one
    from casava_os.model.download import digest

    return digest(path)


def _speed(name: str, loaded: Iterable[Measured]) -> str:
    for model in loaded:
        load = model.load()
        if model.name == name and load.seconds > 0:
            return f"{load.evaluated / load.seconds:,.0f} tokens a second in this session"
    return ""
