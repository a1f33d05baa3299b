"""Naming: where a question names the columns of a table, and values of its cells, in whatever order and with whatever endings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import PurePath
from typing import NamedTuple

from sectorkit.query import Frame
from sectorkit.table_words import (
    ALIKE,
    COUNTED_ROWS,
    FILLING,
    NO,
    ROWS_OF,
    STOP,
    SYNONYMS,
    YES,
    Token,
    key,
    plain,
    says_nothing,
    tokens,
)

_COLUMNS, _ROWS = 3, 4  # that a table has at least, to be asked
_LABEL = 8  # words of a value that may be named in a question, at most
_DISTINCT = 600  # values of a column that are looked for, at most
_PARTLY = 0.65  # of a value's words that may be named in its place
_EXTREMES = frozenset(
    map(
        key,
        ["largest", "smallest", "highest", "lowest", "maximum", "minimum", "total", "mean", "average", "first", "last"],
    )
)
_CLOSE = 16  # characters between a column and its value, at most
_COMPARED = frozenset(("more", "most", "less", "least", "fewer", "fewest", "other"))  # no kind of thing
_SHORTEST = 3  # letters of a kind's key
_NOISE = frozenset({key("current"), "eur", "h", "no", "of", "the", "%", "s"})  # of a column's name
_CODE = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)+")


@dataclass(frozen=True)
class Mention:
    """Where a question names a column, or, with `value`, a value of it; `spots` are the words that do.

    `share` of the value's words are there; `sure` where they are all there as they stand in the cell;
    `alone` where no other column is named as surely by the same words.
    """

    start: int
    end: int
    column: str
    value: str | None = None
    spots: tuple[tuple[int, int], ...] = ()
    sure: bool = True
    share: float = 1.0
    alone: bool = True

    @property
    def weight(self) -> float:
        """How much of the question it explains."""
        return self.share**2 * sum(b - a for a, b in self.spots)


class _Value(NamedTuple):
    """A cell's text that a question may name: its words, their keys without those that say nothing, and that of the kind of thing:
    the last word ahead of a comma or bracket."""

    text: str
    low: str
    words: tuple[Token, ...]
    keys: tuple[str, ...]
    head: str


class _Values:
    """The values of the columns of one name, in all tables, by the words that they hold."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.of_key: dict[str, list[_Value]] = {}
        self.unspaced: list[_Value] = []
        parts: dict[str, set[str]] = {}
        for text in texts:
            low = plain(text)
            words = tuple(tokens(low))
            if not 0 < len(words) <= _LABEL or len(low) < 2:
                continue
            first = list(tokens(re.split(r"[,(;:]", low)[0])) or words
            value = _Value(text, low, words, tuple(w.key for w in words if w.word not in STOP), first[-1].key)
            if not low.isascii():
                self.unspaced.append(value)
            for k in {w.key for w in words}:
                self.of_key.setdefault(k, []).append(value)
            for part in re.split(r"[-/.]", low) if _CODE.fullmatch(text) else ():
                if any(map(str.isdigit, part)) and any(map(str.isalpha, part)):
                    parts.setdefault(part, set()).add(text)
        self.of_part = {part: held.pop() for part, held in parts.items() if len(held) == 1}  # "the C90" is the HL-C90


class Tables:
    """The tables that questions are asked of, with what they hold made ready once."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = tuple(frames)

    @cached_property
    def asked(self) -> tuple[Frame, ...]:
        """Those that are large enough to be asked."""
        return tuple(f for f in self.frames if len(f.kinds) >= _COLUMNS and len(f.table.rows) >= _ROWS)

    @cached_property
    def values(self) -> Mapping[str, _Values]:
        """The values of columns of texts, by the column's name.

        One that no row of a table has is known from another's column of the same name: "none" is an answer, too.
        """
        known: dict[str, dict[str, None]] = {}
        for frame in self.asked:
            for column, kind in frame.kinds.items():
                if kind == "text" and len(values := frame.distinct(column)) <= _DISTINCT:
                    known.setdefault(column, {}).update(dict.fromkeys(values))
        return {column: _Values(texts) for column, texts in known.items()}


class Naming:
    """What a question, in one spelling, names of one table. `question` is as it was typed."""

    def __init__(self, text: str, words: Sequence[Token], question: str, frame: Frame, tables: Tables) -> None:
        self.text, self.words, self.question, self.frame = text, words, question, frame
        self._known = tables.values
        self._own = dict.fromkeys(k for token in words for k in sorted(self._meant(token)))

    @staticmethod
    def _meant(token: Token) -> frozenset[str]:
        """The keys that a word stands for: its own, and those of words that mean the same of a failure."""
        return ALIKE.get(token.word, frozenset()) | {token.key}

    @cached_property
    def about(self) -> frozenset[str]:
        """The words of the document's title and file, and of the sheet, by their keys."""
        named = f"{self.frame.title} {self.frame.table.name} {PurePath(self.frame.source).stem}".replace("_", " ")
        parts = (part for token in tokens(plain(named)) for part in token.word.split("-"))
        own = {k for k in map(key, parts) if k not in STOP and not k.isdigit()}
        return frozenset(own | {key(word) for name, words in ROWS_OF.items() if key(name) in own for word in words})

    # -- columns -------------------------------------------------------------------------------------------------

    def columns(self, taken: Sequence[tuple[int, int]]) -> list[Mention]:
        """Where columns are named outside of `taken`, in order; the longest names first, then the surest."""
        named: list[tuple[int, int, int, str]] = []
        keys = {name: keys_of(name) for name in self.frame.kinds}
        shared = [k for own in keys.values() for k in own]
        for name, own in keys.items():
            named += [(a, b, 0, name) for a, b in self._run(own)]
            single = [k for k in own if shared.count(k) == 1 and len(k) > 2 and k not in _EXTREMES]
            named += [(a, b, 2, name) for k in single for a, b in self._run([k])]
            named += [
                (*match.span(), sure, name) for said, sure in _said_of(name) for match in said.finditer(self.text)
            ]
        named.sort(key=lambda n: (n[0] - n[1], n[2], n[0]))
        found: list[Mention] = []
        for a, b, sure, name in named:
            if not any(m.start < b and a < m.end for m in found) and not any(s < b and a < e for s, e in taken):
                alike = {other for c, d, as_sure, other in named if (c, d, as_sure) == (a, b, sure) and sure > 1}
                found.append(
                    Mention(
                        a,
                        b,
                        name,
                        alone=len({self.frame.kinds[other] for other in alike}) != 1
                        or len(alike) == 1
                        or self.frame.kinds[name] != "number",
                    )
                )
        return sorted(found, key=lambda m: m.start)

    def _run(self, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where these words stand one after the other, whatever their endings; "of" and "the" may stand between."""
        for at in range(len(self._solid) - len(keys) + 1) if keys else ():
            run = self._solid[at : at + len(keys)]
            if [token.key for token in run] == list(keys):
                yield run[0].start, run[-1].end

    @cached_property
    def _solid(self) -> list[Token]:
        """The words, those with hyphens taken apart as names of columns are: "as-left"."""
        return [token for token in tokens(self.text.replace("-", " ")) if token.word not in ("of", "the")]

    @cached_property
    def _column_keys(self) -> frozenset[str]:
        return frozenset(k for name in self.frame.kinds for k in keys_of(name))

    # -- values --------------------------------------------------------------------------------------------------

    def values(self) -> list[Mention]:
        """Every value that is named, those that explain most of the question first.

        A name that stands in several columns is taken to be of the one whose own name stands beside it, then of one that is
        not asked for, then of the one in which most rows have it.
        """
        found = [m for column, kind in self.frame.kinds.items() if kind == "text" for m in self._of(column)]
        asked = self.columns([])

        def place(mention: Mention) -> tuple[float, bool, int, int]:
            own = [m for m in asked if m.column == mention.column]
            beside = any(0 <= m.start - mention.end <= 1 or self._is_close(m.end, mention.start) for m in own)
            rows = self.frame.counts(mention.column).get(str(mention.value), 0)
            weight = mention.weight if beside or not own else mention.weight / 2
            return -weight, not mention.sure, 0 if beside else 2 if own else 1, -rows

        return sorted(found, key=place)

    def _is_close(self, end: int, start: int) -> bool:
        """Whether nothing stands between that says anything: "whose cause is simply vibration"."""
        between = [token for token in self.words if end <= token.start and token.end <= start]
        return 0 <= start - end <= _CLOSE and not any(says_nothing(token.word) for token in between)

    @cached_property
    def things(self) -> frozenset[str]:
        """The columns of texts that say what a row is of: those ahead of an FMEA's failure mode, else all."""
        texts = [c for c, kind in self.frame.kinds.items() if kind == "text"]
        mode = next((n for n, c in enumerate(texts) if "mode" in c.casefold() or "模式" in c), len(texts))
        return frozenset(texts[:mode] or texts)

    def heads(self, taken: Sequence[tuple[int, int]]) -> list[Mention]:
        """Words that name a kind of thing, without any one value: "hoses", "any pump", where values end in the word.

        `value` is then the word's key. Columns come in the table's order, in which things stand before what happens to them.
        """
        asked = {m.column for m in self.columns(taken)}
        spans = [(m.start, m.end) for m in self.columns(taken)] + [*taken]
        columns = [c for c in self.frame.kinds if c in self._known]
        found = []
        for at, token in enumerate(self.words):
            if not self._may_head(token, spans):
                continue
            plural = token.word.endswith("s") and not token.word.endswith("ss")
            if not plural and not re.search(
                r"\b(?:any|all|every|each|kinds? of|types? of)\s+$", self.text[: token.start]
            ):
                continue
            ends = {column: self._ending(column, token.key) for column in columns}
            column = max(
                columns,
                key=lambda c: (len(ends[c]) > 0, c in self.things, c not in asked, len(ends[c]), -columns.index(c)),
                default="",
            )
            if not column or not ends[column]:
                continue
            keys, first = [token.key], at  # "doctor blades": words before it that such values hold as well
            while first and self._may_head(self.words[first - 1], spans):
                before = self.words[first - 1]
                if before.end + 1 != self.words[first].start or not any(before.key in v.keys for v in ends[column]):
                    break
                keys.append(before.key)
                first -= 1
            found.append(
                Mention(
                    self.words[first].start,
                    token.end,
                    column,
                    " ".join(keys),
                    ((self.words[first].start, token.end),),
                    sure=False,
                )
            )
        return found

    def _may_head(self, token: Token, spans: Sequence[tuple[int, int]]) -> bool:
        light = token.word in STOP or token.word in FILLING or token.key in self.about or not token.word.isalpha()
        light |= token.word in _COMPARED or token.start in self._counted_rows
        return (
            not light and len(token.key) >= _SHORTEST and not any(a < token.end and token.start < b for a, b in spans)
        )

    @cached_property
    def _counted_rows(self) -> frozenset[int]:
        """Where "lines" of "how many lines" begin."""
        return frozenset(match.start("rows") for match in COUNTED_ROWS.finditer(self.text))

    def _ending(self, column: str, last: str) -> list[_Value]:
        """The column's values that end in the word of that key."""
        own = self.frame.counts(column)
        return [v for v in self._known[column].of_key.get(last, ()) if v.head == last and v.text in own]

    def kinds_of(self, mention: Mention) -> str | None:
        """The key of a value's one word, where the question asks for all of that kind: "pumps", "any bearing".

        There must be other values of the column that hold the word.
        """
        held = self._known.get(mention.column)
        said = [t for t in self.words if mention.start <= t.start < mention.end]
        if held is None or len(said) != 1 or mention.value is None:
            return None
        others = {value.text for value in held.of_key.get(said[0].key, ()) if said[0].key in value.keys}
        plural = (
            said[0].word.endswith("s") and not said[0].word.endswith("ss") and said[0].word not in plain(mention.value)
        )
        before = re.search(
            r"\b(?:any|all|every|each|all the|kind of|kinds of|type of|types of)\s+$", self.text[: mention.start]
        )
        return (
            said[0].key if len(others & set(self.frame.distinct(mention.column))) > 1 and (plural or before) else None
        )

    def _of(self, column: str) -> Iterator[Mention]:
        held = self._known.get(column)
        if held is None:
            return
        for value in {value.text: value for k in self._own for value in held.of_key.get(k, ())}.values():
            if not self._is_other(value, column):
                yield from self._named(column, value)
        for value in held.unspaced:
            if (start := self.text.find(value.low)) >= 0:
                span = (start, start + len(value.low))
                yield Mention(*span, column, value.text, (span,))
        for token in self.words:
            if token.word in held.of_part:
                span = (token.start, token.end)
                yield Mention(*span, column, held.of_part[token.word], (span,))

    def _is_other(self, value: _Value, column: str) -> bool:
        """Whether its words are sooner something else: "it" is not the department IT, nor "controls" a subsystem."""
        if value.low in YES or value.low in NO:
            return True  # a column of yes and no is asked by its name
        if all(w.word in STOP or w.word in FILLING for w in value.words):
            return re.search(rf"\b{re.escape(value.text)}\b", self.question) is None
        one = value.keys[0] if len(value.words) == 1 and value.keys else None
        if one is None or one not in self._column_keys:
            return False
        own = set(keys_of(column))
        return not any(
            (a.key == one and b.key in own) or (b.key == one and a.key in own) for a, b in pairwise(self.words)
        )

    def _named(self, column: str, value: _Value) -> Iterator[Mention]:
        said = [word.word for word in value.words]
        for at in range(len(self.words) - len(said) + 1):
            run = self.words[at : at + len(said)]
            if [token.word for token in run] == said:
                span = (run[0].start, run[-1].end)
                yield Mention(*span, column, value.text, (span,))
                return
        yield from self._loosely(column, value)

    def _loosely(self, column: str, value: _Value) -> Iterator[Mention]:
        """A value whose words stand close together, in whatever order and with whatever endings."""
        keys, spots, light = set(value.keys), dict[str, tuple[int, int]](), 0
        tight = len(keys) > 1
        for token in self.words:
            for k in sorted(self._meant(token) & keys - set(spots), key=lambda k, own=token.key: k != own)[:1]:  # type: ignore[misc]
                if token.word not in FILLING or tight:
                    spots[k] = (token.start, token.end)
                    light += token.word in FILLING
        whole = len(spots) == len(keys) and (len(keys) > 1 or (keys and len(value.words[0].word) > 4))
        if not (whole or 2 <= len(spots) - light >= _PARTLY * len(keys)) or light == len(spots) > 2:
            return
        first, last = min(a for a, _ in spots.values()), max(b for _, b in spots.values())
        if sum(first <= token.start < last for token in self.words) <= (
            2 * len(spots) + 2 if whole else len(spots) + 1
        ):
            yield Mention(
                first, last, column, value.text, tuple(spots.values()), sure=False, share=len(spots) / len(keys)
            )


@lru_cache(1000)
def keys_of(column: str) -> tuple[str, ...]:
    """The words of a column's name that it is called by; not its unit."""
    return tuple(token.key for token in tokens(_bare(column)) if token.key not in _NOISE)


def unit_in(column: str) -> str:
    """The last word of a column's name, which is its unit where it has one: "h" of "Downtime h"."""
    return plain(column).split()[-1].strip("()[]") if column.strip() else ""


def _bare(column: str) -> str:
    return " ".join(re.sub(r"\(s\)|\bpotential\b|\bof failure\b|[^\w\s\u4e00-\u9fff]", " ", plain(column)).split())


@lru_cache(1000)
def _said_of(column: str) -> list[tuple[re.Pattern[str], int]]:
    """What else a column of that name is called, with how surely: 1 where the name is the very one, else 3."""
    name, found = _bare(column), []
    for part, others in SYNONYMS.items():
        if re.search(rf"(?<![a-z]){re.escape(part)}", name):
            longest = sorted(others.split(", "), key=len, reverse=True)
            either = "|".join(rf"\b{re.escape(o)}\b" if o.isascii() else re.escape(o) for o in longest)
            found.append((re.compile(either), 1 if name == part else 3))
    return found
