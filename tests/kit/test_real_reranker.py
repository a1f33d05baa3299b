"""Reranking by a real vLLM server. No reranker comes in wheels: an embedding model scores, which vLLM has do it too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.rerank import EndpointReranker, Reranked
from sectorkit.retrieval.rerank_check import check_reranker

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer

pytestmark = pytest.mark.server


@pytest.fixture
def reranker(rerank_server: ModelServer) -> EndpointReranker:
    return EndpointReranker(rerank_server.name, rerank_server.url)


def test_it_passes_its_check_in_english_and_is_known_to_be_weak_in_chinese(reranker: EndpointReranker) -> None:
    assert "Chinese" in check_reranker(reranker).weak_in


def test_it_puts_the_passage_first_that_answers_in_other_words(reranker: EndpointReranker, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "bins.md").write_text("# Rules\n\nThe cost of a bin is borne by the owner, who may not paint the bin.\n")
    (corpus / "sofa.md").write_text("# Rules\n\nFetching furniture such as sofas and wardrobes: 35 euros a visit.\n")
    index = Index.open(tmp_path / "index", FakeEmbedder())
    index.sync(corpus)
    question = "What is the cost of having an old couch picked up?"
    try:
        before, after = index.search(question, 2), Reranked(index, reranker).search(question, 2)
    finally:
        index.close()
    assert [hit.passage.metadata["source"] for hit in before] == ["bins.md", "sofa.md"]
    assert [hit.passage.metadata["source"] for hit in after] == ["sofa.md", "bins.md"]
    assert -1 <= after[1].score < after[0].score <= 1


def test_a_text_that_is_longer_than_the_model_reads_is_cut(reranker: EndpointReranker) -> None:
    cut, short = reranker.scores("music at night", ["Music at night. " * 500, "The brown bin is emptied weekly."])
    assert cut > short
