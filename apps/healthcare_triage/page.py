"""The page "Triage": what the person says, age and vital signs; below, how urgent it is, why, what to do until then, and a handover."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from typing import Any

import gradio as gr

from healthcare_triage.assessment import Assessment, assess
from healthcare_triage.patient import Patient, read_patient
from healthcare_triage.rules import FOLDER, Raised, shipped_rules
from sectorkit.app import SectorApp
from sectorkit.drafts import Draft, Line, fill_in
from sectorkit.runtime import Runtime
from sectorkit.ui import working
from sectorkit.ui.drafts import draft_buttons
from sectorkit.ui.page import html
from sectorkit.ui.text import esc, icon, notes, quote_link

FORMS = tomllib.loads((FOLDER / "forms.toml").read_text(encoding="utf-8"))
_VITALS = {
    "heart rate": "Heart rate (/min)", "respiratory rate": "Breaths (/min)", "oxygen saturation": "Oxygen saturation (%)",
    "systolic pressure": "Systolic pressure (mmHg)", "diastolic pressure": "Diastolic pressure (mmHg)", "temperature": "Temperature (°C or °F)",
}  # fmt: skip
_STATES = {"Not given": "", "Alert": "alert", "Confused": "confused", "Responds to voice": "voice", "Responds to pain": "pain", "Unresponsive": "unresponsive"}  # fmt: skip
_PREGNANT = {"Not given": None, "No": False, "Yes, or gave birth within six weeks": True}
_SAYS = {
    "emergency": ("warn", "alarm", "Emergency", "Ambulance or emergency department now"),
    "urgent": ("half", "warning", "Urgent", "A clinician today"),
    "routine": ("info", "", "Routine", "An appointment within days"),
    "self-care": ("check", "supported", "Self-care", "At home, with a safety net"),
}
SAFETY = "Decision support for demonstration and research, and no medical device. A clinician decides. In an emergency call your emergency number."


def triage_page(runtime: Runtime, app: SectorApp) -> None:
    """The form and its result."""
    with gr.Column(elem_classes="sk-page"), gr.Column(elem_classes="sk-form"):
        said = gr.Textbox(
            label="What is the matter?",
            placeholder="In the person's own words; rules read English, Spanish, French, Chinese and Arabic",
            lines=3,
            max_lines=10,
        )
        with gr.Row():
            age = gr.Textbox(label="Age", placeholder="54 years, 14 months, 5 weeks", min_width=160)
            pregnant = gr.Dropdown(list(_PREGNANT), value="Not given", label="Pregnant", min_width=160)
            state = gr.Dropdown(list(_STATES), value="Not given", label="Consciousness", min_width=160)
        with gr.Row():
            fields = [gr.Textbox(label=label, min_width=160) for label in _VITALS.values()]
        check = gr.Button("Assess", variant="primary", elem_classes="sk-go")
    result = html("")
    given = [said, age, pregnant, state, *fields]

    def found(*values: str) -> Assessment:
        return assess(_patient(*values), shipped_rules(), runtime.index(app.name))

    @working.or_problem
    def at_once(*values: str) -> str:
        """The rules alone: an emergency is shown before anything has been searched for."""
        alone = assess(_patient(*values), shipped_rules(), None)
        if alone.floor.level == "emergency":
            return shown(app.name, alone)
        return working.waiting("Searching the guidance")

    @working.or_problem
    def assessed(*values: str) -> str:
        return shown(app.name, found(*values))

    def drafted(form: str, *values: str) -> Draft:
        return handover(form, found(*values), date.today())

    written = draft_buttons(app.name, FORMS, drafted, given)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    sent = [check.click, said.submit, age.submit, *(field.submit for field in fields)]
    gr.on(sent, lambda: "", None, written, **quiet)
    gr.on(sent, at_once, given, result, **quiet).then(assessed, given, result, **quiet)


def _patient(said: str, age: str, pregnant: str, state: str, *values: str) -> Patient:
    """What the form holds."""
    vitals = dict(zip(_VITALS, (value or "" for value in values), strict=True)) | {
        "consciousness": _STATES.get(state, "")
    }
    return read_patient(said or "", age=age, pregnant=_PREGNANT.get(pregnant), vitals=vitals)


def banner(level: str, by: str) -> str:
    """The level by picture, word and colour, with what it means."""
    look, style, name, means = _SAYS[level]
    return (
        f'<div class="sk-level sk-{level}" data-announce="{esc(f"{name}: {means}")}"><span class="sk-badge sk-{style}">{icon(look)}{esc(name)}</span>'
        f'<strong>{esc(means)}</strong> <span class="sk-hint">{esc(by)}</span></div>'
    )


def shown(app: str, found: Assessment) -> str:
    """The assessment as HTML: level, red flags, what to do, guidance, questions."""
    floor, guidance = found.floor, found.guidance
    by = f"ESI {found.esi}, set by the {'rules' if found.raised_by == 'rules' else 'guidance'}"
    said = list(found.notes) + ([f"Not given: {', '.join(found.missing)}."] if found.missing else [])
    do = _once(raised.do for raised in floor.raised if raised.do)
    flags = "".join(_flag(raised) for raised in floor.raised)
    quotes = (
        "".join(f'<li dir="auto">{esc(q.quote)} ({quote_link(app, q)})</li>' for q in guidance.quotes)
        if guidance
        else ""
    )
    asked = (
        "".join(
            f'<li dir="auto">{esc(q)} <span class="sk-hint">{esc(why)}</span></li>' for q, why, _ in guidance.questions
        )
        if guidance
        else ""
    )
    return "".join((
        '<article class="sk-answer sk-assessment" aria-label="Assessment">', banner(found.level, by),
        f'<h3>Until then</h3><ul class="sk-points">{"".join(f"<li>{esc(line)}</li>" for line in do)}</ul>' if do else "",
        notes(said),
        f'<h3>Red flags and limits</h3><ul class="sk-points">{flags}</ul>' if flags else "<p>No red flag was found in what was said, and no vital sign beyond a limit.</p>",
        f'<h3>Guidance: {esc(guidance.title)}</h3><p class="sk-hint">Usually {esc(guidance.usual)}, without a sign of a more urgent section.</p>'
        f'<ul class="sk-points">{quotes}</ul>' if guidance else "",
        f'<h3>To ask</h3><ol class="sk-points">{asked}</ol>' if asked else "",
        f'<p class="sk-small">{esc(SAFETY)} Rules of {esc(shipped_rules().version)}; no language model took part.</p></article>',
    ))  # fmt: skip


def _who(patient: Patient) -> str:
    """Age, sex, pregnancy and consciousness, as far as they are known."""
    ages = [
        f"{age:.0f} years" if age >= 2 else f"{age * 12:.0f} months" if age >= 0.25 else f"{age * 52:.0f} weeks"
        for age in patient.ages
    ]
    bears = "pregnant, or gave birth within six weeks" if patient.pregnant else ""
    state = f"consciousness: {patient.consciousness}" if patient.consciousness else ""
    return ", ".join(filter(None, (" or ".join(ages), patient.sex or "", bears, state)))


def _once(lines: Iterable[str]) -> list[str]:
    """Each line once, and none that another begins with."""
    said = list(dict.fromkeys(lines))
    return [line for line in said if not any(other != line and other.startswith(line) for other in said)]


def _flag(raised: Raised) -> str:
    name = _SAYS[raised.level][2]
    words = ", ".join(f"“{word.strip()}”" for word in raised.because)
    return f'<li dir="auto"><strong>{esc(raised.name)}</strong> ({esc(name)}): {esc(words)} <span class="sk-hint">{esc(raised.source)}</span></li>'


def handover(form: str, found: Assessment, made: date) -> Draft:
    """The draft of a handover; nobody's words but the person's, the rules' and the guidance's."""
    patient, guidance = found.patient, found.guidance
    quotes = guidance.quotes[:4] if guidance else ()
    blocks = {
        "person": [Line(who, "Person", reported=True)] if (who := _who(patient)) else [],
        "said": [Line(patient.said.strip(), "Said", reported=True)],
        "proposed": [Line(f"{found.level}, ESI {found.esi}", "Proposed by rules and guidance", by="clinician")],
        "known": [],
        "readings": [Line(reading.text, reading.name.capitalize(), reported=True) for reading in found.floor.readings],
        "flags": [Line(f"{', '.join(r.because)} ({r.source})", r.name, by="clinician") for r in found.floor.raised],
        "problems": [Line(note, by="whoever took the call") for note in found.notes],
        "guidance": [Line(quote.quote, citations=(quote,)) for quote in quotes],
        "do": [Line(r.do, r.name, by="clinician") for r in found.floor.raised if r.do and r.level == found.level],
        "missing": [Line(label=name.capitalize(), by="whoever took the call") for name in found.missing],
    }  # fmt: skip
    return fill_in(FORMS[form], blocks, about=f"{found.level}, ESI {found.esi}", made=made)
