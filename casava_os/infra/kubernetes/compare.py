"""What is wanted against what is there: the plan of the kubernetes driver.

Every object is sent to the cluster as a dry run of server-side apply, so that its own validation, defaults and admission
speak before anything is done; what comes back is compared with what is there. A field that somebody else has set to another
value is a row that names them: whoever approves it takes it back, and nothing is ever taken otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from casava_os.infra.drivers import Deployment, Row, StackKey, StackPlan
from casava_os.infra.kubernetes.cluster import MADE, WORKLOADS, Cluster, ClusterError, ConflictError
from casava_os.infra.kubernetes.differ import change, differences, of_interest, stripped
from casava_os.infra.kubernetes.manifests import Manifest, manifests
from casava_os.infra.kubernetes.marks import Json, as_born, metadata, stack_labels, stack_of
from casava_os.infra.kubernetes.policies import who_may
from casava_os.infra.kubernetes.refuse import refused
from casava_syscalls.results import Err, Ok, Result

Place = tuple[str, str]
"""Kind and name."""
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a stack is in the namespace."""

    objects: dict[Place, Json] = field(default_factory=dict)
    pods: tuple[Json, ...] = ()

    def of(self, kind: str) -> list[Json]:
        return [one for (known, _), one in self.objects.items() if known == kind]

    @property
    def empty(self) -> bool:
        return not (self.objects or self.pods)


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan, and what it takes to do it."""

    plan: StackPlan
    seen: Seen
    manifests: tuple[Manifest, ...]
    changing: frozenset[Place]
    """What is created or changed."""
    taking: frozenset[tuple[str, str, str, str]]
    """(kind, name, manager, field) of what is taken back from others, as the plan's rows say."""
    surplus: tuple[Place, ...]


def look(cluster: Cluster, key: StackKey) -> Seen:
    """All objects that bear the stack's labels. Raises `ClusterError`."""
    labels = stack_labels(key)
    objects = {
        (kind, str(metadata(one)["name"])): one
        for kind in MADE
        for one in cluster.list(kind, labels)
        if "ownerReferences" not in metadata(one)
    }
    return Seen(objects, tuple(cluster.list("Pod", labels)))


def compare(cluster: Cluster, wanted: Deployment) -> Result[Compared]:
    """What has to be done. Raises `ClusterError`."""
    if (cannot := refused(wanted)) is not None:
        return cannot
    seen = look(cluster, wanted.key)
    rows: list[Row] = []
    changing: set[Place] = set()
    taking: set[tuple[str, str, str, str]] = set()
    made = manifests(wanted)
    if (twice := _twice(made)) is not None:
        return twice
    if (missing := _outside(cluster, wanted)) is not None:
        return missing
    for manifest in made:
        place = (manifest.kind, manifest.name)
        compared = _row(cluster, wanted, manifest, seen.objects.get(place), taking)
        if isinstance(compared, Err):
            return compared
        if compared.value is not None:
            rows.append(compared.value)
            changing.add(place)
    known = {(one.kind, one.name) for one in made}
    surplus = [
        place
        for place, one in seen.objects.items()
        if place not in known and place[0] != "PersistentVolumeClaim" and not is_going(one)
    ]
    for kind, name in surplus:
        rows.append(
            Row(action="destroy", kind=kind, name=f"{cluster.namespace}/{name}", why="no longer wanted")
        )
    if rows:  # the person approves the cluster and the namespace with it
        why = "; ".join(part for part in (f"on {cluster.called}", rows[0].why) if part)
        rows[0] = rows[0].model_copy(update={"why": why})
    plan = StackPlan(stack=wanted.key.name, driver="kubernetes", rows=tuple(rows))
    return Ok(value=Compared(plan, seen, tuple(made), frozenset(changing), frozenset(taking), tuple(surplus)))


def is_going(found: Json) -> bool:
    """Whether an object is being deleted."""
    return "deletionTimestamp" in metadata(found)


def _twice(made: list[Manifest]) -> Err | None:
    """Two objects of one kind and name, which only odd names of services, networks and volumes lead to."""
    places: dict[Place, Manifest] = {}
    for one in made:
        other = places.setdefault((one.kind, one.name), one)
        if other is not one:
            message = f"{other.resource!r} and {one.resource!r} would both be the {one.kind} {one.name}"
            return Err(code="unsupported", title="Two names are too much alike", message=message)
    return None


def _outside(cluster: Cluster, wanted: Deployment) -> Err | None:
    """External volumes that are not there."""
    for name, volume in wanted.spec.volumes.items():
        used = any(m.source == name for s in wanted.spec.services.values() for m in s.volumes)
        if volume.external and used and cluster.get("PersistentVolumeClaim", volume.name or name) is None:
            message = f"volumes.{name} is external, and namespace {cluster.namespace} has no claim {volume.name or name!r}"
            return Err(code="not-found", title="A volume is missing", message=message)
    return None


def _row(
    cluster: Cluster,
    wanted: Deployment,
    manifest: Manifest,
    there: Json | None,
    taking: set[tuple[str, str, str, str]],
) -> Result[Row | None]:
    """What is to be done about one object; what would be taken from others is added to `taking`."""
    called = f"{cluster.namespace}/{manifest.name}"
    if there is None:
        return _creation(cluster, wanted, manifest, called)
    if is_going(there):
        return Err(
            code="conflict",
            title=f"The {manifest.kind} {manifest.name} is still being deleted",
            message="somebody is taking it down; nothing was done",
            hint="wait until it is gone, then try again",
        )
    if manifest.node is not None:  # its name is the digest of its contents, and it is immutable
        return Ok(value=None)
    claims: tuple[str, ...] = ()
    try:
        try:
            _, then = cluster.apply(as_born(manifest.body, there), dry=True)
        except ConflictError as conflict:
            _, then = cluster.apply(as_born(manifest.body, there), dry=True, force=True)
            taking |= {(manifest.kind, manifest.name, one.manager, one.field) for one in conflict.claims}
            claims = tuple(f"takes {one.field} back from {one.manager}" for one in conflict.claims)
    except ClusterError as problem:
        return _unchangeable(manifest, problem)
    before, after = stripped(there), stripped(then)
    if before == after:
        return Ok(value=None)
    changes = [change(*one) for one in differences(after, before) if of_interest(one[0])]
    changes += [
        f"{path} goes" for path, _, have in differences(before, after) if have is None and of_interest(path)
    ]
    why = [*claims, *list(dict.fromkeys(changes))[:_TOLD]]
    if len(changes) > _TOLD:
        why.append(f"and {len(changes) - _TOLD} more")
    told = "; ".join(why) or "its definition changed"
    return Ok(value=Row(action="change", kind=manifest.kind, name=called, why=told, digest=manifest.digest))


def _creation(cluster: Cluster, wanted: Deployment, manifest: Manifest, called: str) -> Result[Row | None]:
    somebodys = cluster.get(manifest.kind, manifest.name)
    if somebodys is not None:
        return taken(manifest, somebodys, cluster.namespace)
    cluster.apply(manifest.body, dry=True)
    return Ok(
        value=Row(
            action="create",
            kind=manifest.kind,
            name=called,
            why=_reach(wanted, manifest),
            digest=manifest.digest,
        )
    )


def taken(manifest: Manifest, there: Json, namespace: str) -> Err:
    """An object of that name is somebody else's."""
    stack = stack_of(there)
    managers = dict.fromkeys(str(one.get("manager")) for one in metadata(there).get("managedFields") or ())
    who = f"the stack {stack} of somebody else" if stack else ", ".join(managers) or "somebody else"
    return Err(
        code="exists",
        title=f"There is a {manifest.kind} {manifest.name!r} already",
        message=f"{manifest.service or manifest.resource} needs that name in namespace {namespace}, and it belongs to {who}; "
        "nothing was done",
        hint="name another namespace: x-casava: {kubernetes: {namespace: NAME}}, or remove it: "
        f"kubectl -n {namespace} delete {manifest.kind.lower()} {manifest.name}",
    )


def _unchangeable(manifest: Manifest, problem: ClusterError) -> Err:
    if problem.status == 422 and manifest.kind == "PersistentVolumeClaim":
        return Err(
            code="unsupported",
            title=f"The volume {manifest.resource!r} cannot be changed",
            message=f"{problem.err.message}; making it anew would lose its data",
            hint="give the new one another name",
        )
    return problem.err


def _reach(wanted: Deployment, manifest: Manifest) -> str:
    """What of a service reaches beyond the stack: whoever approves it should know."""
    if manifest.kind == "PersistentVolumeClaim":
        size = int(manifest.body["spec"]["resources"]["requests"]["storage"])
        shared = manifest.body["spec"]["accessModes"] == ["ReadWriteMany"]
        return f"{_size(size)}, {'shared' if shared else 'for one pod at a time'}"
    if manifest.kind in WORKLOADS:
        service = wanted.spec.services[manifest.service]
        ends = "until it ends" if manifest.kind == "Job" else ""
        many = f"{service.replicas} replicas" if service.replicas != 1 else ""
        return ", ".join(part for part in (service.image, many, ends) if part)
    if manifest.kind == "Service":
        service = wanted.spec.services[manifest.resource]
        ports = manifest.body["spec"].get("ports") or []
        if manifest.body["spec"].get("type") == "LoadBalancer":
            return f"reached from outside the cluster at {', '.join(str(p['port']) for p in ports)}"
        if ports:
            return f"port {', '.join(str(p['port']) for p in ports)}, by kubectl port-forward alone"
        return f"{manifest.resource} is found by the name {manifest.name}"
    return who_may(manifest.body["spec"], manifest.resource) if manifest.kind == "NetworkPolicy" else ""


def _size(size: int) -> str:
    for unit, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
