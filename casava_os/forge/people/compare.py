"""Compares what a command printed and left behind with what a plan gave and left behind."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from casava_os.forge.people.jail import Ran
from casava_os.forge.people.plans import Draft

_CHANGES = ("file.delete", "file.move", "file.copy", "file.rename", "file.chmod", "file.touch", "file.make_dir", "file.write", "file.link", "file.archive", "file.extract", "text.replace", "idiom.join_files")  # fmt: skip
_SUFFIXES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def difference(
    draft: Draft, ran: Ran, value: Mapping[str, object], commanded: Path, planned: Path
) -> str | None:
    """What differs, or None. `commanded` and `planned` are the two workspaces afterwards."""
    calls = calls_of(draft)
    if any(call in _CHANGES for call in calls):
        times = "file.touch" in calls
        ordered = not {"file.find", "file.list"} & set(calls)
        one, other = (tree(place, times=times, ordered=ordered) for place in (commanded, planned))
        for search in draft.needs.searches:  # the searched directory itself is not below itself
            if one.get(top := os.path.normpath(search.root), "").startswith("directory") and top in other:
                one[top] = other[top]
        if one != other and _listing_saved(draft, commanded, planned):
            path = os.path.normpath(_written_path(draft))
            one[path] = other.get(path, "")
        return None if one == other else "the trees"
    if tree(commanded, times=False) != tree(planned, times=False):
        return "the trees"
    return _shown(draft, ran.out, value, planned)


def _written_path(draft: Draft) -> str:
    path = draft.calls[-1].get("path")
    return f"{path['in']}/{path['name']}" if isinstance(path, Mapping) else str(path)


def _listing_saved(draft: Draft, commanded: Path, planned: Path) -> bool:
    """Whether both wrote a list of the same files; the searched directory and the list itself are not meant."""
    if calls_of(draft)[-1] != "file.write" or calls_of(draft)[-2:-1] not in (
        ["file.find"],
        ["file.list"],
        ["file.hash"],
    ):
        return False
    path = _written_path(draft)
    left = {os.path.normpath(path), os.path.normpath(_root(draft)), ".", ".."}
    lists: list[set[str]] = []
    for place in (commanded, planned):
        if not (place / path).is_file():
            return False
        lines = (place / path).read_text("utf-8", "replace").splitlines()
        entries = {" ".join(sorted(os.path.normpath(word) for word in line.split())) for line in lines}
        if _files_by_word(draft):
            entries = {entry for entry in entries if not (place / entry).is_dir()}
        lists.append(
            {entry for entry in entries if entry not in left and not entry.startswith(("md5 ", "path "))}
        )
    return lists[0] == lists[1] and bool(lists[0])


def calls_of(draft: Draft) -> list[str]:
    """The names of the calls."""
    return [str(call["call"]) for call in draft.calls]


def changes(draft: Draft) -> bool:
    """Whether the calls change files."""
    return any(call["call"] in _CHANGES for call in draft.calls)


# ---------------------------------------------------------------------------------------------- what is shown


def _shown(draft: Draft, out: str, value: Mapping[str, object], root: Path) -> str | None:
    kind = value.get("kind")
    if kind == "files":
        return _files(draft, out, [str(item["path"]) for item in _items(value)], root)
    if kind == "number":
        return _number(draft, out, value)
    if kind == "matches":
        wanted = Counter(_bare(str(item["text"])) for item in _items(value))
        printed = [line for line in _lines(out) if not (root / line.strip()).exists()]
        return None if wanted == Counter(_matched(line, root) for line in printed) else "the lines that match"
    if kind == "text":
        if calls_of(draft)[0] == "file.find":  # "-print -exec cat": the names are not the contents
            names = (
                line for line in out.splitlines() if not line.strip() or not (root / line.strip()).exists()
            )
            out = "\n".join(names)
        return _text(draft, out, str(value.get("text", "")))
    if kind == "table":
        return _table(draft, out, value, root)
    if kind == "exit":
        if value.get("code") != 0:
            return "the script failed"
        return _text(draft, out, str(value.get("stdout", "")))
    return f"a {kind} cannot be compared"


def _items(value: Mapping[str, object]) -> list[Mapping[str, object]]:
    items = value.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list | tuple) else []


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\0", "\n").splitlines() if line.strip()]


def _bare(text: str) -> str:
    return " ".join(text.split())


def _files(draft: Draft, out: str, found: list[str], root: Path) -> str | None:
    lines = _lines(out)
    if draft.basenames:
        wanted = Counter(path.rpartition("/")[2] for path in found)
        return None if wanted == Counter(line.strip() for line in lines) else "the names"
    limited = draft.calls[-1].get("limit") is not None
    printed: list[str] = []
    for line in lines:
        path = _path_in(line, root, draft)
        if path is None:
            several = [_path_in(word, root, draft) for word in line.split()]
            if len(several) > 1 and None not in several:
                printed += [one for one in several if one is not None]
                continue
            if re.match(r"(?:total \d+|\S+:)$", line):
                continue
            return "a line without a path"
        printed.append(path)
    top = os.path.normpath(_root(draft))
    printed = [path for path in printed if path not in (".", top)]
    if _files_by_word(draft):
        printed = [path for path in printed if not (root / path).is_dir() or (root / path).is_symlink()]
    if draft.any_order:
        return None if len(printed) in (len(found), len(found) - 1) else "how many paths"
    if limited and draft.calls[-1].get("sort"):
        return None if printed == found or set(printed) == set(found) else "the paths in order"
    if set(printed) != set(found):
        return "the paths"
    if draft.calls[-1].get("sort") and printed != found:
        return "the order"
    return None


def _files_by_word(draft: Draft) -> bool:
    """Whether the request says "files" and the command does not: what it lists of directories is not meant."""
    return any(call.get("type") == "file" or "contains" in call for call in draft.calls) and any(
        search.type is None for search in draft.needs.searches
    )


def _root(draft: Draft) -> str:
    for search in draft.needs.searches:
        return search.root
    return "."


def _path_in(line: str, root: Path, draft: Draft) -> str | None:
    """The path that a line of a listing ends with."""
    words = line.split(" -> ", maxsplit=1)[0].split()
    for start in range(len(words)):
        text = " ".join(words[start:]).rstrip("*/=@|") or "."
        for base in (text, f"{_root(draft)}/{text}"):
            if (root / base.lstrip("/")).exists() or (root / base.lstrip("/")).is_symlink():
                return os.path.normpath(base)
        if len(words) > 1 and ":" in text and (root / text.rpartition(":")[2].strip()).exists():
            return os.path.normpath(text.rpartition(":")[2].strip())
    return None


def _number(draft: Draft, out: str, value: Mapping[str, object]) -> str | None:
    lines = _lines(out)
    if not lines:
        return "no number"
    match = re.match(r"\s*([\d.]+)([KMGT]?)\b", lines[-1])
    if match is None:
        return "no number"
    wanted = value.get("value")
    assert isinstance(wanted, int | float)
    number = float(match[1]) * _SUFFIXES[match[2]]
    if draft.calls[-1]["call"] == "file.size":
        return None if _near_size(number, wanted) else "the size"
    if draft.calls[-1]["call"] == "file.count" and number == wanted + 1:
        return None  # `find` counts the searched directory, too
    return None if number == wanted else "the number"


def _near_size(number: float, wanted: float) -> bool:
    """`du` counts blocks, in kilobytes or bytes: within a block for each small file."""
    return any(
        abs(number * unit - wanted) <= 0.25 * max(wanted, number * unit) + 2**19 for unit in (1, 2**10, 2**20)
    )


def _matched(line: str, root: Path) -> str:
    """A line that `grep` printed, without the file and number before it."""
    match = re.match(r"([^:]+):(?:(\d+):)?(.*)$", line)
    if match is not None and (root / match[1].lstrip("/")).exists():
        return _bare(match[3])
    match = re.match(r"(\d+):(.*)$", line)
    return _bare(match[2] if match is not None else line)


def _text(draft: Draft, out: str, text: str) -> str | None:
    last = str(draft.calls[-1]["call"])
    if last == "file.diff":
        return None if _changed(out) == _changed(text) else "the differences"
    printed, given = [_bare(line) for line in _lines(out)], [_bare(line) for line in _lines(text)]
    if last == "file.read" and len(printed) != len(given):
        printed = [line for line in printed if not re.fullmatch(r"==> .* <==", line)]
    if last == "idiom.list_archive":
        return None if _names(printed) & _names(given) or printed == given else "the entries"
    if last.startswith("idiom.lines_"):
        strip = re.compile(r"^(?:[^\s:]*?\.\w+[:-])?(?:\d+[:-])?")
        printed, given = (
            [strip.sub("", line) for line in lines if line != "--"] for lines in (printed, given)
        )
    if last == "idiom.shuffle_lines" or last in ("text.unique", "file.read"):
        return None if Counter(printed) == Counter(given) else "the lines"
    return None if printed == given else "the lines in order"


def _names(lines: Iterable[str]) -> set[str]:
    return {word for line in lines for word in line.split() if "one.txt" in word}


def _changed(text: str) -> set[str]:
    """Added and removed lines of a difference of any format."""
    found = set()
    for line in text.splitlines():
        if line.startswith(("---", "+++", "Only in", "diff ")):
            continue
        if line.startswith(("< ", "> ", "-", "+")):
            found.add(("-" if line[0] in "<-" else "+") + _bare(line[1:]))
    return found


def _table(draft: Draft, out: str, value: Mapping[str, object], root: Path) -> str | None:
    rows = value.get("rows")
    assert isinstance(rows, list | tuple)
    if draft.calls[-1]["call"] == "file.hash":
        wanted = {(os.path.normpath(str(row[0])), str(row[1])) for row in rows}
        printed = {
            (os.path.normpath(line.split(None, 1)[1].lstrip("*")), line.split()[0])
            for line in _lines(out)
            if len(line.split()) > 1
        }
        return None if printed == wanted else "the checksums"
    return _files(draft, out, [str(row[0]) for row in rows], root)


# ---------------------------------------------------------------------------------------------- what is left


def tree(root: Path, *, times: bool = False, ordered: bool = True) -> dict[str, str]:
    """Every entry with type, mode and content. Text that a query wrote is compared by its lines."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            found[name] = f"link {os.path.normpath(path.parent / path.readlink()).removeprefix(str(root))}"
        elif stat.S_ISDIR(info.st_mode):
            found[name] = f"directory {info.st_mode:o}"
        else:
            found[name] = (
                f"file {info.st_mode:o} {info.st_nlink} {_content(path, info.st_size, name, ordered=ordered)}"
            )
            if times:
                found[name] += f" {int(info.st_mtime / 600)}"
    return found


def _content(path: Path, size: int, name: str, *, ordered: bool) -> str:
    """What tells a file from others. A listing has no order, and may name itself when it is written into the listed directory."""
    if size > 2**22:
        return str(size)
    try:
        if path.name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                return repr(
                    sorted(
                        (entry.filename.rstrip("/"), entry.CRC)
                        for entry in archive.infolist()
                        if not entry.is_dir()
                    )
                )
        if re.search(r"\.(?:tar|tgz|tbz2|txz)(?:\.\w+)?$", path.name):
            with tarfile.open(path) as packed:
                return repr(
                    sorted(
                        (os.path.normpath(member.name), member.size) for member in packed if member.isfile()
                    )
                )
    except (OSError, tarfile.TarError, zipfile.BadZipFile):
        pass
    data = path.read_bytes()
    lines = [
        _bare(re.sub(r"^\./", "", line)) for line in data.decode("utf-8", "surrogateescape").splitlines()
    ]
    lines = [line for line in (lines if ordered else sorted(lines)) if line and line != name]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
