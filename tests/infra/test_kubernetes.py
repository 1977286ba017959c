"""A whole stack on a cluster: up, changed, drifted, scaled, rolled back, taken down, and nothing of others touched.

The same tests run against the tests' own API server, and against a real control plane that CASAVA_TEST_KUBECONFIG names.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from casava_os.containers import labels
from casava_os.infra.kubernetes.marks import label_value
from casava_os.infra.performing import engine_of
from casava_os.infra.record import Record
from casava_os.paths import state_dir
from tests.infra.conftest import bad, good
from tests.infra.kubernetes_world import SHOP, Cluster

TWO = SHOP.replace("example/web:1", "example/web:2")


def test_a_stack_with_all_that_it_can_have(cluster: Cluster) -> None:
    rows = cluster.rows(SHOP)
    assert [row.split()[:2] for row in rows] == [
        *[["create", "NetworkPolicy"]] * 4, ["create", "PersistentVolumeClaim"], ["create", "ConfigMap"], ["create", "Secret"],
        *[["create", "Service"]] * 3, *[["create", "Deployment"]] * 2,
    ]  # fmt: skip
    assert cluster.other.everything() == {}, "a plan changes nothing"
    state = good(cluster.apply(SHOP)).state
    assert [(one.service, one.state, one.running, one.wanted, one.drift) for one in state.services] == [
        ("web", "running", 1, 1, ()),
        ("db", "running", 1, 1, ()),
    ]
    assert state.services[0].ports == ("svc/web-local:8080→80/tcp",)
    assert state.services[0].limit == 32 * 2**20
    assert state.other == ()
    assert cluster.rows(SHOP) == []
    there = cluster.other.everything()
    assert [there[kind] for kind in ("Deployment", "PersistentVolumeClaim", "Service")] == [
        ["shop-db", "shop-web"], ["shop-data"], ["db", "web", "web-local"],
    ]  # fmt: skip
    (secret,) = there["Secret"]
    assert base64.b64decode(cluster.other.get("Secret", secret)["data"]["content"]) == b"open sesame"
    claim = cluster.other.get("PersistentVolumeClaim", "shop-data")
    assert claim["spec"]["resources"]["requests"]["storage"] in ("2147483648", "2Gi")


def test_the_plan_names_the_cluster_and_the_namespace(cluster: Cluster) -> None:
    first, *others = good(cluster.plan(SHOP)).rows
    assert "on cluster " in first.why
    assert "http" in first.why
    assert all(row.name.startswith(f"{cluster.other.namespace}/") for row in (first, *others))


def test_what_was_approved_is_what_is_done(cluster: Cluster) -> None:
    approved = good(cluster.plan(SHOP)).sha256
    refused = bad(cluster.apply(TWO, approved=approved))
    assert refused.code == "conflict"
    assert cluster.other.everything() == {}
    good(cluster.apply(SHOP, approved=approved))


def test_services_start_in_the_order_of_what_they_need(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    made = [sentence for sentence in cluster.told if "Deployment" in sentence]
    assert made == ["Creating Deployment shop-db", "Creating Deployment shop-web"]


def test_everything_bears_its_owner_process_stack_operation_and_reason(cluster: Cluster) -> None:
    good(cluster.apply(SHOP, lease=3600))
    for kind, names in cluster.other.everything().items():
        for name in names:
            about = cluster.other.get(kind, name)["metadata"]
            assert about["labels"][labels.OWNER] == label_value(labels.owner())
            assert about["labels"][labels.STACK] == "shop"
            if kind not in ("Pod", "Job", "Deployment"):
                assert about["labels"]["casava-os.resource"]
            if kind != "Pod":
                assert about["labels"]["app.kubernetes.io/managed-by"] == "casava-os"
                assert len(about["labels"]["casava-os.operation"]) == 16
                told = about["annotations"]
                assert (told[labels.PID], told[labels.REASON]) == ("7", "set the shop up")
                assert labels.lease_of(told) is not None


def test_secrets_stand_nowhere_but_in_their_objects(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    for kind, names in cluster.other.everything().items():
        for name in names:
            found = json.dumps(cluster.other.get(kind, name))
            held = "open sesame" in found or base64.b64encode(b"open sesame").decode() in found
            assert held == (kind == "Secret")
    assert "open sesame" not in " ".join(cluster.told)
    written = [
        path for path in state_dir().rglob("*") if path.is_file() and b"open sesame" in path.read_bytes()
    ]
    assert [path.parent.name for path in written] == ["files"]


def test_another_image_is_rolled_out_and_nothing_else_is_touched(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    before = {
        name: cluster.other.get("Deployment", name)["metadata"]["generation"]
        for name in ("shop-web", "shop-db")
    }
    (row,) = good(cluster.plan(TWO)).rows
    assert (row.action, row.kind) == ("change", "Deployment")
    assert "containers[web].image example/web:1 → example/web:2" in row.why
    state = good(cluster.apply(TWO)).state
    assert state.services[0].state == "running"
    after = {
        name: cluster.other.get("Deployment", name)["metadata"]["generation"]
        for name in ("shop-web", "shop-db")
    }
    assert (after["shop-db"], after["shop-web"] > before["shop-web"]) == (before["shop-db"], True)
    pods = [pod for pod in cluster.other.all("Pod") if pod["spec"]["containers"][0]["name"] == "web"]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"example/web:2"}


def test_a_change_that_fails_is_taken_back(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    for image, why in (("example/broken:1", "ended with code 3"), ("example/missing:1", "cannot be pulled")):
        failed = bad(cluster.apply(SHOP.replace("example/web:1", image)))
        assert failed.code == "failed"
        assert why in failed.message
        assert "everything is as it was before" in failed.message
        found = cluster.other.get("Deployment", "shop-web")
        assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "example/web:1"
        assert cluster.rows(SHOP) == []


def test_a_first_apply_that_fails_leaves_nothing(cluster: Cluster) -> None:
    failed = bad(cluster.apply(SHOP.replace("example/db:1", "example/unhealthy:1").replace("2s", "1s")))
    assert failed.title == "db is unhealthy"
    assert "nothing is left of it" in failed.message
    assert cluster.other.everything() == {}
    assert cluster.engine.store.names() == []


def test_other_contents_are_another_object_and_the_former_stays_until_they_work(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    (before,) = cluster.other.names("Secret")
    (cluster.workspace / "word.txt").write_text("open barley")
    broken = SHOP.replace("example/web:1", "example/broken:1")
    assert [row.rpartition("-")[0] for row in cluster.rows(broken) if "Secret" in row] == [
        "create Secret shop-word", "destroy Secret shop-word",
    ]  # fmt: skip
    bad(cluster.apply(broken))
    assert cluster.other.names("Secret") == [before]
    good(cluster.apply(SHOP))
    (after,) = cluster.other.names("Secret")
    assert after != before
    assert base64.b64decode(cluster.other.get("Secret", after)["data"]["content"]) == b"open barley"


def test_scaled_up_and_down(cluster: Cluster) -> None:
    text = SHOP.replace('ports: ["8080:80"]', 'ports: ["80"]')
    good(cluster.apply(text))
    for replicas in (3, 1, 0, 1):
        scaled = good(cluster.engine.scale("shop", "web", replicas, cluster.errand())).state
        web = scaled.services[0]
        assert (web.running, web.wanted, web.drift) == (replicas, replicas, ())
    shared = bad(cluster.engine.scale("shop", "db", 2, cluster.errand()))
    assert shared.code == "unsupported"
    assert "volumes.data: 2 replicas of db share it" in shared.message


def test_drift_is_told_with_who_did_it_and_taken_back_only_as_the_plan_says(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    cluster.other.edit("Deployment", "shop-web", {"spec": {"replicas": 2}}, manager="kubectl-scale")
    web = cluster.state().services[0]
    assert "replicas is 2 instead of 1" in web.drift
    assert "kubectl-scale has set spec.replicas" in web.drift
    (row,) = good(cluster.plan(SHOP)).rows
    assert row.action == "change"
    assert "takes .spec.replicas back from kubectl-scale" in row.why
    good(cluster.apply(SHOP, approved=good(cluster.plan(SHOP)).sha256))
    assert cluster.other.get("Deployment", "shop-web")["spec"]["replicas"] == 1
    assert cluster.state().services[0].drift == ()
    assert cluster.rows(SHOP) == []


def test_what_somebody_added_beside_ours_stays_and_is_told(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    cluster.other.edit(
        "Deployment", "shop-web", {"metadata": {"annotations": {"team": "red"}}, "spec": {"paused": True}}
    )
    assert cluster.state().services[0].drift == ("kubectl-edit has set spec.paused",)
    assert cluster.rows(SHOP) == []


def test_what_is_gone_is_told_and_comes_back(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    cluster.other.delete("Deployment", "shop-web")
    cluster.other.delete("Service", "db")
    state = cluster.state()
    assert (state.services[0].state, state.services[0].drift) == ("missing", ("web is missing",))
    assert state.other == ("Service db is missing",)
    assert cluster.rows(SHOP) == ["create Service db", "create Deployment shop-web"]
    good(cluster.apply(SHOP))
    assert cluster.state().state == "running"


def test_destroy_leaves_nothing_and_volumes_by_choice(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    good(cluster.down(volumes=False))
    assert cluster.other.everything() == {"PersistentVolumeClaim": ["shop-data"]}
    (told,) = good(cluster.engine.status())
    assert told.record is not None
    assert (told.driver, told.record.kept) == ("kubernetes", ("data",))
    good(cluster.apply(SHOP))
    good(cluster.down(volumes=True))
    assert cluster.other.everything() == {}
    assert cluster.engine.store.names() == []
    assert bad(cluster.down()).code == "not-found"


def test_what_is_half_gone_goes_whole(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    for kind, name in (
        ("Deployment", "shop-web"),
        ("NetworkPolicy", "shop-default-deny"),
        ("Service", "web"),
    ):
        cluster.other.delete(kind, name)
    good(cluster.down())
    assert cluster.other.everything() == {}


def test_a_service_that_is_no_longer_wanted_goes_and_its_volume_stays(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    alone = "name: shop\nservices: {web: {image: example/web:1}}\n"
    rows = cluster.rows(alone)
    assert "destroy Deployment shop-db" in rows
    assert not any("PersistentVolumeClaim" in row for row in rows)
    good(cluster.apply(alone))
    there = cluster.other.everything()
    assert (there["Deployment"], there["Service"]) == (["shop-web"], ["web"])
    assert there["PersistentVolumeClaim"] == ["shop-data"]
    assert "Secret" not in there


def test_objects_of_others_with_our_names_are_refused_and_untouched(cluster: Cluster) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db"},
        "spec": {"ports": [{"port": 5432}]},
    }
    before = cluster.other.create("Service", theirs)
    refused = bad(cluster.apply(SHOP))
    assert (refused.code, refused.title) == ("exists", "There is a Service 'db' already")
    assert "helm" in refused.message
    assert cluster.other.everything() == {"Service": ["db"]}
    assert (
        cluster.other.get("Service", "db")["metadata"]["resourceVersion"]
        == before["metadata"]["resourceVersion"]
    )


def test_two_people_s_stacks_of_one_name_never_meet(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    made = {kind: names for kind, names in cluster.other.everything().items() if kind != "Pod"}
    neighbour = engine_of(state_dir().with_name("neighbour"))
    neighbour.owner = "1001:somebody-else"
    refused = bad(neighbour.apply(cluster.wish(SHOP), cluster.errand()))
    assert refused.code == "exists"
    assert "the stack shop of somebody else" in refused.message
    assert bad(neighbour.destroy("shop", volumes=True, errand=cluster.errand())).code == "not-found"
    neighbour.close()
    assert {kind: names for kind, names in cluster.other.everything().items() if kind != "Pod"} == made
    assert cluster.state().state == "running"


def test_a_volume_can_grow_and_nothing_else(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    refused = bad(cluster.plan(SHOP.replace("data: 2g", "data: 1g")))
    assert (refused.code, refused.title) == ("unsupported", "The volume 'data' cannot be changed")


JOBS = """
name: jobs
services:
  migrate: {image: example/once:1, command: [migrate]}
  web: {image: example/web:1, depends_on: {migrate: {condition: service_completed_successfully}}}
"""


def test_what_ends_by_itself_is_a_job_that_others_wait_for(cluster: Cluster) -> None:
    state = good(cluster.apply(JOBS)).state
    assert [(one.service, one.state, one.health) for one in state.services] == [
        ("migrate", "completed", ""),
        ("web", "running", ""),
    ]
    (before,) = cluster.other.names("Job")
    assert cluster.rows(JOBS) == []
    again = JOBS.replace("[migrate]", "[migrate, again]")
    assert [row.split()[:2] for row in cluster.rows(again)] == [["create", "Job"], ["destroy", "Job"]]
    good(cluster.apply(again))
    (after,) = cluster.other.names("Job")
    assert after != before


def test_a_job_that_fails_holds_everything_up(cluster: Cluster) -> None:
    failed = bad(cluster.apply(JOBS.replace("example/once:1", "example/fails:1")))
    assert failed.title == "migrate does not run"
    assert "ended with code 3" in failed.message
    assert cluster.other.everything() == {}


def test_no_room_is_told_and_ends_with_the_time(cluster: Cluster) -> None:
    errand = cluster.errand()
    wish = cluster.wish("name: big\nservices: {web: {image: example/noroom:1}}\n")
    failed = bad(
        cluster.engine.apply(wish, type(errand)(pid=7, reason="x", seconds=1.5, tell=cluster.told.append))
    )
    assert failed.code == "timeout"
    assert "Insufficient memory" in failed.message
    assert any("web waits for room" in sentence for sentence in cluster.told)
    assert cluster.other.everything() == {}


def test_a_record_that_is_gone_is_made_anew_from_labels(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    (cluster.engine.store.place("shop") / "record.json").write_text("{}")
    assert cluster.rows(SHOP) == []
    cluster.engine.status("shop")
    good(cluster.apply(TWO))
    record = cluster.engine.store.read("shop")
    assert isinstance(record, Record)
    assert (record.driver, record.rebuilt) == ("kubernetes", False)
    good(cluster.down())
    assert cluster.other.everything() == {}


def test_a_record_that_was_deleted_is_no_loss(cluster: Cluster) -> None:
    good(cluster.apply(SHOP, lease=3600))
    (cluster.engine.store.place("shop") / "record.json").unlink()
    (told,) = good(cluster.engine.status("shop"))
    assert (told.driver, told.found is not None and told.found.volumes) == ("kubernetes", ("data",))
    assert good(told.state).state == "running"
    good(cluster.down())
    assert cluster.other.everything() == {}
    assert "was made anew from the labels" in " ".join(cluster.engine.heard())


def test_without_a_record_a_failed_change_is_taken_back_too(cluster: Cluster) -> None:
    good(cluster.apply(SHOP))
    (cluster.engine.store.place("shop") / "record.json").write_text("{}")
    bad(cluster.apply(SHOP.replace("example/web:1", "example/broken:1")))
    found = cluster.other.get("Deployment", "shop-web")
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "example/web:1"
    assert cluster.other.names("PersistentVolumeClaim") == ["shop-data"]
    assert cluster.rows(SHOP) == []


def test_where_it_runs_is_never_guessed_but_found_by_labels(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(cluster.apply(SHOP))
    (cluster.engine.store.place("shop") / "driver" / "kubernetes.json").write_text("{")
    config = json.loads((tmp_path / "kubeconfig").read_text())
    config["contexts"][0]["context"]["namespace"] = "default"
    (tmp_path / "elsewhere").write_text(json.dumps(config))
    with monkeypatch.context() as patch:
        patch.setenv("KUBECONFIG", str(tmp_path / "elsewhere"))
        refused = bad(cluster.down())
        assert (refused.code, refused.title) == (
            "not-found",
            "Where the stack shop runs is not known any more",
        )
    assert cluster.other.names("Deployment") == ["shop-db", "shop-web"]
    good(cluster.down())
    assert cluster.other.everything() == {}


def test_a_stack_stays_where_it_was_applied(cluster: Cluster, tmp_path: Path) -> None:
    good(cluster.apply(SHOP))
    elsewhere = SHOP.replace("kubernetes: {", "kubernetes: {namespace: default, ")
    refused = bad(cluster.apply(elsewhere))
    assert (refused.code, refused.title) == ("exists", "The stack runs elsewhere")
    assert cluster.state().state == "running"
