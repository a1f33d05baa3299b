"""A draft -> HTML."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from dataclasses import replace
from datetime import date

import docx as word
from hypothesis import given, settings
from hypothesis import strategies as st
from read_html import Read

from sectorkit.answer import Citation
from sectorkit.drafts import FILL, REPORTED, Draft, Line, Section, docx, markdown
from sectorkit.ui.drafts import draft

HOSTILE = "\"><img src=x onerror=1><script>alert(1)</script>'&"
A = Citation(0, "p", "limits №1.md", "Limits", "Row 3", "At most 85 °C.", 0, 14)
B = Citation(0, "q", "manual.pdf", "Manual", "", "Stop the pump.", 40, 54)
DRAFT = Draft(
    "8D report: P-40",
    (
        Section("D2. Problem", (Line("Grinding noise", "What was noticed", reported=True), Line("88 °C > 85 °C", "PUMP-01", (A,)))),
        Section("D3. Containment", (Line("Stop the pump.", citations=(B, A)), Line(label="Containment owner", by="quality"))),
    ),
    date(2026, 2, 2),
    "Begun by code.",
)  # fmt: skip


def links(html: str, kind: str) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in Read(html).elements if tag == "a" and kind in (attrs.get("class") or "").split()]


def held(html: str, ending: str) -> bytes:
    """The file that a draft has to be downloaded with that ending."""
    (link,) = (link for link in links(html, "sk-button") if (link["download"] or "").endswith(ending))
    return b64decode((link["href"] or "").partition(";base64,")[2])


def one(line: Line) -> Draft:
    return Draft("T", (Section("S", (line,)),), date(2026, 2, 2))


# -- what is shown --------------------------------------------------------------------------------------------------


def test_titles_and_lines_are_shown_in_order() -> None:
    html = draft("city", DRAFT, "8D-2026-02-02")
    assert re.findall(r"<h[34]>(.*?)</h[34]>", html) == ["8D report: P-40", "D2. Problem", "D3. Containment"]
    lines = re.findall(r"<li[^>]*>(.*?)</li>", html)
    assert [re.sub(r"<[^>]*>|&#8239;", "", line).split()[0] for line in lines] == [
        "What",
        "PUMP-01:",
        "Stop",
        "Containment",
    ]


def test_a_source_is_a_link_with_a_name_that_leads_to_its_place() -> None:
    first, *others = links(draft("city", DRAFT, "x"), "sk-cite")
    assert first["href"] == "documents/city/limits%20%E2%84%961.md?start=0&end=14#quote"
    assert first["aria-label"] == "Source 1: Limits, Row 3"
    assert [link["aria-label"] for link in others] == ["Source 2: Manual", "Source 1: Limits, Row 3"]


def test_a_number_leads_to_its_source_where_a_line_cites_one_twice() -> None:
    cited = links(draft("city", one(Line("x", citations=(A, A, B))), "x"), "sk-cite")
    assert [link["aria-label"] for link in cited] == ["Source 1: Limits, Row 3", "Source 2: Manual"]


def test_what_is_to_be_filled_in_is_marked_in_words() -> None:
    html = draft("city", DRAFT, "x")
    assert re.findall(rf"{FILL}: ([^<]*)</mark>", html) == ["quality"]


def test_what_was_reported_is_said_to_be() -> None:
    assert draft("city", DRAFT, "x").count(f"({REPORTED})") == 1


def test_the_fields_that_are_open_are_counted_and_announced() -> None:
    two = replace(DRAFT, sections=(*DRAFT.sections, Section("D4. Cause", (Line(label="Cause", by="quality"),))))
    for shown, count in ((DRAFT, "1 field"), (two, "2 fields")):
        html = Read(draft("city", shown, "x"))
        assert f"Begun by code. {count} to fill in." in html.text
        assert html.elements[0][1]["data-announce"] == f"8D report: P-40, {count} to fill in"


# -- files ----------------------------------------------------------------------------------------------------------


def test_the_files_are_named() -> None:
    assert [link["download"] for link in links(draft("city", DRAFT, "8D-2026-02-02"), "sk-button")] == [
        "8D-2026-02-02.docx",
        "8D-2026-02-02.md",
    ]


def test_the_markdown_that_is_downloaded_is_the_drafts() -> None:
    assert held(draft("city", DRAFT, "x"), ".md").decode() == markdown(DRAFT)


def test_the_document_that_is_downloaded_is_the_drafts() -> None:
    read, made = (word.Document(io.BytesIO(file)) for file in (held(draft("city", DRAFT, "x"), ".docx"), docx(DRAFT)))
    assert [p.text for p in read.paragraphs] == [p.text for p in made.paragraphs]


def test_the_files_travel_within_the_page() -> None:
    assert all((link["href"] or "").startswith("data:") for link in links(draft("city", DRAFT, "x"), "sk-button"))


# -- whatever it holds ----------------------------------------------------------------------------------------------


def hostile(text: str) -> Draft:
    cited = Citation(0, text, text, text, text, text, 0, 3, text)
    lines = (
        Line(text, text, (cited,)),
        Line(text, text, reported=True),
        Line(text, text, by=text),
        Line(text, citations=(replace(A, title=text),)),
    )
    return Draft(text, (Section(text, lines),), date(2026, 2, 2), text)


@settings(max_examples=10)
@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=("Cc", "Cs", "Cn"))) | st.just(HOSTILE))
def test_nothing_of_a_document_or_a_person_becomes_markup(text: str) -> None:
    html, known = Read(draft(text, hostile(text), text)), Read(draft("abc", hostile("abc"), "abc"))
    assert [tag for tag, _ in html.elements] == [tag for tag, _ in known.elements]
    assert [sorted(attrs) for _, attrs in html.elements] == [sorted(attrs) for _, attrs in known.elements]
    assert all((attrs.get("href") or "data:").startswith(("data:", "documents/")) for _, attrs in html.elements)


def test_hostile_text_is_shown_as_it_is() -> None:
    assert Read(draft("city", hostile(HOSTILE), "x")).text.count(HOSTILE) >= 9
