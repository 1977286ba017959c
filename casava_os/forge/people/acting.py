"""What is done to files that a search found: `-exec`, `xargs`, `-delete`; and to files that are named outright."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from casava_os.forge.people import searching
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.shell import Options, Word, options
from casava_os.kernel.compiler.tagged import MODE_WORDS, SurfaceValue

HOLE = "{}"
"""Where the found files stand among the words of a command."""

_DELETES = "delet(?:e|es|ed|ing)|remov(?:e|es|ed|ing|al)|eras(?:e|es|ing)|clean(?:s|ed|ing)?(?: up)?|get rid|purg(?:e|es|ing)|wip(?:e|es|ing)|rm|unlink|discard|clear"
_MOVES = "mov(?:e|es|ed|ing)|renam(?:e|es|ed|ing)|mv|relocate"
_COPIES = "cop(?:y|ies|ied|ying)|duplicat(?:e|es|ing)|back ?up|cp"
ALGORITHMS = {
    "md5sum": "md5",
    "sha1sum": "sha1",
    "sha256sum": "sha256",
    "sha512sum": "sha512",
    "md5": "md5",
    "b2sum": "blake2b",
}


def delete(draft: Draft, target: SurfaceValue) -> None:
    """Deletes the files."""
    draft.said.need("delete", _DELETES)
    draft.add("file.delete", "done", paths=target)


def act(draft: Draft, words: Sequence[Word]) -> None:
    """One command for the files that the last call found; `HOLE` stands for them."""
    if not words:
        return
    program = words[0].text.rpartition("/")[2]
    rest = list(words[1:])
    if program == "sudo":
        act(draft, rest)
        return
    verb = _VERBS.get(program)
    if verb is None:
        raise Unsayable(f"{program} on found files")
    if not any(word.text == HOLE for word in rest):
        raise Unsayable(f"{program} with the found file inside an argument")
    if any(HOLE in word.text and word.text != HOLE for word in rest):
        raise Unsayable(f"{program} with the found file inside an argument")
    if sum(word.text == HOLE for word in rest) > 1:
        raise Unsayable(f"{program} with the found file twice")
    verb(draft, program, rest)


def _others(found: Options) -> list[Word]:
    return [word for word in found.operands if word.text != HOLE]


def _rm(draft: Draft, program: str, rest: list[Word]) -> None:
    found = options(rest, "rRfvdip", ("recursive", "force", "verbose", "ignore-fail-on-non-empty"))
    if _others(found):
        raise Unsayable("rm of found files and others")
    if program == "rmdir" and draft.calls[-1].get("type") != "directory":
        raise Unsayable("rmdir of what may be files")
    delete(draft, draft.last)


def _mv(draft: Draft, program: str, rest: list[Word]) -> None:
    long = ("target-directory=", "verbose", "force", "parents", "recursive", "archive")
    found = options(rest, "t:vfniTrRpaLPdu" if program == "cp" else "t:vfniTu", long)
    target = found.values.get("t") or found.values.get("target-directory")
    others = _others(found)
    if "parents" in found.flags or "T" in found.flags:
        raise Unsayable(f"{program} --parents")
    if target is None:
        if len(others) != 1 or found.operands[-1].text == HOLE:
            raise Unsayable(f"{program} of something onto the found files")
        if others[0].live:
            raise Unsayable("a pattern as a target")
        target = others[0].text
    elif others:
        raise Unsayable(f"{program} of found files and others")
    if re.fullmatch(r"\.?\.?/?", target):
        raise Unsaid("where to")
    draft.said.need("move" if program == "mv" else "copy", _MOVES if program == "mv" else _COPIES)
    draft.needs.folders.append(target)
    draft.needs.gathers = True
    call = "file.move" if program == "mv" else "file.copy"
    draft.add(call, "done", paths=draft.last, to=draft.said.path(target, "where to"))


def _chmod(draft: Draft, _program: str, rest: list[Word]) -> None:
    mode, operands, recursive = split_mode(rest)
    if [word.text for word in operands] != [HOLE]:
        raise Unsayable("chmod of found files and others")
    if recursive:
        draft.said.need("recursive", "recursiv(?:e|ely)|everything|contents|and (?:all )?(?:below|their)")
    draft.add("file.chmod", "done", paths=draft.last, mode=said_mode(draft, mode), recursive=recursive)


def split_mode(rest: Sequence[Word]) -> tuple[str, list[Word], bool]:
    """Mode, operands and whether `-R` was given, of the words behind `chmod`."""
    operands: list[Word] = []
    recursive = False
    for word in rest:
        if word.text in ("-R", "--recursive", "-vR", "-Rv", "-Rf", "-fR"):
            recursive = True
        elif word.text in ("-v", "-c", "-f", "--verbose", "--changes"):
            continue
        elif word.text.startswith("--"):
            raise Unsayable("chmod --reference")
        else:
            operands.append(word)
    if len(operands) < 2:
        raise Unsayable("chmod without a mode")
    return operands[0].text, operands[1:], recursive


_MODE_SENSES = {
    "+x": (r"(?:make|set|add|give|allow|chang)[a-z]*.{0,60}execut", ("+x", "a+x")),
    "u+x": (r"(?:user|owner).{0,40}execut|execut.{0,40}(?:user|owner)", ("u+x",)),
    "a-w": (r"read[- ]only", ("a-w", "-w")),
}


def said_mode(draft: Draft, mode: str) -> str:
    """A mode that stands in the request, or one of the modes that people say in words."""
    if re.fullmatch(r"[0-7]{3,4}", mode):
        return draft.said.mode(mode)
    if draft.said.stands(mode, "mode"):
        return mode
    for name, (sense, spellings) in _MODE_SENSES.items():
        if mode in spellings and name in MODE_WORDS and re.search(sense, draft.said.lower):
            if draft.said.has("read|writ(?:e|able)|everyone|all users|group|others") and name != "a-w":
                break
            return name
    raise Unsaid("mode")


def _ls(draft: Draft, _program: str, rest: list[Word]) -> None:
    found = options(
        rest, "lashdFiG1AQtrSnoTbpkc", ("color", "color=", "full-time", "human-readable", "time-style=")
    )
    if _others(found):
        raise Unsayable("ls of found files and others")
    if "t" in found.flags or "S" in found.flags:
        by = "time" if "t" in found.flags else "size"
        draft.decoration = by
        order(draft, descending="r" not in found.flags)
    detailed(draft, long="l" in found.flags)


def detailed(draft: Draft, *, long: bool) -> None:
    """A long listing is `file.stat`, where the request asks for one."""
    asked = draft.said.has(
        "long[- ]?(?:list(?:ing)?|format)|detail(?:s|ed)?|(?:file )?(?:permissions|attributes|information|info|owners?|sizes?) (?:of|for)|list(?:ing)? (?:information|info|details)|ls -l[a-z]*|in long"
    )
    if asked and long:
        draft.add("file.stat", "table", paths=draft.last)
    elif asked:
        raise Unsaid("only names")


def order(draft: Draft, *, descending: bool) -> None:
    """The last search in the order of sizes or times that the request asks for."""
    names = {"size": ("largest", "smallest"), "time": ("newest", "oldest")}[draft.decoration or ""]
    draft.said.need(
        "an order",
        "sort(?:ed|s|ing)?|order(?:ed|s|ing)?|large(?:st|r)?|big(?:gest|ger)?|small(?:est|er)?|newest|latest|(?:most )?recent(?:ly)?|oldest|last|size|time|first|heaviest",
    )
    wanted, other = names if descending else names[::-1]
    words = {"largest": "largest|biggest|heaviest", "smallest": "smallest|lightest", "newest": "newest|latest|(?:most )recent(?:ly)?", "oldest": "oldest|least recent(?:ly)?"}  # fmt: skip
    if draft.said.has(words[other]) and not draft.said.has(words[wanted]):
        raise Unsaid("the other order")
    draft.calls[-1]["sort"] = wanted


def _cat(draft: Draft, program: str, rest: list[Word]) -> None:
    found = options(rest, "n" if program == "cat" else "")
    if _others(found) or found.flags:
        raise Unsayable("cat of found files with more")
    draft.said.need(
        "contents", "contents?|read|cat|concatenate|text|dump|print the files|output the files|show the files"
    )
    draft.add("file.read", "text", paths=draft.last)


def _head(draft: Draft, program: str, rest: list[Word]) -> None:
    from casava_os.forge.people.texts import lines_wanted

    wanted, operands = lines_wanted(draft, program, rest)
    if [word.text for word in operands] != [HOLE]:
        raise Unsayable(f"{program} of found files and others")
    draft.add("file.read", "text", paths=draft.last, **wanted)


def _wc(draft: Draft, _program: str, rest: list[Word]) -> None:
    found = options(rest, "lwcm", ("lines", "words", "bytes"))
    if _others(found):
        raise Unsayable("wc of found files and others")
    if draft.said.has("each|every|per|individual(?:ly)?|respective|along with"):
        raise Unsayable("one count for each file")
    draft.add("text.count", "number", source=draft.last, what=measure(found))


def measure(found: Options) -> str | None:
    """What `wc` counts; None for lines, which the ABI counts by default."""
    what = {
        "l": "lines",
        "w": "words",
        "c": "bytes",
        "m": "characters",
        "lines": "lines",
        "words": "words",
        "bytes": "bytes",
    }
    wanted = [what[flag] for flag in sorted(found.flags)]
    if len(wanted) != 1:
        raise Unsayable("wc with three numbers")
    return None if wanted[0] == "lines" else wanted[0]


def _hash(draft: Draft, program: str, rest: list[Word]) -> None:
    if [word.text for word in rest if word.text not in ("-b", "-t")] != [HOLE]:
        raise Unsayable(f"{program} with options")
    hashed(draft, program, draft.last)


def hashed(draft: Draft, program: str, target: SurfaceValue) -> None:
    """Checksums of the files."""
    algorithm = ALGORITHMS[program]
    draft.said.need(
        "a checksum", rf"{algorithm}\s?(?:sums?|checksums?|hash(?:es)?|digests?)?|checksums?|hash(?:es)?"
    )
    if algorithm != "sha256":
        draft.said.need(algorithm, rf"{algorithm}\s?(?:sums?|digests?)?|sha-1|{algorithm}sums?")
    draft.add("file.hash", "table", paths=target, algorithm=None if algorithm == "sha256" else algorithm)


def _stat(draft: Draft, _program: str, rest: list[Word]) -> None:
    if [word.text for word in rest] != [HOLE]:
        raise Unsayable("stat with a format")
    draft.add("file.stat", "table", paths=draft.last)


def _touch(draft: Draft, _program: str, rest: list[Word]) -> None:
    found = options(rest, "acm")
    if _others(found) or found.flags:
        raise Unsayable("touch with options")
    draft.add("file.touch", "done", paths=draft.last)


def _du(draft: Draft, _program: str, rest: list[Word]) -> None:
    found = options(rest, "shckbmaS", ("apparent-size", "total", "summarize", "human-readable"))
    if _others(found):
        raise Unsayable("du of found files and others")
    if "c" in found.flags or "total" in found.flags:
        draft.said.need("a total", "total|sum|altogether|combined|overall|size")
        if draft.said.has("each|every|per|individual"):
            raise Unsayable("one size for each file")
        draft.add("file.size", "number", paths=draft.last)
        return
    draft.decoration = "size"


def _pack(draft: Draft, program: str, rest: list[Word]) -> None:
    from casava_os.forge.people.packing import archive_name

    name, operands = archive_name(program, rest)
    if [word.text for word in operands] != [HOLE]:
        raise Unsayable(f"{program} of found files and others")
    draft.add("file.archive", "done", paths=draft.last, to=draft.said.path(name, "the archive"))


def _grep(draft: Draft, program: str, rest: list[Word]) -> None:
    searching.on_found(draft, program, rest, HOLE)


def _sed(draft: Draft, program: str, rest: list[Word]) -> None:
    from casava_os.forge.people.scripts import in_place

    in_place(draft, program, rest, HOLE)


def _echo(_draft: Draft, _program: str, rest: list[Word]) -> None:
    if [word.text for word in rest if word.text not in ("-n", "-e")] != [HOLE]:
        raise Unsayable("echo of found files with more")


def _rename(draft: Draft, _program: str, rest: list[Word]) -> None:
    from casava_os.forge.people.files import rename_rule

    rule, operands = rename_rule(draft, rest)
    if [word.text for word in operands] != [HOLE]:
        raise Unsayable("rename of found files and others")
    draft.add("file.rename", "done", paths=draft.last, **rule)


_VERBS: dict[str, Callable[[Draft, str, list[Word]], None]] = {
    "rm": _rm, "rmdir": _rm, "unlink": _rm, "mv": _mv, "cp": _mv, "chmod": _chmod, "ls": _ls, "cat": _cat, "more": _cat, "less": _cat,
    "head": _head, "tail": _head, "wc": _wc, "stat": _stat, "touch": _touch, "du": _du, "tar": _pack, "zip": _pack, "grep": _grep,
    "egrep": _grep, "fgrep": _grep, "sed": _sed, "perl": _sed, "echo": _echo, "rename": _rename, "prename": _rename, **dict.fromkeys(ALGORITHMS, _hash),
}  # fmt: skip
