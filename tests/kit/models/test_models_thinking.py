"""Thinking is split off exactly, wherever a stream's chunks happen to break."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.models.thinking import Split, ThinkSplitter, split_thinking

# Texts made of what can go wrong: tags, halves of tags, spaces, and letters of several bytes.
pieces = st.lists(st.sampled_from(["<think>", "</think>", "<", "</", "think>", "<thi", " ", "\n", "a", "§ü", "中"]))
texts = pieces.map("".join)
opened = st.sampled_from([None, True, False])
plain = st.text(alphabet="ab ü中\n.[]{}", max_size=30)


def stream(chunks: list[str], opened: bool | None, finish: str | None = "stop") -> Split:
    splitter = ThinkSplitter(opened)
    parts = [splitter.feed(chunk) for chunk in chunks] + [splitter.end(finish)]
    return Split("".join(p.content for p in parts), "".join(p.reasoning for p in parts))


@given(text=texts, opened=opened, cuts=st.lists(st.integers(0, 60)), finish=st.sampled_from(["stop", "length"]))
def test_a_stream_splits_as_the_whole_text_does(text: str, opened: bool | None, cuts: list[int], finish: str) -> None:
    edges = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    chunks = [text[a:b] for a, b in itertools.pairwise(edges)]
    whole = split_thinking(text, opened=opened, finish_reason=finish)
    assert stream(chunks, opened, finish) == whole


@given(thought=plain, answer=plain, opened=opened)
def test_thought_and_answer_come_apart(thought: str, answer: str, opened: bool | None) -> None:
    found = split_thinking(f"<think>{thought}</think>\n\n{answer}", opened=opened)
    assert found == Split(content=answer.lstrip(), reasoning=thought.lstrip())


@given(thought=plain, answer=plain, chunk=st.integers(1, 9))
def test_an_opening_tag_that_the_template_wrote_is_not_missed(thought: str, answer: str, chunk: int) -> None:
    text = f"{thought}</think>{answer}"
    chunks = [text[i : i + chunk] for i in range(0, len(text), chunk)]
    assert stream(chunks, None) == Split(content=answer.lstrip(), reasoning=thought.lstrip())


@given(answer=plain, opened=opened)
def test_an_answer_without_thinking_comes_through(answer: str, opened: bool | None) -> None:
    assert split_thinking(answer, opened=opened, finish_reason="stop").content.strip() == answer.strip()


def test_a_thought_cut_short_never_becomes_the_answer() -> None:
    assert split_thinking("<think>first I", finish_reason="length") == Split(reasoning="first I")
    assert split_thinking("first I", opened=True, finish_reason="length") == Split(reasoning="first I")


def test_text_streams_at_once_where_no_thought_can_have_begun() -> None:
    splitter = ThinkSplitter(opened=False)
    assert splitter.feed("Hel") == Split("Hel")
    assert splitter.feed("lo <") == Split("lo ")
    assert splitter.feed("b>") == Split("<b>")


def test_a_thought_streams_as_a_thought() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<thi") == Split()
    assert splitter.feed("nk>hm") == Split(reasoning="hm")
    assert splitter.feed(" so</thin") == Split(reasoning=" so")
    assert splitter.feed("k>\nYes") == Split(content="Yes")


@pytest.mark.parametrize("opened", [None, True])
def test_an_unopened_end_tag_is_remembered(opened: bool | None) -> None:
    splitter = ThinkSplitter(opened)
    splitter.feed("so it is</think>7")
    assert splitter.closed_unopened
