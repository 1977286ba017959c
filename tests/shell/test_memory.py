"""The memory in the shell: found while one types, opened, added to, forgotten; private mode, damaged files, and how it looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input

from casava_os.broker import HostBroker
from casava_os.kernel.joined import JoinedBroker
from casava_os.kernel.ports import Broker
from casava_os.memory.broker import MemoryBroker
from casava_os.memory.ports import Entry
from casava_os.memory.retrieval import hybrid
from casava_os.memory.service import Remembrance, remaker
from casava_os.memory.store import LEDGER, MemoryStore
from casava_os.shell.screens import memory as memory_screen
from casava_os.shell.screens.conversation import ConversationScreen
from casava_os.shell.screens.memory import MemoryScreen
from casava_os.shell.screens.panelquestion import ConfirmScreen
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.widgets import memorydetail
from casava_os.shell.widgets.topline import TopLine
from tests.memory.conftest import Hashing
from tests.shell.conftest import NOTE, OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.panels import answer, home, read
from tests.shell.test_looks import SIZES, painted

__all__ = ["home"]

OpenMemory = Callable[..., AbstractAsyncContextManager[Shell]]
HOSTILE = "wipe \x1b[2J\x07 \u202egnp [red]"
ENTRIES = [
    Entry("e3", "episodes", "delete the old logs", "/srv/shop", 3e9, 3, payload={"state": "committed", "lines": ["file.delete"], "changes": "4 deleted", "paths": ["a.log", "b.log"]}),
    Entry("p3", "plans", "delete the old logs", "/srv/shop", 2.5e9, 3, payload={"plan": {"steps": [{"call": "file.delete"}]}, "model": "smol"}),
    Entry("f5", "facts", "backups lie in /srv/backup", "", 2e9, 5),
    Entry("i9", "documents", HOSTILE, "/srv/notes", 1e9, 0, "file", "notes/\x1b[31mevil.md", tainted=True),
]  # fmt: skip


@pytest.fixture
def remembers(
    open_shell: OpenShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> OpenMemory:
    """A shell whose kernel remembers, with these entries to begin with."""
    for module in (memory_screen, memorydetail):
        monkeypatch.setattr(module, "clock_text", lambda seconds, now: "2026-11-21 12:34")

    @asynccontextmanager
    async def make(entries: list[Entry] = ENTRIES, **more: object) -> AsyncIterator[Shell]:
        async with open_shell(**more) as shell:
            kernel = shell.bench.kernel
            store = MemoryStore(tmp_path / "memory", Hashing, remaker(kernel.journal))
            kept = Remembrance(store, kernel.journal, retrieve=hybrid)
            if entries:
                store.put(entries)
            brokers: list[Broker] = [HostBroker(), MemoryBroker(kept)]
            kernel.memory, kernel.broker = kept, JoinedBroker(brokers)
            yield shell

    return make


def screen(shell: Shell) -> MemoryScreen:
    assert isinstance(shell.app.screen, MemoryScreen)
    return shell.app.screen


def kept(shell: Shell) -> Remembrance:
    found = shell.bench.kernel.memory
    assert isinstance(found, Remembrance)
    return found


def ids(shell: Shell) -> list[str]:
    return [entry.id for entry in screen(shell).rows]


async def test_found_while_one_types_by_words_and_by_meaning(remembers: OpenMemory) -> None:
    async with remembers(size=(100, 30)) as shell:
        await shell.press("f9")
        await read(shell)
        await shell.until_seen("1 request", "1 fact", "1 plan", "1 passage", "private mode is off")
        assert ids(shell) == ["e3", "p3", "f5", "i9"]
        await shell.press("slash")
        await shell.type("backup")
        await shell.until(lambda: ids(shell)[:1] == ["f5"])
        await shell.press("enter")
        assert screen(shell).list.has_focus
        await shell.press("escape")
        await shell.until(lambda: len(ids(shell)) == 4)
        await shell.press("k")
        await shell.until(lambda: ids(shell) == ["e3"])
        await shell.press("k")
        await shell.until(lambda: ids(shell) == ["f5"])
        await shell.press("w")
        await shell.until_seen("Nothing is remembered about that among the facts of this folder.")
        await shell.press("escape")
        assert shell.prompt.has_focus
        await shell.type("/memory old logs", "enter")
        await shell.until(lambda: isinstance(shell.app.screen, MemoryScreen) and ids(shell)[:1] == ["e3"])
        assert screen(shell).query_one("#filter", Input).value == "old logs"


async def test_everything_that_is_kept_is_shown(remembers: OpenMemory) -> None:
    async with remembers(size=(100, 40)) as shell:
        await shell.press("f9")
        await read(shell)
        await shell.press("enter")
        await shell.until_seen(
            "e3  request", "delete the old logs", "/srv/shop", "/log 3 shows it", "4 deleted", "b.log"
        )
        await shell.press("escape", "down", "enter")
        await shell.until_seen("p3  plan", '"call": "file.delete"', "yes, when it is asked for again")
        await shell.press("escape", "end", "enter")
        await shell.until_seen(
            r"wipe \x1b[2J\x07 \u202egnp [red]", r"a file: notes/\x1b[31mevil.md", "never: untrusted text"
        )
        text = "".join(segment.text for strip in painted(shell) for segment in strip)
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        await shell.press("i")
        await shell.until(lambda: isinstance(shell.app.screen, ViewerScreen))
        await shell.until_seen("by meaning and by words", "requests", "until you forget it")


async def test_forgetting_says_what_goes_and_leaves_no_trace(remembers: OpenMemory, tmp_path: Path) -> None:
    async with remembers(size=(100, 30)) as shell:
        kept(shell).store.index()
        await shell.press("f9")
        await read(shell)
        await shell.press("x")
        await shell.until(lambda: isinstance(shell.app.screen, ConfirmScreen))
        await shell.until_seen(
            "Forget these 2 for good?", "e3  request", "p3  plan", "The journal still has what was asked"
        )
        await shell.press("n")
        await shell.until(lambda: isinstance(shell.app.screen, MemoryScreen))
        assert ids(shell) == ["e3", "p3", "f5", "i9"]
        await shell.press("x")
        await shell.until(lambda: isinstance(shell.app.screen, ConfirmScreen))
        await shell.press("y")
        await shell.until(lambda: "2 entries are forgotten." in shell.notices())
        await shell.until(lambda: ids(shell) == ["f5", "i9"])
        files = [path.read_bytes() for path in (tmp_path / "memory").rglob("*") if path.is_file()]
        assert not any(b"delete the old logs" in data for data in files)


async def test_what_is_to_be_remembered_goes_through_the_kernel(remembers: OpenMemory) -> None:
    async with remembers([], size=(100, 30)) as shell:
        await shell.press("f9")
        await shell.until_seen("Nothing is remembered yet.")
        await shell.press("n")
        await shell.until_seen("What should be remembered?")
        await shell.type("the printer is in room 12; password=hunter2", "enter")
        await answer(shell, "y", "memory.remember")
        await shell.until_seen("1 fact")
        (entry,) = kept(shell).store.entries()
        assert entry.text == "the printer is in room 12; password=[redacted]"
        records = shell.bench.kernel.journal.records(1)
        assert not any("hunter2" in str(record.body) for record in records)
        assert {"judged", "approval_needed"} & {record.kind for record in records}


async def test_private_mode(remembers: OpenMemory) -> None:
    async with remembers([], size=(100, 30)) as shell:
        await shell.press("f9")
        await read(shell)
        await shell.press("p")
        await shell.until_seen("private mode is on")
        await shell.press("n")
        await shell.until(
            lambda: "Private mode is on: nothing is remembered. P turns it off." in shell.notices()
        )
        await shell.press("escape")
        assert shell.app.conversation.query_one(TopLine).private
        assert "private" in shell.seen().splitlines()[0]
        await shell.ask(NOTE)
        await shell.press("y")
        await shell.until_seen("applied")
        await shell.press("f9")
        await read(shell)
        assert ids(shell) == []
        await shell.press("p", "escape")
        await shell.done("list")
        await shell.press("f9")
        await shell.until(
            lambda: isinstance(shell.app.screen, MemoryScreen) and set(ids(shell)) == {"e2", "p2"}
        )


async def test_private_for_good_says_where_that_is_changed(open_shell: OpenShell, home: Path) -> None:
    async with open_shell() as shell:
        await shell.press("f9")
        await shell.until_seen("Private mode is on", "memory.enabled is false", "F10 opens the settings")
        await shell.press("x", "n", "p", "i")
        assert isinstance(shell.app.screen, MemoryScreen)
        await shell.press("escape")
        assert isinstance(shell.app.screen, ConversationScreen)


async def test_damaged_files_are_told_and_mended(remembers: OpenMemory, tmp_path: Path) -> None:
    async with remembers(size=(100, 30)) as shell:
        kept(shell).store.close()
        for path in (tmp_path / "memory").glob(f"{LEDGER}*"):
            path.write_bytes(b"no ledger at all" * 400)
        await shell.press("f9")
        await shell.until(lambda: "Memory was damaged: its files were put aside in" in shell.notices())
        await shell.until_seen("Nothing is remembered yet.")


async def test_files_that_cannot_be_opened_are_told(remembers: OpenMemory, tmp_path: Path) -> None:
    async with remembers(size=(100, 30)) as shell:
        kept(shell).store.close()
        (tmp_path / "memory" / LEDGER).unlink()
        (tmp_path / "memory" / LEDGER).mkdir()
        await shell.press("f9")
        await shell.until_seen(
            "Memory is damaged", "casava-os memory rebuild makes it again from the journal"
        )
        await shell.press("escape")
        assert shell.prompt.has_focus


async def test_thousands_of_entries_and_any_size(remembers: OpenMemory) -> None:
    many = [Entry(f"e{n}", "episodes", f"request number {n}", "/w", float(n), n) for n in range(1, 3_001)]
    async with remembers(many, size=(40, 10), ascii_only=True) as shell:
        await shell.press("f9")
        await read(shell)
        assert ids(shell)[0] == "e3000"
        await shell.press("end")
        assert screen(shell).list.cursor == memory_screen.MOST_LISTED - 1
        for size in ((1, 1), (200, 60), (20, 6), (40, 10)):
            await shell.pilot.resize_terminal(*size)
        assert all(segment.text.isascii() for strip in painted(shell) for segment in strip)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_looks_like_this(remembers: OpenMemory, theme: str, size: str) -> None:
    async with remembers(theme=theme, size=SIZES[size]) as shell:
        await shell.press("f9")
        await read(shell)
        if size == "200x60":
            await shell.until_seen("e3  request")
        await looks(shell.pilot, f"memory-{theme}-{size}")
        await shell.press("enter")
        await shell.until_seen("e3  request", "b.log")
        await looks(shell.pilot, f"memory-open-{theme}-{size}")
        await shell.press("x")
        await shell.until(lambda: isinstance(shell.app.screen, ConfirmScreen))
        await shell.until_seen("Forget these 2")
        await looks(shell.pilot, f"memory-forget-{theme}-{size}")
