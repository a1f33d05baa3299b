"""Retrieval on a benchmark, from files to scores, on real stores with a fake embedder."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sectorkit.bench.beir import read_beir
from sectorkit.bench.report import RetrievalReport
from sectorkit.bench.retrieval import measure_retrieval
from sectorkit.errors import ConfigurationError, RequestError, ServerUnavailable, UnknownName
from sectorkit.fakes import FakeEmbedder, FakeReranker
from sectorkit.settings import Settings

pytest.importorskip("ir_measures")
Write = Callable[..., Path]
HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def measure(tmp_path: Path) -> Callable[..., RetrievalReport]:
    def measure(folder: Path, *, embedder: FakeEmbedder | None = None, **options: Any) -> RetrievalReport:
        settings = Settings(home=tmp_path / "home")
        return measure_retrieval(read_beir(folder), settings, embedder or FakeEmbedder(), **options)

    return measure


Measure = Callable[..., RetrievalReport]


def test_a_known_ranking_has_known_scores(write: Write, measure: Measure) -> None:
    """By words, `waste` is second for q1, `noise` first for q2, and nothing is found for q3."""
    report = measure(write(), modes=["lexical"])
    rankings = report.modes["lexical"].rankings
    assert rankings["q1"].ids == ["bulky", "waste"]
    assert (rankings["q2"].ids[0], rankings["q3"].ids) == ("noise", [])
    means = {name: estimate.mean for name, estimate in report.modes["lexical"].measures.items()}
    assert means == pytest.approx(
        {"Recall@10": 2 / 3, "nDCG@10": (1 / math.log2(3) + 1) / 3, "MAP@10": 0.5, "MRR@10": 0.5}
    )
    assert report.differences == {}
    assert report.embedding_seconds == {}, "words need no vectors"


def test_modes_are_compared_with_hybrid_query_by_query(write: Write, measure: Measure) -> None:
    report = measure(write())
    assert (list(report.modes), report.reference) == (["lexical", "dense", "hybrid"], "hybrid")
    for mode in ("lexical", "dense"):
        for name, found in report.differences[mode].items():
            gap = report.modes[mode].measures[name].mean - report.modes["hybrid"].measures[name].mean
            assert found.mean == pytest.approx(gap)
    assert set(report.embedding_seconds) == {"q1", "q2", "q3"}
    assert measure(write(), modes=["dense", "lexical"]).reference == "dense"


def test_a_second_run_embeds_no_document_and_still_knows_how_fast_the_first_was(write: Write, measure: Measure) -> None:
    first, second, other = FakeEmbedder(), FakeEmbedder(), FakeEmbedder(fingerprint="other@2")
    one = measure(write(), embedder=first)
    two = measure(write(), embedder=second)
    assert (first.encoded, second.encoded) == (5, 0)
    assert one.ingestion is not None
    assert (one.ingestion.documents, one.ingestion.passages) == (5, 5)
    assert two.ingestion == one.ingestion
    assert two.index_bytes > 10_000
    assert one.to_dict()["modes"]["hybrid"]["measures"] == two.to_dict()["modes"]["hybrid"]["measures"]
    assert measure(write(), embedder=other).embedder == "other@2", "an index of another embedder is made anew"
    assert other.encoded == 5
    assert measure(write(), embedder=FakeEmbedder(fingerprint="other@2"), rebuild=True).ingestion is not None


def test_a_query_is_embedded_once_whatever_the_modes(write: Write, measure: Measure) -> None:
    """What a search takes is then its own time."""
    asked: list[str] = []

    class Counting(FakeEmbedder):
        def embed_query(self, text: str) -> list[float]:
            asked.append(text)
            return super().embed_query(text)

    measure(write(), embedder=Counting())
    assert sorted(text for text in asked if text != "warm up") == ["bulky waste", "music at night", "xylograph"]


def test_a_changed_corpus_is_indexed_where_it_changed(write: Write, measure: Measure) -> None:
    measure(write())
    embedder = FakeEmbedder()
    corpus = [{"_id": "bins", "text": "The brown bin is emptied every two weeks.", "metadata": {"kind": "b"}}]
    report = measure(write(corpus=[*corpus, {"_id": "new", "text": "A xylograph is no waste."}]), embedder=embedder)
    assert (embedder.encoded, report.documents) == (1, 2)
    assert report.modes["lexical"].rankings["q3"].ids == ["new"]


@pytest.mark.parametrize("mode", ["lexical", "dense", "hybrid"])
def test_documents_are_found_behind_all_the_passages_of_a_long_one(write: Write, measure: Measure, mode: str) -> None:
    # Passages that are not nearly the same: among many of those, the graph of vectors loses the one that is not.
    terms = [f"{a}{b}{c}" for a in "bdfg" for b in "aeiou" for c in "klmnprst"]
    chance = random.Random(0)
    long = "\n\n".join("quorum " * 40 + " ".join(chance.sample(terms, 90)) for _ in range(70))
    corpus = [{"_id": "long", "text": long}, {"_id": "short", "text": f"one quorum {'and other words ' * 20}"}]
    folder = write(corpus=corpus, queries=[{"_id": "q", "text": "quorum"}], qrels=HEADER + "q\tshort\t1\n")
    report = measure(folder, modes=[mode])
    assert report.passages > 60
    found = report.modes[mode].rankings["q"]
    assert found.ids == ["long", "short"], "each once, where its best passage is"
    assert found.deepened
    assert report.modes[mode].measures["MRR@10"].mean == 0.5


def test_a_sample_is_seeded_and_its_size_is_said(write: Write, measure: Measure) -> None:
    queries = [{"_id": f"q{n}", "text": "waste"} for n in range(50)]
    judged = [f"q{n}\twaste\t1\n" for n in range(50)]
    qrels = HEADER + "".join(judged)
    chosen = list(measure(write(queries=queries, qrels=qrels), modes=["lexical"], limit=7).asked)
    again = measure(write(queries=queries, qrels=HEADER + "".join(judged[::-1])), modes=["lexical"], limit=7)
    assert len(chosen) == 7
    assert sorted(again.asked) == sorted(chosen) != [f"q{n}" for n in range(7)]
    assert again.to_dict()["n"] == 7
    assert len(measure(write(queries=queries, qrels=qrels), modes=["lexical"], limit=70).asked) == 50


def test_a_filter_narrows_what_is_searched_and_not_what_is_relevant(write: Write, measure: Measure) -> None:
    report = measure(write(), modes=["lexical"], where={"kind": ["b"]})
    assert report.modes["lexical"].rankings["q1"].ids == ["bulky"]
    assert report.modes["lexical"].measures["Recall@10"].mean == 0
    assert any("count as not found" in note for note in report.notes)
    with pytest.raises(RequestError, match="no document has 'colour'"):
        measure(write(), where={"colour": ["red"]})


def test_what_can_be_refused_is_refused_before_anything_is_embedded(write: Write, measure: Measure) -> None:
    embedder = FakeEmbedder()
    for options in ({"k": 0}, {"limit": 0}):
        with pytest.raises(RequestError):
            measure(write(), embedder=embedder, **options)
    with pytest.raises(UnknownName, match="magic"):
        measure(write(), embedder=embedder, modes=["magic"])
    assert embedder.encoded == 0


def test_every_oddity_is_counted_and_said_and_stays_in_the_mean(write: Write, measure: Measure) -> None:
    corpus = [{"_id": "a", "text": "apples"}, {"_id": "e", "text": ""}, {"_id": "c", "text": "\x00", "title": "\x07"}]
    queries = [{"_id": "q1", "text": "apples"}, {"_id": "q2", "text": "  "}, {"_id": "q3", "text": "apples " * 4000}]
    qrels = HEADER + "q1\ta\t1\nq1\tgone\t1\nq1\taway\t0\nq2\te\t1\nq3\ta\t1\nq4\ta\t1\n"
    report = measure(write(corpus=corpus, queries=queries, qrels=qrels))
    said = "\n".join(report.notes)
    assert "1 queries of the split have no text" in said
    assert "1 of 4 relevant judgements name documents that are not in corpus.jsonl" in said
    assert "2 documents have no text and cannot be found; 1 relevant judgements name them" in said
    for mode in report.modes:
        assert f"2 queries were refused ({mode}) and score 0" in said
    values = report.modes["hybrid"].scores["Recall@10"]
    assert values == {"q1": 0.5, "q2": 0.0, "q3": 0.0}, "n is 3, whatever was refused"
    assert report.to_dict()["modes"]["hybrid"]["search_ms"]["n"] == 1
    assert set(report.embedding_seconds) == {"q1"}


def test_the_title_counts_and_an_id_does_not(write: Write, measure: Measure) -> None:
    corpus = [{"_id": "xylograph", "text": "apples"}, {"_id": "b", "title": "Xylograph", "text": "pears"}]
    report = measure(write(corpus=corpus), modes=["lexical"])
    assert report.modes["lexical"].rankings["q3"].ids == ["b"]


def test_reranking_is_compared_with_hybrid_where_there_is_a_reranker(write: Write, measure: Measure) -> None:
    reranker = FakeReranker(name="by-words")
    report = measure(write(), reranker=reranker)
    assert list(report.modes) == ["lexical", "dense", "hybrid", "reranked"]
    assert report.to_dict()["reranker"] == {"name": "by-words", "revision": "1"}
    gap = report.modes["reranked"].measures["MRR@10"].mean - report.modes["hybrid"].measures["MRR@10"].mean
    assert report.differences["reranked"]["MRR@10"].mean == pytest.approx(gap)
    assert {query for query, _ in reranker.asked} == {"warm up", "bulky waste", "music at night", "xylograph"}
    assert report.modes["reranked"].rankings["q2"].ids[0] == "noise"
    assert measure(write(), reranker=reranker, modes=["dense"]).reranker is None
    with pytest.raises(ConfigurationError, match="SECTORKIT_RERANK_MODEL"):
        measure(write(), modes=["reranked"])


def test_a_reranker_that_goes_away_ends_the_run(write: Write, measure: Measure) -> None:
    """Else its queries would be scored by another order than the mode's."""

    class Going(FakeReranker):
        def scores(self, query: str, texts: Sequence[str]) -> list[float]:
            if query == "music at night":
                raise ServerUnavailable("no scores from http://x/v1/rerank; start it")
            return super().scores(query, texts)

    with pytest.raises(ServerUnavailable, match="no scores"):
        measure(write(), reranker=Going(), modes=["reranked"])
