"""Plans that can hardly be what was asked for, whoever wrote them: request and plan side by side.

None of this looks for what is right. It only says where a careful person would ask before anything is deleted, moved or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.encoder import NAME
from casava_os.model.reader import CHANGES, KINDS
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
_AT_ONCE = frozenset().union(*(calls for kind, calls in KINDS.items() if kind != "move"))
"""What is done now and once: no plan does it every Monday."""
_GOES = KINDS["delete"] | KINDS["move"]
_MAKES = CHANGES.union(*KINDS.values()) - KINDS["delete"]
"""What leaves something behind, or sends it somewhere."""
_MAKING = re.compile(
    r"(?:\A|[,;:.!?]\s|\b(?:and|then|first|please|pls|plz|you|to|me|after that|afterwards|now|before|but|just|only)\s)\W{0,40}+"
    r"(?:(?:first|then|please|you|just|also) ){0,4}(?:zip|gzip|tar(?! files?\b)|pack|compress|archive|bundle|back(?: ?\w+)? up|backup|copy|duplicate"
    r"|extract|unzip|unpack|untar|merge|join|combine|concatenate|append|convert|transform|save(?! for\b)|store|export|upload|download|send|e-?mail"
    r"|post|push|sync|move|rename|clone|snapshot|write|replace|split|encrypt|commit)"
    r"(?:\s+(?:up|down|together))?\s+(?!(?:and|or|is|are|was|were|to|in|with|from)\b)[^\s,;:.!?]"
    r"|\b(?:after|once|when|having|been)\b[^.;!?]{0,60}?"
    r"\b(?:zipp|archiv|pack|compress|back|copi|copy|sav|upload|convert|merg|extract|unpack|unzipp|export|combin|join)(?:ed|ing)\b",
    re.IGNORECASE,
)
"""An order to do that, or a word that it is to be done first."""


_VAGUE = frozenset({
    "right", "wrong", "correct", "proper", "appropriate", "suitable", "usual", "other", "another", "different", "better", "good", "bad",
    "certain", "some", "few", "most", "unneeded", "unnecessary", "unused", "useless", "old", "older", "obsolete", "outdated", "irrelevant",
    "unimportant", "important", "relevant", "temporary", "stale", "redundant", "superfluous", "new", "necessary", "safe", "same",
})  # fmt: skip
"""Words that say what things are like, and name none."""
_LARGE = frozenset({
    "large", "larger", "largest", "big", "bigger", "biggest", "huge", "small", "smaller", "smallest", "tiny", "long", "short", "slow", "fast",
    "idle", "busy", "recent", "newest", "oldest", "empty", "broken", "corrupt", "corrupted", "duplicate", "duplicated", "failed", "dead",
    "stuck", "finished", "hidden", "blurry", "all", "every",
})  # fmt: skip
_ONE_THING = r"(?:folder|directory|dir|file|subfolder|container|stack|box)\b"
_AWAY = re.compile(
    r"\b(?:clean(?:ing|ed)?|tidy(?:ing)?|declutter(?:ing)?|organi[sz]e|sort out)\b(?!\s+out\b)|\b(?:mov(?:e|ing)|put(?:ting)?|shift(?:ing)?)\b(?:[^.;:!?]|\.(?=\w))*\baway\b",
    re.IGNORECASE,
)
_DELETING = re.compile(
    r"\b(?:delet|remov|eras|wip|trash|bin|purg|rid\b|throw|toss|destroy|nuk|drop|discard|scrap|rm\b|del\b|clear|empty|kill|ditch|dump|eliminat"
    r"|dispos|go\b|gone\b|away with|axe|zap|chuck|shred|unlink|obliterat|annihilat|lose\b|cut\b|expung|junk)",
    re.IGNORECASE,
)
_EMPTYING = re.compile(
    r"\b(?:clear(?! (?:out|up|away|off)\b)|empty|blank|flush|truncate|reset)\b", re.IGNORECASE
)
_SUCH = r"\s+(?:[\w.*-]+\s+){0,2}(?:files|folders|dirs|directories|subfolders|logs|documents|ones|scripts|programs|images|photos|pictures|notes|texts)\b"
_NARROWS = {
    "empty": re.compile(rf"\b(?:empty|zero[- ]?(?:byte|length)|0[- ]byte){_SUCH}", re.IGNORECASE),
    "hidden": re.compile(rf"\b(?:hidden|invisible){_SUCH}|\bdot[- ]?files\b", re.IGNORECASE),
    "executable": re.compile(rf"\bexecutable{_SUCH}|\bexecutables\b", re.IGNORECASE),
}
"""Words for what a list is narrowed by that has no words of its own in a plan."""
_SHARE = re.compile(
    r"\b(?:half (?:of|the|my|our|these|those|all)|(?:a|one|two) (?:third|quarter|fifth|tenth)s? of|a few|(?:at )?random(?:ly)?"
    r"|every (?:other|second|third|fourth|fifth|nth|\d+(?:st|nd|rd|th)) (?:file|one|log|photo|picture|image|frame|folder|document)|\d+ ?(?:%|percent|per cent) of)"
    r"(?:\s|\Z)",
    re.IGNORECASE,
)
"""A part of a list that no plan can take."""
_THERE = (
    r"\b(?:out of|away from|outside(?: of)?|from|next to|beside|alongside|near|(?:folder|directory|parent) of)\s+"
    r"(?:(?:the|my|our|folder|directory|dir|file)\s+){0,3}"
)
"""What stands before a place that nothing goes to."""
_KILLED = re.compile(
    r"\A\W*(?:(?:please|pls|just|now|can you|could you|go and)\s+)*(?:kill|terminate|halt)\b(?! off\b)",
    re.IGNORECASE,
)
_RESTARTED = re.compile(
    r"\A\W*(?:(?:please|pls|just|now|can you|could you|go and)\s+)*restart\b", re.IGNORECASE
)
_SHELL = re.compile(r"\A\s*(?:rm|mv)(?:\s+-\w+)*(?:\s+[^\s,;:]+)+\s*\Z")
_ENGLISH = re.compile(
    r"\s(?:all|any|the|my|files?|in|from|under|older|newer|to|except|but|and|not)(?:\s|\Z)", re.IGNORECASE
)
"""What no shell command has in it."""
_NTH = re.compile(
    r"\b(?:second|third|fourth|fifth|sixth|2nd|3rd|4th|5th|6th)[\s-]+(?:(?:to|from) )?(?:last|oldest|newest|latest|youngest|largest|biggest|smallest|longest|shortest"
    r"|heaviest|most|least|highest|lowest)\b",
    re.IGNORECASE,
)
"""One of a sorted list, and not the first so many."""
_IN_A_CONTAINER = re.compile(
    r"\b(?:in|inside|within|into)\b(?:\s+[^\s.;:!?]+){0,4}\s+(?:container|box|pod)\b", re.IGNORECASE
)
_SAID_HOW = {
    "idiom.spaces_to_underscores": re.compile(
        r"underscor|underlin|(?<!\w)_(?!\w)|renam|replac|remov|strip|chang|convert|clean|subst|un-?spac"
        r"|\b(?:rid|get|fix|take|put|swap|turn|make|out|no (?:more )?(?:spaces|blanks))\b",
        re.IGNORECASE,
    ),
    **dict.fromkeys(
        ("idiom.sort_by_month", "idiom.sort_by_extension"),
        re.compile(
            r"organi[sz]|arrang|split|separat|seperat|distribut|categori[sz]|\b(?:mov|tid[yi]|group|divid|bucket|spread|sort(?!ed\b))"
            r"|\b(?:be|want|get|have) sorted|\b(?:put|part|bin|order|file (?:away|the|my|our|all|those|these|this|everything)|with|by itself|please|pls|plz|thanks"
            r"|thank|folders?|director(?:y|ies)|dirs?|subfolders?|drawers?|subdirs?|into|wise)\b",
            re.IGNORECASE,
        ),
    ),
}
"""What an idiom that changes files without being told which is asked for by: without any of it, files are only spoken of."""
_WRITTEN_FIRST = (
    ("overwrit|replac|fill|updat|restor|refresh|recreat|renew|revert|sync", "with|by|from|using"),
    ("copy|copies|copied|mov|renam|clon|creat|mak|made|nam", "from"),
)
"""Verbs that have what is written before what it is read from, and what stands between the two."""
_FEW = r"(?:(?!(?:to|in|into)\s)\S+\s+){0,4}?\W?"
_SEVERAL = r"\s+(?:files|folders|directories|dirs|subfolders|things|stuff|items|documents|containers|boxes|images|volumes|stacks)\b"


class _Step(NamedTuple):
    call: str
    said: dict[str, list[str]]
    """The copied arguments by key."""


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


def _steps(plan: Iterable[Segment]) -> list[_Step]:
    """The calls of a plan, each with its keys and their copied arguments."""
    found: list[_Step] = []
    key = ""
    for part in plan:
        if isinstance(part, Copy):
            if found:
                found[-1].said.setdefault(key, []).append(part.text)
        elif part.name.startswith("call:"):
            found.append(_Step(part.name[5:], {}))
            key = ""
        elif part.name.startswith("key:"):
            key = part.name[4:]
            if found:
                found[-1].said.setdefault(key, [])
    return found


def _takes_the_original(request: str, steps: Sequence[_Step]) -> bool:
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


def _goes_elsewhere(request: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan moves or copies to where the request takes something from, or to what it only puts it beside."""
    return any(
        re.search(rf"{_THERE}\W?{re.escape(to)}(?!\w)", request, re.IGNORECASE) is not None
        and sum(word.text == to for word in atoms(request)) < 2
        for step in steps
        if step.call in ("file.move", "file.copy", "file.rename")
        for to in step.said.get("to", ())
    )


def _removes_what_is_killed(said: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan removes a container that is only to be killed, or makes a new one of what is to be restarted."""
    calls = {step.call for step in steps}
    rest, killed = _KILLED.subn(" ", said)
    if "container.remove" in calls and killed and _DELETING.search(rest) is None:
        return True
    return _RESTARTED.search(said) is not None and any(
        step.call == "container.run" and "restart" not in step.said for step in steps
    )


def _names_what_it_is_not(steps: Sequence[_Step]) -> bool:
    """Whether a plan moves or renames what is no archive to an archive's name: it was to be packed."""
    return any(
        _is_archive(to) and not (paths and all(map(_is_archive, paths)))
        for step in steps
        if step.call in ("file.move", "file.rename")
        for paths in [step.said.get("paths")]
        for to in step.said.get("to", ())[:1]
    )


def _moves_nowhere(request: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan moves files to where they are, or to "the right folder"."""
    roots = {PurePosixPath(root) for step in steps for root in step.said.get("root", ())}
    return any(
        PurePosixPath(to) in roots
        or (
            to.lower() in _VAGUE
            and re.search(rf"\b{to}\s+(?:folder|directory|dir|place|spot|location)\b", request, re.IGNORECASE)
        )
        for step in steps
        if step.call == "file.move"
        for to in step.said.get("to", ())
    )


def _deletes_without_a_word_for_it(request: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan deletes what is named, where the request only says to clean it up, or to move it away."""
    return (
        any(step.call == "file.delete" and step.said.get("paths") for step in steps)
        and _AWAY.search(request) is not None
        and _DELETING.search(request) is None
    )


def _deletes_what_is_to_be_emptied(request: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan deletes a file, where the request has it cleared: "clear app.log" keeps it, empty."""
    rest, cleared = _EMPTYING.subn(" ", request)
    return (
        bool(cleared)
        and any(
            PurePosixPath(path).suffix
            for step in steps
            if step.call == "file.delete"
            for path in step.said.get("paths", ())
        )
        and _DELETING.search(rest) is None
    )


def _only_deletes(said: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan deletes and does nothing else, where something is to be made of it first: "zip the logs and delete them"."""
    calls = {step.call for step in steps}
    return (
        not calls.isdisjoint(KINDS["delete"])
        and calls.isdisjoint(_MAKES)
        and _MAKING.search(said) is not None
    )


def _is_shell(said: str) -> bool:
    """Whether it is `rm *.log`, whose pattern means the names in this folder alone, for those who know it."""
    return "*" in said and _SHELL.match(said) is not None and _ENGLISH.search(said) is None


def _takes_too_many(said: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan does to a whole list, or to more of it, what is to be done to the empty ones, to half of it or to the second."""
    finds = [step for step in steps if step.call == "file.find"]
    keys = frozenset[str]().union(*(step.said for step in finds))
    lists = [step for step in steps if step.call in ("file.find", "file.list", "container.list")]
    return (
        any(key not in keys and found.search(said) for key, found in _NARROWS.items() if finds)
        or (any("max_depth" not in step.said for step in finds) and _is_shell(said))
        or (bool(lists) and _NTH.search(said) is not None)
        or (any("limit" not in step.said for step in lists) and _SHARE.search(said) is not None)
    )


def _runs_outside(request: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan runs a program here that is to run in a container."""
    return (
        any(step.call in ("process.run", "process.spawn") for step in steps)
        and not any(step.call.startswith("container.") for step in steps)
        and _IN_A_CONTAINER.search(request) is not None
    )


def _renames_nothing(steps: Sequence[_Step]) -> bool:
    """Whether a plan replaces in names what is in none of them: it was to be replaced in the files."""
    return any(
        not any(find.lower() in PurePosixPath(name).name.lower() for name in step.said["paths"])
        for step in steps
        if step.call == "file.rename" and step.said.get("paths")
        for find in step.said.get("find", ())[:1]
    )


def _is_what_they_are(request: str, name: str) -> bool:
    """Whether a plural stands behind what its things are like, and no word says that it is a name: "large images"."""
    return name.endswith("s") and any(
        found[1].lower() in _VAGUE | _LARGE
        for found in re.finditer(rf"\b(\w+)\s+{re.escape(name)}\b(?!\s+{_ONE_THING})", request, re.IGNORECASE)
    )


def _names_a_kind(request: str, steps: Sequence[_Step]) -> bool:
    """Whether a plan takes a word for one thing's name that says of several what they are like: "unneeded folders"."""
    return any(
        re.search(rf"(?<!\w){re.escape(names[-1])}{_SEVERAL}", request, re.IGNORECASE) is not None
        or (step.call in _GOES | _AT_ONCE and _is_what_they_are(request, names[-1]))
        for step in steps
        for key in ("paths", "containers")
        if (names := step.said.get(key, [])) and names[-1].isalpha()
        if len(names) == 1 or any(name.lower() in _VAGUE for name in names)
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


def _taken_back(said: str, steps: Sequence[_Step]) -> bool:
    calls = {step.call for step in steps}
    return "memory.forget" not in calls and taken_back(said, moves=not calls.isdisjoint(_GOES))


def _waits(said: str, request: str, plan: Sequence[Segment]) -> bool:
    """Whether a plan does at once what is to be done later, or only if something holds that it does not look at."""
    used = [text for key, text in copies(plan) if key not in _NAMED and key != "key:to"]
    names = [part.name for part in plan if isinstance(part, Control)]
    if "key:force" in names or "key:overwrite" in names:  # "force it if it runs", "replace if it is there"
        said = _IF.sub("  ", said)
    used += [name.partition(":")[2].replace("_", " ") for name in names if name.startswith(("key:", "=:"))]
    return waits(
        said, request, used, [text for key, text in copies(plan) if key in ("key:lease", "key:seconds")]
    )


def _only_speaks_of(request: str, steps: Sequence[_Step]) -> bool:
    """Whether the request names files by their kind ("file names with spaces", "photos per month"), and a plan changes them."""
    return any(
        (how := _SAID_HOW.get(step.call)) is not None and how.search(request) is None for step in steps
    )


def turned_round(request: str, plan: Iterable[Segment]) -> bool:
    """Whether a plan takes what is to be written for what is read: "overwrite a.txt with b.txt" does not copy a.txt."""
    read: list[str] = []
    for step in _steps(plan):
        said = step.said
        if step.call in ("file.copy", "file.move", "file.rename"):
            taken, written = said.get("paths", []), said.get("to", [])
        elif step.call == "file.write":
            taken, written = read, said.get("path", [])
        else:
            read += [*said.get("paths", []), *said.get("source", [])]
            continue
        if any(_written_first(request, one, other) for one in taken for other in written):
            return True
    return False


def _written_first(request: str, one: str, other: str) -> bool:
    """Whether the request has `one` written from `other`."""
    first, last = rf"{_FEW}{re.escape(one)}\W?\s+", rf"{_FEW}{re.escape(other)}(?!\w)"
    return any(
        re.search(rf"\b(?:{verbs})\w*\s+{first}(?:{between})\s+{last}", request, re.IGNORECASE) is not None
        for verbs, between in _WRITTEN_FIRST
    )


def _is_archive(name: str) -> bool:
    return name.lower().endswith(_ARCHIVES)


def hardly_meant(request: str, plan: Sequence[Segment], spared: Spared) -> bool:
    """Whether a plan that deletes, moves, runs, starts or stops something can hardly be what the request means."""
    steps, said = _steps(plan), plain(request)
    return (
        _taken_back(said, steps)
        or reported(said)
        or turned_round(request, plan)
        or _only_speaks_of(request, steps)
        or _waits(said, request, plan)
        or _leaves_names_out(request, plan)
        or _spares_not(plan, spared)
        or (spared.recurs and any(step.call in _AT_ONCE for step in steps))
        or _takes_the_original(request, steps)
        or _goes_elsewhere(request, steps)
        or _removes_what_is_killed(said, steps)
        or _names_what_it_is_not(steps)
        or _renames_nothing(steps)
        or _names_a_kind(request, steps)
        or _moves_nowhere(request, steps)
        or _deletes_without_a_word_for_it(request, steps)
        or _deletes_what_is_to_be_emptied(request, steps)
        or _only_deletes(said, steps)
        or _takes_too_many(said, steps)
        or _runs_outside(request, steps)
    )
