"""The kubernetes driver of stacks: what the Protocol asks, in one namespace of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from casava_os.containers import labels
from casava_os.infra.docker.health import Patience
from casava_os.infra.drivers import (
    Deployment,
    Found,
    Landed,
    NotCarriedOutError,
    Row,
    StackKey,
    StackPlan,
    StackState,
    Tell,
)
from casava_os.infra.kubernetes.carry import Work, back, destroy, retreat
from casava_os.infra.kubernetes.cluster import MADE, WORKLOADS, Cluster, ClusterError
from casava_os.infra.kubernetes.compare import compare, look
from casava_os.infra.kubernetes.marks import RESOURCE, Json, label_value, mark, stack_of
from casava_os.infra.kubernetes.place import (
    FILE,
    Place,
    connect,
    folder,
    remember,
    remembered,
    stacks_with_a_place,
    wanted_place,
)
from casava_os.infra.kubernetes.rollout import Watch
from casava_os.infra.kubernetes.tell import state_of
from casava_os.infra.record import Record
from casava_os.infra.spec import StackSpec
from casava_os.infra.store import Store, unwritable
from casava_syscalls.infra import Driver
from casava_syscalls.results import Err, Ok, Result

T = TypeVar("T")

SECONDS = 900.0
"""How long applying may take when nobody says: nodes may have to come up and images to be pulled."""


class KubernetesDriver:
    """Objects of one namespace a stack. Reads the kubeconfig when first asked for something."""

    def __init__(self, store: Store) -> None:
        """`store`: where it writes down in which namespace of which cluster a stack is."""
        self._store = store
        self._clusters: dict[Place, Cluster] = {}

    @property
    def name(self) -> Driver:
        return "kubernetes"

    def plan(self, wanted: Deployment) -> Result[StackPlan]:
        def work(cluster: Cluster) -> Result[StackPlan]:
            compared = compare(cluster, wanted)
            return compared if isinstance(compared, Err) else Ok(value=compared.value.plan)

        return self._with(wanted.key.name, wanted.spec, work)

    def apply(self, wanted: Deployment, plan: StackPlan, tell: Tell, landed: Landed) -> Result[StackState]:
        place = self._place(wanted.key.name, wanted.spec)
        if isinstance(place, Err):
            return place

        def work(cluster: Cluster) -> Result[StackState]:
            compared = compare(cluster, wanted)
            if isinstance(compared, Err):
                return compared
            if compared.value.plan.sha256 != plan.sha256:
                return Err(
                    code="conflict",
                    title="The plan is another one by now",
                    message="the cluster changed between planning and applying; nothing was done",
                    hint="plan again, and look at it",
                )
            remember(self._store, wanted.key.name, place.value)
            patience = Patience(time.monotonic() + (wanted.seconds or SECONDS), wanted.cancelled)
            watch = Watch(cluster, patience, tell)
            where = folder(self._store, wanted.key.name)
            try:
                Work(cluster, wanted, compared.value, where, watch, tell).apply(landed)
            except NotCarriedOutError as problem:
                return problem.err
            return Ok(value=state_of(wanted, look(cluster, wanted.key)))

        return self._with(wanted.key.name, wanted.spec, work)

    def converge(self, wanted: Deployment, *, undone: str, tell: Tell) -> Result[None]:
        def work(cluster: Cluster) -> Result[None]:
            back(cluster, wanted, folder(self._store, wanted.key.name), undone, tell)
            return Ok(value=None)

        return self._with(wanted.key.name, None, work, nowhere=None)

    def retreat(self, key: StackKey, *, undone: str, tell: Tell) -> Result[None]:
        def work(cluster: Cluster) -> Result[None]:
            failed = retreat(cluster, key, folder(self._store, key.name), undone, tell)
            return failed or Ok(value=None)

        return self._with(key.name, None, work, nowhere=None)

    def status(self, key: StackKey, wanted: Deployment | None) -> Result[StackState]:
        def work(cluster: Cluster) -> Result[StackState]:
            return Ok(value=state_of(wanted, look(cluster, key)))

        return self._with(key.name, None, work, nowhere=StackState())

    def destroy(self, key: StackKey, *, volumes: bool, tell: Tell) -> Result[tuple[Row, ...]]:
        def work(cluster: Cluster) -> Result[tuple[Row, ...]]:
            rows, stuck = destroy(cluster, key, volumes=volumes, tell=tell)
            return stuck or Ok(value=tuple(rows))

        return self._with(key.name, None, work, nowhere=())

    def found(self, owner: str) -> Result[tuple[Found, ...]]:
        """In every namespace to which this installation has applied something."""
        stacks: dict[str, list[Json]] = {}
        for place in dict.fromkeys(stacks_with_a_place(self._store).values()):

            def work(cluster: Cluster) -> Result[list[Json]]:
                wanted = {labels.OWNER: label_value(owner)}
                listed = [one for kind in MADE for one in cluster.list(kind, wanted)]
                return Ok(value=[one for one in listed if "ownerReferences" not in one["metadata"]])

            listed = self._at(place, work)
            if isinstance(listed, Err):
                return listed
            for one in listed.value:
                stacks.setdefault(stack_of(one), []).append(one)
        return Ok(value=tuple(_found(owner, name, parts) for name, parts in sorted(stacks.items()) if name))

    def rest(self, key: StackKey, action: Literal["pause", "stop"]) -> Result[int]:  # noqa: ARG002 - neither can be had
        return Err(
            code="unsupported",
            title="A cluster puts no stack to sleep",
            message=f"{key.name} goes on",
            hint=f"casava-os stack scale {key.name} 0 --service NAME",
        )

    def activity(self, key: StackKey) -> Result[float | None]:  # noqa: ARG002 - the API counts nothing that only grows
        return Ok(value=None)

    def close(self) -> None:
        for cluster in self._clusters.values():
            cluster.close()
        self._clusters.clear()

    # -------------------------------------------------------------------------------------- where

    def _place(self, stack: str, spec: StackSpec | None) -> Result[Place]:
        return wanted_place(spec, remembered(self._store, stack))

    def _with(
        self,
        stack: str,
        spec: StackSpec | None,
        work: Callable[[Cluster], Result[T]],
        nowhere: T | None = None,
    ) -> Result[T]:
        """Does something in the stack's namespace. `nowhere`: the answer where it was never applied to a cluster."""
        if spec is None and remembered(self._store, stack) is None:
            record = self._store.read(stack)
            if isinstance(record, Record) and (record.applied is not None or record.kept or record.rebuilt):
                again = self._found_again(stack, record)
                return again if isinstance(again, Err) else self._at(again.value, work)
            return Ok(value=nowhere)  # type: ignore[arg-type]  # callers without a spec give their own
        place = self._place(stack, spec)
        return place if isinstance(place, Err) else self._at(place.value, work)

    def _found_again(self, stack: str, record: Record) -> Result[Place]:
        """Where a stack runs when that is not written down any more: where the kubeconfig leads, if its labels are there."""
        spec: StackSpec | None = None
        if record.applied is not None:
            with suppress(ValidationError):
                spec = record.applied.parsed()
        place = wanted_place(spec, None)
        if isinstance(place, Err):
            return place
        seen = self._at(place.value, lambda cluster: Ok(value=look(cluster, StackKey(record.owner, stack))))
        if isinstance(seen, Err):
            return seen
        if seen.value.empty:
            return _lost(stack, folder(self._store, stack) / FILE, place.value)
        remember(self._store, stack, place.value)
        return place

    def _at(self, place: Place, work: Callable[[Cluster], Result[T]]) -> Result[T]:
        """Does something in a namespace; whatever the cluster or the disk raises is an `Err`."""
        if place not in self._clusters:
            connected = connect(place)
            if isinstance(connected, Err):
                return connected
            self._clusters[place] = connected.value
        try:
            return work(self._clusters[place])
        except ClusterError as problem:
            return problem.err
        except OSError as problem:
            return unwritable(problem)


def _lost(stack: str, path: Path, place: Place) -> Err:
    """Nobody knows any more in which cluster a stack is."""
    return Err(
        code="not-found",
        title=f"Where the stack {stack} runs is not known any more",
        message=f"{path} is gone or damaged, and nothing of it is in namespace {place.namespace} of {place.called}",
        hint="make the context and namespace where it runs the current ones: kubectl config use-context NAME",
    )


def _found(owner: str, name: str, parts: list[Json]) -> Found:
    begun = [float(text) for text in (mark(one, labels.BEGUN) for one in parts) if text.isdecimal()]
    told: dict[str, str] = {}
    for one in parts:
        told |= one["metadata"].get("annotations") or {}
    return Found(
        key=StackKey(owner, name),
        services=tuple(sorted({mark(one, RESOURCE) for one in parts if one["kind"] in WORKLOADS})),
        volumes=tuple(
            sorted({mark(one, RESOURCE) for one in parts if one["kind"] == "PersistentVolumeClaim"})
        ),
        begun=min(begun, default=None),
        lease=labels.lease_of(told),
        reason=told.get(labels.REASON, ""),
        pid=labels.pid_of(told),
        driver="kubernetes",
    )
