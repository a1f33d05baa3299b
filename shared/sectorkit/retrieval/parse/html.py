"""HTML: the main content of a page, without its navigation, banners, controls and hidden text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.encoding import read_text
from sectorkit.retrieval.parse.html_blocks import add_blocks, is_dropped, words
from sectorkit.retrieval.parse.normalise import DECLARED, declared, primary_language, visible

Element: TypeAlias = Any  # lxml.html's; lxml carries no types

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def parse_html(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is binary, too long or nested beyond what the library reads."""
    text, notes = read_text(path, _CHARSET)
    draft = Draft()
    root = add_page(draft, text, path.name)
    if root is None:
        return draft.finish(notes=tuple(notes))
    metadata, problems = declared(_meta(root))
    return draft.finish(
        title=_title(root),
        language=primary_language(root.get("lang") or root.get("xml:lang")),
        metadata=metadata,
        notes=(*notes, *problems),
    )


def add_page(draft: Draft, text: str, name: str) -> Element | None:
    """Append the main content of a page, the source of which is `text`; its root, None where it has no elements.

    Raises DocumentError, with `name` as the file's, where it is nested beyond what the library reads.
    """
    root = _tree(text, name)
    if root is None:
        return None
    before = len(draft)
    for region in _main(root):
        add_blocks(draft, region)
    if len(draft) == before:
        add_blocks(draft, root)
    return root


def add_fragment(draft: Draft, source: str) -> None:
    """Append the blocks of a piece of HTML, such as Markdown holds."""
    root = _tree(source, "a piece of HTML")
    if root is not None:
        add_blocks(draft, root)


def _tree(text: str, name: str) -> Element | None:
    from lxml import etree

    # Decoded already; a declaration of another encoding would only mislead the parser.
    source = _XML_DECLARATION.sub("", visible(text), count=1)
    if not source.strip():
        return None
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(source.encode("utf-8"), parser)
    except etree.ParserError:  # comments only: a document without elements
        return None
    if any("xcessive depth" in entry.message for entry in parser.error_log):
        raise DocumentError(
            f"{name} is nested more than 2,000 elements deep, and the text beyond would be lost. "
            "Open it in a browser and save it as text or PDF."
        )
    return root


def _main(root: Element) -> Iterator[Element]:
    """The elements that hold the content: <main>, else articles that hold most of the words, else all."""
    for region in root.iter():
        is_main = region.tag == "main" or (region.get("role") or "").strip().lower() == "main"
        if is_main and not is_dropped(region) and words(region):
            yield region
            return
    articles = [a for a in root.iter("article") if not any(up.tag == "article" for up in a.iterancestors())]
    if articles and 2 * sum(map(words, articles)) >= words(root):
        yield from articles
    else:
        yield root


def _meta(root: Element) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").strip().lower().replace("-", "_")
        if name in DECLARED:
            found.setdefault(name, meta.get("content") or "")
    return list(found.items())


def _title(root: Element) -> str | None:
    """<title>, or the only <h1> where the title merely adds the site's name to it."""
    element = root.find(".//head/title")
    title = " ".join("".join(element.itertext()).split()) if element is not None else ""
    headings = [" ".join("".join(h.itertext()).split()) for h in root.iter("h1")]
    if len(headings) == 1 and headings[0] and headings[0] in title:
        return headings[0]
    return title or None
