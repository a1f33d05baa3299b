"""DOCX: paragraphs, headings, lists, tables and footnotes in document order, read from the XML itself.

Word's file is a ZIP of XML parts. Reading the few that hold text is quicker than opening the whole package,
and leaves a hostile file's images, macros and relations untouched.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.docx_styles import NS, Numbering, Styles, value, w
from sectorkit.retrieval.parse.normalise import DECLARED, clean, declared, declared_title, primary_language
from sectorkit.retrieval.parse.office import Office, opened

Element: TypeAlias = Any

_WORD = Office("DOCX", "Word", "word/", "Word document")
_DC = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "p": "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties",
}
# Left out: deleted text, the fallback twin of a drawing, field codes, comments' and notes' own marks.
_SKIPPED = frozenset(
    w(tag)
    for tag in (
        "del",
        "moveFrom",
        "instrText",
        "delText",
        "pPr",
        "rPr",
        "annotationRef",
        "footnoteRef",
        "sectPr",
    )
) | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
_WRAPPERS = frozenset(w(tag) for tag in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "txbxContent"))


def parse_docx(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is no DOCX, is encrypted, damaged, or would unpack to too much."""
    with opened(path, _WORD) as archive:
        body = _xml(archive, "word/document.xml")
        if body is None:
            raise DocumentError(f"{path.name} is a ZIP but holds no Word document. Save it as .docx from Word.")
        styles = Styles(_xml(archive, "word/styles.xml"))
        numbering = Numbering(_xml(archive, "word/numbering.xml"))
        notes = {
            f"{kind}{note.get(w('id'))}": note
            for kind in ("footnote", "endnote")
            if (part := _xml(archive, f"word/{kind}s.xml")) is not None
            for note in part.iter(w(kind))
            if note.get(w("type")) in (None, "normal")
        }
        core, custom = _xml(archive, "docProps/core.xml"), _xml(archive, "docProps/custom.xml")
    draft = Draft()
    _Body(draft, styles, numbering, notes).add(body)
    metadata, problems = declared(_custom(custom))
    return draft.finish(
        title=declared_title(_text_of(core, "dc:title")),
        language=primary_language(_text_of(core, "dc:language")),
        metadata=metadata,
        notes=tuple(problems),
    )


def _xml(archive: zipfile.ZipFile, member: str) -> Element | None:
    from lxml import etree

    try:
        source = archive.read(member)
    except KeyError:
        return None
    # Entities stay unresolved and nothing is fetched: a document needs neither. huge_tree lifts the limit
    # on one text's length; the ZIP's limits hold already.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
    try:
        return etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError(
            f"{member} in the DOCX is damaged ({error.msg}). Let Word repair and save the file."
        ) from None


def _text_of(part: Element | None, name: str) -> str | None:
    found = part.find(f".//{name}", _DC) if part is not None else None
    return found.text if found is not None else None


def _custom(part: Element | None) -> list[tuple[str, str]]:
    if part is None:
        return []
    pairs = [(p.get("name", "").lower(), "".join(p.itertext())) for p in part.iterfind(".//p:property", _DC)]
    return [(name, text) for name, text in pairs if name in DECLARED]


class _Body:
    """Adds the blocks of a document's body to a draft."""

    def __init__(self, draft: Draft, styles: Styles, numbering: Numbering, notes: dict[str, Element]) -> None:
        self.draft, self.styles, self.numbering, self.notes = draft, styles, numbering, notes
        self.guessing = False

    def add(self, root: Element) -> None:
        body = root.find("w:body", NS)
        if body is None:
            return
        # Some documents have bold lines where their headings should be; guess only where no style is used.
        self.guessing = not any(self.styles.level(p) for p in body.iter(w("p")))
        for block in _blocks(body):
            if block.tag == w("p"):
                self._paragraph(block)
            else:
                self._table(block)

    def _paragraph(self, paragraph: Element) -> None:
        text, level = _words(paragraph), self.styles.level(paragraph)
        numbered = self.styles.numbered(paragraph)
        label = self.numbering.label(*numbered) if numbered and clean(text) else ""
        if not level and self.guessing and not numbered:
            level = self.styles.guessed_level(paragraph, clean(text))
        if level:
            self.draft.add(label + text.replace("\n", " "), "heading", level=level)
        else:
            kind = "item" if numbered else "quote" if self.styles.is_quote(paragraph) else "paragraph"
            self.draft.add(label + text, kind)  # type: ignore[arg-type]
        self._boxes(paragraph)
        self._notes_of(paragraph)

    def _boxes(self, block: Element) -> None:
        for box in block.iter(w("txbxContent")):
            if not any(up.tag in _SKIPPED for up in box.iterancestors()):
                for paragraph in _blocks(box):
                    self.draft.add(_words(paragraph).replace("\n", " "))

    def _notes_of(self, block: Element) -> None:
        """A note follows the paragraph that refers to it."""
        for kind in ("footnote", "endnote"):
            for mark in block.iter(w(f"{kind}Reference")):
                note = self.notes.get(f"{kind}{mark.get(w('id'))}")
                if note is not None:
                    self.draft.add(" ".join(_words(p) for p in note.iter(w("p"))))

    def _table(self, table: Element) -> None:
        self.draft.apart()
        for row in table.iter(w("tr")):
            if next(row.iterancestors(w("tbl")), None) is not table or row.find("w:trPr/w:del", NS) is not None:
                continue  # an inner table is part of its cell
            cells = [c for c in row.iter(w("tc")) if next(c.iterancestors(w("tr")), None) is row]
            texts = [clean(" ".join(_words(p) for p in c.iter(w("p")))).replace("\n", " ") for c in cells]
            if any(texts):
                self.draft.add(" | ".join(texts), "row")
        self._notes_of(table)


def _blocks(parent: Element) -> Iterator[Element]:
    """Paragraphs and tables under `parent`, in order, also those inside content controls and insertions."""
    stack = [iter(parent)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in (w("p"), w("tbl")):
            yield child
        elif child.tag in _WRAPPERS:
            stack.append(iter(child))


def _words(paragraph: Element) -> str:
    """The visible text of one paragraph: no deletions, no hidden runs, no field codes, no text boxes."""
    from lxml import etree

    parts: list[str] = []
    walk = etree.iterwalk(paragraph, events=("start",))
    for _, node in walk:
        if (
            node.tag in _SKIPPED
            or node.tag == w("txbxContent")
            or (node.tag == w("r") and value(node.find("w:rPr/w:vanish", NS), absent="0") != "0")
        ):
            walk.skip_subtree()
        elif node.tag == w("t"):
            parts.append(node.text or "")
        elif node.tag == w("tab"):
            parts.append("\t")
        elif node.tag in (w("br"), w("cr")):
            parts.append("\n")
        elif node.tag == w("noBreakHyphen"):
            parts.append("-")
    return "".join(parts)
