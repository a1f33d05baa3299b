"""Answers from tables: a question that can be computed is answered by code, with the query, its result and its rows.

`from_tables` is a before-rule of a SectorApp. What is not wholly understood goes on: a word that is passed over may be the one that
matters ("which pumps were *not* scrapped"). With a model at hand, `by_model` lets it write the query (`table_proposals`); what stands
no check goes to the prompt as any question does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from sectorkit.answer import Answer, Citation, Claim, Computed, Request
from sectorkit.errors import SectorkitError
from sectorkit.query import Aggregate, Filter, Frame, Result, TableQuery
from sectorkit.quoting import quoter
from sectorkit.reading import Kept
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.language import detect_language
from sectorkit.table_naming import Tables
from sectorkit.table_questions import Understood, understand
from sectorkit.table_words import key, tokens
from sectorkit.table_words import plain as plain_text
from sectorkit.tables import tables_of
from sectorkit.times import is_in_force

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from sectorkit.table_proposals import Proposal

_LEFT, _SURE = 2, 3.0  # words that may be left out, and the score that is needed, for a result beside an answer
_LINES = 25  # of a result that an answer's text holds
_CITED = 12  # rows that become citations
USED = 500  # rows that a result names as those it rests on
_QUANTITY = re.compile(
    r"(?:total |defect )?(?:quantity|qty\.?|pieces|pcs\.?|units|no\.? of pieces|number of pieces|count)(?: \w+)?|数量|件数",
    re.IGNORECASE,
)
_WORDS = {
    "en": {"none": "None: no row meets this.", "more": "and {n} more rows."},
    "zh": {"none": "没有：表中没有符合条件的行。", "more": "另有{n}行。"},
}


def from_tables(request: Request, index: Index) -> Request | Answer:
    """The computed answer where the question is wholly understood as one to a table in force; else the request as it was.

    A request that is narrowed, by `where` or to a time, is for the search.
    """
    if request.where or request.as_of:
        return request
    try:
        understood = understand(request.question, tables_in(index))
        if understood is None or not understood.whole or _is_doubtful(understood):
            return request
        return table_answer(request.question, understood, index)
    except SectorkitError:
        return request  # the search may still find it


def beside_tables(request: Request, answer: Answer, index: Index) -> Answer:
    """An answer that the search and the model gave, with what a table gives where only a word or two were not understood.

    Those are named, and nothing is claimed of it: but a count that leaves out "bin" helps more than a model's guess.
    """
    if request.where or answer.computed:
        return answer
    try:
        understood = understand(request.question, tables_in(index))
        if (
            understood is None
            or not 0 < len(understood.left) <= _LEFT
            or understood.score < _SURE
            or understood.asks_for_the_rest
            or understood.denies
        ):
            return answer
        query = understood.query
        if not (query.aggregate or query.group_by or query.order_by):
            return answer
        found = table_answer(request.question, understood, index).computed
    except SectorkitError:
        return answer
    return replace(answer, computed=replace(found, beside=True) if found else None)


async def by_model(request: Request, index: Index, chat: BaseChatModel) -> Answer | None:
    """The computed answer by a query that the model wrote and that stood every check; with `left`, it may stand beside an answer."""
    proposal = await proposed(request, index, chat)
    return (
        await asyncio.to_thread(checked_answer, request.question, proposal, index, name_of(chat)) if proposal else None
    )


async def proposed(request: Request, index: Index, chat: BaseChatModel) -> Proposal | None:
    """The query that the model wrote, whether or not it stood the check; none for a request that is narrowed. A time that the question
    names narrows nothing: to a table it is a condition, which the query has to hold."""
    from sectorkit.table_proposals import propose

    if request.where:
        return None
    return await propose(request.question, await asyncio.to_thread(tables_in, index), chat)


def checked_answer(question: str, proposal: Proposal, index: Index, model: str) -> Answer | None:
    """The computed answer by a query of the model's that stood every check; None for another."""
    if proposal.understood is None:
        return None
    found = table_answer(question, proposal.understood, index)
    if found.computed is None or not found.computed.total:
        return None  # that there is none is not said on a model's word
    return replace(found, model=model, computed=replace(found.computed, by=model))


def name_of(chat: BaseChatModel) -> str:
    """The model's name, for a person."""
    return str(getattr(chat, "model_name", "") or "a model")


def _is_doubtful(understood: Understood) -> bool:
    """Whether the answer would be that there is none, though rows with nearly the same words are there."""
    query, frame = understood.query, understood.frame
    if not frame.run(query.model_copy(update={"limit": 1})).is_none:
        return False
    looser = [
        Filter(column=f.column, op="contains", value=key(word))
        if f.op == "="
        and isinstance(f.value, str)
        and frame.kinds[f.column] == "text"
        and (word := _longest_word(f.value))
        else f
        for f in query.filters
    ]
    return looser != query.filters and frame.run(TableQuery(filters=looser, limit=1)).total > 0


def _longest_word(value: str) -> str:
    return max((token.word for token in tokens(plain_text(value))), key=len, default="")


def table_answer(question: str, understood: Understood, index: Index) -> Answer:
    """The answer that a query to a table gives, whatever of the question it left out."""
    frame, query = understood.frame, understood.query
    result = frame.run(query)
    words = _WORDS.get(detect_language(question), _WORDS["en"])
    listed = query.aggregate is None and not query.group_by
    cited: tuple[Citation, ...] = ()
    if listed and result.used:
        quoted = quoter(index, frame.source)
        cited = tuple(replace(quoted(row.start, row.end), n=n) for n, row in enumerate(result.used[:_CITED], start=1))
    if result.is_none:
        lines = [words["none"]]
    else:
        lines = [_line(result, row) for row in result.rows[:_LINES]]
        if listed:
            lines = [f"{line} [{n}]" if n <= len(cited) else line for n, line in enumerate(lines, start=1)]
        if len(result.rows) > _LINES:
            lines.append(words["more"].format(n=len(result.rows) - _LINES))
    numbers = {c.n for c in cited}
    claims = [Claim(line, True, 1.0, (n,) if n in numbers else ()) for n, line in enumerate(lines, start=1)]
    computed = Computed(
        frame.source, frame.name, query.model_dump(), query.in_words(), result.columns, result.rows, result.total,
        tuple((row.start, row.end, row.number or 0) for row in result.used[:USED]), result.cut, result.unread, understood.left,
    )  # fmt: skip
    notes = tuple(f"{frame.title}: {note}" for note in frame.notes)  # such as rows that were left out
    notes += _amounts(frame, query, result)
    return Answer(
        question, "supported", "\n".join(lines), citations=cited, claims=tuple(claims), notes=notes, computed=computed
    )  # fmt: skip


def _amounts(frame: Frame, query: TableQuery, result: Result) -> tuple[str, ...]:
    """A note where rows were counted that say how many each stands for: of "how many defects" either may be meant."""
    column = next((c for c, kind in frame.kinds.items() if kind == "number" and _QUANTITY.fullmatch(c.strip())), None)
    if column is None or query.aggregate != Aggregate(function="count") or query.group_by:
        return ()
    total = frame.run(query.model_copy(update={"aggregate": Aggregate(function="sum", column=column)})).rows
    if not total or total[0][-1] in (None, result.total):
        return ()
    return (f"Rows were counted. Their column “{column}” adds up to {plain(total[0][-1])}.",)


def plain(value: Any) -> str:
    """A value of a result for a person: two decimals, or as many as show four digits of it; thousands set apart from 10,000 on,
    since 2025 is as often a year."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.{places(value)}f}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def places(value: float) -> int:
    """Decimals that show a number: two, or more where it is so small that they would hide it."""
    if not value or abs(value) >= 1:
        return 2
    return next((n for n in range(2, 9) if abs(round(value, n) - value) <= abs(value) / 2000), 9)


def _line(result: Result, row: Sequence[Any]) -> str:
    """ "Machine: HL-P40; RPN: 210", or the value alone where it is the only one."""
    if len(row) == 1:
        return plain(row[0])
    return "; ".join(f"{name}: {plain(value)}" for name, value in zip(result.columns, row, strict=True))


def _read(index: Index) -> Tables:
    found: list[Frame] = []
    for source in (document.source for document in index.documents()):
        document = index.document(source)
        if is_in_force(document.metadata, date.today()):
            title = str(document.title or source)
            found += [
                Frame(table, source, title, tuple(document.notes))
                for table in tables_of(document.text, index.passages_of(source))
            ]
    return Tables(found)


tables_in = Kept(_read)
"""Every table of an index's documents that are in force; kept until the documents change."""
