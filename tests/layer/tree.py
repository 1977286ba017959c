"""Builds, changes and describes directory trees for the layer's tests.

Runs as a script too, on a merged view inside a mount namespace: ``tree.py ROOT`` reads operations as JSON from standard
input, performs them, and prints the tree's snapshot. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from contextlib import suppress

Snapshot = dict[str, list[str | int]]
Operation = list[str | int]
OLD = 1_500_000_000_000_000_000


def snapshot(root: str) -> Snapshot:
    """Kind, mode, contents and mtime (ns, last) of everything below and of the root itself."""
    found: Snapshot = {"": describe(root)}
    for directory, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, root)] = describe(path)
    return found


def describe(path: str) -> list[str | int]:
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return ["link", 0, os.readlink(path), status.st_mtime_ns]
    if stat.S_ISDIR(status.st_mode):
        return ["directory", mode, "", status.st_mtime_ns]
    with open(path, "rb") as file:
        return ["file", mode, hashlib.sha256(file.read()).hexdigest(), status.st_mtime_ns]


def without_times(tree: Snapshot) -> Snapshot:
    return {path: facts[:3] for path, facts in tree.items()}


def build(root: str, nodes: list[tuple[str, str, str, int]]) -> None:
    """Nodes (path, kind, contents or target, mode), parents are made; a node whose place is taken is left out."""
    os.makedirs(root, exist_ok=True)
    for path, kind, text, mode in nodes:
        place = os.path.join(root, path)
        with suppress(OSError):  # a parent is a file or a link
            os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.lexists(place) or not os.path.isdir(os.path.dirname(place)):
            continue
        if kind == "directory":
            os.mkdir(place, mode | 0o700)
        elif kind == "link":
            os.symlink(text, place)
        else:
            write(place, text)
            os.chmod(place, mode)
    for number, path in enumerate(sorted(snapshot(root), reverse=True)):
        time = OLD + number * 1_234_567_891
        os.utime(os.path.join(root, path) if path else root, ns=(time, time), follow_symlinks=False)


def write(path: str, text: str) -> None:
    with open(path, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))


def pick(root: str, number: int, kinds: tuple[str, ...]) -> str | None:
    """One of the paths of these kinds; the root only counts as a directory to put things into."""
    paths = sorted(
        p for p, facts in snapshot(root).items() if facts[0] in kinds and (p or kinds == ("directory",))
    )
    return os.path.join(root, paths[number % len(paths)]).rstrip("/") if paths else None


def operate(root: str, operations: list[Operation]) -> None:
    for name, *arguments in operations:
        with suppress(OSError, shutil.Error):  # what the file system refuses is no operation
            OPERATIONS[str(name)](root, *arguments)


def remove(root: str, which: int, *_: object) -> None:
    if path := pick(root, which, ("file", "directory", "link")):
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def rename(root: str, which: int, where: int, name: str) -> None:
    path, folder = pick(root, which, ("file", "directory", "link")), pick(root, where, ("directory",))
    if path and folder and not (folder + "/").startswith(path + "/"):
        target = os.path.join(folder, name)
        if not os.path.isdir(target):
            shutil.move(path, target)


def rewrite(root: str, which: int, _: int, name: str) -> None:
    if path := pick(root, which, ("file",)):
        write(path + ".sed", f"rewritten {name}\n")
        os.chmod(path + ".sed", stat.S_IMODE(os.lstat(path).st_mode))
        os.rename(path + ".sed", path)


def append(root: str, which: int, _: int, name: str) -> None:
    if path := pick(root, which, ("file",)):
        with open(path, "ab") as file:
            file.write(os.fsencode(name))


def same_again(root: str, which: int, *_: object) -> None:
    if path := pick(root, which, ("file",)):
        with open(path, "rb") as file:
            contents = file.read()
        with open(path, "wb") as file:
            file.write(contents)


def touch(root: str, which: int, *_: object) -> None:
    if path := pick(root, which, ("file", "directory")):
        os.utime(path)


def chmod(root: str, which: int, mode: int, *_: object) -> None:
    if path := pick(root, which, ("file",)):
        os.chmod(path, mode % 0o1000)


def chmod_directory(root: str, which: int, mode: int, *_: object) -> None:
    if path := pick(root, which, ("directory",)):
        os.chmod(path, mode % 0o1000 | 0o700)


def link(root: str, which: int, _: int, name: str) -> None:
    if folder := pick(root, which, ("directory",)):
        os.symlink(name, os.path.join(folder, f"link-{name}"))


def hard_link(root: str, which: int, where: int, name: str) -> None:
    path, folder = pick(root, which, ("file",)), pick(root, where, ("directory",))
    if path and folder:
        os.link(path, os.path.join(folder, name))


def make_directory(root: str, which: int, _: int, name: str) -> None:
    if folder := pick(root, which, ("directory",)):
        os.makedirs(os.path.join(folder, name, "deep", "er"))


def make_file(root: str, which: int, _: int, name: str) -> None:
    if folder := pick(root, which, ("directory",)):
        write(os.path.join(folder, name), f"new {name}")


def swap(root: str, which: int, _: int, name: str) -> None:
    """A file becomes a directory with contents; a directory becomes a file; a link becomes either."""
    path = pick(root, which, ("file", "directory", "link"))
    if path is None:
        return
    was_directory = os.path.isdir(path) and not os.path.islink(path)
    remove_path(path)
    if was_directory:
        write(path, f"was a directory {name}")
    else:
        os.mkdir(path)
        write(os.path.join(path, name), "was no directory")


def recreate(root: str, which: int, *_: object) -> None:
    """A directory is removed and made again with half of its files: an opaque directory in the layer."""
    path = pick(root, which, ("directory",))
    if path is None or path == root:
        return
    files = [e.path for e in os.scandir(path) if e.is_file(follow_symlinks=False)][::2]
    kept = {}
    for place in files:
        with open(place, "rb") as file:
            kept[place] = file.read()
    shutil.rmtree(path)
    os.mkdir(path)
    for place, contents in kept.items():
        with open(place, "wb") as file:
            file.write(contents)


def remove_path(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


OPERATIONS: dict[str, Callable[..., None]] = {
    "remove": remove,
    "rename": rename,
    "rewrite": rewrite,
    "append": append,
    "same_again": same_again,
    "touch": touch,
    "chmod": chmod,
    "chmod_directory": chmod_directory,
    "link": link,
    "hard_link": hard_link,
    "make_directory": make_directory,
    "make_file": make_file,
    "swap": swap,
    "recreate": recreate,
}

if __name__ == "__main__":
    operate(sys.argv[1], json.load(sys.stdin))
    json.dump(snapshot(sys.argv[1]), sys.stdout)
