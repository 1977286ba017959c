"""Programs on files that are named outright: cp, mv, rm, mkdir, touch, chmod, ln, diff, sums, ls, du, rename."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from casava_os.forge.people import sources
from casava_os.forge.people.acting import ALGORITHMS, delete, detailed, hashed, said_mode, split_mode
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.packing import pack, tar, unzip
from casava_os.forge.people.plans import Draft, Search
from casava_os.forge.people.shell import Word, options
from casava_os.kernel.compiler.tagged import SurfaceValue


def rm(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Deletes."""
    sources.alone(draft)
    found = options(rest, "rRfvdi", ("recursive", "force", "verbose"))
    if not found.operands:
        raise Unsayable("rm of nothing")
    delete(draft, sources.target(draft, found.operands))
    if program == "rmdir" or found.flags & {"r", "R", "recursive"}:
        draft.needs.folders += draft.needs.files
        draft.needs.files.clear()
        if program == "rmdir":
            draft.needs.empty_folders = True


def cp(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Copies or moves."""
    sources.alone(draft)
    found = options(
        rest,
        "t:vfrRpai" if program == "cp" else "t:vfi",
        ("target-directory=", "verbose", "force", "recursive", "archive"),
    )
    words = list(found.operands)
    target = found.values.get("t") or found.values.get("target-directory")
    if target is None:
        if len(words) < 2:
            raise Unsayable(f"{program} without a target")
        target = words.pop().text
    if re.search(r"[*?]", target) or re.fullmatch(r"\.\.?/?", target):
        raise Unsaid("where to")
    recursive = bool(found.flags & {"r", "R", "a", "recursive", "archive"})
    draft.said.need(
        program,
        "mov(?:e|es|ing)|renam(?:e|es|ing)|mv"
        if program == "mv"
        else "cop(?:y|ies|ying)|duplicat|back ?up|cp",
    )
    paths = (
        sources.operands(draft, words, folders=recursive)
        if not words[0].live
        else sources.target(draft, words)
    )
    if draft.said.has(
        "overwrit(?:e|es|ing)|replac(?:e|ing)|forc(?:e|ibly|efully)|without (?:overwrit|prompt)|if|unless|only"
    ):
        raise Unsayable(f"{program} under a condition")
    if (
        target.endswith("/")
        or len(words) > 1
        or words[0].live
        or draft.said.has("(?:in)?to (?:the )?(?:director|folder)|director(?:y|ies)|folders?")
    ):
        draft.needs.folders.append(target)
    to = draft.said.path(target, "where to")
    renaming = program == "mv" and len(words) == 1 and draft.said.has("renam(?:e|es|ing)")
    if renaming and isinstance(to, str):
        if "/" in to.rstrip("/") or "/" in words[0].text.rstrip("/"):
            raise Unsayable("a new name with a place")
        draft.add("file.rename", "done", paths=paths, to=to)
    else:
        draft.add("file.move" if program == "mv" else "file.copy", "done", paths=paths, to=to)


def mkdir(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Makes directories."""
    sources.alone(draft)
    found = options(rest, "pvm:", ("parents", "verbose"))
    if found.values:
        raise Unsayable("mkdir with a mode")
    paths = sources.operands(draft, found.operands)
    draft.needs.files.clear()
    if not found.flags & {"p", "parents"}:
        draft.needs.folders += [
            word.text.rstrip("/").rpartition("/")[0]
            for word in found.operands
            if "/" in word.text.rstrip("/")
        ]
    draft.add("file.make_dir", "done", paths=paths)


def touch(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Makes empty files, or sets times."""
    sources.alone(draft)
    found = options(rest, "cm")
    if "c" in found.flags or draft.said.has("access"):
        raise Unsayable("touch with options")
    paths = sources.operands(draft, found.operands)
    if draft.said.has("creat(?:e|es|ing)|make|empty|new"):
        draft.needs.folders += [word.text.rpartition("/")[0] for word in found.operands if "/" in word.text]
        draft.needs.files.clear()
    draft.add("file.touch", "done", paths=paths)


def chmod(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Changes permission bits."""
    sources.alone(draft)
    mode, operands, recursive = split_mode(rest)
    said = said_mode(draft, mode)
    if recursive:
        draft.said.need(
            "recursive", "recursiv(?:e|ely)|all|everything|every|contents|tree|within|under|inside|sub"
        )
    paths = sources.target(draft, operands)
    if recursive:
        draft.needs.folders += draft.needs.files
        draft.needs.files.clear()
    draft.add("file.chmod", "done", paths=paths, mode=said, recursive=recursive)


def ln(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Makes a link."""
    sources.alone(draft)
    found = options(rest, "sfvnTr", ("symbolic", "force"))
    if found.flags & {"f", "force"} and draft.said.has("overwrit|forc|replac|remov"):
        raise Unsayable("ln over what is there")
    if len(found.operands) != 2:
        raise Unsaid("the name of the link")
    target, path = (word.text for word in found.operands)
    if path.endswith("/"):
        raise Unsayable("a link in a directory")
    if any(word.live for word in found.operands) or not re.search(r"\w", path):
        raise Unsayable("a pattern among file names")
    draft.needs.files.append(target)
    if "/" in path:
        draft.needs.folders.append(path.rpartition("/")[0])
    hard = not found.flags & {"s", "symbolic"}
    if hard:
        draft.said.need("a hard link", "hard")
    draft.add(
        "file.link",
        "done",
        target=draft.said.path(target, "what the link points to"),
        path=draft.said.path(path, "the link"),
        hard=hard,
    )


def diff(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Differences."""
    sources.alone(draft)
    found = options(rest, "ruNa", ("recursive", "unified", "new-file", "text"))
    if len(found.operands) != 2:
        raise Unsayable("diff of more than two")
    draft.said.need(
        "differences", "diff(?:s|er|ers|erence|erences|ering)?|compar(?:e|es|ing|ison)|chang(?:es|ed)"
    )
    left, right = sources.operands(draft, found.operands, folders=bool(found.flags & {"r", "recursive"}))
    draft.add("file.diff", "text", left=left, right=right)


def sums(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Checksums."""
    sources.alone(draft)
    found = options(rest, "bt")
    if not found.operands:
        raise Unsayable("the checksum of a text")
    hashed(draft, program, sources.target(draft, found.operands))


def ls(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """What a directory holds."""
    sources.alone(draft)
    found = options(
        rest,
        "laAh1tSrRdFGpQi",
        ("color", "color=", "all", "almost-all", "human-readable", "recursive", "full-time"),
    )
    flags = found.flags
    if flags & {"R", "recursive"}:
        draft.said.need("recursive", "recursiv(?:e|ely)|sub-?(?:director|folder)[a-z]*|tree")
        root = draft.said.path(found.operands[0].text, "the directory") if found.operands else "."
        draft.needs.searches.append(
            Search(root=found.operands[0].text if found.operands else ".", only_files=False)
        )
        draft.add("file.find", "files", root=None if root == "." else root)
        return
    if len(found.operands) > 1 or "d" in flags:
        raise Unsayable("ls of several things")
    if found.operands and found.operands[0].live:
        sources.shell_pattern(draft, found.operands[0])
        detailed(draft, long="l" in flags)
        return
    hidden = bool(flags & {"a", "A", "all", "almost-all"})
    if hidden and not draft.said.has("hidden|dot ?files?|all|includ(?:e|es|ing)|starting with|begin"):
        draft.relaxed.append("ls -a")
        raise Unsaid("hidden")
    sort = _ls_order(draft, flags)
    where = draft.said.path(found.operands[0].text, "the directory") if found.operands else "."
    place = found.operands[0].text if found.operands else "."
    draft.needs.searches.append(Search(root=place, only_files=False))
    draft.add("file.list", "files", path=None if where == "." else where, hidden=hidden, sort=sort)


def _ls_order(draft: Draft, flags: set[str]) -> str | None:
    if not flags & {"t", "S"}:
        if "r" in flags:
            raise Unsayable("ls -r")
        return None
    names = ("newest", "oldest") if "t" in flags else ("largest", "smallest")
    draft.said.need(
        "an order",
        "sort(?:ed|s|ing)?|order(?:ed)?|newest|oldest|recent(?:ly)?|latest|largest|biggest|smallest|time|size|last",
    )
    return names[1] if "r" in flags else names[0]


def du(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """How much space things take."""
    sources.alone(draft)
    found = options(
        rest, "shckbmad:", ("max-depth=", "apparent-size", "summarize", "human-readable", "total")
    )
    depth = found.values.get("d") or found.values.get("max-depth")
    if depth is not None and depth not in ("0", "1"):
        raise Unsayable("du to a depth")
    each = depth == "1" or any(word.text in ("*", "./*") for word in found.operands)
    if each:
        raise Unsayable("du of each directory")
    if not (found.flags & {"s", "summarize", "c", "total"} or depth == "0"):
        raise Unsayable("du of every directory")
    draft.said.need("size", "size|space|usage|big|large|much|bytes|disk")
    if found.flags & {"c", "total"} and len(found.operands) < 2:
        pass
    elif len(found.operands) > 1:
        raise Unsayable("one size for each file")
    if not [word for word in found.operands if word.text not in (".", "./")]:
        draft.said.need(
            "this directory",
            "(?:this|current|present|working) (?:working )?(?:director(?:y|ies)|folder)|here|everything",
        )
    paths = sources.operands(
        draft, [word for word in found.operands if word.text not in (".", "./")], folders=True
    )
    draft.needs.searches += [Search(root=word.text) for word in found.operands]
    draft.add("file.size", "number", paths=paths or None)


def rename_rule(draft: Draft, rest: Sequence[Word]) -> tuple[dict[str, SurfaceValue], list[Word]]:
    """The rule of perl's `rename`, and its operands."""
    found = options(rest, "vfn")
    if len(found.operands) < 2 or "n" in found.flags:
        raise Unsayable("rename without a rule")
    script = found.operands[0].text
    said = draft.said
    if re.fullmatch(r"y/A-Z/a-z/;?|tr/A-Z/a-z/;?", script):
        said.need("lower case", "lower")
        return {"case": "lower"}, found.operands[1:]
    if re.fullmatch(r"y/a-z/A-Z/;?|tr/a-z/A-Z/;?", script):
        said.need("upper case", "upper|capital")
        return {"case": "upper"}, found.operands[1:]
    match = re.fullmatch(r"s/((?:\\.|[^/\\])+)/((?:\\.|[^/\\])*)/(g?);?", script)
    if match is None:
        raise Unsayable("rename with another rule")
    ending = re.fullmatch(r"\\\.(\w+)\$", match[1])
    if ending is not None and (new := re.fullmatch(r"\\?\.(\w+)", match[2])) is not None:
        word = said.extension(new[1])
        if word is None or said.extension(ending[1]) is None:
            raise Unsaid("the new extension")
        return {"extension": word}, found.operands[1:]
    find, put = re.sub(r"\\([.\- ])", r"\1", match[1]), re.sub(r"\\([.\- ])", r"\1", match[2])
    if re.search(r"[\\^$*+?\[\](){}|]", find) or re.search(r"[\\$]", put):
        raise Unsayable("rename by a regular expression")
    rule: dict[str, SurfaceValue] = {"find": said.exactly(find, "needle", "the text to replace")}
    if put:
        rule["replacement"] = said.exactly(put, "content", "the replacement")
    return rule, found.operands[1:]


def rename(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Renames many files by a rule."""
    if draft.gives == "files" and draft.calls:
        rule, operands = rename_rule(draft, [*rest, Word("{}", "{}")])
        draft.add("file.rename", "done", paths=draft.last, **rule)
        return
    sources.alone(draft)
    rule, operands = rename_rule(draft, rest)
    draft.add("file.rename", "done", paths=sources.target(draft, operands), **rule)


FILES: dict[str, Callable[[Draft, str, Sequence[Word]], None]] = {
    "rm": rm, "rmdir": rm, "unlink": rm, "cp": cp, "mv": cp, "mkdir": mkdir, "touch": touch, "chmod": chmod, "ln": ln, "tar": tar, "zip": pack,
    "unzip": unzip, "diff": diff, "ls": ls, "dir": ls, "du": du, "rename": rename, "prename": rename, **dict.fromkeys(ALGORITHMS, sums),
}  # fmt: skip
