"""Thinking apart from the answer, where a server leaves `<think>...</think>` in the text."""

from __future__ import annotations

from dataclasses import dataclass

OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True)
class Split:
    """A piece of text: what of it is the answer, and what is thinking."""

    content: str = ""
    reasoning: str = ""


class ThinkSplitter:
    """Splits one streamed answer; chunks may break anywhere, also inside a tag.

    `opened` says whether the prompt's template already wrote the opening tag: True, False, or None where
    nobody knows. Unless it is False, text is held back until a tag decides what it was, or the answer ends.
    """

    def __init__(self, opened: bool | None = None) -> None:
        self._opened = opened
        self._state = "start"
        self._held = ""
        self._trim = True
        self.closed_unopened = False

    def feed(self, text: str) -> Split:
        """What `text` adds to the answer and to the thinking, as far as it is decided."""
        self._held += text
        content, reasoning = "", ""
        while True:
            before = (self._state, self._held)
            if self._state == "start":
                self._decide_start()
            if self._state == "think":
                reasoning += self._take_until({CLOSE: "text"})
            if self._state == "text":
                # An end without a beginning here: what came before was a thought, and is out already.
                content += self._take_until({OPEN: "think", CLOSE: "text"})
            if (self._state, self._held) == before or self._state == "start":
                return Split(content, reasoning)

    def end(self, finish_reason: str | None = None) -> Split:
        """What was still held back. `finish_reason` `length` after an opened thought leaves it a thought."""
        held, self._held = self._held, ""
        if self._state == "start" and self._opened and finish_reason == "length":
            return Split(reasoning=held)
        if self._state == "think":
            return Split(reasoning=held.lstrip() if self._trim else held)
        return Split(content=held.lstrip() if self._trim else held)

    def _decide_start(self) -> None:
        text = self._held.lstrip()
        if text.startswith(OPEN):
            self._held, self._state = text[len(OPEN) :], "think"
        elif CLOSE in self._held and self._opened is not False:
            self.closed_unopened = True
            self._state = "think"
        elif self._opened is False and text and not OPEN.startswith(text[: len(OPEN)]):
            self._state = "text"

    def _take_until(self, tags: dict[str, str]) -> str:
        """Text up to the first of `tags` (whose state follows), or all but a possible beginning of one."""
        found = min(((at, tag) for tag in tags if (at := self._held.find(tag)) >= 0), default=None)
        if found:
            at, tag = found
            self.closed_unopened |= self._state == "text" and tag == CLOSE
            taken, self._held, self._state = self._held[:at], self._held[at + len(tag) :], tags[tag]
        else:
            cut = len(self._held) - max(_overlap(self._held, tag) for tag in tags)
            taken, self._held = self._held[:cut], self._held[cut:]
        if self._trim:
            taken = taken.lstrip()  # the line breaks around the tags belong to neither
        self._trim = found is not None or (self._trim and not taken)
        return taken


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that `tag` begins with."""
    return next((n for n in range(len(tag) - 1, 0, -1) if text.endswith(tag[:n])), 0)


def split_thinking(text: str, *, opened: bool | None = None, finish_reason: str | None = None) -> Split:
    """A whole answer's content and its thinking."""
    splitter = ThinkSplitter(opened)
    first, last = splitter.feed(text), splitter.end(finish_reason)
    return Split(first.content + last.content, first.reasoning + last.reasoning)
