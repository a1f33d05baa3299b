"""Build the PDF, DOCX, XLSX and CSV files of the sample corpus: python apps/manufacturing_qa/build_corpus.py

All but the defect log are made of sources/; the log is drawn with a fixed seed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from sectorkit.samples import About, build_corpus

HERE = Path(__file__).parent
ABOUT = About("Harrow & Lindqvist, Works 2", datetime(2026, 2, 2))


def main() -> None:
    build_corpus(HERE, ABOUT)
    with (HERE / "corpus" / "defect-log-2025.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(defect_log())
    print("built defect-log-2025.csv")


# The defect log of final inspection, 2025. Planted on purpose: leaking seals (D01) on Line 1 are twice as frequent from
# 16 June, the day of revision B of WI-117; Line 3 is worst on the night shift, all others are best then; porous castings (D02)
# pile up in March (lot 25-118) and cost the most; paint damage (D04) is frequent and cheap.

_SEED = 3
_REVISED = date(2025, 6, 16)
_LOT = (date(2025, 3, 3), date(2025, 3, 21))
_CLOSED = {date(2025, 4, 18), date(2025, 4, 21), date(2025, 5, 1), date(2025, 5, 29), date(2025, 10, 3)}
_SHUT = ((date(2025, 8, 4), date(2025, 8, 16)), (date(2025, 12, 24), date(2025, 12, 31)))
_LINES: Mapping[str, tuple[str, str]] = {
    "Line 1": ("HL-P40", "P40"),
    "Line 2": ("HL-M60", "M60"),
    "Line 3": ("HL-C90", "C90"),
    "Line 4": ("HL-R30", "R30"),
}
# Code: name, cost of one in EUR, most of them on one machine, where found, dispositions with their shares.
_DEFECTS: Mapping[str, tuple[str, float, int, str, Sequence[tuple[str, float]]]] = {
    "D01": ("Seal leakage", 184, 1, "Leak test", [("Rework", 1.0)]),
    "D02": ("Porous casting", 690, 1, "Hydrostatic test", [("Return to supplier", 0.7), ("Scrap", 0.3)]),
    "D03": ("Coupling misalignment", 96, 1, "Performance run", [("Rework", 1.0)]),
    "D04": ("Paint damage", 42, 3, "Visual inspection", [("Rework", 0.75), ("Use as is", 0.25)]),
    "D05": ("Gasket leakage", 112, 1, "Hydrostatic test", [("Rework", 1.0)]),
    "D06": ("Bearing noise", 265, 1, "Performance run", [("Rework", 1.0)]),
    "D07": ("Vibration above acceptance", 310, 1, "Performance run", [("Rework", 0.9), ("Use as is", 0.1)]),
    "D08": ("Fastener missing or loose", 18, 4, "Visual inspection", [("Rework", 1.0)]),
    "D09": ("Wrong nameplate or document", 26, 2, "Document check", [("Rework", 1.0)]),
    "D10": ("Wrong direction of rotation", 74, 1, "Performance run", [("Rework", 1.0)]),
    "D11": ("Sensor wiring fault", 88, 2, "Performance run", [("Rework", 1.0)]),
    "D12": ("Oil leakage", 136, 1, "Performance run", [("Rework", 1.0)]),
    "D13": ("Thread damaged", 152, 1, "Visual inspection", [("Rework", 0.7), ("Scrap", 0.3)]),
}
# Defects a week by line.
_RATES: Mapping[str, Mapping[str, float]] = {
    "Line 1": {"D01": 1.5, "D02": 0.55, "D03": 0.3, "D04": 0.95, "D05": 0.25, "D06": 0.3, "D08": 0.35, "D09": 0.3, "D13": 0.2},
    "Line 2": {"D01": 0.3, "D04": 0.5, "D05": 0.25, "D07": 0.2, "D08": 0.2, "D09": 0.2, "D10": 0.2, "D11": 0.25},
    "Line 3": {"D04": 0.35, "D06": 0.2, "D07": 0.25, "D08": 0.4, "D09": 0.2, "D11": 0.35, "D12": 1.1},
    "Line 4": {"D04": 0.2, "D05": 0.25, "D07": 0.2, "D08": 0.2, "D12": 0.3, "D13": 0.15},
}  # fmt: skip
_SHIFTS: Mapping[str, Sequence[tuple[str, float]]] = {
    "Line 3": [("Early", 0.26), ("Late", 0.26), ("Night", 0.48)],
    "": [("Early", 0.42), ("Late", 0.37), ("Night", 0.21)],
}


def defect_log() -> list[list[str]]:
    """The header and the rows, by date."""
    draw = Random(_SEED).random  # the only method whose values are promised for all versions of Python

    def one_of(shares: Sequence[tuple[str, float]]) -> str:
        left = draw()
        for name, share in shares:
            left -= share
            if left < 0:
                return name
        return shares[-1][0]

    serial = {line: 100 + 40 * at for at, line in enumerate(_LINES)}
    rows = []
    day = date(2025, 1, 2)
    while day.year == 2025:
        for line, (product, prefix) in _LINES.items():
            if day.weekday() == 6 or day in _CLOSED or any(first <= day <= last for first, last in _SHUT):
                continue
            serial[line] += 1 + int(4 * draw())
            for code, rate in _RATES[line].items():
                if code == "D01" and line == "Line 1" and day >= _REVISED:
                    rate *= 2
                if code == "D02" and _LOT[0] <= day <= _LOT[1]:
                    rate *= 8
                if draw() >= rate / 6:
                    continue
                serial[line] += 1
                name, cost, most, found, dispositions = _DEFECTS[code]
                shift = one_of(_SHIFTS.get(line, _SHIFTS[""]))
                quantity = 1 + int(most * draw() ** 2) if most > 1 else 1
                euros = round(2 * quantity * cost * (0.85 + 0.3 * draw())) / 2
                number = f"{prefix}-25-{serial[line]:04}"
                disposition = one_of(dispositions)
                rows.append([day.isoformat(), shift, line, product, number, code, name, str(quantity), f"{euros:.2f}", found, disposition])  # fmt: skip
        day += timedelta(days=1)
    header = ["Date", "Shift", "Line", "Product", "Serial", "Defect code", "Defect", "Quantity", "Cost EUR", "Found at", "Disposition"]  # fmt: skip
    return [header, *rows]


if __name__ == "__main__":
    main()
