"""`grep`: lines as `text.search`, files as `file.find contains`, counts as `text.count`, surroundings as idioms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casava_os.forge.people import naming, sources
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.plans import Draft, Search
from casava_os.forge.people.shell import Options, Word, options
from casava_os.kernel.compiler.tagged import SurfaceValue

_SHORT = "iIwvclLnHhsqrRaEFGPe:m:A:B:C:oxzZyU"
_LONG = ("color", "colour", "color=", "include=", "exclude=", "exclude-dir=", "recursive", "ignore-case", "files-with-matches", "line-number", "with-filename", "no-messages", "null", "word-regexp", "invert-match", "extended-regexp", "fixed-strings", "line-buffered", "count", "binary-files=")  # fmt: skip
_SPECIAL = re.compile(r"[\\^$*+?\[\](){}|]")
_OTHER_DIALECT = re.compile(r"\\[|(){}+?<>]|\[\[:")
_FILES_WITH = r"\bfiles?\b[^,.]{0,80}\b(?:contain(?:s|ing)?|that (?:have|include|match)|which (?:have|contain|include)|ha(?:s|ving) (?:the )?(?:text|string|word|pattern)|with (?:the )?(?:word|string|text|phrase))\b"
"""Requests for files, whatever the command prints."""
_LINES = "lines?|grep|occurrences?|match(?:es|ed|ing)|search (?:for|in|through|them|all|the|inside)|searches|look for|strings? (?:in|from)|find (?:the )?(?:string|text|word|pattern)"
_CASE = "case|upper|lower|capital"
_NOT = "not|n't|except|exclud(?:e|es|ing)|without|do not|don't|doesn't|invert|non|lacking|omit|ignor(?:e|es|ing)|filter(?:s|ing)?(?: out)?|remov(?:e|es|ing)|skip(?:ping)?|other than"


def _read(rest: Sequence[Word]) -> tuple[Options, str, list[Word]]:
    found = options(rest, _SHORT, _LONG)
    words = list(found.operands)
    if "e" in found.values:
        return found, found.values["e"], words
    if not words:
        raise Unsayable("grep without a pattern")
    return found, words[0].text, words[1:]


def _pattern(draft: Draft, program: str, found: Options, pattern: str) -> dict[str, SurfaceValue]:
    """The fields that say what is looked for."""
    said, flags = draft.said, found.flags
    fields: dict[str, SurfaceValue] = {}
    fixed = "F" in flags or program == "fgrep" or "fixed-strings" in flags
    plain = re.sub(r"\\([.\-/*$^\[\]\"' ])", r"\1", pattern)
    if fixed or not _SPECIAL.search(pattern):
        fields["pattern"] = said.exactly(pattern, "needle", "the text to look for")
    elif said.stands(plain, "needle") and not _SPECIAL.search(re.sub(r"\\[.\-/*$^\[\]\"' ]", "", pattern)):
        fields["pattern"] = plain
    else:
        extended = program == "egrep" or flags & {"E", "P", "extended-regexp"}
        if _OTHER_DIALECT.search(pattern) or (not extended and re.search(r"[+?(){}|]", pattern)):
            raise Unsayable("a regular expression in another dialect")
        fields["pattern"] = said.exactly(pattern, "needle", "the regular expression")
        fields["regex"] = True
    if flags & {"i", "ignore-case", "y"}:
        if not said.has(_CASE):
            draft.relaxed.append("grep -i")
            draft.needs.one_case = True
        else:
            fields["ignore_case"] = True
    draft.needs.words.append(
        plain if fixed or not _SPECIAL.search(plain) else re.sub(r"[\\^$*+?\[\](){}|]", "", plain)
    )
    draft.needs.reads_content = True
    return fields


def _refuse_modes(found: Options) -> None:
    for flag in ("o", "L", "x", "q", "z", "Z", "m"):
        if flag in found.flags or flag in found.values:
            raise Unsayable(f"grep -{flag}")
    for name in ("exclude", "exclude-dir", "binary-files"):
        if name in found.values:
            raise Unsayable(f"grep --{name}")


def _full(draft: Draft, found: Options, fields: dict[str, SurfaceValue]) -> dict[str, SurfaceValue]:
    """With whole words and inversion, where the request asks for them."""
    if found.flags & {"w", "word-regexp"}:
        draft.said.need("whole_word", "(?:whole|entire|exact|full)[- ]?(?:words?|match)?|words?")
        fields["whole_word"] = True
    if found.flags & {"v", "invert-match"}:
        draft.said.need("invert", _NOT)
        fields["invert"] = True
    elif draft.said.has(
        "(?:do|does) not (?:contain|match|have)|don't contain|doesn't contain|not containing|not matching"
    ):
        raise Unsaid("no inversion")
    return fields


def on_found(draft: Draft, program: str, rest: list[Word], hole: str) -> None:
    """`grep` in files that the last call, a `file.find`, found."""
    found, pattern, words = _read(rest)
    if [word.text for word in words if word.text != "/dev/null"] != [hole]:
        raise Unsayable("grep in found files and others")
    _refuse_modes(found)
    fields = _pattern(draft, program, found, pattern)
    if found.flags & {"l", "files-with-matches"}:
        _files_with(draft, fields, found, draft.calls[-1])
        return
    fields = _full(draft, found, fields)
    if found.flags & {"c", "count"}:
        raise Unsayable("one count for each file")
    search = draft.calls[-1]
    places = set(search) - {"call", "root"}
    if found.flags & {"h"} or not draft.said.files:
        pass
    if places <= {"type"} and search.get("type") in (None, "file"):
        draft.calls.pop()
        root = search.get("root")
        source: SurfaceValue | None = [root] if isinstance(root, str | dict) else None
    else:
        source = draft.last
    _lines(draft, found, fields, source)


def _lines(
    draft: Draft, found: Options, fields: dict[str, SurfaceValue], source: SurfaceValue | None
) -> None:
    context = {key: found.values[key] for key in "ABC" if key in found.values}
    if not context:
        if re.search(_FILES_WITH, draft.said.lower) and not draft.said.has(_LINES):
            raise Unsaid("lines, not files")
        draft.add("text.search", "matches", **{"pattern": fields.pop("pattern"), "source": source, **fields})
        return
    if len(context) > 1 or set(fields) != {"pattern"}:
        raise Unsayable("grep with lines around and more")
    if isinstance(source, str) and source != "$0":
        raise Unsayable("grep with lines around in found files")
    ((which, number),) = context.items()
    if not number.isdigit():
        raise Unsayable("grep with lines around")
    idiom = {"A": "idiom.lines_after", "B": "idiom.lines_before", "C": "idiom.lines_around"}[which]
    draft.add(
        idiom,
        "text",
        pattern=fields["pattern"],
        source=source,
        limit=draft.said.count(int(number), "how many lines"),
    )


def _files_with(
    draft: Draft, fields: dict[str, SurfaceValue], found: Options, search: dict[str, SurfaceValue]
) -> None:
    """`grep -l`: the search itself, with `contains`."""
    if fields.get("regex"):
        raise Unsayable("files that match a regular expression")
    if found.flags & {"v", "w", "invert-match", "word-regexp"}:
        raise Unsayable("grep -l with -v or -w")
    draft.said.need(
        "which files",
        "contain(?:s|ing|ed)?|(?:file ?|path ?)names?|list(?:s|ing)?|which|having|ha(?:s|ve)|with|that match|match(?:es|ing)?|includ(?:es|ing)|paths?|where",
    )
    search.pop("type", None)
    search["contains"] = fields["pattern"]
    if fields.get("ignore_case"):
        search["ignore_case"] = True


def grep(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """`grep` in files and directories that it names, or in what came before."""
    found, pattern, words = _read(rest)
    _refuse_modes(found)
    recursive = bool(found.flags & {"r", "R", "recursive"})
    if draft.gives == "files" and draft.pending is None and not words:
        raise Unsayable("grep on a list of names")
    if draft.gives in ("facts", "number"):
        raise Unsayable("grep in what the host says")
    fields = _pattern(draft, program, found, pattern)
    if found.flags & {"l", "files-with-matches"}:
        _listed(draft, found, fields, words, recursive=recursive)
        return
    fields = _full(draft, found, fields)
    source: SurfaceValue | None
    if recursive:
        source = _places(draft, found, words)
    else:
        if "include" in found.values:
            raise Unsayable("grep --include without -r")
        source = sources.text(draft, words)
    if found.flags & {"c", "count"}:
        if recursive or len(words) > 1 or (words and words[0].live):
            raise Unsayable("one count for each file")
        counted(draft, fields, source)
        return
    _lines(draft, found, fields, source)


def counted(draft: Draft, fields: dict[str, SurfaceValue], source: SurfaceValue | None) -> None:
    """How many lines match."""
    if fields.get("invert") or fields.get("whole_word"):
        draft.add("text.search", "matches", source=source, **fields)
        draft.add("text.count", "number", source=draft.last)
        return
    draft.add("text.count", "number", source=source or ["."], what="matching_lines", **fields)


def _places(draft: Draft, found: Options, words: Sequence[Word]) -> SurfaceValue | None:
    include = found.values.get("include")
    live = [word for word in words if word.live]
    if live and [word.text for word in live] != ["*"]:
        raise Unsayable("a pattern among file names")
    roots = [word for word in words if not word.live]
    if include is not None:
        if len(roots) > 1:
            raise Unsayable("grep in several directories")
        return _included(draft, roots[0].text if roots else ".", include)
    if not roots or [word.text for word in roots] in (["."], ["./"]):
        draft.needs.searches.append(Search())
        return None
    for word in roots:
        draft.needs.searches.append(Search(root=word.text))
    return sources.operands(draft, roots, folders=True)


def _included(draft: Draft, root: str, include: str) -> str:
    fields = naming.fields(draft.said, [include])
    where = draft.said.path(root, "the searched directory")
    if where != ".":
        fields["root"] = where
    if draft.said.files and "extension" not in fields:
        fields["type"] = "file"
    draft.needs.searches.append(Search(root=root, names=[include]))
    return draft.add("file.find", "files", **fields)


def _listed(
    draft: Draft, found: Options, fields: dict[str, SurfaceValue], words: Sequence[Word], *, recursive: bool
) -> None:
    """`grep -l`: which files."""
    if not recursive or len(words) > 1 or (words and words[0].live and words[0].text != "*"):
        raise Unsayable("grep -l without -r")
    root = words[0].text if words and not words[0].live else "."
    if "include" in found.values:
        _included(draft, root, found.values["include"])
    else:
        where = draft.said.path(root, "the searched directory")
        draft.needs.searches.append(Search(root=root))
        draft.add("file.find", "files", root=None if where == "." else where)
    _files_with(draft, fields, found, draft.calls[-1])
