"""Triage: scores of urgency in three levels (Semigran 2015, Kopka 2023) and of the five ESI levels.

Three levels, most urgent first: `em` emergency, `ne` a clinician but no emergency, `sc` self-care. Published figures are
reproduced from published predictions in the tests of this file.
"""

from __future__ import annotations

import numpy as np

from sectoreval.measures import Array, Measure, mean, ratio

LEVELS = ("em", "ne", "sc")
ESI = (1, 2, 3, 4, 5)


def urgency_columns(gold: str, said: str | None) -> dict[str, float]:
    """Columns of `URGENCY`; None is no advice, which is wrong, and neither safe nor an over-triage.

    ValueError for a level that is none.
    """
    right = said == gold
    wanted = LEVELS.index(gold)
    given = LEVELS.index(said) if said is not None else None
    values = {
        "correct": float(right), "safe": float(given is not None and given <= wanted), "advice": float(given is not None),
        "wrong": float(not right), "over": float(given is not None and given < wanted),
        "missed": float(gold == "em" and said == "sc"),
    }  # fmt: skip
    for level in LEVELS:
        values |= {level: float(gold == level), f"{level}_right": float(right and gold == level)}
    return values


URGENCY: tuple[Measure, ...] = (
    mean("accuracy", "correct", about="the right level"),
    ratio("safety of advice", "safe", "advice", about="share of advice that is as urgent as it should be, or more"),
    ratio("emergency recall", "em_right", "em", about="share of emergencies that are called one"),
    ratio("non-emergency recall", "ne_right", "ne", about="share of non-emergencies that are called one"),
    ratio("self-care recall", "sc_right", "sc", about="share of self-care cases that are called one"),
    ratio(
        "inclination to over-triage",
        "over",
        "wrong",
        about="share of the errors that are too urgent",
        higher_is_better=False,
    ),
    mean("comprehensiveness", "advice", about="share of cases that get any advice"),
    mean("emergencies given self-care", "missed", about="share of all cases; must be 0", higher_is_better=False),
)


def esi_columns(gold: int, said: int | None) -> dict[str, float]:
    """Columns of `ESI_MEASURES`; None is no level, which is wrong and, of the sickest, a severe under-triage."""
    severe = gold <= 2
    values = {
        "exact": float(said == gold), "within": float(said is not None and abs(said - gold) <= 1),
        "under": float(said is None or said > gold), "over": float(said is not None and said < gold),
        "sick": float(severe), "severe": float(severe and (said is None or said > 2)),
    }  # fmt: skip
    # Without a level, the case is counted as the least urgent one: the worst that can be made of it.
    level = 5 if said is None else said
    return values | {f"gold{g}_said{s}": float(g == gold and s == level) for g in ESI for s in ESI}


def quadratic_kappa() -> Measure:
    """Cohen's kappa with quadratic weights over the five levels; NaN where all is one level."""
    columns = tuple(f"gold{g}_said{s}" for g in ESI for s in ESI)

    def of(means: Array) -> Array:
        table = means.reshape(*means.shape[:-1], len(ESI), len(ESI))
        weights = (np.subtract.outer(ESI, ESI) / (len(ESI) - 1)) ** 2
        chance = table.sum(axis=-1)[..., :, None] * table.sum(axis=-2)[..., None, :]
        seen, expected = (table * weights).sum(axis=(-2, -1)), (chance * weights).sum(axis=(-2, -1))
        return np.asarray(1 - np.divide(seen, expected, out=np.full_like(seen, np.nan), where=expected > 0))

    return Measure(
        "quadratic kappa", columns, "agreement beyond chance, far misses counting more", of=of, bounds=(-1.0, 1.0)
    )


ESI_MEASURES: tuple[Measure, ...] = (
    mean("exact", about="the nurse's own level"),
    mean("within one", "within", about="at most one level off"),
    quadratic_kappa(),
    mean("under-triage", "under", about="less urgent than the nurse said", higher_is_better=False),
    mean("over-triage", "over", about="more urgent than the nurse said", higher_is_better=False),
    ratio(
        "severe under-triage", "severe", "sick", about="share of levels 1 and 2 called 3 to 5", higher_is_better=False
    ),
)
