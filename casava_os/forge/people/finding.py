"""`find`: its tests as the fields of `file.find`, by the forge's rules of which words write which field."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from casava_os.forge.people import naming
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.expressions import Expression, Test
from casava_os.forge.people.plans import Draft, Search
from casava_os.forge.people.said import Said
from casava_os.kernel.compiler.tagged import SurfaceValue

_TYPES = {"f": "file", "d": "directory", "l": "link"}
_SIZES = {"": 512, "b": 512, "c": 1, "w": 2, "k": 2**10, "M": 2**20, "G": 2**30}
ONLY_HERE = (
    "directly|immediate(?:ly)?|non[- ]?recursive(?:ly)?|(?:not|no|without|dont|don't|excluding|ignoring|avoid(?:ing)?)[a-z ]{0,30}(?:sub|recurs|descend)[a-z- ]*"
    "|top[- ]level|(?:1|one|first|single) levels?(?: deep| down| only)?|level (?:1|one)|depth (?:of )?(?:1|one)|maxdepth|(?:maximum|max)(?: search)? depth(?: of)? (?:1|one)|only (?:in|from|under|search)(?: the)?|(?:in|within|of) (?:the )?(?:current|this|present|that) (?:working )?(?:directory|folder)(?: tree)? only|only (?:the )?(?:current|this) (?:directory|folder)|limit(?:ed)? to (?:the )?(?:current|this)|limit the search"
)
"""How requests say that what lies deeper does not count."""
_IGNORED = frozenset(
    ("xdev", "mount", "noleaf", "depth", "d", "warn", "nowarn", "ignore_readdir_race", "true")
)

Fields = dict[str, SurfaceValue]


def search(draft: Draft, expression: Expression, root: str) -> Fields:
    """The fields of `file.find` for one searched place. Raises `Unsayable` and `Unsaid`."""
    said, wanted = draft.said, Search(root=root)
    fields: Fields = {}
    where = said.path(root, "the searched directory")
    if where != ".":
        fields["root"] = where
    _names(draft, expression, fields, wanted)
    for test in expression.tests:
        _test(draft, test, fields, wanted)
    for place in expression.pruned:
        _exclude(said, place, fields, wanted)
    _type(said, fields, wanted)
    draft.needs.searches.append(wanted)
    return fields


def _names(draft: Draft, expression: Expression, fields: Fields, wanted: Search) -> None:
    tests = [test for test in expression.tests if test.name in ("name", "iname") and not test.negated]
    tests += expression.any_of
    if any(test.name not in ("name", "iname") or test.negated for test in tests):
        raise Unsayable("find: alternatives other than names")
    if not tests:
        return
    if len(tests) > 1 and not expression.any_of:
        raise Unsayable("find: several names at once")
    patterns = [test.args[0] for test in tests]
    if any("/" in pattern.removeprefix("./") for pattern in patterns):
        raise Unsayable("find -name with a slash")
    if any(test.name == "iname" for test in tests) and patterns != ["*"]:
        if draft.said.has("case|upper|lower|capital"):
            if draft.said.has("case[- ]sensitive(?:ly)?") and not draft.said.has(
                "case[- ]in-?sensitive(?:ly)?"
            ):
                raise Unsaid("ignore_case")
            wanted.fold = True
        else:
            draft.relaxed.append("iname")
    made = naming.fields(draft.said, patterns)
    if wanted.fold and "extension" not in made and "hidden" not in made:
        fields["ignore_case"] = True
    fields.update(made)
    wanted.names = patterns


def _test(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    if test.name in ("name", "iname"):
        if test.negated:
            _exclude(draft.said, test, fields, wanted)
        return
    if test.name in _IGNORED:
        return
    if test.name == "follow":
        raise Unsayable("find -follow")
    translate = _TESTS.get(test.name)
    if translate is None:
        raise Unsayable(f"find -{test.name}")
    translate(draft, test, fields, wanted)


def _put(fields: Fields, key: str, value: SurfaceValue) -> None:
    if key in fields:
        raise Unsayable(f"find: {key} twice")
    fields[key] = value


def _kind(_draft: Draft, test: Test, _fields: Fields, wanted: Search) -> None:
    kind = _TYPES.get(test.args[0])
    if kind is None or test.negated or wanted.type is not None:
        raise Unsayable(f"find {'! ' if test.negated else ''}-{test.name} {test.args[0]}")
    wanted.type = kind


def _type(said: Said, fields: Fields, wanted: Search) -> None:
    """By the words of the request; where the command says less, only files may match in the workspace."""
    if wanted.type == "directory":
        said.need("directories", "(?:sub-?)?(?:director(?:y|ies)|folders?|dirs?)")
        if said.both:
            raise Unsaid("directories")
        fields["type"] = "directory"
        wanted.only_files = False
    elif wanted.type == "link":
        said.need("links", "(?:sym(?:bolic)? ?-?)?links?|symlinks?")
        fields["type"] = "link"
        wanted.only_files = False
    elif wanted.type == "file":
        if said.both:
            raise Unsaid("regular files")
        if said.files and not _files_anyway(fields):
            fields["type"] = "file"
    elif said.files:
        if not _files_anyway(fields):
            fields["type"] = "file"
    else:
        wanted.only_files = "extension" in fields


def _files_anyway(fields: Fields) -> bool:
    return "extension" in fields or "contains" in fields


def _size(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    match = re.fullmatch(r"([+-]?)(\d+)([bcwkMG]?)", test.args[0])
    if match is None:
        raise Unsayable("find -size with an unknown unit")
    amount = int(match[2]) * _SIZES[match[3]]
    if match[2] == "0" and not match[1] and test.negated:
        draft.said.need("not empty", "not empty|non-?\\s?empty|not zero|non-?zero")
        _put(fields, "empty", value=False)
        wanted.empty = False
        return
    if match[2] == "0" and not match[1]:
        draft.said.need("empty", "empty|(?:0|zero)[- ]?(?:bytes?|sized?|length)?")
        _put(fields, "empty", value=True)
        wanted.empty = True
        return
    if not match[1]:
        raise Unsayable("find -size without + or -")
    if amount == 0:
        raise Unsayable("find -size +0")
    larger = (match[1] == "+") is not test.negated
    draft.said.need(
        "larger or smaller",
        "larger|bigger|more|over|great(?:er)?|exceed(?:s|ing)?|above|at least|minimum|heavier|higher|between|(?:no|not) (?:less|smaller)|least|up"
        if larger
        else "smaller|less(?:er)?|under|below|lower|fewer|at most|maximum|up to|between|lighter|(?:no|not) (?:more|larger|bigger|greater|exceed[a-z]*)|within|most|and",
    )
    _put(fields, "larger_than" if larger else "smaller_than", draft.said.size(amount, "a size"))
    if larger:
        wanted.larger = amount
    else:
        wanted.smaller = amount


def _age(unit: float) -> Callable[[Draft, Test, Fields, Search], None]:
    def translate(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
        match = re.fullmatch(r"([+-]?)(\d+)", test.args[0])
        if match is None or (not match[1] and (match[2] != "0" or unit == 60)):
            raise Unsayable(f"find -{test.name} with an exact age")
        number = int(match[2])
        if match[1] == "":
            number = 1
        older = (match[1] == "+") is not test.negated
        _modified(draft.said)
        draft.said.need(
            "older or newer",
            "older|more than|over|before|at least|earlier|longer|not|n't|greater|between|exceed(?:s|ing)?|beyond|prior|least|above|later than|old|\\+"
            if older
            else "last|past|within|less than|recent(?:ly)?|newer|during|under|between|fewer|younger|since|not (?:more|older)|in the|today|earlier than|day|most|at most|up to|previous|later than|lesser|and",
        )
        if older:
            # "+7" is "more than 7 days", by a whole day: also "at least 8".
            spans = [unit * number, unit * (number + 1)] if match[1] == "+" else [unit * number]
            if spans[0] == 0:
                spans = spans[1:]
            _put(fields, "older_than", draft.said.duration(spans, "an age"))
            wanted.older = unit * number
        else:
            _put(fields, "newer_than", draft.said.duration([unit * number], "an age"))
            wanted.newer = unit * number

    return translate


def _modified(said: Said) -> None:
    if said.has("access(?:ed)?|status|created|creation"):
        raise Unsaid("modified")


def _newermt(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    _modified(draft.said)
    key = "modified_before" if test.negated else "modified_after"
    _put(fields, key, draft.said.moment(test.args[0], "a date"))
    if test.negated:
        wanted.before = test.args[0]
    else:
        wanted.after = test.args[0]


_EXECUTABLE = frozenset(
    (
        "/111",
        "+111",
        "/a+x",
        "/a=x",
        "+a+x",
        "/u+x,g+x,o+x",
        "/u=x,g=x,o=x",
        "-u+x",
        "-u=x",
        "-100",
        "/100",
        "+x",
        "-a+x",
        "-111",
        "/0111",
        "-0111",
    )
)


def _perm(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    mode = test.args[0]
    if re.fullmatch(r"[0-7]{3,4}", mode) and not test.negated:
        _put(fields, "mode", draft.said.mode(mode))
        wanted.mode = int(mode, 8)
    elif mode in _EXECUTABLE and wanted.type != "directory":
        _executable(draft, Test("executable", (), test.negated), fields, wanted)
    else:
        raise Unsayable("find -perm with a mask")


def _executable(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    draft.said.need("executable", "execut(?:e|able|ables|ed|ion)")
    if draft.said.has(
        "read|readable|writ(?:e|able)|all users|everybody|by (?:all|anyone|everyone|group|others?|owner)"
    ):
        raise Unsaid("executable")
    _put(fields, "executable", value=not test.negated)
    wanted.executable = not test.negated


def _empty(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    draft.said.need("empty", "non-?empty|empty|(?:0|zero)[- ]?(?:bytes?|sized?|length)?")
    _put(fields, "empty", value=not test.negated)
    wanted.empty = not test.negated


def _maxdepth(draft: Draft, test: Test, fields: Fields, _wanted: Search) -> None:
    depth = int(test.args[0]) if test.args[0].isdigit() else 0
    if depth < 1 or test.negated:
        raise Unsayable("find -maxdepth 0")
    if depth == 1:
        draft.said.need("max_depth 1", ONLY_HERE)
        _put(fields, "max_depth", 1)
    else:
        _put(fields, "max_depth", _depth(draft.said, depth, "max_depth"))


def _mindepth(draft: Draft, test: Test, fields: Fields, _wanted: Search) -> None:
    depth = int(test.args[0]) if test.args[0].isdigit() else -1
    if depth < 0 or test.negated:
        raise Unsayable("find -mindepth")
    if depth < 2:
        return  # the searched directory itself is never among what `file.find` finds
    _put(fields, "min_depth", _depth(draft.said, depth, "min_depth"))


def _depth(said: Said, depth: int, what: str) -> str | int:
    said.need(what, "levels?|depth|deep|down|deeper|maxdepth|mindepth")
    value = said.count(depth, what)
    if value == 1:
        raise Unsaid(what)
    return value


def _path(draft: Draft, test: Test, fields: Fields, wanted: Search) -> None:
    if not test.negated:
        raise Unsayable(f"find -{test.name}")
    _exclude(draft.said, test, fields, wanted)


_TESTS: dict[str, Callable[[Draft, Test, Fields, Search], None]] = {
    "type": _kind, "size": _size, "mtime": _age(86_400), "mmin": _age(60), "newermt": _newermt, "perm": _perm, "executable": _executable,
    "empty": _empty, "maxdepth": _maxdepth, "mindepth": _mindepth, "path": _path, "wholename": _path,
}  # fmt: skip


def _exclude(said: Said, test: Test, fields: Fields, wanted: Search) -> None:
    pattern = test.args[0]
    if test.name in ("name", "iname") and pattern in (".*", ".?*"):
        said.need("not hidden", "hidden|dot")
        _put(fields, "hidden", value=False)
        wanted.excluded.append(".unseen")
        return
    if pattern in (".", "./", "..") and test.name == "name":
        return
    bare = pattern
    if test.name in ("path", "wholename"):
        if pattern in ("*/.*", "./.*", "*/\\.*"):
            said.need("not hidden", "hidden|dot")
            _put(fields, "hidden", value=False)
            wanted.excluded.append(".unseen")
            return
        bare = re.sub(r"^(\./|\*/)|(/\*|/)$", "", pattern)
        bare = re.sub(r"(/\*|/)$", "", bare)
    said.need(
        "what is left out",
        "exclud(?:e|es|ing|ed)|except|but|not|without|ignor(?:e|es|ing)|skip(?:s|ping)?|omit(?:ting)?|other than|apart from|avoid(?:ing)?|n't|don't|besides|prun(?:e|ing)|do not|dont|leaving|outside",
    )
    for spelling in (
        pattern,
        bare,
        f"./{bare}",
        f"{bare}/",
        f"./{bare}/",
        f"{wanted.root.rstrip('/')}/{bare}",
    ):
        if said.stands(spelling, "glob") and not spelling.startswith("/"):
            _put(fields, "exclude", spelling)
            wanted.excluded.append(f"./{bare}" if pattern.startswith("./") else bare)
            return
    raise Unsaid("what is left out")


def sources(roots: Sequence[str]) -> list[str]:
    """The searched places; none is the current directory."""
    return list(roots) or ["."]
