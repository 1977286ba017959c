"""What happens to words on their way through a keyboard: typos, lost articles, case, politeness, background sentences.

Everything here leaves arguments alone (they stand between OPEN and CLOSE) and changes no meaning.
"""

from __future__ import annotations

import random
import re

from casava_os.forge.synth.grammar import CLOSE, OPEN, Scene, say

_PIECES = re.compile(f"({OPEN}[^{CLOSE}]*{CLOSE})")
_WORD = re.compile(r"[A-Za-z]{4,}")
_KEYS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n",
    "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip

BEFORE_ORDER = (
    "please |please |pls |plz |can you |can you please |could you |could you please |would you |would you please |will you |kindly |just |now |ok, |okay, |hey, |hi, |hello, |hey, can you |hi, could you |hello, please "
    "|i want to |i want you to |i'd like to |i would like to |i'd like you to |i need to |i need you to |i'd love to |go ahead and |help me |help me to |help me [to] |let's |let us |lets |we need to |we should |we have to |you should "
    "|i have to |i must |try to |quickly |would you be so kind as to |is it possible to |is there a way to |how do i |how can i |how to |how would i |what's the way to |i was wondering if you could |do me a favour and |do me a favor and |for me, |next, |first of all, |first, "
    "|your task: |task: |todo: |i'm trying to |im trying to |i am trying to |time to |may i ask you to |you can |you may |be so good as to |so, |right, |alright, |well, |actually, |i think you should |it would be nice to |it'd be great if you could |could i ask you to |i'm supposed to |my job is to |i want that you |i would like that you |you must |need to |want to |wanna |i wanna |gotta |lemme |i am asking you to |be a dear and |be nice and |be quick and |feel free to |make sure to |make sure you |don't forget to |you need to |i'd appreciate it if you could |would it be possible to |are you able to |can you help me |can u |could u |plz can you |would u |pls can u |ok now |now please |next |step one: |1. |- |* |> |hi there, |good morning, |yo, |dear computer, |oi, |um, |alright so |basically |i guess we should |maybe you could |perhaps you can |mind to |let me |allow me to |it's time to |we'd better |i had better |someone should |somebody needs to |the plan is to |the idea is to |what i want is to |all i want is to |i just want to |i only want to |i simply want to |i really need to |i urgently need to |can we |could we |casava, |computer, |hey casava, "
)
BEFORE_QUESTION = "hey, |hi, |ok, |so |and |tell me, |tell me: |quick question: |question: |do you know |i wonder: |i'd like to know: |just curious, |please tell me: |can you tell me: |hello, |umm, |well, |say, |actually, |now, "
AFTER = ", please| please|, thanks| thanks|, thank you| for me|, will you|, would you| now| asap|, ok| right away|, if you can|, if possible| if you don't mind|, cheers| when you get a chance|, i beg you| quickly|, it's urgent|, no rush|, i think|, please and thank you|, thx| pls|, okay| for me please| as soon as possible| real quick|, danke|, mate|, buddy| then"
CLAUSES = ", but be careful|, and be careful|, it's for work|, my boss wants it|, before i forget|, i need it for a meeting|, as discussed|, like i said|, that's all|, nothing else|, that would be great|, i'd appreciate it|, it's important|, just to be sure|, to be on the safe side|, i'm in a hurry|, don't worry about the rest|, that's it for now|, so that i can check it|, because i need it today|, since it's friday|, as quickly as you can|, if it isn't too much trouble|, for a friend|, i already tried by hand|, it won't work otherwise"
BACKGROUND = (
    "my disk is almost full. |i'm cleaning up this project. |this folder is a mess. |i'm preparing a release. |i have a meeting in an hour. |something is broken. |i'm new here. |the build failed again. |i'm working on my thesis. |we got a complaint from a customer. |i just got this laptop. |my teacher asked for this. "
    "|i can't see what's going on. |i'm a bit lost. |sorry to bother you. |good morning. |hello there. |it's late and i'm tired. |ok here's the thing. |i'm migrating to a new server. |i am tidying up. |the tests are red. |it was a long day. |i have too many files. |i think something went wrong. |i've got a bit of a problem. |we're running an audit. |backup time. |spring cleaning. |monday morning. "
)
AFTER_SENTENCE = ". it's urgent| . thanks|. thanks a lot|. thank you|. i need it today|. that's all|. cheers|. no hurry|. i'll check it later|. hope that makes sense|. hope that's clear|. let me know|. tell me when it's done|. appreciate it".replace(
    "| .", "|."
)


VERBS = {
    "find",
    "list",
    "show",
    "display",
    "print",
    "get",
    "give",
    "search",
    "look",
    "locate",
    "count",
    "delete",
    "remove",
    "erase",
    "copy",
    "move",
    "rename",
    "make",
    "create",
    "add",
    "append",
    "prepend",
    "write",
    "put",
    "replace",
    "change",
    "swap",
    "zip",
    "compress",
    "pack",
    "archive",
    "extract",
    "unzip",
    "unpack",
    "sort",
    "run",
    "execute",
    "start",
    "launch",
    "compare",
    "read",
    "open",
    "compute",
    "calculate",
    "touch",
    "link",
    "check",
    "tell",
    "wait",
    "stop",
    "kill",
    "pause",
    "resume",
    "send",
    "save",
    "store",
    "concatenate",
    "merge",
    "set",
    "mark",
    "take",
    "keep",
    "drop",
    "dedupe",
    "overwrite",
    "insert",
}
_IRREGULAR = {
    "put": "putting",
    "get": "getting",
    "run": "running",
    "set": "setting",
    "zip": "zipping",
    "swap": "swapping",
    "drop": "dropping",
    "stop": "stopping",
    "unzip": "unzipping",
}


def third_person(verb: str) -> str:
    """As in "copies" of "copy": as manuals speak."""
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("ch", "sh", "s", "x")) else "s")


def gerund(verb: str) -> str:
    """As in "deleting" of "delete"."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    return (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb) + "ing"


GERUND_BEFORE = [
    "would you mind ",
    "how about ",
    "start by ",
    "try ",
    "i'm thinking about ",
    "i was thinking of ",
    "i suggest ",
    "do you mind ",
    "help me with ",
    "what about ",
    "i feel like ",
    "consider ",
    "i need help ",
    "please start ",
    "i'm having trouble ",
    "begin with ",
]


def inflect(scene: Scene, text: str) -> str | None:
    """The order in another mood: "deletes the logs", "would you mind deleting the logs". None when its verb is unknown."""
    verb, space, rest = text.partition(" ")
    if verb not in VERBS or not space or rest.startswith(("me ", "out me ")):
        return None
    if re.search(r" (and|then) (then )?[a-z]", _PIECES.sub("", rest)):
        return None  # the second verb would have to follow
    if scene.chance(0.5):
        return f"{third_person(verb)} {rest}"
    return f"{scene.pick(GERUND_BEFORE)}{gerund(verb)} {rest}"


def typo(rng: random.Random, word: str) -> str:
    """The word with one slip of a finger."""
    at = rng.randrange(1, len(word) - 1)
    draw = rng.random()
    if draw < 0.35:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if draw < 0.65:
        return word[:at] + word[at + 1 :]
    if draw < 0.85:
        return word[:at] + word[at] + word[at:]
    near = _KEYS.get(word[at].lower(), word[at])
    return word[:at] + near[int(rng.random() * len(near))] + word[at + 1 :]


def garble(rng: random.Random, text: str) -> str:
    """Typos in some instruction words, at a rate that differs between people."""
    draw = rng.random()
    rate = 0.0 if draw < 0.58 else 0.03 if draw < 0.82 else 0.08 if draw < 0.95 else 0.16
    drop = 0.35 if rng.random() < 0.10 else 0.0
    if not rate and not drop:
        return text
    pieces = _PIECES.split(text)
    for n, whole in enumerate(pieces):
        if whole.startswith(OPEN):
            continue
        piece = whole
        if drop:
            piece = re.sub(
                r"(?<![-\w])(the|a|an|all|of) ", lambda m: "" if rng.random() < drop else m.group(0), piece
            )
        pieces[n] = _WORD.sub(lambda m: typo(rng, m.group(0)) if rng.random() < rate else m.group(0), piece)
    return "".join(pieces)


def dress(scene: Scene, form: str, text: str) -> str:
    """Politeness before and after, background, case and a final mark."""
    rng = scene.rng
    closed = not scene.open_end
    mark = ""
    other = inflect(scene, text) if form == "!" and not scene.front and rng.random() < 0.09 else None
    if other is not None:
        text = other
        mark = "?" if text.startswith(("would", "how", "do ", "what")) and rng.random() < 0.7 else ""
    elif form == "!":
        if rng.random() < 0.40:
            before = say(scene, BEFORE_ORDER)
            if scene.front and not before.endswith(", "):
                before = scene.pick(["please ", "ok, ", "hey, ", ""])
            text = before + text
            if re.match(r"(can|could|would|will|is|how|what|may) ", before):
                mark = "?" if rng.random() < 0.6 else ""
    elif form == "?":
        mark = "?" if rng.random() < 0.7 else ""
        if rng.random() < 0.12:
            text = say(scene, BEFORE_QUESTION) + text
    elif form == "." and rng.random() < 0.08:
        text = scene.pick(["hey, ", "hi, ", "so ", "ok, ", "well, ", "actually "]) + text
    if closed and form != ":":
        draw = rng.random()
        if draw < 0.10:
            text += say(scene, AFTER)
        elif draw < 0.13:
            text += say(scene, CLAUSES)
    elif closed and rng.random() < 0.03:
        text += say(scene, " please| pls|, please| thanks")
    if form != ":" and rng.random() < 0.04:
        text = say(scene, BACKGROUND) + text
    tail = say(scene, AFTER_SENTENCE) if closed and form != ":" and not mark and rng.random() < 0.025 else ""
    return text + tail + (mark if closed else "")


def finish(scene: Scene, form: str, text: str) -> str:
    """Spaces put right, a capital or none, a full stop or none, the marks of arguments taken out."""
    rng = scene.rng
    pieces = _PIECES.split(text)
    for n, piece in enumerate(pieces):
        if not piece.startswith(OPEN):
            close = re.sub(r"\s{2,}", " ", piece)
            pieces[n] = re.sub(r" +('(?:d|m|s|re|ve)\b|[,;?]|!(?!=))", r"\1", close)
    text = "".join(pieces).strip()
    text = re.sub(f" {{2,}}(?={OPEN})|(?<={CLOSE}) {{2,}}", " ", text)
    text = re.sub(f"(?<={CLOSE}) +(?=[,;?]|!(?!=))", "", text)
    draw = rng.random()
    if form != ":" and draw < 0.45:
        text = _capital(text)
        if not scene.open_end and text[-1] not in "?!." and rng.random() < 0.45:
            text += "." if rng.random() < 0.93 else "!"
    elif form == ":" and draw < 0.2:
        text = _capital(text)
    elif draw > 0.99:
        text = "".join(p if p.startswith(OPEN) else p.upper() for p in _PIECES.split(text))
    elif draw > 0.93 and not scene.open_end and text[-1] not in "?!.":
        text += scene.pick([".", "!", ".", "..", "?"]) if form != ":" else ""
    if draw < 0.75:
        text = (
            re.sub(r"\bi('m|'d|'ve|)\b", lambda m: "I" + m.group(1), text)
            if draw < 0.5 and OPEN not in text
            else text
        )
    return text.replace(OPEN, "").replace(CLOSE, "")


def _capital(text: str) -> str:
    """A capital at the start of each sentence; arguments keep theirs."""
    pieces = _PIECES.split(text)
    for n, piece in enumerate(pieces):
        if not piece.startswith(OPEN):
            pieces[n] = re.sub(r"([.?!] )([a-z])", lambda m: m.group(1) + m.group(2).upper(), piece)
    if pieces[0]:
        pieces[0] = pieces[0][:1].upper() + pieces[0][1:]
    return "".join(pieces)
