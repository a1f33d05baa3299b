"""The reranking stage and its check, with a fake reranker, over real HTTP, and with a cross-encoder nobody trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from sectorkit.errors import ConfigurationError, ModelError, RequestError, ServerUnavailable, UnknownName
from sectorkit.fakes import FakeEmbedder, FakeReranker
from sectorkit.models.catalogue import find_model
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit
from sectorkit.retrieval.rerank import (
    EndpointReranker,
    LocalReranker,
    Reranked,
    Reranker,
    rerank,
    search_by,
)
from sectorkit.retrieval.rerank_check import check_reranker

MINILM = find_model("ms-marco-minilm-l6-v2", "reranker")


class Scoring(FakeReranker):
    """A reranker whose scores are made by `make` from those that words give."""

    def __init__(self, make: Callable[[list[float]], list[float]]) -> None:
        super().__init__()
        self._make = make

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        return self._make(super().scores(query, texts))


def hits(*texts: str) -> list[Hit]:
    return [
        Hit(Document(id=f"p{n}", page_content=text, metadata={"title": "T"}), 1 / n, {"dense": n}, similarity=0.5)
        for n, text in enumerate(texts, start=1)
    ]


def texts(ranked: list[Hit]) -> list[str]:
    return [hit.passage.page_content for hit in ranked]


# -- the stage ----------------------------------------------------------------------------------------------------


def test_what_answers_best_comes_first_and_each_hit_says_how_it_came_there() -> None:
    ranked = rerank("loud music", hits("waste", "music", "loud music"), FakeReranker())
    assert texts(ranked) == ["loud music", "music", "waste"]
    assert ranked[0].ranks == {"dense": 3, "reranked": 1}
    assert [hit.score for hit in ranked] == [1.0, 0.5, 0.0]
    assert {hit.similarity for hit in ranked} == {0.5}


def test_only_the_first_hits_are_reranked_and_the_rest_stays_behind_them() -> None:
    reranker = FakeReranker()
    ranked = rerank("c", hits("a", "b", "c", "c", "c"), reranker, depth=3)
    assert texts(ranked) == ["c", "a", "b", "c", "c"]
    assert len(reranker.asked[0][1]) == 3
    assert [hit.ranks.get("reranked") for hit in ranked] == [1, 2, 3, None, None]
    assert ranked[3:] == hits("a", "b", "c", "c", "c")[3:]


@given(st.lists(st.sampled_from(["a", "b", "a b", "c"]), max_size=12), st.integers(1, 8))
def test_every_hit_comes_back_once_and_ties_keep_their_order(found: list[str], depth: int) -> None:
    before = hits(*found)
    after = rerank("a b", before, FakeReranker(), depth=depth)
    assert sorted(hit.id for hit in after) == sorted(hit.id for hit in before)
    head = [(-hit.score, hit.ranks["dense"]) for hit in after[:depth]]
    assert head == sorted(head)


def test_a_reranker_reads_a_passage_as_it_is_embedded_and_no_endless_question() -> None:
    reranker = FakeReranker()
    rerank("q" * 9_000, hits("music"), reranker)
    ((query, read),) = reranker.asked
    assert len(query) == 2_000
    assert read == ["T\nmusic"], "its title ahead of its words"


def test_nothing_found_asks_nobody() -> None:
    reranker = FakeReranker()
    assert rerank("q", [], reranker) == []
    assert reranker.asked == []


@pytest.mark.parametrize(
    ("make", "why"),
    [(lambda s: s[1:], "2 scores for 3 texts"), (lambda s: [math.nan, *s[1:]], "no number")],
    ids=["too few", "NaN"],
)
def test_scores_that_are_none_rank_nothing(make: Callable[[list[float]], list[float]], why: str) -> None:
    with pytest.raises(ModelError, match=rf"the reranker fake-reranker gave .*{why}"):
        rerank("a", hits("a", "b", "c"), Scoring(make))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for n in range(6):
        (corpus / f"{n}.md").write_text(f"# Rule {n}\n\nMusic {'is loud ' * n}at night.\n")
    opened = Index.open(tmp_path / "index", FakeEmbedder())
    opened.sync(corpus)
    yield opened
    opened.close()


def test_a_reranked_search_reorders_what_a_hybrid_search_finds(index: Index) -> None:
    found = index.search("music at night", 50)
    turned = Scoring(lambda scores: [float(n) for n in range(len(scores))])
    ranked = Reranked(index, turned).search("music at night", 50)
    assert [hit.id for hit in ranked] == [hit.id for hit in found[::-1]]
    assert [hit.id for hit in Reranked(index, turned).search("music at night", 2)] == [h.id for h in ranked[:2]]
    shallow = Reranked(index, turned, depth=2).search("music at night", 3)
    assert [hit.id for hit in shallow] == [found[1].id, found[0].id, found[2].id]
    assert Reranked(index, turned).search("music", 5, where={"title": "Rule 3"})[0].passage.metadata["source"] == "3.md"
    with pytest.raises(RequestError, match="k is 0"):
        Reranked(index, turned).search("music", 0)


def test_each_mode_has_its_search_and_reranked_needs_a_reranker(index: Index) -> None:
    assert search_by("lexical", index, None)("music", 1)[0].ranks == {"lexical": 1}
    assert "reranked" in search_by("reranked", index, FakeReranker())("music", 1)[0].ranks
    with pytest.raises(ConfigurationError, match="SECTORKIT_RERANK_MODEL"):
        search_by("reranked", index, None)
    with pytest.raises(UnknownName, match="known: dense, hybrid, lexical, reranked"):
        search_by("magic", index, None)


# -- the check ----------------------------------------------------------------------------------------------------


def test_a_reranker_that_works_passes_in_every_language() -> None:
    checked = check_reranker(FakeReranker(name="by-words"))
    assert checked.weak_in == ()
    assert str(checked) == "by-words"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda s: [-x for x in s],
            "before 'A trailer without a towing vehicle",
        ),
        (lambda s: [0.5] * len(s), "scores every text 0.5"),
        (lambda s: [math.nan] * len(s), "no number"),
        (lambda s: [math.inf] * len(s), "no number"),
        (lambda s: s[:-1], "3 scores for 4 texts"),
        (lambda s: [*s, 0.0], "5 scores for 4 texts"),
        (lambda s: s[1:] + s[:1], "it puts"),
        (lambda s: [max(s), *s[1:]], "it puts"),
    ],
    ids=["inverted", "constant", "NaN", "infinite", "too few", "too many", "shifted", "a tie"],
)
def test_a_reranker_that_ranks_nonsense_first_is_refused(make: Callable[[list[float]], list[float]], why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_reranker(Scoring(make))
    assert "the reranker fake-reranker is refused" in str(refused.value)
    assert why in str(refused.value)
    assert "choose another in SECTORKIT_RERANK_MODEL, or unset it" in str(refused.value)


@pytest.mark.parametrize("rule", [len, lambda text: -len(text), hash], ids=["longest", "shortest", "by chance"])
def test_no_rule_that_ignores_the_question_passes(rule: Callable[[str], float]) -> None:
    class Ruled(FakeReranker):
        def scores(self, query: str, texts: Sequence[str]) -> list[float]:
            return [float(rule(text)) for text in texts]

    with pytest.raises(ConfigurationError, match="is refused"):
        check_reranker(Ruled())


def test_a_reranker_for_english_alone_is_taken_and_its_other_languages_are_named() -> None:
    class English(FakeReranker):
        def scores(self, query: str, texts: Sequence[str]) -> list[float]:
            found = super().scores(query, texts)
            return found if query.isascii() else [-score for score in found]

    checked = check_reranker(English(name="small"))
    assert {"Chinese", "Arabic"} <= set(checked.weak_in)
    assert str(checked).startswith("small (not for ")
    assert isinstance(checked.reranker, Reranker)


# -- an endpoint --------------------------------------------------------------------------------------------------


@pytest.fixture
def endpoint(reranking: Any) -> EndpointReranker:
    return EndpointReranker("some/model", reranking.url)


def test_an_endpoints_scores_come_in_the_order_of_the_texts(endpoint: EndpointReranker, reranking: Any) -> None:
    assert endpoint.scores("loud music", ["waste", "loud music", "music"]) == [0.0, 1.0, 0.5]
    assert reranking.requests == [
        {"path": "/v1/rerank", "model": "some/model", "query": "loud music", "documents": ["waste", "loud music", "music"]}
    ]  # fmt: skip
    assert endpoint.scores("x", []) == []
    assert len(reranking.requests) == 1, "nothing to score asks nobody"


def test_an_endpoint_is_checked_like_any_other(endpoint: EndpointReranker) -> None:
    assert str(check_reranker(endpoint)) == "some/model"
    assert endpoint.fingerprint == "some/model@unknown"


def test_the_key_is_sent_and_a_slash_at_the_end_does_not_matter(reranking: Any) -> None:
    EndpointReranker("m", reranking.url + "/", key="swordfish").scores("x", ["y"])
    EndpointReranker("m", reranking.url).scores("x", ["y"])
    assert reranking.keys == ["Bearer swordfish", None]
    assert {request["path"] for request in reranking.requests} == {"/v1/rerank"}


def test_a_server_that_refuses_a_long_text_is_told_to_cut_it(endpoint: EndpointReranker, reranking: Any) -> None:
    reranking.longest = 20
    assert endpoint.scores("music", ["music " * 20, "waste"]) == [1.0, 0.0]
    assert ["truncate_prompt_tokens" in request for request in reranking.requests] == [False, True]


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_an_endpoint_that_refuses_is_named_with_its_status(
    endpoint: EndpointReranker, reranking: Any, status: int
) -> None:
    reranking.status = status
    with pytest.raises(ServerUnavailable, match=rf"no scores from {reranking.url}/rerank \({status}"):
        endpoint.scores("x", ["y"])


def row(index: Any, score: Any = 0.5) -> dict[str, Any]:
    return {"index": index, "relevance_score": score}


@pytest.mark.parametrize(
    "reply",
    [
        b"<html>not JSON</html>",
        {"error": "wrong model"},
        {"results": None},
        [],
        {"results": [row(0)]},
        {"results": [row(0), row(1), row(2)]},
        {"results": [row(0), row(0)]},
        {"results": [row(1), row(2)]},
        {"results": [row("0"), row("1")]},
        {"results": [row(0), {"index": 1}]},
        {"results": [row(0), row(1, None)]},
        {"results": [row(0), row(1, math.nan)]},
    ],
    ids=[
        "no JSON", "an error with 200", "no results", "a list", "too few", "too many", "one twice", "from one on",
        "words as places", "no score", "null", "NaN",
    ],
)  # fmt: skip
def test_an_endpoint_that_does_not_score_each_text_once_is_named(
    endpoint: EndpointReranker, reranking: Any, reply: Any
) -> None:
    reranking.reply = lambda texts: reply
    with pytest.raises(ServerUnavailable, match=rf"no scores from {reranking.url}/rerank"):
        endpoint.scores("x", ["y", "z"])


def test_an_endpoint_that_is_away_is_named_with_the_next_step(endpoint: EndpointReranker, reranking: Any) -> None:
    reranking.server.stop()
    with pytest.raises(ServerUnavailable, match=r"start it, correct .* or unset SECTORKIT_RERANK_MODEL"):
        check_reranker(endpoint)


@pytest.mark.parametrize("url", ["localhost:1", "nonsense", "http://localhost:port/v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ServerUnavailable, match="SECTORKIT_RERANK_URL"):
        EndpointReranker("m", url).scores("x", ["y"])


# -- a cross-encoder in this process ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Saves a tiny BERT cross-encoder with random weights, which reads 64 tokens."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({t: n for n, t in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))

    def save(*, labels: int = 1) -> Path:
        folder = tmp_path_factory.mktemp("untrained")
        config = transformers.BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64, num_labels=labels,
        )  # fmt: skip
        transformers.set_seed(0)
        transformers.BertForSequenceClassification(config).save_pretrained(folder)
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
        ).save_pretrained(folder)
        return folder

    return save


@pytest.mark.embedder
def test_a_cross_encoder_that_nobody_trained_is_refused(untrained: Callable[..., Path]) -> None:
    reranker = LocalReranker(MINILM, untrained())
    assert isinstance(reranker, Reranker)
    assert reranker.fingerprint == f"ms-marco-minilm-l6-v2@{MINILM.revision}"
    with pytest.raises(ConfigurationError, match="the reranker ms-marco-minilm-l6-v2 is refused: asked"):
        check_reranker(reranker)


@pytest.mark.embedder
def test_a_cross_encoder_scores_each_text_in_its_place_and_cuts_what_is_too_long(
    untrained: Callable[..., Path],
) -> None:
    reranker = LocalReranker(MINILM, untrained(), batch_size=2)
    read = ["one two", "word " * 500, "three", "one two"]
    found = reranker.scores("which words?", read)
    assert len(found) == 4
    assert found[0] == pytest.approx(found[3], abs=0.02)
    alone = [reranker.scores("which words?", [text])[0] for text in read]
    assert found == pytest.approx(alone, abs=0.02)
    assert reranker.scores("x", []) == []


@pytest.mark.embedder
def test_a_folder_that_is_no_reranker_is_named(untrained: Callable[..., Path], tmp_path: Path) -> None:
    for folder, why in ((untrained(labels=3), "gives 3 scores a pair"), (tmp_path, "cannot be loaded")):
        with pytest.raises(ConfigurationError, match=rf"{why}.*choose another in SECTORKIT_RERANK_MODEL"):
            LocalReranker(MINILM, folder).load()
