"""A stack on a cluster in tests: an engine of its own, a kubeconfig, and others who write into the same namespace."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from casava_os.infra.drivers import StackPlan, StackState
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.wishes import Applied, Errand, Wish
from casava_os.paths import state_dir
from casava_syscalls.results import Ok, Result
from tests.infra.kubernetes_api import KUBELET, TOKEN, Api, Kubelet

Json = dict[str, Any]

PATHS = {
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Pod": "/api/v1/namespaces/{}/pods",
}

SHOP = """
name: shop
services:
  web:
    image: example/web:1
    ports: ["8080:80"]
    environment: {GREETING: "costs $$5", EMPTY: ""}
    secrets: [word]
    configs: [{source: site, target: /srv/index.html}]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, wget, -q, "http://localhost/"], interval: 2s, timeout: 1s, retries: 2}
    mem_limit: 32m
    networks: [front, back]
    restart: unless-stopped
  db:
    image: example/db:1
    user: "999"
    volumes: ["data:/data"]
    healthcheck: {test: "test -e /data", interval: 2s, timeout: 1s, retries: 2}
    networks: [back]
networks: {front: , back: {internal: true}}
volumes: {data: }
secrets: {word: {file: word.txt}}
configs: {site: {content: "one\\n"}}
x-casava: {kubernetes: {volumes: {data: 2g}}}
"""


def kubeconfig(
    path: Path, server: str, *, token: str = TOKEN, context: str = "here", namespace: str = "demo"
) -> Path:
    """A real kubeconfig for a server."""
    text = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": token}}],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": "me", "namespace": namespace}}
        ],
    }
    path.write_text(json.dumps(text))
    return path


class Other:
    """Somebody else with the same client: `kubectl`, a controller, a colleague."""

    def __init__(self, config: Path, namespace: str, agent: str = "kubectl") -> None:
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config import load_kube_config

        configuration = Configuration()
        load_kube_config(config_file=str(config), client_configuration=configuration)  # type: ignore[no-untyped-call]
        self._client, self.namespace = ApiClient(configuration), namespace
        self._client.user_agent = agent
        self.api: Api | None = None
        """The tests' own server, where it is that."""

    def send(
        self, method: str, path: str, body: Json | None = None, *, manager: str = "kubectl-edit"
    ) -> Json:
        kind = {"PATCH": "application/merge-patch+json"}.get(method, "application/json")
        request = self._client.param_serialize(
            method, path, query_params=[("fieldManager", manager)] if method in ("PATCH", "POST") else [],
            header_params={"Content-Type": kind, "Accept": "application/json"}, body=body, auth_settings=["BearerToken"],
        )  # fmt: skip
        answer = self._client.call_api(*request)
        told: Json = json.loads(answer.read())  # type: ignore[no-untyped-call]
        return told

    def path(self, kind: str, name: str = "") -> str:
        return PATHS[kind].format(self.namespace) + (f"/{name}" if name else "")

    def get(self, kind: str, name: str) -> Json:
        return self.send("GET", self.path(kind, name))

    def all(self, kind: str) -> list[Json]:
        return list(self.send("GET", self.path(kind))["items"])

    def names(self, kind: str) -> list[str]:
        return sorted(one["metadata"]["name"] for one in self.all(kind))

    def everything(self) -> dict[str, list[str]]:
        """Names of all objects of the namespace, by kind; what every namespace of a real cluster has is left out."""
        found = {
            kind: [n for n in self.names(kind) if n not in ("kube-root-ca.crt", "kubernetes")]
            for kind in PATHS
        }
        return {kind: names for kind, names in found.items() if names}

    def edit(self, kind: str, name: str, patch: Json, *, manager: str = "kubectl-edit") -> Json:
        told = self.send("PATCH", self.path(kind, name), patch, manager=manager)
        assert told["kind"] == kind, told
        return told

    def create(self, kind: str, body: Json, *, manager: str = "helm") -> Json:
        told = self.send("POST", self.path(kind), body, manager=manager)
        assert told["kind"] == kind, told
        return told

    def delete(self, kind: str, name: str) -> None:
        self.send("DELETE", self.path(kind, name))

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]


@contextmanager
def namespace(folder: Path) -> Iterator[tuple[Path, Other]]:
    """A kubeconfig whose current context is an empty namespace, pods that do something there, and somebody else."""
    given = os.environ.get("CASAVA_TEST_KUBECONFIG")
    if given is None:
        with Api() as api:
            config = kubeconfig(folder / "kubeconfig", api.url)
            with _lived_in(config, "demo") as other:
                other.api = api
                yield config, other
        return
    name = f"casava-{secrets.token_hex(4)}"
    found = json.loads(Path(given).read_text(encoding="utf-8"))
    found["contexts"][0]["context"]["namespace"] = name
    config = folder / "kubeconfig"
    config.write_text(json.dumps(found), encoding="utf-8")
    with _lived_in(config, name) as other:
        other.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        yield config, other
        other.send("DELETE", f"/api/v1/namespaces/{name}")


@contextmanager
def _lived_in(config: Path, name: str) -> Iterator[Other]:
    other, kubelet = Other(config, name), Other(config, name, KUBELET)

    def send(method: str, path: str, body: Json | None) -> Json:
        return kubelet.send(method, path, body, manager="kubelet")

    with Kubelet(send, name):
        yield other
    other.close()
    kubelet.close()


@dataclass
class Cluster:
    """One stack's namespace, seen from both sides."""

    workspace: Path
    other: Other
    engine: Engine
    told: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, workspace: Path, other: Other) -> Cluster:
        (workspace / "word.txt").write_text("open sesame")
        return cls(workspace, other, engine_of(state_dir()))

    def errand(self) -> Errand:
        return Errand(
            pid=7, reason="set the shop up", workspace=self.workspace, seconds=60, tell=self.told.append
        )

    def wish(self, text: str, *, approved: str = "", lease: int | None = None) -> Wish:
        read = read_spec(text, "compose.yaml")
        assert isinstance(read, Ok), read
        name = read.value.name or "shop"
        return Wish(name, read.value, self.workspace, "compose.yaml", "kubernetes", lease, approved)

    def plan(self, text: str) -> Result[StackPlan]:
        return self.engine.plan(self.wish(text), self.errand())

    def apply(self, text: str, *, approved: str = "", lease: int | None = None) -> Result[Applied]:
        return self.engine.apply(self.wish(text, approved=approved, lease=lease), self.errand())

    def rows(self, text: str) -> list[str]:
        planned = self.plan(text)
        assert isinstance(planned, Ok), planned
        return [f"{row.action} {row.kind} {row.name.partition('/')[2]}" for row in planned.value.rows]

    def state(self, stack: str = "shop") -> StackState:
        found = self.engine.status(stack)
        assert isinstance(found, Ok), found
        (told,) = found.value
        assert isinstance(told.state, Ok), told.state
        return told.state.value

    def down(self, stack: str = "shop", *, volumes: bool = True) -> Result[Any]:
        return self.engine.destroy(stack, volumes=volumes, errand=self.errand())
