"""Manufacturing QA: manuals, work instructions, FMEA and logs; the right step with its warnings, and numbers that were computed."""

from __future__ import annotations

from pathlib import Path

from sectorkit.app import AppPage, SectorApp
from sectorkit.safety import with_warnings
from sectorkit.table_answers import beside_tables, by_model, from_tables
from sectorkit.times import asked_about, mark_superseded

APP = SectorApp(
    name="manufacturing_qa",
    title="Manufacturing QA",
    tagline="Ask a plant's manuals, instructions and logs, and check readings against the limits in force.",
    corpus=Path(__file__).parent / "corpus",
    instructions=(
        "You answer questions about the machines, instructions and records of a plant for operators, maintenance "
        "technicians and quality engineers."
    ),
    before=(from_tables, asked_about),
    with_model=(by_model,),
    after=(mark_superseded, with_warnings, beside_tables),
    pages=(
        AppPage("Diagnose", "manufacturing_qa.page:diagnose_page"),
        AppPage("Tables", "sectorkit.ui.tables:tables_page"),
    ),
    examples=(
        "The booster pump reports F-07. What do I do?",
        "Which five defects were entered most often in 2025?",
        "A colleague has gone home and left a personal lock on the main switch. Who may cut it?",
        "How many failure modes have an RPN of 100 or more and no action?",
        "干燥机停机以后要等多久才能再启动？为什么？",
    ),
    max_passages=10,  # a row of a sheet is one, and short
    disclaimer="A demonstration on fictional documents. Check the cited passage before you work on a machine.",
)
