"""A part for an answer: exactly the chosen changes land, the others are held, undo takes back exactly what landed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casava_os.boot import boot_kernel
from casava_os.errors import ExitCode
from casava_os.kernel.events import (
    ApprovalNeeded,
    BaseEvent,
    ChangesetMade,
    Committed,
    Failed,
    Held,
)
from casava_os.kernel.ports import Change, Changeset
from casava_os.kernel.run import Kernel, RunOptions
from casava_os.kernel.running import Running
from casava_os.kernel.selection import Selection, named, needs, part
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err, Ok
from tests.kernel.doubles import Bench, finished, of, only, told

WRITES: list[dict[str, object]] = [
    {"call": "file.write", "path": "a.txt", "content": "A\n"},
    {"call": "file.write", "path": "notes/b.txt", "content": "B\n"},
    {"call": "file.write", "path": "notes/c.txt", "content": "C\n"},
]
ASKS = RunOptions(interactive=True)


def plan(*steps: dict[str, object]) -> Plan:
    parsed = parse_plan({"version": 1, "steps": list(steps)})
    assert isinstance(parsed, Ok), parsed
    return parsed.value


async def answered(running: Running, *paths: str) -> list[BaseEvent]:
    """All events of a process whose question is answered with these paths."""
    events: list[BaseEvent] = []
    async for event in running:
        events.append(event)
        if isinstance(event, ApprovalNeeded):
            event.answer(Selection(paths=paths))
    return events


async def partly(bench: Bench, *paths: str) -> list[BaseEvent]:
    return await answered(
        bench.kernel.run_plan(plan(*WRITES), workspace=bench.workspace, options=ASKS), *paths
    )


# ------------------------------------------------------------------------------------------------ the rules


def change(path: str, action: str = "added", kind: str = "file", **more: object) -> Change:
    return Change.model_validate({"path": path, "action": action, "type": kind, **more})


CHANGES = (
    change("new", kind="directory"),
    change("new/deep", kind="directory"),
    change("new/deep/f"),
    change("old", "deleted", "directory"),
    change("old/x", "deleted"),
    change("old/sub", "deleted", "directory"),
    change("old/sub/y", "deleted"),
    change("new/moved", "renamed", source="old/sub/z"),
    change("was", "changed", "file", type_before="directory"),
    change("was/inside", "deleted"),
    change("turned", "changed", "directory", type_before="file"),
    change("turned/g"),
    change("alone", "changed", type_before="file"),
    change("here", "mode", "directory", type_before="directory"),
    change("here/h"),
)
WHOLE = Changeset.made(7, "/w", CHANGES)


@pytest.mark.parametrize(
    ("chosen", "with_needed"),
    [
        ({"alone"}, {"alone"}),
        ({"new/deep/f"}, {"new", "new/deep", "new/deep/f"}),
        ({"new/moved"}, {"new", "new/moved"}),
        ({"old/sub"}, {"old/sub", "old/sub/y", "new/moved", "new"}),
        ({"old/x"}, {"old/x"}),
        ({"was"}, {"was", "was/inside"}),
        ({"was/inside"}, {"was/inside"}),
        ({"turned/g"}, {"turned", "turned/g"}),
        ({"here/h"}, {"here/h"}),
        ({"here"}, {"here"}),
    ],
)
def test_what_must_come_along(chosen: set[str], with_needed: set[str]) -> None:
    assert needs(CHANGES).with_needed(chosen) == with_needed


def test_leaving_out_leaves_out_what_cannot_stand_without_it() -> None:
    assert needs(CHANGES).with_dependent({"new"}) == {
        "new", "new/deep", "new/deep/f", "new/moved", "old/sub", "old",
    }  # fmt: skip


@given(st.sets(st.sampled_from([c.path for c in CHANGES]), min_size=1))
def test_a_part_stands_alone_exactly_when_nothing_is_lacking(chosen: set[str]) -> None:
    of_all = needs(CHANGES)
    found = part(WHOLE, Selection(paths=tuple(chosen)))
    if of_all.with_needed(chosen) == chosen:
        assert isinstance(found, Ok)
        assert {c.path for c in found.value.changes} == chosen
    else:
        assert isinstance(found, Err)
    widened = of_all.with_needed(chosen)
    assert isinstance(part(WHOLE, Selection(paths=tuple(widened))), Ok)
    left = {c.path for c in CHANGES} - of_all.with_dependent(chosen)
    assert not left or isinstance(part(WHOLE, Selection(paths=tuple(left))), Ok)


@pytest.mark.parametrize("paths", [(), ("nowhere",), ("alone", "nowhere")])
def test_what_is_no_part_is_refused(paths: tuple[str, ...]) -> None:
    refused = part(WHOLE, Selection(paths=paths))
    assert isinstance(refused, Err)
    assert refused.title == "That is no part of the changes"


def test_paths_on_a_command_line_stand_for_what_is_below_them() -> None:
    def chosen(*paths: str) -> set[str]:
        found = named(WHOLE, paths)
        assert isinstance(found, Ok), found
        return set(found.value.paths)

    assert chosen("./alone") == {"alone"}
    assert chosen("new/") == {"new", "new/deep", "new/deep/f", "new/moved"}
    assert chosen("old/sub") == {"old/sub", "old/sub/y", "new/moved"}
    assert chosen(".") == {c.path for c in CHANGES}
    unknown = named(WHOLE, ["ne"])
    assert isinstance(unknown, Err)
    assert unknown.code == "not-found"


# ------------------------------------------------------------------------------------------------ the walk


async def test_exactly_the_chosen_land_and_the_rest_is_held(bench: Bench) -> None:
    events = await partly(bench, "notes", "notes/b.txt")
    shown, landed = of(ChangesetMade, events)
    assert len(shown.changes) == 4
    committed = only(Committed, events)
    assert (finished(events).state, finished(events).exit_code) == ("committed", ExitCode.DONE)
    assert {c.path for c in landed.changes} == {"notes", "notes/b.txt"}
    assert committed.digest == landed.digest == Changeset.made(1, "", landed.changes).digest
    assert bench.files() == {"notes/b.txt": "B\n"}
    assert (committed.rest, committed.rest_summary) == (2, "2 added")

    row = bench.kernel.journal.process(2)
    assert isinstance(row, Ok)
    assert (row.value.state, row.value.workspace) == ("held", str(bench.workspace))
    assert bench.layers() == ["2"]
    held = only(ChangesetMade, await told(bench.kernel.diff(2)))
    assert {c.path for c in held.changes} == {"a.txt", "notes/c.txt"}
    assert "+C" in held.diff
    assert "+B" not in held.diff
    again = only(ChangesetMade, await told(bench.kernel.diff(1)))
    assert again.digest == committed.digest

    assert finished(await told(bench.kernel.commit(2))).state == "committed"
    assert bench.files() == {"a.txt": "A\n", "notes/b.txt": "B\n", "notes/c.txt": "C\n"}
    assert bench.layers() == []


async def test_undo_takes_back_exactly_what_landed(bench: Bench) -> None:
    await partly(bench, "a.txt")
    assert finished(await told(bench.kernel.undo(1))).state == "undone"
    assert bench.files() == {}
    assert finished(await told(bench.kernel.commit(2))).state == "committed"
    assert bench.files() == {"notes/b.txt": "B\n", "notes/c.txt": "C\n"}
    assert finished(await told(bench.kernel.undo(2))).state == "undone"
    assert bench.files() == {}


async def test_the_rest_can_be_thrown_away(bench: Bench) -> None:
    await partly(bench, "a.txt")
    assert finished(await told(bench.kernel.discard(2))).state == "discarded"
    assert bench.files() == {"a.txt": "A\n"}
    assert bench.layers() == []


async def test_the_rest_needs_what_was_taken_back(bench: Bench) -> None:
    await partly(bench, "notes", "notes/b.txt")
    await told(bench.kernel.undo(1))
    refused = await told(bench.kernel.commit(2))
    err = only(Failed, refused).err
    assert err.title == "What this needs was taken back"
    assert "needs notes, which went when the applied part was undone" in err.message
    assert err.hint == "give the request again, or casava-os discard 2"
    assert bench.files() == {}
    assert bench.layers() == ["2"]


@pytest.mark.parametrize("paths", [("notes/b.txt",), (), ("nowhere",)])
async def test_a_part_that_cannot_stand_alone_is_held_whole(bench: Bench, paths: tuple[str, ...]) -> None:
    events = await partly(bench, *paths)
    assert only(Failed, events).err.code == "usage"
    assert only(Held, events).reason == "nothing of it was applied"
    assert bench.files() == {}
    assert bench.layers() == ["1"]
    assert finished(await told(bench.kernel.commit(1))).state == "committed"
    assert len(bench.files()) == 3


async def test_all_of_it_leaves_nothing_to_hold(bench: Bench) -> None:
    events = await partly(bench, "a.txt", "notes", "notes/b.txt", "notes/c.txt")
    assert only(Committed, events).rest == 0
    assert bench.layers() == []
    assert isinstance(bench.kernel.journal.process(2), Err)


async def test_parts_of_parts(bench: Bench) -> None:
    await partly(bench, "a.txt")
    events = await told(bench.kernel.commit(2, only=["notes/c.txt"]))
    assert only(Failed, events).err.title == "These changes cannot be applied alone"
    events = await told(bench.kernel.commit(2, only=["notes"]))
    assert only(Committed, events).rest == 0
    assert len(bench.files()) == 3


async def test_only_some_of_what_is_held_from_the_command_line(bench: Bench) -> None:
    await told(bench.kernel.run_plan(plan(*WRITES), workspace=bench.workspace))
    events = await told(bench.kernel.commit(1, only=["./a.txt"]))
    assert only(Committed, events).rest == 2
    assert bench.files() == {"a.txt": "A\n"}
    assert bench.layers() == ["2"]
    wrong = await told(bench.kernel.commit(2, only=["a.txt"]))
    assert only(Failed, wrong).err.code == "not-found"
    assert bench.layers() == ["2"]


async def test_a_workspace_that_moved_on_lands_nothing_and_loses_nothing(bench: Bench) -> None:
    (bench.workspace / "a.txt").write_text("before\n")
    events: list[BaseEvent] = []
    async for event in bench.kernel.run_plan(plan(*WRITES), workspace=bench.workspace, options=ASKS):
        events.append(event)
        if isinstance(event, ApprovalNeeded):
            (bench.workspace / "a.txt").write_text("mine, meanwhile\n")
            event.answer(Selection(paths=("a.txt",)))
    assert only(Failed, events).err.code == "conflict"
    assert finished(events).state == "held"
    assert bench.files() == {"a.txt": "mine, meanwhile\n"}
    assert bench.layers() == ["1"]
    rest = bench.kernel.journal.process(2)
    assert isinstance(rest, Ok)
    assert rest.value.state == "cancelled"


async def test_effects_take_no_part_for_an_answer(bench: Bench) -> None:
    fetch: dict[str, object] = {"call": "net.fetch", "url": "https://example.org/a", "to": "a"}
    async for event in bench.kernel.run_plan(plan(fetch), workspace=bench.workspace, options=ASKS):
        if isinstance(event, ApprovalNeeded):
            with pytest.raises(ValueError, match="no answer"):
                event.answer(Selection(paths=("a",)))
            with pytest.raises(ValueError, match="no answer"):
                event.answer("always")
            event.answer(False)


# ------------------------------------------------------------------------------------------- real sandboxes


@pytest.fixture(params=["bubblewrap", "docker"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    booted = boot_kernel()
    assert isinstance(booted, Ok), booted
    yield booted.value
    booted.value.close()


def contents(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


async def test_in_a_real_sandbox(kernel: Kernel, tmp_path: Path, driver: str) -> None:
    desk = tmp_path / "desk"
    (desk / "old").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "old/x", "old/y"):
        (desk / name).write_text(f"{name}\n")
    before = contents(desk)
    script = "echo A > a.txt; mv b.txt c.txt; rm -r old; mkdir new; echo n > new/n"
    options = RunOptions(interactive=True, sandbox=driver)
    steps = plan({"call": "process.run", "script": script})
    events = await answered(kernel.run_plan(steps, workspace=desk, options=options), "c.txt", "old/x")
    committed = only(Committed, events)
    assert contents(desk) == {"a.txt": "a.txt\n", "c.txt": "b.txt\n", "old/y": "old/y\n"}
    rest = await told(kernel.commit(committed.rest))
    assert finished(rest).state == "committed", rest
    assert contents(desk) == {"a.txt": "A\n", "c.txt": "b.txt\n", "new/n": "n\n"}
    assert not (desk / "old").exists()
    for pid in (committed.rest, finished(events).pid):
        assert finished(await told(kernel.undo(pid))).state == "undone"
    assert contents(desk) == before
