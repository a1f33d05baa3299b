"""Drafts: every line rests on something, sources are numbered, and what a document or a person wrote stays words."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import docx as word
import pytest
from docx.enum.text import WD_COLOR_INDEX
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sectorkit.answer import Citation
from sectorkit.drafts import FILL, REPORTED, Draft, Line, Section, docx, fill_in, markdown

MADE = date(2026, 2, 2)
HOSTILE = "*a* | <b> # x [1] _b_ `c` ~~d~~ {e} \\f <img src=x onerror=1> [g](http://h) ![i](j) > k"
BROKEN = "a\x00b\x0bc\x1fd\ufffee\uffff\ud800f\r\n g\u2028h"


def cited(source: str = "limits.md", start: int = 0, quote: str = "At most 85 °C.", locator: str = "Row 3") -> Citation:
    return Citation(0, "p", source, f"Title of {source}", locator, quote, start, start + len(quote))


A, B = cited(), cited("manual.pdf", 40, "Stop the pump.", "Page 7")
DRAFT = Draft(
    "8D report: P-40",
    (
        Section("D2. Problem", (Line("Grinding noise", "What was noticed", reported=True), Line("88 °C > 85 °C", "PUMP-01", (A,)))),
        Section("D3. Containment", (Line("Stop the pump.", citations=(B, A)), Line(label="Containment owner", by="quality"))),
        Section("D5. Actions", (Line("Look at the oil", "Check", (A,), by="maintenance"),)),
    ),
    MADE,
    "Begun by code.",
)  # fmt: skip


class Rendered(HTMLParser):
    """The words of Markdown as it is rendered, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[str]()
        self.feed(MarkdownIt("commonmark").render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def one(line: Line, title: str = "T") -> Draft:
    return Draft(title, (Section("S", (line,)),), MADE)


def said(line: Line) -> str:
    """The words of a draft of one line, as its Markdown is rendered, without those that every draft has."""
    text = " ".join(Rendered(markdown(one(line))).text.split())
    return text.removeprefix("T Draft of 2026-02-02. S ")


def paragraphs(draft: Draft) -> list[str]:
    return [paragraph.text for paragraph in word.Document(io.BytesIO(docx(draft))).paragraphs]


# -- what a line rests on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [{"text": "It broke."}, {"label": "Cause"}, {}, {"text": "x", "citations": ()}])
def test_a_line_that_rests_on_nothing_is_refused(line: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="rests on nothing"):
        Line(**line)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", [{"reported": True}, {"by": "quality"}, {"citations": (A,)}])
def test_a_line_rests_on_a_report_a_role_or_a_citation(line: dict[str, object]) -> None:
    assert Line("It broke.", **line).text == "It broke."  # type: ignore[arg-type]


def test_each_source_has_one_number_in_the_order_of_the_lines() -> None:
    assert DRAFT.sources == (A, B)
    lines = [line for section in DRAFT.sections for line in section.lines]
    assert [DRAFT.numbers(line) for line in lines] == [[], [1], [2, 1], [], [1]]


def test_the_same_words_at_another_place_are_another_source() -> None:
    other = replace(A, start=9, end=23)
    assert one(Line("x", citations=(A, other, A))).sources == (A, other)


def test_a_draft_that_cites_nothing_has_no_sources() -> None:
    draft = one(Line("x", reported=True))
    assert "Sources" not in markdown(draft)
    assert "Sources" not in paragraphs(draft)


# -- a form ---------------------------------------------------------------------------------------------------------

FORM = {
    "title": "8D report", "note": "Begun by code.",
    "sections": [
        {"title": "D0", "blocks": ["machine", "symptoms"], "fill": {"Report number": "quality", "Date found": "inspection"}}, {"title": "D1", "blocks": ["limits"]},
        {"title": "D2", "fill": {"Team": "quality"}}, {"title": "D3"},
    ],
}  # fmt: skip
MACHINE = Line("P-40", "Machine", reported=True)


def test_a_form_is_filled_in_and_its_empty_sections_are_left_out() -> None:
    got = fill_in(FORM, {"machine": [MACHINE], "symptoms": [], "limits": []}, about="P-40", made=MADE)
    assert (got.title, got.note, got.made) == ("8D report: P-40", "Begun by code.", MADE)
    assert [section.title for section in got.sections] == ["D0", "D2"]
    assert got.sections[0].lines == (
        MACHINE,
        Line(label="Report number", by="quality"),
        Line(label="Date found", by="inspection"),
    )


def test_a_block_that_nobody_made_is_an_error() -> None:
    with pytest.raises(KeyError, match="limits"):
        fill_in(FORM, {"machine": [], "symptoms": []}, about="P-40", made=MADE)


def test_a_form_without_a_note_has_none() -> None:
    assert fill_in({"title": "A", "sections": []}, {}, about="b", made=MADE) == Draft("A: b", (), MADE)


# -- Markdown -------------------------------------------------------------------------------------------------------


def test_the_markdown_has_all_of_it() -> None:
    assert markdown(DRAFT).splitlines() == [
        "# 8D report: P-40", "", "Draft of 2026-02-02. Begun by code.", "",
        "## D2. Problem", "", "- **What was noticed:** Grinding noise *(as reported)*", "- **PUMP-01:** 88 °C \\> 85 °C [1]", "",
        "## D3. Containment", "", "- Stop the pump. [2] [1]", "- **Containment owner:** ________ *(to be filled in by: quality)*", "",
        "## D5. Actions", "", "- **Check:** Look at the oil [1] ________ *(to be filled in by: maintenance)*", "",
        "## Sources", "", "1. Title of limits.md, Row 3: “At most 85 °C.”", "2. Title of manual.pdf, Page 7: “Stop the pump.”",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", [Line(HOSTILE, reported=True), Line("x", HOSTILE, reported=True), Line("x", citations=(cited(quote=HOSTILE),)), Line("x", citations=(cited(HOSTILE, locator=HOSTILE),))]
)  # fmt: skip
def test_what_a_document_or_a_person_wrote_is_words_in_markdown(line: Line) -> None:
    rendered = Rendered(markdown(one(line)))
    assert set(rendered.tags) <= {"h1", "h2", "p", "ul", "ol", "li", "em", "strong"}
    assert " ".join(HOSTILE.split()) in " ".join(rendered.text.split())


def test_titles_are_words_in_markdown() -> None:
    draft = Draft(HOSTILE, (Section(HOSTILE, (MACHINE,)),), MADE, HOSTILE)
    rendered = Rendered(markdown(draft))
    assert set(rendered.tags) <= {"h1", "h2", "p", "ul", "li", "em", "strong"}
    assert rendered.text.count(HOSTILE) == 3


@given(st.text(alphabet=r"ab1 \`*_{}[]()<>#|~!+-=.:;'\"^$%@/é中" + "\n\t", max_size=40))
def test_any_text_is_given_back_by_markdown(text: str) -> None:
    words = f"x {text}".split()
    line = Line(f"x {text}", "Label", reported=True)
    assert said(line) == " ".join(["Label:", *words, f"({REPORTED})"])


@pytest.mark.parametrize("text", ["&lt;b&gt;", "AT&amp;T", "&copy; 2025"])
def test_an_entity_is_words(text: str) -> None:
    assert said(Line(text, reported=True)) == f"{text} ({REPORTED})"


@pytest.mark.parametrize("text", ["1. Stop the pump.", "3) Stop the pump.", "- Stop the pump.", "+ Stop the pump."])
def test_a_number_at_the_beginning_is_words(text: str) -> None:
    rendered = Rendered(markdown(one(Line(text, citations=(A,)))))
    assert f"{text} [1]" in " ".join(rendered.text.split())


def test_a_role_is_words() -> None:
    assert "b" not in Rendered(markdown(one(Line(label="Cause", by="<b>quality</b>")))).tags


def test_no_control_character_and_no_lone_surrogate_is_left_in_markdown() -> None:
    text = markdown(
        Draft(BROKEN, (Section(BROKEN, (Line(BROKEN, BROKEN, (cited(BROKEN, quote=BROKEN),)),)),), MADE, BROKEN)
    )
    assert text.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\ufffe\uffff\u2028]", text)


# -- Word -----------------------------------------------------------------------------------------------------------


def test_the_document_has_all_of_it() -> None:
    assert paragraphs(DRAFT) == [
        "8D report: P-40", "Draft of 2026-02-02. Begun by code.",
        "D2. Problem", f"What was noticed: Grinding noise ({REPORTED})", "PUMP-01: 88 °C > 85 °C [1] ",
        "D3. Containment", "Stop the pump. [2] [1] ", f"Containment owner: ________ ({FILL}: quality)",
        "D5. Actions", f"Check: Look at the oil [1] ________ ({FILL}: maintenance)",
        "Sources", "[1] Title of limits.md, Row 3: “At most 85 °C.”", "[2] Title of manual.pdf, Page 7: “Stop the pump.”",
    ]  # fmt: skip


def test_what_is_to_be_filled_in_is_highlighted() -> None:
    document = word.Document(io.BytesIO(docx(DRAFT)))
    yellow = [
        run.text for p in document.paragraphs for run in p.runs if run.font.highlight_color == WD_COLOR_INDEX.YELLOW
    ]
    assert [text.strip() for text in yellow] == [f"________ ({FILL}: quality)", f"________ ({FILL}: maintenance)"]


def test_the_document_names_nobody_as_its_author() -> None:
    properties = word.Document(io.BytesIO(docx(DRAFT))).core_properties
    assert (properties.title, properties.author, properties.comments) == (DRAFT.title, "", "")


def test_headings_are_headings() -> None:
    document = word.Document(io.BytesIO(docx(DRAFT)))
    assert [p.text for p in document.paragraphs if p.style and p.style.name == "Heading 1"] == [
        "D2. Problem",
        "D3. Containment",
        "D5. Actions",
        "Sources",
    ]


@pytest.mark.parametrize("text", [HOSTILE, BROKEN, "x" * 20_000, "", "中文 🔧 \u202e عربي", "{{ x }} ${y} %s"])
def test_any_text_makes_a_document_that_can_be_read(text: str) -> None:
    line = Line(text, text, (cited(text or "a", quote=text, locator=text),), by="quality")
    found = paragraphs(Draft(text, (Section(text, (line,)),), MADE, text))
    words = " ".join(re.sub(r"[\x00\x0b\x1f\ufffe\uffff\ud800]", " ", text).split())
    assert all(words in found[n] for n in (0, 1, 2, 3, -1))


@settings(max_examples=30)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=30))
def test_any_character_makes_a_document(text: str) -> None:
    assert f"({REPORTED})" in paragraphs(one(Line(text, text, reported=True), text))[-1]


def test_a_role_with_a_control_character_makes_a_document() -> None:
    assert paragraphs(one(Line(label="Cause", by="quality\x00")))


def test_a_draft_of_many_lines_counts_its_sources_once() -> None:
    lines = tuple(Line("x", citations=(cited(start=n),)) for n in range(500))
    draft = Draft("T", (Section("S", lines),), MADE)
    assert draft.sources is draft.sources
    assert [draft.numbers(line) for line in lines] == [[n] for n in range(1, 501)]
    assert draft == replace(draft)
