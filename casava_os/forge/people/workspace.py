"""Small workspaces in which a command has something to do: what it names, and next to it what it must leave alone.

Everything follows from what the command says. Of every condition there are files that meet all, and files that miss
only this one; names come in matching and nearly matching forms, in the searched directory and below.
"""

from __future__ import annotations

import io
import os
import random
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from casava_os.forge.people.plans import Needs, Search

_DAY = 86_400
_PLACES = (
    "",
    "sub",
    "sub/deep",
    "other",
    "sub/deep/er",
    "third",
    "sub/two",
    "other/low",
    "sub/deep/er/far/down",
)
_WORDS = ("alpha", "beta", "gamma", "delta", "omega", "12", "7", "305")


@dataclass(frozen=True, slots=True)
class _Traits:
    """One file of a search: which conditions it meets."""

    size: int | None = None
    age: float = 3.3 * _DAY
    mode: int | None = None
    word: bool = False
    empty: bool = False


def fill(needs: Needs, root: Path, now: float, seed: int) -> None:
    """Fills an empty directory. The same arguments give the same workspace; ages count from `now`."""
    rng = random.Random(seed)
    stamps: dict[Path, float] = {}
    for folder in needs.folders:
        _folder(root, folder, rng, hollow=needs.empty_folders)
    for name in needs.archives:
        _archive(root / _inside(name))
    for number, name in enumerate(needs.files):
        path = root / _inside(name)
        if _made(path.parent) and not path.exists():
            path.write_text(_text(needs, rng, number))
    for search in needs.searches:
        _search(search, needs, root, rng, stamps)
    if not needs.searches:
        for name in ("bystander.txt", "sub/bystander.md"):
            _made((root / name).parent)
            if not (root / name).exists():
                (root / name).write_text("stays\n")
    for path in sorted(root.rglob("*"), key=lambda path: -len(path.parts)):
        if not path.is_symlink():
            age = stamps.get(path, 3.3 * _DAY)
            os.utime(path, (now - age, now - age))


def _inside(name: str) -> str:
    clean = os.path.normpath(name)
    if clean.startswith(("/", "..", "~")):
        raise ValueError(name)
    return clean


def _made(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return False
    return True


def _folder(root: Path, name: str, rng: random.Random, *, hollow: bool) -> None:
    path = root / _inside(name or ".")
    if not _made(path) or hollow:
        return
    for inner in ("one.txt", "deep/two.log"):
        if _made((path / inner).parent) and path != root:
            (path / inner).write_text(" ".join(rng.choices(_WORDS, k=4)) + "\n")


def _text(needs: Needs, rng: random.Random, number: int) -> str:
    glue = {None: " ", " ": " ", "\t": "\t"}.get(needs.columns, needs.columns or " ")
    base = random.Random(len(needs.files))  # the files share most lines, so that they can be compared
    lines = [glue.join(base.choices(_WORDS, k=9 if needs.columns else base.randint(1, 4))) for _ in range(40)]
    for _ in range(3):
        lines[rng.randrange(len(lines))] = glue.join(rng.choices(_WORDS, k=9)) + f"{glue}{number}"
    for word in needs.words:
        for said in (word, f"x{word}x", *([] if needs.one_case else [word.swapcase()])):
            lines.insert(
                rng.randrange(len(lines)),
                f"{rng.choice(_WORDS)}{glue}{said}{glue}{rng.choice(_WORDS)}{glue}{number}",
            )
    return "\n".join([*lines, lines[0], lines[3], lines[3]]) + "\n"


def _archive(path: Path) -> None:
    if not _made(path.parent):
        return
    data = b"packed\n"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("packed/one.txt", data)
            packed.writestr("two.txt", data)
        return
    mode = {
        ".gz": "w:gz",
        ".tgz": "w:gz",
        ".bz2": "w:bz2",
        ".tbz2": "w:bz2",
        ".xz": "w:xz",
        ".txz": "w:xz",
    }.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name in ("packed/one.txt", "two.txt"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


# ---------------------------------------------------------------------------------------------- searches


def _search(search: Search, needs: Needs, root: Path, rng: random.Random, stamps: dict[Path, float]) -> None:
    top = root / _inside(search.root)
    if not _made(top):
        return
    patterns = search.names or ["*"]
    good, *bad = _traits(search, needs)
    number = 0
    for pattern in patterns:
        for traits in (good, *bad, good, good, *bad, good, good):
            for name in (*_matching(pattern, number, fold=search.fold), *_missing(pattern, number)):
                place = _PLACES[number % len(_PLACES)]
                number += 1
                _put(top / place / name, traits, needs, rng, stamps, number)
    for pattern in search.excluded:
        _left_out(pattern, patterns[0], top, good, needs, rng, stamps)
    _directories(search, patterns, top)


def _traits(search: Search, needs: Needs) -> list[_Traits]:
    """What meets every condition, and what misses one."""
    size = None
    misses: list[dict[str, object]] = []
    if search.larger is not None and search.smaller is not None:
        size = int((search.larger + search.smaller) / 2)
        misses += [{"size": int(search.larger * 0.6)}, {"size": int(search.smaller * 1.6) + 1}]
    elif search.larger is not None:
        size = int(search.larger * 1.6) + 1025
        misses.append({"size": int(search.larger * 0.6)})
    elif search.smaller is not None:
        size = int(search.smaller * 0.6)
        misses.append({"size": int(search.smaller * 1.6) + 1025})
    age = _age(search, misses)
    mode = search.mode
    if mode is not None:
        misses += [{"mode": mode ^ 0o100}, {"mode": mode ^ 0o004}]
    elif search.executable is not None:
        mode = 0o755 if search.executable else 0o644
        misses.append({"mode": 0o644 if search.executable else 0o755})
    empty = search.empty is True
    if search.empty is not None:
        misses.append({"empty": not empty})
    word = bool(needs.words)
    if word:
        misses.append({"word": False})
    base: dict[str, object] = {"size": size, "age": age, "mode": mode, "word": word, "empty": empty}
    return [_Traits(**base), *(_Traits(**{**base, **miss}) for miss in misses)]  # type: ignore[arg-type]


def _age(search: Search, misses: list[dict[str, object]]) -> float:
    """An age that meets the conditions. Near a limit the command counts in whole days, so ages keep off it."""
    now = datetime.now().timestamp()  # noqa: DTZ005 - find and the ABI read dates as local time
    ages = {
        key: now - datetime.fromisoformat(text).timestamp()
        for key, text in (("after", search.after), ("before", search.before))
        if text is not None and re.fullmatch(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?", text)
    }
    oldest = [value for value in (search.newer, ages.get("after")) if value is not None]
    youngest = [value for value in (search.older, ages.get("before")) if value is not None]
    if oldest and youngest:
        low, high = max(youngest), min(oldest)
        misses += [{"age": low * 0.5}, {"age": high * 1.6 + _DAY}]
        return (low + high) / 2 + (0.7 * _DAY if high - low > 2 * _DAY else 0)
    if oldest:
        misses.append({"age": min(oldest) * 1.6 + 60})
        return min(oldest) * 0.5
    if youngest:
        whole = _DAY if search.older and search.older >= _DAY else 60
        misses.append({"age": max(youngest) * 0.5})
        return max(youngest) * 1.6 + 1.5 * whole
    return 3.3 * _DAY


def _matching(pattern: str, number: int, *, fold: bool) -> Iterator[str]:
    """Names that a pattern matches."""
    if "*" not in pattern and "?" not in pattern and "[" not in pattern:
        yield pattern
        if fold:
            yield pattern.swapcase()
        return
    # A name that is all ending (".png") is left out: to the ABI it has none.
    whole = re.fullmatch(r"\*\.[\w\[\]]+", pattern) is not None
    for filler in (f"w{number}", "" if number % 3 == 0 and not whole else f"q{number}-q.r"):
        name = pattern.replace("*", filler)
        name = re.sub(r"\[[!^][^]]*\]", "@", name)
        name = re.sub(r"\[([^]]+)\]", lambda match: _of_class(match[1], number), name).replace("?", "k")
        if name and name not in (".", ".."):
            yield name
            if fold:
                yield name.swapcase()


def _of_class(letters: str, number: int) -> str:
    """One of the characters of `[abc]` or `[a-c]`."""
    return letters[0] if "-" in letters[1:-1] else letters[number % len(letters)]


def _missing(pattern: str, number: int) -> Iterator[str]:
    """Names that a pattern nearly matches."""
    if pattern.strip("*") == "":
        return
    core = re.sub(r"[*?]|\[[^]]*\]", "", pattern)
    yield f"zz{number}{core}zz"
    yield re.sub(r"[*?]|\[[^]]*\]", f"v{number}", pattern) + "x"
    yield "x" + re.sub(r"[*?]|\[[^]]*\]", f"v{number}", pattern.lstrip("*."))
    if "." in core:
        yield f"n{number}" + core.replace(".", "")
    yield f"plain{number}.dat"


def _put(
    path: Path, traits: _Traits, needs: Needs, rng: random.Random, stamps: dict[Path, float], number: int
) -> None:
    if not _made(path.parent) or path.exists() or len(path.name) > 200:
        return
    if needs.gathers and path.name in {seen.name for seen in stamps}:
        return  # two of one name would meet in the place where they go
    if traits.empty:
        path.touch()
    elif traits.size is not None and not needs.reads_content:
        with path.open("wb") as file:
            file.truncate(min(max(traits.size, 1), 2**37))
    else:
        words = needs.words if traits.word else []
        lines = [f"{rng.choice(_WORDS)} {number} {rng.choice(_WORDS)}" for _ in range(rng.randint(14, 30))]
        for word in words:
            lines[3:3] = [f"head {word} tail {number}", word]
        path.write_text("\n".join(lines) + "\n")
    if traits.mode is not None:
        path.chmod(traits.mode)
    elif number % 2:
        path.chmod((0o600, 0o640, 0o711)[number % 3])
    stamps[path] = traits.age + number


def _left_out(
    pattern: str,
    wanted: str,
    top: Path,
    good: _Traits,
    needs: Needs,
    rng: random.Random,
    stamps: dict[Path, float],
) -> None:
    bare = pattern.removeprefix("./").strip("/")
    for n, name in enumerate(_matching(bare, 90, fold=False)):
        inner = next(_matching(wanted, 91 + n, fold=False), "inner.txt")
        # "./vendor" is one place to `find` and any "vendor" to the ABI: only that one is there.
        for place in ("",) if pattern.startswith("./") or "/" in bare else ("", "sub/", "third/"):
            path = top / f"{place}{name}"
            if re.search(r"\.\w+$", name.lstrip(".")) and "/" not in name:
                _put(path, good, needs, rng, stamps, 91)
            else:
                _put(path / inner, good, needs, rng, stamps, 92)
        for near in _missing(bare, 93):
            _put(top / "other" / near.replace("/", "_") / inner, good, needs, rng, stamps, 94)


def _directories(search: Search, patterns: list[str], top: Path) -> None:
    """Directories that match by name, empty and not, where the search may find directories."""
    if search.type == "link":
        for number, pattern in enumerate(patterns):
            for name in _matching(pattern, 50 + number, fold=search.fold):
                path = top / "third" / f"{name}"
                if _made(path.parent) and not path.exists() and not path.is_symlink():
                    path.symlink_to("../sub")
        return
    _made(top / "hollow")
    if search.type == "directory" or (search.type is None and not search.only_files):
        for number, pattern in enumerate(patterns):
            for name in (*_matching(pattern, 60 + number, fold=search.fold), *_missing(pattern, 61 + number)):
                for place in ("", "sub/", "sub/deep/er/"):
                    path = top / f"{place}{name}"
                    if path.exists():
                        continue
                    if _made(path) and number % 2 == 0 and len(name) % 2:
                        (path / "inside.txt").write_text("inside\n")
                    if search.mode is not None and path.is_dir():
                        path.chmod(search.mode | 0o700 if len(name) % 2 else 0o750)
                    elif len(name) % 3 == 0 and path.is_dir():
                        path.chmod(0o711)
