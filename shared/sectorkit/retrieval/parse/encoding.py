"""Decoding: the text of a file whose encoding nobody states, or a clear refusal where it is not text."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from sectorkit.errors import DocumentError

TEXT_LIMIT = 20 * 2**20  # bytes: some 4,000 printed pages, far beyond any text that a person wrote as one file
_SAMPLE = 2**16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP, DOCX or similar file",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x7fELF": "a program",
    b"\x1f\x8b": "a gzip archive",
    b"{\\rtf": "an RTF file",
    b"SQLite format 3": "a database",
}
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NOT_UTF8 = re.compile(rb"[^\n]{0,200}[\x80-\xff][^\n]{0,200}")
# Encodings that documents are really in. Left to itself, a detector answers cp1250 or mac_roman for short
# French.
_WESTERN = ("cp1252", "iso8859_15")
_OTHER = (
    "gb18030 big5 shift_jis euc_jp euc_kr cp1251 koi8_r cp1250 cp1253 cp1254 cp1255 cp1256".split()  # noqa: SIM905
)


def read_text(path: Path, declared: re.Pattern[bytes] | None = None) -> tuple[str, list[str]]:
    """The file's text, and a note where its encoding was assumed.

    `declared` finds the encoding that the file states in its first 4096 bytes. Order: byte order mark, UTF-16
    without a mark, UTF-8, what is declared, a guess. Raises DocumentError where the bytes are not text.
    """
    size = path.stat().st_size
    if size > TEXT_LIMIT:
        limit = TEXT_LIMIT // 2**20
        raise DocumentError(f"{path.name} is {size / 2**20:.0f} MB of text; at most {limit} MB are read. Split it.")
    raw = path.read_bytes()
    if kind := kind_of(raw):
        raise DocumentError(f"{path.name} is {kind} and not text, whatever its name says. Give it the right suffix.")
    text, notes = decode(raw, declared)
    nuls, controls = text.count("\0"), len(_CONTROL.findall(text[:_SAMPLE]))
    if nuls > 8 + len(text) // 10 or controls > 3 + len(text[:_SAMPLE]) // 200:
        raise DocumentError(f"{path.name} is not text but binary. Remove it, or give it the suffix of its real format.")
    if nuls:
        notes.append(f"{nuls} NUL bytes were left out")
    return text.replace("\0", ""), notes


def kind_of(raw: bytes) -> str | None:
    """What a file is by its first bytes ("a PDF"); None where they tell nothing, as those of text do."""
    return next((kind for magic, kind in _MAGIC.items() if raw.startswith(magic)), None)


def decode(raw: bytes, declared: re.Pattern[bytes] | None = None) -> tuple[str, list[str]]:
    """The text of bytes in whatever encoding, and notes; see `read_text`."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            # utf-16 and utf-32 consume their mark themselves and read the byte order from it.
            body = raw[len(bom) :] if encoding == "utf-8" else raw
            text = body.decode(encoding, "replace").removeprefix("\ufeff")
            notes = [] if encoding == "utf-8" else [f"read as {encoding.upper()}, by its byte order mark"]
            if lost := text.count("\ufffd"):
                notes.append(f"{lost} characters could not be decoded")
            return text, notes
    nul_even, nul_odd = raw[:_SAMPLE:2].count(0), raw[1:_SAMPLE:2].count(0)
    if max(nul_even, nul_odd) > len(raw[:_SAMPLE]) // 5 and min(nul_even, nul_odd) * 10 < max(nul_even, nul_odd):
        encoding = "utf-16-le" if nul_odd > nul_even else "utf-16-be"
        return raw.decode(encoding, "replace"), [f"encoding assumed: {encoding.upper()}"]
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    stated = declared.search(raw[:4096]) if declared else None
    found = decode_as(raw, stated.group(1).decode("ascii")) if stated else None
    return (found, []) if found is not None else _guess(raw)


def decode_as(raw: bytes, encoding: str) -> str | None:
    """The text in an encoding that is declared for it; None where there is none of that name, or it does not fit."""
    try:
        # Browsers read "latin-1" as its superset, and so did whoever wrote the page; gb2312 is of that kind too.
        name = codecs.lookup(encoding).name
        return raw.decode({"iso8859-1": "cp1252", "gb2312": "gb18030"}.get(name, name))
    except (LookupError, ValueError):
        return None


def _guess(raw: bytes) -> tuple[str, list[str]]:
    from charset_normalizer import from_bytes

    valid = raw.decode("utf-8", "ignore")
    if len(raw) - len(valid.encode()) <= max(1, len(raw) // 2000) and any(ord(c) > 127 for c in valid):
        text = raw.decode("utf-8", "replace")
        return text, [f"damaged UTF-8: {text.count(chr(0xFFFD))} characters could not be decoded"]
    # Only lines that are not ASCII tell anything, and the detector is slow.
    sample = b"\n".join(m.group() for m, _ in zip(_NOT_UTF8.finditer(raw), range(400), strict=False))[:_SAMPLE]
    encoding = "cp1252"
    share = sum(byte >= 0x80 for byte in sample) / max(1, len(sample))
    # In Western text fewer than one letter in five bears an accent; Greek, Cyrillic and Chinese are mostly
    # high.
    best = from_bytes(sample, cp_isolation=list(_WESTERN if share < 0.2 else _OTHER)).best()
    if best is not None:
        encoding = best.encoding
    text = raw.decode(encoding, "replace")
    notes = [f"encoding assumed: {encoding} (not UTF-8); if letters look wrong, save the file as UTF-8"]
    if lost := text.count("\ufffd"):
        notes.append(f"{lost} characters could not be decoded")
    return text, notes
