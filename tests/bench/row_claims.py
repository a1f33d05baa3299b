"""What an answer says of a row of a table: is the true said to be supported, and the false not? `python tests/bench/row_claims.py`.

Of random rows of the sample plant's sheets, or of those `--tables` that `tests/tables` has, sentences are made: a true one ("The
severity of HL-P40 Hydraulics is 7."), and false ones: with the value of another row, with the number of another of its columns,
and denied. English, and with Chinese words around what the cells say. Before the checker lie the row and four others. A false
sentence that happens to be true of another row of its table is left out. Needs the embedder that the settings name.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from rich.progress import track
from table_questions import wilson

from sectorkit.answer import Evidence
from sectorkit.app import load_app
from sectorkit.fakes import FakeEmbedder
from sectorkit.grounding import ground
from sectorkit.parts import current_index, open_embedder
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit, Passage
from sectorkit.settings import read_settings
from sectorkit.tables import Row, Table, tables_of

TABLES = Path(__file__).parents[1] / "tables"
_NUMBER = re.compile(r"[\d.,]+")
_SAID = {
    "English": "The {0} of {1} is {2}.",
    "Chinese": "{1} 的 {0} 是 {2}。",
    "column not named": "For {1} we have {2}.",
}
_DENIED = "The {0} of {1} is not {2}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=200, help="rows")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--tables", action="store_true", help="the invented tables of tests/tables, and not the plant's"
    )
    parser.add_argument("--show", action="store_true", help="every sentence that was taken for what it is not")
    options = parser.parse_args()
    settings = read_settings()
    embedder = open_embedder(settings)
    with tempfile.TemporaryDirectory() as folder:
        if options.tables:
            index = Index.open(Path(folder), FakeEmbedder())  # it is read, and not searched
            index.sync(TABLES)
        else:
            app = load_app("manufacturing_qa")
            index = current_index(settings, app, embedder)
            index.sync(app.corpus)
        with closing(index):
            tables = list(_sheets(index))
    chosen = random.Random(options.seed)
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for _ in track(range(options.n), description="checking", disable=not sys.stderr.isatty()):
        table, passages = chosen.choice(tables)
        rows = chosen.sample(list(table.rows), 5)
        evidence = _evidence(rows, passages, chosen)
        for kind, sentence in _sentences(table, rows[0], chosen):
            supported = bool(ground(sentence, evidence, vectors=embedder.embed_documents).citations)
            found[kind].append(supported)
            if options.show and supported != kind.startswith("true"):
                print(f"{kind}: {sentence}")
    for kind, taken in sorted(found.items(), reverse=True):
        low, high = wilson(sum(taken), len(taken))
        print(f"{kind:32} supported {sum(taken) / len(taken):.3f} [{low:.3f}, {high:.3f}] of {len(taken)}")


def _sheets(index: Index) -> list[tuple[Table, list[Passage]]]:
    found = []
    for document in index.documents():
        passages = index.passages_of(document.source)
        if any(p.metadata.get("rows") for p in passages):
            tables = tables_of(index.document(document.source).text, passages)
            found += [(table, passages) for table in tables if len(table.rows) >= 12 and len(table.columns) >= 4]
    return found


def _evidence(rows: list[Row], passages: list[Passage], chosen: random.Random) -> list[Evidence]:
    held = {str(p.id): p for row in rows for p in passages if p.metadata["start"] <= row.start < p.metadata["end"]}
    found = [Evidence(n, Hit(p, 1.0), p.page_content) for n, p in enumerate(held.values(), start=1)]
    chosen.shuffle(found)
    return found


def _sentences(table: Table, row: Row, chosen: random.Random) -> list[tuple[str, str]]:
    cells = {c: v for c, v in zip(table.columns, row.cells, strict=False) if v.strip() and len(v) < 60}
    if len(cells) < 3:
        return []
    first, second, *others = cells
    column = chosen.choice(others)
    value, name = cells[column], f"{cells[first]} {cells[second]}"

    def is_true(other: str) -> bool:
        return any({cells[first], cells[second], other} <= set(r.cells) for r in table.rows)

    said = {"true": value}
    elsewhere = {dict(zip(table.columns, r.cells, strict=False)).get(column, "") for r in table.rows}
    if elsewhere := {v for v in elsewhere if v and not is_true(v)}:
        said["false, of another row"] = chosen.choice(sorted(elsewhere))
    numbers = [v for c, v in cells.items() if c in others and v != value and _NUMBER.fullmatch(v)]
    held = {
        dict(zip(table.columns, r.cells, strict=False)).get(column)
        for r in table.rows
        if {cells[first], cells[second]} <= set(r.cells)
    }
    if _NUMBER.fullmatch(value) and (numbers := [v for v in numbers if v not in held]):
        said["false, of another column"] = chosen.choice(numbers)
    found = [
        (f"{kind}, {language}", pattern.format(column if language == "Chinese" else column.lower(), name, v))
        for kind, v in said.items()
        for language, pattern in _SAID.items()
        if kind != "false, of another column" or language != "column not named"  # then it is not said of which
    ]
    return [*found, ("false, denied, English", _DENIED.format(column.lower(), name, value))]


if __name__ == "__main__":
    main()
