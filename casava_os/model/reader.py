"""Reads a request apart from the network that writes plans, and says which parts a plan for it should have.

The network writes a plan from left to right; when it errs, it is as sure as ever. A second network (`model.encoder`) that looks at
the request alone, with names and numbers masked, fails elsewhere. Its word counts when plans are weighed, and a plan that deletes,
moves or runs something needs its consent (`model.weighing`).

What a request only speaks of, and when to be wary, is told by patterns of English words written by hand. They understand
nothing and order nothing: they only take away words that may not count as an order, and so make questions of plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import Segment
from casava_os.model.encoder import NAME, Encoder, said, sound
from casava_os.model.tagger import chances

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "delete": frozenset({"file.delete", "container.remove", "infra.destroy", "memory.forget"}),
        "move": frozenset(
            {
                "file.move",
                "file.rename",
                "idiom.flatten",
                "idiom.sort_by_extension",
                "idiom.sort_by_month",
                "idiom.spaces_to_underscores",
                "idiom.line_endings",
                "idiom.trailing_spaces",
            }
        ),
        "run": frozenset(
            {
                "process.run",
                "process.spawn",
                "process.signal",
                "container.build",
                "container.run",
                "container.exec",
                "infra.apply",
            }
        ),
        "serve": frozenset({"container.start", "container.stop", "container.restart", "infra.scale"}),
    }
)
"""The calls that need consent, by what they do: every syscall that deletes or runs a program, every idiom that changes files, and
what starts and stops. The other idioms only print, or make new files."""

_NO = (
    r"(?:\w*n['\u2019`]t|(?:do|does|did|is|are|was|were|must|should|may|might|could|would|wo|ca|has|have|need)nt|not|no|never"
    r"|nothing|none|nobody|without|nor|neither|cannot|dotn|dnot|dno['\u2019]t|do['\u2019]nt|donot|don;t|odn['\u2019]?t|nto|nver|nevr|nevre|neevr)\b"
    r"(?!\s+(?:longer|needed|wanted|required|used|useful|necessary)\b)(?!(?:(?<=n['\u2019`]t)|(?<=nt))\s+need\b(?!\s+to\b))"
)
"""A word that forbids, also with the commonest slips ("dotn"); not in "no longer needed" or "I don't need it", which say that something may go."""
_OPENING = (
    r"(?:\A|(?<=[.!?:;,\u2026])\s|\n)\W*(?:(?:and|so|but|ok|okay|well|hey|hi|hello|now|actually|just|tell me|say"
    r"|i wonder|wondering|just wondering|i(?:['\u2019]d| would) like to know|just checking|question)\b\W*)*"
)
"""Where a sentence or a clause begins, after words that say nothing."""
_WARY = re.compile(
    rf"{_OPENING}(?:which|what|whats|how|who|where|why|when|was|were|has|have|had|did|should|shall|must|is|are)\b"
    rf"|{_OPENING}(?:can|could|ought)\b(?!\W+(?:you|u|ya|ye|we|i\W+(?:have|get|see))\b)"
    rf"|{_OPENING}(?:may|might)\b(?!\W+i\W+(?:have|get|see)\b)"
    rf"|{_OPENING}(?:do|does)\W+(?:i|we|they|you|the|any)\b"
    r"|\b(?:might|ought)\b|\bcould\b(?!\W+(?:you|u|ya|we|someone)\b)",
    re.IGNORECASE,
)
_REST = r"(?:\s+(?!(?:but|and|just|only|then|instead)\b)[^\s,;:!?()]*[^\s,;:.!?()])"
"""A word after one that begins what is only spoken of: not one that begins something else."""
_FORBIDDEN = re.compile(rf"\b(?:\w+\s+(?:nothing|none)\b|{_NO}){_REST}{{0,8}}", re.IGNORECASE)
_SPOKEN = re.compile(
    rf"\b(?:before (?:i|we)|so(?: that)? (?:i|we)|(?:i|we)['\u2019]ll|(?:i|we) (?:will|shall|might|may|already|almost)"
    rf"|(?:i|we)(?:['\u2019]ve|\s+have|\s+had)(?:\s+(?:already|just|now))?\s+\w+(?:ed|wn|en)"
    rf"|(?:he|she|they|someone|somebody|(?:my|our)\s+\w+)(?:\s+(?:has|have|had|already|just))*\s+(?!need\b)\w+ed"
    rf"|(?:someone|somebody|(?:the|my|our) \w+) (?:(?:would|['\u2019]d) like|wants?|plans?|intends?|hopes?|is going|is about|promised) to"
    rf"|(?:whether|suppose|supposing|imagine|assuming|what if|if(?: \w+){{0,2}} (?:i|we)|(?:i|we) (?:were|was) to|would it|it would|it['\u2019]d)"
    rf"|(?:hold(?:ing)? off(?: on)?|(?:refrain|abstain)(?:ing)? from|wait with|forget about|never ?mind)\b{_REST}{{0,8}}"
    rf"|(?:says?|said|thinks?|told (?:me|us)|suggest\w*|claims?|insists?|recommends?) (?:that )?(?:i|we) (?:should|could|can|must|may|ought to|need to|have to)"
    rf"|(?:safe|wise|ok|okay|fine|shame|pity|tempted|afraid|scared|reluctant|hesitant|allowed|wants? (?:me|us)|refused?) to"
    rf"|thinking (?:of|about)|considering)\b{_REST}{{0,8}}"
    rf"|\b(?:says?|said|reads?|wrote|writes|next \w+|later|tomorrow|todo|to do|not now|not yet|reminder|some day):{_REST}{{0,8}}"
    rf"|\b(?:he|she|they) (?!(?:are|is|need|must|should|can|have|has|were|was|do|does)\b)\w+\b{_REST}{{0,8}}"
    rf"|\b(?:after|once|until|till|when|whenever)\b{_REST}{{0,5}}\s(?:i|we|they)(?:['\u2019]\w+)?\b{_REST}{{0,5}}"
    rf"|\b(?:i|we) (?:want|need|plan|intend|hope|am going|are going) to\b{_REST}{{0,6}}\s+(?:later|tomorrow|tonight|soon|next \w+)\b"
    rf"|\b(?:that|which) (?:can|could|may|might|should|ought to)(?: \w+ly)? be\b{_REST}{{0,2}}"
    rf"|\b(?:that|which) (?:i|we|you) (?:can|could|may|might|should|ought to)\b{_REST}{{0,3}}"
    rf"|\bwould you\b{_REST}{{0,8}}\s+if (?:you|i) (?:were|was)\b{_REST}{{0,4}}"
    rf"|{_OPENING}(?:who|where|why|when|was|were|has|did|does|is|are|shall|(?:should|must)(?! (?:be|go)\b)"
    rf"|do (?:i|we|they|you)|(?:can|could)(?!\W+(?:you|u|ya|ye|we|i\W+(?:have|get|see))\b)"
    rf"|(?:may|might)(?!\W+i\W+(?:have|get|see)\b))\b{_REST}{{0,20}}",
    re.IGNORECASE,
)
_EXCEPTS = re.compile(
    r"\b(?:except(?:ing)?(?: for)?|exclud(?:e|es|ing)|skip(?:ping)?|ignor(?:e|ing)(?! (?:the )?case)|less the|apart from|aside from|save for|other than|with the exception of|barring"
    r"|(?:all|every\w*|any\w*|none|lot)(?: \w+){0,3} (?:but|bar|save|minus|besides)"
    r"|(?:stays?|remains?|needn['\u2019]?t|need not)|but(?= (?:the )?\S+ (?:no|not|stays?|remains?)\b)|but (?:not|keep|leave|spare|do not|never|don['\u2019]?t)|(?:and|only) not)\b|[,;] (?:not|keep|leave|spare)\b",
    re.IGNORECASE,
)
_EXCEPTED = re.compile(
    r"(?:\s*,)?\s+(?!(?:to|into|onto|from|in|inside|under|within|on|at|of|for|with|please|pls|because|since|so|if|when|while|as|then|though"
    r"|they|it|i|we|he|she|you|that|which|who|whose|is|are|was|were|has|have|stays?|should|must|can|will|alone)\b)"
    r"[^\s,;:!?()]*[^\s,;:.!?()]",
    re.IGNORECASE,
)
_LITTLE = frozenset({
    "a", "an", "the", "and", "or", "nor", "but", "not", "n", "&", "my", "our", "your", "any", "all", "every", "everything",
    "anything", "ones", "one", "those", "these", "this", "both", "keep", "leave", "spare", "touch", "delete", "remove", "bin",
    "stop", "kill", "restart", "move", "rename", "copy", "include", "file", "files", "folder", "folders", "directory",
    "directories", "dir", "dirs", "container", "containers", "box", "boxes", "called", "named", "running",
})  # fmt: skip
"""Words of an exception that name nothing."""
_SILENT = (
    _LITTLE
    - {"touch", "delete", "remove", "bin", "stop", "kill", "restart", "move", "rename", "copy"}
    | {
        "please", "pls", "plz", "thanks", "thx", "ok", "okay", "hey", "hi", "hello", "so", "just", "only", "then", "now", "yet", "i",
        "we", "you", "it", "them", "that", "do", "does", "did", "is", "are", "am", "to", "in", "of", "for", "with", "no", "yes",
    }
)  # fmt: skip
"""Words that order nothing by themselves."""
_STAND_IN = "n_1"
"""A word that is heard as a name."""
_ASKING = re.compile(r"\b(?:which|what|how)\b", re.IGNORECASE)
_SUPPOSED = re.compile(
    r"\b(?:can|could|may|might|should|would|ought\s+to)(?:\s+\w+ly)?"
    r"\s+(?:be\s+[^\s,;:!?()]*[^\s,;:.!?()](?:\s+(?:down|away|out|off|up))?\b|go\b)"
    r"|\b(?:is|are)\s+to\s+be\s+[^\s,;:!?()]*[^\s,;:.!?()]"
    rf"|\b(?:(?:can|could|may|might|should|shall)\s+(?:i|we)|(?:i|we)\s+(?:can|could|may|might|should))\b{_REST}{{0,3}}",
    re.IGNORECASE,
)
"""What can, may or should be done, which is an order in "the logs can go", and none after "which" or "what"."""


class Heard(NamedTuple):
    """What a reader makes of a request."""

    parts: NDArray[np.float32]
    """Log-odds of each label, (labels,)."""
    words: tuple[Atom, ...]
    """All its words …"""
    tags: NDArray[np.float32]
    """… and of each the logarithm of how likely each tag is: (words, tags). Of one that is not listened to, all are alike."""


@dataclass(frozen=True)
class Reader:
    """Says of a request which parts a plan for it should have, and which argument each of its words is."""

    labels: tuple[str, ...]
    """What a plan may have: names of control tokens."""
    tags: tuple[str, ...]
    """What a word may be: keys of arguments."""
    encoder: Encoder

    @property
    def size(self) -> int:
        """Bytes of its numbers, and their scales and shifts."""
        every = self.encoder.matrices.values()
        return sum(len(one.numbers) + 4 * (len(one.scales) + len(one.shifts)) for one in every)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: at for at, label in enumerate(self.labels)}

    @cached_property
    def _tag_places(self) -> dict[str, int]:
        return {tag: at for at, tag in enumerate(self.tags)}

    def hear(self, request: str) -> Heard:
        """What it makes of a request."""
        import numpy as np

        words = atoms(request)
        heard = [sound(one) for one in said(words)]
        parts, tags = self.encoder(heard)
        logs = np.full((len(words), len(self.tags)), -np.log(len(self.tags)), np.float32)
        logs[: len(tags)] = tags
        return Heard(parts, words, logs)

    def odds(self, request: str) -> NDArray[np.float32]:
        """Log-odds of each label, (labels,)."""
        return self.hear(request).parts

    def chances(self, request: str, heard: Heard, plan: Sequence[Segment]) -> tuple[list[float], list[float]]:
        """Logarithms of how likely a plan's tags are: of the words that it has, and of those that it leaves out."""
        return chances(request, heard.words, heard.tags, self._tag_places, plan)

    def asked(self, odds: NDArray[np.float32], parts: Iterable[str]) -> dict[str, Asked]:
        """How much the request asks for those of `KINDS` that a plan of these parts does; what it does not know, it never asks for."""
        calls = {part.removeprefix("call:") for part in parts}
        declines = max(self._of(odds, call) for call in DECLINES)
        rivals = (
            float(odds[at])
            for label, at in self._places.items()
            if label.startswith("call:") and label[5:] not in calls and label[5:] not in DECLINES
        )
        rival = max(rivals, default=NEVER)
        found = {}
        for kind, some in KINDS.items():
            if calls & some:
                least = min(self._of(odds, call) for call in calls & some)
                found[kind] = Asked(least, least - declines, least - rival)
        return found

    def hinted(self, odds: NDArray[np.float32], parts: Iterable[str]) -> dict[str, float]:
        """For those of `KINDS` that a plan of these parts does: the most of the log-odds of any call that does it.

        "I don't want to see the stack again, get rid of it" says without its first half that something goes, and not what.
        """
        calls = {part.removeprefix("call:") for part in parts}
        return {
            kind: max(self._of(odds, call) for call in some) for kind, some in KINDS.items() if calls & some
        }

    def _of(self, odds: NDArray[np.float32], call: str) -> float:
        place = self._places.get(f"call:{call}")
        return NEVER if place is None else float(odds[place])


class Asked(NamedTuple):
    """How much a request asks for something."""

    odds: float
    """The least of the log-odds of the calls that do it …"""
    lead: float
    """… by how much that is more than those of a question or a refusal: less than 0 in "don't delete a.txt" …"""
    rival: float
    """… and more than those of any call that the plan leaves out: less than 0 for a move, in "make a copy of a.txt in b"."""


DECLINES = ("ask", "refuse")
NEVER = -60.0
"""The log-odds of what cannot be."""


def wary(request: str) -> bool:
    """Whether it wonders what might be, or begins like a question that is no polite order.

    Then a plan needs more consent, for it may not be asked for at all.
    """
    return _WARY.search(_plain(request)) is not None


def ordered(request: str) -> str:
    """The request without what it only speaks of: what is not to be done, what the person will do or has done, what could be.

    What is asked for is asked for without these words, too: "delete the logs, but don't touch app.log" still says so, "list
    the logs, you mustn't delete them" does not.
    """
    plain = _plain(request)
    asking = _ASKING.search(plain)
    spoken = [*_FORBIDDEN.finditer(plain), *_SPOKEN.finditer(plain)]
    spoken += [] if asking is None else [*_SUPPOSED.finditer(plain, asking.end())]
    kept, at = [], 0
    for start, end in sorted(found.span() for found in spoken):
        kept.append(request[at:start])
        at = max(at, end)
    return " ".join((*kept, request[at:]))


def silent(rest: str) -> bool:
    """Whether what is left of a request says nothing that could be an order: nobody need ask what it hints at."""
    return all(word.text.lower() in _SILENT or not any(map(str.isalpha, word.text)) for word in atoms(rest))


@dataclass(frozen=True, slots=True)
class Spared:
    """What a request keeps out of the deed that it asks for."""

    names: frozenset[str]
    """Words, in lower case, that stand only in what is forbidden, or mean what no plan reaches: nothing is to be done to them."""
    excepts: bool
    """It names an exception: what is done to all of a list must leave something out."""
    excepted: frozenset[str] = frozenset()
    """The words of the exception, in lower case: a plan that leaves something out must have them all."""
    before: str = ""
    """What stands before the exception: what is named behind it only is not what the deed is for."""


_HOME = re.compile(r"\bhome (?:folder|directory|dir)\b", re.IGNORECASE)
"""Of a person, which lies outside the workspace; a folder that is called so is "the folder home"."""

NOTHING_SPARED = Spared(frozenset(), excepts=False)


def spared(request: str) -> Spared:
    """What "delete old.log, not new.log" and "stop all but web" keep out."""
    plain, words = _plain(request), atoms(request)
    inside: set[Atom] = set()
    for found in _FORBIDDEN.finditer(plain):
        named = False
        for word in (one for one in words if found.start() <= one.start and one.end <= found.end()):
            if named and word.text in ("to", "into", "onto"):  # "not b.txt to old": old is no part of it
                break
            named = named or word.quoted or NAME.search(word.text) is not None
            inside.add(word)
    names = {word.text.lower() for word in inside} - {
        word.text.lower() for word in words if word not in inside
    }
    if _HOME.search(plain) is not None:
        names.add("home")
    excepted: set[str] = set()
    for found in _EXCEPTS.finditer(plain):
        end = found.end()
        while (next_ := _EXCEPTED.match(plain, end)) is not None:
            end = next_.end()
        excepted |= {word.text.lower() for word in words if found.end() <= word.start and word.end <= end}
    excepted = {word for word in excepted - _LITTLE if any(map(str.isalnum, word))}
    first = _EXCEPTS.search(plain)
    before = "" if first is None else request[: first.start()].lower()
    return Spared(frozenset(names), first is not None, frozenset(excepted), before)


def _plain(request: str) -> str:
    """The request with each quotation as one long word: its words say nothing of the order."""
    for word in atoms(request):
        if word.quoted:
            request = request[: word.start] + "x" * (word.end - word.start) + request[word.end :]
    return request


def unnamed(request: str, names: Iterable[str]) -> str:
    """The request with these words put aside as names, where they stand for themselves.

    "Show the trash folder" says nothing of binning where trash is the name of a folder.
    """
    said = sorted({name for name in names if name.replace(" ", "").isalpha()}, key=len, reverse=True)
    if not said:
        return request
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, said))})(?!\w)", _STAND_IN, request)
