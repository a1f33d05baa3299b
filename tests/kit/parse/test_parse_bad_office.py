"""Broken and hostile workbooks, presentations and tables: an error with the next step, or a note, and soon."""

from __future__ import annotations

import random
import re
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse import ParsedDocument, parse

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
DOCTYPE = f'<!DOCTYPE d [<!ENTITY e0 "lol">{BOMB}]>'


def made_xlsx(path: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["Pump", "Bar", "Zone"], ["P-12", 3.5, "North"], ["P-13", 0.25, "South"]):
        book.active.append(row)
    book.save(path)
    return path


def made_pptx(path: Path) -> Path:
    import pptx

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text_frame.text = "Pumps", "Oil level"
    slide.notes_slide.notes_text_frame.text = "Slowly."
    deck.save(path)
    return path


MADE = {".xlsx": made_xlsx, ".pptx": made_pptx}
INNER = {".xlsx": SHEET, ".pptx": "ppt/slides/slide1.xml"}


def with_part(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """The file with one of its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name == member else content)
    return path


def with_rows(path: Path, rows: str, before: str = "") -> Path:
    xml = f'{before}<worksheet xmlns="{MAIN}"><dimension ref="A1"/><sheetData>{rows}</sheetData></worksheet>'
    return with_part(made_xlsx(path), SHEET, lambda _: xml.encode())


@pytest.mark.parametrize("suffix", [".xlsx", ".pptx"])
def test_what_is_no_office_file_is_refused_with_the_next_step(tmp_path: Path, suffix: str) -> None:
    path, name = tmp_path / f"a{suffix}", suffix[1:].upper()
    whole = MADE[suffix](path).read_bytes()
    for source, message in (
        (random.Random(1).randbytes(20_000), rf"^a{suffix} is not a readable {name} \(.+\)\. Open it in"),
        (whole[: len(whole) // 2], rf"^a{suffix} is not a readable {name} \(.+\)\. Open it in"),
        (b"%PDF-1.7\n" + bytes(600), rf"^a{suffix} is not a readable {name} \(it is a PDF\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"password, or is in the old .* without a password\."),
        (bytes(600), "is not a readable"),
    ):
        path.write_bytes(source)
        with pytest.raises(DocumentError, match=message):
            parse(path)


def test_one_office_format_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    made_pptx(tmp_path / "a.pptx").rename(tmp_path / "a.xlsx")
    with pytest.raises(DocumentError, match=r"holds no workbook\. Save it as \.xlsx from Excel"):
        parse(tmp_path / "a.xlsx")
    made_xlsx(tmp_path / "b.xlsx").rename(tmp_path / "b.pptx")
    with pytest.raises(DocumentError, match=r"holds no presentation\. Save it as \.pptx from PowerPoint"):
        parse(tmp_path / "b.pptx")


@pytest.mark.parametrize("suffix", [".xlsx", ".pptx"])
def test_a_zip_bomb_is_refused_unread(tmp_path: Path, suffix: str) -> None:
    path = with_part(MADE[suffix](tmp_path / f"a{suffix}"), INNER[suffix], lambda _: bytes(150 * 2**20))
    with pytest.raises(DocumentError, match=r"times its size.*zip bomb"):
        parse(path)


@pytest.mark.parametrize("suffix", [".xlsx", ".pptx"])
def test_expanding_entities_stay_small(tmp_path: Path, suffix: str) -> None:
    path = MADE[suffix](tmp_path / f"a{suffix}")
    member, word = ("xl/sharedStrings.xml", b"North") if suffix == ".xlsx" else (INNER[suffix], b"Oil level")

    def armed(xml: bytes) -> bytes:
        assert word in xml
        start = xml.index(b"?>") + 2 if xml.startswith(b"<?xml") else 0
        return xml[:start] + DOCTYPE.encode() + xml[start:].replace(word, b"&e11;")

    started = time.monotonic()
    with suppress(DocumentError):
        assert len(parse(with_part(path, member, armed)).text) < 1000
    with suppress(DocumentError):
        rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>&e11;</t></is></c></row>'
        assert len(parse(with_rows(tmp_path / "b.xlsx", rows, DOCTYPE)).text) < 1000
    assert time.monotonic() - started < 20


def test_a_sheet_of_a_million_rows_is_read_up_to_a_bound_that_is_said(tmp_path: Path) -> None:
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>{n * 7919 % 1000}</v></c></row>'
        for n in range(1, 1_000_001)
    )
    document = parse(with_rows(tmp_path / "a.xlsx", rows))
    assert document.blocks[-1].row == 50_000
    assert document.notes == (
        "sheet Sheet was read up to row 50,000, and what follows was left out: split the workbook",
    )


def test_a_table_of_text_is_bounded_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Pump,Bar,Zone\n" + "P-1,3,N\n" * 60_000)
    document = parse(tmp_path / "a.csv")
    assert document.blocks[-1].row == 50_000
    assert document.notes == ("read up to row 50,000; what follows was left out: split the file",)


@pytest.mark.parametrize("place", ["XFD1048576", "A999999999999"])
def test_a_cell_far_away_costs_little(tmp_path: Path, place: str) -> None:
    row = place.lstrip("XFDA")
    started = time.monotonic()
    rows = f'<row r="1"><c r="A1"><v>7</v></c></row><row r="{row}"><c r="{place}"><v>8</v></c></row>'
    document = parse(with_rows(tmp_path / "a.xlsx", rows))
    assert "7" in document.text
    assert ("8" in document.text) == (row == "1048576")
    assert len(document.notes) == (row != "1048576")
    assert time.monotonic() - started < 30


def test_a_sheet_that_breaks_off_keeps_its_first_rows_and_the_other_sheets(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(made_xlsx(tmp_path / "a.xlsx"))
    book.create_sheet("Valves").append(["V-7 is closed"])
    book.save(tmp_path / "a.xlsx")
    document = parse(with_part(tmp_path / "a.xlsx", SHEET, lambda xml: xml[: xml.index(b'<row r="3"') + 9]))
    assert "V-7 is closed" in document.text
    assert document.notes[0].startswith("sheet Sheet is damaged after row")


def test_a_workbook_of_formulas_alone_names_the_fix(tmp_path: Path) -> None:
    path = with_rows(tmp_path / "a.xlsx", '<row r="1"><c r="A1"><f>1+1</f></c></row>')
    with pytest.raises(DocumentError, match=r"no rows to read: .*without a stored value.*: 1; open the workbook"):
        parse(path)


def test_a_deck_without_words_names_its_slides(tmp_path: Path) -> None:
    import pptx

    deck = pptx.Presentation()
    for _ in range(3):
        deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(tmp_path / "a.pptx")
    with pytest.raises(DocumentError, match=r"no text on any slide: slides 1-3 have no text"):
        parse(tmp_path / "a.pptx")


def test_a_damaged_slide_is_refused_and_deep_groups_end(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"is not a readable PPTX .*save it again"):
        parse(with_part(made_pptx(tmp_path / "a.pptx"), INNER[".pptx"], lambda xml: xml[:900]))
    shape = b'<p:grpSp><p:nvGrpSpPr><p:cNvPr id="9" name="g"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    end = b"</p:spTree>"
    for depth in (100, 3_000):
        nested = shape * depth + b"</p:grpSp>" * depth + end
        path = with_part(made_pptx(tmp_path / "a.pptx"), INNER[".pptx"], lambda xml, n=nested: xml.replace(end, n))
        if depth == 100:
            assert "Oil level" in parse(path).text
        else:
            with pytest.raises(DocumentError, match="not a readable PPTX"):
                parse(path)


@pytest.mark.parametrize(
    ("suffix", "member", "content", "why"),
    [
        (".pptx", "_rels/.rels", None, "its parts do not fit together"),
        (".pptx", "ppt/slides/slide1.xml", b"<p:sld", "its XML is damaged: .+"),
        (".xlsx", "xl/workbook.xml", b"<workbook>", "its XML is damaged: .+"),
        (".xlsx", "xl/workbook.xml", None, "its parts do not fit together"),
    ],
)
def test_what_is_wrong_is_said_without_the_names_of_a_programs_errors(
    tmp_path: Path, suffix: str, member: str, content: bytes | None, why: str
) -> None:
    path = MADE[suffix](tmp_path / f"a{suffix}")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()} | {member: content}
    with zipfile.ZipFile(path, "w") as archive:
        for name, one in parts.items():
            if one is not None:
                archive.writestr(name, one)
    with pytest.raises(DocumentError, match=rf"^a{suffix} is not a readable \w+ \({why}\)\. Open it") as raised:
        parse(path)
    assert "Error" not in str(raised.value)


def test_a_workbook_without_sheets_and_a_deck_without_slides_name_the_next_step(tmp_path: Path) -> None:
    import pptx

    pptx.Presentation().save(tmp_path / "a.pptx")
    with pytest.raises(DocumentError, match=r"no text on any slide: it is blank; check that it is the right file"):
        parse(tmp_path / "a.pptx")
    path = with_part(made_xlsx(tmp_path / "a.xlsx"), "xl/workbook.xml", lambda xml: re.sub(rb"<sheet .*?/>", b"", xml))
    with pytest.raises(DocumentError, match=r"no rows to read: no sheet is in it; save it again from Excel"):
        parse(path)


def test_odd_bytes_in_a_table_are_noted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"Pump;Bar;Note\nP\0-1;3;x\n")
    assert parse(path).text.endswith("\nPump: P-1 | Bar: 3 | Note: x")
    assert parse(path).notes == ("1 NUL bytes were left out",)
    path.write_bytes(b'Pump,Bar,Note\nA,1,"' + b"word " * 60_000 + b'"\n')  # beyond what the csv module takes by itself
    assert parse(path).text.count("word") == 60_000
    path.write_bytes(random.Random(1).randbytes(20_000))
    with pytest.raises(DocumentError, match="not text but binary"):
        parse(path)
    for nothing in (b"," * 1_000_000, b"\n" * 1_000_000):
        path.write_bytes(nothing)
        with pytest.raises(DocumentError, match="holds no text"):
            parse(path)


@pytest.mark.parametrize("suffix", [".xlsx", ".pptx"])
def test_no_change_of_a_part_gets_anything_but_a_document_error(
    tmp_path: Path, suffix: str, check: Callable[[ParsedDocument], None]
) -> None:
    whole = MADE[suffix](tmp_path / f"a{suffix}").read_bytes()
    with zipfile.ZipFile(tmp_path / f"a{suffix}") as archive:
        parts = [name for name in archive.namelist() if name.endswith((".xml", ".rels"))]
    rng, read = random.Random(7), 0
    inserted = (b"<", b">", b"\0", b"99999999999", b"&e;", b'="', b"<v>", b"</a:t>", b'r="A9"')
    for _ in range(60):
        path = tmp_path / f"b{suffix}"
        path.write_bytes(whole)

        def changed(xml: bytes) -> bytes:
            source = bytearray(xml)
            for _ in range(rng.choice((1, 3, 20))):
                at = rng.randrange(len(source))
                match rng.randrange(3):
                    case 0:
                        source[at] = rng.randrange(32, 127)
                    case 1:
                        del source[at : at + rng.randrange(1, 20)]
                    case _:
                        source[at:at] = rng.choice(inserted)
            return bytes(source)

        with suppress(DocumentError):
            check(parse(with_part(path, rng.choice([INNER[suffix], rng.choice(parts)]), changed), max_seconds=20))
            read += 1
    assert read > 0
