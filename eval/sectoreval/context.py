"""Context: what the cases and arms of one run share: settings, data, the model's limits, and indexes, opened when needed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sectoreval.data import find_source, folder_of, verify
from sectorkit.errors import ConfigurationError
from sectorkit.models.endpoint import DEFAULT_CONTEXT
from sectorkit.progress import Progress, silent
from sectorkit.settings import Settings

if TYPE_CHECKING:
    from sectoreval.corpora import Corpus, CorpusIndex
    from sectoreval.served import Served
    from sectorkit.answering import Limits
    from sectorkit.app import SectorApp
    from sectorkit.bench.beir import BeirFolder
    from sectorkit.retrieval.embed import EndpointEmbedder, LocalEmbedder
    from sectorkit.retrieval.index import Index
    from sectorkit.retrieval.rerank import Reranker

Opened = TypeVar("Opened")
DEBIAS = ("permuted", "calibrated")


@dataclass
class Context:
    """`served` is None where no model is asked. `options` are a benchmark's own, such as its languages.

    `debias` names what is done against position bias beside the plain choice: see choice.py.
    """

    settings: Settings
    data_dir: Path | None = None
    served: Served | None = None
    debias: tuple[str, ...] = ("calibrated",)
    options: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = silent
    _embedder: LocalEmbedder | EndpointEmbedder | None = None
    _reranker: Reranker | None = None
    _indexes: dict[str, CorpusIndex] = field(default_factory=dict)
    _app_indexes: dict[str, Index] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)

    def data(self, source: str) -> Path:
        """The folder of a data set, checked against its pin. ConfigurationError names the command that fetches it."""
        found = find_source(source)
        folder = folder_of(found, data_dir=self.data_dir, home=self.settings.home)
        verify(found, folder, home=self.settings.home)
        return folder

    def option(self, name: str, default: str) -> str:
        return self.options.get(name, default)

    def limits(self) -> Limits:
        """What a prompt may hold, for the model that is asked."""
        from sectorkit.parts import limits_for

        if self.served is None:
            raise ConfigurationError("this benchmark asks a model; name one by --model")
        return limits_for(self.settings, self.served.name, self.served.context_limit or DEFAULT_CONTEXT)

    @property
    def embedder(self) -> LocalEmbedder | EndpointEmbedder:
        """The embedder that the settings name, loaded once."""
        if self._embedder is None:
            from sectorkit.parts import open_embedder

            self._embedder = open_embedder(self.settings, progress=self.progress, many=True)
        return self._embedder

    @property
    def reranker(self) -> Reranker:
        """The reranker that the settings name. ConfigurationError where they name none."""
        if self._reranker is None:
            from sectorkit.terminal import needed_reranker

            self._reranker = needed_reranker(self.settings, self.progress)
        return self._reranker

    def index(self, corpus: Corpus) -> CorpusIndex:
        """The index of a benchmark's documents, made once and kept; the second caller waits for the first."""
        from sectoreval.corpora import open_corpus

        return self._once(self._indexes, corpus.name, lambda: open_corpus(corpus, self))

    def beir(self, data: BeirFolder) -> CorpusIndex:
        """The index of a folder in BEIR's format."""
        from sectoreval.corpora import open_beir

        return self._once(self._indexes, str(data.folder.resolve()), lambda: open_beir(data, self))

    def app_index(self, app: SectorApp, docs: Path | None = None) -> Index:
        """The index of an app's own documents, or of the folder `docs`, brought to their state."""
        from sectorkit.parts import current_index

        def opened() -> Index:
            index = current_index(self.settings, app, self.embedder, corpus=docs, progress=self.progress)
            index.sync(docs or app.corpus, progress=self.progress)
            return index

        return self._once(self._app_indexes, f"{app.name} {docs or ''}", opened)

    def _once(self, kept: dict[str, Opened], key: str, opened: Callable[[], Opened]) -> Opened:
        with self._opening:
            if key not in kept:
                kept[key] = opened()
            return kept[key]

    def own(self, what: str) -> Path:
        """The file or folder of the user's own that `--data` names. ConfigurationError where none is named."""
        if "data" not in self.options:
            raise ConfigurationError(f"name {what} by --data")
        return Path(self.options["data"])

    def fingerprints(self) -> dict[str, Any]:
        """What searches depend on: the embedder, the reranker, and each opened index's documents by one hash."""
        if not self._indexes and not self._app_indexes:
            return {}
        opened = {name: found.index for name, found in self._indexes.items()} | self._app_indexes
        documents = {}
        for name, index in opened.items():
            digests = json.dumps(sorted(index.stores.manifest.digests().items()))
            documents[Path(name.strip()).name] = hashlib.sha256(digests.encode()).hexdigest()[:16]
        return {
            "embedder": self.embedder.fingerprint, "indexes": documents,
            "reranker": self._reranker.fingerprint if self._reranker else None,
        }  # fmt: skip

    def close(self) -> None:
        """Close what was opened."""
        for index in (*(opened.index for opened in self._indexes.values()), *self._app_indexes.values()):
            index.close()
        self._indexes.clear()
        self._app_indexes.clear()
