"""Markdown: CommonMark with tables, and front matter of `key: value` lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sectorkit.retrieval.parse.document import Draft, Kind, ParsedDocument
from sectorkit.retrieval.parse.encoding import read_text
from sectorkit.retrieval.parse.html import add_fragment
from sectorkit.retrieval.parse.joining import join_lines
from sectorkit.retrieval.parse.normalise import declared, primary_language, visible

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(r"\s*---[ \t]*\n((?:.*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|$)")
_KEY = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:[ \t]*(.*)")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_NESTING = 50  # markdown-it recurses once a level; beyond it leaves text out


def parse_markdown(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is binary or its text too long."""
    from markdown_it import MarkdownIt

    text, notes = read_text(path)
    front, body = _front_matter(visible(text))
    title = front.pop("title", None)
    language = primary_language(front.pop("language", None) or front.pop("lang", None))
    metadata, problems = declared(front)
    tokens = MarkdownIt("commonmark", {"maxNesting": _NESTING}).enable(["table", "strikethrough"]).parse(body)
    if any(token.level >= _NESTING - 2 for token in tokens):
        problems.append(f"nested more than {_NESTING // 2} levels deep: what lies deeper was left out")
    draft = Draft()
    _add_tokens(draft, tokens)
    return draft.finish(title=title, language=language, metadata=metadata, notes=(*notes, *problems))


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    match = _FRONT.match(text)
    if not match:
        return {}, text
    pairs: dict[str, str] = {}
    for line in match.group(1).split("\n"):
        if found := _KEY.fullmatch(line.rstrip()):
            value = found.group(2).strip()
            pairs[found.group(1).lower().replace("-", "_")] = (
                value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
            )
        elif line.strip() and not line.startswith((" ", "\t", "#", "-")):
            return {}, text  # a text between two rules, not front matter
    return (pairs, text[match.end() :]) if pairs else ({}, text)


def _add_tokens(draft: Draft, tokens: Sequence[Token]) -> None:
    kinds: list[Kind] = []  # the lists and quotes around the token, innermost last
    label = ""  # the number of the ordered item whose first text is still to come
    cells: list[str] = []
    in_row = False
    for at, token in enumerate(tokens):
        match token.type:
            case "blockquote_open":
                kinds.append("quote")
            case "list_item_open":
                kinds.append("item")
                label = f"{token.info}{token.markup} " if token.info else ""
            case "blockquote_close" | "list_item_close":
                kinds.pop()
            case "table_open":
                draft.apart()
            case "tr_open":
                cells, in_row = [], True
            case "tr_close":
                in_row = False
                if any(cell.strip() for cell in cells):
                    draft.add(" | ".join(cells), "row")
            case "inline" if in_row:
                cells.append(_inline(token).replace("\n", " "))
            case "inline" if tokens[at - 1].type == "heading_open":
                draft.add(_inline(token), "heading", level=int(tokens[at - 1].tag[1]))
            case "inline":
                draft.add(label + _inline(token), kinds[-1] if kinds else "paragraph")
                label = ""
            case "fence" | "code_block":
                draft.add(token.content, "code")
            case "html_block":
                add_fragment(draft, token.content)


def _inline(token: Token) -> str:
    """The words of an inline token, without markup; a soft line end is no line end."""
    parts: list[str] = []
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline" | "text_special":
                parts.append(child.content)
            case "softbreak":
                parts.append("\n")
            case "hardbreak":
                parts.append("\v")
            case "image":
                parts.append(child.content)
            case "html_inline" if _BREAK.fullmatch(child.content):
                parts.append("\v")
    return "\n".join(join_lines(line.split("\n")) for line in "".join(parts).split("\v"))
