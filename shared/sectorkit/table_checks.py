"""Checks: does a query say what the question says, no more and no less? What is right of a query that something else wrote.

Each condition must be said: its number, its value, which way it compares, whether it denies. What is computed must be said, and what the
question says of computing, numbers, columns of numbers and values must take part. It is for queries that a model wrote, and refuses
what it cannot tell; `table_proposals` lets a model write them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sectorkit import table_words as say
from sectorkit.errors import RequestError
from sectorkit.query import Aggregate, Filter, Frame, Order, TableQuery
from sectorkit.table_days import Period, periods
from sectorkit.table_naming import Naming, Tables, keys_of
from sectorkit.table_questions import Understood
from sectorkit.table_words import key, says_nothing, spelt_out, tokens

_LEFT = 3  # words that a query may leave out
_SAID = 0.6  # of a value's words that the question must have
_DAY = timedelta(days=1)
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])\d+(?:\.\d+)?")
_OPERATORS = tuple(
    (re.compile(rf"(?P<how>{words})\s*(?:[a-z]+ ){{0,3}}{say.NUMBER}"), op) for words, op in say.COMPARING
)  # "above an RPN of 80"
_DENIES = re.compile(
    r"\b(?:empty|blank|missing|lack|lacks|lacking|not|no|without|except|excluding|excluded|other than|apart from|leaving|ignoring|aside from|but|never|only|just|unless|neither|nor)\b|不|没|无|除|非|仅|只"
)


class _Unsaid(Exception):
    """A part of a query that the question does not say, or one of the question that the query passes over."""


def checked(question: str, frame: Frame, tables: Tables, query: TableQuery) -> Understood | None:
    """What the question is understood as by that query, mended where it is plain how, with the words that it leaves out; None where it
    holds what is not said, passes over what matters, or cannot be run."""
    try:
        return _Check(question, frame, tables).of(query)
    except (_Unsaid, RequestError):
        return None


class _Check:
    def __init__(self, question: str, frame: Frame, tables: Tables) -> None:
        self.text, self.frame = spelt_out(question), frame
        self.words = tuple(tokens(self.text))
        self.naming = Naming(self.text, self.words, question, frame, tables)
        self.plainly = self.text
        for pattern, _ in _OPERATORS:
            self.plainly = pattern.sub(" ", self.plainly)  # "at least 9" is no least
        self.numbers = numbers_in(self.text)
        self.named = {mention.column for mention in self.naming.columns([])}

    def of(self, query: TableQuery) -> Understood:
        query = self._mended(self._filtered(query))
        self._computes(query)
        used = self._used(query)
        self._names(query, used)
        left = tuple(dict.fromkeys(self._left(query, used)))
        if len(left) > _LEFT:
            raise _Unsaid(f"left out: {left}")
        self.frame.run(query.model_copy(update={"limit": 1}))
        return Understood(self.frame, query, float(len(self.words) - len(left)), left)

    # -- what the query says -------------------------------------------------------------------------------------

    def _filtered(self, query: TableQuery) -> TableQuery:
        """Its filters as they stand in the table. One that is not said goes where it changes nothing: the subsystem of a component."""
        kept: list[Filter] = []
        unsaid: list[tuple[Filter, _Unsaid]] = []
        for f in query.filters:
            if f.op == "is not empty" and f.column in query.group_by:
                kept.append(f.model_copy(update={"value": None}))
                continue
            try:
                kept.append(self._filter(f))
            except _Unsaid as why:
                unsaid.append((f, why))
        bounds = Counter((f.column, f.op[0]) for f in kept if f.op[0] in "<>")
        if any(n > 1 for n in bounds.values()):
            raise _Unsaid("two bounds on one side")
        for f, reason in unsaid:
            if not kept or self._count(kept) != self._count([*kept, f]):
                raise reason
        return query.model_copy(update={"filters": kept})

    def _count(self, filters: Sequence[Filter]) -> int:
        return self.frame.run(TableQuery(filters=list(filters), limit=1)).total

    def _filter(self, f: Filter) -> Filter:
        if f.column not in self.frame.kinds:
            raise _Unsaid(f"no column {f.column}")
        kind = self.frame.kinds[f.column]
        if (kind == "number" or "empty" in f.op) and f.column not in self.named:
            raise _Unsaid(f"{f.column} is not said")
        if f.op in ("!=", "is empty", "is not empty") and not (
            _DENIES.search(self.text) or say.HAVING.search(self.text)
        ):
            raise _Unsaid(f"{f.op} is not said")
        if f.op in ("is empty", "is not empty"):
            return f.model_copy(update={"value": None})
        if kind == "date":
            if _bound(f.op, str(f.value)) not in {
                _bound(op, day.isoformat()) for p in self._periods(f.column) for op, day in p.bounds
            }:
                raise _Unsaid(f"{f.value} is not said")
            return f
        if kind == "number":
            return self._number(f)
        values = f.value if isinstance(f.value, list) else [str(f.value)]
        found = [self._value(f.column, f.op, value) for value in values]
        ops, columns, texts = ([one[n] for one in found] for n in range(3))
        if len(set(ops)) > 1 or len(set(columns)) > 1:
            raise _Unsaid(f"{values} are not of one column")
        return Filter(column=columns[0], op=ops[0], value=texts if isinstance(f.value, list) else texts[0])

    def _number(self, f: Filter) -> Filter:
        try:
            value = float(str(f.value))
        except ValueError:
            raise _Unsaid(f"{f.value} is no number") from None
        zero = value == 0 and (say.ZERO.search(self.text) or _DENIES.search(self.text))
        if value not in self.numbers and not zero:
            raise _Unsaid(f"{value} is not said")
        said = {
            op
            for pattern, op in _OPERATORS
            for m in pattern.finditer(self.text)
            if float(m["n"].replace(",", "")) == value
        }
        for match in say.AFTERWARDS.finditer(self.text):
            if float((match["n"] or match["zn"]).replace(",", "")) == value:
                said.add(
                    ">="
                    if match["zh"] == "以上" or match["how"] in ("more", "higher", "above", "over", "greater", "up")
                    else "<="
                )
        if (said and f.op not in said) or (not said and f.op in ("<", ">")):
            raise _Unsaid(f"{f.op} {value} is not said")
        return f.model_copy(update={"value": value})

    def _value(self, column: str, op: str, value: str) -> tuple[str, str, str]:
        """The op, column and value as they stand in the table; what no cell has, or the question does not say, is refused."""
        low = value.casefold().strip()
        texts = [column, *(c for c, kind in self.frame.kinds.items() if kind == "text" and c != column)]
        for other in texts:
            whole = next((v for v in self.frame.distinct(other) if v.casefold() == low), None)
            if whole is not None and op in ("=", "!="):
                self._is_said(whole, _SAID)
                return op, other, whole
            if other == column and any(low in v.casefold() for v in self.frame.distinct(column)):
                self._is_said(value, 1.0)
                return ("contains" if op == "=" else op), column, value
        raise _Unsaid(f"no cell has {value!r}")

    def _is_said(self, value: str, share: float) -> None:
        own = [t for t in tokens(say.plain(value)) if says_nothing(t.word)] or list(tokens(say.plain(value)))
        said = sum(self._has(t.word, t.key) for t in own)
        if not own or said < share * len(own):
            raise _Unsaid(f"{value!r} is not said")

    def _has(self, word: str, its_key: str) -> bool:
        if not word.isascii():
            return word in self.text
        return any(its_key in meant(token) for token in self.words)

    def _periods(self, column: str) -> list[Period]:
        """The times that the question tells, of the years that the column has."""
        known = [v for v in self.frame.values[column] if v is not None]
        return periods(self.text, max(known).year) if known else []

    def _mended(self, query: TableQuery) -> TableQuery:
        """With the count that "how many" asks for, and an order by the name that the aggregate has."""
        aggregate = query.aggregate
        for name in (*query.group_by, *query.select, *([aggregate.column] if aggregate and aggregate.column else [])):
            if name not in self.frame.kinds:
                raise _Unsaid(f"no column {name}")
        if say.COUNTED.search(self.text) and not (aggregate or query.group_by or query.order_by):
            aggregate = Aggregate(function="count")
        if aggregate and aggregate.function == "count" and aggregate.column:
            aggregate = Aggregate(function="count")
        order = query.order_by
        if aggregate:
            order = [Order(column=aggregate.name, descending=o.descending) for o in order[:1]] if query.group_by else []
        elif any(o.column not in self.frame.kinds for o in order):
            raise _Unsaid("no column to be ordered by")
        return query.model_copy(
            update={"aggregate": aggregate, "order_by": order, "select": [] if aggregate else query.select}
        )

    def _computes(self, query: TableQuery) -> None:
        """What is computed is said, and what is said is computed."""
        function = query.aggregate.function if query.aggregate else ""
        ordered = bool(query.order_by) or function in ("max", "min")
        mean, total, counted = (bool(p.search(self.plainly)) for p in (say.MEAN, say.SUM, say.COUNTED))
        high, low, most, least = (bool(p.search(self.plainly)) for p in (say.HIGH, say.LOW, say.MOST, say.LEAST))
        each = any(p.search(self.plainly) for p in (say.EACH, say.RANK, say.COMPARED))
        said = {
            "mean": mean, "sum": total or (say.HOW_MANY.search(self.text) is not None) or most, "max": high, "min": low,
            "count": counted or most or least or each or total, "count distinct": counted or total, "": True,
        }  # fmt: skip
        if not said[function]:
            raise _Unsaid(f"{function} is not said")
        if mean and function != "mean":
            raise _Unsaid("a mean is said")
        if counted and not function:
            raise _Unsaid("a count is said")
        if (high or low or most or least) and not ordered:
            raise _Unsaid("an order is said")
        down = query.order_by[0].descending if query.order_by else function == "max"
        if ordered and (high or most) != (low or least) and down != (high or most):
            raise _Unsaid("the order is the other way round")
        if query.limit and query.limit not in self.numbers and not (query.limit == 1 and ordered):
            raise _Unsaid(f"the first {query.limit} are not said")
        several = any(isinstance(f.value, list) for f in query.filters)
        if any(column not in self.named for column in query.group_by) and not several:
            raise _Unsaid("a group is not said")
        by = [query.aggregate.column] if query.aggregate else [o.column for o in query.order_by]
        if any(column and column not in self.named for column in by):
            raise _Unsaid(f"{by} is not said")

    # -- what the question says ----------------------------------------------------------------------------------

    def _used(self, query: TableQuery) -> set[str]:
        """The columns that take part."""
        computed = [query.aggregate.column] if query.aggregate and query.aggregate.column else []
        named = {*(f.column for f in query.filters), *(o.column for o in query.order_by), *computed}
        return {*named, *query.group_by, *query.select} & set(self.frame.kinds)

    def _names(self, query: TableQuery, used: set[str]) -> None:
        """Every column of numbers and every value that is named takes part."""
        values = [
            v.casefold()
            for f in query.filters
            for v in (f.value if isinstance(f.value, list) else [f.value])
            if isinstance(v, str)
        ]
        held = {t.key for v in values for t in tokens(say.plain(v))}
        for mention in self.naming.columns([]):
            if self.frame.kinds[mention.column] == "number" and mention.alone and mention.column not in used:
                raise _Unsaid(f"{mention.column} is named")
        for mention in self.naming.values():
            own = {t.key for t in tokens(say.plain(str(mention.value)))}
            spots = {t.key for t in self.words if any(a <= t.start < b for a, b in mention.spots)}
            if mention.share == 1.0 and not (own <= held or spots <= held or spots <= self._column_keys(used)):
                raise _Unsaid(f"{mention.value} is named")

    @staticmethod
    def _column_keys(used: set[str]) -> set[str]:
        return {k for column in used for k in keys_of(column)}

    def _left(self, query: TableQuery, used: set[str]) -> Iterator[str]:
        """The words that took no part."""
        covered = bytearray(len(self.text))
        spans = [(m.start, m.end) for m in self.naming.columns([]) if m.column in used]
        spans += [
            (p.start, p.end) for column in used if self.frame.kinds[column] == "date" for p in self._periods(column)
        ]
        patterns = [say.WHICH, say.DIFFERENT, say.COUNTED, say.EACH, say.TOP, say.COMPARED]
        patterns += [
            say.MEAN,
            say.SUM,
            say.MOST,
            say.HIGH,
            say.LOW,
            say.LEAST,
            say.RANK,
            say.AFTERWARDS,
        ]
        spans += [m.span() for p in patterns for m in p.finditer(self.text)]
        spans += [m.span(part) for p, _ in _OPERATORS for m in p.finditer(self.text) for part in ("how", "n")]
        for start, end in spans:
            covered[start:end] = b"x" * (end - start)
        keys = self._column_keys(used) | self.naming.about
        values = [
            v
            for f in query.filters
            for v in (f.value if isinstance(f.value, list) else [f.value])
            if isinstance(v, str)
        ]
        keys |= {t.key for v in values for t in tokens(say.plain(v))}
        numbers = {f.value for f in query.filters if isinstance(f.value, float)} | {float(query.limit or 0)}
        denies = any(f.op in ("!=", "is empty", "is not empty") for f in query.filters)
        for token in self.words:
            rest = "".join(
                c for c, at in zip(token.word, range(token.start, token.end), strict=False) if not covered[at]
            )
            if not rest or meant(token) & keys or (denies and _DENIES.fullmatch(token.word)):
                continue
            if not token.word.isascii():
                for value in values:
                    rest = rest.replace(value.casefold(), "")
                if said := says_nothing(rest):
                    yield said
            elif (number := _number(token.word)) is not None:
                if number not in numbers:
                    raise _Unsaid(f"{token.word} is passed over")
            elif rest == token.word and says_nothing(token.word):
                if token.word in say.NARROWING or _DENIES.fullmatch(token.word):
                    raise _Unsaid(f"{token.word} is passed over")
                yield token.word


def _bound(op: str, day: str) -> tuple[str, date]:
    """A bound with its day within: before 1 March is up to 28 February. _Unsaid where it is no day."""
    try:
        return {"<": ("<=", date.fromisoformat(day) - _DAY), ">": (">=", date.fromisoformat(day) + _DAY)}.get(op) or (
            op,
            date.fromisoformat(day),
        )
    except (ValueError, OverflowError):
        raise _Unsaid(f"{day} is no day") from None


def _number(word: str) -> float | None:
    return float(word) if word.replace(".", "", 1).isdigit() else say.SMALL.get(word)


def numbers_in(text: str) -> set[float]:
    """The numbers that a text has, in digits or spelt."""
    spelt = {float(n) for word, n in say.SMALL.items() if re.search(rf"\b{word}\b" if word.isascii() else word, text)}
    return {float(n.replace(",", "")) for n in _NUMBER.findall(text)} | spelt


def meant(token: say.Token) -> frozenset[str]:
    """The keys that a word stands for: its own, those of its parts, and those of words that mean the same of a failure."""
    parts = {key(part) for part in re.split(r"[-/]", token.word) if part}
    return say.ALIKE.get(token.word, frozenset()) | {token.key} | parts
