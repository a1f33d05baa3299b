"""Questions to tables: a question in English or Chinese becomes a query, by rules that anyone can read and no model.

What is looked for: values of the table's own cells, names of its columns, numbers and days with the words that compare them,
and words for counting, adding, averaging and ranking. Every word of the question must find its place in the query or be one that
says nothing here ("please", "do we have"): the others are named, since the one that is passed over may be the one that matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sectorkit import table_words as say
from sectorkit.query import COUNT, Aggregate, Filter, Frame, Operator, Order, TableQuery
from sectorkit.table_days import all_meet, periods
from sectorkit.table_naming import Mention, Naming, Tables, keys_of, unit_in
from sectorkit.table_words import Token, key, says_nothing, spelt_out, tokens

_MARGIN = 0.75  # of scores, within which two tables fit alike
_LONGEST = 400  # characters of a question
_ENOUGH = 1.0  # of a score, below which a question named too little
_KEYWORDS = 3  # words of a question that may be looked for within cells
_WORD = 4  # letters of a word that is looked for within cells
_SHORT = 3  # letters
_NEAR = 40  # characters between a number and the column that it is of
_FEW = 8  # rows at least for each value, where a column is asked for by a word of the title
_GAP = 16  # characters between "each" or "which" and the column that it is of


@dataclass(frozen=True)
class Understood:
    """The table and the query that a question was understood as, how much of it spoke for them, and which words did not.

    `asks_for_the_rest` tells that what is left is what is counted or asked for; `loose` conditions are words within cells.
    """

    frame: Frame
    query: TableQuery
    score: float
    left: tuple[str, ...] = ()
    asks_for_the_rest: bool = False
    loose: int = 0

    @property
    def denies(self) -> bool:
        """Whether a word that was left out turns the question round: without it the answer would be another."""
        return any(say.DENYING.fullmatch(word) for word in self.left)

    @property
    def whole(self) -> bool:
        """Whether nothing of the question was left out."""
        return not self.left


def understand(question: str, tables: Tables) -> Understood | None:
    """The question as a query to the table that leaves the least of it out; None where it names nothing of any, or is too long."""
    if len(question) > _LONGEST:
        return None
    text = spelt_out(question)
    words = tuple(tokens(text))
    readers = [_Reader(Naming(text, words, question, frame, tables)) for frame in tables.asked]
    found = [got for reader in readers if (got := reader.read()) is not None]
    found.sort(key=lambda got: (len(got.left), got.loose, -got.score))
    if not found or found[0].left:
        return found[0] if found else None
    best = found[0]
    rivals = [got for got in found if got.whole and got.loose == best.loose and got.score > best.score - _MARGIN]
    filled = [got for got in rivals if got.frame.run(got.query.model_copy(update={"limit": 1})).total]
    if len(rivals) == 1 or not filled:
        return best
    if len(filled) > 1:  # no word says which of them is meant
        return replace(filled[0], left=(f"whether {' or '.join(dict.fromkeys(got.frame.name for got in filled))}",))
    return filled[0]


class _Reader:
    """Reads one question for one table.

    `seen` are spans of the text that found their place in the query. `taken` are those of values and numbers: no column is named there.
    """

    def __init__(self, naming: Naming) -> None:
        self.naming, self.text, self.words, self.frame = naming, naming.text, naming.words, naming.frame
        self.kinds = self.frame.kinds
        self.score = 0.0
        self.filters: list[Filter] = []
        self.seen: list[tuple[int, int]] = []
        self.taken: list[tuple[int, int]] = []
        self.missed: list[str] = []  # words that are asked for and that no query gives

    def read(self) -> Understood | None:
        self._title()
        self._days()
        self._values()
        self._yes_no()
        self._heads()
        self._held()
        self.columns = self.naming.columns(self.taken)
        self._comparisons()
        self._empty()
        query = self._query()
        if query is None:
            return None
        self.seen += [(m.start, m.end) for m in self.columns]
        self.score += 0.5 * len({m.column for m in self.columns})
        before = len(query.filters)
        self._unused(query)
        query, left = self._rest(query)
        if not (query.filters or query.aggregate or query.group_by or query.order_by):
            return None  # columns alone are no question
        loose = len(query.filters) - before
        rest = any(self._is_counted(word) for word in left)
        return Understood(self.frame, query, self.score, left, rest, loose) if self.score >= _ENOUGH else None

    def _is_counted(self, word: str) -> bool:
        """Whether it is the very thing that "how many" or "how much" asks for, and no word that tells which: "how many passes"."""
        for one, two, three, four in zip(
            self.words, self.words[1:], self.words[2:], [*self.words[3:], None], strict=False
        ):
            if one.word == "how" and two.word in ("many", "much") and three.word == word:
                return four is None or not says_nothing(four.word)
        return False

    def _unused(self, query: TableQuery) -> None:
        """Words for computing that the query has no part for, and columns of which several are meant alike, are left."""
        function = query.aggregate.function if query.aggregate else ""
        for pattern, used in (
            (say.MEAN, function == "mean"),
            (say.COUNTED, bool(query.aggregate)),
            (say.HIGH, bool(query.order_by)),
            (say.LOW, bool(query.order_by)),
            (say.LEAST, bool(query.order_by)),
        ):
            spots = [m for m in pattern.finditer(self.text) if not self._is_taken(*m.span())]
            if spots and not used and not any(m.start <= spots[0].start() < m.end for m in self.columns):
                self.missed.append(spots[0][0])
        computed = {query.aggregate.column if query.aggregate else None, *(o.column for o in query.order_by)}
        self.missed += [self.text[m.start : m.end] for m in self.columns if m.column in computed and not m.alone]

    # -- what is named -------------------------------------------------------------------------------------------

    def _title(self) -> None:
        """Words of the document's title or file, and such as "line" beside them: "on the bottling line"."""
        about = self.naming.about
        met = [token for token in self.words if token.key in about or set(map(key, token.word.split("-"))) <= about]
        self.score += 0.75 * len({token.key for token in met})
        beside = {token.end + 1 for token in met} | {token.start - 1 for token in met}
        met += [t for t in self.words if t.word in say.FILLING_BESIDE_TITLES and ({t.start, t.end} & beside)]
        self.seen += [(token.start, token.end) for token in met]
        for han, word in say.TITLES.items():
            if word in about and (spots := [match.span() for match in re.finditer(han, self.text)]):
                self.seen += spots
                self.score += 0.75

    def _values(self) -> None:
        """A filter for each column of which values are named; two values of a column are either of them."""
        for mention in self.naming.values():
            if any(self._is_taken(*spot) for spot in mention.spots):
                continue
            other = say.OTHER.search(self.text[: mention.start])
            same = next((f for f in self.filters if f.column == mention.column), None)
            kind = self.naming.kinds_of(mention)
            if same is None and not other and say.INCLUDING.search(self.text[: mention.start]):
                self.filters.append(Filter(column=mention.column, op="contains", value=str(mention.value)))
            elif same is None and kind and not other:
                self.filters.append(Filter(column=mention.column, op="contains", value=kind))
            elif same is None:
                self.filters.append(Filter(column=mention.column, op="!=" if other else "=", value=mention.value))
            elif same.op == "=" and not other and (either := self._either(mention)):
                self.seen.append(either)
                held = same.value if isinstance(same.value, list) else [str(same.value)]
                if mention.value in held:
                    continue
                self.filters[self.filters.index(same)] = same.model_copy(update={"value": [*held, str(mention.value)]})
            else:
                continue
            self.score += (2.0 if mention.sure else 1.5) + 0.5 * (mention.value in self.frame.distinct(mention.column))
            self.taken += mention.spots
            self.seen += [*mention.spots, *([other.span()] if other else [])]
            if re.match(r"\s*[）)]", self.text[mention.end :]) and (
                gloss := say.GLOSS.search(self.text[: mention.start])
            ):
                self.seen.append(gloss.span("said" if gloss["said"] else "word"))  # 润滑油劣化（Oil degradation)

    def _either(self, mention: Mention) -> tuple[int, int] | None:
        """The span of an "or" between this value and one that was taken before, on either side; None where there is none."""
        if (said := say.EITHER.search(self.text[: mention.start])) and any(
            0 <= said.start() - b <= 1 for _, b in self.taken
        ):
            return said.span()
        for start, _ in self.taken:
            said = say.EITHER.search(self.text[:start])
            if said and 0 <= said.start() - mention.end <= 1:
                return said.span()
        return None

    def _heads(self) -> None:
        """A filter for each kind of thing that is named without any one value: "hoses"."""
        for mention in self.naming.heads([*self.taken, *self.seen]):
            if mention.column not in {f.column for f in self.filters}:
                self.filters += [
                    Filter(column=mention.column, op="contains", value=k) for k in str(mention.value).split()
                ]
                self._take(mention.start, mention.end, 1.5)

    def _yes_no(self) -> None:
        """A column of yes and no is asked by its name: "critical parts", "non-critical items"."""
        for mention in self.naming.columns(self.taken):
            column = mention.column
            values = self.frame.distinct(column) if self.kinds[column] == "text" else []
            yes, no = ([v for v in values if v.casefold() in words] for words in (say.YES, say.NO))
            if len(values) == len(yes) + len(no) == 2 and yes and no:
                other = say.OTHER.search(self.text[: mention.start])
                if re.search(r"\b(?:no|without)\s+$", self.text[: mention.start]):
                    self.missed.append("no")  # of each one: none of them
                self.filters = [f for f in self.filters if f.column != column]
                self.filters.append(Filter(column=column, value=(no if other else yes)[0]))
                self._take(other.start() if other else mention.start, mention.end, 1.5)

    def _held(self) -> None:
        """Words that a cell must hold: "mentions VM-03", "by a smell"."""
        for match in say.HELD.finditer(self.text):
            words = re.findall(r"[a-z0-9][\w.-]*", match["what"] or match["sense"]) or [(match["what"] or "").strip()]
            wanted = max(words, key=lambda w: (any(c.isdigit() for c in w), len(w)))
            if not wanted:
                continue
            texts = [c for c, kind in self.kinds.items() if kind == "text"]
            held = {c: sum(wanted in (v or "").casefold() for v in self.frame.values[c]) for c in texts}
            best = max(held, key=lambda c: held[c], default=None)
            if best and held[best] and best not in {f.column for f in self.filters}:
                self.filters.append(Filter(column=best, op="contains", value=wanted))
                self._take(*match.span(), 2.0)

    def _empty(self) -> None:
        """ "without a recommended action", "never issued", "not assigned"; and "that have a remark", and what is counted by a column."""
        for mention in self.columns:
            before = say.WITHOUT.search(self.text[: mention.start])
            if not before and self.text[mention.start : mention.end].endswith("ed"):
                before = say.NOT_DONE.search(self.text[: mention.start])
            behind = say.EMPTIED.match(self.text[mention.end :])
            if (before or behind) and mention.column not in {f.column for f in self.filters}:
                self.filters.append(Filter(column=mention.column, op="is empty"))
                self.seen.append((mention.start, mention.end + (behind.end() if behind else 0)))
                self.seen += [before.span()] if before else []
                self.score += 1.0
        for mention in self.columns:
            if None in self.frame.values[mention.column] and mention.column not in {f.column for f in self.filters}:
                grouped = say.GROUPED.search(self.text[: mention.start])  # "which department has the largest number of"
                counted = say.COUNTED.search(self.text) and mention.column != self._counted() and not grouped
                if say.HAVING.search(self.text[: mention.start]) or counted:
                    self.filters.append(Filter(column=mention.column, op="is not empty"))

    def _counted(self) -> str | None:
        """The column that "how many" is followed by."""
        ends = {
            match.end()
            for match in re.finditer(
                r"\b(?:how many|(?:largest|highest|greatest|smallest|lowest) number of) (?:different |distinct |of the )?|多少个?",
                self.text,
            )
        }
        return next((m.column for m in self.columns if m.start in ends), None)

    def _take(self, start: int, end: int, score: float) -> None:
        self.taken.append((start, end))
        self.seen.append((start, end))
        self.score += score

    def _is_taken(self, start: int, end: int) -> bool:
        return any(a < end and start < b for a, b in self.taken)

    # -- numbers and days ----------------------------------------------------------------------------------------

    def _comparisons(self) -> None:
        for match in say.BETWEEN.finditer(self.text):
            if column := self._compare(*match.span(), ">=", match["n"]):
                self.filters.append(Filter(column=column, op="<=", value=_float(match["m"])))
        for match in say.AFTERWARDS.finditer(self.text):
            self._compare(*match.span(), say.afterwards(match), match["n"] or match["zn"], unit=match["unit"])
        for pattern, op in say.OPERATORS:
            for match in pattern.finditer(self.text):
                self._compare(match.start(), match.end("n"), op, match["n"], unit=match["unit"])
        for match in say.WORSE.finditer(self.text):
            self._rate(match)
        for mention in self.columns:
            if self.kinds[mention.column] == "number":
                self._beside(mention)

    def _rate(self, match: re.Match[str]) -> None:
        """ "worse than 5", "5 or worse", of a rating, which is worse where it is higher."""
        near = [m for m in self.columns if m.end <= match.start() or m.start >= match.end()]
        near.sort(key=lambda m: max(match.start() - m.end, m.start - match.end()))
        if near and say.RATING.match(near[0].column.casefold()):
            ops: tuple[Operator, Operator] = (">=", "<=") if match["or"] else (">", "<")
            op = ops["better" in (match["or"], match["how"])]
            self._compare(*match.span(), op, match["n"] or match["m"], column=near[0].column)

    def _beside(self, mention: Mention) -> None:
        """The number right beside a column's name."""
        column, before, behind = mention.column, self.text[: mention.start], self.text[mention.end :]
        if said := say.EQUAL_AFTER.match(behind):
            start, end = mention.end, mention.end + said.end()
            ahead = next(((m.start(), op) for p, op in say.AHEAD if (m := p.search(before))), None)
            if ahead and not said["or"]:  # "above an RPN of 80"
                self._compare(ahead[0], end, ahead[1], said["n"], column=column)
                return
        elif said := say.EQUAL_BEFORE.search(before):  # "rated 9 for severity"
            start, end = said.span()
        elif (said := say.ZERO.search(before)) and (said["zero"] or None not in self.frame.values[column]):
            self._compare(*said.span(), "=", "0", column=column)
            return
        else:
            return
        if not said["or"]:  # "a severity of 9"
            self._compare(start, end, "=", said["n"], column=column)
        elif _float(said["or"]) == _float(said["n"]) + 1:  # "a severity of 9 or 10"
            self._compare(start, end, ">=", said["n"], column=column)
            self.filters.append(Filter(column=column, op="<=", value=_float(said["or"])))

    def _compare(
        self, start: int, end: int, op: Operator, number: str, *, column: str | None = None, unit: str | None = None
    ) -> str | None:
        """A filter for the column that the number is of: one of its unit, or the nearest that is named. None where there is none."""
        if self._is_taken(start, end):
            return None
        numeric = [m for m in self.columns if self.kinds[m.column] == "number"]
        before = [m for m in numeric if m.end <= start and start - m.end <= _NEAR]
        behind = [m for m in numeric if m.start >= end]
        near = before[-1] if before else behind[0] if behind else None
        column = column or self._of_unit(unit) or (near.column if near else None)
        if column is None:
            return None
        self.filters.append(Filter(column=column, op=op, value=_float(number)))
        said = re.match(r"\s*(小时|分钟|欧元|[^\W\d][^\W_]*|[%€])", self.text[end:])
        if said and say.UNITS.get(said[1], said[1]) == unit_in(column):  # "500 to 1000 m2" of "Area m2"
            end += said.end()
        if near is not None and near.column == column:
            self.seen.append((near.start, near.end))
        self._take(start, end, 1.0)
        return column

    def _of_unit(self, unit: str | None) -> str | None:
        """The column whose name ends in that unit, if one does: "1 hour" is of "Downtime h"."""
        short = say.UNITS.get(unit or "")
        fit = [c for c, k in self.kinds.items() if k == "number" and short and unit_in(c) == short]
        return fit[0] if len(fit) == 1 else None

    def _days(self) -> None:
        dated = [column for column, kind in self.kinds.items() if kind == "date"]
        known = {column: [v for v in self.frame.values[column] if v is not None] for column in dated}
        latest = max((day for days in known.values() for day in days), default=date.today())
        said = periods(self.text, latest.year) if dated else []
        named = [m.column for m in self.naming.columns([]) if m.column in dated] if said else []
        if (
            len(said) > 1
            and len({op for period in said for op, _ in period.bounds}) > 1
            and len(said[0].bounds) == len(said[1].bounds) == 2
        ):
            self.missed.append(self.text[said[0].start : said[-1].end])  # two times that no row can both be of
        numbers = {m.end for m in self.naming.columns([]) if self.kinds[m.column] == "number"} if said else set()
        for period in said:
            if period.start - 1 in numbers and self.text[period.start :].startswith("of "):
                continue  # "a stock of 2025"
            column = (named or dated)[0]
            self._take(period.start, period.end, 0.0)
            for bound in period.bounds:
                if not all_meet(bound, known[column]):  # what all rows meet says nothing
                    self.filters.append(Filter(column=column, op=bound[0], value=bound[1].isoformat()))
                    self.score += 0.5

    # -- what is asked -------------------------------------------------------------------------------------------

    def _query(self) -> TableQuery | None:
        filtered = {f.column for f in self.filters}
        free = [m for m in self.columns if m.column not in filtered]
        numeric = [m.column for m in free if self.kinds[m.column] == "number"]
        high, low, most, rank, least = (self._said(p) for p in (say.HIGH, say.LOW, say.MOST, say.RANK, say.LEAST))
        summed = bool(say.MEAN.search(self.text) or say.SUM.search(self.text))
        group, limit = self._group(free, most=most or least or (summed and (high or low))), self._limit()
        ranked = high or low or most or rank or least or limit is not None
        down = not (low or least) or high
        aggregate = self._aggregate(numeric, group, ranked=ranked, most=most or least or rank)
        if aggregate is None and group and numeric and (high or low) and say.PER.search(self.text):
            aggregate, ranked = Aggregate(function="max" if high else "min", column=numeric[0]), False
        if aggregate is not None:
            self.score += 1.0
            order = [Order(column=aggregate.name if aggregate.column else COUNT, descending=down)] if group else []
            cut = (limit or (None if rank else 1)) if group and ranked else None
            filled = group and ranked and None in self.frame.values[group]
            filters = [*self.filters, *([Filter(column=group, op="is not empty")] if group and filled else [])]
            query = TableQuery(
                filters=filters, group_by=[group] if group else [], aggregate=aggregate, order_by=order, limit=cut
            )
            return self._with_equals(query) if cut == 1 else query
        dates = [m.column for m in free if self.kinds[m.column] == "date"]
        late = self._said(say.LATE) or bool(dates and self._said(say.LAST))
        early = self._said(say.EARLY) or bool(self.filters and not ranked and self._said(say.FIRST))
        if late or early:
            every = dates or [c for c, kind in self.kinds.items() if kind == "date"]
            return self._ranking(every[0], descending=late, limit=limit or 1) if every else None
        if ranked:
            by = self._ranked_by(numeric) if not (most or least) or high else None
            only = limit or (None if rank else 1)
            return self._ranking(by, descending=down, limit=only) if by else None
        asked = {m.column for m in free}
        if len(asked) == 1 and free[0].start < _NEAR // 4 and None in self.frame.values[free[0].column]:
            self.filters.append(Filter(column=free[0].column, op="is not empty"))  # "recommended actions in mixing"
        return TableQuery(filters=self.filters, select=self._selected()) if self.filters or self.columns else None

    def _ranking(self, by: str, *, descending: bool, limit: int | None) -> TableQuery:
        self.score += 1.0
        order = [Order(column=by, descending=descending)]
        filters = self.filters
        if limit == 1:  # all that share the first place
            first = self.frame.run(TableQuery(filters=filters, order_by=order, limit=1, select=[by])).value
            same = [*filters, Filter(column=by, value=first)]
            if first is not None and self.frame.run(TableQuery(filters=same, limit=1)).total > 1:
                filters, limit = same, None
        return TableQuery(filters=filters, order_by=order, limit=limit, select=self._selected(by))

    def _with_equals(self, query: TableQuery) -> TableQuery:
        """With as many groups as share the first place."""
        rows = self.frame.run(query.model_copy(update={"limit": None})).rows
        return query.model_copy(update={"limit": sum(row[-1] == rows[0][-1] for row in rows) or 1})

    def _said(self, pattern: re.Pattern[str]) -> bool:
        """Whether the question has it, outside of values; it is then seen."""
        met = [match.span() for match in pattern.finditer(self.text) if not self._is_taken(*match.span())]
        self.seen += met
        return bool(met)

    def _aggregate(self, numeric: Sequence[str], group: str | None, *, ranked: bool, most: bool) -> Aggregate | None:
        mean, total, counted = self._said(say.MEAN), self._said(say.SUM), self._said(say.COUNTED)
        if mean and numeric:
            return Aggregate(function="mean", column=numeric[0])
        if (amount := self._amount()) is not None:
            return Aggregate(function="sum", column=amount)
        if counted and (of := self._numbered()):  # "the greatest number of bottles" is no count
            return Aggregate(function="sum", column=of) if group or total else None
        additive = [column for column in numeric if say.ADDITIVE.search(column.casefold())]
        if total and numeric:
            return Aggregate(function="sum", column=(additive or numeric)[0])
        if counted:
            named = [m.column for m in self.columns if self.kinds[m.column] == "text"]
            if self._said(say.DIFFERENT) and named:
                return Aggregate(function="count distinct", column=named[0])
            of = self._counted()
            mention = next((m for m in self.columns if m.column == of and self._says_all(m)), None)
            if (
                of
                and mention
                and self.kinds[of] == "text"
                and self.frame.repeats(of)
                and of != self._telling()
                and not self._is_title(mention)
                and not self._are_entries(mention)
            ):
                return Aggregate(function="count distinct", column=of)
            return Aggregate(function="count")
        if group and additive and (ranked or say.COMPARED.search(self.text)):
            return Aggregate(function="sum", column=additive[0])
        return Aggregate(function="count") if group and most and not numeric else None

    def _numbered(self) -> str | None:
        """The column of numbers that "number of" is followed by, where it is by one."""
        ends = {match.end() for match in say.NUMBER_OF.finditer(self.text)}
        return next((m.column for m in self.columns if m.start in ends and self.kinds[m.column] == "number"), None)

    def _ranked_by(self, numeric: Sequence[str]) -> str | None:
        """The column that rows are ranked by: one that is named, the only one there is, or an FMEA's risk priority number."""
        every = [c for c, kind in self.kinds.items() if kind == "number"]
        rpn = [c for c in every if c.casefold() == "rpn"]
        if said := say.HARD_TO.search(self.text):  # "which risk is the hardest to detect"
            of = [m.column for m in self.columns if m.start <= said.start("what") < m.end and m.column in every]
            numeric = [*of, *numeric]
        return numeric[0] if numeric else every[0] if len(every) == 1 else rpn[0] if rpn else None

    def _group(self, free: Sequence[Mention], *, most: bool) -> str | None:
        """The column of which each value is asked for: "which shift", "each machine", "districts by total fees", 哪条生产线."""
        texts = [m for m in free if self.kinds[m.column] == "text" and not self._is_title(m)]
        for mention in texts:
            if total := say.BY_TOTAL.match(self.text[mention.end :]):
                self.seen.append((mention.end + total.start(), mention.end + total.start("of")))
                return mention.column
        several = next((f.column for f in self.filters if isinstance(f.value, list)), None)
        mean = say.MEAN.search(self.text)
        if several and (
            self._said(say.COMPARED)
            or self._said(say.HAS_MORE)
            or (mean and (self._said(say.COMPARATIVE) or " and " in self.text))
        ):
            return several  # a mean of both together is seldom meant
        for mention in texts:
            if self.frame.repeats(mention.column) and say.WITH_MOST.match(self.text[mention.end :]):
                return mention.column
        for pattern in (say.EACH, say.RANK, say.TOP, say.WHICH, *([say.MOST] if most else [])):
            near = [
                (spot, mention) for spot in pattern.finditer(self.text) for mention in texts
                if 0 <= mention.start - spot.end() <= _GAP and len(list(tokens(self.text[spot.end() : mention.start]))) <= 2
            ]  # fmt: skip
            near.sort(key=lambda found: not self.frame.repeats(found[1].column))
            for _, mention in near:
                if (
                    pattern is say.EACH
                    or self.frame.repeats(mention.column)
                    or (most and not self._is_key(mention.column))
                ):
                    self.seen += [spot.span() for spot, _ in near if pattern is say.EACH]
                    return mention.column
        return None

    def _says_all(self, mention: Mention) -> bool:
        """Whether the column's whole name is there, and not a word of it."""
        return {t.key for t in self.words if mention.start <= t.start < mention.end} >= set(keys_of(mention.column))

    def _is_title(self, mention: Mention) -> bool:
        """Whether the question names the rows there by the table's own title: "complaints" of the complaints, "pump line jobs"."""
        own = [t.key for t in self.words if mention.start <= t.start < mention.end]
        if not own or not set(own) <= self.naming.about:
            return False
        behind = next((t for t in self.words if t.start >= mention.end), None)
        compound = behind is not None and (behind.key in self.naming.about or behind.word in say.FILLING_BESIDE_TITLES)
        return compound or _FEW * len(self.frame.distinct(mention.column)) > len(self.frame.table.rows)

    def _are_entries(self, mention: Mention) -> bool:
        """Whether the table's title says that its rows are these: the "defects" of a defect log."""
        named = {key(word) for m in say.ENTRIES.finditer(self.frame.title.casefold()) for word in m.groups() if word}
        return any(t.key in named for t in self.words if mention.start <= t.start < mention.end)

    def _is_key(self, column: str) -> bool:
        return len(self.frame.distinct(column)) >= len(self.frame.table.rows)

    def _amount(self) -> str | None:
        """ "How many hours": a column of hours is added up; "how many bottles": one of bottles is."""
        match = say.HOW_MANY.search(self.text)
        if match is None:
            return None
        column = self._of_unit(match["word"] or match["zh"])
        if column is None and match["word"]:
            owners = [
                c for c, kind in self.kinds.items()
                if kind == "number" and key(match["word"]) in keys_of(c) and say.ADDITIVE.search(c.casefold())
            ]  # fmt: skip
            column = owners[0] if len(owners) == 1 else self._additive_at(match.start("word"), match.end("word") + 1)
        if column:
            self.seen.append(match.span())
        elif match["word"] in say.MEASURES:
            self.missed.append(match["word"])
        return column

    def _additive_at(self, *starts: int) -> str | None:
        """The column of amounts that is named there: "pieces" is what a sheet calls its quantity."""
        named = (m.column for m in self.columns if m.start in starts and self.kinds[m.column] == "number")
        return next((column for column in named if say.ADDITIVE.search(column.casefold())), None)

    def _limit(self) -> int | None:
        for match in say.TOP.finditer(self.text):
            if not self._is_taken(*match.span()):
                said = match["n"] or match["m"] or match["z"]
                self.seen.append(match.span())
                return int(said) if said.isdigit() else say.SMALL[said]
        return None

    def _selected(self, by: str | None = None) -> list[str]:
        """What is shown of a row: what it is, what was asked for, and by what it was chosen; all, where nothing was asked for."""
        same = {f.column for f in self.filters if f.op in ("=", "is empty") and not isinstance(f.value, list)}
        asked = [m.column for m in self.columns if m.column not in same]
        if not asked and by is None:
            return [column for column in self.kinds if column not in same]
        names = [c for c in list(self.kinds)[:5] if c not in same and self.kinds[c] != "number" and self._is_name(c)]
        shown = {*names[:2], self._telling(), *asked, by} - same
        return [column for column in self.kinds if column in shown]

    def _telling(self) -> str:
        """The column that tells rows apart, among the first: a part, a failure mode."""
        names = [c for c in list(self.kinds)[:5] if self.kinds[c] == "text" and self._is_name(c)]
        mode = next((c for c in names if "mode" in c.casefold() or "模式" in c), None)
        return mode or max(names, key=lambda c: len(self.frame.distinct(c)), default="")

    def _is_name(self, column: str) -> bool:
        """Whether the column holds names of things, and no sentences."""
        values = self.frame.distinct(column)[:50]
        return sum(len(value.split()) for value in values) <= 5 * len(values)

    # -- what is left --------------------------------------------------------------------------------------------

    def _rest(self, query: TableQuery) -> tuple[TableQuery, tuple[str, ...]]:
        """The query, perhaps with words that are looked for within cells, and the words that took no part in it."""
        self.missed += [said[0] for pattern in say.TWOFOLD if (said := pattern.search(self.text))]
        left = tuple(dict.fromkeys((*self.missed, *self._left())))
        plainly = not (query.aggregate or query.group_by or query.order_by)  # rows as they are
        left += (said[0],) if plainly and (said := say.HOW_TO.match(self.text)) else ()
        if plainly:
            left = tuple(word for word in left if word not in ("each", "every"))
        if left and (more := self._keywords(left, plainly=plainly)):
            self.score += 1.0
            return query.model_copy(update={"filters": [*query.filters, *more]}), ()
        return query, left

    def _keywords(self, left: Sequence[str], *, plainly: bool) -> list[Filter]:
        """Filters for words that are left, where some row has all of them: those that stand side by side in one cell.

        Names come before sentences, and what is computed goes by names alone, such as descriptions of parts: "shower nozzles".
        """
        strange = any(
            len(word) < _WORD or not word.isascii() or word.isdigit() or word in say.NARROWING for word in left
        ) or any(match["thing"] in left for match in say.COUNTED_THING.finditer(self.text))
        runs = self._runs(left)
        if any(self._modifies(run[-1]) for run in runs):
            return []
        if (
            len(left) > _KEYWORDS
            or strange
            or say.REASONING.match(self.text)
            or (not self.filters and (len(runs) > 1 or len(left) < 2))
        ):
            return []
        plainly = plainly and bool(self.filters)
        filters: list[Filter] = []
        for run in runs:
            taken = {f.column for f in (*self.filters, *filters)}
            asked = {m.column for m in self.columns}
            columns = [c for c, kind in self.kinds.items() if kind == "text" and c not in taken]
            columns = [c for c in columns if self._is_name(c) or plainly]
            columns.sort(key=lambda c: (c not in self.naming.things, not self._is_name(c), c in asked))
            for column in columns:
                held = [Filter(column=column, op="contains", value=_stem(word)) for word in run]
                if self.frame.run(TableQuery(filters=[*self.filters, *filters, *held], limit=1)).total:
                    filters += held
                    break
            else:
                return []
        return filters

    def _modifies(self, word: str) -> bool:
        """Whether the word stands right before a value that is named, and so tells which of it: "electrical connections"."""
        ends = {token.end for token in self.words if token.word == word}
        return any(start - 1 in ends for start, _ in self.taken)

    def _runs(self, left: Sequence[str]) -> list[list[str]]:
        """The words in groups that stand side by side in the question."""
        runs: list[list[str]] = []
        for word in left:
            if runs and re.search(rf"\b{re.escape(runs[-1][-1])}\s+{re.escape(word)}\b", self.text):
                runs[-1].append(word)
            else:
                runs.append([word])
        return runs

    def _left(self) -> Iterator[str]:
        dated = {m.column for m in self.columns} | {f.column for f in self.filters}
        if any(self.kinds[column] == "date" for column in dated):
            self.seen += [(t.start, t.end) for t in self.words if t.word in ("date", "dates", "day", "days")]
        for pattern in (say.WHICH, say.DIFFERENT):
            self.seen += [match.span() for match in pattern.finditer(self.text)]
        covered = bytearray(len(self.text))
        for start, end in self.seen:
            covered[start:end] = b"x" * (end - start)
        filters = sorted(self.taken)
        for n, token in enumerate(self.words):
            number = n and self.words[n - 1].word.isdigit()
            between = any(b <= token.start for _, b in filters) and any(token.end <= a for a, _ in filters)
            if token.word in ("or", "oder") and between and not covered[token.start]:
                yield token.word  # of two conditions, of which a query wants both
            if len(token.word) == 1 and token.word.isalpha() and number and not covered[token.start]:
                yield token.word  # a unit
            rest = _uncovered(token, covered)
            if not token.word.isascii():
                if said := says_nothing(rest):
                    yield said
            elif (
                rest == token.word
                and says_nothing(token.word)
                and not (token.word == "only" and n == len(self.words) - 1)
            ):
                yield token.word


def _uncovered(token: Token, covered: bytearray) -> str:
    return "".join(c for c, at in zip(token.word, range(token.start, token.end), strict=False) if not covered[at])


def _float(number: str) -> float:
    return float(number.replace(",", ""))


def _stem(word: str) -> str:
    """What of a word is looked for within cells: its key, unless that is so short that other words begin with it."""
    return key(word) if len(key(word)) > _SHORT else word
