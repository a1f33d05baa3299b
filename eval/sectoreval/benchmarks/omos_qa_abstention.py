"""OMoS-QA, abstention: does the page answer the question at all? Asked with the page given, all 252 test questions.

Official metric: "no line is selected" as the positive class; precision, recall and F1 over all questions. An answer
that quotes nothing from the page selects no line, as an abstention does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sectoreval.answers import abstention_columns
from sectoreval.benchmark import Benchmark, Outcome, Reply, Scored
from sectoreval.benchmarks import _omos
from sectoreval.benchmarks.omos_qa_lines import selected, solve
from sectoreval.measures import harmonic, mean, ratio


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of a two-by-two table. A failed case is wrong in it: it abstained exactly where it should not have."""
    answerable = bool(gold["lines"])
    none = None if reply is None else not selected(gold, reply)[0]
    values = abstention_columns(answerable=answerable, abstains=none)
    values["right"] = float(none is not None and none != answerable)
    outcome: Outcome = "right" if values["right"] else "abstained wrongly" if answerable else "answered wrongly"
    expected = "the page answers it" if answerable else "the page does not answer it"
    return Scored(values, "failed" if reply is None else outcome, str(reply["text"]) if reply else "", expected)


BENCHMARK = Benchmark(
    name="omos_qa_abstention",
    title="OMoS-QA, abstention",
    sector="governance",
    source="omos_qa",
    arms=("oracle",),
    measures=(
        harmonic("F1", ("both", "abstained"), ("both", "unanswerable"), about="of abstaining, the official score"),
        ratio("precision", "both", "abstained", about="share of abstentions on pages that do not answer"),
        ratio("recall", "both", "unanswerable", about="share of unanswerable questions on which it abstains"),
        mean("accuracy", "right", about="abstains exactly where the page does not answer"),
    ),
    cases=partial(_omos.cases, default="de", answerable_only=False),
    solve=solve,
    score=score,
    options=("languages", "pages", "split"),
)
