"""The compiled filter decides as the profile says, for every system call of both architectures."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from casava_sandbox import seccomp

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def decide(program: bytes, number: int, *arguments: int, arch: int) -> int:
    """A small BPF machine: what the kernel would answer."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    code = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        operation, if_true, if_false, operand = code[position]
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        elif operation == 0x54:
            accumulator &= operand
        elif operation == 0x06:
            return int(operand)
        else:
            holds = {0x15: accumulator == operand, 0x25: accumulator > operand, 0x35: accumulator >= operand}[
                operation
            ]
            position += if_true if holds else if_false


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_call_is_allowed_or_refused_as_the_profile_says(machine: str) -> None:
    program = seccomp.compiled(machine)
    numbers: dict[str, int] = json.loads(
        (Path(seccomp.__file__).parent / "syscall_numbers.json").read_text()
    )[machine]
    by_number = {number: name for name, number in numbers.items()}
    assert len(by_number) == len(numbers)
    profile: seccomp.Profile = json.loads(seccomp.profile_text())
    plain = set(profile["syscalls"][0]["names"])
    for number in range(max(by_number) + 50):
        name = by_number.get(number)
        answer = decide(program, number, 0xFFFF, arch=ARCH[machine])
        if name in plain:
            assert answer == ALLOW, name
        elif number > max(by_number) or name == "clone3":
            assert answer == ENOSYS, number
        elif name not in ("clone", "personality", "socket", "socketpair"):
            assert answer == EPERM, number
    assert len(program) // 8 < 4096


def test_arguments_decide(machine: str) -> None:
    program = seccomp.compiled(machine)
    numbers: dict[str, int] = json.loads(
        (Path(seccomp.__file__).parent / "syscall_numbers.json").read_text()
    )[machine]
    families = [f for f in range(50) if decide(program, numbers["socket"], f, arch=ARCH[machine]) == ALLOW]
    assert families == [1, 2, 10, 16]
    assert decide(program, numbers["clone"], 0x01200011, arch=ARCH[machine]) == ALLOW
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert decide(program, numbers["clone"], flag | 17, arch=ARCH[machine]) == EPERM


def test_other_architectures_and_the_x32_numbers_are_no_way_around(machine: str) -> None:
    program = seccomp.compiled(machine)
    assert decide(program, 0, arch=0x40000003) == KILL
    assert decide(program, 0x40000000, arch=ARCH[machine]) == ENOSYS


def test_what_must_not_be_in_the_profile() -> None:
    profile: seccomp.Profile = json.loads(seccomp.profile_text())
    refused = {
        "ptrace", "process_vm_readv", "process_vm_writev", "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf",
        "keyctl", "add_key", "request_key", "userfaultfd", "perf_event_open", "mount", "umount2", "pivot_root", "unshare",
        "setns", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "open_by_handle_at", "reboot",
        "swapon", "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr", "settimeofday", "clock_settime", "chroot",
        "pidfd_getfd", "kcmp", "quotactl", "acct", "syslog", "iopl", "ioperm",
    }  # fmt: skip
    allowed = {
        name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]
    }
    assert not refused & allowed
