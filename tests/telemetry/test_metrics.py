"""What the metrics say is what happened: counts of real runs, and parts that cannot be read."""

from __future__ import annotations

import json
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from casava_os.errors import ExitCode
from casava_os.kernel.journal import Journal
from casava_os.telemetry.collect import Everything, Part, Work, registry_of
from casava_os.telemetry.page import BUCKETS, Durations, Page
from casava_os.telemetry.past import Past
from casava_syscalls.results import Err, Ok, Result
from tests.telemetry.conftest import Home

Values = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def values(text: str) -> Values:
    """Every sample by its name and labels; a line that is none fails."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, f"{key} is told twice"
            found[key] = sample.value
    return found


def value(found: Values, name: str, /, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


def of(metrics: list[Metric]) -> Values:
    """The samples of families as they are made."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in metrics
        for one in family.samples
    }


def test_counts_are_those_of_real_runs(home: Home) -> None:
    assert home("run", "--yes", "delete the .tmp files").code == 0
    assert home("call", "file.read", "--paths", "nowhere.txt").code == 1
    assert home("call", "file.write", "--path", "new.txt", "--content", "x" * 1000, "--yes").code == 0
    size = (home.workspace / "new.txt").stat().st_size
    assert size >= 1000
    assert home("call", "file.delete", "--paths", "one.py").code == 3
    assert home("undo").code == 0
    ran = home("metrics", "--once")
    assert (ran.code, ran.err) == (0, "")
    found = values(ran.out)
    assert value(found, "casava_requests_total", outcome="done") == 2
    assert value(found, "casava_requests_total", outcome="failed") == 1
    assert value(found, "casava_requests_total", outcome="approval_needed") == 1
    requests = {labels: number for (name, labels), number in found.items() if name == "casava_requests_total"}
    assert len(requests) == len(ExitCode)
    assert sum(requests.values()) == 4
    assert value(found, "casava_request_duration_seconds_count") == 4
    assert value(found, "casava_compile_duration_seconds_count") == 1
    assert value(found, "casava_model_tokens_total") > 0
    assert value(found, "casava_syscalls_total", syscall="file.delete", outcome="ok") == 2
    assert value(found, "casava_syscalls_total", syscall="file.read", outcome="not-found") == 1
    assert value(found, "casava_syscall_duration_seconds_count", syscall="file.write") == 1
    states = {
        state: value(found, "casava_processes", state=state)
        for state in ("committed", "undone", "failed", "held")
    }
    assert states == {"committed": 1, "undone": 1, "failed": 1, "held": 1}
    landed = {
        what: value(found, "casava_changesets_total", outcome=what)
        for what in ("committed", "undone", "held")
    }
    assert landed == {"committed": 2, "undone": 1, "held": 1}
    assert value(found, "casava_committed_bytes_total") == size
    assert value(found, "casava_layers") == 1
    assert value(found, "casava_undo_commits") == 2
    assert value(found, "casava_memory_entries", collection="episodes") >= 3
    journal = home.home / "state" / "journal.sqlite"
    assert value(found, "casava_journal_size_bytes") >= journal.stat().st_size
    for word in ("nowhere.txt", "secret plans", "new.txt", str(home.home)):
        assert word not in ran.out


def test_a_home_in_which_nothing_ever_ran_has_zeros_and_stays_empty(home: Home) -> None:
    ran = home("metrics", "--once", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert ran.code == 0
    found = values(ran.out)
    for part in ("machine", "journal", "kept", "memory", "stacks"):
        assert value(found, "casava_up", part=part) == 1
    assert value(found, "casava_up", part="docker") == 0
    assert ran.err.splitlines() == [line for line in ran.err.splitlines() if "No metrics of docker" in line]
    assert "There is no Docker daemon" in ran.err
    assert value(found, "casava_requests_total", outcome="done") == 0
    assert value(found, "casava_stacks") == 0
    assert value(found, "casava_memory_size_bytes") == 0
    assert not any(path.is_file() for path in home.home.rglob("*"))


def test_a_broken_journal_and_store_leave_the_rest(home: Home) -> None:
    for name in ("state/journal.sqlite", "data/memory/ledger.sqlite"):
        path = home.home / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"this is no database, and never was one" * 100)
    ran = home("metrics", "--once")
    assert ran.code == 0
    found = values(ran.out)
    up = {part: value(found, "casava_up", part=part) for part in ("journal", "memory", "machine", "kept")}
    assert up == {"journal": 0, "memory": 0, "machine": 1, "kept": 1}
    assert "No metrics of journal" in ran.err
    assert not any(name == "casava_requests_total" for name, _ in found)
    assert value(found, "casava_ram_used_bytes") > 0


def test_a_daemon_that_takes_calls_and_never_answers_is_not_waited_for(home: Home) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{short}/docker.sock")
        mute.listen()
        ran = home("metrics", "--once", DOCKER_HOST=f"unix://{short}/docker.sock")
    assert ran.code == 0
    found = values(ran.out)
    assert value(found, "casava_up", part="docker") == 0
    assert value(found, "casava_up", part="machine") == 1
    assert "No metrics of docker" in ran.err


# ------------------------------------------------------------------------------------------ the journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    opened = Journal.open(tmp_path / "journal.sqlite")
    assert isinstance(opened, Ok)
    return opened.value


def request(journal: Journal, code: int = 0, call: str = "file.find", error: str | None = None) -> int:
    """The records of one request."""
    pid = journal.new("something", "/somewhere")
    err = None if error is None else {"code": error}
    for kind, body in (
        ("started", {"request": "something"}),
        ("compiled", {"model": "m", "seconds": 0.02}),
        ("step_started", {"step": 1, "line": f"{call} path=/somewhere/secret"}),
        ("step_finished", {"step": 1, "err": err, "seconds": 0.2}),
        ("finished", {"exit_code": code, "timings": {"total": 0.7}}),
    ):
        journal.record(pid, kind, json.dumps(body))
    return pid


def test_only_what_is_new_is_read_and_nothing_is_counted_twice(journal: Journal) -> None:
    past = Past(journal.path)
    pid = request(journal)
    assert value(of(past.read()), "casava_requests_total", outcome="done") == 1
    journal.record(pid, "committed", "{}")
    journal.record(pid, "finished", json.dumps({"exit_code": 0}))  # of a commit later
    request(journal, 4, "made.up", "denied")
    found = of(past.read())
    assert value(found, "casava_requests_total", outcome="done") == 1
    assert value(found, "casava_requests_total", outcome="denied") == 1
    assert value(found, "casava_syscalls_total", syscall="other", outcome="denied") == 1
    assert value(found, "casava_compile_duration_seconds_bucket", le="0.025") == 2
    assert value(found, "casava_compile_duration_seconds_bucket", le="0.01") == 0
    assert of(past.read()) == found
    assert of(Past(journal.path).read()) == found
    journal.close()
    for path in journal.path.parent.glob("journal.sqlite*"):
        path.rename(path.with_name(f"{path.name}.damaged"))
    assert value(of(past.read()), "casava_requests_total", outcome="done") == 0
    fresh = Journal.open(journal.path)
    assert isinstance(fresh, Ok)
    request(fresh.value)
    assert value(of(past.read()), "casava_requests_total", outcome="done") == 1
    fresh.value.close()


def test_a_long_journal_is_read_in_pages(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casava_os.telemetry.past.PAGE_ROWS", 3)
    for number in range(10):
        request(journal, number % 2)
    found = of(Past(journal.path).read())
    assert value(found, "casava_requests_total", outcome="done") == 5
    assert value(found, "casava_requests_total", outcome="failed") == 5
    journal.close()


def test_writers_and_readers_do_not_wait_for_each_other(journal: Journal) -> None:
    request(journal)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute(
            "INSERT INTO processes (created, request, workspace, state, owner) VALUES (0, '', '', 'new', 1)"
        )
        found = of(Past(journal.path).read())
        assert value(found, "casava_requests_total", outcome="done") == 1
        assert value(found, "casava_processes", state="new") == 1
        other.execute("ROLLBACK")
    journal.close()


# ------------------------------------------------------------------------------------------ parts together


def gauge(name: str) -> Result[list[Metric]]:
    page = Page()
    page.gauge(name, "of a test", 1)
    return Ok(value=page.families())


def test_a_part_that_takes_too_long_does_not_hold_up_the_others() -> None:
    go_on, told = threading.Event(), list[str]()

    def slow() -> Result[list[Metric]]:
        go_on.wait(60)
        return gauge("casava_slow")

    both = Everything({"slow": slow, "quick": lambda: gauge("casava_quick")}, told.append, limit=0.2)
    first = of(list(both.collect()))
    assert (value(first, "casava_up", part="slow"), value(first, "casava_up", part="quick")) == (0, 1)
    assert "casava_slow" not in {name for name, _ in first}
    both.collect()
    assert told == ["No metrics of slow: it takes longer than 0.2 seconds"]
    waiting = next(part for part in both._parts if part.name == "slow").begin()
    go_on.set()
    assert waiting.wait(60)
    second = of(list(both.collect()))
    assert value(second, "casava_up", part="slow") == 1
    assert value(second, "casava_slow") == 1
    assert told[1:] == ["Metrics of slow are back."]


def test_a_part_that_fails_or_raises_is_down_and_says_why_once() -> None:
    told = list[str]()

    def raises() -> Result[list[Metric]]:
        raise ZeroDivisionError("by accident")

    def fails() -> Result[list[Metric]]:
        return Err(code="unavailable", title="Nobody is at home", message="ring again")

    both = Everything({"raises": raises, "fails": fails}, told.append)
    for _ in range(2):
        found = of(list(both.collect()))
        assert (value(found, "casava_up", part="raises"), value(found, "casava_up", part="fails")) == (0, 0)
    assert len(told) == 2
    assert "ZeroDivisionError: by accident" in told[0]
    assert "Nobody is at home" in told[1]


def test_scrapes_at_the_same_time_share_one_look() -> None:
    looks, gate = list[int](), threading.Event()

    def work() -> Result[list[Metric]]:
        looks.append(1)
        gate.wait(60)
        return gauge("casava_once")

    part = Part("once", work)
    begun = [part.begin() for _ in range(20)]
    gate.set()
    assert all(done.wait(60) for done in begun)
    assert looks == [1]


def test_registries_are_our_own_and_strange_labels_are_text() -> None:
    def strange() -> Result[list[Metric]]:
        page = Page()
        page.gauge("casava_strange", "labels", 1, name='a"b\\c\nd\udcff' + "x" * 500)
        page.gauge("casava_strange", "labels", None, name="left out")
        return Ok(value=page.families())

    parts: dict[str, Work] = {"strange": strange}
    registry = registry_of(Everything(parts))
    from prometheus_client import REGISTRY, generate_latest

    found = values(generate_latest(registry).decode())
    ((_, labels),) = [key for key in found if key[0] == "casava_strange"]
    name = dict(labels)["name"]
    assert name.startswith('a"b\\c')
    assert len(name) == 128
    assert "\n" not in name
    assert any(key[0].startswith("process_") for key in found)
    assert not any(family.name.startswith("casava") for family in REGISTRY.collect())


def test_durations_are_counted_up_to_each_bound() -> None:
    took = Durations()
    for seconds in (0.001, 0.002, 299, 1e6):
        took.add(seconds)
    rows = dict(took.rows())
    assert (rows["0.001"], rows["0.005"], rows["300.0"], rows["+Inf"]) == (1, 2, 3, 4)
    assert list(rows.values()) == sorted(rows.values())
    assert len(rows) == len(BUCKETS) + 1
