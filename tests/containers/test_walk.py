"""The family through the whole kernel and its command line: asked before, shown, recorded, carried through the layer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from casava_os.cli.output import Output
from casava_os.containers import labels
from tests.containers.conftest import Casava
from tests.journeys.conftest import Desk, Ran


@pytest.fixture
def desk(casava: Casava, tmp_path: Path) -> Desk:
    return Desk(casava.workspace, tmp_path / "home", "docker")


def applied(
    desk: Desk, request: str, *steps: dict[str, object], options: tuple[str, ...] = ("--yes",)
) -> Ran:
    """A plan that a model could have made of a request, carried out."""
    path = desk.workspace.parent / "plan.json"
    path.write_text(json.dumps({"version": 1, "request": request, "steps": steps}))
    return desk("apply", str(path), *options)


async def test_nothing_starts_without_a_yes_and_what_would_is_said(casava: Casava, desk: Desk) -> None:
    name = casava.name()
    call = ("call", "container.run", "--image", casava.image, "--name", name, "--ports", "18474:80")
    ran = desk(*call)
    assert ran.code == 3, ran.err
    assert not casava.there(name)
    assert f"container.run image={casava.image} name={name} ports=18474:80" in ran.err
    dry = desk(*call, "--dry-run")
    assert dry.code == 0
    assert not casava.there(name)


async def test_the_question_says_what_will_happen(casava: Casava, desk: Desk) -> None:
    name = casava.name()
    ran = desk("call", "container.run", "--image", casava.image, "--name", name, "--ports", "18474", "--json")
    events = [json.loads(line) for line in ran.lines]
    assert ran.code == 3
    assert not [event for event in events if event["event"] == "approval_needed"], "nobody would answer"
    from casava_syscalls.container import RunContainer

    asked = RunContainer.model_validate(
        {"image": "redis:7", "name": "cache", "ports": ["6379"], "lease": "2 hours"}
    )
    assert asked.meaning().startswith(
        "Start redis:7 as cache, reachable from this machine only on port 6379, removed after 2 hours."
    )
    wide = RunContainer.model_validate(
        {"image": "redis:7", "ports": ["0.0.0.0:6379:6379"], "mounts": ["./d:/d"]}
    )
    assert "reachable from other machines, too, on port 6379" in wide.meaning()
    assert "read, change and delete, without undo, what is in ./d" in wide.meaning()


@pytest.mark.parametrize("mount", ["/etc:/e", "~/x:/x", "../x:/x", "/var/run/docker.sock:/s:ro", "/:/host"])
async def test_policy_denies_what_lies_outside(casava: Casava, desk: Desk, mount: str) -> None:
    ran = applied(
        desk,
        "run it with everything",
        {"call": "container.run", "image": casava.image, "mounts": [mount], "name": (name := casava.name())},
    )
    assert ran.code == 4, ran.err
    assert "Policy denies" in ran.err
    assert not casava.there(name)


async def test_a_run_is_told_as_not_undoable_and_recorded(casava: Casava, desk: Desk) -> None:
    name = casava.name()
    ran = desk("call", "container.run", "--image", casava.image, "--name", name, "--yes")
    assert ran.code == 0, ran.err
    assert "Not undoable" in ran.err
    assert f"name\t{name}" in ran.out
    log = desk("log", "1")
    assert "Not undoable" in log.out + log.err


async def test_a_list_is_handed_on(casava: Casava, desk: Desk) -> None:
    mine, foreign = await casava.started(), casava.others()
    ran = applied(
        desk,
        "stop all containers",
        {"call": "container.list"},
        {"call": "container.stop", "containers": "$1", "grace": 0},
    )
    assert ran.code == 0, ran.err
    assert casava.state_of(mine) == "exited"
    assert casava.state_of(foreign) == "running"
    assert f"{foreign}\tleft alone" in ran.out


async def test_what_is_copied_out_is_shown_lands_and_can_be_taken_back(casava: Casava, desk: Desk) -> None:
    name = await casava.started()
    ran = desk("call", "container.copy_out", "--container", name, "--source", "/etc/motd")
    assert ran.code == 3, "asked before it reads in the container"
    ran = desk("call", "container.copy_out", "--container", name, "--source", "/etc/motd", "--yes")
    assert ran.code == 0, ran.err
    assert desk.text("motd") == "hello from the image\n"
    assert desk("undo").code == 0
    assert desk.tree() == {}


async def test_copying_out_overwrites_nothing(casava: Casava, desk: Desk) -> None:
    name = await casava.started()
    (desk.workspace / "motd").write_text("mine")
    ran = desk("call", "container.copy_out", "--container", name, "--source", "/etc/motd", "--yes")
    assert ran.code == 1
    assert desk.text("motd") == "mine"


async def test_the_layer_is_what_is_copied_in_and_built_from(casava: Casava, desk: Desk) -> None:
    name, tag = await casava.started(), f"{casava.image.partition(':')[0]}:layer"
    ran = applied(
        desk,
        f"write a note, copy it into {name} and build",
        {"call": "file.write", "path": "note.txt", "content": "from the layer\n"},
        {
            "call": "file.write",
            "path": "Dockerfile",
            "content": f"FROM {casava.image}\nCOPY note.txt /srv/\n",
        },
        {"call": "container.copy_in", "container": name, "source": "note.txt", "to": "/srv"},
        {"call": "container.build", "tag": tag},
        {"call": "container.exec", "container": name, "command": "cat /srv/note.txt"},
    )
    assert ran.code == 0, ran.err
    assert ran.out == "from the layer\n"
    ran = desk(
        "call", "container.run", "--image", tag, "--no-detach", "--command", "cat /srv/note.txt", "--yes"
    )
    assert (ran.code, ran.out) == (0, "from the layer\n")


async def test_a_link_does_not_carry_the_hosts_files_into_a_container(casava: Casava, desk: Desk) -> None:
    name = await casava.started()
    (desk.workspace / "in").mkdir()
    (desk.workspace / "in" / "passwd").symlink_to("/etc/passwd")
    ran = desk("call", "container.copy_in", "--container", name, "--source", "in", "--to", "/srv/in", "--yes")
    assert ran.code == 0, ran.err
    seen = desk("call", "container.exec", "--container", name, "--command", "cat /srv/in/passwd", "--yes")
    assert seen.code == 1, "it is a link there, too, to a file that the container does not have"


async def test_ctrl_c_ends_the_following(casava: Casava, desk: Desk) -> None:
    name = await casava.started(command="echo one; sleep 600")
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "casava_os", "call", "container.logs", "--container", name, "--follow"),
        cwd=desk.workspace,
        env={**os.environ, "CASAVA_HOME": str(desk.home), "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert running.stdout is not None
    async with asyncio.timeout(60):
        assert await running.stdout.readline() == b"one\n"
        running.send_signal(signal.SIGINT)
        await running.communicate()
    assert running.returncode == 130
    assert casava.state_of(name) == "running"


async def test_what_a_killed_casava_followed_goes_with_the_next_start(casava: Casava, desk: Desk) -> None:
    running = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "casava_os",
            "call",
            "container.run",
            "--image",
            casava.image,
            "--no-detach",
            "--yes",
        ),
        *("--command", "echo up; sleep 600"),
        cwd=desk.workspace,
        env={**os.environ, "CASAVA_HOME": str(desk.home), "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert running.stdout is not None
    async with asyncio.timeout(60):
        assert await running.stdout.readline() == b"up\n"
        running.kill()
        await running.communicate()
    assert len(casava.api.containers(filters=labels.filters())) == 1
    ran = desk("call", "container.list", "--all", "--mine")
    assert "nobody follows it any more" in ran.err
    assert casava.api.containers(all=True, filters=labels.filters()) == []


async def test_the_next_start_ends_what_is_over(casava: Casava, desk: Desk) -> None:
    name = casava.name()
    call = ("call", "container.run", "--image", casava.image, "--name", name)
    assert desk(*call, "--lease", "1 second", "--yes").code == 0
    ran = desk("call", "container.list", "--all", "--mine")
    if f"{name}\t" in ran.out:  # it was listed within its second
        ran = desk("call", "container.list", "--all", "--mine")
    assert f"The lease of {name} is over" in ran.err
    assert not casava.there(name)


def test_a_terminal_gets_no_escape_sequences(capfd: pytest.CaptureFixture[str]) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as stream:
        Output(stream, tty=True).stream("\x1b]0;owned\x07\x1b[31mred\x1b[0m\n")
    with os.fdopen(read, "rb") as said:
        assert b"\x1b" not in said.read()
