"""Parsing: a file becomes its readable text, with headings, paragraphs, items and rows marked in it.

    document = parse(Path("ordinance.pdf"))
    for block in document.blocks:
        print(block.page, block.kind, document.text[block.start : block.end])

Every file is read in a process of its own (see `isolate`): whatever it holds, `parse` returns or raises
DocumentError, and does so in limited time.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.delimited import parse_csv
from sectorkit.retrieval.parse.document import Block, ParsedDocument
from sectorkit.retrieval.parse.docx import parse_docx
from sectorkit.retrieval.parse.eml import parse_eml
from sectorkit.retrieval.parse.html import parse_html
from sectorkit.retrieval.parse.markdown import parse_markdown
from sectorkit.retrieval.parse.ocr import ADVICE, Tesseract, with_ocr
from sectorkit.retrieval.parse.pdf import parse_pdf
from sectorkit.retrieval.parse.plain import parse_plain
from sectorkit.retrieval.parse.pptx import parse_pptx
from sectorkit.retrieval.parse.xlsx import parse_xlsx
from sectorkit.retrieval.ranges import about

__all__ = ["PARSERS", "Block", "ParsedDocument", "parse", "supported_suffixes"]

PARSERS: Mapping[str, Callable[[Path], ParsedDocument]] = {
    ".md": parse_markdown,
    ".txt": parse_plain,
    ".html": parse_html,
    ".htm": parse_html,
    ".pdf": parse_pdf,
    ".docx": parse_docx,
    ".pptx": parse_pptx,
    ".xlsx": parse_xlsx,
    ".csv": parse_csv,
    ".tsv": parse_csv,
    ".eml": parse_eml,
}


def supported_suffixes() -> frozenset[str]:
    """The suffixes of files that can be read, in lower case, with their dot."""
    return frozenset(PARSERS)


def parse(
    path: Path,
    *,
    ocr: Tesseract | None = None,
    at_page: Callable[[int], None] = lambda page: None,
    max_bytes: int = 100 * 2**20,
    max_seconds: float = 180,
) -> ParsedDocument:
    """The document in `path`, chosen by its suffix; `ocr` reads its scanned pages, and `at_page` is told of each.

    Raises DocumentError, with the file's name and the next step, where it is missing, not a regular file,
    empty, larger than `max_bytes`, of an unknown format, unreadable, without text, or not read within
    `max_seconds`; a scanned page has a limit of its own.
    """
    from sectorkit.retrieval.parse.isolate import isolated

    name = path.name
    if path.suffix.lower() not in PARSERS:
        raise DocumentError(f"{name} has a format that is not read. Convert it to one of: {' '.join(sorted(PARSERS))}.")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError(f"{name} is not a regular file. Put the document itself there.")
        if status.st_size:
            path.open("rb").close()
    except OSError as error:
        raise DocumentError(
            f"{name} cannot be opened ({error.strerror}). Check that it is there and readable."
        ) from None
    if status.st_size == 0:
        raise DocumentError(f"{name} is empty. Replace it with the full document, or remove it.")
    if status.st_size > max_bytes:
        raise DocumentError(
            f"{name} is {status.st_size / 2**20:,.0f} MB; at most {max_bytes / 2**20:,.0f} MB are read. "
            "Split it, or save it without images."
        )
    document = isolated.parse(path, seconds=max_seconds)
    if document.scanned and ocr is not None:

        def read(page: int) -> list[str]:
            at_page(page)
            return isolated.recognise(path, page, ocr)

        document = with_ocr(document, read)
    elif document.scanned:
        missing = about(list(document.scanned), "no text", f"scanned? {ADVICE}")
        document = replace(document, notes=(*missing, *document.notes))
    if document.scanned and not document.blocks:
        why = "; ".join(document.notes) if ocr else ADVICE
        raise DocumentError(f"{name} is scanned: none of its pages has text; {why}.")
    if not document.blocks:
        raise DocumentError(f"{name} holds no text. Check that it is the right file, or remove it.")
    return document
