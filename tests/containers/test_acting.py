"""Starting, stopping, restarting, removing, listing: what Casava started at will, what is another's by its name alone."""

from pathlib import Path

import pytest

from casava_os.containers import labels
from casava_os.containers.known import is_named
from casava_syscalls.container import RunContainer, StopContainers
from casava_syscalls.values import Table, Text
from tests.containers.conftest import Casava, good


async def test_stop_start_restart_remove(casava: Casava) -> None:
    name = await casava.started()
    assert await casava.rows("container.stop", containers=[name], grace=0) == [
        {"name": name, "state": "stopped (it had to be killed)"}
    ]
    assert await casava.rows("container.stop", containers=[name]) == [
        {"name": name, "state": "was not running"}
    ]
    assert await casava.rows("container.start", containers=[name]) == [{"name": name, "state": "running"}]
    assert await casava.rows("container.start", containers=[name]) == [{"name": name, "state": "was running"}]
    before = casava.api.inspect_container(name)["State"]["StartedAt"]
    casava.api.kill(name)
    assert await casava.rows("container.restart", containers=[name]) == [{"name": name, "state": "running"}]
    assert casava.api.inspect_container(name)["State"]["StartedAt"] > before
    err = await casava.err("container.remove", containers=[name])
    assert (err.code, "is running" in err.title) == ("failed", True)
    assert await casava.rows("container.remove", containers=[name], force=True) == [
        {"name": name, "state": "removed"}
    ]
    assert not casava.there(name)


async def test_no_such_container_and_what_may_be_meant(casava: Casava) -> None:
    name = await casava.started()
    err = await casava.err("container.stop", containers=[name[:-1] + "x"])
    assert (err.code, err.hint) == ("not-found", f"did you mean {name}?")
    assert casava.state_of(name) == "running"


async def test_of_several_none_is_touched_when_one_is_not_there(casava: Casava) -> None:
    name = await casava.started()
    err = await casava.err("container.stop", containers=[name, "casava-test-none"])
    assert err.code == "not-found"
    assert casava.state_of(name) == "running"


async def test_another_persons_container_is_not_touched(casava: Casava) -> None:
    name = casava.others()
    for call, more in (
        ("container.stop", {"containers": [name]}),
        ("container.restart", {"containers": [name]}),
        ("container.remove", {"containers": [name], "force": True}),
        ("container.exec", {"container": name, "command": "true"}),
    ):
        err = await casava.err(call, **more)
        assert err.code == "denied", call
        assert name in err.hint
    assert casava.state_of(name) == "running"


async def test_unless_the_request_names_it_whole(casava: Casava) -> None:
    name = casava.others()
    casava.request = f"stop {name}-other"
    assert (await casava.err("container.stop", containers=[name])).code == "denied"
    casava.request = f"stop {name}."
    assert await casava.rows("container.stop", containers=[name], grace=0)
    assert casava.state_of(name) == "exited"
    assert any("not started by Casava" in note for note in casava.heard.notes)


@pytest.mark.parametrize(
    ("request_", "name", "named"),
    [
        ("stop db", "db", True),
        ("stop db-main", "db", False),
        ("stop my.db", "db", False),
        ("stop the db, please", "db", True),
        ("stop 'db'.", "db", True),
        ("stop db.old", "db", False),
        ("stop DB", "db", False),
    ],
)
def test_what_names_a_container(request_: str, name: str, named: bool) -> None:
    assert is_named(request_, name) is named


async def test_the_question_says_whose_it_is(
    casava: Casava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, foreign = await casava.started(), casava.others()
    stop = StopContainers(containers=(mine, foreign, "casava-test-none"))
    first, second = await casava.broker.foresee(stop, casava.errand())
    assert first.startswith(f"{foreign} is not started by Casava: {casava.image}, running, made ")
    assert second.startswith("There is no container 'casava-test-none'")
    run = RunContainer(image="casava-test-nowhere.invalid/none:1")
    (line,) = await casava.broker.foresee(run, casava.errand())
    assert "is fetched from its registry first" in line
    assert await casava.broker.foresee(RunContainer(image=casava.image), casava.errand()) == ()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert await casava.broker.foresee(stop, casava.errand()) == ()


async def test_of_a_list_others_are_left_alone(casava: Casava) -> None:
    """Also when a word of the request happens to be a name: a container may be called `all`."""
    mine, foreign = await casava.started(), casava.others()
    casava.request = f"stop {foreign} containers"
    casava.given = {"containers": good(await casava("container.list"))}
    rows = {
        row["name"]: row["state"] for row in await casava.rows("container.stop", containers="$1", grace=0)
    }
    assert rows[mine].startswith("stopped")
    assert rows[foreign] == "left alone: not started by Casava"
    assert casava.state_of(foreign) == "running"


async def test_a_list_of_others_alone_is_denied(casava: Casava) -> None:
    foreign = casava.others()
    casava.given = {"containers": Table(columns=("name",), rows=((foreign,),))}
    assert (await casava.err("container.stop", containers="$1")).code == "denied"


async def test_what_is_no_list_of_containers(casava: Casava) -> None:
    casava.given = {"containers": Text(text="web\ndb")}
    assert (await casava.err("container.stop", containers="$1")).code == "type"
    casava.given = {"containers": Table(columns=("mount",), rows=(("/",),))}
    assert (await casava.err("container.stop", containers="$1")).code == "type"


async def test_a_sandbox_of_casavas_is_never_touched_even_by_name(casava: Casava) -> None:
    name = casava.others(labelled={"casava.pid": "12"})
    casava.request = f"remove {name}"
    err = await casava.err("container.remove", containers=[name], force=True)
    assert (err.code, "sandbox" in err.title) == ("denied", True)


async def test_running_ones_of_a_list_are_not_removed_without_force(casava: Casava) -> None:
    running, stopped = await casava.started(), await casava.started()
    await casava.rows("container.stop", containers=[stopped], grace=0)
    casava.given = {"containers": good(await casava("container.list", mine=True, all=True))}
    rows = {row["name"]: row["state"] for row in await casava.rows("container.remove", containers="$1")}
    assert rows == {running: "left alone: it runs", stopped: "removed"}


async def test_a_container_of_an_image_that_casava_built_is_not_casavas(casava: Casava) -> None:
    """Labels of an image are inherited by every container of it, whoever starts it."""
    assert not labels.mine(labels.image_labels("build it"))


async def test_the_list(casava: Casava) -> None:
    mine, foreign = await casava.started(), casava.others()
    rows = {row["name"]: row for row in await casava.rows("container.list")}
    assert (rows[mine]["by"], rows[foreign]["by"]) == ("casava", "other")
    assert rows[mine]["image"] == casava.image
    assert [row["name"] for row in await casava.rows("container.list", mine=True)] == [mine]
    await casava.rows("container.stop", containers=[mine], grace=0)
    assert await casava.rows("container.list", mine=True) == []
    (row,) = await casava.rows("container.list", mine=True, all=True)
    assert row["state"] == "exited (137)"
    assert [r["name"] for r in await casava.rows("container.list", name_contains=foreign[-8:])] == [foreign]


async def test_an_exception_of_the_list(casava: Casava) -> None:
    one, other, foreign = await casava.started(), await casava.started(), casava.others()
    rows = await casava.rows("container.list", exclude=[one, f"{foreign[:-2]}*"])
    names = {row["name"] for row in rows}
    assert (other in names, {one, foreign} & names) == (True, set())
    repository, _, _ = casava.image.partition(":")
    assert not {one, other, foreign} & {
        row["name"] for row in await casava.rows("container.list", exclude=repository)
    }


async def test_an_exception_that_means_no_container_does_not_pass_for_kept(casava: Casava) -> None:
    name = await casava.started()
    err = await casava.err("container.list", exclude=[name, f"{name}x"])
    assert (err.code, f"{name}x" in err.title, name in (err.hint or "")) == ("not-found", True, True)


async def test_the_list_by_image_and_time(casava: Casava) -> None:
    name = await casava.started()
    repository, _, _ = casava.image.partition(":")
    for wanted in (casava.image, repository):
        assert name in [row["name"] for row in await casava.rows("container.list", image=wanted)]
    assert await casava.rows("container.list", image=f"{repository}:two") == []
    assert name in [row["name"] for row in await casava.rows("container.list", newer_than="1 hour")]
    assert await casava.rows("container.list", mine=True, started_after="2999-01-01") == []


async def test_inspect_masks_secrets(casava: Casava) -> None:
    name = await casava.started(env={"DB_PASSWORD": "hunter2", "MODE": "fast"}, lease="1 hour")
    told = await casava.facts("container.inspect", container=name)
    assert "hunter2" not in str(told)
    assert (told["env MODE"], told["by"], told["state"]) == ("fast", "casava", "running")
    assert told["lease"].endswith("left")
    assert (await casava.err("container.inspect", container="casava-test-none")).code == "not-found"


async def test_stats(casava: Casava) -> None:
    busy = await casava.started(command="while :; do :; done", cpus=0.3)
    idle = await casava.started()
    rows = {row["name"]: row for row in await casava.rows("container.stats", containers=[busy, idle])}
    assert rows[busy]["cpu_percent"] > 5 > rows[idle]["cpu_percent"]
    assert rows[idle]["memory"] > 0
    await casava.rows("container.stop", containers=[idle], grace=0)
    err = await casava.err("container.stats", containers=[idle])
    assert "not running" in err.title
