"""`python -m tests.infra.kubernetes_exchanges KUBECONFIG`: asks a real API server what the driver asks, and writes down its answers.

The answers lie in `recordings/kubernetes.json`. The tests ask their own small server the same, and compare: statuses, reasons,
who owns which field, what a conflict says. So the small server is held to what a real one answered.
"""

from __future__ import annotations

import base64
import copy
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Json = dict[str, Any]
Send = Callable[[str, str, Json | None, str], tuple[int, Json]]
"""(method, path with query, body, content type) to status and answer."""

FILE = Path(__file__).with_name("recordings") / "kubernetes.json"
NAMESPACE = "recorded"
APPLY, MERGE, PLAIN = "application/apply-patch+yaml", "application/merge-patch+json", "application/json"

CORE = f"/api/v1/namespaces/{NAMESPACE}"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
POLICIES = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}"
OURS = {"fieldManager": "casava-os", "fieldValidation": "Strict", "force": "false"}
LABELS = {"casava-os.stack": "shop"}


def _url(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _about(name: str, **annotations: str) -> Json:
    return {"name": name, "labels": LABELS, **({"annotations": annotations} if annotations else {})}


def _deployment(replicas: int = 1, container: Json | None = None) -> Json:
    pods = {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [{"name": "web", "image": "example/web:1", **(container or {})}]},
    }
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": _about("web", note="one"),
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": pods},
    }  # fmt: skip


def _service(**spec: object) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _about("db"),
        "spec": {"selector": LABELS, **spec},
    }


def _claim(size: str, **spec: object) -> Json:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": _about("data"), "spec": wanted}


def _secret(text: str) -> Json:
    data = {"content": base64.b64encode(text.encode()).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _about("word"),
        "type": "Opaque",
        "immutable": True,
        "data": data,
    }


def _policy(*rules: Json) -> Json:
    spec = {
        "podSelector": {"matchLabels": LABELS},
        "policyTypes": ["Ingress"],
        **({"ingress": list(rules)} if rules else {}),
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _about("deny"),
        "spec": spec,
    }


ENV = {
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "ports": [{"containerPort": 80, "protocol": "TCP"}],
}
FEWER = {"env": [{"name": "A", "value": "3"}], "args": ["x", "y"]}

REQUESTS: tuple[tuple[str, str, Json | None, str], ...] = (
    # A dry run makes nothing.
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS, dryRun="All"), _deployment(), APPLY),
    ("GET", f"{APPS}/deployments/web", None, PLAIN),
    # Created, applied again as it is, changed, fields taken away again.
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS), _deployment(1, ENV), APPLY),
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS), _deployment(1, ENV), APPLY),
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS), _deployment(2, FEWER), APPLY),
    # Somebody else sets a field: a conflict that names them, by a dry run and in earnest; then it is taken back.
    ("PATCH", _url(f"{APPS}/deployments/web", fieldManager="kubectl-scale"), {"spec": {"replicas": 5}}, MERGE),
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS, dryRun="All"), _deployment(2, FEWER), APPLY),
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS), _deployment(2, FEWER), APPLY),
    ("PATCH", _url(f"{APPS}/deployments/web", **{**OURS, "force": "true"}), _deployment(2, FEWER), APPLY),
    # Fields beside ours are theirs, and stay.
    ("PATCH", _url(f"{APPS}/deployments/web", fieldManager="kubectl-edit"), {"spec": {"paused": True}}, MERGE),
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS), _deployment(2, FEWER), APPLY),
    # Another applier with the same value owns it, too; with another it conflicts.
    ("PATCH", _url(f"{APPS}/deployments/web", **{**OURS, "fieldManager": "argo"}), {**_deployment(2), "spec": {"replicas": 2}}, APPLY),
    ("PATCH", _url(f"{APPS}/deployments/web", **{**OURS, "fieldManager": "argo"}), {**_deployment(3), "spec": {"replicas": 3}}, APPLY),
    # What is wrong: a field that there is not, one that cannot change, a namespace and an object that are not there.
    ("PATCH", _url(f"{APPS}/deployments/web", **OURS), _deployment(2, {"imagee": "x"}), APPLY),
    ("PATCH", _url(f"{CORE}/persistentvolumeclaims/data", **OURS), _claim("1073741824"), APPLY),
    ("PATCH", _url(f"{CORE}/persistentvolumeclaims/data", **OURS, dryRun="All"), _claim("1048576"), APPLY),
    ("PATCH", _url(f"{CORE}/secrets/word", **OURS), _secret("open sesame"), APPLY),
    ("PATCH", _url(f"{CORE}/secrets/word", **OURS), _secret("open barley"), APPLY),
    ("PATCH", _url(f"{CORE.replace(NAMESPACE, 'nowhere')}/services/db", **OURS), _service(clusterIP="None"), APPLY),
    ("GET", f"{CORE}/services/db", None, PLAIN),
    # Services, policies, lists by labels.
    ("PATCH", _url(f"{CORE}/services/db", **OURS), _service(clusterIP="None", publishNotReadyAddresses=True), APPLY),
    ("PATCH", _url(f"{POLICIES}/networkpolicies/deny", **OURS), _policy(), APPLY),
    ("PATCH", _url(f"{POLICIES}/networkpolicies/deny", **OURS), _policy({"ports": [{"port": 80, "protocol": "TCP"}]}), APPLY),
    ("GET", _url(f"{CORE}/services", labelSelector="casava-os.stack=shop"), None, PLAIN),
    ("GET", _url(f"{CORE}/services", labelSelector="casava-os.stack=another"), None, PLAIN),
    # Deleted only when it is the very object.
    ("DELETE", f"{CORE}/services/db", {"preconditions": {"uid": "another"}}, PLAIN),
    ("DELETE", f"{CORE}/services/db", {"propagationPolicy": "Background"}, PLAIN),
    ("DELETE", f"{CORE}/services/db", {"propagationPolicy": "Background"}, PLAIN),
)  # fmt: skip


def asked(send: Send) -> Iterator[Json]:
    """Every request with the answer to it."""
    for method, url, body, content in REQUESTS:
        status, answer = send(method, url, copy.deepcopy(body), content)
        yield {"method": method, "url": url, "status": status, "answer": told(answer)}


def told(answer: Json) -> Json:
    """Of an answer, what does not differ from run to run: who owns what, and what is refused why."""
    if answer.get("kind") == "Status":
        details: Json = answer.get("details") or {}
        causes = [
            {"reason": one.get("reason"), "field": one.get("field")} for one in details.get("causes") or ()
        ]
        who = [
            _who(str(one.get("message")))
            for one in details.get("causes") or ()
            if one.get("reason") == "FieldManagerConflict"
        ]
        return {"reason": answer.get("reason"), "code": answer.get("code"), "causes": causes, "managers": who}
    if "items" in answer:
        return {"names": [one["metadata"]["name"] for one in answer["items"]]}
    about = answer["metadata"]
    owners = [
        {
            name: entry.get(name)
            for name in ("manager", "operation", "subresource", "fieldsV1")
            if entry.get(name)
        }
        for entry in about.get("managedFields") or ()
        if entry["manager"] not in ("kube-controller-manager", "kubelet")
    ]
    spec: Json = answer.get("spec") or {}
    container: Json = next(iter(((spec.get("template") or {}).get("spec") or {}).get("containers") or ()), {})
    return {
        "kind": answer["kind"], "name": about["name"], "owners": sorted(owners, key=lambda one: (one["manager"], one["operation"])),
        "replicas": spec.get("replicas"), "paused": spec.get("paused", False), "env": container.get("env"),
        "args": container.get("args"), "ingress": spec.get("ingress"),
    }  # fmt: skip


def _who(message: str) -> str:
    """The manager that a conflict names."""
    return message.split('"')[1]


def through(client: Any) -> Send:  # noqa: ANN401 - the client's types are loose
    """Sends over the `kubernetes` client."""

    def send(method: str, url: str, body: Json | None, content: str) -> tuple[int, Json]:
        parts = urlsplit(url)
        request = client.param_serialize(
            method, parts.path, query_params=parse_qsl(parts.query), body=body, auth_settings=["BearerToken"],
            header_params={"Content-Type": content, "Accept": "application/json"},
        )  # fmt: skip
        answer = client.call_api(*request)
        return int(answer.status), json.loads(answer.read())

    return send


def main() -> None:
    from kubernetes.config import new_client_from_config

    client = new_client_from_config(config_file=sys.argv[1])  # type: ignore[no-untyped-call]
    send = through(client)
    send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}, PLAIN)
    _, version = send("GET", "/version", None, PLAIN)
    found = list(asked(send))
    send("DELETE", f"/api/v1/namespaces/{NAMESPACE}", None, PLAIN)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(
        json.dumps({"version": f"{version['major']}.{version['minor']}", "exchanges": found}, indent=1) + "\n"
    )
    print(f"{len(found)} answers of Kubernetes {version['gitVersion']}")


if __name__ == "__main__":
    main()
