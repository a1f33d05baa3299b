"""Fusion: several rankings become one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.retrieval.fuse import RRF_K, Fused, fuse


def ids(fused: list[Fused]) -> list[str]:
    return [f.id for f in fused]


def test_what_both_stages_find_stands_above_what_one_finds() -> None:
    assert ids(fuse({"lexical": "abx", "dense": "cdx"}))[0] == "x"


def test_a_score_is_the_sum_of_reciprocal_ranks_and_the_ranks_are_kept() -> None:
    both, only = fuse({"lexical": "a", "dense": "ba"})
    assert both.score == pytest.approx(1 / (RRF_K + 1) + 1 / (RRF_K + 2))
    assert both.ranks == {"lexical": 1, "dense": 2}
    assert (only.score, only.ranks) == (pytest.approx(1 / (RRF_K + 1)), {"dense": 1})


def test_weights_shift_the_order_and_a_weight_of_nothing_only_adds_at_the_end() -> None:
    rankings = {"lexical": "ab", "dense": "ba"}
    assert ids(fuse(rankings, weights={"lexical": 2.0})) == ["a", "b"]
    assert ids(fuse(rankings, weights={"dense": 2.0})) == ["b", "a"]
    assert ids(fuse({"lexical": "xyz", "dense": "ba"}, weights={"lexical": 0.0})) == list("baxyz")


def test_ties_keep_the_order_of_the_stages() -> None:
    assert ids(fuse({"lexical": "a", "dense": "b"})) == ["a", "b"]
    assert ids(fuse({"dense": "b", "lexical": "a"})) == ["b", "a"]


def test_nothing_found_is_nothing() -> None:
    assert fuse({}) == []
    assert fuse({"lexical": [], "dense": []}) == []


RANKINGS = st.dictionaries(st.sampled_from(["lexical", "dense", "other"]), st.permutations("abcdef").map("".join))


@given(RANKINGS, st.integers(0, 6))
def test_every_hit_stands_once_and_scores_fall(rankings: dict[str, str], depth: int) -> None:
    given_ = {stage: names[:depth] for stage, names in rankings.items()}
    fused = fuse(given_)
    assert sorted(ids(fused)) == sorted({name for names in rankings.values() for name in names[:depth]})
    assert [h.score for h in fused] == sorted((h.score for h in fused), reverse=True)
    for h in fused:
        assert h.ranks == {s: names.index(h.id) + 1 for s, names in rankings.items() if h.id in names[:depth]}


@given(st.permutations("abcdef").map("".join))
def test_one_ranking_stays_as_it_is(names: str) -> None:
    assert ids(fuse({"dense": names})) == list(names)
