"""Logs: from Inspect's logs of a run to the results of its cases, every one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case
from sectoreval.replies import EVIDENCE, FAILURE, REPLY
from sectoreval.results import ArmResult, CaseResult
from sectoreval.run_folder import ERROR, NOT_RUN

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample


def read_arms(
    benchmark: Benchmark, arms: Sequence[Arm], cases: Sequence[Case], logs: Path, model: str
) -> Iterator[ArmResult]:
    """The results of these arms, from their newest logs; scores are computed from the replies anew.

    An arm without a log is there with all its cases, none of them run.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_samples

    newest: dict[str, EvalLog] = {}
    for info in list_eval_logs(str(logs), descending=False):
        header = read_eval_log(info, header_only=True)
        if (header.eval.metadata or {}).get("benchmark") == benchmark.name:
            newest[str((header.eval.metadata or {})["arm"])] = header
    by_id = {case.id: case for case in cases}
    for arm in arms:
        kept = read_eval_log_samples(newest[arm].location, all_samples_required=False) if arm in newest else ()
        found = {str(s.id): case_result(benchmark, by_id[str(s.id)], s) for s in kept if str(s.id) in by_id}
        every = tuple(found.get(case.id) or case_result(benchmark, case, None) for case in cases)
        yield ArmResult(benchmark.name, arm, model if benchmark.asks([arm]) else "none", every)


def case_result(benchmark: Benchmark, case: Case, sample: EvalSample | None) -> CaseResult:
    """One case as the log has it; one without a log, or without a reply, is a wrong answer with its reason."""
    score = (sample.scores or {}).get(benchmark.name) if sample else None
    kept = (score.metadata or {}) if score else {}
    reply = kept.get(REPLY)
    failure = None if reply is not None else why_none(sample, kept.get(FAILURE))
    scored = benchmark.score(case.gold, reply)
    usage = list(sample.model_usage.values()) if sample else []
    return CaseResult(
        id=case.id, asked=case.asked, said=scored.said, expected=scored.expected,
        outcome="failed" if failure else scored.outcome, values=dict(scored.values), cluster=case.cluster,
        groups=dict(case.groups), evidence=list(kept.get(EVIDENCE) or []),
        seconds=round((sample.working_time or sample.total_time or 0.0) if sample else 0.0, 3),
        prompt_tokens=sum(u.input_tokens for u in usage), completion_tokens=sum(u.output_tokens for u in usage),
        failure=failure,
    )  # fmt: skip


def why_none(sample: EvalSample | None, said: str | None) -> str:
    """Why a case has no reply; `said` is the solver's own reason."""
    if sample is None:
        return NOT_RUN
    if sample.error is not None:
        return f"{ERROR}: {sample.error.message}"
    if sample.limit is not None:
        return "timeout"
    return said or "no reply"
