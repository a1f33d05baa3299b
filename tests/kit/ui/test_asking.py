"""One question's way to the page."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pretend import PretendRuntime, pretend_app

from sectorkit.answer import Answer
from sectorkit.runtime import Stage
from sectorkit.ui.asking import Run, View, _for_now, ask
from sectorkit.verifying import WITHOUT_MODEL

LOUD = "How loud may a bar be at night?"


def runtime(**options: object) -> PretendRuntime:
    return PretendRuntime({"city": pretend_app("city")}, **options)  # type: ignore[arg-type]


def views(pretended: PretendRuntime, question: str = LOUD, run: Run | None = None) -> list[View]:
    async def collect() -> list[View]:
        return [view async for view in ask(pretended, "city", question, run or Run())]  # type: ignore[arg-type]

    return asyncio.run(collect())


def test_passages_then_drafts_then_the_answer() -> None:
    seen = views(runtime(delay=0.02))
    assert "Searching" in (seen[0].work or "")
    assert "Reading 5 passages" in (seen[1].work or "")
    assert sum("sk-draft" in (view.answer or "") for view in seen) >= 3
    assert "<article" in (seen[-1].answer or "")
    assert [view.busy for view in seen] == [True] * (len(seen) - 1) + [False]


def test_drafts_are_drawn_at_a_pace_a_phone_can_follow() -> None:
    seen = views(runtime())
    assert sum("sk-draft" in (view.answer or "") for view in seen) <= 3


def test_an_empty_question_is_a_message() -> None:
    (only,) = views(runtime(), "  \n")
    assert "Type a question first." in (only.answer or "")
    assert not only.busy


def test_an_expected_error_is_a_message() -> None:
    seen = views(runtime(), "x" * 5_000)
    assert "4,000 are the limit" in (seen[-1].answer or "")


def test_failed_documents_are_a_message() -> None:
    pretended = runtime(searchable=False, documents=Stage("documents", "failed", "the disk is full"))
    assert "the disk is full" in (views(pretended)[-1].answer or "")


def test_without_a_model_no_reading_is_shown() -> None:
    seen = views(runtime(model=Stage("model", "failed", "gone")))
    assert not any("Reading" in (view.work or "") for view in seen)
    assert "Search only" in (seen[-1].answer or "")


def test_while_the_model_is_loading_a_quote_stays_and_what_it_lacks_is_said() -> None:
    quoted = Answer(LOUD, "quoted", "“Bars: 45 dB(A).” [1]", reason="model_unavailable")
    loading, failed = Stage("model", "working", "loading weights", 0.9), Stage("model", "failed", "it is away")
    shown = _for_now(quoted, loading)
    assert shown.text == quoted.text
    assert "The model is still loading: ask again" in shown.notes[0]
    assert _for_now(quoted, failed) == quoted
    none = replace(quoted, verdict="abstained", text=f"{WITHOUT_MODEL} What comes closest:\n“45” [1]")
    assert _for_now(none, loading).text.startswith("The model is still loading. These are")
    assert _for_now(none, loading).text.endswith("What comes closest:\n“45” [1]")


def test_stopping_keeps_the_draft_and_closes_the_stream() -> None:
    pretended = runtime(delay=0.05)

    async def stopped() -> list[View]:
        run, seen = Run(), []
        async for view in ask(pretended, "city", LOUD, run):  # type: ignore[arg-type]
            seen.append(view)
            if "sk-draft" in (view.answer or ""):
                run.stop()
        return seen

    last = asyncio.run(stopped())[-1]
    assert "Stopped" in (last.answer or "")
    assert not last.busy
    assert pretended.closed == [LOUD]


def test_a_dropped_run_says_nothing_more() -> None:
    run = Run()
    run.drop()
    assert all(view.busy for view in views(runtime(), run=run))


def test_leaving_in_the_middle_closes_the_stream() -> None:
    pretended = runtime(delay=0.05)

    async def left() -> None:
        seen = ask(pretended, "city", LOUD, Run())  # type: ignore[arg-type]
        async for view in seen:
            if view.answer:
                break
        await seen.aclose()  # type: ignore[attr-defined]

    asyncio.run(left())
    assert pretended.closed == [LOUD]


def test_a_bug_is_a_message_too_and_the_page_is_free_again() -> None:
    class Broken(PretendRuntime):
        def stream(self, app: str, request: object) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    seen = views(Broken({"city": pretend_app("city")}))
    assert "Something went wrong" in (seen[-1].answer or "")
    assert not seen[-1].busy
