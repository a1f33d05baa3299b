"""A run that nobody made: two benchmarks, three arms, two models, with failures, hostile texts and several scripts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sectoreval.benchmark import Benchmark
from sectoreval.measures import harmonic, mean, position_bias, positions, ratio
from sectoreval.results import ArmResult, CaseResult, RunResult
from sectorkit.errors import UnknownName

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & <b>bold</b>"
ARMS = ("closed_book", "hybrid", "oracle")
MODELS = ("small-1.5b", "large-32b")
QUESTIONS = {
    "en": "How loud may a bar be between ten at night and six in the morning, and who measures it?",
    "de": "Wann muss ich meinen Wohnsitz anmelden, und welche Unterlagen brauche ich dafür?",
    "zh": "施工噪声在夜间不得超过多少分贝？由哪个部门负责监测？",
    "ar": "ما هي المستندات المطلوبة لتسجيل مكان الإقامة في المدينة؟",
}
ANSWERS = {
    "en": "45 dB(A), measured at the window of the nearest dwelling.",
    "de": "Innerhalb von zwei Wochen nach dem Einzug, mit Ausweis und Bestätigung des Wohnungsgebers.",
    "zh": "夜间不得超过55分贝，由生态环境局负责监测。",
    "ar": "جواز السفر وعقد الإيجار وتأكيد من صاحب السكن.",
}
_SKILL = {
    "closed_book": 0.35,
    "hybrid": 0.68,
    "oracle": 0.86,
    "small-1.5b": -0.08,
    "medium-7b": 0.0,
    "large-32b": 0.08,
    "huge-671b": 0.3,
}
_FAILURES = ("timeout", "truncated", f"ServerUnavailable: no answer {HOSTILE}")


def sample_run(
    *, cases: int = 60, models: Sequence[str] = MODELS, seed: int = 0, finished: str = "2026-03-01T12:30:00Z"
) -> RunResult:
    """The run; `seed` decides who is right. Cases of one page come in pairs; one in 25 fails."""
    dice = random.Random(seed)
    arms = [
        ArmResult(benchmark, arm, model, tuple(make(dice, number, arm, model) for number in range(cases)))
        for benchmark, make in (("city_pages", _page_case), ("pump_choices", _choice_case))
        for model in models
        for arm in ARMS
    ]
    return RunResult(_about(models, finished), tuple(arms))


def load_sample(name: str) -> Benchmark:
    """What `load_benchmark` is to real runs."""
    known = {benchmark.name: benchmark for benchmark in (_CITY_PAGES, _PUMP_CHOICES)}
    if name not in known:
        raise UnknownName("benchmark", name, list(known))
    return known[name]


def _about(models: Sequence[str], finished: str) -> dict[str, Any]:
    return {
        "command": "sectoreval run city_pages pump_choices --models " + " ".join(models) + " --seed 0",
        "finished": finished,
        "seed": 0,
        "sample": {"city_pages": 60, "pump_choices": 60},
        "models": {name: {"revision": "4b1f2c9", "licence": "Apache-2.0", "engine": "vllm 0.32.0"} for name in models},
        "hardware": {"cpu": "2 cores, AVX-512", "memory": "16 GB"},
        "versions": {"sectorkit": "0.4.0", "python": "3.11.9", "inspect_ai": "0.3.250"},
        "prompts": {"answer": "sha256:1f0c77a2", "choice": "sha256:9ab3e1d4"},
        "data": {
            "city-pages": {
                "title": "Questions on municipal pages",
                "revision": "c0ffee12",
                "licence": "CC BY 4.0",
                "citation": "Doe et al. (2024), Questions on Pages of Cities & Towns, <Proc.> 12, 1-9",
            },
            "pump-choices": {"revision": "0.1", "licence": "MIT", "citation": "Roe (2025), Which Pump Failed?"},
        },
    }


def _page_case(dice: random.Random, number: int, arm: str, model: str) -> CaseResult:
    language = list(QUESTIONS)[number % 4]
    right = dice.random() < _SKILL[arm] + _SKILL[model] - (0.15 if language == "ar" else 0)
    failure = dice.choice(_FAILURES) if dice.random() < 0.04 else None
    wrong = (
        "wrong",
        "partly right",
        "retrieval missed" if arm == "hybrid" else "wrong",
        "abstained wrongly",
        "answered wrongly",
        "format",
    )
    outcome = "failed" if failure else "right" if right else dice.choice(wrong)
    correct = float(outcome == "right")
    hits = 0.0 if failure else 0.5 if outcome == "partly right" else correct
    said = HOSTILE if number == 7 else ANSWERS[language] if right else f"I do not know. {number}"
    evidence = [
        {
            "id": f"page-{number // 2}-{rank}",
            "title": f"Page {number // 2} <i>of</i> the city",
            "text": f"{ANSWERS[language]} " * 5,
        }
        for rank in range(0 if arm == "closed_book" else 3)
    ]
    return CaseResult(
        id=f"page-{number:04}",
        asked=f"{QUESTIONS[language]} ({number}{', ' + HOSTILE if number == 3 else ''})",
        said="" if failure else said,
        expected=ANSWERS[language],
        outcome=outcome,
        values={"correct": correct, "hits": hits, "said": float(not failure), "due": 1.0, "abstained": float(outcome == "abstained wrongly"), "nothing": 0.0, "nothing_due": 0.0},
        cluster=f"page-{number // 2}",
        groups={"language": language, "answerable": "yes" if number % 5 else "no", "page": f"page-{number}"},
        evidence=evidence,
        seconds=round(dice.lognormvariate(0.4, 0.5), 3),
        prompt_tokens=120 if arm == "closed_book" else 1480 + number,
        completion_tokens=0 if failure else 40 + number % 17,
        failure=failure,
    )  # fmt: skip


def _choice_case(dice: random.Random, number: int, arm: str, model: str) -> CaseResult:
    gold = number % 4
    right = dice.random() < _SKILL[arm] + _SKILL[model] - 0.1
    failure = "timeout" if dice.random() < 0.03 else None
    picked = None if failure else gold if right else dice.choice([0, 0, 1, 2, 3])
    correct = float(picked == gold)
    return CaseResult(
        id=f"pump-{number:04}",
        asked=f"Which sensor shows a worn bearing of pump {number}?\nA) flow\nB) vibration\nC) humidity\nD) level",
        said="" if picked is None else "ABCD"[picked],
        expected="ABCD"[gold],
        outcome="failed" if failure else "right" if correct else "wrong",
        values={"correct": correct} | positions(4, picked, gold),
        seconds=round(dice.uniform(0.1, 0.4), 3),
        prompt_tokens=210,
        completion_tokens=0 if failure else 1,
        failure=failure,
    )


def _never(*_: object) -> Any:
    raise AssertionError("a report runs no benchmark")


_CITY_PAGES = Benchmark(
    name="city_pages",
    title="Questions on municipal pages",
    sector="governance",
    source="city-pages",
    arms=ARMS,
    measures=(
        mean("accuracy", "correct", about="share of cases that are answered right"),
        harmonic("F1", ("hits", "said"), ("hits", "due"), about="harmonic mean of precision and recall of the facts"),
        ratio("precision", "hits", "said", about="share of what was said that is right"),
        mean(
            "false abstention", "abstained", about="share of answerable cases without an answer", higher_is_better=False
        ),
        ratio("never defined", "nothing", "nothing_due", about="a measure that no case of this run counts for"),
    ),
    cases=_never,
    solve=_never,
    score=_never,
    note="Pages in four languages; a case in five has no answer in them.",
)
_PUMP_CHOICES = Benchmark(
    name="pump_choices",
    title="Sensors and failures of pumps",
    sector="manufacturing",
    source="pump-choices",
    arms=ARMS,
    measures=(mean("accuracy", "correct", about="share of right choices"), position_bias(4)),
    cases=_never,
    solve=_never,
    score=_never,
)
