"""Programs in the sandbox that try to get out, to take everything, or to stay."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from tests.hostile.attack import Desk, Ran

PROBES = """
import ctypes, os, socket, stat, subprocess, sys
found = []
def tried(what, attempt):
    try:
        result = attempt()
    except BaseException as problem:
        return
    if result:
        found.append((what, result))
libc = ctypes.CDLL(None, use_errno=True)
def connected(family, address):
    with socket.socket(family) as s:
        s.settimeout(2)
        s.connect(address)
        return True
def opened(path, mode="rb"):
    with open(path, mode) as f:
        return repr(f.read(200)) if "r" in mode else True
tried("the host's listener", lambda: connected(socket.AF_INET, ("127.0.0.1", PORT)))
tried("the bridge's gateway", lambda: connected(socket.AF_INET, ("172.17.0.1", PORT)))
tried("the metadata service", lambda: connected(socket.AF_INET, ("169.254.169.254", 80)))
tried("a name server", lambda: socket.getaddrinfo("example.org", 80))
tried("the network over IPv6", lambda: connected(socket.AF_INET6, ("::1", PORT)))
tried("a socket in the workspace", lambda: connected(socket.AF_UNIX, "host.sock"))
tried("the daemon's socket", lambda: connected(socket.AF_UNIX, "/var/run/docker.sock"))
tried("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
tried("a raw packet socket", lambda: socket.socket(17, socket.SOCK_RAW))
tried("a raw IP socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
for path in ("/etc/shadow", "/etc/ssh/ssh_host_rsa_key", SECRET, "to-secret", "/proc/1/environ", "/proc/1/root/etc/shadow",
             "/proc/kcore", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/sys/firmware/efi/vars", "/proc/kallsyms"):
    tried(path, lambda: opened(path).strip("b'\\"0 \\\\n") if path != "/proc/kallsyms" else False)
for path in ("/root", "/home", "/var/lib/docker", "/run/docker.sock", HOME):
    tried("list " + path, lambda: os.listdir(path))
for path in ("/usr/bin/x", "/etc/x", "/x", "/casava/x", "/casava/agent.pyz", "/proc/sys/kernel/core_pattern",
             "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent",
             "/sys/fs/cgroup/memory/x", "/proc/sysrq-trigger", "to-secret"):
    tried("write " + path, lambda: opened(path, "ab"))
tried("mknod", lambda: os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)) is None)
tried("mknod of a character device", lambda: os.mknod("mem", 0o600 | stat.S_IFCHR, os.makedev(1, 1)) is None)
tried("a whiteout by hand", lambda: os.mknod("whiteout", 0o600 | stat.S_IFCHR, 0) is None)
tried("an overlay attribute", lambda: os.setxattr("sub", "user.overlay.opaque", b"y") is None
      and os.getxattr("sub", "user.overlay.opaque") and not os.listdir("sub"))
tried("chown to root", lambda: os.getuid() and os.chown("a.txt", 0, 0) is None)
tried("setuid", lambda: os.getuid() and os.setuid(0) is None)
tried("chroot", lambda: os.chroot("/tmp") is None)
tried("mount", lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0)
tried("umount", lambda: libc.umount2(b"/workspace", 2) == 0)
tried("remount", lambda: libc.mount(b"none", b"/usr", None, 32 | 4096, None) == 0)
tried("unshare", lambda: libc.unshare(0x10000000) == 0)
tried("ptrace the agent", lambda: libc.ptrace(16, 1, 0, 0) == 0)
tried("ptrace a child", lambda: libc.ptrace(0, 0, 0, 0) == 0)
tried("kill the agent", lambda: os.kill(1, 9) is None and False)
tried("a program of root's", lambda: b"(root)" in subprocess.run(["su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL).stdout)
tried("the agent's stream", lambda: [os.open(f"/proc/1/fd/{n}", os.O_WRONLY | os.O_NONBLOCK) for n in range(3)])
tried("the hostname", lambda: libc.sethostname(b"owned", 5) == 0)
tried("the clock", lambda: libc.settimeofday(ctypes.create_string_buffer(16), None) == 0)
tried("the environment", lambda: sorted(set(os.environ) & SECRETS) or [v for v in os.environ.values() if "hush" in v])
tried("other processes", lambda: [p for p in os.listdir("/proc") if p.isdecimal() and int(p) > 1000])
print(found)
"""


def test_no_way_out(desk: Desk, tmp_path: Path) -> None:
    """Network, host files, devices, privileges, the agent, the environment: one program tries them all."""
    secret = tmp_path / "secret"
    secret.write_text("hush")
    (desk.workspace / "to-secret").symlink_to(secret)
    desk.environment |= {
        "AWS_SECRET_ACCESS_KEY": "hush",
        "SSH_AUTH_SOCK": "/tmp/hush",
        "GITHUB_TOKEN": "hush",
    }
    here = os.getcwd()
    with socket.socket() as listener, socket.socket(socket.AF_UNIX) as beside:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        os.chdir(desk.workspace)
        beside.bind("host.sock")
        os.chdir(here)
        beside.listen()
        names = {"PORT": listener.getsockname()[1], "SECRET": str(secret), "HOME": str(Path.home())}
        names["SECRETS"] = {
            "AWS_SECRET_ACCESS_KEY",
            "SSH_AUTH_SOCK",
            "GITHUB_TOKEN",
            "CASAVA_HOME",
            "TMPDIR_",
        }
        given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        with desk.unchanged():
            ran = desk.script(given + PROBES, "--yes")
            assert ran.out == b"[]\n", ran
            assert ran.code == 0, ran
    assert secret.read_text() == "hush"


def test_writing_through_links_is_refused_and_deleting_takes_the_link(any_desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept\n")
    (any_desk.workspace / "etc").symlink_to("/etc")
    (any_desk.workspace / "out").symlink_to(outside)
    (any_desk.workspace / "kept").symlink_to(outside / "kept")
    passwd = Path("/etc/passwd").read_bytes()
    calls = (
        ("file.write", "--path", "etc/casava-was-here", "--content", "x"),
        ("file.write", "--path", "out/new", "--content", "x"),
        ("file.write", "--path", "kept", "--content", "x", "--mode", "overwrite"),
        ("file.read", "--paths", "etc/passwd"),
        ("file.read", "--paths", "kept"),
        ("file.copy", "--paths", "out/kept", "--to", "stolen"),
        ("file.copy", "--paths", "a.txt", "--to", "out"),
        ("file.move", "--paths", "a.txt", "--to", "etc"),
        ("file.delete", "--paths", "out/kept"),
        ("file.chmod", "--paths", "kept", "--mode", "777"),
        ("file.list", "--path", "etc"),
        ("file.find", "--root", "etc"),
        ("file.archive", "--paths", "out/kept", "--to", "x.tar"),
    )
    with any_desk.unchanged():
        for call, ran in zip(
            calls, any_desk.each(*(("call", *call, "--yes") for call in calls)), strict=True
        ):
            assert ran.code in (1, 2), (call, ran)
            assert ran.failed(ran.code).out == b"", call
            assert b"root:" not in ran.out, call
    assert (
        any_desk("call", "file.delete", "--paths", "etc", "--paths", "out", "--paths", "kept", "--yes").code
        == 0
    )
    assert (outside / "kept").read_text() == "kept\n"
    assert Path("/etc/passwd").read_bytes() == passwd
    assert not Path("/etc/casava-was-here").exists()


STAYING = """
import os, sys, time
for n in range(20):
    if os.fork() == 0:
        os.setsid()
        for fd in range(3):
            os.close(fd)
        if os.fork() == 0:
            while True:
                time.sleep(1)
        os._exit(0)
print("done")
"""

GREEDY = """
import os
written = 0
try:
    with open("/tmp/full", "wb") as f:
        while written < 2**32:
            written += f.write(b"x" * 2**20)
except OSError as problem:
    print(problem.errno, written < 2**30)
os.write(1, b"")
print("\\x00\\x1b[2Jend")
"""


def test_daemons_end_with_their_program(desk: Desk) -> None:
    with desk.unchanged():
        ran = desk.script(STAYING, "--yes")
    assert (ran.code, ran.out) == (0, b"done\n"), ran


def test_a_full_tmp_is_the_programs_own_trouble(desk: Desk) -> None:
    desk.configure("config.toml", "[limits]\ntmpfs_bytes = 33554432\n")
    with desk.unchanged():
        ran = desk.script(GREEDY, "--yes")
    assert ran.out.startswith(b"28 True\n"), ran
    assert ran.code == 0


def test_a_gigabyte_of_output_fills_nothing(desk: Desk) -> None:
    """The beginning is kept and said to be one; the rest is dropped."""
    flood = "import os\nblock = b'y' * 2**20\nfor n in range(1024):\n    os.write(1, block)\n"
    with desk.unchanged():
        ran = desk.script(flood, "--yes")
    assert ran.code == 0, (ran.code, ran.err)
    assert len(ran.out) <= 2**24
    assert set(ran.out) <= set(b"y\n")
    assert "the end is missing" in ran.err, ran.err


def test_a_fork_bomb_and_a_memory_hog_end_with_their_time(desk: Desk) -> None:
    desk.configure("config.toml", "[limits]\npids = 64\nmemory_bytes = 268435456\nstep_seconds = 3\n")
    bomb = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
    with desk.unchanged():
        ran = desk.script(bomb, "--yes")
        assert ran.code in (124, 6), ran
        ran.failed(ran.code)
        hog = desk.script("b = []\nwhile True:\n    b.append(bytearray(2**24))\n", "--yes")
        assert hog.code in (1, 6, 124), hog


def test_traps_left_in_the_layer_do_not_stick(desk: Desk) -> None:
    """Directories deeper than a path may be long, locked directories, sparse giants, sockets and pipes."""
    deep = (
        "import os\n"
        "for n in range(3000):\n    os.mkdir('d' * 50)\n    os.chdir('d' * 50)\n"
        "open('end', 'w').write('x')\n"
    )
    locked = (
        "import os\nos.makedirs('locked/in/side')\nopen('locked/in/f', 'w').write('x')\n"
        "os.chmod('locked/in', 0)\nos.chmod('locked', 0)\nos.mkfifo('pipe')\n"
        "f = open('sparse', 'wb')\nf.truncate(2**40) if False else None\n"
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('sock')\n"
    )
    with desk.unchanged():
        for script in (deep, locked):
            ran = desk.script(script, "--yes")
            assert ran.code == 1, ran
            ran.explained(1)
            assert desk("discard").code == 0
    assert list((desk.home / "state" / "layers").iterdir()) == []


def test_setuid_files_do_not_land_unseen(desk: Desk) -> None:
    make = "cp /bin/true x 2>/dev/null || cp /usr/bin/true x; chmod 6755 x; mkdir d; chmod 2777 d; ls -l x"
    ran = desk("call", "process.run", "--command", make)
    assert ran.code == 3, ran
    assert "6755" in ran.err, ran.err
    assert desk("discard").code == 0


def test_a_program_cannot_forge_what_an_earlier_step_found(desk: Desk) -> None:
    """A large result lies where programs can write; what they make of it is not taken."""
    bulk = desk.workspace / "bulk"
    bulk.mkdir()
    for number in range(9000):
        (bulk / f"{number:05}-{'x' * 60}.tmp").write_bytes(b"")
    forge = (
        "import glob, json, os\n"
        "for name in glob.glob('/casava/scratch/value*'):\n"
        "    try:\n"
        "        value = json.load(open(name))\n"
        "        value['items'] = [{**value['items'][0], 'path': 'a.txt'}]\n"
        "        os.unlink(name)\n"
        "        open(name, 'w').write(json.dumps(value))\n"
        "    except OSError:\n        pass\n"
    )
    ran = desk.apply(
        {"call": "file.find", "extension": ["tmp"]},
        {"call": "process.run", "script": forge, "interpreter": "python3"},
        {"call": "file.delete", "paths": "$1"},
    )
    assert (desk.workspace / "a.txt").exists(), ran.err
    assert "- a.txt" not in ran.err, ran
    assert ran.code in (0, 1), ran


def test_sandboxes_next_door_are_not_seen(desk: Desk) -> None:
    """Two requests at once in one workspace: neither sees or disturbs the other, and both land."""
    gate = threading.Barrier(2)
    results: list[Ran] = []

    def one(name: str) -> None:
        gate.wait()
        command = f"echo {name} > {name}; sleep 0.5; ls; ps ax 2>/dev/null | grep -c sleep"
        results.append(desk("call", "process.run", "--command", f"{command}; true", "--yes"))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ran.code for ran in results] == [0, 0], results
    assert (desk.workspace / "first").read_text() == "first\n"
    assert (desk.workspace / "second").read_text() == "second\n"
