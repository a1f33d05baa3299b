"""PDF: structure that the file does not state is found again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.parse.markdown import parse_markdown
from sectorkit.samples import About, build_docx, build_pdf

APPS = Path(__file__).parents[3] / "apps"
SOURCES = sorted(APPS.glob("*/sources/*.md"))
ABOUT = About("A. Author", datetime(2026, 1, 1))
BUILD = {"pdf": build_pdf, "docx": build_docx}

SAMPLE = """# Règlement sur l'eau

""" + "\n\n".join(
    f"""## {n}. Part {n}

### {n}.1 Scope

{"This part applies to every dwelling in the city, whoever owns it, and to multi-dwelling buildings. " * 12}

1. The first rule, which is long enough to run over the end of its line and to go on in another line.
2. The second rule of 林雅婷 — 12,5 % of €{n}00.

- a point
- another point that is also long enough to run over the end of a line, so that it has to be joined

| Cause | Accounts affected | Amount |
|---|---|---|
| Tariff code for multi-dwelling buildings that nobody had checked | {n},239 | 742 |
| Other errors |  | {n} |"""
    for n in range(1, 8)
)


@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_a_built_file_reads_like_its_source(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "a.md"
    source.write_text(SAMPLE, encoding="utf-8")
    BUILD[kind](SAMPLE, tmp_path / f"a.{kind}", ABOUT, language="fr")
    expected, found = parse_markdown(source), parse(tmp_path / f"a.{kind}")
    assert [(b.kind, b.level, found.text[b.start : b.end]) for b in found.blocks] == [
        (b.kind, b.level, expected.text[b.start : b.end]) for b in expected.blocks
    ]
    assert (found.title, found.language) == ("Règlement sur l'eau", "fr")


def test_blocks_know_their_page(tmp_path: Path) -> None:
    build_pdf(SAMPLE, tmp_path / "a.pdf", ABOUT)
    document = parse(tmp_path / "a.pdf")
    pages = [b.page for b in document.blocks]
    assert document.pages is not None
    assert pages[0] == 1
    assert pages[-1] == document.pages >= 4
    assert pages == sorted(p for p in pages if p is not None)


def test_the_builder_writes_the_same_bytes_again(tmp_path: Path) -> None:
    for kind in ("pdf", "docx"):
        for name in ("a", "b"):
            BUILD[kind](SAMPLE, tmp_path / f"{name}.{kind}", ABOUT)
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def draw(path: Path, *pages: Callable[[Any], None]) -> Path:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), pagesize=(595, 842))
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def lines(*texts: str, font: str = "Times-Roman", top: float = 700) -> Callable[[Any], None]:
    def page(canvas: Any) -> None:
        for at, text in enumerate(texts):
            canvas.setFont(font, 11)
            canvas.drawString(70, top - 14 * at, text)

    return page


def test_words_divided_at_a_line_end_are_joined_again(tmp_path: Path) -> None:
    text = ("The ordi-", "nance on multi-", "dwelling houses in Vieux-", "Port and", "multi-dwelling land")
    document = parse(draw(tmp_path / "a.pdf", lines(*text)))
    assert "The ordinance on multi-dwelling houses in Vieux-Port" in document.text


def test_running_headers_and_page_numbers_are_left_out(tmp_path: Path) -> None:
    def page(number: int) -> Callable[[Any], None]:
        def draw_page(canvas: Any) -> None:
            canvas.drawString(70, 800, f"Chapter {number // 3} of the rules")
            canvas.drawString(400, 800, f"Page {number + 4} of 20")
            lines(f"Only page {number} says that {number * number} applies.")(canvas)

        return draw_page

    document = parse(draw(tmp_path / "a.pdf", *(page(n) for n in range(1, 9))))
    assert document.text.split("\n\n") == [f"Only page {n} says that {n * n} applies." for n in range(1, 9)]


def test_articles_that_head_their_pages_are_no_running_headers(tmp_path: Path) -> None:
    def page(number: int) -> Callable[[Any], None]:
        return lines(f"Article {number}", f"Rule {number * number} is here.", top=755)

    text = parse(draw(tmp_path / "a.pdf", page(1), page(2), page(3))).text
    assert all(f"Article {number}" in text for number in (1, 2, 3))


def test_numbered_bold_lines_are_headings(tmp_path: Path) -> None:
    def page(canvas: Any) -> None:
        lines("Article 1 Purpose", font="Times-Bold", top=700)(canvas)
        lines("This law applies to", "all.", top=680)(canvas)
        lines("Article 2 Definitions", font="Times-Bold", top=630)(canvas)
        lines("A person is a person.", top=610)(canvas)

    document = parse(draw(tmp_path / "a.pdf", page))
    headings = [document.text[b.start : b.end] for b in document.blocks if b.kind == "heading"]
    assert headings == ["Article 1 Purpose", "Article 2 Definitions"]


def test_columns_without_rules_become_rows(tmp_path: Path) -> None:
    def page(canvas: Any) -> None:
        for at, (what, fee) in enumerate((("Permit", "12.00"), ("Extract", "8.50"), ("Copy", "0.50"))):
            canvas.drawString(70, 700 - 14 * at, what)
            canvas.drawRightString(400, 700 - 14 * at, fee)

    document = parse(draw(tmp_path / "a.pdf", page))
    assert document.text == "Permit | 12.00\nExtract | 8.50\nCopy | 0.50"


def test_a_turned_page_is_read_as_it_is_seen(tmp_path: Path) -> None:
    from pypdf import PdfWriter

    writer = PdfWriter(clone_from=draw(tmp_path / "a.pdf", lines("One line of text", "and another one.")))
    for turn in (90, 180, 270):
        writer.pages[0].rotation = turn
        writer.write(tmp_path / "b.pdf")
        assert "One line of text" in parse(tmp_path / "b.pdf").text


def test_a_page_without_text_is_named(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (60, 60), "red").save(tmp_path / "scan.png")

    def scan(canvas: Any) -> None:
        canvas.drawImage(str(tmp_path / "scan.png"), 50, 50)

    def stamped(canvas: Any) -> None:
        scan(canvas)
        canvas.drawString(70, 20, "Copy of the archive")

    document = parse(draw(tmp_path / "a.pdf", lines("Text."), scan, scan, lines("More."), stamped, stamped))
    assert document.notes[0].startswith("pages 2-3, 5-6 have no text: scanned?")
    assert document.text == "Text.\n\nMore."
    assert document.pages == 6


def test_pages_that_are_all_alike_keep_their_text(tmp_path: Path) -> None:
    document = parse(draw(tmp_path / "a.pdf", lines("The same form."), lines("The same form.")))
    assert document.text == "The same form.\n\nThe same form."


@pytest.mark.parametrize("apart", [0, 1, 2, 3, 8])
def test_two_tables_of_a_page_stay_two_however_near_their_columns_are(apart: int, tmp_path: Path) -> None:
    from reportlab.lib.colors import grey
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

    ruled = [("GRID", (0, 0), (-1, -1), 0.5, grey)]
    first = Table([["Gauge", "Error"], ["A", "1"]], colWidths=[100, 200], style=ruled)
    second = Table([["Meter", "Due"], ["B", "2"]], colWidths=[100 + apart, 200 - apart], style=ruled)
    words = Paragraph("A sentence between the two tables, of some length.", getSampleStyleSheet()["Normal"])
    path = tmp_path / "two.pdf"
    SimpleDocTemplate(str(path)).build([first, Spacer(1, 20), words, Spacer(1, 20), second])
    document = parse(path)
    assert [document.text[block.start : block.end] for block in document.blocks] == [
        "Gauge | Error", "A | 1", "A sentence between the two tables, of some length.", "Meter | Due", "B | 2",
    ]  # fmt: skip
