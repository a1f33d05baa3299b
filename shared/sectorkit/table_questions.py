"""Questions to tables: a question in English or Chinese becomes a query, by rules that anyone can read and no model.

What is looked for: values of the table's own cells, names of its columns, numbers and days with the words that compare them,
and words for counting, adding, averaging and ranking. Every word of the question must find its place in the query or be one that
says nothing here ("please", "do we have"): the others are named, since the one that is passed over may be the one that matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import PurePath

from sectorkit.query import COUNT, Aggregate, Filter, Frame, Operator, Order, TableQuery
from sectorkit.table_days import all_meet, periods
from sectorkit.table_words import (
    ADDITIVE, AFTERWARDS, BETWEEN, COUNTED, DIFFERENT, EACH, EARLY, EMPTIED, FILLING_BESIDE_TITLES, HELD, HIGH, LATE, LOW, MEAN, MOST,
    NARROWING, NUMBER, OPERATORS, OTHER, RANK, SMALL, STOP, SUM, SYNONYMS, TOP, UNITS, WHICH, WITHOUT, Token, key, plain, says_nothing, tokens,
)  # fmt: skip

_COLUMNS, _ROWS = 3, 4  # that a table has at least, to be asked
_TITLES = {"维修": key("maintenance"), "记录": "log", "校准": key("calibration"), "缺陷": key("defect")}
_LABEL = 8  # words of a value that may be named in a question, at most
_DISTINCT = 600  # values of a column that are looked for, at most
_SHOWN = 3  # columns that say what a row is
_NOISE = {key("current"), "eur", "h", "no", "of", "the", "%", "s"}  # of a column's name
_KEYWORDS = 3  # words of a question that may be looked for within cells
_PARTLY = 0.65  # of a value's words that may be named in its place
_NEAR = 40  # characters between a number and the column that it is of


@dataclass(frozen=True)
class Understood:
    """The table and the query that a question was understood as, how much of it spoke for them, and which words did not."""

    frame: Frame
    query: TableQuery
    score: float
    left: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing of the question was left out."""
        return not self.left


def understand(question: str, frames: Sequence[Frame]) -> Understood | None:
    """The question as a query to the table that leaves the least of it out; None where it names nothing of any.

    A value that no row of a table has is known from tables with a column of the same name: "none" is an answer, too.
    """
    wide = [frame for frame in frames if len(frame.kinds) >= _COLUMNS and len(frame.table.rows) >= _ROWS]
    known: dict[str, dict[str, None]] = {}
    for frame in wide:
        for column, kind in frame.kinds.items():
            if kind == "text" and len(values := frame.distinct(column)) <= _DISTINCT:
                known.setdefault(column, {}).update(dict.fromkeys(values))
    found = [got for frame in wide if (got := _Reader(plain(question), frame, known).read()) is not None]
    return min(found, key=lambda got: (len(got.left), -got.score), default=None)


@dataclass(frozen=True)
class _Mention:
    """Where a question names a column, or one of its values."""

    start: int
    end: int
    column: str
    value: str | None = None
    spots: tuple[tuple[int, int], ...] = ()
    sure: bool = True
    share: float = 1.0  # of the value's words that are there

    @property
    def weight(self) -> float:
        """How much of the question it explains."""
        return self.share * sum(b - a for a, b in self.spots)


@dataclass
class _Reader:
    """Reads one question for one table. `seen` are the spans that found their place in the query."""

    text: str
    frame: Frame
    known: Mapping[str, Iterable[str]]
    score: float = 0.0
    filters: list[Filter] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)  # by values and comparisons: no column is named there

    def read(self) -> Understood | None:
        self.words = list(tokens(self.text))
        self._title()
        self._days()
        self._values()
        self._held()
        self._comparisons()
        self._empty()
        query = self._query()
        if query is None:
            return None
        self.seen += [(m.start, m.end) for m in self.columns]
        self.score += 0.5 * len({m.column for m in self.columns})
        left = tuple(self._left())
        if not (query.aggregate or query.group_by or query.order_by):  # rows as they are
            left = tuple(word for word in left if word not in ("each", "every"))
            if left and (more := self._keywords(left)):
                query, left = query.model_copy(update={"filters": [*query.filters, *more]}), ()
        return Understood(self.frame, query, self.score, left) if self.score >= 1.0 else None

    def _keywords(self, left: Sequence[str]) -> list[Filter]:
        """Filters for words that are left of a question for rows, where some row that meets the others has all in one cell."""
        if not self.filters or len(left) > _KEYWORDS:
            return []
        if any(len(word) < 3 or not word.isascii() or word in NARROWING for word in left):
            return []
        stems = [key(word) for word in left]
        for column, kind in self.frame.kinds.items():
            if kind == "text" and column not in {f.column for f in self.filters}:
                filters = [Filter(column=column, op="contains", value=stem) for stem in stems]
                if self.frame.run(TableQuery(filters=[*self.filters, *filters], limit=1)).total:
                    return filters
        return []

    # -- what is named -------------------------------------------------------------------------------------------

    @cached_property
    def about(self) -> set[str]:
        """The words of the document's title and file, and of the sheet, by their keys."""
        named = f"{self.frame.title} {self.frame.table.name} {PurePath(self.frame.source).stem}".replace("_", " ")
        about = {k for token in tokens(plain(named)) for part in token.word.split("-") if (k := key(part)) not in STOP}
        return {k for k in about if not k.isdigit()}

    def _title(self) -> None:
        """Words of the document's title or file, and such as "line" beside them: "on the bottling line"."""
        about = self.about
        met = [token for token in self.words if token.key in about]
        self.score += 0.75 * len({token.key for token in met})
        self.score += 0.75 * sum(han in self.text and word in about for han, word in _TITLES.items())
        self.seen += [(token.start, token.end) for token in met]
        for han, word in _TITLES.items():
            if word in about:
                self.seen += [match.span() for match in re.finditer(han, self.text)]
        ends = {token.end for token in met} | {token.start for token in met}
        self.seen += [
            (token.start, token.end) for token in self.words
            if token.word in FILLING_BESIDE_TITLES and ({token.start - 1, token.end + 1} & ends)
        ]  # fmt: skip

    @cached_property
    def columns(self) -> list[_Mention]:
        """Where the question names columns, the longest names first taken; not within a value."""
        named: list[tuple[int, int, int, str]] = []  # the last number: how surely it names the column
        keys = {name: _keys_of(name) for name in self.frame.kinds}
        shared = [k for own in keys.values() for k in own]
        for name, own in keys.items():
            named += [(a, b, 0, name) for a, b in self._spans(own)]
            named += [(a, b, 2, name) for k in own if shared.count(k) == 1 and len(k) > 2 for a, b in self._spans([k])]
            named += [(a, b, sure, name) for a, b, sure in self._synonyms(name)]
        named.sort(key=lambda n: (n[0] - n[1], n[2], n[0]))
        found: list[_Mention] = []
        for a, b, _, name in named:
            clear = not any(m.start < b and a < m.end for m in found) and not self._is_taken(a, b)
            if clear:
                found.append(_Mention(a, b, name))
        return sorted(found, key=lambda m: m.start)

    def _synonyms(self, column: str) -> Iterator[tuple[int, int, int]]:
        name = " ".join(_plain_name(column).split())
        for part, others in SYNONYMS.items():
            if re.search(rf"(?<![a-z]){re.escape(part)}", name):
                for other in others.split(", "):
                    pattern = rf"\b{re.escape(other)}\b" if other.isascii() else re.escape(other)
                    yield from ((*match.span(), 1 if name == part else 3) for match in re.finditer(pattern, self.text))

    def _spans(self, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where these words stand one after the other, whatever their endings; "of" and "the" may stand between."""
        if not keys:
            return
        solid = [token for token in self.words if token.word not in ("of", "the")]
        for at in range(len(solid) - len(keys) + 1):
            run = solid[at : at + len(keys)]
            if [token.key for token in run] == list(keys):
                yield run[0].start, run[-1].end

    def _values(self) -> None:
        """Cells that the question names: a filter for each column, the longest names first; two values are either of them."""
        named = [mention for column, kind in self.frame.kinds.items() if kind == "text" for mention in self._named(column)]
        for mention in sorted(named, key=lambda m: (-m.weight, not m.sure)):
            if any(self._is_taken(a, b) for a, b in mention.spots):
                continue
            same = next((f for f in self.filters if f.column == mention.column), None)
            negated = OTHER.search(self.text[: mention.start])
            if same is not None:
                if same.op != "=" or negated or not mention.sure:
                    continue
                held = same.value if isinstance(same.value, list) else [str(same.value)]
                if mention.value in held:
                    continue
                self.filters[self.filters.index(same)] = same.model_copy(update={"value": [*held, str(mention.value)]})
            else:
                self.filters.append(
                    Filter(column=mention.column, op="!=" if negated else "=", value=mention.value)
                )
            self.score += 2.0 if mention.sure else 1.5
            self.taken += mention.spots
            self.seen += [*mention.spots, *([negated.span()] if negated else [])]
            self._gloss(mention)

    def _gloss(self, mention: _Mention) -> None:
        """润滑油劣化（Oil degradation): the Chinese words before a value in brackets say the same."""
        before = re.search(r"[\u4e00-\u9fff]+\s*[（(]\s*$", self.text[: mention.start])
        behind = re.match(r"\s*[）)]", self.text[mention.end :])
        if before and behind:
            self.seen.append(before.span())

    def _named(self, column: str) -> Iterator[_Mention]:
        values = list(self.known.get(column, ()))
        codes = [v for v in values if re.fullmatch(r"[^\W_]+(?:[-/.][^\W_]+)+", v)]
        for value in values:
            low = plain(value)
            words = list(tokens(low))
            if not 0 < len(words) <= _LABEL or len(low) < 2:
                continue
            if len(words) == 1 and words[0].key in self.column_keys and not self._beside(words[0].key, column):
                continue  # "controls" is a column's name sooner than a subsystem's
            pattern = rf"(?<![\w-]){re.escape(low)}(?![\w-])" if low[0].isascii() else re.escape(low)
            text = re.sub(r"[\u4e00-\u9fff]", " ", self.text) if low.isascii() else self.text
            if matches := list(re.finditer(pattern, text)):
                yield from (_Mention(m.start(), m.end(), column, value, (m.span(),)) for m in matches[:1])
                continue
            parts = [p for p in re.split(r"[-/.]", low) if any(map(str.isdigit, p)) and any(map(str.isalpha, p))]
            for part in parts if value in codes else ():  # "the C90" is the HL-C90, if no other is
                if sum(part in re.split(r"[-/.]", plain(code)) for code in codes) == 1:
                    for token in self.words:
                        if token.word == part:
                            yield _Mention(token.start, token.end, column, value, ((token.start, token.end),))
            yield from self._loosely(column, value, words)

    @cached_property
    def column_keys(self) -> set[str]:
        return {k for name in self.frame.kinds for k in _keys_of(name)}

    def _beside(self, word: str, column: str) -> bool:
        """Whether the word stands beside the name of its own column: "subsystem controls"."""
        own = set(_keys_of(column))
        near = [(a.key, b.key) for a, b in pairwise(self.words)]
        return any((a == word and b in own) or (b == word and a in own) for a, b in near)

    def _loosely(self, column: str, value: str, words: Sequence[Token]) -> Iterator[_Mention]:
        """A value whose words stand close together in the question, in whatever order and with whatever endings."""
        keys = [w.key for w in words if w.word not in STOP]
        spots: dict[str, tuple[int, int]] = {}
        for token in self.words:
            if token.key in keys and token.key not in spots:
                spots[token.key] = (token.start, token.end)
        whole = len(spots) == len(set(keys)) and (len(keys) > 1 or (keys and len(words[0].word) > 4))
        share = len(spots) / max(1, len(set(keys)))
        if not (whole or 2 <= len(spots) >= _PARTLY * len(keys)):
            return
        first, last = min(a for a, _ in spots.values()), max(b for _, b in spots.values())
        if sum(first <= token.start < last for token in self.words) <= (2 * len(spots) + 2 if whole else len(spots) + 1):
            yield _Mention(first, last, column, value, tuple(spots.values()), sure=False, share=share**2)

    def _is_taken(self, start: int, end: int) -> bool:
        return any(a < end and start < b for a, b in self.taken)

    def _held(self) -> None:
        """Words that a cell must hold: "mentions VM-03", "by a smell"."""
        for match in HELD.finditer(self.text):
            words = re.findall(r"[a-z0-9][\w.-]*", match["what"] or match["sense"]) or [(match["what"] or "").strip()]
            wanted = max(words, key=lambda w: (any(c.isdigit() for c in w), len(w)))
            texts = [c for c, kind in self.frame.kinds.items() if kind == "text"]
            held = {c: sum(wanted in (v or "").casefold() for v in self.frame.values[c]) for c in texts}
            best = max(held, key=lambda c: held[c], default=None)
            if best and held[best] and best not in {f.column for f in self.filters}:
                self.filters.append(Filter(column=best, op="contains", value=wanted))
                self.seen.append(match.span())
                self.taken.append(match.span())
                self.score += 2.0

    def _empty(self) -> None:
        """ "without a recommended action", "no current control"."""
        for mention in self.columns:
            before = WITHOUT.search(self.text[: mention.start])
            behind = EMPTIED.match(self.text[mention.end :]) if not before else None
            found = before.span() if before else None
            if behind and behind[0].strip() not in ("at all",):
                found = (mention.end, mention.end + behind.end())
            if found and mention.column not in {f.column for f in self.filters}:
                self.filters.append(Filter(column=mention.column, op="is empty"))
                self.seen += [found, (mention.start, mention.end)]
                self.emptied = {*getattr(self, "emptied", ()), mention.column}
                self.score += 1.0
                at_all = re.match(r"\s*at all", self.text[mention.end :])
                if at_all:
                    self.seen.append((mention.end, mention.end + at_all.end()))

    # -- numbers and days ----------------------------------------------------------------------------------------

    def _comparisons(self) -> None:
        for match in BETWEEN.finditer(self.text):
            if self._compare(match.start(), match.end(), ">=", match["n"]):
                self.filters.append(
                    Filter(column=self.filters[-1].column, op="<=", value=float(match["m"].replace(",", "")))
                )
        for match in AFTERWARDS.finditer(self.text):
            up = match["zh"] == "以上" or match["how"] in ("more", "higher", "above", "over", "greater", "up")
            self._compare(match.start(), match.end(), ">=" if up else "<=", match["n"] or match["zn"], match["unit"])
        for words, op in OPERATORS:
            for match in re.finditer(rf"(?:{words})\s*(?:an?\s|的)?{NUMBER}\s*(?P<unit>[a-z€]+|小时|分钟|欧元)?", self.text):
                self._compare(match.start(), match.end("n"), op, match["n"], match["unit"], match.end())
        for mention in self.columns:  # "a severity of 9"
            said = re.match(rf"\s*(?:of|is|=|equal to|为|等于)?\s*{NUMBER}(?![\w-])", self.text[mention.end :])
            if said and self.frame.kinds[mention.column] == "number":
                self._compare(mention.end, mention.end + said.end(), "=", said["n"])

    def _compare(
        self, start: int, end: int, op: Operator, number: str, unit: str | None = None, unit_end: int | None = None
    ) -> bool:
        if any(a < end and start < b for a, b in self.taken):
            return False
        column = self._of_unit(unit)
        numeric = [m for m in self.columns if self.frame.kinds[m.column] == "number"]
        before, behind = [m for m in numeric if m.end <= start], [m for m in numeric if m.start >= end]
        near = before[-1] if before and start - before[-1].end <= _NEAR else behind[0] if behind else None
        if column is None and near is not None:
            column = near.column
        if column is None:
            return False
        self.filters.append(Filter(column=column, op=op, value=float(number.replace(",", ""))))
        if self._of_unit(unit) and unit_end:
            end = unit_end
        self.taken.append((start, end))
        self.seen.append((start, end))
        if near is not None and near.column == column:
            self.seen.append((near.start, near.end))
        self.score += 1.0
        return True

    def _of_unit(self, unit: str | None) -> str | None:
        """The column whose name ends in that unit, if one does: "1 hour" is of "Downtime h"."""
        short = UNITS.get(unit or "")
        if short is None:
            return None
        fit = [c for c, k in self.frame.kinds.items() if k == "number" and _ends_in(c, short)]
        return fit[0] if len(fit) == 1 else None

    def _days(self) -> None:
        dated = [column for column, kind in self.frame.kinds.items() if kind == "date"]
        if not dated:
            return
        known = {column: [v for v in self.frame.values[column] if v is not None] for column in dated}
        every = [day for days in known.values() for day in days]
        said = periods(self.text, max(every).year if every else date.today().year)
        if not said:
            return
        named = [m.column for m in self.columns if m.column in dated]
        self.__dict__.pop("columns", None)  # made before values were taken
        column = (named or dated)[0]
        for period in said:
            self.seen.append((period.start, period.end))
            self.taken.append((period.start, period.end))
            for bound in period.bounds:
                if not all_meet(bound, known[column]):  # what all rows meet says nothing
                    self.filters.append(Filter(column=column, op=bound[0], value=bound[1].isoformat()))
                    self.score += 0.5

    # -- what is asked -------------------------------------------------------------------------------------------

    def _query(self) -> TableQuery | None:
        filtered = {f.column for f in self.filters}
        free = [m for m in self.columns if m.column not in filtered]
        numeric = [m.column for m in free if self.frame.kinds[m.column] == "number"]
        dates = [m.column for m in free if self.frame.kinds[m.column] == "date"]
        high, low, most = self._said(HIGH), self._said(LOW), self._said(MOST)
        late, early = self._said(LATE), self._said(EARLY)
        group, limit = self._group(free), self._limit()
        ranked = high or low or most or bool(self._said(RANK)) or limit is not None
        down = not low or high
        aggregate = self._aggregate(numeric, group, ranked=ranked, most=most)
        if aggregate is not None:
            self.score += 1.0
            grouped = [group] if group else []
            order = [Order(column=aggregate.name if aggregate.column else COUNT, descending=down)] if grouped else []
            one = high or low or most
            cut = (limit or (1 if one else None)) if grouped and ranked else None
            filters = [*self.filters, *([Filter(column=group, op="is not empty")] if group and ranked else [])]
            return TableQuery(filters=filters, group_by=grouped, aggregate=aggregate, order_by=order, limit=cut)
        if late or early:
            column = (dates or [c for c, kind in self.frame.kinds.items() if kind == "date"] or [""])[0]
            if column:
                self.score += 1.0
                return self._ranking(column, descending=late, limit=limit)
        by = self._ranked_by(numeric)
        if ranked and by is not None and (high or low or most or limit or self._said(RANK)):
            self.score += 1.0
            only = None if self._said(RANK) and limit is None and not (high or low) else (limit or 1)
            return self._ranking(by, descending=down, limit=only)
        if not self.filters or most or (ranked and by is None):
            return None
        return TableQuery(filters=self.filters, select=self._selected())

    def _ranking(self, by: str, *, descending: bool, limit: int | None = 1) -> TableQuery:
        order = [Order(column=by, descending=descending)]
        return TableQuery(filters=self.filters, order_by=order, limit=limit, select=self._selected(by))

    def _said(self, pattern: re.Pattern[str]) -> bool:
        """Whether the question has it, outside of values; it is then seen."""
        met = [match.span() for match in pattern.finditer(self.text) if not self._is_taken(*match.span())]
        self.seen += met
        return bool(met)

    def _aggregate(self, numeric: Sequence[str], group: str | None, *, ranked: bool, most: bool) -> Aggregate | None:
        mean, total, counted = self._said(MEAN), self._said(SUM), self._said(COUNTED)
        if mean and numeric:
            return Aggregate(function="mean", column=numeric[0])
        amount = self._amount()
        if amount is not None:
            return Aggregate(function="sum", column=amount)
        additive = [column for column in numeric if ADDITIVE.search(column.casefold())]
        if total and numeric and not (group and ranked and not additive):
            return Aggregate(function="sum", column=(additive or numeric)[0])
        if counted:
            different = self._said(DIFFERENT)
            named = [m.column for m in self.columns if self.frame.kinds[m.column] == "text"]
            return Aggregate(function="count distinct", column=named[0]) if different and named else Aggregate(function="count")
        if group and ranked and additive:
            return Aggregate(function="sum", column=additive[0])
        if group and (most or self._said(RANK)) and not numeric:
            return Aggregate(function="count")
        return None

    def _ranked_by(self, numeric: Sequence[str]) -> str | None:
        """The column that rows are ranked by: one that is named, the only one there is, or an FMEA's risk priority number."""
        if numeric:
            return numeric[0]
        every = [c for c, kind in self.frame.kinds.items() if kind == "number"]
        rpn = [c for c in every if c.casefold() == "rpn"]
        return every[0] if len(every) == 1 else rpn[0] if rpn else None

    def _group(self, free: Sequence[_Mention]) -> str | None:
        """The column of which each value is asked for: "which shift", "each machine", "by category", "worst three defects", 哪条生产线."""
        texts = [m for m in free if self.frame.kinds[m.column] == "text"]
        for pattern in (EACH, RANK, TOP, WHICH):
            near = [
                (spot, mention) for spot in pattern.finditer(self.text) for mention in texts
                if 0 <= mention.start - spot.end() <= 16 and len(list(tokens(self.text[spot.end() : mention.start]))) <= 2
            ]  # fmt: skip
            near.sort(key=lambda found: (bool(self.about & set(_keys_of(found[1].column))), not self._repeats(found[1].column)))
            for _, mention in near:
                if pattern is EACH or self._repeats(mention.column):
                    self.seen += [spot.span() for spot, _ in near if pattern is EACH]
                    return mention.column
        return None

    def _repeats(self, column: str) -> bool:
        return 2 * len(self.frame.distinct(column)) <= len(self.frame.table.rows)

    def _amount(self) -> str | None:
        """ "How many hours": a column of hours is added up."""
        match = re.search(r"\bhow many (\w+)|多少(小时|欧元)", self.text)
        column = self._of_unit((match[1] or match[2]) if match else None)
        if match and column is None and match[1]:
            k = key(match[1])
            owners = [
                c for c, kind in self.frame.kinds.items()
                if kind == "number" and k in _keys_of(c) and ADDITIVE.search(c.casefold())
            ]  # fmt: skip
            column = owners[0] if len(owners) == 1 else None
        if match and column:
            self.seen.append(match.span())
        return column

    def _limit(self) -> int | None:
        for match in TOP.finditer(self.text):
            if not self._is_taken(*match.span()):
                said = match["n"] or match["m"] or match["z"]
                self.seen.append(match.span())
                return int(said) if said.isdigit() else SMALL[said]
        return None

    def _selected(self, by: str | None = None) -> list[str]:
        """What is shown of a row: what it is, what was asked for, and by what it was chosen; all, where nothing was asked for."""
        same = {f.column for f in self.filters if f.op in ("=", "is empty") and not isinstance(f.value, list)}
        asked = [m.column for m in self.columns if m.column not in same]
        if not asked and by is None:
            return [column for column in self.frame.kinds if column not in same]
        short = [
            c for c, kind in list(self.frame.kinds.items())[:5]
            if c not in same and kind in ("text", "date") and sum(map(len, self.frame.distinct(c)[:50])) <= 30 * min(50, len(self.frame.distinct(c)) or 1)
        ]  # fmt: skip
        names = short[:2]
        if rest := [c for c in short[2:5] if len(self.frame.distinct(c)) > max(len(self.frame.distinct(n)) for n in names)]:
            names.append(max(rest, key=lambda c: len(self.frame.distinct(c))))
        shown = {*names[:_SHOWN], *asked, by}
        return [column for column in self.frame.kinds if column in shown]

    # -- what is left --------------------------------------------------------------------------------------------

    def _left(self) -> Iterator[str]:
        """Words of the question that took no part in the query, though they may matter."""
        for pattern in (WHICH, DIFFERENT):
            self.seen += [match.span() for match in pattern.finditer(self.text)]
        covered = bytearray(len(self.text))
        for start, end in self.seen:
            covered[start:end] = b"x" * (end - start)
        for token in self.words:
            rest = "".join(c for c, at in zip(token.word, range(token.start, token.end), strict=False) if not covered[at])
            if not token.word.isascii():
                if said := says_nothing(rest):
                    yield said
            elif rest == token.word and says_nothing(token.word):
                yield token.word


def _plain_name(column: str) -> str:
    return re.sub(r"\(s\)|\bpotential\b|\bof failure\b|[^\w\s\u4e00-\u9fff]", " ", plain(column))


def _keys_of(column: str) -> list[str]:
    """The words of a column's name that it is called by; not its unit."""
    return [token.key for token in tokens(_plain_name(column)) if token.key not in _NOISE]


def _ends_in(column: str, unit: str) -> bool:
    return plain(column).split()[-1].strip("()[]") == unit
