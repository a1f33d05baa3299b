"""A model's opinion in healthcare triage: freed of its letters' priors, it can raise the level and never lowers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from healthcare_triage.assessment import assess
from healthcare_triage.opinion import OPTIONS, Opinion, _letters, asked_for, opinion, with_opinion
from healthcare_triage.page import in_words
from healthcare_triage.patient import read_patient
from healthcare_triage.rules import ESI, LEVELS, Rules
from sectorkit.errors import ServerUnavailable
from sectorkit.fakes import FakeChat
from sectorkit.models.chat import connect

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer
    from sectorkit.settings import Settings

RULES = Rules()
COLD = assess(read_patient("I have a cold", age="30 years", sex="female", vitals={"heart rate": "80"}), RULES, None)


class Chat:
    """Writes log-probabilities: of a letter its prior, and of the option behind it what it thinks of that."""

    model_name = "made-up"

    def __init__(self, thinks: dict[str, float], priors: str = "") -> None:
        self.thinks, self.priors = thinks, {letter: 9.0 - 3 * n for n, letter in enumerate(priors)}
        self.asked: list[str] = []

    def bind(self, **_: Any) -> RunnableLambda[Any, AIMessage]:
        return RunnableLambda(self._answer)

    def _answer(self, messages: list[tuple[str, str]]) -> AIMessage:
        self.asked.append(text := messages[1][1])
        lines = [line for line in text.splitlines() if line[:3] in ("A. ", "B. ", "C. ", "D. ")]
        names = {text: name for name, text in OPTIONS.items()}
        logs = {line[0]: self.priors.get(line[0], 0.0) + self.thinks.get(names[line[3:]], 0.0) for line in lines}
        listed = [{"token": letter, "logprob": log} for letter, log in logs.items()]
        best = max(logs, key=lambda letter: logs[letter])
        return AIMessage(best, response_metadata={"logprobs": {"content": [{"top_logprobs": listed}]}})


@pytest.mark.parametrize("level", list(OPTIONS))
@pytest.mark.parametrize("priors", ["", "ABCD", "DCBA", "CADB"])
def test_a_letter_that_a_model_prefers_makes_no_opinion(level: str, priors: str) -> None:
    said = opinion(Chat({level: 3.0}, priors), COLD, "a cold")  # type: ignore[arg-type]
    assert (said.level, said.narrow, said.model) == (level, False, "made-up")


def test_of_a_letter_that_is_listed_twice_the_likelier_counts() -> None:
    reply = AIMessage("A", response_metadata={"logprobs": {"content": [{"top_logprobs": [
        {"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -3.0}, {"token": " A", "logprob": -9.0},
    ]}]}})  # fmt: skip
    assert _letters(reply) == [-0.1, -3.0, -9.0, -9.0]


def test_of_two_levels_that_are_about_as_likely_the_more_urgent_is_taken() -> None:
    said = opinion(Chat({"routine": 3.0, "urgent": 2.9}), COLD, "a cold")  # type: ignore[arg-type]
    assert (said.level, said.narrow) == ("urgent", True)


@pytest.mark.parametrize("level", LEVELS)
def test_an_opinion_raises_and_never_lowers(level: str) -> None:
    for found in (COLD, assess(read_patient("He is not breathing"), RULES, None)):
        after = with_opinion(found, Opinion("m", level, 0.9, False))
        assert LEVELS.index(after.level) == max(LEVELS.index(level), LEVELS.index(found.level))
        assert (after.raised_by == "model") == (after.level != found.level)
        assert after.esi == (ESI[level] if after.level != found.level else found.esi)


def test_the_model_is_told_who_what_was_said_and_what_was_read() -> None:
    chat = Chat({})
    opinion(chat, COLD, in_words(COLD))  # type: ignore[arg-type]
    assert len(chat.asked) == len(OPTIONS)
    assert all("30 years, female. I have a cold (heart rate 80" in text for text in chat.asked)


def test_without_a_model_or_with_one_that_fails_the_level_stands_and_it_is_said() -> None:
    assert asked_for(None, COLD, "a cold") == (None, "The model was not asked, since none is ready.")
    said, why = asked_for(FakeChat(replies=[ServerUnavailable("it is away")]), COLD, "a cold")
    assert (said, "it is away" in why) == (None, True)
    said, why = asked_for(FakeChat(replies=["I think that"]), COLD, "a cold")
    assert (said, "no letter" in why) == (None, True)


def test_a_server_that_lists_no_probabilities_is_taken_at_its_letter() -> None:
    said, _ = asked_for(FakeChat(replies=["A"]), COLD, "a cold")  # whatever stands behind it
    assert said is not None
    assert (said.level, said.narrow) == ("emergency", False)  # all as likely: the most urgent


@pytest.mark.server
def test_a_real_server_gives_an_opinion(session_settings: Settings, llm_server: ModelServer) -> None:
    said, why = asked_for(connect(session_settings, server=llm_server), COLD, in_words(COLD))
    assert said is not None, why
    assert said.level in LEVELS
    assert 0.25 <= said.share <= 1.0
