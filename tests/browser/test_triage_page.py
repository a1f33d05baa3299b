"""The page "Triage" in a browser: from what a person says to an urgency, its reasons with their sources, and a handover."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, cast

import pytest
from pretend import PretendIndex, PretendRuntime

from healthcare_triage import APP
from healthcare_triage.assessment import assess
from sectorkit.retrieval.index import Index
from sectorkit.settings import Settings

pytestmark = pytest.mark.browser
DONE, REASONS, SIGNED = (f"article[aria-label={name}]" for name in ("Assessment", "Reasons", "Decision"))
ASKED = "section[aria-label=Follow-up]"


@pytest.fixture
def line(index: Index, tmp_path: Path) -> PretendRuntime:
    return PretendRuntime({APP.name: APP}, settings=Settings(home=tmp_path), _index=cast(PretendIndex, index))


def ask(page: Any, said: str, **fields: str) -> None:
    page.get_by_label("What is the matter?").fill(said)
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ")).first.fill(value)
    page.get_by_role("button", name="Assess").click()


def log(line: PretendRuntime) -> list[dict[str, Any]]:
    text = (line.settings.logs_dir / "audit.jsonl").read_text(encoding="utf-8")
    return [json.loads(entry) for entry in text.splitlines()]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_an_emergency_is_unmistakable_and_names_its_reasons(
    line: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(served(line), width=width, scheme=scheme)
    said = "Crushing pain in my chest, it goes into my left arm, I am sweating"
    ask(page, said, Age="61", Oxygen_saturation="93", Heart_rate="fast")
    page.wait_for_selector(f"{DONE} .sk-level.sk-emergency")
    page.wait_for_selector(REASONS)
    shown = page.inner_text(DONE)
    assert shown.index("Emergency") < shown.index("Until then")
    assert "Ambulance or emergency department now" in shown
    assert "heart rate: 'fast' is not a value" in shown
    reasons = page.inner_text(REASONS)
    assert "NICE CG95" in reasons
    assert "“sweating”" in reasons
    assert "no medical device" in reasons
    assert page.locator(ASKED).count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.locator(f"{REASONS} a.sk-open").first.click()
    page.wait_for_selector("#sk-panel mark")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector("article[aria-label=Draft]")
    draft = page.inner_text("article[aria-label=Draft]")
    parts = ("Situation", "Background", "Assessment", "Recommendation", "to be filled in by: clinician")
    assert all(part in draft for part in parts)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_examples_fill_the_form_and_are_assessed_at_a_click(
    line: PretendRuntime, served: Any, open_page: Any
) -> None:
    page = open_page(served(line))
    for example, level in zip(APP.page_examples("Triage")[:3], ("emergency",) * 3, strict=True):
        said, age, *_ = example["values"]
        page.get_by_role("button", name=example["label"]).click()
        page.wait_for_selector(f"{REASONS} >> text=Red flags and limits")
        page.wait_for_selector(f"{DONE} .sk-level.sk-{level}")
        assert page.get_by_label("What is the matter?").input_value() == said
        assert page.get_by_label("Age").first.input_value() == age
        filled = {
            field
            for field in page.locator(".sk-form :is(input, textarea)").evaluate_all("all => all.map(e => e.value)")
            if field
        }
        assert filled >= set(example["values"][6:])
        assert ("112" in filled) == ("112" in example["values"]), "what an example does not give is emptied"
        page.get_by_role("button", name="New patient").click()
        page.wait_for_selector(DONE, state="detached")


def test_questions_are_asked_one_at_a_time_until_there_is_a_red_flag(
    line: PretendRuntime, served: Any, open_page: Any
) -> None:
    line.searchable = False  # the embedder of these tests knows no Spanish; the rules do
    page = open_page(served(line))
    ask(page, "Me duele la cabeza desde ayer", Age="34")
    page.wait_for_selector(f"{ASKED} >> text=¿")
    first = page.inner_text(f"{ASKED} .sk-question-text")
    assert "so far" in page.inner_text(DONE)
    page.get_by_role("button", name="No", exact=True).click()
    page.wait_for_function(f"document.querySelector('{ASKED} .sk-question-text')?.innerText !== {json.dumps(first)}")
    second = page.inner_text(f"{ASKED} .sk-question-text")
    page.get_by_role("button", name="Sí", exact=True).click()
    page.wait_for_selector(f"{DONE} .sk-level.sk-emergency")
    page.wait_for_selector(ASKED, state="detached")
    assert second in page.inner_text(REASONS)
    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector("article[aria-label=Draft]")
    draft = page.inner_text("article[aria-label=Draft]")
    assert draft.count("Asked:") == 2
    assert draft.index(": No (as reported)") < draft.index(": Yes (as reported)")


def test_a_clinician_signs_what_was_proposed_or_another_level_with_a_reason(
    line: PretendRuntime, served: Any, open_page: Any
) -> None:
    page = open_page(served(line))
    ask(page, "I am Ada Byron. I fainted while running", Age="30")
    page.wait_for_selector(f"{DONE} .sk-level.sk-emergency")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector(".sk-problem >> text=who signs?")

    page.get_by_label("Signed by").fill("C. Nurse")
    page.get_by_label("Decision").last.click()
    page.get_by_role("option", name="Urgent", exact=True).click()
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector(".sk-problem >> text=urgent was chosen: choose why")
    page.get_by_label("Why, if it differs").click()
    page.get_by_role("option", name="Seen or examined in person", exact=True).click()
    page.get_by_label("Reason in words").fill("Mrs Byron is well, the trace is normal")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector(f"{SIGNED} >> text=instead of emergency")

    *_, signed = log(line)
    assert (signed["proposed"], signed["level"], signed["accepted"]) == ("emergency", "urgent", False)
    assert (signed["signed"], signed["reason"], signed["words"]) == ("C. Nurse", "Seen or examined in person", None)
    assert "Byron" not in (line.settings.logs_dir / "audit.jsonl").read_text(encoding="utf-8")
    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector("article[aria-label=Draft] >> text=C. Nurse")

    assert not page.get_by_role("button", name="Sign", exact=True).is_visible()  # once

    page.get_by_label("Age").first.fill("31")  # no longer what was assessed
    page.wait_for_selector(f"{DONE}.sk-stale")
    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector(".sk-problem >> text=the form was changed since it was assessed")
    assert len(log(line)) == 2
    page.get_by_role("button", name="New patient").click()
    page.wait_for_selector(DONE, state="detached")
    assert page.get_by_label("Age").first.input_value() == page.get_by_label("What is the matter?").input_value() == ""


def test_what_is_signed_is_what_was_shown(line: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(line))
    ask(page, "I have a nosebleed that drips from one nostril", Age="30")
    page.wait_for_selector(REASONS)
    line.searchable = False  # what an assessment would say now is another thing
    page.get_by_label("Signed by").fill("C. Nurse")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector(SIGNED)
    shown, signed = log(line)
    assert (signed["accepted"], signed["level"], signed["guidance"]) == (True, shown["proposed"], shown["guidance"])
    assert shown["guidance"]


def test_what_an_older_assessment_says_is_not_shown_over_a_newer_one(
    line: PretendRuntime, served: Any, open_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(patient: Any, rules: Any, index: Any) -> Any:
        if index is not None and "runny" in patient.said:
            time.sleep(3)
        return assess(patient, rules, index)

    monkeypatch.setattr("healthcare_triage.page.assess", slow)
    page = open_page(served(line))
    ask(page, "I have a runny nose")
    page.wait_for_selector(".sk-work")
    ask(page, "Crushing pain in my chest, I am sweating")
    page.wait_for_selector(REASONS)
    page.wait_for_timeout(4_000)
    assert page.locator(f"{DONE} .sk-level.sk-emergency").count() == 1
    assert [entry["proposed"] for entry in log(line)] == ["emergency"]


def test_a_log_that_cannot_be_written_hides_no_emergency_and_refuses_a_signature(
    line: PretendRuntime, served: Any, open_page: Any
) -> None:
    line.settings.logs_dir.write_text("a file where the folder should be")
    page = open_page(served(line))
    ask(page, "He is not breathing")
    page.wait_for_selector(REASONS)
    assert page.locator(f"{DONE} .sk-level.sk-emergency").count() == 1
    assert "SECTORKIT_AUDIT=false" in page.inner_text(DONE)
    page.get_by_label("Signed by").fill("C. Nurse")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector(".sk-problem >> text=cannot be written")
    assert page.locator(SIGNED).count() == 0


def test_nothing_said_and_an_impossible_age_are_told(line: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(line))
    ask(page, "")
    page.wait_for_selector(".sk-problem >> text=nothing was said yet")
    assert not page.get_by_role("button", name="Sign", exact=True).is_visible()
    ask(page, "a cold", Age="many")
    page.wait_for_selector(f"{DONE} >> text=the age 'many' is not understood")


def test_what_a_person_says_is_text_and_nothing_else(line: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(line))
    ask(page, "<img src=x onerror=window.pwned=1> I have a crushing pain in my chest <b>sweating</b>", Age="60")
    page.wait_for_selector(REASONS)
    page.get_by_label("Signed by").fill("<img src=x onerror=window.pwned=1>")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector(SIGNED)
    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector("article[aria-label=Draft]")
    assert page.evaluate("window.pwned") is None


def test_a_result_that_arrives_after_the_form_was_changed_or_cleared_is_marked_or_left_out(
    line: PretendRuntime, served: Any, open_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(patient: Any, rules: Any, index: Any) -> Any:
        if index is not None:
            time.sleep(2)
        return assess(patient, rules, index)

    monkeypatch.setattr("healthcare_triage.page.assess", slow)
    page = open_page(served(line))
    ask(page, "I have a nosebleed that drips from one nostril")
    page.get_by_label("Age").first.fill("31")
    page.wait_for_selector(f"{REASONS}.sk-stale")
    page.get_by_role("button", name="Assess").click()
    page.wait_for_selector(f"{REASONS}:not(.sk-stale)")

    page.get_by_role("button", name="Assess").click()
    page.wait_for_selector(REASONS, state="detached")
    page.get_by_role("button", name="New patient").click()
    page.wait_for_timeout(3_000)
    assert page.locator(DONE).count() == page.locator(REASONS).count() == 0
