"""The headers of an e-mail that a reader sees, decoded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from email import policy
from email.errors import MessageError
from email.parser import Parser
from typing import Any

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.encoding import decode, kind_of
from sectorkit.retrieval.parse.normalise import clean

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_EXPECTED = (*_SHOWN, "Received", "Message-ID", "MIME-Version", "Content-Type", "Return-Path", "Sender")
_HEAD = 2**18  # bytes of headers
_LONGEST = 4_000  # characters of one header, a hundred recipients; the library takes quadratic time for long ones
_END = re.compile(rb"\r?\n\r?\n|\r\r")
_FOLD = re.compile(r"[\r\n]+[ \t]*")


@dataclass(frozen=True)
class Fields:
    """From, To, Cc, Date and Subject of a message, as far as it has them. `day` is the date's, in its own time zone."""

    shown: Mapping[str, str]
    day: date | None
    notes: tuple[str, ...]


def fields(raw: bytes, name: str) -> Fields:
    """`name` is the file's. Raises DocumentError where the bytes do not begin with the headers of an e-mail."""
    if kind := kind_of(raw):
        raise DocumentError(f"{name} is {kind} and not an e-mail, whatever its name says. Give it the right suffix.")
    text, notes = decode(_END.split(raw.lstrip()[:_HEAD], maxsplit=1)[0])
    # Decoded before it is parsed: names are written in plain UTF-8 as well as in encoded words.
    head = Parser(policy=policy.compat32).parsestr(text.replace("\0", ""), headersonly=True)
    if not any(head.get(expected) for expected in _EXPECTED):
        raise DocumentError(f"{name} has no headers of an e-mail. Save it anew as .eml, or give it the suffix .txt.")
    found: dict[str, str] = {}
    for header in _SHOWN:
        value = _FOLD.sub(" ", str(head.get(header) or ""))
        if len(value) > _LONGEST:
            value = value[:_LONGEST]
            notes.append(f"{header} was cut after {_LONGEST:,} characters")
        if shown := decoded(value, header):
            found[header] = shown
    sent = getattr(_parsed("Date", found.get("Date", "")), "datetime", None)
    if sent is not None:
        found["Date"] = sent.isoformat(" ", "minutes")
    elif "Date" in found:
        notes.append(f"Date is {found['Date']!r}, which is not a date")
    return Fields(found, sent.date() if sent is not None else None, tuple(notes))


def decoded(value: str, header: str = "Subject") -> str:
    """A header's value with its encoded words decoded, in one line; as it stands where the library finds nothing in it."""
    value = _FOLD.sub(" ", value)
    text = str(_parsed(header, value) or "")
    return clean(text if any(map(str.isalnum, text)) else value).replace("\n", " ")


def _parsed(header: str, value: str) -> Any:
    try:
        return policy.default.header_factory(header, value)
    # What the library raises of malformed addresses, dates and encoded words, beside its own errors.
    except (MessageError, ValueError, IndexError, AttributeError, TypeError, KeyError, LookupError, RecursionError):
        return None
