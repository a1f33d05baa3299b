"""Normalising: what every format's text has in common, so that a quote found once is found everywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date

# What a document may say of itself where a format has an open set of properties (HTML meta, PDF, DOCX).
DECLARED = ("valid_from", "valid_to", "status", "kind", "issuer", "supersedes", "superseded_by")
DATES = frozenset({"valid_from", "valid_to"})

_NEWLINE = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Controls; soft hyphen; zero width, bidi and other invisible marks; tag characters, which can hide
# instructions.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
# Zero-width joiners are spelling in Arabic and Indic scripts, and hold emoji together; elsewhere they are
# noise.
_JOINER = re.compile(
    r"(?<![\u0600-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1780-\u17ff\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]+"
)
_SPACES = re.compile(r"[ \t\u00a0]*\t[ \t\u00a0]*|[ \t\u00a0]{2,}")
_AROUND_NEWLINE = re.compile(r"[ \t\u00a0\u3000]*\n\s*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_EDITOR_TITLE = re.compile(
    r"(microsoft (word|powerpoint) ?-.*|untitled.*|unbenannt.*|sans titre.*|word document|document ?\d*"
    r"|无标题|\(?anonymous\)?|.*\.(docx?|pdf|odt|rtf|indd|tex|dvi|qxd|html?))",
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """`text` in NFC with \\n as the only line end, without what cannot be seen. Spaces stay as they are."""
    if text.isascii() and text.isprintable():
        return text
    text = _SURROGATE.sub("\ufffd", _NEWLINE.sub("\n", text))
    text = _JOINER.sub("", _INVISIBLE.sub("", text))
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def clean(text: str) -> str:
    """`visible`, with runs of spaces as one, no spaces around line ends, no empty lines, and stripped.

    A no-break space that stands alone is a character of the text and stays.
    """
    text = _SPACES.sub(" ", visible(text))
    return (_AROUND_NEWLINE.sub("\n", text) if "\n" in text else text).strip()


def clean_code(text: str) -> str:
    """`visible`, stripped; the inner spaces of code stay."""
    return visible(text).expandtabs(4).strip()


def primary_language(tag: str | None) -> str | None:
    """The primary subtag of a language tag: "zh-Hans" is "zh", "fr_CH" is "fr"; None for anything else."""
    match = re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z])", tag or "")
    return match.group(1).lower() if match and match.group(1).lower() not in ("und", "zxx", "mul") else None


def declared_title(title: str | None) -> str | None:
    """A title that a person gave: not the file name or placeholder that an editor left behind."""
    title = clean(title or "")
    return None if not title or _EDITOR_TITLE.fullmatch(title) else title


def declared(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[dict[str, str | date], list[str]]:
    """Declared metadata with its dates as dates, and notes on what could not be read."""
    metadata: dict[str, str | date] = {}
    notes: list[str] = []
    for key, raw in pairs.items() if isinstance(pairs, Mapping) else pairs:
        value = clean(raw).replace("\n", " ")
        if not value:
            continue
        if key not in DATES:
            metadata[key] = value
            continue
        try:
            metadata[key] = date.fromisoformat(value[:10])
        except ValueError:
            notes.append(f"{key} is {value!r}, which is not a date: ignored; write it as 2024-05-31")
    return metadata, notes
