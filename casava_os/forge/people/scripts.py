"""Programs that are scripts: awk and sed, perl in place, and columns, which cut shares with awk."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casava_os.forge.people import sources
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.shell import Word, options
from casava_os.kernel.compiler.tagged import SurfaceValue

Fields = dict[str, SurfaceValue]


def _columns(draft: Draft, numbers: Sequence[int], delimiter: str | None, operands: Sequence[Word]) -> None:
    said = draft.said
    said.need("columns", "columns?|fields?|words?|parts?|entr(?:y|ies)|values?")
    columns = [said.count(number, "a column") for number in numbers]
    if any(isinstance(column, int) for column in columns) and len(columns) > 1:
        raise Unsaid("a column")
    if draft.gives in ("files", "table", "facts", "matches") and draft.pending is None and not operands:
        raise Unsayable("columns of what is no text")
    shown = None
    if delimiter is not None:
        shown = said.exactly(delimiter, "needle", "a delimiter")
    draft.needs.columns = delimiter or " "
    made: list[str | dict[str, str]] = [str(column) for column in columns]
    value: SurfaceValue = 1 if columns == [1] else made
    draft.add("text.columns", "text", source=sources.text(draft, operands), columns=value, delimiter=shown)


def cut(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Columns by a delimiter."""
    found = options(rest, "d:f:sc:b:", ("delimiter=", "fields=", "only-delimited"))
    wanted = found.values.get("f") or found.values.get("fields")
    delimiter = found.values.get("d") or found.values.get("delimiter") or "\t"
    if draft.gives == "files" and draft.decoration is not None:
        return  # takes away what the lines were sorted by
    if wanted is None or not re.fullmatch(r"\d+(,\d+)*", wanted):
        raise Unsayable("cut by characters or ranges")
    if found.flags:
        raise Unsayable("cut -s")
    if delimiter == "\t":
        raise Unsayable("columns between tabs")
    if delimiter == " ":
        raise Unsayable("columns between single blanks")
    _columns(draft, [int(one) for one in wanted.split(",")], delimiter, found.operands)


_FIELDS = re.compile(r"\s*\{\s*print\s+(\$\d+(?:\s*,\s*\$\d+)*)\s*;?\s*\}\s*")
_TOTAL = re.compile(
    r"\s*\{\s*(\w+)\s*\+=\s*\$(\d+)\s*;?\s*\}\s*;?\s*END\s*\{\s*print\s+\(?\1\)?\s*;?\s*\}\s*"
)
_LINE = re.compile(r"\s*NR\s*==\s*(\d+)\s*(?:\{\s*print(?:\s+\$0)?\s*;?\s*\})?\s*")
_RANGE = re.compile(r"\s*NR\s*>=?\s*(\d+)\s*&&\s*NR\s*<=?\s*(\d+)\s*")


def awk(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Columns, single lines and sums."""
    found = options(rest, "F:")
    if not found.operands:
        raise Unsayable("awk without a program")
    script, operands = found.operands[0].text, found.operands[1:]
    delimiter = found.values.get("F")
    if (match := _FIELDS.fullmatch(script)) is not None:
        if draft.gives == "files" and draft.decoration is not None:
            return
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        if 0 in numbers:
            raise Unsayable("awk '{print $0}'")
        _columns(draft, numbers, delimiter, operands)
    elif (match := _TOTAL.fullmatch(script)) is not None:
        draft.said.need("a sum", "sum(?:s|med|ming)?|total|add(?:s|ing)?(?: up)?")
        if draft.gives == "number":
            return
        if draft.gives not in ("nothing", "text") and draft.pending is None:
            raise Unsayable("the sum of what is no text")
        draft.needs.columns = delimiter or " "
        number = draft.said.count(int(match[2]), "a column")
        column = None if number == 1 else number
        draft.add("idiom.sum_column", "text", source=sources.text(draft, operands), column=column)
    elif (match := _LINE.fullmatch(script)) is not None:
        _range(draft, int(match[1]), int(match[1]), operands)
    else:
        raise Unsayable("awk with another program")


def _range(draft: Draft, start: int, end: int | None, operands: Sequence[Word]) -> None:
    draft.said.need("lines", "lines?|rows?")
    wanted: Fields = {"from_line": draft.said.count(start, "a line number")}
    if end is not None:
        wanted["to_line"] = draft.said.count(end, "a line number")
    if operands or draft.pending is not None:
        draft.add("file.read", "text", paths=sources.text(draft, operands), **wanted)
    else:
        draft.add("text.lines", "text", source=sources.text(draft, ()), **wanted)


_PRINTED = re.compile(r"(\d+)(?:,(\d+|\$))?\s*p(?:;\s*\1q|;\s*\d+\s*q)?")
_REPLACED = re.compile(
    r"s(?P<mark>[/|#,@:!])(?P<find>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<put>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<flags>[gIi]*)"
)
_SPECIAL = re.compile(r"[\\^$*\[\]]")


def sed(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Lines by number, lines without a text, and replacements in place."""
    if draft.gives == "files" and draft.decoration is not None:
        return
    found = (
        options(rest, "ni::rEe:s", ("in-place", "quiet", "regexp-extended", "expression="))
        if not _in_place(rest)
        else None
    )
    if found is None:
        in_place(draft, program, list(rest), None)
        return
    operands = list(found.operands)
    script = found.values.get("e") or (operands.pop(0).text if operands else "")
    script = script.strip().rstrip(";")
    if found.flags & {"n", "quiet"} and (match := _PRINTED.fullmatch(script)) is not None:
        if match[2] == "$":
            _range(draft, int(match[1]), None, operands)
        else:
            _range(draft, int(match[1]), int(match[2] or match[1]), operands)
    elif (match := re.fullmatch(r"(\d+)q", script)) is not None:
        wanted = {"first": draft.said.count(int(match[1]), "how many lines")}
        draft.said.need("first", "first|top")
        draft.add("file.read", "text", paths=sources.operands(draft, operands), **wanted)
    elif (match := re.fullmatch(r"/([^/\\^$*\[\]]+)/d", script)) is not None:
        draft.said.need("without", "delet(?:e|es|ing)|remov(?:e|es|ing)|without|except|exclud(?:e|ing)|not")
        pattern = draft.said.exactly(match[1], "needle", "the text to look for")
        draft.needs.words.append(match[1])
        draft.add(
            "text.search", "matches", pattern=pattern, source=sources.text(draft, operands), invert=True
        )
    else:
        raise Unsayable("sed with another script")


def _in_place(rest: Sequence[Word]) -> bool:
    return any(re.match(r"-[nErs]*i|--in-place", word.text) for word in rest)


def in_place(draft: Draft, program: str, rest: list[Word], hole: str | None) -> None:
    """`sed -i s/a/b/` and `perl -pi -e s/a/b/`: text replaced in files. With `hole`, in found ones."""
    script, operands, extended = _edit(program, rest)
    match = _REPLACED.fullmatch(script.strip().rstrip(";"))
    if match is None:
        raise Unsayable(f"{program} with another script")
    fields = _replacement(draft, match, extended=extended)
    if hole is None:
        live = operands[0].live
        target: SurfaceValue = (
            sources.shell_pattern(draft, operands[0]) if live else sources.operands(draft, operands)
        )
    elif [word.text for word in operands] != [hole]:
        raise Unsayable(f"{program} of found files and others")
    else:
        target = draft.last
        if draft.calls[-1].get("contains") == fields["find"] and len(draft.calls) == 1:
            del draft.calls[-1]["contains"]  # only files that have the text change anyway
            if draft.said.files and "extension" not in draft.calls[-1]:
                draft.calls[-1]["type"] = "file"
    draft.add("text.replace", "done", paths=target, **fields)


def _edit(program: str, rest: Sequence[Word]) -> tuple[str, list[Word], bool]:
    """Script, operands, and whether its expressions are extended ones."""
    if not _in_place(rest) and not (
        program == "perl" and any("i" in word.text for word in rest if word.text.startswith("-"))
    ):
        raise Unsayable(f"{program} that prints")
    words: list[Word] = []
    extended = program == "perl"
    for word in rest:
        if re.fullmatch(
            r"-[nErspwe]*i[eErpw]*|--in-place|-[perEsw]+|--expression|--regexp-extended", word.text
        ):
            extended = extended or "E" in word.text or "r" in word.text
            if "n" in word.text and not word.text.startswith("--"):
                raise Unsayable("sed -n -i")
        elif word.text.startswith("-"):
            raise Unsayable(f"{program} with a backup")
        else:
            words.append(word)
    if len(words) < 2:
        raise Unsayable(f"{program} without files")
    return words[0].text, words[1:], extended


def _replacement(draft: Draft, match: re.Match[str], *, extended: bool) -> Fields:
    """What is replaced, and by what."""
    said = draft.said
    if "g" not in match["flags"]:
        if not said.has("all|every|each|occurrences|replace|substitute|change"):
            raise Unsaid("every occurrence")
        if said.has("once|first|only one"):
            raise Unsayable("the first occurrence of each line")
    find, put = _plain(match["find"], match["mark"]), _plain(match["put"], match["mark"])
    if _SPECIAL.search(find) or (extended and re.search(r"[+?(){}|]", find)) or re.search(r"[\\&]", put):
        raise Unsayable("a replacement by a regular expression")
    fields: Fields = {"find": said.exactly(find, "needle", "the text to replace")}
    if put:
        fields["replacement"] = said.exactly(put, "content", "the replacement")
        said.need(
            "replace",
            "replac(?:e|es|ed|ing|ement)|substitut(?:e|es|ing|ion)|chang(?:e|es|ing)|convert(?:s|ing)?|swap|rename|turn",
        )
    else:
        said.need("remove", "remov(?:e|es|ing)|delet(?:e|es|ing)|strip(?:s|ping)?|eras(?:e|es|ing)")
    if match["flags"].lower().replace("g", ""):
        said.need("ignore_case", "case")
        fields["ignore_case"] = True
    draft.needs.words.append(find)
    draft.needs.reads_content = True
    return fields


def _plain(text: str, mark: str) -> str:
    return re.sub(rf"\\([.\-/{re.escape(mark)}\"' ])", r"\1", text)
