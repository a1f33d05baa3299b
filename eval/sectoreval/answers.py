"""Answers: what benchmarks of free answers share in scoring them: overlap with a reference, citations, what was read.

A case's gold holds `reference`, the answer to compare with, and `right`, the documents that answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sectoreval.benchmark import Outcome, Reply
from sectoreval.measures import Measure, harmonic, mean, ratio
from sectoreval.texts import rouge

CITATIONS: tuple[Measure, ...] = (
    ratio("citations right", "cited_right", "cited", about="share of citations that are in a right document"),
    ratio("right one read", "read_right", "has_right", about="the model saw a right document, where there is one"),
    ratio(
        "right ones read", "read_share", "has_right", about="share of the right documents of which the model saw some"
    ),
)


ABSTENTION: tuple[Measure, ...] = (
    harmonic("abstention F1", ("both", "abstained"), ("both", "unanswerable"), about="of abstaining"),
    ratio("abstention precision", "both", "abstained", about="share of abstentions that are right"),
    ratio("abstention recall", "both", "unanswerable", about="share of unanswerable questions on which it abstains"),
)


JUDGED = mean(
    "judged right",
    "judged",
    about="by the run's judge: the answer says what the reference says; or it abstains where there is no answer",
)


def judge_columns(reply: Reply | None, *, answerable: bool = True) -> dict[str, float]:
    """What a judge goes by, to fill the column of JUDGED: is there an answer to read, and is abstaining right."""
    return {
        "open": float(answerable and answered(reply)),
        "declined_rightly": float(not answerable and abstains(reply) is True),
    }


def abstention_columns(*, answerable: bool, abstains: bool | None) -> dict[str, float]:
    """The columns of ABSTENTION, and `answerable`. None is a failed case: it abstained exactly where it should not have."""
    return {
        "answerable": float(answerable), "unanswerable": float(not answerable),
        "abstained": float(answerable if abstains is None else abstains), "both": float(bool(abstains) and not answerable),
    }  # fmt: skip


def abstains(reply: Reply | None) -> bool | None:
    """Whether it declines to answer; None for a failed case."""
    return None if reply is None else not answered(reply)


def answered(reply: Reply | None) -> bool:
    """Whether it answers, and does not decline. A failed case has done neither."""
    return reply is not None and reply["verdict"] != "abstained"


def citation_columns(gold: Mapping[str, Any], reply: Reply | None) -> dict[str, float]:
    """The columns of CITATIONS, as far as they apply: without documents (closed book) there are none."""
    right = set(gold["right"])
    if reply is None or "read" not in reply:
        return _none_read(right) if reply is None else {}
    cited = [c["document"] for c in reply["citations"]] if answered(reply) else []
    return {
        "cited": float(len(cited)), "cited_right": float(sum(document in right for document in cited)),
        "read_right": float(bool(right & set(reply["read"]))), "has_right": float(bool(right)),
        "read_share": len(right & set(reply["read"])) / len(right) if right else 0.0,
    }  # fmt: skip


def _none_read(right: set[str]) -> dict[str, float]:
    return {"cited": 0.0, "cited_right": 0.0, "read_right": 0.0, "read_share": 0.0, "has_right": float(bool(right))}


def rouge_columns(gold: Mapping[str, Any], reply: Reply | None) -> dict[str, float]:
    """`precision`, `recall` and `f1` of ROUGE-L against the reference; 0 for what is no answer."""
    if reply is None or not answered(reply):
        return dict.fromkeys(("precision", "recall", "f1"), 0.0)
    return dict(zip(("precision", "recall", "f1"), rouge(reply["text"], gold["reference"]), strict=True))


def outcome(gold: Mapping[str, Any], reply: Reply | None, *, overlap: float) -> Outcome:
    """What became of a case that its documents answer. "right" takes an overlap of a half, "partly right" of a fifth.

    These two words are for finding one's way among the cases. No measure counts them.
    """
    if reply is None:
        return "failed"
    if gold["right"] and "read" in reply and not set(gold["right"]) & set(reply["read"]):
        return "retrieval missed"
    if not answered(reply):
        return "abstained wrongly"
    return "right" if overlap >= 0.5 else "partly right" if overlap >= 0.2 else "wrong"


ROUGE_L: tuple[Measure, ...] = (
    mean("ROUGE-L F1", "f1", about="overlap with the reference answer; 0 where there is no answer"),
    mean("ROUGE-L recall", "recall", about="share of the reference's words that the answer has, in order"),
    mean("ROUGE-L precision", "precision", about="share of the answer's words that the reference has, in order"),
)
