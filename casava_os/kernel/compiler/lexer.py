"""Takes a request apart into words and quoted strings, and reads what a person writes for a number, a size or a date.

An argument of a plan is copied from the request, never composed. `atoms` says where arguments can begin and end;
`normalise` turns the copied words ("a week", "half a gig", "python") into what the ABI's type takes ("1 week",
"0.5 gb", "py"), or answers None when they are not of that kind. What `normalise` refuses the decoding grammar does not
offer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from pydantic import TypeAdapter, ValidationError

from casava_syscalls import container, infra, net, scalars
from casava_syscalls.shapes import Lexeme

JsonScalar = str | int | float

_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
_TRAILING = ",;:!?)]}\"'\u201d\u2019"
_LEADING = "([{\"'\u201c\u2018"


@dataclass(frozen=True, slots=True)
class Atom:
    """One word or quoted string. `text` is without quotes; `start` and `end` are offsets in the request, with them."""

    text: str
    start: int
    end: int
    quoted: bool = False


def atoms(request: str) -> tuple[Atom, ...]:
    """The words, quoted strings and single punctuation marks of a request, in order.

    A quotation is one atom. A final full stop, comma or question mark, an opening bracket and a possessive `'s` are
    atoms of their own; punctuation inside a word ("a.tar.gz", "1,000", "src/*.py") stays.
    """
    return tuple(_scan(request))


def _scan(request: str) -> Iterator[Atom]:
    at = 0
    unclosed: set[str] = set()  # what closes no quotation here closes none further on: each is sought once
    while at < len(request):
        if request[at].isspace():
            at += 1
            continue
        closing = _QUOTES.get(request[at])
        if closing is not None and closing not in unclosed:
            if (end := _quotation(request, at, closing)) is not None:
                yield Atom(request[at + 1 : end - 1], at, end, quoted=True)
                at = end
                continue
            unclosed.add(closing)
        end = at
        while end < len(request) and not request[end].isspace():
            end += 1
        yield from _word(request, at, end)
        at = end


def _quotation(request: str, at: int, closing: str) -> int | None:
    """Where the quotation that opens at `at` ends (exclusive) with `closing`, if it does."""
    end = at + 1
    while (end := request.find(closing, end)) != -1:
        follows = request[end + 1 : end + 2]
        if end > at + 1 and (not follows or follows.isspace() or follows in _TRAILING + "."):
            return end + 1
        end += 1
    return None


def _word(request: str, start: int, end: int) -> Iterator[Atom]:
    while end - start > 1 and request[start] in _LEADING:
        yield Atom(request[start], start, start + 1)
        start += 1
    tail: list[Atom] = []
    while end - start > 1:
        last = request[end - 1]
        if request[start:end].endswith(("'s", "\u2019s", "'S")) and end - start > 2:
            tail.append(Atom(request[end - 2 : end], end - 2, end))
            end -= 2
        elif last in _TRAILING or (last == "." and request[start:end].strip(".")):
            tail.append(Atom(last, end - 1, end))
            end -= 1
        else:
            break
    begin = start
    for comma in re.finditer(r"(?<!\d),|,(?!\d)", request[start:end]):
        cut = start + comma.start()
        if cut > begin:
            yield Atom(request[begin:cut], begin, cut)
        yield Atom(",", cut, cut + 1)
        begin = cut + 1
    if end > begin:
        yield Atom(request[begin:end], begin, end)
    yield from reversed(tail)


# ------------------------------------------------------------------------------------------- what people write

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINAL = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
_WORD_NUMBERS: Mapping[str, float] = {
    **{word: n for n, word in enumerate(_SMALL)},
    **{word: 10 * n for n, word in enumerate(_TENS) if n > 1},
    **{f"{ten}{dash}{one}": 10 * t + o for t, ten in enumerate(_TENS) if t > 1 for o, one in enumerate(_SMALL[1:10], 1) for dash in "- "},
    **{word: n for n, word in enumerate(_ORDINAL)},
    "a": 1, "an": 1, "single": 1, "half": 0.5, "half a": 0.5, "half an": 0.5, "a couple": 2, "couple": 2, "a couple of": 2, "couple of": 2,
    "a dozen": 12, "dozen": 12, "half a dozen": 6, "a hundred": 100, "hundred": 100, "one hundred": 100, "two hundred": 200,
    "five hundred": 500, "a thousand": 1000, "thousand": 1000, "one thousand": 1000, "ten thousand": 10_000,
}  # fmt: skip

EXTENSION_WORDS: Mapping[str, tuple[str, ...]] = {
    "python": ("py",), "markdown": ("md",), "javascript": ("js",), "typescript": ("ts",), "rust": ("rs",), "ruby": ("rb",),
    "golang": ("go",), "text": ("txt",), "yaml": ("yaml", "yml"), "jpeg": ("jpg", "jpeg"), "jpegs": ("jpg", "jpeg"),
    "jpgs": ("jpg", "jpeg"), "shell": ("sh",), "bash": ("sh",), "c++": ("cpp", "cc", "cxx"), "word": ("docx", "doc"),
    "excel": ("xlsx", "xls"), "powerpoint": ("pptx", "ppt"), "jupyter": ("ipynb",), "temp": ("tmp", "temp"),
    "temporary": ("tmp", "temp"), "backup": ("bak", "backup"), "logs": ("log",), "pdfs": ("pdf",), "pngs": ("png",),
    "gifs": ("gif",), "csvs": ("csv",), "txts": ("txt",), "jsons": ("json",), "zips": ("zip",), "tarballs": ("tar", "tgz", "tar.gz"),
    "mp3s": ("mp3",), "mp4s": ("mp4",), "svgs": ("svg",), "tmps": ("tmp",), "baks": ("bak",), "pys": ("py",), "mds": ("md",),
    "kotlin": ("kt",), "perl": ("pl",), "latex": ("tex",), "config": ("conf", "cfg", "ini"), "object": ("o",), "compiled": ("pyc",),
}  # fmt: skip
"""Names of file formats that are not themselves the extension."""


def number(text: str) -> float | None:
    """The number that "12", "1,000", "2.5", "1,5", "5th", "ten", "a dozen" or "twenty-five" means."""
    word = " ".join(text.lower().split())
    if word in _WORD_NUMBERS:
        return _WORD_NUMBERS[word]
    if re.fullmatch(r"\d+,\d{1,2}", word):  # what much of the world writes for 1.5
        return float(word.replace(",", "."))
    match = re.fullmatch(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(st|nd|rd|th)?", word)
    return None if match is None else float(match.group(1).replace(",", "") + (match.group(2) or ""))


_MORE = re.compile(r"\b(more|another|further|extra|additional)\b")


def _quantity(text: str, units: Mapping[str, int], *, bare: bool) -> str | None:
    """Reads "1.5 gb" from "1.5GB", "half a gig", "a week", "two-hour", "week"."""
    word = " ".join(text.lower().replace("-", " ").split())
    match = re.fullmatch(r"(.*?)\s*([a-z]+)", word)
    if match is None or match.group(2) not in units:
        return None
    amount = _MORE.sub("", match.group(1)).strip()
    if not amount:
        return f"1 {match.group(2)}" if bare and len(match.group(2)) > 2 else None
    value = number(amount)
    return None if value is None else f"{value:g} {match.group(2)}"


_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


_SECONDS: TypeAdapter[int] = TypeAdapter(scalars.Duration)
_DAY = 86400
_HOURS = {"morning": 0, "noon": 12, "afternoon": 12, "evening": 18, "night": 18}
"""When a part of a day begins, for whoever looks for what happened since."""
_PART_OF_DAY = re.compile(rf"(?:(this|yesterday|last) )?({'|'.join(_HOURS)})")


def _begin(word: str, midnight: datetime) -> datetime | None:
    """When "this week", "last month", "this year" began; weeks begin on Monday."""
    monday = midnight - timedelta(days=midnight.weekday())
    first = midnight.replace(day=1)
    january = first.replace(month=1)
    return {
        "this week": monday,
        "last week": monday - timedelta(days=7),
        "this month": first,
        "last month": (first - timedelta(days=1)).replace(day=1),
        "this year": january,
        "last year": january.replace(year=january.year - 1),
    }.get(word)


_MONTH_NUMBERS = {month[:3]: number for number, month in enumerate(_MONTHS, 1)}


def moment(text: str, now: datetime) -> str | None:
    """An ISO date-time from "2026-03-31", "31.3.2026", "today", "last monday", "march 3", "three days ago", "this week", "last night"."""
    word = " ".join(text.lower().split())
    midnight = datetime.combine(now.date(), time.min)
    if (begins := _begin(word, midnight)) is not None:
        return begins.isoformat()
    if (
        word.endswith(" ago")
        and (span := _quantity(word[:-4], scalars.DURATION_UNITS, bare=True)) is not None
    ):
        seconds: int = _SECONDS.validate_python(span)
        begin = midnight if seconds >= _DAY else now.replace(microsecond=0)
        return (begin - timedelta(seconds=seconds)).isoformat()
    if match := _PART_OF_DAY.fullmatch(word):
        days = 1 if match[1] in ("yesterday", "last") else 0
        return (midnight + timedelta(hours=_HOURS[match[2]] - 24 * days)).isoformat()
    word = word.removeprefix("last ").removeprefix("this ")
    if word in ("today", "midnight"):
        return midnight.isoformat()
    if word == "yesterday":
        return (midnight - timedelta(days=1)).isoformat()
    if word in _WEEKDAYS:
        back = (now.weekday() - _WEEKDAYS.index(word)) % 7 or 7
        return (midnight - timedelta(days=back)).isoformat()
    named = "|".join([*_MONTHS, *(f"{month[:3]}\\.?" for month in _MONTHS), "sept\\.?"])
    day_first = rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{named})(?:,? (?P<year>\d{{4}}))?"
    month_first = rf"(?P<month>{named})(?: (?P<day>\d{{1,2}})(?:st|nd|rd|th)?)?(?:,? (?P<year>\d{{4}}))?"
    if match := re.fullmatch(day_first, word) or re.fullmatch(month_first, word):
        month, day, year = _MONTH_NUMBERS[match["month"][:3]], int(match["day"] or 1), match["year"]
        try:
            date = datetime(int(year) if year else now.year, month, day)  # noqa: DTZ001 - local time is what people mean
        except ValueError:
            return None
        return (date if year or date <= now else date.replace(year=now.year - 1)).isoformat()
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.((?:19|20)\d\d)", word):
        word = f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}"
    if re.fullmatch(r"(19|20)\d\d", word):
        return f"{word}-01-01T00:00:00"
    try:
        return datetime.fromisoformat(word.replace("/", "-")).replace(tzinfo=None).isoformat()
    except ValueError:
        return None


def _valid(adapter: TypeAdapter[str]) -> Callable[[str], str | None]:
    def check(text: str) -> str | None:
        try:
            adapter.validate_python(text)
        except ValidationError:
            return None
        return text

    return check


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


_CHECKS: Mapping[Lexeme, Callable[[str], str | None]] = {
    "glob": _valid(TypeAdapter(scalars.Glob)),
    "extension": _valid(TypeAdapter(scalars.Extension)),
    "mode": _valid(TypeAdapter(scalars.FileMode)),
    "needle": _valid(TypeAdapter(scalars.Needle)),
    "content": _valid(TypeAdapter(scalars.Content)),
    "command": _valid(TypeAdapter(scalars.CommandLine)),
    "word": _valid(TypeAdapter(scalars.Word)),
    "image": _valid(TypeAdapter(container.ImageName)),
    "container": _valid(TypeAdapter(container.ContainerName)),
    "stack": _valid(TypeAdapter(infra.StackName)),
    "url": _valid(TypeAdapter(net.Url)),
    "publish": _matching(container.PUBLISH),
    "mount": _matching(container.MOUNT),
    "mapping": _matching(re.compile(r"[A-Za-z_][\w.]*=\S*")),
}

_SAID_IN_PLURAL = frozenset(
    ["avi", "bak", "bat", "bin", "bmp", "bz2", "cfg", "conf", "cpp", "css", "deb", "dll", "doc", "docx", "eml", "eps", "epub", "exe", "fbx", "flac", "gz", "gguf", "gif", "glb", "heic", "html", "ini", "ipynb", "iso", "jar", "jpeg", "jpg", "js", "json", "jsonl", "kml", "lnk", "log", "m4a", "md", "mkv", "mov", "mp3", "mp4", "msi", "obj", "odt", "ogg", "otf", "pdf", "pkl", "png", "po", "ppt", "pptx", "psd", "pt", "py", "raw", "rar", "rb", "rs", "rtf", "safetensors", "sh", "sql", "srt", "svg", "swp", "tar", "tex", "tga", "tgz", "tif", "tiff", "tmp", "toml", "tsv", "ttf", "txt", "wav", "webm", "webp", "whl", "wma", "wmv", "woff", "xls", "xlsx", "xml", "yaml", "yml", "zip", "7z"]
)  # fmt: skip
"""Endings that people use like words: "the wavs", "two pngs"."""

_HOST = re.compile(
    r"(?=[a-z0-9.-]*[a-z])(www\.|[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}/|localhost[:/])", re.IGNORECASE
)
"""How an address without its scheme begins: a name with dots and a slash behind it, or "www."."""


def _path(text: str) -> str | None:
    """A path is passed on also when it lies outside the workspace: the ABI's type then refuses it, with a reason."""
    return text if text and "\x00" not in text and len(text) <= 4096 else None


def normalise(lexeme: Lexeme, text: str, now: datetime) -> JsonScalar | list[str] | None:
    """What a copied span means as a value of the ABI, or None when it is not of that kind."""
    if lexeme == "path":
        return _path(text)
    if lexeme == "extension":
        word = text.lower().strip()
        if word in EXTENSION_WORDS:
            return list(EXTENSION_WORDS[word])
        if word.endswith("s") and word[:-1] in _SAID_IN_PLURAL:
            return word[:-1]
        return _CHECKS["extension"](text) if re.fullmatch(r"\*?\.?[\w+.~-]{1,12}", text) else None
    if lexeme in ("count", "index", "port"):
        value = number(text)
        return (
            int(value)
            if value is not None and value == int(value) and (value >= 1 or lexeme == "index")
            else None
        )
    if lexeme == "size":
        return _quantity(text, scalars.SIZE_UNITS, bare=False)
    if lexeme == "duration":
        unit = re.fullmatch(r"(?:last|past|previous) ([a-z]+)", " ".join(text.lower().split()))
        return _quantity(unit[1] if unit else text, scalars.DURATION_UNITS, bare=True)
    if lexeme == "moment":
        return moment(text, now)
    if lexeme == "number":
        value = number(text)
        return None if value is None or value < 0 else int(value) if value == int(value) else value
    if lexeme in ("image", "container", "stack"):
        return _CHECKS[lexeme](text) or _CHECKS[lexeme](text.lower())
    if lexeme == "url" and _HOST.match(text):
        text = f"https://{text}"
    check = _CHECKS.get(lexeme)
    return None if check is None else check(text)
