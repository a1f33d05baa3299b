"""Whole small documents of every format, the same bytes each time: what `damage.py` damages."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from email.message import EmailMessage
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "apps/governance_search"
FORMATS = (".md", ".txt", ".html", ".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".tsv", ".eml")
ZIPPED = (".docx", ".pptx", ".xlsx")

_TEXT = """---
title: Fees
valid_from: 2024-05-01
---
# Règlement sur l'eau

1. The fee is 12,5 % of €300.
2. 押金不得超过两个月租金。

| Cause | Amount |
|---|---|
| <b>Tariff</b> | 742 |

> quoted [link](http://example.org)

```
code
```
"""
_LINES = [
    ["Pump", "Pressure", "Checked", "Remarks"],
    ["P-12", "3,5 bar", "2024-05-01", 'leaks "slowly"\nat night'],
    ["P-13", "0.25", "", "Zürich"],
    ["泵", "4", "2024-05-02", "=1+1"],
]
_HTML = """<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Bruit</title>
<meta name="valid_from" content="2024-05-01"></head><body><nav>Menu</nav><main><h1>Bruit</h1><ol start="3"><li>Un<li>Deux
</ol><table><tr><th>Heure<td>22:00</table><blockquote>Cité</blockquote><pre>a\tb</pre><div hidden>x</div></main></body>"""


def documents() -> dict[str, list[bytes]]:
    """Whole documents by their suffix: those of the sample corpus, and some made here for what it does not hold."""
    found: dict[str, list[bytes]] = {suffix: [] for suffix in FORMATS}
    for path in sorted((APP / "corpus").iterdir()):
        found.get(path.suffix, []).append(path.read_bytes())
    found[".md"].append(_TEXT.encode())
    found[".txt"] += [_TEXT.encode(encoding, "replace") for encoding in ("utf-8", "cp1252", "utf-16", "gb18030")]
    found[".html"].append(_HTML.encode())
    found[".pdf"] += [_pdf(), _pdf(compressed=False)]
    found[".docx"].append(_docx())
    found[".pptx"].append(_pptx())
    found[".xlsx"].append(_xlsx())
    found[".csv"] += [_table(";").encode("cp1252", "replace"), _table(",").encode()]
    found[".tsv"] += [_table("\t").encode(), _table("\t").encode("utf-16")]
    found[".eml"] += [_mail(html=False), _mail(html=True)]
    for suffix in ZIPPED:
        found[suffix] = [packed(unpacked(whole)) for whole in found[suffix]]
    return found


def _pdf(*, compressed: bool = True) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    stream = io.BytesIO()
    canvas = Canvas(stream, pageCompression=compressed, invariant=1)
    canvas.setTitle("Fees")
    for page in range(3):
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(70, 760, f"Article {page + 1} Fees")
        canvas.setFont("Times-Roman", 11)
        for line in range(6):
            canvas.drawString(70, 700 - 14 * line, f"{line}. The fee is {line * 7} VLM for each ordi-")
            canvas.rect(60, 600 - 20 * line, 200, 20)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def _docx() -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Fees", level=1)
    for text in ("The fee is 12 VLM.", "押金不得超过两个月租金。"):
        document.add_paragraph(text, style="List Number")
    table = document.add_table(rows=2, cols=2)
    table.cell(0, 0).text, table.cell(1, 1).text = "Fee", "12"
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _pptx() -> bytes:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text_frame.text = "Pumps", "Oil level\nSeals"
    slide.notes_slide.notes_text_frame.text = "Slowly."
    plain = deck.slides.add_slide(deck.slide_layouts[5])
    plain.shapes.title.text = "Values"
    table = plain.shapes.add_table(2, 2, 0, 0, 9_000_000, 900_000).table
    table.cell(0, 0).text, table.cell(1, 1).text = "Pump", "3.5 bar"
    chart = CategoryChartData()
    chart.categories = ["North", "South"]
    chart.add_series("Bar", (3.5, 0.25))
    plain.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 900_000, 900_000, chart)
    plain.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "Grouped"
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def _xlsx() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in _LINES:
        book.active.append(row)
    book.active.append([date(2024, 5, 1), 0.125, True, None, 1e300])
    book.active["B6"].number_format = '0.0" bar"'
    book.active.merge_cells("A1:B1")
    book.create_sheet("Hidden").sheet_state = "hidden"
    book.create_sheet("Valves").append(["V-7 is closed"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _table(delimiter: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(_LINES * 3)
    return stream.getvalue()


def _mail(*, html: bool) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Jürg <j@example.org>", "Ann <a@example.org>, b@example.org"
    message["Date"], message["Subject"] = "Wed, 01 May 2024 14:30:00 +0200", "Gebühren für Wasser"
    message.set_content("The fee is 12 VLM.\n\n> quoted\n> again\n", cte="quoted-printable")
    if html:
        message.add_alternative(_HTML, subtype="html", cte="base64")
        message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="Zürich.png")
    message.set_boundary("b" * 20)
    return message.as_bytes()


def unpacked(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A ZIP of `parts` with checksums that are right, and without the time of its making."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+Z", b"2024-05-01T00:00:00Z", content)
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
