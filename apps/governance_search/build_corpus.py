"""Build the PDF and DOCX files of the sample corpus: python apps/governance_search/build_corpus.py

Each Markdown file in sources/ whose first line is <!-- pdf --> or <!-- docx --> becomes corpus/<name>.pdf or
.docx. The same sources give the same bytes. Needs reportlab and python-docx.
"""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

HERE = Path(__file__).parent
_TARGET = re.compile(r"\s*<!--\s*(pdf|docx)\s*-->")
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
_CJK_FONT = "STSong-Light"  # one of the fonts that every PDF viewer provides, so that nothing is embedded
_WHEN = datetime(2026, 1, 1)


def main() -> None:
    declared = tomllib.loads((HERE / "corpus" / "metadata.toml").read_text(encoding="utf-8"))
    for source in sorted((HERE / "sources").glob("*.md")):
        markdown = source.read_text(encoding="utf-8")
        if found := _TARGET.match(markdown):
            target = HERE / "corpus" / f"{source.stem}.{found.group(1)}"
            build = build_pdf if found.group(1) == "pdf" else build_docx
            build(markdown, target, language=declared.get(target.name, {}).get("language", "en"))
            print(f"built {target.name}")


Run = tuple[str, bool, bool]  # text, bold, italic
Part = tuple[str, int, str, list[list[Run]]]  # kind, level, label, cells: one for all kinds but rows


def parts(markdown: str) -> Iterator[Part]:
    """Headings, paragraphs, items, quotes and table rows of a Markdown text; "end" closes a table or list."""
    around: list[str] = []
    label, in_row = "", False
    cells: list[list[Run]] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type in ("bullet_list_open", "ordered_list_open", "blockquote_open"):
            around.append(token.type.removesuffix("_open"))
        elif token.type in ("bullet_list_close", "ordered_list_close", "blockquote_close", "table_close"):
            if token.type != "table_close":
                around.pop()
            yield "end", 0, "", []
        elif token.type == "list_item_open":
            label = f"{token.info}{token.markup}" if token.info else "•"
        elif token.type == "tr_open":
            cells, in_row = [], True
        elif token.type == "tr_close":
            in_row = False
            yield "row", 0, "", cells
        elif token.type == "inline" and in_row:
            cells.append(runs(token))
        elif token.type == "inline" and before is not None and before.type == "heading_open":
            yield "heading", int(before.tag[1]), "", [runs(token)]
        elif token.type == "inline":
            lists = [name for name in around if name != "blockquote"]
            kind = "item" if lists and label else "quote" if "blockquote" in around else "paragraph"
            yield kind, len(lists), label, [runs(token)]
            label = ""


def runs(token: Token) -> list[Run]:
    found: list[Run] = []
    bold = italic = 0
    for child in token.children or ():
        bold += {"strong_open": 1, "strong_close": -1}.get(child.type, 0)
        italic += {"em_open": 1, "em_close": -1}.get(child.type, 0)
        if child.type in ("softbreak", "hardbreak"):
            found.append((" ", False, False))
        elif child.content:
            found.append((child.content, bool(bold), bool(italic)))
    return found


def build_pdf(markdown: str, target: Path, *, language: str = "en") -> None:
    """An A4 PDF with bold headings, ruled tables, a running header (the title) and numbered pages."""
    from reportlab.lib.colors import grey
    from reportlab.lib.enums import TA_JUSTIFY
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer

    pdfmetrics.registerFont(UnicodeCIDFont(_CJK_FONT))
    wrap = {"wordWrap": "CJK"} if language == "zh" else {}
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=13.5, spaceAfter=6, **wrap)
    justified = ParagraphStyle("justified", body, alignment=TA_JUSTIFY)
    cell = ParagraphStyle("cell", body, fontSize=9, leading=11.5, spaceAfter=0)
    quote = ParagraphStyle("quote", body, leftIndent=18)
    sizes = {1: 19, 2: 14.5, 3: 12, 4: 11.2}

    def heading_style(level: int) -> ParagraphStyle:
        size = sizes.get(level, 11.2)
        return ParagraphStyle(
            f"h{level}", body, fontName="Helvetica-Bold", fontSize=size, leading=1.25 * size,
            spaceBefore=size, spaceAfter=0.5 * size, keepWithNext=1,
        )  # fmt: skip

    def marked(cells: Sequence[Run]) -> str:
        text = ""
        for words, bold, italic in cells:
            words = _CJK.sub(lambda m: f'<font name="{_CJK_FONT}">{m.group()}</font>', escape(words))
            words = f"<i>{words}</i>" if italic else words
            text += f"<b>{words}</b>" if bold else words
        return text

    story: list[Any] = []
    rows: list[list[Any]] = []
    title = ""
    for kind, level, label, cells in parts(markdown):
        if kind == "row":
            rows.append([Paragraph(marked(c) if rows else f"<b>{marked(c)}</b>", cell) for c in cells])
        elif kind == "end" and rows:
            widths = [A4[0] - 44 * mm] if len(rows[0]) == 1 else _widths(rows, A4[0] - 44 * mm)
            lines = [("GRID", (0, 0), (-1, -1), 0.5, grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]
            story.append(LongTable(rows, colWidths=widths, repeatRows=1, spaceAfter=8, style=lines))
            rows = []
        elif kind == "heading":
            title = title or "".join(words for words, _, _ in cells[0])
            story.append(Paragraph(marked(cells[0]), heading_style(level)))
        elif kind == "item":
            style = ParagraphStyle("item", body, leftIndent=18 * level, bulletIndent=18 * level - 18, spaceAfter=4)
            story.append(Paragraph(marked(cells[0]), style, bulletText=label))
        elif kind in ("paragraph", "quote"):
            style = quote if kind == "quote" else body if wrap else justified
            story.append(Paragraph(marked(cells[0]), style))
    story.append(Spacer(1, 1))

    def furniture(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(_CJK_FONT if _CJK.search(title) else "Helvetica", 8)
        canvas.drawString(22 * mm, A4[1] - 14 * mm, title)
        canvas.drawCentredString(A4[0] / 2, 12 * mm, f"{document.page}")
        canvas.restoreState()

    SimpleDocTemplate(
        str(target), pagesize=A4, invariant=1, title=title, author="City of Velmora", lang=language,
        leftMargin=22 * mm, rightMargin=22 * mm, topMargin=24 * mm, bottomMargin=22 * mm,
    ).build(story, onFirstPage=furniture, onLaterPages=furniture)  # fmt: skip


def _widths(rows: Sequence[Sequence[Any]], total: float) -> list[float]:
    """Column widths by the length of their text, none below a twelfth of the whole."""
    lengths = [max(8, sum(len(row[at].text) for row in rows) / len(rows)) for at in range(len(rows[0]))]
    shares = [max(1 / 12, length / sum(lengths)) for length in lengths]
    return [total * share / sum(shares) for share in shares]


def build_docx(markdown: str, target: Path, *, language: str = "en") -> None:
    """A DOCX with real heading styles, numbered and bulleted lists, tables, and fixed dates."""
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    document.styles["Normal"].element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "SimSun")
    rows: list[list[list[Run]]] = []
    numbers: dict[int, Any] = {}
    title = ""

    def write(paragraph: Any, cells: Sequence[Run], *, bold: bool = False) -> None:
        for words, is_bold, italic in cells:
            run = paragraph.add_run(words)
            run.bold, run.italic = (bold or is_bold or None), (italic or None)

    for kind, level, label, cells in parts(markdown):
        if kind == "row":
            rows.append(cells)
        elif kind == "end" and rows:
            table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
            for at, row in enumerate(rows):
                for column, words in enumerate(row):
                    write(table.cell(at, column).paragraphs[0], words, bold=at == 0)
            document.add_paragraph()
            rows = []
        elif kind == "end":
            numbers.clear()
        elif kind == "heading":
            title = title or "".join(words for words, _, _ in cells[0])
            write(document.add_heading(level=level), cells[0])
        elif kind == "item":
            name = "List Bullet" if label == "•" else "List Number"
            paragraph = document.add_paragraph(style=name if level == 1 else f"{name} {min(level, 3)}")
            if label != "•":
                numbers[level] = numbers.get(level) or _new_list(document, paragraph.style)
                properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
                properties.get_or_add_numId().val, properties.get_or_add_ilvl().val = numbers[level], 0
            write(paragraph, cells[0])
        else:
            write(document.add_paragraph(style="Quote" if kind == "quote" else None), cells[0])

    core = document.core_properties
    core.title, core.author, core.comments, core.language = title, "City of Velmora", "", language
    core.created = core.modified = _WHEN
    saved = BytesIO()
    document.save(saved)
    _write_dated(saved, target)


def _new_list(document: Any, style: Any) -> int:
    """A list of the style's own form that begins at 1: Word counts on unless it is told not to."""
    numbering = document.part.numbering_part.element
    own = style.element.pPr.numPr.numId.val
    abstract = next(num.abstractNumId.val for num in numbering.num_lst if num.numId == own)
    number = numbering.add_num(abstract)
    number.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(number.numId)


def _write_dated(saved: BytesIO, target: Path) -> None:
    """The ZIP again with one date for all members, so that the same source gives the same bytes."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as result:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            result.writestr(member, source.read(name))


if __name__ == "__main__":
    main()
