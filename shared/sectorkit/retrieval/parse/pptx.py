"""PPTX, by python-pptx: the visible slides of a presentation, each under its title, with its speaker notes.

A slide is a page, and its title a heading of level 1; one without a title is called by its number, as PowerPoint
does, so that its words do not stand under the title before. Notes follow under a heading of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.normalise import declared_title, primary_language
from sectorkit.retrieval.parse.office import Office, opened, reason, unreadable
from sectorkit.retrieval.parse.pptx_shapes import SlideReader
from sectorkit.retrieval.ranges import about

Slide: TypeAlias = Any

_POWERPOINT = Office("PPTX", "PowerPoint", "ppt/", "presentation")
_MAX_SLIDES = 5_000


def parse_pptx(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is no PPTX, is encrypted, damaged, too long, or has no text on any slide."""
    import pptx
    from pptx.exc import PythonPptxError

    with opened(path, _POWERPOINT) as archive:
        has_comments = any(name.startswith("ppt/comments") for name in archive.namelist())
        try:
            deck = pptx.Presentation(str(path))
            slides = list(deck.slides)
        except (PythonPptxError, SyntaxError, ValueError, KeyError, AttributeError) as error:
            raise unreadable(path, _POWERPOINT, reason(error)) from None
        if len(slides) > _MAX_SLIDES:
            raise DocumentError(f"{path.name} has {len(slides):,} slides; at most {_MAX_SLIDES:,} are read. Split it.")
        reader = _Reader()
        for page, slide in enumerate(slides, start=1):
            reader.add(slide, page)
    notes = [*reader.notes(), *(["comments are not read"] if has_comments else [])]
    if not len(reader.draft):
        raise DocumentError(
            f"{path.name} has no text on any slide: {'; '.join(notes) or 'it is blank; check that it is the right file'}."
        )
    return reader.draft.finish(
        title=declared_title(deck.core_properties.title),
        language=primary_language(deck.core_properties.language),
        pages=len(slides),
        notes=tuple(notes),
        page_name="slide",
    )


class _Reader:
    """Adds slides to a draft, and remembers what a person should know of them."""

    def __init__(self) -> None:
        self.draft = Draft()
        self._hidden: list[int] = []
        self._wordless: list[int] = []
        self._pictures: list[int] = []
        self._broken: list[int] = []

    def add(self, slide: Slide, page: int) -> None:
        if slide._element.get("show") in ("0", "false"):
            self._hidden.append(page)
            return
        content = SlideReader(slide)
        if content.is_damaged:
            self._broken.append(page)
        if content.has_pictures:
            self._pictures.append(page)
        spoken = content.speaker_notes()
        if not content.title and not content.blocks and not spoken:
            self._wordless.append(page)
            return
        self.draft.add(content.title or f"Slide {page}", "heading", level=1, page=page)
        for text, kind in content.blocks:
            self.draft.add(text, kind, page=page)
        if spoken:
            self.draft.add("Speaker notes", "heading", level=2, page=page)
            for text in spoken:
                self.draft.add(text, page=page)

    def notes(self) -> list[str]:
        """What was left out and why."""
        pictures = [page for page in self._pictures if page not in self._wordless]
        return [
            *about(self._hidden, "been hidden and left out", "unhide what should be found", noun="slide"),
            *about(self._wordless, "no text", "pictures only? add a text box or speaker notes", noun="slide"),
            *about(pictures, "pictures or objects that are not read", "add what they say as text", noun="slide"),
            *about(self._broken, "shapes that are damaged and were left out", "save it again", noun="slide"),
        ]
