"""Reports: what they say of a run, that texts of others stay texts, and the page in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

from sample_run import HOSTILE, load_sample, sample_run

from sectoreval import plots
from sectoreval.benchmark import Benchmark
from sectoreval.measures import mean
from sectoreval.report import BenchmarkSummary, summarise, write_reports
from sectoreval.results import ArmResult, CaseResult, RunResult
from sectoreval.statistics import difference, estimate
from sectoreval.templates import cell
from sectorkit.stats import Estimate


@pytest.fixture(scope="session")
def run() -> RunResult:
    return sample_run(cases=60)


@pytest.fixture(scope="session")
def reports(run: RunResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    written = write_reports(run, tmp_path_factory.mktemp("run") / "reports", load_sample)
    return {path.name: path for path in written}


@pytest.fixture(scope="session")
def texts(reports: dict[str, Path]) -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in reports.items()}


def embedded(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def arm(name: str, right: Sequence[float], *, model: str = "m", ids: Sequence[str] | None = None) -> ArmResult:
    """An arm whose cases are as right as that."""
    named = ids or [f"case-{number}" for number in range(len(right))]
    cases = (
        CaseResult(key, "?", "", "", "right" if value else "wrong", {"correct": value})
        for key, value in zip(named, right, strict=True)
    )
    return ArmResult("pump_choices", name, model, tuple(cases))


def only_accuracy(name: str) -> Benchmark:
    return replace(load_sample(name), measures=(mean("accuracy", "correct", about="share of right choices"),))


def summary_of(*arms: ArmResult, load: Callable[[str], Benchmark] = only_accuracy) -> BenchmarkSummary:
    return summarise(RunResult({}, arms), load).benchmarks[0]


# -- numbers --------------------------------------------------------------------------------------------------------


def test_every_mean_stands_with_its_interval(run: RunResult, texts: dict[str, str]) -> None:
    measure, first = load_sample("city_pages").main, run.of("city_pages")[0]
    expected = estimate(first.rows(measure), measure, first.clusters)
    assert f"| closed_book · small-1.5b | {expected} |" in texts["report.md"]
    assert f"<strong>{expected.mean:.3f}</strong>" in texts["report.html"]
    assert f"[{expected.low:.3f}, {expected.high:.3f}]" in texts["report.html"]


def test_the_summary_holds_estimates_at_full_precision(run: RunResult, texts: dict[str, str]) -> None:
    measure, first = load_sample("city_pages").main, run.of("city_pages")[0]
    written = json.loads(texts["summary.json"])["benchmarks"][0]["arms"][0]["measures"]["accuracy"]
    assert written == estimate(first.rows(measure), measure, first.clusters).to_dict()


def test_a_failed_case_is_counted_and_named(run: RunResult, texts: dict[str, str]) -> None:
    failing = next(arm for arm in run.of("pump_choices") if arm.failed)
    line = f"- {failing.arm} · {failing.model} (n=60, failed {failing.failed}, failures count as wrong)"
    assert f"{line}: timeout ({failing.failed})" in texts["report.md"]
    assert f"Failed: timeout ({failing.failed})" in texts["report.html"]


def test_outcomes_and_reasons_add_up_to_the_cases_and_the_failures(run: RunResult, texts: dict[str, str]) -> None:
    for benchmark in json.loads(texts["summary.json"])["benchmarks"]:
        for summary in benchmark["arms"]:
            assert sum(summary["outcomes"].values()) == summary["n"] == 60
            assert sum(summary["failures"].values()) == summary["failed"] == summary["outcomes"].get("failed", 0)


def test_arms_are_compared_over_the_cases_that_both_have_matched_by_id() -> None:
    ids = [f"case-{number}" for number in range(40)]
    first = [float(number % 4 != 0) for number in range(40)]
    second = [float(number % 3 == 0) for number in range(10, 40)]
    (pair,) = summary_of(arm("hybrid", first), arm("lexical", second[::-1], ids=ids[10:][::-1])).comparisons
    shared = arm("hybrid", first[10:], ids=ids[10:]), arm("lexical", second, ids=ids[10:])
    measure = only_accuracy("pump_choices").main
    expected = difference(shared[0].rows(measure), shared[1].rows(measure), measure, shared[0].clusters)
    assert pair.difference is not None
    assert pair.difference.n == 30
    assert pair.difference.estimate == expected.estimate


def test_the_higher_of_two_is_named_first_with_the_signs_to_match() -> None:
    (pair,) = summary_of(arm("closed_book", [0.0] * 30 + [1.0] * 10), arm("hybrid", [1.0] * 40)).comparisons
    assert pair.sentence.startswith("hybrid · m is higher than closed_book · m: +0.750 [+0.59")


def test_no_difference_is_said_in_words_with_the_one_that_would_be_shown() -> None:
    (pair,) = summary_of(arm("closed_book", [1.0, 0.0] * 20), arm("hybrid", [0.0, 1.0] * 20)).comparisons
    assert pair.sentence.startswith("No difference shown between closed_book · m and hybrid · m: +0.000 [")
    assert re.search(r"a difference of 0\.\d{3} would be shown in four of five such runs", pair.sentence)


def test_arms_that_share_no_case_are_not_compared_and_that_is_said() -> None:
    (pair,) = summary_of(arm("closed_book", [1.0], ids=["a"]), arm("hybrid", [0.0], ids=["b"])).comparisons
    assert pair.sentence == "closed_book · m and hybrid · m share no case with this measure: n=0."


def test_results_are_broken_down_by_keys_of_few_values_only(texts: dict[str, str]) -> None:
    summary = json.loads(texts["summary.json"])["benchmarks"][0]["arms"][0]["groups"]
    assert list(summary) == ["language", "answerable"]
    assert {value: score["n"] for value, score in summary["language"].items()} == dict.fromkeys(
        ["ar", "de", "en", "zh"], 15
    )
    assert summary["language"]["ar"]["estimate"].keys() == {"mean", "low", "high"}


def test_an_oracle_is_the_best_only_where_it_is_alone() -> None:
    oracle, hybrid = arm("oracle", [1.0] * 20), arm("hybrid", [1.0, 0.0] * 10)
    assert summary_of(oracle, hybrid).best == "hybrid · m"
    assert summary_of(oracle).best == "oracle · m"


def test_the_best_of_a_measure_of_errors_is_the_lowest() -> None:
    def errors(name: str) -> Benchmark:
        return replace(load_sample(name), measures=(mean("errors", "correct", about="", higher_is_better=False),))

    found = summary_of(arm("hybrid", [1.0] * 20), arm("lexical", [0.0] * 20), load=errors)
    assert (found.best, found.next, found.ahead) == ("lexical · m", "hybrid · m", True)


def test_where_no_difference_to_the_next_is_shown_the_best_is_not_ahead() -> None:
    found = summary_of(arm("hybrid", [1.0, 1.0] + [0.0, 1.0] * 10), arm("lexical", [1.0, 0.0] * 11))
    assert (found.best, found.ahead) == ("hybrid · m", False)


def test_of_many_pairs_those_are_read_first_that_differ_in_one_thing() -> None:
    arms = [arm(name, [1.0, 0.0], model=model) for model in ("a", "b") for name in ("lexical", "hybrid")]
    found = summary_of(*arms)
    assert len(found.comparisons) == 6
    assert {(pair.first, pair.second) for pair in found.comparisons if pair not in found.listed} == {
        ("lexical · a", "hybrid · b"),
        ("hybrid · a", "lexical · b"),
    }


def test_what_is_not_defined_is_said_and_never_printed_as_a_number(texts: dict[str, str]) -> None:
    assert texts["report.md"].count("| not defined |") == 6
    assert json.loads(texts["summary.json"])["benchmarks"][0]["arms"][0]["measures"]["never defined"]["mean"] is None
    shown = re.sub(r"<script.*?</script>|<style.*?</style>", "", texts["report.html"], flags=re.DOTALL)
    assert not re.search(r"\bnan\b", shown + texts["report.md"])


def test_an_arm_that_does_not_have_a_measure_says_so(tmp_path: Path) -> None:
    without = replace(arm("hybrid", [1.0, 0.0]), cases=(CaseResult("case-0", "?", "", "", "wrong", {"other": 0.0}),))
    run = RunResult({}, (arm("closed_book", [1.0, 0.0]), without))
    page, markdown, _ = (path.read_text() for path in write_reports(run, tmp_path, only_accuracy))
    assert "| hybrid · m | not measured |" in markdown
    assert "not measured" in page


def test_a_run_that_asked_no_model_names_none() -> None:
    assert summary_of(arm("hybrid", [1.0], model="none")).best == "hybrid"


# -- texts of others ------------------------------------------------------------------------------------------------


def test_a_hostile_text_ends_no_element_and_stays_what_it_is(texts: dict[str, str]) -> None:
    page = texts["report.html"]
    assert HOSTILE not in page
    assert "<img" not in page
    assert page.count("<script") == page.count("</script>") == 2
    said = [result["said"] for case in embedded(page)["benchmarks"][0]["cases"] for result in case["results"]]
    assert HOSTILE in said


def test_the_page_loads_nothing_and_runs_no_script_but_its_own(texts: dict[str, str]) -> None:
    page = re.sub(r'<script type="application/json".*?</script>', "", texts["report.html"], flags=re.DOTALL)
    assert not re.search(r"<\w[^>]*\s(src|srcset|data|action)=|<link|<iframe|<a [^>]*href=\"(?!#)|@import|url\(", page)
    assert re.search(r"default-src 'none';.*script-src 'sha256-[A-Za-z0-9+/]{43}='", page)


def test_chinese_and_arabic_are_written_as_they_are(texts: dict[str, str]) -> None:
    assert "施工噪声在夜间不得超过多少分贝" in texts["report.html"]
    assert "ما هي المستندات المطلوبة" in texts["report.html"]


def test_a_passage_that_several_arms_saw_is_in_the_page_once(run: RunResult, texts: dict[str, str]) -> None:
    shown = {tuple(passage.values()) for arm in run.arms for case in arm.cases for passage in case.evidence}
    passages = embedded(texts["report.html"])["passages"]
    assert len(passages) == len(shown)
    assert set(map(tuple, passages)) == shown


def test_half_a_character_does_not_stop_a_report(tmp_path: Path) -> None:
    broken = replace(arm("hybrid", [1.0]).cases[0], said="half \ud83d of it", failure="reply \udc00 unread")
    paths = write_reports(
        RunResult({}, (ArmResult("pump_choices", "hybrid", "m", (broken,)),)), tmp_path, only_accuracy
    )
    assert "half ? of it" in paths[0].read_text(encoding="utf-8")


def test_in_markdown_a_text_makes_no_cells_and_no_elements() -> None:
    assert cell("a|b\n<img src=x> [go](to) `c` p < 0.1 [0.1, 0.2]") == (
        "a\\|b \\<img src=x> [go]\\(to) \\`c\\` p < 0.1 [0.1, 0.2]"
    )


def test_what_the_numbers_depend_on_is_there_with_licences_and_the_command(texts: dict[str, str]) -> None:
    assert "- models › large-32b › revision: 4b1f2c9" in texts["report.md"]
    assert "- data › pump-choices › licence: MIT" in texts["report.md"]
    assert "    sectoreval run city_pages pump_choices" in texts["report.md"]
    assert "Questions on Pages of Cities &amp; Towns, &lt;Proc.&gt; 12, 1-9" in texts["report.html"]
    assert "<dt>hardware › memory</dt><dd>16 GB</dd>" in texts["report.html"]


def test_without_scripts_the_page_says_what_is_missing(texts: dict[str, str]) -> None:
    assert re.search(r"<noscript>.*table of single cases.*</noscript>", texts["report.html"])


# -- plots ----------------------------------------------------------------------------------------------------------


def test_shares_are_drawn_from_0_to_1_and_others_between_round_numbers_with_0() -> None:
    assert plots.scale_of([Estimate(0.5, 0.4, 0.6)]).ticks[::4] == (0, 1)
    assert plots.scale_of([Estimate(0.2, -0.31, 0.6)]).ticks == (-0.4, -0.2, 0, 0.2, 0.4, 0.6)
    assert plots.scale_of([Estimate(42, 17, 61)]).ticks == (0, 20, 40, 60, 80)


def test_a_dot_stands_where_its_value_is() -> None:
    drawn = plots.whisker(Estimate(0.5, 0.25, 0.875), plots.scale_of([]))
    assert '<circle cx="50.0%"' in drawn
    assert '<line class="span" x1="25.0%" x2="87.5%"' in drawn


def test_a_bar_says_its_counts_where_there_is_room() -> None:
    drawn = plots.bar({"right": 97, "failed": 3})
    assert re.findall(r'width="([\d.]+)%"', drawn) == ["97.00", "3.00"]
    assert re.findall(r">(\d+)</text>", drawn) == ["97"]


# -- in a browser ---------------------------------------------------------------------------------------------------


def visit(page_file: Path, look: Callable[[Any], Any], **context: Any) -> Any:
    """What `look` finds in the opened page. In a thread of its own: other tests may hold Playwright in this one."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        warnings.warn("no Chromium for the browser tests: apt-get install chromium", stacklevel=1)
        pytest.skip("no Chromium")

    def opened() -> Any:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_context(**context).new_page()
            page.set_default_timeout(20_000)
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda message: problems.append(message.text))
            page.on("request", lambda request: problems.append(request.url) if request.url != page.url else None)
            page.goto(page_file.as_uri())
            problems.clear()  # the page itself
            found = look(page)
            browser.close()
            assert problems == []
            return found

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(opened).result()


@pytest.mark.browser
def test_failures_are_found_and_opened_with_the_keyboard(run: RunResult, reports: dict[str, Path]) -> None:
    def look(page: Any) -> None:
        assert page.inner_text("#count") == "1–50 of 60 cases"
        page.select_option("select[name=outcome]", "failed")
        rows = page.locator("#table tr.row")
        failed = {case.id for arm in run.of("city_pages") for case in arm.cases if case.failure}
        assert rows.count() == len(failed)
        button = rows.first.locator("button")
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-expanded") == "true"
        case = page.locator(".case")
        assert case.locator(".failure").first.inner_text().startswith("Failed: ")
        assert case.locator(".answer").count() == 6
        page.keyboard.press("Enter")
        assert not case.is_visible()

    visit(reports["report.html"], look)


@pytest.mark.browser
def test_a_hostile_answer_is_shown_as_text(reports: dict[str, Path]) -> None:
    def look(page: Any) -> None:
        page.fill("input[name=text]", "DOCUMENT.TITLE='OWNED'")
        assert page.inner_text("#count").endswith("of 60 cases")
        for button in page.locator("#table tr.row button").all():
            button.click()
        assert HOSTILE in page.locator(".answer .text").all_inner_texts()
        assert page.title() == "Evaluation report"
        assert page.locator("main img, main b").count() == 0

    visit(reports["report.html"], look)


@pytest.mark.browser
def test_filters_narrow_the_cases_together_and_pages_are_turned(run: RunResult, reports: dict[str, Path]) -> None:
    def look(page: Any) -> None:
        page.click("#after")
        assert page.inner_text("#count") == "51–60 of 60 cases"
        page.select_option("select[name=group]", label="ar")
        page.select_option("select[name=arm]", label="hybrid · large-32b")
        page.select_option("select[name=outcome]", "right")
        arm = next(arm for arm in run.of("city_pages") if (arm.arm, arm.model) == ("hybrid", "large-32b"))
        expected = [case for case in arm.cases if case.groups["language"] == "ar" and case.outcome == "right"]
        assert page.inner_text("#count") == f"1–{len(expected)} of {len(expected)} of 60 cases"
        page.select_option("select[name=benchmark]", "1")
        assert page.locator("#table thead th").count() == 7
        assert page.inner_text("#count") == "1–50 of 60 cases"
        assert page.is_disabled("select[name=group]")

    visit(reports["report.html"], look)


@pytest.mark.browser
def test_nothing_is_wider_than_a_phone(reports: dict[str, Path]) -> None:
    def look(page: Any) -> None:
        page.locator("#table tr.row button").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") == 390

    visit(reports["report.html"], look, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
