"""`container.run`: everything settled before it exists, and nothing left when it fails."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.containers import known, labels, running
from casava_os.containers.known import Known
from casava_os.containers.leases import LeaseBook
from casava_os.containers.network import private_name
from casava_syscalls.results import Ok, Result
from tests.containers.conftest import Casava

if TYPE_CHECKING:
    from docker import APIClient


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_a_container_runs_under_its_labels(casava: Casava) -> None:
    name = casava.name()
    casava.request = "run it with password=hunter2 please"
    told = await casava.facts("container.run", image=casava.image, name=name)
    assert told["name"] == name
    assert told["state"] == "running"
    tags = casava.api.inspect_container(name)["Config"]["Labels"]
    assert labels.mine(tags)
    assert labels.pid_of(tags) == 7
    assert "hunter2" not in str(tags)
    assert any("Not undoable" in note and f"remove {name}" in note for note in casava.heard.notes)


async def test_without_a_name_it_gets_one_after_its_image_and_then_a_number(casava: Casava) -> None:
    base = casava.image.partition(":")[0]
    first = await casava.facts("container.run", image=casava.image)
    second = await casava.facts("container.run", image=casava.image)
    assert (first["name"], second["name"]) == (base, f"{base}-2")


async def test_ports_listen_on_this_machine_alone(casava: Casava) -> None:
    port = free_port()
    name = await casava.started(ports=[str(port)])
    bound = casava.api.inspect_container(name)["NetworkSettings"]["Ports"]
    assert bound == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}, (
        "the image's own port, on loopback"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10):
        pass


async def test_a_port_that_is_taken_is_told_with_who_has_it(casava: Casava) -> None:
    port = free_port()
    first = await casava.started(ports=[str(port)])
    name = casava.name()
    err = await casava.err("container.run", image=casava.image, name=name, ports=[str(port)])
    assert err.code == "exists"
    assert str(port) in err.title
    assert first in err.message
    assert not casava.there(name), "nothing is left of it"
    assert LeaseBook(casava.state).find("container", name) is None


async def test_a_port_that_a_program_of_this_machine_has(casava: Casava) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        name = casava.name()
        err = await casava.err("container.run", image=casava.image, name=name, ports=[str(port)])
        assert err.code == "exists"
        assert str(port) in err.title
        assert not casava.there(name)


async def test_which_port_is_asked_when_it_is_not_clear(casava: Casava) -> None:
    err = await casava.err(
        "container.run", image=casava.image, ports=[{"protocol": "udp", "container": None}]
    )
    assert (err.code, "udp" in err.hint or "host:container" in err.hint) == ("usage", True)


async def test_the_private_network_is_ones_own_and_goes_with_the_last(casava: Casava) -> None:
    first, second = await casava.started(), await casava.started()
    (network,) = casava.api.networks(names=[private_name()])
    assert labels.mine(network["Labels"])
    assert not network["Internal"]
    for name in (first, second):
        assert list(casava.api.inspect_container(name)["NetworkSettings"]["Networks"]) == [private_name()]
    await casava.rows("container.remove", containers=[first], force=True)
    assert casava.api.networks(names=[private_name()])
    await casava.rows("container.remove", containers=[second], force=True)
    assert not casava.api.networks(names=[private_name()])


async def test_a_network_that_goes_just_before_it_is_used_is_made_again(
    casava: Casava, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = known.find
    times: list[int] = []

    def found(api: APIClient, text: str) -> Result[Known]:
        """Once, as soon as the container is made: somebody removes the network."""
        if times == [] and casava.api.networks(names=[private_name()]):
            there = find(api, text)
            if isinstance(there, Ok) and there.value.mine:
                times.append(1)
                casava.api.remove_network(private_name())
            return there
        return find(api, text)

    monkeypatch.setattr(running, "find", found)
    name = await casava.started()
    assert times == [1]
    assert casava.state_of(name) == "running"
    assert list(casava.api.inspect_container(name)["NetworkSettings"]["Networks"]) == [private_name()]


@pytest.mark.parametrize("network", ["none", "bridge"])
async def test_other_networks(casava: Casava, network: str) -> None:
    name = await casava.started(network=network)
    assert list(casava.api.inspect_container(name)["NetworkSettings"]["Networks"]) == [network]


async def test_no_network_and_ports_is_a_contradiction(casava: Casava) -> None:
    err = await casava.err("container.run", image=casava.image, network="none", ports=["80"])
    assert err.code == "usage"


async def test_limits_environment_and_restart_take_effect(casava: Casava) -> None:
    name = await casava.started(memory="64MiB", cpus=0.5, env={"COLOUR": "red"}, restart="on-failure")
    found = casava.api.inspect_container(name)
    host = found["HostConfig"]
    assert (host["Memory"], host["NanoCpus"]) == (64 * 2**20, 500_000_000)
    assert "COLOUR=red" in found["Config"]["Env"]
    assert host["RestartPolicy"]["Name"] == "on-failure"
    assert "no-new-privileges" in host["SecurityOpt"]
    assert not host["Privileged"]


async def test_a_name_that_somebody_elses_container_has(casava: Casava) -> None:
    name = casava.others()
    err = await casava.err("container.run", image=casava.image, name=name)
    assert err.code == "exists"
    assert "not started by Casava" in err.message
    assert casava.state_of(name) == "running"


async def test_an_image_that_is_nowhere_fails_soon_and_says_so(casava: Casava) -> None:
    async with asyncio.timeout(30):
        err = await casava.err("container.run", image="casava-test-nowhere.invalid/none:1")
    assert err.code == "not-found"
    assert "registry" in err.title
    assert any("Fetching" in doing for doing, _ in casava.heard.progress)


async def test_one_that_ends_at_once_fails_with_its_last_words(casava: Casava) -> None:
    name = casava.name()
    err = await casava.err(
        "container.run", image=casava.image, name=name, command="sh -c 'echo no luck; exit 3'"
    )
    assert err.code == "failed"
    assert "exit code 3" in err.title
    assert "no luck" in err.message
    assert not casava.there(name)


async def test_a_program_that_is_not_there(casava: Casava) -> None:
    err = await casava.err("container.run", image=casava.image, command="frobnicate")
    assert (err.code, "frobnicate" in err.message) == ("not-found", True)


async def test_in_the_foreground_it_streams_and_is_thrown_away(casava: Casava) -> None:
    told = await casava.facts(
        "container.run", image=casava.image, command="echo hello; echo there", detach=False
    )
    assert (told["exit_code"], told["output"]) == (0, "hello\nthere\n")
    assert bytes(casava.heard.output) == b"hello\nthere\n"
    assert not casava.there(told["name"])
    assert not LeaseBook(casava.state).entries()


async def test_in_the_foreground_a_failure_is_a_failure(casava: Casava) -> None:
    err = await casava.err("container.run", image=casava.image, command="sh -c 'exit 9'", detach=False)
    assert "exit code 9" in err.title


async def test_cancelling_the_foreground_ends_the_container(casava: Casava) -> None:
    work = asyncio.create_task(
        casava("container.run", image=casava.image, command="echo up; sleep 600", detach=False)
    )
    await casava.heard.says(b"up")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not casava.api.containers(all=True, filters=labels.filters())


# -------------------------------------------------------------------------------------------------- mounts


async def test_a_folder_of_the_workspace_is_mounted(casava: Casava) -> None:
    (casava.workspace / "conf").mkdir()
    (casava.workspace / "conf" / "a.ini").write_text("a=1")
    name = await casava.started(mounts=["./conf:/etc/conf:ro"])
    told = await casava("container.exec", container=name, command="cat /etc/conf/a.ini; echo x > /etc/conf/b")
    assert told.value.stdout == "a=1"  # type: ignore[union-attr]
    assert told.value.code != 0, "it is read only"  # type: ignore[union-attr]


async def test_a_link_that_leads_out_is_not_mounted(casava: Casava, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (casava.workspace / "data").symlink_to(tmp_path / "elsewhere")
    err = await casava.err("container.run", image=casava.image, mounts=["./data:/data"])
    assert err.code == "denied"


async def test_nothing_is_made_where_nothing_lies(casava: Casava) -> None:
    err = await casava.err("container.run", image=casava.image, mounts=["./missing:/data"])
    assert err.code == "not-found"
    assert not (casava.workspace / "missing").exists()


async def test_no_socket_is_handed_over(casava: Casava) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(casava.workspace / "s.sock"))
        err = await casava.err("container.run", image=casava.image, mounts=["./s.sock:/s.sock"])
    assert err.code == "denied"


async def test_a_name_without_a_slash_is_a_volume_and_that_is_said(casava: Casava) -> None:
    (casava.workspace / "data").mkdir()
    volume = casava.name()
    (casava.workspace / volume).mkdir()
    name = await casava.started(mounts=[f"{volume}:/data"])
    assert any(f"./{volume}" in note for note in casava.heard.notes)
    await casava.rows("container.remove", containers=[name], force=True)
    casava.api.remove_volume(volume)
