"""Words that point back: "again", "the same for logs", "delete those", "undo what I did yesterday".

Such words are a closed class, and what they point at is typed data: an earlier plan, its arguments, the names that it gave or
changed. So a reference is resolved before the model is asked, and the model compiles a request without it:

- *again* is the earlier plan, its dates read again;
- *the same for X* is the earlier request with X in the place of one of its arguments, whichever of them X can be;
- *those* is a list of names: the model compiles the request for one of them, and where that name stands in a field that takes
  several, all of them are put (`lifted`);
- *undo what I did* is a set of commits.

What can be meant in two ways, or points at nothing, is asked. Pointing back needs a conversation: a request that stands alone
is told how to join one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from casava_os.kernel.compiler import alike
from casava_os.kernel.compiler.alike import Token
from casava_os.kernel.compiler.lexer import moment
from casava_syscalls.names import fs_path
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Ok
from casava_syscalls.shapes import shapes
from casava_syscalls.talk import Ask, Refuse

NEAR = 6
"""A pronoun among the first so many words; one further on means something that the request itself named."""
MOST_NAMES = 1000
"""Names that one word can stand for."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier request of the conversation that became a plan."""

    pid: int
    request: str
    """Without references: what it meant."""
    at: datetime
    plan: Plan
    names: tuple[str, ...] = ()
    """What it gave, changed or was about, relative to the workspace."""
    typed: str = ""
    """The request as it was typed."""


@dataclass(frozen=True, slots=True)
class Again:
    """An earlier plan is meant."""

    word: str
    turn: Turn | None


@dataclass(frozen=True, slots=True)
class Same:
    """An earlier request with something else in it is meant; `made`: what it may be, each with its plan."""

    word: str
    turn: Turn | None
    made: tuple[tuple[str, Plan], ...] = ()


@dataclass(frozen=True, slots=True)
class Those:
    """Names are meant. `requests` have a stand-in for them in the place of the word: (request, stand-in), the best first."""

    word: str
    turn: Turn | None
    names: tuple[str, ...] = ()
    one: bool = False
    """The word is in the singular."""
    requests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Undo:
    """Commits are to be taken back: the last one, or those of a time. `about`: words that tell which."""

    word: str
    since: float | None = None
    until: float | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """Something that was asked for at another time, told by what it was about or when."""

    word: str
    since: float | None = None
    until: float | None = None
    about: str = ""


Reference = Again | Same | Those | Undo | Past

_IT = r"(?:it|that|this|the same|the same thing|same|same thing|the last one|the last request|the last command|the previous request|the last thing)"
_ONCE = r"(?:again|once more|one more time|another time|once again)"
_AGAIN = re.compile(
    rf"(?:(?:now |ok |okay |and |then )*)(?:(?:do|run|try|perform|execute) )?(?:{_IT} )?{_ONCE}"
    rf"|(?:(?:now |and |then )*)(?:repeat|rerun|re-run)(?: {_IT})?(?: {_ONCE})?"
    r"|(?:do )?the same(?: thing)?"
)
_SAME = re.compile(
    r"(?:(?:now|ok|okay|and|then) )*(?:"
    r"(?:do )?(?:the )?same(?: thing)?(?: again)? (?P<p1>for|with|in|on|to|from|but for|but with|but in|but on|but)"
    r"|(?:do|run) (?:it|that|this)(?: again)? (?P<p2>for|with|in|on|but for|but with|but in)"
    r"|(?:again|once more) (?P<p3>for|with|in|on|but for|but with|but in)"
    r"|(?:what|how) about(?: the)?(?P<p4>)"
    r"|(?:now|and) (?P<p5>for|in|with|on)"
    r") (?P<x>.+)"
)
_WHEN = (
    r"today|yesterday|this morning|this week|last week|this month|last month|last time|earlier|before|just now|"
    r"(?:on |last |this )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)|"
    r"(?:a|an|one|two|three|four|five|six|seven|ten|\d+) (?:minute|hour|day|week|month)s? ago|"
    r"in the last (?:minute|hour|day|week|month)"
)
_UNDO = re.compile(
    rf"(?:undo|revert|take back|roll back|reverse) (?:everything |all |all of )?(?:of )?(?:what|whatever|everything|all|the things?|that)?\s*"
    rf"(?:that )?(?:i|you|we) (?:just )?did(?: (?:for|with|to|on|about|in) (?P<about>.+?))?(?: (?P<when>{_WHEN}))?"
    rf"|(?:undo|revert|take back|roll back) (?:my |the |all |all my |all the )?changes?(?: (?:i|you|we) made)?(?: (?:of|from))? ?(?P<when2>{_WHEN})"
    rf"|(?:undo|revert|take back|roll back) (?:everything|all)(?: (?:of|from))? (?P<when3>{_WHEN})"
    r"|(?:undo|revert|take back|roll back)(?: (?:it|that|this|the last one|the last change|the last thing|my last change|the last request|the changes?))?"
    r"|take (?:it|that|this) back"
)
_PAST = re.compile(
    rf"(?:do|run|repeat|do again|run again)(?: again)? (?:what|whatever|the thing|the things|that thing|the same thing|the same as|the same as what|the same)"
    rf"(?: that)?(?: i| you| we)(?: just)? did(?: (?:for|with|to|on|about|in) (?P<about>.+?))?(?: (?P<when>{_WHEN}))?(?: again)?"
    rf"|(?:do )?the same(?: thing)? as (?P<when2>{_WHEN})"
)
_PLURAL = r"(?:all (?:of )?)?(?:those|these|them)(?: (?:files|folders|directories|results|ones))?"
_SINGULAR = r"(?:that|this) (?:file|one|result|archive|script|image|document)|that (?:folder|directory)"  # this folder is the workspace
_AFTER = frozenset(
    {
        "",
        "to",
        "into",
        "as",
        "by",
        "again",
        "now",
        "please",
        "too",
        "all",
        "together",
        "is",
        "are",
        "read-only",
        "executable",
    }
)
"""What may follow a pronoun. Before anything else it is none: "those notebooks", "these in docs", "it: deploy"."""
_FILLERS = frozenset({"and", "now", "then", "ok", "okay", "so", "next"})
_JOINTS = frozenset({"and", "then", ",", ";", "but", "or"})
_AUXILIARIES = frozenset(
    {"is", "has", "was", "does", "did", "do", "will", "can", "should", "would", "could", "what", "how", "who"}
)
_BEFORE_IT = frozenset({"in", "of", "from", "to", "inside", "into", "at", "on", "for", "with"})


def refer(
    text: str, turns: Sequence[Turn], names: Sequence[str], workspace: Path, now: datetime
) -> Reference | None:
    """What a request points at; None when it points at nothing, and stands for itself. `turns`: the latest first."""
    found = alike.tokens(text)
    said = " ".join(_said(token) for token in found)
    last = turns[0] if turns else None
    if match := _UNDO.fullmatch(said):
        when = match["when"] or match["when2"] or match["when3"] or ""
        since, until = period(when, now)
        return Undo(said, since, until, match["about"] or "")
    if match := _PAST.fullmatch(said):
        since, until = period(match["when"] or match["when2"] or "", now)
        return Past(said, since, until, match["about"] or "")
    if _AGAIN.fullmatch(said):
        return Again(said, last)
    if (match := _SAME.fullmatch(said)) is not None:
        given = next((match[f"p{n}"] for n in (1, 2, 3, 5) if match[f"p{n}"]), "")
        x = _tail(text, found, match["x"])
        made = tuple(_with(x, given, last, names, workspace, now)) if last else ()
        return Same(said[: match.start("x")].strip(), last, made)
    return _those(text, found, turns, workspace)


def points_back(text: str) -> bool:
    """Whether a request has a word that may point back at all: the earlier ones need not be read for others."""
    words = {token.kind for token in alike.tokens(text)}
    return bool(
        words
        & {"again", "same", "those", "these", "them", "it", "that", "this", "repeat", "rerun", "re-run", "once", "undo",
           "revert", "did", "about", "back", "another", "one", "now", "and"}
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ again, the same


def repeated(turn: Turn, now: datetime) -> Plan:
    """The earlier plan, its dates read again: "yesterday" is another day now."""
    how = alike.pattern(turn.request, turn.plan, turn.at)
    fresh = alike.again(turn.plan, how, turn.request, now) if how is not None else None
    return fresh or turn.plan


def _said(token: Token) -> str:
    return token.text if token.literal else token.kind


def _tail(text: str, found: Sequence[Token], x: str) -> str:
    """The end of the request as it was written, from where its folded form `x` begins."""
    for place in range(len(found)):
        if " ".join(_said(token) for token in found[place:]) == x:
            return text[found[place].start : found[-1].end]
    return x


def _with(
    x: str, preposition: str, turn: Turn, names: Sequence[str], workspace: Path, now: datetime
) -> Iterator[tuple[str, Plan]]:
    """The earlier request and plan with `x` in the place of an argument, for each argument that it fits best."""
    how = alike.pattern(turn.request, turn.plan, turn.at)
    if how is None:
        return
    found = alike.tokens(turn.request)
    bare = [token.text for token in alike.tokens(x)]
    there = len(bare) == 1 and (bare[0] in names or (workspace / fs_path(bare[0])).exists())
    preposition = preposition.removeprefix("but").strip()
    possible: list[tuple[tuple[bool, bool], str, Plan]] = []
    for first, last in dict.fromkeys((slot.first, slot.last) for slot in how.slots):
        slots = [slot for slot in how.slots if (slot.first, slot.last) == (first, last)]
        old = _written(turn.request, found, first, last)
        new = _fitting(x, found, last)
        if new == old or (
            any(slot.lexeme in _ONE_WORD for slot in slots) and len(new.split()) > 1 and new[0] not in "\"'"
        ):
            continue
        path = any(slot.lexeme == "path" for slot in slots)
        stood = path and (workspace / fs_path(old.strip("\"'`"))).exists()
        plan = alike.put(turn.plan, slots, new, now)
        if plan is None or (stood and not there):
            continue
        before = found[first - 1].kind if first else ""
        request = turn.request[: found[first].start] + new + turn.request[found[last].end :]
        possible.append(((stood == there, before == preposition), request, plan))
    best = max((rank for rank, _, _ in possible), default=None)
    for rank, request, plan in possible:
        if rank == best:
            yield request, plan


_ONE_WORD = frozenset({"path", "extension", "word", "glob"})


def _fitting(x: str, found: Sequence[Token], last: int) -> str:
    """What is put in: "the log files" is "log" where the earlier request goes on with "files"."""
    new = x.removeprefix("the ")
    after = found[last + 1].kind if last + 1 < len(found) else ""
    return new[: -len(after) - 1] if after and new.casefold().endswith(f" {after}") else new


def _written(request: str, found: Sequence[Token], first: int, last: int) -> str:
    return request[found[first].start : found[last].end]


# ------------------------------------------------------------------------------------------------ those, that file, it


def _those(text: str, found: Sequence[Token], turns: Sequence[Turn], workspace: Path) -> Those | None:
    span = _pointing(found)
    if span is None:
        return None
    first, last, one = span
    word = " ".join(token.kind for token in found[first : last + 1])
    wanted = found[last].kind.rstrip("s")
    for turn in turns[:5]:
        there = tuple(name for name in turn.names if _is(workspace, name, wanted))[: MOST_NAMES + 1]
        if not there:
            continue
        if one and len(there) > 1:
            return Those(word, turn, there, one)
        begin = next((n for n, token in enumerate(found) if token.kind not in _FILLERS), 0)
        head, tail = text[found[begin].start : found[first].start], text[found[last].end :]
        # The model reads a bare name best; whether it is there does not matter, for the names are put in its place.
        bare = (name.rpartition("/")[2] for name in there[:3])
        stands = dict.fromkeys(name for name in (*bare, *there[:2]) if _plain(name) and name not in text)
        requests = tuple((f"{head}{_quoted(name)}{tail}", name) for name in stands)
        return Those(word, turn, there, one, requests)
    return Those(word, None, (), one)


def _pointing(found: Sequence[Token]) -> tuple[int, int, bool] | None:
    """(first word, last word, singular?) of a pronoun in the first clause that nothing before it in the request explains."""
    begin = next((n for n, token in enumerate(found) if token.kind not in _FILLERS), len(found))
    for place in range(begin, min(len(found), begin + NEAR)):
        kind = found[place].kind
        if kind in _JOINTS or found[place].literal:
            return None
        near = place == begin + 1
        for length in (4, 3, 2, 1):
            if place + length > len(found) or place == begin:
                continue
            phrase = " ".join(token.kind for token in found[place : place + length])
            follows = found[place + length].kind if place + length < len(found) else ""
            if follows not in _AFTER and not (near and follows in _JOINTS):
                continue
            if re.fullmatch(_PLURAL, phrase):
                return place, place + length - 1, False
            if re.fullmatch(_SINGULAR, phrase):
                return place, place + length - 1, True
        before = found[place - 1].kind if place > begin else ""
        follows = found[place + 1].kind if place + 1 < len(found) else ""
        ends = follows in _AFTER or (near and follows in _JOINTS)
        verb = near and before not in _AUXILIARIES
        size = (
            before == "is" and not follows and found[begin].kind == "how" and place > begin + 2
        )  # "how big is it"
        if kind == "it" and ends and (verb or size or before in _BEFORE_IT):
            return place, place, True
        if kind in ("that", "this") and verb and ends and follows not in ("is", "are", "all"):
            return place, place, True
    return None


def _is(workspace: Path, name: str, wanted: str) -> bool:
    """Whether a name is still there, and is what the word says: a file, a folder."""
    path = workspace / fs_path(name)
    if not os.path.lexists(path):
        return False
    if wanted in ("folder", "directorie", "directory"):
        return path.is_dir()
    return not path.is_dir() if wanted in ("file", "script", "image", "document", "archive") else True


def _quoted(name: str) -> str:
    return f'"{name}"' if any(char.isspace() for char in name) else name


def _plain(name: str) -> bool:
    """Whether a name can be written into a request, and read from it as the name and nothing else."""
    return name.isprintable() and not any(char in name for char in "\"'`\u201c\u201d\u2018\u2019,;()[]{}")


def lifted(plan: Plan, stand_in: str, names: Sequence[str]) -> Plan | None:
    """The plan with all the names where the one stood; None where it takes only one, or has it elsewhere, too."""
    steps: list[dict[str, object]] = []
    put = 0
    for step in plan.steps:
        data: dict[str, object] = {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)}
        known = shapes(type(step))
        for field, value in list(data.items()):
            if isinstance(value, list) and stand_in in value:
                shape = known[field]
                if shape.lexeme != "path" or value != [stand_in] or not shape.many:
                    return None
                data[field] = list(names)
                put += 1
            elif field != "call" and value == stand_in:
                if len(names) > 1 or known[field].lexeme != "path":
                    return None
                data[field] = names[0]
                put += 1
        steps.append(data)
    if not put:
        return None
    parsed = parse_plan(
        {"version": 1, "request": plan.request, "steps": steps, "reads_stdin": plan.reads_stdin}
    )
    return parsed.value if isinstance(parsed, Ok) else None


# ------------------------------------------------------------------------------------------------ when


def period(when: str, now: datetime) -> tuple[float | None, float | None]:
    """(since, until) in seconds since the epoch of "yesterday", "last week", "two days ago"; (None, None) for no time."""
    word = when.removeprefix("on ").strip()
    if not word or word in ("last time", "earlier", "before", "just now"):
        return None, None
    midnight = datetime.combine(now.date(), datetime.min.time())
    if word.startswith("in the last "):
        hours = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 720}[
            word.removeprefix("in the last ")
        ]
        return (now - timedelta(hours=hours)).timestamp(), None
    if word in ("today", "this morning"):
        return midnight.timestamp(), (
            midnight + timedelta(hours=12)
        ).timestamp() if "morning" in word else None
    began = moment(word, now)
    if began is None:
        return None, None
    since = datetime.fromisoformat(began)
    days = 7 if word.endswith("week") else 1
    if word in ("this week", "this month"):
        return since.timestamp(), None
    if word == "last month":
        return since.timestamp(), midnight.replace(day=1).timestamp()
    if re.search(r"(minute|hour)s? ago", word):
        return (since - timedelta(minutes=10 if "minute" in word else 60)).timestamp(), (
            since + timedelta(minutes=10 if "minute" in word else 60)
        ).timestamp()
    if re.search(r"weeks? ago", word):
        days = 7
    return since.timestamp(), (since + timedelta(days=days)).timestamp()


def speaks(plan: Plan) -> bool:
    """Whether the plan only asks or refuses."""
    return isinstance(plan.steps[0], Ask | Refuse)
