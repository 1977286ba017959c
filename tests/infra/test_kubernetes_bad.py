"""No kubeconfig, no cluster, no rights, no namespace, a busy or a slow server, somebody else at it: each is told with a next step."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from casava_os.infra.kubernetes import cluster as cluster_module
from casava_syscalls.results import Err
from tests.infra.conftest import bad, good
from tests.infra.kubernetes_api import Api, RefusedError, Request
from tests.infra.kubernetes_world import SHOP, Cluster, kubeconfig

pytestmark = pytest.mark.usefixtures("cluster")


def server(cluster: Cluster) -> Api:
    """These tests make the server say no, so they are for the tests' own."""
    if cluster.other.api is None:
        pytest.fail("unset CASAVA_TEST_KUBECONFIG: a real cluster cannot be made to fail like this")
    return cluster.other.api


def test_no_kubeconfig(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    refused = bad(cluster.plan(SHOP))
    assert (refused.code, refused.title) == ("unavailable", "There is no kubeconfig")
    assert "KUBECONFIG" in refused.hint


@pytest.mark.parametrize("text", ["{", "[]", "apiVersion: v1\nkind: Config\n", "\x00", '{"clusters": 3}'])
def test_a_kubeconfig_that_is_none(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "wrong"
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    refused = bad(cluster.plan(SHOP))
    assert refused.code in ("unavailable", "not-found")
    assert str(path) in refused.message


def test_a_context_that_is_not_there(cluster: Cluster) -> None:
    refused = bad(cluster.plan(SHOP.replace("kubernetes: {", "kubernetes: {context: prod, ")))
    assert (refused.code, refused.title) == ("not-found", "The kubeconfig has no context 'prod'")
    assert "has here" in refused.message


def test_a_context_of_the_spec_is_taken_and_not_the_current_one(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = json.loads(kubeconfig(tmp_path / "two", server(cluster).url).read_text())
    config["contexts"].append(
        {"name": "prod", "context": {"cluster": "prod", "user": "me", "namespace": "shop"}}
    )
    config["clusters"].append({"name": "prod", "cluster": {"server": "http://127.0.0.1:1"}})
    config["current-context"] = "prod"
    (tmp_path / "two").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "two"))
    planned = good(
        cluster.plan(SHOP.replace("kubernetes: {", "kubernetes: {context: here, namespace: demo, "))
    )
    assert f"on cluster here ({server(cluster).url})" in planned.rows[0].why
    unreachable = bad(cluster.plan(SHOP))
    assert (unreachable.code, unreachable.title) == ("unavailable", "The cluster cannot be reached")
    assert "cluster prod (http://127.0.0.1:1)" in unreachable.message


def test_another_current_context_moves_no_stack(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good(cluster.apply(SHOP))
    config = json.loads(kubeconfig(tmp_path / "two", server(cluster).url).read_text())
    config["contexts"].append({"name": "prod", "context": {"cluster": "prod", "user": "me"}})
    config["clusters"].append({"name": "prod", "cluster": {"server": "http://127.0.0.1:1"}})
    config["current-context"] = "prod"
    (tmp_path / "two").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "two"))
    assert cluster.rows(SHOP) == []
    good(cluster.down())
    assert cluster.other.everything() == {}


def test_a_context_that_leads_to_another_cluster_by_now(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good(cluster.apply(SHOP))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "moved", "http://127.0.0.1:1")))
    cluster.engine.close()
    for refused in (bad(cluster.plan(SHOP)), bad(cluster.down())):
        assert (refused.code, refused.title) == (
            "conflict",
            "The context 'here' leads to another cluster by now",
        )


def test_an_unknown_user(cluster: Cluster) -> None:
    server(cluster).token = "another"
    refused = bad(cluster.plan(SHOP))
    assert (refused.code, refused.title) == ("permission", "The cluster does not know you")
    assert "log in again" in refused.hint
    server(cluster).token = "let-me-in"


def test_a_right_that_is_missing(cluster: Cluster) -> None:
    def no(request: Request) -> RefusedError | None:
        if "networkpolicies" not in request.path or request.method != "PATCH":
            return None
        told = 'networkpolicies.networking.k8s.io "x" is forbidden: User "me" cannot patch resource "networkpolicies"'
        return RefusedError(403, "Forbidden", told)

    server(cluster).answer = no
    refused = bad(cluster.apply(SHOP))
    assert (refused.code, refused.title) == ("permission", "The cluster does not allow it")
    assert "patch networkpolicies" in refused.hint
    assert cluster.other.everything() == {}


def test_a_quota_that_is_full(cluster: Cluster) -> None:
    def no(request: Request) -> RefusedError | None:
        real = request.method == "PATCH" and "dryRun" not in request.query and "deployments" in request.path
        return (
            RefusedError(403, "Forbidden", 'deployments "shop-db" is forbidden: exceeded quota: small')
            if real
            else None
        )

    server(cluster).answer = no
    refused = bad(cluster.apply(SHOP))
    assert (refused.code, refused.title) == ("limit", "The namespace's quota does not allow it")
    assert "nothing is left of it" in refused.message
    assert cluster.other.everything() == {}


def test_a_namespace_that_is_not_there(cluster: Cluster) -> None:
    refused = bad(cluster.apply(SHOP.replace("kubernetes: {", "kubernetes: {namespace: nowhere, ")))
    assert (refused.code, refused.title) == ("not-found", "There is no namespace 'nowhere'")
    assert "kubectl create namespace nowhere" in refused.hint


def test_a_manifest_that_the_cluster_refuses(cluster: Cluster) -> None:
    def no(request: Request) -> RefusedError | None:
        if request.method != "PATCH" or "deployments" not in request.path:
            return None
        cause = {
            "reason": "FieldValueInvalid",
            "message": "too long",
            "field": "spec.template.spec.containers[0].env[0].name",
        }
        return RefusedError(
            422, "Invalid", "Deployment.apps is invalid: env[0].name: too long", causes=[cause]
        )

    server(cluster).answer = no
    refused = bad(cluster.plan(SHOP))
    assert (refused.code, refused.title) == ("usage", "The cluster refuses the manifest")
    assert refused.hint == "look at spec.template.spec.containers[0].env[0].name"


@pytest.mark.parametrize(
    ("status", "title"),
    [(429, "The cluster is too busy"), (500, "The cluster failed"), (503, "The cluster failed")],
)
def test_a_server_in_trouble(cluster: Cluster, status: int, title: str) -> None:
    server(cluster).answer = lambda _: RefusedError(status, "Trouble", "etcdserver: request timed out")
    refused = bad(cluster.plan(SHOP))
    assert (refused.code, refused.title) == ("unavailable", title)
    assert "request timed out" in refused.message


def test_trouble_in_the_middle_of_an_apply_is_settled_by_the_next_start(cluster: Cluster) -> None:
    def dies(request: Request) -> RefusedError | None:
        if request.method == "PATCH" and "deployments" in request.path and "dryRun" not in request.query:
            server(cluster).answer = lambda _: RefusedError(503, "Trouble", "it is down")
            return RefusedError(503, "Trouble", "it is down")
        return None

    server(cluster).answer = dies
    failed = bad(cluster.apply(SHOP))
    assert "the next start tries again" in failed.message
    server(cluster).answer = lambda _: None
    assert cluster.other.everything() != {}
    assert cluster.engine.reconcile() == (
        "The stack shop was being changed when Casava was killed: what was begun is gone.",
    )
    assert cluster.other.everything() == {}


def test_a_cluster_that_does_not_know_a_field(cluster: Cluster) -> None:
    told = "failed to create typed patch object (demo/shop-db; apps/v1, Kind=Deployment): .spec.x: field not declared in schema"
    server(cluster).answer = lambda request: (
        RefusedError(500, "", told) if "deployments" in request.path else None
    )
    refused = bad(cluster.plan(SHOP))
    assert (refused.code, refused.title) == ("unsupported", "The cluster does not know a field")
    assert ".spec.x" in refused.message


def test_a_server_that_never_answers(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cluster_module.Cluster.__init__, "__defaults__", ((0.2, 0.2),))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv(
            "KUBECONFIG", str(kubeconfig(tmp_path / "mute", f"http://127.0.0.1:{mute.getsockname()[1]}"))
        )
        refused = bad(cluster.plan(SHOP))
    assert (refused.code, refused.title) == ("timeout", "The cluster did not answer in time")


def test_a_server_that_is_no_cluster(cluster: Cluster) -> None:
    class NotJsonError(RefusedError):
        def __init__(self) -> None:
            super().__init__(404, "", "")
            self.body = "<html>nginx</html>"  # type: ignore[assignment]

    server(cluster).answer = lambda _: NotJsonError()
    assert isinstance(cluster.plan(SHOP), Err)


def test_somebody_changes_a_field_between_plan_and_apply(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    two = SHOP.replace("mem_limit: 32m", "mem_limit: 48m")
    approved = good(cluster.plan(two)).sha256
    containers = cluster.other.get("Deployment", "shop-web")["spec"]["template"]["spec"]["containers"]
    containers[0]["resources"]["limits"]["memory"] = "77"
    cluster.other.edit("Deployment", "shop-web", {"spec": {"template": {"spec": {"containers": containers}}}})
    refused = bad(cluster.apply(two, approved=approved))
    assert refused.code == "conflict"
    left = cluster.other.get("Deployment", "shop-web")["spec"]["template"]["spec"]["containers"]
    assert left[0]["resources"]["limits"]["memory"] == "77"


def test_somebody_changes_a_field_in_the_middle_of_an_apply(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    two = SHOP.replace("example/web:1", "example/web:2").replace("example/db:1", "example/db:2")

    def meanwhile(request: Request) -> RefusedError | None:
        if request.method == "PATCH" and request.path.endswith("shop-db") and "dryRun" not in request.query:
            server(cluster).answer = lambda _: None
            cluster.other.edit("Deployment", "shop-web", {"spec": {"replicas": 4}}, manager="autoscaler")
        return None

    server(cluster).answer = meanwhile
    refused = bad(cluster.apply(two))
    assert (refused.code, refused.title) == ("conflict", "autoscaler has changed the Deployment shop-web")
    assert ".spec.replicas" in refused.message
    found = cluster.other.get("Deployment", "shop-web")
    assert found["spec"]["replicas"] == 4, "nothing of others is overwritten, not on the way back either"
    db = cluster.other.get("Deployment", "shop-db")
    assert db["spec"]["template"]["spec"]["containers"][0]["image"] == "example/db:1"


def test_somebody_takes_a_name_in_the_middle_of_an_apply(cluster: Cluster) -> None:
    def meanwhile(request: Request) -> RefusedError | None:
        if (
            request.method == "PATCH"
            and request.path.endswith("/web-local")
            and "dryRun" not in request.query
        ):
            server(cluster).answer = lambda _: None
            body = {
                "metadata": {"name": "web-local", "labels": {"theirs": "yes"}},
                "spec": {"type": "ClusterIP", "ports": [{"port": 1}]},
            }
            cluster.other.create("Service", {"apiVersion": "v1", "kind": "Service", **body})
        return None

    server(cluster).answer = meanwhile
    refused = bad(cluster.apply(SHOP))
    assert refused.code in ("exists", "conflict")
    assert cluster.other.everything() == {"Service": ["web-local"]}
    left = cluster.other.get("Service", "web-local")
    assert (left["metadata"]["labels"], left["spec"]["ports"]) == ({"theirs": "yes"}, [{"port": 1}])


def test_two_applies_at_once(cluster: Cluster) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(request: Request) -> RefusedError | None:
        if request.method == "PATCH" and "dryRun" not in request.query:
            inside.set()
            go_on.wait(30)
        return None

    server(cluster).answer = slow
    first = threading.Thread(target=lambda: cluster.apply(SHOP))
    first.start()
    assert inside.wait(60)
    other = Cluster.make(cluster.workspace, cluster.other)
    refused = [bad(other.apply(SHOP)), bad(other.down())]
    go_on.set()
    first.join()
    other.engine.close()
    assert [(one.code, one.title) for one in refused] == [("conflict", "The stack shop is being changed")] * 2
    assert cluster.state().state == "running"


def test_lists_come_in_pages(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_PAGE", 1)
    good(cluster.apply(SHOP))
    assert cluster.rows(SHOP) == []
    good(cluster.down())
    assert cluster.other.everything() == {}
