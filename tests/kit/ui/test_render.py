"""Answer -> HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from sectorkit.answer import Answer, Citation, Claim, Evidence
from sectorkit.retrieval.passage import Hit
from sectorkit.ui import render, working

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&"
PASSAGE = Document(
    id="p1",
    page_content="Bars must not exceed 45 dB(A).",
    metadata={
        "source": "noise law/№1?.md",
        "title": "Noise",
        "locator": "Section 5",
        "language": "fr",
        "start": 10,
        "end": 40,
    },
)
HIT = Hit(PASSAGE, 1.0)
CITATION = Citation(1, "p1", "noise law/№1?.md", "Noise", "Section 5", "Bars must not exceed 45 dB(A).", 10, 40)
SUPPORTED = Answer(
    "How loud?",
    "supported",
    "Bars must not exceed 45 dB(A). [1]",
    claims=(Claim("Bars must not exceed 45 dB(A).", True, 1.0, (1,)),),
    citations=(CITATION,),
    hits=(HIT,),
    model="tiny",
    timings={"retrieve": 0.1, "total": 2.34},
    usage={"prompt": 1200, "completion": 30},
)
PARTIAL = replace(
    SUPPORTED,
    verdict="partial",
    text="Bars must not exceed 45 dB(A). [1] Cats may sing. [?]",
    claims=(*SUPPORTED.claims, Claim("Cats may sing.", False, 0.1)),
)


class Tags(HTMLParser):
    """The elements of a piece of HTML, with their attributes, and whether each was closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("img", "input", "br", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]


def test_a_citation_is_a_link_with_a_name_that_leads_to_the_exact_span() -> None:
    html = Tags(render.answer("city", SUPPORTED))
    assert html.open == []
    first = html.of_class("sk-cite")[0]
    assert first["href"] == "documents/city/noise%20law/%E2%84%961%3F.md?start=10&end=40#quote"
    assert first["aria-label"] == "Source 1: Noise, Section 5"
    assert ("a", first) in html.elements


def test_a_sentence_that_nothing_supports_is_marked_in_words() -> None:
    html = render.answer("city", PARTIAL)
    assert '<span class="sk-unsupported"> Cats may sing.</span>' in html or '">Cats may sing.</span>' in html
    assert html.count(">not found in the documents</span>") == 1
    assert "[?]" not in Tags(html).text
    assert "Partly supported" in html


def test_what_a_rule_says_itself_is_not_said_to_be_found_in_the_documents() -> None:
    html = render.answer("city", Answer("help", "supported", "Call 112."))
    assert "By a rule of the app" in html
    assert "was found" not in html
    assert "By a rule of the app" not in render.answer("city", SUPPORTED)


def test_a_neutral_sentence_is_not_marked() -> None:
    answer = replace(
        SUPPORTED, text="Yes. " + SUPPORTED.text, claims=(Claim("Yes.", False, 0, neutral=True), *SUPPORTED.claims)
    )
    assert "sk-unsupported" not in render.answer("city", answer)


def test_a_mark_without_its_citation_is_dropped() -> None:
    answer = replace(SUPPORTED, text="Bars must not exceed 45 dB(A). [7]")
    assert "[7]" not in render.answer("city", answer)


def test_sources_carry_quote_language_and_a_badge_for_what_is_no_longer_in_force() -> None:
    old = replace(SUPPORTED, citations=(replace(CITATION, status="superseded"),))
    html = render.answer("city", old)
    assert '<blockquote dir="auto" lang="fr">Bars must not exceed 45 dB(A).</blockquote>' in html
    assert "Superseded" in html
    assert "sk-status-badge" not in render.answer(
        "city", replace(old, citations=(replace(CITATION, status="in_force"),))
    )


def test_a_quoted_answer_says_that_it_is_no_models() -> None:
    quoted = replace(SUPPORTED, verdict="quoted", reason="not_supported", text="“Words of a rule.” [1]", claims=())
    html = render.answer("city", quoted)
    assert "Quoted</p>" in html
    assert "own words that come nearest" in html
    assert '<details class="sk-closest" open>' in html, "the sentence may not be the right one"
    assert "Words of a rule." in render.plain(quoted)
    early = render.answer("city", replace(quoted, reason="model_unavailable"))
    assert "Quoted</p>" in early
    assert "without a model there is no written answer" in early
    assert "ask again" in early


def test_closest_passages_are_open_only_where_there_is_no_answer() -> None:
    abstained = Answer("?", "abstained", "The documents do not say.", reason="not_answered", hits=(HIT,))
    assert '<details class="sk-closest" open>' in render.answer("city", abstained)
    assert '<details class="sk-closest">' in render.answer("city", SUPPORTED)
    assert "Not answered" in render.answer("city", abstained)
    assert "Search only" in render.answer("city", replace(abstained, reason="model_unavailable"))


def test_the_small_print_names_times_model_and_tokens() -> None:
    assert "searched in 0.1 s · all in 2.3 s · tiny · 1,200 tokens read, 30 written" in render.answer("city", SUPPORTED)


def test_the_plain_text_has_the_sources() -> None:
    text = render.plain(replace(PARTIAL, notes=("No longer in force: X.",)))
    assert text.splitlines() == [
        "Bars must not exceed 45 dB(A). [1] Cats may sing. [not found in the documents]",
        "",
        "Sources:",
        "[1] Noise, Section 5: “Bars must not exceed 45 dB(A).”",
        "",
        "No longer in force: X.",
    ]


def test_warnings_stand_ahead_of_the_answer_and_lead_to_their_place() -> None:
    warning = replace(CITATION, n=0, quote="DANGER: 400 V <b>", start=3, end=20)
    page = render.answer("app", replace(SUPPORTED, warnings=(warning,)))
    assert page.index("DANGER: 400 V &lt;b&gt;") < page.index("Bars must not exceed")
    assert "start=3&amp;end=20#quote" in page
    assert 'aria-label="Safety warnings"' in page
    assert render.plain(replace(SUPPORTED, warnings=(warning,))).startswith("DANGER: 400 V")
    assert "sk-warnings" not in render.answer("app", SUPPORTED)


def test_structured_fields_are_shown_with_names() -> None:
    answer = replace(
        SUPPORTED, fields={"acuity_level": 2, "red_flags": ["chest pain", HOSTILE], "urgent": True, "none": None}
    )
    html = render.answer("city", answer)
    assert "<dt>Acuity level</dt>" in html
    assert "<li>chest pain</li>" in html
    assert ">Yes</dd>" in html
    assert "<script" not in html


def hostile_answer(text: str) -> Answer:
    metadata = {"source": text, "title": text, "locator": text, "language": text, "status": text, "start": 0, "end": 3}
    hit = Hit(Document(id=text, page_content=text, metadata=metadata), 1.0)
    return Answer(
        text,
        "partial",
        f"{text} [1] {text} [?]",
        raw=text,
        claims=(Claim(text, True, 1, (1,)), Claim(text, False, 0)),
        citations=(Citation(1, text, text, text, text, text, 0, 3, text),),
        hits=(hit,),
        notes=(text,),
        model=text,
        fields={text: [text, {text: text}]},
    )


@given(st.text(min_size=1) | st.sampled_from([HOSTILE, "[1]", "[?]", "${x}", "{{x}}"]))
def test_nothing_of_a_document_or_a_model_becomes_markup(text: str) -> None:
    known = {tag for tag, _ in Tags(render.answer("city", hostile_answer("abc"))).elements}
    hit = hostile_answer(text).hits[0]
    for html in (
        render.answer("city", hostile_answer(text)),
        working.reading("city", [Evidence(1, hit, text)]),
        working.draft(text),
        working.draft(text, stopped=True),
        working.problem(text),
        working.waiting(text, 0.5),
    ):
        tags = Tags(html)
        assert tags.open == []
        assert {tag for tag, _ in tags.elements} <= known | {"progress", "sup", "i", "div"}
        names = {name for _, attrs in tags.elements for name in attrs}
        assert not any(name.startswith("on") for name in names)
        assert not any((attrs.get("href") or "").startswith("javascript:") for _, attrs in tags.elements)


def test_a_draft_shows_the_models_marks_without_linking_them() -> None:
    html = working.draft("Forty-five [1, 2]. And <b>")
    assert "<sup>1, 2</sup>" in html
    assert "&lt;b&gt;" in html
    assert "<a " not in html


@pytest.mark.parametrize("length", [10, 219, 221, 2000])
def test_snippets_are_short(length: int) -> None:
    hit = Hit(Document(id="x", page_content="ab " * length, metadata={"source": "s"}), 1.0)
    html = render.answer("city", Answer("?", "abstained", "", hits=(hit,)))
    snippet = re.search(r'sk-snippet" dir="auto">([^<]*)<', html)
    assert snippet is not None
    assert len(snippet[1]) <= 222
