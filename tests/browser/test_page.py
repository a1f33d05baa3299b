"""The page in a real Chromium, on a runtime that pretends."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from careless_proxy import reverse_proxy
from pretend import HOSTILE, PretendRuntime, pretend_app

from sectorkit.runtime import Stage

pytestmark = pytest.mark.browser
BOX = ".sk-question textarea"
ANSWER = "article.sk-answer"
LOUD = "How loud may a bar be at night?"
QUOTE = (
    "The sound level of a bar or a restaurant must not exceed 45 dB(A) at night, measured at the window of the "
    "nearest dwelling."
)


def ask(page: Any, question: str) -> None:
    page.fill(BOX, question)
    page.press(BOX, "Enter")


def marked(page: Any) -> str:
    page.wait_for_selector("#sk-panel mark")
    return "\n".join(page.locator("#sk-panel mark").all_text_contents())


def until(check: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_question_is_asked_answered_and_its_source_opened_with_the_keyboard_alone(runtime, served, open_page):
    page = open_page(served(runtime))
    page.wait_for_selector(BOX)
    page.wait_for_function("document.activeElement.matches('.sk-question textarea')")
    page.keyboard.type("How loud may a bar")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("be at night?")
    page.keyboard.press("Enter")
    page.wait_for_selector(ANSWER)
    assert runtime.asked == ["How loud may a bar\nbe at night?"]
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.sk-text .sk-cite')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert marked(page) == QUOTE
    page.wait_for_function("document.activeElement.matches('.sk-close')")
    page.keyboard.press("Escape")
    assert not page.is_visible("#sk-panel")
    assert page.evaluate("document.activeElement.matches('.sk-text .sk-cite')")


def test_the_passages_show_first_then_the_text_grows_then_it_is_verified(runtime, served, open_page):
    runtime.reading, runtime.delay = 3, 0.12
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_selector(".sk-reading li")
    assert "Reading 5 passages" in page.inner_text(".sk-work")
    assert page.locator(".sk-draft").count() == 0
    assert page.is_visible(".sk-stop")
    assert not page.is_visible(".sk-go")
    page.wait_for_selector(".sk-draft")
    lengths = []
    while page.locator(".sk-draft .sk-text").count():
        lengths.append(page.evaluate("document.querySelector('.sk-draft .sk-text')?.textContent.length ?? 0"))
        time.sleep(0.15)
    grown = [length for length in lengths if length]
    assert grown == sorted(grown)
    assert len(set(grown)) >= 5
    page.wait_for_selector(ANSWER)
    assert page.is_visible(".sk-go")
    assert "Partly supported" in page.inner_text(".sk-badge")
    assert page.inner_text(".sk-unsupported") == "Inspectors visit every bar twice a week."
    assert page.inner_text(".sk-flag") == "not found in the documents"
    assert page.inner_text(".sk-live").startswith("Partly supported. The sound level of a bar")


def test_every_citation_and_passage_opens_its_exact_words(runtime, served, open_page):
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_selector(ANSWER)
    for row in page.locator(".sk-sources li").all():
        quote = row.locator("blockquote").text_content()
        row.locator(".sk-cite").click()
        page.wait_for_function("quote => document.querySelector('#sk-panel mark')?.textContent === quote", arg=quote)
        until(lambda: page.evaluate(_MARK_IS_SEEN))
    page.click(".sk-closest summary")
    page.locator(".sk-closest .sk-hit").nth(1).click()
    page.wait_for_function("document.querySelector('#sk-panel mark')?.textContent.startsWith('District')")
    assert "Old Port | 60 dB(A) | 50 dB(A)" in marked(page)


_MARK_IS_SEEN = """() => { const m = document.querySelector('#sk-panel mark').getBoundingClientRect();
  const p = document.querySelector('.sk-panel-body').getBoundingClientRect(); return m.top >= p.top && m.bottom <= p.bottom; }"""


def test_a_rule_no_longer_in_force_is_said_to_be_so_beside_answer_and_source(runtime, served, open_page):
    page = open_page(served(runtime))
    ask(page, "What were the procurement thresholds in 2020?")
    page.wait_for_selector(ANSWER)
    assert "Supported" in page.inner_text(".sk-badge")
    assert "No longer in force: Procurement Rule 2019" in page.inner_text(".sk-notes")
    assert "Superseded" in page.inner_text(".sk-sources")
    page.click(".sk-text .sk-cite")
    page.wait_for_selector("#sk-panel mark")
    assert "Superseded: no longer in force since 30 June 2023" in page.inner_text("#sk-panel")


def test_an_abstention_is_plain_and_shows_the_closest_passages(runtime, served, open_page):
    page = open_page(served(runtime))
    ask(page, "Who won the football cup?")
    page.wait_for_selector(ANSWER)
    assert "Not answered" in page.inner_text(".sk-badge")
    assert "do not seem to answer" in page.inner_text(".sk-text")
    assert page.is_visible(".sk-closest .sk-hit >> nth=0")
    assert page.locator(".sk-copy").count() == 0


def test_without_a_model_it_searches_and_says_so(runtime, served, open_page):
    runtime.model = Stage(
        "model", "failed", "nothing answers at http://127.0.0.1:9/v1; start one: sectorkit models serve"
    )
    page = open_page(served(runtime))
    page.wait_for_selector(".sk-stage-failed")
    assert "The model is not available: search only." in page.inner_text(".sk-status")
    assert "sectorkit models serve" in page.inner_text(".sk-status")
    ask(page, LOUD)
    page.wait_for_selector(ANSWER)
    assert "Search only" in page.inner_text(".sk-badge")
    assert page.locator(".sk-closest .sk-hit:visible").count() == 8


def test_the_loading_state_is_shown_and_turns_ready_without_a_reload(runtime, served, open_page):
    runtime.model = Stage("model", "working", "downloading the model", 0.42)
    page = open_page(served(runtime))
    page.wait_for_selector(".sk-stage-working")
    assert "You can search already" in page.inner_text(".sk-status")
    assert "42%" in page.inner_text(".sk-stage-working")
    ask(page, LOUD)
    page.wait_for_selector(ANSWER)
    assert "The model is still loading" in page.inner_text(".sk-text")
    assert not page.is_visible(".sk-again")
    page.evaluate("window.notReloaded = true")
    runtime.model = Stage("model", "working", "loading weights", 0.9)
    page.wait_for_function("document.querySelector('.sk-stage-working')?.textContent.includes('90%')")
    runtime.model = Stage("model", "ready", "qwen2.5-coder-0.5b", 1.0)
    page.wait_for_selector(".sk-status.sk-settled")
    assert page.evaluate("window.notReloaded")
    page.click(".sk-again button")
    page.wait_for_selector(f"{ANSWER}[data-verdict=partial]")


def test_a_question_asked_too_early_waits_for_the_documents(runtime, served, open_page):
    runtime.searchable = False
    runtime.documents = Stage("documents", "working", "indexing ordinance-noise-2021.md", 0.3)
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_function("document.body.innerText.includes('Your question waits for the documents: indexing')")
    runtime.documents = Stage("documents", "ready", "214 passages", 1.0)
    runtime.searchable = True
    page.wait_for_selector(ANSWER)


def test_what_cannot_be_opened_is_said_where_the_answer_would_be(runtime, served, open_page):
    runtime.searchable = False
    runtime.documents = Stage("documents", "failed", "the disk is full; make room and sync again")
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_selector(".sk-problem")
    assert "the disk is full; make room and sync again" in page.inner_text(".sk-problem")
    assert page.input_value(BOX) == LOUD


def test_a_question_that_is_too_long_is_refused_in_words_and_kept_in_the_box(runtime, served, open_page):
    page = open_page(served(runtime))
    ask(page, "long " * 900)
    page.wait_for_selector(".sk-problem")
    assert "4,000 are the limit" in page.inner_text(".sk-problem")
    assert len(page.input_value(BOX)) == 4_500
    ask(page, "  ")
    page.wait_for_function("document.querySelector('.sk-problem')?.textContent.includes('Type a question first')")


def test_stop_keeps_the_draft_and_ends_the_work(runtime, served, open_page):
    runtime.delay = 0.3
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_selector(".sk-draft")
    page.click(".sk-stop")
    page.wait_for_selector(".sk-draft .sk-badge")
    assert "Stopped" in page.inner_text(".sk-draft")
    assert "The sound" in page.inner_text(".sk-draft")
    until(lambda: runtime.closed == [LOUD])
    assert page.is_visible(".sk-go")


def test_another_question_takes_the_place_of_the_one_before(runtime, served, open_page):
    runtime.delay = 0.3
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_selector(".sk-draft")
    runtime.delay = 0.02
    ask(page, "What is the fine?")
    page.wait_for_selector(ANSWER)
    assert "VLM 400" in page.inner_text(".sk-text")
    until(lambda: LOUD in runtime.closed)
    time.sleep(0.5)
    assert "VLM 400" in page.inner_text(".sk-text")


def test_a_closed_tab_ends_its_work(runtime, served, open_page):
    runtime.delay = 0.5
    page = open_page(served(runtime))
    ask(page, LOUD)
    page.wait_for_selector(".sk-draft")
    page.close()
    until(lambda: runtime.closed == [LOUD], seconds=8)


def test_five_tabs_of_one_browser_are_answered_at_once(runtime, served, open_page):
    runtime.delay = 0.15
    url = served(runtime)
    first = open_page(url)
    tabs = [first, *(open_page(url, tab_of=first) for _ in range(4))]
    for tab in tabs:
        ask(tab, LOUD)
    for tab in tabs:
        tab.wait_for_selector(ANSWER)
    assert runtime.most_at_once == 5


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "passed on"])
@pytest.mark.parametrize("told", [True, False], ids=["root path set", "root path not set"])
def test_it_works_behind_a_proxy_with_a_path_prefix(runtime, served, open_page, strips, told):
    if not strips and not told:
        pytest.skip("a server that was not told its prefix cannot know which part of a path it is")
    upstream = served(runtime, root_path="/suite/city" if told else "")
    proxy = served(reverse_proxy(upstream, "/suite/city", strips=strips))
    page = open_page(f"{proxy}/suite/city/")
    ask(page, LOUD)
    page.wait_for_selector(ANSWER)
    page.click(".sk-text .sk-cite")
    assert marked(page) == QUOTE
    page.wait_for_selector(".sk-status.sk-settled")
    assert [url for url in page.requests if not url.startswith(f"{proxy}/suite/city/")] == []
    page.goto(page.get_attribute(".sk-tab", "href"))
    assert page.locator("mark").text_content() == QUOTE
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "736px"


def test_nothing_leaves_the_host(runtime, served, open_page):
    url = served(runtime)
    page = open_page(url)
    ask(page, LOUD)
    page.wait_for_selector(ANSWER)
    page.click(".sk-text .sk-cite")
    page.wait_for_selector("#sk-panel mark")
    assert len(page.requests) > 10
    assert [one for one in page.requests if not one.startswith((f"{url}/", "data:", "blob:"))] == []
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("fetch('http://127.0.0.1:9/')")
    assert "connect-src 'self'" in page.problems[0]
    page.problems.clear()


def test_hostile_documents_stay_text(runtime, served, open_page):
    page = open_page(served(runtime))
    ask(page, "How many stands does the taxi association ask for?")
    page.wait_for_selector(ANSWER)
    assert HOSTILE in page.text_content(".sk-sources .sk-name")
    page.click(".sk-text .sk-cite")
    assert "<script>window.pwned=1</script>" in marked(page)
    assert page.text_content("#sk-panel .sk-document-title") == HOSTILE
    page.goto(page.get_attribute(".sk-tab", "href"))
    assert page.text_content("h2") == HOSTILE
    assert page.evaluate("window.pwned") is None
    assert page.locator("article img, article script").count() == 0


@pytest.mark.parametrize(
    ("question", "language"), [("كم رسوم بطاقة المقيم؟", "ar"), ("押金最多可以收几个月的租金？", "zh")]
)
def test_quotes_keep_their_language_and_direction(runtime, served, open_page, question, language):
    page = open_page(served(runtime))
    ask(page, question)
    page.wait_for_selector(ANSWER)
    quote = page.locator(".sk-sources blockquote")
    assert quote.get_attribute("lang") == language
    expected = "rtl" if language == "ar" else "ltr"
    assert quote.evaluate("e => getComputedStyle(e).direction") == expected
    assert page.locator(".sk-text").evaluate("e => getComputedStyle(e).direction") == expected
    assert page.locator(BOX).evaluate("e => getComputedStyle(e).direction") == expected


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_nothing_scrolls_sideways_and_a_source_covers_the_page(runtime, served, open_page, width):
    page = open_page(served(runtime), width=width, height=844, phone=True)
    page.wait_for_selector(".sk-status.sk-settled")
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits)
    ask(page, LOUD)
    page.wait_for_selector(".sk-reading")
    assert page.evaluate(fits)
    page.wait_for_selector(ANSWER)
    assert page.evaluate(fits)
    page.tap(".sk-text .sk-cite")
    page.wait_for_selector("#sk-panel mark")
    panel = page.locator("#sk-panel").bounding_box()
    assert (panel["x"], panel["width"], panel["height"]) == (0, width, 844)
    assert page.evaluate("document.querySelector('.sk-panel-body').scrollWidth <= window.innerWidth")
    assert page.get_attribute("#sk-panel", "role") == "dialog"
    assert page.evaluate("document.querySelector('gradio-app').inert")
    page.tap(".sk-close")
    assert not page.is_visible("#sk-panel")
    assert page.evaluate("!document.querySelector('gradio-app').inert")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast_and_answers_are_large(runtime, served, open_page, scheme):
    page = open_page(served(runtime), scheme=scheme, width=1920, height=1080)
    ask(page, LOUD)
    page.wait_for_selector(ANSWER)
    page.click(".sk-text .sk-cite")
    page.wait_for_selector("#sk-panel mark")
    page.wait_for_timeout(300)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(246, 245, 242)", "dark": "rgb(20, 24, 29)"}[scheme]
    low, checked = page.evaluate(_CONTRASTS)
    assert checked > 25
    assert low == []
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.sk-text')).fontSize)") >= 18


_CONTRASTS = """() => {
  const rgb = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  let checked = 0;
  for (const e of document.querySelectorAll(".sk-app *, #sk-panel *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility({ visibilityProperty: true })) continue;
    const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    checked++;
    if (ratio < 4.5) low.push([e.className, e.textContent.slice(0, 30), ratio]);
  }
  return [low, checked];
}"""


def test_what_is_typed_in_the_first_second_is_asked_when_the_page_is_there(runtime, served, open_page):
    from sectorkit.ui.server import create_app
    from sectorkit.ui.starting import Starting

    built, failures = threading.Event(), []

    def build() -> Any:
        built.wait(20)
        return create_app(runtime)

    starting = Starting(runtime, build, on_built=lambda: None, on_failed=failures.append)
    page = open_page(served(starting))
    page.wait_for_function("document.activeElement.matches('.sk-early textarea')")
    page.keyboard.type(LOUD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".sk-status:not(:empty)")
    assert page.locator("gradio-app").count() == 0
    built.set()
    page.wait_for_selector(ANSWER)
    assert runtime.asked == [LOUD]
    assert page.input_value(BOX) == LOUD
    assert page.locator("#sk-boot").count() == 0
    assert failures == []


def test_several_apps_share_a_page_and_each_answers(served, open_page):
    apps = {name: pretend_app(name, title=title) for name, title in (("one", "City rules"), ("two", "Plant quality"))}
    runtime = PretendRuntime(apps)
    page = open_page(served(runtime))
    page.wait_for_selector("#sk-one .sk-status.sk-settled")
    page.get_by_role("tab", name="Plant quality").click()
    page.wait_for_selector("#sk-two .sk-status.sk-settled")
    page.click(f"#sk-two .sk-chip:has-text('{LOUD}')")
    page.wait_for_selector(f"#sk-two {ANSWER}")
    page.click("#sk-two .sk-text .sk-cite")
    assert marked(page) == QUOTE
    assert page.locator(f"#sk-one {ANSWER}").count() == 0


def test_an_example_is_asked_by_a_click_and_the_answer_can_be_copied_with_its_sources(runtime, served, open_page):
    page = open_page(served(runtime))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(f".sk-chip:has-text('{LOUD}')")
    page.wait_for_selector(ANSWER)
    assert page.input_value(BOX) == LOUD
    page.click(".sk-copy")
    page.wait_for_selector(".sk-copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert (
        f"[1] Ordinance No. 2021-14 on the Control of Noise, Title II – Night hours › Section 5 – Premises with music: “{QUOTE}”"
        in copied
    )
    assert "twice a week. [not found in the documents]" in copied


def test_a_lost_connection_is_said_and_found_again(runtime, served, open_page):
    page = open_page(served(runtime))
    page.wait_for_selector(".sk-status.sk-settled")
    runtime.documents = replace(runtime.documents, state="working")
    page.route("**/ui/status/**", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function(
        "document.querySelector('.sk-status').textContent.includes('connection to the server is lost')", timeout=15_000
    )
    page.unroute("**/ui/status/**")
    page.wait_for_function("document.querySelector('.sk-status').textContent.includes('Documents')")


def test_the_status_of_a_second_app_is_there_with_its_tab(served, open_page):
    two = {name: pretend_app(name, title=name) for name in ("city_rules", "other_rules")}
    page = open_page(served(PretendRuntime(two)))
    page.wait_for_selector("#sk-city_rules .sk-status.sk-settled")
    page.click('role=tab[name="other_rules"]')
    page.wait_for_selector(
        "#sk-other_rules .sk-status.sk-settled", timeout=4_000
    )  # and not only when it is asked again, after 10 s
