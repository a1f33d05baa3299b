"""Proposals: a model writes the query that a question asks for, and code checks each part of it before anything is computed.

For questions to a table that `table_questions` does not wholly understand. The model is held to the query's schema, with the table's
columns, values that the question may mean, and the most similar questions of table_examples.jsonl with their queries before it.
What it writes counts where every part of it is said in the question, and nothing of the question that matters is left out:

    proposal = await propose(question, tables, chat)
    proposal.understood     # None where it did not stand the check: nothing is computed, unless a person says that it is meant
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from pydantic import ValidationError

from sectorkit import table_words as say
from sectorkit.errors import RequestError
from sectorkit.models.constraints import answer_schema
from sectorkit.query import Aggregate, Filter, Frame, TableQuery
from sectorkit.table_checks import checked, meant, numbers_in
from sectorkit.table_naming import Naming, Tables
from sectorkit.table_questions import Understood, understand
from sectorkit.table_words import says_nothing, spelt_out, tokens

_EXAMPLES = Path(__file__).with_name("table_examples.jsonl")
_SHOTS = 6  # examples before the model
_FEW = 8  # values of a column that are all named
_NAMED = 4  # else those that share most words with the question
_LONG = 80  # characters of a value that is named
_MOST = 250  # tokens of a query
_TASK = (
    "Write the query to the table that answers the question, as JSON. `filters` choose rows, `aggregate` computes of them (a count has no "
    'column), `group_by` does so for each value, `order_by` names a column or the aggregate, such as "mean of RPN". A value is written as it '
    'stands in the table; where only a word of it is meant, the op is "contains".'
)
_HOW_TO = re.compile(r"\bhow (?:do|can|may|should|must) (?:i|we|you)\b|怎么|如何|怎样")
_COMPUTES = (
    say.COUNTED, say.MEAN, say.SUM, say.MOST, say.HIGH, say.LOW, say.LEAST, say.RANK, say.TOP, say.EACH, say.COMPARED, say.AFTERWARDS,
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A question to a table with those columns, and its query."""

    question: str
    columns: tuple[str, ...]
    query: TableQuery


@dataclass(frozen=True)
class Proposal:
    """A query that a model wrote to the table, as it was written, and what it is after the check; None where it did not stand that."""

    frame: Frame
    query: TableQuery
    understood: Understood | None


async def propose(
    question: str, tables: Tables, chat: BaseChatModel, among: Sequence[Example] | None = None
) -> Proposal | None:
    """The question as a query that the model wrote; None where there is none that can be run, or it asks for nothing that is
    computed. `among` are the examples that it may see, by default all. Raises what the model's client raises."""
    frame = await asyncio.to_thread(table_for, question, tables)
    if frame is None:
        return None
    bound = chat.bind(**answer_schema(schema(frame), thinking=False), max_tokens=_MOST)
    reply = await bound.ainvoke([HumanMessage(await asyncio.to_thread(prompt, question, frame, among))])
    try:
        query = TableQuery.model_validate_json(reply.text)
    except ValidationError:
        return None  # cut off, or of a server that knows no schemas
    return await asyncio.to_thread(_proposal, question, frame, tables, query)


def _proposal(question: str, frame: Frame, tables: Tables, query: TableQuery) -> Proposal | None:
    understood = checked(question, frame, tables, query)
    try:
        frame.run(query)
    except RequestError:
        return Proposal(frame, understood.query, understood) if understood else None
    return Proposal(frame, query, understood)


def table_for(question: str, tables: Tables) -> Frame | None:
    """The table that the question names most of; None where it asks for no count, mean, order or list of rows."""
    text = spelt_out(question)
    understood = None if _HOW_TO.search(text) else understand(question, tables)
    if understood is None or any(word.startswith("whether ") for word in understood.left):
        return None  # or two tables fit alike
    frame = understood.frame
    if any(p.search(text) for p in _COMPUTES):
        return frame
    naming = Naming(text, tuple(tokens(text)), question, frame, tables)
    return frame if numbers_in(text) and any(frame.kinds[m.column] == "number" for m in naming.columns([])) else None


@cache
def examples() -> tuple[Example, ...]:
    """Questions that others asked of their tables, with right queries, in English and Chinese."""
    lines = map(json.loads, _EXAMPLES.read_text(encoding="utf-8").splitlines())
    return tuple(Example(one["question"], tuple(one["columns"]), TableQuery(**one["query"])) for one in lines)


def schema(frame: Frame) -> dict[str, Any]:
    """A JSON schema of queries to that table alone: small, since a server compiles it anew for each table."""
    column, text = {"enum": list(frame.kinds)}, {"type": "string", "maxLength": _LONG}

    def record(required: Sequence[str], **fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}

    def several(of: Mapping[str, Any], most: int, least: int = 0) -> dict[str, Any]:
        return {"type": "array", "items": of, "minItems": least, "maxItems": most}

    value = {"anyOf": [{"type": "number"}, text, several(text, 4, 1), {"type": "null"}]}
    ops = list(Filter.model_json_schema()["properties"]["op"]["enum"])
    functions = list(Aggregate.model_json_schema()["properties"]["function"]["enum"])
    return record(
        ["filters"],
        filters=several(record(["column", "op", "value"], column=column, op={"enum": ops}, value=value), 4),
        group_by=several(column, 2),
        aggregate=record(["function", "column"], function={"enum": functions}, column={"anyOf": [column, {"type": "null"}]}),
        order_by=several(record(["column", "descending"], column=text, descending={"type": "boolean"}), 2),
        limit={"type": "integer", "minimum": 1, "maximum": 100},
        select=several(column, 4),
    )  # fmt: skip


def prompt(question: str, frame: Frame, among: Sequence[Example] | None = None) -> str:
    """The task, the nearest examples, the best last, and the table with the values that may be meant."""
    shots = (
        f"Columns: {', '.join(one.columns)}\nQuestion: {one.question}\nQuery: {_written(one.query)}"
        for one in nearest(question, among)
    )
    columns = ", ".join(f"{column} ({kind})" for column, kind in frame.kinds.items())
    values = "\n".join(_values(question, frame))
    return "\n\n".join(
        (_TASK, *shots, f"Columns: {columns}\nValues, among others:\n{values}\nQuestion: {question.strip()}\nQuery: ")
    )


def nearest(question: str, among: Sequence[Example] | None = None) -> list[Example]:
    """The examples that share most with the question: words by how rare they are among the examples; the best last."""
    known = examples() if among is None else among
    words, own = [_words_of(one.question) for one in known], _words_of(question)
    count = Counter(word for each in words for word in each)
    rare = {word: math.log(len(words) / n) for word, n in count.items()}

    def alike(n: int) -> float:
        return float(sum(rare[w] for w in own & words[n]) / (1 + sum(rare[w] for w in words[n])) ** 0.5)

    return [known[n] for n in sorted(range(len(known)), key=alike)[-_SHOTS:]]


@lru_cache(1000)
def _words_of(question: str) -> frozenset[str]:
    """Words and pairs of words; of Chinese, characters and their pairs."""
    words = re.findall(r"[a-z]+|[\u4e00-\u9fff]|\d+", spelt_out(question))
    return frozenset([*words, *(f"{a} {b}" for a, b in pairwise(words))])


def _values(question: str, frame: Frame) -> Iterator[str]:
    """Of each column of texts the values: all where they are few, else those that share words with the question."""
    own = {k for token in tokens(spelt_out(question)) if says_nothing(token.word) for k in meant(token)}
    for column, kind in frame.kinds.items():
        if kind != "text":
            continue
        values = [value for value in frame.distinct(column) if len(value) <= _LONG]
        if len(values) > _FEW:
            shared = {
                v: [t for t in tokens(say.plain(v)) if t.key in own or (not t.word.isascii() and t.word in question)]
                for v in values
            }
            near = sorted((v for v in values if shared[v]), key=lambda v: len(shared[v]) / (1 + len(v.split())) ** 0.5)
            values = [*reversed(near[-_NAMED:]), "..."] if near else []
        if values:
            yield f"{column}: {' | '.join(values)}"


def _written(query: TableQuery) -> str:
    said = {name: part for name, part in query.model_dump().items() if part not in (None, [])}
    return json.dumps({"filters": [], **said}, ensure_ascii=False)
