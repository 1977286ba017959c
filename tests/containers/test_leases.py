"""Leases: on two clocks, in a book, ended by the next start; nothing ends early, nothing foreign ends."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casava_os.containers import labels
from casava_os.containers.expiry import end_container, end_leases
from casava_os.containers.leases import Ender, Instant, Lease, LeaseBook, Leased, now
from casava_syscalls.results import Err, Ok
from tests.containers.conftest import Casava

START = Instant(wall=1_000_000.0, since_boot=500.0, boot="one")
HOUR = Lease.beginning(3600, START)


@pytest.mark.parametrize(
    ("wall", "since_boot", "boot", "over"),
    [
        (3599, 3599, "one", False),
        (3600, 3600, "one", True),
        (-900_000, 100, "one", False),  # the wall clock was set back
        (-900_000, 3600, "one", True),  # and the hour is over all the same
        (900_000, 100, "one", False),  # the wall clock was set forward
        (3599, -400, "two", False),  # another start of the machine: only the wall clock tells
        (3601, -400, "two", True),
        (-900_000, -400, "two", False),
    ],
)
def test_when_it_is_over(wall: float, since_boot: float, boot: str, over: bool) -> None:
    later = Instant(START.wall + wall, START.since_boot + since_boot, boot)
    assert HOUR.over(later) is over


@given(st.integers(0, 10**9), st.floats(0, 4e9), st.floats(0, 1e9), st.sampled_from(["", "a-b-c"]))
def test_a_label_says_the_same(seconds: int, wall: float, since_boot: float, boot: str) -> None:
    lease = Lease(seconds=seconds, wall=round(wall, 3), since_boot=round(since_boot, 3), boot=boot)
    assert Lease.read(lease.text()) == lease


@given(st.text(max_size=60))
def test_any_text_in_a_label_is_a_lease_or_none(text: str) -> None:
    lease = Lease.read(text)
    assert lease is None or lease.seconds == int(text.split(maxsplit=1)[0])


def entry(name: str, lease: Lease | None, ident: str = "") -> Leased:
    return Leased(kind="container", name=name, id=ident, lease=lease, pid=7, reason="for a test")


def test_the_book(tmp_path: Path) -> None:
    book = LeaseBook(tmp_path)
    assert (book.entries(), book.due(START), book.next_end(START)) == ([], [], None)
    book.write(entry("web", HOUR))
    book.write(entry("db", None))
    assert [one.name for one in book.entries()] == ["db", "web"]
    assert book.next_end(START) == 3600
    later = replace(START, since_boot=START.since_boot + 4000)
    assert [one.name for one in book.due(later)] == ["web"]
    longer = book.extend("container", "web", 7200, later)
    assert longer is not None
    assert book.due(later) == []
    book.strike("container", "web")
    book.strike("container", "web")
    assert book.find("container", "web") is None
    (path,) = (tmp_path / "leases").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    book = LeaseBook(tmp_path)
    book.write(entry("web", HOUR))
    (path,) = (tmp_path / "leases").iterdir()
    path.write_text("{")
    assert book.due(replace(START, since_boot=10**6)) == []


def test_what_cannot_be_ended_stays_in_the_book_and_is_told(tmp_path: Path) -> None:
    book = LeaseBook(tmp_path)
    book.write(entry("web", HOUR))
    book.write(Leased(kind="stack", name="shop", lease=HOUR))
    later = replace(START, since_boot=START.since_boot + 4000)

    def fails(_: Leased) -> Err:
        return Err(code="unavailable", title="There is no Docker daemon")

    ended: list[str] = []

    def ends(one: Leased) -> Ok[str]:
        ended.append(one.name)
        return Ok(value=f"{one.name} is gone")

    enders: dict[str, Ender] = {"container": fails, "stack": ends}
    told = book.expire(later, enders)
    assert any("web" in line and "could not be ended" in line for line in told)
    assert "shop is gone" in told
    assert [one.name for one in book.entries()] == ["web"]


async def test_a_lease_ends_its_container_alone(casava: Casava) -> None:
    short, long = await casava.started(lease=1), await casava.started(lease="1 hour")
    free = await casava.started()
    tags = casava.api.inspect_container(long)["Config"]["Labels"]
    lease = labels.lease_of(tags)
    assert lease is not None
    assert 3590 < lease.left(now()) <= 3600
    book = LeaseBook(casava.state)
    assert {one.name for one in book.entries()} == {short, long, free}
    there = book.find("container", short)
    assert there is not None
    book.write(there.model_copy(update={"lease": Lease.beginning(0, now())}))
    (told,) = end_leases(casava.state)
    assert f"The lease of {short} is over: the container was removed" in told
    assert not casava.there(short)
    assert casava.state_of(long) == casava.state_of(free) == "running"
    assert end_leases(casava.state) == ()


async def test_a_later_container_of_the_same_name_is_not_meant(casava: Casava) -> None:
    name = casava.others()
    casava_lease = entry(name, Lease.beginning(0, now()), ident="0" * 64)
    assert isinstance(end_container(casava_lease), Ok)
    assert casava.state_of(name) == "running"
    assert isinstance(end_container(casava_lease.model_copy(update={"id": ""})), Ok)
    assert casava.state_of(name) == "running"


async def test_a_run_that_was_killed_before_it_knew_the_id_is_ended_by_its_name(casava: Casava) -> None:
    name = await casava.started(lease="1 hour")
    book = LeaseBook(casava.state)
    there = book.find("container", name)
    assert there is not None
    book.write(there.model_copy(update={"id": "", "lease": Lease.beginning(0, now())}))
    assert "was removed" in end_leases(casava.state)[0]
    assert not casava.there(name)


async def test_what_a_killed_program_had_not_started_goes_and_what_runs_stays(casava: Casava) -> None:
    book = LeaseBook(casava.state)
    dead = {"maker": 2**22 - 1, "born": "gone/1"}
    running, unstarted, followed = await casava.started(), await casava.started(), await casava.started()
    tags = casava.api.inspect_container(unstarted)["Config"]["Labels"]
    casava.api.remove_container(unstarted, force=True)
    casava.api.create_container(casava.image, name=unstarted, labels=tags)
    for name, phase in ((running, "starting"), (unstarted, "starting"), (followed, "followed")):
        there = book.find("container", name)
        assert there is not None
        assert there.phase == "there"
        ident = casava.api.inspect_container(name)["Id"]
        book.write(there.model_copy(update={"phase": phase, "id": ident, **dead}))
    never = casava.name()
    book.write(entry(never, None).model_copy(update={"phase": "starting", **dead}))
    told = end_leases(casava.state)
    assert len(told) == 2
    assert all("casava-os was killed" in line for line in told)
    assert casava.state_of(running) == "running"
    assert not casava.there(unstarted)
    assert not casava.there(followed)
    assert [one.name for one in book.entries()] == [running]
    assert end_leases(casava.state) == ()


async def test_what_a_living_program_starts_is_left_alone(casava: Casava) -> None:
    name = await casava.started()
    book = LeaseBook(casava.state)
    there = book.find("container", name)
    assert there is not None
    book.write(there.model_copy(update={"phase": "followed"}))
    assert end_leases(casava.state) == ()
    assert casava.state_of(name) == "running"


def test_a_reason_is_short_and_without_secrets() -> None:
    said = labels.short_reason(
        "run postgres with POSTGRES_PASSWORD=hunter2\nand the token is abc123 " + "x" * 500
    )
    assert "hunter2" not in said
    assert "abc123" not in said
    assert len(said) <= labels.REASON_LENGTH
    assert "\n" not in said
    assert "hunter2" not in labels.short_reason("fetch https://ann:hunter2@example.com/x")


def test_two_installations_have_two_owners(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = labels.labels(pid=1, reason="")
    assert labels.mine(mine)
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "other"))
    assert not labels.mine(mine)
