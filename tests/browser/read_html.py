"""A piece of HTML as a test reads it."""

from __future__ import annotations

from html.parser import HTMLParser


class Read(HTMLParser):
    """The elements of a piece of HTML with their attributes, and its text; every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.open, self.text = list[tuple[str, dict[str, str | None]]](), list[str](), ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]
