"""Entries as lines of JSON: what a person takes along, and brings in.

Whoever wrote a file that is brought in is not known, so its entries count as a file's text: they are found and shown, and no
plan is ever proposed from them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from casava_os.memory.ports import Collection, Entry, Provenance
from casava_os.memory.secrets import of_mapping, redact
from casava_syscalls.results import Err, Ok, Result

MOST_ENTRIES = 1_000_000
LONGEST = 100_000
"""Characters of an entry's text."""


class Line(BaseModel):
    """An entry as it stands in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=100)
    collection: Collection
    text: str = Field(max_length=LONGEST)
    workspace: str = Field("", max_length=8192)
    time: float = Field(0.0, ge=0, le=1e12, allow_inf_nan=False)
    pid: int = 0
    provenance: Provenance = "person"
    source: str = Field("", max_length=8192)
    tainted: bool = False
    payload: dict[str, JsonValue] = Field(default_factory=dict)


def lines_of(entries: Iterable[Entry]) -> Iterator[str]:
    """Each entry as a line."""
    for entry in entries:
        line = Line(
            id=entry.id,
            collection=entry.collection,
            text=entry.text,
            workspace=entry.workspace,
            time=entry.time,
            pid=entry.pid,
            provenance=entry.provenance,
            source=entry.source,
            tainted=entry.tainted,
            payload=dict(entry.payload),
        )
        yield json.dumps(line.model_dump(), ensure_ascii=False, sort_keys=True) + "\n"


def entries_of_lines(text: str, source: str) -> Result[list[Entry]]:
    """Entries from lines; all of them or an `Err("usage")` that names the line."""
    entries: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            read = Line.model_validate_json(line)
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            message = f"line {number}: {where + ': ' if where else ''}{first['msg']}; nothing was taken in"
            return Err(code="usage", title="This is no export of memory", message=message)
        if len(entries) >= MOST_ENTRIES:
            return Err(
                code="usage", title="The file is too long", message=f"it has over {MOST_ENTRIES} entries"
            )
        digest = hashlib.sha256(
            f"{read.collection}\n{read.text}\n{read.time}".encode("utf-8", "surrogatepass")
        )
        payload = {
            key: value for key, value in read.payload.items() if key not in ("key", "slots", "exact", "plan")
        }
        entries.append(
            Entry(
                id=f"i{digest.hexdigest()[:16]}",
                collection=read.collection,
                text=redact(read.text),
                workspace=read.workspace,
                time=read.time,
                provenance="file",
                source=source if source != "-" else "standard input",
                tainted=True,
                payload=of_mapping(payload),
            )
        )
    return Ok(value=entries)
