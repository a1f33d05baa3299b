"""PDF, by pdfium: pages of words become headings, paragraphs and rows, with page numbers.

pdfium is C++ and reads hostile input; `parse` therefore runs this in a process of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.normalise import DECLARED, declared, declared_title, primary_language
from sectorkit.retrieval.parse.ocr import ADVICE
from sectorkit.retrieval.parse.pdf_layout import Layout
from sectorkit.retrieval.parse.pdf_lines import lines_of, pieces
from sectorkit.retrieval.parse.pdf_page import Page, PageReader
from sectorkit.retrieval.parse.pdf_running import without_running
from sectorkit.retrieval.ranges import about

MAX_PAGES = 5_000


def parse_pdf(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is encrypted, damaged, too long or blank; a scanned one has no blocks."""
    with _opened(path) as pdf:
        count = len(pdf)
        if count > MAX_PAGES:
            raise DocumentError(
                f"{path.name} has {count:,} pages; at most {MAX_PAGES:,} are read. Split it into files."
            )
        pages, broken = _read_pages(pdf, count)
        title, language, pairs = _properties(pdf)
    lines = without_running([(page, lines_of(page)) for page in pages])
    empty = [page.number for page, kept in zip(pages, lines, strict=True) if not kept and not page.is_blank]
    if not any(lines) and not empty:
        raise _no_text(path, broken)
    layout = Layout([line for found in lines for line in found])
    draft = Draft()
    layout.add(draft, [piece for page, kept in zip(pages, lines, strict=True) for piece in pieces(page, kept)])
    metadata, problems = declared(pairs)
    notes = [
        *about(broken, "content that cannot be read and was left out", "print the PDF to a new one"),
        *about([p.number for p in pages if p.unreadable > 0.2], "fonts that hide their letters", ADVICE),
        *problems,
    ]
    document = draft.finish(
        title=declared_title(title),
        language=primary_language(language),
        metadata=metadata,
        pages=count,
        notes=tuple(notes),
    )
    return replace(document, scanned=tuple(empty))


def _no_text(path: Path, broken: list[int]) -> DocumentError:
    if broken:
        return DocumentError(f"{path.name} is damaged: no page can be read. Open it and print it to a new PDF.")
    return DocumentError(
        f"{path.name} holds no text: all its pages are blank. Check that it is the right file, or remove it."
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pypdfium2
    from pypdfium2 import raw

    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise DocumentError(
                f"{path.name} is encrypted. Print it to a new PDF without a password, and use that."
            ) from None
        raise DocumentError(
            f"{path.name} is not a readable PDF ({error}). Open it in a viewer and print it to a new PDF."
        ) from None
    try:
        yield pdf
    finally:
        pdf.close()


def _read_pages(pdf: Any, count: int) -> tuple[list[Page], list[int]]:
    import pypdfium2

    reader, pages, broken = PageReader(), [], []
    for number in range(1, count + 1):
        try:
            page = pdf[number - 1]
            try:
                pages.append(reader.read(page, number))
            finally:
                page.close()
        except pypdfium2.PdfiumError:
            broken.append(number)
    return pages, broken


def _properties(pdf: Any) -> tuple[str | None, str | None, list[tuple[str, str]]]:
    """Title, language, and what else the document declares in its information dictionary."""
    from pypdfium2 import raw

    def text(call: Any) -> str:
        size = call(None, 0)
        if not 2 < size < 10_000:
            return ""
        buffer = ctypes.create_string_buffer(size)
        call(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)) if call is language else buffer, size)
        return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0")

    def language(buffer: Any, size: int) -> int:
        return int(raw.FPDFCatalog_GetLanguage(pdf.raw, buffer, size))

    def property_of(name: str) -> str:
        return text(lambda buffer, size: raw.FPDF_GetMetaText(pdf.raw, name.encode(), buffer, size))

    return property_of("Title") or None, text(language) or None, [(n, property_of(n)) for n in DECLARED]
