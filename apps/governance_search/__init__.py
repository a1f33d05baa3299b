"""Governance document search: what a city's rules, minutes and decisions say, as of the day that is asked about."""

from __future__ import annotations

from pathlib import Path

from sectorkit.app import SectorApp
from sectorkit.times import asked_about, mark_superseded

APP = SectorApp(
    name="governance_search",
    title="Governance document search",
    tagline="Ask a city's ordinances, minutes and decisions, and open the passage behind every sentence.",
    corpus=Path(__file__).parent / "corpus",
    instructions=(
        "You answer questions about the documents of a city and its regulator for residents, officials and journalists."
    ),
    before=(asked_about,),
    after=(mark_superseded,),
    examples=(  # which the smallest model answers, too
        "How many nights a year may I let my own home to tourists?",
        "I run a workshop with twelve employees and supply the city. When must my invoice be paid?",
        "Quelle hausse Chauffage du Vieux-Port avait-il demandée ?",
        "炭火烧烤店的油烟管道多久要清洗一次？",
        "How long did tenders remain binding in 2021?",
    ),
    disclaimer="A demonstration on fictional documents. Check the cited passage before you rely on an answer.",
)
