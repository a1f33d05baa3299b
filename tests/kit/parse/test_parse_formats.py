"""Every format: what a person reads comes out, in order, with its kinds and levels, and nothing else."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sectorkit.retrieval.parse import ParsedDocument, parse

Outline = list[tuple[str, str]]


def outline(document: ParsedDocument) -> Outline:
    return [(b.kind + (str(b.level) if b.level else ""), document.text[b.start : b.end]) for b in document.blocks]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# Markdown


def test_markdown_keeps_structure_and_drops_markup(write: Callable[[str, str], Path]) -> None:
    document = parse(
        write(
            "a.md",
            "<!-- note -->\n# Noise *ordinance*\n\nSee [the plan](x.html), `dB(A)`.\nNext line.\n\n"
            "1. First\n2. Second\n   - inner\n\n> Quoted.\n\n"
            "| a | b |\n|---|---|\n| 1 | two **x** |\n\n```\ncode  x\n```\n",
        )
    )
    assert outline(document) == [
        ("heading1", "Noise ordinance"),
        ("paragraph", "See the plan, dB(A). Next line."),
        ("item", "1. First"),
        ("item", "2. Second"),
        ("item", "inner"),
        ("quote", "Quoted."),
        ("row", "a | b"),
        ("row", "1 | two x"),
        ("code", "code  x"),
    ]
    assert document.title == "Noise ordinance"
    assert "a | b\n1 | two x\n\ncode" in document.text


def test_front_matter_becomes_metadata(write: Callable[[str, str], Path]) -> None:
    front = 'title: "Rule"\nlanguage: fr-CH\nvalid-from: 2024-05-01\nvalid_to: soon\nstatus: in_force\n'
    document = parse(write("a.md", f"---\n{front}---\nText.\n"))
    assert (document.title, document.language, document.text) == ("Rule", "fr", "Text.")
    assert document.metadata == {"valid_from": date(2024, 5, 1), "status": "in_force"}
    assert document.notes == ("valid_to is 'soon', which is not a date: ignored; write it as 2024-05-31",)


def test_a_text_between_two_rules_is_not_front_matter(write: Callable[[str, str], Path]) -> None:
    assert "Just words" in parse(write("a.md", "---\nJust words here\n---\nMore.\n")).text


def test_html_inside_markdown_loses_its_tags(write: Callable[[str, str], Path]) -> None:
    document = parse(write("a.md", "a<br>b <b>bold</b>\n\n<table><tr><td>x</td><td>y</td></tr></table>\n"))
    assert outline(document) == [("paragraph", "a\nb bold"), ("row", "x | y")]


# Plain text


def test_plain_text_has_paragraphs_and_no_headings(write: Callable[[str, str], Path]) -> None:
    document = parse(write("a.txt", "TITLE\r\n\r\nOne line.\r\nAnother   line.\r\n \r\n\r\nLast\u200b.\r\n"))
    assert outline(document) == [
        ("paragraph", "TITLE"),
        ("paragraph", "One line.\nAnother line."),
        ("paragraph", "Last."),
    ]


def test_lines_of_a_fixed_width_are_joined_and_a_list_is_not(write: Callable[[str, str], Path]) -> None:
    wrapped = (
        "The licence is granted for a period of five years from the\n"
        "date of its notification and may be renewed once on written\nrequest."
    )
    listed = "- the first of the documents that the applicant submits\n- the second of the documents"
    document = parse(write("a.txt", f"{wrapped}\n\n{listed}"))
    assert outline(document)[0][1] == wrapped.replace("\n", " ")
    assert outline(document)[1][1] == listed


# HTML

PAGE = """<!DOCTYPE html><html lang="en-GB"><head><title>Permits – City</title>
<meta name="valid_from" content="2025-04-01"><meta name="issuer" content="Department"></head><body>
<header><h1>City</h1><nav><a href="/">Home</a></nav></header><div class="cookie-banner">We use cookies</div>
<main><header><h1>Permits</h1></header><p>You may <b>build</b>,<br>if
<span style="display: none">never</span>asked.
<p hidden>secret</p><ol start="3"><li>three<ul><li>inner</li></ul></li><li><p>four</p></li></ol>
<table><caption>Fees</caption><tr><th>What</th><th>VLM</th></tr>
<tr><td>Small&nbsp;shed</td><td><p>12</p></td></tr></table>
<blockquote><p>Quoted</p></blockquote><pre>a
  b</pre><aside>Related</aside><form><label>Name</label><p>Inside a form</p><button>Send</button></form>
<script>alert(1)</script></main><footer>Imprint</footer></body></html>"""


def test_html_gives_the_main_content_only(write: Callable[[str, str], Path]) -> None:
    document = parse(write("a.html", PAGE))
    assert outline(document) == [
        ("heading1", "Permits"),
        ("paragraph", "You may build,\nif asked."),
        ("item", "3. three"),
        ("item", "inner"),
        ("item", "4. four"),
        ("paragraph", "Fees"),
        ("row", "What | VLM"),
        ("row", "Small\u00a0shed | 12"),
        ("quote", "Quoted"),
        ("code", "a\n  b"),
        ("paragraph", "Inside a form"),
    ]
    assert (document.title, document.language) == ("Permits – City", "en")
    assert document.metadata == {"valid_from": date(2025, 4, 1), "issuer": "Department"}


def test_html_without_main_is_read_from_its_body(write: Callable[[str, str], Path]) -> None:
    page = "<nav>Menu</nav><article class=teaser>Short</article><h2>News</h2><p>" + "Long text. " * 30
    assert outline(parse(write("a.htm", page)))[1] == ("heading2", "News")


def test_a_wrapper_with_a_banner_like_class_keeps_its_content(write: Callable[[str, str], Path]) -> None:
    page = "<header><h1>Noise</h1></header><div class='page has-breadcrumbs'><p>" + "Long text. " * 400 + "</p></div>"
    assert [kind for kind, _ in outline(parse(write("a.html", page)))] == ["heading1", "paragraph"]


def test_a_table_that_lays_out_a_page_is_not_read_as_rows(write: Callable[[str, str], Path]) -> None:
    page = "<table><tr><td><h1>Title</h1><p>Text</p></td><td>Side</td></tr></table>"
    assert outline(parse(write("a.html", page))) == [
        ("heading1", "Title"),
        ("paragraph", "Text"),
        ("paragraph", "Side"),
    ]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "gb18030", "shift_jis"])
def test_html_is_decoded_as_it_declares(tmp_path: Path, encoding: str) -> None:
    words = "Règlement été" if encoding == "iso-8859-1" else "食品安全"
    path = tmp_path / "a.html"
    path.write_bytes(f'<meta charset="{encoding}"><p>{words}</p>'.encode(encoding))
    assert parse(path).text == words


# DOCX


def docx_with(path: Path, fill: Callable[[Any], None]) -> Path:
    import docx

    document = docx.Document()
    fill(document)
    document.save(path)
    return path


def test_docx_headings_lists_and_tables_come_in_document_order(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.core_properties.title, document.core_properties.language = "Minutes", "fr-FR"
        document.add_heading("Minutes", level=1)
        document.add_paragraph("Opened at 18:00.")
        document.add_paragraph("First", style="List Number")
        document.add_paragraph("Second", style="List Number")
        document.add_paragraph("Point", style="List Bullet")
        table = document.add_table(rows=2, cols=2)
        for at, text in enumerate(("Vote", "For", "Item\n4", "12")):
            table.cell(at // 2, at % 2).text = text
        document.add_heading("Close", level=2)

    document = parse(docx_with(tmp_path / "a.docx", fill))
    assert outline(document) == [
        ("heading1", "Minutes"),
        ("paragraph", "Opened at 18:00."),
        ("item", "1. First"),
        ("item", "2. Second"),
        ("item", "Point"),
        ("row", "Vote | For"),
        ("row", "Item 4 | 12"),
        ("heading2", "Close"),
    ]
    assert (document.title, document.language) == ("Minutes", "fr")


def test_docx_knows_headings_of_a_localised_word(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        style = document.styles["Heading 2"]
        style.element.set(style.element.nsmap["w"].join(("{", "}styleId")), "berschrift2")
        document.add_paragraph("Zweck", style="Heading 2")
        document.add_paragraph("Text")

    assert outline(parse(docx_with(tmp_path / "a.docx", fill)))[0] == ("heading2", "Zweck")


def test_docx_leaves_out_deleted_text_and_keeps_inserted_text(tmp_path: Path) -> None:
    path = docx_with(tmp_path / "a.docx", lambda document: document.add_paragraph("MARK"))
    changed = (
        "</w:t></w:r><w:r><w:t xml:space='preserve'>at most </w:t></w:r>"
        "<w:del w:id='1'><w:r><w:delText>12</w:delText></w:r></w:del>"
        "<w:ins w:id='2'><w:r><w:t>15</w:t></w:r></w:ins>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:t> days"
    )
    _edit(path, "word/document.xml", lambda xml: xml.replace(b"MARK", changed.encode()))
    assert parse(path).text == "at most 15 days"


def test_docx_bold_lines_are_headings_where_no_style_is_used(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.add_paragraph().add_run("2.1 Scope").bold = True
        document.add_paragraph("This applies to all.")

    assert outline(parse(docx_with(tmp_path / "a.docx", fill)))[0] == ("heading2", "2.1 Scope")


def _edit(path: Path, member: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[member] = change(parts[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
