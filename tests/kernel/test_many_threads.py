"""What several threads may do at once: load a model, write to the journal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from casava_os.kernel.journal import Journal
from casava_os.kernel.ports import Model
from casava_os.kernel.run import Kernel
from casava_syscalls.results import Ok, Result
from tests.kernel.conftest import MakeBench


def at_once(work: Callable[[], None], threads: int = 3) -> list[Exception]:
    """Does it in several threads; what went wrong."""
    problems: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - handed to the test
            problems.append(problem)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return problems


def ready(kernel: Kernel) -> None:
    assert kernel.ready(None) is None


def test_a_model_that_a_hint_and_a_request_want_at_once_is_loaded_once(make_bench: MakeBench) -> None:
    kernel = make_bench().kernel
    load = kernel.load_model
    loaded: list[Result[Model]] = []

    def slow(name: str | None) -> Result[Model]:
        time.sleep(0.1)
        loaded.append(load(name))
        return loaded[-1]

    kernel.load_model = slow
    assert at_once(lambda: ready(kernel)) == []
    assert len(loaded) == 1


def test_threads_take_turns_at_the_journal(tmp_path: Path) -> None:
    opened = Journal.open(tmp_path / "journal.sqlite")
    assert isinstance(opened, Ok)
    journal = opened.value
    pid = journal.new("a", "/w")
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def write() -> None:
        for _ in range(100):
            journal.record(pid, "note", "{}")
            journal.records(pid, "nothing")

    try:
        assert at_once(write) == []
    finally:
        sys.setswitchinterval(before)
    assert len(journal.records(pid, "note")) == 300
    journal.close()
