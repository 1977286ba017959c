"""Plans that can hardly be what was asked for, whoever wrote them: request and plan side by side.

None of this looks for what is right. It only says where a careful person would ask before anything is deleted, moved or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.encoder import NAME
from casava_os.model.misread import AT_ONCE, DELETING, GOES, VAGUE, Step, misread, steps_of
from casava_os.model.spoken import Spared, plain
from casava_os.model.withdrawn import reported, taken_back, waits

TARGETS = frozenset(
    {
        "key:paths",
        "key:path",
        "key:root",
        "key:name",
        "key:to",
        "key:containers",
        "key:container",
        "key:stack",
    }
)
"""The arguments that name what a deed is done to …"""
_NAMED = frozenset({"key:paths", "key:path", "key:containers", "key:container", "key:stack"})
"""… one by one …"""
_NAMED_AGAIN = re.compile(
    r"\b(?:it|its|them|they|that|those|these|this|both|originals?|source|sources|old|former|first)\b",
    re.IGNORECASE,
)
"""Words for what was named before …"""
_IT = re.compile(
    r"\b(?:it|its|that|this|the (?:\w+ )?(?:file|document|original|log|script))\b", re.IGNORECASE
)
"""… and for one such thing."""
_ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
_AWAY = re.compile(
    r"\b(?:clean(?:ing|ed)?|tidy(?:ing)?|declutter(?:ing)?|organi[sz]e|sort out)\b(?!\s+out\b)|\b(?:mov(?:e|ing)|put(?:ting)?|shift(?:ing)?)\b(?:[^.;:!?]|\.(?=\w))*\baway\b",
    re.IGNORECASE,
)
_IN_A_CONTAINER = re.compile(
    r"\b(?:in|inside|within|into)\b(?:\s+[^\s.;:!?]+){0,4}\s+(?:container|box|pod)\b", re.IGNORECASE
)


def copies(plan: Iterable[Segment]) -> Iterator[tuple[str, str]]:
    """The copied arguments of a plan, each with its key."""
    key = ""
    for part in plan:
        if isinstance(part, Copy):
            yield key, part.text
        elif part.name.startswith(("key:", "call:")):
            key = part.name


def _spares_not(plan: Sequence[Segment], spared: Spared) -> bool:
    """Whether a plan does something to what is to be spared, or leaves less out of a list than it should."""
    if spared.others and all(key != "key:exclude" for key, _ in copies(plan)):
        return True
    for key, text in copies(plan):
        if (key in _NAMED or key == "key:job") and text.lower() in spared.withdrawn:
            return True
        if key in TARGETS and (
            text.lower() in spared.names or {word.text.lower() for word in atoms(text)} <= spared.names
        ):
            return True
        if key != "key:exclude" and text.lower() in spared.excepted:
            return True
        if key in _NAMED and spared.before.strip() and text.lower() not in spared.before:
            return True
    names = {part.name for part in plan if isinstance(part, Control)}
    if spared.volumes and "key:volumes" in names:
        return True
    if not spared.excepts or not any(name.startswith("$") for name in names):
        return False
    said = {
        word.text.lower()
        for _, text in copies(plan)
        for word in (*atoms(text), Atom(text, 0, 0, quoted=True))
    }
    return "key:exclude" not in names or not spared.excepted <= said


def _takes_the_original(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan takes away what it copied or read a part of before, and the request names that once.

    "Copy a to b and call it c" renames neither a nor b, and "get the first 9 lines of a and put them in b" moves none. What is
    deleted may be named by another word: "copy a to b and delete the original".
    """
    copied, read, reached = set[str](), set[str](), set[str]()
    singular, again = _IT.search(request) is not None, _NAMED_AGAIN.search(request) is not None
    for step in steps:
        paths = set(step.said.get("paths", ()))
        moves, deletes = step.call in ("file.move", "file.rename"), step.call == "file.delete"
        taken = paths & copied if moves or (deletes and not again) else set[str]()
        if moves or deletes:
            taken |= paths & reached
            taken |= set[str]() if singular else paths & read
        if any(sum(word.text == text for word in atoms(request)) < 2 for text in taken):
            return True
        if step.call in ("file.copy", "file.move"):
            reached |= set(step.said.get("to", ()))
        if step.call == "file.copy":
            copied |= paths
        elif step.call == "file.read" and {"first", "last", "lines"} & step.said.keys():
            read |= paths
    return False


def _names_what_it_is_not(steps: Sequence[Step]) -> bool:
    """Whether a plan moves or renames what is no archive to an archive's name: it was to be packed."""
    return any(
        _is_archive(to) and not (paths and all(map(_is_archive, paths)))
        for step in steps
        if step.call in ("file.move", "file.rename")
        for paths in [step.said.get("paths")]
        for to in step.said.get("to", ())[:1]
    )


def _moves_nowhere(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan moves files to where they are, or to "the right folder"."""
    roots = {PurePosixPath(root) for step in steps for root in step.said.get("root", ())}
    return any(
        PurePosixPath(to) in roots
        or (
            to.lower() in VAGUE
            and re.search(rf"\b{to}\s+(?:folder|directory|dir|place|spot|location)\b", request, re.IGNORECASE)
        )
        for step in steps
        if step.call == "file.move"
        for to in step.said.get("to", ())
    )


def _deletes_without_a_word_for_it(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan deletes what is named, where the request only says to clean it up, or to move it away."""
    return (
        any(step.call == "file.delete" and step.said.get("paths") for step in steps)
        and _AWAY.search(request) is not None
        and DELETING.search(request) is None
    )


def _runs_outside(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan runs a program here that is to run in a container."""
    return (
        any(step.call in ("process.run", "process.spawn") for step in steps)
        and not any(step.call.startswith("container.") for step in steps)
        and _IN_A_CONTAINER.search(request) is not None
    )


def _renames_nothing(steps: Sequence[Step]) -> bool:
    """Whether a plan replaces in names what is in none of them: it was to be replaced in the files."""
    return any(
        not any(find.lower() in PurePosixPath(name).name.lower() for name in step.said["paths"])
        for step in steps
        if step.call == "file.rename" and step.said.get("paths")
        for find in step.said.get("find", ())[:1]
    )


_IF = re.compile(r"\bif\b", re.IGNORECASE)
_BETWEEN = frozenset({",", ";", "and", "&", "or", "plus"})
"""What stands between the members of a list."""


def _leaves_names_out(request: str, plan: Sequence[Segment]) -> bool:
    """Whether a plan takes two or more of the names that a request lists one after the other, and not all of them."""
    taken = {text for key, text in copies(plan) if key in _NAMED}
    used = {text for _, text in copies(plan)}
    listed: list[str] = []
    for word in (*atoms(request), Atom(".", 0, 0)):
        if word.text.lower() in _BETWEEN:
            continue
        if word.quoted or (NAME.search(word.text) and any(map(str.isalnum, word.text))):
            listed.append(word.text)
            continue
        if len(taken.intersection(listed)) > 1 and not used.issuperset(listed):
            return True
        listed = []
    return False


def _taken_back(said: str, steps: Sequence[Step]) -> bool:
    calls = {step.call for step in steps}
    return "memory.forget" not in calls and taken_back(said, moves=not calls.isdisjoint(GOES))


def _waits(said: str, request: str, plan: Sequence[Segment]) -> bool:
    """Whether a plan does at once what is to be done later, or only if something holds that it does not look at."""
    used = [text for key, text in copies(plan) if key not in _NAMED and key != "key:to"]
    names = [part.name for part in plan if isinstance(part, Control)]
    if "key:force" in names or "key:overwrite" in names:  # "force it if it runs", "replace if it is there"
        said = _IF.sub("  ", said)
    used += [name.partition(":")[2].replace("_", " ") for name in names if name.startswith(("key:", "=:"))]
    until = [text for key, text in copies(plan) if key == "key:lease"]
    until += [
        f"after {text}" for key, text in copies(plan) if key == "key:seconds"
    ]  # "give up after a minute"
    return waits(said, request, used, until)


def _is_archive(name: str) -> bool:
    return name.lower().endswith(_ARCHIVES)


def hardly_meant(request: str, plan: Sequence[Segment], spared: Spared) -> bool:
    """Whether a plan that deletes, moves, runs, starts or stops something can hardly be what the request means."""
    steps, said = steps_of(plan), plain(request)
    return (
        _taken_back(said, steps)
        or reported(said)
        or misread(request, said, steps)
        or _waits(said, request, plan)
        or _leaves_names_out(request, plan)
        or _spares_not(plan, spared)
        or (spared.recurs and any(step.call in AT_ONCE for step in steps))
        or _takes_the_original(request, steps)
        or _names_what_it_is_not(steps)
        or _renames_nothing(steps)
        or _moves_nowhere(request, steps)
        or _deletes_without_a_word_for_it(request, steps)
        or _runs_outside(request, steps)
    )
