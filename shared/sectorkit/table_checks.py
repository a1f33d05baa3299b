"""Checks: does a query say what the question says, no more and no less? What is right of a query that something else wrote.

Each condition must be said: its number, its value, which way it compares, whether it denies. What is computed must be said, and what the
question says of computing, numbers, columns of numbers and values must take part. It is for queries that a model wrote, and refuses
what it cannot tell; `table_proposals` lets a model write them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property

from sectorkit import table_words as say
from sectorkit.errors import RequestError
from sectorkit.query import Aggregate, Filter, Frame, Operator, Order, TableQuery
from sectorkit.table_days import Period, periods
from sectorkit.table_naming import Naming, Tables, keys_of
from sectorkit.table_questions import Understood
from sectorkit.table_words import key, says_nothing, spelt_out, tokens

_LEFT = 3  # words that a query may leave out; such a result stands beside an answer, with them
_DAY = timedelta(days=1)
_DIGITS = re.compile(r"\d[\d.,]*")
_NUMBER = re.compile(r"(?<![\w.-])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\w-])")
_OPERATORS = tuple(
    (re.compile(rf"(?P<how>{words})\s*(?:[a-z]+ ){{0,3}}{say.NUMBER}"), op) for words, op in say.COMPARING
)  # "above an RPN of 80"
_DENIES = re.compile(
    r"\b(?:empty|blank|missing|lack|lacks|lacking|not|no|without|except(?: for)?|excluding|excluded|other than|apart from|leaving|ignoring|aside from"
    r"|never|unless|neither|nor|only|just)\b|不|没有?|无|除|非|仅|只"
)
_EMPTY = re.compile(r"(?: field| column| cell)?\s*(?:is|are|was|were)?\s*(?:left )?(?:empty|blank|missing)\b")
_OR = re.compile(r"\b(?:or|either)\b|或")
_RISING = re.compile(r"\b(?:ascending|rising|(?:lowest|smallest|least|fewest|best) first)\b|升序")
_TWO_THINGS = re.compile(
    r"%|\b(?:percent|percentage|share|ratio|proportion|fraction)\b|占比|比例|百分"
)  # or none that it gives
_COMPUTING = (
    say.WHICH, say.DIFFERENT, say.COUNTED, say.EACH, say.TOP, say.COMPARED, say.MEAN, say.SUM, say.MOST, say.HIGH, say.LOW, say.LEAST, say.RANK, _RISING,
)  # fmt: skip


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
        self.columns = self.naming.columns([])
        self.named = {mention.column for mention in self.columns}
        self.compared = [(m, op) for pattern, op in _OPERATORS for m in pattern.finditer(self.text)]
        self.compared += [(m, say.afterwards(m)) for m in say.AFTERWARDS.finditer(self.text)]
        self.plainly = self.text  # without comparisons: "at least 9" is no least
        for match, _ in self.compared:
            self.plainly = self.plainly.replace(match[0], " ")

    def of(self, query: TableQuery) -> Understood:
        if (
            _TWO_THINGS.search(self.plainly)
            or any(p.search(self.text) for p in say.TWOFOLD)
            or len(say.COUNTED.findall(self.text)) > 1
        ):
            raise _Unsaid("more is asked than one query gives")
        query = self._mended(self._filtered(query))
        self._computes(query)
        used = self._used(query)
        self._names(query, used)
        self._numbers(query)
        self._denials(query)
        left = tuple(dict.fromkeys(self._left(query, used)))
        if len(left) > _LEFT:
            raise _Unsaid(f"left out: {left}")
        self.frame.run(query.model_copy(update={"limit": 1}))
        return Understood(self.frame, query, float(len(self.words) - len(left)), left)

    # -- conditions ----------------------------------------------------------------------------------------------

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
        sides = Counter((f.column, f.op if f.op in ("<", "<=", ">", ">=") else "=") for f in kept)
        if any(n > 1 for n in sides.values()):
            raise _Unsaid("two conditions of one kind on a column")
        self._dates(kept)
        either = _OR.search(self.plainly)
        if either and not any(isinstance(f.value, list) for f in kept):
            raise _Unsaid(f"{either[0]} is passed over")
        for f, reason in unsaid:
            if not kept or f.column not in self.frame.kinds or self._count(kept) != self._count([*kept, f]):
                raise reason
        return query.model_copy(update={"filters": kept})

    def _count(self, filters: Sequence[Filter]) -> int:
        return self.frame.run(TableQuery(filters=list(filters), limit=1)).total

    def _filter(self, f: Filter) -> Filter:
        if f.column not in self.frame.kinds:
            raise _Unsaid(f"no column {f.column}")
        kind = self.frame.kinds[f.column]
        if "empty" in f.op:
            if f.column not in self.named:
                raise _Unsaid(f"{f.column} is not said")
            return f.model_copy(update={"value": None})
        if kind == "number":
            return self._number(f)
        if kind == "date":
            return f
        values = f.value if isinstance(f.value, list) else [str(f.value)]
        if not values or f.op not in ("=", "!=", "contains"):
            raise _Unsaid(f"{f.op} {values} is no condition on a text")
        found = [self._value(f.column, f.op, value) for value in values]
        ops, columns, texts = ([one[n] for one in found] for n in range(3))
        if len(set(ops)) > 1 or len(set(columns)) > 1:
            raise _Unsaid(f"{values} are not of one column")
        return Filter(column=columns[0], op=ops[0], value=texts if isinstance(f.value, list) else texts[0])

    def _number(self, f: Filter) -> Filter:
        """A number's column is the nearest of those that are named, and it is compared as it is said where it stands."""
        try:
            value = float(str(f.value))
        except ValueError:
            raise _Unsaid(f"{f.value} is no number") from None
        numeric = [m for m in self.columns if self.frame.kinds[m.column] == "number"]
        if (
            value == 0
            and f.op == "="
            and any(m.column == f.column and say.ZERO.search(self.text[: m.start]) for m in numeric)
        ):
            return f.model_copy(update={"value": value})
        for start, end, said in _numbers_of(self.text):
            if said != value or not numeric:
                continue
            near = min(numeric, key=lambda m: min(abs(m.start - end), abs(start - m.end)))
            ops = {op for match, op in self.compared if match.start() <= start < match.end()}
            for between in say.BETWEEN.finditer(self.text):
                ops |= {">="} if between.start("n") == start else {"<="} if between.start("m") == start else set()
            if near.column == f.column and f.op in (ops or {"="}):
                return f.model_copy(update={"value": value})
        raise _Unsaid(f"{f.column} {f.op} {value} is not said")

    def _value(self, column: str, op: Operator, value: str) -> tuple[Operator, str, str]:
        """The op, column and value as they stand in the table; what no cell has, or the question does not say, is refused."""
        low = value.casefold().strip()
        if low in say.YES or low in say.NO or not low:
            raise _Unsaid("yes and no are asked by their column")
        self._is_said(value)
        texts = [column, *(c for c, kind in self.frame.kinds.items() if kind == "text" and c != column)]
        for other in texts:
            whole = next((v for v in self.frame.distinct(other) if v.casefold() == low), None)
            if whole is not None and op in ("=", "!="):
                return op, self._column_of(whole, other), whole
        held = [v for v in self.frame.distinct(column) if low in v.casefold()]
        if op == "!=" or not held or not all(re.search(rf"(?<![a-z]){re.escape(low)}", v.casefold()) for v in held):
            raise _Unsaid(f"no cell has {value!r}")
        holds = [
            c
            for c in texts
            if any(re.search(rf"(?<![a-z]){re.escape(low)}", v.casefold()) for v in self.frame.distinct(c))
        ]
        if column not in self.named and holds != [column]:
            raise _Unsaid(f"several columns have {value!r}")
        return "contains", self._column_of(value, column), value

    def _column_of(self, value: str, column: str) -> str:
        """The column, which must be that which the question's words for the value are soonest of."""
        keys = {t.key for t in tokens(say.plain(value))}
        for mention in self.naming.values():
            spots = {t.key for t in self.words if any(a <= t.start < b for a, b in mention.spots)}
            if spots & keys and mention.share == 1.0:
                if mention.column != column:
                    raise _Unsaid(f"{value} is sooner of {mention.column}")
                break
        return column

    def _is_said(self, value: str) -> None:
        own = [t for t in tokens(say.plain(value)) if says_nothing(t.word)] or list(tokens(say.plain(value)))
        if not own or not all(self._has(t.word, t.key) for t in own):
            raise _Unsaid(f"{value!r} is not said")

    def _has(self, word: str, its_key: str) -> bool:
        if not word.isascii():
            return word in self.text
        return any(its_key in meant(token) for token in self.words)

    def _dates(self, filters: Sequence[Filter]) -> None:
        """Days are those of the one time that the question tells, all of its bounds, in the column that is named where there are several."""
        dated = [c for c, kind in self.frame.kinds.items() if kind == "date"]
        used = {f.column for f in filters if f.column in dated and "empty" not in f.op}
        if not used and not self._told:
            return
        if len(self._told) != 1 or len(used) != 1 or (len(dated) > 1 and not used <= self.named):
            raise _Unsaid("the times are not those that are told")
        bounds = {_bound(op, day.isoformat()) for op, day in next(iter(self._told.values())).bounds}
        if {_bound(f.op, str(f.value)) for f in filters if f.column in used} != bounds:
            raise _Unsaid("a time is another one than is told")

    @cached_property
    def _told(self) -> Mapping[tuple[int, int], Period]:
        """The times that the question tells, by where it does, of the years that the columns of dates have."""
        columns = [self.frame.values[column] for column, kind in self.frame.kinds.items() if kind == "date"]
        latest = [max(days) for values in columns if (days := [value for value in values if value is not None])]
        return {(p.start, p.end): p for day in latest for p in periods(self.text, day.year)}

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
        if len(order) > 1:
            raise _Unsaid("two orders")
        if aggregate:
            order = [Order(column=aggregate.name, descending=o.descending) for o in order] if query.group_by else []
        elif any(o.column not in self.frame.kinds for o in order):
            raise _Unsaid("no column to be ordered by")
        return query.model_copy(
            update={"aggregate": aggregate, "order_by": order, "select": [] if aggregate else query.select}
        )

    # -- what is computed ----------------------------------------------------------------------------------------

    def _computes(self, query: TableQuery) -> None:
        """What is computed is said, and what is said is computed."""
        function = query.aggregate.function if query.aggregate else ""
        ordered = bool(query.order_by) or function in ("max", "min")
        mean, counted, different = (bool(p.search(self.plainly)) for p in (say.MEAN, say.COUNTED, say.DIFFERENT))
        total = any(m[0] != "how much" for m in say.SUM.finditer(self.plainly))
        high, low, most, least = (bool(p.search(self.plainly)) for p in (say.HIGH, say.LOW, say.MOST, say.LEAST))
        ranked, each = (
            bool(say.RANK.search(self.plainly)),
            bool(say.EACH.search(self.plainly) or say.COMPARED.search(self.plainly)),
        )
        top = next((m["n"] or m["m"] or m["z"] for m in say.TOP.finditer(self.plainly)), None)
        said = {
            "mean": mean, "sum": total, "max": high, "min": low, "count": counted or most or least or low or (each and not total),
            "count distinct": counted, "": True,
        }  # fmt: skip
        if (
            not said[function]
            or (mean and function != "mean")
            or (total and function not in ("sum", "count"))
            or (counted and "count" not in function)
        ):
            raise _Unsaid(f"{function or 'a list'} is not what is said")
        if different and function != "count distinct" and not query.group_by:
            raise _Unsaid("different ones are said")
        if bool(high or low or most or least or ranked or top) != ordered:
            raise _Unsaid("an order is said, or is not")
        down = query.order_by[0].descending if query.order_by else function == "max"
        rising = low or least or _RISING.search(self.plainly) is not None
        if ordered and (((high or most) and rising) or down == rising):
            raise _Unsaid("the order is the other way round")
        number = None if top is None else int(top) if top.isdigit() else say.SMALL[top]
        if number is not None and query.limit != number:
            raise _Unsaid(f"{number} are asked for")
        if number is None and query.limit and (query.limit != 1 or not (high or low or most or least)):
            raise _Unsaid(f"the first {query.limit} are not said")
        several = {f.column for f in query.filters if isinstance(f.value, list)}
        if not set(query.group_by) <= self.named | several or ((each or (mean and several)) and not query.group_by):
            raise _Unsaid("the groups are not those that are said")
        if query.group_by and not (each or ordered or several):
            raise _Unsaid("no groups are asked for")
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
        """Every column of numbers and every value that is named takes part; so does the column that "which" asks for."""
        held = {t.key for v in _texts(query) for t in tokens(say.plain(v))}
        for mention in self.columns:
            which = bool(query.group_by) and re.search(r"\b(?:which|what)\s+$", self.text[: mention.start])
            if (self.frame.kinds[mention.column] == "number" or which) and mention.alone and mention.column not in used:
                raise _Unsaid(f"{mention.column} is named")
        for mention in self.naming.values():
            own = {t.key for t in tokens(say.plain(str(mention.value)))}
            spots = {t.key for t in self.words if any(a <= t.start < b for a, b in mention.spots)}
            if mention.share == 1.0 and not (own <= held or spots <= held or spots <= self._column_keys(used)):
                raise _Unsaid(f"{mention.value} is named")

    def _numbers(self, query: TableQuery) -> None:
        """Each number in digits is used, and used once: as a condition, as how many are asked for, within a time or a value."""
        inside = {w for v in _texts(query) for w in _DIGITS.findall(v)}
        said = Counter(
            value for start, end, value in _numbers_of(self.text)
            if self.text[start].isdigit() and self.text[start:end] not in inside and not any(a <= start < b for a, b in self._told)
        )  # fmt: skip
        used = Counter(f.value for f in query.filters if isinstance(f.value, float) and f.value) + Counter(
            [float(query.limit)] if query.limit else []
        )
        if said - used:
            raise _Unsaid(f"{set(said - used)} are passed over")

    def _denials(self, query: TableQuery) -> None:
        """Each denial is used, where it stands: "not on line 2" is no "not leaking"."""
        denying = [
            f
            for f in query.filters
            if f.op in ("!=", "is empty", "is not empty")
            and not (f.op == "is not empty" and f.column in query.group_by)
        ]
        said = _DENIES.findall(self.text)
        if len(said) != sum(f.op != "is not empty" for f in denying):
            raise _Unsaid("not every denial is used, or one is that is not said")
        for f in denying:
            if f.op == "!=":
                values = f.value if isinstance(f.value, list) else [str(f.value)]
                first = {t.key for t in tokens(say.plain(values[0]))}
                starts = [t.start for t in self.words if meant(t) & first]
                bound = any(say.OTHER.search(self.text[:start]) for start in starts)
            else:
                spots = [m for m in self.columns if m.column == f.column]
                ahead = say.WITHOUT if f.op == "is empty" else say.HAVING
                bound = any(
                    ahead.search(self.text[: m.start]) or (f.op == "is empty" and _EMPTY.match(self.text[m.end :]))
                    for m in spots
                )
            if not bound:
                raise _Unsaid(f"{f.op} is not said of {f.column}")

    @staticmethod
    def _column_keys(used: set[str]) -> set[str]:
        return {k for column in used for k in keys_of(column)}

    def _left(self, query: TableQuery, used: set[str]) -> Iterator[str]:
        """The words that took no part."""
        covered = bytearray(len(self.text))
        used_numbers = [*(f.value for f in query.filters if isinstance(f.value, float)), query.limit]
        spans = [(m.start, m.end) for m in self.columns if m.column in used]
        spans += self._told
        spans += [m.span() for p in _COMPUTING for m in p.finditer(self.text)]
        spans += [m.span("how") if m["how"] else m.span() for m, _ in self.compared]
        spans += [
            m.span()
            for p in (_DENIES, say.BETWEEN, *([_OR] if any(isinstance(f.value, list) for f in query.filters) else []))
            for m in p.finditer(self.text)
        ]
        spans += [(start, end) for start, end, value in _numbers_of(self.text) if value in used_numbers]
        for start, end in spans:
            covered[start:end] = b"x" * (end - start)
        values = _texts(query)
        keys = self._column_keys(used) | self.naming.about | {t.key for v in values for t in tokens(say.plain(v))}
        for token in self.words:
            rest = "".join(
                c for c, at in zip(token.word, range(token.start, token.end), strict=False) if not covered[at]
            )
            if not rest or meant(token) & keys:
                continue
            if not token.word.isascii():
                for value in values:
                    rest = rest.replace(value.casefold(), "")
                if said := says_nothing(rest):
                    yield said
            elif rest == token.word and says_nothing(token.word):
                if token.word in say.NARROWING:
                    raise _Unsaid(f"{token.word} is passed over")
                if not _DIGITS.fullmatch(token.word):
                    yield token.word


def _texts(query: TableQuery) -> list[str]:
    """The texts that its conditions name."""
    return [
        v for f in query.filters for v in (f.value if isinstance(f.value, list) else [f.value]) if isinstance(v, str)
    ]


def _numbers_of(text: str) -> Iterator[tuple[int, int, float]]:
    """The numbers of a text, in digits or spelt, with where they stand."""
    for match in _NUMBER.finditer(text):
        yield match.start(), match.end(), float(match[0].replace(",", ""))
    for word, value in say.SMALL.items():
        for match in re.finditer(rf"\b{word}\b" if word.isascii() else word, text):
            yield match.start(), match.end(), float(value)


def _bound(op: str, day: str) -> tuple[str, date]:
    """A bound with its day within: before 1 March is up to 28 February. _Unsaid where it is no day."""
    try:
        read = date.fromisoformat(day)
        return ("<=", read - _DAY) if op == "<" else (">=", read + _DAY) if op == ">" else (op, read)
    except (ValueError, OverflowError):
        raise _Unsaid(f"{day} is no day") from None


def numbers_in(text: str) -> set[float]:
    """The numbers that a text has, in digits or spelt."""
    return {value for _, _, value in _numbers_of(text)}


def meant(token: say.Token) -> frozenset[str]:
    """The keys that a word stands for: its own, those of its parts, and those of words that mean the same of a failure."""
    parts = {key(part) for part in re.split(r"[-/]", token.word) if part}
    return say.ALIKE.get(token.word, frozenset()) | {token.key} | parts
