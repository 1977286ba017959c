"""What tidy does: list the folder, make the folders that are missing, move each group in one go."""

from __future__ import annotations

from casava_apps.api import Os
from casava_apps.tidy.rules import Rules, free_name
from casava_syscalls.file import ListDir, MakeDir, Move
from casava_syscalls.results import Ok
from casava_syscalls.values import Entry, Table, Text, Value


def main(os: Os) -> Value:
    """Sorts one folder; the result is a table of what went where."""
    rules = Rules.read(os.settings, by_date=os.parameters["by_date"].lower() in ("yes", "true", "1"))
    if isinstance(rules, str):
        os.fail("The rules of tidy are not right", rules, "mend apps/tidy.toml in the configuration folder")
    folder = os.parameters["folder"]
    entries = os(ListDir(path=folder, hidden=True)).items
    names = {entry.path.rpartition("/")[2] for entry in entries}
    if marks := sorted(names & rules.projects):
        os.fail(
            "This folder is a project, not a mess",
            f"it holds {marks[0]}, and moving its files would break it",
            "name another folder: --set folder=…",
        )
    moved: list[tuple[str, str]] = []
    for into, files in rules.sorted_out(entries).items():
        moved += _move(os, into if folder == "." else f"{folder}/{into}", files)
    return Table(columns=("file", "to"), rows=tuple(moved)) if moved else Text(text="Nothing to tidy.\n")


def _move(os: Os, into: str, files: list[Entry]) -> list[tuple[str, str]]:
    """Moves files into a folder that may not exist yet; a name that is taken there gets a number."""
    there = os.attempt(ListDir(path=into, hidden=True))
    if isinstance(there, Ok):
        taken = {entry.path.rpartition("/")[2] for entry in there.value.items}
    elif there.code == "not-found":
        os(MakeDir(paths=(into,)))
        taken = set()
    else:
        return []  # a file stands where the folder should be: leave the group where it is
    moved: list[tuple[str, str]] = []
    together: list[str] = []
    for file in files:
        name = file.path.rpartition("/")[2]
        target = f"{into}/{free_name(name, taken)}"
        taken.add(target.rpartition("/")[2])
        if target == f"{into}/{name}":
            together.append(file.path)
        else:
            os(Move(paths=(file.path,), to=target))
        moved.append((file.path, target))
    if together:
        os(Move(paths=tuple(together), to=into))
    return moved
