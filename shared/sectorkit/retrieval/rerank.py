"""Reranking: a stage behind a search, which reads question and passage together and orders the best hits anew.

search = Reranked(index, reranker).search
hits = search("How loud may a bar be at night?", k=5)
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_args, runtime_checkable

from sectorkit.errors import ConfigurationError, ModelError, ServerUnavailable
from sectorkit.models.endpoint import is_loopback
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.compiled import fastest_dtype
from sectorkit.retrieval.index import Index, Mode, check_k, check_mode
from sectorkit.retrieval.passage import Hit

if TYPE_CHECKING:
    from sectorkit.models.catalogue import ModelSpec

DEPTH = 50  # hits whose order is made anew: as many as each stage of a search brings; the time is in proportion
MODES = (*get_args(Mode), "reranked")
MISSING = (
    "no reranker is configured: name one in SECTORKIT_RERANK_MODEL (sectorkit models list), "
    "and its server, if it runs in one, in SECTORKIT_RERANK_URL"
)
_LONGEST_QUERY = 2_000  # characters: more would leave a passage no room in what a reranker reads
_SECONDS = 60.0  # until a server's scores are given up; the answer goes on without them

Search = Callable[..., list[Hit]]
"""`Index.search` without its mode: `search(query, k, where=..., depth=...)`."""


@runtime_checkable
class Reranker(Protocol):
    """What reads a question and texts together. `rerank_check.check_reranker` tells one that works from one that does not."""

    name: str
    fingerprint: str  # name and revision, as far as it is known: what a report pins

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score a text, in their order, higher for what answers the query better; of no common scale."""
        ...


class LocalReranker:
    """A sentence-transformers cross-encoder in this process, loaded when first used. Its scores are raw logits.

    Of a pair that is too long for the model, its tokenizer cuts the longer text.
    """

    def __init__(self, spec: ModelSpec, model_dir: Path, *, batch_size: int = 8) -> None:
        self.name, self.fingerprint = spec.name, f"{spec.name}@{spec.revision}"
        self._model_dir, self._batch_size = model_dir, batch_size
        self._lock = threading.Lock()
        self._model: Any = None

    def load(self) -> None:
        """Load the weights now. Raises ConfigurationError where they are no cross-encoder's."""
        with self._lock:
            if self._model is None:
                self._model = self._loaded()

    def _loaded(self) -> Any:
        try:
            import torch
            from sentence_transformers import CrossEncoder
        except ImportError:
            raise ConfigurationError(
                "reranking in this process needs sentence-transformers, which is not installed; "
                "name a server in SECTORKIT_RERANK_URL"
            ) from None
        try:
            model = CrossEncoder(
                str(self._model_dir),
                device="cuda" if torch.cuda.is_available() else "cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": fastest_dtype()},
                activation_fn=torch.nn.Identity(),  # behind a sigmoid, good hits would all score 1.0
            )
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{self.name} in {self._model_dir} cannot be loaded as a cross-encoder ({error}); "
                "choose another in SECTORKIT_RERANK_MODEL"
            ) from error
        if model.num_labels != 1:
            raise ConfigurationError(
                f"{self.name} gives {model.num_labels} scores a pair and a reranker gives one; "
                "choose another in SECTORKIT_RERANK_MODEL"
            )
        return model

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One logit a text; texts alike in length go through the model together."""
        self.load()
        pairs = [(query, text) for text in texts]
        with self._lock:
            found = self._model.predict(pairs, batch_size=self._batch_size, show_progress_bar=False)
        return [float(score) for score in found]


class EndpointReranker:
    """A server's `/rerank` as vLLM, Jina and Cohere have it; `url` is the address before it, as a rule with its /v1."""

    def __init__(self, name: str, url: str, *, key: str | None = None, revision: str | None = None) -> None:
        self.name, self.fingerprint = name, f"{name}@{revision or 'unknown'}"
        self._url, self._key = url.rstrip("/"), key
        self._client: Any = None

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """The server's scores. Raises ServerUnavailable where it is away, or does not score each text once."""
        import httpx

        if not texts:
            return []
        body = {"model": self.name, "query": query, "documents": list(texts)}
        try:
            reply = self._post(body)
            if reply.status_code == 400:  # vLLM refuses a pair that is too long, unless it is told to cut it
                reply = self._post(body | {"truncate_prompt_tokens": -1})
            if reply.status_code >= 400:
                raise ValueError(f"{reply.status_code}: {reply.text[:200]}")
            return _in_order(reply.json()["results"], len(texts))
        except (httpx.HTTPError, httpx.InvalidURL, LookupError, TypeError, ValueError) as error:
            raise ServerUnavailable(
                f"no scores from {self._url}/rerank ({str(error) or type(error).__name__}); start it, correct "
                "SECTORKIT_RERANK_URL or SECTORKIT_RERANK_KEY, or unset SECTORKIT_RERANK_MODEL to do without"
            ) from error

    def _post(self, body: Mapping[str, Any]) -> Any:
        import httpx

        if self._client is None:  # kept: making one reads the certificates of the whole world
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            timeout = httpx.Timeout(_SECONDS, connect=5)
            self._client = httpx.Client(timeout=timeout, headers=headers, trust_env=not is_loopback(self._url))
        return self._client.post(f"{self._url}/rerank", json=body)


def _in_order(rows: Sequence[Mapping[str, Any]], wanted: int) -> list[float]:
    if sorted(row["index"] for row in rows) != list(range(wanted)):
        raise ValueError(f"{len(rows)} results for {wanted} texts, and not one for each")
    scores = [float(row["relevance_score"]) for row in sorted(rows, key=lambda row: row["index"])]
    if wrong := trouble(scores, wanted):
        raise ValueError(wrong)
    return scores


def trouble(scores: Sequence[float], wanted: int) -> str | None:
    """What is wrong with the scores of `wanted` texts, as far as it shows without knowing the texts."""
    if len(scores) != wanted:
        return f"{len(scores)} scores for {wanted} texts"
    if not all(map(math.isfinite, scores)):
        return "a score that is no number"
    return None


def rerank(query: str, hits: Sequence[Hit], reranker: Reranker, *, depth: int = DEPTH) -> list[Hit]:
    """`hits`, the first `depth` in the reranker's order and the rest behind them as they were.

    What was reranked has the reranker's score, and its rank under `reranked` beside the ranks that it had; ties keep
    their order. Raises ServerUnavailable where the reranker is away, ModelError where its scores are none.
    """
    head = list(hits[:depth])
    scores = reranker.scores(query[:_LONGEST_QUERY], [context(hit.passage) for hit in head]) if head else []
    if wrong := trouble(scores, len(head)):
        raise ModelError(f"the reranker {reranker.name} gave {wrong}; choose another in SECTORKIT_RERANK_MODEL")
    order = sorted(range(len(head)), key=lambda n: -scores[n])
    ranked = [
        replace(head[n], score=scores[n], ranks={**head[n].ranks, "reranked": rank})
        for rank, n in enumerate(order, start=1)
    ]
    return [*ranked, *hits[depth:]]


class Reranked:
    """A search of `index` with a reranker behind it."""

    def __init__(self, index: Index, reranker: Reranker, *, depth: int = DEPTH) -> None:
        self._index, self._reranker, self._depth = index, reranker, depth

    def search(self, query: str, k: int = 10, *, where: Mapping[str, Any] | None = None, depth: int = 50) -> list[Hit]:
        """The `k` best passages, reranked from those that a hybrid search finds. Raises as `Index.search`, and as
        `rerank`."""
        check_k(k)
        return rerank(
            query, self._index.search(query, max(k, self._depth), where=where, depth=depth), self._reranker,
            depth=self._depth,
        )[:k]  # fmt: skip


def search_by(mode: str, index: Index, reranker: Reranker | None) -> Search:
    """The search of one of MODES. Raises UnknownName, and ConfigurationError for `reranked` without a reranker."""
    check_mode(mode, MODES)
    if mode != "reranked":
        return partial(index.search, mode=mode)  # type: ignore[arg-type]
    if reranker is None:
        raise ConfigurationError(MISSING)
    return Reranked(index, reranker).search
