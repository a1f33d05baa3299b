"""The index: real Chroma, real Tantivy, real SQLite, with a fake embedder where speed matters and MiniLM where not."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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
from sectorkit.retrieval.index import Index

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
    with index._writing(), pytest.raises(IndexBusy, match=f'"pid": {os.getpid()}'):
        other = Index.open(tmp_path / "index", FakeEmbedder())
        try:
            other.sync(corpus)
        finally:
            other.close()


def test_a_full_disk_is_said_and_the_next_sync_completes(
    index: Index, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync(corpus)
    (corpus / "more.md").write_text("# More\n\nMore text about music.")
    with monkeypatch.context() as patch:

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(index._lexical, "update", full)
        with pytest.raises(StoreError, match="free"):
            index.sync(corpus)
    assert sources(index, "music")[0] == "noise.md", "what was indexed is still found"
    assert "more.md" not in sources(index, "music")
    index.sync(corpus)
    assert "more.md" in sources(index, "music")
    assert index.check() == []


def test_a_killed_sync_loses_nothing(tmp_path: Path, corpus: Path) -> None:
    """SIGKILL at several moments of a sync; the next one finds and finishes a consistent index."""
    for n in range(200):
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
    assert index.status()["documents"] == 203
    assert sources(index, "subject117", mode="lexical")[0] == "d117.md"
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
