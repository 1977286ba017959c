"""Exit codes are an API: their numbers stay, and every expected failure has one."""

from typing import get_args

from casava_os.errors import EXIT_CODES, ExitCode, exit_code, step_exit_code
from casava_syscalls.results import Err, ErrorCode


def test_the_numbers_are_those_scripts_rely_on() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0, "FAILED": 1, "USAGE": 2, "APPROVAL_NEEDED": 3, "DENIED": 4, "NOT_UNDERSTOOD": 5, "NO_SANDBOX": 6,
        "NO_MODEL": 7, "CONFLICT": 8, "TIMEOUT": 124, "INTERRUPTED": 130,
    }  # fmt: skip


def test_every_failure_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(get_args(ErrorCode))
    assert ExitCode.DONE not in EXIT_CODES.values()


def test_a_failing_syscall_is_1_unless_the_whole_process_cannot_go_on() -> None:
    assert step_exit_code(Err(code="usage", title="x")) == ExitCode.FAILED
    assert step_exit_code(Err(code="conflict", title="x")) == ExitCode.FAILED
    assert step_exit_code(Err(code="timeout", title="x")) == ExitCode.TIMEOUT
    assert step_exit_code(Err(code="sandbox-died", title="x")) == ExitCode.NO_SANDBOX
    assert exit_code(Err(code="usage", title="x")) == ExitCode.USAGE
