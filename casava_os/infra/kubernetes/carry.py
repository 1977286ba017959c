"""Carries out a plan, takes back what was begun, takes a stack away.

What is there is changed in place, so what it was is written down before: the objects that an operation is about to change, as
our manager had applied them. With the spec of before, `back` applies that again; without one, `retreat` applies what was
written down. What the operation created bears its name and goes. Contents of Secrets are never written down: they lie in
objects of their own, which stay until all that is new works.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from casava_os.infra.drivers import Deployment, Landed, NotCarriedOutError, Row, StackKey, Tell, must
from casava_os.infra.kubernetes.cluster import WORKLOADS, Cluster, ConflictError
from casava_os.infra.kubernetes.compare import Compared, Place, Seen, is_going, look, taken
from casava_os.infra.kubernetes.differ import owned
from casava_os.infra.kubernetes.manifests import Manifest, manifests, with_contents
from casava_os.infra.kubernetes.marks import OPERATION, RESOURCE, Json, as_born, mark, metadata
from casava_os.infra.kubernetes.rollout import Watch
from casava_os.paths import private_dir, write_private
from casava_syscalls.results import Err

BEFORE = "before.json"
_GONE_WITHIN = 300.0
"""Seconds after which what does not go will not."""
_LOOK = (0.1, 2.0)
_ORDER = (
    "Deployment",
    "Job",
    "Pod",
    "Service",
    "NetworkPolicy",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
)


@dataclass(slots=True)
class Work:
    """One apply."""

    cluster: Cluster
    wanted: Deployment
    compared: Compared
    folder: Path
    watch: Watch
    tell: Tell
    begun: float = field(default_factory=time.time)

    def apply(self, landed: Landed) -> None:
        """To the end. Raises `NotCarriedOutError` and `ClusterError`."""
        made = {(one.kind, one.name): one for one in manifests(self.wanted, begun=self.begun)}
        self._write_down()
        for place, manifest in made.items():
            if place[0] not in WORKLOADS:
                self._put(manifest)
        workloads = {one.service: one for one in made.values() if one.kind in WORKLOADS}
        for level in self.wanted.graph.levels():
            for name in (node.name for node in level if node.kind == "service"):
                self._after_others(name, workloads)
                self._put(workloads[name])
        for name, manifest in workloads.items():
            if self.wanted.spec.services[name].replicas or manifest.kind == "Deployment":
                must(self.watch.ready(manifest, self.wanted.spec.services[name]))
        must(landed())
        for kind, name in self.compared.surplus:
            self.tell(f"Removing {kind} {name}")
            uid = str(metadata(self.compared.seen.objects[kind, name])["uid"])
            self.cluster.delete(kind, name, uid)
        forget_before(self.folder)

    def _after_others(self, name: str, workloads: dict[str, Manifest]) -> None:
        """Waits for what a service depends on."""
        for other, dependency in self.wanted.spec.services[name].depends_on.items():
            service = self.wanted.spec.services[other]
            if dependency.condition == "service_healthy":
                must(self.watch.ready(workloads[other], service))
            elif dependency.condition == "service_completed_successfully":
                must(self.watch.completed(workloads[other], service))

    def _put(self, manifest: Manifest) -> None:
        """Creates or changes one object, if the plan says so."""
        place = (manifest.kind, manifest.name)
        if place not in self.compared.changing:
            return
        must(self.watch.patience.over())
        there = self.compared.seen.objects.get(place)
        self.tell(f"{'Creating' if there is None else 'Changing'} {manifest.kind} {manifest.name}")
        body = with_contents(self.wanted, manifest) if manifest.node is not None else manifest.body
        if there is None:
            created, now = self.cluster.apply(body)
            if not created:
                self._give_back(manifest)
                raise NotCarriedOutError(taken(manifest, now, self.cluster.namespace))
            return
        try:
            self.cluster.apply(as_born(body, there))
        except ConflictError as conflict:
            claims = {(*place, one.manager, one.field) for one in conflict.claims}
            if not claims <= self.compared.taking:
                raise
            self.cluster.apply(as_born(body, there), force=True)

    def _give_back(self, manifest: Manifest) -> None:
        """Somebody made an object of this name a moment ago: our fields leave it."""
        bare = {name: manifest.body[name] for name in ("apiVersion", "kind")}
        self.cluster.apply({**bare, "metadata": {"name": manifest.name}})

    def _write_down(self) -> None:
        """What is about to be changed, as we had applied it."""
        seen = self.compared.seen.objects
        changing = [owned(seen[place]) for place in sorted(self.compared.changing) if place in seen]
        kept = [one for one in changing if one["kind"] not in ("Secret", "ConfigMap")]
        text = json.dumps({"operation": self.wanted.operation, "objects": kept}).encode()
        write_private(private_dir(self.folder) / BEFORE, text)


def forget_before(folder: Path) -> None:
    """The operation is over."""
    (folder / BEFORE).unlink(missing_ok=True)


def _before(folder: Path, operation: str) -> list[Json]:
    try:
        found = json.loads((folder / BEFORE).read_bytes())
        return list(found["objects"]) if found["operation"] == operation else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


# ------------------------------------------------------------------------------------------------ the way back


def back(cluster: Cluster, wanted: Deployment, folder: Path, undone: str, tell: Tell) -> None:
    """To the spec as it was before, whatever is there now. Raises `ClusterError`, and `OSError` for contents that are gone."""
    seen = look(cluster, wanted.key)
    made = manifests(wanted, begun=time.time())
    for manifest in made:
        there = seen.objects.get((manifest.kind, manifest.name))
        if manifest.node is not None:
            if there is None:
                cluster.apply(with_contents(wanted, manifest))
            continue
        _again(cluster, manifest.body if there is None else as_born(manifest.body, there), tell)
    known = {(one.kind, one.name) for one in made}
    doomed = [
        place
        for place, one in seen.objects.items()
        if place not in known and (place[0] != "PersistentVolumeClaim" or mark(one, OPERATION) == undone)
    ]
    _delete(cluster, seen, doomed)
    forget_before(folder)


def _again(cluster: Cluster, body: Json, tell: Tell) -> None:
    """Applies what was there before; a field that somebody else has set stays theirs, with all of that object."""
    try:
        cluster.apply(body)
    except ConflictError as conflict:
        tell(f"{body['kind']} {metadata(body)['name']} stays as it is: {conflict.err.title}")


def retreat(cluster: Cluster, key: StackKey, folder: Path, undone: str, tell: Tell) -> Err | None:
    """Removes what an operation created, and gives what it changed its former fields. Raises `ClusterError`."""
    seen = look(cluster, key)
    for body in _before(folder, undone):
        there = seen.objects.get((str(body["kind"]), str(metadata(body)["name"])))
        if there is not None:
            _again(cluster, body, tell)
    doomed = {place for place, one in seen.objects.items() if mark(one, OPERATION) == undone}
    if doomed:
        tell(f"Taking back what was begun of {key.name}")
        _delete(cluster, seen, doomed)
    left = _until_gone(cluster, key, lambda seen: sorted(place for place in seen.objects if place in doomed))
    if left:
        return _stuck(key, left)
    forget_before(folder)
    return None


# ------------------------------------------------------------------------------------------------ taking away


def destroy(cluster: Cluster, key: StackKey, *, volumes: bool, tell: Tell) -> tuple[list[Row], Err | None]:
    """Everything of a stack, and waits until it is gone. Rows: what went. Raises `ClusterError`."""
    seen = look(cluster, key)
    done: list[Row] = []

    def doomed(seen: Seen) -> list[Place]:
        return [place for place in seen.objects if volumes or place[0] != "PersistentVolumeClaim"]

    going = sorted(doomed(seen), key=lambda place: (_ORDER.index(place[0]), place[1]))
    for kind, name in going:
        one = seen.objects[kind, name]
        if not is_going(one):
            tell(f"Removing {kind} {name}")
            cluster.delete(kind, name, str(metadata(one)["uid"]))
        done.append(
            Row(action="destroy", kind=kind, name=f"{cluster.namespace}/{name}", why=mark(one, RESOURCE))
        )
    left = _until_gone(
        cluster,
        key,
        lambda seen: [*doomed(seen), *(("Pod", str(metadata(pod)["name"])) for pod in seen.pods)],
    )
    return done, _stuck(key, left) if left else None


def _delete(cluster: Cluster, seen: Seen, places: set[Place] | list[Place]) -> None:
    for kind, name in sorted(places, key=lambda place: (_ORDER.index(place[0]), place[1])):
        cluster.delete(kind, name, str(metadata(seen.objects[kind, name])["uid"]))


def _until_gone(cluster: Cluster, key: StackKey, left: object) -> list[Place]:
    """Waits until nothing is left; what is left after all."""
    assert callable(left)
    give_up, pause = time.monotonic() + _GONE_WITHIN, _LOOK[0]
    while True:
        places: list[Place] = left(look(cluster, key))
        if not places or time.monotonic() > give_up:
            return places
        time.sleep(pause)
        pause = min(pause * 1.5, _LOOK[1])


def _stuck(key: StackKey, left: list[Place]) -> Err:
    names = ", ".join(f"{kind} {name}" for kind, name in left[:5])
    return Err(
        code="failed",
        title=f"The stack {key.name} could not be taken away whole",
        message=f"the cluster keeps {names}",
        hint="see what holds it: kubectl describe, under Finalizers; then destroy again",
    )
