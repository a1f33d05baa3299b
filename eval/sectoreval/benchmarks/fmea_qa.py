"""FMEA spreadsheet QA: 40 questions on the FMEA of a mining truck, one real sheet of 330 rows, with model answers and nuggets.

The documents are the CSV alone, read as a user's would be. manufacturing_qa computes what it understands as a query to the
table; `--set tables=off` leaves that out, so that what is searched and written by the model is measured alone. In `oracle`
each row is a document, the model is shown those that answer, and nothing is computed. Which rows answer is annotated in
fmea_qa.toml, as is what a right value has: counts, means, shares and rankings are counted apart, and so is "there is none".

Nuggets are matched by words and not by upstream's judge, a model: **no figure here is comparable with published ones**. A
nugget is matched where the answer has all of its numbers and four fifths of its words, stemmed; words of the question and of
the columns' names count only where nothing else is left. An optional nugget is never incorrect, since words cannot tell;
sentences and items that state no nugget are extra claims. Of 40 cases an interval is 15 points either way.
"""

from __future__ import annotations

import csv
import filecmp
import json
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from sectoreval.answers import JUDGED, abstains, answered, judge_columns
from sectoreval.arms import Arm
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectoreval.measures import mean, ratio
from sectoreval.texts import without_marks
from sectorkit.app import SectorApp, load_app
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import malformed
from sectorkit.errors import UnknownName
from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.words import sentences

FILE, QUESTIONS = "fmea_dataset_filled.csv", "fmea_qa_model.xlsx"
ANNOTATION = Path(__file__).with_suffix(".toml")
TABLES = ("on", "off")
_SHARE = 0.8  # of a nugget's words
_OPTIONAL = 0.3  # weight of an optional nugget and of an extra claim, as upstream has it
_UNCLOSED = re.compile(r"""([^"\s}\]])\s*,\s*"status"\s*:""")
_BAD_ESCAPE = re.compile(r"""\\(?!["\\/bfnrtu])""")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")
_MARKER = re.compile(r"^[ \t]*(?:[-*•–º]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_PLACE = re.compile(r"\([^()]*\d(?:st|nd|rd|th)\b[^()]*\)")  # "(2nd to 4th)" is no number of the sheet
_NONE = re.compile(r"\b(?:no|none|not|nothing|neither|nor|never|unknown|without|cannot)\b|n['’]t\b", re.IGNORECASE)
_STOP = frozenset((
    "a", "all", "an", "and", "ar", "are", "as", "at", "be", "been", "by", "call", "can", "do", "doe", "for", "from", "had", "ha",
    "has", "have", "in", "into", "is", "it", "its", "of", "on", "onli", "or", "over", "s", "that", "the", "their", "there",
    "these", "thi", "this", "those", "to", "wa", "was", "were", "what", "which", "with",
))  # fmt: skip


class Content(NamedTuple):
    """What a text says: stems of its words, and its numbers."""

    words: frozenset[str]
    numbers: frozenset[float]

    def without(self, given: Content) -> Content:
        return Content(self.words - given.words, self.numbers - given.numbers)

    def covers(self, needed: Content) -> bool:
        """Whether it has all of these numbers and enough of these words."""
        has = all(any(close(number, said) for said in self.numbers) for number in needed.numbers)
        return has and len(needed.words & self.words) >= _SHARE * len(needed.words)


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
            "nuggets": nuggets_of(folder / QUESTIONS, key, entry["Nuggets"]), "rows": [[n, *spans[n]] for n in rows],
            "right": [str(n) for n in rows], **{part: value.get(part) for part in ("numbers", "names", "in_order")},
        }  # fmt: skip
        categories = {part.strip().lower(): "yes" for part in str(entry["Categories"]).split(",")}
        found.append(Case(key, question, gold, str(annotation["twins"].get(key, key)), {"kind": kind} | categories))
    every = {name: "no" for case in found for name in case.groups if name != "kind"}
    return [replace(case, groups=every | dict(case.groups)) for case in found]


def _entries(path: Path) -> list[dict[str, Any]]:
    from openpyxl import load_workbook

    rows = load_workbook(path, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True)
    head = next(rows)
    return [dict(zip(head, row, strict=True)) for row in rows if row[0] is not None]


def _numbered(rows: Sequence[Any]) -> Iterator[int]:
    for row in rows:
        yield from range(row[0], row[1] + 1) if isinstance(row, list) else (row,)


def nuggets_of(path: Path, key: str, cell: str) -> list[dict[str, str]]:
    """A cell's nuggets; an unclosed text and a bad escape, of which upstream has one each, are mended."""
    for text in (cell, _UNCLOSED.sub(r'\1", "status":', _BAD_ESCAPE.sub(r"\\\\", cell))):
        try:
            found: list[dict[str, str]] = json.loads(text)
        except json.JSONDecodeError:
            continue
        return found
    raise malformed(path, f"question {key}", "its nuggets are no JSON")


@cache
def rows_of(path: Path) -> tuple[str, dict[int, tuple[int, int]]]:
    """The sheet's text as an index has it, and the place of each row in it, by its number there."""
    document = parse(path)
    spans: dict[int, tuple[int, int]] = {}
    for block in document.blocks:
        if block.row is not None:  # a long row is several lines
            spans[block.row] = (spans.get(block.row, (block.start,))[0], block.end)
    return document.text, spans


@cache
def rows_apart(folder: Path) -> Corpus:
    """Every row as a document of its own, named by its number."""
    text, spans = rows_of(folder / FILE)
    documents = [BeirDocument(str(n), f"FMEA, row {n}", text[start:end]) for n, (start, end) in spans.items() if n > 1]
    return Corpus("fmea-rows", documents, {}, {})


def solve(context: Context, arm: Arm) -> Any:
    app, folder = the_app(context, arm), context.data("fmea_hybrid_rag")
    if arm == "oracle":
        return ask_app(context, arm, app=app, corpus=partial(rows_apart, folder))
    return ask_app(context, arm, app=app, corpus=None, docs=alone(folder / FILE, context.settings.home))


def the_app(context: Context, arm: Arm) -> SectorApp:
    """manufacturing_qa, without the rule that computes where that is to be left out."""
    tables = context.option("tables", "on")
    if tables not in TABLES:
        raise UnknownName("tables", tables, list(TABLES))
    app = load_app("manufacturing_qa")
    if tables == "on" and arm != "oracle":
        return app
    return replace(app, before=tuple(rule for rule in app.before if getattr(rule, "__name__", "") != "from_tables"))


def alone(path: Path, home: Path) -> Path:
    """A folder that holds a copy of this file and nothing else: beside it lie the answers."""
    copy = home / "benchmarks" / "corpora" / "fmea" / path.name
    if not copy.exists() or not filecmp.cmp(path, copy, shallow=False):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return copy.parent


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of nuggets, of values and of "none"; where documents are searched, of the rows found and computed with as well."""
    kind, declines = gold["kind"], abstains(reply) is True
    computed = (reply or {}).get("computed")
    text = said(gold, reply)
    recall, precision = nugget_scores(gold, text) if reply is not None else (0.0, 0.0)
    value = kind == "value" and has_value(gold, text)
    none = kind == "none" and (declines or _says_none(text, computed))
    values = {
        "nugget_recall": recall, "nugget_precision": precision, "value": float(kind == "value"), "value_right": float(value),
        "none": float(kind == "none"), "none_right": float(none), "none_abstained": float(kind == "none" and declines),
        **judge_columns(reply), "declined_rightly": float(kind == "none" and declines),
    }  # fmt: skip
    missed = False
    if reply is None or "read" in reply:
        look_up = kind == "look-up"
        used = rows_used(gold, computed) if computed else (0.0, 0.0)
        found = used[0] if computed else rows_found(gold, reply["hits"][:10]) if reply else 0.0
        missed = look_up and not found
        values |= {
            "look_up": float(look_up), "rows_found": found * look_up, "computed": float(bool(computed)),
            "look_up_computed": float(look_up and bool(computed)),
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


def nugget_scores(gold: Mapping[str, Any], text: str) -> tuple[float, float]:
    """Upstream's recall and precision of the nuggets: optional ones add to precision alone, and extra claims take from it."""
    given = content(" ".join((gold["question"], *gold["columns"])))
    whole, wanted = content(text), [(n["status"] == "ESSENTIAL", content(n["nugget"])) for n in gold["nuggets"]]
    needed = [_left(nugget, given) for _, nugget in wanted]
    matched = [bool(text) and whole.covers(need) for need in needed]
    essential = sum(is_essential for is_essential, _ in wanted)
    hits = sum(m for m, (is_essential, _) in zip(matched, wanted, strict=True) if is_essential)
    extra = 0
    for start, end in sentences(text):
        item = content(text[start:end])
        own = item.without(given)
        states = (item.covers(n) or nugget.covers(own) for n, (_, nugget) in zip(needed, wanted, strict=True))
        extra += any(own) and not any(states)
    weight = hits + _OPTIONAL * (sum(matched) - hits)
    total = weight + _OPTIONAL * extra
    return hits / essential if essential else 1.0, weight / total if total else 0.0


def _left(nugget: Content, given: Content) -> Content:
    """What a nugget adds to the question; all of it where it adds nothing."""
    own = nugget.without(given)
    return own if any(own) else nugget


def content(text: str) -> Content:
    """Words of English are stemmed as ROUGE stems them; every word of denial is "not"."""
    text = _NONE.sub(" not ", _PLACE.sub("", text))
    words = frozenset(word for word in _tokenizer().tokenize(text) if not word[0].isdigit()) - _STOP
    return Content(words, frozenset(number for number, _ in numbers_of(text)))


@cache
def _tokenizer() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


def numbers_of(text: str) -> list[tuple[float, int]]:
    """The numbers of a text, each with its place."""
    return [(float(match[0].replace(",", "")), match.start()) for match in _NUMBER.finditer(text)]


def close(wanted: float, number: float) -> bool:
    """Whole numbers are counts and scores, and exact; others within 1 % or 0.01."""
    if wanted.is_integer() and number.is_integer():
        return wanted == number
    return abs(wanted - number) <= max(0.01, 0.01 * abs(wanted)) + 1e-9


def has_value(gold: Mapping[str, Any], text: str) -> bool:
    """Whether all the numbers and names of a right value are in the text, in their order where that is asked for."""
    plain, numbers = " ".join(text.casefold().split()), numbers_of(text)
    places = {
        "numbers": [min((at for n, at in numbers if close(w, n)), default=-1) for w in map(float, gold["numbers"] or ())],
        "names": [plain.find(name.casefold()) for name in gold["names"] or ()],
    }  # fmt: skip
    ordered = places[gold["in_order"]] if gold["in_order"] else []
    return all(at >= 0 for part in places.values() for at in part) and ordered == sorted(ordered)


def _says_none(text: str, computed: Mapping[str, Any] | None) -> bool:
    """An empty result; or a word of denial in the first sentence, where nothing was computed."""
    if computed:
        return computed["total"] == 0
    first = next(iter(sentences(text)), (0, 0))
    return bool(_NONE.search(text[slice(*first)]))


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
        ratio("row recall@10", "rows_found", "look_up", about="of look-ups: share of the right rows in ten passages, or computed with"),
        mean("computed", about="answered by a query to the table, without the model"),
        ratio("rows used recall", "used_recall", "look_up_computed", about="of computed look-ups: share of the right rows it rests on"),
        ratio("rows used precision", "used_precision", "look_up_computed", about="of computed look-ups: share of the rows it rests on that are right"),
        JUDGED,
    ),
    cases=cases,
    solve=solve,
    score=score,
    note="`--set tables=off` asks the app without its computed answers.",
    options=("tables",),
)  # fmt: skip
