"""The expression of a `find` command as a tree, and its common shapes: a conjunction, names in "or", a pruned place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from casava_os.forge.people.errors import Unsayable
from casava_os.forge.people.shell import Word

_ARGUMENTS = frozenset(
    [
        "name",
        "iname",
        "path",
        "ipath",
        "wholename",
        "iwholename",
        "regex",
        "iregex",
        "lname",
        "ilname",
        "type",
        "xtype",
        "size",
        "mtime",
        "mmin",
        "atime",
        "amin",
        "ctime",
        "cmin",
        "newer",
        "anewer",
        "cnewer",
        "newermt",
        "newerct",
        "newerat",
        "newerBt",
        "newermm",
        "newerat",
        "perm",
        "user",
        "group",
        "uid",
        "gid",
        "inum",
        "links",
        "samefile",
        "fstype",
        "maxdepth",
        "mindepth",
        "printf",
        "fprint",
        "regextype",
        "used",
        "context",
        "Bmin",
        "Btime",
    ]
)
_BARE = frozenset(
    [
        "print",
        "print0",
        "ls",
        "delete",
        "empty",
        "executable",
        "readable",
        "writable",
        "prune",
        "quit",
        "depth",
        "d",
        "xdev",
        "mount",
        "follow",
        "daystart",
        "true",
        "false",
        "nouser",
        "nogroup",
        "noleaf",
        "ignore_readdir_race",
        "noignore_readdir_race",
        "warn",
        "nowarn",
        "x",
    ]
)
_EXECS = ("exec", "execdir", "ok", "okdir")
ACTIONS = frozenset(("print", "print0", "ls", "delete", "printf", "fprint", *_EXECS))


@dataclass(frozen=True, slots=True)
class Test:
    """One primary: its name without the dash, its arguments, and whether it is negated."""

    name: str
    args: tuple[str, ...] = ()
    negated: bool = False


@dataclass(slots=True)
class Group:
    """Branches of "or", each a list of what must all hold."""

    branches: list[list[Test | Group]] = field(default_factory=lambda: [[]])
    negated: bool = False


@dataclass(slots=True)
class Expression:
    """Where it searches and what for."""

    roots: list[Word]
    tests: list[Test]
    """All of these hold."""
    any_of: list[Test]
    """If there are some: at least one of these holds, too."""
    pruned: list[Test]
    """Places that are left out with all below."""
    actions: list[Test]
    follows: bool = False


def parse(words: Sequence[Word]) -> Expression:
    """The expression of the words behind `find`. Raises `Unsayable` for shapes that no conjunction can hold."""
    texts = [word.text for word in words]
    at, follows = 0, False
    while at < len(texts) and texts[at] in ("-L", "-H", "-P"):
        follows, at = follows or texts[at] == "-L", at + 1
    start = at
    while at < len(texts) and not texts[at].startswith("-") and texts[at] not in ("(", "!", ")", ","):
        at += 1
    group, end = _group(texts, at)
    if end != len(texts):
        raise Unsayable("find: an unbalanced bracket")
    tests, any_of, pruned, actions = _shape(group)
    return Expression(list(words[start:at]), tests, any_of, pruned, actions, follows)


def _group(texts: list[str], at: int) -> tuple[Group, int]:
    group = Group()
    negated = False
    while at < len(texts):
        text = texts[at]
        at += 1
        if text == ")":
            return group, at - 1
        if text in ("!", "-not"):
            negated = not negated
            continue
        if text in ("-o", "-or"):
            group.branches.append([])
            continue
        if text in ("-a", "-and"):
            continue
        if text == "(":
            inner, at = _group(texts, at)
            if at >= len(texts):
                raise Unsayable("find: an unbalanced bracket")
            inner.negated = negated
            group.branches[-1].append(inner)
            at += 1
        else:
            test, at = _primary(texts, at - 1, negated=negated)
            group.branches[-1].append(test)
        negated = False
    return group, at


def _primary(texts: list[str], at: int, *, negated: bool) -> tuple[Test, int]:
    name = texts[at].removeprefix("-")
    if not texts[at].startswith("-"):
        raise Unsayable("find: a word where a test belongs")
    if name in _BARE:
        return Test(name, (), negated), at + 1
    if name in _ARGUMENTS:
        if at + 1 >= len(texts):
            raise Unsayable(f"find -{name} without its argument")
        return Test(name, (texts[at + 1],), negated), at + 2
    if name in _EXECS:
        end = at + 1
        while end < len(texts) and texts[end] != ";" and not (texts[end] == "+" and texts[end - 1] == "{}"):
            end += 1
        if end >= len(texts):
            raise Unsayable(f"find -{name} without its end")
        return Test(name, (*texts[at + 1 : end], texts[end]), negated), end + 1
    raise Unsayable(f"find -{name}")


def _shape(group: Group) -> tuple[list[Test], list[Test], list[Test], list[Test]]:
    pruned: list[Test] = []
    branches = list(group.branches)
    while len(branches) > 1 and (places := _places(branches[0])) is not None:
        pruned += places
        branches.pop(0)
    if len(branches) > 1:
        names = [_single(branch) for branch in branches]
        return [], names, pruned, []
    tests: list[Test] = []
    any_of: list[Test] = []
    actions: list[Test] = []
    for one in branches[0]:
        if isinstance(one, Test):
            if actions and one.name not in ACTIONS and one.name not in ("quit", "prune"):
                raise Unsayable("find: a test behind an action")
            (actions if one.name in ACTIONS else tests).append(one)
            continue
        if actions:
            raise Unsayable("find: a test behind an action")
        inner = _bracket(one)
        tests += inner[0]
        pruned += inner[2]
        if inner[1]:
            if any_of:
                raise Unsayable("find: several alternatives")
            any_of = inner[1]
        if inner[3] and len(branches[0]) > 1 and one is not branches[0][-1]:
            raise Unsayable("find: an action in brackets")
        actions += inner[3]
    return tests, any_of, pruned, actions


def _bracket(group: Group) -> tuple[list[Test], list[Test], list[Test], list[Test]]:
    if not group.negated:
        return _shape(group)
    places = [_places(branch) or _negations(branch) for branch in group.branches]
    return [], [], [one for branch in places for one in branch], []


def _negations(branch: list[Test | Group]) -> list[Test]:
    """Of "not (a or b)": each a place or name to leave out."""
    test = _single(branch)
    if test.negated or test.name not in ("name", "path", "wholename", "iname"):
        raise Unsayable("find: a negated bracket")
    return [test]


def _places(branch: list[Test | Group]) -> list[Test] | None:
    """The names and paths of a branch that prunes; None of another."""
    if not any(isinstance(one, Test) and one.name == "prune" for one in branch):
        return None
    found: list[Test] = []
    for one in branch:
        if isinstance(one, Group):
            if one.negated:
                raise Unsayable("find: an unusual prune")
            found += [_single(inner) for inner in one.branches]
        elif one.name == "prune" or (one.name == "type" and one.args == ("d",)) or one.name == "false":
            continue
        else:
            found.append(one)
    if not found or any(
        one.negated or one.name not in ("name", "path", "wholename", "iname") for one in found
    ):
        raise Unsayable("find: an unusual prune")
    return found


def _single(branch: list[Test | Group]) -> Test:
    if len(branch) == 1 and isinstance(branch[0], Test):
        return branch[0]
    if (
        len(branch) == 1
        and isinstance(branch[0], Group)
        and not branch[0].negated
        and len(branch[0].branches) == 1
    ):
        return _single(branch[0].branches[0])
    raise Unsayable("find: alternatives other than names")
