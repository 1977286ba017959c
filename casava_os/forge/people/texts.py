"""Programs on text: cat, head, tail, wc, sort, uniq, tr, pagers and what else an idiom says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from casava_os.forge.people import sources
from casava_os.forge.people.acting import measure, order
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.scripts import awk, cut, in_place, sed
from casava_os.forge.people.searching import counted
from casava_os.forge.people.shell import Word, options
from casava_os.kernel.compiler.tagged import SurfaceValue

Fields = dict[str, SurfaceValue]


def cat(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Files, for the next command or to read."""
    found = options(rest, "nbeAEstTuv")
    if (
        program == "nl"
        and not found.operands
        and not found.flags
        and (draft.calls or draft.pending is not None)
    ):
        draft.add("idiom.number_lines", "text", source=sources.text(draft, ()))
        return
    if not found.operands:
        if draft.calls or draft.pending is not None:
            return
        raise Unsayable("cat of standard input")
    if found.flags == {"n"} or program == "nl":
        draft.add("idiom.number_lines", "text", source=sources.operands(draft, found.operands))
        return
    if found.flags or draft.calls:
        raise Unsayable("cat with options")
    if len(found.operands) == 1 and found.operands[0].live:
        draft.add("file.read", "text", paths=sources.shell_pattern(draft, found.operands[0]))
        return
    draft.pending = sources.operands(draft, found.operands)


def finish_cat(draft: Draft) -> None:
    """What `cat` named and no command took is read."""
    if draft.pending is not None:
        pending, draft.pending = draft.pending, None
        draft.add("file.read", "text", paths=pending)


def lines_wanted(draft: Draft, program: str, rest: Sequence[Word]) -> tuple[Fields, list[Word]]:
    """Which lines `head` or `tail` prints, as fields, and its operands."""
    words: list[Word] = []
    number = None
    for word in rest:
        if re.fullmatch(r"-\d+", word.text):
            number = word.text[1:]
        else:
            words.append(word)
    found = options(words, "n:qvz", ("lines=", "quiet"))
    if "v" in found.flags or "z" in found.flags:
        raise Unsayable(f"{program} -v")
    number = number or found.values.get("n") or found.values.get("lines")
    if number is None:
        number = "10"
        if not draft.said.has("10|ten"):
            raise Unsaid("how many lines")
    if program == "tail" and re.fullmatch(r"\+\d+", number):
        if int(number[1:]) < 2 or not draft.said.has("start(?:ing)?|from|line"):
            raise Unsaid("from which line")
        return {"from_line": draft.said.count(int(number[1:]), "from which line")}, found.operands
    if not number.isdigit() or int(number) < 1:
        raise Unsayable(f"{program} with another amount")
    key = "first" if program == "head" else "last"
    draft.said.need(
        key, "first|top|head|begin(?:ning)?|start" if key == "first" else "last|bottom|tail|end|final"
    )
    return {key: draft.said.count(int(number), "how many lines")}, found.operands


def head(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """The first or last lines: of files, of a result, or of a search."""
    if draft.gives == "files" and draft.pending is None and draft.calls[-1]["call"] == "file.find":
        _limit(draft, program, rest)
        return
    wanted, operands = lines_wanted(draft, program, rest)
    before = draft.calls[-1] if draft.calls else {}
    if (
        draft.pending is None
        and not operands
        and before.get("call") in ("file.read", "text.lines")
        and program == "tail"
    ):
        first, last = before.get("first"), wanted.get("last")
        if last == 1 and isinstance(first, str | int):
            # The last of the first n lines is line n.
            del before["first"]
            before["from_line"] = before["to_line"] = first
            return
        raise Unsayable("a range of lines by head and tail")
    if operands or draft.pending is not None:
        source = sources.text(draft, operands)
        draft.add("file.read", "text", paths=source, **wanted)
    else:
        draft.add("text.lines", "text", source=sources.text(draft, ()), **wanted)


def _limit(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """`head` behind a search: the first so many."""
    words = [word for word in rest if not re.fullmatch(r"-\d+", word.text)]
    found = options(words, "n:", ("lines=",))
    if found.operands:
        raise Unsayable(f"{program} of a file in a pipe")
    digits = [word.text[1:] for word in rest if re.fullmatch(r"-\d+", word.text)]
    number = digits[0] if digits else found.values.get("n") or found.values.get("lines") or "10"
    if not number.isdigit() or int(number) < 1:
        raise Unsayable(f"{program} with another amount")
    last = draft.calls[-1]
    if "limit" in last:
        raise Unsayable("head twice")
    if program == "tail":
        opposite = {"largest": "smallest", "smallest": "largest", "newest": "oldest", "oldest": "newest"}
        sort = last.get("sort")
        if not isinstance(sort, str):
            raise Unsayable("the last of what a search found")
        last["sort"] = opposite[sort]
    elif "sort" not in last:
        draft.any_order = True
    last["limit"] = draft.said.count(int(number), "how many")


def wc(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Counts of files or of text."""
    found = options(rest, "lwcm", ("lines", "words", "bytes", "chars"))
    what = measure(found)
    said = draft.said
    said.need(
        "count",
        "count(?:s|ed|ing)?|number|how many|total|amount|size|length|calculate|lines|words|bytes|quantity",
    )
    last = draft.calls[-1] if draft.calls else {}
    if draft.gives == "files" and draft.pending is None and not found.operands:
        if what is not None:
            raise Unsayable("words or bytes of a list of names")
        if draft.said.has("lines"):
            raise Unsaid("how many files")
        draft.add("file.count", "number", paths=draft.last)
        return
    if last.get("call") == "text.search" and what is None and not found.operands and draft.pending is None:
        search = draft.calls.pop()
        fields = {key: value for key, value in search.items() if key not in ("call", "source")}
        counted(draft, fields, search.get("source"))
        return
    if len(found.operands) > 1 and said.has("each|every|respective"):
        raise Unsayable("one count for each file")
    if what == "bytes" and said.has("characters?|chars?|letters"):
        what = "characters"
    draft.add("text.count", "number", source=sources.text(draft, found.operands), what=what)


def sort(draft: Draft, _program: str, rest: Sequence[Word]) -> None:  # noqa: C901 - a branch for each of its options
    """Lines in order; of a search with sizes or times, its order."""
    found = options(rest, "rnufk:t:hbgVz", ("reverse", "unique", "numeric-sort", "key=", "ignore-case"))
    flags = found.flags | {
        {"reverse": "r", "unique": "u", "numeric-sort": "n", "ignore-case": "f"}.get(flag, flag)
        for flag in found.flags
    }
    if flags & {"V", "z"} and draft.gives != "files":
        raise Unsayable("sort -V or -z")
    if draft.gives == "files" and draft.pending is None:
        if draft.decoration is not None and flags & {"n", "h", "g"}:
            order(draft, descending="r" in flags)
        elif flags - {"u", "z", "f"} or found.values:
            raise Unsayable("sort of a list of names")
        return
    key = found.values.get("k") or found.values.get("key")
    column: str | int | None = None
    if key is not None:
        match = re.fullmatch(r"(\d+)(n?r?|r?n?)?(?:,(\d+)(n?r?|r?n?)?)?", key)
        if match is None or match[3] not in (None, match[1]):
            raise Unsayable("sort by part of a column")
        flags |= set((match[2] or "") + (match[4] or ""))
        draft.said.need("a column", "columns?|fields?|keys?|word|entry|entries|value")
        column = draft.said.count(int(match[1]), "a column")
    delimiter = found.values.get("t")
    if "r" in flags:
        draft.said.need(
            "reverse",
            "revers(?:e|ed|ely)|descend(?:ing)?|largest|highest|biggest|most|decreasing|z-a|backwards?",
        )
    if "f" in flags:
        draft.said.need("ignore_case", "case")
    fields: Fields = {
        "reverse": "r" in flags,
        "numeric": bool(flags & {"n", "g", "h"}),
        "unique": "u" in flags,
        "ignore_case": "f" in flags,
    }
    if column is not None:
        fields["column"] = column
    if delimiter:
        fields["delimiter"] = draft.said.exactly(delimiter, "needle", "a delimiter")
    if fields["numeric"]:
        draft.said.need("numeric", "numer(?:ic|ical|ically)|numbers?|value|size|count")
    if fields["unique"]:
        draft.said.need("unique", "uniq(?:ue|uely|ues|uing)?|duplicates?|distinct|repeat(?:s|ed)?|once|same")
    last = draft.calls[-1] if draft.calls else {}
    if last.get("call") == "text.unique" and last.get("count") and fields["reverse"] and column is None:
        return  # counted lines already are in that order
    if draft.needs.columns is None and column is not None:
        draft.needs.columns = delimiter or " "
    draft.add("text.sort", "text", source=sources.text(draft, found.operands), **fields)


def uniq(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Lines once, or counted; behind `sort` that is one call."""
    found = options(rest, "cdui", ("count",))
    if found.flags & {"d", "u"} or len(found.operands) > 1:
        raise Unsayable("uniq -d or -u")
    counting = bool(found.flags & {"c", "count"})
    said = draft.said
    if draft.gives == "files":
        if counting:
            raise Unsayable("uniq -c on names")
        return
    if counting:
        said.need(
            "counts",
            "count(?:s|ed|ing)?|number|how (?:many|often)|occur(?:s|rence|rences)?|frequenc(?:y|ies)|times|prefixed",
        )
    else:
        said.need(
            "unique",
            "uniq(?:ue|uely|ues|uing)?|duplicates?|distinct|repeat(?:s|ed)?|same|consecutive|adjacent",
        )
        if said.has("only once|appear once|occur once|found once|not repeated|repeated lines"):
            raise Unsaid("lines that occur once")
        if said.has("consecutive|adjacent|sequential"):
            raise Unsayable("only repetitions that follow each other")
    last = draft.calls[-1] if draft.calls else {}
    source: SurfaceValue
    if (
        last.get("call") == "text.sort"
        and not found.operands
        and set(last) <= {"call", "source", "ignore_case"}
    ):
        draft.calls.pop()
        source = last["source"]
        if not counting and said.has("sort(?:ed|s|ing)?|order(?:ed)?"):
            draft.add("text.sort", "text", source=source, unique=True)
            return
    elif last.get("call") == "text.sort" and not counting and not found.operands:
        last["unique"] = True
        return
    elif counting or not found.operands:
        raise Unsayable("uniq of what is not sorted")
    else:
        raise Unsayable("uniq of what is not sorted")
    draft.add("text.unique", "text", source=source, count=counting)


def _idiom(call: str, sense: str) -> Callable[[Draft, str, Sequence[Word]], None]:
    def translate(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
        found = options(rest, "")
        draft.said.need(call, sense)
        draft.add(call, "text", source=sources.text(draft, found.operands))

    return translate


def tr(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Letters made large or small."""
    sets = [word.text for word in rest]
    if draft.gives in ("files", "facts", "matches", "number") and draft.pending is None:
        raise Unsayable("tr on what is no text")
    if sets in (["a-z", "A-Z"], ["[a-z]", "[A-Z]"], ["[:lower:]", "[:upper:]"]):
        draft.add("idiom.upper_case", "text", source=sources.text(draft, ()))
    elif sets in (["A-Z", "a-z"], ["[A-Z]", "[a-z]"], ["[:upper:]", "[:lower:]"]):
        draft.add("idiom.lower_case", "text", source=sources.text(draft, ()))
    else:
        raise Unsayable("tr with other sets")


def paste(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Two files side by side."""
    found = options(rest, "")
    if len(found.operands) != 2:
        raise Unsayable("paste of another number of files")
    left, right = sources.operands(draft, found.operands)
    draft.add("idiom.side_by_side", "text", left=left, right=right)


def pager(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """A pager shows what comes; of a named file that is reading it."""
    found = options(rest, "RSXFN")
    if found.operands:
        draft.pending = sources.operands(draft, found.operands)
    elif not draft.calls and draft.pending is None:
        raise Unsayable("a pager without anything")


def tee(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """A copy of what passes, in a file."""
    found = options(rest, "a", ("append",))
    if len(found.operands) != 1:
        raise Unsayable("tee into several files")
    sources.saved(draft, found.operands[0], appends=bool(found.flags))


TEXTS: dict[str, Callable[[Draft, str, Sequence[Word]], None]] = {
    "cat": cat, "nl": cat, "head": head, "tail": head, "wc": wc, "sort": sort, "uniq": uniq, "cut": cut, "awk": awk, "gawk": awk, "mawk": awk,
    "sed": sed, "perl": lambda draft, program, rest: in_place(draft, program, list(rest), None), "tr": tr, "paste": paste, "less": pager, "more": pager, "tee": tee,
    "tac": _idiom("idiom.reverse_lines", "revers(?:e|ed)|backwards?|last line first|bottom"),
    "shuf": _idiom("idiom.shuffle_lines", "shuffl(?:e|ed|ing)|random(?:ly|ize)?|permut"),
    "base64": _idiom("idiom.base64_encode", "base64"),
}  # fmt: skip
