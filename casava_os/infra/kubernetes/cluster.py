"""One namespace of a cluster over the `kubernetes` client: list, get, server-side apply, delete; and what its failures mean.

The client brings the kubeconfig, certificates, tokens and the connection. Objects stay plain JSON: what is sent is what the
manifests say, and what comes back is compared with it field by field.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from casava_os.infra.kubernetes.marks import MANAGER, Json, metadata, selector
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

PATHS = {
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Secret": ("/api/v1", "secrets"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Service": ("/api/v1", "services"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Pod": ("/api/v1", "pods"),
}
"""Where the kinds of a stack live. All but pods are made here; pods are made by the cluster."""
MADE = tuple(kind for kind in PATHS if kind != "Pod")
WORKLOADS = ("Deployment", "Job")

_CONNECT, _READ = 5.0, 60.0
"""Seconds for one request."""
_MANAGER = re.compile(r'conflict with "([^"]+)"')
_PAGE = 500


class ClusterError(Exception):
    """Carries an `Err` out of the middle of the work, with the status of the answer."""

    def __init__(self, err: Err, status: int = 0) -> None:
        super().__init__(str(err))
        self.err, self.status = err, status


@dataclass(frozen=True, slots=True)
class Claim:
    """A field that another manager has set to another value."""

    manager: str
    field: str


class ConflictError(ClusterError):
    """Server-side apply would take fields from others."""

    def __init__(self, kind: str, name: str, claims: tuple[Claim, ...]) -> None:
        self.claims = claims
        who = ", ".join(sorted({claim.manager for claim in claims})) or "somebody else"
        fields = ", ".join(sorted({claim.field for claim in claims})[:4])
        super().__init__(
            Err(
                code="conflict",
                title=f"{who} has changed the {kind} {name}",
                message=f"{fields or 'some fields'}: set by {who} meanwhile; nothing of it was overwritten",
                hint="plan again: the plan names what would be taken back",
            ),
            409,
        )


@dataclass(slots=True)
class Cluster:
    """One namespace, as somebody may use it."""

    client: ApiClient
    namespace: str
    called: str
    """The cluster, for a person: context and address."""
    timeout: tuple[float, float] = field(default=(_CONNECT, _READ))

    # -------------------------------------------------------------------------------------- what is asked

    def list(self, kind: str, labels: Mapping[str, str]) -> list[Json]:
        """All objects with these labels, page by page."""
        found: list[Json] = []
        query: dict[str, str] = {"labelSelector": selector(labels), "limit": str(_PAGE)}
        while True:
            _, answer = self._ask("GET", self._path(kind), query)
            found += answer.get("items") or []
            rest = metadata(answer).get("continue")
            if not rest:
                api, _ = PATHS[kind]
                version = api.removeprefix("/apis/").removeprefix("/api/")
                return [{"apiVersion": version, "kind": kind, **one} for one in found]
            query["continue"] = str(rest)

    def get(self, kind: str, name: str) -> Json | None:
        """One object, or None."""
        try:
            return self._ask("GET", self._path(kind, name))[1]
        except ClusterError as problem:
            if problem.status == 404:
                return None
            raise

    def apply(self, body: Json, *, dry: bool = False, force: bool = False) -> tuple[bool, Json]:
        """Server-side apply: whether it was created, and what it is now. Raises `ConflictError` where others' fields differ."""
        kind, name = str(body["kind"]), str(metadata(body)["name"])
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", "force": "true" if force else "false"}
        if dry:
            query["dryRun"] = "All"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        status, answer = self._ask("PATCH", self._path(kind, name), query, body, headers)
        return status == 201, answer

    def delete(self, kind: str, name: str, uid: str) -> bool:
        """Deletes this very object, and in the background what it owns; whether there was one.

        Another object that has taken its name meanwhile stays.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        headers = {"Content-Type": "application/json"}
        try:
            self._ask("DELETE", self._path(kind, name), {}, options, headers)
        except ClusterError as problem:
            if problem.status in (404, 409):  # gone, or another object by now
                return False
            raise
        return True

    def log(self, pod: str, container: str, *, previous: bool, lines: int = 8) -> str:
        """The last lines that a container printed; empty when they cannot be had."""
        query = {
            "container": container,
            "tailLines": str(lines),
            "previous": "true" if previous else "false",
        }
        try:
            _, answer = self._ask("GET", f"{self._path('Pod', pod)}/log", query)
        except ClusterError:
            return ""
        return str(answer.get("text") or "").strip()

    def close(self) -> None:
        self.client.close()  # type: ignore[no-untyped-call]

    # -------------------------------------------------------------------------------------- one request

    def _path(self, kind: str, name: str = "") -> str:
        api, plural = PATHS[kind]
        return f"{api}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Json]:
        """Status and JSON of the answer. Raises `ClusterError` for every failure that is to be expected."""
        from kubernetes.client.exceptions import OpenApiException
        from urllib3.exceptions import HTTPError

        try:
            request = self.client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", **(headers or {})},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = self.client.call_api(*request, _request_timeout=self.timeout)
            raw: bytes = answer.read()  # type: ignore[no-untyped-call]
        except (HTTPError, OpenApiException, OSError) as problem:
            raise ClusterError(unreachable(problem, self.called)) from None
        told = _read(raw)
        status = int(answer.status)
        if 200 <= status < 300:
            return status, told
        raise self._refused(status, told, method, path)

    def _refused(self, status: int, told: Json, method: str, path: str) -> ClusterError:
        details: Json = told.get("details") or {}
        causes: list[Json] = details.get("causes") or []
        if status == 409 and any(one.get("reason") == "FieldManagerConflict" for one in causes):
            claims = tuple(Claim(_manager(one), str(one.get("field") or "")) for one in causes)
            return ConflictError(_kind(path), path.rpartition("/")[2], claims)
        return ClusterError(explained(status, told, method, path, self), status)


def _manager(cause: Json) -> str:
    match = _MANAGER.search(str(cause.get("message") or ""))
    return match[1] if match else "somebody else"


def _read(raw: bytes) -> Json:
    """An object; anything else is a text."""
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": raw.decode("utf-8", "replace")}


# ------------------------------------------------------------------------------------------------ what failures mean


def unreachable(problem: BaseException, called: str) -> Err:
    """The cluster did not answer, or not as it should."""
    import ssl

    from urllib3.exceptions import ReadTimeoutError

    reason: Any = getattr(problem, "reason", None) or problem
    text = " ".join(str(reason).split())[:300]
    if isinstance(reason, ReadTimeoutError | socket.timeout) and "connect" not in text:
        return Err(
            code="timeout",
            title="The cluster did not answer in time",
            message=f"{called}: {text}",
            hint="try again; what was begun is settled by the next start",
        )
    if isinstance(reason, ssl.SSLError) or "CERTIFICATE" in text or "SSLError" in type(reason).__name__:
        return Err(
            code="unavailable",
            title="The cluster's certificate is not trusted",
            message=f"{called}: {text}",
            hint="give the kubeconfig the cluster's certificate-authority, and look whether it is the right address",
        )
    return Err(
        code="unavailable",
        title="The cluster cannot be reached",
        message=f"{called}: {text}",
        hint="look whether it runs and whether this is the right context: kubectl config get-contexts",
    )


def explained(status: int, told: Json, method: str, path: str, cluster: Cluster) -> Err:
    """What an answer of the API means to a person."""
    said = " ".join(str(told.get("message") or told.get("text") or told.get("reason") or "").split())[:500]
    where = f"{cluster.called}, namespace {cluster.namespace}"
    message = f"{where}: {said or f'it answered {status}'}"
    details: Json = told.get("details") or {}
    if status == 401:
        hint = "log in again, or mend the user of this context in the kubeconfig"
        return Err(code="permission", title="The cluster does not know you", message=message, hint=hint)
    if status == 403:
        if "exceeded quota" in said:
            hint = "lower the limits or replicas, or have the quota raised: kubectl describe quota"
            return Err(
                code="limit", title="The namespace's quota does not allow it", message=message, hint=hint
            )
        verb = {"GET": "list", "PATCH": "patch", "DELETE": "delete"}.get(method, method.lower())
        hint = f"ask who runs the cluster for the right to {verb} {_plural(path)}: kubectl auth can-i --list -n {cluster.namespace}"
        return Err(code="permission", title="The cluster does not allow it", message=message, hint=hint)
    if status == 404:
        if details.get("kind") == "namespaces":
            return _no_namespace(where, cluster.namespace)
        return Err(code="not-found", title="The cluster has no such thing", message=message)
    if status == 409:
        hint = "plan again, then apply"
        return Err(code="conflict", title="It was changed meanwhile", message=message, hint=hint)
    if status in (400, 415, 422):
        fields = [str(one.get("field")) for one in details.get("causes") or [] if one.get("field")]
        look = f"look at {', '.join(dict.fromkeys(fields))}" if fields else ""
        return Err(code="usage", title="The cluster refuses the manifest", message=message, hint=look)
    if "not declared in schema" in said:  # server-side apply answers 500 here
        hint = "it may be older than what the spec needs: kubectl version"
        return Err(code="unsupported", title="The cluster does not know a field", message=message, hint=hint)
    if status == 429 or status >= 500:
        busy = "The cluster is too busy" if status == 429 else "The cluster failed"
        return Err(code="unavailable", title=busy, message=message, hint="try again in a while")
    return Err(code="failed", title="The cluster answered something unexpected", message=message)


def _no_namespace(where: str, namespace: str) -> Err:
    return Err(
        code="not-found",
        title=f"There is no namespace {namespace!r}",
        message=f"{where}: nothing was done",
        hint=f"kubectl create namespace {namespace}, or name another one: x-casava: {{kubernetes: {{namespace: NAME}}}}",
    )


def _kind(path: str) -> str:
    return next((kind for kind, (_, plural) in PATHS.items() if f"/{plural}/" in path), "object")


def _plural(path: str) -> str:
    return next((plural for _, plural in PATHS.values() if f"/{plural}" in path), "objects")
