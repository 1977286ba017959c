"""A whole stack on the real daemon: up, scaled, updated, rolled back, drifted, and gone."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from casava_os.containers import labels
from casava_os.infra.record import Record
from tests.infra.conftest import SHOP, Yard, bad, good


def fetched(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
        return str(answer.read().decode())


def address(port: str) -> str:
    """127.0.0.1:32768→80/tcp"""
    return port.partition("→")[0]


def test_a_stack_with_all_that_it_can_have(shop: Yard) -> None:
    state = shop.state_of()
    assert state.state in ("running", "starting")
    assert [(one.service, one.running, one.wanted, one.drift) for one in state.services] == [
        ("web", 1, 1, ()),
        ("db", 1, 1, ()),
    ]
    web = state.services[0]
    assert fetched(address(web.ports[0])) == "one\n"
    assert address(web.ports[0]).startswith("127.0.0.1:")
    assert web.limit == 32 * 2**20
    assert web.memory is not None
    assert web.peak is not None
    assert web.memory <= web.peak <= 32 * 2**20
    assert web.proposed is not None
    assert web.proposed % (16 * 2**20) == 0
    there = shop.there()
    assert {one.resource for one in there.networks} == {"default", "back"}
    assert set(there.volumes) == {"data"}
    assert shop.run(shop.container("web"), "cat", "/run/secrets/word") == (0, "open sesame")
    assert (
        shop.run(shop.container("web"), "wget", "-q", "-O", "/dev/null", "http://db/")[0] == 1
    )  # it finds the name
    assert "bad address" not in shop.run(shop.container("web"), "wget", "-O", "-", "http://db/")[1]
    assert not shop.plan(SHOP).rows


def test_secrets_stand_nowhere_but_in_their_files(shop: Yard) -> None:
    container = shop.container("web")
    inspected = str(shop.api.inspect_container(container.id))
    assert "open sesame" not in inspected
    place = shop.engine.store.place("shop")
    (kept,) = (path for path in place.rglob("*") if path.is_file() and path.read_bytes() == b"open sesame")
    assert (kept.parent.stat().st_mode & 0o777, place.stat().st_mode & 0o777) == (0o700, 0o700)
    assert "open sesame" not in (place / "record.json").read_text()
    assert not any("open sesame" in sentence for sentence in shop.told)
    shop.down()
    assert not place.exists()


def test_containers_have_bounds_that_no_spec_lifts(shop: Yard) -> None:
    found = shop.api.inspect_container(shop.container("web").id)
    host = found["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "NET_RAW" not in host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 512
    assert (host["Privileged"], host["NetworkMode"] != "host", host["PidMode"]) == (False, True, "")
    assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}
    assert found["Image"].startswith("sha256:")


def test_everything_bears_its_owner_process_stack_and_reason(shop: Yard) -> None:
    there = shop.there()
    things = [*there.networks, *there.volumes.values()]
    for marks in [one.labels for one in there.containers] + [one.labels for one in things]:
        assert marks[labels.OWNER] == labels.owner()
        assert marks[labels.STACK] == "shop"
        assert marks[labels.PID] == "3"
        assert marks[labels.REASON] == "the test asks for it"


def test_scaled_from_one_to_three_and_back(shop: Yard) -> None:
    first = shop.container("web").id
    good(shop.engine.scale("shop", "web", 3, shop.errand()))
    three = shop.state_of().services[0]
    assert (three.running, three.wanted, len(three.ports)) == (3, 3, 3)
    assert [fetched(address(port)) for port in three.ports] == ["one\n"] * 3
    good(shop.engine.scale("shop", "web", 1, shop.errand()))
    assert [one.id for one in shop.there().of("web")] == [first]
    assert not shop.plan(SHOP).rows
    assert "db" in bad(shop.engine.scale("shop", None, 2, shop.errand())).message
    assert bad(shop.engine.scale("shop", "wob", 2, shop.errand())).code == "not-found"


def test_an_update_replaces_one_after_another_and_keeps_the_data(shop: Yard) -> None:
    good(shop.engine.scale("shop", "web", 2, shop.errand()))
    shop.run(shop.container("web"), "touch", "/data/kept")
    before = {one.id for one in shop.there().of("web")}
    db = shop.container("db").id
    newer = SHOP.replace("replicas: 1", "replicas: 2").replace("-h, /srv]", "-h, /srv, -v]")
    plan = shop.plan(newer)
    assert [(row.action, row.name) for row in plan.rows] == [("replace", "web-1"), ("replace", "web-2")]
    good(shop.up(newer))
    after = shop.there().of("web")
    assert len(after) == 2
    assert not before & {one.id for one in after}
    assert shop.container("db").id == db
    assert shop.run(after[1], "test", "-e", "/data/kept")[0] == 0


def test_an_update_that_does_not_become_healthy_is_taken_back(shop: Yard) -> None:
    good(shop.engine.scale("shop", "web", 2, shop.errand()))
    before = sorted(one.id for one in shop.there().of("web"))
    ill = (
        SHOP.replace("replicas: 1", "replicas: 2")
        .replace("http://127.0.0.1/index.html", "http://127.0.0.1/nowhere")
        .replace("interval: 20s, timeout: 3s", "interval: 1s, timeout: 1s, retries: 1")
    )
    failed = bad(shop.up(ill))
    assert failed.code == "failed"
    assert "web-1 is unhealthy" in failed.title
    assert "404" in failed.message
    assert "everything is as it was before" in failed.message
    now = shop.there()
    assert sorted(one.id for one in now.of("web")) == before
    assert {one.state for one in now.of("web")} == {"running"}
    assert not any(".was-" in one.name for one in now.containers)
    assert not shop.plan(SHOP.replace("replicas: 1", "replicas: 2")).rows


def test_limits_change_without_a_new_container(shop: Yard) -> None:
    before = shop.container("web").id
    wider = SHOP.replace("memory: 32m", "memory: 48m, cpus: 0.5, pids: 99").replace(
        "    secrets: [word]", "    restart: unless-stopped\n    secrets: [word]"
    )
    (row,) = shop.plan(wider).rows
    assert row.action == "change"
    assert "32 MiB instead of 48 MiB" in row.why
    good(shop.up(wider))
    now = shop.container("web")
    assert now.id == before
    assert (now.memory, now.cpus, now.pids, now.restart) == (48 * 2**20, 0.5, 99, "unless-stopped")


def test_drift_is_seen_and_mended(shop: Yard) -> None:
    web, db = shop.container("web"), shop.container("db")
    shop.api.update_container(web.id, mem_limit=64 * 2**20, memswap_limit=64 * 2**20)
    shop.api.stop(db.id, timeout=0)
    services = {one.service: one for one in shop.state_of().services}
    assert services["web"].drift == ("web: memory limit 64 MiB instead of 32 MiB",)
    assert services["db"].drift == ("db is exited",)
    assert {(row.action, row.name) for row in shop.plan(SHOP).rows} == {
        ("start", "db-1"),
        ("change", "web-1"),
    }
    good(shop.up(SHOP))
    assert shop.container("web").memory == 32 * 2**20
    assert shop.container("db").state == "running"
    (back,) = [one for one in shop.there().networks if one.resource == "back"]
    shop.api.disconnect_container_from_network(db.id, back.id)
    shop.api.rename(web.id, f"{web.name}-x")
    drift = [text for one in shop.state_of().services for text in one.drift]
    assert any("it is not in the network back" in text for text in drift)
    assert any("renamed" in text for text in drift)
    good(shop.up(SHOP))
    assert not shop.plan(SHOP).rows
    shop.api.remove_container(shop.container("web").id, force=True)
    assert shop.state_of().services[0].drift == ("web is missing",)
    good(shop.up(SHOP))
    assert not shop.plan(SHOP).rows


def test_a_changed_network_takes_its_services_along(shop: Yard) -> None:
    before = {one.id for one in shop.there().networks}
    open_back = SHOP.replace("back: {internal: true}", "back: ")
    actions = {(row.action, row.kind, row.name) for row in shop.plan(open_back).rows}
    assert actions == {("replace", "network", "back"), ("replace", "container", "db-1")}
    good(shop.up(open_back))
    now = shop.there()
    assert len(now.networks) == 2
    assert len(before & {one.id for one in now.networks}) == 1


def test_a_service_that_is_no_longer_wanted_goes(shop: Yard) -> None:
    shop.told.clear()
    good(shop.up("services: {web: {image: IMAGE, command: [sleep, '1000'], stop_signal: SIGKILL}}"))
    there = shop.there()
    assert {one.service for one in there.containers} == {"web"}
    assert {one.resource for one in there.networks} == {"default"}
    assert set(there.volumes) == {"data"}, "data stays until somebody says otherwise"


def test_destroy_leaves_nothing_and_data_only_when_it_is_to_stay(shop: Yard) -> None:
    shop.run(shop.container("web"), "touch", "/data/kept")
    shop.down(volumes=False)
    there = shop.there()
    assert (there.containers, there.networks, set(there.volumes)) == ((), (), {"data"})
    record = shop.engine.store.read("shop")
    assert isinstance(record, Record)
    assert record.kept == ("data",)
    good(shop.up(SHOP))
    assert shop.run(shop.container("web"), "test", "-e", "/data/kept")[0] == 0
    shop.down(volumes=True)
    assert shop.there().empty
    assert good(shop.engine.status()) == []
    assert shop.engine.book.entries() == []
    assert bad(shop.engine.destroy("shop", volumes=True, errand=shop.errand())).code == "not-found"


def test_a_half_gone_stack_is_taken_away(shop: Yard) -> None:
    there = shop.there()
    for one in there.containers:
        shop.api.remove_container(one.id, force=True)
    shop.api.remove_network(there.networks[0].id)
    shop.down()
    assert shop.there().empty


def test_a_task_that_ends_is_done_and_others_may_wait_for_it(yard: Yard) -> None:
    text = """
services:
  move: {image: IMAGE, command: [sh, -c, "sleep 0.5; echo moved > /data/done"], volumes: ["d:/data"]}
  app:
    image: IMAGE
    command: [sh, -c, "cat /data/done && exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: ["d:/data"]
    depends_on: {move: {condition: service_completed_successfully}}
volumes: {d: }
"""
    good(yard.up(text))
    states = {one.service: one.state for one in yard.state_of().services}
    assert states == {"move": "completed", "app": "running"}
    assert yard.api.logs(yard.container("app").id) == b"moved\n"
    assert not yard.plan(text).rows
    failing = text.replace("echo moved", "exit 7; echo moved").replace("services:\n", "services:\n  # \n")
    failed = bad(yard.up(failing))
    assert "move-1 does not run" in failed.title
    assert "code 7" in failed.message


def test_files_of_the_workspace_and_configs_are_mounted(yard: Yard) -> None:
    site = yard.workspace / "site"
    site.mkdir()
    (site / "index.html").write_text("from the workspace\n")
    text = """
services:
  web:
    image: IMAGE
    command: [httpd, -f, -p, "80", -h, /site]
    ports: ["80"]
    stop_signal: SIGKILL
    volumes: ["./site:/site:ro", {type: tmpfs, target: /scratch, tmpfs: {size: 1m}}]
    configs: [{source: motd, target: /etc/motd}]
    healthcheck: {test: wget -q -O /dev/null http://127.0.0.1/index.html, interval: 20s}
configs: {motd: {content: "hello"}}
"""
    writable = text.replace("./site:/site:ro", "./site:/site").replace('["80"]', '["0.0.0.0::80"]')
    (row,) = [row for row in yard.plan(writable).rows if row.kind == "container"]
    assert (
        row.why
        == "listens on 0.0.0.0, for other machines, too; may change ./site in the workspace, without undo"
    )
    good(yard.up(text))
    web = yard.state_of().services[0]
    assert fetched(address(web.ports[0])) == "from the workspace\n"
    assert yard.run(yard.container("web"), "cat", "/etc/motd") == (0, "hello")
    assert yard.run(yard.container("web"), "touch", "/site/x")[0] != 0
    changed = text.replace('"hello"', '"good day"')
    assert {(row.action, row.kind) for row in yard.plan(changed).rows} == {
        ("create", "config"),
        ("replace", "container"),
    }
    good(yard.up(changed))
    assert yard.run(yard.container("web"), "cat", "/etc/motd") == (0, "good day")
    assert len(list((yard.engine.store.place("shop") / "files").iterdir())) == 1


def test_another_image_of_the_same_name_is_a_new_version(yard: Yard, tmp_path: Path) -> None:
    from tests.infra.image import discard, imported

    name = f"{yard.image.partition(':')[0]}-moving:1"
    imported(yard.api, name, "one")
    text = f"services: {{web: {{image: '{name}', command: [sleep, '1000'], stop_signal: SIGKILL}}}}"
    try:
        good(yard.up(text))
        imported(yard.api, name, "two")
        (row,) = yard.plan(text).rows
        assert (row.action, row.why) == ("replace", f"the image {name} is another one now")
        good(yard.up(text))
        assert yard.run(yard.container("web"), "cat", "/srv/index.html") == (0, "two\n")
    finally:
        yard.down()
        discard(yard.api, name)


def test_a_stack_sleeps_when_nothing_happens_and_wakes(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    from casava_os.infra import idle
    from casava_os.infra.housekeeping import rest_idle_stacks

    text = """
services: {web: {image: IMAGE, command: [sleep, "1000"], stop_signal: SIGKILL}}
x-casava: {idle: {after: 10min, action: pause}}
"""
    good(yard.up(text))
    assert idle.rest_idle(yard.engine, 1000.0) == ()
    assert idle.rest_idle(yard.engine, 1300.0) == ()
    (told,) = idle.rest_idle(yard.engine, 1700.0)
    assert "was paused" in told
    assert yard.container("web").state == "paused"
    assert yard.state_of().state == "asleep"
    assert rest_idle_stacks(yard.state) == ()
    good(yard.up(text))
    assert yard.container("web").state == "running"
    busy = yard.container("web")
    assert idle.rest_idle(yard.engine, 5000.0) == ()
    code, _ = yard.run(busy, "sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
    assert code == 0
    assert idle.rest_idle(yard.engine, 5002.0) == ()
    assert idle.rest_idle(yard.engine, 5500.0) == (), "something happened in between"
