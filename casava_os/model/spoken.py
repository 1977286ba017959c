"""What a request only speaks of, what it spares, and when to be wary: patterns of English words, written by hand.

They understand nothing and order nothing: they only take away words that may not count as an order, or name what is not
to be touched, and so make questions of plans (`model.weighing`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.model.encoder import NAME

_NO = (
    r"(?:\w*n['\u2019`]t|(?:do|does|did|is|are|was|were|must|should|may|might|could|would|wo|ca|has|have|need)nt|not|no|never"
    r"|nothing|none|nobody|without|nor|neither|cannot|dotn|dnot|dno['\u2019]t|do['\u2019]nt|donot|don;t|odn['\u2019]?t|nto|nver|nevr|nevre|neevr|n0t)\b"
    r"(?!\s+(?:longer|needed|wanted|required|used|useful|necessary)\b)(?!(?:(?<=n['\u2019`]t)|(?<=nt))\s+need\b(?!\s+to\b))"
)
"""A word that forbids, also with the commonest slips ("dotn"); not in "no longer needed" or "I don't need it", which say that something may go."""
_OPENING = (
    r"(?:\A|(?<=[.!?:;,\u2026])\s|\n)\W{0,200}+(?:(?:and|so|but|ok|okay|well|hey|hi|hello|now|actually|just|tell me|say"
    r"|i wonder|wondering|just wondering|i(?:['\u2019]d| would) like to know|just checking|question)\b\W{0,200}+){0,8}"
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
_REST = r"(?:\s+\.(?=\s)|\s+(?!(?:but|and|just|only|then|instead)\b)[^\s,;:!?()]*[^\s,;:.!?()])"
"""A word after one that begins what is only spoken of: not one that begins something else."""
_FORBIDDEN = re.compile(
    rf"\b(?:\w+\s+(?:nothing|none)\b|{_NO}){_REST}{{0,8}}"
    r"|\b(?:leave|let)(?:\s+\S+){1,4}?\s+(?:alone|in peace|untouched|as is|running|be(?=\s*(?:[,.;:!?]|\Z|for\b|and\b|but\b)))(?!\w)",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    rf"\b(?:before (?:i|we)|(?:i|we|you)(?:['\u2019]d| would) have|(?:i|we) (?:was|were) (?:going|about) to|so(?: that)? (?:i|we)|(?:i|we)['\u2019]ll|(?:i|we) (?:will|shall|might|may|already|almost)"
    rf"|(?:i|we)(?:['\u2019]ve|\s+have|\s+had)(?:\s+(?:already|just|now))?\s+\w+(?:ed|wn|en)"
    rf"|(?:i|we)(?: (?:just|already|accidentally|only))? (?!need|want|hop|wish|lik|tri)\w+ed"
    rf"|(?:he|she|they|someone|somebody|(?:my|our)\s+\w+)(?:\s+(?:has|have|had|already|just))*\s+(?!need\b)\w+ed"
    rf"|(?:someone|somebody|(?:the|my|our) \w+) (?:(?:would|['\u2019]d) like|wants?|plans?|intends?|hopes?|is going|is about|promised) to"
    rf"|how (?:do|does|should|would|can|could|might|shall|did) (?:i|we|you|one|they|somebody|someone)\b{_REST}{{0,8}}"
    rf"|(?:whether|suppose|supposing|imagine|assuming|what if|if(?: \w+){{0,2}} (?:i|we)|(?:i|we) (?:were|was) to|would it|it would|it['\u2019]d)"
    rf"|(?:hold(?:ing)? off(?: on)?|(?:refrain|abstain)(?:ing)? from|wait with|forget about|never ?mind)\b{_REST}{{0,8}}"
    rf"|(?:says?|said|wrote|writes?|thinks?|thought|believes?|reckons?|told (?:me|us)|mention(?:s|ed)|suggest\w*|claim(?:s|ed)?|insist(?:s|ed)?|argue[sd]?|recommend(?:s|ed)?|advise[sd]?(?: me| us)?) (?:that )?(?:i|we|you) (?:should|could|can|must|may|might|ought to|need to|needed to|have to|had to)"
    rf"|(?:safe|wise|ok|okay|fine|shame|pity|tempted|afraid|scared|reluctant|hesitant|allowed|wants? (?:me|us)|refused?) to"
    rf"|thinking (?:of|about)|considering)\b{_REST}{{0,8}}"
    rf"|\b(?:says?|said|reads?|wrote|writes|next \w+|later|tomorrow|todo|to do|not now|not yet|reminder|some day):{_REST}{{0,8}}"
    rf"|\b(?:he|she|they) (?!(?:are|is|need|must|should|can|have|has|were|was|do|does)\b)\w+\b{_REST}{{0,8}}"
    rf"|\b(?:after|once|until|till|when|whenever)\b{_REST}{{0,5}}\s(?:i|we|they)(?:['\u2019]\w+)?\b{_REST}{{0,5}}"
    rf"|\b(?:i|we) (?:want|need|plan|intend|hope|am going|are going) to\b{_REST}{{0,6}}\s+(?:later|tomorrow|tonight|soon|next \w+)\b"
    rf"|\b(?:that|which) (?:can|could|may|might|should|ought to)(?: \w+ly)? be\b{_REST}{{0,2}}"
    rf"|\b(?:that|which) (?:i|we|you) (?:can|could|may|might|should|ought to)\b{_REST}{{0,3}}"
    r"|(?:\A|(?<=[,;.:]\s)|\b(?:then|and|please)\s)(?:dir|ls|cat|du|tree|head|tail|less|stat)\s+"
    r"(?:delete|remove|move|rename|kill|stop|run|start|trash|bin)\b(?!\s+(?:it|them|all|the|those)\b)"
    rf"|\bwould you\b{_REST}{{0,8}}\s+if (?:you|i) (?:were|was)\b{_REST}{{0,4}}"
    rf"|{_OPENING}(?:which|what)(?:\s+\S+){{1,3}}?\s+(?:did|were|was|got)\b{_REST}{{0,8}}"
    rf"|{_OPENING}(?!(?:i|we|you)\b)\w+ (?:(?:would|['\u2019]d) like|wants?|plans?|intends?|hopes?|promised) to\b{_REST}{{0,8}}"
    rf"|{_OPENING}(?:who|where|why|when|was|were|has|did|does|is|are|shall|(?:should|must)(?! (?:be|go)\b)"
    rf"|do (?:i|we|they|you)|(?:can|could)(?!\W+(?:you|u|ya|ye|we|i\W+(?:have|get|see))\b)"
    rf"|(?:may|might)(?!\W+i\W+(?:have|get|see)\b))\b{_REST}{{0,20}}",
    re.IGNORECASE,
)
_MUST_STAY = r"(?:must|should|has to|have to|is to|are to|needs? to) (?:stay|remain|live|survive|be kept|be spared|keep running|go on|carry on|run on|continue)"
_EXCEPTS = re.compile(
    r"\b(?:except(?:ing)?(?: for)?|exceptions?|(?:though|although|yet|just) not|exclud(?:e|es|ing)|skip(?:ping)?|ignor(?:e|ing)(?! (?:the )?case)|less the|apart from|aside from|save for|other than|with the exception of|barring"
    r"|(?:all|every\w*|any\w*|none|lot)(?: \w+){0,3} (?:but|bar|save|minus|besides)"
    rf"|(?:stays?|remains?|needn['\u2019]?t|need not)|but(?= (?:the )?\S+ (?:no|not|stays?|remains?|{_MUST_STAY})\b)|but (?:not|keep|leave|spare|do not|never|don['\u2019]?t)|(?:and|only) not)\b|[,;] (?:not|keep|leave|spare)\b",
    re.IGNORECASE,
)
_EXCEPTED = re.compile(
    r"(?:\s*,)?\s+(?!(?:to|into|onto|from|in|inside|under|within|on|at|of|for|with|please|pls|because|since|so|if|when|while|as|then|though"
    r"|they|it|i|we|he|she|you|that|which|who|whose|is|are|was|were|has|have|stays?|should|must|can|will|alone)\b)"
    r"[^\s,;:!?()]*[^\s,;:.!?()]",
    re.IGNORECASE,
)
_KEPT = re.compile(
    rf"\b(?:stays?|remains?|{_MUST_STAY}|keeps? (?:its|their|running|going)|is another|is not the same|is still (?:needed|in use)"
    r"|is (?:something|completely|quite|entirely|totally|a) (?:\w+ )?(?:different|else))\b(?! (?:\d+|\w+) (?:minutes?|hours?|days?|weeks?)\b)",
    re.IGNORECASE,
)
"""What is said of a name, behind it, that is to be left as it is."""
_FAR = 5
"""Words between such a name and what is said of it."""
_OTHERS = re.compile(
    r"\b(?:others?|the rest|the remaining|(?:every(?:thing|one)|any(?:thing|one)|all) else)\b", re.IGNORECASE
)
_VOLUMES_STAY = re.compile(
    r"\b(?:without|keep(?:ing)?|leav(?:e|ing)|spar(?:e|ing)|save|saving|still need|but not|except)\b[^.;:!?]{0,25}\b(?:volumes?|data)\b"
    r"|\b(?:volumes?|data)\b[^.;:!?]{0,15}\b(?:stays?|remains?|kept|spared|survives?|needed|untouched|alone|not)\b",
    re.IGNORECASE,
)
_RECURS = re.compile(
    r"\b(?:every|each)(?: (?:other|single|working|\d+|two|three|few))?"
    r" (?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|days?|nights?|mornings?|evenings?|hours?|minutes?|seconds?|weeks?|weekends?|months?|quarters?)\b"
    r"|\b(?:hourly|nightly|on (?:mon|tues|wednes|thurs|fri|satur|sun)days)\b",
    re.IGNORECASE,
)
_CORRECTED = re.compile(
    r"[,;.\u2026\u2013\u2014-]+\s*(?:no,? )?(?:(?:no|er|erm|uh|um|wait|sorry|oops|argh|rather|correction)(?=[,:.])|no,? wait|no,? sorry|sorry,? i mean(?:t)?"
    r"|wait,? no|i mean(?:t)?(?! (?:it|that|business)\b)|or rather|scratch that|make that)\b",
    re.IGNORECASE,
)
"""Where somebody takes back what was just said: "move a.txt, no, b.txt to c"."""
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


def wary(request: str) -> bool:
    """Whether it wonders what might be, or begins like a question that is no polite order.

    Then a plan needs more consent, for it may not be asked for at all.
    """
    return _WARY.search(plain(request)) is not None


def ordered(request: str) -> str:
    """The request without what it only speaks of: what is not to be done, what the person will do or has done, what could be.

    What is asked for is asked for without these words, too: "delete the logs, but don't touch app.log" still says so, "list
    the logs, you mustn't delete them" does not.
    """
    said = plain(request)
    asking = _ASKING.search(said)
    spoken = [*_FORBIDDEN.finditer(said), *_SPOKEN.finditer(said)]
    spoken += [] if asking is None else [*_SUPPOSED.finditer(said, asking.end())]
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
    others: bool = False
    """It is about the others, or the rest: what is named is hardly what the deed is for."""
    volumes: bool = False
    """Volumes are to stay."""
    withdrawn: frozenset[str] = frozenset()
    """Words, in lower case, that are corrected by what follows and do not stand there again."""
    recurs: bool = False
    """It is to be done again and again."""


_HOME = re.compile(r"\bhome (?:folder|directory|dir)\b", re.IGNORECASE)
"""Of a person, which lies outside the workspace; a folder that is called so is "the folder home"."""

NOTHING_SPARED = Spared(frozenset(), excepts=False)


def spared(request: str) -> Spared:
    """What "delete old.log, not new.log", "stop all but web" and "remove db, but leave its data" keep out."""
    said, words = plain(request), atoms(request)
    starts, ends = [word.start for word in words], [word.end for word in words]
    inside: set[Atom] = set()
    for found in _FORBIDDEN.finditer(said):
        named = False
        for word in words[bisect_left(starts, found.start()) : bisect_right(ends, found.end())]:
            if named and word.text in ("to", "into", "onto"):  # "not b.txt to old": old is no part of it
                break
            named = named or word.quoted or NAME.search(word.text) is not None
            inside.add(word)
    names = {word.text.lower() for word in inside} - {
        word.text.lower() for word in words if word not in inside
    }
    for found in _KEPT.finditer(said):
        before_it = bisect_right(ends, found.start())
        near = words[max(0, before_it - _FAR) : before_it]
        likely = [word for word in near if word.quoted or "-" in word.text[1:] or NAME.search(word.text)]
        names |= {word.text.lower() for word in (likely or near)[-1:]}
    if _HOME.search(said) is not None:
        names.add("home")
    excepted: set[str] = set()
    end = 0
    for found in _EXCEPTS.finditer(said):
        if found.end() <= end:  # one inside another
            continue
        end = found.end()
        while (next_ := _EXCEPTED.match(said, end)) is not None:
            end = next_.end()
        some = words[bisect_left(starts, found.end()) : bisect_right(ends, end)]
        excepted |= {word.text.lower() for word in some}
    excepted = {word for word in excepted - _LITTLE if any(map(str.isalnum, word))}
    first = _EXCEPTS.search(said)
    before = "" if first is None else request[: first.start()].lower()
    last = max((found.start() for found in _CORRECTED.finditer(said)), default=0)
    later = {word.text.lower() for word in words if word.start >= last and word not in inside}
    return Spared(
        frozenset(names),
        first is not None,
        frozenset(excepted),
        before,
        _OTHERS.search(said) is not None,
        _VOLUMES_STAY.search(said) is not None,
        frozenset({word.text.lower() for word in words if word.end <= last} - later),
        _RECURS.search(said) is not None,
    )


_APOSTROPHES = {
    ord(mark): "'" for mark in "\u00b4\u02b9\u02bb\u02bc\u02bd\u02ca\u02cb\u2018\u2019\u201b\u2032\uff07`"
}
"""What people type for an apostrophe: each is one character, so that places stay what they were."""
_STRESSED = re.compile(
    r"(?<!\w)([_*\"']{1,3})((?:don't|do not|not|no|never|doesn't|without|dont))\1(?!\w)", re.IGNORECASE
)
"""A word that forbids, in marks that stress it: it is no quotation."""


def plain(request: str) -> str:
    """The request with each quotation as one long word: its words say nothing of the order. As long as the request."""
    folded = request.translate(_APOSTROPHES)
    said = _STRESSED.sub(lambda found: found[2].ljust(len(found[0])), folded)
    pieces, at = [], 0
    for word in atoms(request):
        if word.quoted and said[word.start : word.end] == folded[word.start : word.end]:
            pieces += [said[at : word.start], "x" * (word.end - word.start)]
            at = word.end
    return "".join((*pieces, said[at:]))


def unnamed(request: str, names: Iterable[str]) -> str:
    """The request with these words put aside as names, where they stand for themselves.

    "Show the trash folder" says nothing of binning where trash is the name of a folder.
    """
    said = sorted({name for name in names if name.replace(" ", "").isalpha()}, key=len, reverse=True)
    if not said:
        return request
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, said))})(?!\w)", _STAND_IN, request)
