"""From a chat model's text to a draft: parsed, and checked for arguments that come from nowhere.

Such a model can write anything. What it writes as a path or a text must stand in the request or be a name of the
workspace; a plan with an argument that does not is given no confidence, so that it becomes a question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping

from casava_os.kernel.ports import CompileRequest, Draft
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.shapes import Lexeme, shapes

LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer after which the model is not listened to any more."""

UNKNOWN_CONFIDENCE = 0.6
"""Of an answer without probabilities: enough for the default thresholds, so that a setting can ask for more."""

_COPIED: frozenset[Lexeme] = frozenset(
    ("path", "glob", "needle", "content", "command", "word", "url", "image", "container", "stack")
)
"""Lexemes whose text must come from somewhere; sizes, times and numbers may be written in another form."""


def schema(offered: Collection[str]) -> dict[str, object]:
    """JSON Schema of an answer: steps over the offered syscalls."""
    definitions: dict[str, object] = {}
    choices: list[object] = []
    for name in SYSCALLS:
        if name not in offered:
            continue
        made = SYSCALLS[name].model_json_schema(ref_template="#/$defs/{model}", mode="validation")
        inner = made.pop("$defs", {})
        definitions |= inner
        made["properties"]["call"] = {"const": name}
        made["required"] = ["call", *(one for one in made.get("required", []) if one != "call")]
        choices.append(made)
    return {
        "type": "object",
        "properties": {
            "steps": {"type": "array", "minItems": 1, "maxItems": 16, "items": {"anyOf": choices}}
        },
        "required": ["steps"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def draft(
    text: str, request: CompileRequest, *, confidence: float | None, tokens: int, seconds: float
) -> Result[Draft]:
    """The draft that an answer means. `Err("not-understood")` for one that is no plan."""
    try:
        data = json.loads(_inside_fence(text))
    except ValueError:
        return _no_plan("its answer is not JSON", text)
    steps = data.get("steps") if isinstance(data, dict) else data
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return _no_plan("its answer has no steps", text)
    sure = UNKNOWN_CONFIDENCE if confidence is None else confidence
    if any(True for _ in invented(steps, request)):
        sure = 0.0
    return Ok(value=Draft(tuple(steps), sure, tokens, seconds, text[:LONGEST_ANSWER]))


def _inside_fence(text: str) -> str:
    """The answer without the code fence that chat models like to put around it."""
    match = re.fullmatch(r"\s*```(?:json)?\s*(.*?)\s*```\s*", text, re.DOTALL)
    return match.group(1) if match else text


def _no_plan(why: str, text: str) -> Err:
    return Err(
        code="not-understood",
        title="The model did not answer with a plan",
        message=f"{why}: {' '.join(text.split())[:160]!r}",
        hint="say it in other words, or choose another model with --model",
    )


def invented(steps: Collection[Mapping[str, object]], request: CompileRequest) -> Iterator[str]:
    """Arguments that stand neither in the request nor among the names of the workspace, nor are made of its words."""
    said = _plain(request.text)
    names = {name.rstrip("/") for name in request.names}
    for step in steps:
        syscall = SYSCALLS.get(str(step.get("call")))
        if syscall is None:
            continue
        for key, shape in shapes(syscall).items():
            if shape.lexeme in _COPIED and not shape.choices and key not in ("script", "question", "message"):
                for text in _texts(step.get(key)):
                    if not _comes_from(text, said, names):
                        yield f"{key}: {text}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if not re.fullmatch(r"\$\d", value):
            yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _comes_from(text: str, said: str, names: Collection[str]) -> bool:
    bare = text.removeprefix("./").rstrip("/")
    if bare in ("", ".", "~") or _stands_in(text, said) or _stands_in(bare, said) or bare in names:
        return True
    # "notes.txt in docs" is docs/notes.txt, and "tmp files" may be *.tmp: each piece must have been said.
    pieces = [piece for piece in re.split(r"[/*?]+", bare) if piece]
    return bool(pieces) and all(_stands_in(piece.lstrip("."), said) or piece in names for piece in pieces)


def _stands_in(text: str, said: str) -> bool:
    """Whether these are whole words of the request."""
    return re.search(rf"(?<!\w){re.escape(_plain(text))}(?!\w)", said) is not None
