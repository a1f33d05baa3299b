"""The table of cases of a report's page: what its script, cases.js, draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sectoreval.results import ArmResult, CaseResult, RunResult
from sectoreval.templates import finite

if TYPE_CHECKING:
    from sectoreval.report import Summary


def case_table(run: RunResult, summary: Summary, outcomes: Sequence[str]) -> dict[str, Any]:
    """In JSON form: for each benchmark its arms, groups and cases, arms side by side; and every passage once.

    `outcomes` are all there may be, in the order to choose from.
    """
    passages: dict[tuple[str, str, str], int] = {}
    benchmarks = [
        {
            "title": benchmark.title,
            "arms": [[arm.arm, arm.model] for arm in benchmark.arms],
            "groups": benchmark.groups,
            "cases": _side_by_side(run.of(benchmark.name), passages),
        }
        for benchmark in summary.benchmarks
    ]
    made: dict[str, Any] = finite({"outcomes": outcomes, "passages": list(passages), "benchmarks": benchmarks})
    return made


def _side_by_side(arms: Sequence[ArmResult], passages: dict[tuple[str, str, str], int]) -> list[dict[str, Any]]:
    """Each case once, with one result, or None, for each arm. Fills `passages`, which results refer to by number."""
    rows: dict[str, dict[str, Any]] = {}
    for column, arm in enumerate(arms):
        for case in arm.cases:
            first = {"id": case.id, "asked": case.asked, "expected": case.expected, "groups": dict(case.groups)}
            row = rows.setdefault(case.id, first | {"results": [None] * len(arms)})
            row["results"][column] = _result(case, passages)
    return list(rows.values())


def _result(case: CaseResult, passages: dict[tuple[str, str, str], int]) -> dict[str, Any]:
    shown = [(passage["id"], passage["title"], passage["text"]) for passage in case.evidence]
    return {
        "said": case.said,
        "outcome": case.outcome,
        "failure": case.failure,
        "values": dict(case.values),
        "evidence": [passages.setdefault(passage, len(passages)) for passage in shown],
        "seconds": case.seconds,
        "prompt_tokens": case.prompt_tokens,
        "completion_tokens": case.completion_tokens,
    }
