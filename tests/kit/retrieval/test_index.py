"""The index: real Chroma, real Tantivy, real SQLite, with a fake embedder where speed matters and MiniLM where not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sectorkit.errors import (
    ConfigurationError,
    IndexBusy,
    IndexMismatch,
    IndexMissing,
    RequestError,
    StoreError,
    UnknownName,
)
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.sync import writing
from sectorkit.retrieval.words import TERMS

if TYPE_CHECKING:
    from sectorkit.retrieval.embed import LocalEmbedder

NOISE = "# Noise ordinance\n\n## Article 4\n\nBetween 22:00 and 06:00 music must not exceed 45 dB(A).\n"
WASTE = "# Waste ordinance\n\n## Article 2\n\nThe brown bin is emptied every two weeks.\n\n## Article 3\n\nBulky waste costs 35 VLM.\n"
CHINESE = "# 房屋租赁指南\n\n押金不得超过两个月租金。房东须在三十天内退还押金。\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "zh").mkdir(parents=True)
    (folder / "noise.md").write_text(NOISE)
    (folder / "waste.md").write_text(WASTE)
    (folder / "zh" / "rental.md").write_text(CHINESE)
    (folder / "metadata.toml").write_text(
        '["noise.md"]\nstatus = "in_force"\nvalid_from = 2021-05-01\n["waste.md"]\nstatus = "superseded"\n'
    )
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index", FakeEmbedder())
    yield opened
    opened.close()


def sources(index: Index, query: str, **options: object) -> list[str]:
    return [str(hit.passage.metadata["source"]) for hit in index.search(query, 5, **options)]  # type: ignore[arg-type]


def test_documents_are_found_by_their_words_in_every_mode(index: Index, corpus: Path) -> None:
    report = index.sync(corpus)
    assert report.added == ("noise.md", "waste.md", "zh/rental.md")
    for mode in ("lexical", "dense", "hybrid"):
        assert sources(index, "How loud may music be?", mode=mode)[0] == "noise.md"
        assert sources(index, "押金最多多少？", mode=mode)[0] == "zh/rental.md"


def test_a_hit_is_an_exact_slice_of_its_document_with_its_place(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    hit = index.search("bulky waste cost", 1)[0]
    meta = hit.passage.metadata
    text = index.document("waste.md").text
    assert text[meta["start"] : meta["end"]] == hit.passage.page_content == "Bulky waste costs 35 VLM."
    assert meta["locator"] == "Article 3"
    assert meta["title"] == "Waste ordinance"
    assert meta["language"] == "en"
    assert set(hit.ranks) == {"lexical", "dense"}
    assert hit.similarity is not None


def test_a_passage_that_goes_while_it_is_found_leaves_its_place_to_the_next(
    index: Index, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync(corpus)
    found = index.stores.by_words
    monkeypatch.setattr(index.stores, "by_words", lambda *a, **k: [("gone", 99.0), *found(*a, **k)])
    (hit,) = index.search("bulky waste cost", 1, mode="lexical")
    assert hit.passage.page_content == "Bulky waste costs 35 VLM."


def test_a_table_is_found_by_its_rows_and_a_broken_one_stops_nothing(index: Index, corpus: Path) -> None:
    (corpus / "pumps.csv").write_text("Pump,Pressure,Zone\nP-12,3.5 bar,North\nP-13,4 bar,South\n")
    (corpus / "mail.eml").write_text("From: a@example.org\nSubject: Gasket\nContent-Type: image/png\n\nx\n")
    (corpus / "broken.xlsx").write_bytes(b"PK\x03\x04 broken")
    report = index.sync(corpus)
    assert set(report.failed) == {"broken.xlsx"}
    assert "attachments are not read: image/png" in report.notes["mail.eml"][1]
    meta = index.search("pressure of pump P-13", 1)[0].passage.metadata
    assert (meta["source"], meta["title"], meta["locator"]) == ("pumps.csv", "pumps", "rows 1-3")
    assert index.search("gasket", 1, where={"from": "a@example.org"})[0].passage.metadata["source"] == "mail.eml"


def test_a_second_sync_reads_nothing_again(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    embedder = index.embedder
    assert isinstance(embedder, FakeEmbedder)
    before = embedder.encoded
    report = index.sync(corpus)
    assert embedder.encoded == before
    assert len(report.unchanged) == 3
    assert not report.added + report.changed + report.removed


def test_a_change_embeds_only_what_changed_and_keeps_the_other_ids(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    old = {p.page_content: p.id for p in index.passages_of("waste.md")}
    embedder = index.embedder
    assert isinstance(embedder, FakeEmbedder)
    before = embedder.encoded
    (corpus / "waste.md").write_text(
        WASTE.replace("35 VLM", "40 VLM").replace("# Waste ordinance\n", "# Waste ordinance\n\nPreamble.\n")
    )
    report = index.sync(corpus)
    assert report.changed == ("waste.md",)
    assert embedder.encoded - before == 2  # the preamble and the new price
    new = {p.page_content: p.id for p in index.passages_of("waste.md")}
    kept = "The brown bin is emptied every two weeks."
    assert new[kept] == old[kept]
    assert "35 VLM" not in {p.page_content for p in index.passages_of("waste.md")}
    assert "costs 40 VLM" in index.search("price of bulky waste 40 VLM", 1)[0].passage.page_content
    assert index.check() == []


def test_new_metadata_reaches_the_filters(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    assert sources(index, "ordinance", where={"status": "superseded"}) == ["waste.md"] * 2
    (corpus / "metadata.toml").write_text('["waste.md"]\nstatus = "in_force"\n["noise.md"]\nstatus = "draft"\n')
    index.sync(corpus)
    for mode in ("lexical", "dense", "hybrid"):
        assert sources(index, "ordinance", where={"status": "superseded"}, mode=mode) == []
        assert set(sources(index, "ordinance", where={"status": ["in_force", "x"]}, mode=mode)) == {"waste.md"}
    assert index.check() == []


def test_new_metadata_embeds_nothing_but_what_reads_otherwise_by_it(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    embedder = index.embedder
    assert isinstance(embedder, FakeEmbedder)
    before = embedder.encoded
    (corpus / "metadata.toml").write_text('["waste.md"]\nstatus = "in_force"\n["noise.md"]\nstatus = "draft"\n')
    assert index.sync(corpus).changed == ("noise.md", "waste.md")
    assert embedder.encoded == before
    (corpus / "metadata.toml").write_text('["waste.md"]\ntitle = "Bins"\n["noise.md"]\nstatus = "draft"\n')
    index.sync(corpus)
    assert embedder.encoded - before == 2  # a title stands before each passage
    assert_vectors_are_of_their_texts(index)


def test_a_moved_document_is_moved_and_not_embedded_again(index: Index, corpus: Path) -> None:
    (corpus / "copy.md").write_text(CHINESE)  # the same bytes twice
    index.sync(corpus)
    embedder = index.embedder
    assert isinstance(embedder, FakeEmbedder)
    before = embedder.encoded
    (corpus / "old").mkdir()
    (corpus / "waste.md").rename(corpus / "old" / "bins.md")
    (corpus / "zh" / "rental.md").rename(corpus / "rent.md")
    (corpus / "metadata.toml").write_text('["noise.md"]\nstatus = "in_force"\nvalid_from = 2021-05-01\n')
    (corpus / "old" / "metadata.toml").write_text('["bins.md"]\nstatus = "superseded"\n')
    report = index.sync(corpus)
    assert report.moved == {"old/bins.md": "waste.md", "rent.md": "zh/rental.md"}
    assert not report.added + report.changed + report.removed
    assert report.summary().startswith("0 added, 0 changed, 0 removed, 2 unchanged, 2 moved")
    assert embedder.encoded == before
    assert sources(index, "bulky waste")[0] == "old/bins.md"
    assert sources(index, "ordinance", where={"status": "superseded"}) == ["old/bins.md"] * 2
    assert [d.source for d in index.documents()] == ["copy.md", "noise.md", "old/bins.md", "rent.md"]
    assert_vectors_are_of_their_texts(index)


def test_who_moves_a_file_and_not_its_entry_is_told(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    (corpus / "old").mkdir()
    (corpus / "waste.md").rename(corpus / "old" / "waste.md")
    report = index.sync(corpus)
    assert (
        'old/waste.md has no entry: if it is the same file, name that in place of "waste.md"'
        in (report.skipped["waste.md"])
    )
    assert (report.added, report.removed) == (("old/waste.md",), ("waste.md",))
    assert_vectors_are_of_their_texts(index)


def test_a_sync_killed_in_the_midst_of_a_long_document_goes_on_from_there(index: Index, corpus: Path) -> None:
    for n in range(3):
        (corpus / f"b{n}.md").write_text(f"# Short {n}\n\nOf subject{n}.\n")
    rest = "\n\n".join(f"## Part {n}\n\nThis is about subject{n} alone." for n in range(1500))
    (corpus / "long.md").write_text(f"# A long one\n\n{rest}\n")
    embedder = index.embedder
    assert isinstance(embedder, FakeEmbedder)

    def die_at(passages: int) -> None:
        whole = embedder.embed_documents

        def embed(texts: list[str]) -> list[list[float]]:
            if embedder.encoded >= passages:
                raise KeyboardInterrupt
            return whole(texts)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(embedder, "embed_documents", embed)
            index.sync(corpus)

    die_at(700)
    assert sources(index, "subject77", mode="dense") == []  # nothing of it is seen
    die_at(1300)
    assert index.sync(corpus).failed == {}
    assert embedder.encoded < 1500 + 3 + 4 + 2 * 512 + 64  # at most what was not stored yet, each time
    assert embedder.encoded < 2300
    assert sources(index, "This is about subject77 alone", mode="lexical")[0] == "long.md"
    assert_vectors_are_of_their_texts(index)


def test_what_a_killed_sync_made_of_a_document_that_changed_since_is_no_longer_there(
    index: Index, corpus: Path
) -> None:
    rest = "\n\n".join(f"## Part {n}\n\nThis is about subject{n} alone." for n in range(900))
    (corpus / "long.md").write_text(f"# A long one\n\n{rest}\n")
    whole = index.stores.lexical.update
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(index.stores.lexical, "update", lambda **what: (whole(**what), _interrupt()))
        index.sync(corpus)
    (corpus / "long.md").write_text(f"# Another name\n\n{rest.replace('alone', 'and more')}\n")
    index.sync(corpus)
    assert_vectors_are_of_their_texts(index)
    (corpus / "long.md").unlink()
    index.sync(corpus)
    assert_vectors_are_of_their_texts(index)
    assert index.stores.manifest.unsettled() == ([], [])
    assert index.stores.manifest.unsettled_made() == {}


def test_a_long_version_that_a_killed_sync_was_about_to_bring_hides_nothing(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    rest = "\n\n".join(f"## Part {n}\n\nMusic at night, part {n}." for n in range(300))
    (corpus / "noise.md").write_text(f"# Noise ordinance\n\n{rest}\n")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(index.stores.manifest, "replace", lambda *what, **more: _interrupt())
        index.sync(corpus)
    for mode in ("lexical", "dense", "hybrid"):
        (text,) = {
            h.passage.page_content for h in index.search("music at night", 40, mode=mode, where={"source": "noise.md"})
        }
        assert "45 dB(A)" in text


def test_two_documents_that_change_their_titles_get_vectors_of_their_own(index: Index, corpus: Path) -> None:
    (corpus / "a.md").write_text("The same words.")
    (corpus / "b.md").write_text("The same words.")
    (corpus / "metadata.toml").write_text('["a.md"]\ntitle = "Noise"\n["b.md"]\ntitle = "Waste"\n')
    index.sync(corpus)
    (corpus / "metadata.toml").write_text('["a.md"]\ntitle = "Waste"\n["b.md"]\ntitle = "Noise"\n')
    index.sync(corpus)
    assert_vectors_are_of_their_texts(index)


def test_a_sync_killed_after_its_documents_are_in_embeds_nothing_again(index: Index, corpus: Path) -> None:
    whole = index.stores.manifest.replace
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(index.stores.manifest, "replace", lambda *what, **more: (whole(*what, **more), _interrupt()))
        index.sync(corpus)
    embedder = index.embedder
    assert isinstance(embedder, FakeEmbedder)
    before = embedder.encoded
    index.sync(corpus)
    assert embedder.encoded == before
    assert_vectors_are_of_their_texts(index)


def test_a_vector_that_was_half_replaced_is_not_taken_for_what_it_was(index: Index, corpus: Path) -> None:
    """Killed in a first sync; in a second one, under another title, between the vectors and the note that they are there."""
    manifest, stores = index.stores.manifest, index.stores
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stores.lexical, "update", lambda **what: _interrupt())
        index.sync(corpus)
    titled = (corpus / "metadata.toml").read_text()
    (corpus / "metadata.toml").write_text('["noise.md"]\ntitle = "Sound"\n["waste.md"]\ntitle = "Bins"\n')
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(manifest, "made", lambda ids, keys: _interrupt())
        index.sync(corpus)
    (corpus / "metadata.toml").write_text(titled)
    index.sync(corpus)
    assert_vectors_are_of_their_texts(index)


def _interrupt() -> None:
    raise KeyboardInterrupt


def assert_vectors_are_of_their_texts(index: Index) -> None:
    """In both places: what was taken from elsewhere is what would have been made."""
    assert index.check() == []
    passages = [p for d in index.documents() for p in index.passages_of(d.source)]
    made = np.asarray(FakeEmbedder().embed_documents([context(p) for p in passages]), np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    ids = [str(p.id) for p in passages]
    np.testing.assert_allclose(index.stores.vectors(ids), made, atol=1e-6)
    graph = index.stores._dense.vectors(ids)
    np.testing.assert_allclose([graph[i] for i in ids], made, atol=1e-6)


def test_a_removed_document_is_gone_everywhere(index: Index, corpus: Path) -> None:
    index.sync(corpus)
    (corpus / "noise.md").unlink()
    (corpus / "metadata.toml").unlink()
    assert index.sync(corpus).removed == ("noise.md",)
    assert "noise.md" not in sources(index, "music at 22:00")
    assert index.check() == []
    with pytest.raises(UnknownName, match=r"noise\.md"):
        index.document("noise.md")


def test_a_broken_document_is_reported_and_the_rest_goes_on(index: Index, corpus: Path) -> None:
    (corpus / "empty.md").write_text("")
    (corpus / "scan.pdf").write_bytes(b"%PDF-1.4 broken")
    (corpus / "letter.docx").write_bytes(b"PK\x03\x04 broken")
    (corpus / "photo.png").write_bytes(b"\x89PNG")
    report = index.sync(corpus)
    assert set(report.failed) == {"empty.md", "scan.pdf", "letter.docx"}
    assert "empty" in report.failed["empty.md"]
    assert set(report.skipped) == {"photo.png"}
    assert "convert it to one of: .csv .docx" in report.skipped["photo.png"]
    assert len(report.added) == 3
    assert set(index.sync(corpus).failed) == {"empty.md", "scan.pdf", "letter.docx"}, "still said at the next sync"


def test_a_link_out_of_the_folder_is_not_followed(index: Index, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("# Secret\n\nThe password is swordfish.")
    (corpus / "link.md").symlink_to(tmp_path / "secret.md")
    report = index.sync(corpus)
    assert "outside" in report.skipped["link.md"]
    assert sources(index, "swordfish", mode="lexical") == []


def test_an_empty_folder_leaves_an_empty_index(index: Index, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert index.sync(tmp_path / "nothing").passages == 0
    assert index.search("anything") == []


def test_what_is_not_a_folder_is_refused(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a folder"):
        index.sync(tmp_path / "missing")


def test_malformed_metadata_is_refused_by_name(index: Index, corpus: Path) -> None:
    (corpus / "metadata.toml").write_text('["noise.md"\n')
    with pytest.raises(ConfigurationError, match=r"metadata\.toml"):
        index.sync(corpus)


def test_a_side_file_in_a_folder_below_speaks_of_the_files_there(index: Index, corpus: Path) -> None:
    (corpus / "zh" / "metadata.toml").write_text('["rental.md"]\nkind = "law"\n["lost.md"]\nkind = "law"\n')
    report = index.sync(corpus)
    assert index.document("zh/rental.md").metadata["kind"] == "law"
    assert list(report.skipped) == ["zh/lost.md"]
    (corpus / "metadata.toml").write_text('["zh/rental.md"]\nkind = "draft law"\n')  # the upper one counts
    index.sync(corpus)
    assert index.document("zh/rental.md").metadata["kind"] == "draft law"


@pytest.mark.parametrize(("query", "why"), [("", "empty"), ("  \n", "empty"), ("x" * 100_000, "100,000")])
def test_a_question_that_is_none_is_refused(index: Index, query: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        index.search(query)


def test_an_unknown_mode_is_refused(index: Index) -> None:
    with pytest.raises(UnknownName, match="dense, hybrid, lexical"):
        index.search("x", mode="magic")  # type: ignore[arg-type]


def test_another_embedder_is_refused_with_the_way_out(index: Index, tmp_path: Path) -> None:
    with pytest.raises(IndexMismatch, match="--rebuild"):
        Index.open(tmp_path / "index", FakeEmbedder(fingerprint="other@2"))


def test_no_index_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="index sync"):
        Index.open(tmp_path / "none", FakeEmbedder(), create=False)


def test_a_second_writer_is_told_who_is_writing(index: Index, corpus: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "index"), pytest.raises(IndexBusy, match=rf"process {os.getpid()} since 20\d\d-"):
        other = Index.open(tmp_path / "index", FakeEmbedder())
        try:
            other.sync(corpus)
        finally:
            other.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        reason = "no right to mount a small file system; run as root"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=False)


def test_a_full_disk_is_said_and_the_next_sync_completes(small_disk: Path, corpus: Path) -> None:
    index = Index.open(small_disk / "index", FakeEmbedder())
    index.sync(corpus)
    for n in range(40):
        (corpus / f"more{n}.md").write_text(f"# More {n}\n\n" + "More text about music and its many sounds. " * 100)
    with pytest.raises(OSError, match="No space"), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    with pytest.raises(StoreError, match=r"0 MB free.*sync again"):
        index.sync(corpus)
    assert sources(index, "music", mode="lexical")[0] == "noise.md", "what was indexed is still found"
    (small_disk / "filler").unlink()
    index.sync(corpus)
    assert index.status()["documents"] == 43
    assert index.check() == []
    assert sources(index, "sounds", mode="hybrid")[0].startswith("more")
    index.close()


def test_what_a_store_has_lost_is_put_back_by_the_next_sync(index: Index, corpus: Path, tmp_path: Path) -> None:
    index.sync(corpus)
    index.stores.drop([str(index.passages_of("noise.md")[0].id)])
    index.close()
    shutil.rmtree(tmp_path / "index" / "tantivy")
    again = Index.open(tmp_path / "index", FakeEmbedder())
    assert again.check() != []
    again.sync(corpus)
    assert again.check() == []
    assert sources(again, "music at night", mode="lexical")[0] == "noise.md"
    again.close()


def test_words_of_an_older_kind_are_made_anew_by_the_next_sync_and_nothing_is_embedded(
    index: Index, corpus: Path, tmp_path: Path
) -> None:
    class Unasked(FakeEmbedder):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise AssertionError(f"embeds {len(texts)} texts")

    index.sync(corpus)
    index.close()
    kept = tmp_path / "index" / "tantivy"
    (kept / TERMS).rename(kept / "terms-0")
    (kept / "meta.json").write_text("of the first version, which had no folder for it")
    later = Index.open(tmp_path / "index", Unasked())
    assert sources(later, "music at night", mode="lexical") == [], "words of two kinds are not mixed"
    assert later.check() != []
    later.sync(corpus)
    assert later.check() == []
    assert sources(later, "music at night", mode="lexical")[0] == "noise.md"
    assert [entry.name for entry in kept.iterdir()] == [TERMS]
    later.close()


@pytest.mark.parametrize("damaged", ["manifest.sqlite", "chroma/chroma.sqlite3"])
def test_a_damaged_store_is_an_error_that_names_the_way_out_and_a_rebuild_mends_it(
    index: Index, corpus: Path, tmp_path: Path, damaged: str
) -> None:
    index.sync(corpus)
    index.close()
    for beside in ("-wal", "-shm"):
        (tmp_path / "index" / f"{damaged}{beside}").unlink(missing_ok=True)
    (tmp_path / "index" / damaged).write_bytes(b"no database at all " * 1000)
    with pytest.raises(StoreError, match=damaged.split("/")[0]):
        again = Index.open(tmp_path / "index", FakeEmbedder())
        again.sync(corpus)
        again.close()
    assert len(Index.rebuild(tmp_path / "index", FakeEmbedder(), corpus).added) == 3
    again = Index.open(tmp_path / "index", FakeEmbedder())
    assert sources(again, "music at night")[0] == "noise.md"
    again.close()


def test_a_rebuild_that_fails_leaves_the_old_index(index: Index, corpus: Path, tmp_path: Path) -> None:
    index.sync(corpus)
    with pytest.raises(ConfigurationError):
        Index.rebuild(tmp_path / "index", FakeEmbedder(), tmp_path / "missing")
    assert sources(index, "music at night")[0] == "noise.md"


def test_another_embedder_gets_its_index_by_a_rebuild(index: Index, corpus: Path, tmp_path: Path) -> None:
    index.sync(corpus)
    index.close()
    other = FakeEmbedder(fingerprint="other@2", dimension=64)
    Index.rebuild(tmp_path / "index", other, corpus)
    opened = Index.open(tmp_path / "index", other)
    assert sources(opened, "music at night")[0] == "noise.md"
    assert not list(tmp_path.glob("index.*")), "nothing is left beside it"
    opened.close()


def test_after_a_change_of_chunking_only_new_texts_are_embedded(
    index: Index, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync(corpus)
    index.close()
    monkeypatch.setattr("sectorkit.retrieval.index.CHUNKING", "outline-99")
    (corpus / "noise.md").write_text(NOISE.replace("45 dB", "50 dB"))
    embedder = FakeEmbedder()
    with pytest.raises(IndexMismatch, match="chunking"):
        Index.open(tmp_path / "index", embedder)
    Index.rebuild(tmp_path / "index", embedder, corpus)
    assert embedder.encoded == 1
    opened = Index.open(tmp_path / "index", embedder)
    assert_vectors_are_of_their_texts(opened)
    opened.close()
    Index.rebuild(tmp_path / "index", embedder, corpus)  # of the same kind: somebody has a reason
    assert embedder.encoded == 1 + 4


def test_a_rebuild_that_was_killed_is_gone_on_with(index: Index, corpus: Path, tmp_path: Path) -> None:
    index.sync(corpus)
    for n in range(100):
        (corpus / f"d{n:03}.md").write_text(f"# Document {n}\n\nAbout subject{n}.\n")
    embedder = FakeEmbedder()

    def stop(message: str, fraction: float | None = None) -> None:
        if "d09" in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Index.rebuild(tmp_path / "index", embedder, corpus, progress=stop)
    assert sources(index, "music at night")[0] == "noise.md"
    index.close()
    before = embedder.encoded
    assert before >= 64
    Index.rebuild(tmp_path / "index", embedder, corpus)
    assert embedder.encoded == 104
    opened = Index.open(tmp_path / "index", embedder)
    assert_vectors_are_of_their_texts(opened)
    opened.close()
    (tmp_path / "index.new").mkdir()
    (tmp_path / "index.new" / "manifest.sqlite").write_bytes(b"no database at all" * 100)
    Index.rebuild(tmp_path / "index", embedder, corpus)
    assert not list(tmp_path.glob("index.*"))


def test_an_index_may_be_moved(index: Index, corpus: Path, tmp_path: Path) -> None:
    index.sync(corpus)
    index.close()
    (tmp_path / "index").rename(tmp_path / "elsewhere")
    moved = Index.open(tmp_path / "elsewhere", FakeEmbedder())
    assert sources(moved, "music at night", mode="dense")[0] == "noise.md"
    moved.close()


def test_odd_files_are_named_and_the_rest_goes_on(index: Index, corpus: Path) -> None:
    (corpus / "loop.md").symlink_to("loop.md")
    (corpus / "caf\udce9.md").write_text("# Coffee")
    report = index.sync(corpus)
    assert len(report.added) == 3
    assert "UTF-8" in report.skipped["caf\\udce9.md"]
    assert "loop.md" in report.skipped


def test_a_document_cannot_say_where_its_passages_lie(index: Index, corpus: Path) -> None:
    (corpus / "sly.md").write_text(
        "---\nstart: 2024-03-14\nheading: x\nsource: noise.md\n---\n# Sly\n\nA sly sentence.\n"
    )
    (corpus / "metadata.toml").write_text('["sly.md"]\nlocator = "p. 9"\npage = 7\n')
    report = index.sync(corpus)
    (passage,) = index.passages_of("sly.md")
    assert passage.metadata["source"] == "sly.md"
    assert isinstance(passage.metadata["start"], int)
    assert passage.metadata["locator"] != "p. 9"
    assert len(report.notes["sly.md"]) >= 2


def test_filters_are_the_same_in_every_mode(index: Index, corpus: Path) -> None:
    (corpus / "metadata.toml").write_text('["noise.md"]\nyear = 2021\npublic = true\n')
    index.sync(corpus)
    for mode in ("lexical", "dense", "hybrid"):
        for where in ({"year": 2021}, {"year": ["2021", "1999"]}, {"public": True}, {"year": 2021, "language": "en"}):
            assert set(sources(index, "ordinance music", mode=mode, where=where)) == {"noise.md"}, (mode, where)
        assert sources(index, "ordinance music", mode=mode, where={"year": 1999}) == []


@pytest.mark.parametrize(
    "where",
    [{"yaer": 2021}, {"language": []}, {"language": None}, {"language": ["en", {}]}, {"$and": "x"}, {"start": 0}],
)
def test_a_filter_that_nothing_can_meet_is_refused(index: Index, corpus: Path, where: dict[str, object]) -> None:
    index.sync(corpus)
    with pytest.raises(RequestError, match=next(iter(where)).replace("$", r"\$")):
        index.search("music", where=where)


def test_many_threads_search_while_another_process_and_this_one_write(
    index: Index, corpus: Path, tmp_path: Path
) -> None:
    index.sync(corpus)
    ended = threading.Event()
    failures: list[Exception] = []

    def read() -> None:
        while not ended.is_set():
            try:
                assert sources(index, "music at night", mode="hybrid")
            except Exception as error:
                failures.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    program = (
        "import pathlib; from sectorkit.fakes import FakeEmbedder; from sectorkit.retrieval.index import Index;"
        f"Index.open(pathlib.Path({str(tmp_path / 'index')!r}), FakeEmbedder()).sync(pathlib.Path({str(corpus)!r}))"
    )
    for n in range(3):
        (corpus / f"mine{n}.md").write_text(f"# Mine {n}\n\nMusic number {n}.")
        index.sync(corpus)
        (corpus / f"theirs{n}.md").write_text(f"# Theirs {n}\n\nMusic number {n}.")
        subprocess.run([sys.executable, "-c", program], check=True)
    ended.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert index.check() == []


def test_a_killed_sync_loses_nothing(tmp_path: Path, corpus: Path) -> None:
    """SIGKILL at several moments of a sync; the next one finds and finishes a consistent index."""
    for n in range(80):
        (corpus / f"d{n:03}.md").write_text(f"# Document {n}\n\nParagraph about subject{n} and music.\n")
    program = textwrap.dedent(f"""
        import pathlib
        from sectorkit.fakes import FakeEmbedder
        from sectorkit.retrieval.index import Index
        index = Index.open(pathlib.Path({str(tmp_path / "index")!r}), FakeEmbedder())
        print("open", flush=True)
        index.sync(pathlib.Path({str(corpus)!r}))
    """)
    for delay in (0.05, 0.15, 0.3):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    index = Index.open(tmp_path / "index", FakeEmbedder())
    index.sync(corpus)
    assert index.check() == []
    assert index.status()["documents"] == 83
    assert sources(index, "subject57", mode="lexical")[0] == "d057.md"
    index.close()


def test_a_reader_sees_what_another_process_wrote(index: Index, corpus: Path, tmp_path: Path) -> None:
    index.sync(corpus)
    (corpus / "new.md").write_text("# Zebra crossings\n\nZebra crossings are painted in May.")
    program = (
        "import pathlib; from sectorkit.fakes import FakeEmbedder; from sectorkit.retrieval.index import Index;"
        f"Index.open(pathlib.Path({str(tmp_path / 'index')!r}), FakeEmbedder()).sync(pathlib.Path({str(corpus)!r}))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    for mode in ("lexical", "dense", "hybrid"):
        assert sources(index, "When are zebra crossings painted?", mode=mode)[0] == "new.md"


@pytest.mark.embedder
def test_a_real_embedder_finds_what_shares_no_word(tmp_path: Path, corpus: Path, embedder: LocalEmbedder) -> None:
    index = Index.open(tmp_path / "index", embedder)
    index.sync(corpus)
    hits = index.search("How quiet must it be while people sleep?", 3, mode="dense")
    assert hits[0].passage.metadata["source"] == "noise.md"
    index.close()


def test_the_next_documents_are_read_while_one_is_embedded_and_nothing_goes_on_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sectorkit.retrieval import sync as syncing

    folder = tmp_path / "corpus"
    folder.mkdir()
    for n in range(20):
        parts = "\n\n".join(f"## Part {i}\n\nThe fee of part {i} of document {n} is {n} francs." for i in range(80))
        (folder / f"d{n}.md").write_text(f"# Document {n}\n\n{parts}\n")
    read: list[str] = []
    real = syncing.parse
    monkeypatch.setattr(syncing, "parse", lambda path, **how: (read.append(path.name), real(path, **how))[1])

    class Slow(FakeEmbedder):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            until = time.monotonic() + 20
            while len(read) < 3 and time.monotonic() < until:
                time.sleep(0.01)
            if len(read) < 3:
                raise AssertionError("nothing was read meanwhile")
            if self.encoded > 100:
                raise ValueError("no more")
            return super().embed_documents(texts)

    index = Index.open(tmp_path / "index", Slow())
    with pytest.raises(ValueError, match="no more"):
        index.sync(folder)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading")]
    assert len(read) < 20
    index.close()
    index = Index.open(tmp_path / "index", FakeEmbedder())
    index.sync(folder)
    assert index.check() == []
    assert len(index) == 1600
    index.close()
