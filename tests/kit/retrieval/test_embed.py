"""Embedding by an endpoint, over real HTTP, and counting tokens without a tokenizer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.errors import ServerUnavailable
from sectorkit.fakes import FakeEmbedder
from sectorkit.models.catalogue import find_model
from sectorkit.retrieval.embed import Embedder, EndpointEmbedder, LocalEmbedder, estimate_tokens

GEMMA = find_model("embeddinggemma-300m", "embedding")


@pytest.fixture
def endpoint(embeddings: Any) -> EndpointEmbedder:
    return EndpointEmbedder(GEMMA, embeddings.url)


def test_every_embedder_keeps_the_contract_of_an_index(endpoint: EndpointEmbedder, tmp_path: Path) -> None:
    for embedder in (endpoint, FakeEmbedder(), LocalEmbedder(GEMMA, tmp_path)):
        assert isinstance(embedder, Embedder)


def test_an_endpoint_and_a_process_of_one_model_share_an_index(endpoint: EndpointEmbedder, tmp_path: Path) -> None:
    assert endpoint.fingerprint == LocalEmbedder(GEMMA, tmp_path).fingerprint
    assert endpoint.fingerprint.startswith("embeddinggemma-300m@")
    assert endpoint.unrelated_below == GEMMA.unrelated_below


def test_questions_and_passages_are_put_as_the_model_was_trained(endpoint: EndpointEmbedder, embeddings: Any) -> None:
    endpoint.embed_query("how loud?")
    endpoint.embed_documents(["very quiet"])
    question, passage = embeddings.requests
    assert question["input"] == ["task: search result | query: how loud?"]
    assert passage["input"] == ["title: none | text: very quiet"]
    assert (question["path"], question["model"]) == ("/v1/embeddings", "embeddinggemma-300m")


def test_vectors_come_in_the_order_of_the_texts_whatever_the_order_of_the_rows(endpoint: EndpointEmbedder) -> None:
    texts = [f"text number {n}" for n in range(150)]
    expected = FakeEmbedder(dimension=768).embed_documents([GEMMA.as_passage(text) for text in texts])
    assert endpoint.embed_documents(texts) == expected


def test_many_texts_go_in_requests_that_a_server_can_take(endpoint: EndpointEmbedder, embeddings: Any) -> None:
    endpoint.embed_documents(["x"] * 150)
    assert [len(request["input"]) for request in embeddings.requests] == [64, 64, 22]


def test_nothing_to_embed_asks_nobody(endpoint: EndpointEmbedder, embeddings: Any) -> None:
    assert endpoint.embed_documents([]) == []
    assert embeddings.requests == []


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_key_is_sent_and_a_slash_at_the_end_does_not_matter(embeddings: Any, ending: str) -> None:
    EndpointEmbedder(GEMMA, embeddings.url + ending, key="swordfish").embed_query("x")
    EndpointEmbedder(GEMMA, embeddings.url + ending).embed_query("x")
    assert embeddings.keys == ["Bearer swordfish", None]
    assert {request["path"] for request in embeddings.requests} == {"/v1/embeddings"}


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_an_endpoint_that_refuses_is_named_with_its_status(
    endpoint: EndpointEmbedder, embeddings: Any, status: int
) -> None:
    embeddings.status = status
    with pytest.raises(ServerUnavailable, match=rf"no embeddings from {embeddings.url} \(.*{status}"):
        endpoint.embed_query("x")


@pytest.mark.parametrize(
    "reply",
    [
        b"<html>not JSON</html>",
        {"error": "wrong model"},
        {"data": [{"index": 0}]},
        {"data": None},
        [],
        {"data": []},
        {"data": [{"index": n, "embedding": [0.1] * 768} for n in range(2)]},
    ],
    ids=["no JSON", "an error with 200", "no vector", "no rows", "a list", "too few vectors", "too many vectors"],
)
def test_an_endpoint_that_answers_something_else_is_named(
    endpoint: EndpointEmbedder, embeddings: Any, reply: Any
) -> None:
    embeddings.reply = lambda texts: reply
    with pytest.raises(ServerUnavailable, match=rf"no embeddings from {embeddings.url}"):
        endpoint.embed_documents(["x"])


def test_an_endpoint_of_another_model_is_noticed_by_the_length_of_its_vectors(
    endpoint: EndpointEmbedder, embeddings: Any
) -> None:
    """The fingerprint of an index says that all vectors are one model's, and an endpoint serves what it likes."""
    embeddings.reply = lambda texts: {"data": [{"index": n, "embedding": [0.1] * 32} for n in range(len(texts))]}
    with pytest.raises(ServerUnavailable, match="768"):
        endpoint.embed_documents(["x"])


def test_an_endpoint_that_is_away_is_named_with_the_next_step(endpoint: EndpointEmbedder, embeddings: Any) -> None:
    embeddings.server.stop()
    with pytest.raises(ServerUnavailable, match="start it, or unset SECTORKIT_EMBED_URL"):
        endpoint.embed_query("x")


@pytest.mark.parametrize("url", ["localhost:1", "nonsense", "http://localhost:port/v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ServerUnavailable, match="SECTORKIT_EMBED_URL"):
        EndpointEmbedder(GEMMA, url).embed_query("x")


def test_an_endpoint_is_asked_directly_and_not_through_a_proxy(
    endpoint: EndpointEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(endpoint.embed_query("x")) == 768


def test_tokens_are_counted_by_the_models_own_tokenizer_where_it_is_here(embeddings: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    embedder = EndpointEmbedder(GEMMA, embeddings.url, tokenizer_dir=tmp_path)
    text = "eins zwei drei"
    assert embedder.count_tokens(text) == estimate_tokens(text) == 4
    tokenizer = Tokenizer(models.WordLevel({"eins": 0, "zwei": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert embedder.count_tokens(text) == 3
    assert embeddings.requests == [], "counting asks no server"


@pytest.mark.parametrize(
    ("text", "at_least"),
    [("", 1), ("a", 1), ("Between 22:00 and 06:00", 7), ("押金不得超过两个月租金", 11), ("مرحبا", 3)],
)
def test_an_estimate_of_tokens_is_on_the_high_side(text: str, at_least: int) -> None:
    assert at_least <= estimate_tokens(text) <= max(1, len(text.encode()))


@given(st.text(), st.text())
def test_an_estimate_grows_with_the_text(one: str, two: str) -> None:
    assert estimate_tokens(one + two) >= max(estimate_tokens(one), estimate_tokens(two))
    assert not math.isinf(estimate_tokens(one))


def test_a_tokenizer_that_cuts_and_fills_up_counts_the_whole_text(embeddings: Any, tmp_path: Path) -> None:
    """As MiniLM's does: 128 for every text would keep any document in one passage."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"eins": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for embedder in (EndpointEmbedder(GEMMA, embeddings.url, tokenizer_dir=tmp_path), LocalEmbedder(GEMMA, tmp_path)):
        assert embedder.count_tokens("eins") == 1
        assert embedder.count_tokens("eins " * 300) == 300
