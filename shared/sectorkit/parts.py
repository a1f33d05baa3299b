"""The parts that settings describe: embedder, reranker, index, model client. Used by the command line, the page and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorkit.app import SectorApp
from sectorkit.errors import ConfigurationError
from sectorkit.models.catalogue import chosen_chat, find_model, load_catalogue
from sectorkit.progress import Progress, silent
from sectorkit.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from sectorkit.answering import Limits
    from sectorkit.models.server import ModelServer
    from sectorkit.retrieval.embed import EndpointEmbedder, LocalEmbedder
    from sectorkit.retrieval.index import Index, SyncReport
    from sectorkit.retrieval.rerank import Reranker
    from sectorkit.retrieval.rerank_check import CheckedReranker

DEFAULT_CONTEXT = 4096
DEFAULT_EVIDENCE = 2500  # tokens, for a server whose model is not in the catalogue


def open_embedder(
    settings: Settings, *, progress: Progress = silent, load: bool = True, many: bool = False
) -> LocalEmbedder | EndpointEmbedder:
    """The embedder that `settings` name; fetches a local one where it is not here yet, and loads its weights.

    Without `load` it does neither: enough to look at an index, and not to search it by vectors. For `many` texts it is
    compiled first, which pays from some hundred passages on.
    """
    from sectorkit.models.pull import pull
    from sectorkit.retrieval.embed import EndpointEmbedder, LocalEmbedder

    spec = find_model(settings.embed_model, "embedding", home=settings.home)
    if settings.embed_url:
        key = settings.embed_key.get_secret_value() if settings.embed_key else None
        return EndpointEmbedder(spec, settings.embed_url, key=key, tokenizer_dir=settings.models_dir / spec.name)
    if not load:
        return LocalEmbedder(spec, settings.models_dir / spec.name)
    embedder = LocalEmbedder(spec, pull(spec, models_dir=settings.models_dir, progress=progress))
    progress(f"loading {spec.title}")
    if many:
        embedder.compile(progress)
    embedder.load(progress)
    return embedder


def open_reranker(settings: Settings, *, progress: Progress = silent) -> CheckedReranker | None:
    """The reranker that `settings` name, loaded and checked; None where they name none.

    Fetches a local one where it is not here yet. Raises ConfigurationError where it fails its check, PullError, and
    ServerUnavailable where its server is away.
    """
    name = settings.rerank_model
    if name is None:
        if settings.rerank_url:
            raise ConfigurationError(
                f"SECTORKIT_RERANK_URL names {settings.rerank_url}; name the model too, as that server calls it, "
                "in SECTORKIT_RERANK_MODEL"
            )
        return None

    from sectorkit.models.pull import pull
    from sectorkit.retrieval.rerank import EndpointReranker, LocalReranker
    from sectorkit.retrieval.rerank_check import check_reranker

    reranker: Reranker
    if settings.rerank_url:
        known = load_catalogue(settings.home).get(name)
        key = settings.rerank_key.get_secret_value() if settings.rerank_key else None
        reranker = EndpointReranker(name, settings.rerank_url, key=key, revision=known.revision if known else None)
    else:
        spec = find_model(name, "reranker", home=settings.home)
        reranker = LocalReranker(spec, pull(spec, models_dir=settings.models_dir, progress=progress))
    progress(f"loading and checking {name}")
    return check_reranker(reranker)


def place_digest(folder: Path) -> str:
    """Twelve hexadecimal digits of where a folder is: two may have one name."""
    import hashlib

    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]


def _are_samples(app: SectorApp, corpus: Path | None) -> bool:
    """Whether these are the documents that come with the app."""
    return corpus is None or corpus.resolve() == app.corpus.resolve()


def index_folder(settings: Settings, app: SectorApp, *, corpus: Path | None = None) -> Path:
    """Where the index of an app's documents (or of another folder's) is kept, one per embedder."""
    name = app.name
    if corpus is not None and not _are_samples(app, corpus):
        name += f"-{place_digest(corpus)}"
    return settings.indexes_dir / name / settings.embed_model


def open_index(
    settings: Settings,
    app: SectorApp,
    embedder: LocalEmbedder | EndpointEmbedder,
    *,
    corpus: Path | None = None,
    create: bool = True,
) -> Index:
    """The index of an app's documents, or of the folder `corpus`. Raises IndexMissing, IndexMismatch."""
    from sectorkit.retrieval.index import Index

    _know_samples(embedder, app, corpus)
    folder = index_folder(settings, app, corpus=corpus)
    return Index.open(folder, embedder, chroma_url=settings.chroma_url, create=create)


def current_index(
    settings: Settings,
    app: SectorApp,
    embedder: LocalEmbedder | EndpointEmbedder,
    *,
    corpus: Path | None = None,
    progress: Progress = silent,
) -> Index:
    """That index; one of samples that another version of this program made is made anew, since their vectors come with the app.

    Raises IndexMismatch where it is of other documents: that is for their owner to decide.
    """
    from sectorkit.errors import IndexMismatch

    try:
        return open_index(settings, app, embedder, corpus=corpus)
    except IndexMismatch:
        if not app.vectors.is_file() or not _are_samples(app, corpus):
            raise
        progress(f"the index of {app.title} was made by another version; it is made anew")
        rebuild_index(settings, app, embedder, corpus=corpus, progress=progress)
        return open_index(settings, app, embedder, corpus=corpus)


def rebuild_index(
    settings: Settings,
    app: SectorApp,
    embedder: LocalEmbedder | EndpointEmbedder,
    *,
    corpus: Path | None = None,
    progress: Progress = silent,
) -> SyncReport:
    """Make that index anew; the old one stays until the new one is complete."""
    from sectorkit.retrieval.index import Index

    _know_samples(embedder, app, corpus)
    folder = index_folder(settings, app, corpus=corpus)
    return Index.rebuild(folder, embedder, corpus or app.corpus, chroma_url=settings.chroma_url, progress=progress)


def _know_samples(embedder: LocalEmbedder | EndpointEmbedder, app: SectorApp, corpus: Path | None) -> None:
    """The samples' vectors need not be made again; an endpoint's are its own, since nobody knows what it serves."""
    from sectorkit.retrieval.embed import LocalEmbedder

    if isinstance(embedder, LocalEmbedder) and _are_samples(app, corpus):
        embedder.know(app.vectors)


def start_chat_server(settings: Settings, *, progress: Progress = silent) -> ModelServer:
    """A ready server of the chat model: the one that runs already, or a new one. Fetches the model if needed."""
    from sectorkit.models.pull import pull
    from sectorkit.models.server import start_server

    if settings.llm_url:
        raise ConfigurationError(f"SECTORKIT_LLM_URL names {settings.llm_url}; unset it to serve a model here")
    spec = chosen_chat(settings)
    return start_server(
        spec, pull(spec, models_dir=settings.models_dir, progress=progress), settings=settings, progress=progress
    )


def limits_for(settings: Settings, model: str, context: int | None) -> Limits:
    """What fits into a prompt: the server's own context limit, and what the catalogue says of a model of that name."""
    from sectorkit.answering import Limits

    spec = load_catalogue(settings.home).get(model)
    context = context or DEFAULT_CONTEXT
    return Limits(
        context=context,
        evidence=spec.evidence_tokens if spec else DEFAULT_EVIDENCE,
        answer=min(256, context // 4),
        seconds=settings.answer_timeout,
        declines=spec is None or spec.tier != "edge",
        rules=spec is None or spec.billions is None or spec.billions >= 1,
    )
