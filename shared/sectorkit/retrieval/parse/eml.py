"""EML: an e-mail's own headers as lines, and its text; what is attached to it is named and not read.

Of a message that says the same in several forms the plain one is read, the HTML one where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from email.parser import BytesParser
from pathlib import Path
from typing import Any, TypeAlias

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.eml_headers import decoded, fields
from sectorkit.retrieval.parse.encoding import TEXT_LIMIT, decode, decode_as
from sectorkit.retrieval.parse.html import add_page
from sectorkit.retrieval.parse.normalise import visible
from sectorkit.retrieval.parse.plain import paragraphs

Part: TypeAlias = Any  # email.message.Message, whose methods' types are unions of all that they may hold

_MAX_PARTS, _NAMED = 1_000, 20  # parts that are read, and attachments that are named
_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_QUOTED = re.compile(r"((?:^[ \t]*>[^\n]*(?:\n|$))+)", re.MULTILINE)
_MARK = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)


def parse_eml(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is no e-mail, or has too many parts, or too many inside each other."""
    raw = path.read_bytes()
    head = fields(raw, path.name)
    try:
        # The legacy policy reads whatever mail programs write; the default one fails on many a malformed header.
        message: Part = BytesParser().parsebytes(raw)
        parts = list(_parts(message, path.name))
    except RecursionError:
        raise DocumentError(
            f"{path.name} holds messages inside messages, too many to follow. Save the innermost as a file of its own."
        ) from None
    draft = Draft()
    draft.add("\n".join(f"{name}: {value}" for name, value in head.shown.items()))
    attached, notes, before = [], list(head.notes), len(draft)
    for part in parts:
        if _is_text(part):
            notes += _add(draft, part, path.name)
        else:
            attached.append(_named(part))
    if any(part.get_content_type() in _ENCRYPTED for part in (message, *parts)):
        notes.append("it is encrypted: open it in the mail program that has its key, and save its text")
    elif len(draft) == before:
        notes.append("it has no text of its own")
    if attached:
        names = ", ".join(attached[:_NAMED]) + (f" and {len(attached) - _NAMED} more" if len(attached) > _NAMED else "")
        notes.append(f"attachments are not read: {names}; save what should be found beside it")
    metadata: dict[str, str | date] = {name.lower(): value for name, value in head.shown.items()}
    if head.day is not None:
        metadata["date"] = head.day
    return draft.finish(title=head.shown.get("Subject"), metadata=metadata, notes=tuple(dict.fromkeys(notes)))


def _parts(message: Part, name: str) -> Iterator[Part]:
    """The parts that hold something, in order; of alternatives only one. An attached message is one part."""
    stack = [message]
    for _ in range(_MAX_PARTS):
        if not stack:
            return
        part = stack.pop()
        children = part.get_payload() if part.get_content_maintype() == "multipart" else None
        if not isinstance(children, list):
            yield part
        elif part.get_content_subtype() == "alternative" and children:
            stack.append(_preferred(children))
        else:
            stack.extend(reversed(children))
    if stack:
        raise DocumentError(f"{name} has more than {_MAX_PARTS:,} parts. Save its text as a file of its own.")


def _preferred(alternatives: Sequence[Part]) -> Part:
    for kind in ("text/plain", "text/html"):
        for alternative in alternatives:
            for part in alternative.walk():
                if part.get_content_type() == kind and str(part.get_payload()).strip():
                    return alternative
    return alternatives[-1]


def _is_text(part: Part) -> bool:
    """Whether a part is read: text that is not attached. A multipart without its boundary is text, of a kind."""
    if part.get_content_disposition() == "attachment":
        return False
    return part.get_content_type() in ("text/plain", "text/html") or part.get_content_maintype() == "multipart"


def _add(draft: Draft, part: Part, name: str) -> list[str]:
    """Append a part's text; notes on how it was decoded."""
    raw = part.get_payload(decode=True)
    raw = raw if isinstance(raw, bytes) else str(part.get_payload()).encode()
    notes = []
    if len(raw) > TEXT_LIMIT:
        notes.append(f"its text was read up to {TEXT_LIMIT // 2**20} MB, and the rest left out: split it")
        raw = raw[:TEXT_LIMIT]
    charset = part.get_content_charset()
    text = decode_as(raw, charset) if charset else None
    if text is None:
        text, doubts = decode(raw)
        notes += [f"its text is not in {charset}, as it says", *doubts] if charset and doubts else doubts
    if part.get_content_type() == "text/html":
        add_page(draft, text, name)
        return notes
    for at, stretch in enumerate(_QUOTED.split(visible(text))):
        for paragraph in paragraphs(_MARK.sub("", stretch) if at % 2 else stretch):
            draft.add(paragraph, "quote" if at % 2 else "paragraph")
    return notes


def _named(part: Part) -> str:
    """What an attachment is called, or what it is: its file name, an attached message's subject, its type."""
    kind = part.get_content_type()
    name = part.get_filename()
    inner = part.get_payload()
    if not name and kind == "message/rfc822" and isinstance(inner, list) and inner:
        name = str(inner[0].get("Subject") or "")
    return f"{decoded(name)} ({kind})" if name else kind
