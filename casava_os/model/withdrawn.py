"""Orders that are taken back, that wait for something, or that are none: patterns of English words, written by hand.

Like those of `spoken` they order nothing. A plan that deletes, moves, runs, starts or stops something now, and as if nothing
else had been said, is then a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BACK = (
    r"(?:(?:don't|dont|do not)(?: do (?:it|that|this|so)| bother)?|not|nope|nah|no(?: don't| thanks)?|never ?mind(?: that| it)?|cancel(?: that| it| this)?"
    r"|forget (?:it|that|about it)|scratch (?:that|it)|strike that|ignore (?:that|this)|undo (?:that|it|this)|(?:just )?kidding|jk"
    r"|leave (?:it|them|that)(?: (?:alone|be|as (?:it|they) (?:is|are)))?|keep (?:it|them)|(?:let's|better|rather|maybe|really) not|not (?:really|yet|now))"
)
_TAKEN_BACK = re.compile(
    r"(?:[,;!?\u2026\u2013\u2014(\[]\s*|(?:[.:]|\s-)\s+)(?:(?:actually|oh|wait|hmm+|well|ok|okay|sorry|no|nah|but|and|please|pls)\b\W*+){0,6}"
    rf"{_BACK}(?:\W*\b(?:please|pls|thanks|for now|yet|after all|actually|ok|okay|sorry|then)){{0,6}}\W*\Z"
    r"|\s(?:(?<!or )not|nope|never ?mind|scratch that|(?:just )?kidding|jk|forget it|cancel that|actually,? (?:don't|dont|do not|no|not))\W*\Z",
    re.IGNORECASE,
)
"""An order's end that takes all of it back: "remove build. Actually, don't"."""
_THOUGHT_AGAIN = re.compile(
    r"\bon second thoughts?\b|\bchanged my mind\b|\bthinking (?:about it )?again\b", re.IGNORECASE
)
_DEED = r"(?:the |that |this |my |last )*(?:delet|remov|renam|mov|stop|kill|destr|restart|start|run|launch|shut|scal|deploy|eras|wip|purg|trash|clear|drop|clean)\w*"
_TAKES_BACK = re.compile(
    r"\A\W*(?:(?:please|pls|plz|can you|could you|would you|hey|hi|ok|okay|now|quick|quickly|i want to|i need to|help me)\b\W*+)*"
    rf"(?:(?:undo|revert|undelete|unremove|un-\w+|roll ?back|reverse|recover|restore|bring back|take back)(?=\s)|(?:cancel|abort|halt)(?:\s*[:,-]|\s+{_DEED}))",
    re.IGNORECASE,
)
"""An order to take something back, which no new deed does: "undo remove build"."""
_GET_BACK = re.compile(
    r"\b(?:get|bring|want|need|give me|put)(?: \S+){1,4}? back\b(?! (?:up|online|to life|to work|to|in|into|on|onto|under|where)\b)",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"\b(?<!even )(?:if|unless|provided(?: that)?|as long as|so long as|in case|assuming|except when)\b(?!-)(?! (?:possible|still\b|already\b|(?:it's|its|it is|that's|that is) (?:no|not|ok|okay|fine|all right)\b|you'd\b|you (?:can|could|may|please|would|don't mind|like)"
    r"|(?:it|they|one|that|any|there)(?: (?:already|still|even))? (?:exists?|is (?:one|any)|are (?:any|some)|is there)|(?:there )?(?:is|are) (?:one|any)|any(?: (?:exist|are there))?\b|needed|necessary|required|so)\b)"
    r"|\b(?:when|once|after|as soon as|until|till) (?:i|we|they|he|she|my|our|the|everyone|everything|somebody|someone|all) \w+"
    r"(?: \w+)*? (?:say|says|said|tell|tells|pass|passes|finish|finishes|finished|done|ready|ok|okay|succeeds?|fails?|ends?|stops?|starts?|leaves?|is|are|has|have|am|'m)\b"
    r"|\b(?:after|once|when|until|till) (?:i|we|they|he|she) \w+",
    re.IGNORECASE,
)
"""What must hold, or happen, before the deed is done …"""
_LATER = re.compile(
    r"\b(?:tomorrow|(?<!for )tonight|later today|later on|next (?:week|month|year|time|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|this (?:evening|afternoon)"
    r"|at (?:noon|midnight|\d{1,2}(?::\d\d)? ?(?:am|pm|o'clock))|on (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b(?!'s)"
    r"|(?<!last )(?<!modified )(?<!changed )(?<!created )\b(?:in|after) (?:\d+|an?|one|two|three|four|five|six|ten|twenty|thirty|half an|a few|a couple of) "
    r"(?:secs?|seconds?|mins?|minutes?|hours?|hrs?|days?|weeks?|months?)\b",
    re.IGNORECASE,
)
"""… and when: nothing here waits."""
_ASKS_FIRST = re.compile(
    r"\b(?:ask|confirm with|check with|consult|warn) me\b|\blet me (?:confirm|approve|decide)\b"
    r"|\b(?:after|once|when|until) i (?:say|confirm|approve|agree|tell)\b",
    re.IGNORECASE,
)
_NOT_KEPT = re.compile(
    r"\b(?:not|never|n't|\w+n't|dont|do not) (?:\w+ )?(?:remember|memori[sz]e|note|store|save|record|write)\b",
    re.IGNORECASE,
)
_DONE = (
    r"(?:(?:delet|remov|renam|mov|kill|destroy|restart|start|launch|clean|clear|eras|wip|purg|trash|scal|archiv|discard|replac|merg|nuk|overwrit"
    r"|extract|unpack|append|creat)e?d|(?:stopp|dropp|binn|zapp|scrapp)ed|copied|overwritten|written)\b"
)
_SILENT = (
    r"\A\W*(?:(?:the|a|all|any|my|our|just|already|recently|ok|okay|so|and|well|hey|hi|finally|accidentally|show|list|see|find|which|what"
    r"|i|we)\b\W*+){0,8}"
)
_REPORT = re.compile(
    rf"{_SILENT}{_DONE}"
    rf"|\A\W*(?:\S+\s+){{1,5}}(?P<last>{_DONE})(?=(?:\W+(?:(?:\d+|one|two|three|once|twice|several|many|a few)?\s*(?:times?|yesterday|today|already|ago|now|successfully|before"
    r"|by mistake|accidentally|last \w+|this \w+)))?\W*\Z)"
    r"|\A\W*(?:(?:the|show|show me|list|get|what's|whats|last)\s+){0,4}(?:(?:stop|start|restart|kill|exit|shutdown|run|removal|deletion|destruction)\s+"
    r"(?:time|count|signal|date|policy|history|reason|code|number|counter|timeout)s?\s+(?:of|for)"
    r"|(?:restarts|stops|starts|kills|removal|deletion|destruction|shutdown|renaming)\s+of)\b",
    re.IGNORECASE,
)
"""What is no order by itself: "deleted the folder build", "a.txt removed", "restart count of web" …"""
_ORDERS = re.compile(
    r"[.;:!?]\s+\w|\b(?:so|then|want|need|get|gets|got|have|having|like|see|be|being|should|must|shall|please|pls|plz|let|let's|lets|make|prefer|wish|can|could|would|will"
    r"|ought|time|thanks|thank|thx|ta|cheers|(?:delet|remov|eras|wip|trash|destroy|discard|replac|append|extract)(?!ed)\w*|bin|purge|rid|throw|toss|nuke"
    r"|drop|scrap|rm|del|clear|empty|kill|ditch|dump|eliminat\w*|go|gone|away|out|off|restart|start|stop|run|launch|move|mv|rename|put|shift|scale"
    r"|bring|back|up|down|take|again|clean|shut|end|halt|spin|bounce|kick|execute|forget|chuck|shred|sort|archive|copy|merge|join|write|add|create|touch|change|fix|link|overwrite|unpack|park|pull|wake|into)\b",
    re.IGNORECASE,
)
"""… where none of these words makes one of it: "i want a.txt removed", "deleted files: bring them back"."""
_MAY_BE = re.compile(r"\A\W*(?:can|could|may)\b", re.IGNORECASE)
_CLAUSE_ENDS = re.compile(r"[,;:!?]|\.(?=\s|\Z)|\b(?:then|and then)\b")


def taken_back(said: str, *, moves: bool) -> bool:
    """Whether an order (`spoken.plain` of it) is taken back, or asks for something to be taken back.

    `moves`: the plan deletes or moves something, which gives nothing back. A container that is started does: "get web back".
    """
    return (
        _TAKEN_BACK.search(said) is not None
        or _THOUGHT_AGAIN.search(said) is not None
        or _TAKES_BACK.search(said) is not None
        or (moves and _GET_BACK.search(said) is not None)
    )


def waits(said: str, request: str, used: Sequence[str], until: Sequence[str]) -> bool:
    """Whether an order is only for later, or for the case of something that none of its arguments speaks of.

    "Delete the logs if they are older than a week" has its condition in the plan, in one of the arguments `used`; "if the tests
    pass" no plan has. `until`: the arguments that say when something ends that begins now.
    """
    if _ASKS_FIRST.search(said):
        return True
    if any(not any(text in found[0] for text in until) for found in _LATER.finditer(said)):
        return True
    for found in _UNTIL.finditer(said):
        end = _CLAUSE_ENDS.search(said, found.end())
        clause = request[found.end() : len(said) if end is None else end.start()]
        if not any(text and text in clause for text in used):
            return True
    return False


def not_kept(said: str) -> bool:
    """Whether it asks not to remember something: "don't remember the password", and not "don't forget it"."""
    return _NOT_KEPT.search(said) is not None


def reported(said: str) -> bool:
    """Whether it only names or reports a deed, in the words for what is done: "removed the container db", "destroyed stacks"."""
    found = _REPORT.search(said)
    if found is None:
        return False
    start = found.start() if found["last"] is None else found.start("last")
    return _ORDERS.search(f"{said[:start]} {said[found.end() :]}") is None


def may_be(said: str) -> bool:
    """Whether it begins like "can the logs be zipped?": an order or a question, which does no harm where it can be undone."""
    return _MAY_BE.search(said) is not None
