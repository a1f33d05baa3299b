"""OCR: pages of a PDF that have no text of their own are read by Tesseract, where that program is installed.

It reads in every language that is installed for it; its own TESSDATA_PREFIX names a folder with fewer. A page is read by
the process that parses, in limited time: one that cannot be read costs itself alone.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.joining import hyphens, join_lines, without_inner_spaces
from sectorkit.retrieval.ranges import about

PAGE_SECONDS = 60.0
ADVICE = "run OCR on it (for example ocrmypdf), install Tesseract and sync again, or supply a text version"
_PAGES = 500  # of a file
_FAILURES = 3  # in a row, and the rest of the file is left
_DPI, _PIXELS = 300, 40_000_000  # what Tesseract is best at, and what a page may have: a poster has fewer to the inch
_SURE = 50  # of 100: how sure Tesseract must be of a paragraph's words; what it sees in a picture is below
_LANGUAGE = re.compile(r"[a-z]{3}(_[A-Za-z]+)?")


@dataclass(frozen=True)
class Tesseract:
    """The program, and the languages that it reads in, as it wants them named: "deu+eng"."""

    program: str
    languages: str


def installed() -> Tesseract | None:
    """Tesseract as it is on this machine; None where there is none that works, or no language for it."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        listed = _run([program, "--list-langs"], b"", seconds=20)
    except DocumentError:
        return None
    names = filter(_LANGUAGE.fullmatch, listed.split("\n")[1:])
    languages = "+".join(sorted(name for name in names if name not in ("osd", "equ") and not name.endswith("_vert")))
    return Tesseract(program, languages) if languages else None


def with_ocr(document: ParsedDocument, read: Callable[[int], Sequence[str]]) -> ParsedDocument:
    """`document` with the paragraphs that `read` finds on its scanned pages, and notes that say which these are.

    `read` raises DocumentError where a page cannot be read; no other page pays for it.
    """
    found: dict[int, Sequence[str]] = {}
    failed: list[int] = []
    reason, row = "", 0
    for page in document.scanned[:_PAGES]:
        try:
            if row < _FAILURES:
                found[page] = read(page)
                row = 0
        except DocumentError as error:
            reason, row = reason or str(error), row + 1
        if page not in found:
            failed.append(page)
    seen = [page for page, texts in found.items() if texts]
    notes = [
        *about(seen, "been read by OCR", "check quotes against the page"),
        *about([page for page in found if page not in seen], "no text, and none that OCR finds", "look at the page"),
        *about(failed, f"not been read, since OCR failed ({reason})", "run OCR on it by itself, for example ocrmypdf"),
        *about(list(document.scanned[_PAGES:]), f"not been read: OCR reads {_PAGES} pages of a file", "split it"),
    ]
    return replace(_with_pages(document, found), notes=(*notes, *document.notes), recognised=tuple(seen))


def _with_pages(document: ParsedDocument, found: dict[int, Sequence[str]]) -> ParsedDocument:
    """The blocks of `document` and the paragraphs of other pages, in the order of their pages."""
    draft = Draft()
    left = sorted(found)
    for block in (*document.blocks, None):
        while left and (block is None or left[0] < (block.page or 0)):
            page = left.pop(0)
            for text in found[page]:
                draft.add(text, page=page)
        if block is not None:
            text = document.text[block.start : block.end]
            draft.add(text, block.kind, level=block.level, page=block.page, row=block.row)
    made = draft.finish(title=document.title)
    return replace(document, text=made.text, blocks=made.blocks)


def read_page(path: Path, page: int, tesseract: Tesseract, *, seconds: float) -> list[str]:
    """The paragraphs of a page, counted from 1. Raises DocumentError, with nothing but the reason."""
    image, dpi = _picture(path, page)
    form = ["stdin", "stdout", "--dpi", str(dpi), "-l", tesseract.languages, "tsv"]
    return paragraphs(_run([tesseract.program, *form], image, seconds=seconds))


def _picture(path: Path, page: int) -> tuple[bytes, int]:
    """A page in grey as a PGM file, and its pixels to the inch."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(path)
        try:
            width, height = pdf[page - 1].get_size()
            scale = min(_DPI / 72, math.sqrt(_PIXELS / max(1.0, width * height)))
            bitmap = pdf[page - 1].render(scale=scale, grayscale=True)
            rows, stride = bytes(bitmap.buffer), bitmap.stride
            grey = b"".join(rows[at * stride : at * stride + bitmap.width] for at in range(bitmap.height))
            return b"P5 %d %d 255\n%s" % (bitmap.width, bitmap.height, grey), max(1, round(72 * scale))
        finally:
            pdf.close()
    except pypdfium2.PdfiumError:
        raise DocumentError("the page cannot be drawn") from None


def _run(command: Sequence[str], given: bytes, *, seconds: float) -> str:
    """What a command prints. It ends with all that it has started, whatever happens."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # More threads make a page slower, and four times so where others want the processor too.
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
            start_new_session=True,
        )
    except OSError as error:
        raise DocumentError(f"Tesseract cannot be started: {error.strerror}") from None
    try:
        out, said = process.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise DocumentError(f"a page took Tesseract more than {seconds:.0f} s") from None
    finally:
        if process.poll() is None:
            _kill(process)
    if process.returncode:
        last = said.decode("utf-8", "replace").strip().split("\n")[-1][:100]
        raise DocumentError(f"Tesseract: {last or f'exit {process.returncode}'}")
    return out.decode("utf-8", "replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def paragraphs(tsv: str) -> list[str]:
    """Tesseract's table of words as paragraphs, without those that it is not sure of; rows that are none are left out."""
    words: dict[tuple[str, ...], dict[str, list[str]]] = {}
    sure: dict[tuple[str, ...], list[float]] = {}
    for row in tsv.split("\n"):
        level, *place, confidence, word = row.split("\t") if row.count("\t") == 11 else ("", "", "")
        if level != "5" or not word.strip() or not re.fullmatch(r"\d{1,3}(\.\d+)?", confidence):
            continue
        _, block, paragraph, line, *_ = place
        words.setdefault((block, paragraph), {}).setdefault(line, []).append(word.strip())
        sure.setdefault((block, paragraph), []).append(float(confidence))
    lines = {
        key: [without_inner_spaces(" ".join(line)) for line in found.values()]
        for key, found in words.items()
        if sum(sure[key]) >= _SURE * len(sure[key])
    }
    keeps = hyphens("\n".join(line for found in lines.values() for line in found))
    return [join_lines(found, keeps) for found in lines.values()]
