"""Multiple choice by constrained choice: the model may only write a letter, and no parser guesses what it meant.

Small models prefer a position: asked plainly, a 0.5B may say A to everything. Beside the plain choice, two ways to take
that out, by name, each reported beside it:

    permuted     the options are shown in every rotation, and each option's log-probability is averaged over all
                 (as many calls as options; `sectorkit.models.letters`)
    calibrated   each letter's log-probability without a question is taken off (one call for each number of options;
                 Zhao et al. 2021, "Calibrate Before Use")
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sectoreval.context import Context
from sectoreval.replies import store_failure, store_reply
from sectoreval.served import check_choices, no_thinking
from sectorkit.models.letters import LISTED, average, letter_logprobs, rotations

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, ModelOutput
    from inspect_ai.solver import Generate, Solver, TaskState

LETTERS = "ABCDEFGHIJ"
_SYSTEM = "You answer multiple-choice questions. Answer with the letter of the right option alone."
_NO_QUESTION = ("N/A", "-", "…")  # content-free questions


@dataclass(frozen=True)
class Question:
    """A question, its options in the order of the benchmark, text to read before it, if any, and the options' letters."""

    question: str
    options: tuple[str, ...]
    context: str = ""
    labels: str = LETTERS


def prompt(question: Question, order: Sequence[int]) -> list[ChatMessage]:
    """The messages, with the options in this order."""
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser

    options = "\n".join(f"{question.labels[n]}. {question.options[at]}" for n, at in enumerate(order))
    context = f"{question.context}\n\n" if question.context else ""
    return [
        ChatMessageSystem(content=_SYSTEM),
        ChatMessageUser(content=f"{context}Question: {question.question}\n{options}\nAnswer:"),
    ]


def choose(
    context: Context,
    questions: Callable[[Mapping[str, Any]], Mapping[str, Question]],
    *,
    prepare: Callable[[Mapping[str, Any]], tuple[str, list[dict[str, str]]]] | None = None,
) -> Solver:
    """Asks the questions that a case's gold holds, by name; its reply maps each name to `Picks.to_dict()`.

    `prepare` brings the text to be read before the question, and the passages that it is made of; the reply then names
    their documents as `read`.
    """
    from inspect_ai.solver import solver

    if context.served is not None:
        check_choices(context.served)
    chooser = Chooser(context)

    @solver(name="choose")
    def choosing() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            gold = state.metadata["gold"]
            text, evidence = await asyncio.to_thread(prepare, gold) if prepare else ("", [])
            reply: dict[str, Any] = {}
            for name, question in questions(gold).items():
                read = replace(question, context=text) if text else question
                picks = await chooser.picks(read)
                if picks is None:
                    return store_failure(state, "the model gave none of the letters", evidence=evidence)
                reply[name] = picks
            said = ", ".join(LETTERS[picks["plain"]] for picks in reply.values())
            if prepare:
                reply["read"] = [passage["document"] for passage in evidence]
            return store_reply(state, reply, said=said, evidence=evidence)

        return solve

    return choosing()


class Chooser:
    """One model's choices; what it would pick without a question is asked once for each number of options."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._priors: dict[str, list[float]] = {}
        self._asking = asyncio.Lock()

    async def picks(self, question: Question) -> dict[str, Any] | None:
        """Positions, from 0 in the benchmark's own order: `plain` and those of the run's `debias`; None where a reply is no letter.

        `scores` are what `permuted` goes by: each option's mean log-probability.
        """
        count = len(question.options)
        letters = question.labels[:count]
        orders = rotations(count)
        asked = orders if "permuted" in self._context.debias else orders[:1]
        outputs = [await self._ask(prompt(question, order), letters) for order in asked]
        written = [letter_of(output, letters) for output in outputs]
        if any(position is None for position in written):
            return None
        logs = [_logprobs(output, letters) for output in outputs]
        picks: dict[str, Any] = {"plain": written[0]}
        if "permuted" in self._context.debias:
            picks["scores"] = average(logs, orders)
            picks["permuted"] = _best(picks["scores"])
        if "calibrated" in self._context.debias:
            prior = await self._prior(letters)
            picks["calibrated"] = _best([log - before for log, before in zip(logs[0], prior, strict=True)])
        return picks

    async def _prior(self, letters: str) -> list[float]:
        """What each letter gets without a question; all cases wait for the one that asks."""
        async with self._asking:
            if letters not in self._priors:  # one that could not be asked for is asked for again by the next case
                self._priors[letters] = await self._content_free(letters)
            return self._priors[letters]

    async def _content_free(self, letters: str) -> list[float]:
        empty = [Question(text, (text,) * len(letters), labels=letters) for text in _NO_QUESTION]
        outputs = [await self._ask(prompt(question, range(len(letters))), letters) for question in empty]
        return [sum(logs) / len(logs) for logs in zip(*(_logprobs(o, letters) for o in outputs), strict=True)]

    async def _ask(self, messages: list[ChatMessage], letters: str) -> ModelOutput:
        from inspect_ai.model import GenerateConfig, get_model

        body: dict[str, Any] = {"structured_outputs": {"choice": list(letters)}}
        if self._context.served is not None:
            body |= no_thinking(self._context.served)
        config = GenerateConfig(max_tokens=1, logprobs=True, top_logprobs=LISTED, extra_body=body)
        return await get_model().generate(messages, config=config)


def letter_of(output: ModelOutput, letters: str) -> int | None:
    """The position of the letter that was written; None where it is none of them alone."""
    written = output.completion.strip()
    return letters.index(written) if len(written) == 1 and written in letters else None


def _logprobs(output: ModelOutput, letters: str) -> list[float]:
    """Each letter's log-probability as the first token, whose alternatives are listed with the likeliest first."""
    logprobs = output.choices[0].logprobs if output.choices else None
    listed = (logprobs.content[0].top_logprobs if logprobs and logprobs.content else None) or []
    return letter_logprobs(((entry.token, entry.logprob) for entry in listed), letters)


def _best(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=lambda n: scores[n])
