"""What goes wrong around a stack: told plainly, and nothing half done stays."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from casava_os.containers.expiry import end_leases
from casava_os.infra import settling
from casava_os.infra.docker.driver import DockerDriver
from casava_os.infra.docker.health import broken
from casava_os.infra.drivers import Deployment, Landed, StackKey, StackPlan, StackState, Tell
from casava_os.infra.engine import Engine
from casava_os.infra.housekeeping import stack_ender
from casava_os.infra.record import Pending, Record
from casava_syscalls.results import Err, Ok, Result
from tests.infra.conftest import SHOP, Yard, bad, good

ONE = "services: {web: {image: IMAGE, command: [sleep, '1000'], stop_signal: SIGKILL}}"


def with_port(port: int) -> str:
    return ONE.replace("command", f"ports: ['{port}:80'], command")


def test_a_port_that_a_program_has(yard: Yard) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = bad(yard.up(with_port(port)))
    assert (failed.code, failed.title) == ("exists", f"Port {port} is taken")
    assert "another program has it" in failed.message
    assert yard.there().empty


def test_a_port_that_another_stack_has(yard: Yard) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    good(yard.up(with_port(port), "first"))
    failed = bad(yard.up(with_port(port), "second"))
    assert failed.title == f"Port {port} is taken"
    assert "-first.web-1 has it" in failed.message
    assert yard.there("second").empty
    assert good(yard.up(with_port(port), "first")).plan.rows == ()


def test_a_name_that_a_foreign_container_has(yard: Yard) -> None:
    name = f"casava-foreign-{os.urandom(4).hex()}"
    foreign = yard.api.create_container(yard.image, ["sleep", "1000"], name=name)
    try:
        failed = bad(yard.up(ONE.replace("command", f"container_name: {name}, command")))
        assert failed.code == "exists"
        assert "is none of this stack's" in failed.message
        assert yard.api.inspect_container(name)["Id"] == foreign["Id"]
        assert yard.there().empty
    finally:
        yard.api.remove_container(foreign["Id"], force=True)


def test_a_volume_of_that_name_which_is_somebody_elses(yard: Yard) -> None:
    name = f"casava-{yard.engine.key('shop').tag}-shop.d"
    yard.api.create_volume(name)
    try:
        failed = bad(yard.up(ONE.replace("command", "volumes: ['d:/d'], command") + "\nvolumes: {d: }"))
        assert failed.code == "exists"
        yard.api.inspect_volume(name)
    finally:
        yard.api.remove_volume(name)


def test_an_image_that_is_nowhere(yard: Yard) -> None:
    failed = bad(yard.up(ONE.replace("IMAGE", "casava-no-such-image:1")))
    assert failed.code == "not-found"
    assert "casava-no-such-image:1 cannot be had" in failed.title
    assert "nothing is left of it" in failed.message
    assert yard.there().empty
    assert good(yard.engine.status()) == []
    never = ONE.replace("IMAGE", "casava-no-such-image:1").replace("command", "pull_policy: never, command")
    assert "pull_policy" in bad(yard.up(never)).message


def test_a_service_that_never_becomes_healthy(yard: Yard) -> None:
    ill = ONE.replace(
        "command", "healthcheck: {test: 'false', interval: 1s, retries: 1, timeout: 1s}, command"
    )
    failed = bad(yard.up(ill))
    assert "web-1 is unhealthy" in failed.title
    assert "nothing is left of it" in failed.message
    assert yard.there().empty
    slow = bad(yard.up(ill.replace("interval: 1s", "interval: 1h"), seconds=2))
    assert slow.code == "timeout"
    assert yard.there().empty


def test_a_service_that_ends_at_once_tells_what_it_printed(yard: Yard) -> None:
    failed = bad(yard.up(ONE.replace("[sleep, '1000']", "[sh, -c, 'echo no database; exit 3']")))
    assert "web-1 does not run" in failed.title
    assert "code 3" in failed.message
    assert "no database" in failed.message
    assert yard.there().empty


def test_a_limit_that_is_too_small_is_told(yard: Yard) -> None:
    hungry = ONE.replace("[sleep, '1000']", "[sh, -c, 'x=x; while true; do x=$$x$$x; done']")
    checked = "mem_limit: 8m, healthcheck: {test: 'false', interval: 30s}, command"
    failed = bad(yard.up(hungry.replace("command", checked)))
    assert "for want of memory" in failed.message


def test_who_killed_it_is_asked_of_the_daemons_events_where_its_state_does_not_know(yard: Yard) -> None:
    limit = yard.api.create_host_config(mem_limit="8m")
    for script, said in (
        ("x=x; while true; do x=$x$x; done", "it ended with code 137 for want of memory"),
        ("(exit 3)", "it ended with code 3"),
        (
            "sh -c 'kill -9 $$'",
            "it ended with code 137: killed, perhaps for want of memory (its limit is 8 MiB)",
        ),
    ):
        made = yard.api.create_container(yard.image, ["sh", "-c", f"{script}; exit $?"], host_config=limit)
        try:
            yard.api.start(made)
            yard.api.wait(made)
            state = {**yard.api.inspect_container(made)["State"], "OOMKilled": False}
            assert broken(yard.api, made["Id"], "web-1", state).message.partition(";")[0] == said
        finally:
            yard.api.remove_container(made, force=True)


@pytest.mark.parametrize("mount", ["/etc:/x", "../..:/x", "./out:/x", "~/.ssh:/x", "/var/run/docker.sock:/x"])
def test_a_mount_that_leads_out_of_the_workspace(yard: Yard, mount: str) -> None:
    (yard.workspace / "out").symlink_to("/etc")
    failed = bad(yard.up(ONE.replace("command", f"volumes: ['{mount}'], command")))
    assert failed.code == "outside-workspace"
    assert yard.there().empty


def test_a_secret_that_is_missing_or_leads_out(yard: Yard) -> None:
    text = ONE.replace("command", "secrets: [s], command") + "\nsecrets: {s: {file: FILE}}"
    assert bad(yard.up(text.replace("FILE", "nowhere"))).code == "not-found"
    assert bad(yard.up(text.replace("FILE", "../../../etc/passwd"))).code == "outside-workspace"


def test_what_the_machine_cannot_hold_is_refused_or_waits(yard: Yard) -> None:
    big = ONE.replace("command", "mem_limit: 900g, scale: 2, command")
    failed = bad(yard.up(big))
    assert (failed.code, failed.title) == ("limit", "This machine cannot hold it")
    assert "1800.0 GiB of memory (web 1800.0 GiB)" in failed.message
    assert yard.there().empty
    room = iter([0, 0, 2**40])
    yard.engine.free = lambda: next(room)
    waiting = ONE.replace("command", "mem_limit: 64m, command") + "\nx-casava: {wait_for_room: 30s}"
    good(yard.up(waiting))
    assert any("Waiting up to 30 s" in sentence for sentence in yard.told)


def test_down_while_up_runs(yard: Yard) -> None:
    slow = ONE.replace("command", "healthcheck: {test: [CMD, test, -e, /tmp/go], interval: 1h}, command")
    begun: list[object] = []
    working = threading.Thread(target=lambda: begun.append(yard.up(slow)))
    working.start()
    other = yard.another()
    while not other.there().containers:
        time.sleep(0.05)
    refused = bad(other.engine.destroy("shop", volumes=True, errand=other.errand()))
    assert (refused.code, refused.title) == ("conflict", "The stack shop is being changed")
    assert str(os.getpid()) in refused.message
    assert bad(other.up(ONE)).code == "conflict"
    assert other.engine.reconcile() == (), "who is at work is left alone"
    while other.container("web").state != "running":
        time.sleep(0.05)
    other.run(other.container("web"), "touch", "/tmp/go")
    working.join()
    assert isinstance(begun[0], Ok), begun
    good(other.engine.destroy("shop", volumes=True, errand=other.errand()))


def test_two_owners_have_stacks_of_one_name(
    shop: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "another"))
    other = Yard(shop.api, shop.image, shop.workspace, tmp_path / "another/state")
    assert other.engine.owner != shop.engine.owner
    good(other.up(SHOP))
    assert len(other.there().containers) == len(shop.there().containers) == 2
    other.down()
    assert other.there().empty
    assert not shop.plan(SHOP).rows


def test_a_deleted_record_is_made_anew_from_labels(shop: Yard) -> None:
    (shop.engine.store.place("shop") / "record.json").unlink()
    assert {one.service for one in shop.state_of().services} == {"web", "db"}
    failed = bad(shop.engine.scale("shop", "web", 2, shop.errand()))
    assert "is not known" in failed.title
    assert any("made anew from the labels" in note for note in shop.engine.heard())
    assert good(shop.up(SHOP)).plan.rows == ()
    good(shop.engine.scale("shop", "web", 2, shop.errand()))
    (shop.engine.store.place("shop") / "record.json").unlink()
    shop.down()
    assert shop.there().empty


def test_a_record_that_was_edited_by_hand_is_not_believed(shop: Yard) -> None:
    path = shop.engine.store.place("shop") / "record.json"
    edited = json.loads(path.read_text())
    edited["applied"]["spec"]["services"]["web"]["image"] = "evil:1"
    path.write_text(json.dumps(edited))
    assert {one.state for one in shop.state_of().services} <= {"running", "starting"}
    assert good(shop.up(SHOP)).plan.rows == ()
    assert any("edited by hand" in note for note in shop.engine.heard())
    assert (path.parent / "record.json.set-aside-1").exists()
    path.write_text("{")
    good(shop.engine.extend("shop", 60, shop.errand()))
    assert (path.parent / "record.json.set-aside-2").exists()


def test_a_failed_update_of_a_stack_whose_record_was_lost_harms_nothing(shop: Yard) -> None:
    before = {one.id for one in shop.there().containers}
    (shop.engine.store.place("shop") / "record.json").unlink()
    bad(shop.up(SHOP.replace("[httpd, -f", "[nothing, -f")))
    now = shop.there()
    assert {one.id for one in now.containers} == before
    assert {one.state for one in now.containers} == {"running"}


def test_no_room_on_the_disk_of_the_records(yard: Yard, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        with (small / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(b"x" * 4096):
                pass
        full = Yard(yard.api, yard.image, yard.workspace, small / "state")
        failed = bad(full.up(ONE))
        assert failed.code == "disk-full"
        assert yard.there().empty
    finally:
        subprocess.run(["umount", str(small)], check=True)


class Leaving(DockerDriver):
    """A daemon that goes when all is made, and is still gone when it should be taken back."""

    def apply(self, wanted: Deployment, plan: StackPlan, tell: Tell, landed: Landed) -> Result[StackState]:
        super().apply(wanted, plan, tell, lambda: Err(code="failed", title="The daemon left"))
        return Err(code="unavailable", title="The connection to the Docker daemon broke")

    def retreat(self, key: StackKey, *, undone: str, tell: Tell) -> Result[None]:
        return Err(code="unavailable", title="There is no Docker daemon")


def test_a_daemon_that_goes_in_the_middle(yard: Yard) -> None:
    gone = Engine(yard.engine.store, yard.engine.owner, lambda _: Ok(value=Leaving()), yard.engine.book)
    failed = bad(gone.apply(yard.wish(ONE), yard.errand()))
    assert failed.code == "unavailable"
    assert "the next start tries again" in failed.message
    assert yard.there().containers
    (told,) = yard.another().engine.reconcile()
    assert "what was begun is gone" in told
    assert yard.there().empty
    good(yard.up(ONE))


def test_a_plan_that_was_approved_and_is_another_one_by_now(shop: Yard) -> None:
    newer = SHOP.replace("-h, /srv]", "-h, /srv, -v]")
    approved = shop.plan(newer).sha256
    shop.api.remove_container(shop.container("db").id, force=True)
    failed = bad(shop.engine.apply(replace(shop.wish(newer), approved=approved), shop.errand()))
    assert (failed.code, failed.title) == ("conflict", "The plan is another one by now")
    assert not shop.there().of("db")
    again = shop.plan(newer).sha256
    good(shop.engine.apply(replace(shop.wish(newer), approved=again), shop.errand()))


def test_a_volume_is_never_made_anew(shop: Yard) -> None:
    failed = bad(shop.up(SHOP.replace("volumes: {data: }", "volumes: {data: {labels: {a: b}}}")))
    assert failed.code == "unsupported"
    assert "lose its data" in failed.message


def test_a_lease_that_is_over_takes_the_stack_down_and_keeps_its_data(shop: Yard) -> None:
    book = shop.engine.book
    good(shop.engine.apply(replace(shop.wish(SHOP), lease=7200), shop.errand()))
    entry = book.find("stack", "shop")
    assert entry is not None
    assert entry.lease is not None
    assert entry.lease.seconds == 7200
    enders = {"stack": lambda one: stack_ender(shop.state, one)}
    lease = good(shop.engine.extend("shop", 9000, shop.errand())).lease
    assert lease is not None
    assert end_leases(shop.state, enders) == ()
    long_ago = {"wall": lease.wall - 9001, "since_boot": lease.since_boot - 9001}
    book.write(entry.model_copy(update={"lease": lease.model_copy(update=long_ago)}))
    (told,) = end_leases(shop.state, enders)
    assert "was taken down" in told
    assert "--volumes" in told
    assert not shop.there().containers
    assert set(shop.there().volumes) == {"data"}


def test_what_was_settled_after_a_kill_is_looked_at_once_more(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon may still carry out what a killed program had asked for."""
    good(yard.up(ONE))
    made = yard.container("web")
    record = yard.engine.store.read("shop")
    assert isinstance(record, Record)
    pending = Pending(doing="apply", operation=made.operation, at=time.time())
    assert yard.engine.store.write(record.model_copy(update={"applied": None, "pending": pending})) is None
    (told,) = yard.engine.reconcile()
    assert "is gone" in told
    assert yard.there().empty
    late = yard.api.create_container(yard.image, ["sleep", "1000"], labels=dict(made.labels))
    assert yard.engine.reconcile() == ()
    assert [one.id for one in yard.there().containers] == [late["Id"]]
    monkeypatch.setattr(settling, "SWEEP_AFTER", 0.0)
    assert yard.engine.reconcile() == ()
    assert yard.there().empty
    assert yard.engine.store.names() == []
