"""Which function performs which syscall."""

from __future__ import annotations

from typing import Callable, Dict

from casava_sandbox.agent import (
    archives,
    cargo,
    diffing,
    documents,
    extracting,
    files,
    finding,
    jobs,
    measuring,
    modes,
    moving,
    programs,
    renaming,
    reshaping,
    searching,
    tables,
)
from casava_sandbox.agent.context import Context
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.values import Stored

Performer = Callable[[Context, Stored], Stored]

_WITH_FIELDS: Dict[str, Callable[[Context, Fields], Stored]] = {
    "file.find": finding.find,
    "file.count": finding.count,
    "file.list": finding.list_directory,
    "file.read": files.read,
    "file.write": files.write,
    "file.touch": files.touch,
    "file.make_dir": files.make_dir,
    "file.copy": moving.copy,
    "file.move": moving.move,
    "file.rename": renaming.rename,
    "file.delete": files.delete,
    "file.chmod": modes.chmod,
    "file.link": files.link,
    "file.archive": archives.archive,
    "file.extract": extracting.extract,
    "file.hash": measuring.checksums,
    "file.stat": measuring.status,
    "file.size": measuring.size,
    "file.usage": measuring.usage,
    "file.diff": diffing.diff,
    "file.duplicates": measuring.duplicates,
    "text.search": searching.search,
    "text.count": searching.count,
    "text.replace": searching.replace,
    "text.sort": reshaping.sort,
    "text.unique": reshaping.unique,
    "text.lines": reshaping.lines,
    "text.columns": reshaping.columns,
    "text.csv": tables.rows_of,
    "text.aggregate": tables.aggregate,
    "text.json": documents.look_up,
    "process.spawn": jobs.spawn,
    "process.list": jobs.list_jobs,
    "process.wait": jobs.wait,
    "process.logs": jobs.logs,
    "process.signal": jobs.signal,
    "container.build": cargo.pack_context,
    "container.copy_in": cargo.pack_source,
    "container.copy_out": cargo.unpack,
}


def _performer(call: str, function: Callable[[Context, Fields], Stored]) -> Performer:
    return lambda context, fields: function(context, Fields(call, fields))


PERFORMERS: Dict[str, Performer] = {
    "process.run": programs.run,
    **{call: _performer(call, function) for call, function in _WITH_FIELDS.items()},
}
