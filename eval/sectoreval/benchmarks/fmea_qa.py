"""FMEA spreadsheet QA: 40 questions on the FMEA of a mining truck, one real sheet of 330 rows, with model answers and nuggets.

The documents are the CSV alone, read as a user's would be. manufacturing_qa computes what it understands as a query to the
table, and such an answer is the same in every arm that searches: **compare these arms with `--set tables=off`**, where nothing is
computed. "Row recall" is of what was searched, and "rows used" of what was computed. In `oracle` each row is a document, and
nothing is computed: the model is shown the rows that answer, as many as its prompt holds, which may be few of them. Which rows answer is annotated in
fmea_qa.toml, as is what a right value has: counts, means, shares and rankings are counted apart, and so is "there is none".

Nuggets are matched by words and not by upstream's judge, a model: **no figure here is comparable with published ones**. A
nugget is matched where the answer has all of its numbers and most of its words (_nuggets.py); those of the question and of the
columns' names count only where nothing else is left. Of 40 cases an interval is 15 points either way.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from sectoreval.answers import JUDGED, abstains, answered, judge_columns
from sectoreval.arms import Arm
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored
from sectoreval.benchmarks._nuggets import close, denies, nugget_scores, numbers_of, read_nuggets
from sectoreval.context import Context
from sectoreval.corpora import Corpus, copied
from sectoreval.measures import mean, ratio
from sectoreval.texts import without_marks
from sectorkit.app import SectorApp, load_app
from sectorkit.bench.beir import BeirDocument
from sectorkit.errors import UnknownName
from sectorkit.retrieval.parse import parse

FILE, QUESTIONS = "fmea_dataset_filled.csv", "fmea_qa_model.xlsx"
ANNOTATION = Path(__file__).with_suffix(".toml")
TABLES = ("on", "off")
_TABLES = "sectorkit.table_answers"  # the rules that compute
_MARKER = re.compile(r"^[ \t]*(?:[-*•–º]|\d{1,3}[.)])[ \t]+", re.MULTILINE)


def cases(context: Context) -> list[Case]:
    """The 40 questions; near copies are a cluster."""
    return cases_of(context.data("fmea_hybrid_rag"), tomllib.loads(ANNOTATION.read_text(encoding="utf-8")))


def cases_of(folder: Path, annotation: Mapping[str, Any]) -> list[Case]:
    """The questions of the workbook in `folder`, with what is annotated of each by its ID."""
    spans = rows_of(folder / FILE)[1]
    with (folder / FILE).open(encoding="utf-8-sig", newline="") as file:
        columns = next(csv.reader(file))
    found = []
    for entry in _entries(folder / QUESTIONS):
        key, question = str(entry["ID"]), str(entry["Question"]).strip()
        value = annotation["value"].get(key, {})
        kind = "value" if value else "none" if entry["ID"] in annotation["none"] else "look-up"
        rows = list(_numbered(value["rows"] if value else annotation["look-up"][key] if kind == "look-up" else []))
        gold = {
            "question": question, "reference": str(entry["Answer"]).strip(), "kind": kind, "columns": columns,
            "nuggets": read_nuggets(entry["Nuggets"]), "rows": [[n, *spans[n]] for n in rows],
            "right": [str(n) for n in rows], **{part: value.get(part) for part in ("numbers", "names", "in_order")},
        }  # fmt: skip
        categories = {part.strip().lower(): "yes" for part in str(entry["Categories"]).split(",")}
        found.append(Case(key, question, gold, str(annotation["twins"].get(key, key)), {"kind": kind} | categories))
    every = {name: "no" for case in found for name in case.groups if name != "kind"}
    return [replace(case, groups=every | dict(case.groups)) for case in found]


def _entries(path: Path) -> list[dict[str, Any]]:
    from openpyxl import load_workbook

    rows = load_workbook(path, data_only=True).worksheets[0].iter_rows(values_only=True)
    head = next(rows)
    return [dict(zip(head, row, strict=True)) for row in rows if row[0] is not None]


def _numbered(rows: Sequence[Any]) -> Iterator[int]:
    for row in rows:
        yield from range(row[0], row[1] + 1) if isinstance(row, list) else (row,)


@cache
def rows_of(path: Path) -> tuple[str, dict[int, tuple[int, int]]]:
    """The sheet's text as an index has it, and the place of each row in it, by its number there."""
    document = parse(path)
    spans: dict[int, tuple[int, int]] = {}
    for block in document.blocks:
        if block.row is not None:  # a long row is several lines
            spans[block.row] = (spans.get(block.row, (block.start,))[0], block.end)
    return document.text, spans


def rows_apart(folder: Path, asked: Sequence[Case]) -> Corpus:
    """Every row as a document of its own, named by its number."""
    text, spans = rows_of(folder / FILE)
    documents = [BeirDocument(str(n), f"FMEA, row {n}", text[start:end]) for n, (start, end) in spans.items() if n > 1]
    judged = {case.id: dict.fromkeys(case.gold["right"], 1) for case in asked if case.gold["right"]}
    return Corpus("fmea-rows", documents, {case.id: case.asked for case in asked if case.id in judged}, judged)


def solve(context: Context, arm: Arm) -> Any:
    app, folder = the_app(context, arm), context.data("fmea_hybrid_rag")
    if arm == "oracle":
        return ask_app(context, arm, app=app, corpus=partial(rows_apart, folder, cases(context)))
    return ask_app(context, arm, app=app, corpus=None, docs=alone(context))


def alone(context: Context) -> Path:
    """A folder that holds a copy of the sheet and nothing else: beside it lie the answers."""
    return copied([context.data("fmea_hybrid_rag") / FILE], context.settings.home / "benchmarks" / "corpora" / "fmea")


def the_app(context: Context, arm: Arm) -> SectorApp:
    """manufacturing_qa, without the rule that computes where that is to be left out."""
    tables = context.option("tables", "on")
    if tables not in TABLES:
        raise UnknownName("tables", tables, list(TABLES))
    app = load_app("manufacturing_qa")
    if tables == "on" and arm != "oracle":
        return app
    before = tuple(rule for rule in app.before if rule.__module__ != _TABLES)
    after = tuple(rule for rule in app.after if rule.__module__ != _TABLES)
    return replace(app, before=before, after=after, with_model=())


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of nuggets, of values and of "none"; where documents are searched, of the rows found and computed with as well."""
    kind, declines = gold["kind"], abstains(reply) is True
    computed = (reply or {}).get("computed")
    if computed and computed.get("left"):  # it stands beside an answer, and is none
        computed = None
    text, given = said(gold, reply), " ".join((gold["question"], *gold["columns"]))
    recall, precision = nugget_scores(gold["nuggets"], text, given) if reply is not None else (0.0, 0.0)
    value = kind == "value" and has_value(gold, text)
    none = kind == "none" and (declines or (computed["total"] == 0 if computed else denies(text)))
    values = {
        "nugget_recall": recall, "nugget_precision": precision, "value": float(kind == "value"), "value_right": float(value),
        "none": float(kind == "none"), "none_right": float(none), "none_abstained": float(kind == "none" and declines),
        **judge_columns(reply), "declined_rightly": float(kind == "none" and declines),
    }  # fmt: skip
    missed = False
    if reply is None or "read" in reply:
        look_up = kind == "look-up"
        used = rows_used(gold, computed) if computed else (0.0, 0.0)
        found = rows_found(gold, reply["hits"][:10]) if reply and not computed else 0.0
        missed = look_up and not found and not used[0]
        values |= {
            "look_up_searched": float(look_up and not computed), "rows_found": found * look_up,
            "computed": float(bool(computed)), "model_computed": float(bool(computed and computed.get("by"))), "look_up_computed": float(look_up and bool(computed)),
            "used_recall": used[0] * look_up, "used_precision": used[1] * look_up,
        }  # fmt: skip
    right = recall if kind == "look-up" else float(value or none)
    outcome: Outcome
    if reply is None:
        outcome = "failed"
    elif right == 1:
        outcome = "right"
    elif kind == "none":
        outcome = "answered wrongly"
    elif missed:
        outcome = "retrieval missed"
    else:
        outcome = "abstained wrongly" if declines else "partly right" if right >= 0.5 else "wrong"
    return Scored(values, outcome, str(reply["text"]) if reply else "", gold["reference"])


def said(gold: Mapping[str, Any], reply: Reply | None) -> str:
    """What an answer says, without marks of citations and of lists. Abstaining says that there is none, where that is right."""
    if reply is None or not answered(reply):
        return "None." if reply is not None and gold["kind"] == "none" else ""
    return _MARKER.sub("", without_marks(str(reply["text"])))


def has_value(gold: Mapping[str, Any], text: str) -> bool:
    """Whether all the numbers and names of a right value are in the text, in their order where that is asked for."""
    plain, numbers = " ".join(text.casefold().split()), numbers_of(text)
    places = {
        "numbers": [min((at for n, at in numbers if close(w, n)), default=-1) for w in map(float, gold["numbers"] or ())],
        "names": [plain.find(name.casefold()) for name in gold["names"] or ()],
    }  # fmt: skip
    ordered = places[gold["in_order"]] if gold["in_order"] else []
    return all(at >= 0 for part in places.values() for at in part) and bool(ordered == sorted(ordered))


def rows_found(gold: Mapping[str, Any], hits: Sequence[Mapping[str, Any]]) -> float:
    """Share of the gold rows whose two ends lie in passages of the sheet, or that are a document found."""
    spans = [(hit["start"], hit["end"]) for hit in hits if hit["document"] == FILE]
    apart = {hit["document"] for hit in hits}

    def found(number: int, start: int, end: int) -> bool:
        whole = any(a <= start < b for a, b in spans) and any(a < end <= b for a, b in spans)
        return whole or str(number) in apart

    return sum(found(*row) for row in gold["rows"]) / len(gold["rows"]) if gold["rows"] else 0.0


def rows_used(gold: Mapping[str, Any], computed: Mapping[str, Any]) -> tuple[float, float]:
    """Recall and precision of the rows that a computed answer rests on."""
    wanted, used = {start for _, start, _ in gold["rows"]}, {start for start, *_ in computed["used"]}
    both = len(wanted & used)
    return both / len(wanted) if wanted else 0.0, both / len(used) if used else 0.0


BENCHMARK = Benchmark(
    name="fmea_qa",
    title="FMEA spreadsheet QA, mining truck",
    sector="manufacturing",
    source="fmea_hybrid_rag",
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked", "oracle"),
    measures=(
        mean("nugget recall", "nugget_recall", about="share of the essential nuggets that the answer states, by words"),
        mean("nugget precision", "nugget_precision", about="nuggets stated, against claims that state none; by words"),
        ratio("value right", "value_right", "value", about="of counts, means and rankings: has the numbers and names"),
        ratio("none right", "none_right", "none", about="of what is not in the sheet: says so, finds none, or abstains"),
        ratio("none by abstaining", "none_abstained", "none", about="of the same: the app abstained"),
        ratio("row recall@10", "rows_found", "look_up_searched", about="of look-ups not computed: share of the right rows in ten passages"),
        mean("computed", about="answered by a query to the table"),
        mean("computed by a model's query", "model_computed", about="of all: the query was the model's, and stood the check"),
        ratio("rows used recall", "used_recall", "look_up_computed", about="of computed look-ups: share of the right rows it rests on"),
        ratio("rows used precision", "used_precision", "look_up_computed", about="of computed look-ups: share of the rows it rests on that are right"),
        JUDGED,
    ),
    cases=cases,
    solve=solve,
    score=score,
    note="Computed answers are the same in every arm that searches; `--set tables=off` asks the app without them.",
    options=("tables",),
)  # fmt: skip
