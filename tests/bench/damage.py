"""Ways to damage a document: of its bytes, of the parts of a ZIP (with checksums that are right again), of its name."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from seeds import FORMATS, ZIPPED, packed, unpacked

OTHERS = (*FORMATS, ".htm", ".PDF", ".Docx", ".doc", ".png", ".zip", "")  # suffixes that a file may be given wrongly
NUMBERS = ("0", "-1", "65536", "2147483648", "9" * 20, "1e308", "-1e-308", "NaN", "0x41", "1.5", "3,5", "9" * 5_000)
# Broken UTF-8, lone and overlong; marks of byte order; controls; what turns, joins or hides; a tag character.
GARBAGE = (
    b"\x00 \xff\xfe \xef\xbb\xbf \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 \x80\x80 \xe2\x80\xae \xcc\x81 \x1b[2J \x0c "
    b"\xf3\xa0\x81\x81 \xe2\x80\xa8 \x85 \xc2\xad \r"
).split(b" ")
WORDS = {
    ".md": b"```\n|---|---|\n---\n[\n![](\n> \n- \n&#x110000;\n&#xD800;\n<!--\n<table>\n# \n\t".split(b"\n"),
    ".html": b"<main>\n</main>\n<table>\n<td colspan=99999>\n<ol start=-1>\n&#xD800;\n&#0;\n<!--\n<![CDATA[\n<svg>\n<template>"
    b"\n<plaintext>\n<title>\n<article>\n<?xml version='1.0' encoding='utf-16'?>\n<br>".split(b"\n"),
    ".pdf": b"endobj\nendstream\nstream\n<<\n>>\n[\nobj\n0 R\n/Length 0\n/Count -1\n/Kids[2 0 R]\n/Parent 2 0 R\ntrailer\nBT\nET"
    b"\nq\nxref\n/Rotate 45\n/MediaBox[0 0 0 0]\n/Filter/ASCIIHexDecode\n%%EOF".split(b"\n"),
    ".csv": b'"\n""\n,\n;\n\t\nsep=;\n|\n\r'.split(b"\n"),
    ".eml": b"--bbbbbbbbbbbbbbbbbbbb\n--bbbbbbbbbbbbbbbbbbbb--\n\n\nContent-Type: multipart/mixed; boundary=b\nContent-Type: "
    b"message/rfc822\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: x\n=?utf-8?b?/w==?=\n=?x?q?=FF?=\n"
    b"Content-Type: text/plain; charset=utf-7\nContent-Disposition: attachment; filename*=utf-16''%ff".split(b"\n"),
    ".xml": b'<\n>\n&e;\n&#xD800;\n&#0;\n<!DOCTYPE d [<!ENTITY e "e">]>\n<![CDATA[\n]]>\n<w:p>\n</w:p>\n<w:tbl>\n<c r="A9"/>\n'
    b'<v>\n<row r="-1">\n="\nxml:space="preserve"\n</a:t>\n<a:p>\n<?x?>'.split(b"\n"),
}  # fmt: skip
NESTS = {
    ".md": (b"> ", b"- ", b"[", b"*a", b"<div>", b"   "),
    ".html": (b"<div>", b"<table><tr><td>", b"<ul><li>", b"<blockquote>", b"<b>"),
    ".pdf": (b"<<", b"[", b"(", b"q ", b"<</A"),
    ".csv": (b'"', b'"""', b","),
    ".eml": (b"Content-Type: message/rfc822\n\n", b"> ", b"(", b"<"),
    ".xml": (b"<w:p>", b"<w:tbl><w:tr><w:tc>", b"<p:grpSp>", b"<x>", b"<w:ins>"),
}
_LIKE = {".txt": ".md", ".htm": ".html", ".tsv": ".csv"}  # whose words and nests are those of another

Rng = random.Random


def damage(whole: bytes, suffix: str, rng: Rng) -> tuple[bytes, str, str]:
    """Damaged bytes of a `whole` document, the suffix that the file is to have, and what was done."""
    done: list[str] = []
    given = suffix
    inside = suffix in ZIPPED and rng.random() < 0.85  # what is wrong with a ZIP itself is found at once
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        if rng.random() < 0.05:
            given = rng.choice(OTHERS)
            done.append(f"named {given}")
        elif inside and (parts := _parts(whole)):
            whole, what = _in_zip(parts, rng)
            done.append(what)
        else:
            whole, what = _changed(whole, _LIKE.get(suffix, suffix), rng)
            done.append(what)
    return whole, given, ", ".join(done)


def _parts(whole: bytes) -> dict[str, bytes]:
    try:
        return unpacked(whole)
    except Exception:  # it is no ZIP any more
        return {}


def _in_zip(parts: dict[str, bytes], rng: Rng) -> tuple[bytes, str]:
    name = rng.choice(sorted(parts))
    if rng.random() < 0.8:  # most of the parts are styles and layouts that nobody reads; prefer what holds the text
        name = rng.choice([n for n in sorted(parts) if re.search(r"document|slide\d|sheet\d|Strings|styles", n)])
    match rng.randrange(20):
        case 0:
            del parts[name]
            return packed(parts), f"{name}: gone"
        case 1:
            parts[name.upper()] = parts.pop(name)
            return packed(parts), f"{name}: called otherwise"
        case 2:
            parts[name] = parts[rng.choice(sorted(parts))]
            return packed(parts), f"{name}: another part"
    parts[name], what = _changed(parts[name], ".xml", rng)
    return packed(parts), f"{name}: {what}"


def _changed(raw: bytes, kind: str, rng: Rng) -> tuple[bytes, str]:
    ways = [*_WAYS, *([_attribute, _element] * 6 if kind in (".xml", ".html") else [])]
    way = rng.choice(ways)
    return way(bytearray(raw or b"x"), kind, rng), way.__name__.strip("_")


def _flips(raw: bytearray, kind: str, rng: Rng) -> bytes:
    for _ in range(rng.choice((1, 3, 20, 200))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


def _truncation(raw: bytearray, kind: str, rng: Rng) -> bytes:
    return bytes(raw[: rng.randrange(len(raw))])


def _span(raw: bytearray, rng: Rng) -> tuple[int, int]:
    start = rng.randrange(len(raw))
    return start, start + rng.choice((1, 16, 256, 4_096))


def _removal(raw: bytearray, kind: str, rng: Rng) -> bytes:
    start, end = _span(raw, rng)
    return bytes(raw[:start] + raw[end:])


def _repetition(raw: bytearray, kind: str, rng: Rng) -> bytes:
    start, end = _span(raw, rng)
    return bytes(raw[:end] + raw[start:end] * rng.choice((1, 5, 500 if end - start < 999 else 50)) + raw[end:])


def _swap(raw: bytearray, kind: str, rng: Rng) -> bytes:
    (a, b), (c, d) = sorted((_span(raw, rng), _span(raw, rng)))
    b = min(b, c)
    return bytes(raw[:a] + raw[c:d] + raw[b:c] + raw[a:b] + raw[d:])


def _insertion(raw: bytearray, kind: str, rng: Rng) -> bytes:
    at = rng.randrange(len(raw))
    return bytes(raw[:at] + rng.randbytes(rng.choice((1, 8, 300))) + raw[at:])


def _words(raw: bytearray, kind: str, rng: Rng) -> bytes:
    for _ in range(rng.choice((1, 3, 20))):
        at = rng.randrange(len(raw))
        raw[at:at] = rng.choice(WORDS.get(kind, WORDS[".xml"]))
    return bytes(raw)


def _garbage(raw: bytearray, kind: str, rng: Rng) -> bytes:
    for _ in range(rng.choice((1, 3, 50))):
        at = rng.randrange(len(raw))
        raw[at:at] = rng.choice(GARBAGE)
    return bytes(raw)


def _encoding(raw: bytearray, kind: str, rng: Rng) -> bytes:
    text = raw.decode(rng.choice(("utf-8", "cp1252", "utf-16-le")), "replace")
    return text.encode(rng.choice(("utf-16", "utf-16-be", "utf-32", "cp1252", "gb18030", "utf-7", "cp037")), "replace")


def _number(raw: bytearray, kind: str, rng: Rng) -> bytes:
    found = list(re.finditer(rb"\d+", raw))
    for match in sorted(rng.sample(found, min(len(found), rng.choice((1, 3, 20)))), key=lambda m: -m.start()):
        raw[match.start() : match.end()] = rng.choice(NUMBERS).encode()
    return bytes(raw)


def _nest(raw: bytearray, kind: str, rng: Rng) -> bytes:
    at = rng.choice((0, rng.randrange(len(raw))))
    opening = rng.choice(NESTS.get(kind, NESTS[".xml"]))
    return bytes(raw[:at] + opening * rng.choice((30, 300, 3_000)) + raw[at:])


def _attribute(raw: bytearray, kind: str, rng: Rng) -> bytes:
    found = list(re.finditer(rb'\s[\w:]+="[^"<>]*"', raw))
    for match in sorted(rng.sample(found, min(len(found), rng.choice((1, 3, 20)))), key=lambda m: -m.start()):
        name = match.group().split(b"=")[0]
        value = rng.choice((rng.choice(NUMBERS).encode(), b"", rng.choice(GARBAGE), b"rId1", b"../../x"))
        raw[match.start() : match.end()] = rng.choice((b"", b'%s="%s"' % (name, value), match.group() * 2))
    return bytes(raw)


def _element(raw: bytearray, kind: str, rng: Rng) -> bytes:
    """An element of the XML goes, comes a thousand times, or stands inside itself."""
    found = [m for m in re.finditer(rb"<([\w:]+)(?:\s[^<>]*)?(?:/>|>[^<>]*</\1>)", raw) if len(m.group()) < 2_000]
    if found:
        match = rng.choice(found)
        start, end, text = match.start(), match.end(), match.group()
        inside = text.replace(b"</", text + b"</", 1) if b"</" in text else text * 2
        raw[start:end] = rng.choice((b"", text * 1_000, inside))
    return bytes(raw)


_WAYS: tuple[Callable[[bytearray, str, Rng], bytes], ...] = (
    _flips, _truncation, _removal, _repetition, _swap, _insertion, _words, _garbage, _encoding, _number, _nest,
)  # fmt: skip
