"""Choices: what every multiple-choice benchmark shares in reading and scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored, Sector
from sectoreval.choice import LETTERS, Question, choose
from sectoreval.context import DEBIAS, Context
from sectoreval.measures import Measure, mean, position_bias, positions


def choice_measures(options: int) -> tuple[Measure, ...]:
    """Plain accuracy first; what takes position bias out beside it; the bias itself."""
    return (
        mean("accuracy", "correct", about="right, asked plainly"),
        mean("calibrated", about="right, each letter's prior taken off"),
        mean("permuted", about="right, averaged over every rotation of the options"),
        position_bias(options),
        mean("chance", about="what guessing gives on these questions"),
    )


def choice_benchmark(
    *, name: str, title: str, sector: Sector, source: str | None, options: int, cases: Callable[[Context], list[Case]],
    takes: tuple[str, ...] = (),
) -> Benchmark:  # fmt: skip
    """A benchmark of one question a case, asked without documents; `options` is the most that a question has.

    `takes` are what `--set` and `--data` may say of it.
    """
    return Benchmark(
        name=name, title=title, sector=sector, source=source, arms=("closed_book",), measures=choice_measures(options),
        cases=cases, solve=lambda context, arm: choose(context, one_question), score=partial(score_choice, options),
        options=takes,
    )  # fmt: skip


def choice_case(identifier: str, question: str, options: Sequence[str], right: int, **more: Any) -> Case:
    """A case of one question; `more` are `groups` and `cluster`, and what its gold holds besides."""
    gold = {"question": question, "options": list(options), "right": right, **more.pop("gold", {})}
    return Case(identifier, in_words(question, options), gold, **more)


def one_question(gold: Mapping[str, Any]) -> dict[str, Question]:
    """The one question of such a case, by the name "answer"."""
    return {"answer": Question(gold["question"], tuple(gold["options"]))}


def score_choice(options: int, gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """The columns of `choice_measures(options)`; `options` is the most that a question of the benchmark has."""
    picked = reply["answer"]["plain"] if reply else None
    right = float(picked == gold["right"])
    values = {"correct": right, "chance": 1 / len(gold["options"])}
    values |= debiased(reply["answer"] if reply else None, gold["right"]) | positions(options, picked, gold["right"])
    said = "" if picked is None else f"{LETTERS[picked]}. {gold['options'][picked]}"
    return Scored(values, outcome_of(reply, right), said, f"{LETTERS[gold['right']]}. {gold['options'][gold['right']]}")


def debiased(picks: Mapping[str, Any] | None, right: int) -> dict[str, float]:
    """A column for each way in which the run took position bias out; of a case that failed, all of them."""
    if picks is None:
        return dict.fromkeys(DEBIAS, 0.0)
    return {name: float(picks[name] == right) for name in DEBIAS if name in picks}


def outcome_of(reply: Reply | None, right: float) -> Outcome:
    return "failed" if reply is None else "right" if right else "wrong"


def in_words(question: str, options: Sequence[str]) -> str:
    """The question as a reader is shown it."""
    return "\n".join([question, *(f"{LETTERS[n]}. {option}" for n, option in enumerate(options))])
