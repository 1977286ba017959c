"""Plans that do something else than the request's words say, or more of it: the wrong way round, to a whole list, one step too few.

Patterns of English words, written by hand, which find what the network misreads now and then. Like those of `spoken` they order
nothing: such a plan is a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import Copy, Segment
from casava_os.model.reader import CHANGES, KINDS

AT_ONCE = frozenset().union(*(calls for kind, calls in KINDS.items() if kind != "move"))
"""What is done now and once: no plan does it every Monday."""
GOES = KINDS["delete"] | KINDS["move"]
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
VAGUE = frozenset({
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
DELETING = re.compile(
    r"\b(?:delet|remov|eras|wip|trash|bin|purg|rid\b|throw|toss|destroy|nuk|drop|discard|scrap|rm\b|del\b|clear|empty|kill|ditch|dump|eliminat"
    r"|dispos|go\b(?! by\b)|gone\b|away with|axe|zap|chuck|shred|unlink|obliterat|annihilat|lose\b|cut\b|expung|junk)",
    re.IGNORECASE,
)
_RIGHTS = re.compile(
    r"\b(?:tak|remov|strip|drop|revok|withdraw|delet|get)\w*\s+(?:[\w'-]+\s+){0,4}?(?:rights?|permissions?|access|bits?|flags?|privileges?)\b",
    re.IGNORECASE,
)
"""What is taken away from a file, which stays."""
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


class Step(NamedTuple):
    """A call of a plan, with what its keys copy from the request."""

    call: str
    said: dict[str, list[str]]
    """The copied arguments by key."""


def steps_of(plan: Iterable[Segment]) -> list[Step]:
    """The calls of a plan, each with its keys and their copied arguments."""
    found: list[Step] = []
    key = ""
    for part in plan:
        if isinstance(part, Copy):
            if found:
                found[-1].said.setdefault(key, []).append(part.text)
        elif part.name.startswith("call:"):
            found.append(Step(part.name[5:], {}))
            key = ""
        elif part.name.startswith("key:"):
            key = part.name[4:]
            if found:
                found[-1].said.setdefault(key, [])
    return found


def _only_speaks_of(request: str, steps: Sequence[Step]) -> bool:
    """Whether the request names files by their kind ("file names with spaces", "photos per month"), and a plan changes them."""
    return any(
        (how := _SAID_HOW.get(step.call)) is not None and how.search(request) is None for step in steps
    )


def turned_round(request: str, plan: Iterable[Segment]) -> bool:
    """Whether a plan takes what is to be written for what is read: "overwrite a.txt with b.txt" does not copy a.txt."""
    return _turned_round(request, steps_of(plan))


def _turned_round(request: str, steps: Sequence[Step]) -> bool:
    read: list[str] = []
    for step in steps:
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


def _goes_elsewhere(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan moves or copies to where the request takes something from, or to what it only puts it beside."""
    return any(
        re.search(rf"{_THERE}\W?{re.escape(to)}(?!\w)", request, re.IGNORECASE) is not None
        and sum(word.text == to for word in atoms(request)) < 2
        for step in steps
        if step.call in ("file.move", "file.copy", "file.rename")
        for to in step.said.get("to", ())
    )


def _removes_what_is_killed(said: str, steps: Sequence[Step]) -> bool:
    """Whether a plan removes a container that is only to be killed, or makes a new one of what is to be restarted."""
    calls = {step.call for step in steps}
    rest, killed = _KILLED.subn(" ", said)
    if "container.remove" in calls and killed and DELETING.search(rest) is None:
        return True
    return _RESTARTED.search(said) is not None and any(
        step.call == "container.run" and "restart" not in step.said for step in steps
    )


def _deletes_what_is_to_be_emptied(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan deletes a file, where the request clears it or takes rights away: "clear app.log" keeps it, empty."""
    if _RIGHTS.search(request) is not None and DELETING.search(_RIGHTS.sub(" ", request)) is None:
        return any(step.call == "file.delete" for step in steps)
    rest, cleared = _EMPTYING.subn(" ", request)
    return (
        bool(cleared)
        and any(
            PurePosixPath(path).suffix
            for step in steps
            if step.call == "file.delete"
            for path in step.said.get("paths", ())
        )
        and DELETING.search(rest) is None
    )


def _only_deletes(said: str, steps: Sequence[Step]) -> bool:
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


def _takes_too_many(said: str, steps: Sequence[Step]) -> bool:
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


def _is_what_they_are(request: str, name: str) -> bool:
    """Whether a plural stands behind what its things are like, and no word says that it is a name: "large images"."""
    return name.endswith("s") and any(
        found[1].lower() in VAGUE | _LARGE
        for found in re.finditer(rf"\b(\w+)\s+{re.escape(name)}\b(?!\s+{_ONE_THING})", request, re.IGNORECASE)
    )


def _names_a_kind(request: str, steps: Sequence[Step]) -> bool:
    """Whether a plan takes a word for one thing's name that says of several what they are like: "unneeded folders"."""
    return any(
        re.search(rf"(?<!\w){re.escape(names[-1])}{_SEVERAL}", request, re.IGNORECASE) is not None
        or (step.call in GOES | AT_ONCE and _is_what_they_are(request, names[-1]))
        for step in steps
        for key in ("paths", "containers")
        if (names := step.said.get(key, [])) and names[-1].isalpha()
        if len(names) == 1 or any(name.lower() in VAGUE for name in names)
    )


def misread(request: str, said: str, steps: Sequence[Step]) -> bool:
    """Whether the steps of a plan are not what the request says; `said`: the request without its quotations (`spoken.plain`)."""
    return (
        _only_speaks_of(request, steps)
        or _turned_round(request, steps)
        or _goes_elsewhere(request, steps)
        or _removes_what_is_killed(said, steps)
        or _names_a_kind(request, steps)
        or _deletes_what_is_to_be_emptied(request, steps)
        or _only_deletes(said, steps)
        or _takes_too_many(said, steps)
    )
