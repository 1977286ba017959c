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
    ("shows one of each", "base ?names?|without (?:the )?(?:path|extension|directory)|strip(?:s|ping|ped)?|only (?:the )?(?:file ?names?|names?|path)|file ?names? only|just (?:the )?(?:file ?)?names?|full paths?|absolute paths?|relative paths?|parent|inode|hard ?links?|file types?|mime|null|nul|comma|semicolon|numbered|column|delimiters?|zero[- ]terminated", ("text.columns", "text.sort", "text.aggregate", "text.csv", "idiom.absolute_path", "idiom.number_lines", "idiom.sum_column")),
    ("looks inside", "contain(?:s|ing)? (?:the )?(?:text|string|word|pattern|line|phrase)|grep(?:s|ping)?|match(?:es|ing)? (?:the )?(?:line|text|string)", ("text.search", "text.count", "file.find contains", "idiom.lines_around", "idiom.lines_after", "idiom.lines_before", "file.find name_contains", "file.find name")),
    ("follows links", "follow(?:s|ing)? (?:the )?(?:sym|link)|dereferenc|symlinks? (?:are|and) follow|broken|dangling", ()),
    ("keeps to one file system", "partitions?|file ?systems?|mount(?:ed|s)?|devices?", ("system.disk",)),
    ("acts as root", "super-?user|sudo|root privileges?|privileges?", ()),
    ("stays in one directory", "(?:do not|don't|not|without|no)[a-z ,]{0,30} sub-? ?(?:director(?:y|ies)|folders?)", ("file.find max_depth", "file.find exclude", "file.find min_depth", "file.list")),
    ("changes nothing", "(?:does not|do not|don't|without) (?:updat|chang|modify|edit)[a-z]*", ("file.find older_than", "file.find modified_before")),
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
    if (place := _elsewhere(draft)) is not None:
        raise Unfaithful(f"a place: {place}")
    if _plain_listing(draft):
        raise Unfaithful("a plain listing, which is file.list")
    if (word := _general(draft)) is not None:
        raise Unfaithful(f"a general word as an argument: {word}")
    left = [atom.text for atom in _left(draft)]
    if left:
        raise Unfaithful("an argument that no call takes")


_HERE_WORDS = frozenset(["current", "working", "present", "this", "that", "same", "home", "entire", "whole", "a", "an", "given", "specified", "root", "my", "your", "its", "their", "our", "all", "any", "each", "every", "sub", "following", "such", "one", "and", "or"])  # fmt: skip
_NO_PLACES = frozenset(["size", "place", "reverse", "order", "it", "them", "name", "names", "bytes", "kilobytes", "megabytes", "parallel", "use", "detail", "details", "files", "text", "general", "total", "mind", "question", "minutes", "days", "hours", "here", "there", "alphabetically", "file", "place"])  # fmt: skip
_NO_NAME = re.compile(
    r"(?:sub)?(?:director|folder|dir)|cu+r|file|path|tree|hierarchy|the$|which|where|recurs|that|and|with|for|to$|on$|named|output"
)
_PLACE = r"\b(?:in|under|inside|below|within|beneath|from)\s+(?:the\s+)?"


def _elsewhere(draft: Draft) -> str | None:
    """A plain word that the request calls a directory, and that no call takes: "the files in src"."""
    copied = {text.lower().strip("/.") for text in _copied(draft)}
    request = " ".join(draft.said.request.lower().rstrip(" .?!").split())
    found = re.findall(rf"{_PLACE}(?:directory|folder|dir)\s+([a-z][\w-]*)(?!\S)", request)
    found += re.findall(rf"{_PLACE}([a-z][\w-]*)\s+(?:directory|folder|dir)\b", request)
    at_end = re.findall(rf"{_PLACE}([a-z][\w-]*)$", request)
    for word in [*found, *(word for word in at_end if word not in _NO_PLACES)]:
        if word not in copied and word not in _HERE_WORDS and not _NO_NAME.match(word):
            return word
    return None


_GENERAL = frozenset(["pattern", "string", "text", "word", "file", "files", "directory", "directories", "dir", "folder", "name", "filename", "path", "regex", "expression", "target", "source", "destination", "link", "content", "line", "lines", "archive", "value", "extension", "number", "character", "letter", "names"])  # fmt: skip
_ARTICLES = r"(?:an?|the|some|any|each|every|this|that|all|which|specific|given|certain|specified|particular|its|their|following)"


def _general(draft: Draft) -> str | None:
    """A copied word that only ever stands as a noun of its own ("search for a pattern"): it names nothing."""
    request = draft.said.request.lower()
    for text in _copied(draft):
        word = text.lower()
        if word not in _GENERAL or any(atom.quoted and atom.text == text for atom in draft.said.words):
            continue
        uses = list(re.finditer(rf"(?<![\w.-]){word}(?![\w-]|\.\w)", request))
        behind = rf"{_ARTICLES}(?: [a-z]+)?\s+$"
        if uses and all(
            re.search(rf"\b{behind}", request[: use.start()])
            and not re.match(r"\s+(?:director|folder|file|dir|tree)", request[use.end() :])
            for use in uses
        ):
            return word
    return None


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
