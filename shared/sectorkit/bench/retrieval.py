"""Retrieval measured on a benchmark in BEIR's format, through the index that users search.

report = measure_retrieval(read_beir(Path("scifact")), settings, open_embedder(settings))
print(report.modes["hybrid"].measures["nDCG@10"])      # 0.689 [0.647, 0.729]
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import closing

from sectorkit.bench.beir import BeirFolder
from sectorkit.bench.ingest import Ingested, WatchedEmbedder, ingest
from sectorkit.bench.measures import require_measures, score_rankings
from sectorkit.bench.rank import Ranking, rank_documents
from sectorkit.bench.report import ModeReport, RetrievalReport
from sectorkit.errors import ConfigurationError, RequestError
from sectorkit.progress import Progress, silent
from sectorkit.retrieval.embed import Embedder
from sectorkit.retrieval.index import bytes_on_disk, check_k, check_mode, check_query
from sectorkit.retrieval.rerank import MISSING, MODES, Reranker, search_by
from sectorkit.settings import Settings

SEED = 0  # of the sample that a limit draws


def measure_retrieval(
    data: BeirFolder, settings: Settings, embedder: Embedder, *, reranker: Reranker | None = None,
    modes: Sequence[str] = (), k: int = 10, where: Mapping[str, Sequence[str]] | None = None, limit: int | None = None,
    rebuild: bool = False, progress: Progress = silent,
) -> RetrievalReport:  # fmt: skip
    """Index the corpus where it is not indexed yet, ask every query of the split in every mode, and score.

    Without `modes` it takes all that there are, `reranked` among them where there is a reranker. `limit` asks a sample
    of so many queries. `where` searches only documents with this metadata; relevant ones outside count as not found. A
    query that finds nothing, or that the search refuses, scores 0. Raises RequestError for a `k`, a `limit` or a `where`
    that cannot be, UnknownName for a mode, ConfigurationError for a malformed corpus and where the reranker or
    ir-measures is missing, and what the index and the reranker raise.
    """
    modes = modes or [mode for mode in MODES if mode != "reranked" or reranker]
    check_options(modes, k, limit)
    if "reranked" in modes and reranker is None:
        raise ConfigurationError(MISSING)
    watched = WatchedEmbedder(embedder)
    found = ingest(data, settings, watched, rebuild=rebuild, progress=progress)
    with closing(found.index):
        asked = _sample(data.queries, limit)
        passages = len(found.index)
        searches = {mode: search_by(mode, found.index, reranker) for mode in modes}
        for search in searches.values():  # warms up stores and models, and raises for a filter that nothing can meet
            search("warm up", where=where)
        embedding = _embed(watched, asked, progress) if set(modes) != {"lexical"} else {}
        reports: dict[str, ModeReport] = {}
        for mode, search in searches.items():
            rankings: dict[str, Ranking] = {}
            for count, (query, text) in enumerate(asked.items()):
                progress(f"asking {len(asked)} queries, {mode}", count / len(asked))
                rankings[query] = rank_documents(
                    search, text, wanted=max(k, 10), ids=found.corpus.ids, passages=passages, where=where
                )
            qrels = {query: data.qrels[query] for query in asked}
            scores = score_rankings(qrels, {query: ranking.ids for query, ranking in rankings.items()}, k=k)
            reports[mode] = ModeReport(scores, rankings)
        documents = found.index.status()["documents"]
    return RetrievalReport(
        data=data, asked=asked, limit=limit, seed=SEED, k=k, where=dict(where or {}), modes=reports,
        embedding_seconds=embedding, embedder=embedder.fingerprint,
        reranker=reranker.fingerprint if reranker and "reranked" in modes else None,
        documents=documents, passages=passages,
        index_bytes=bytes_on_disk(found.index.folder), vectors_elsewhere=settings.chroma_url is not None, ingestion=found.ingestion,
        notes=(*data.notes, *_notes(data, found, asked, reports, where)),
    )  # fmt: skip


def check_options(modes: Sequence[str], k: int, limit: int | None) -> None:
    """What can be refused before any work is done; raises as `measure_retrieval` does."""
    require_measures()
    for mode in modes:
        check_mode(mode, MODES)
    check_k(k)
    if limit is not None and limit < 1:
        raise RequestError(f"the limit is {limit}, and at least 1 query must be asked")


def _sample(queries: Mapping[str, str], limit: int | None) -> dict[str, str]:
    """All queries, or a seeded sample that does not depend on their order in the file."""
    if limit is None or limit >= len(queries):
        return dict(queries)
    chosen = set(random.Random(SEED).sample(sorted(queries), limit))
    return {query: text for query, text in queries.items() if query in chosen}


def _embed(embedder: WatchedEmbedder, asked: Mapping[str, str], progress: Progress) -> dict[str, float]:
    """Seconds by query, one at a time as users ask them; those that a search will refuse are left to it."""
    seconds = {}
    for count, (query, text) in enumerate(asked.items()):
        progress(f"embedding {len(asked)} queries", count / len(asked))
        try:
            check_query(text)
        except RequestError:
            continue
        seconds[query] = embedder.time_query(text)
    return seconds


def _notes(
    data: BeirFolder, found: Ingested, asked: Mapping[str, str], reports: Mapping[str, ModeReport],
    where: Mapping[str, Sequence[str]] | None,
) -> list[str]:  # fmt: skip
    """What is not as one would expect, and what came of it."""
    notes: list[str] = []
    here, empty = set(found.corpus.ids.values()), set(found.corpus.empty)
    relevant = [document for query in asked for document, score in data.qrels[query].items() if score > 0]
    if lost := sum(document not in here and document not in empty for document in relevant):
        notes.append(
            f"{lost} of {len(relevant)} relevant judgements name documents that are not in {data.corpus.name}: "
            "they count as relevant and not found"
        )
    if empty:
        of = sum(document in empty for document in relevant)
        notes.append(f"{len(empty)} documents have no text and cannot be found; {of} relevant judgements name them")
    if found.failed:
        source, reason = next(iter(found.failed.items()))
        notes.append(f"{len(found.failed)} documents could not be indexed and cannot be found; {source}: {reason}")
    for mode, report in reports.items():
        problems = [ranking.problem for ranking in report.rankings.values() if ranking.problem]
        if problems:
            notes.append(f"{len(problems)} queries were refused ({mode}) and score 0; the first: {problems[0]}")
    if where:
        notes.append("only documents that meet the filter were searched: relevant ones outside count as not found")
    return notes
