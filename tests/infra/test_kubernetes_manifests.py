"""Every manifest against the published OpenAPI schema, and what it says of the spec; what a cluster cannot do is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from casava_os.infra.blueprints import catalog
from casava_os.infra.drivers import Deployment, StackKey
from casava_os.infra.graph import graph_of
from casava_os.infra.kubernetes.differ import differences, owned, strangers
from casava_os.infra.kubernetes.manifests import Manifest, manifests, with_contents
from casava_os.infra.kubernetes.marks import dns_name, label_value
from casava_os.infra.kubernetes.refuse import problems as refusals
from casava_os.infra.reading import read_spec
from casava_os.infra.spec import StackSpec
from casava_os.infra.store import Store
from tests.infra.conftest import good
from tests.infra.kubernetes_world import SHOP
from tests.infra.schema import problems

ALL = """
name: all
services:
  web:
    image: registry.example/web:1
    entrypoint: [/bin/web]
    command: [--cost, "$$5 $$(HOME)"]
    working_dir: /srv
    environment: {PRICE: "$$5", EMPTY: ""}
    hostname: web
    user: "1000:1001"
    read_only: true
    init: true
    cap_drop: [NET_BIND_SERVICE]
    labels: {team: red}
    stop_grace_period: 25s
    pull_policy: always
    tmpfs: ["/run:size=8m", /tmp]
    shm_size: 64m
    gpus: 1
    ports: ["0.0.0.0:443:8443", "9000", "53:53/udp"]
    volumes: ["data:/data", {type: tmpfs, target: /cache, tmpfs: {size: 1m}}]
    secrets: [{source: word, target: /etc/word, mode: "0400"}]
    configs: [{source: site, target: /srv/index.html}]
    networks: {front: {aliases: [www]}, back: }
    healthcheck: {test: "curl -f localhost", interval: 90s, timeout: 1500ms, retries: 5, start_period: 1m}
    deploy:
      resources: {limits: {memory: 64m, cpus: 1.5}, reservations: {memory: 32m, cpus: 0.25}}
      update_config: {delay: 3s}
  db: {image: example/db:1, networks: [back], cap_drop: [ALL]}
  seed: {image: example/seed:1, restart: "on-failure:3", network_mode: none}
networks: {front: , back: {internal: true}}
volumes: {data: {labels: {keep: "for ever"}}}
secrets: {word: {x-casava: {generate: 20}}}
configs: {site: {content: "hello"}}
x-casava: {kubernetes: {storage_class: fast, pull_secrets: [registry]}}
"""


def wanted_of(text: str, folder: Path, name: str | None = None) -> Deployment:
    spec = good(read_spec(text, "compose.yaml"))
    return deployment(spec, folder, name or spec.name or "all")


def deployment(spec: StackSpec, folder: Path, name: str) -> Deployment:
    (folder / "word.txt").write_bytes(b"open sesame")
    store = Store(folder / "state")
    contents = good(store.contents(name, spec, folder))
    assert store.make_up(name, spec, contents) is None
    digests = store.digests(name, contents)
    files = store.paths(name, digests)
    for node, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        for mode in ("444", "400"):
            path.with_name(f"{path.name}-{mode}").write_bytes(contents[node])
    return Deployment(
        StackKey("1000:abc", name), spec, graph_of(spec, digests), folder, files, 3, "because", "f" * 16
    )


def made(text: str, folder: Path) -> dict[tuple[str, str], Any]:
    return {(one.kind, one.name): one.body for one in manifests(wanted_of(text, folder))}


def whole(wanted: Deployment) -> list[Any]:
    return [
        one.body if one.node is None else with_contents(wanted, one) for one in manifests(wanted, begun=1.0)
    ]


@pytest.mark.parametrize("text", [SHOP, ALL])
def test_every_manifest_is_as_the_published_schema_says(text: str, tmp_path: Path) -> None:
    bodies = whole(wanted_of(text, tmp_path))
    assert {str(body["kind"]) for body in bodies} >= {
        "Deployment", "Service", "PersistentVolumeClaim", "Secret", "ConfigMap", "NetworkPolicy",
    }  # fmt: skip
    for body in bodies:
        assert problems(body) == [], body


def test_the_schema_finds_what_is_wrong(tmp_path: Path) -> None:
    (deployment, *_) = (body for body in whole(wanted_of(SHOP, tmp_path)) if body["kind"] == "Deployment")
    spec = deployment["spec"]
    for wrong in (
        {**deployment, "spec": {**spec, "replica": 3}},
        {**deployment, "spec": {**spec, "replicas": "3"}},
        {**deployment, "spec": {name: value for name, value in spec.items() if name != "selector"}},
        {**deployment, "spec": {**spec, "min_ready_seconds": 3}},
    ):
        assert problems(wrong) != []


def test_blueprints_that_a_cluster_can_hold_are_valid_and_the_others_say_why(tmp_path: Path) -> None:
    fits: list[str] = []
    for blueprint in good(catalog()):
        refused = list(refusals(blueprint.spec))
        if refused:
            assert all(
                sentence.startswith(("services.", "volumes.", "x-casava.", "networks."))
                for sentence in refused
            )
            continue
        fits.append(blueprint.name)
        folder = tmp_path / blueprint.name
        folder.mkdir()
        for body in whole(deployment(blueprint.spec, folder, blueprint.name)):
            assert problems(body) == [], body
    assert {"postgres", "redis"} <= set(fits)


def test_a_container_is_what_the_spec_says(tmp_path: Path) -> None:
    template = made(ALL, tmp_path)["Deployment", "all-web"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert (container["command"], container["args"]) == (["/bin/web"], ["--cost", "$$5 $$(HOME)"])
    assert container["env"] == [{"name": "PRICE", "value": "$$5"}, {"name": "EMPTY", "value": ""}]
    assert container["resources"] == {
        "limits": {"memory": str(64 * 2**20), "cpu": "1500m", "nvidia.com/gpu": "1"},
        "requests": {"memory": str(32 * 2**20), "cpu": "250m"},
    }
    assert container["readinessProbe"] == {
        "exec": {"command": ["/bin/sh", "-c", "curl -f localhost"]}, "periodSeconds": 90, "timeoutSeconds": 2,
        "failureThreshold": 5, "successThreshold": 1,
    }  # fmt: skip
    assert "livenessProbe" not in container, "in Compose, an unhealthy container is not killed"
    assert (container["imagePullPolicy"], container["workingDir"]) == ("Always", "/srv")
    pod = template["spec"]
    assert (pod["hostname"], pod["terminationGracePeriodSeconds"], pod["shareProcessNamespace"]) == (
        "web",
        25,
        True,
    )
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {"/data", "/cache", "/run", "/tmp", "/dev/shm", "/etc/word", "/srv/index.html"}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes[mounts["/run"]["name"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": str(8 * 2**20)}
    secret = volumes[mounts["/etc/word"]["name"]]["secret"]
    assert (secret["defaultMode"], mounts["/etc/word"]["subPath"]) == (0o400, "content")


def test_pods_have_bounds_that_no_spec_lifts(tmp_path: Path) -> None:
    bodies = made(ALL, tmp_path)
    pods = [
        body["spec"]["template"]["spec"]
        for (kind, _), body in bodies.items()
        if kind in ("Deployment", "Job")
    ]
    assert len(pods) == 3
    for pod in pods:
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert "privileged" not in container["securityContext"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert not any("hostPath" in volume for volume in pod.get("volumes", ()))
    web, db, seed = (
        bodies["Deployment", "all-web"], bodies["Deployment", "all-db"], next(b for (k, _), b in bodies.items() if k == "Job"),
    )  # fmt: skip
    security = web["spec"]["template"]["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"]) == (1000, 1001, True)
    assert (
        web["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    )
    assert "runAsNonRoot" not in db["spec"]["template"]["spec"]["securityContext"]
    assert "add" not in db["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]
    added = seed["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]["add"]
    assert "NET_RAW" not in added
    assert "SYS_ADMIN" not in added


def test_who_may_talk_to_whom(tmp_path: Path) -> None:
    bodies = made(ALL, tmp_path)
    policies = {name: body["spec"] for (kind, name), body in bodies.items() if kind == "NetworkPolicy"}
    assert set(policies) == {
        "all-default-deny", "all-front-network", "all-back-network", "all-web-published", "all-db-inside", "all-seed-inside",
    }  # fmt: skip
    deny = policies["all-default-deny"]
    assert (deny["policyTypes"], "ingress" in deny) == (["Ingress"], False)
    back = policies["all-back-network"]
    assert back["ingress"] == [{"from": [{"podSelector": back["podSelector"]}]}]

    def joined(name: str, policy: str) -> bool:
        pods = bodies["Deployment", name]["spec"]["template"]["metadata"]["labels"]
        return set(policies[policy]["podSelector"]["matchLabels"].items()) <= set(pods.items())

    found = [
        joined(*pair)
        for pair in (
            ("all-web", "all-front-network"),
            ("all-db", "all-front-network"),
            ("all-db", "all-back-network"),
        )
    ]
    assert found == [True, False, True]
    published = policies["all-web-published"]["ingress"]
    assert published == [{"ports": [{"port": 8443, "protocol": "TCP"}]}], (
        "what is on loopback is reached by nobody"
    )
    inside, dns = policies["all-db-inside"]["egress"]
    assert (inside["to"], dns["ports"][0]["port"]) == ([{"podSelector": back["podSelector"]}], 53)
    assert (policies["all-seed-inside"]["policyTypes"], "egress" in policies["all-seed-inside"]) == (
        ["Egress"],
        False,
    )
    assert not any(name.startswith("all-web-inside") for name in policies), (
        "it is in a network that leads out"
    )


def test_services_find_each_other_by_their_names_at_any_port(tmp_path: Path) -> None:
    services = {name: body["spec"] for (kind, name), body in made(ALL, tmp_path).items() if kind == "Service"}
    assert set(services) == {"web", "www", "db", "web-public", "web-local"}
    assert (services["db"]["clusterIP"], services["www"]["selector"]) == ("None", services["web"]["selector"])
    public, local = services["web-public"], services["web-local"]
    assert (public["type"], [port["port"] for port in public["ports"]]) == ("LoadBalancer", [443])
    assert (local["type"], [(port["port"], port["targetPort"], port["protocol"]) for port in local["ports"]]) == (
        "ClusterIP", [(9000, 9000, "TCP"), (53, 53, "UDP")],
    )  # fmt: skip


def test_replicas_are_replaced_as_compose_says(tmp_path: Path) -> None:
    bodies = made(ALL, tmp_path)
    web, db = bodies["Deployment", "all-web"]["spec"], bodies["Deployment", "all-db"]["spec"]
    assert web["strategy"] == {"type": "Recreate"}, "its volume is had by one pod alone"
    assert db["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    assert web["minReadySeconds"] == 3
    (job,) = (body for (kind, _), body in bodies.items() if kind == "Job")
    assert (job["spec"]["backoffLimit"], job["spec"]["template"]["spec"]["restartPolicy"]) == (3, "OnFailure")
    claim = bodies["PersistentVolumeClaim", "all-data"]
    assert (claim["spec"]["storageClassName"], claim["metadata"]["annotations"]["keep"]) == (
        "fast",
        "for ever",
    )


def test_applying_again_for_another_reason_replaces_no_pod(tmp_path: Path) -> None:
    from dataclasses import replace

    wanted = wanted_of(SHOP, tmp_path)
    again = replace(wanted, pid=99, reason="something else", operation="0" * 16)

    def templates(of: Deployment) -> list[Any]:
        return [one.body["spec"]["template"] for one in manifests(of) if one.kind == "Deployment"]

    assert templates(wanted) == templates(again)
    assert [one.digest for one in manifests(wanted)] == [one.digest for one in manifests(again)]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("    volumes: ['./site:/srv']", "services.web.volumes[0]: ./site lies on this machine"),
        ("    ports: ['8080-8082:80']", "services.web.ports[0]: a port for each replica"),
        ("    ports: ['192.168.1.5:80:80']", "services.web.ports[0]: 192.168.1.5 is an address of this machine"),
        ("    user: nginx", "services.web.user: only numbers"),
        ("    container_name: mine", "services.web.container_name"),
        ("    stop_signal: SIGINT", "services.web.stop_signal"),
        ("    pids_limit: 50", "services.web: a limit on processes"),
        ("    gpus: all", "services.web.gpus"),
        ("    extra_hosts: ['host.docker.internal:host-gateway']", "services.web.extra_hosts"),
        ("    tmpfs: ['/run:uid=3']", "services.web.tmpfs"),
        ("    labels: {'a b': c}", "services.web.labels.a b"),
        ("    volumes: ['data:/d']\n    scale: 2\nvolumes: {data: }", "volumes.data: 2 replicas of web share it"),
        ("    networks: [n]\nnetworks: {n: {external: true}}", "networks.n.external"),
        ("    image: sha256:0123", "services.web.image: the ID of an image of this machine"),
        ("x-casava: {idle: {after: 5m}}", "x-casava.idle"),
        ("x-casava: {kubernetes: {volumes: {gone: 1g}}}", "x-casava.kubernetes.volumes.gone"),
        ("  my_db: {image: i}", "services.my_db: others find it by this name"),
        ("    networks: {n: {aliases: [other]}}\n  other: {image: i}\nnetworks: {n: }", "services.web.networks.n.aliases: 'other' is services.other"),
    ],
)  # fmt: skip
def test_what_a_cluster_cannot_do_is_refused_with_its_place(change: str, place: str) -> None:
    image = "" if "image: sha" in change else "    image: i\n"
    spec = good(read_spec(f"services:\n  web:\n{image}{change}\n", "compose.yaml"))
    found = list(refusals(spec))
    assert any(sentence.startswith(place) for sentence in found), found


def test_names_and_labels_of_any_text_fit_and_stay_apart() -> None:
    import re

    for text in ("a", "a" * 200, "A_b", "a_b", "-x-", "1000:5f2c", "été"):
        for other in ("a-b", "a", "x"):
            assert (dns_name(text) == dns_name(other)) == (text == other), text
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", dns_name(text))
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", label_value(text))


def test_differences_are_told_by_names_not_by_places_in_lists() -> None:
    want = {
        "containers": [{"name": "web", "image": "b", "env": [{"name": "A", "value": "1"}]}],
        "replicas": 1,
    }
    have = {
        "containers": [{"name": "sidecar", "image": "x"}, {"name": "web", "image": "a", "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]}],
        "replicas": 1,
    }  # fmt: skip
    assert list(differences(want, have)) == [("containers[web].image", "b", "a")]
    assert next(differences(have["containers"], want["containers"]))[0] == "[sidecar].name"


def test_what_we_applied_is_taken_out_of_managed_fields() -> None:
    fields = {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}}},
            "f:args": {},
        },
    }
    found = {
        "apiVersion": "apps/v1", "kind": "Deployment", "status": {"replicas": 1},
        "metadata": {
            "name": "x", "uid": "u", "labels": {"a": "1", "b": "2"},
            "managedFields": [
                {"manager": "casava-os", "operation": "Apply", "fieldsV1": fields},
                {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            ],
        },
        "spec": {"replicas": 1, "paused": True, "args": ["a"], "containers": [{"name": "web", "image": "i", "tty": False}, {"name": "s"}]},
    }  # fmt: skip
    assert owned(found) == {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "labels": {"a": "1"}},
        "spec": {"replicas": 1, "args": ["a"], "containers": [{"name": "web", "image": "i"}]},
    }  # fmt: skip
    assert strangers(found) == {"kubectl": ["spec.paused"]}


def test_manifests_hold_no_contents(tmp_path: Path) -> None:
    for one in manifests(wanted_of(SHOP, tmp_path)):
        assert isinstance(one, Manifest)
        assert "data" not in one.body
        assert "sesame" not in str(one.body)
