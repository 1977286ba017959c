"""The files of the workspace: what is there, what is held for them, what changes while they are looked at."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path

import pytest
from textual.widgets import Static

from casava_os.kernel.events import ChangesetMade
from casava_os.kernel.ports import Change
from casava_os.shell.completion import quoted
from casava_os.shell.listing import PAGE, Plans, gathered, read_folder, read_preview
from casava_os.shell.screens import files as files_screen
from casava_os.shell.screens.files import FilesScreen
from casava_os.shell.watching import FolderWatch
from casava_os.shell.widgets.filetree import FileTree
from tests.shell.conftest import NOTE, OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.test_looks import SIZES


def furnish(workspace: Path) -> None:
    (workspace / "src").mkdir()
    (workspace / "src" / "main.py").write_text("def double(x):\n    return 2 * x  # twice\n")
    (workspace / ".hidden").write_text("h\n")
    (workspace / "bad\nname\x1b[2J").write_text("x")
    (workspace / "two words.txt").write_text("x\x1b[31mred\n")
    with open(os.fsencode(workspace) + b"/b\xffd", "w") as file:
        file.write("bytes\n")


async def opened(shell: Shell) -> FilesScreen:
    await shell.press("f6")
    await shell.until(
        lambda: (
            isinstance(shell.app.screen, FilesScreen) and shell.app.screen.query_one(FileTree).root.children
        )
    )
    screen = shell.app.screen
    assert isinstance(screen, FilesScreen)
    return screen


async def go_to(shell: Shell, text: str) -> None:
    """Moves the cursor onto the line with this text."""
    tree = shell.app.screen.query_one(FileTree)
    for _ in range(60):
        if tree.cursor_node is not None and text in str(tree.cursor_node.label):
            return
        await shell.press("down")
    raise AssertionError(shell.seen())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_what_is_there_and_what_is_held_for_it(open_shell: OpenShell, size: str, theme: str) -> None:
    async with open_shell(size=SIZES[size], theme=theme) as shell:
        furnish(shell.bench.workspace)
        await shell.bench.kernel.run(NOTE, workspace=shell.bench.workspace).finished()
        await opened(shell)
        await shell.until_seen(
            "Files",
            "3 would change when process 1 is applied",
            "src/",
            "+ notes/",
            "~ a.txt",
            "changed by 1, held",
        )
        await shell.until_seen("bad\\nname\\x1b[2J", "b\\xffd")
        assert ".hidden" not in shell.seen()
        await go_to(shell, "src/")
        await shell.press("right")
        await shell.until_seen("main.py")
        await go_to(shell, "main.py")
        await shell.until_seen("return 2 * x")
        await looks(shell.pilot, f"files-{theme}-{size}")
        await go_to(shell, "a.txt")
        await shell.until_seen("what process 1 would do", "two", "TWO")
        await looks(shell.pilot, f"files-held-{theme}-{size}")


async def test_it_follows_what_happens(open_shell: OpenShell) -> None:
    async with open_shell(size=(120, 30)) as shell:
        workspace = shell.bench.workspace
        furnish(workspace)
        await opened(shell)
        await go_to(shell, "src/")
        await shell.press("space")
        await shell.until_seen("main.py")
        (workspace / "new.txt").write_text("hi")
        (workspace / "src" / "later.py").write_text("")
        await shell.until_seen("new.txt  2 B", "later.py")
        assert "src/" in str(shell.app.screen.query_one(FileTree).cursor_node.label)  # type: ignore[union-attr]
        (workspace / "new.txt").unlink()
        (workspace / "src" / "later.py").rename(workspace / "src" / "moved.py")
        await shell.until(lambda: "new.txt" not in shell.seen() and "later.py" not in shell.seen())
        await shell.until_seen("moved.py")
        await shell.press("space")
        await shell.until(lambda: "main.py" not in shell.seen())
        await shell.press("full_stop")
        await shell.until_seen(".hidden")


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("", "a.txt", "a.txt "),
        ("delete", "two words", 'delete "two words.txt" '),
        ("!cat", "two words", "!cat 'two words.txt' "),
    ],
)
async def test_enter_puts_the_path_into_the_prompt(
    open_shell: OpenShell, before: str, name: str, after: str
) -> None:
    async with open_shell() as shell:
        furnish(shell.bench.workspace)
        await shell.type(before)
        await opened(shell)
        await go_to(shell, name)
        await shell.press("enter")
        await shell.until(lambda: shell.prompt.text == after)
        assert shell.app.screen is shell.app.conversation
        assert shell.prompt.has_focus


def test_paths_are_quoted_so_that_they_stay_one_word() -> None:
    assert quoted("plain.txt", command=False) == "plain.txt"
    assert quoted("it's", command=False) == '"it\'s"'
    assert quoted('say "hi"', command=False) == "'say \"hi\"'"
    assert quoted("$(rm -rf x)", command=True) == "'$(rm -rf x)'"


async def test_a_folder_of_a_hundred_thousand_stays_smooth(open_shell: OpenShell) -> None:
    async with open_shell(size=(120, 30)) as shell:
        many = shell.bench.workspace / "many"
        many.mkdir()
        for number in range(100_000):
            (many / f"f{number:06}").touch()
        await opened(shell)
        await go_to(shell, "many/")
        await shell.press("right")
        slowest, tree = 0.0, shell.app.screen.query_one(FileTree)
        while not (tree.cursor_node and tree.cursor_node.children):
            begin = time.perf_counter()
            await asyncio.sleep(0.01)
            slowest = max(slowest, time.perf_counter() - begin)
        assert slowest < 1, f"the screen stood still for {slowest:.1f} s"
        await shell.until_seen("f000000")
        assert len(tree.cursor_node.children) == PAGE + 1
        tree.move_cursor(tree.cursor_node.children[-1])
        await shell.until_seen("99,500 more")
        await shell.press("enter")
        await shell.until(lambda: len(tree.root.children[0].children) == 2 * PAGE + 1)
        assert isinstance(shell.app.screen, FilesScreen)


async def test_without_watches_it_looks_now_and_then_and_says_so(
    open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", refuse)
    monkeypatch.setattr(files_screen, "LOOK", 0.5)
    async with open_shell(size=(120, 30)) as shell:
        await opened(shell)
        await shell.until_seen("this machine watches no more folders (inotify watch limit reached)")
        (shell.bench.workspace / "new.txt").write_text("hi")
        await shell.until_seen("new.txt")


async def test_what_becomes_held_while_it_is_open_is_marked(
    open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_screen, "LOOK", 0.3)
    async with open_shell(size=(120, 30)) as shell:
        await opened(shell)
        await shell.bench.kernel.run(NOTE, workspace=shell.bench.workspace).finished()
        await shell.until_seen("~ a.txt", "changed by 1, held")
        await shell.bench.kernel.discard(1).finished()
        await shell.until(lambda: "held" not in shell.seen())


async def test_a_folder_that_cannot_be_read_says_so(
    open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shell(size=(120, 30)) as shell:
        closed = shell.bench.workspace / "closed"
        closed.mkdir()
        real = os.scandir

        def scan(path: str) -> object:
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr("casava_os.shell.listing.os.scandir", scan)
        await opened(shell)
        await go_to(shell, "closed/")
        await shell.press("right")
        await shell.until_seen("cannot be read: Permission denied")


@pytest.mark.parametrize("size", [(20, 24), (20, 6), (1, 1), (300, 90)])
async def test_any_size(open_shell: OpenShell, size: tuple[int, int]) -> None:
    async with open_shell(size=(80, 24)) as shell:
        furnish(shell.bench.workspace)
        await opened(shell)
        for wide, high in (size, (80, 24), size, (20, 24)) * 4:
            await shell.pilot.resize_terminal(wide, high)
        await shell.until_seen("a.txt")
        await shell.press("escape")
        await shell.until(lambda: shell.app.screen is shell.app.conversation)


def test_only_what_a_layer_has_stands_where_it_would_be(tmp_path: Path) -> None:
    changes = (
        Change(path="new/deep/file", action="added", type="file", size=3),
        Change(path="old", action="renamed", source="was", type="file"),
        Change(path=".secret", action="added", type="file"),
        Change(path="gone", action="deleted", type="file"),
    )
    made = ChangesetMade(changes=changes, summary="", diff="", digest="")
    plans = gathered([(7, False, made)])
    (tmp_path / "gone").touch()
    (tmp_path / "was").touch()
    top = read_folder(str(tmp_path), "", plans)
    told = [
        (row.name, row.kind, row.there, [plan.action for plan in row.planned], row.inside) for row in top.rows
    ]
    assert told == [
        ("new", "directory", False, [], 1),
        ("gone", "file", True, ["deleted"], 0),
        ("old", "file", False, ["added"], 0),
        ("was", "file", True, ["renamed"], 0),
    ]
    assert [row.name for row in read_folder(str(tmp_path), "new", plans).rows] == ["deep"]
    assert [row.name for row in read_folder(str(tmp_path), "new/deep", plans).rows] == ["file"]
    assert ".secret" in [row.name for row in read_folder(str(tmp_path), "", plans, hidden=True).rows]
    assert read_folder(str(tmp_path), "nowhere", Plans()).problem == "this folder is gone"


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "zero").write_bytes(b"a\0b")
    (tmp_path / "nothing").touch()
    (tmp_path / "long").write_text("x" * 200_000)
    said = {
        name: read_preview(str(tmp_path), name).said
        for name in ("pipe", "link", "zero", "nothing", "long", "no")
    }
    assert said == {
        "pipe": "no regular file",
        "link": "a link to pipe",
        "zero": "not text",
        "nothing": "empty",
        "long": "only its beginning is shown",
        "no": "cannot be read: No such file or directory",
    }


def test_a_watch_tells_of_its_folders_only(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    watch = FolderWatch(most=1)
    watch.keep([str(tmp_path / "in")])
    (tmp_path / "out" / "x").touch()
    (tmp_path / "in" / "x").touch()
    end, found = time.monotonic() + 10, set[str]()
    while not found and time.monotonic() < end:
        time.sleep(0.05)
        found = watch.changed()
    assert found == {str(tmp_path / "in")}
    watch.keep([str(tmp_path / "in"), str(tmp_path / "out")])
    assert watch.limited
    time.sleep(0.01)
    (tmp_path / "out" / "y").touch()
    assert watch.look() == {str(tmp_path / "out")}
    assert watch.look() == set()
    watch.close()


async def test_the_preview_is_harmless(open_shell: OpenShell) -> None:
    async with open_shell(size=(120, 30)) as shell:
        furnish(shell.bench.workspace)
        await opened(shell)
        await go_to(shell, "two words")
        await shell.until_seen("x\\x1b[31mred")
        assert "\x1b" not in str(shell.app.screen.query_one("#text Static", Static).content)
