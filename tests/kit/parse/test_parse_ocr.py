"""Scanned pages: read by Tesseract where there is one, said to be so, and a page that fails costs itself alone.

Most tests put a stand-in for the program on the PATH: what it prints, and whether it ends, is theirs to say.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from sectorkit.errors import DocumentError, StoreError
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.chunk import chunk
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.parse.ocr import Tesseract, installed, paragraphs, read_page

Stub = Callable[..., Tesseract | None]
SAMPLE = Path(__file__).parents[3] / "apps/governance_search/corpus/audit-report-water-billing-2024.pdf"


def table(*words: tuple[int, int, int, float, str]) -> str:
    """Tesseract's own table, of `(block, paragraph, line, confidence, word)`."""
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    rows = [f"5\t1\t{b}\t{p}\t{line}\t1\t0\t0\t9\t9\t{sure}\t{word}" for b, p, line, sure, word in words]
    return "\n".join([head, "2\t1\t1\t0\t0\t0\t0\t0\t9\t9\t-1\t", *rows, ""])


FEE = table(*((1, 1, 1, 95.5, word) for word in ("The", "scanned", "fee", "is", "35", "VLM.")))


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Puts a `tesseract` on the PATH: `languages` are those it lists, `does` is what it does with a picture."""

    def put(does: str = "cat $HERE/table", *, languages: str = "eng\nosd", out: str = FEE) -> Tesseract | None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "table").write_text(out, encoding="utf-8")
        (folder / "languages").write_text(f"List of available languages (2):\n{languages}\n")
        (folder / "tesseract").write_text(
            f"#!/bin/sh\nHERE={folder}\n"
            'if [ "$1" = --list-langs ]; then cat $HERE/languages; exit; fi\n'
            f'cat >$HERE/picture; echo "$@" >>$HERE/calls\n{does}\n'
        )
        (folder / "tesseract").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return installed()

    return put


@pytest.fixture
def scans(tmp_path: Path) -> Callable[..., Path]:
    """Makes a PDF, of which the page of each None is a picture and each other one has that text."""
    from PIL import Image
    from reportlab.pdfgen.canvas import Canvas

    Image.new("RGB", (60, 60), "red").save(tmp_path / "scan.png")

    def made(*pages: str | None, name: str = "a.pdf") -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        canvas = Canvas(str(tmp_path / name), pagesize=(300, 400), invariant=1)
        for text in pages:
            if text is None:
                canvas.drawImage(str(tmp_path / "scan.png"), 50, 50)
            else:
                canvas.drawString(30, 300, text)
            canvas.showPage()
        canvas.save()
        return tmp_path / name

    return made


def calls(tmp_path: Path) -> list[str]:
    path = tmp_path / "bin/calls"
    return path.read_text().splitlines() if path.exists() else []


def test_scanned_pages_are_read_in_their_places_and_said_to_be_so(
    tmp_path: Path, stub: Stub, scans: Callable[..., Path]
) -> None:
    seen: list[int] = []
    document = parse(scans("First.", None, None, "Last."), ocr=stub(), at_page=seen.append)
    fee = "The scanned fee is 35 VLM."
    assert [(b.page, document.text[b.start : b.end]) for b in document.blocks] == [
        (1, "First."), (2, fee), (3, fee), (4, "Last."),
    ]  # fmt: skip
    assert document.notes == ("pages 2-3 have been read by OCR: check quotes against the page",)
    assert (document.scanned, document.recognised, seen) == ((2, 3), (2, 3), [2, 3])
    assert calls(tmp_path)[0] == "stdin stdout --dpi 300 -l eng tsv"
    picture = (tmp_path / "bin/picture").read_bytes()
    assert picture.startswith(b"P5 1250 1667 255\n")
    assert len(picture) == len(b"P5 1250 1667 255\n") + 1250 * 1667, "one grey byte a pixel"


def test_a_citation_says_that_its_words_are_ocrs(stub: Stub, scans: Callable[..., Path]) -> None:
    document = parse(scans("First.", None), ocr=stub())
    found = chunk(document, source="a.pdf", metadata={}, count=lambda text: 150)
    assert [passage.metadata["locator"] for passage in found] == ["p. 1", "p. 2 (read by OCR)"]


def test_without_the_program_pages_are_named_and_the_ways_out_too(scans: Callable[..., Path]) -> None:
    document = parse(scans("First.", None))
    (note,) = document.notes
    assert note.startswith(
        "page 2 has no text: scanned? run OCR on it (for example ocrmypdf), install Tesseract and sync"
    )
    with pytest.raises(DocumentError, match=r"is scanned: none of its pages has text; run OCR on it"):
        parse(scans(None))


def test_a_failure_costs_its_page_and_three_in_a_row_the_rest(
    tmp_path: Path, stub: Stub, scans: Callable[..., Path]
) -> None:
    fails_once = 'if [ $(wc -l <$HERE/calls) = 1 ]; then echo "Error: no memory" >&2; exit 1; fi; cat $HERE/table'
    document = parse(scans("First.", None, None), ocr=stub(fails_once))
    assert document.recognised == (3,)
    assert document.notes[1].startswith(
        "page 2 has not been read, since OCR failed (Tesseract: Error: no memory): run OCR"
    )
    (tmp_path / "bin/calls").unlink()
    document = parse(scans("First.", *[None] * 9), ocr=stub("exit 7"))
    assert document.text == "First."
    assert document.notes[0].startswith("pages 2-10 have not been read, since OCR failed (Tesseract: exit 7)")
    assert len(calls(tmp_path)) == 3
    with pytest.raises(DocumentError, match=r"is scanned: none of its pages has text; page 1 has not been read"):
        parse(scans(None), ocr=stub("kill -SEGV $$"))


def test_a_page_that_hangs_is_given_up_with_all_that_the_program_started(
    tmp_path: Path, stub: Stub, scans: Callable[..., Path]
) -> None:
    tesseract = stub("sleep 300 & echo $! >$HERE/pid; wait")
    assert tesseract is not None
    began = time.monotonic()
    with pytest.raises(DocumentError, match=r"^a page took Tesseract more than 1 s$"):
        read_page(scans(None), 1, tesseract, seconds=1)
    assert time.monotonic() - began < 20
    pid = int((tmp_path / "bin/pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("does", ["head -c 100000 /dev/urandom", "yes $(cat $HERE/table) | head -c 3000000", "exit 0"])
def test_what_is_no_table_is_no_text(stub: Stub, scans: Callable[..., Path], does: str) -> None:
    document = parse(scans("First.", None), ocr=stub(does))
    assert document.text == "First."
    assert document.notes == ("page 2 has no text, and none that OCR finds: look at the page",)


def test_output_without_end_is_given_up(stub: Stub, scans: Callable[..., Path]) -> None:
    document = parse(scans("First.", None), ocr=stub("cat /dev/zero"))
    assert document.text == "First."
    assert document.notes[0].startswith("page 2 has not been read, since OCR failed (")


def test_words_become_paragraphs_and_what_is_unsure_is_left_out() -> None:
    words = [
        (1, 1, 1, 96.0, "The"), (1, 1, 1, 96.0, "ordi-"), (1, 1, 2, 30.0, "nance"), (1, 1, 2, 90.0, "applies."),
        (1, 2, 1, 95.0, "Haupt-"), (1, 2, 1, 95.0, "und"), (1, 2, 1, 95.0, "ordinance"), (2, 1, 1, 12.0, "~~"),
        (2, 1, 1, 40.0, "|"), (3, 1, 1, 90.0, "押"), (3, 1, 1, 90.0, "金"), (3, 1, 2, 90.0, "不"), (3, 1, 2, 90.0, "VLM"),
    ]  # fmt: skip
    assert paragraphs(table(*words)) == ["The ordinance applies.", "Haupt- und ordinance", "押金不 VLM"]


@pytest.mark.parametrize(
    ("listed", "languages"),
    [
        ("deu\neng\nosd\nequ\nchi_sim\nchi_sim_vert\nscript/Latin\nbad name", "chi_sim+deu+eng"),
        ("osd", None),
        ("", None),
    ],
)
def test_all_installed_languages_are_read_in(stub: Stub, listed: str, languages: str | None) -> None:
    tesseract = stub(languages=listed)
    assert (tesseract.languages if tesseract else None) == languages


def test_a_program_that_does_not_work_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: Stub) -> None:
    assert stub() is not None
    (tmp_path / "bin/tesseract").write_text("#!/bin/sh\nexit 1\n")
    assert installed() is None
    (tmp_path / "bin/tesseract").write_text("#!/no/such/shell\n")
    assert installed() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed() is None


def test_what_was_scanned_is_read_again_once_there_is_ocr_and_kept_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: Stub, scans: Callable[..., Path]
) -> None:
    ocr: Tesseract | None = None
    monkeypatch.setattr("sectorkit.retrieval.sync.installed", lambda: ocr)
    scans(None, name="docs/scan.pdf")
    scans("First.", None, name="docs/half.pdf")
    scans("First.", name="docs/text.pdf")
    index = Index.open(tmp_path / "index", FakeEmbedder())

    def sync() -> tuple[Any, ...]:
        report = index.sync(tmp_path / "docs")
        return report.added, report.changed, set(report.failed)

    assert sync() == (("half.pdf", "text.pdf"), (), {"scan.pdf"})
    assert sync() == ((), (), {"scan.pdf"})
    ocr = stub()
    assert sync() == ((), ("half.pdf", "scan.pdf"), set())
    assert (
        index.search("scanned fee", 1, where={"source": "scan.pdf"})[0].passage.metadata["locator"]
        == "p. 1 (read by OCR)"
    )
    assert sync() == ((), (), set())
    ocr = None
    assert sync() == ((), (), set()), "an index may be moved to a machine without the program"
    ocr = stub(languages="deu\neng")
    assert sync() == ((), ("half.pdf", "scan.pdf"), set())
    index.close()


def test_a_sync_that_is_stopped_does_not_read_a_long_scan_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: Stub, scans: Callable[..., Path]
) -> None:
    ocr = stub("sleep 0.5; cat $HERE/table")
    monkeypatch.setattr("sectorkit.retrieval.sync.installed", lambda: ocr)
    scans(*[None] * 100, name="docs/scan.pdf")
    (tmp_path / "docs/a.md").write_text("Read before the scan is.")
    index = Index.open(tmp_path / "index", FakeEmbedder())
    said: list[str] = []

    def stopping(message: str, fraction: float | None = None) -> None:
        said.append(message)
        if message == "indexing scan.pdf":
            while not calls(tmp_path):
                time.sleep(0.05)
            raise StoreError("stopped")

    began = time.monotonic()
    with pytest.raises(StoreError, match="stopped"):
        index.sync(tmp_path / "docs", progress=stopping)
    assert "reading scan.pdf: page 1 by OCR" in said
    while sum(thread.name.startswith("reading") for thread in threading.enumerate()):
        assert time.monotonic() - began < 30, "the reader goes on"
        time.sleep(0.05)
    assert len(calls(tmp_path)) < 20
    index.close()


def test_the_real_program_reads_a_scan_of_a_sample_document(tmp_path: Path) -> None:
    import pypdfium2

    tesseract = installed()
    if tesseract is None or "eng" not in tesseract.languages:
        pytest.skip("Tesseract is not installed with English: apt-get install tesseract-ocr")
    pages = pypdfium2.PdfDocument(SAMPLE)
    picture = pages[0].render(scale=200 / 72).to_pil()
    pages.close()
    picture.save(tmp_path / "scan.pdf", resolution=200)
    read, whole = parse(tmp_path / "scan.pdf", ocr=tesseract), parse(SAMPLE)
    assert read.recognised == (1,)
    first = " ".join(whole.text[b.start : b.end] for b in whole.blocks if b.page == 1)
    words = re.findall(r"\w{4,}", first)
    found = set(re.findall(r"\w+", read.text))
    assert sum(word in found for word in words) > 0.9 * len(words)
    assert "we found errors in 46, or 3.8 per cent" in read.text
