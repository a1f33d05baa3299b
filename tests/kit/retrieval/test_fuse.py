"""Fusion: several rankings become one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from sectorkit.retrieval.fuse import RRF_K, fuse
from sectorkit.retrieval.passage import Hit


def hit(name: str, score: float = 0.0, similarity: float | None = None) -> Hit:
    return Hit(Document(id=name, page_content=name), score, similarity=similarity)


def ids(hits: list[Hit]) -> list[str]:
    return [h.id for h in hits]


def ranking(names: str) -> list[Hit]:
    return [hit(name) for name in names]


def test_what_both_stages_find_stands_above_what_one_finds() -> None:
    assert ids(fuse({"lexical": ranking("abx"), "dense": ranking("cdx")}))[0] == "x"


def test_a_score_is_the_sum_of_reciprocal_ranks_and_the_ranks_are_kept() -> None:
    both, only = fuse({"lexical": ranking("a"), "dense": ranking("ba")})
    assert both.score == pytest.approx(1 / (RRF_K + 1) + 1 / (RRF_K + 2))
    assert both.ranks == {"lexical": 1, "dense": 2}
    assert (only.score, only.ranks) == (pytest.approx(1 / (RRF_K + 1)), {"dense": 1})


def test_the_stages_own_scores_do_not_count() -> None:
    assert ids(fuse({"lexical": [hit("a", 0.1), hit("b", 900.0)]})) == ["a", "b"]


def test_weights_shift_the_order_and_a_weight_of_nothing_only_adds_at_the_end() -> None:
    rankings = {"lexical": ranking("ab"), "dense": ranking("ba")}
    assert ids(fuse(rankings, weights={"lexical": 2.0})) == ["a", "b"]
    assert ids(fuse(rankings, weights={"dense": 2.0})) == ["b", "a"]
    assert ids(fuse({"lexical": ranking("xyz"), "dense": ranking("ba")}, weights={"lexical": 0.0})) == list("baxyz")


def test_ties_keep_the_order_of_the_stages() -> None:
    assert ids(fuse({"lexical": ranking("a"), "dense": ranking("b")})) == ["a", "b"]
    assert ids(fuse({"dense": ranking("b"), "lexical": ranking("a")})) == ["b", "a"]


def test_the_similarity_is_kept_whichever_stage_knows_it() -> None:
    rankings = {"lexical": [hit("a")], "dense": [hit("a", similarity=0.7), hit("b", similarity=0.6)]}
    assert {h.id: h.similarity for h in fuse(rankings)} == {"a": 0.7, "b": 0.6}


def test_nothing_found_is_nothing() -> None:
    assert fuse({}) == []
    assert fuse({"lexical": [], "dense": []}) == []


RANKINGS = st.dictionaries(st.sampled_from(["lexical", "dense", "other"]), st.permutations("abcdef").map("".join))


@given(RANKINGS, st.integers(0, 6))
def test_every_hit_stands_once_and_scores_fall(rankings: dict[str, str], depth: int) -> None:
    given_ = {stage: ranking(names[:depth]) for stage, names in rankings.items()}
    fused = fuse(given_)
    assert sorted(ids(fused)) == sorted({name for names in rankings.values() for name in names[:depth]})
    assert [h.score for h in fused] == sorted((h.score for h in fused), reverse=True)
    for h in fused:
        assert h.ranks == {s: names.index(h.id) + 1 for s, names in rankings.items() if h.id in names[:depth]}


@given(st.permutations("abcdef").map("".join))
def test_one_ranking_stays_as_it_is(names: str) -> None:
    assert ids(fuse({"dense": ranking(names)})) == list(names)
