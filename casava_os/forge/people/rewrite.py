"""Changes of request and command alike, before anything is translated. Each is listed in the counts under its name.

A plan speaks of a workspace: it has no "/", no home directory and no shell variables. People's requests do. So "/path/to"
becomes "path/to", "$dir" becomes "dir", and a phrase that only says "the whole file system" goes, in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PLACES = r"(?:in|on|under|from|across|throughout|within|over|of|at|inside|through|starting (?:from|at|with|in)|beginning (?:at|from)|recursively (?:in|from)|starting)"
_WHOLE = re.compile(
    rf"\s*\(?\b{_PLACES}\s+(?:the\s+|your\s+|whole\s+|my\s+|entire\s+)*"
    r"(?:(?:entire|whole|complete|full|current|root|linux|unix)\s+)*"
    r"(?:file\s?-?system(?:\s+hierarchy)?|file\s+hierarchy|system|computer|machine|disk|(?:root|'/'|\"/\"|/)\s+(?:director(?:y|ies)|folder|file\s?system|partition)(?:\s+tree)?|(?:directory\s+)?tree\s+/)"
    r"(?:\s+(?:tree|hierarchy|recursively))?(?:\s*\(?(?:'/'|\"/\"|`/'|/)(?=[\s,.)]|$)\)?)?\)?",
    re.IGNORECASE,
)
_SLASH = re.compile(
    rf"\s*\(?\b{_PLACES}\s+(?:the\s+)?(?:'/'|\"/\"|`/'|/)(?=[\s,.)]|$)(?:\s+(?:directory|folder|tree|\(root\)))*\)?",
    re.IGNORECASE,
)
_HOME = re.compile(
    r"(?:(?:the|my|your|his|user's|users?|current)\s+)*(?:current\s+user's\s+)?(?:\bhome\s+(?P<what>director(?:y|ies)|folder)(?:\s+tree)?(?:\s+of\s+the\s+(?:current\s+)?user)?(?:\s+\(?(?:~|\$HOME)\)?)?"
    r"|(?<![\w/])(?:~/?|\$HOME)(?=[\s,.]|$)(?:\s+(?:directory tree|tree|directory|folder))?)",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_KNOWN = frozenset(
    ("HOME", "PWD", "USER", "PATH", "SHELL", "LOGNAME", "HOSTNAME", "RANDOM", "IFS", "UID", "OLDPWD")
)
_ABSOLUTE = re.compile(r"(?<![\w.~$*/}<>:\\=-])(~?/[\w.+@-][\w.+@/*?-]*)")
_PROGRAMS = ("/bin/", "/usr/bin/", "/dev/", "/sbin/", "/usr/sbin/", "/usr/local/bin/")


@dataclass(slots=True)
class Pair:
    """A request with its command, and the names of the changes."""

    request: str
    command: str
    changes: list[str] = field(default_factory=list)


ABSOLUTE = "an absolute path as a relative one"


def rewritten(request: str, command: str, *, keep_absolute: bool = False) -> Pair:
    """The pair as it is translated. `keep_absolute` leaves absolute paths alone; such a plan cannot be tried."""
    pair = Pair(" ".join(request.split()), command.strip())
    _typography(pair)
    _substitution(pair)
    pair.command = re.sub(r"(?<=find )(?:`pwd`|\"?\$\(pwd\)\"?|\"?\$PWD\"?)(?=\s|$)", ".", pair.command)
    _variables(pair)
    _system(pair)
    _home(pair)
    if not keep_absolute:
        _absolute(pair)
    pair.request = " ".join(pair.request.split()).strip(" ,;")
    return pair


def _typography(pair: Pair) -> None:
    """Quotes and dashes that a word processor made; `x' as people quoted before Unicode."""
    plain = pair.command.translate(
        str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u2011\u00ab\u00bb", '\'\'""---""')
    )
    if plain != pair.command:
        pair.command = plain
        pair.changes.append("typographic quotes and dashes in the command")
    quoted = re.sub(r"(?<![\w`])`([^`'\s](?:[^`']*[^`'\s])?)'(?![\w'])", r"'\1'", pair.request)
    if quoted != pair.request:
        pair.request = quoted
        pair.changes.append("`x' as 'x' in the request")


_SUBSTITUTED = re.compile(
    r"(?P<cmd>[a-z0-9]+(?: [^$`|;<>&]*)?) (?P<open>\$\(|`)(?P<find>find [^`$]*)(?P<close>\)|`)"
)


def _substitution(pair: Pair) -> None:
    """`rm $(find …)` as `find … | xargs rm`."""
    match = _SUBSTITUTED.fullmatch(pair.command)
    if (
        match is not None
        and (match["open"], match["close"]) in (("$(", ")"), ("`", "`"))
        and not match["cmd"].startswith("echo")
    ):
        pair.command = f"{match['find'].strip()} | xargs {match['cmd']}"
        pair.changes.append("$(find …) as find … | xargs")


def _variables(pair: Pair) -> None:
    for name in dict.fromkeys(_VARIABLE.findall(pair.command)):
        spelled = re.compile(rf"\$\{{{name}\}}|\${name}\b")
        if name in _KNOWN or not spelled.search(pair.request):
            continue
        pair.request, pair.command = spelled.sub(name, pair.request), spelled.sub(name, pair.command)
        pair.changes.append("a variable as a name")


def _system(pair: Pair) -> None:
    root = re.compile(r"(?P<find>\bfind\s+(?:-[LHP]\s+)?)/(?=\s|$)")
    if not root.search(pair.command):
        return
    without = _SLASH.sub("", _WHOLE.sub("", pair.request, count=1), count=1)
    pair.request = without or pair.request
    pair.command = root.sub(r"\g<find>.", pair.command)
    pair.changes.append("the whole file system as the workspace")


def _home(pair: Pair) -> None:
    root = re.compile(r"(?P<find>\bfind\s+)(?:~/?|\"?\$\{?HOME\}?\"?(?:/\.?)?)(?=\s|$)")
    if not root.search(pair.command):
        return
    if not _HOME.search(pair.request):
        return
    pair.request = _HOME.sub(
        lambda match: f"the current {'folder' if match['what'] == 'folder' else 'directory'}",
        pair.request,
        count=1,
    )
    pair.command = root.sub(r"\g<find>.", pair.command)
    pair.changes.append("the home directory as the current one")


def _absolute(pair: Pair) -> None:
    paths = [path for path in _ABSOLUTE.findall(pair.command) if not path.startswith(_PROGRAMS)]
    for path in sorted(dict.fromkeys(paths), key=len, reverse=True):
        bare = path.rstrip("/*?")
        spelled = re.compile(rf"(?<![\w.~$*/-]){re.escape(bare)}(?![\w-])")
        shorter = bare.removeprefix("~").removeprefix("/")
        if not bare.strip("~/"):
            continue
        if not spelled.search(pair.request):
            # "/usr" as "the usr folder".
            if re.search(rf"(?<![\w./~-]){re.escape(shorter)}/?(?![\w/.-])", pair.request):
                pair.command = spelled.sub(shorter, pair.command)
                pair.changes.append(ABSOLUTE)
            continue
        pair.request, pair.command = spelled.sub(shorter, pair.request), spelled.sub(shorter, pair.command)
        pair.changes.append(ABSOLUTE)
