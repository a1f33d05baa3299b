"""Tables are read back from a document's text, of every format, each row with its place."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from docx import Document as Docx

from sectorkit.retrieval.chunk import chunk
from sectorkit.retrieval.parse import parse
from sectorkit.tables import Table, tables_of

COLUMNS = ("Machine", "Failure mode", "Action")
ROWS = [("P-1", "Bearing wear", "Change the bearing"), ("P-2", "", "Look again"), ("C-9", "Leak", "")]


def markdown(path: Path) -> Path:
    lines = [
        "# Plan",
        "",
        "Words before it.",
        "",
        *("| " + " | ".join(row) + " |" for row in [COLUMNS, ("---",) * 3, *ROWS]),
    ]
    path.with_suffix(".md").write_text(
        "\n".join([*lines, "", "Words | after it, which are no table.", ""]), encoding="utf-8"
    )
    return path.with_suffix(".md")


def html(path: Path) -> Path:
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in ROWS)
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    path.with_suffix(".html").write_text(f"<h1>Plan</h1><table><tr>{head}</tr>{rows}</table>", encoding="utf-8")
    return path.with_suffix(".html")


def docx(path: Path) -> Path:
    document = Docx()
    table = document.add_table(rows=0, cols=3)
    for row in [COLUMNS, *ROWS]:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.save(str(path.with_suffix(".docx")))
    return path.with_suffix(".docx")


def xlsx(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "Plan"
    for row in [("The plan of the works",), (), COLUMNS, *ROWS]:
        book.active.append(row)
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


def csv(path: Path) -> Path:
    path.with_suffix(".csv").write_text("\n".join(";".join(row) for row in [COLUMNS, *ROWS]), encoding="utf-8")
    return path.with_suffix(".csv")


def read(path: Path) -> tuple[str, list[Table]]:
    document = parse(path)
    passages = chunk(document, source=path.name, metadata={}, count=lambda text: len(text) // 3)
    return document.text, tables_of(document.text, passages)


@pytest.mark.parametrize("write", [markdown, html, docx, xlsx, csv])
def test_a_table_of_every_format_is_the_same_table(write: object, tmp_path: Path) -> None:
    text, (table, *others) = read(write(tmp_path / "plan"))  # type: ignore[operator]
    assert not others
    assert table.columns == COLUMNS
    assert [row.cells for row in table.rows] == ROWS
    for row in table.rows:
        assert all(cell in text[row.start : row.end] for cell in row.cells)


def test_rows_of_a_sheet_have_their_numbers_and_its_name(tmp_path: Path) -> None:
    _, (table,) = read(xlsx(tmp_path / "plan"))
    assert table.name == "Plan"
    assert [row.number for row in table.rows] == [4, 5, 6]


def test_a_row_that_is_too_long_for_one_line_is_one_row(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [
        ("Name", "First", "Second", "Size"),
        ("a", "long " * 80, "longer " * 80, 3),
        ("b", "short", "x | y", 4),
    ]:
        book.active.append(row)
    book.save(tmp_path / "long.xlsx")
    _, (table,) = read(tmp_path / "long.xlsx")
    assert [row.cells[0] for row in table.rows] == ["a", "b"]
    assert table.rows[0].cells[3] == "3"
    assert table.rows[0].cells[2].startswith("longer longer")
    assert table.rows[1].cells == ("b", "short", "x | y", "4")


def test_two_sheets_are_two_tables(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Pumps"
    for row in [("Name", "Power"), ("P-1", "22 kW")]:
        book.active.append(row)
    second = book.create_sheet("Valves")
    for row in [("Valve", "Size", "Medium"), ("V-1", "DN 50", "water"), ("V-2", "DN 80", "steam")]:
        second.append(row)
    book.save(tmp_path / "two.xlsx")
    _, tables = read(tmp_path / "two.xlsx")
    assert [(table.name, len(table.rows)) for table in tables] == [("Pumps", 1), ("Valves", 2)]


def test_a_row_with_too_many_cells_is_named_and_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "bar.md"
    path.write_text("| A | B |\n|---|---|\n| 1 | 2 |\n| 1 \\| 2 | 3 |\n", encoding="utf-8")
    _, (table,) = read(path)
    assert len(table.rows) == 1
    assert len(table.unread) == 1


def test_a_text_without_tables_has_none() -> None:
    assert tables_of("Words.\n\nMore words, a | b.\n") == []


@pytest.mark.parametrize("suffix", [".md", ".html", ".docx"])
def test_two_tables_that_follow_on_each_other_are_two(tmp_path: Path, suffix: str) -> None:
    tables = [[["Machine", "Condition", "Level"], ["Fan", "hot", "alarm"]], [["Reading", "Unit"], ["heat", "K"]]]
    path = tmp_path / f"a{suffix}"
    if suffix == ".docx":
        book = Docx()
        for rows in tables:
            made = book.add_table(0, len(rows[0]))
            for row in rows:
                for cell, text in zip(made.add_row().cells, row, strict=True):
                    cell.text = text
        book.save(str(path))
    elif suffix == ".html":
        body = "".join(
            f"<table>{''.join('<tr>' + ''.join(f'<td>{c}</td>' for c in row) + '</tr>' for row in rows)}</table>"
            for rows in tables
        )
        path.write_text(f"<html><body><h1>Limits</h1>{body}</body></html>", encoding="utf-8")
    else:
        lines = [
            "\n".join(
                f"| {' | '.join(row)} |" + ("\n" + "|---" * len(row) + "|" if n == 0 else "")
                for n, row in enumerate(rows)
            )
            for rows in tables
        ]
        path.write_text("# Limits\n\n" + "\n\n".join(lines) + "\n", encoding="utf-8")
    found = tables_of(parse(path).text)
    assert [(list(table.columns), [list(row.cells) for row in table.rows]) for table in found] == [
        (rows[0], rows[1:]) for rows in tables
    ]
