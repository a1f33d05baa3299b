"""Golden questions: an app's own test of itself, over its own sample documents. `--set app=NAME` names another app.

A case is answered rightly where a citation overlaps the words that its author marked: a strict reading, since another
passage may say the same. An answer computed from a table has no passages: the rows that it rests on stand for what was found,
read and cited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sectoreval.answers import ABSTENTION, JUDGED, abstains, abstention_columns, answered, judge_columns
from sectoreval.arms import Arm
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored
from sectoreval.context import Context
from sectoreval.measures import ratio
from sectorkit.app import SectorApp, load_app
from sectorkit.errors import ConfigurationError
from sectorkit.golden import locate, read_golden


def the_app(context: Context) -> SectorApp:
    return load_app(context.option("app", "governance_search"))


def cases(context: Context) -> list[Case]:
    """The cases of the app's golden.jsonl, with the spans of their evidence in the index's documents."""
    app = the_app(context)
    index = context.app_index(app)
    found = []
    for case in read_golden(app.golden):
        spans = []
        for quote in case.evidence:
            if (span := locate(quote, index)) is None:
                raise ConfigurationError(f"{app.golden}, {case.id}: {quote.source} does not hold {quote.text[:60]!r}")
            spans.append([quote.source, *span])
        gold = {
            "question": case.question, "reference": case.answer, "answerable": case.answerable, "spans": spans,
        }  # fmt: skip
        groups = {"language": case.language, "answerable": "yes" if case.answerable else "no"}
        found.append(Case(case.id, case.question, gold, groups=groups))
    return found


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of answering and abstaining; where documents are searched, of what was found and quoted as well."""
    answers, declines = answered(reply), abstains(reply) is True
    answerable = bool(gold["answerable"])
    values = abstention_columns(answerable=answerable, abstains=abstains(reply))
    values |= judge_columns(reply, answerable=answerable)
    values["answered"] = float(answers and answerable)
    values["quoted"] = float(answerable and reply is not None and reply["verdict"] == "quoted")
    cites = False
    if reply is None or "read" in reply:
        rows = _computed_with(reply)
        found, read, cited = (
            _held(gold, [*reply[part], *rows]) if reply else 0.0 for part in ("hits", "evidence_spans", "citations")
        )
        cites = answers and cited > 0
        values["shows"] = float(answerable and cited > 0)  # an abstention shows what comes closest
        values |= {"found": found * answerable, "read": read * answerable, "cites": float(cites and answerable)}
    outcome: Outcome
    if reply is None:
        outcome = "failed"
    elif not answerable:
        outcome = "right" if declines else "answered wrongly"
    elif cites:
        outcome = "right"
    elif "read" in reply and not values["read"]:
        outcome = "retrieval missed"
    else:
        outcome = "abstained wrongly" if declines else "wrong"
    return Scored(values, outcome, str(reply["text"]) if reply else "", gold["reference"])


def _computed_with(reply: Reply | None) -> list[dict[str, Any]]:
    """The rows that a computed answer rests on; one that leaves words out stands beside an answer, and is none."""
    computed = (reply or {}).get("computed")
    if not computed or computed.get("left"):
        return []
    return [{"source": computed["source"], "start": start, "end": end} for start, end, *_ in computed["used"]]


def _held(gold: Mapping[str, Any], spans: Any) -> float:
    """Share of the case's evidence that one of these overlaps; each has `source`, `start` and `end`."""
    held = [
        any(s["source"] == source and s["start"] < end and start < s["end"] for s in spans)
        for source, start, end in gold["spans"]
    ]
    return sum(held) / len(held) if held else 0.0


def solve(context: Context, arm: Arm) -> Any:
    return ask_app(context, arm, app=the_app(context).name, corpus=None)


BENCHMARK = Benchmark(
    name="golden",
    title="Golden questions of an app",
    sector="own",
    source=None,
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked"),
    measures=(
        ratio(
            "cites the gold words",
            "cites",
            "answerable",
            about="of the answerable: a citation, or a row computed with, overlaps the marked words",
        ),
        ratio(
            "shows the gold words",
            "shows",
            "answerable",
            about="the same, or what comes closest is shown where the app abstains: what a reader has before them",
        ),
        ratio("answered", "answered", "answerable", about="of the answerable: the app did not abstain"),
        ratio(
            "quoted", "quoted", "answerable", about="the same, in the documents' own words: none of the model's held"
        ),
        ratio(
            "evidence found",
            "found",
            "answerable",
            about="Recall@10: share of the marked words among ten passages, or rows computed with",
        ),
        ratio(
            "evidence read",
            "read",
            "answerable",
            about="the same among the passages that the model saw, or rows computed with",
        ),
        *ABSTENTION,
        JUDGED,
    ),
    cases=cases,
    solve=solve,
    score=score,
    options=("app",),
)
