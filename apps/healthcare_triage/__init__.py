"""Healthcare triage: how urgent a complaint is, by rules that no model can lower and by written examples, with guidance that is cited; a human decides."""

from __future__ import annotations

from pathlib import Path

from sectorkit.app import AppPage, SectorApp
from sectorkit.times import mark_superseded

APP = SectorApp(
    name="healthcare_triage",
    title="Healthcare triage",
    tagline="How urgent is it? Red flags first, then guidance with its citation; a clinician decides.",
    corpus=Path(__file__).parent / "corpus",
    instructions="You answer questions about how urgent a complaint is and what to do, for a nurse line, from general guidance.",
    after=(mark_superseded,),
    pages=(AppPage("Triage", "healthcare_triage.page:triage_page", first=True),),
    examples=(
        "How long do I cool a burn, and with what?",
        "What do I do when a nosebleed does not stop?",
        "When does a fever in a baby need a hospital?",
    ),
    disclaimer="A demonstration and no medical device. It can be wrong; a clinician decides. In an emergency call your emergency number.",
    about_persons=True,
    quotes=False,  # what holds for a baby of two weeks does not for one of two days
)
