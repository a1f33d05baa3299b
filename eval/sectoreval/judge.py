"""Judge: another model says whether an answer states what the reference states. Optional, and measured itself.

Overlap of words cannot tell a right answer in other words from a wrong one in the same. A judge can err too, so that it
is asked about labelled answers in the same breath, and how far it agrees with their labels stands beside what it says.
It is never the model that gave the answers. It is held to "yes" or "no", asked in both orders, and what it prefers is
taken out by the threshold that does best on labelled answers; its agreement is counted on each half of these by the
threshold of the other.

Labelled answers are JSON Lines, `{"question", "reference", "answer", "right": true or false, "kind", "cluster"}`, the
last two optional: `kind` says what is wrong with an answer, `cluster` names what several share. Those that come with the
harness, labelled.jsonl, were written for it. Labels of answers of one's own run say more: `write_sheet`.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sectoreval.answers import JUDGED
from sectoreval.benchmark import Benchmark, Case, Reply, Scored, load_benchmark
from sectoreval.measures import Array, Measure, matrix, mean, ratio
from sectoreval.results import ArmResult, CaseResult, RunResult, write_whole
from sectoreval.statistics import estimate
from sectoreval.texts import without_marks
from sectorkit.bench.jsonl import field, malformed, read_jsonl
from sectorkit.errors import ConfigurationError, RequestError
from sectorkit.stats import Estimate

if TYPE_CHECKING:
    from sectoreval.context import Context

LABELLED = Path(__file__).with_name("labelled.jsonl")
FILE = "judged.json"  # in a run's folder
_LABELS = 30  # labelled answers that a judge is measured on, at least
_OPTIONS = ("yes, it states the same", "no, something is missing, different or contradicted")


@dataclass(frozen=True)
class Labelled:
    """An answer of which a person has said whether it is right."""

    question: str
    reference: str
    answer: str
    right: bool
    kind: str = ""
    cluster: str = ""


def read_labelled(path: Path = LABELLED) -> list[Labelled]:
    """The file's answers. ConfigurationError names a malformed line, and a file in which all have the same label."""
    found = []
    for number, entry in read_jsonl(path):
        if entry.get("right", "") is None:
            raise malformed(path, number, '"right" is not filled in')
        question = field(path, number, entry, "question", str)
        found.append(Labelled(
            question, field(path, number, entry, "reference", str), field(path, number, entry, "answer", str),
            field(path, number, entry, "right", bool), kind=str(entry.get("kind", "")),
            cluster=str(entry.get("cluster", "")) or question,
        ))  # fmt: skip
    for half in _halves(found):
        if len({case.right for case in half}) < 2:
            raise ConfigurationError(
                f"{path} should hold right and wrong answers to several questions, so that each half has both"
            )
    return found


def to_judge(run: RunResult) -> dict[str, tuple[str, str, str]]:
    """What a judge has to read: question, reference and answer by key, each once, of all arms.

    RequestError where the run has no answers that a judge could compare with a reference.
    """
    if not any(arm.has(_OPEN) for arm in run.arms):
        judged = [name for name in run.benchmarks() if JUDGED in load_benchmark(name).measures]
        raise RequestError(
            f"no case of this run is to be judged ({', '.join(run.benchmarks())}); "
            + (
                "it was run by older code, run it again"
                if judged
                else "a judge reads free answers to questions with a reference"
            )
        )
    opened = [case for arm in run.arms for case in arm.cases if case.values.get("open")]
    if not all(case.asked and case.expected for case in opened):
        raise RequestError("the answers' texts are not in this file, as in a baseline; name the run's folder")
    return {key_of(case): (case.asked, case.expected, without_marks(case.said)) for case in opened}


def key_of(case: CaseResult) -> str:
    """The same for the same question, reference and answer."""
    return hashlib.sha256(json.dumps([case.asked, case.expected, case.said]).encode()).hexdigest()[:20]


def check_judge(run: RunResult | None, judge: Mapping[str, Any]) -> None:
    """RequestError where the judge is a model that the run asked, by its name or by the hash of its files."""
    if run is None:
        return
    asked = run.about.get("model", {})
    same = isinstance(asked, dict) and asked.get("sha256") is not None and asked.get("sha256") == judge.get("sha256")
    if same or judge["name"] in {arm.model for arm in run.arms}:
        raise RequestError(f"{judge['name']} gave these answers, and no model judges its own; name another by --model")


def write_sheet(run: RunResult, path: Path, count: int, *, seed: int = 0) -> int:
    """Write `count` answers of the run, drawn by `seed`, as lines whose `right` a person fills in; says how many.

    RequestError where the file is there, since it may hold labels.
    """
    if path.exists():
        raise RequestError(f"{path} is there and may hold labels; name another file")
    answers = list(to_judge(run).values())
    chosen = random.Random(seed).sample(answers, min(count, len(answers)))
    lines = [
        json.dumps({"question": q, "reference": r, "answer": a, "right": None}, ensure_ascii=False)
        for q, r, a in chosen
    ]
    write_whole(path, "\n".join(lines) + "\n")
    return len(lines)


def ask_judge(
    labelled: Sequence[Labelled], answers: Mapping[str, tuple[str, str, str]], context: Context, folder: Path,
    *, concurrency: int,
) -> dict[str, Any]:  # fmt: skip
    """What `context.served` says of the labelled answers and of a run's, as `judgement` has it.

    What it has said before of the same answers is read from the logs in `folder`.
    """
    from sectoreval.logs import read_arms
    from sectoreval.run import ask, make_task
    from sectoreval.run_folder import code_hash, digest_of

    if context.served is None:
        raise ConfigurationError("a judge is a model; name one by --model")
    benchmark = benchmark_of(labelled, answers)
    cases = benchmark.cases(context)
    about = context.served.to_dict() | {"code": code_hash(), "asked": digest_of({benchmark.name: cases})}
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:8]
    logs = folder / "judge" / f"{context.served.name.replace('/', '_')}-{digest}"
    ask([make_task(benchmark, "closed_book", cases, context)], context, logs, concurrency=concurrency)
    (judged,) = read_arms(benchmark, ["closed_book"], cases, logs, context.served.name)
    return judgement(labelled, judged, about)


def benchmark_of(labelled: Sequence[Labelled], answers: Mapping[str, tuple[str, str, str]]) -> Benchmark:
    """The judge's own task: every labelled answer, and every answer of the run."""

    def cases(context: Context) -> list[Case]:
        texts = {f"labelled-{n}": (c.question, c.reference, c.answer) for n, c in enumerate(labelled)} | dict(answers)
        return [
            Case(key, answer, {"question": question, "reference": reference, "answer": answer})
            for key, (question, reference, answer) in texts.items()
        ]

    return Benchmark(
        name="judge", title="Judge", sector="own", source=None, arms=("closed_book",),
        measures=(mean("margin", about="log-odds of yes"),), cases=cases, solve=_solve, score=_score,
    )  # fmt: skip


def _solve(context: Context, arm: Any) -> Any:
    from sectoreval.choice import Question, choose

    def questions(gold: Mapping[str, Any]) -> dict[str, Question]:
        text = (
            f"A question, the right answer to it, and a person's answer.\n\nQuestion: {gold['question']}\n"
            f"Right answer: {gold['reference']}\nPerson's answer: {gold['answer']}\n"
        )
        return {"verdict": Question("Does the person's answer state what the right answer states?", _OPTIONS, text)}

    return choose(context, questions)


def _score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    if reply is None:
        return Scored({"margin": 0.0}, "failed")
    yes, no = reply["verdict"]["scores"]
    return Scored({"margin": yes - no}, "right")


def judgement(labelled: Sequence[Labelled], judged: ArmResult, about: Mapping[str, Any]) -> dict[str, Any]:
    """What is written to `judged.json`: the verdicts by key, and how far the judge agrees with the labels.

    An answer that could not be judged gets no yes, and takes no part in the threshold; a labelled one disagrees.
    """
    margins = {case.id: case.values["margin"] for case in judged.cases if case.failure is None}
    failed = {case.id for case in judged.cases if case.failure is not None}
    pairs = [(case, margins.get(f"labelled-{n}")) for n, case in enumerate(labelled)]
    one, other = _halves(pairs, of=lambda pair: pair[0])
    rows = [
        agreement_columns(case.right, None if margin is None else margin > best_threshold(fit))
        for fit, test in ((one, other), (other, one)) for case, margin in test
    ]  # fmt: skip
    order = [case for part in (other, one) for case, _ in part]
    threshold = best_threshold(pairs)
    wrong = [
        (case.kind, bool(row["accepted"]))
        for case, row in zip(order, rows, strict=True)
        if case.kind and not case.right
    ]
    agreement = {m.name: estimate(matrix(rows, m.columns), m, [case.cluster for case in order]) for m in AGREEMENT}
    answers = [case for case in judged.cases if not case.id.startswith("labelled-")]
    return {
        "judge": dict(about), "labelled": len(labelled), "threshold": threshold,
        "agreement": {name: found.to_dict() for name, found in agreement.items()},
        "better than guessing": len(labelled) >= _LABELS and _beats_guessing(agreement),
        "wrong accepted by kind": {
            kind: [sum(yes for k, yes in wrong if k == kind), sum(k == kind for k, _ in wrong)] for kind in sorted({k for k, _ in wrong})
        },
        "failed": {"labelled": sum(key.startswith("labelled-") for key in failed), "answers": sum(c.id in failed for c in answers)},
        "verdicts": {case.id: case.id not in failed and margins[case.id] > threshold for case in answers},
    }  # fmt: skip


def _beats_guessing(agreement: Mapping[str, Estimate]) -> bool:
    """Whether kappa is shown to be above 0; of perfect agreement no interval of kappa is known, and that of the share is."""
    return agreement["kappa"].low > 0 or (agreement["agreement"].mean == 1 and agreement["agreement"].low > 0.5)


def best_threshold(cases: Sequence[tuple[Labelled, float | None]]) -> float:
    """The margin above which "yes" agrees best with the labels, each label weighing the same; halfway between two.

    Cases without a margin could not be judged. Infinite where nothing tells one label from the other.
    """
    known = [(case.right, margin) for case, margin in cases if margin is not None]
    right, wrong = [m for label, m in known if label], [m for label, m in known if not label]
    if not right or not wrong:
        return math.inf
    margins = sorted({margin for _, margin in known})
    between = [a / 2 + b / 2 for a, b in pairwise(margins)]

    def balanced(at: float) -> float:
        return sum(m > at for m in right) / len(right) + sum(m <= at for m in wrong) / len(wrong)

    return max([margins[0] - 1, *between, margins[-1] + 1], key=balanced)


def agreement_columns(right: bool, accepted: bool | None) -> dict[str, float]:
    """The columns of AGREEMENT for one labelled answer; None is one that could not be judged: it disagrees."""
    yes = (not right) if accepted is None else accepted
    return {
        "agrees": float(right == yes), "right": float(right), "accepted": float(yes), "right_accepted": float(right and yes),
        "wrong": float(not right), "wrong_accepted": float(yes and not right),
    }  # fmt: skip


def _kappa(means: Array) -> Array:
    agrees, right, accepted = means[..., 0], means[..., 1], means[..., 2]
    chance = right * accepted + (1 - right) * (1 - accepted)
    return np.asarray(np.divide(agrees - chance, 1 - chance, out=np.full_like(agrees, np.nan), where=chance < 1))


_OPEN = mean("open", about="answers to be judged")
AGREEMENT: tuple[Measure, ...] = (
    mean("agreement", "agrees", about="share of labelled answers on which judge and label agree"),
    Measure("kappa", ("agrees", "right", "accepted"), "agreement beyond chance (Cohen)", of=_kappa, bounds=(-1.0, 1.0)),
    ratio("right accepted", "right_accepted", "right", about="share of the right answers that the judge accepts"),
    ratio("wrong accepted", "wrong_accepted", "wrong", about="share of the wrong answers that it accepts", higher_is_better=False),
)  # fmt: skip


def in_words(judged: Mapping[str, Any]) -> str:
    """What a reader has to know before believing the judge."""
    found = {name: Estimate(**value) for name, value in judged["agreement"].items()}
    said = (
        f"{judged['judge']['name']} judged. On {judged['labelled']} labelled answers it agrees with the label in "
        f"{found['agreement']} (kappa {found['kappa']}); it accepts {found['right accepted']} of the right ones and "
        f"{found['wrong accepted']} of the wrong ones."
    )
    failed = judged["failed"]
    if failed["labelled"] or failed["answers"]:
        said += f" It could not judge {failed['labelled']} labelled answers and {failed['answers']} of the run; these count against it."
    if judged["labelled"] < _LABELS:
        said += (
            f" Fewer than {_LABELS} labelled answers say too little of a judge: what it says of the run is left out."
        )
    elif not judged["better than guessing"]:
        said += " That is not shown to be better than guessing: what it says of the run is left out."
    return said


def with_judgement(run: RunResult, folder: Path) -> RunResult:
    """The run with what its folder's judge has said.

    Its verdicts are left out where it is not shown to be better than guessing; all of it, where it has not read all answers.
    """
    path = folder / FILE
    if not path.is_file():
        return run
    judged = json.loads(path.read_text(encoding="utf-8"))
    verdicts = judged["verdicts"]
    if any(key_of(c) not in verdicts for arm in run.arms for c in arm.cases if c.values.get("open")):
        return run
    about = {**judged["judge"], "agreement": in_words(judged)}
    arms = tuple(_with_column(arm, verdicts) for arm in run.arms) if judged["better than guessing"] else run.arms
    return RunResult({**run.about, "judge": about}, arms)


def _with_column(arm: ArmResult, verdicts: Mapping[str, bool]) -> ArmResult:
    if not arm.has(_OPEN):
        return arm

    def judged(case: CaseResult) -> CaseResult:
        right = float(verdicts[key_of(case)]) if case.values["open"] else case.values["declined_rightly"]
        return replace(case, values={**case.values, "judged": right})

    return replace(arm, cases=tuple(map(judged, arm.cases)))


def _halves(cases: Sequence[Any], of: Any = lambda case: case) -> Iterator[list[Any]]:
    """Two halves of the clusters, those that stand first, third, ... and the others."""
    places = {name: n for n, name in enumerate(dict.fromkeys(of(case).cluster for case in cases))}
    for half in (0, 1):
        yield [case for case in cases if places[of(case).cluster] % 2 == half]
