"""Embedding: texts to vectors, in process or by an endpoint.

Both classes are LangChain `Embeddings` with a `fingerprint`: what an index records, and refuses to mix.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from langchain_core.embeddings import Embeddings

from sectorkit.errors import ServerUnavailable
from sectorkit.progress import Progress, silent
from sectorkit.retrieval import compiled
from sectorkit.retrieval.known import read_known, text_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sectorkit.models.catalogue import ModelSpec


_FEW = 26  # texts: so many at once are a question's (grounding compares 24 spans), more are a document's


@runtime_checkable
class Embedder(Protocol):
    """What an index needs of an embedder. Any LangChain `Embeddings` with these two attributes will do."""

    fingerprint: str  # name and revision; two embedders with one fingerprint give the same vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]: ...

    def embed_query(self, text: str) -> list[float]: ...

    def count_tokens(self, text: str) -> int: ...


class LocalEmbedder(Embeddings):
    """A sentence-transformers model in this process, loaded when first used.

    Without a GPU it runs in OpenVINO where the model was compiled, up to twice as fast for the same vectors and without
    importing PyTorch; it is compiled where that is installed and the processor is no faster in bfloat16. Else PyTorch.
    Somebody's question, and the few sentences that its answer is checked by, go before passages that are indexed: they
    wait for one batch of those at most, and not for a whole document.

    PyTorch asks `leave_a_core` before each batch whether another process needs one: two threads that wait for each
    other get little done where one of them has no core.
    """

    def __init__(self, spec: ModelSpec, model_dir: Path, *, batch_size: int | None = None) -> None:
        self.fingerprint = f"{spec.name}@{spec.revision}"
        self.unrelated_below, self.quotes_from = spec.unrelated_below, spec.quotes_from
        self._spec, self._model_dir, self._batch_size = spec, model_dir, batch_size or spec.batch
        self._known: dict[bytes, NDArray[np.float16]] = {}
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._questions = 0  # that wait for the model
        self._no_question = threading.Condition()
        self._encode_batch: Callable[[list[str]], NDArray[np.float32]] | None = None
        self._tokenizer: Any = None
        self.backend = ""  # what it runs in, and why so; known when it is loaded
        self.leave_a_core: Callable[[], bool] = lambda: False

    def load(self, progress: Progress = silent) -> None:
        """Load the weights now (seconds) and not at the first question: compiled, if they were compiled before."""
        with self._lock:
            if self._encode_batch is None:
                ready = compiled.usable() and compiled.is_compiled(self._model_dir)
                self._encode_batch = (self._compiled(progress) if ready else None) or self._torch()

    def compile(self, progress: Progress = silent) -> None:
        """Compile the weights where that helps here and was not done (a minute or more), and use them from now on.

        Questions are answered meanwhile by what is loaded.
        """
        if self.backend == "OpenVINO" or not compiled.usable():
            return
        worth = compiled.is_compiled(self._model_dir) or compiled.helps()
        if worth and (encode := self._compiled(progress)):
            with self._lock:
                self._encode_batch = encode

    def _compiled(self, progress: Progress) -> Callable[[list[str]], NDArray[np.float32]] | None:
        max_tokens = self._spec.max_tokens or 512
        refused = compiled.compile_model(self._model_dir, max_tokens=max_tokens, progress=progress)
        if refused is not None:
            self.backend = f"PyTorch, since OpenVINO cannot run this model ({refused})"
            return None
        self.backend = "OpenVINO"
        return compiled.CompiledModel(self._model_dir, max_tokens=max_tokens).encode

    def _torch(self) -> Callable[[list[str]], NDArray[np.float32]]:
        import torch

        model = compiled.in_pytorch(self._model_dir, dtype=compiled.fastest_dtype())
        self.backend = self.backend or "PyTorch"
        cores = torch.get_num_threads()

        def encode(texts: list[str]) -> NDArray[np.float32]:
            torch.set_num_threads(max(1, cores - self.leave_a_core()))
            try:
                found: NDArray[np.float32] = model.encode(
                    texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
                )
            finally:
                torch.set_num_threads(cores)  # a thread that has not used torch yet takes over what was set last
            return found

        return encode

    def _encode(self, texts: Sequence[str]) -> list[list[float]]:
        self.load()
        assert self._encode_batch is not None
        vectors: list[list[float]] = []
        with self._lock:  # a model on all cores gains nothing from two callers at once
            for at in range(0, len(texts), self._batch_size):
                vectors += self._encode_batch(list(texts[at : at + self._batch_size])).astype(float).tolist()
        return vectors

    def know(self, file: Path) -> None:
        """Take vectors of passages from `file`, where there is one and this model made it; see `known`."""
        self._known |= read_known(file, self.fingerprint)

    def passage_text(self, text: str) -> str:
        """What the model is given for a passage."""
        return self._spec.as_passage(text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Unit vectors of passages, one per text, `dimension` floats each; those that are known are not made again."""
        texts = [self.passage_text(text) for text in texts]
        found = [self._known.get(text_key(text)) if self._known else None for text in texts]
        new = iter(self._embed([text for text, vector in zip(texts, found, strict=True) if vector is None]))
        return [next(new) if vector is None else vector.tolist() for vector in found]

    def _embed(self, texts: list[str]) -> list[list[float]]:
        if len(texts) <= _FEW:
            with self._ahead():
                return self._encode(texts)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # alike in length, so that little is padded
        vectors: dict[int, list[float]] = {}
        for at in range(0, len(order), self._batch_size):
            batch = order[at : at + self._batch_size]
            with self._no_question:
                self._no_question.wait_for(lambda: self._questions == 0)
            vectors.update(zip(batch, self._encode([texts[n] for n in batch]), strict=True))
        return [vectors[n] for n in range(len(texts))]

    def embed_query(self, text: str) -> list[float]:
        """Unit vector of a question."""
        with self._ahead():
            return self._encode([self._spec.as_query(text)])[0]

    @contextmanager
    def _ahead(self) -> Iterator[None]:
        with self._no_question:
            self._questions += 1
        try:
            yield
        finally:
            with self._no_question:
                self._questions -= 1
                self._no_question.notify_all()

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's own tokenizer, without special ones."""
        with self._counting:  # a document is cut while another is embedded
            if self._tokenizer is None:
                self._tokenizer = read_tokenizer(self._model_dir)
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


class EndpointEmbedder(Embeddings):
    """An OpenAI-style `/v1/embeddings` endpoint, such as a vLLM that serves the same model: no torch here."""

    def __init__(self, spec: ModelSpec, url: str, *, key: str | None = None, tokenizer_dir: Path | None = None) -> None:
        self.fingerprint = f"{spec.name}@{spec.revision}"
        self.unrelated_below, self.quotes_from = spec.unrelated_below, spec.quotes_from
        self._spec, self._url, self._key, self._tokenizer_dir = spec, url.rstrip("/"), key, tokenizer_dir
        self._tokenizer: Any = None
        self._client: Any = None

    def _encode(self, texts: Sequence[str]) -> list[list[float]]:
        import httpx

        if self._client is None:  # kept: making one reads the certificates of the whole world
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._client = httpx.Client(timeout=300, headers=headers, trust_env=False)
        vectors: list[list[float]] = []
        try:
            for at in range(0, len(texts), 64):
                part = list(texts[at : at + 64])
                reply = self._client.post(f"{self._url}/embeddings", json={"model": self._spec.name, "input": part})
                reply.raise_for_status()
                rows = sorted(reply.json()["data"], key=lambda row: row["index"])
                vectors.extend(self._checked([row["embedding"] for row in rows], len(part)))
        except (httpx.HTTPError, httpx.InvalidURL, LookupError, TypeError, ValueError) as error:
            raise ServerUnavailable(
                f"no embeddings from {self._url} ({error}); start it, or unset SECTORKIT_EMBED_URL to embed here"
            ) from error
        return vectors

    def _checked(self, vectors: list[list[float]], wanted: int) -> list[list[float]]:
        if len(vectors) != wanted:
            raise ValueError(f"{len(vectors)} vectors for {wanted} texts")
        if not all(isinstance(x, float | int) and math.isfinite(x) for vector in vectors for x in vector):
            raise ValueError("vectors that are not all numbers")
        if any(len(vector) != self._spec.dimension for vector in vectors):
            raise ValueError(
                f"vectors of length {len(vectors[0])}, and {self._spec.name} makes {self._spec.dimension}: another model"
            )
        return vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of passages, one per text."""
        return self._encode([self._spec.as_passage(text) for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        return self._encode([self._spec.as_query(text)])[0]

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's tokenizer where its file is here, else an estimate from its bytes."""
        if self._tokenizer is None and self._tokenizer_dir and (self._tokenizer_dir / "tokenizer.json").exists():
            self._tokenizer = read_tokenizer(self._tokenizer_dir)
        if self._tokenizer is None:
            return estimate_tokens(text)
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def read_tokenizer(model_dir: Path) -> Any:
    """The fast tokenizer of a model folder, for counting: some files ask for 128 tokens, whatever the text."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def estimate_tokens(text: str) -> int:
    """Rough token count without a tokenizer, on the high side: a third of the UTF-8 bytes, at least 1."""
    return max(1, len(text.encode()) // 3)
