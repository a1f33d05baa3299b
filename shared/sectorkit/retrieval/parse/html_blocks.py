"""The blocks of an HTML element, in reading order. Without recursion, however deep they nest."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from sectorkit.retrieval.parse.document import Draft, Kind

Element: TypeAlias = Any


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHROME = _names(
    """
    nav footer aside script style noscript template svg math canvas iframe object embed video audio
    picture button input select textarea datalist option optgroup label progress meter dialog head map
    """
)
_ROLES = _names(
    """
    navigation banner contentinfo search complementary dialog alertdialog menu menubar toolbar tablist
    tooltip button status log marquee
    """
)
_BANNER = re.compile(
    r"(^|[\s_-])(cookies?|consent|gdpr|cookie(banner|bar|notice|consent|law)\w*|breadcrumbs?|skip-?(link|nav|to)\w*"
    r"|share-?(bar|buttons|links)|social-?(share|links|media)|newsletter|advert(isement)?|sr-only"
    r"|visually-?hidden|screen-reader-text)(?=$|[\s_-])",
    re.IGNORECASE,
)
_BANNER_SIZE = 3_000  # characters: consent texts are long, contents are longer
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(\.0+)?\s*(;|!|$)|font-size\s*:\s*0[a-z%]*\s*(;|!|$)",
    re.IGNORECASE,
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BLOCKS = _names(
    """
    address article blockquote body caption center dd details dir div dl dt fieldset figcaption figure
    form header hgroup hr html legend li main menu ol p pre section summary table tbody td tfoot th
    thead tr ul h1 h2 h3 h4 h5 h6
    """
)
_ITEMS = frozenset({"li", "dt", "dd"})
_SPACE = re.compile(r"[ \t\n\r\f]+")


def is_dropped(element: Element) -> bool:
    """Whether a reader of the page's content would not read this element."""
    tag = element.tag
    if tag in _CHROME or not isinstance(tag, str):
        return True
    if tag == "header" and not _holds_title(element):
        return True
    attributes = element.attrib
    if not attributes or tag in ("html", "body", "main"):
        return "hidden" in attributes
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    if attributes.get("role", "").strip().lower() in _ROLES or _HIDDEN.search(attributes.get("style", "")):
        return True
    return bool(_BANNER.search(f"{attributes.get('id', '')} {attributes.get('class', '')}")) and _is_small(element)


def _is_small(element: Element) -> bool:
    """A class such as "has-breadcrumbs" may also stand at what holds the whole page."""
    size = sum(len(text.strip()) for text in element.itertext())
    return size < _BANNER_SIZE and next(element.iter("h1", "main", "article"), None) is None


def _holds_title(header: Element) -> bool:
    """A <header> in the content may carry its heading; a page's own is a banner, unless all titles are there."""
    if any(up.tag in ("main", "article", "section") for up in header.iterancestors()):
        return next(header.iter("h1", "h2"), None) is not None
    if next(header.iter("h1"), None) is None:
        return False
    return all(header in h1.iterancestors() for h1 in header.getroottree().iter("h1"))


def words(element: Element) -> int:
    """How many characters of content an element holds."""
    return sum(len(part.strip()) for part in _texts(element))


def _texts(element: Element) -> list[str]:
    """The text of an element without what is dropped."""
    from lxml import etree

    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        if event == "start":
            if node is not element and is_dropped(node):
                walk.skip_subtree()
            else:
                parts.append("\v" if node.tag == "br" else " " if node.tag in _BLOCKS else "")
                parts.append(node.text or "")
        elif node is not element:
            parts.append(" " if node.tag in _BLOCKS else "")
            parts.append(node.tail or "")
    return parts


class _Flow:
    """Inline text that waits for the end of its block, and the lists around it."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.parts: list[str] = []
        self.lists: list[tuple[bool, int]] = []  # (is ordered, the next item's number)
        self.items: list[str] = []  # open items, each with the number that its first text will carry
        self.quotes = 0
        self.heading = 0
        self.pre = 0

    def flush(self) -> None:
        text, self.parts = "".join(self.parts), []
        if self.pre:
            self.draft.add(text.replace("\v", "\n"), "code")
            return
        text = _SPACE.sub(" ", text).replace("\v", "\n")
        if not text.strip():
            return
        kind: Kind = "heading" if self.heading else "item" if self.items else "quote" if self.quotes else "paragraph"
        if kind == "item" and self.items[-1]:
            text, self.items[-1] = self.items[-1] + text, ""
        self.draft.add(text.replace("\n", " ") if self.heading else text, kind, level=self.heading)

    def start(self, node: Element) -> None:
        tag = node.tag
        if tag in ("ol", "ul", "menu", "dir", "dl"):
            self.lists.append((tag == "ol", _number(node.get("start"), 1)))
        elif tag in _ITEMS:
            self.items.append(self._label(node))
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.pre += 1
        elif level := _level(node):
            self.heading = level

    def end(self, node: Element) -> None:
        tag = node.tag
        if tag in ("ol", "ul", "menu", "dir", "dl") and self.lists:
            self.lists.pop()
        elif tag in _ITEMS and self.items:
            self.items.pop()
        elif tag == "blockquote":
            self.quotes -= 1
        elif tag == "pre":
            self.pre -= 1
        elif _level(node):
            self.heading = 0

    def _label(self, node: Element) -> str:
        if node.tag != "li" or not self.lists or not self.lists[-1][0]:
            return ""
        number = _number(node.get("value"), self.lists[-1][1])
        self.lists[-1] = (True, number + 1)
        letters = (node.getparent().get("type") or "") if node.getparent() is not None else ""
        if letters in ("a", "A") and 1 <= number <= 26:
            return f"{chr(ord(letters) + number - 1)}. "
        return f"{number}. "


def add_blocks(draft: Draft, root: Element) -> None:
    """Append the blocks of `root` to `draft`."""
    from lxml import etree

    flow = _Flow(draft)
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        block = node.tag in _BLOCKS
        if event == "start":
            if node is not root and is_dropped(node):
                walk.skip_subtree()
                continue
            if block:
                flow.flush()
            if node.tag == "table":
                draft.apart()
            if node.tag == "tr" and _is_row_of_values(node):
                cells = [c for c in node if c.tag in ("td", "th") and not is_dropped(c)]
                texts = [_SPACE.sub(" ", "".join(_texts(c)).replace("\v", " ")).strip() for c in cells]
                if any(texts):
                    draft.add(" | ".join(texts), "row")
                walk.skip_subtree()
                continue
            flow.start(node)
            flow.parts.append("\v" if node.tag == "br" else node.text or "")
        else:
            if block:
                flow.flush()
            flow.end(node)
            if node is not root:
                flow.parts.append(node.tail or "")
    flow.flush()


def _is_row_of_values(row: Element) -> bool:
    """Old pages are laid out by tables: such a row holds headings, lists or tables, not values."""
    table = next(row.iterancestors("table"), None)
    if table is not None and (table.get("role") or "").lower() in ("presentation", "none"):
        return False
    for node in row.iter("table", "h1", "h2", "h3", "ul", "ol", "p"):
        if node.tag in ("table", "h1", "h2", "h3"):
            return False
        if node.tag in ("ul", "ol", "p") and len(row) == 1:
            return False
    return True


def _level(node: Element) -> int:
    if node.tag in _HEADINGS:
        return _HEADINGS[node.tag]
    if (node.get("role") or "") == "heading":
        return max(1, min(9, _number(node.get("aria-level"), 2)))
    return 0


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,6}", text.strip()) else otherwise
