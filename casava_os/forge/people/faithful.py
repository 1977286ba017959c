"""Whether request and calls speak of the same: no argument left over, no deed that is not asked for or not done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casava_os.forge.people.errors import Unfaithful
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.said import Said
from casava_os.kernel.compiler import tagged
from casava_os.kernel.compiler.lexer import Atom

_HERE = re.compile(r"\.|\./|\.\.\.|\*|\{\}|`?\.'?|pwd|/|\(\.\)")
_PLAIN_SLASH = re.compile(
    r"(?:(?:sub)?director(?:y|ies)|files?|folders?|sub-?folders?|and|or|regular|normal|dirs?|links?|sub-?directories|symlinks?|symbolic|words?|lines?|search|print|display|his|her)(?:/(?:(?:sub)?director(?:y|ies)|files?|folders?|sub-?folders?|and|or|regular|normal|dirs?|links?|sub-?directories|symlinks?|words?|lines?|find|show|display|his|her))+",
    re.IGNORECASE,
)
_ABBREVIATIONS = re.compile(r"(?:i\.e|e\.g|etc|vs|a\.k\.a)\.?", re.IGNORECASE)
_DEEDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("deletes", "delet(?:e|es|ing)|remov(?:e|es|ing)|eras(?:e|es|ing)|get rid|purg(?:e|es)|wip(?:e|es)|clean(?:s|ing)? (?:up|out)", ("file.delete", "text.replace", "text.search", "text.unique", "text.sort", "idiom.without_blank_lines")),
    ("moves", "mov(?:e|es|ing)|renam(?:e|es|ing)", ("file.move", "file.rename", "text.replace")),
    ("copies", "cop(?:y|ies|ying)|back(?:s|ing)? ?up|backups?|duplicates? (?:it|them|the)", ("file.copy", "file.archive", "idiom.dated_backup", "text.unique", "file.find")),
    ("changes permissions", "chmod|(?:chang|sett?|mak|giv|grant|updat|modif|add|allow|remov|revok)[a-z]* [^.]{0,60}(?:permissions?|executable|writable|readable|read-only|mode)", ("file.chmod",)),
    ("replaces", "replac(?:e|es|ing)|substitut(?:e|es|ing)", ("text.replace", "file.rename")),
    ("counts", "count(?:s|ing)?|how many|number of|total number", ("file.count", "text.count", "text.unique", "text.lines", "file.read", "idiom.number_lines", "idiom.sum_column")),
    ("packs", "compress(?:es|ing)?|archiv(?:e|es|ing) (?:it|them|all|the|every)|zip(?:s|ping)?|tar ?balls?|gzip(?:s|ping)?", ("file.archive", "file.extract", "idiom.list_archive")),
    ("runs", "execut(?:e|es|ing)|run(?:s|ning)? (?:the|a|it)|invok(?:e|es)|calls?", ("process.run", "file.find")),
    ("writes", "(?<!errors )sav(?:e|es|ing)|writ(?:e|es|ing)|redirect(?:s|ing)?|append(?:s|ing)?|stor(?:e|es|ing)|outputs? (?:to|in)|log(?:s|ging)? (?:to|in)|to (?:a |the )?(?:log )?file", ("file.write", "idiom.join_files", "file.touch", "file.link", "file.archive", "file.move", "file.copy", "text.replace", "file.find")),
    ("sums sizes", "total size|sum(?:s|med)?|disk (?:usage|space)|calculat(?:e|es)|average|add(?:s|ing)? up", ("file.size", "idiom.sum_column", "text.count", "file.hash", "system.disk", "file.usage")),
    ("sorts", "sort(?:s|ed|ing)?|order(?:ed)? by|in (?:reverse|alphabetical|descending|ascending) order|largest|biggest|smallest|newest|oldest|latest|most recent(?:ly)?", ("text.sort", "file.find sort", "file.list", "text.unique", "idiom.common_lines", "system.processes", "idiom.side_by_side")),
    ("compares", "compar(?:e|es|ing)|differ(?:s|ences?)?", ("file.diff", "idiom.common_lines", "idiom.lines_only_in")),
    ("changes owners", "chown|own(?:er|ed|ership|s)|belong(?:s|ing)?|group|users?(?! (?:input|interaction|confirmation))(?:'s)?", ("system.users", "file.chmod", "file.stat")),
    ("asks for another time", "access(?:ed|es)?|created|creation|status", ("text.search", "system.time")),
    ("links", "(?:creat|mak)[a-z]* [^.]{0,30}(?:sym(?:bolic )?|hard ?)?links?|symlink (?:to|from)", ("file.link",)),
    ("shows one of each", "base ?names?|without (?:the )?(?:path|extension|directory)|strip(?:s|ping|ped)?|only (?:the )?(?:file ?names?|names?|path)|file ?names? only|just (?:the )?(?:file ?)?names?|full paths?|absolute paths?|relative paths?|parent|inode|hard ?links?|file types?|mime|null|nul|comma|semicolon|numbered|column", ("text.columns", "text.sort", "text.aggregate", "text.csv", "idiom.absolute_path", "idiom.number_lines", "idiom.sum_column")),
    ("looks inside", "contain(?:s|ing)? (?:the )?(?:text|string|word|pattern|line|phrase)|grep(?:s|ping)?|match(?:es|ing)? (?:the )?(?:line|text|string)", ("text.search", "text.count", "file.find contains", "idiom.lines_around", "idiom.lines_after", "idiom.lines_before", "file.find name_contains", "file.find name")),
    ("follows links", "follow(?:s|ing)? (?:the )?(?:sym|link)|dereferenc|symlinks? (?:are|and) follow|broken|dangling", ()),
    ("prompts", "interactiv(?:e|ely)|prompt(?:s|ing)?", ()),
    ("shows how it goes", "verbos(?:e|ely)|progress|explain(?:s|ing)?|each file (?:processed|removed|deleted)|being", ()),
)  # fmt: skip


def check(draft: Draft) -> None:
    """Raises `Unfaithful` for the first thing that request and calls do not share."""
    masked = draft.said.request
    for text in sorted(_copied(draft), key=len, reverse=True):
        masked = masked.replace(text, "_")
    said = Said(masked)
    made = set(_made(draft))
    for what, words, calls in _DEEDS:
        if said.has(words) and not made & set(calls):
            raise Unfaithful(what)
    if _plain_listing(draft):
        raise Unfaithful("a plain listing, which is file.list")
    left = [atom.text for atom in _left(draft)]
    if left:
        raise Unfaithful("an argument that no call takes")


def _plain_listing(draft: Draft) -> bool:
    """`find` without a condition for what the forge's rules call a listing of one directory."""
    call = draft.calls[0]
    if len(draft.calls) > 1 or call["call"] != "file.find" or set(call) - {"call", "root", "type"}:
        return False
    return (
        call.get("type") != "directory"
        and call.get("type") != "link"
        and not draft.said.has(
            "find(?:s|ing)?|search(?:es)?|look(?:s|ing)?|recursiv(?:e|ely)|tree|under|below|beneath|sub-?(?:director|folder)[a-z]*|hierarchy|levels?"
        )
    )


def _made(draft: Draft) -> Iterator[str]:
    for call in draft.calls:
        name = str(call["call"])
        if name != "file.find":
            yield name
            continue
        for key in call:
            yield f"file.find {key}"


def _copied(draft: Draft) -> list[str]:
    return [segment.text for segment in tagged.encode(draft.calls) if isinstance(segment, tagged.Copy)]


def _left(draft: Draft) -> Iterator[Atom]:
    """Words that look like arguments and that no call copies."""
    copied = _copied(draft)
    together = " ".join(copied)
    shallow = any(call.get("max_depth") == 1 for call in draft.calls)
    depths = any(key in call for call in draft.calls for key in ("max_depth", "min_depth"))
    for atom in draft.said.words:
        text = atom.text.strip("`'\"()")
        if not text or text in together or any(text.rstrip("/.") == one.rstrip("/") for one in copied):
            continue
        if atom.quoted:
            if not _HERE.fullmatch(text):
                yield atom
            continue
        if _HERE.fullmatch(text) or _PLAIN_SLASH.fullmatch(text) or _ABBREVIATIONS.fullmatch(text):
            continue
        if re.search(r"\d", text):
            if not ((shallow and text in ("1", "1-level")) or (depths and text == "1")) and not re.fullmatch(
                r"(?:md5|sha1|sha256|sha512)(?:sums?)?|base64", text.lower()
            ):
                yield atom
        elif (
            re.search(r"[*?/\\$_~{}=<>|&@%+]", text)
            or re.search(r"[A-Za-z]\.[A-Za-z]|^\.\w", text)
            or (
                re.fullmatch(r"[A-Z]{3,}|[a-z]+[A-Z]\w*", text)
                and text
                not in (
                    "ASCII",
                    "JPEG",
                    "PDF",
                    "CSV",
                    "HTML",
                    "XML",
                    "JPG",
                    "PNG",
                    "PHP",
                    "SHA",
                    "NOT",
                    "AND",
                    "THE",
                    "ALL",
                    "JSON",
                    "GNU",
                    "BSD",
                )
            )
        ):
            yield atom
