"""Fakes: small, honest stand-ins for the slow parts, for fast tests here and in forks.

They keep the contracts of the real ones: `FakeEmbedder` puts texts that share words near each other, `FakeReranker`
counts the words that they share, `FakeChat` streams what it is told to say and remembers what it was asked. No product
code uses them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from sectorkit.retrieval.words import stem, words


class FakeEmbedder(Embeddings):
    """A bag of hashed word stems, as a unit vector of `dimension` floats."""

    def __init__(self, *, dimension: int = 256, fingerprint: str = "fake@1") -> None:
        self.dimension, self.fingerprint = dimension, fingerprint
        self.encoded = 0  # texts that were embedded: tests of incremental work count them

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.dimension
        for term in map(stem, words(text)):
            vector[int.from_bytes(hashlib.sha256(term.encode()).digest()[:4], "big") % self.dimension] += 1.0
        size = math.sqrt(sum(x * x for x in vector)) or 1.0
        return [x / size for x in vector]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.encoded += len(texts)
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._vector(text)

    def count_tokens(self, text: str) -> int:
        return len(words(text))


class FakeReranker:
    """Scores a text by the share of the query's word stems that it has; `fails`, if given, is raised instead."""

    def __init__(self, *, name: str = "fake-reranker", fails: Exception | None = None) -> None:
        self.name, self.fingerprint, self.fails = name, f"{name}@1", fails
        self.asked: list[tuple[str, list[str]]] = []

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, list(texts)))
        if self.fails is not None:
            raise self.fails
        wanted = set(map(stem, words(query)))
        return [len(wanted & set(map(stem, words(text)))) / (len(wanted) or 1) for text in texts]


class FakeChat(BaseChatModel):
    """Says `replies` one after the other, streamed in words, the last one for ever; an exception is raised.

    `fail_after` raises the exception only after so many pieces of the reply before it were streamed.
    """

    replies: Sequence[Any]
    model_name: str = "fake"
    fail_after: int | None = None
    _asked: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[list[BaseMessage]]:
        """The messages of every call, in order."""
        return self._asked

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _next(self, messages: list[BaseMessage]) -> Any:
        reply = self.replies[min(len(self._asked), len(self.replies) - 1)]
        self._asked.append(messages)
        return reply

    def _pieces(self, messages: list[BaseMessage]) -> Iterator[str]:
        reply = self._next(messages)
        if isinstance(reply, Exception) and self.fail_after is None:
            raise reply
        text = str(self.replies[0]) if isinstance(reply, Exception) else str(reply)
        for count, piece in enumerate(text.split(" ")):
            if isinstance(reply, Exception) and count == self.fail_after:
                raise reply
            yield piece if count == 0 else f" {piece}"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = "".join(self._pieces(messages))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self._pieces(messages):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
