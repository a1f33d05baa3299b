"""Documents: a benchmark's corpus as a folder of text files, so that it goes the way of any user's documents.

Each document is one `.txt` file, named after its id; titles and metadata stand in the folder's `metadata.toml`. The
folder can be opened by hand, and be indexed by `sectorkit index sync APP --docs` too.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

from sectorkit.bench.beir import BeirDocument, BeirFolder
from sectorkit.errors import StoreBroken
from sectorkit.progress import Progress, silent
from sectorkit.retrieval.corpus import METADATA_FILE
from sectorkit.retrieval.parse.normalise import DATES, clean, visible

_LAYOUT = "1"  # raise it when the files would come out otherwise
STAMP = ".written"  # a sync leaves out what begins with a dot
_LONGEST = 120  # characters of a name; file systems end at 255 bytes
_LEAD = 80  # characters of a text that serve as its title where it has none


@dataclass(frozen=True)
class WrittenCorpus:
    """The folder, which document each of its files is (source -> id), and the ids of documents without any text."""

    folder: Path
    ids: Mapping[str, str]
    empty: tuple[str, ...]


def write_documents(data: BeirFolder, folder: Path, *, progress: Progress = silent) -> WrittenCorpus:
    """Write the corpus of `data` to `folder`, where it is not written already; files of others there are removed.

    A document without a title has its first words as one, as every passage carries its document's title; one without a
    text has its title as text; one without either is left out. Raises ConfigurationError for a malformed corpus,
    StoreBroken where the disk is full.
    """
    progress("reading the corpus")
    names: dict[str, str] = {}
    taken: set[str] = set()
    empty: list[str] = []
    for document in data.documents():  # the whole corpus is checked before anything is written
        if _text(document):
            names[document.id] = _file_name(document.id, taken)
        else:
            empty.append(document.id)
    stamp = f"{_LAYOUT} {data.sha256[data.corpus.name]}"
    if not _is_written(folder / STAMP, stamp):
        try:
            _write(data, folder, names, progress)
            (folder / STAMP).write_text(stamp)
        except OSError as error:
            raise StoreBroken(f"the documents cannot be written to {folder}: {error}; free some space there") from error
    return WrittenCorpus(folder, {name: identifier for identifier, name in names.items()}, tuple(empty))


def _write(data: BeirFolder, folder: Path, names: Mapping[str, str], progress: Progress) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / METADATA_FILE).open("w", encoding="utf-8") as side:
        for count, document in enumerate(d for d in data.documents() if d.id in names):
            # With its mark, no text is taken for another encoding or for a picture.
            (folder / names[document.id]).write_text(_text(document), encoding="utf-8-sig", newline="\n")
            side.write(f"[{_toml(names[document.id])}]\n")
            side.writelines(f"{_toml(key)} = {_toml(value)}\n" for key, value in _metadata(document).items())
            if count % 500 == 0:
                progress("writing the documents", count / len(names))


def _text(document: BeirDocument) -> str:
    text = visible(document.text)
    return text if text.strip() else clean(document.title)


def _metadata(document: BeirDocument) -> dict[str, str | int | float | bool]:
    title = clean(document.title).replace("\n", " ")
    metadata: dict[str, str | int | float | bool] = {}
    for key, value in document.metadata.items():
        if key in DATES and not _is_date(value):
            continue
        metadata[visible(key)] = str(value) if isinstance(value, float) and not math.isfinite(value) else value
    return metadata | {"title": title or _lead(_text(document))}


def _lead(text: str) -> str:
    """The first line of `text`, or the words that it begins with."""
    line = clean(text.lstrip()[: 4 * _LEAD]).split("\n", 1)[0]
    return line if len(line) <= _LEAD else (line[:_LEAD].rpartition(" ")[0] or line[:_LEAD])


def _toml(value: str | int | float | bool) -> str:
    """A JSON value without control characters is a TOML value too."""
    return json.dumps(visible(value) if isinstance(value, str) else value, ensure_ascii=False)


def _is_date(value: object) -> bool:
    with suppress(ValueError):
        return bool(date.fromisoformat(str(value)))
    return False


def _file_name(identifier: str, taken: set[str]) -> str:
    """A name that every file system takes, and that no other document has, capitals aside."""
    name = quote(identifier, safe=" ()+,=@")
    name = "%2E" + name[1:] if name.startswith(".") else name
    if len(name) > _LONGEST or f"{name}.txt".casefold() in taken:
        name = f"{name[:_LONGEST]}~{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"
    taken.add(f"{name}.txt".casefold())
    return f"{name}.txt"


def _is_written(stamp: Path, expected: str) -> bool:
    return stamp.exists() and stamp.read_text() == expected
