"""Names, words, numbers and sentences that people put into requests; at least half are made up on the spot.

The model must learn to copy, so most names have never been seen before and never will be again.
"""

# ruff: noqa: SIM905 - lists of words are easier to read and to extend as words

from __future__ import annotations

from casava_os.forge.synth.grammar import CLOSE, OPEN, Scene, slot
from casava_os.kernel.compiler.lexer import atoms

STEMS = """delete deleted remove removed rename move moved copy run kill cleanup to_delete report notes todo data config main index app test utils readme invoice budget draft summary results output input log
server client user users sales thesis chapter paper resume cv letter recipe photo holiday vacation song video backup archive
old new temp final copy model train eval metrics dataset sample example schema query setup install build deploy release version
changelog license contributing settings preferences profile account payment order customer product inventory stock price list
schedule calendar meeting agenda minutes plan project proposal contract tax receipt bill bank statement account journal diary
poem story script style layout header footer menu logo icon banner background texture map level player enemy weapon sound music
lecture homework assignment exam quiz lab exercise solution answer grade student teacher course syllabus bookmark contacts
address phone email inbox message chat comment review feedback survey form table chart graph figure plot diagram sketch design
mockup wireframe prototype spec requirements manual guide tutorial howto faq help about home page post article blog news feed
weather garden wedding birthday party travel trip hotel flight ticket passport visa insurance health doctor medicine diet workout
run_log errors access debug trace crash dump core cache session token key secret cert env vars hosts routes views controllers
models migrations fixtures seeds tasks jobs worker queue scheduler cron monitor alert dashboard widget plugin theme locale""".split()

DIRS = """removed deleted delete remove trash moved to_delete copies src docs tests test lib bin build dist data logs log tmp temp backup backups archive old images img photos pictures
videos music downloads documents desktop projects work home assets static public media scripts config conf etc include vendor
node_modules venv cache output out results reports invoices taxes notes drafts papers thesis chapters models checkpoints
datasets raw processed samples examples demo experiments runs notebooks figures plots api server client frontend backend web app
core utils helpers tools migrations fixtures templates locales themes plugins modules packages services infra deploy ops
2022 2023 2024 2025 january march summer private shared team inbox outbox trash receipts letters recipes books comics games""".split()

EXTENSIONS = """txt txt md md py py js ts json json csv csv log log html css xml yaml yml toml ini cfg conf sh c h cpp go rs java
pdf pdf docx xlsx pptx png png jpg jpg jpeg gif svg webp mp3 wav mp4 mkv mov zip tar gz sql db sqlite ipynb tex bib rst org bak tmp
old orig swp pyc o so lock parquet npy pt onnx gguf wasm rb php kt swift scala lua pl r jl hs ex exs clj proto graphql vue svelte tsx
jsx scss env tsv epub odt psd blend stl dat bin iso patch diff""".split()

ENGLISH = """apple river mountain yellow silent quick table window garden winter summer orange purple forest bridge castle
dragon engine planet rocket shadow signal silver spring stone storm sugar sunset tiger travel valley velvet village violet
walnut willow wonder zebra anchor basket button candle carbon cherry copper cotton desert dinner eagle falcon feather fiction
flower galaxy ginger hammer harbor hidden honey island jacket jungle kitchen ladder lemon library lizard magnet maple marble
meadow mirror morning needle number ocean office olive paint palace panda paper pepper piano pillow pocket pollen potato
puzzle rabbit radio ribbon saddle salmon school sketch socket spider spirit square station string tunnel turtle umbrella
vector wagon wallet whale widget yogurt alpha beta gamma delta error warning failed success timeout connection database user
password login request response status total amount price customer order invoice payment null undefined exception import class
function return deprecated version license author copyright fixme hack""".split()

_ONSETS = "b c d f g h j k l m n p r s t v w z br cl dr fl gr pl st tr sh ch th qu sn".split()
_VOWELS = "a e i o u a e i o ai ou ee".split()
_CODAS = ["", "", "", "n", "r", "s", "l", "t", "x", "m", "k", "nd", "rt", "lp"]
_CONSONANTS, _HEX = "bcdfghjklmnpqrstvwxz", "0123456789abcdef"


def made_up(scene: Scene) -> str:
    """A word that nobody has used before."""
    rng = scene.rng
    draw = rng.random()
    if draw < 0.70:
        return "".join(
            scene.pick(_ONSETS) + scene.pick(_VOWELS) + scene.pick(_CODAS) for _ in range(rng.randint(1, 3))
        )
    if draw < 0.80:
        return "".join(rng.choices(_CONSONANTS + "aeiou", k=rng.randint(2, 8)))
    if draw < 0.86:
        return "".join(rng.choices(_HEX, k=rng.randint(4, 8))) + scene.pick(list("abcdef"))
    if draw < 0.93:
        return scene.pick(STEMS) + scene.pick(["_", "-", ""]) + str(rng.randint(1, 2030))
    return scene.pick(["über", "café", "naïve", "señal", "façade", "größe", "données", "résumé", "año", "файл", "文档", "日記", "ñandú", "smörgås"]) + scene.pick(
        ["", "1", "_x"]
    )  # fmt: skip


def word(scene: Scene) -> str:
    """A word, half of the time a made-up one."""
    draw = scene.rng.random()
    return made_up(scene) if draw < 0.5 else scene.pick(ENGLISH if draw < 0.75 else STEMS)


def _cased(scene: Scene, text: str) -> str:
    draw = scene.rng.random()
    if draw < 0.8:
        return text
    return text.upper() if draw < 0.87 else text.capitalize()


def stem(scene: Scene) -> str:
    """A file name without its extension, of many shapes."""
    draw = scene.rng.random()
    one = word(scene)
    if draw < 0.62:
        return _cased(scene, one)
    other = word(scene)
    if draw < 0.85:
        return _cased(scene, one + scene.pick(["_", "-", "_", "-", "."]) + other)
    if draw < 0.90:
        return one.capitalize() + other.capitalize()
    if draw < 0.95:
        return one + scene.pick(["_", "-", ""]) + str(scene.rng.randint(1, 2030))
    return f"{scene.rng.randint(2015, 2027)}-{scene.rng.randint(1, 12):02}-{scene.rng.randint(1, 28):02}{scene.pick(['_', '-'])}{one}"


def extension(scene: Scene) -> str:
    """An extension without its dot, one in six a rare or made-up one."""
    if scene.chance(0.85):
        return scene.pick(EXTENSIONS)
    return "".join(scene.rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=scene.rng.randint(2, 4))) + "x"


BARE_NAMES = "Makefile README LICENSE Dockerfile CHANGELOG .gitignore .env Procfile readme makefile .bashrc Jenkinsfile".split()


def file_name(scene: Scene) -> str:
    """The name of a file."""
    draw = scene.rng.random()
    if draw < 0.06:
        return scene.pick(BARE_NAMES)
    if draw < 0.10:
        return stem(scene)
    if draw < 0.14:
        return f"{word(scene)} {word(scene)}{scene.pick(['', ' 2', ' (1)', ' final'])}.{extension(scene)}"
    if draw < 0.16:
        return "." + word(scene)
    return f"{stem(scene)}.{extension(scene)}"


def dir_name(scene: Scene) -> str:
    """The name of a directory."""
    draw = scene.rng.random()
    if draw < 0.45:
        return _cased(scene, scene.pick(DIRS)) if scene.chance(0.2) else scene.pick(DIRS)
    if draw < 0.52:
        return f"{word(scene)} {word(scene)}"
    if draw < 0.54:
        return scene.pick(
            [".git", ".config", ".cache", ".venv", ".github", ".local", ".vscode", ".idea", ".ssh", ".tox"]
        )
    return stem(scene).replace(".", "_")


def fresh(scene: Scene, make: object) -> str:
    """What `make(scene)` gives, but never a name that this request has already used."""
    assert callable(make)
    text: str = make(scene)
    for _ in range(20):
        if text.strip("./") not in scene.used:
            break
        text = make(scene)
    scene.used.add(text.strip("./"))
    return text


def dir_path(scene: Scene) -> str:
    """A directory, sometimes below others, sometimes with a final slash."""
    draw = scene.rng.random()
    if draw < 0.02:
        return scene.pick(["~/Documents", "/var/log", "/etc", "../other", "~/Downloads", "/tmp", "~", "/"]) if draw < 0.012 else f"/home/{word(scene)}"  # fmt: skip  # noqa: S108
    path = dir_name(scene)
    if draw < 0.22:
        path += "/" + dir_name(scene)
        if draw < 0.07:
            path += "/" + dir_name(scene)
    if draw > 0.9:
        path += "/"
    elif draw > 0.88:
        path = "./" + path
    return path


def file_path(scene: Scene) -> str:
    """A file, one in five below a directory."""
    draw = scene.rng.random()
    name = file_name(scene)
    if draw < 0.78:
        return name
    if draw < 0.80:
        return scene.pick(["/etc/passwd", "~/.bashrc", "../secret.txt", "/etc/hosts", f"~/{name}", f"../{name}", f"/tmp/{name}"])  # fmt: skip  # noqa: S108
    path = dir_name(scene).strip()
    if draw > 0.92:
        path += "/" + dir_name(scene)
    return f"{path}/{name}" if draw < 0.97 else f"./{name}"


_QUOTES = (('"', '"'), ("'", "'"), ('"', '"'), ("\u201c", "\u201d"), ("`", "`"))


def quoted(scene: Scene, text: str) -> str:
    """The text in quotation marks that do not stand in it."""
    start = int(scene.rng.random() * len(_QUOTES))
    for n in range(len(_QUOTES)):
        left, right = _QUOTES[(start + n) % len(_QUOTES)]
        if left not in text and right not in text:
            return left + text + right
    raise ValueError(f"no quotation marks fit {text!r}")


def plain(text: str) -> bool:
    """Whether the text can stand in a request without quotation marks, as one atom."""
    if text.replace("_", "").replace(".", "").isalnum() and text[-1] != ".":
        return True
    found = atoms(text)
    return len(found) == 1 and not found[0].quoted and found[0].text == text


def argument(scene: Scene, text: str, quote: float = 0.08) -> str:
    """The text as an argument: bare where that is possible, mostly."""
    if scene.rng.random() < quote or not plain(text):
        text = quoted(scene, text)
    return f"{OPEN}{text}{CLOSE}"


def bare(text: str) -> str:
    """Marks words of the request as an argument, without quotation marks."""
    return f"{OPEN}{text}{CLOSE}"


# --------------------------------------------------------------------------------------------------- quantities

NUMBER_WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fifteen", "twenty", "thirty", "fifty"]  # fmt: skip
_SIZE_UNITS = ["MB", "MB", "mb", "M", "KB", "kb", "k", "K", "GB", "gb", "G", "g", "megabytes", "megs", "meg", "kilobytes", "gigabytes", "gigs", "gig", "bytes", "MiB", "GiB", "KiB", "Mb"]  # fmt: skip
_TIME_UNITS = [
    "days",
    "days",
    "weeks",
    "weeks",
    "months",
    "hours",
    "minutes",
    "years",
    "hrs",
    "mins",
    "day",
    "week",
    "month",
]
_AN = {"hour", "hr"}


def small_number(scene: Scene) -> str:
    """2 to a few hundred, mostly digits, mostly small."""
    draw = scene.rng.random()
    if draw < 0.25:
        return scene.pick(NUMBER_WORDS)
    if draw < 0.65:
        return str(scene.rng.choice((2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 12, 15, 20, 20, 25, 30, 40, 50, 100)))
    return str(scene.rng.randint(2, 30) if draw < 0.9 else scene.rng.randint(30, 5000))


@slot("count")
def count_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<count>`."""
    text = small_number(scene)
    return bare(text), text


@slot("digits")
def digits_slot(scene: Scene) -> tuple[str, object]:
    """A number stuck to what stands before it: the 5 of "-n5"."""
    text = str(scene.rng.choice((1, 2, 3, 5, 10, 20, 50, 100, scene.rng.randint(1, 400))))
    return bare(text), text


def size(scene: Scene) -> str:
    """A size as people write it."""
    rng, draw = scene.rng, scene.rng.random()
    if draw < 0.05:
        return scene.pick(["a megabyte", "a gigabyte", "half a gig", "a gig", "a kilobyte", "half a megabyte", "a meg", "one megabyte", "a couple of megabytes", "two gigs"])  # fmt: skip
    unit = scene.pick(_SIZE_UNITS)
    if draw < 0.12 and len(unit) > 2:
        return f"{scene.pick(NUMBER_WORDS)} {unit}"
    value = str(
        rng.choice((1, 2, 3, 5, 10, 10, 20, 50, 100, 100, 200, 250, 500, 512, 1024, rng.randint(1, 999)))
    )
    if draw > 0.94:
        value = f"{rng.randint(0, 9)}.{rng.randint(1, 9)}"
    glue = "" if rng.random() < (0.5 if len(unit) < 3 else 0.1) else " "
    return value + glue + unit


@slot("size")
def size_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<size>`."""
    text = size(scene)
    return bare(text), text


def duration(scene: Scene) -> str:
    """A span of time as people write it, after "older than"."""
    rng, draw = scene.rng, scene.rng.random()
    if draw < 0.25:
        return scene.pick(["a week", "a week", "a day", "a month", "a year", "an hour", "half an hour", "half a year", "a fortnight", "a minute", "one week", "one day", "one month", "one year", "a couple of days", "a couple of weeks", "a couple of months", "a quarter"])  # fmt: skip
    if draw < 0.33:
        return f"{rng.randint(1, 90)}{scene.pick(['d', 'h', 'd', 'w', 'min', 'y', 'days', 'hrs'])}"
    unit = scene.pick(_TIME_UNITS)
    if not unit.endswith("s"):
        return f"1 {unit}"
    most = 20 if unit == "years" else 365
    value = (
        scene.pick(NUMBER_WORDS)
        if draw < 0.5
        else str(rng.choice((2, 3, 5, 7, 10, 14, rng.randint(2, most), rng.randint(2, most))))
    )
    return f"{value} {unit}"


@slot("age")
def age_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<age>`."""
    text = duration(scene)
    return bare(text), text


@slot("timeout")
def timeout_slot(scene: Scene) -> tuple[str, object]:
    """How long to wait: seconds to hours."""
    draw = scene.rng.random()
    if draw < 0.25:
        text = scene.pick(
            [
                "a minute",
                "one minute",
                "half an hour",
                "an hour",
                "one hour",
                "half a minute",
                "a couple of minutes",
                "ten seconds",
            ]
        )
    elif draw < 0.5:
        text = (
            f"{scene.rng.randint(1, 120)}{scene.pick(['s', 'min', 'sec', 'm'[:0] + 's', 'h', ' s', ' min'])}"
        )
    else:
        text = (
            f"{small_number(scene)} {scene.pick(['seconds', 'seconds', 'minutes', 'secs', 'mins', 'hours'])}"
        )
    return bare(text), text


@slot("lately")
def lately_slot(scene: Scene) -> tuple[str, object]:
    """After "in the last": "week", "24 hours", "couple of days"."""
    draw = scene.rng.random()
    if draw < 0.45:
        text = scene.pick(
            ["week", "day", "month", "hour", "year", "week", "month", "quarter", "minute", "fortnight"]
        )
    elif draw < 0.55:
        text = scene.pick(["couple of days", "couple of weeks", "couple of hours", "couple of months"])
    else:
        unit = scene.pick(["days", "hours", "weeks", "minutes", "months", "years", "mins"])
        value = scene.pick(NUMBER_WORDS) if draw < 0.7 else str(scene.rng.randint(2, 90))
        text = f"{value} {unit}"
    return bare(text), text


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def moment(scene: Scene) -> str:
    """A day as people write it."""
    rng, draw = scene.rng, scene.rng.random()
    if draw < 0.25:
        return f"{rng.randint(2015, 2027)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    if draw < 0.28:
        return f"{rng.randint(2015, 2027)}/{rng.randint(1, 12):02}/{rng.randint(1, 28):02}"
    if draw < 0.48:
        text = scene.pick(["yesterday", "yesterday", scene.pick(DAYS), "last " + scene.pick(DAYS), "today"])
        return text.lower() if rng.random() < 0.5 else text
    if draw < 0.6:
        return str(rng.randint(2005, 2027))
    month = scene.pick(MONTHS)
    month = month.lower() if rng.random() < 0.4 else month
    if rng.random() < 0.2:
        month = month[:3]
    if rng.random() < 0.25:
        day = (
            scene.pick(["1st", "2nd", "3rd", "4th", "9th", "12th", "21st", "28th"])
            if draw < 0.75
            else str(rng.randint(1, 28))
        )
        between = scene.pick([" ", " ", " of "]) if not day.isdigit() else " "
        year = f" {rng.randint(2015, 2027)}" if rng.random() < 0.3 else ""
        return f"{day}{between}{month}{year}"
    if draw < 0.7:
        return month
    if draw < 0.85:
        return f"{month} {scene.pick(['1st', '2nd', '3rd', '4th', '5th', '11th', '12th', '20th', '21st', '23rd']) if draw < 0.75 else rng.randint(1, 28)}"
    return (
        f"{month} {rng.randint(2015, 2027)}"
        if draw < 0.93
        else f"{month} {rng.randint(1, 28)}, {rng.randint(2015, 2027)}"
    )


@slot("moment")
def moment_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<moment>`."""
    text = moment(scene)
    return bare(text), text


# --------------------------------------------------------------------------------------------------- free text

SENTENCES = """hello world|buy milk|call mom tomorrow|this is a test|done|remember to water the plants|the quick brown fox|version 2.0|meeting at 10am
all tests passed|do not edit this file|lorem ipsum dolor sit amet|see you on friday|x = 42|print('hi')|export PATH=/usr/bin|import os|TODO: fix this later
key: value|name,age,city|debug=true|# Notes|## Heading|- [ ] write the report|eggs, bread and butter|I was here|end of file|127.0.0.1 localhost
alias ll='ls -la'|happy birthday|pick up the kids at 5|draft only|copyright 2024 ACME|*.log|node_modules/|{"a": 1}|<h1>Hi</h1>|SELECT 1;|a b c|1 2 3|42|3.14|yes|ok
the server is down|pay rent|weekly report|status: open|#!/bin/sh|set -e|line one|first entry|dentist on monday|learn rust|ship it""".replace("\n", "|").split("|")  # fmt: skip


def sentence(scene: Scene) -> str:
    """A short text that someone wants in a file."""
    draw = scene.rng.random()
    if draw < 0.3:
        return scene.pick(SENTENCES)
    if draw < 0.4:
        return f"{word(scene)}{scene.pick(['=', ': ', ' = ', ','])}{word(scene)}"
    if draw < 0.5:
        return word(scene)
    return " ".join(word(scene) for _ in range(scene.rng.randint(2, 7)))


@slot("content")
def content_slot(scene: Scene) -> tuple[str, object]:
    """Text in quotation marks."""
    text = sentence(scene)
    return bare(quoted(scene, text)), text


@slot("bare_content")
def bare_content_slot(scene: Scene) -> tuple[str, object]:
    """One word or a few, without quotation marks, in the middle of a request."""
    text = word(scene) if scene.chance(0.6) else f"{word(scene)} {word(scene)}"
    return bare(text), text


@slot("open_content")
def open_content_slot(scene: Scene) -> tuple[str, object]:
    """Unquoted text up to the end of the request."""
    text = sentence(scene)
    if not text[0].isalnum() or not text[-1].isalnum() or any(q in text for q in "\"'`"):
        text = " ".join(word(scene) for _ in range(scene.rng.randint(1, 6)))
    scene.open_end = True
    return bare(text), text


NEEDLES = """TODO FIXME error ERROR warning WARN failed exception timeout password secret localhost 127.0.0.1 import return class main def foo bar baz
http:// https:// null None undefined console.log print( assert deprecated user_id api_key token DEBUG INFO fatal panic segfault 404 500 42 hello
version license author @author copyright utf-8 async await SELECT malloc println! useState""".split()
PHRASES = "connection refused|out of memory|permission denied|not found|hello world|access denied|import numpy|stack trace|no such file|to be done|Dear Sir|null pointer|disk full|John Smith|New York|def main|return null|max retries".split("|")  # fmt: skip


@slot("needle")
def needle_slot(scene: Scene) -> tuple[str, object]:
    """A text to look for: a word, a phrase, mostly without quotation marks."""
    draw = scene.rng.random()
    if draw < 0.30:
        text = scene.pick(NEEDLES)
    elif draw < 0.75:
        text = _cased(scene, word(scene))
    elif draw < 0.85:
        text = scene.pick(PHRASES)
    elif draw < 0.93:
        text = f"{word(scene)} {word(scene)}"
    else:
        text = f"{word(scene)}{scene.pick(['.', '_', '()', '::', '->', ': ', ' = '])}{word(scene)}"
    bare_enough = " " not in text and plain(text)
    if scene.rng.random() < (0.3 if bare_enough else 0.85):
        return bare(quoted(scene, text)), text
    return (
        (bare(text), text)
        if bare_enough or (" " in text and plain(text.replace(" ", "")))
        else (bare(quoted(scene, text)), text)
    )


@slot("word")
def word_slot(scene: Scene) -> tuple[str, object]:
    """One plain word."""
    text = fresh(scene, lambda s: _cased(s, word(s)))
    return argument(scene, text), text


@slot("piece")
def piece_slot(scene: Scene) -> tuple[str, object]:
    """A part of a name: "draft", "_old", "2024-", "IMG"."""
    draw = scene.rng.random()
    one = word(scene)
    if draw < 0.55:
        text = one
    elif draw < 0.75:
        text = one + scene.pick(["_", "-"])
    elif draw < 0.9:
        text = scene.pick(["_", "-", "."]) + one if draw < 0.85 else one.upper()
    else:
        text = str(scene.rng.randint(1, 2030))
    text = text.removeprefix(".")
    text = fresh(scene, lambda _: text)
    return argument(scene, text, 0.2), text


REGEXES = [r"^\d+", r"[0-9]+", r"foo.*bar", r"^#", r"\bTODO\b", r"error|warn", r"[A-Z]{3,}", r"^\s*$", r"v\d+\.\d+", r".*\.com$", r"[a-z]+@[a-z]+", r"^import .*", r"colou?r", r"\d{4}-\d{2}-\d{2}"]  # fmt: skip


@slot("regex")
def regex_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<regex>`."""
    text = scene.pick(REGEXES)
    if scene.chance(0.6):
        text = scene.pick([f"^{word(scene)}", f"{word(scene)}.*{word(scene)}", f"{word(scene)}[0-9]+", f"\\b{word(scene)}\\b", f"{word(scene)}|{word(scene)}", f"{word(scene)}$", f"[^a-z]{word(scene)}"])  # fmt: skip
    return bare(quoted(scene, text)), text


# ------------------------------------------------------------------------------------------------ paths


def _place(scene: Scene, said: str) -> str:
    """A directory as it is spoken of: "src", "the src folder", "folder src"."""
    draw = scene.rng.random()
    if draw < 0.5:
        return said
    noun = scene.pick(["folder", "directory", "dir", "folder", "directory"])
    if draw < 0.8:
        return f"{scene.pick(['the', 'the', 'my', 'our', ''])} {said} {noun}".strip()
    if draw < 0.9:
        return f"{scene.pick(['the', ''])} {noun} {scene.pick(['', 'called', 'named'])} {said}".replace(
            "  ", " "
        ).strip()
    return said


@slot("dir")
def dir_slot(scene: Scene) -> tuple[str, object]:
    """An existing directory, with or without the word "folder"."""
    text = fresh(scene, dir_path)
    return _place(scene, argument(scene, text, 0.06)), text


@slot("dirname")
def dirname_slot(scene: Scene) -> tuple[str, object]:
    """Only the directory's path."""
    text = fresh(scene, dir_path)
    return argument(scene, text, 0.06), text


@slot("root")
def root_slot(scene: Scene) -> tuple[str, object]:
    """Like `dir`, now and then inside another one."""
    if scene.chance(0.04):
        outer, name = fresh(scene, dir_name), fresh(scene, dir_name)
        return f"{argument(scene, name)} in {argument(scene, outer)}", {"name": name, "in": outer}
    return dir_slot(scene)


def one_file(scene: Scene, joined: float = 0.12) -> tuple[str, object]:
    """An existing file: by its path, or "notes.txt in docs"."""
    if scene.chance(joined):
        name, folder = fresh(scene, file_name), fresh(scene, dir_name)
        where = scene.pick(["in", "in", "in", "inside", "from", "under", "within"])
        return (
            f"{argument(scene, name)} {where} {_place(scene, argument(scene, folder))}",
            {"name": name, "in": folder},
        )
    text = fresh(scene, file_path)
    said = argument(scene, text)
    draw = scene.rng.random()
    if "." not in text and text not in BARE_NAMES:
        draw = 0.1  # a bare word is told from a folder only by being called a file
    if draw < 0.12:
        said = (
            scene.pick(["the file", "file", "the file", "my file", "a file called", "the file named"])
            + " "
            + said
        )
    elif draw < 0.17:
        said = (
            f"{scene.pick(['the', 'my', 'the', 'that'])} {said} {scene.pick(['file', 'file', ''])}".rstrip()
        )
    return said, text


@slot("file")
def file_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<file>`."""
    return one_file(scene)


@slot("filename")
def filename_slot(scene: Scene) -> tuple[str, object]:
    """Only the file's path."""
    text = fresh(scene, file_path)
    return argument(scene, text), text


@slot("newfile")
def newfile_slot(scene: Scene) -> tuple[str, object]:
    """A file to be made: "x.txt", "x.txt in docs"."""
    if scene.chance(0.12):
        name, folder = fresh(scene, file_name), fresh(scene, dir_name)
        where = scene.pick(["in", "in", "inside", "under", "in"])
        return f"{argument(scene, name)} {where} {_place(scene, argument(scene, folder))}", {
            "name": name,
            "in": folder,
        }
    return filename_slot(scene)


@slot("newname")
def newname_slot(scene: Scene) -> tuple[str, object]:
    """A bare new name."""
    text = fresh(scene, file_name)
    return argument(scene, text), text


@slot("newdir")
def newdir_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<newdir>`."""
    if scene.chance(0.12):
        name, folder = fresh(scene, dir_name), fresh(scene, dir_name)
        where = scene.pick(["in", "in", "inside", "under", "within"])
        return f"{argument(scene, name)} {where} {_place(scene, argument(scene, folder))}", {
            "name": name,
            "in": folder,
        }
    return dirname_slot(scene)


def listed(scene: Scene, items: list[str]) -> str:
    """As in "a, b and c"."""
    if len(items) == 1:
        return items[0]
    draw = scene.rng.random()
    if draw < 0.15:
        return " ".join(items)
    if draw < 0.3:
        return ", ".join(items)
    return f"{', '.join(items[:-1])}{',' if len(items) > 2 and draw > 0.85 else ''} {scene.pick(['and', 'and', 'and', '&'])} {items[-1]}"


def several(scene: Scene, make: object, low: int = 2, high: int = 4) -> tuple[str, list[object]]:
    """A list of arguments."""
    assert callable(make)
    pairs = [make(scene) for _ in range(scene.rng.choice((low, low, scene.rng.randint(low, high))))]
    return listed(scene, [said for said, _ in pairs]), [value for _, value in pairs]


@slot("newdirs")
def newdirs_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<newdirs>`."""
    return several(scene, dirname_slot)


@slot("newfiles")
def newfiles_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<newfiles>`."""
    return several(scene, filename_slot)


@slot("archive")
def archive_slot(scene: Scene) -> tuple[str, object]:
    """The name of an archive."""

    def make(s: Scene) -> str:
        ext = s.pick(["zip", "zip", "zip", "tar.gz", "tar.gz", "tgz", "tar", "tar.bz2", "tar.xz"])
        return (f"{dir_name(s)}/" if s.chance(0.1) else "") + f"{stem(s)}.{ext}"

    text = fresh(scene, make)
    return argument(scene, text), text


@slot("files", "paths")
def files_slot(scene: Scene) -> tuple[str, object]:
    """One named file, sometimes several, sometimes a directory."""
    draw = scene.rng.random()
    if draw < 0.6:
        said, value = one_file(scene)
        return said, [value]
    if draw < 0.78:
        said, value = dir_slot(scene)
        return said, [value]
    said, values = several(scene, filename_slot)
    return (
        scene.pick(["the files ", "files ", "", "", "", "both "]) if len(values) == 2 else ""
    ) + said, values


@slot("source")
def source_slot(scene: Scene) -> tuple[str, object]:
    """One or several named text files."""
    if scene.chance(0.9):
        said, value = one_file(scene)
        return said, [value]
    return several(scene, filename_slot, 2, 3)


@slot("onefile")
def onefile_slot(scene: Scene) -> tuple[str, object]:
    """Exactly one existing file."""
    return one_file(scene)


@slot("onedotted")
def onedotted_slot(scene: Scene) -> tuple[str, object]:
    """One file whose ending tells that it is no folder."""
    text = fresh(scene, lambda s: f"{stem(s)}.{extension(s)}")
    return argument(scene, text), [text]


@slot("files1")
def files1_slot(scene: Scene) -> tuple[str, object]:
    """File paths as after a shell command."""
    if scene.chance(0.85):
        return filename_slot(scene)
    pairs = [filename_slot(scene) for _ in range(scene.rng.randint(2, 3))]
    return " ".join(said for said, _ in pairs), [value for _, value in pairs]


@slot("pathless")
def pathless_slot(scene: Scene) -> tuple[str, object]:
    """A directory's bare name."""
    text = fresh(scene, dir_name)
    return argument(scene, text), text


def _two_lines(scene: Scene) -> tuple[str, str]:
    low = scene.rng.randint(1, 300)
    return str(low), str(low + scene.rng.choice((1, 2, 5, 10, 20, scene.rng.randint(1, 400))))


@slot("linerange")
def linerange_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<linerange>`."""
    low, high = _two_lines(scene)
    glue = scene.pick(
        [" to ", " to ", " through ", " - ", " until ", " and " if int(high) == int(low) + 1 else " to ", "-"]
    )
    said = f"{bare(low)}{glue}{bare(high)}"
    if scene.chance(0.08):
        said = f"between {bare(low)} and {bare(high)}"
    return said, {"0": low, "1": high}


@slot("linerange2")
def linerange2_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<linerange2>`."""
    low, high = _two_lines(scene)
    return f"{bare(low)} to {scene.pick(['line ', ''])}{bare(high)}", {"0": low, "1": high}


@slot("oneline")
def oneline_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<oneline>`."""
    text = str(scene.rng.randint(1, 900)) if scene.chance(0.85) else scene.pick(NUMBER_WORDS)
    return bare(text), {"0": text, "1": text}


@slot("onelineth")
def onelineth_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<onelineth>`."""
    number = scene.rng.randint(2, 120)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    text = f"{number}{ending}"
    if scene.chance(0.3):
        text = scene.pick(
            ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
        )
    return bare(text), {"0": text, "1": text}


@slot("fromline")
def fromline_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<fromline>`."""
    text = str(scene.rng.randint(2, 900))
    return bare(text) + scene.pick([" on", " onwards", "", " to the end", " onward"]), {"0": text}


@slot("toline")
def toline_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<toline>`."""
    text = str(scene.rng.randint(2, 900))
    return bare(text), {"1": text}


@slot("newfilejoin")
def newfilejoin_slot(scene: Scene) -> tuple[str, object]:
    """As in "b.txt in docs" as a destination."""
    name, folder = fresh(scene, file_name), fresh(scene, dir_name)
    where = scene.pick(["in", "in", "inside", "under"])
    return f"{argument(scene, name)} {where} {_place(scene, argument(scene, folder))}", {
        "name": name,
        "in": folder,
    }


@slot("dirasname")
def dirasname_slot(scene: Scene) -> tuple[str, object]:
    """As in "docs as b.txt"."""
    name, folder = fresh(scene, file_name), fresh(scene, dir_name)
    form = scene.pick(["as", "as", "under the name", "and call it", "and name it", "with the name"])
    return f"{_place(scene, argument(scene, folder))} {form} {argument(scene, name)}", {
        "name": name,
        "in": folder,
    }


@slot("newext")
def newext_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<newext>`."""
    text = extension(scene)
    if scene.chance(0.6):
        text = "." + text
    return argument(scene, text, 0.04), text


@slot("dotext")
def dotext_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<dotext>`."""
    text = "." + extension(scene)
    return argument(scene, text, 0.04), text


@slot("deepdir")
def deepdir_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<deepdir>`."""
    text = fresh(scene, lambda s: "/".join(dir_name(s).strip() for _ in range(s.rng.randint(2, 4))))
    return argument(scene, text), text


@slot("spacedirs")
def spacedirs_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<spacedirs>`."""
    pairs = [dirname_slot(scene) for _ in range(scene.rng.randint(2, 4))]
    return " ".join(said for said, _ in pairs), [value for _, value in pairs]


@slot("dirlist")
def dirlist_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<dirlist>`."""
    said, value = dir_slot(scene)
    return said, [value]


@slot("anarchive")
def anarchive_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<anarchive>`."""
    if scene.chance(0.1):
        return several(scene, archive_slot, 2, 3)
    if scene.chance(0.08):
        name_said, name = archive_slot(scene)
        folder = fresh(scene, dir_name)
        return f"{name_said} {scene.pick(['in', 'from'])} {_place(scene, argument(scene, folder))}", {
            "name": name,
            "in": folder,
        }
    return archive_slot(scene)


@slot("newdirfile")
def newdirfile_slot(scene: Scene) -> tuple[str, object]:
    """A new directory, remembered for the file that goes into it."""
    text = fresh(scene, dir_name)
    scene.values["_folder"] = text
    return argument(scene, text), text


@slot("joinedlast")
def joinedlast_slot(scene: Scene) -> tuple[str, object]:
    """A file in the directory just named."""
    name = fresh(scene, file_name)
    folder = scene.values["_folder"]
    assert isinstance(folder, str)
    return argument(scene, name), {"name": name, "in": folder}


@slot("runnable")
def runnable_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<runnable>`."""
    text = fresh(scene, lambda s: f"./{stem(s)}{s.pick(['.sh', '', '.py', '.sh'])}")
    return argument(scene, text, 0.04), text


@slot("spacefiles")
def spacefiles_slot(scene: Scene) -> tuple[str, object]:
    """The argument `<spacefiles>`."""
    pairs = [filename_slot(scene) for _ in range(scene.rng.randint(2, 3))]
    return " ".join(said for said, _ in pairs), [value for _, value in pairs]
