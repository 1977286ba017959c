"""A command line as a pipeline of words. What a shell would compute at run time cannot become an argument."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from casava_os.forge.people.errors import Unparsed, Unsayable

_SILENCED = re.compile(r"(?:2>\s*/dev/null|2>&1|2>&-|&>\s*/dev/stderr)")
_PREFIXES = ("sudo", "time", "nice", "command", "nohup", "\\find", "gsudo")


@dataclass(frozen=True, slots=True)
class Word:
    """One word after quote removal. `raw` is its spelling; `live` says that the shell expands it (a pattern)."""

    text: str
    raw: str

    @property
    def quoted(self) -> bool:
        """Whether any part of it is quoted."""
        return any(mark in self.raw for mark in "'\"\\")

    @property
    def live(self) -> bool:
        """Whether it is a pattern that the shell replaces by file names."""
        return not self.quoted and re.search(r"[*?\[]", self.text) is not None


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words without assignments and redirections, and where text goes to and comes from."""

    words: tuple[Word, ...]
    writes: Word | None = None
    appends: bool = False
    reads: Word | None = None

    @property
    def name(self) -> str:
        """The program, without its directory."""
        return self.words[0].text.rpartition("/")[2]

    @property
    def args(self) -> tuple[Word, ...]:
        """The words behind the program."""
        return self.words[1:]


@dataclass(slots=True)
class Options:
    """Options of a command, taken apart by a `getopt` string, and its operands."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    operands: list[Word] = field(default_factory=list)


def parse(command: str) -> tuple[Command, ...]:
    """The commands of a pipeline. Raises `Unparsed` and `Unsayable`."""
    import bashlex  # type: ignore[import-untyped]
    import bashlex.errors  # type: ignore[import-untyped]

    source = re.sub(r"(?<!\\);\s*$", "", command.strip())
    # An -exec whose end lost its backslash or its semicolon.
    source = re.sub(r"(\{\}['\"]?)\s*(?:\\\s*;?|;)$", r"\1 \\;", source)
    try:
        trees = bashlex.parse(source)
    except (
        bashlex.errors.ParsingError,
        NotImplementedError,
        AttributeError,
        AssertionError,
        IndexError,
        TypeError,
    ) as why:
        raise Unparsed(type(why).__name__) from why
    if len(trees) != 1:
        raise Unsayable("several commands")
    tree = trees[0]
    if tree.kind == "command":
        return (_command(tree, source),)
    if tree.kind != "pipeline":
        raise Unsayable("a loop, a condition or a list of commands")
    if any(part.kind not in ("command", "pipe") for part in tree.parts):
        raise Unsayable("a loop, a condition or a list of commands")
    return tuple(_command(part, source) for part in tree.parts if part.kind == "command")


def _command(node: Any, source: str) -> Command:  # noqa: ANN401 - bashlex has no types
    words: list[Word] = []
    writes: Word | None = None
    reads: Word | None = None
    appends = False
    for part in node.parts:
        if part.kind == "assignment":
            raise Unsayable("sets a variable")
        if part.kind == "word":
            words.append(_word(part, source))
        elif part.kind == "redirect":
            if part.input == 2 or part.type in (">&", "&>") or not hasattr(part.output, "word"):
                continue
            target = _word(part.output, source)
            if target.text == "/dev/null":
                continue
            if part.type in (">", ">|"):
                writes = target
            elif part.type == ">>":
                writes, appends = target, True
            elif part.type == "<":
                reads = target
            else:
                raise Unsayable("a here document or string")
    while words and words[0].text in _PREFIXES:
        words.pop(0)
    if not words or words[0].text.startswith("-"):
        raise Unsayable("sudo with options, or no program")
    return Command(tuple(words), writes, appends, reads)


def _word(node: Any, source: str) -> Word:  # noqa: ANN401 - bashlex has no types
    raw = source[node.pos[0] : node.pos[1]]
    for part in node.parts:
        if part.kind == "parameter":
            raise Unsayable("a variable whose value is not known")
        if part.kind in ("commandsubstitution", "processsubstitution"):
            raise Unsayable("the output of a command as an argument")
    if re.search(r"[\u2018\u2019\u201c\u201d\u2013\u2014\u00ab\u00bb]", raw):
        raise Unsayable("typographic quotes or dashes: no shell reads them")
    if "{" in raw and re.search(r"\{[^{}]*(,|\.\.)[^{}]*\}", raw) and not re.search(r"['\"]", raw):
        raise Unsayable("brace expansion")
    return Word(node.word, raw)


def options(command: Sequence[Word], short: str, long: Sequence[str] = ()) -> Options:
    """Options and operands in any order, as GNU programs read them. `short`: letters, with ":" if one takes a value.

    Raises `Unsayable` for an option that is not listed.
    """
    found = Options()
    words = iter(command)
    for word in words:
        text = word.text
        if text == "--":
            found.operands += list(words)
        elif text.startswith("--"):
            _long(found, text, long, words)
        elif text.startswith("-") and len(text) > 1:
            _short(found, text, short, words)
        else:
            found.operands.append(word)
    return found


def _long(found: Options, text: str, long: Sequence[str], words: Iterator[Word]) -> None:
    name, equals, value = text[2:].partition("=")
    if name in long:
        found.flags.add(name)
    elif f"{name}=" in long:
        found.values[name] = value if equals else _next(words, text)
    else:
        raise Unsayable(f"option --{name}")


def _short(found: Options, text: str, short: str, words: Iterator[Word]) -> None:
    at = 1
    while at < len(text):
        letter = text[at]
        at += 1
        place = short.find(letter)
        if place < 0 or letter == ":":
            raise Unsayable(f"option -{letter}")
        if short[place + 1 : place + 2] == ":":
            found.values[letter] = text[at:] or _next(words, text)
            return
        found.flags.add(letter)


def _next(words: Iterator[Word], option: str) -> str:
    word = next(words, None)
    if word is None:
        raise Unsayable(f"{option} without its value")
    return word.text


def spelled(words: Sequence[Word]) -> str:
    """Words as a command line; patterns that the shell expands stay as they are."""
    return " ".join(word.raw if word.live else shlex.quote(word.text) for word in words)


def command_line(commands: Sequence[Command], *, exact: bool = False) -> str:
    """The pipeline as it is tried: without `sudo`, patterns of `find` quoted, nothing asked. `exact`: `-iname` as `-name`."""
    parts: list[str] = []
    for command in commands:
        words = list(command.words)
        if command.name == "find":
            words = _find_words(words, exact=exact)
        elif command.name == "xargs":
            words = [word for word in words if word.text != "sudo"]
        words[0] = Word(command.name, "''")
        if command.name in ("rm", "mv", "cp"):
            words = [word for word in words if word.text not in ("-i", "--interactive")]
        line = spelled(words)
        if command.reads is not None:
            line += f" < {shlex.quote(command.reads.text)}"
        if command.writes is not None:
            line += f" {'>>' if command.appends else '>'} {shlex.quote(command.writes.text)}"
        parts.append(line)
    return " | ".join(parts)


def _find_words(words: Sequence[Word], *, exact: bool) -> list[Word]:
    """The words of a `find`: patterns quoted, but for those among the searched places; old spellings made new."""
    replaced = {"-ok": "-exec", "-okdir": "-execdir", "-iname": "-name" if exact else "-iname"}
    made: list[Word] = []
    places, before = True, ""
    for word in words:
        places = places and not word.text.startswith(("-", "(", "!"))
        text = replaced.get(word.text, word.text)
        if before == "-perm" and text.startswith("+"):
            text = f"/{text[1:]}"
        asked = text in ("-i", "--interactive") and before in ("rm", "mv", "cp", "/bin/rm")
        if not asked and not (text == "sudo" and before in ("-exec", "-execdir")):
            made.append(word if places and word.live else Word(text, "''"))
        before = text
    return made
