"""Follow-up and signing in healthcare triage: what is asked, in whose language, and what a signature needs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthcare_triage import APP
from healthcare_triage.assessment import Assessment, Guidance, assess, weighed
from healthcare_triage.followup import LANGUAGES, MOST, Answer, confirmed, next_question, words_of
from healthcare_triage.patient import read_patient
from healthcare_triage.rules import LEVELS, Rules
from healthcare_triage.signing import REASONS, decide, entry, not_lower, signed_entry
from sectorkit.errors import RequestError, ServerUnavailable
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.index import Index

RULES = Rules()
COMPLAINTS = (
    "I have a headache",
    "My stomach hurts",
    "I have a cough",
    "My baby is crying",
    "My back hurts",
    "I feel dizzy",
    "I have a rash",
)


def found(said: str, asked: Sequence[tuple[str, Answer]] = (), index: Index | None = None, **known: Any) -> Assessment:
    return assess(read_patient(said, confirmed=confirmed(asked, "en"), **known), RULES, index)


def test_every_sign_has_a_question_and_its_reason_in_every_language() -> None:
    pages = []
    for language in LANGUAGES:
        questions, page = words_of(language)
        assert set(questions) == set(RULES.signs)
        assert all(text.rstrip().endswith(("?", "？", "؟")) and why.strip() for text, why in questions.values())
        assert page["of"].format(n=1, most=5)
        assert "x" in page["why"].format(why="x")
        pages.append(set(page))
    assert all(page == pages[0] for page in pages)
    assert words_of("tlh") == words_of("en")


def test_where_nothing_is_known_of_what_was_said_it_is_asked_for_what_cannot_wait() -> None:
    asked: list[tuple[str, Answer]] = []
    while question := next_question(found("qwx zzt", asked), RULES, asked):
        asked.append((question.sign, "no"))
    assert [sign for sign, _ in asked] == [
        "severely breathless",
        "chest pain",
        "heavy bleeding",
        "confusion",
        "suicidal",
    ]
    after = found("qwx zzt", [*asked[:-1], ("suicidal", "yes")])
    assert (after.level, after.raised_by) == ("emergency", "rules")


def guided(level: str, usual: str, *, same: bool = False) -> Guidance:
    return Guidance(
        "a.md", "A", level, usual, narrow=False, same=same, quotes=(), questions=(), safety_net=(), sentences=()
    )


@pytest.mark.parametrize(
    ("said", "examples", "guidance", "level"),
    [
        ("qwx zzt", "", guided("self-care", "urgent"), "urgent"), ("qwx zzt", "", guided("self-care", "self-care"), "routine"),
        ("qwx zzt", "", guided("emergency", "routine"), "emergency"), ("qwx zzt", "", guided("self-care", "urgent", same=True), "self-care"),
        ("qwx zzt", "self-care", guided("self-care", "urgent"), "self-care"), ("qwx zzt", "", None, "routine"),
        ("I am short of breath", "", guided("self-care", "routine"), "urgent"),
    ],
)  # fmt: skip
def test_guidance_that_is_only_near_sends_nobody_home(
    said: str, examples: str, guidance: Guidance | None, level: str
) -> None:
    assert weighed(RULES.floor(read_patient(said)), examples, guidance)[0] == level


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(COMPLAINTS), st.lists(st.sampled_from(["yes", "no", "unknown"]), min_size=MOST, max_size=MOST))
def test_no_answer_lowers_the_level_and_a_yes_raises_it_as_was_said(said: str, answers: list[Answer]) -> None:
    asked: list[tuple[str, Answer]] = []
    level = found(said).level
    for answer in answers:
        question = next_question(found(said, asked), RULES, asked)
        if question is None:
            break
        assert question.sign not in {sign for sign, _ in asked}
        asked.append((question.sign, answer))
        after = found(said, asked).level
        assert LEVELS.index(after) >= LEVELS.index(level)
        if answer == "yes":
            assert LEVELS.index(after) >= LEVELS.index(question.level) > LEVELS.index(level)
        level = after
    assert len(asked) <= MOST
    if level == "emergency":
        assert next_question(found(said, asked), RULES, asked) is None


def test_nothing_is_asked_of_an_emergency_nor_a_sixth_time() -> None:
    assert next_question(found("He is not breathing"), RULES, []) is None
    asked: list[tuple[str, Answer]] = []
    while question := next_question(found("I have a headache", asked), RULES, asked):
        asked.append((question.sign, "no"))
    assert len(asked) == MOST


def test_what_the_guidance_calls_urgent_is_asked_for(index: Index) -> None:
    made = found("I have a nosebleed", index=index, age="30")
    assert made.guidance
    question = next_question(made, RULES, [])
    assert question
    grounds = " ".join(
        quote.quote for level, quote in made.guidance.sentences if LEVELS.index(level) > LEVELS.index(made.level)
    )
    assert question.sign in RULES.signs_of(grounds)


def all_asked(said: str, **known: Any) -> list[str]:
    """The questions where each is answered with No."""
    asked: list[tuple[str, Answer]] = []
    while question := next_question(found(said, asked, **known), RULES, asked):
        asked.append((question.sign, "no"))
    return [sign for sign, _ in asked]


def test_a_woman_with_belly_pain_is_asked_of_pregnancy_and_no_man_child_or_elder_is() -> None:
    of_pregnancy = {"pregnant", "may be pregnant", "vaginal bleeding", "after birth"}
    assert of_pregnancy & set(all_asked("My stomach hurts", sex="female", age="28"))
    for known in ({"sex": "male", "age": "28"}, {"age": "4"}, {"sex": "female", "age": "82"}):
        assert not of_pregnancy & set(all_asked("My stomach hurts", **known))
    assert "testicle pain" not in all_asked("My stomach hurts", sex="female", age="28")


def test_a_baby_is_not_asked_to_tell_and_nothing_is_asked_that_a_no_has_answered() -> None:
    assert not {"speech trouble", "headache", "chest pain"} & set(all_asked("She vomits", age="5 weeks"))
    asked = all_asked("I cough", age="40")
    assert not {"breathless", "severely breathless"} <= set(asked)


def test_an_embedding_server_that_goes_away_in_between_leaves_the_rules_and_the_words(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise ServerUnavailable("the embedding server is away")

    said = "I burned my hand with boiling water and it blisters"
    whole = found(said, index=index)
    assert whole.guidance
    real = index.embedder.embed_query
    calls: list[str] = []

    def once(text: str) -> Any:  # the search gets its vector, the sentences do not
        calls.append(text)
        return real(text) if len(calls) == 1 else away()

    monkeypatch.setattr(index.embedder, "embed_query", once)
    for _ in range(2):  # in mid-assessment, and then from its beginning
        made = found(said, index=index)
        assert made.guidance
        assert made.guidance.source == whole.guidance.source
        assert any("by words alone" in note for note in made.notes)
        assert LEVELS.index(made.level) >= LEVELS.index(made.floor.level or "self-care")


def test_a_signature_needs_a_name_and_another_level_a_reason() -> None:
    accepted = decide("emergency", "", "C. Nurse")
    assert (accepted.accepted, accepted.level) == (True, "emergency")
    for level, signed, reason, words, problem in (
        ("", "  ", "", "", "who signs"),
        ("urgent", "C. Nurse", "because", "", "choose why"),
        ("urgent", "C. Nurse", REASONS[0], "", "in words"),
        ("tomorrow", "C. Nurse", "", "", "no level"),
        ("", "C" * 81, "", "", "80 characters"),
        ("urgent", "C. Nurse", REASONS[0], "x" * 2_001, "2,000 characters"),
    ):
        with pytest.raises(RequestError, match=problem):
            decide("emergency", level, signed, reason, words)
    with pytest.raises(RequestError, match="choose one"):  # nothing was proposed
        decide("", "", "C. Nurse")
    assert decide("", "routine", "C. Nurse").level == "routine"
    assert decide("routine", "emergency", "C. Nurse", REASONS[0]).level == "emergency"
    assert not decide("emergency", "urgent", "C. Nurse", REASONS[0], "seen, well").accepted


def test_the_log_has_what_was_proposed_and_decided_and_no_word_of_what_was_said() -> None:
    shown = entry(found("I fainted while running", age="30"), [("stiff neck", "no")])
    written = signed_entry(shown, decide(shown["proposed"], "urgent", "C. Nurse", REASONS[0], "she ran"), None)
    assert (written["proposed"], written["level"], written["reason"]) == ("emergency", "urgent", REASONS[0])
    assert (written["asked"], written["words"]) == ({"stiff neck": "no"}, None)
    assert "running" not in str(written)


def test_where_neither_rules_nor_guidance_say_anything_nothing_is_proposed() -> None:
    made = found("Mir ist blümerant")
    assert (made.raised_by, entry(made)["proposed"]) == ("", "")


def test_a_level_that_was_shown_does_not_sink_when_what_it_rested_on_goes_away(index: Index) -> None:
    before = found("I burned my hand with boiling water and it blisters", index=index, age="30")
    assert before.raised_by
    sunk = found("I burned my hand with boiling water and it blisters", age="30")
    after = not_lower(replace(sunk, level="self-care", raised_by="guidance"), entry(before))
    assert (after.level, after.esi, after.raised_by) == (before.level, before.esi, before.raised_by)
    assert "stands as it was shown" in after.notes[-1]
    assert not_lower(before, entry(sunk)) == before


def test_texts_for_reference_are_for_questions_and_set_no_level(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(APP.corpus, docs / "guidance")
    (docs / "medquad").mkdir()
    said = "I have a nosebleed that drips from one nostril"
    (docs / "medquad" / "a.md").write_text(f"# Nosebleed\n\n## Emergency: call now\n\n- {said}\n- {said} today\n")
    (docs / "medquad" / "metadata.toml").write_text('["a.md"]\nkind = "reference"\n')
    with closing(Index.open(tmp_path / "index", FakeEmbedder())) as index:
        index.sync(docs)
        made = found(said, index=index, age="30")
        assert index.search(said, 1)[0].passage.metadata["source"] == "medquad/a.md"
    assert made.guidance
    assert made.guidance.source == "guidance/nosebleed.md"


def test_of_a_folder_that_does_not_say_what_is_guidance_all_is(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "knee.md").write_text(
        "# Knee\n\n## Urgent: today\n\n- A knee that locks.\n\n## Self-care: at home\n\n- A bruise.\n"
    )
    with closing(Index.open(tmp_path / "index", FakeEmbedder())) as index:
        index.sync(docs)
        made = found("My knee locks", index=index, age="30")
    assert made.guidance
    assert (made.guidance.level, made.level) == ("urgent", "urgent")


def test_neither_a_denial_nor_a_name_moves_the_guidance(index: Index) -> None:
    said = "I have a nosebleed that drips from one nostril"
    plain = found(said, index=index, age="30").guidance
    denied = found(f"{said}. No fever, no chest pain and no rash.", index=index, age="30").guidance
    assert plain
    assert denied
    assert [quote.quote for quote in denied.quotes][:1] == [quote.quote for quote in plain.quotes][:1]
    one, other = (
        found(f"My name is {name}. {said}", index=index, age="30").guidance for name in ("Ada Byron", "Wei Zhang")
    )
    assert one == other
