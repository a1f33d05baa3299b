"""Presentations: slides are pages under their titles, with lists, tables, charts, diagrams and speaker notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sectorkit.retrieval.chunk import chunk
from sectorkit.retrieval.parse import ParsedDocument, parse

TITLE_ONLY, TITLE_AND_CONTENT, BLANK = 5, 1, 6


def deck(path: Path, fill: Callable[[Any], None]) -> Path:
    import pptx

    presentation = pptx.Presentation()
    fill(presentation)
    presentation.save(path)
    return path


def slide(presentation: Any, layout: int, title: str | None = None) -> Any:
    made = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title is not None:
        made.shapes.title.text = title
    return made


def outline(document: ParsedDocument) -> list[tuple[int | None, str, str]]:
    kinds = ((b.page, b.kind + (str(b.level) if b.level else ""), b) for b in document.blocks)
    return [(page, kind, document.text[b.start : b.end]) for page, kind, b in kinds]


def locators(document: ParsedDocument) -> list[str]:
    found = chunk(document, source="a.pptx", metadata={}, count=lambda text: len(text.split()))
    return [str(p.metadata["locator"]) for p in found]


def text_box(made: Any, text: str) -> Any:
    box = made.shapes.add_textbox(0, 0, 900, 900)
    box.text_frame.text = text
    return box


def test_a_slide_is_a_page_under_its_title_with_its_notes(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        presentation.core_properties.title, presentation.core_properties.language = "Maintenance", "en-GB"
        first = slide(presentation, TITLE_AND_CONTENT, "Pump\vchecks")
        first.placeholders[1].text_frame.text = "Every week"
        point = first.placeholders[1].text_frame.add_paragraph()
        point.text, point.level = "oil level", 1
        first.notes_slide.notes_text_frame.text = "Ask the night shift.\nTwice."
        text_box(slide(presentation, BLANK), "A loose remark.")

    document = parse(deck(tmp_path / "a.pptx", fill))
    assert outline(document) == [
        (1, "heading1", "Pump checks"),
        (1, "item", "Every week"),
        (1, "item", "oil level"),
        (1, "heading2", "Speaker notes"),
        (1, "paragraph", "Ask the night shift."),
        (1, "paragraph", "Twice."),
        (2, "heading1", "Slide 2"),
        (2, "paragraph", "A loose remark."),
    ]
    assert (document.title, document.language, document.pages) == ("Maintenance", "en", 2)
    assert locators(document) == ["slide 1 › Pump checks", "slide 1 › Pump checks › Speaker notes", "slide 2"]


def test_a_table_repeats_its_header_in_every_row_and_a_merged_cell_is_read_once(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        made = slide(presentation, TITLE_ONLY, "Pressures")
        table = made.shapes.add_table(3, 3, 0, 0, 900, 900).table
        for at, text in enumerate(("Pump", "Bar", "Remarks", "P-12", "3.5", "both\nfine", "P-13", "4", "")):
            table.cell(at // 3, at % 3).text = text
        table.cell(1, 2).merge(table.cell(2, 2))

    rows = [text for _, kind, text in outline(parse(deck(tmp_path / "a.pptx", fill))) if kind == "row"]
    assert rows == ["Pump | Bar | Remarks", "Pump: P-12 | Bar: 3.5 | Remarks: both fine", "Pump: P-13 | Bar: 4"]


def test_a_chart_is_read_as_its_values(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        from pptx.chart.data import CategoryChartData
        from pptx.enum.chart import XL_CHART_TYPE

        values = CategoryChartData()
        values.categories = ["January", "February"]
        values.add_series("Faults", (3, 4.5))
        values.add_series("Stops", (1, None))
        made = slide(presentation, TITLE_ONLY, "Trend")
        chart = made.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 900, 900, values).chart
        chart.chart_title.text_frame.text = "Faults by month"

    document = parse(deck(tmp_path / "a.pptx", fill))
    assert [text for *_, text in outline(document)] == [
        "Trend",
        "Faults by month",
        "January | Faults: 3 | Stops: 1",
        "February | Faults: 4.5",
    ]


def test_the_words_of_a_diagram_are_read_from_their_own_part(tmp_path: Path) -> None:
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    words = "".join(f"<a:p><a:r><a:t>{word}</a:t></a:r></a:p>" for word in ("Stop", "Drain"))
    data = f'<dgm:dataModel xmlns:dgm="{drawing}/diagram" xmlns:a="{drawing}/main">{words}</dgm:dataModel>'

    def fill(presentation: Any) -> None:
        from lxml import etree
        from pptx.opc.package import Part
        from pptx.opc.packuri import PackURI

        made = slide(presentation, TITLE_ONLY, "Steps")
        part = Part(PackURI("/ppt/diagrams/data1.xml"), "application/xml", made.part.package, data.encode())
        link = made.part.relate_to(
            part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
        )
        frame = made.shapes.add_table(1, 1, 0, 0, 900, 900)._element
        content = frame.find(f".//{{{drawing}/main}}graphicData")
        content.clear()
        content.set("uri", f"{drawing}/diagram")
        content.append(
            etree.fromstring(
                f'<dgm:relIds xmlns:dgm="{drawing}/diagram" r:dm="{link}" '
                'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"/>'
            )
        )

    document = parse(deck(tmp_path / "a.pptx", fill))
    assert [text for *_, text in outline(document)] == ["Steps", "Stop", "Drain"]


def test_a_damaged_shape_is_said_and_costs_no_other(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        made = slide(presentation, TITLE_ONLY, "Title")
        made.shapes.add_table(1, 1, 0, 0, 900, 900)._element.find(".//{*}graphicData").clear()
        text_box(made, "after")

    document = parse(deck(tmp_path / "a.pptx", fill))
    assert [text for *_, text in outline(document)] == ["Title", "after"]
    assert document.notes == ("slide 1 has shapes that are damaged and were left out: save it again",)


def test_groups_are_read_in_place_and_footers_are_not(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        made = slide(presentation, TITLE_ONLY, "Title")
        text_box(made, "before")
        group = made.shapes.add_group_shape().shapes.add_group_shape()
        group.shapes.add_textbox(0, 0, 900, 900).text_frame.text = "inside"
        text_box(made, "after")
        footer = text_box(made, "Footer of all slides")
        mark = footer._element.nvSpPr.nvPr.makeelement(footer._element.nvSpPr.nvPr.tag.replace("nvPr", "ph"), {})
        mark.set("type", "ftr")
        footer._element.nvSpPr.nvPr.append(mark)

    document = parse(deck(tmp_path / "a.pptx", fill))
    assert [text for *_, text in outline(document)] == ["Title", "before", "inside", "after"]


def test_what_is_not_read_of_a_deck_is_said_by_slide(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (60, 60), "red").save(tmp_path / "a.png")

    def fill(presentation: Any) -> None:
        text_box(slide(presentation, BLANK), "Text.").name = "box"
        slide(presentation, BLANK).shapes.add_picture(str(tmp_path / "a.png"), 0, 0)
        slide(presentation, BLANK)
        slide(presentation, TITLE_ONLY, "Photo").shapes.add_picture(str(tmp_path / "a.png"), 0, 0)
        slide(presentation, TITLE_ONLY, "Secret")._element.set("show", "0")

    document = parse(deck(tmp_path / "a.pptx", fill))
    assert "Secret" not in document.text
    assert document.notes == (
        "slide 5 has been hidden and left out: unhide what should be found",
        "slides 2-3 have no text: pictures only? add a text box or speaker notes",
        "slide 4 has pictures or objects that are not read: add what they say as text",
    )
    assert locators(document)[-1] == "slide 4", "the numbers are those that the reader sees"
