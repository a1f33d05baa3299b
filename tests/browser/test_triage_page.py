"""The page "Triage" in a browser: from what a person says to an urgency, its reasons with their sources, and a handover."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from pretend import PretendIndex, PretendRuntime

from healthcare_triage import APP
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.index import Index

pytestmark = pytest.mark.browser
DONE = "article[aria-label=Assessment]"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index.open(tmp_path_factory.mktemp("guidance"), FakeEmbedder())
    index.sync(APP.corpus)
    yield index
    index.close()


@pytest.fixture
def line(index: Index) -> PretendRuntime:
    return PretendRuntime({APP.name: APP}, _index=cast(PretendIndex, index))


def ask(page: Any, said: str, **fields: str) -> None:
    page.click('role=tab[name="Triage"]')
    page.get_by_label("What is the matter?").fill(said)
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ")).first.fill(value)
    page.get_by_role("button", name="Assess").click()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_an_emergency_is_unmistakable_and_names_its_reasons(
    line: PretendRuntime, served: Any, open_page: Any, width: int, scheme: str
) -> None:
    page = open_page(served(line), width=width, scheme=scheme)
    ask(
        page,
        "Crushing pain in my chest, it goes into my left arm, I am sweating",
        Age="61",
        Oxygen_saturation="93",
        Heart_rate="fast",
    )
    page.wait_for_selector(f"{DONE} .sk-level.sk-emergency")
    shown = page.inner_text(DONE)
    assert shown.index("Emergency") < shown.index("Until then") < shown.index("Red flags")
    assert "Ambulance or emergency department now" in shown
    assert "NICE CG95" in shown
    assert "“sweating”" in shown
    assert "heart rate: 'fast' is not a value" in shown
    assert "no medical device" in shown
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.locator(f"{DONE} a.sk-open").first.click()
    page.wait_for_selector("#sk-panel mark")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector("article[aria-label=Draft]")
    draft = page.inner_text("article[aria-label=Draft]")
    assert all(
        part in draft
        for part in ("Situation", "Background", "Assessment", "Recommendation", "to be filled in by: clinician")
    )


def test_nothing_said_and_an_impossible_age_are_told(line: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(line))
    ask(page, "")
    page.wait_for_selector(".sk-problem >> text=nothing was said yet")
    ask(page, "a cold", Age="many")
    page.wait_for_selector(f"{DONE} >> text=the age 'many' is not understood")


def test_what_a_person_says_is_text_and_nothing_else(line: PretendRuntime, served: Any, open_page: Any) -> None:
    page = open_page(served(line))
    ask(page, "<img src=x onerror=window.pwned=1> I have a crushing pain in my chest <b>sweating</b>", Age="60")
    page.wait_for_selector(DONE)
    page.get_by_role("button", name="Draft: SBAR").click()
    page.wait_for_selector("article[aria-label=Draft]")
    assert page.evaluate("window.pwned") is None
