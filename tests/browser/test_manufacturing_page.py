"""The page "Diagnose" in a browser: from a machine and its readings to ranked causes, each with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import docx
import pytest
from playwright.sync_api import expect
from pretend import PretendIndex, PretendRuntime

from manufacturing_qa import APP
from sectorkit.fakes import FakeChat
from sectorkit.retrieval.index import Index

pytestmark = pytest.mark.browser


@pytest.fixture
def plant(index: Index) -> PretendRuntime:
    return PretendRuntime({APP.name: APP}, _index=cast(PretendIndex, index))


def choose(page: Any, machine: str) -> None:
    page.click('role=tab[name="Diagnose"]')
    page.get_by_label("Machine").first.click()
    page.get_by_role("option", name=machine).click()
    page.get_by_label("Vibration velocity").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_readings_become_causes_with_their_sources(
    plant: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(served(plant), width=width, scheme=scheme)
    choose(page, "HL-P40")
    page.get_by_label("What do you notice?").fill("It grinds and the bearing is too hot to touch")
    page.get_by_label("Bearing temperature").fill("190 °F")
    page.get_by_label("Vibration velocity").fill("7.9 mm/s")
    page.get_by_label("Flow", exact=True).fill("12")
    page.get_by_role("button", name="Check").click()
    page.wait_for_selector("article[aria-label=Diagnosis]")
    shown = page.inner_text("article[aria-label=Diagnosis]")
    assert page.locator(".sk-causes h3").all_inner_texts()[0].startswith("Bearing overheating")
    assert "bearing temperature 190 °F = 87.78 °C > 85 °C" in shown
    assert "flow: '12' has no unit; give it with one, such as m³/h" in shown
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.locator(".sk-causes a", has_text="PUMP-01").first.click()
    page.wait_for_selector("#sk-panel mark")
    assert "bearing temperature > 85 °C" in page.inner_text("#sk-panel mark")


def test_nothing_is_called_good_that_was_not_checked(plant: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(plant))
    choose(page, "HL-P40")
    for value, told in (("", "0 of 11"), ("500 °C", "0 of 11"), ("60 °C", "1 of 11")):
        page.get_by_label("Bearing temperature").fill(value)
        page.get_by_role("button", name="Check").click()
        page.wait_for_selector(
            f"article[aria-label=Diagnosis] >> text={told} limits could be checked, none is exceeded"
        )
    assert page.locator(".sk-top .sk-supported").count() == 0


def test_a_machine_that_no_document_names_is_said_so(plant: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(plant))
    page.click('role=tab[name="Diagnose"]')
    page.get_by_label("Machine").first.fill("<img src=x onerror=window.pwned=1>")
    page.get_by_label("Machine").first.press("Enter")
    page.get_by_role("button", name="Check").click()
    page.wait_for_selector(".sk-problem")
    assert "No limits and no FMEA for <img" in page.inner_text(".sk-problem")
    assert page.evaluate("window.pwned") is None


def test_a_question_to_a_table_is_computed_and_says_how(plant: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(plant))
    page.click('role=tab[name="Tables"]')
    box = page.get_by_label("A question to the tables")
    box.fill("Which five defects were entered most often in 2025?")
    box.press("Enter")
    page.wait_for_selector("article[aria-label=Answer]", timeout=60_000)
    shown = page.inner_text("article[aria-label=Answer]")
    assert "for each Defect; by count, highest first; the first 5" in shown
    assert page.locator(".sk-result tbody tr").all_inner_texts()[0].split() == ["Seal", "leakage", "122"]
    page.get_by_text("Rests on 384 rows").click()
    page.locator(".sk-links a").first.click()
    page.wait_for_selector("#sk-panel mark")
    assert "Defect:" in page.inner_text("#sk-panel mark")

    box.fill("How many defects were not found on Line 1 or Line 2?")
    box.press("Enter")
    page.wait_for_selector(".sk-problem >> text=“not” was not understood")
    expect(page.get_by_label("Show", exact=True)).to_have_value("how many rows")
    box.fill("What is love?")
    box.press("Enter")
    page.wait_for_selector(".sk-problem >> text=not understood as a question to a table")


def option(page: Any, field: str, name: str) -> None:
    page.get_by_label(field, exact=True).first.click()
    page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")  # of several that may be chosen, the list stays open
    expect(page.get_by_role("option")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_what_a_question_was_understood_as_can_be_changed(
    plant: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(served(plant), width=width, scheme=scheme)
    page.click('role=tab[name="Tables"]')
    box = page.get_by_label("A question to the tables")
    box.fill("How many failure modes of the HL-P40 or the HL-C90 have a severity of 9 or more, on Sundays?")
    box.press("Enter")
    page.wait_for_selector("article[aria-label=Answer] >> text=Not taken into account: sundays")
    page.get_by_role("button", name="Change the query").click()
    expect(page.get_by_label("Show", exact=True)).to_have_value("how many rows")
    assert page.get_by_label("Table", exact=True).input_value() == "FMEA of the machines of Works 2, sheet FMEA"
    assert page.locator(".sk-condition:visible").count() == 3  # two that are used, and one more
    assert page.locator(".sk-condition").first.locator(".token").all_inner_texts() == ["HL-P40", "HL-C90"]

    option(page, "For each", "Machine")
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector("article[aria-label=Answer] >> text=The query: number of rows; for each Machine")
    shown = [row.split() for row in page.locator(".sk-result tbody tr").all_inner_texts()]
    assert shown == [["HL-C90", "3"], ["HL-P40", "4"]]
    assert page.locator("text=Not taken into account").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_models_query_that_no_check_vouches_for_is_run_by_a_person_or_not_at_all(
    index: Index, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    query = {
        "filters": [{"column": "Machine", "op": "=", "value": "HL-P40"}],
        "aggregate": {"function": "mean", "column": "Detection"},
    }
    chat = FakeChat(replies=[json.dumps(query)], model_name="a-model")
    page = open_page(
        served(PretendRuntime({APP.name: APP}, _index=cast(PretendIndex, index), chat=chat)), width=width, scheme=scheme
    )
    page.click('role=tab[name="Tables"]')
    box = page.get_by_label("A question to the tables")
    box.fill("How many failure modes of the HL-P40 do we overlook on Sundays?")
    box.press("Enter")
    page.wait_for_selector(".sk-suggestion >> text=a-model suggests: mean of Detection; where Machine = HL-P40")
    assert "Not taken into account: overlook, sundays" in page.inner_text("article[aria-label=Answer]")
    expect(page.get_by_label("Column", exact=True)).to_have_value("Detection")  # the form is open
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector("article[aria-label=Answer] >> text=The query: mean of Detection; where Machine = HL-P40")
    assert page.locator(".sk-suggestion").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_query_can_be_built_without_a_question(plant: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(plant))
    page.click('role=tab[name="Tables"]')
    page.get_by_role("button", name="Change the query").click()
    expect(page.get_by_label("Table", exact=True)).to_have_value("Defect log of final inspection, 2025")
    option(page, "Table", "FMEA of the machines of Works 2, sheet FMEA")
    option(page, "Show", "the mean of")
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector(".sk-problem >> text=choose the column: the mean of")
    option(page, "Column", "RPN")
    option(page, "For each", "Machine")
    expect(page.get_by_label("Column", exact=True)).to_have_value("RPN")
    option(page, "Where", "Severity")
    option(page, "Compared", "≥")
    page.get_by_label("With", exact=True).first.click()
    page.keyboard.type("7")  # and no Enter: what is typed counts
    option(page, "Sorted by", "what is shown")
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector("article[aria-label=Answer] >> text=mean of RPN; for each Machine; where Severity >= 7")
    assert page.locator(".sk-result tbody tr").first.inner_text().split() == ["HL-P40", "110.82"]

    option(page, "Where", "–")  # and the condition is gone
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector("article[aria-label=Answer] >> text=mean of RPN; for each Machine; by mean of RPN")
    page.get_by_label("With", exact=True).first.click()
    page.keyboard.type("7")
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector(".sk-problem >> text=Choose the column that is compared with 7")
    for _ in range(5):  # the last condition has none behind it
        n = page.locator(".sk-condition:visible").count()
        page.locator(".sk-condition:visible").last.locator("input").first.click()
        page.get_by_role("option", name="Severity", exact=True).last.click()  # the list before it may still be closing
        expect(page.locator(".sk-condition:visible")).to_have_count(min(n + 1, 5))
    assert "gradio" not in page.inner_text(".sk-query")
    option(page, "Table", "Maintenance log of the pump line, 2025")
    option(page, "Table", "FMEA of the machines of Works 2, sheet FMEA")
    option(page, "Where", "Machine")  # its values are offered
    option(page, "With", "HL-M60")
    option(page, "Compared", "is not")
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector("article[aria-label=Answer] >> text=where Machine != HL-M60")
    assert "HL-M60" not in page.inner_text(".sk-result")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_examples_fill_the_form_and_are_answered_at_a_click(
    plant: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(served(plant), width=width, scheme=scheme)
    page.click('role=tab[name="Diagnose"]')
    for example in APP.page_examples("Diagnose"):
        page.get_by_role("button", name=example["label"]).click()
        page.wait_for_selector(f"article[aria-label=Diagnosis] >> text={example['machine']}, limits in force today")
        for name, value in example["readings"].items():
            assert page.get_by_label(name.capitalize(), exact=True).input_value() == value
        assert page.get_by_label("What do you notice?").input_value() == example["symptoms"]
        assert page.locator(".sk-causes .sk-badge").first.inner_text() in ("Alarm", "Warning")
    choose(page, "HL-M60")
    expect(page.get_by_label("Vibration velocity")).to_have_value("")  # another machine's readings are not kept

    page.click('role=tab[name="Tables"]')
    read = (
        "mean of RPN; for each Machine",
        "number of rows; where Date >= 2025-03-01",
        "Machine = HL-P40 and Severity >= 9",
    )
    for example, understood in zip(APP.page_examples("Tables"), read, strict=True):
        page.get_by_role("button", name=example["label"]).click()
        page.wait_for_selector(f"article[aria-label=Answer] >> text={understood}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_from_an_alarm_to_a_draft_that_can_be_taken_away(
    plant: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str, tmp_path: Path
) -> None:
    page = open_page(served(plant), width=width, scheme=scheme)
    choose(page, "HL-P40")
    page.get_by_label("What do you notice?").fill(
        "Grinding at the pump side of P-103, bearing hot. The pump was stopped."
    )
    page.get_by_label("Bearing temperature").fill("88 °C")
    page.get_by_label("Vibration velocity").fill("7.9 mm/s")
    page.get_by_role("button", name="Check").click()
    page.wait_for_selector("article[aria-label=Diagnosis]")
    page.get_by_role("button", name="Draft: 8D report").click()
    page.wait_for_selector("article[aria-label=Draft]")
    shown = page.inner_text("article[aria-label=Draft]")
    assert "bearing temperature 88 °C > 85 °C (alarm)" in shown
    assert "Root cause: to be filled in by: team" in " ".join(shown.split())
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    for what, ending in (("Word", "docx"), ("Markdown", "md")):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download as {what}").click()
        download.value.save_as(tmp_path / f"draft.{ending}")
        assert download.value.suggested_filename.startswith("8D-HL-P40-20")
    assert "# 8D report: HL-P40" in (tmp_path / "draft.md").read_text(encoding="utf-8")
    assert "8D report: HL-P40" in [p.text for p in docx.Document(str(tmp_path / "draft.docx")).paragraphs]

    page.locator("article[aria-label=Draft] a.sk-cite").first.click()
    page.wait_for_selector("#sk-panel mark")


def test_a_draft_for_a_machine_that_no_document_names_is_refused(
    plant: PretendRuntime, served: Any, open_page: Any
) -> None:
    page = open_page(served(plant))
    page.click('role=tab[name="Diagnose"]')
    page.get_by_role("button", name="Draft: Nonconformance report").click()
    page.wait_for_selector(".sk-problem")
    assert "No limits and no FMEA for no machine" in page.inner_text(".sk-problem")


def test_a_draft_of_nothing_is_refused(plant: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(plant))
    choose(page, "HL-P40")
    page.get_by_label("Bearing temperature").fill("60 °C")
    page.get_by_role("button", name="Draft: 8D report").click()
    page.wait_for_selector(".sk-problem")
    assert "there is nothing to report" in page.inner_text(".sk-problem")
    assert not page.query_selector("article[aria-label=Draft]")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_pareto_chart_and_the_highest_risks_are_drawn(
    plant: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(served(plant), width=width, scheme=scheme)
    page.click('role=tab[name="Tables"]')
    box = page.get_by_label("A chart of a table")
    box.click()
    page.get_by_role("option", name="Defect log of final inspection, 2025: Cost EUR by Defect", exact=True).click()
    page.wait_for_selector("figure[aria-label=Chart]")
    rows = page.locator(".sk-chart tbody tr")
    first = " ".join(rows.first.inner_text().split())
    assert first == "Porous casting 27,323.50 29 %"
    assert rows.last.inner_text().strip().endswith("100 %")
    assert rows.first.locator("rect").bounding_box()["width"] > rows.nth(1).locator("rect").bounding_box()["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    box.click()
    box.fill("highest RPN")
    page.get_by_role("option", name="the highest RPN").click()
    page.wait_for_selector("figcaption >> text=the highest RPN")
    assert "Gland plate loosens" in rows.first.inner_text()
    assert "210" in rows.first.inner_text()
