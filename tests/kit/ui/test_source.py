"""A document -> HTML."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from sectorkit.retrieval.manifest import StoredDocument
from sectorkit.ui import source
from sectorkit.ui.source import Outline

TEXT = "Title I\n\nSection 5\n\n1. A bar must not exceed 45 dB(A).\n2. Old port: 50.\n\nA | B\nC | D\n"
META = {"issuer": "City Council", "kind": "procurement-rule", "valid_from": "2019-01-01", "language": "fr"}


def stored(text: str = TEXT, **changes: object) -> StoredDocument:
    metadata = {**META, **changes}
    return StoredDocument("rules/2019.pdf", "0", "indexed", None, (), "Rule <2019>", metadata, text)


def marks(html: str) -> list[str]:
    return [unescape(m) for m in re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.DOTALL)]


def test_the_quote_is_marked_to_the_character() -> None:
    start = TEXT.index("A bar")
    end = TEXT.index(".\n2.") + 1
    html = source.article(stored(), Outline(), start, end)
    assert marks(html) == ["A bar must not exceed 45 dB(A)."]
    assert html.count('id="quote"') == 1


def test_a_quote_over_several_blocks_is_marked_in_each() -> None:
    html = source.article(stored(), Outline(), TEXT.index("Old port"), TEXT.index(" | D"))
    assert marks(html) == ["Old port: 50.", "A | B", "C"]
    assert html.count('id="quote"') == 1


@given(st.text(alphabet="ab <&\n|\"'é中\u2028", max_size=80), st.integers(0, 90), st.integers(0, 90))
def test_what_is_marked_is_the_span_but_for_line_breaks(text: str, start: int, end: int) -> None:
    html = source.article(stored(text), Outline(), start, end)
    bare = re.compile(r"\s")
    assert bare.sub("", "".join(marks(html))) == bare.sub("", text[start:end])


@given(st.text(alphabet="ab <&\n|\"'é中", max_size=80))
def test_the_whole_text_is_shown(text: str) -> None:
    body = source.article(stored(text), Outline()).partition('<div class="sk-document-text">')[2]
    shown = unescape(re.sub(r"<[^>]*>", "", body))
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)


def test_headings_and_pages_come_from_the_passages() -> None:
    passage = Document(
        id="p",
        page_content="…",
        metadata={"heading": "Title I › Section 5", "page": 3, "start": TEXT.index("1. A"), "end": 60},
    )
    html = source.article(stored(), source.outline([passage]))
    assert '<h3 dir="auto">Title I</h3>' in html
    assert '<h4 dir="auto">Section 5</h4>' in html
    assert '<p class="sk-page-break">Page 3</p><h3 dir="auto">Title I</h3>' in html


def test_slides_are_called_slides() -> None:
    metadata = {"heading": "Title I", "page": 4, "page_name": "slide", "start": TEXT.index("Section"), "end": 60}
    html = source.article(stored(), source.outline([Document(id="p", page_content="…", metadata=metadata)]))
    assert '<p class="sk-page-break">Slide 4</p><h3 dir="auto">Title I</h3>' in html


def test_what_is_known_of_the_document_is_shown() -> None:
    html = source.article(stored(status="superseded", valid_to="2023-06-30"), Outline())
    assert "City Council" in html
    assert "Procurement rule" in html
    assert "from 1 January 2019 until 30 June 2023" in html
    assert "Superseded: no longer in force since 30 June 2023" in html
    assert 'lang="fr"' in html
    assert "Rule &lt;2019&gt;" in html
    assert "sk-superseded" not in source.article(stored(status="in_force"), Outline())
    assert '<dt>Dated</dt><dd dir="auto">1 January 2019</dd>' in source.article(stored(status="final"), Outline())


def test_a_page_of_its_own_finds_its_style_from_any_depth() -> None:
    html = source.page(stored(), Outline(), 0, 0)
    assert 'href="../../../ui/page.css"' in html
    assert "<script" not in html


def test_of_a_very_long_document_the_part_around_the_quote_is_shown() -> None:
    text = "x\n\n" * 300_000 + "Here it is.\n\n" + "y\n\n" * 100_000
    start = text.index("Here")
    html = source.article(stored(text), Outline(), start, start + 11)
    assert marks(html) == ["Here it is."]
    assert len(html) < 6_000_000
    assert html.count("sk-cut") == 2
