"""Report: what a run on a benchmark measured, for a person's table, for a program and query by query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sectorkit import __version__
from sectorkit.bench.beir import BeirFolder
from sectorkit.bench.ingest import Ingestion
from sectorkit.bench.rank import Ranking
from sectorkit.models.hardware import described
from sectorkit.retrieval.chunk import CHUNKING
from sectorkit.stats import Estimate, interval, paired

_LIBRARIES = ("ir-measures", "pytrec-eval-terrier", "tantivy", "chromadb", "sentence-transformers", "torch", "numpy")


@dataclass(frozen=True)
class ModeReport:
    """One search mode: `scores` maps a measure's name to each query's value, `rankings` a query to its documents."""

    scores: Mapping[str, Mapping[str, float]]
    rankings: Mapping[str, Ranking]

    @cached_property
    def measures(self) -> dict[str, Estimate]:
        """Means over all queries, those without a result included."""
        return {name: interval(list(values.values())) for name, values in self.scores.items()}

    @property
    def seconds(self) -> list[float]:
        """Of every search that was made, without the query's embedding."""
        return [ranking.seconds for ranking in self.rankings.values() if ranking.problem is None]

    @property
    def deepened(self) -> int:
        """Searches that had to go deeper than usual to find enough documents."""
        return sum(ranking.deepened for ranking in self.rankings.values())


@dataclass(frozen=True)
class RetrievalReport:
    """Everything that was measured, and on what. Seconds are seconds; `embedding_seconds` are of queries, by id."""

    data: BeirFolder
    asked: Mapping[str, str]
    limit: int | None
    seed: int
    k: int
    where: Mapping[str, Sequence[str]]
    modes: Mapping[str, ModeReport]
    embedding_seconds: Mapping[str, float]
    embedder: str
    reranker: str | None
    documents: int
    passages: int
    index_bytes: int
    vectors_elsewhere: bool
    ingestion: Ingestion | None
    notes: tuple[str, ...]
    measured: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def reference(self) -> str:
        """The mode that others are compared with: hybrid, as users search; without it, the first."""
        return "hybrid" if "hybrid" in self.modes else next(iter(self.modes))

    @cached_property
    def differences(self) -> dict[str, dict[str, Estimate]]:
        """Of every other mode: each measure minus the reference's, paired by query."""
        base = self.modes[self.reference].scores
        return {
            mode: {
                name: paired([values[query] for query in self.asked], [base[name][query] for query in self.asked])
                for name, values in report.scores.items()
            }
            for mode, report in self.modes.items()
            if mode != self.reference
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON form. Latencies are in milliseconds, as their keys say."""
        return {
            "benchmark": {
                "folder": self.data.folder.resolve().name, "split": self.data.split, "sha256": dict(self.data.sha256),
                "documents": self.documents, "queries": len(self.data.queries),
                "queries_outside_split": self.data.all_queries - len(self.data.queries),
            },
            "n": len(self.asked), "limit": self.limit, "seed": self.seed, "k": self.k, "where": dict(self.where),
            "embedder": _model(self.embedder), "reranker": _model(self.reranker) if self.reranker else None,
            "modes": {
                mode: {
                    "measures": {name: estimate.to_dict() for name, estimate in report.measures.items()},
                    "search_ms": percentiles(report.seconds),
                    "deepened": report.deepened,
                    "refused": sum(ranking.problem is not None for ranking in report.rankings.values()),
                    "without_result": sum(not ranking.documents for ranking in report.rankings.values()),
                }
                for mode, report in self.modes.items()
            },
            "reference": self.reference,
            "differences": {
                mode: {name: {**found.to_dict(), "verdict": found.verdict} for name, found in measures.items()}
                for mode, measures in self.differences.items()
            },
            "query_embedding_ms": percentiles(list(self.embedding_seconds.values())),
            "index": {
                "passages": self.passages, "bytes": self.index_bytes, "chunking": CHUNKING,
                "vectors_elsewhere": self.vectors_elsewhere,
            },
            "ingestion": None if self.ingestion is None else {
                **asdict(self.ingestion), "documents_per_second": self.ingestion.documents_per_second,
            },
            "notes": list(self.notes), "hardware": described(), "versions": _versions(), "measured": self.measured,
        }  # fmt: skip

    def cases(self) -> Iterator[dict[str, Any]]:
        """One object a query and mode, in JSON's types: what was found, what is relevant, the scores, the times."""
        for mode, report in self.modes.items():
            for query, ranking in report.rankings.items():
                embedding = self.embedding_seconds.get(query) if mode != "lexical" else None
                yield {
                    "query_id": query, "query": self.asked[query], "mode": mode,
                    "documents": [{"id": i, "score": round(score, 6)} for i, score in ranking.documents],
                    "relevant": {i: score for i, score in self.data.qrels[query].items() if score > 0},
                    "measures": {name: values[query] for name, values in report.scores.items()},
                    "search_ms": None if ranking.problem else round(ranking.seconds * 1000, 3),
                    "query_embedding_ms": None if embedding is None else round(embedding * 1000, 3),
                    "deepened": ranking.deepened, "problem": ranking.problem,
                }  # fmt: skip


def percentiles(seconds: Sequence[float]) -> dict[str, float] | None:
    """p50, p95 and p99 in milliseconds, by nearest rank, and how many they are of; None where there are none."""
    if not seconds:
        return None
    order = sorted(seconds)
    ranks = {f"p{p}": order[-(-p * len(order) // 100) - 1] * 1000 for p in (50, 95, 99)}
    return {name: round(value, 3) for name, value in ranks.items()} | {"n": len(order)}


def _model(fingerprint: str) -> dict[str, str]:
    name, _, revision = fingerprint.partition("@")
    return {"name": name, "revision": revision}


def _versions() -> dict[str, str]:
    found = {"sectorkit": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an endpoint embeds, and nothing here does
            continue
    return found
