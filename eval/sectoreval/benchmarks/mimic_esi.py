"""MIMIC-IV-ED Demo: the ESI level that a nurse gave, from the complaint and the vital signs.

207 visits of 64 people have a level; visits of one person are drawn together. Ages are not in these files, so that adults' limits
hold, as all are. `--set cases=subset` takes the 70 visits of men without an abdominal complaint on which YentlBench publishes models;
its file of predictions must lie beside the data. The label is one nurse's and no consensus.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.benchmarks._triaging import ARMS, NOTE, WITHOUT_MODEL, ask_triage, levels_said
from sectoreval.context import Context
from sectoreval.measures import mean
from sectoreval.triage import ESI, ESI_MEASURES, esi_columns
from sectorkit.errors import ConfigurationError, UnknownName

_VITALS = {
    "temperature": ("temperature", ""), "heartrate": ("heart rate", "1/min"), "resprate": ("respiratory rate", "1/min"),
    "o2sat": ("oxygen saturation", "%"), "sbp": ("systolic pressure", "mmHg"), "dbp": ("diastolic pressure", "mmHg"),
}  # fmt: skip
_OPTIONS = (
    "ESI 1: needs a life-saving intervention at once", "ESI 2: high risk, should not wait", "ESI 3: stable, several resources",
    "ESI 4: one resource", "ESI 5: no resource",
)  # fmt: skip
_SUBSET = "derived_yentlbench_sexomitted_predictions.csv"


def cases(context: Context) -> list[Case]:
    """The visits with a level, in the order of the file. Values that cannot be, such as an empty one, are left out of the vital signs."""
    which = context.option("cases", "all")
    if which not in ("all", "subset"):
        raise UnknownName("set of cases", which, ["all", "subset"])
    folder = context.data("mimic_esi")
    subset = {row["stay_id"] for row in _rows(folder / _SUBSET)} if which == "subset" else None
    sexes = {row["stay_id"]: row["gender"] for row in _rows(folder / "data/edstays.csv")}
    found = []
    for row in _rows(folder / "data/triage.csv"):
        stay = row["stay_id"]
        if not row["acuity"] or (subset is not None and stay not in subset):
            continue
        vitals = {}
        for column, (name, unit) in _VITALS.items():
            if value := row[column]:
                celsius = name == "temperature" and float(value) < 50  # one of them is
                vitals[name] = f"{float(value):g} {('°C' if celsius else '°F') if name == 'temperature' else unit}"
        said = row["chiefcomplaint"] + (f". Pain {row['pain']}/10" if row["pain"].isdigit() else "")
        gold = {
            "said": said, "age": None, "sex": {"F": "female", "M": "male"}.get(sexes.get(stay, "")), "vitals": vitals,
            "esi": int(float(row["acuity"])),
        }  # fmt: skip
        found.append(Case(stay, f"{said} {vitals}", gold, cluster=row["subject_id"], groups={"esi": str(gold["esi"])}))
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of `ESI_MEASURES`, and of the model's choice with its letters' priors taken off."""
    said, calibrated = levels_said(reply, ESI, lambda app: int(app["esi"]))
    values = esi_columns(gold["esi"], said) | {"calibrated": float(calibrated == gold["esi"])}
    right = said == gold["esi"]
    return Scored(
        values,
        "failed" if reply is None else "right" if right else "wrong",
        f"ESI {said}" if said else "",
        f"ESI {gold['esi']}",
    )


def solve(context: Context, arm: Arm) -> Any:
    return ask_triage(context, arm, _OPTIONS)


BENCHMARK = Benchmark(
    name="mimic_esi",
    title="MIMIC-IV-ED Demo: ESI levels",
    sector="healthcare",
    source="mimic_esi",
    arms=ARMS,
    measures=(
        *ESI_MEASURES,
        mean("calibrated", about="exact, each letter's prior taken off (of the app, the same as exact)"),
    ),
    cases=cases,
    solve=solve,
    score=score,
    options=("cases",),
    note=NOTE,
    without_model=WITHOUT_MODEL,
)
