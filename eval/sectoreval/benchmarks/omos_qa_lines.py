"""OMoS-QA, lines: which lines of a page answer the question. An app's lines are those that its citations quote.

`oracle` is nearest to the official setting: the app searches the page alone, and the model sees as much of it as fits into
the app's prompt. The other arms look for it among all 617 pages, and what they quote from another page counts as wrong.

Official metric: precision and recall of each question (precision 1 where nothing is selected), each averaged, and F as the
harmonic mean of the two averages.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sectoreval.arms import Arm
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Outcome, Reply, Scored
from sectoreval.benchmarks import _omos
from sectoreval.context import Context
from sectoreval.measures import harmonic, mean


def selected(gold: Mapping[str, Any], reply: Reply) -> tuple[set[int], int]:
    """The lines of the gold page that an answer's citations touch, and how many citations are of other pages.

    What an abstention shows as closest is no answer.
    """
    lines: set[int] = set()
    elsewhere = 0
    if reply["verdict"] == "abstained":
        return lines, elsewhere
    with_text = [n for n, line in enumerate(gold["context"].split("\n")) if line.strip()]
    for citation in reply["citations"]:
        if citation["document"] == gold["right"][0]:
            lines |= {with_text[n] for n in citation["lines"]}
        else:
            elsewhere += 1
    return lines, elsewhere


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns `precision`, `recall`, `answered`; a failed case has selected nothing and gets neither."""
    wanted = set(gold["lines"])
    expected = "\n".join(gold["context"].split("\n")[n] for n in sorted(wanted))
    if reply is None:
        return Scored(
            dict.fromkeys(("precision", "recall", "one", "answered", "page"), 0.0) | {"one": 1.0},
            "failed",
            "",
            expected,
        )
    lines, elsewhere = selected(gold, reply)
    hit = len(lines & wanted)
    chosen = len(lines) + elsewhere
    values = {
        "precision": hit / chosen if chosen else 1.0, "recall": hit / len(wanted) if wanted else 0.0, "one": 1.0,
        "answered": float(reply["verdict"] != "abstained"), "page": float(gold["right"][0] in reply["read"]),
    }  # fmt: skip
    outcome: Outcome = "right" if hit and hit == chosen else "partly right" if hit else "wrong"
    if not hit and not values["page"]:
        outcome = "retrieval missed"
    elif not hit and reply["verdict"] == "abstained":
        outcome = "abstained wrongly"
    return Scored(values, outcome, reply["text"], expected)


def solve(context: Context, arm: Arm) -> Any:
    folder = context.data("omos_qa")
    language = _omos.searched(context, "de")
    return ask_app(context, arm, app="governance_search", corpus=partial(_omos.pages, folder, language))


BENCHMARK = Benchmark(
    name="omos_qa_lines",
    title="OMoS-QA, the lines that answer",
    sector="governance",
    source="omos_qa",
    arms=("lexical", "dense", "hybrid", "reranked", "oracle"),
    measures=(
        harmonic(
            "F", ("precision", "one"), ("recall", "one"), about="harmonic mean of the two averages, the official score"
        ),
        mean("precision", about="share of the quoted lines that answer; 1 where nothing is quoted"),
        mean("recall", about="share of the lines that answer which are quoted"),
        mean("answered", about="the app did not abstain"),
        mean("page read", "page", about="the model saw the page that answers"),
    ),
    cases=partial(_omos.cases, default="de", answerable_only=True),
    solve=solve,
    score=score,
    note="`--set languages=en` asks in another language, on pages of the same, or on those of `--set pages=de`.",
    options=("languages", "pages", "split"),
)
