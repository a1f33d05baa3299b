"""A form for a query to a table: what a question was understood as, to be changed, or a query of one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from sectorkit.app import SectorApp
from sectorkit.errors import RequestError
from sectorkit.query import Aggregate, Filter, Frame, Function, Order, TableQuery
from sectorkit.runtime import Runtime
from sectorkit.table_answers import table_answer, tables_in
from sectorkit.table_questions import Understood
from sectorkit.ui import render
from sectorkit.ui.page import index_of
from sectorkit.ui.text import numbered

CONDITIONS = 5  # that the form has room for
_VALUES = 300  # of a column, that are offered
_ROWS, _RESULT = "the rows themselves", "what is shown"
_SHOWN: dict[str, Function | None] = {
    _ROWS: None, "how many rows": "count", "how many different values of": "count distinct", "the sum of": "sum",
    "the mean of": "mean", "the highest": "max", "the lowest": "min",
}  # fmt: skip
_OPERATORS = {
    "is": "=", "is not": "!=", "<": "<", "≤": "<=", ">": ">", "≥": ">=", "contains": "contains", "is empty": "is empty",
    "is not empty": "is not empty",
}  # fmt: skip
_OF: dict[Function | None, tuple[str, ...]] = {
    "count distinct": ("number", "date", "text"), "sum": ("number",), "mean": ("number",), "max": ("number", "date"),
    "min": ("number", "date"),
}  # fmt: skip
"""The kinds of columns that each is computed of; a count has none."""
_VALUELESS = ("is empty", "is not empty")
_NONE = "–"
_AS_IT_IS = "as in the table"
_HIGHEST, _LOWEST = "highest first", "lowest first"


@dataclass(frozen=True)
class Choices:
    """What is chosen in the form, in the words of the form. A condition is a column, an operator and its values as texts."""

    show: str = _ROWS
    of: str | None = None
    each: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    sort: str | None = None
    direction: str = _HIGHEST
    limit: int | None = None

    def query(self, frame: Frame) -> TableQuery:
        """The query to `frame`. Raises RequestError where something is missing, and names it."""
        function, aggregate = _SHOWN[self.show], None
        if function == "count":
            aggregate = Aggregate(function="count")
        elif function:
            if not self.of:
                raise RequestError(f"Choose the column: {self.show} …")
            aggregate = Aggregate(function=function, column=self.of)
        order = []
        if self.sort and self.sort != _AS_IT_IS:
            by = aggregate.name if self.sort == _RESULT and aggregate else self.sort
            if by == _RESULT:
                raise RequestError("Rows are sorted by a column; choose one.")
            order = [Order(column=by, descending=self.direction == _HIGHEST)]
        plainly = aggregate is None and not self.each
        try:
            return TableQuery(
                filters=[_filter(frame, *condition) for condition in self.conditions], group_by=list(self.each),
                aggregate=aggregate, order_by=order, limit=self.limit, select=list(self.columns) if plainly else [],
            )  # fmt: skip
        except ValidationError:
            raise RequestError("At most how many rows? A whole number from 1 on, or nothing for all.") from None


def choices(query: TableQuery) -> Choices | None:
    """The form's choices for a query; None for one that the form has no room for, of which nothing is left out silently."""
    aggregate = query.aggregate
    show = next((s for s, f in _SHOWN.items() if f == (aggregate.function if aggregate else None)), None)
    counted = aggregate is not None and aggregate.function == "count" and aggregate.column is not None
    if show is None or counted or len(query.filters) > CONDITIONS or len(query.order_by) > 1:
        return None
    order = query.order_by[0] if query.order_by else None
    by = _RESULT if order and aggregate and order.column == aggregate.name else order.column if order else None
    said = {op: words for words, op in _OPERATORS.items()}
    conditions = tuple((f.column, said[f.op], tuple(map(_text, _listed(f.value)))) for f in query.filters)
    return Choices(
        show, aggregate.column if aggregate else None, tuple(query.group_by), tuple(query.select), conditions,
        by, _LOWEST if order and not order.descending else _HIGHEST, query.limit,
    )  # fmt: skip


def _listed(value: float | str | list[str] | None) -> list[float | str]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _text(value: float | str) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _filter(frame: Frame, column: str, words: str, values: Sequence[str]) -> Filter:
    op: Any = _OPERATORS[words]
    if not column:
        raise RequestError(f"Choose the column that is compared with {', '.join(values)}.")
    if words in _VALUELESS:
        return Filter(column=column, op=op)
    given = [value.strip() for value in values if value.strip()]
    if not given:
        raise RequestError(f"What is {column} compared with? The condition has no value.")
    if len(given) > 1:
        if op not in ("=", "!=") or frame.kinds.get(column) != "text":
            raise RequestError(f"{column} {words}: one value only")
        return Filter(column=column, op=op, value=given)
    return Filter(column=column, op=op, value=given[0])


class QueryForm:
    """The form's fields, below the question and closed at first. `fields` are what `filled` gives updates for, in their order."""

    def __init__(self, runtime: Runtime, app: SectorApp) -> None:
        self._runtime, self._app = runtime, app
        with (
            gr.Column(elem_classes="sk-page sk-further"),
            gr.Accordion("Change the query, or build one", open=False, elem_classes="sk-query") as self._folded,
            gr.Column(elem_classes="sk-form"),
        ):
            self._table = _dropdown("Table")
            with gr.Row():
                self._show = gr.Dropdown(list(_SHOWN), value=_ROWS, label="Show", interactive=True)
                self._of = _dropdown("Column", visible=False)
                self._each = _dropdown("For each", multiselect=True)
            self._columns = _dropdown("Columns, all if none is chosen", multiselect=True)
            self._rows, self._conditions = [], []
            for n in range(CONDITIONS):
                with gr.Row(visible=n == 0, elem_classes="sk-condition") as row:
                    column = _dropdown("Where" if n == 0 else "and")
                    operator = gr.Dropdown(list(_OPERATORS), value="is", label="Compared", interactive=True)
                    value = _dropdown("With", multiselect=True, allow_custom_value=True)
                self._rows.append(row)
                self._conditions += [column, operator, value]
            with gr.Row():
                self._sort = _dropdown("Sorted by")
                self._direction = gr.Dropdown([_HIGHEST, _LOWEST], value=_HIGHEST, label="Order", interactive=True)
                self._limit = gr.Number(None, label="At most, rows", precision=0)
            self.run = gr.Button("Run the query", variant="primary", elem_classes="sk-go")
        self.fields: list[Any] = [
            self._table, self._show, self._of, self._each, self._columns, *self._conditions, self._sort, self._direction,
            self._limit,
        ]  # fmt: skip
        self._events()

    def _events(self) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        self._folded.expand(self._opened, self._table, self.outputs, **quiet)
        self._table.input(self._emptied, self._table, self.outputs, **quiet)
        needed = [self._of, self._columns, self._sort]
        gr.on(
            [self._show.input, self._each.input],
            self._needed,
            [self._table, self._show, self._each, *needed],
            needed,
            **quiet,
        )
        for n, column in enumerate(self._conditions[::3]):
            behind = self._rows[min(n + 1, CONDITIONS - 1)]
            column.input(self._condition, [self._table, column], [self._conditions[3 * n + 2], behind], **quiet)

    @property
    def outputs(self) -> list[Any]:
        """The fields, the rows that hold conditions, and what folds them: what `filled` gives updates for."""
        return [*self.fields, *self._rows, self._folded]

    def _frames(self) -> dict[str, Frame]:
        """The tables by their names, the longest first."""
        frames = sorted(tables_in(index_of(self._runtime, self._app)).asked, key=lambda frame: -len(frame.table.rows))
        times = Counter(frame.name for frame in frames)
        names = [f.name if times[f.name] == 1 else f"{f.name}: {', '.join(list(f.kinds)[:3])}" for f in frames]
        return dict(zip(numbered(names), frames, strict=True))

    def filled(self, frame: Frame, query: TableQuery, *, opened: bool = False) -> list[Any]:
        """Updates for `outputs`: a query to a table; nothing changes for one that has no room here. `opened` shows the form, too."""
        frames, chosen = self._frames(), choices(query)
        name = next((name for name, one in frames.items() if one is frame), None)
        if name is None or chosen is None:
            return self._nothing()
        return self._with(frames, name, chosen, opened=opened)

    def _nothing(self) -> list[Any]:
        return [gr.skip()] * len(self.outputs)

    def _opened(self, table: str | None) -> list[Any]:
        """The form for the first table, where none is chosen yet."""
        if table or self._runtime.index(self._app.name) is None or not (frames := self._frames()):
            return self._nothing()
        return self._with(frames, next(iter(frames)), Choices())

    def _emptied(self, table: str | None) -> list[Any]:
        frames = self._frames()
        return self._with(frames, table, Choices()) if table in frames else self._nothing()

    def _with(self, frames: dict[str, Frame], name: str, chosen: Choices, *, opened: bool = False) -> list[Any]:
        frame = frames[name]
        columns = list(frame.kinds)
        conditions: list[Any] = []
        for n in range(CONDITIONS):
            column, words, values = chosen.conditions[n] if n < len(chosen.conditions) else (None, "is", ())
            conditions += [
                gr.Dropdown([_NONE, *columns], value=column or _NONE),
                gr.Dropdown(value=words),
                gr.Dropdown(_values(frame, column), value=list(values)),
            ]
        used = len(chosen.conditions)
        of, shown, sort = _needed(frame, chosen)
        return [
            gr.Dropdown(list(frames), value=name), gr.Dropdown(value=chosen.show), of,
            gr.Dropdown(columns, value=list(chosen.each)), shown, *conditions, sort, gr.Dropdown(value=chosen.direction),
            gr.Number(value=chosen.limit), *(gr.Row(visible=n <= used) for n in range(CONDITIONS)),
            gr.Accordion(open=True) if opened else gr.skip(),
        ]  # fmt: skip

    def _needed(
        self,
        table: str | None,
        show: str,
        each: list[str] | None,
        of: str | None,
        columns: list[str] | None,
        sort: str | None,
    ) -> list[Any]:
        frame = self._frames().get(table or "")
        return (
            _needed(frame, Choices(show, of, tuple(each or ()), tuple(columns or ()), sort=sort))
            if frame
            else [gr.skip()] * 3
        )

    def _condition(self, table: str | None, column: str | None) -> tuple[Any, Any]:
        """The values of the column, and the next condition's row, once there is a column."""
        frame = self._frames().get(table or "")
        chosen = bool(frame and column in frame.kinds)
        return gr.Dropdown(_values(frame, column) if frame else [], value=[]), gr.Row(
            visible=True
        ) if chosen else gr.skip()

    def computed(self, *fields: Any) -> str:
        """The answer to the query of the form's fields, as HTML. Raises RequestError where a choice is missing or does not fit."""
        table, show, of, each, columns, *rest = fields
        frame = self._frames().get(table or "")
        if frame is None:
            raise RequestError("Choose a table.")
        sort, direction, limit = rest[3 * CONDITIONS :]
        asked = (rest[n : n + 3] for n in range(0, 3 * CONDITIONS, 3))
        conditions = tuple(
            ("" if column in (None, _NONE) else column, words, tuple(map(str, values or ())))
            for column, words, values in asked
            if column not in (None, "", _NONE) or values
        )
        chosen = Choices(show, of, tuple(each or ()), tuple(columns or ()), conditions, sort, direction, limit)
        index = index_of(self._runtime, self._app)
        return render.answer(self._app.name, table_answer("", Understood(frame, chosen.query(frame), 0.0), index))


def _needed(frame: Frame, chosen: Choices) -> list[Any]:
    """The column that is computed with, the columns of rows, and what can be sorted by: what goes with what is shown."""
    function = _SHOWN[chosen.show]
    of = [c for c, kind in frame.kinds.items() if kind in _OF.get(function, ())]
    plainly = function is None and not chosen.each
    sorts = list(frame.kinds) if plainly else [*([_RESULT] if function else []), *chosen.each]
    return [
        gr.Dropdown(of, visible=bool(of), value=chosen.of if chosen.of in of else None),
        gr.Dropdown(list(frame.kinds), visible=plainly, value=list(chosen.columns) if plainly else []),
        gr.Dropdown([_AS_IT_IS, *sorts], value=chosen.sort if chosen.sort in sorts else _AS_IT_IS),
    ]


def _dropdown(label: str, **more: Any) -> gr.Dropdown:
    return gr.Dropdown([], value=None, label=label, interactive=True, filterable=True, **more)


def _values(frame: Frame, column: str | None) -> list[str]:
    """The values that a condition on the column is offered, the most frequent first."""
    return frame.distinct(column)[:_VALUES] if column and frame.kinds.get(column) == "text" else []
