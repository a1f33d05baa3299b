"""Manifest: the truth about an index: which documents are in, their texts and passages. One SQLite file.

The stores of words and vectors follow it. Whatever a sync is about to write to them or to remove from them is
first noted in `journal`; a document's passages change in one transaction, which is the moment when readers see
the new state. A sync that was killed leaves journal entries behind, and the next one clears them up: what the
manifest does not name is removed from both stores. Of a long document that was half embedded, `made` says whose
vectors are whole, so that the next sync goes on from there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from sectorkit.errors import StoreBroken
from sectorkit.retrieval.passage import Passage

LAYOUT = 2  # part of an index's fingerprint: raise it when the tables change

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    source TEXT PRIMARY KEY, digest TEXT NOT NULL, status TEXT NOT NULL, problem TEXT, notes TEXT NOT NULL,
    title TEXT, metadata TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS passages (
    id TEXT PRIMARY KEY, source TEXT NOT NULL REFERENCES documents(source) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL, text TEXT NOT NULL, metadata TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS passages_of ON passages(source, ordinal);
CREATE TABLE IF NOT EXISTS journal (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS slots (slot INTEGER PRIMARY KEY, id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS made (id TEXT PRIMARY KEY, key BLOB NOT NULL);
"""


@dataclass(frozen=True)
class StoredDocument:
    """A document as the index has it. `status` is "indexed" or "failed"; `problem` says why it failed.

    `digest` is its file's; where pages are scanned, the languages of the OCR that read them follow after a space, or "none".
    """

    source: str
    digest: str
    status: str
    problem: str | None = None
    notes: tuple[str, ...] = ()
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


class Manifest:
    """The manifest's file. Safe to use from several threads; other processes may read while one writes.

    Every method raises StoreBroken where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._keys: tuple[int, frozenset[str]] | None = None  # of a generation: 30 ms to read of a million passages
        with self._clear_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA foreign_keys=ON")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._clear_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._clear_errors():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreBroken(f"the manifest {self._path} cannot be used: {error}") from error

    # -- what the index was made with -------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def set(self, key: str, value: str) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @property
    def generation(self) -> int:
        """Rises with every change of the documents."""
        return int(self.get("generation") or 0)

    # -- documents and passages -------------------------------------------------------------------------------

    def digests(self) -> dict[str, str]:
        """Source -> digest of every document that is in, failed ones too."""
        return dict(self._rows("SELECT source, digest FROM documents"))

    def documents(self) -> list[StoredDocument]:
        """All documents by source, without their texts."""
        rows = self._rows(
            "SELECT source, digest, status, problem, notes, title, metadata, '' FROM documents ORDER BY source"
        )
        return [_document(row) for row in rows]

    def document(self, source: str) -> StoredDocument | None:
        rows = self._rows(
            "SELECT source, digest, status, problem, notes, title, metadata, text FROM documents WHERE source = ?",
            (source,),
        )
        return _document(rows[0]) if rows else None

    def passages(self, ids: Iterable[str]) -> dict[str, Passage]:
        """Those passages of `ids` that are live, by id."""
        found: dict[str, Passage] = {}
        for part in _parts(list(ids)):
            rows = self._rows(
                "SELECT p.id, p.metadata, p.text, d.metadata FROM passages p "
                f"JOIN documents d ON d.source = p.source WHERE p.id IN ({_marks(part)})",
                part,
            )
            for passage, own, text, shared in rows:
                metadata = {**json.loads(shared), **json.loads(own)}
                found[passage] = Document(id=passage, page_content=text, metadata=metadata)
        return found

    def each_passage(self, ids: Sequence[str]) -> Iterator[Passage]:
        """Those passages of `ids` that are live, read a few hundred at a time."""
        for part in _parts(ids):
            yield from self.passages(part).values()

    def live(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of `ids` that are passages of a document."""
        query = "SELECT id FROM passages WHERE id IN "
        return frozenset(row[0] for part in _parts(ids) for row in self._rows(f"{query}({_marks(part)})", part))

    def passage_ids(self, source: str | None = None) -> list[str]:
        """Ids of one document's passages in order, or of all."""
        if source is None:
            return [row[0] for row in self._rows("SELECT id FROM passages ORDER BY source, ordinal")]
        return [row[0] for row in self._rows("SELECT id FROM passages WHERE source = ? ORDER BY ordinal", (source,))]

    def metadata_keys(self) -> frozenset[str]:
        """What the documents say of themselves: the keys that a filter may name. Read anew once per generation."""
        generation = self.generation
        if self._keys is None or self._keys[0] != generation:
            rows = self._rows("SELECT DISTINCT j.key FROM documents d, json_each(d.metadata) j")
            self._keys = generation, frozenset(row[0] for row in rows)
        return self._keys[1]

    def counts(self) -> tuple[int, int, int]:
        """`(documents indexed, documents failed, passages)`."""
        row = self._rows(
            "SELECT (SELECT count(*) FROM documents WHERE status = 'indexed'),"
            "(SELECT count(*) FROM documents WHERE status = 'failed'), (SELECT count(*) FROM passages)"
        )[0]
        return int(row[0]), int(row[1]), int(row[2])

    def replace(
        self, documents: Iterable[tuple[StoredDocument, Sequence[Passage]]], *, gone: Iterable[str] = ()
    ) -> None:
        """Put documents and their passages in the place of what was there, and take out those `gone`, in one transaction."""
        with self._transaction() as db:
            db.executemany("DELETE FROM documents WHERE source = ?", [(source,) for source in gone])
            for document, passages in documents:
                db.execute("DELETE FROM documents WHERE source = ?", (document.source,))
                db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _row(document))
                db.executemany(
                    "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
                    [
                        (p.id, document.source, ordinal, p.page_content, _own_metadata(p, document))
                        for ordinal, p in enumerate(passages)
                    ],
                )
            self._advance(db)

    def forget(self, sources: Iterable[str]) -> None:
        """Take documents and their passages out, in one transaction."""
        with self._transaction() as db:
            db.executemany("DELETE FROM documents WHERE source = ?", [(source,) for source in sources])
            self._advance(db)

    @staticmethod
    def _advance(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO meta VALUES ('generation', '1') "
            "ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
        )

    # -- where the vectors are --------------------------------------------------------------------------------

    def take_slots(self, ids: Sequence[str]) -> list[int]:
        """A slot of the vector file for each of `ids`: the one it has, else one that is free, else a new one."""
        taken: list[int] = []
        with self._transaction() as db:
            (end,) = db.execute("SELECT coalesce(max(slot) + 1, 0) FROM slots").fetchone()
            for i in ids:
                found = db.execute("SELECT slot FROM slots WHERE id = ?", (i,)).fetchone()
                found = found or db.execute("SELECT slot FROM slots WHERE id IS NULL LIMIT 1").fetchone()
                slot = int(found[0]) if found else end
                end = max(end, slot + 1)
                db.execute("INSERT OR REPLACE INTO slots VALUES (?, ?)", (slot, i))
                taken.append(slot)
        return taken

    def free_slots(self, ids: Iterable[str]) -> None:
        """Whose vectors are gone; their slots may be taken again."""
        with self._transaction() as db:
            for i in ids:
                db.execute("UPDATE slots SET id = NULL WHERE id = ?", (i,))
                db.execute("DELETE FROM made WHERE id = ?", (i,))

    def slots(self, ids: Sequence[str] | None = None) -> dict[str, int]:
        """Id -> slot of everything that has one, or of those of `ids` that have."""
        if ids is None:
            return dict(self._rows("SELECT id, slot FROM slots WHERE id IS NOT NULL"))
        found: dict[str, int] = {}
        for part in _parts(ids):
            found.update(self._rows(f"SELECT id, slot FROM slots WHERE id IN ({_marks(part)})", part))
        return found

    def count_slots(self, end: int) -> int:
        """How many slots below `end` are somebody's."""
        rows = self._rows("SELECT count(*) FROM slots WHERE id IS NOT NULL AND slot < ?", (end,))
        return int(rows[0][0])

    def places(self) -> list[tuple[str, int, int]]:
        """`(id, slot, number of its document)` of every passage, by id; -1 where it has no slot."""
        return self._rows(
            "SELECT p.id, coalesce(s.slot, -1), d.rowid FROM passages p JOIN documents d ON d.source = p.source "
            "LEFT JOIN slots s ON s.id = p.id ORDER BY p.id"
        )

    def values(self, key: str) -> list[tuple[int, str]]:
        """`(number of a document, what it says for key)` of all that say anything to filter by, as filters have it."""
        rows = self._rows(
            "SELECT d.rowid, j.value, j.type FROM documents d, json_each(d.metadata) j WHERE j.key = ? "
            "AND j.type NOT IN ('null', 'array', 'object')",
            (key,),
        )
        return [(number, kind if kind in ("true", "false") else str(value)) for number, value, kind in rows]

    # -- the journal ------------------------------------------------------------------------------------------

    def note(self, ids: Iterable[str]) -> None:
        """Write down that the stores are about to change for `ids`."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO journal VALUES (?)", [(i,) for i in ids])

    def unsettled(self) -> tuple[list[str], list[str]]:
        """`(dead, live)`: journal entries that no document names, and those that one does."""
        rows = self._rows("SELECT j.id, p.id IS NOT NULL FROM journal j LEFT JOIN passages p ON p.id = j.id")
        return [i for i, live in rows if not live], [i for i, live in rows if live]

    def made(self, ids: Sequence[str], keys: Sequence[bytes]) -> None:
        """Write down that the vectors of `ids` are stored, and by the `text_key` of what they were made."""
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO made VALUES (?, ?)", zip(ids, keys, strict=True))

    def unmake(self, ids: Iterable[str]) -> None:
        """Write down that the vectors of `ids` are about to be others."""
        with self._transaction() as db:
            db.executemany("DELETE FROM made WHERE id = ?", [(i,) for i in ids])

    def unsettled_made(self) -> dict[str, bytes]:
        """Id -> key of the vectors that are stored, of those in the journal."""
        return dict(self._rows("SELECT m.id, m.key FROM made m JOIN journal j ON j.id = m.id"))

    def settle(self) -> None:
        """The stores are as the manifest says: empty the journal, and who looked before looks again.

        But for what is stored of documents that are not in yet, which a next sync goes on from.
        """
        with self._transaction() as db:
            db.execute("DELETE FROM made WHERE id IN (SELECT id FROM passages) OR id NOT IN (SELECT id FROM journal)")
            if db.execute("DELETE FROM journal WHERE id NOT IN (SELECT id FROM made)").rowcount:
                self._advance(db)


def _row(document: StoredDocument) -> tuple[Any, ...]:
    metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
    notes = json.dumps(list(document.notes))
    return (
        document.source, document.digest, document.status, document.problem, notes, document.title, metadata,
        document.text,
    )  # fmt: skip


def _own_metadata(passage: Passage, document: StoredDocument) -> str:
    """What a passage says beyond its document."""
    own = {key: value for key, value in passage.metadata.items() if key not in document.metadata}
    return json.dumps(own, ensure_ascii=False)


def _document(row: tuple[Any, ...]) -> StoredDocument:
    source, digest, status, problem, notes, title, metadata, text = row
    return StoredDocument(source, digest, status, problem, tuple(json.loads(notes)), title, json.loads(metadata), text)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as one statement takes."""
    for at in range(0, len(ids), 500):
        yield ids[at : at + 500]


def _marks(part: Sequence[str]) -> str:
    return ",".join("?" * len(part))
