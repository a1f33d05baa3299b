"""Whatever a file holds, `parse` says what is wrong and what to do, soon, and goes on with the next one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse import PARSERS, ParsedDocument, parse, worker
from sectorkit.retrieval.parse.isolate import Isolated


def made_pdf(path: Path, pages: int = 1) -> Path:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path))
    for page in range(pages):
        canvas.drawString(70, 700, f"Article {page + 1}. The fee is 12 VLM.")
        canvas.rect(60, 600, 200, 50)
        canvas.showPage()
    canvas.save()
    return path


def made_docx(path: Path) -> Path:
    import docx

    document = docx.Document()
    document.add_heading("Fees", level=1)
    document.add_paragraph("The fee is 12 VLM.", style="List Number")
    document.add_table(rows=1, cols=2).cell(0, 0).text = "Fee"
    document.save(path)
    return path


@pytest.mark.parametrize("suffix", sorted(PARSERS))
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(DocumentError, match=r"^a\.\w+ is empty\. Replace"):
        parse(path)


@pytest.mark.parametrize("suffix", sorted(PARSERS))
def test_a_file_of_200_mb_is_refused_unread(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with path.open("wb") as stream:
        stream.truncate(200 * 2**20)
    with pytest.raises(DocumentError, match=r"is 200 MB; at most 100 MB are read\. Split it"):
        parse(path)


def test_a_text_of_30_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"word " * 6_000_000)
    with pytest.raises(DocumentError, match=r"at most 20 MB are read\. Split it"):
        parse(path)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "dangling.html").symlink_to(tmp_path / "nowhere.html")
    with pytest.raises(DocumentError, match="not a regular file"):
        parse(tmp_path / "folder.md")
    with pytest.raises(DocumentError, match="not a regular file"):
        parse(tmp_path / "pipe.txt")
    with pytest.raises(DocumentError, match=r"dangling\.html cannot be opened \(No such file"):
        parse(tmp_path / "dangling.html")


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"Convert it to one of: \.csv \.docx \.eml \.htm"):
        parse(tmp_path / "a.xls")


@pytest.mark.parametrize("suffix", [".md", ".txt", ".html", ".csv", ".tsv"])
def test_binary_junk_is_not_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(random.Random(1).randbytes(20_000))
    with pytest.raises(DocumentError, match="not text but binary"):
        parse(path)
    made_pdf(path)
    with pytest.raises(DocumentError, match="is a PDF and not text, whatever its name says"):
        parse(path)


@pytest.mark.parametrize("suffix", [".pdf", ".docx"])
def test_junk_under_the_name_of_a_format_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(random.Random(1).randbytes(20_000))
    with pytest.raises(DocumentError, match=r"a\.\w+ is not a readable \w+ \(.+\)\. Open it"):
        parse(path)


def test_nul_bytes_are_left_out_and_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"The fee\0 is 12 VLM.\0\n")
    document = parse(path)
    assert document.text == "The fee is 12 VLM."
    assert document.notes == ("2 NUL bytes were left out",)


FRENCH = "Règlement sur la fenêtre : l'élève paie 12 € à l'hôtel de ville. Où ça ? Là-bas, à côté du théâtre."
RUSSIAN = "Настоящие правила устанавливают порядок выдачи разрешений на строительство в городе."
CHINESE = "食品经营许可办法自二零二五年七月一日起施行。经营者应当取得许可，并在场所内公示。"


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (FRENCH.replace("€", "francs"), "latin-1"),
        (FRENCH, "cp1252"),
        (RUSSIAN, "cp1251"),
        (CHINESE, "gb18030"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-16-be"),
        (FRENCH, "utf-32"),
    ],
)
def test_other_encodings_are_read_and_named(tmp_path: Path, words: str, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(words.encode(encoding))
    document = parse(path)
    assert document.text == words
    assert any("encoding assumed" in note or "byte order mark" in note for note in document.notes)


def test_utf8_with_a_mark_needs_no_note(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"\xef\xbb\xbf" + f"# {FRENCH}".encode())
    assert (parse(path).text, parse(path).notes) == (FRENCH, ())


def test_an_encrypted_pdf_names_the_fix(tmp_path: Path) -> None:
    from pypdf import PdfWriter

    writer = PdfWriter(clone_from=made_pdf(tmp_path / "a.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "b.pdf")
    with pytest.raises(DocumentError, match=r"b\.pdf is encrypted\. Print it to a new PDF"):
        parse(tmp_path / "b.pdf")


def test_a_scanned_pdf_names_the_fix(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (300, 300), "white").save(tmp_path / "a.pdf")
    with pytest.raises(DocumentError, match=r"is scanned: none of its pages has text; run OCR"):
        parse(tmp_path / "a.pdf")


def test_a_pdf_of_50000_pages_is_refused_soon(tmp_path: Path) -> None:
    # One page object, named 50,000 times: small to write, long to read.
    kids = b"3 0 R " * 50_000
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 50000/Kids[" + kids + b"]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ]
    (tmp_path / "a.pdf").write_bytes(pdf_of(objects))
    started = time.monotonic()
    with pytest.raises(DocumentError, match=r"has 50,000 pages; at most 5,000 are read\. Split it"):
        parse(tmp_path / "a.pdf")
    assert time.monotonic() - started < 20


def test_a_pdf_that_goes_round_in_circles_ends(tmp_path: Path) -> None:
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 900/Kids[2 0 R 2 0 R]/Parent 2 0 R>>",
    ]
    (tmp_path / "a.pdf").write_bytes(pdf_of(objects))
    with pytest.raises(DocumentError):
        parse(tmp_path / "a.pdf", max_seconds=20)


def test_a_pdf_that_unpacks_to_very_much_ends(tmp_path: Path) -> None:
    import zlib

    stream = zlib.compress(b"BT /F1 9 Tf 9 9 Td (round and round) Tj ET\n" * 4_000_000, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 900 900]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    (tmp_path / "a.pdf").write_bytes(pdf_of(objects))
    started = time.monotonic()
    with pytest.raises(DocumentError, match=r"given up after 2 s|fail|memory"):
        parse(tmp_path / "a.pdf", max_seconds=2)
    assert time.monotonic() - started < 15


def pdf_of(objects: list[bytes]) -> bytes:
    body, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        table,
        size,
        len(body),
    )


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    deflated = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    with deflated as archive, archive.open("word/document.xml", "w") as stream:
        for _ in range(210):
            stream.write(bytes(2**20))
    with pytest.raises(DocumentError, match=r"would unpack to 210 MB.*zip bomb"):
        parse(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(50 * 2**20))
    with pytest.raises(DocumentError, match=r"times its size.*zip bomb"):
        parse(path)
    with zipfile.ZipFile(path, "w") as archive:
        for at in range(10_001):
            archive.writestr(f"word/{at}.xml", b"")
    with pytest.raises(DocumentError, match=r"holds 10,001 parts.*zip bomb"):
        parse(path)


def test_a_docx_with_expanding_entities_stays_small(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    xml = (
        f'<!DOCTYPE d [<!ENTITY e0 "lol">{entities}]><w:document xmlns:w="http://schemas.openxmlformats.org/'
        'wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Fee &e11;</w:t></w:r></w:p></w:body></w:document>'
    )
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", xml)
    with suppress(DocumentError):
        assert len(parse(tmp_path / "a.docx").text) < 100


def test_a_broken_docx_names_the_fix(tmp_path: Path) -> None:
    path = made_docx(tmp_path / "a.docx")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DocumentError, match=r"not a readable DOCX .*save it again"):
        parse(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(DocumentError, match=r"password, or is in the old \.doc format"):
        parse(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(DocumentError, match="holds no Word document"):
        parse(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w:document><w:p>")
    with pytest.raises(DocumentError, match="is damaged"):
        parse(path)


def test_deeply_nested_html_is_read_or_refused(tmp_path: Path) -> None:
    for depth, is_read in ((500, True), (1_500, True), (100_000, False)):
        path = tmp_path / "a.html"
        path.write_text("<div>" * depth + "<p>deep</p>" + "</div>" * depth + "<p>after</p>")
        if is_read:
            assert parse(path).text == "deep\n\nafter"
        else:
            with pytest.raises(DocumentError, match="nested more than 2,000 elements deep"):
                parse(path)


def test_deeply_nested_markdown_is_read_or_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("> " * 5_000 + "deep\n\nafter\n")
    assert "after" in parse(path).text
    assert "levels deep" in parse(path).notes[0]


def test_a_page_of_markup_only_holds_no_text(tmp_path: Path) -> None:
    for name, text in (
        ("a.html", "<!-- x -->"),
        ("b.html", "<nav>Menu</nav>"),
        ("c.md", "<!-- x -->"),
        ("d.txt", " \n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(DocumentError, match="holds no text"):
            parse(tmp_path / name)


def test_what_hangs_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    (tmp_path / "slow.md").write_text("[" * 2_000_000)  # quadratic in the Markdown library
    (tmp_path / "good.md").write_text("Good.")
    started = time.monotonic()
    with pytest.raises(DocumentError, match=r"slow\.md was given up after 1 s\. Split it"):
        parse(tmp_path / "slow.md", max_seconds=1)
    assert parse(tmp_path / "good.md").text == "Good."
    assert time.monotonic() - started < 15


def test_a_crash_costs_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in for a crash of the C library: a module of that name that ends the process as a signal would.
    (tmp_path / "pypdfium2").mkdir()
    (tmp_path / "pypdfium2/__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    (tmp_path / "good.md").write_text("Good.")
    monkeypatch.syspath_prepend(str(tmp_path))
    isolated = Isolated()
    try:
        for _ in range(2):
            with pytest.raises(DocumentError, match=r"a\.pdf made the library that reads it fail \(exit -11\)"):
                isolated.parse(made_pdf(tmp_path / "a.pdf"), seconds=20)
            assert isolated.parse(tmp_path / "good.md", seconds=20).text == "Good."
    finally:
        isolated.close()


def test_what_a_library_stumbles_over_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(path: Path) -> ParsedDocument:
        raise AttributeError("'NoneType' object has no attribute 'text'")

    monkeypatch.setattr("sectorkit.retrieval.parse.PARSERS", {".md": stumble})
    said = worker._answer(tmp_path / "a.md", {})["error"]
    assert said.startswith("a.md cannot be read: it is damaged")
    assert "save it anew" in said
    assert "Attribute" not in said


INSERTED = (b"<", b">", b"\0", b"[", b"99999999999", b"\xff\xfe", b"endobj", b"%PDF")


@pytest.mark.parametrize("suffix", [".md", ".txt", ".html", ".pdf", ".docx", ".csv", ".eml"])
def test_no_change_of_bytes_gets_anything_but_a_document_error(
    tmp_path: Path, suffix: str, check: Callable[[ParsedDocument], None]
) -> None:
    text = b"# Fees\n\n---\nkey: value\n\n1. The f\xc3\xa9e\n\n| a | b |\n|---|---|\n| <b>1</b> | 2 |\n" * 3
    html = b"<html lang=en><title>T</title><main><h1>F\xc3\xa9es</h1><table><tr><td>1<td>2</table><ol><li>" * 3
    mail = (
        b"From: =?utf-8?q?J=C3=BCrg?= <j@example.org>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nFees\n--b\n"
        * 3
    )
    seeds = {".html": html, ".eml": mail, ".csv": b'Fee;"Amount";Note\n"a ""b""\nc";12,5;x\n' * 5}
    path = tmp_path / f"a{suffix}"
    if suffix == ".pdf":
        seed = made_pdf(path, pages=2).read_bytes()
    elif suffix == ".docx":
        seed = made_docx(path).read_bytes()
        with zipfile.ZipFile(path) as archive:
            xml = archive.read("word/document.xml")
    else:
        seed = seeds.get(suffix, text)
    rng, read = random.Random(7), 0
    for number in range(40):
        source = bytearray(xml if suffix == ".docx" and number % 2 else seed)
        for _ in range(rng.choice((1, 3, 20, 100))):
            at = rng.randrange(len(source))
            match rng.randrange(4):
                case 0:
                    source[at] = rng.randrange(256)
                case 1:
                    del source[at : at + rng.randrange(1, 40)]
                case 2:
                    source[at:at] = source[rng.randrange(len(source)) :][: rng.randrange(1, 60)]
                case _:
                    source[at:at] = rng.choice(INSERTED)
            if len(source) < 50:
                break
        if suffix == ".docx" and number % 2:  # inside the XML, which the ZIP's checksums protect
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("word/document.xml", bytes(source))
        else:
            path.write_bytes(source)
        with suppress(DocumentError):
            check(parse(path, max_seconds=10))
            read += 1
    assert read > 0


def test_a_large_program_keeps_its_parser_from_one_document_to_the_next(tmp_path: Path) -> None:
    """As with an embedding model in memory: a started process must not take its parent's peak for its own."""
    (tmp_path / "a.txt").write_text("The fee is 12 VLM.")
    code = f"""
from pathlib import Path
from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.parse.isolate import isolated
weights = b"x" * (600 * 2**20)
seen = set()
for _ in range(3):
    parse(Path({str(tmp_path / "a.txt")!r}))
    seen.add(isolated._process.pid)
print(len(seen))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
