"""Asking: an app's own pipeline as an Inspect solver, unchanged, over a benchmark's documents.

The app's model calls go through Inspect's agent bridge: LangChain believes that it talks to a model called "inspect",
and every call lands in the log, with the run's retries and concurrency. The bridge carries whole answers only, so the
stream of an app is one piece here, and the time to the first word is not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectoreval.arms import Arm
from sectoreval.context import Context
from sectoreval.corpora import DOCUMENT, Corpus
from sectoreval.replies import shown, store_failure, store_reply
from sectoreval.served import PATIENCE
from sectorkit.errors import RequestError, ServerUnavailable

if TYPE_CHECKING:
    from inspect_ai.solver import Generate, Solver, TaskState

    from sectorkit.answer import Answer
    from sectorkit.app import SectorApp
    from sectorkit.models.chat import SectorChat
    from sectorkit.retrieval.index import Index

_KEPT = ("passage_id", "document", "source", "start", "end", "similarity")  # of a hit; its text is in the index
_BROKEN_OFF = ("model_unavailable", "interrupted")


def ask_app(
    context: Context,
    arm: Arm,
    *,
    app: str | SectorApp,
    corpus: Callable[[], Corpus] | None,
    docs: Path | None = None,
) -> Solver:
    """Asks `app` the question of each case: over its own documents, or the folder `docs`, where there is no `corpus`.

    A case's gold holds `question`, and may hold `where`, a filter, and `right`, the documents that an oracle shows; an
    oracle without any of these searches all. The reply is `Answer.to_dict()`, each citation with its `document`, and
    `read`, the documents of the passages that the model saw; `evidence_spans` says where in them.
    Without documents (closed_book) it is `{"verdict", "text"}`.
    """
    from inspect_ai.solver import solver

    from sectorkit.answering import BY_WORDS, UNRANKED
    from sectorkit.app import load_app
    from sectorkit.verifying import CHECKED_BY_WORDS

    without = (BY_WORDS, UNRANKED, CHECKED_BY_WORDS)  # notes of an app that lacked a part: the answer of another arm

    loaded = load_app(app) if isinstance(app, str) else app
    if arm == "reranked":
        context.reranker  # noqa: B018  # refused now where there is none, and not in every case
    # Before the run: a case's time is not spent on indexing.
    index, documents = (None, {}) if arm == "closed_book" else _open(context, loaded, corpus, docs)

    @solver(name="ask_app")
    def asking() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            gold = state.metadata["gold"]
            if index is None:
                return await _closed_book(context, loaded, state, gold)
            where = dict(gold.get("where") or {})
            if arm == "oracle" and gold.get("right"):
                where = {DOCUMENT: list(gold["right"])}
            try:
                answer, stop = await _ask(context, loaded, arm, gold["question"], where, index)
            except RequestError as error:
                return store_failure(state, str(error))
            reply = answer.to_dict() | {"raw": answer.raw}
            for part in (*reply["citations"], *reply["hits"]):
                part["document"] = documents.get(part["source"], part["source"])
            for citation in reply["citations"]:
                citation["lines"] = lines_of(
                    index.document(citation["source"]).text, citation["start"], citation["end"]
                )
            seen = set(answer.evidence)
            evidence = shown([hit for hit in reply["hits"] if hit["passage_id"] in seen])
            away = [note for note in answer.notes if note.startswith(without)]
            if away or answer.reason in _BROKEN_OFF:  # by a server: the case is asked again by the next run
                raise ServerUnavailable("; ".join(away or answer.notes) or str(answer.reason))
            if stop == "max_tokens":
                return store_failure(state, "truncated", evidence=evidence)
            slim = [{key: hit[key] for key in _KEPT} for hit in reply["hits"]]
            read = [hit for hit in slim if hit["passage_id"] in seen]
            reply |= {"hits": slim, "read": [hit["document"] for hit in read], "evidence_spans": read}
            return store_reply(state, reply, said=answer.text, evidence=evidence)

        return solve

    return asking()


def lines_of(text: str, start: int, end: int) -> list[int]:
    """Which lines of a document a span of it touches, counted from 0; lines without any text are not counted."""
    touched: list[int] = []
    at = number = 0
    for line in text.split("\n"):
        if line.strip():
            if at < end and start < at + len(line):
                touched.append(number)
            number += 1
        at += len(line) + 1
    return touched


def _open(
    context: Context, app: SectorApp, corpus: Callable[[], Corpus] | None, docs: Path | None
) -> tuple[Index, Mapping[str, str]]:
    if corpus is not None:
        opened = context.index(corpus())
        return opened.index, opened.documents
    return context.app_index(app, docs), {}


async def _ask(
    context: Context, app: SectorApp, arm: Arm, question: str, where: Mapping[str, Any], index: Index
) -> tuple[Answer, str | None]:
    """The app's answer, and why the model stopped where it was asked."""
    from inspect_ai.agent import agent_bridge

    from sectorkit.answer import Request
    from sectorkit.answering import answer

    mode = arm if arm in ("lexical", "dense") else "hybrid"
    limits = replace(context.limits(), seconds=2 * PATIENCE)  # the run's own patience ends first
    reranker = context.reranker if arm == "reranked" else None
    async with agent_bridge(forward_generation_config=True) as bridge:
        got = await answer(
            app, Request(question, where=where), index=index, chat=bridged_chat(), limits=limits,
            mode=mode, reranker=reranker,
        )  # fmt: skip
        said = bridge.state.output
    return got, said.stop_reason if said.choices else None


async def _closed_book(context: Context, app: SectorApp, state: TaskState, gold: Mapping[str, Any]) -> TaskState:
    from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model

    from sectorkit.retrieval.language import NAMES, detect_language
    from sectorkit.verifying import DECLINED

    language = NAMES.get(detect_language(gold["question"]), "the question's language")
    task = f"Answer the question in one to three short sentences of {language}."
    if context.limits().declines:  # as the app tells its model: the smallest decline too much where they may
        task += f" If you do not know, write only: {DECLINED}"
    messages: list[ChatMessage] = [
        ChatMessageSystem(content=app.instructions.strip()),
        ChatMessageUser(content=f"Question: {gold['question'].strip()}\n{task}"),
    ]
    output = await get_model().generate(messages, config=GenerateConfig(max_tokens=context.limits().answer))
    state.output = output
    if output.stop_reason == "max_tokens":
        return store_failure(state, "truncated")
    declined = output.completion.strip(" .*\"'“”\n").casefold().startswith(DECLINED.casefold())
    reply: dict[str, Any] = {
        "verdict": "abstained" if declined else "unverified",
        "text": output.completion,
        "citations": [],
        "hits": [],
    }
    return store_reply(state, reply, said=output.completion)


def bridged_chat() -> SectorChat:
    """A chat client whose calls the agent bridge takes over; without the bridge, nothing answers it."""
    from pydantic import SecretStr

    from sectorkit.models.chat import SectorChat

    return SectorChat(
        model="inspect", base_url="http://127.0.0.1:9/v1", api_key=SecretStr("none"), temperature=0.0, max_retries=0,
        use_responses_api=False, disable_streaming=True, thinking_opened=None, http_socket_options=(),
    )  # fmt: skip
