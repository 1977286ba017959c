"""Small workspaces in which a plan has something to do: what it names is there, and so is what it must leave alone.

The files of a plan are read off the plan itself: names that it reads, folders that it searches, words that it looks
for, columns, ages and sizes on both sides of its limits. The same plan gives the same workspace.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import re
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from casava_syscalls.base import AnyCall
from casava_syscalls.plan import Plan
from casava_syscalls.shapes import shapes

_MADE = frozenset(
    {
        ("file.write", "path"), ("file.touch", "paths"), ("file.make_dir", "paths"), ("file.copy", "to"),
        ("file.move", "to"), ("file.rename", "to"), ("file.link", "path"), ("file.archive", "to"), ("file.extract", "to"),
        ("net.fetch", "to"), ("container.copy_out", "to"),
    }
)  # fmt: skip
"""Paths that a call makes; every other path is something that must be there."""

_FOLDERS = frozenset(
    {("file.find", "root"), ("file.list", "path"), ("file.usage", "path"), ("file.duplicates", "root"), ("process.run", "cwd"), ("process.spawn", "cwd"), ("container.build", "context")}
)  # fmt: skip
"""Paths that are directories whatever their name."""

_TEXTS = ("text.", "file.read", "file.diff", "file.extract")
"""Calls whose operands are files, also those without an ending."""

_STRUCTURED = {"text.csv": "table", "text.aggregate": "table", "text.json": "document"}
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
_PACKING: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".tgz": gzip.compress, ".bz2": bz2.compress, ".tbz2": bz2.compress,
    ".xz": lzma.compress, ".txz": lzma.compress,
}  # fmt: skip
_WORDS = ["alpha", "beta", "gamma", "delta", "error", "warning", "TODO", "import", "total", "zeta", "12", "7"]
_KINDS = {
    "image": "png", "video": "mp4", "audio": "mp3", "document": "pdf", "spreadsheet": "xlsx", "archive": "zip", "code": "py",
    "data": "csv", "notebook": "ipynb", "model": "gguf",
}  # fmt: skip
_DAY = 86_400


@dataclass(slots=True)
class _Facts:
    """What the plan mentions."""

    files: dict[str, str] = field(default_factory=dict)
    """Path → sort: "text", "table", "document" or "archive"."""
    folders: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    query: str = ""
    names: list[str] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    ages: list[int] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)


def _facts(plan: Plan) -> _Facts:
    facts = _Facts()
    for step in plan.steps:
        for name, shape in shapes(type(step)).items():
            value = getattr(step, name)
            if shape.lexeme == "path":
                _paths(facts, step, name, value)
            elif value is not None:
                _conditions(facts, step, name, value)
    return facts


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if not re.fullmatch(r"\$\d", value):
            yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _paths(facts: _Facts, step: AnyCall, name: str, value: object) -> None:
    for text in _texts(value):
        path = os.path.normpath(text)
        if path == "." or path.startswith(("..", "/", "~")):
            continue
        if (step.call, name) in _MADE:
            facts.made.add(path)
            if step.call in ("file.move", "file.copy") and "." not in Path(path).name:
                facts.folders.add(path)
            if step.call == "file.write" and getattr(step, "how", "create") != "create":
                facts.files.setdefault(path, "text")
        elif (step.call, name) in _FOLDERS or (
            "." not in Path(path).name and not step.call.startswith(_TEXTS)
        ):
            facts.folders.add(path)
        elif path not in facts.made:
            archive = path.endswith(ARCHIVES) or step.call == "file.extract"
            kind = "archive" if archive else _STRUCTURED.get(step.call, "text")
            if kind == "text" and path.endswith((".csv", ".tsv")):
                kind = "table"
            elif kind == "text" and path.endswith(".json"):
                kind = "document"
            facts.files[path] = kind


def _plainly(pattern: str) -> str:
    """A name that the pattern matches."""
    return re.sub(r"[*?]+|\[[^]]*\]", "x", pattern)


def _conditions(facts: _Facts, step: AnyCall, name: str, value: object) -> None:
    if name in ("contains", "pattern", "find", "where_value") and isinstance(value, str):
        facts.words.append(value)
    elif name in ("columns", "where_column", "sort_by", "column") and not isinstance(value, int):
        facts.columns += [text for text in _texts(value) if text not in facts.columns]
    elif name == "query" and isinstance(value, str):
        facts.query = value
    elif name == "exclude":
        facts.names += [_plainly(text) for text in _texts(value) if "/" not in text]
    elif name in ("name", "name_contains", "name_starts", "name_ends", "prefix", "suffix"):
        text = str(value)
        if "/" not in text:
            facts.names.append(
                {
                    "name_starts": f"{text}_x.txt",
                    "name_ends": f"x{text}",
                    "name_contains": f"a{text}b.txt",
                }.get(name, _plainly(text))
            )
    elif name == "extension" and step.call == "file.find":
        facts.extensions += [text.lstrip(".") for text in _texts(value)]
    elif name == "kind":
        facts.extensions.append(_KINDS.get(str(value), "txt"))
    elif name in ("larger_than", "smaller_than") and isinstance(value, int):
        facts.sizes.append(value)
    elif name in ("older_than", "newer_than") and isinstance(value, int | float):
        facts.ages.append(int(value))
    elif name == "mode" and isinstance(value, str) and value.isdigit():
        facts.modes.append(int(value, 8))


def make(plan: Plan, root: Path, now: float | None = None) -> None:
    """Fills an empty directory for the plan. `now`: seconds since the epoch, from which ages count."""
    facts = _facts(plan)
    rng = random.Random(hashlib.sha256(plan.model_dump_json().encode()).digest())
    now = time.time() if now is None else now
    for folder in sorted(facts.folders):
        with_parents(root / folder)
    places = [root, *(root / folder for folder in sorted(facts.folders) if (root / folder).is_dir())]
    for path, kind in sorted(facts.files.items()):
        _put(root / path, kind, facts, rng)
    for number, place in enumerate(places):
        _populate(place, number, facts, rng, now)


def with_parents(path: Path) -> bool:
    """Makes a directory; False where a file is in the way."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return False
    return True


def _put(path: Path, kind: str, facts: _Facts, rng: random.Random) -> None:
    if not with_parents(path.parent) or path.exists():
        return
    if kind == "archive":
        _archive(path)
    elif kind == "table":
        path.write_text(_table(facts, rng))
    elif kind == "document":
        path.write_text(json.dumps(_document(facts.query)))
    else:
        path.write_text(_text(facts, rng))


def _text(facts: _Facts, rng: random.Random) -> str:
    lines = [" ".join(rng.choices(_WORDS, k=rng.randint(1, 5))) for _ in range(rng.randint(12, 30))]
    for word in facts.words:
        for said in (word, word, word.swapcase(), f"x{word}x"):
            lines.insert(rng.randrange(len(lines)), f"{rng.choice(_WORDS)} {said} {rng.choice(_WORDS)}")
    return "\n".join([*lines, lines[0], lines[3]]) + "\n"


def _table(facts: _Facts, rng: random.Random) -> str:
    columns = list(dict.fromkeys([*facts.columns, "id", "name", "amount"]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for n in range(14):
        row = [str(rng.randint(0, 500)) for _ in columns]
        if facts.words and n % 3 == 0:
            row[rng.randrange(len(row))] = rng.choice(facts.words)
        writer.writerow(row)
    return out.getvalue()


def _document(query: str) -> object:
    value: object = {"value": 1, "list": [1, 2, 3]}
    for key in reversed(re.findall(r"[^.\[\]]+", query)):
        value = [value] * (int(key) + 1) if key.isdigit() and int(key) < 50 else {key: value, "other": 0}
    return value


def _archive(path: Path) -> None:
    data = b"packed\n"
    if path.suffix == ".zip" or (".tar" not in path.name and path.suffix not in (".tgz", ".tbz2", ".txz")):
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("packed/one.txt", data)
            packed.writestr("two.txt", data)
        return
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name in ("packed/one.txt", "two.txt"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    pack = _PACKING.get(path.suffix)
    path.write_bytes(pack(plain.getvalue()) if pack else plain.getvalue())


def _populate(place: Path, number: int, facts: _Facts, rng: random.Random, now: float) -> None:
    """Files that conditions tell apart: by name, ending, content, size, age, mode; hidden, empty and nested ones."""
    endings = list(dict.fromkeys([*facts.extensions, "txt", "log", "py", "png"]))
    names = [f"{rng.choice(_WORDS)}{number}{n}.{ending}" for n, ending in enumerate(endings)] + facts.names
    names += [".hidden", f"empty{number}.txt", f"Old Report {number}.md", f"sub/inner{number}.txt"]
    names.append(f"sub/deep/{rng.choice(_WORDS)}{number}.{endings[0]}")
    for n, name in enumerate(names):
        path = place / name
        if not with_parents(path.parent) or path.exists():
            continue
        path.write_text("" if name.startswith("empty") else _text(facts, rng) if n % 2 else f"{name}\n")
    ending = endings[0]
    for size in facts.sizes:
        for n, length in enumerate((size - 1, size + 1)):
            if 0 <= length < 2**33:
                with (place / f"size{number}{n}_{size}.{ending}").open("wb") as file:
                    file.truncate(length)
    ages = [*facts.ages, 3 * _DAY, 40 * _DAY, 400 * _DAY]
    files = sorted(path for path in place.rglob("*") if path.is_file())
    for n, path in enumerate(files):
        age = ages[(n // 2) % len(ages)] * (0.5 if n % 2 else 1.5)
        os.utime(path, (now - age - n, now - age - n))
        if facts.modes and n % 3 == 0:
            path.chmod(rng.choice(facts.modes))
    with_parents(place / "hollow")
