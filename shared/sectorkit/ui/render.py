"""Answer -> HTML. Pure functions: what comes from a document or a model is escaped, always."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sectorkit.answer import Answer, Citation, Claim, Verdict
from sectorkit.retrieval.passage import Hit
from sectorkit.ui.computed import computed
from sectorkit.ui.rows import link, name, short, status
from sectorkit.ui.text import attr, cite, document_url, esc, humanise, icon, notes

_VERDICTS: dict[Verdict, tuple[str, str, str]] = {
    "supported": ("check", "Supported", "Every sentence was found in the documents."),
    "partial": ("half", "Partly supported", "Some of this answer was not found in the documents."),
    "quoted": (
        "half",
        "Quoted",
        "The documents' own words that come nearest: nothing in them supports what the model wrote.",
    ),
    "abstained": ("none", "Not answered", ""),
}
_SEARCH_ONLY = ("info", "Search only", "")
_QUOTED_ONLY = (
    "half",
    "Quoted",
    "The documents' own words that come nearest: without a model there is no written answer.",
)
_COMPUTED = ("check", "Computed", "By code, from a table of the documents; no model took part.")
_IN_PART = ("half", "Computed in part", "By code, from a table of the documents; words of the question were left out.")
_BY_RULE = ("info", "By a rule of the app", "In its own words: no sentence was checked against the documents.")
_MARK = re.compile(r"\s*\[(\d+|\?)\]")
_NOT_FOUND = "not found in the documents"


def answer(app: str, result: Answer) -> str:
    """The verified answer with its verdict, citations, notes and closest passages."""
    looks, words, hint = _VERDICTS[result.verdict]
    if result.reason == "model_unavailable":
        looks, words, hint = _QUOTED_ONLY if result.verdict == "quoted" else _SEARCH_ONLY
    by_code = result.by_code
    look = "abstained" if result.by_rule else result.verdict
    if result.by_rule:
        looks, words, hint = _BY_RULE
    in_part = result.computed is not None and bool(result.computed.left) and by_code
    if by_code:
        looks, words, hint = _IN_PART if in_part else _COMPUTED
    languages = {hit.id: hit.passage.metadata.get("language") for hit in result.hits}
    abstained = result.verdict == "abstained"
    spoken = " ".join([*(w.quote for w in result.warnings), f"{words}. {_MARK.sub('', result.text)}"])
    if in_part and result.computed:
        spoken += f" Not taken into account: {', '.join(result.computed.left)}."
    return "".join(
        (
            f'<article class="sk-answer" data-verdict="{esc(result.verdict)}"{attr("data-reason", result.reason)}'
            f' data-announce="{esc(spoken)}" aria-label="Answer">',
            f'<div class="sk-top"><p class="sk-badge sk-{"partial" if in_part else look}">{icon(looks)}{words}</p>',
            f'<span class="sk-hint">{esc(hint)}</span>' if hint else "",
            "</div>",
            warnings(app, result.warnings),
            "" if by_code else f'<div class="sk-text" dir="auto">{_sentences(app, result)}</div>',
            computed(app, result.computed, asked=bool(result.question)) if result.computed else "",
            _again() if result.reason == "model_unavailable" else "",
            _fields(result.fields),
            notes(result.notes),
            "" if by_code else _citations(app, result.citations, languages),
            _closest(app, result.hits, open_=abstained or result.verdict == "quoted"),
            '<div class="sk-foot">',
            "" if abstained else _copy(result),
            f'<p class="sk-small">{esc(_small_print(result))}</p></div></article>',
        )
    )


def plain(result: Answer) -> str:
    """The answer and its sources as text, for the clipboard."""
    kept = {str(citation.n): f" [{citation.n}]" for citation in result.citations} | {"?": f" [{_NOT_FOUND}]"}
    lines = [warning.quote for warning in result.warnings]
    lines += [_MARK.sub(lambda mark: kept.get(mark[1], ""), result.text)]
    if result.citations:
        lines += ["", "Sources:"]
        lines += [f"[{c.n}] {c.where}: “{c.quote}”" for c in result.citations]
    if result.computed and result.by_code:
        lines += ["", f"Computed from {result.computed.title}: {result.computed.said}."]
        lines += [f"Not taken into account: {', '.join(result.computed.left)}."] * bool(result.computed.left)
    lines += ["", *result.notes] if result.notes else []
    return "\n".join(lines)


def warnings(app: str, found: Sequence[Citation]) -> str:
    """Safety warnings, ahead of what they belong to, each with its place."""
    rows = "".join(
        f'<li>{icon("warn")}<div><p dir="auto">{esc(w.quote)}</p><a class="sk-open sk-where" '
        f'href="{esc(document_url(app, w.source, w.start, w.end))}">{esc(w.where)}</a>'
        "</div></li>"
        for w in found
    )
    return f'<ul class="sk-warnings" aria-label="Safety warnings">{rows}</ul>' if rows else ""


def _sentences(app: str, result: Answer) -> str:
    """The text with [n] as links, and each sentence that nothing supports marked in words and by a line."""
    by_number = {citation.n: citation for citation in result.citations}
    out, at = [], 0
    for claim, start, end in _located(result):
        out.append(_linked(app, result.text[at:start], by_number))
        body = _linked(app, result.text[start:end], by_number)
        out.append(body if claim.supported or claim.neutral else f'<span class="sk-unsupported">{body}</span>')
        at = end
    return "".join(out) + _linked(app, result.text[at:], by_number)


def _located(result: Answer) -> Iterator[tuple[Claim, int, int]]:
    at = 0
    for claim in result.claims:
        start = result.text.find(claim.text, at) if claim.text.strip() else -1
        if start >= 0:
            at = start + len(claim.text)
            yield claim, start, at


def _linked(app: str, text: str, by_number: Mapping[int, Citation]) -> str:
    out, at = [], 0
    for mark in _MARK.finditer(text):
        out.append(esc(text[at : mark.start()]))
        at = mark.end()
        if mark[1] == "?":
            out.append(f' <span class="sk-flag">{_NOT_FOUND}</span>')
        elif citation := by_number.get(int(mark[1])):
            out.append(f"&#8239;{cite(app, citation.n, citation)}")
    return "".join(out) + esc(text[at:])


def _citations(app: str, citations: Sequence[Citation], languages: Mapping[str, Any]) -> str:
    if not citations:
        return ""
    rows = "".join(
        f'<li id="{esc(app)}-source-{c.n}">{cite(app, c.n, c)}<div class="sk-row"><p class="sk-name" dir="auto">'
        f"<strong>{esc(c.title)}</strong>{status(c.status)}</p>"
        f'<p class="sk-where" dir="auto">{esc(c.locator)}</p>'
        f'<blockquote dir="auto"{attr("lang", languages.get(c.passage_id))}>{esc(c.quote)}</blockquote></div></li>'
        for c in citations
    )
    return f'<section class="sk-sources"><h3>Sources</h3><ol>{rows}</ol></section>'


def _closest(app: str, hits: Sequence[Hit], *, open_: bool) -> str:
    if not hits:
        return ""
    rows = "".join(
        f'<li><a class="sk-open sk-hit" href="{esc(link(app, hit))}">{name(hit)}'
        f'<span class="sk-snippet" dir="auto"{attr("lang", hit.passage.metadata.get("language"))}>'
        f"{esc(short(hit.passage.page_content))}</span></a></li>"
        for hit in hits
    )
    return (
        f'<details class="sk-closest"{" open" if open_ else ""}><summary>Closest passages '
        f'<span class="sk-count">{len(hits)}</span></summary><ol>{rows}</ol></details>'
    )


def _fields(fields: Mapping[str, Any]) -> str:
    """The sector's own result: a name and a value a line, lists as lists."""
    if not fields:
        return ""
    rows = "".join(f'<dt>{esc(humanise(k))}</dt><dd dir="auto">{_value(v)}</dd>' for k, v in fields.items())
    return f'<dl class="sk-fields">{rows}</dl>'


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"<ul>{''.join(f'<li>{_value(one)}</li>' for one in value)}</ul>" if value else "–"
    if isinstance(value, Mapping):
        return esc(json.dumps(dict(value), ensure_ascii=False))
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return esc("–" if value is None else value)


def _again() -> str:
    button = '<button type="button" class="sk-button">The model is ready: ask again</button>'
    return f'<p class="sk-again" hidden>{button}</p>'


def _copy(result: Answer) -> str:
    return f'<button type="button" class="sk-button sk-copy" data-copy="{esc(plain(result))}">{icon("copy")}Copy answer</button>'


def _small_print(result: Answer) -> str:
    times, usage = result.timings, result.usage
    parts = [f"{what} {times[name]:.1f} s" for name, what in _TIMES if name in times]
    if result.model:
        parts.append(result.model)
    if usage:
        parts.append(f"{usage.get('prompt', 0):,} tokens read, {usage.get('completion', 0):,} written")
    return " · ".join(parts)


_TIMES = (("retrieve", "searched in"), ("first_token", "first word after"), ("total", "all in"))
