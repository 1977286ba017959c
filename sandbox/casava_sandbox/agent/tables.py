"""`text.csv` and `text.aggregate`: tables in text, with a header line."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.measuring import table
from casava_sandbox.agent.paths import Workspace, listed, shown
from casava_sandbox.agent.sources import sources
from casava_sandbox.agent.values import Stored

_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\s*\Z")
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 2**27

Cell = object
"""A string from a file; from an earlier step's table also a number, a truth value or None."""


class Grid:
    """A table's header and rows; every row has a cell for every column."""

    def __init__(self, columns: Sequence[str], rows: List[List[Cell]]) -> None:
        self.columns = list(columns)
        self.rows = rows

    def index(self, name: str) -> int:
        """Where a column is: by its name, or its name in other letter case."""
        if name in self.columns:
            return self.columns.index(name)
        folded = [column.strip().casefold() for column in self.columns]
        if name.strip().casefold() in folded:
            return folded.index(name.strip().casefold())
        hint = "the columns are %s" % listed(self.columns, 20)
        raise Fault("not-found", "There is no column %s" % shown(name), "", hint)


def _grid(context: Context, value: object) -> Grid:
    if isinstance(value, dict) and value.get("kind") == "table":
        columns, rows = value.get("columns"), value.get("rows")
        assert isinstance(columns, (list, tuple))
        assert isinstance(rows, (list, tuple))
        return Grid([str(column) for column in columns], [list(row) for row in rows])
    grids = [_parsed(context, source.text(), source.path) for source in sources(Workspace(context), value)]
    if not grids:
        raise Fault("not-found", "There is no table", "no text file was given")
    for grid in grids[1:]:
        if grid.columns != grids[0].columns:
            message = "%s; and %s" % (listed(grids[0].columns), listed(grid.columns))
            raise Fault("type", "The tables have different columns", message, "look at one at a time")
    return Grid(grids[0].columns, [row for grid in grids for row in grid.rows])


def _parsed(context: Context, text: str, name: str) -> Grid:
    """A table from text. Empty lines are left out; a row's missing cells are empty, its surplus ones get columns of their own."""
    what = shown(name) if name else "the text"
    rows: List[List[Cell]] = []
    csv.field_size_limit(_LONGEST_CELL)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))):
            if number % 4096 == 0:
                context.check()
            if row:
                rows.append(list(row))
    except csv.Error as error:
        raise Fault("type", "%s is no table" % what, str(error)) from None
    if not rows:
        raise Fault("type", "There is no table in %s" % what, "it is empty; a header line is needed")
    width = max(len(row) for row in rows)
    header = [str(cell).strip() or "column %d" % number for number, cell in enumerate(rows[0], 1)]
    header += ["column %d" % number for number in range(len(header) + 1, width + 1)]
    return Grid(header, [row + [""] * (width - len(row)) for row in rows[1:]])


def _delimiter(text: str) -> str:
    """The one of the usual delimiters that the header line has most of, outside quotes."""
    start = text.lstrip("\r\n")
    header, quoted = [], False
    for char in start:
        if char == '"':
            quoted = not quoted
        elif char == "\n" and not quoted:
            break
        elif not quoted:
            header.append(char)
    counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


def number_in(cell: Cell) -> Optional[Decimal]:
    """The number that a cell holds, if it does."""
    if isinstance(cell, bool) or cell is None:
        return None
    text = str(cell)
    return Decimal(text.strip()) if _NUMBER.match(text) else None


def _is_empty(cell: Cell) -> bool:
    return cell is None or not str(cell).strip()


def rows_of(context: Context, fields: Fields) -> Stored:
    """`text.csv`. Cells that look like numbers are compared as numbers, others as text; empty cells sort last."""
    grid = _grid(context, fields.get("source"))
    rows = grid.rows
    where = fields.maybe_text("where_column")
    if where is not None:
        at, test = grid.index(where), _condition(fields.text("where_op"), fields.text("where_value"))
        rows = [row for row in rows if test(row[at])]
    sort_by = fields.maybe_text("sort_by")
    if sort_by is not None:
        rows = _sorted(rows, grid.index(sort_by), descending=fields.flag("descending"))
    elif fields.flag("descending"):
        rows = rows[::-1]
    rows = rows[: fields.maybe_number("limit")]
    chosen = fields.maybe_texts("columns")
    if chosen is None:
        return table(grid.columns, rows)
    picked = [grid.index(name) for name in chosen]
    return table([grid.columns[at] for at in picked], [[row[at] for at in picked] for row in rows])


def _sorted(rows: List[List[Cell]], at: int, *, descending: bool) -> List[List[Cell]]:
    empty = [row for row in rows if _is_empty(row[at])]
    full = [row for row in rows if not _is_empty(row[at])]
    numbers = [number_in(row[at]) for row in full]
    if all(number is not None for number in numbers):
        return sorted(full, key=lambda row: number_in(row[at]) or Decimal(0), reverse=descending) + empty
    return sorted(full, key=lambda row: str(row[at]), reverse=descending) + empty


def _condition(operation: str, wanted: str) -> Callable[[Cell], bool]:
    wanted_number = number_in(wanted)

    def compare(cell: Cell) -> Tuple[bool, bool]:
        """(equal, above)."""
        number = number_in(cell)
        if number is not None and wanted_number is not None:
            return number == wanted_number, number > wanted_number
        text = "" if cell is None else str(cell).strip()
        return text == wanted.strip(), text > wanted.strip()

    tests: Dict[str, Callable[[Cell], bool]] = {
        "equals": lambda cell: compare(cell)[0],
        "not_equals": lambda cell: not compare(cell)[0],
        "contains": lambda cell: wanted in ("" if cell is None else str(cell)),
        "above": lambda cell: not _is_empty(cell) and compare(cell)[1],
        "below": lambda cell: not _is_empty(cell) and compare(cell) == (False, False),
    }
    return tests[operation]


def aggregate(context: Context, fields: Fields) -> Stored:
    """`text.aggregate`. Empty cells are passed over; decimals are added exactly."""
    grid = _grid(context, fields.get("source"))
    column, how = fields.text("column"), fields.text("how")
    at = grid.index(column)
    cells = [(number, row[at]) for number, row in enumerate(grid.rows, 1) if not _is_empty(row[at])]
    if how == "count":
        return {"kind": "number", "value": len(cells), "unit": "values"}
    if how == "distinct":
        return {"kind": "number", "value": len({str(cell).strip() for _, cell in cells}), "unit": "values"}
    numbers: List[Decimal] = []
    for row, cell in cells:
        number = number_in(cell)
        if number is None:
            message = "row %d (the header not counted) has %s" % (row, shown(str(cell)[:80]))
            raise Fault(
                "type",
                "Column %s holds more than numbers" % shown(grid.columns[at]),
                message,
                "count its values instead",
            )
        numbers.append(number)
    if not numbers and how != "sum":
        raise Fault(
            "not-found", "Column %s holds no number" % shown(grid.columns[at]), "all its cells are empty"
        )
    if how == "sum":
        result = sum(numbers, Decimal(0))
    else:
        result = (
            sum(numbers, Decimal(0)) / len(numbers)
            if how == "mean"
            else min(numbers)
            if how == "min"
            else max(numbers)
        )
    return {"kind": "number", "value": plain_number(result), "unit": ""}


def plain_number(number: Decimal) -> object:
    """An int where the number is whole, else a float."""
    return int(number) if number == number.to_integral_value() else float(number)
