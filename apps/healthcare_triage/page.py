"""The page "Triage": what the person says, age and vital signs; below, how urgent it is, why, what to do until then, and a handover."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Any

import gradio as gr
from pydantic import BaseModel, TypeAdapter

from healthcare_triage.assessment import Assessment, assess
from healthcare_triage.estimate import Estimate
from healthcare_triage.followup import LANGUAGES, MOST, Answer, Question, confirmed, next_question, words_of
from healthcare_triage.opinion import Opinion, asked_for, with_opinion
from healthcare_triage.patient import Patient, read_patient
from healthcare_triage.rules import FOLDER, LEVELS, Raised, shipped_rules
from healthcare_triage.signing import REASONS, Decision, decide, entry, not_lower, signed_entry
from sectorkit.app import SectorApp
from sectorkit.audit import kept, record
from sectorkit.drafts import Draft, Line, fill_in
from sectorkit.errors import RequestError, SectorkitError, StoreError
from sectorkit.retrieval.language import detect_language
from sectorkit.runtime import Runtime
from sectorkit.ui import working
from sectorkit.ui.computed import table
from sectorkit.ui.drafts import draft_buttons
from sectorkit.ui.page import example_chips, html
from sectorkit.ui.text import esc, icon, notes, quote_link

FORMS = tomllib.loads((FOLDER / "forms.toml").read_text(encoding="utf-8"))
_VITALS = {
    "heart rate": "Heart rate (/min)", "respiratory rate": "Breaths (/min)", "oxygen saturation": "Oxygen saturation (%)",
    "systolic pressure": "Systolic (mmHg)", "diastolic pressure": "Diastolic (mmHg)", "temperature": "Temperature (°C or °F)",
    "blood glucose": "Glucose (mmol/L or mg/dL)",
}  # fmt: skip
_STATES = {"Not given": "", "Alert": "alert", "Confused": "confused", "Responds to voice": "voice", "Responds to pain": "pain", "Unresponsive": "unresponsive"}  # fmt: skip
_OXYGEN = {"Not given": "", "Room air": "", "Being given": "on oxygen"}
_PREGNANT = {"Not given": None, "No": False, "Yes, or gave birth within six weeks": True}
_SEXES = {"Not given": None, "Female": "female", "Male": "male"}
_ANSWERS: tuple[Answer, ...] = ("yes", "no", "unknown")
_ACCEPT = "As proposed"
_DECISIONS = {_ACCEPT: "", "Emergency": "emergency", "Urgent": "urgent", "Routine": "routine", "Self-care": "self-care"}
_SAYS = {
    "emergency": ("warn", "alarm", "Emergency", "Ambulance or emergency department now"),
    "urgent": ("half", "warning", "Urgent", "A clinician today"),
    "routine": ("info", "", "Routine", "An appointment within days"),
    "self-care": ("check", "supported", "Self-care", "At home, with a safety net"),
    "": ("none", "", "Not known", "Nothing fits what was said: urgent until a clinician has decided"),
}
SAFETY = "Decision support for demonstration and research, and no medical device. A clinician decides. In an emergency call your emergency number."


def triage_page(runtime: Runtime, app: SectorApp) -> None:
    """The form, the level, follow-up questions, the reasons, and the decision of whoever signs."""
    with gr.Column(elem_classes="sk-page"), gr.Column(elem_classes="sk-form sk-feeds"):
        said = gr.Textbox(
            label="What is the matter?",
            placeholder="In the person's own words; rules read English, Spanish, French, Chinese and Arabic",
            lines=3,
            max_lines=10,
        )
        with gr.Row():
            age = gr.Textbox(label="Age", placeholder="54 years, 14 months, 5 weeks", min_width=140)
            sex = gr.Dropdown(list(_SEXES), value="Not given", label="Sex", min_width=140)
            pregnant = gr.Dropdown(list(_PREGNANT), value="Not given", label="Pregnant", min_width=140)
            state = gr.Dropdown(list(_STATES), value="Not given", label="Consciousness", min_width=140)
        with gr.Row():
            oxygen = gr.Dropdown(list(_OXYGEN), value="Not given", label="Oxygen", min_width=140)
            fields = [gr.Textbox(label=label, min_width=140) for label in _VITALS.values()]
        wanted = gr.Checkbox(
            label="Ask the language model, too. It can raise the level and never lowers it; small ones raise too often."
        )
        with gr.Row():
            check = gr.Button("Assess", variant="primary", elem_classes="sk-go", scale=4)
            clear = gr.Button("New patient", elem_classes="sk-go sk-clear", scale=1, min_width=140)
    chips = example_chips(app, "Triage")
    level = html("")
    with gr.Column(visible=False, elem_classes="sk-page sk-followup") as following:
        question = html("")
        with gr.Row(elem_classes="sk-chips") as answers:
            buttons = [gr.Button(elem_classes="sk-chip", scale=0) for _ in _ANSWERS]
    reasons = html("")
    with gr.Column(visible=False, elem_classes="sk-page sk-after") as deciding, gr.Column(elem_classes="sk-form"):
        html("<h3>Decision of a clinician</h3>")
        with gr.Row():
            decided = gr.Dropdown(list(_DECISIONS), value=_ACCEPT, label="Decision", min_width=140)
            why = gr.Dropdown(["", *REASONS], value="", label="Why, if it differs", min_width=140)
            signer = gr.Textbox(label="Signed by", placeholder="Name or initials", min_width=140)
        words = gr.Textbox(label="Reason in words", lines=1, max_lines=5)
        sign = gr.Button("Sign", elem_classes="sk-go")
    signed = html("")
    # What was assessed and asked, and what was signed, travel with the page: nothing about a person is kept on the server.
    run, signature = (gr.Textbox(visible="hidden", value="") for _ in range(2))
    form, both = [said, age, sex, pregnant, state, oxygen, *fields], [run, signature]
    newest: dict[str, object] = {}  # of each tab: what an older step would show is left out

    def found(values: Sequence[str], asked: Sequence[tuple[str, Answer]], opinion: Opinion | None) -> Assessment:
        made = assess(_patient(values, asked), shipped_rules(), runtime.index(app.name))
        documents = runtime.stages()[0]
        if made.guidance and documents.state == "working":
            made = replace(made, notes=(*made.notes, f"The guidance is still being read in: {documents.message}."))
        return with_opinion(made, opinion) if opinion else made

    def shown(
        values: Sequence[str], made: Assessment, asked: Sequence[tuple[str, Answer]], waits: str = ""
    ) -> tuple[Any, ...]:
        logged = entry(made, asked)
        if not waits:
            try:
                record(runtime.settings, app, logged)
            except StoreError as error:  # the level is shown whatever else is broken
                made = replace(made, notes=(*made.notes, str(error)))
        # While something is waited for that replaces all this, there is nothing to answer and to sign.
        language = _language(values[0])
        after = None if waits else next_question(made, shipped_rules(), asked, language)
        page = words_of(language)[1]
        left = asked_html(after, asked, page, stopped=made.level == "emergency")
        held = _Run(
            of=_digest(values),
            asked=tuple(asked),
            sign=after.sign if after else None,
            opinion=made.opinion,
            shown=logged,
        )
        return (
            level_html(made, waits or ("a question is open" if after else "")), gr.Column(visible=bool(left)), left, gr.Row(visible=after is not None),
            *(gr.Button(page[answer]) for answer in _ANSWERS), reasons_html(app.name, made), gr.Column(visible=not waits), held.model_dump_json(), *_UNSIGNED,
        )  # fmt: skip

    def steps(
        values: Sequence[str], held: str, answer: Answer | None, wanted: bool
    ) -> Iterator[Callable[[], tuple[Any, ...]]]:
        """What is shown one after the other: what the rules say, at once; then with the guidance; then with a model, where it is wanted."""
        before = _run(held, values) if answer else None
        asked = (*before.asked, (before.sign, answer)) if before and answer and before.sign else ()
        alone = assess(_patient(values, asked), shipped_rules(), None)
        yield lambda: (at_least(not_lower(alone, before.shown) if before else alone), *_nothing())
        made = found(values, asked, before.opinion if before else None)
        made = not_lower(made, before.shown) if before else made
        if wanted and not before and runtime.chat is not None:
            yield partial(shown, values, made, asked, "the model is being asked")
            opinion, why = asked_for(runtime.chat, made, in_words(made))
            made = with_opinion(made, opinion) if opinion else replace(made, notes=(*made.notes, why))
        elif wanted and not before:
            made = replace(made, notes=(*made.notes, "The model was not asked, since none is ready."))
        yield partial(shown, values, made, asked)

    def stepping(
        held: str, answer: Answer | None, wanted: bool, values: Sequence[str], tab: str
    ) -> Iterator[tuple[Any, ...]]:
        """The steps, as long as nothing newer was begun in that tab."""
        newest[tab] = mine = object()
        try:
            for step in steps(values, held, answer, wanted):
                if newest.get(tab) is not mine:
                    break
                yield step()
            else:
                return
        except SectorkitError as error:
            if newest.get(tab) is mine:
                yield working.problem(str(error)), *_nothing()
                return
        finally:
            if newest.get(tab) is mine:
                del newest[tab]
        yield tuple(gr.skip() for _ in views)  # what was yielded last is sent once more when a generator ends

    def assessing(request: gr.Request, wanted: bool, *values: str) -> Iterator[tuple[Any, ...]]:
        yield from stepping("", None, wanted, values, request.session_hash or "")

    def answering(answer: Answer) -> Callable[..., Iterator[tuple[Any, ...]]]:
        def answered(request: gr.Request, held: str, *values: str) -> Iterator[tuple[Any, ...]]:
            yield from stepping(held, answer, False, values, request.session_hash or "")

        return answered

    def signing(held: str, decided: str, why: str, words: str, signer: str, *values: str) -> tuple[Any, ...]:
        """What was shown is signed, whatever an assessment would say now."""
        try:
            shown = _run(held, values).shown
            decision = decide(shown["proposed"], _DECISIONS[decided], signer, why, words)
            record(runtime.settings, app, signed_entry(shown, decision, kept(runtime.settings, app, decision.words)))
        except SectorkitError as error:
            return working.problem(str(error)), "", gr.skip(), ""
        return signed_html(decision), _SIGNED.dump_json(decision).decode(), gr.Column(visible=False), ""

    def drafted(name: str, held: str, signature: str, *values: str) -> Draft:
        run = _run(held, values)
        made = not_lower(found(values, run.asked, run.opinion), run.shown)
        decision = _SIGNED.validate_json(signature) if signature else None
        return handover(name, made, date.today(), run.asked, decision)

    written = draft_buttons(app.name, FORMS, drafted, [*both, *form])
    views: list[Any] = [level, following, question, answers, *buttons, reasons, deciding, run]
    views += [signature, signed, decided, why, words, written]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    sent = [check.click, said.submit, age.submit, *(field.submit for field in fields)]
    gr.on(sent, assessing, [wanted, *form], views, trigger_mode="multiple", **quiet)
    for answer, button in zip(_ANSWERS, buttons, strict=True):
        button.click(answering(answer), [run, *form], views, trigger_mode="multiple", **quiet)
    sign.click(signing, [run, decided, why, words, signer, *form], [signed, signature, deciding, written], **quiet)
    empty = ["Not given" if isinstance(field, gr.Dropdown) else "" for field in form]
    for chip, example in chips:
        values = [*example["values"], *empty[len(example["values"]) :]]
        filled = chip.click(None, None, form, js=f"() => {json.dumps(values)}", **quiet)
        filled.then(assessing, [wanted, *form], views, trigger_mode="multiple", **quiet)

    def cleared(request: gr.Request) -> tuple[Any, ...]:
        newest.pop(request.session_hash or "", None)  # what is still being made is of the patient before
        return *empty, "", *_nothing()

    clear.click(cleared, None, [*form, *views], **quiet)


class _Run(BaseModel):
    """What was assessed: the form's digest, the answers so far, the sign that is being asked for, a model's opinion, and what was shown."""

    of: str
    asked: tuple[tuple[str, Answer], ...] = ()
    sign: str | None = None
    opinion: Opinion | None = None
    shown: dict[str, Any]


_SIGNED = TypeAdapter(Decision)
_UNSIGNED = ("", "", _ACCEPT, "", "", "")  # signature, its HTML, the fields of the decision, and the draft


def _run(held: str, values: Sequence[str]) -> _Run:
    """What the page holds, if it is of this form. RequestError where nothing was assessed, or another form was."""
    if not held:
        raise RequestError("nothing was assessed yet")
    run = _Run.model_validate_json(held)
    if run.of != _digest(values):
        raise RequestError("the form was changed since it was assessed: assess it again")
    return run


def _digest(values: Sequence[str]) -> str:
    return sha256(json.dumps([value or "" for value in values]).encode()).hexdigest()


def _nothing() -> tuple[Any, ...]:
    """All views but the level, put away."""
    hidden = gr.Column(visible=False)
    return hidden, "", gr.Row(visible=False), *(gr.skip() for _ in _ANSWERS), "", hidden, "", *_UNSIGNED


def _language(said: str) -> str:
    found = detect_language(said)
    return found if found in LANGUAGES else "en"


def _patient(values: Sequence[str], asked: Sequence[tuple[str, Answer]] = ()) -> Patient:
    """What the form holds, and what was answered."""
    said, age, sex, pregnant, state, oxygen, *fields = (value or "" for value in values)
    vitals = dict(zip(_VITALS, fields, strict=True)) | {
        "consciousness": _STATES.get(state, ""),
        "oxygen": _OXYGEN.get(oxygen, ""),
    }
    yes = confirmed(asked, _language(said))
    return read_patient(
        said, age=age, sex=_SEXES.get(sex), pregnant=_PREGNANT.get(pregnant), vitals=vitals, confirmed=yes
    )


def banner(level: str, by: str) -> str:
    """The level by picture, word and colour, with what it means."""
    look, style, name, means = _SAYS[level]
    return (
        f'<div class="sk-level sk-{level}" data-announce="{esc(f"{name}: {means}")}"><span class="sk-badge sk-{style}">{icon(look)}{esc(name)}</span>'
        f'<strong>{esc(means)}</strong> <span class="sk-hint">{esc(by)}</span></div>'
    )


def at_least(alone: Assessment) -> str:
    """What the rules say while the guidance is being searched: an emergency with all that belongs to it, else the least that it is."""
    if alone.level == "emergency":
        return level_html(replace(alone, notes=alone.floor.problems))
    least = banner(alone.level, f"at least, by the {alone.raised_by}") if alone.raised_by else ""
    return least + working.waiting("Comparing with examples and guidance")


def level_html(found: Assessment, waits: str = "") -> str:
    """The level, what it `waits` for and may rise by, what to do until then, and what was not as it should be."""
    said = list(found.notes) + ([f"Not given: {', '.join(found.missing)}."] if found.missing else [])
    do = _once(raised.do for raised in found.floor.raised if raised.do and raised.level == found.level)
    by = f"ESI {found.esi}, set by the {found.raised_by}" if found.raised_by else ""
    by = "; ".join(filter(None, (by, f"so far, since {waits}" if waits else "")))
    if found.opinion:
        narrowly = ", narrowly" if found.opinion.narrow else ""
        said.append(
            f"The model {found.opinion.model} says {found.opinion.level} (its likeliest level has {found.opinion.share:.0%}{narrowly}); "
            "it can raise the level and not lower it."
        )
    return "".join((
        '<article class="sk-answer sk-assessment sk-fed" aria-label="Assessment">', banner(found.level if found.raised_by else "", by),
        f'<h3>Until then</h3><ul class="sk-points">{"".join(f"<li>{esc(line)}</li>" for line in do)}</ul>' if do else "",
        notes(said), "</article>",
    ))  # fmt: skip


def asked_html(
    after: Question | None, asked: Sequence[tuple[str, Answer]], page: Mapping[str, str], *, stopped: bool
) -> str:
    """The question that comes next, or that none does; nothing where none was asked."""
    if after is None:
        return f'<p class="sk-hint" dir="auto">{esc(page["stopped" if stopped else "done"])}</p>' if asked else ""
    number = page["of"].format(n=len(asked) + 1, most=MOST)
    return (
        f'<section aria-label="Follow-up" data-announce="{esc(after.text)}"><p class="sk-hint" dir="auto">{esc(page["title"])} · {esc(number)}</p>'
        f'<p class="sk-question-text" dir="auto">{esc(after.text)}</p><p class="sk-hint" dir="auto">{esc(page["why"].format(why=after.why))}</p></section>'
    )


def reasons_html(app: str, found: Assessment) -> str:
    """Red flags, the guidance with its places, and what it says to ask."""
    guidance = found.guidance
    flags = "".join(_flag(raised) for raised in found.floor.raised)
    quotes = guidance.quotes if guidance else ()
    asked = guidance.questions if guidance else ()
    cited, net = (
        "".join(f'<li dir="auto">{esc(q.quote)} ({quote_link(app, q)})</li>' for q in shown)
        for shown in (quotes, guidance.safety_net if guidance else ())
    )
    wanted = "".join(f'<li dir="auto">{esc(q)} <span class="sk-hint">{esc(why)}</span></li>' for q, why, _ in asked)
    return "".join((
        '<article class="sk-answer sk-assessment sk-fed" aria-label="Reasons">',
        f'<h3>Red flags and limits</h3><ul class="sk-points">{flags}</ul>' if flags else "<p>The rules recognised no red flag in what was said, and no vital sign beyond a limit.</p>",
        f'<h3>Guidance: {esc(guidance.title)}</h3><p class="sk-hint">Usually {esc(guidance.usual)}, without a sign of a more urgent section.</p>'
        f'<ul class="sk-points">{cited}</ul>' if guidance else "",
        f'<h3>When to call again</h3><ul class="sk-points">{net}</ul>' if net else "",
        estimate_html(found.estimate) if found.estimate else "",
        f'<h3>To ask</h3><ol class="sk-points">{wanted}</ol>' if wanted else "",
        f'<p class="sk-small">{esc(SAFETY)} Rules of {esc(found.rules)}; {"a" if found.opinion else "no"} language model took part.</p></article>',
    ))  # fmt: skip


def estimate_html(estimate: Estimate) -> str:
    """How likely each level is by the examples, and the ones that are nearest, each with its level and why."""
    likely = table(
        ("Level", "Likely, in %"), [(_SAYS[level][2], round(100 * estimate.shares[level])) for level in LEVELS[::-1]]
    )
    alike = "".join(
        f'<li dir="auto">{esc(_SAYS[one.level][2])}: “{esc(one.said)}” <span class="sk-hint">{esc(one.because)}</span></li>'
        for one in estimate.alike
    )
    return (
        f'<h3>By {estimate.examples:,} written examples</h3>{likely}<p class="sk-hint">The nearest of them, which were invented for this:</p>'
        f'<ul class="sk-points">{alike}</ul>'
    )  # fmt: skip


def signed_html(decision: Decision) -> str:
    """What was signed, by whom and when."""
    look, style, name, means = _SAYS[decision.level]
    how = (
        "as proposed"
        if decision.accepted
        else f"instead of {_SAYS[decision.proposed][2].lower()}: {decision.reason.lower()}"
    )
    words = f'<p dir="auto">{esc(decision.words)}</p>' if decision.words else ""
    return (
        f'<article class="sk-answer" aria-label="Decision" data-announce="{esc(f"Signed: {name}")}"><p><span class="sk-badge sk-{style}">{icon(look)}{esc(name)}</span> '
        f'{esc(means)}, {esc(how)}.</p>{words}<p class="sk-hint">Signed by {esc(decision.signed)}, {esc(decision.at)}</p></article>'
    )


def _who(patient: Patient) -> str:
    """Age, sex, pregnancy and consciousness, as far as they are known."""
    ages = [
        f"{age:.0f} years" if age >= 2 else f"{age * 12:.0f} months" if age >= 0.25 else f"{age * 52:.0f} weeks"
        for age in patient.ages
    ]
    bears = "pregnant, or gave birth within six weeks" if patient.pregnant else ""
    state = f"consciousness: {patient.consciousness}" if patient.consciousness else ""
    return ", ".join(filter(None, (" or ".join(ages), patient.sex or "", bears, state)))


def in_words(found: Assessment) -> str:
    """The patient as a model is told: who, what was said, what was read."""
    who, said = _who(found.patient), "; ".join((found.patient.said.strip(), *found.patient.confirmed.values()))
    read = "; ".join(f"{reading.name} {reading.text}" for reading in found.floor.readings)
    return " ".join(filter(None, (f"{who}." if who else "", said, f"({read})" if read else "")))


def _once(lines: Iterable[str]) -> list[str]:
    """Each line once, and none that another begins with."""
    said = list(dict.fromkeys(lines))
    return [line for line in said if not any(other != line and other.startswith(line) for other in said)]


def _flag(raised: Raised) -> str:
    name = _SAYS[raised.level][2]
    words = ", ".join(f"“{word.strip()}”" for word in raised.because)
    return f'<li dir="auto"><strong>{esc(raised.name)}</strong> ({esc(name)}): {esc(words)} <span class="sk-hint">{esc(raised.source)}</span></li>'


def handover(
    form: str, found: Assessment, made: date, asked: Sequence[tuple[str, Answer]] = (), decision: Decision | None = None
) -> Draft:
    """The draft of a handover; nobody's words but the person's, the rules', the guidance's and the signer's."""
    patient, guidance = found.patient, found.guidance
    levels = {quote: level for level, quote in guidance.sentences} if guidance else {}
    quotes = guidance.quotes[:4] if guidance else ()
    level = decision.level if decision else found.level
    opinion = found.opinion
    said = {"yes": "Yes", "no": "No", "unknown": "Not known"}
    blocks = {
        "person": [Line(who, "Person", reported=True)] if (who := _who(patient)) else [],
        "said": [Line(patient.said.strip(), "Said", reported=True)],
        "answers": [Line(said[answer], f"Asked: {sign}", reported=True) for sign, answer in asked],
        "proposed": [Line(f"{found.level}, ESI {found.esi}" if found.raised_by else _SAYS[""][3], f"Proposed by the {found.raised_by}" if found.raised_by else "Proposed", reported=decision is not None, by="" if decision else "clinician")],
        "readings": [Line(reading.text, reading.name.capitalize(), reported=True) for reading in found.floor.readings],
        "flags": [Line(f"{', '.join(r.because)} ({r.source})", r.name, by="clinician") for r in found.floor.raised],
        "problems": [Line(note, by="whoever took the call") for note in found.notes],
        "model": [Line(opinion.level, f"The model {opinion.model}", reported=True)] if opinion else [],
        "guidance": [Line(quote.quote, f"Guidance, {levels.get(quote, guidance.level)}", citations=(quote,)) for quote in quotes] if guidance else [],
        "do": [Line(r.do, r.name, by="clinician") for r in found.floor.raised if r.do and r.level == found.floor.level == level],
        "safety net": [Line(quote.quote, citations=(quote,)) for quote in (guidance.safety_net if guidance else ())],
        "missing": [Line(label=name.capitalize(), by="whoever took the call") for name in found.missing],
        "decision": [Line(label=label, by="clinician") for label in ("Decision, and why if it differs", "Signature, date and time")]
        if decision is None else [
            Line("; ".join(filter(None, (decision.level, decision.reason, decision.words))), "Decision", reported=True),
            Line(f"{decision.signed}, {decision.at}", "Signed", reported=True),
        ],
    }  # fmt: skip
    about = decision.level if decision else f"{found.level}, ESI {found.esi}" if found.raised_by else "level not known"
    return fill_in(FORMS[form], blocks, about=about, made=made)
