"""Where a stack runs: which context of the kubeconfig, which cluster behind it, which namespace.

A spec names them in `x-casava: {kubernetes: {context: …, namespace: …}}`; else they are those of the kubeconfig's current
context at the first apply. From then on they are written down with the stack: changing the current context moves no stack,
and a context that leads to another cluster by now is refused. Every plan names them, so that they are approved with it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casava_os.infra.kubernetes.cluster import Cluster
from casava_os.infra.spec import StackSpec
from casava_os.infra.store import Store
from casava_os.paths import private_dir, write_private
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from kubernetes.client import Configuration

FILE = "kubernetes.json"


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a cluster."""

    context: str
    server: str
    namespace: str

    @property
    def called(self) -> str:
        """For a person."""
        return f"cluster {self.context} ({self.server})"


def folder(store: Store, stack: str) -> Path:
    """Where the driver keeps what it knows of a stack."""
    return store.place(stack) / "driver"


def remembered(store: Store, stack: str) -> Place | None:
    """Where a stack was applied; None when it never was, or that is not known any more."""
    try:
        found = json.loads((folder(store, stack) / FILE).read_bytes())
        return Place(str(found["context"]), str(found["server"]), str(found["namespace"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(store: Store, stack: str, place: Place) -> None:
    """Written before anything is made. Raises `OSError`."""
    text = json.dumps(asdict(place), indent=1).encode()
    write_private(private_dir(folder(store, stack)) / FILE, text)


def stacks_with_a_place(store: Store) -> dict[str, Place]:
    """All stacks of this installation that were ever applied to a cluster, and are not forgotten."""
    found = {name: remembered(store, name) for name in store.names()}
    return {name: place for name, place in found.items() if place is not None}


def wanted_place(spec: StackSpec | None, before: Place | None) -> Result[Place]:
    """Where a stack is to run. `Err`: `unavailable` without a kubeconfig, `not-found` for the context, `exists` elsewhere."""
    named = spec.x_casava.kubernetes if spec is not None else None
    context = named.context if named is not None else None
    namespace = named.namespace if named is not None else None
    looked = _look_up(context or (before.context if before is not None else None))
    if isinstance(looked, Err):
        return looked
    there = looked.value
    place = Place(there.context, there.server, namespace or (before.namespace if before else there.namespace))
    if before is None or before == place:
        return Ok(value=place)
    if (before.context, before.namespace) == (place.context, place.namespace):
        return Err(
            code="conflict",
            title=f"The context {place.context!r} leads to another cluster by now",
            message=f"the stack was applied to {before.server}, and the kubeconfig says {place.server}; nothing was done",
            hint="name the context of the cluster where it runs, or mend the kubeconfig",
        )
    return Err(
        code="exists",
        title="The stack runs elsewhere",
        message=f"it is in namespace {before.namespace} of {before.called}, and was asked for in namespace {place.namespace} "
        f"of {place.called}",
        hint="destroy it there first, or give this one another name with --name",
    )


def connect(place: Place) -> Result[Cluster]:
    """The cluster; speaks to nobody yet."""
    configured = _configuration(place.context)
    if isinstance(configured, Err):
        return configured
    from kubernetes.client import ApiClient

    configured.value.retries = 1
    return Ok(value=Cluster(ApiClient(configured.value), place.namespace, place.called))


# ------------------------------------------------------------------------------------------------ the kubeconfig


def _files() -> str:
    return os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())


def _contexts() -> Result[tuple[dict[str, Any], str]]:
    """Contexts by name, and the current one."""
    from kubernetes.config import list_kube_config_contexts
    from kubernetes.config.config_exception import ConfigException
    from yaml import YAMLError

    try:
        contexts, active = list_kube_config_contexts(_files())  # type: ignore[no-untyped-call]
    except (ConfigException, YAMLError, OSError, TypeError, ValueError) as problem:
        text = " ".join(str(problem).split())[:300]
        missing = not any(Path(one).expanduser().is_file() for one in _files().split(os.pathsep))
        return Err(
            code="unavailable",
            title="There is no kubeconfig" if missing else "The kubeconfig cannot be used",
            message=f"{_files()} {'does not exist' if missing else f'is wrong: {text}'}",
            hint="set KUBECONFIG, or get the file from whoever runs the cluster; stacks also run on docker: leave --driver out",
        )
    return Ok(value=({str(one["name"]): one for one in contexts}, str(active["name"]) if active else ""))


def _look_up(context: str | None) -> Result[Place]:
    found = _contexts()
    if isinstance(found, Err):
        return found
    contexts, active = found.value
    name = context or active
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        return Err(
            code="not-found",
            title=f"The kubeconfig has no context {name!r}",
            message=f"{_files()} has {known}",
            hint="name one of them: x-casava: {kubernetes: {context: NAME}}",
        )
    configured = _configuration(name)
    if isinstance(configured, Err):
        return configured
    namespace = str((contexts[name].get("context") or {}).get("namespace") or "default")
    return Ok(value=Place(name, str(configured.value.host), namespace))


def _configuration(context: str) -> Result[Configuration]:
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=_files(), context=context, client_configuration=configuration
        )
    except (ConfigException, OSError, ValueError, KeyError, TypeError) as problem:
        text = " ".join(str(problem).split())[:300]
        return Err(
            code="unavailable",
            title="The kubeconfig cannot be used",
            message=f"context {context} of {_files()}: {text}",
            hint=f"try it: kubectl --context {context} get pods",
        )
    return Ok(value=configuration)
