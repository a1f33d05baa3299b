"""The shapes of a slide: title, text, lists, tables, charts and diagrams, in the order in which a screen reader has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from sectorkit.retrieval.parse.document import Kind
from sectorkit.retrieval.parse.normalise import clean
from sectorkit.retrieval.parse.tables import labelled, lines

Shape: TypeAlias = Any
Slide: TypeAlias = Any

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MAX_SHAPES = 20_000


class SlideReader:
    """What one slide says. `blocks` are texts with their kinds, without the title."""

    def __init__(self, slide: Slide) -> None:
        self._slide = slide
        self.title = ""
        self.blocks: list[tuple[str, Kind]] = []
        self.has_pictures = self.is_damaged = False
        try:
            heading = slide.shapes.title
            self.title = _line(heading.text_frame.text) if heading is not None else ""
            for shape in _shapes(slide.shapes):
                if heading is None or shape.shape_id != heading.shape_id:
                    self._read(shape)
        except _damage():
            self.is_damaged = True

    def speaker_notes(self) -> list[str]:
        """The paragraphs below the slide, in the notes' own box."""
        try:
            frame = self._slide.notes_slide.notes_text_frame if self._slide.has_notes_slide else None
        except _damage():
            self.is_damaged = True
            return []
        return [text for p in frame.paragraphs if (text := clean(p.text))] if frame is not None else []

    def _read(self, shape: Shape) -> None:
        try:
            if getattr(shape, "has_table", False):
                self._table(shape.table)
            elif getattr(shape, "has_chart", False):
                self._chart(shape.chart)
            elif shape.has_text_frame:
                if not _is_running(shape):
                    self._text(shape)
            elif (diagram := next(shape._element.iter(f"{_DIAGRAM}relIds"), None)) is not None:
                self._diagram(diagram)
            else:
                self.has_pictures |= not shape._element.tag.endswith("}cxnSp")  # a line between shapes says nothing
        except _damage():
            self.is_damaged = True

    def _text(self, shape: Shape) -> None:
        is_list = shape.is_placeholder and shape.placeholder_format.type in _listing()
        number = 0
        for paragraph in shape.text_frame.paragraphs:
            text = _line(paragraph.text)  # a line break on a slide is layout
            if not text:
                continue
            form = paragraph._p.pPr
            marks = {child.tag for child in form} if form is not None else set()
            numbered = form.find(f"{_A}buAutoNum") if form is not None else None
            if numbered is not None and numbered.get("type", "").startswith("arabic"):
                number = number + 1 if number else int(numbered.get("startAt", "1"))
                self.blocks.append((f"{number}. {text}", "item"))
                continue
            if paragraph.level == 0:
                number = 0
            is_item = (is_list or bool(marks & {f"{_A}buChar", f"{_A}buAutoNum"})) and f"{_A}buNone" not in marks
            self.blocks.append((text, "item" if is_item else "paragraph"))

    def _table(self, table: Any) -> None:
        rows = [["" if cell.is_spanned else _line(cell.text) for cell in row.cells] for row in table.rows]
        header: list[str] = rows[0] if rows and table.first_row and len(rows) > 1 else []
        for number, row in enumerate(rows):
            for line in lines(labelled(row, header if number else [])):
                self.blocks.append((line, "row"))

    def _chart(self, chart: Any) -> None:
        """A chart's title and its values, a line for each category."""
        if chart.has_title and chart.chart_title.has_text_frame:
            self.blocks.append((_line(chart.chart_title.text_frame.text), "paragraph"))
        for plot in chart.plots:
            series = [(_line(str(one.name or "")), list(one.values)) for one in plot.series]
            for at, category in enumerate(plot.categories):
                row = [
                    f"{values[at]:.15g}" if at < len(values) and values[at] is not None else "" for _, values in series
                ]
                for line in lines(labelled([_line(str(category)), *row], ["", *(name for name, _ in series)])):
                    self.blocks.append((line, "row"))

    def _diagram(self, relations: Any) -> None:
        """SmartArt: its words are in a part of their own, one paragraph a point."""
        from lxml import etree

        part = self._slide.part.related_part(relations.get(f"{_R}dm"))
        root = etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
        for paragraph in root.iter(f"{_A}p"):
            if text := clean("".join(t.text or "" for t in paragraph.iter(f"{_A}t"))):
                self.blocks.append((text, "item"))


def _shapes(shapes: Any) -> Iterator[Shape]:
    """Shapes in order, with those of groups in their group's place; without recursion, however deep they nest."""
    stack = [iter(shapes)]
    for _ in range(_MAX_SHAPES):
        shape = next(stack[-1], None)
        if shape is None:
            stack.pop()
            if not stack:
                return
        elif shape._element.tag.endswith("}grpSp"):
            stack.append(iter(shape.shapes))
        else:
            yield shape
    raise ValueError("too many shapes")


def _line(text: str) -> str:
    return clean(text).replace("\n", " ")


def _is_running(shape: Shape) -> bool:
    """Whether a shape repeats on every slide: the date, the footer, the slide's number."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    running = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.HEADER)
    return bool(shape.is_placeholder and shape.placeholder_format.type in running)


def _listing() -> tuple[Any, ...]:
    """The placeholders whose paragraphs are points of a list, unless they say otherwise."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    return (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY)


def _damage() -> tuple[type[Exception], ...]:
    """What is raised of a shape that lacks what its kind should have."""
    from pptx.exc import PythonPptxError

    known = (AttributeError, ValueError, KeyError, IndexError, TypeError, SyntaxError, NotImplementedError)
    return (*known, PythonPptxError)
