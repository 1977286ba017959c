"""Sentences that tell of something and ask for nothing: from the comments and docstrings of Python's standard library.

People paste what they read. A sentence about files, names, types and processes uses the words of requests, and a reader that has
only seen requests takes it for one. Every Python brings its standard library along, under a licence that lets us learn
from it (PSF License Agreement); none of its sentences are kept in the repository.
"""

from __future__ import annotations

import ast
import random
import re
import sysconfig
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from casava_os.kernel.compiler.tagged import SurfaceCall

SHORTEST, LONGEST = 20, 140
"""Characters of a sentence."""

KEPT_OUT = 10
"""One module in so many is kept out of training, to be tried."""

_OPENS = frozenset(
    """the this that these those it its we they he she there if when while since because as note in for by at on a an some any all
    most each every no not only once after before until such both either neither though although however also otherwise thus hence so
    see here what why how whether unlike like unless instead you your our one two several many same other another where which who
    without with from to of xxx todo fixme historically currently usually sometimes unfortunately normally typically internally
    finally then but and or yes""".split()  # noqa: SIM905 - words to read
)
_THIRD_PERSON = re.compile(
    r"[a-z]+s (the|a|an|all|any|if|when|whether|to|that|this|its|it|true|false|none|and|or)\b", re.IGNORECASE
)
_COMMENTS = re.compile(r"(?:^[ \t]*#.*\n)+", re.MULTILINE)
"""Lines that are nothing but a comment, those that follow each other together."""

_MARKS = re.compile(r"^[ \t]*#[#: \t]*", re.MULTILINE)
_ORDINARY = re.compile(r"[A-Za-z'\"`]")
_CODE = re.compile(r">>>|[{}|=<>]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as an example: what can be done with it is to ask what is wanted."""

    request: str
    calls: tuple[SurfaceCall, ...] = ({"call": "ask"},)
    piped_stdin: bool = False


def sentences(root: Path | None = None, *, kept_out: bool = False) -> tuple[str, ...]:
    """Sentences that tell of something, each once and sorted, from the modules below `root`: the standard library.

    Those that are `KEPT_OUT` are not among them, or they alone are.
    """
    return _library(root or Path(sysconfig.get_path("stdlib")))[kept_out]


@cache
def _library(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sentences to train on, and those kept out."""
    found: tuple[set[str], set[str]] = (set(), set())
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if "site-packages" not in place.parts and "dist-packages" not in place.parts:
            aside = zlib.crc32(place.as_posix().encode()) % KEPT_OUT == 0
            found[aside].update(filter(tells, _of_module(path)))
    return tuple(sorted(found[0])), tuple(sorted(found[1] - found[0]))


def sample(rng: random.Random, told: Sequence[str]) -> Sentence:
    """One of these, as people paste it: with or without its end, its first letter large or small."""
    text = rng.choice(told)
    if rng.random() < 0.35:
        text = text.rstrip(".:!")
    if rng.random() < 0.3:
        text = text[0].lower() + text[1:]
    return Sentence(text)


def tells(sentence: str) -> bool:
    """Whether a sentence opens as one that tells ("The file …", "Returns a …") and not as an order may ("Remove …")."""
    first = re.match(r"[A-Za-z']+", sentence)
    if first is None:
        return False
    return first.group().lower() in _OPENS or _THIRD_PERSON.match(sentence) is not None


def _of_module(path: Path) -> Iterator[str]:
    """All sentences of a module's comments and docstrings; none where it cannot be read."""
    try:
        source = path.read_text("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError):
        return
    for text in _docstrings(tree):
        for paragraph in re.split(r"\n\s*\n", text):
            yield from _split(paragraph)
    for block in _COMMENTS.findall(source):
        yield from _split(_MARKS.sub(" ", block))


def _docstrings(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    yield ast.get_docstring(node, clean=False) or ""
    for one in node.body:
        if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstrings(one)


def _split(text: str) -> Iterator[str]:
    for one in re.split(r"(?<=[.!?:])\s+(?=[A-Z])", re.sub(r"\s+", " ", text)):
        found = one.strip()
        if SHORTEST <= len(found) <= LONGEST and _ORDINARY.match(found) and not _CODE.search(found):
            yield found
