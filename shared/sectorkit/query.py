"""Query: filters, groups, aggregates and order over a document's table, run by DuckDB; no SQL comes from outside.

A query names columns of one table and nothing else, so that it can be built by a form, by code from a question, or by a
model that is held to its schema, and shown to a person as words. Its result keeps the rows that it rests on, each with its
place in the document. An empty result is an answer: there is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from sectorkit.errors import RequestError
from sectorkit.tables import Row, Table

Kind: TypeAlias = Literal["number", "date", "text"]
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "is empty", "is not empty"]
Function: TypeAlias = Literal["count", "count distinct", "sum", "mean", "max", "min"]
COUNT = "count"  # the name of a count's column in a result
_NUMBER = re.compile(
    r"(?P<value>[-+−]?(?:\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?))\s*(?P<unit>[^\W\d_][^\d]{0,11}|[°%€$£¥][^\d]{0,11})?"
)
_DATES = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d %B %Y",
    "%d %b %Y",
    "%Y年%m月%d日",
    "%Y-%m-%d %H:%M",
)
_SLASHES = ("%d/%m/%Y", "%m/%d/%Y")  # by the column: whichever all of its dates can be
_SHARE = 0.9  # of the cells that must be numbers, or dates, for their column to be of that kind
_MAX_ROWS = 500  # of a result


class Filter(BaseModel):
    """One condition on a row. `value` is a number or text, and a date as "2025-03-31"; none for the empty ones."""

    model_config = ConfigDict(extra="forbid")
    column: str
    op: Operator = "="
    value: float | str | None = None


class Aggregate(BaseModel):
    """What is computed of the rows, or of each group of them; `column` is none for a count of rows."""

    model_config = ConfigDict(extra="forbid")
    function: Function
    column: str | None = None

    @property
    def name(self) -> str:
        """The name of its column in a result."""
        return COUNT if self.column is None else f"{self.function} of {self.column}"


class Order(BaseModel):
    """`column` of the table, or the name of the query's aggregate."""

    model_config = ConfigDict(extra="forbid")
    column: str
    descending: bool = False


class TableQuery(BaseModel):
    """Rows that meet all `filters`; of these the columns `select`, or `aggregate`, of all or of each group.

    `group_by` without an aggregate lists each value once.
    """

    model_config = ConfigDict(extra="forbid")
    filters: list[Filter] = Field(default_factory=list)
    group_by: list[str] = Field(default_factory=list)
    aggregate: Aggregate | None = None
    order_by: list[Order] = Field(default_factory=list)
    limit: int | None = Field(None, ge=1)
    select: list[str] = Field(default_factory=list)

    def in_words(self) -> str:
        """For a person who wants to know what was computed."""
        parts = []
        if self.aggregate:
            parts.append(self.aggregate.name if self.aggregate.column else "number of rows")
        elif self.select:
            parts.append(", ".join(self.select))
        if self.group_by:
            parts.append(f"for each {', '.join(self.group_by)}")
        if self.filters:
            parts.append("where " + " and ".join(
                f"{f.column} {f.op}" + ("" if f.value is None else f" {_plain(f.value)}") for f in self.filters
            ))  # fmt: skip
        if self.order_by:
            parts.append(
                "by " + ", ".join(f"{o.column}, {'highest' if o.descending else 'lowest'} first" for o in self.order_by)
            )
        if self.limit:
            parts.append(f"the first {self.limit}")
        return "; ".join(parts) or "all rows"


@dataclass(frozen=True)
class Result:
    """`columns` and `rows` are what was asked for, values as numbers, dates and texts; `used` the rows they rest on.

    `total` rows met the filters; `cut` says that more were asked for than are shown.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    used: tuple[Row, ...]
    total: int
    cut: bool = False

    @property
    def value(self) -> Any:
        """The one value of a result that is one; None otherwise."""
        return self.rows[0][0] if len(self.rows) == 1 and len(self.columns) == 1 else None


@dataclass(frozen=True)
class Frame:
    """A table with typed columns, ready to be queried. `source` and `title` are its document's."""

    table: Table
    source: str
    title: str

    @property
    def name(self) -> str:
        """For a person: "Defect log 2025, sheet Pumps"."""
        return self.title + (f", sheet {self.table.name}" if self.table.name else "")

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each column, in the table's order."""
        return {column: _kind(cells) for column, cells in self._columns.items()}

    @cached_property
    def units(self) -> Mapping[str, str]:
        """The unit that a column's numbers are written with, where all have the same."""
        found = {}
        for column, cells in self._columns.items():
            if self.kinds[column] == "number":
                units = {(_NUMBER.fullmatch(cell) or {"unit": None})["unit"] for cell in cells if cell}
                if len(units) == 1 and (unit := units.pop()):
                    found[column] = unit
        return found

    @cached_property
    def _columns(self) -> Mapping[str, list[str]]:
        names = _named(self.table.columns)
        return {name: [row.cells[n].strip() for row in self.table.rows] for n, name in enumerate(names)}

    @cached_property
    def values(self) -> Mapping[str, list[Any]]:
        """Typed values by column; None for an empty cell, and for one that is not of its column's kind."""
        return {name: _typed(cells, self.kinds[name]) for name, cells in self._columns.items()}

    def distinct(self, column: str) -> list[str]:
        """The values of a column of texts, each once, the most frequent first."""
        return [value for value, _ in Counter(cell for cell in self._columns[column] if cell).most_common()]

    @cached_property
    def _relation(self) -> Any:
        import duckdb
        import numpy as np

        types = {"number": "DOUBLE", "date": "DATE", "text": "VARCHAR"}
        texts = {
            f"c{n}": [None if v is None else str(v) for v in values] for n, values in enumerate(self.values.values())
        }
        given = {name: np.array(values, dtype=object) for name, values in texts.items()}
        connection = duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"})
        connection.register("given", given | {"row": np.arange(len(self.table.rows))})
        columns = ", ".join(
            f"CAST(c{n} AS {types[kind]}) AS {_quoted(name)}" for n, (name, kind) in enumerate(self.kinds.items())
        )
        connection.execute(f'CREATE TABLE "table" AS SELECT {columns}, "row" FROM given')
        connection.unregister("given")
        return connection

    def run(self, query: TableQuery) -> Result:
        """The query's result. RequestError names a column that there is not, and what does not fit a column's kind."""
        connection = self._relation.cursor()
        where, values = self._where(query.filters)
        total = connection.execute(f'SELECT count(*) FROM "table"{where}', values).fetchone()[0]
        names, sql = self._selected(query)
        order = self._order(query, names)
        limit = min(query.limit or _MAX_ROWS, _MAX_ROWS)
        found = connection.execute(f"{sql.format(where=where)}{order} LIMIT {limit + 1}", values).fetchall()
        rows = tuple(tuple(map(_plain, row[: len(names)])) for row in found[:limit])
        behind = [number for row in found[:limit] for number in _numbers(row[len(names)])]
        used = tuple(self.table.rows[number] for number in dict.fromkeys(behind))
        return Result(tuple(names), rows, used, total, cut=len(found) > limit and query.limit is None)

    def _where(self, filters: Sequence[Filter]) -> tuple[str, list[Any]]:
        parts, values = [], []
        for f in filters:
            kind, name = self._kind_of(f.column), _quoted(f.column)
            if f.op in ("is empty", "is not empty"):
                parts.append(f"{name} IS {'NOT ' if 'not' in f.op else ''}NULL")
                continue
            if f.value is None:
                raise RequestError(f"the filter on {f.column} has no value")
            if f.op == "contains":
                parts.append(f"contains(lower(CAST({name} AS VARCHAR)), lower(?))")
                values.append(str(f.value))
            elif kind == "text":
                parts.append(f"lower({name}) {f.op} lower(?)")
                values.append(str(f.value))
            else:
                parts.append(f"{name} {f.op} ?")
                values.append(self._stated(f, kind))
        return (" WHERE " + " AND ".join(parts) if parts else ""), values

    def _stated(self, f: Filter, kind: Kind) -> Any:
        (value,) = _typed([str(f.value)], kind)
        if value is None:
            raise RequestError(f"{f.column} holds {kind}s, and {f.value!r} is none")
        return value

    def _selected(self, query: TableQuery) -> tuple[list[str], str]:
        groups = [self._known(name) for name in query.group_by]
        listed = ", ".join(map(_quoted, groups))
        if query.aggregate is not None:
            computed = self._computed(query.aggregate)
            sql = f'SELECT {listed + ", " if groups else ""}{computed}, list("row") FROM "table"{{where}}'
            return [*groups, query.aggregate.name], sql + (f" GROUP BY {listed}" if groups else "")
        if groups:
            return groups, f'SELECT {listed}, list("row") FROM "table"{{where}} GROUP BY {listed}'
        names = [self._known(name) for name in query.select] or list(self.kinds)
        return names, f'SELECT {", ".join(map(_quoted, names))}, ["row"] FROM "table"{{where}}'

    def _computed(self, aggregate: Aggregate) -> str:
        name = _quoted(aggregate.name)
        if aggregate.column is None:
            if aggregate.function != "count":
                raise RequestError(f"{aggregate.function} needs a column")
            return f"count(*) AS {name}"
        column = _quoted(self._known(aggregate.column))
        if aggregate.function in ("count", "count distinct"):
            return f"count({'DISTINCT ' if aggregate.function != 'count' else ''}{column}) AS {name}"
        kind = self._kind_of(aggregate.column)
        if kind == "text" or (kind == "date" and aggregate.function in ("sum", "mean")):
            raise RequestError(f"{aggregate.column} holds {kind}s, which have no {aggregate.function}")
        return f"{'avg' if aggregate.function == 'mean' else aggregate.function}({column}) AS {name}"

    def _order(self, query: TableQuery, names: Sequence[str]) -> str:
        parts = []
        for order in query.order_by:
            if query.aggregate is None and not query.group_by:
                self._known(order.column)
            elif order.column not in names:
                raise RequestError(f"the result has no {order.column!r} to be ordered by; it has {', '.join(names)}")
            parts.append(f"{_quoted(order.column)} {'DESC' if order.descending else 'ASC'} NULLS LAST")
        if query.group_by:
            parts += [_quoted(name) for name in query.group_by]
        elif query.aggregate is None:
            parts.append('"row"')
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _known(self, name: str) -> str:
        if name not in self.kinds:
            raise RequestError(f"{self.name} has no column {name!r}; it has {', '.join(self.kinds)}")
        return name

    def _kind_of(self, name: str) -> Kind:
        return self.kinds[self._known(name)]


def _named(columns: Sequence[str]) -> list[str]:
    """Names for all columns, none of them twice: a second one of the same name gets a number."""
    seen: Counter[str] = Counter()
    names = []
    for number, column in enumerate(columns, start=1):
        name = column or f"Column {number}"
        seen[name.casefold()] += 1
        names.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return names


def _kind(cells: Sequence[str]) -> Kind:
    filled = [cell for cell in cells if cell]
    if not filled:
        return "text"
    kinds: tuple[Kind, ...] = ("date", "number")
    for kind in kinds:
        if sum(value is not None for value in _typed(filled, kind)) >= _SHARE * len(filled):
            return kind
    return "text"


def _typed(cells: Sequence[str], kind: Kind) -> list[Any]:
    if kind == "text":
        return [cell or None for cell in cells]
    if kind == "number":
        return list(map(_number, cells))
    formats = [
        *_DATES,
        *(
            f
            for f in _SLASHES
            if all(_date(cell, [f]) for cell in cells if cell.count("/") == 2 and cell[:4].find("/") > 0)
        ),
    ]
    return [_date(cell, formats) for cell in cells]


def _number(cell: str) -> float | None:
    match = _NUMBER.fullmatch(cell.strip())
    if match is None:
        return None
    digits = match["value"].replace("−", "-")
    if re.fullmatch(r"[-+]?\d+,\d+", digits) and not re.fullmatch(r"[-+]?\d{1,3},\d{3}", digits):
        digits = digits.replace(",", ".")
    return float(re.sub(r"[,\u00a0\u202f ]", "", digits))


def _date(cell: str, formats: Sequence[str]) -> date | None:
    for form in formats:
        try:
            return datetime.strptime(cell, form).date()
        except ValueError:
            continue
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _numbers(listed: Any) -> list[int]:
    return [int(number) for number in listed or ()]  # of no rows at all, DuckDB lists none


def _plain(value: Any) -> Any:
    """Whole numbers without a point, dates as text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if isinstance(value, date) else value
