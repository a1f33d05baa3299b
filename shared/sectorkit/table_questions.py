"""Questions to tables: a question in English or Chinese becomes a query, by rules that anyone can read and no model.

What is looked for: values of the table's own cells, names of its columns, numbers and days with the words that compare them,
and words for counting, adding, averaging and ranking. Every word of the question must find its place in the query or be one that
says nothing here ("please", "do we have"): the others are named, since the one that is passed over may be the one that matters.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from sectorkit.query import COUNT, Aggregate, Filter, Frame, Operator, Order, TableQuery

_COLUMNS, _ROWS = 3, 4  # that a table has at least, to be asked
_TITLES = {"维修": "mainte", "记录": "log", "校准": "calibr", "缺陷": "defe"}  # words of titles, by their keys
_ENOUGH = 2.0  # of a score, for a question to be one for a table
_LABEL = 6  # words of a value that may be named in a question, at most
_DISTINCT = 600  # values of a column that are looked for, at most

# Names that columns have in questions, beside their own; each of what a column's name may contain.
_SYNONYMS = {
    "cost": "costs expensive 成本 费用", "date": "日期", "severity": "严重度", "occurrence": "频度 发生度", "detection": "探测度",
    "failure mode": "失效模式 故障模式", "cause": "原因", "effect": "影响 后果", "machine": "机器 设备 机型 machines", "line": "生产线 产线",
    "shift": "班次", "downtime": "停机 down", "quantity": "数量", "action": "措施", "owner": "负责人", "defect": "缺陷",
    "disposition": "处置", "component": "部件 零件", "asset": "pump pumps machine", "due": "到期",
}  # fmt: skip
_FAR: Mapping[str, Operator] = {"before": "<", "after": ">", "since": ">=", "until": "<="}
_SMALL = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_HAN = {c: n for n, c in enumerate("一二三四五六七八九十", start=1)} | {"两": 2}
_STOP = frozenset((
    "a", "an", "and", "any", "are", "at", "by", "did", "do", "does", "for", "from", "had", "has", "have", "how", "in", "is", "it",
    "its", "list", "many", "much", "of", "on", "or", "over", "the", "to", "was", "were", "what", "when", "which", "with",
))  # fmt: skip
_OPERATORS: tuple[tuple[str, Operator], ...] = (
    (r"at least|no(?:t)? (?:less|lower|fewer) than|>=|≥|不低于|不少于|不小于|至少", ">="),
    (r"at most|no(?:t)? (?:more|higher|greater) than|<=|≤|不高于|不超过|不大于|至多", "<="),
    (r"(?:more|greater|higher|larger|longer) than|above|over|exceed(?:s|ing)?|>|大于|高于|超过|多于", ">"),
    (r"(?:less|lower|fewer|smaller|shorter) than|below|under|<|小于|低于|少于", "<"),
)  # fmt: skip
_NUMBER = r"(?P<n>\d+(?:,\d{3})*(?:\.\d+)?)"
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join([*_MONTHS, *(m[:3] for m in _MONTHS if len(m) > 4)])
_DAY = re.compile(
    rf"(?P<iso>\d{{4}}-\d\d-\d\d)|(?P<zh>\d{{4}})年(?:(?P<zm>\d\d?)月(?:(?P<zd>\d\d?)日)?)?"
    rf"|(?:(?P<d>\d\d?)(?:st|nd|rd|th)?\s+)?(?P<m>{_MONTH})\b(?:\s+(?P<y>\d{{4}}))?|(?<![\d.,-])(?P<year>(?:19|20)\d\d)(?![\d.,-]|年)"
)
_BETWEEN = re.compile(rf"between (\d\d?) and (?=\d\d?\s+(?:{_MONTH}))")
_COUNTED = re.compile(r"\bhow many\b|\bnumber of\b|\bcount\b|多少(?:条|个|次|件|台|项)|几(?:条|个|次|件|台|项)")
_MEAN, _SUM = re.compile(r"\b(?:mean|average)\b|平均"), re.compile(r"\b(?:total|sum|altogether|how much)\b|总|合计")
_MOST = re.compile(r"(?<!at )\bmost\b|\bmore often\b|最多|最常")
_HIGH = re.compile(r"\b(?:highest|largest|biggest|greatest|longest|worst|maximum|max)\b|最高|最大|最长")
_LOW = re.compile(r"\b(?:lowest|smallest|shortest|fewest|least|minimum|min)\b(?! of)|最低|最小|最短|最少")
_EACH = re.compile(r"\b(?:each|per|every|for all)\b|每|各")
_WHICH = re.compile(r"\b(?:which|what)\b|哪")
_TOP = re.compile(rf"(?:\btop|\bwhich|\bwhat|\bthe|前|哪)\s*(?P<n>\d+|{'|'.join(_SMALL)}|[{''.join(_HAN)}])(?![\w])")
_FILLING = frozenset((
    "about", "actually", "all", "also", "am", "be", "been", "can", "case", "cases", "could", "currently", "data", "entries", "entry",
    "ever", "find", "get", "give", "got", "i", "items", "know", "let", "like", "me", "my", "need", "now", "one", "ones", "our", "please",
    "record", "recorded", "records", "row", "rows", "s", "say", "see", "show", "so", "table", "tell", "that", "their", "them", "there",
    "these", "they", "thing", "things", "this", "those", "to", "us", "want", "we", "who", "whose", "will", "would", "you", "your",
))  # fmt: skip
_HELD = re.compile(
    r"(?:mention(?:s|ed|ing)?|contain(?:s|ed|ing)?|提到|包含|含有)\s*(?:the\s+)?(?P<what>[^,?，？。]+)|by an? (?P<sense>[a-z]+)\b"
)


# What says how to compute, and so is no word that was left out.
_SAYING = (
    _COUNTED, _MEAN, _SUM, _MOST, _HIGH, _LOW, _EACH, _WHICH, _TOP, *(re.compile(words) for words, _ in _OPERATORS), _DAY,
    re.compile(r"\b(?:before|after|since|until|between|during|end of)\b|[的了在有是里中和与、吗呢请列出一共]|哪些|什么|多少|之前|之后|以来|没有"),
)  # fmt: skip


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
    """The question as a query to the table that it names most of; None where it names too little of any.

    A value that no row of a table has is known from tables with a column of the same name: "none" is an answer, too.
    """
    wide = [frame for frame in frames if len(frame.kinds) >= _COLUMNS and len(frame.table.rows) >= _ROWS]
    known: dict[str, dict[str, None]] = {}
    for frame in wide:
        for column, kind in frame.kinds.items():
            if kind == "text":
                known.setdefault(column, {}).update(dict.fromkeys(frame.distinct(column)))
    found = [got for frame in wide if (got := _Reader(question, frame, known).read()) is not None]
    return max(found, key=lambda got: got.score, default=None)


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    column: str
    value: str | None = None


@dataclass
class _Reader:
    """Reads one question for one table."""

    question: str
    frame: Frame
    known: Mapping[str, Iterable[str]]
    score: float = 0.0
    filters: list[Filter] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    spots: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.text = " ".join(unicodedata.normalize("NFKC", self.question).casefold().split())
        self.keys = {_key(word) for word in _words(self.text)}

    def read(self) -> Understood | None:
        about = {_key(w) for w in _words(f"{self.frame.title} {self.frame.table.name}".casefold())} - _STOP
        self.score += 0.75 * (
            len(about & self.keys) + sum(han in self.text and word in about for han, word in _TITLES.items())
        )
        self._values()
        self._held()
        self._empty()
        self._days()
        self._numbers()
        query = self._query()
        self.score += 0.5 * len(self.columns)
        if query is None or self.score < _ENOUGH:
            return None
        self.seen += [span for key in about for span in self._spans([key])]
        self.seen += [(m.start, m.end) for m in self.columns]
        return Understood(self.frame, query, self.score, tuple(self._left()))

    def _left(self) -> Iterator[str]:
        """Words of the question that took no part in the query, though they may matter."""
        seen = [*self.taken, *self.seen]
        for pattern in _SAYING:
            seen += [match.span() for match in pattern.finditer(self.text)]
        covered = bytearray(len(self.text))
        for start, end in seen:
            covered[start:end] = b"x" * (end - start)
        for match in _tokens(self.text):
            if match[0].isascii() and (match[0] in _STOP or match[0] in _FILLING or len(match[0]) < 2):
                continue
            rest = "".join(c for c, at in zip(match[0], range(*match.span()), strict=True) if not covered[at])
            if rest and not (rest.isascii() and len(rest) < len(match[0])):
                yield match[0] if match[0].isascii() else rest

    # -- what is named -------------------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> list[_Mention]:
        """Where the question names columns, the longest names first taken."""
        found: list[_Mention] = []
        for name in sorted(self.frame.kinds, key=len, reverse=True):
            plain = re.sub(r"[^\w\s\u4e00-\u9fff]", " ", name.casefold())
            words = [w for w in _words(plain) if _key(w) not in {"eur", "h", "pote", "curr"}]
            spans = list(self._spans([_key(w) for w in words]))
            for part, more in _SYNONYMS.items():
                if part in plain:
                    for synonym in [*more.split(), *([part] if part != plain else [])]:
                        pattern = re.escape(synonym) if not synonym.isascii() else rf"\b{re.escape(synonym)}\b"
                        spans += [match.span() for match in re.finditer(pattern, self.text)]
            found += [_Mention(a, b, name) for a, b in spans if not any(m.start < b and a < m.end for m in found)]
        return sorted(found, key=lambda m: m.start)

    def _spans(self, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where these words stand one after the other, whatever their endings."""
        tokens = [(m.start(), m.end(), _key(m[0])) for m in _tokens(self.text)]
        for at in range(len(tokens) - len(keys) + 1):
            if keys and [key for _, _, key in tokens[at : at + len(keys)]] == list(keys):
                yield tokens[at][0], tokens[at + len(keys) - 1][1]

    def _values(self) -> None:
        """Cells that the question names: a filter for each, the longest names first."""
        named: list[tuple[bool, _Mention]] = []
        for column, kind in self.frame.kinds.items():
            if kind != "text" or len(self.frame.distinct(column)) > _DISTINCT:
                continue
            values = list(self.known.get(column, ()))
            for value in values:
                plain = value.casefold()
                words = _words(plain)
                if not 0 < len(words) <= _LABEL or len(plain) < 2:
                    continue
                pattern = rf"(?<!\w){re.escape(plain)}(?!\w)" if plain[0].isascii() else re.escape(plain)
                if match := re.search(
                    pattern, re.sub(r"[\u4e00-\u9fff]", " ", self.text) if plain.isascii() else self.text
                ):
                    named.append((True, _Mention(*match.span(), column, value)))
                    continue
                keys = [_key(w) for w in words if w not in _STOP]
                met = [key for key in keys if key in self.keys]
                if (met == keys and (len(keys) > 1 or (keys and len(words[0]) > 4))) or 2 <= len(met) >= 0.6 * len(
                    keys
                ):
                    spots = [span for key in met for span in self._spans([key])]
                    self.spots[column, value] = spots
                    named.append((False, _Mention(min(a for a, _ in spots), max(b for _, b in spots), column, value)))
        for exact, mention in sorted(named, key=lambda n: (not n[0], n[1].start - n[1].end)):
            if any(f.column == mention.column for f in self.filters) or self._is_taken(mention):
                continue
            self.taken.append((mention.start, mention.end))
            self.filters.append(Filter(column=mention.column, value=mention.value))
            self.score += 2.0 if exact else 1.5

    def _is_taken(self, mention: _Mention) -> bool:
        return any(a < mention.end and mention.start < b for a, b in self.taken)

    def _held(self) -> None:
        """Words that a cell must hold: "mentions VM-03", "by a smell"."""
        for match in _HELD.finditer(self.text):
            words = re.findall(r"[a-z0-9][\w.-]*", match["what"] or match["sense"]) or [(match["what"] or "").strip()]
            wanted = max(words, key=lambda w: (any(c.isdigit() for c in w), len(w)))
            texts = [c for c, kind in self.frame.kinds.items() if kind == "text"]
            held = {c: sum(wanted in (v or "").casefold() for v in self.frame.values[c]) for c in texts}
            best = max(held, key=lambda c: held[c], default=None)
            if best and held[best] and best not in {f.column for f in self.filters}:
                self.filters.append(Filter(column=best, op="contains", value=wanted))
                self.seen.append(match.span())
                self.score += 2.0

    def _empty(self) -> None:
        for mention in self.columns:
            before = self.text[max(0, mention.start - 12) : mention.start]
            if re.search(r"(?:\bno|\bwithout(?: an?| any)?|\black(?:s|ing)?|(?<!有)没有|无|缺少)\s*$", before):
                self.filters.append(Filter(column=mention.column, op="is empty"))
                self.taken.append((mention.start, mention.end))
                self.score += 1.0

    def _numbers(self) -> None:
        for words, op in _OPERATORS:
            for match in re.finditer(rf"(?:{words})\s*(?:an?\s|的)?{_NUMBER}", self.text):
                self._compare(match.start(), match.end(), op, match["n"])
        for match in re.finditer(
            rf"{_NUMBER}\s*(?:or|and)\s+(?P<how>more|higher|above|over|less|lower|below|fewer)", self.text
        ):
            self._compare(
                match.start(),
                match.end(),
                ">=" if match["how"] in ("more", "higher", "above", "over") else "<=",
                match["n"],
            )

    def _compare(self, start: int, end: int, op: Operator, number: str) -> None:
        if any(a < end and start < b for a, b in self.taken):
            return
        numeric = [m for m in self.columns if self.frame.kinds[m.column] == "number"]
        before, behind = [m for m in numeric if m.end <= start], [m for m in numeric if m.start >= end]
        near = before[-1] if before else behind[0] if behind else None
        if near is not None:
            self.filters.append(Filter(column=near.column, op=op, value=float(number.replace(",", ""))))
            self.taken += [(start, end), (near.start, near.end)]
            self.score += 1.0

    def _days(self) -> None:
        dated = [column for column, kind in self.frame.kinds.items() if kind == "date"]
        if not dated:
            return
        named = [m.column for m in self.columns if m.column in dated]
        column = (named or dated)[0]
        known = [value for value in self.frame.values[column] if value is not None]
        years = re.findall(r"(?:19|20)\d\d", self.text)
        year = int(years[0]) if years else max(known).year if known else date.today().year
        text = _BETWEEN.sub(lambda m: f"from {m[1]} ~ to ", self.text)
        if text != self.text:  # "between 3 and 21 March 2025": the first day's month is the second's
            month = re.search(rf"(?:{_MONTH})(?:\s+\d{{4}})?", text)
            text = text.replace("~", month[0] if month else "")
        for match in _DAY.finditer(text):
            span = _span(match, year)
            if span is None:
                continue
            first, last = span
            before, behind = text[max(0, match.start() - 22) : match.start()], text[match.end() : match.end() + 4]
            bounds: list[tuple[Operator, date]]
            if re.search(r"\bbefore the end of (?:the )?$|\b(?:until|to|by|through)(?: the)? $|到$", before):
                bounds = [("<=", last)]
            elif re.search(r"\bbefore $", before) or re.match(r"(?:之前|以前|前)", behind):
                bounds = [("<", first)]
            elif re.search(r"\b(?:from|since) $|自$|从$", before) or re.match(r"(?:以来|起|以后|之后)", behind):
                bounds = [(">=", first)]
            elif re.search(r"\bafter $", before):
                bounds = [(">", last)]
            elif far := re.search(
                rf"\b(before|after|since|until)\b(?!.*(?:{_MONTH}|\d{{4}}))[^,.;]{{0,60}}\bon $", text[: match.start()]
            ):
                bounds = [(_FAR[far[1]], last if far[1] in ("after", "until") else first)]
            else:
                bounds = [(">=", first), ("<=", last)]
            tests = {"<": date.__lt__, "<=": date.__le__, ">": date.__gt__, ">=": date.__ge__}
            for op, day in bounds:
                if not all(tests[op](value, day) for value in known):  # what all rows meet says nothing
                    self.filters.append(Filter(column=column, op=op, value=day.isoformat()))
                    self.score += 0.5

    # -- what is asked -------------------------------------------------------------------------------------------

    def _query(self) -> TableQuery | None:
        filtered = {f.column for f in self.filters}
        free = [m for m in self.columns if m.column not in filtered and not self._is_taken(m)]
        numeric = [m.column for m in free if self.frame.kinds[m.column] == "number"]
        every = [c for c, kind in self.frame.kinds.items() if kind == "number" and c not in filtered]
        high, low, most = _HIGH.search(self.text), _LOW.search(self.text), _MOST.search(self.text)
        group = self._group(free)
        limit = self._limit()
        ranked = bool(high or low or most)
        down = not low or bool(high)
        aggregate: Aggregate | None = None
        if _MEAN.search(self.text) and numeric:
            aggregate = Aggregate(function="mean", column=numeric[0])
        elif _SUM.search(self.text) and numeric:
            aggregate = Aggregate(function="sum", column=numeric[0])
        elif (amount := self._amount()) is not None:
            aggregate = Aggregate(function="sum", column=amount)
        elif _COUNTED.search(self.text):
            aggregate = Aggregate(function="count")
        elif most and group:
            aggregate = Aggregate(function="sum", column=numeric[0]) if numeric else Aggregate(function="count")
        if aggregate is not None:
            self.score += 1.0
            grouped = [group] if group and (ranked or _EACH.search(self.text)) else []
            order = [Order(column=aggregate.name if aggregate.column else COUNT, descending=down)] if grouped else []
            return TableQuery(filters=self.filters, group_by=grouped, aggregate=aggregate, order_by=order,
                              limit=(limit or 1) if grouped and ranked else None)  # fmt: skip
        by = numeric[0] if numeric else every[0] if len(every) == 1 else None
        if (high or low) and by is not None:
            self.score += 1.0
            return TableQuery(filters=self.filters, order_by=[Order(column=by, descending=down)], limit=limit or 1,
                              select=self._selected(by))  # fmt: skip
        if not self.filters:
            return None
        return TableQuery(filters=self.filters, select=self._selected())

    def _group(self, free: Sequence[_Mention]) -> str | None:
        """The column of which each value is asked for: "which shift", "each machine", 哪条生产线."""
        spots = [*_WHICH.finditer(self.text), *_EACH.finditer(self.text)]
        for spot in spots:
            for mention in free:
                between = self.text[spot.end() : mention.start]
                if (
                    0 <= mention.start - spot.end() <= 14
                    and len(_words(between)) <= 2
                    and self.frame.kinds[mention.column] == "text"
                ):
                    return mention.column
        return None

    def _amount(self) -> str | None:
        """ "How many hours": a column of hours is added up."""
        match = re.search(r"\bhow many (\w+)|多少(小时|欧元)", self.text)
        unit = {"hours": "h", "hour": "h", "minutes": "min", "euros": "eur", "小时": "h", "欧元": "eur"}.get(
            (match[1] or match[2]) if match else ""
        )
        return next(
            (
                c
                for c, kind in self.frame.kinds.items()
                if kind == "number" and unit and c.casefold().split()[-1] == unit
            ),
            None,
        )

    def _limit(self) -> int | None:
        match = _TOP.search(self.text)
        if match is None:
            return None
        return int(match["n"]) if match["n"].isdigit() else _SMALL.get(match["n"]) or _HAN.get(match["n"])

    def _selected(self, by: str | None = None) -> list[str]:
        """What is shown of a row: what it is by, what was asked for, and by what it was chosen."""
        same = {f.column for f in self.filters if f.op in ("=", "is empty")}
        own = [column for column in self.frame.kinds if column not in same][:2]
        shown = {*own, *(m.column for m in self.columns if m.column not in same), by}
        return [column for column in self.frame.kinds if column in shown]


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return re.finditer(r"[\u4e00-\u9fff]+|[^\W_\u4e00-\u9fff]+(?:[-.][^\W_\u4e00-\u9fff]+)*", text)


def _words(text: str) -> list[str]:
    return [match[0] for match in _tokens(text)]


def _key(word: str) -> str:
    """A word without its ending: leaking, leakage and leaks are one; codes with digits stay whole."""
    if not word.isascii() or not word.isalpha():
        return word
    plain = word.removesuffix("s") if len(word) > 3 else word
    return plain[:6] if len(plain) > 8 else plain[:4] if len(plain) > 4 else plain


def _span(match: re.Match[str], year: int) -> tuple[date, date] | None:
    """The first and last day that an expression names."""
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"]), date.fromisoformat(match["iso"])
        if match["year"]:
            return date(int(match["year"]), 1, 1), date(int(match["year"]), 12, 31)
        y = int(match["zh"] or match["y"] or year)
        if match["zh"] and not match["zm"]:
            return date(y, 1, 1), date(y, 12, 31)
        month = (
            int(match["zm"])
            if match["zm"]
            else next(n for n, name in enumerate(_MONTHS, 1) if name.startswith(match["m"][:3]))
        )
        if day := match["zd"] or match["d"]:
            return date(y, month, int(day)), date(y, month, int(day))
        if match["m"] and not match["y"] and match["m"] in ("may", "march", "mar"):
            return None  # as often other words
        return date(y, month, 1), date(y, month, monthrange(y, month)[1])
    except ValueError:
        return None
