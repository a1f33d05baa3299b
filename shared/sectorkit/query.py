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
    r"(?P<value>[-+−]?(?:\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d+(?:[.,]\d+)?))\s*(?P<unit>[^\W\d_][^\d]{0,11}|[°%€$£¥][^\d]{0,11})?"
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
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")
# A comma that can only be of decimals: 3,5 and 0,125 and 1.200,50. One such cell, and all commas of its column are.
_DECIMAL_COMMA = re.compile(r"[-+−]?(?:\d+,\d{1,2}|\d+,\d{4,}|0,\d+|\d{1,3}(?:\.\d{3})+,\d+)(?:\s*\D.*)?")
_NOTHING = ("none", "n/a", "na", "-", "–", "—", "nil", "无")  # cells that say that there is nothing
_SAMPLE = 300  # cells of a column by which its kind is told
_MOST_DIGITS = 300
_DIGITS, _LONG = 15, 5  # digits that a number holds, and that a name made of digits has at least
_NAMES = re.compile(r"\b(?:serial|order|part|file|batch|lot|id|code|nr|no|customer|invoice|ticket)\b|编号|序列号|单号")
_SHARE = 0.9  # of the cells that must be numbers, or dates, for their column to be of that kind
_MAX_ROWS = 500  # of a result


class Filter(BaseModel):
    """One condition on a row. `value` is a number or text, and a date as "2025-03-31"; none for the empty ones.

    Of texts there may be several: "=" is then one of them, "!=" none of them. "is empty" holds for what says that there is
    nothing, too: "None", "n/a", "-".
    """

    model_config = ConfigDict(extra="forbid")
    column: str
    op: Operator = "="
    value: float | str | list[str] | None = None


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
                f"{f.column} {f.op}" + ("" if f.value is None else f" {_said(f.value)}") for f in self.filters
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

    `total` rows met the filters; `cut` says that more were asked for than are shown. `unread` cells of the columns that were
    compared or computed with are not of their column's kind, and took no part.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    used: tuple[Row, ...]
    total: int
    cut: bool = False
    unread: int = 0

    @property
    def is_none(self) -> bool:
        """Whether there is nothing: no row met the conditions, and no count of them was asked for."""
        return not self.rows or (self.total == 0 and self.value in (None, 0))

    @property
    def value(self) -> Any:
        """The one value of a result that is one; None otherwise."""
        return self.rows[0][0] if len(self.rows) == 1 and len(self.columns) == 1 else None


@dataclass(frozen=True)
class Frame:
    """A table with typed columns, ready to be queried. `source`, `title` and `notes` are its document's."""

    table: Table
    source: str
    title: str
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For a person: "Defect log 2025, sheet Pumps"."""
        return self.title + (f", sheet {self.table.name}" if self.table.name else "")

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each column, in the table's order."""
        return {column: _kind(cells, column) for column, cells in self._columns.items()}

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
        return list(self.counts(column))

    def repeats(self, column: str) -> bool:
        """Whether a column of texts has each of its values twice or more, on average: a kind, and no name of its own."""
        return 2 * len(self.counts(column)) <= len(self.table.rows)

    def counts(self, column: str) -> Mapping[str, int]:
        """How many rows have each value of a column of texts, the most frequent first."""
        if column not in self._counts:
            self._counts[column] = dict(Counter(cell for cell in self._columns[column] if cell).most_common())
        return self._counts[column]

    @cached_property
    def _counts(self) -> dict[str, dict[str, int]]:
        return {}

    @cached_property
    def _relation(self) -> Any:
        """The table in DuckDB: columns c0, c1, ... and the number of each row; a document's names never become SQL."""
        import duckdb
        import numpy as np

        types = {"number": "DOUBLE", "date": "DATE", "text": "VARCHAR"}
        texts = {
            f"c{n}": [None if v is None else str(v) for v in values] for n, values in enumerate(self.values.values())
        }
        given = {name: np.array(values, dtype=object) for name, values in texts.items()}
        connection = duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"})
        connection.register("given", given | {"place": np.arange(len(self.table.rows))})
        columns = ", ".join(f"CAST(c{n} AS {types[kind]}) AS c{n}" for n, kind in enumerate(self.kinds.values()))
        connection.execute(f"CREATE TABLE rows_ AS SELECT {columns}, place FROM given")
        connection.unregister("given")
        return connection

    def run(self, query: TableQuery) -> Result:
        """The query's result. RequestError names a column that there is not, and what does not fit a column's kind."""
        connection = self._relation.cursor()
        where, values = self._where(query.filters)
        total = connection.execute(f"SELECT count(*) FROM rows_{where}", values).fetchone()[0]
        names, selected, grouped = self._selected(query)
        order = self._order(query, names)
        limit = min(query.limit or _MAX_ROWS, _MAX_ROWS)
        sql = f"SELECT {selected} FROM rows_{where}{grouped}{order} LIMIT {limit + 1}"
        try:
            found = connection.execute(sql, values).fetchall()
        except Exception as error:  # DuckDB's own have no common base that is imported here
            raise RequestError(f"{self.name} could not be asked: {error}") from error
        rows = tuple(tuple(map(_plain, row[: len(names)])) for row in found[:limit])
        behind = [
            int(number) for row in found[:limit] for number in row[len(names)] or ()
        ]  # of no rows, DuckDB lists none
        used = tuple(self.table.rows[number] for number in dict.fromkeys(behind))
        cut = len(found) > limit and (query.limit is None or query.limit > limit)
        return Result(tuple(names), rows, used, total, cut=cut, unread=self._unread(query))

    def _unread(self, query: TableQuery) -> int:
        """Cells of the columns that are compared or computed with, which are not of their column's kind."""
        named = {f.column for f in query.filters} | {o.column for o in query.order_by}
        named |= {query.aggregate.column} if query.aggregate and query.aggregate.column else set()
        return sum(
            bool(cell) and value is None
            for name in named & set(self.kinds)
            for cell, value in zip(self._columns[name], self.values[name], strict=True)
        )

    def _where(self, filters: Sequence[Filter]) -> tuple[str, list[Any]]:
        parts: list[str] = []
        values: list[Any] = []
        for f in filters:
            kind, name = self._kind_of(f.column), self._sql(f.column)
            if f.op in ("is empty", "is not empty"):
                nothing = f"({name} IS NULL OR lower(CAST({name} AS VARCHAR)) IN ({', '.join('?' * len(_NOTHING))}))"
                parts.append(f"NOT {nothing}" if "not" in f.op else nothing)
                values += _NOTHING
                continue
            if f.value is None:
                raise RequestError(f"the filter on {f.column} has no value")
            if f.op == "contains":
                parts.append(f"contains(lower(CAST({name} AS VARCHAR)), lower(?))")
                values.append(str(f.value))
            elif isinstance(f.value, list):
                if kind != "text" or f.op not in ("=", "!=") or not f.value:
                    raise RequestError(
                        f"several values are for texts that are equal to one of them, not for {f.column} {f.op}"
                    )
                one_of = f"lower({name}) IN ({', '.join(['lower(?)'] * len(f.value))})"
                parts.append(one_of if f.op == "=" else f"({name} IS NULL OR NOT {one_of})")
                values += f.value
            elif kind == "text" and f.op == "!=":
                parts.append(f"({name} IS NULL OR lower({name}) != lower(?))")  # an empty cell is none of it
                values.append(str(f.value))
            elif kind == "text":
                parts.append(f"lower({name}) {f.op} lower(?)")
                values.append(str(f.value))
            else:
                parts.append(f"{name} {f.op} ?")
                values.append(self._stated(f, kind))
        return (" WHERE " + " AND ".join(parts) if parts else ""), values

    def _stated(self, f: Filter, kind: Kind) -> Any:
        if kind == "number" and isinstance(f.value, int | float):
            return f.value
        text = str(f.value).strip()
        (value,) = _typed([text], kind)
        if value is None:
            form = ", such as 2025-03-31" if kind == "date" else ""
            raise RequestError(f"{f.column} holds {kind}s{form}, and {text!r} is none")
        said = _NUMBER.fullmatch(text) if kind == "number" else None
        if said and said["unit"] and said["unit"].casefold() not in self._units(f.column):
            raise RequestError(f"{f.column}: {text!r} has a unit that the column does not name; write the number alone")
        return value

    def _units(self, column: str) -> set[str]:
        """The units of a column's cells and the words of its name."""
        cells = (_NUMBER.fullmatch(cell) for cell in self._columns[column])
        return {(m["unit"] or "").casefold() for m in cells if m} | set(
            re.findall(r"\w+|[%°€$£¥]\w*", column.casefold())
        )

    def _selected(self, query: TableQuery) -> tuple[list[str], str, str]:
        """The result's columns, the SQL that selects them, and the one that groups; the rows' numbers come last."""
        groups = [self._known(name) for name in query.group_by]
        by = ", ".join(map(self._sql, groups))
        grouped = f" GROUP BY {by}" if groups else ""
        if query.aggregate is not None:
            computed = f"{self._computed(query.aggregate)} AS computed, list(place)"
            return [*groups, query.aggregate.name], f"{by}, {computed}" if groups else computed, grouped
        if groups:
            return groups, f"{by}, list(place)", grouped
        names = [self._known(name) for name in query.select] or list(self.kinds)
        return names, f"{', '.join(map(self._sql, names))}, [place]", ""

    def _computed(self, aggregate: Aggregate) -> str:
        if aggregate.column is None:
            if aggregate.function != "count":
                raise RequestError(f"{aggregate.function} needs a column")
            return "count(*)"
        column = self._sql(aggregate.column)
        if aggregate.function in ("count", "count distinct"):
            return f"count({'DISTINCT ' if aggregate.function != 'count' else ''}{column})"
        kind = self._kind_of(aggregate.column)
        if kind == "text" or (kind == "date" and aggregate.function in ("sum", "mean")):
            raise RequestError(f"{aggregate.column} holds {kind}s, which have no {aggregate.function}")
        return f"{'avg' if aggregate.function == 'mean' else aggregate.function}({column})"

    def _order(self, query: TableQuery, names: Sequence[str]) -> str:
        parts = []
        for order in query.order_by:
            if query.aggregate is not None and order.column == query.aggregate.name:
                column = "computed"
            elif (query.aggregate is None and not query.group_by) or order.column in query.group_by:
                column = self._sql(order.column)
            else:
                raise RequestError(f"the result has no {order.column!r} to be ordered by; it has {', '.join(names)}")
            parts.append(f"{column} {'DESC' if order.descending else 'ASC'} NULLS LAST")
        if query.group_by:
            parts += [self._sql(name) for name in query.group_by]
        elif query.aggregate is None:
            parts.append("place")
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _sql(self, name: str) -> str:
        return f"c{list(self.kinds).index(self._known(name))}"

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


def _kind(cells: Sequence[str], name: str = "") -> Kind:
    """By a sample from all over the column: as good as all are dates, or numbers of one unit, which codes are not."""
    filled = [cell for cell in cells if cell]
    sample = filled[:: max(1, len(filled) // _SAMPLE)]
    if not sample or (
        sum(map(str.isdigit, "".join(cell[:1] + cell[-1:] for cell in sample))) == 0
        and not any(c.isdigit() for cell in sample for c in cell)
    ):
        return "text"
    if sum(value is not None for value in _typed(sample, "date")) >= _SHARE * len(sample):
        return "date"
    numbers = [match for cell in sample if (match := _NUMBER.fullmatch(cell))]
    if any(sum(map(str.isdigit, cell)) > _DIGITS for cell in sample):
        return "text"  # a serial, which a number would not hold to its last digit
    if _NAMES.search(name.casefold()) and all(cell.isdigit() and len(cell) >= _LONG for cell in sample):
        return "text"
    one_unit = len({(match["unit"] or "").casefold() for match in numbers}) == 1
    codes = any(re.match(r"[-+−]?0\d", match["value"]) for match in numbers)
    return "number" if one_unit and not codes and len(numbers) >= _SHARE * len(sample) else "text"


def _typed(cells: Sequence[str], kind: Kind) -> list[Any]:
    if kind == "text":
        return [cell or None for cell in cells]
    if kind == "number":
        commas = any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
        units = Counter(
            (match["unit"] or "").casefold() for cell in cells if (match := _NUMBER.fullmatch(cell.strip()))
        )
        units.pop("", None)
        own = units.most_common(1)[0][0] if units else ""  # a cell in another unit is not compared with the rest
        return [_number(cell, own, decimal_comma=commas) for cell in cells]
    slashed = [cell for cell in cells if _SLASHED.fullmatch(cell)]
    formats = [*_DATES, *(form for form in _SLASHES if all(_date(cell, [form]) for cell in slashed))]
    return [_date(cell, formats) for cell in cells]


def _number(cell: str, unit: str, *, decimal_comma: bool) -> float | None:
    match = _NUMBER.fullmatch(cell.strip())
    if match is None or (match["unit"] or unit).casefold() != unit or sum(map(str.isdigit, cell)) > _MOST_DIGITS:
        return None
    digits = re.sub(r"[\u00a0\u202f ]", "", match["value"].replace("−", "-"))
    if decimal_comma:
        return float(digits.replace(".", "").replace(",", ".") if "," in digits else digits)
    return float(digits.replace(",", ""))


def _date(cell: str, formats: Sequence[str]) -> date | None:
    if not any(c.isdigit() for c in cell[:4]):
        return None
    for form in formats:
        try:
            return datetime.strptime(cell, form).date()
        except ValueError:
            continue
    return None


def _said(value: float | str | list[str]) -> Any:
    return " or ".join(value) if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> Any:
    """Whole numbers without a point, dates as text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if isinstance(value, date) else value
