"""Samples: the files of a sample corpus that are not text, made from text, so that a change of them can be read.

Each Markdown file of `sources/` whose first line is <!-- pdf --> or <!-- docx --> becomes corpus/<name>.pdf or .docx; each
.psv file (values parted by "|") whose first line is <!-- xlsx: NAME --> becomes corpus/<name>.xlsx with one sheet of that
name. The same sources give the same bytes. Needs reportlab, python-docx and openpyxl.
"""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

_TARGET = re.compile(r"\s*<!--\s*(pdf|docx)\s*-->")
_SHEET = re.compile(r"\s*<!--\s*xlsx:\s*([^>]+?)\s*-->\s*")
_TAG = re.compile(r"<[^>]*>")
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
_CJK_FONT = "STSong-Light"  # one of the fonts that every PDF viewer provides, so that nothing is embedded


@dataclass(frozen=True)
class About:
    """What files say of themselves: who wrote them, and when; a fixed day, so that they do not change."""

    author: str
    made: datetime


def build_corpus(app: Path, about: About) -> None:
    """Build the files of the app in that folder."""
    declared = tomllib.loads((app / "corpus" / "metadata.toml").read_text(encoding="utf-8"))
    for source in sorted((app / "sources").glob("*.md")):
        markdown = source.read_text(encoding="utf-8")
        if found := _TARGET.match(markdown):
            target = app / "corpus" / f"{source.stem}.{found.group(1)}"
            build = build_pdf if found.group(1) == "pdf" else build_docx
            build(markdown, target, about, language=declared.get(target.name, {}).get("language", "en"))
            print(f"built {target.name}")
    for source in sorted((app / "sources").glob("*.psv")):
        target = app / "corpus" / f"{source.stem}.xlsx"
        build_xlsx(source.read_text(encoding="utf-8"), target, about)
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


def build_pdf(markdown: str, target: Path, about: About, *, language: str = "en") -> None:
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
        str(target), pagesize=A4, invariant=1, title=title, author=about.author, lang=language,
        leftMargin=22 * mm, rightMargin=22 * mm, topMargin=24 * mm, bottomMargin=22 * mm,
    ).build(story, onFirstPage=furniture, onLaterPages=furniture)  # fmt: skip


def _widths(rows: Sequence[Sequence[Any]], total: float) -> list[float]:
    """Column widths: room for the longest word of each column, and the rest by the length of its text."""
    columns = [[_TAG.sub("", row[at].text) for row in rows] for at in range(len(rows[0]))]
    needed = [20 + max(_longest(text, bold=not at) for at, text in enumerate(texts)) for texts in columns]
    lengths = [sum(map(len, texts)) / len(texts) for texts in columns]
    left = max(0.0, total - sum(needed))
    widths = [need + left * length / sum(lengths) for need, length in zip(needed, lengths, strict=True)]
    # Edges stand on multiples of 8 points, so that those of two tables on a page are one line or clearly two.
    edges = [0.0, *(8 * round(sum(widths[:at]) / 8) for at in range(1, len(widths))), total]
    return [end - start for start, end in pairwise(edges)]


def _longest(text: str, *, bold: bool) -> float:
    """Points that the longest word of a cell takes; Chinese may break anywhere."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    font = "Helvetica-Bold" if bold else "Helvetica"
    return float(max((stringWidth(word, font, 9) for word in _CJK.sub(" ", text).split()), default=0))


def build_docx(markdown: str, target: Path, about: About, *, language: str = "en") -> None:
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
                first = int(label.rstrip(".)"))  # a warning may stand between two steps of one procedure
                numbers[level] = numbers.get(level) or _new_list(document, paragraph.style, first)
                properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
                properties.get_or_add_numId().val, properties.get_or_add_ilvl().val = numbers[level], 0
            write(paragraph, cells[0])
        else:
            write(document.add_paragraph(style="Quote" if kind == "quote" else None), cells[0])

    core = document.core_properties
    core.title, core.author, core.comments, core.language = title, about.author, "", language
    core.created = core.modified = about.made
    saved = BytesIO()
    document.save(saved)
    _write_dated(saved, target, about.made)


def _new_list(document: Any, style: Any, first: int) -> int:
    """A list of the style's own form that begins at `first`: Word counts on unless it is told not to."""
    numbering = document.part.numbering_part.element
    own = style.element.pPr.numPr.numId.val
    abstract = next(num.abstractNumId.val for num in numbering.num_lst if num.numId == own)
    number = numbering.add_num(abstract)
    number.add_lvlOverride(ilvl=0).add_startOverride(first)
    return int(number.numId)


def build_xlsx(text: str, target: Path, about: About) -> None:
    """A workbook of one sheet: a title row, a header row, then the rows. An RPN is computed from its factors."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    found = _SHEET.match(text)
    if found is None:
        raise SystemExit(f"{target.stem}.psv does not begin with <!-- xlsx: NAME -->")
    title, header, *rows = [line.split("|") for line in text[found.end() :].splitlines() if line]
    if any(len(row) != len(header) for row in rows):
        raise SystemExit(f"{target.stem}.psv has rows that are not as wide as its header")
    book = Workbook()
    sheet = book.active
    sheet.title = found.group(1)
    sheet.append(title)
    sheet.append(header)
    for row in rows:
        values = dict(zip(header, map(_value, row), strict=True))
        if "RPN" in values:
            values["RPN"] = values["Severity"] * values["Occurrence"] * values["Detection"]
        sheet.append(list(values.values()))
    sheet["A1"].font = Font(bold=True, size=13)
    for at, name in enumerate(header, start=1):
        sheet.cell(2, at).font = Font(bold=True)
        longest = max(len(str(sheet.cell(row, at).value or "")) for row in range(2, sheet.max_row + 1))
        sheet.column_dimensions[get_column_letter(at)].width = min(46, max(len(name), longest) + 2)
        for number in range(3, sheet.max_row + 1):
            cell = sheet.cell(number, at)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, date):
                cell.number_format = "yyyy-mm-dd"
    sheet.freeze_panes = "A3"
    sheet.auto_filter.ref = f"A2:{get_column_letter(len(header))}{sheet.max_row}"
    book.properties.title, book.properties.creator = title[0], about.author
    book.properties.created = about.made
    saved = BytesIO()
    book.save(saved)
    _write_dated(saved, target, about.made)


def _value(text: str) -> Any:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else text or None


def _write_dated(saved: BytesIO, target: Path, made: datetime) -> None:
    """The ZIP again with one date for all members, so that the same source gives the same bytes."""
    modified = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as result:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            content = source.read(name)
            if name == "docProps/core.xml":  # openpyxl writes the time of saving
                content = modified.sub(rb"\g<1>" + f"{made.isoformat()}Z".encode(), content)
            result.writestr(member, content)
