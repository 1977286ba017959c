"""`text.json`: the value at a path in a JSON document."""

from __future__ import annotations

import json
import re
from typing import List, Union

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Workspace, listed, shown
from casava_sandbox.agent.sources import sources
from casava_sandbox.agent.texts import final_newline
from casava_sandbox.agent.values import Stored

_PART = re.compile(
    r"""\.?(?:
        \[\s*(?P<index>-?[0-9]+)\s*\]
      | \[\s*(?P<bracketed>"(?:[^"\\]|\\.)*" | '[^']*')\s*\]
      | (?P<quoted>"(?:[^"\\]|\\.)*" | '[^']*')
      | (?P<key>[^.\[\]"']+)
    )""",
    re.VERBOSE,
)

Key = Union[str, int]


def look_up(context: Context, fields: Fields) -> Stored:
    """`text.json`. A text stands bare, everything else as indented JSON; several documents follow each other."""
    query = fields.maybe_text("query")
    keys = [] if query is None else parsed_query(query)
    out = []
    for source in sources(Workspace(context), fields.get("source")):
        context.check()
        what = shown(source.path) if source.path else "the text"
        try:
            document = _document(source.text(), what)
            value = _at(document, keys, what)
            out.append(
                final_newline(
                    value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
                )
            )
        except RecursionError:
            raise Fault("unsupported", "%s is nested too deeply" % what) from None
    return {"kind": "text", "text": "".join(out), "lossy": False}


def parsed_query(query: str) -> List[Key]:
    """The keys and indices of a path like `server.ports[0]`, `"a key".b` or `$.items[-1]`."""
    rest = query.strip()
    if rest in ("$", "."):
        return []
    if rest.startswith(("$.", "$[")):
        rest = rest[1:]
    keys: List[Key] = []
    at = 0
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None or (at and match.group("key") and rest[at] not in "."):
            message = "%s, from %r on" % (shown(query), rest[at:])
            raise Fault(
                "usage",
                "That is no path in a document",
                message,
                'write it like server.ports[0] or "a key".b',
            )
        quoted = match.group("quoted") or match.group("bracketed")
        if match.group("index") is not None:
            keys.append(int(match.group("index")))
        elif quoted is not None:
            keys.append(json.loads(quoted) if quoted.startswith('"') else quoted[1:-1])
        else:
            keys.append(match.group("key").strip())
        at = match.end()
    return keys


def _document(text: str, what: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and lines[0].lstrip().startswith(("{", "[")):
            try:
                return [json.loads(line) for line in lines]  # one document a line: a list of them
            except ValueError:
                pass
        raise Fault("type", "%s is not JSON" % what, str(error), "check the text there") from None


def _at(document: object, keys: List[Key], what: str) -> object:
    value = document
    for number, key in enumerate(keys):
        where = (
            "".join("[%d]" % k if isinstance(k, int) else "." + k for k in keys[:number]).lstrip(".")
            or "the top"
        )
        if isinstance(value, list) and isinstance(key, str) and re.match(r"-?[0-9]+\Z", key):
            key = int(key)  # noqa: PLW2901 - "ports.0" means the same
        if isinstance(value, dict):
            if str(key) not in value:
                keys_here = listed(value, 20) if value else "none"
                raise Fault(
                    "not-found",
                    "%s has no %s" % (what, shown(str(key))),
                    "at %s" % where,
                    "the keys there are %s" % keys_here,
                )
            value = value[str(key)]
        elif isinstance(value, list) and isinstance(key, int):
            if not -len(value) <= key < len(value):
                raise Fault(
                    "not-found",
                    "%s has no element %d" % (what, key),
                    "the list at %s has %d" % (where, len(value)),
                )
            value = value[key]
        elif isinstance(value, list):
            message = "%s is a list of %d" % (where, len(value))
            raise Fault(
                "not-found", "%s has no %s" % (what, shown(str(key))), message, "say which element, like [0]"
            )
        else:
            raise Fault("not-found", "%s has no %s" % (what, shown(str(key))), "%s is a plain value" % where)
    return value
