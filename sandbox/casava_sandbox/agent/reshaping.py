"""`text.sort`, `text.unique`, `text.lines`, `text.columns`: lines in, other lines out."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import islice
from typing import Callable, Dict, List, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.sources import all_lines, text_value
from casava_sandbox.agent.texts import slice_lines
from casava_sandbox.agent.values import Stored

_LEADING_NUMBER = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))")


def sort(context: Context, fields: Fields) -> Stored:
    """`text.sort`, by code points. Equal keys are ordered by the whole line; what is no number counts as 0."""
    lines = list(all_lines(context, fields))
    if fields.flag("unique"):
        lines = _without_repetitions(lines, fold=fields.flag("ignore_case"))
    key = _sort_key(fields)
    context.check()
    return text_value(sorted(lines, key=lambda line: (key(line), line), reverse=fields.flag("reverse")))


def _sort_key(fields: Fields) -> Callable[[str], object]:
    column, delimiter = fields.maybe_number("column"), fields.maybe_text("delimiter")
    numeric, fold = fields.flag("numeric"), fields.flag("ignore_case")

    def key(line: str) -> object:
        if column is not None:
            cells = line.split(delimiter)
            line = cells[column - 1] if column <= len(cells) else ""
        if numeric:
            match = _LEADING_NUMBER.match(line)
            return Decimal(match.group(1)) if match else Decimal(0)
        return line.casefold() if fold else line

    return key


def unique(context: Context, fields: Fields) -> Stored:
    """`text.unique`. With `count`, number and line are separated by a tab."""
    fold = fields.flag("ignore_case")
    if not fields.flag("count"):
        return text_value(_without_repetitions(all_lines(context, fields), fold=fold))
    counts: Dict[str, Tuple[int, str]] = {}
    for line in all_lines(context, fields):
        key = line.casefold() if fold else line
        number, first = counts.get(key, (0, line))
        counts[key] = (number + 1, first)
    most_first = sorted(counts.values(), key=lambda counted: -counted[0])
    return text_value(["%d\t%s" % counted for counted in most_first])


def _without_repetitions(lines: object, *, fold: bool) -> List[str]:
    kept: Dict[str, str] = {}
    for line in lines:  # type: ignore[attr-defined]
        kept.setdefault(line.casefold() if fold else line, line)
    return list(kept.values())


def lines(context: Context, fields: Fields) -> Stored:
    """`text.lines`: of all texts together."""
    bounds = {name: fields.maybe_number(name) for name in ("first", "last", "from_line", "to_line")}
    every = all_lines(context, fields)
    end = bounds["first"] or bounds["to_line"]
    return text_value(slice_lines(list(every if end is None else islice(every, end)), bounds))


def columns(context: Context, fields: Fields) -> Stored:
    """`text.columns`, in the order asked for, joined by the delimiter or a space. Columns that a line lacks are left out."""
    wanted, delimiter = fields.numbers("columns"), fields.maybe_text("delimiter")
    source = fields.get("source")
    if delimiter is None and isinstance(source, dict) and source.get("kind") == "table":
        delimiter = "\t"
    out = []
    for line in all_lines(context, fields):
        cells = line.split(delimiter)
        out.append(
            (delimiter or " ").join(cells[number - 1] for number in wanted if 0 < number <= len(cells))
        )
    return text_value(out)
