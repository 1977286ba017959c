"""A small API server of Kubernetes for tests: over a real socket, with the parts that the driver stands on.

What it does as the real one does: namespaces, lists by labels in pages, server-side apply with managed fields and conflicts
(`fields.py`), dry runs, other writes under other managers, 201 / 401 / 403 / 404 / 409 / 422, immutable fields, deletion with
preconditions, the protection of claims in use; and the controllers of Deployments and Jobs, one step a request: pods are made
and removed one by one, or all at once, as the strategy says. What it is not: a scheduler, a network, storage, admission, or
any kind but those of a stack. No pod runs: `Kubelet` says of each what its image's name asks for, to this server or a real one.
"""

from __future__ import annotations

import copy
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.infra.fields import ConflictError, Json, Owner, applied, updated
from tests.infra.schema import unknown_fields

KINDS = {
    "networkpolicies": ("NetworkPolicy", "networking.k8s.io/v1"),
    "persistentvolumeclaims": ("PersistentVolumeClaim", "v1"),
    "secrets": ("Secret", "v1"),
    "configmaps": ("ConfigMap", "v1"),
    "services": ("Service", "v1"),
    "deployments": ("Deployment", "apps/v1"),
    "jobs": ("Job", "batch/v1"),
    "pods": ("Pod", "v1"),
}
TOKEN = "let-me-in"
KUBELET = "kubelet"
"""The user agent of what says how pods are: it is never told no."""
Key = tuple[str, str, str]
"""Namespace, plural, name."""


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, reason: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.body = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            **({"reason": reason} if reason else {}), "details": details, "code": code,
        }  # fmt: skip


@dataclass
class Stored:
    body: Json
    owners: list[Owner] = field(default_factory=list)

    def shown(self) -> Json:
        body = copy.deepcopy(self.body)
        version = str(body["apiVersion"])
        body["metadata"]["managedFields"] = [owner.entry(version) for owner in self.owners]
        return body


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Json
    content: str
    status: int = 0


class Api:
    """The server. `with Api() as api: …`."""

    def __init__(self) -> None:
        self.namespaces = {"default", "demo"}
        self.things: dict[Key, Stored] = {}
        self.asked: list[Request] = []
        self.answer: Callable[[Request], RefusedError | None] = lambda _: None
        """Says no to a request, or is slow, before it is looked at."""
        self.token = TOKEN
        self._counter = 100
        self._lock = threading.RLock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _do(self) -> None:
                outer._serve(self)

            do_GET = do_PATCH = do_POST = do_DELETE = do_PUT = _do  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Whoever asked was killed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -------------------------------------------------------------------------------------- one request

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(length)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        request = Request(
            str(handler.command),
            parts.path,
            query,
            json.loads(raw) if raw else {},
            handler.headers.get("Content-Type") or "",
        )
        refusal: RefusedError | None
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            refusal = RefusedError(401, "Unauthorized", "Unauthorized")
        elif handler.headers.get("User-Agent") != KUBELET:
            refusal = self.answer(request)
        else:
            refusal = None
        try:
            if refusal is not None:
                raise refusal
            with self._lock:
                status, body = self._route(request)
                self._step()
        except RefusedError as problem:
            status, body = problem.code, problem.body
        request.status = status
        self.asked.append(request)
        text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text)
        except OSError:  # whoever asked was killed
            handler.close_connection = True

    def _route(self, request: Request) -> tuple[int, Any]:
        words = request.path.strip("/").split("/")
        words = words[2:] if words[0] == "api" else words[3:]
        if len(words) < 3 or words[0] != "namespaces" or words[2] not in KINDS:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        namespace, plural, *rest = words[1:]
        name, sub = (rest[0] if rest else ""), (rest[1] if len(rest) > 1 else "")
        if not name:
            return (
                self._listed(namespace, plural, request.query)
                if request.method == "GET"
                else self._post(namespace, plural, request)
            )
        key = (namespace, plural, name)
        if sub == "log":
            return 200, self._there(key).body.get("status", {}).get("log", "it said nothing")
        if request.method == "GET":
            return 200, self._there(key).shown()
        if request.method == "DELETE":
            return self._delete(key, request.body)
        if request.method == "PATCH" and request.content == "application/apply-patch+yaml":
            return self._apply(key, request)
        if request.method == "PATCH":
            return self._merge(key, request, sub)
        raise RefusedError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )

    def _there(self, key: Key) -> Stored:
        if key not in self.things:
            _, plural, name = key
            raise RefusedError(404, "NotFound", f'{plural} "{name}" not found', name=name, kind=plural)
        return self.things[key]

    def _listed(self, namespace: str, plural: str, query: dict[str, str]) -> tuple[int, Json]:
        wanted = dict(part.split("=", 1) for part in query.get("labelSelector", "").split(",") if part)
        found = [
            one.shown()
            for (where, kind, _), one in sorted(self.things.items())
            if (where, kind) == (namespace, plural)
            and all((one.body["metadata"].get("labels") or {}).get(k) == v for k, v in wanted.items())
        ]
        start, size = int(query.get("continue") or 0), int(query.get("limit") or 10**6)
        page, rest = found[start : start + size], found[start + size :]
        for one in page:  # the items of a list do not say what they are
            del one["apiVersion"], one["kind"]
        about = {"resourceVersion": str(self._counter), **({"continue": str(start + size)} if rest else {})}
        return 200, {
            "kind": f"{KINDS[plural][0]}List",
            "apiVersion": KINDS[plural][1],
            "metadata": about,
            "items": page,
        }

    # -------------------------------------------------------------------------------------- writes

    def _apply(self, key: Key, request: Request) -> tuple[int, Json]:
        namespace = key[0]
        if namespace not in self.namespaces:
            raise RefusedError(
                404, "NotFound", f'namespaces "{namespace}" not found', name=namespace, kind="namespaces"
            )
        config, query = request.body, request.query
        if strange := unknown_fields(config):
            place = f"/{key[2]}; {config['apiVersion']}, Kind={config['kind']}"
            told = (
                f"failed to create typed patch object ({place}): .{strange[0]}: field not declared in schema"
            )
            raise RefusedError(500, "", told)
        live = self.things.get(key)
        try:
            body, owners = applied(
                live.body if live else None, live.owners if live else [], config,
                query["fieldManager"], force=query.get("force") == "true",
            )  # fmt: skip
        except ConflictError as conflict:
            causes = [
                {
                    "reason": "FieldManagerConflict",
                    "message": f"conflict with {_called(owner, config)}",
                    "field": _dotted(path),
                }
                for owner, path in conflict.claims
            ]
            told = f"Apply failed with {len(causes)} conflict{'s' * (len(causes) > 1)}: {causes[0]['message']}: {causes[0]['field']}"
            raise RefusedError(409, "Conflict", told, causes=causes) from None
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for owner in owners:
            owner.since = owner.since or now
        stored = Stored(self._finished(key, body, live, now), owners)
        if query.get("dryRun") != "All":
            self.things[key] = stored
        return (200 if live else 201), stored.shown()

    def _merge(self, key: Key, request: Request, sub: str) -> tuple[int, Json]:
        live = self._there(key)
        body = _merged(copy.deepcopy(live.body), request.body)
        manager = request.query.get("fieldManager", "unknown")
        owners = updated(live.body, body, live.owners, manager, sub)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for owner in owners:
            owner.since = owner.since or now
        stored = Stored(self._finished(key, body, live, now), owners)
        self.things[key] = stored
        return 200, stored.shown()

    def _post(self, namespace: str, plural: str, request: Request) -> tuple[int, Json]:
        if namespace not in self.namespaces:
            raise RefusedError(
                404, "NotFound", f'namespaces "{namespace}" not found', name=namespace, kind="namespaces"
            )
        name = str(request.body["metadata"]["name"])
        key = (namespace, plural, name)
        if key in self.things:
            raise RefusedError(
                409, "AlreadyExists", f'{plural} "{name}" already exists', name=name, kind=plural
            )
        kind, version = KINDS[plural]
        body = {"apiVersion": version, "kind": kind, **request.body}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.things[key] = Stored(
            self._finished(key, body, None, now),
            updated({}, body, [], request.query.get("fieldManager", "unknown")),
        )
        return 201, self.things[key].shown()

    def _delete(self, key: Key, options: Json) -> tuple[int, Json]:
        live = self._there(key)
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != live.body["metadata"]["uid"]:
            raise RefusedError(
                409,
                "Conflict",
                f"the UID in the precondition ({uid}) does not match the UID in record",
                name=key[2],
            )
        if key[1] == "persistentvolumeclaims" and self._users(key):
            live.body["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            del self.things[key]
        return 200, live.shown()

    def _users(self, key: Key) -> bool:
        """Whether a pod has this claim."""
        return any(
            (volume.get("persistentVolumeClaim") or {}).get("claimName") == key[2]
            for (where, plural, _), one in self.things.items()
            if plural == "pods" and where == key[0]
            for volume in one.body["spec"].get("volumes") or ()
        )

    def _finished(self, key: Key, body: Json, live: Stored | None, now: str) -> Json:
        """With what the server decides, or an answer that says what is wrong."""
        about = body["metadata"]
        about["namespace"] = key[0]
        old = live.body if live else None
        about["uid"] = old["metadata"]["uid"] if old else str(uuid.uuid4())
        about["creationTimestamp"] = old["metadata"]["creationTimestamp"] if old else now
        _defaulted(body)
        if old:
            _immutable(key, old, body)
        if old is None or {**old, "metadata": None, "status": None} != {
            **body,
            "metadata": None,
            "status": None,
        }:
            about["generation"] = (old["metadata"].get("generation", 0) if old else 0) + 1
        self._counter += 1
        about["resourceVersion"] = str(self._counter)
        return body

    # -------------------------------------------------------------------------------------- the controllers

    def _step(self) -> None:
        """One step of every controller."""
        for key, one in list(self.things.items()):
            if key[1] == "deployments":
                self._deployment(key, one.body)
            elif key[1] == "jobs":
                self._job(key, one.body)
            elif key[1] == "pods":
                (owner,) = one.body["metadata"]["ownerReferences"]
                if not any(o.body["metadata"]["uid"] == owner["uid"] for o in self.things.values()):
                    del self.things[key]
            elif (
                key[1] == "persistentvolumeclaims"
                and "deletionTimestamp" in one.body["metadata"]
                and not self._users(key)
            ):
                del self.things[key]

    def _pods(self, body: Json) -> list[tuple[Key, Json]]:
        uid = body["metadata"]["uid"]
        return [
            (key, one.body)
            for key, one in sorted(self.things.items())
            if key[1] == "pods" and one.body["metadata"]["ownerReferences"][0]["uid"] == uid
        ]

    def _make(self, key: Key, body: Json, number: int, made_of: str) -> None:
        template = body["spec"]["template"]
        name = f"{key[2]}-{made_of}-{uuid.uuid4().hex[:5]}"
        about = {
            "name": name, "labels": {**template["metadata"]["labels"], "pod-template-hash": made_of},
            "annotations": dict(template["metadata"].get("annotations") or {}),
            "ownerReferences": [{"uid": body["metadata"]["uid"], "kind": body["kind"], "name": key[2]}],
        }  # fmt: skip
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": copy.deepcopy(template["spec"])}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        pod["status"] = {"phase": "Pending"}
        place = (key[0], "pods", name)
        self.things[place] = Stored(self._finished(place, pod, None, now))

    def _deployment(self, key: Key, body: Json) -> None:
        spec, pods = body["spec"], self._pods(body)
        made_of = sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:8]
        new = [(k, p) for k, p in pods if p["metadata"]["labels"]["pod-template-hash"] == made_of]
        old = [(k, p) for k, p in pods if (k, p) not in new]
        wanted, ready = int(spec["replicas"]), sum(_ready(pod) for _, pod in pods)
        if len(new) > wanted:
            del self.things[new[-1][0]]
        elif spec["strategy"]["type"] == "Recreate" and old:
            for place, _ in old:
                del self.things[place]
        elif old and (not _ready(old[0][1]) or ready >= wanted):
            del self.things[old[0][0]]  # one may be away at a time
        elif len(pods) < wanted:
            self._make(key, body, len(pods), made_of)
        pods = self._pods(body)
        current = [pod for _, pod in pods if pod["metadata"]["labels"]["pod-template-hash"] == made_of]
        body["status"] = {
            "observedGeneration": body["metadata"]["generation"], "replicas": len(pods), "updatedReplicas": len(current),
            "availableReplicas": sum(_ready(pod) for _, pod in pods), "readyReplicas": sum(_ready(pod) for _, pod in pods),
        }  # fmt: skip

    def _job(self, key: Key, body: Json) -> None:
        spec, pods = body["spec"], self._pods(body)
        done = sum((pod.get("status") or {}).get("phase") == "Succeeded" for _, pod in pods)
        failed = sum((pod.get("status") or {}).get("phase") == "Failed" for _, pod in pods)
        if len(pods) - failed < spec["completions"] and failed <= spec["backoffLimit"]:
            self._make(key, body, len(pods), "job")
        conditions = []
        if done >= spec["completions"]:
            conditions = [{"type": "Complete", "status": "True"}]
        elif failed > spec["backoffLimit"]:
            told = "Job has reached the specified backoff limit"
            conditions = [
                {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": told}
            ]
        body["status"] = {"succeeded": done, "failed": failed, "conditions": conditions}


def _ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _merged(target: object, patch: object) -> Any:  # noqa: ANN401 - any JSON
    """A JSON merge patch."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = target if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _called(owner: Owner, config: Json) -> str:
    text = f'"{owner.manager}"'
    if owner.subresource:
        text += f' with subresource "{owner.subresource}"'
    return text if owner.operation == "Apply" else f"{text} using {config['apiVersion']} at {owner.since}"


def _dotted(path: tuple[str, ...]) -> str:
    text = ""
    for part in path:
        if part.startswith("f:"):
            text += f".{part[2:]}"
        else:
            keys = json.loads(part[2:])
            text += "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in keys.items()) + "]"
    return text


def _defaulted(body: Json) -> None:
    """Some of what the real server writes where nothing is said."""
    spec, kind = body.get("spec") or {}, body["kind"]
    if kind == "Deployment":
        spec.setdefault("replicas", 1)
        spec.setdefault("strategy", {"type": "RollingUpdate"})
        spec.setdefault("progressDeadlineSeconds", 600)
    if kind == "Job":
        spec.setdefault("completions", 1)
        spec.setdefault("suspend", False)
    if kind in ("Deployment", "Job"):
        pod = spec["template"]["spec"]
        pod.setdefault("dnsPolicy", "ClusterFirst")
        pod.setdefault("schedulerName", "default-scheduler")
        for container in pod["containers"]:
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            container.setdefault("resources", {})
            for one in container.get("env") or ():  # what is empty is left out
                if one.get("value") == "":
                    del one["value"]
            for port in container.get("ports") or ():
                port.setdefault("protocol", "TCP")
    if kind == "Service":
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        spec.setdefault("clusterIP", "10.0.0.7")
    if kind == "PersistentVolumeClaim":
        spec.setdefault("volumeMode", "Filesystem")


def _immutable(key: Key, old: Json, new: Json) -> None:
    kind, name = new["kind"], key[2]

    def no(path: str) -> RefusedError:
        told = f'{kind} "{name}" is invalid: {path}: Forbidden: field is immutable'
        causes = [
            {"reason": "FieldValueForbidden", "message": "Forbidden: field is immutable", "field": path}
        ]
        return RefusedError(422, "Invalid", told, name=name, kind=kind, causes=causes)

    if kind == "PersistentVolumeClaim":
        for part in ("accessModes", "storageClassName"):
            if old["spec"].get(part) != new["spec"].get(part):
                raise no("spec")
        before, after = (int(one["spec"]["resources"]["requests"]["storage"]) for one in (old, new))
        if after < before:
            raise no("spec")
    if kind == "Deployment" and old["spec"]["selector"] != new["spec"]["selector"]:
        raise no("spec.selector")
    if kind == "Job" and old["spec"]["template"] != new["spec"]["template"]:
        raise no("spec.template")
    if kind in ("Secret", "ConfigMap") and old.get("immutable") and old.get("data") != new.get("data"):
        raise no("data")


# ------------------------------------------------------------------------------------------------ what pods do


class Kubelet:
    """Says of every pod of a namespace what the name of its image asks for, as long as it is told to.

    `…broken…` ends again and again, `…missing…` cannot be pulled, `…unhealthy…` runs and is never ready, `…noroom…` finds no
    node, `…once…` ends well, `…fails…` ends badly; anything else runs and is ready. Speaks to any API server through the client.
    """

    def __init__(self, send: Callable[[str, str, Json | None], Json], namespace: str) -> None:
        self._send, self._path = send, f"/api/v1/namespaces/{namespace}/pods"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            for pod in self._send("GET", self._path, None).get("items") or ():
                if (pod.get("status") or {}).get("phase") == "Pending" and not (
                    pod["status"].get("containerStatuses")
                ):
                    patch = {"status": said(pod)}
                    self._send("PATCH", f"{self._path}/{pod['metadata']['name']}/status", patch)


def said(pod: Json) -> Json:
    """The status of a pod, from the name of its image."""
    (container, *_) = pod["spec"]["containers"]
    image, name = str(container["image"]), str(container["name"])
    now = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def status(phase: str, state: Json, *, ready: bool, restarts: int = 0, last: Json | None = None) -> Json:
        conditions = [{"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}]
        one = {
            "name": name, "image": image, "imageID": "", "ready": ready, "restartCount": restarts, "state": state,
            "lastState": last or {},
        }  # fmt: skip
        return {"phase": phase, "conditions": conditions, "containerStatuses": [one]}

    ended = {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": now, "startedAt": now}}
    if "broken" in image:
        back_off = {
            "waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
        }
        return status("Running", back_off, ready=False, restarts=2, last=ended)
    if "missing" in image:
        told = f'Back-off pulling image "{image}"'
        return status("Pending", {"waiting": {"reason": "ImagePullBackOff", "message": told}}, ready=False)
    if "noroom" in image:
        told = "0/3 nodes are available: 3 Insufficient memory."
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": told,
            "lastTransitionTime": now,
        }
        return {"phase": "Pending", "conditions": [condition]}
    if "fails" in image:
        return status("Failed", ended, ready=False)
    if "once" in image:
        well = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now, "startedAt": now}}
        return status("Succeeded", well, ready=False)
    return status("Running", {"running": {"startedAt": now}}, ready="unhealthy" not in image)
