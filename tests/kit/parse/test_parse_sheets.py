"""Spreadsheets: every row stands alone, says where it is, and shows its values as a reader sees them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from sectorkit.retrieval.chunk import chunk
from sectorkit.retrieval.parse import ParsedDocument, parse
from sectorkit.retrieval.parse.cells import cell_text
from sectorkit.retrieval.parse.tables import header_at, labelled, lines, two_rowed
from sectorkit.retrieval.passage import Passage, locator


def workbook(path: Path, fill: Callable[[Any], None]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Pumps"
    fill(book)
    book.save(path)
    return path


def rows(document: ParsedDocument) -> list[tuple[int | None, str]]:
    return [(b.row, document.text[b.start : b.end]) for b in document.blocks if b.kind != "heading"]


def passages(document: ParsedDocument, limit: int = 220) -> list[Passage]:
    return chunk(document, source="a", metadata={}, count=lambda text: len(text.split()), max_tokens=limit)


# XLSX


def register(book: Any) -> None:
    sheet = book.active
    for row in (
        ["Pump register"],
        [],
        ["Pump", "Pressure", "Checked", "Load", "Remarks"],
        ["P-12", 3.5, date(2024, 5, 1), 0.125, "leaks\nslowly"],
        ["P-13", 0.1 + 0.2, datetime(2024, 5, 2, 14, 30), None, None],
    ):
        sheet.append(row)
    sheet["B4"].number_format, sheet["D4"].number_format = '0.0" bar"', "0.0%"


def test_a_row_of_a_workbook_stands_alone_with_its_number(tmp_path: Path) -> None:
    document = parse(workbook(tmp_path / "a.xlsx", register))
    assert rows(document) == [
        (1, "Pump register"),
        (3, "Pump | Pressure | Checked | Load | Remarks"),
        (4, "Pump: P-12 | Pressure: 3.5 bar | Checked: 2024-05-01 | Load: 12.5% | Remarks: leaks slowly"),
        (5, "Pump: P-13 | Pressure: 0.3 | Checked: 2024-05-02 14:30"),
    ]
    assert document.text.startswith("Pumps\n\nPump register\n\n")
    assert [b.kind for b in document.blocks] == ["heading", "paragraph", "row", "row", "row"]
    assert (document.title, document.pages, document.page_name) == (None, 1, "sheet"), "a sheet's name is no title"


def test_a_passage_of_rows_names_its_sheet_and_rows_and_a_quote_only_its_own(tmp_path: Path) -> None:
    document = parse(workbook(tmp_path / "a.xlsx", register))
    (passage,) = passages(document)
    assert passage.metadata["locator"] == "sheet Pumps, rows 1, 3-5"
    assert passage.page_content == document.text[passage.metadata["start"] : passage.metadata["end"]]
    start = document.text.index("Pressure: 3.5")
    assert locator(passage, start, start + len("Pressure: 3.5 bar")) == "sheet Pumps, row 4"
    assert locator(passage, start, document.text.index("P-13") + 4) == "sheet Pumps, rows 4-5"
    assert [p.metadata["locator"] for p in passages(document, 14)][-1] == "sheet Pumps, row 5"


def test_rows_of_a_long_sheet_are_records_of_their_own(tmp_path: Path) -> None:
    def log(book: Any) -> None:
        for row in (
            ["Log of pump P-12"],
            ["Day", "Seen"],
            *([n, f"word{n} " * (12 if n < 9 else 2)] for n in range(1, 13)),
        ):
            book.active.append(row)

    document = parse(workbook(tmp_path / "a.xlsx", log))
    assert [p.metadata["locator"] for p in passages(document, 60)] == [
        "sheet Pumps, rows 1-2", *(f"sheet Pumps, row {n}" for n in range(3, 11)), "sheet Pumps, rows 11-13",
        "sheet Pumps, row 14",
    ]  # fmt: skip
    assert len(passages(document, 400)) == 1, "a sheet that fits stays whole"


def test_a_row_that_is_cut_keeps_its_number(tmp_path: Path) -> None:
    prose = " ".join(f"word{n}." for n in range(100))
    path = workbook(tmp_path / "a.xlsx", lambda book: [book.active.append(r) for r in ([], ["a", "b", "c"], [prose])])
    found = passages(parse(path), 20)
    assert len(found) > 5
    last = found[-1]
    assert last.metadata["locator"] == "sheet Pumps, row 3"
    assert locator(last, last.metadata["start"], last.metadata["end"]) == "sheet Pumps, row 3"


def test_passages_do_not_cross_sheets_and_hidden_empty_and_chart_sheets_are_named(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        from openpyxl.chart import BarChart

        register(book)
        secret, valves = book.create_sheet("Lists"), book.create_sheet("Valves")
        secret.append(["secret"])
        secret.sheet_state = "hidden"
        valves.append(["Valve V-7 is closed."])
        book.create_sheet("Sheet4")
        book.create_chartsheet("Trend").add_chart(BarChart())

    document = parse(workbook(tmp_path / "a.xlsx", fill))
    assert [p.metadata["locator"] for p in passages(document)] == ["sheet Pumps, rows 1, 3-5", "sheet Valves, row 1"]
    assert [p.metadata["page"] for p in passages(document)] == [1, 3], "as the tabs are counted"
    assert "secret" not in document.text
    assert document.notes[:3] == (
        "hidden and left out: sheet Lists; unhide what should be found",
        "charts, which are not read: sheet Trend",
        "empty: sheet Sheet4",
    )


def test_formulas_give_their_stored_values_and_are_counted_where_they_have_none(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        for row in (["Pump", "Hours", "Total"], ["P-12", 4, "=B2*2"], ["P-13", 5, "=SUM(B2:B3)"]):
            book.active.append(row)

    path = workbook(tmp_path / "a.xlsx", fill)
    _edit(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"B2*2</f><v></v>", b"B2*2</f><v>8</v>"))
    document = parse(path)
    assert rows(document)[1:] == [(2, "Pump: P-12 | Hours: 4 | Total: 8"), (3, "Pump: P-13 | Hours: 5")]
    assert document.notes[0].startswith("formulas without a stored value, which read as empty: 1; open the workbook")


def test_errors_and_comments_are_noted(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        from openpyxl.comments import Comment

        for row in (["Zone", "Pump", "Bar"], ["North", "P-1", 3], ["South", "P-2", "#REF!"]):
            book.active.append(row)
        book.active["B2"].comment = Comment("check", "me")

    document = parse(workbook(tmp_path / "a.xlsx", fill))
    assert document.notes == ("cells with an error such as #REF!: 1", "comments on cells are not read")


def test_what_is_merged_over_rows_is_the_value_of_each_and_over_columns_of_the_first(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (
            ["Valves of the works"], ["Zone", "Pump", "Bar", "Note"], ["North", "P-1", 3], [None, "P-2", 4, "ok"], [None, None, 5],
            ["South", "P-4", 6],
        ):  # fmt: skip
            sheet.append(row)
        for merged in ("A1:D1", "A3:A5", "B4:B5"):
            sheet.merge_cells(merged)

    assert rows(parse(workbook(tmp_path / "a.xlsx", fill))) == [
        (1, "Valves of the works"),
        (2, "Zone | Pump | Bar | Note"),
        (3, "Zone: North | Pump: P-1 | Bar: 3"),
        (4, "Zone: North | Pump: P-2 | Bar: 4 | Note: ok"),
        (5, "Zone: North | Pump: P-2 | Bar: 5"),
        (6, "Zone: South | Pump: P-4 | Bar: 6"),
    ]


@pytest.mark.parametrize("merged", [True, False])
def test_a_header_of_two_rows_names_its_columns_by_the_lower_one(tmp_path: Path, merged: bool) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (
            ["Machine", "Risk before", None, "Risk after", None, "Action"], [None, "Severity", "RPN", "Severity", "RPN", None],
            ["P-1", 7, 210, 7, 70, "Gauge"], ["P-2", 5, 100, 5, 50, None],
        ):  # fmt: skip
            sheet.append(row)
        for ranges in ("A1:A2", "B1:C1", "D1:E1", "F1:F2") if merged else ():
            sheet.merge_cells(ranges)

    found = rows(parse(workbook(tmp_path / "a.xlsx", fill)))
    assert found[1] == (
        2,
        "Machine | Risk before Severity | Risk before RPN | Risk after Severity | Risk after RPN | Action",
    )
    assert found[2:] == [
        (
            3,
            "Machine: P-1 | Risk before Severity: 7 | Risk before RPN: 210 | Risk after Severity: 7 | Risk after RPN: 70 | Action: Gauge",
        ),
        (
            4,
            "Machine: P-2 | Risk before Severity: 5 | Risk before RPN: 100 | Risk after Severity: 5 | Risk after RPN: 50",
        ),
    ]


@pytest.mark.parametrize(
    ("upper", "below"),
    [
        (["Pump", "Zone", "Note"], [["P-1", "North", "3"], ["P-2", "South", "4"]]),
        (["Pump", "Zone", "", ""], [["Alpha", "North", "old", ""], ["Beta", "South", "", "new"]]),
        (["Pump", "", "Bar"], [["Alpha", "Beta", "Gamma"]]),
        (["Pump", "Zone"], [["Severity", "RPN"]]),
    ],
)
def test_a_first_row_of_values_is_no_second_header(upper: list[str], below: list[list[str]]) -> None:
    assert two_rowed(upper, below) is None


def test_what_a_workbook_says_of_itself_is_taken(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        from openpyxl.packaging.custom import StringProperty

        register(book)
        book.properties.title, book.properties.language = "Register", "de-DE"
        book.custom_doc_props.append(StringProperty(name="Valid_From", value="2024-05-01"))

    document = parse(workbook(tmp_path / "a.xlsx", fill))
    assert (document.title, document.language) == ("Register", "de")
    assert document.metadata == {"valid_from": date(2024, 5, 1)}


def _edit(path: Path, member: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert change(parts[member]) != parts[member]
    parts[member] = change(parts[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (0.1 + 0.2, "General", "0.3"),
        (12.0, "0.00", "12"),
        (0.29, "0%", "29%"),
        (1 / 3, "0.00", "0.333333333333333"),
        (0.00001, None, "0.00001"),
        (1250.5, "[$€-407]#,##0.00", "€1250.5"),
        (-3, '"$"#,##0;[Red]("$"#,##0)', "-$3"),
        (45, '0\\ "days"', "45 days"),
        (1234, "00000", "01234"),
        (3_000_000, "#,##0,", "3000000"),
        (0.5, "# ?/?", "0.5"),
        (2, "yyyy", "2"),
        (True, None, "TRUE"),
        (datetime(2024, 5, 1), None, "2024-05-01"),
        (time(7, 5), None, "07:05"),
        (timedelta(hours=36, minutes=5), None, "36:05"),
        (" a\r\nb ", None, "a b"),
        (None, None, ""),
    ],
)
def test_a_value_is_as_its_reader_sees_it(value: Any, number_format: str | None, text: str) -> None:
    assert cell_text(value, number_format) == text


# Tables


@pytest.mark.parametrize(
    ("table", "header"),
    [
        ([["Pump", "Bar", "Zone"], ["P-1", "3", "N"]], 0),
        ([["Register"], ["as of", "2024-05-01"], ["Pump", "Bar", "Zone"], ["P-1", "3", "N"]], 2),
        ([["Region", "2023", "2024"], ["North", "3", "4"]], 0),
        ([["P-1", "3", "4 bar"], ["P-2", "3", "5 bar"]], None),
        ([["Item", "Price"], ["Pump", "300 EUR"]], 0),
        ([["Name:", "Hydra"], ["Pressure:", "3.5 bar"]], None),
        ([["Model", "P-100"], ["Pressure", "3.5 bar"]], None),
        ([["Anna", "Berlin"], ["Otto", "Wien"]], None),
        ([["only", "one", "row"]], None),
        ([], None),
    ],
)
def test_a_header_is_a_row_of_words_above_its_table(table: list[list[str]], header: int | None) -> None:
    assert header_at(table, is_first=True) == header


def test_a_long_row_becomes_lines_that_each_begin_with_its_first_value() -> None:
    row = ["P-12", *(f"value {n}" for n in range(60))]
    found = lines(labelled(row, ["Pump", *(f"Column {n}" for n in range(60))]))
    assert len(found) > 1
    assert all(line.startswith("Pump: P-12 | Column ") and len(line) <= 500 for line in found)
    assert sum(line.count(": value") for line in found) == 60
    assert lines(["x" * 2000, "y" * 2000]) == ["x" * 2000, "y" * 2000]
    assert lines([]) == []


def test_a_second_table_has_its_own_header_and_the_first_goes_on_after_an_empty_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "Pump,Bar,Zone\nP-1,3,N\n\nP-2,4,S\nTotal\n\nValves\nValve,Diameter,Zone\nV-1,80,N\n\nContact,Anna\n"
    )
    assert rows(parse(tmp_path / "a.csv")) == [
        (1, "Pump | Bar | Zone"),
        (2, "Pump: P-1 | Bar: 3 | Zone: N"),
        (4, "Pump: P-2 | Bar: 4 | Zone: S"),
        (5, "Total"),
        (7, "Valves"),
        (8, "Valve | Diameter | Zone"),
        (9, "Valve: V-1 | Diameter: 80 | Zone: N"),
        (11, "Valve: Contact | Diameter: Anna"),
    ]


# CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_quoted_line_breaks_are_one_row(tmp_path: Path, delimiter: str) -> None:
    table = [["Pump", "Pressure", "Note"], ["P-12", '"3,5"', '"one; two\ntwo | ""three"""'], ["P-13", "4", "ok"]]
    (tmp_path / "a.csv").write_text("\r\n".join(delimiter.join(row) for row in table), newline="")
    document = parse(tmp_path / "a.csv")
    assert rows(document)[1:] == [
        (2, 'Pump: P-12 | Pressure: 3,5 | Note: one; two two | "three"'),
        (3, "Pump: P-13 | Pressure: 4 | Note: ok"),
    ]
    assert [p.metadata["locator"] for p in passages(document)] == ["rows 1-3"]
    assert document.notes == ()


def test_decimal_commas_do_not_divide_and_ragged_rows_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Pump;Low;High\nP-12;3,5;4,5\nP-13;3,5\nP-14;3,1;4,1;new;rows\n")
    assert [text for _, text in rows(parse(tmp_path / "a.csv"))][1:] == [
        "Pump: P-12 | Low: 3,5 | High: 4,5",
        "Pump: P-13 | Low: 3,5",
        "Pump: P-14 | Low: 3,1 | High: 4,1 | new | rows",
    ]


def test_the_delimiter_that_excel_states_is_taken_and_its_line_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=|\nPump|Bar|Note\nP-12|3|a,b,c,d\n")
    assert rows(parse(tmp_path / "a.csv"))[1] == (2, "Pump: P-12 | Bar: 3 | Note: a,b,c,d")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_csv_is_decoded_as_text_is(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.tsv").write_bytes("Ort\tStraße\tHöhe\nKöln\tGroße Gasse\t3\n".encode(encoding))
    assert rows(parse(tmp_path / "a.tsv"))[1] == (2, "Ort: Köln | Straße: Große Gasse | Höhe: 3")


def test_a_quotation_mark_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Pipe,Size,Note\nA,"5 inch,ok\nB,6,"fine"\n')
    document = parse(tmp_path / "a.csv")
    assert [row for row, _ in rows(document)] == [1, 2, 3]
    assert document.notes[0].startswith("a quotation mark is not closed")
    (tmp_path / "b.csv").write_text('Pipe,Size,Note\nA,5" pipe,ok\n')
    assert rows(parse(tmp_path / "b.csv"))[1] == (2, 'Pipe: A | Size: 5" pipe | Note: ok')
    assert parse(tmp_path / "b.csv").notes == ()
