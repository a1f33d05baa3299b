"""Chunking: passages are slices of their document, in order, whole, along its outline and within the limit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.retrieval.chunk import chunk, context
from sectorkit.retrieval.embed import estimate_tokens
from sectorkit.retrieval.parse import ParsedDocument
from sectorkit.retrieval.parse.document import Draft
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.words import words


def spaced(text: str) -> int:
    return len(text.split())


def terms(text: str) -> int:
    return len(words(text))


def document(*blocks: tuple[str, str] | str, title: str | None = None, pages: bool = False) -> ParsedDocument:
    """Of blocks such as ("h2", "Article 1"), ("item", "...") or a paragraph's text; a page each where wanted."""
    draft = Draft()
    for number, block in enumerate(blocks, start=1):
        kind, text = block if isinstance(block, tuple) else ("paragraph", block)
        level = int(kind[1]) if kind[0] == "h" else 0
        draft.add(text, "heading" if level else kind, level=level, page=number if pages else None)  # type: ignore[arg-type]
    return draft.finish(title=title)


def passages(parsed: ParsedDocument, limit: int = 220, count: Callable[[str], int] = spaced) -> list[Passage]:
    return chunk(parsed, source="a.md", metadata={"status": "in_force"}, count=count, max_tokens=limit)


def texts(found: list[Passage]) -> list[str]:
    return [p.page_content for p in found]


def test_a_passage_never_crosses_a_heading_and_knows_its_place() -> None:
    parsed = document(("h1", "Rule"), "Preamble.", ("h2", "Article 1"), "One.", ("h2", "Article 2"), "Two.")
    found = passages(parsed)
    assert texts(found) == ["Preamble.", "One.", "Two."]
    assert [p.metadata["heading"] for p in found] == ["Rule", "Rule › Article 1", "Rule › Article 2"]
    assert [p.metadata["locator"] for p in found] == ["", "Article 1", "Article 2"], "the title goes without saying"
    assert all(p.metadata["status"] == "in_force" and p.metadata["source"] == "a.md" for p in found)


def test_a_deeper_heading_ends_with_the_next_one_above_it() -> None:
    parsed = document(("h1", "R"), ("h2", "A"), ("h3", "a"), "x", ("h2", "B"), "y", ("h1", "S"), "z", title="T")
    assert [p.metadata["locator"] for p in passages(parsed)] == ["R › A › a", "R › B", "S"]


def test_a_heading_with_nothing_under_it_is_not_lost() -> None:
    parsed = document(("h1", "Rule"), ("h2", "Article 4 (repealed)"), ("h2", "Article 5"), "Text.", ("h2", "Annex"))
    assert texts(passages(parsed)) == ["Article 4 (repealed)", "Text.", "Annex"]


def test_blocks_share_a_passage_up_to_the_limit_and_none_is_cut_that_fits() -> None:
    parsed = document("one two three", "four five", "six seven eight nine", "ten")
    assert texts(passages(parsed, 5)) == ["one two three\n\nfour five", "six seven eight nine\n\nten"]


def test_a_block_that_does_not_fit_is_cut_between_sentences() -> None:
    parsed = document("One two three. Four five six. Seven eight nine.")
    assert texts(passages(parsed, 6)) == ["One two three. Four five six.", "Seven eight nine."]
    chinese = document("押金不得超过两个月租金。房东须在三十天内退还押金。")
    assert texts(passages(chinese, 12, terms)) == ["押金不得超过两个月租金。", "房东须在三十天内退还押金。"]


def test_a_sentence_that_does_not_fit_is_cut_between_words() -> None:
    sentence = " ".join(f"word{n}" for n in range(50))
    found = passages(document(sentence), 8)
    assert " ".join(texts(found)) == sentence
    assert all(spaced(text) <= 8 for text in texts(found))


def test_a_wide_gap_in_code_is_no_passage() -> None:
    parsed = document(("code", f"left{' ' * 3000}right"))
    assert texts(passages(parsed, count=estimate_tokens)) == ["left", "right"]


def test_a_passage_carries_the_page_that_it_begins_on() -> None:
    found = passages(document("a", "b", ("h1", "H"), "c", pages=True, title="T"))
    assert [(p.metadata["page"], p.metadata["locator"]) for p in found] == [(1, "p. 1"), (4, "p. 4 › H")]
    assert "page" not in passages(document("a"))[0].metadata


def test_ids_are_stable_under_an_edit_elsewhere_and_differ_for_the_same_words() -> None:
    before = passages(document(("h1", "A"), "Same.", ("h1", "B"), "Same.", ("h1", "B"), "Same."))
    after = passages(document(("h1", "A"), "New.", ("h1", "B"), "Same.", ("h1", "B"), "Same."))
    assert len({p.id for p in before}) == 3
    assert [p.id for p in after][1:] == [p.id for p in before][1:]
    assert after[0].id != before[0].id


def test_what_is_embedded_stands_under_title_and_outline() -> None:
    (passage,) = passages(document(("h1", "Night"), "Quiet please."))
    assert context(passage) == "Night\nQuiet please."
    passage.metadata["title"] = "Noise ordinance"
    assert context(passage) == "Noise ordinance › Night\nQuiet please."


def test_an_empty_document_has_no_passages() -> None:
    assert passages(ParsedDocument("", ())) == []


# -- for any document ---------------------------------------------------------------------------------------------

PIECES = ["One", "two ", "35,000 VLM. ", "Art. 5", "押金不得超过。", "  gap  ", "\n", "x" * 40, "é! ", "؟ ", "(a) "]
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=25).map("".join)
BLOCK = st.tuples(st.sampled_from(["paragraph", "item", "row", "quote", "code", "h1", "h2", "h3"]), TEXT)
DOCUMENTS = st.lists(BLOCK, max_size=8).map(lambda blocks: document(*blocks))
COUNTS = st.sampled_from([spaced, terms, estimate_tokens])


@given(DOCUMENTS, st.integers(3, 40), COUNTS)
def test_every_passage_is_an_exact_slice_in_order_and_apart(
    parsed: ParsedDocument, limit: int, count: Callable[[str], int]
) -> None:
    found = passages(parsed, limit, count)
    spans = [(p.metadata["start"], p.metadata["end"]) for p in found]
    for passage, (start, end) in zip(found, spans, strict=True):
        assert passage.page_content == parsed.text[start:end]
        assert passage.page_content.strip(), "no passage is blank"
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert len({p.id for p in found}) == len(found)


@given(DOCUMENTS, st.integers(3, 40), COUNTS)
def test_no_word_outside_of_headings_is_lost(parsed: ParsedDocument, limit: int, count: Callable[[str], int]) -> None:
    covered: set[int] = set()
    for passage in passages(parsed, limit, count):
        covered.update(range(passage.metadata["start"], passage.metadata["end"]))
    for block in parsed.blocks:
        if block.kind != "heading":
            lost = [n for n in range(block.start, block.end) if n not in covered and not parsed.text[n].isspace()]
            assert lost == []


@given(DOCUMENTS, st.integers(3, 40), COUNTS)
def test_no_passage_is_longer_than_the_limit(parsed: ParsedDocument, limit: int, count: Callable[[str], int]) -> None:
    assert all(count(text) <= limit for text in texts(passages(parsed, limit, count)))


@given(DOCUMENTS, st.integers(3, 40), COUNTS)
def test_no_block_that_fits_is_cut(parsed: ParsedDocument, limit: int, count: Callable[[str], int]) -> None:
    spans = [(p.metadata["start"], p.metadata["end"]) for p in passages(parsed, limit, count)]
    for block in parsed.blocks:
        if block.kind != "heading" and count(parsed.text[block.start : block.end]) <= limit:
            assert any(start <= block.start and block.end <= end for start, end in spans)


@pytest.mark.parametrize("limit", [1, 2])
def test_even_a_tiny_limit_ends(limit: int) -> None:
    assert "".join(texts(passages(document("ab cd ef"), limit))).replace(" ", "") == "abcdef"
