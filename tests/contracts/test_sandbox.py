"""What every sandbox driver promises, tried on the real thing: Docker's daemon and bubblewrap's namespaces."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from casava_os.kernel.ports import LayerPaths, Limits, SandboxSession
from casava_sandbox.bubblewrap import driver
from casava_sandbox.bubblewrap.command import Descriptors
from casava_sandbox.bubblewrap.driver import BubblewrapSandbox
from casava_syscalls.names import name_to_text
from casava_syscalls.results import Ok
from casava_syscalls.values import Exit, Text
from tests.contracts.sandboxes import SMALL, Closable, Open, failure, leftovers, make_layer, python, run

# ------------------------------------------------------------------------------------------------ the layer


async def test_writes_land_in_the_layer_and_nowhere_else(session: SandboxSession, layer: LayerPaths) -> None:
    (layer.workspace / "keep.txt").write_text("old\n")
    await run(session, "echo new > keep.txt; mkdir -p d && echo more > d/added.txt; cat keep.txt")
    assert (layer.workspace / "keep.txt").read_text() == "old\n"
    assert [path.name for path in layer.workspace.iterdir()] == ["keep.txt"]
    assert (layer.upper / "keep.txt").read_text() == "new\n"
    assert (layer.upper / "d" / "added.txt").read_text() == "more\n"
    assert (layer.upper / "d" / "added.txt").stat().st_uid == os.getuid()


async def test_the_clock_shows_the_persons_time(session: SandboxSession) -> None:
    assert (await run(session, "date +%z")).stdout.strip() == time.strftime("%z")


async def test_a_deletion_leaves_a_whiteout_and_the_file(session: SandboxSession, layer: LayerPaths) -> None:
    (layer.workspace / "gone.txt").write_text("still here\n")
    assert (await run(session, "rm gone.txt; ls -A")).stdout == ""
    assert (layer.workspace / "gone.txt").read_text() == "still here\n"
    mark = (layer.upper / "gone.txt").lstat()
    assert stat.S_ISCHR(mark.st_mode)
    assert mark.st_rdev == 0


async def test_a_replaced_directory_is_marked_for_a_plain_reader(
    session: SandboxSession, layer: LayerPaths
) -> None:
    (layer.workspace / "d").mkdir()
    (layer.workspace / "d" / "old").touch()
    await run(session, "rm -r d && mkdir d")
    assert os.getxattr(layer.upper / "d", "user.overlay.opaque") == b"y"


@pytest.mark.parametrize(
    "name",
    [
        b"with space",
        b"a:b,c",
        b"upper=/x,ro",
        b"back\\slash",
        b"quote'\"$HOME",
        b"new\nline",
        "ünï→漢".encode(),
        b"\xff\xfe",
        b"-rf",
    ],
)
async def test_workspaces_of_any_name(open_session: Open, tmp_path: Path, name: bytes) -> None:
    workspace = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    place = workspace / "home"  # the layer's own directories lie under such a name as well
    layer = make_layer(place, workspace / "w")
    (layer.workspace / "a").write_text("1")
    session = await open_session(over=layer)
    assert (await run(session, "cat a; echo 2 > b")).stdout == "1"
    assert (layer.upper / "b").read_text() == "2\n"


async def test_file_names_that_are_no_utf8(session: SandboxSession, layer: LayerPaths) -> None:
    (layer.workspace / os.fsdecode(b"\xff\xfe name\n")).write_text("bytes")
    seen = await python(session, "import os; print(os.listdir(b'.'))")
    assert seen.stdout == "[b'\\xff\\xfe name\\n']\n"
    spelt = name_to_text(b"\xff\xfe name\n")
    await session.put(3, Text(text=spelt))
    assert (await run(session, "cat")).code == 0
    missing = failure(await session.perform(1, {"call": "process.run", "command": "true", "cwd": spelt}))
    assert missing.code == "not-a-directory"


# ------------------------------------------------------------------------------------------------ isolation


async def test_there_is_no_network(session: SandboxSession) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        hosts = {"127.0.0.1", "172.17.0.1", socket.gethostbyname(socket.gethostname())}
        script = (
            "import socket\n"
            f"for host in {sorted(hosts)}:\n"
            "    try:\n"
            f"        socket.create_connection((host, {port}), timeout=1)\n"
            "        print('reached', host)\n"
            "    except OSError as error:\n"
            "        print('no')\n"
        )
        assert (await python(session, script)).stdout == "no\n" * len(hosts)
    assert (
        await python(session, "import socket; print([n for _, n in socket.if_nameindex()])")
    ).stdout == "['lo']\n"


async def test_no_socket_family_reaches_out(session: SandboxSession) -> None:
    script = (
        "import socket\n"
        "for family in range(1, 46):\n"
        "    try:\n"
        "        socket.socket(family, socket.SOCK_DGRAM).close()\n"
        "        print(family)\n"
        "    except PermissionError:\n"
        "        pass\n"
        "    except OSError:\n"
        "        print(family)\n"
    )
    assert (await python(session, script)).stdout.split() == ["1", "2", "10", "16"]


async def test_sockets_of_the_host_cannot_be_reached(session: SandboxSession, layer: LayerPaths) -> None:
    """Neither one that lies in the workspace nor an abstract one."""
    with socket.socket(socket.AF_UNIX) as in_workspace, socket.socket(socket.AF_UNIX) as abstract:
        here = Path.cwd()
        os.chdir(layer.workspace)
        try:
            in_workspace.bind("host.sock")
        finally:
            os.chdir(here)
        abstract.bind(f"\0casava-{os.getpid()}")
        in_workspace.listen()
        abstract.listen()
        script = (
            "import socket\n"
            f"for name in ('host.sock', '\\0casava-{os.getpid()}'):\n"
            "    try:\n"
            "        socket.socket(socket.AF_UNIX).connect(name)\n"
            "        print('reached', repr(name))\n"
            "    except ConnectionRefusedError:\n"
            "        print('refused')\n"
        )
        assert (await python(session, script)).stdout == "refused\n" * 2


async def test_files_of_the_host_cannot_be_read(session: SandboxSession, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "workspace" / "link").symlink_to(secret)
    for path in (
        str(secret),
        "link",
        "/etc/shadow",
        "/var/run/docker.sock",
        "/root",
        str(Path.home()),
        "/proc/1/environ",
    ):
        assert (await run(session, f"cat '{path}' 2>/dev/null; ls -A '{path}/.' 2>/dev/null")).stdout == ""


async def test_only_the_workspace_and_tmp_can_be_written(session: SandboxSession) -> None:
    for path in ("/x", "/usr/x", "/etc/x", "/casava/x", "/casava/agent.pyz", "/run/x"):
        assert (await run(session, f"echo x >> {path}")).code != 0, path
    for setting in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"):
        assert (await run(session, f": >> {setting}")).code != 0, setting  # opens it, changes nothing
    assert (await run(session, "echo x > /tmp/x && echo x > x")).code == 0


async def test_the_agent_is_out_of_reach_of_programs(session: SandboxSession) -> None:
    """A program that could write into the agent's stream could answer in its name."""
    script = (
        "import os\n"
        "for name in ['/proc/1/mem', '/proc/1/environ', '/proc/1/maps', *(f'/proc/1/fd/{n}' for n in range(64))]:\n"
        "    for mode in (os.O_RDONLY, os.O_WRONLY):\n"
        "        try:\n"
        "            os.open(name, mode | os.O_NONBLOCK)\n"
        "            print('opened', name)\n"
        "        except OSError:\n"
        "            pass\n"
    )
    assert (await python(session, script)).stdout == ""
    assert (await run(session, "kill -9 1; kill -9 -1; true")).code in (0, -9)
    assert (await run(session, "echo alive")).stdout == "alive\n"


NUMBERS = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "io_uring_setup": 425, "bpf": 321, "keyctl": 250, "add_key": 248,
        "userfaultfd": 323, "perf_event_open": 298, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308,
        "init_module": 175, "kexec_load": 246, "open_by_handle_at": 304, "pidfd_getfd": 438, "fsopen": 430,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "io_uring_setup": 425, "bpf": 280, "keyctl": 219, "add_key": 217,
        "userfaultfd": 282, "perf_event_open": 241, "mount": 40, "umount2": 39, "unshare": 97, "setns": 268,
        "init_module": 105, "kexec_load": 104, "open_by_handle_at": 265, "pidfd_getfd": 438, "fsopen": 430,
    },
}  # fmt: skip


async def test_dangerous_system_calls_are_refused(session: SandboxSession) -> None:
    numbers = NUMBERS[os.uname().machine]
    script = (
        "import ctypes, errno\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"for name, number in {numbers}.items():\n"
        "    ctypes.set_errno(0)\n"
        "    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):\n"
        "        print(name, ctypes.get_errno())\n"
    )
    assert (await python(session, script)).stdout == ""
    clone, new_user, sigchld = (56 if os.uname().machine == "x86_64" else 220), 0x10000000, 17
    script = (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"print(libc.syscall({clone}, {new_user | sigchld}, 0, 0, 0, 0), ctypes.get_errno())\n"
    )
    assert (await python(session, script)).stdout == "-1 1\n"


async def test_the_caller_s_user_without_privileges(session: SandboxSession) -> None:
    status = await run(
        session, "id -u; id -g; grep -E 'CapEff|CapPrm|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t'"
    )
    assert status.stdout.split() == [
        str(os.getuid()), str(os.getgid()), "CapPrm:0000000000000000", "CapEff:0000000000000000", "NoNewPrivs:1", "Seccomp:2",
    ]  # fmt: skip


async def test_what_is_in_force_was_read_back(session: SandboxSession) -> None:
    verified = session.info.verified
    assert verified["network"] == "none"
    assert verified["workspace"] == "overlay"
    assert verified["tmpfs_bytes"] == str(SMALL.tmpfs_bytes)
    assert verified["file_bytes"] == str(SMALL.file_bytes)
    for name, limit in (("memory_bytes", SMALL.memory_bytes), ("pids", SMALL.pids)):
        assert verified.get(name) == str(limit) or any(warning for warning in session.info.warnings), name


# ------------------------------------------------------------------------------------------------ limits


async def test_memory_is_limited(session: SandboxSession) -> None:
    hungry = await python(session, "b = bytearray(400 * 2**20); print(len(b))")
    assert hungry.code != 0
    assert hungry.stdout == ""
    assert (await run(session, "echo alive")).stdout == "alive\n"


async def test_a_fork_bomb_is_contained(session: SandboxSession) -> None:
    bomb = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
    call = {"call": "process.run", "script": bomb, "interpreter": "python3"}
    assert failure(await session.perform(1, call, seconds=3)).code == "timeout"
    started = time.monotonic()
    assert (await run(session, "echo alive")).stdout == "alive\n"
    assert time.monotonic() - started < 5
    count = await python(session, "import os; print(sum(n.isdigit() for n in os.listdir('/proc')))")
    assert int(count.stdout) <= 4


async def test_the_number_of_processes_is_limited(session: SandboxSession) -> None:
    script = (
        "import os, time\n"
        "n = 0\n"
        "try:\n"
        "    while n < 500:\n"
        "        if os.fork() == 0:\n"
        "            time.sleep(30); os._exit(0)\n"
        "        n += 1\n"
        "except OSError:\n"
        "    pass\n"
        "print(n, flush=True)\n"
        "os.kill(0, 9)\n"
    )
    started = int((await python(session, script)).stdout or 0)
    assert 10 < started <= SMALL.pids


async def test_files_and_tmp_are_limited(session: SandboxSession, layer: LayerPaths) -> None:
    big = await run(session, "head -c 30000000 /dev/zero > big; ls -l big | awk '{print $5}'")
    assert int(big.stdout) == SMALL.file_bytes
    assert (layer.upper / "big").stat().st_size == SMALL.file_bytes
    await run(session, "for n in 1 2 3 4 5 6; do head -c 5000000 /dev/zero > /tmp/$n; done; true")
    held = await python(
        session, "import os; print(sum(os.path.getsize('/tmp/' + n) for n in os.listdir('/tmp')))"
    )
    assert int(held.stdout) <= SMALL.tmpfs_bytes


async def test_output_is_limited_and_the_rest_is_dropped(session: SandboxSession) -> None:
    noisy = await run(session, "yes | head -c 20000000; echo done >&2")
    assert noisy.truncated
    assert noisy.code == 0
    assert len(noisy.stdout) + len(noisy.stderr) == SMALL.output_bytes


async def test_time_is_limited_for_the_whole_tree_of_programs(session: SandboxSession) -> None:
    started = time.monotonic()
    late = failure(
        await session.perform(
            1,
            {
                "call": "process.run",
                "command": "setsid sh -c 'trap \"\" TERM; sleep 999' & (sleep 998 &) ; exec sleep 997",
            },
            seconds=0.7,
        )
    )
    assert late.code == "timeout"
    assert time.monotonic() - started < 4
    assert (await run(session, "cat /proc/[0-9]*/comm")).stdout.split().count("sleep") == 0


async def test_nothing_that_a_program_started_outlives_it(session: SandboxSession) -> None:
    started = time.monotonic()
    assert (await run(session, "nohup sleep 999 & setsid env -i sleep 998 & echo out")).stdout == "out\n"
    assert time.monotonic() - started < 3
    assert (await run(session, "cat /proc/[0-9]*/comm")).stdout.split().count("sleep") == 0


# ------------------------------------------------------------------------------------------------ the stream


async def test_a_failing_syscall_does_not_end_the_agent(session: SandboxSession) -> None:
    for call, code in (
        ({"call": "no.such"}, "unavailable"),
        ({"call": 7}, "unavailable"),
        ({"call": "process.run"}, "usage"),
        ({"call": "process.run", "command": "x" * 3_000_000}, "usage"),
        ({"call": "process.run", "command": "x\0y"}, "usage"),
        ({"call": "process.run", "command": "true", "cwd": "missing"}, "not-found"),
        ({"call": "process.run", "command": "true", "env": {"A=B": "c"}}, "usage"),
        ({"call": "process.run", "command": "cat", "stdin": "$7"}, "type"),
    ):
        assert failure(await session.perform(1, call)).code == code, call
    assert (
        failure(await session.perform(1, {"call": "process.run", "command": "y" * 9_000_000})).code == "limit"
    )
    assert (await run(session, "exit 3")).code == 3
    assert (await run(session, "kill -TERM $$")).code == -15


async def test_results_travel_between_steps_and_large_ones_come_whole(session: SandboxSession) -> None:
    made = await session.perform(1, {"call": "process.run", "command": "seq 130000"})
    assert isinstance(made, Ok)
    assert isinstance(made.value, Exit)
    counted = await session.perform(2, {"call": "process.run", "command": "wc -l", "stdin": "$1"})
    assert isinstance(counted, Ok)
    assert counted.value.render().strip() == "130000"
    text = "".join(f"{n} ä\n" for n in range(400_000))
    await session.put(3, Text(text=text))
    counted = await session.perform(4, {"call": "process.run", "command": "wc -c; echo '$3'", "stdin": "$3"})
    assert isinstance(counted, Ok)
    assert counted.value.render().split() == [str(len(text.encode())), "$3"]


async def test_a_large_value_comes_whole(open_session: Open) -> None:
    session = await open_session(Limits(memory_bytes=2**30))
    value = await run(session, "head -c 6000000 /dev/zero | tr '\\0' 'é'")
    assert len(value.stdout) == 6_000_000


async def test_piped_standard_input_is_handed_on_byte_by_byte(
    session: SandboxSession, layer: LayerPaths
) -> None:
    (layer.scratch / "stdin").write_bytes(bytes(range(256)) * 10)
    counted = await session.perform(1, {"call": "process.run", "command": "wc -c; ", "stdin": "$0"})
    assert isinstance(counted, Ok)
    assert counted.value.render().strip() == "2560"


async def test_output_is_streamed_as_it_comes(session: SandboxSession) -> None:
    heard: list[tuple[str, bytes, float]] = []
    started = time.monotonic()
    result = await session.perform(
        1,
        {"call": "process.run", "command": "echo first; sleep 1; echo second >&2"},
        on_output=lambda stream, data: heard.append((stream, data, time.monotonic() - started)),
    )
    assert isinstance(result, Ok)
    assert [(stream, data) for stream, data, _ in heard] == [("stdout", b"first\n"), ("stderr", b"second\n")]
    assert heard[0][2] < 0.9


async def test_many_calls_at_once(session: SandboxSession) -> None:
    started = time.monotonic()
    results = await asyncio.gather(
        *(session.perform(n, {"call": "process.run", "command": f"sleep 1; echo {n}"}) for n in range(1, 21))
    )
    assert [result.value.render() for result in results if isinstance(result, Ok)] == [
        str(n) for n in range(1, 21)
    ]
    assert time.monotonic() - started < 10


async def test_cancelling_a_call_ends_its_programs_and_no_others(session: SandboxSession) -> None:
    other = asyncio.create_task(run(session, "sleep 2; echo other"))
    doomed = asyncio.create_task(run(session, "echo x > began; sleep 999 & setsid sleep 998 & sleep 997"))
    for _ in range(200):
        if (await run(session, "cat began 2>/dev/null")).stdout:
            break
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    for _ in range(100):
        if (
            await run(session, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 99[789]'")
        ).stdout == "0\n":
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the cancelled call's programs still run")
    assert (await other).stdout == "other\n"


# ------------------------------------------------------------------------------------------------ ends


async def test_a_killed_sandbox_is_reported_at_once(session: SandboxSession) -> None:
    pending = [
        asyncio.create_task(session.perform(n, {"call": "process.run", "command": "sleep 60"}))
        for n in (1, 2)
    ]
    await asyncio.sleep(0.3)
    started = time.monotonic()
    kill_from_outside(session)
    for result in await asyncio.gather(*pending):
        assert failure(result).code == "sandbox-died"
    assert time.monotonic() - started < 3
    assert (
        failure(await session.perform(3, {"call": "process.run", "command": "true"})).code == "sandbox-died"
    )


def kill_from_outside(session: SandboxSession) -> None:
    """What an administrator, or the kernel when memory is short, might do."""
    import psutil

    from casava_sandbox.docker.client import connect
    from casava_sandbox.docker.container import HOST_LABEL

    if session.info.driver == "docker":
        connected = connect()
        assert isinstance(connected, Ok)
        (one,) = connected.value.containers(filters={"label": f"{HOST_LABEL}={os.getpid()}"})
        connected.value.kill(one["Id"])
        connected.value.close()
    else:
        # bubblewrap is the first; its PID namespace goes with it. A program killed before it would end with 137, rightly
        children = psutil.Process().children(recursive=True)
        min(children, key=lambda child: child.create_time()).kill()


async def test_closing_twice_and_with_calls_pending(open_session: Open) -> None:
    session = await open_session()
    pending = asyncio.create_task(session.perform(1, {"call": "process.run", "command": "sleep 60"}))
    await asyncio.sleep(0.2)
    await session.close()
    await session.close()
    assert failure(await pending).code == "sandbox-died"


async def test_cancelling_the_start_leaves_nothing(
    sandbox: Closable, layer: LayerPaths, tmp_path: Path
) -> None:
    assert await sandbox.check() is None
    for delay in (0.0, 0.01, 0.05, 0.2):
        start = asyncio.create_task(sandbox.open(layer, SMALL))
        await asyncio.sleep(delay)
        start.cancel()
        try:
            result = await start
        except asyncio.CancelledError:
            pass
        else:
            assert isinstance(result, Ok)
            await result.value.close()
        assert leftovers(os.getpid(), tmp_path) == []


async def test_cancelling_the_start_while_bubblewrap_begins_leaves_nothing(
    layer: LayerPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a process, and asyncio has not given it to anybody yet."""
    begun, spawn = asyncio.Event(), driver._spawn

    async def slow(command: list[str], descriptors: Descriptors) -> asyncio.subprocess.Process:
        process = await spawn(command, descriptors)
        begun.set()
        await asyncio.sleep(0.1)
        return process

    sandbox = BubblewrapSandbox(tmp_path / "cache")
    assert await sandbox.check() is None
    monkeypatch.setattr(driver, "_spawn", slow)
    for start in (sandbox.open(layer, SMALL), sandbox.check()):
        begun.clear()
        task: asyncio.Task[object] = asyncio.create_task(start)
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert leftovers(os.getpid(), tmp_path) == []


async def test_a_start_that_fails_leaves_nothing(sandbox: Closable, layer: LayerPaths) -> None:
    layer.upper.rmdir()
    layer.upper.write_text("no directory")
    assert failure(await sandbox.open(layer, SMALL)).code == "no-sandbox"


async def test_sandboxes_side_by_side_do_not_see_each_other(open_session: Open, tmp_path: Path) -> None:
    one = await open_session(over=make_layer(tmp_path / "one"))
    two = await open_session(over=make_layer(tmp_path / "two"))
    await run(one, "echo one > mine; echo one > /tmp/mine")
    assert (await run(two, "cat mine /tmp/mine 2>/dev/null; ls -A /tmp")).stdout == ""


async def test_the_event_loop_may_live_in_a_thread(sandbox: Closable, layer: LayerPaths) -> None:
    answers: list[str] = []

    async def use() -> None:
        result = await sandbox.open(layer, SMALL)
        assert isinstance(result, Ok)
        answers.append((await run(result.value, "echo hello")).stdout)
        await result.value.close()

    thread = threading.Thread(target=lambda: asyncio.run(use()))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert answers == ["hello\n"]
