"""Blueprints: stacks that ship with Casava OS, as Compose files with parameters (`casava_config/blueprints/*.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from casava_os.infra.reading import read_spec
from casava_os.infra.spec import StackSpec
from casava_syscalls.results import Err, Ok, Result

_FOLDER = "blueprints"

ALSO_CALLED = {
    "postgresql": "postgres", "pg": "postgres", "prometheus": "monitoring", "grafana": "monitoring",
    "prometheus+grafana": "monitoring", "llm": "llm-server", "llama": "llm-server", "model-server": "llm-server",
    "notebook": "jupyter", "jupyterlab": "jupyter", "s3": "minio", "web": "nginx",
}  # fmt: skip
"""Other names that people use."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One entry of the catalogue, with the defaults of this machine."""

    name: str
    spec: StackSpec


def names() -> tuple[str, ...]:
    """The names, sorted."""
    folder = resources.files("casava_config").joinpath(_FOLDER)
    return tuple(sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")))


def blueprint(name: str, settings: Mapping[str, str] | None = None) -> Result[Blueprint]:
    """A blueprint with settings put in. `Err("not-found")` names those that there are."""
    known = names()
    found = name.lower() if name.lower() in known else ALSO_CALLED.get(name.lower(), "")
    if not found:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), [*known, *ALSO_CALLED], n=1)
        return Err(
            code="not-found",
            title=f"There is no blueprint {name!r}",
            message=f"there are {', '.join(known)}",
            hint=f"did you mean {near[0]}?"
            if near
            else "casava-os stack catalog; or name a Compose file with --spec",
        )
    text = resources.files("casava_config").joinpath(_FOLDER, f"{found}.yaml").read_text(encoding="utf-8")
    spec = read_spec(text, f"the blueprint {found}", settings)
    return spec if isinstance(spec, Err) else Ok(value=Blueprint(found, spec.value))


def catalog() -> Result[list[Blueprint]]:
    """All of them."""
    found: list[Blueprint] = []
    for name in names():
        one = blueprint(name)
        if isinstance(one, Err):
            return one
        found.append(one.value)
    return Ok(value=found)
