"""`memory index` and `memory unindex`: the folders whose texts the person wants to find again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import Json

if TYPE_CHECKING:
    from casava_os.cli.follow import Front
    from casava_os.memory.documents import Indexed
    from casava_os.memory.service import Remembrance
    from casava_syscalls.results import Result

BAR = 24
"""Characters of a bar of progress."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(index)
    app.command()(unindex)


def index(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER…]", help="Without one: those that are indexed.", show_default=False),
    ] = None,
    json: Json = False,
) -> int:
    """Read the texts of folders, so that they are found like what you did. From then on every search looks what has changed.

    Left out: hidden files, what .gitignore names, links, keys, files over 1 MB and what is no text. Secrets are taken out.
    """
    from casava_os.cli.follow import Front
    from casava_os.cli.memory import with_memory
    from casava_syscalls.results import Err

    front = Front(json=json)
    found = with_memory(front, lambda memory: memory.guarded(lambda: _index(front, memory, folders or [])))
    if isinstance(found, Err):
        return front.fail(found)
    if isinstance(found.value, Err):
        return front.fail(found.value)
    _show(front, found.value.value)
    return 0


def _index(front: Front, memory: Remembrance, folders: list[Path]) -> Result[list[Indexed]]:
    """Reads and embeds, with a bar of each."""
    from casava_syscalls.results import Err, Ok

    reading = bar(front, "Reading")
    done: list[Indexed] = []
    for folder in folders:
        result = memory.documents.index(folder, reading)
        if isinstance(result, Err):
            return result
        done.append(result.value)
    if not folders:
        if not memory.documents.folders():
            message = "no folder is indexed yet"
            return Err(
                code="usage",
                title="What should be indexed?",
                message=message,
                hint="casava-os memory index FOLDER",
            )
        done = memory.documents.refresh(told=reading)
    memory.store.index(bar(front, "Embedding"))
    return Ok(value=done)


def _show(front: Front, done: list[Indexed]) -> None:
    from casava_syscalls.values import Facts

    for one in done:
        if front.json:
            counts = {"files": one.files, "read": one.read, "removed": one.removed, "huge": one.huge}
            front.output.json(Facts(items={"folder": one.folder, **counts, "waiting": one.waiting}))
        for note in one.notes:
            front.screen.warning(note)
        if one.huge:
            front.screen.note(f"{one.huge} files of {one.folder} are over 1 MB and were not read.")
    if not front.json:
        front.output.rows(
            [(one.folder, _many(one.files, "text"), f"{_many(one.read, 'file')} read now") for one in done]
        )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def unindex(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)], json: Json = False
) -> int:
    """Forget all texts of an indexed folder, and read it no more. Its files stay as they are."""
    from casava_os.cli.follow import Front
    from casava_os.cli.memory import with_memory
    from casava_syscalls.results import Err

    front = Front(json=json)
    found = with_memory(front, lambda memory: memory.guarded(lambda: memory.documents.unindex(folder)))
    if isinstance(found, Err):
        return front.fail(found)
    if isinstance(found.value, Err):
        return front.fail(found.value)
    front.output.text(str(found.value.value))
    front.screen.note(f"{found.value.value} passages forgotten. The files are as they were.")
    return 0


def bar(front: Front, what: str) -> Callable[[int, int], None]:
    """Shows how far something is, on a terminal."""

    def told(done: int, total: int) -> None:
        full = BAR * done // max(1, total)
        front.screen.progress(f"{what} {'━' * full}{'┄' * (BAR - full)} {done:,} of {total:,}")

    return told
