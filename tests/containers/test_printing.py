"""`container.logs` and `container.exec`: what containers print, as it comes."""

import asyncio

import pytest

from casava_syscalls.values import Exit, Text
from tests.containers.conftest import Casava, good


async def text(casava: Casava, **fields: object) -> str:
    value = good(await casava("container.logs", **fields))
    assert isinstance(value, Text)
    return value.text


async def exit_of(casava: Casava, name: str, command: str) -> Exit:
    value = good(await casava("container.exec", container=name, command=command))
    assert isinstance(value, Exit)
    return value


async def test_logs_and_their_tail(casava: Casava) -> None:
    name = await casava.started(command="seq 1 5; echo err >&2; sleep 600")
    assert await text(casava, container=name, last=2) in ("5\nerr\n", "err\n5\n", "4\n5\n")
    assert set((await text(casava, container=name)).split()) == {"1", "2", "3", "4", "5", "err"}
    assert await text(casava, container=name, newer_than="1 hour")
    assert not casava.heard.output, "it is a value, not a stream"


async def test_anybodys_logs_can_be_read(casava: Casava) -> None:
    assert await text(casava, container=casava.others()) == ""


async def test_followed_logs_stream_until_the_container_ends(casava: Casava) -> None:
    name = await casava.started(command="echo one; sleep 1; echo two")
    assert await text(casava, container=name, follow=True) == "one\ntwo\n"
    assert bytes(casava.heard.output) == b"one\ntwo\n"


async def test_following_can_be_cancelled(casava: Casava) -> None:
    name = await casava.started(command="echo one; sleep 600")
    work = asyncio.create_task(casava("container.logs", container=name, follow=True))
    await casava.heard.says(b"one")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert casava.state_of(name) == "running"


async def test_following_ends_with_its_time_and_what_was_heard(casava: Casava) -> None:
    name = await casava.started(command="echo one; sleep 600")
    casava.seconds = 3
    assert await text(casava, container=name, follow=True) == "one\n"
    assert any("goes on printing" in note for note in casava.heard.notes)


async def test_hostile_bytes_arrive_as_text(casava: Casava) -> None:
    name = await casava.started(command=r"printf '\033[31mred\377\n'; sleep 600")
    value = good(await casava("container.logs", container=name))
    assert value == Text(text="\x1b[31mred\ufffd\n", lossy=True), (
        "a terminal gets it neutralised, a pipe as it is"
    )


async def test_a_long_log_keeps_its_end(casava: Casava) -> None:
    name = await casava.started(command="seq -f %0100.0f 1 120000")
    casava.api.wait(name)
    casava.heard.notes.clear()
    said = await text(casava, container=name)
    assert said.endswith("120000\n")
    assert len(said) <= 8 * 2**20
    assert any("left out" in note for note in casava.heard.notes)


async def test_exec(casava: Casava) -> None:
    name = await casava.started()
    done = await exit_of(casava, name, "echo hi; echo oops >&2; exit 3")
    assert (done.code, done.stdout, done.stderr) == (3, "hi\n", "oops\n")
    assert sorted(bytes(casava.heard.output).splitlines()) == [b"hi", b"oops"]
    assert (await exit_of(casava, name, "printf ''")).stdout == ""
    assert (await exit_of(casava, name, "printf '7\\n8'")).stdout == "7\n8"


async def test_exec_where_nothing_runs(casava: Casava) -> None:
    name = await casava.started()
    await casava.rows("container.stop", containers=[name], grace=0)
    err = await casava.err("container.exec", container=name, command="true")
    assert (err.code, err.hint) == ("failed", f"start it first: start {name}")


async def test_cancelling_exec_ends_its_program(casava: Casava) -> None:
    name = await casava.started()
    work = asyncio.create_task(casava("container.exec", container=name, command="echo up; sleep 4711; true"))
    await casava.heard.says(b"up")
    assert "sleep 4711" in str(casava.api.top(name))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert "sleep 4711" not in str(casava.api.top(name))


async def test_exec_that_takes_too_long(casava: Casava) -> None:
    name = await casava.started()
    casava.seconds = 2
    err = await casava.err("container.exec", container=name, command="sleep 4712")
    assert err.code == "timeout"
    assert "sleep 4712" not in str(casava.api.top(name))


async def test_a_container_without_a_shell(casava: Casava) -> None:
    name = await casava.started(command="sleep 600")
    good(await casava("container.exec", container=name, command="rm /bin/sh"))
    done = await exit_of(casava, name, "echo 'no shell'")
    assert done.stdout == "no shell\n"
    err = await casava.err("container.exec", container=name, command="echo a | cat")
    assert (err.code, "no shell" in err.title) == ("unsupported", True)
    err = await casava.err("container.exec", container=name, command="frobnicate")
    assert err.code == "not-found"
