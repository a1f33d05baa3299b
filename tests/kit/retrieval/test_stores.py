"""The nearest vectors: against an exact search, filtered and not, and after the loss of a store."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from numpy.typing import NDArray

from sectorkit.errors import StoreBroken
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.manifest import Manifest, StoredDocument
from sectorkit.retrieval.stores import Stores
from sectorkit.retrieval.vectors import VectorFile

COUNT, DIMENSION, CLUSTERS = 1500, 32, 6
LANGUAGES = ("de", "en", "fr", "zh", "ar", "uk")  # one a cluster, so that a filter can point away from a question


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    drawing = np.random.default_rng(0)
    centres = drawing.standard_normal((CLUSTERS, DIMENSION))
    drawn = centres[np.arange(COUNT) % CLUSTERS] + 0.7 * drawing.standard_normal((COUNT, DIMENSION))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def filled(folder: Path, vectors: NDArray[np.float32], *, exact: int) -> Stores:
    """Five passages a document; a document's language is its cluster's, and every fiftieth is rare."""
    stores = Stores(folder, Manifest(folder / "manifest.sqlite"), exact=exact)
    for at in range(0, COUNT, 300):
        passages = [
            Document(id=f"{n:04x}", page_content=f"passage {n}", metadata={"start": 0, "end": 1})
            for n in range(at, min(at + 300, COUNT))
        ]
        stores.put_vectors(passages, vectors[at : at + 300])
        stores.lexical.update(add=passages)
        for cluster in range(CLUSTERS):
            own = [p for p in passages if int(str(p.id), 16) % CLUSTERS == cluster]
            for first in range(0, len(own), 5):
                source = f"{own[first].id}.md"
                said = {"language": LANGUAGES[cluster], "rare": first == 0, "source": source}
                document = StoredDocument(source, "d", "indexed", metadata=said, text="x")
                stores.manifest.replace([(document, own[first : first + 5])])
    stores.settle()
    return stores


@pytest.fixture(scope="module", params=[0, 100_000], ids=["graph", "exact"])
def stores(
    request: pytest.FixtureRequest, vectors: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stores]:
    opened = filled(tmp_path_factory.mktemp("stores"), vectors, exact=request.param)
    yield opened
    opened.close()


def best(vectors: NDArray[np.float32], asked: NDArray[np.float32], keep: Callable[[int], bool], k: int) -> list[str]:
    order = np.argsort(-(vectors @ asked), kind="stable")
    return [f"{n:04x}" for n in order if keep(int(n))][:k]


def test_the_nearest_are_those_of_an_exact_search(stores: Stores, vectors: NDArray[np.float32]) -> None:
    for n in range(0, COUNT, 97):
        found = stores.nearest(vectors[n].tolist(), 20)
        assert [i for i, _ in found] == best(vectors, vectors[n], lambda _: True, 20)
        assert found[0][1] == pytest.approx(1, abs=1e-5)


def test_a_filter_that_points_away_from_the_question_finds_the_nearest_of_what_it_leaves(stores, vectors) -> None:
    for n in range(0, COUNT, 97):
        other = (n + 1) % CLUSTERS
        found = stores.nearest(vectors[n].tolist(), 20, where={"language": (LANGUAGES[other],)})
        assert [i for i, _ in found] == best(vectors, vectors[n], lambda m, c=other: m % CLUSTERS == c, 20)
        assert found[0][1] == pytest.approx(float(vectors[int(found[0][0], 16)] @ vectors[n]), abs=1e-5)


def test_wide_and_narrow_filters_and_several_at_once(stores: Stores, vectors: NDArray[np.float32]) -> None:
    asked = vectors[3]
    wide = stores.nearest(asked.tolist(), 20, where={"language": LANGUAGES[:4]})
    assert [i for i, _ in wide] == best(vectors, asked, lambda m: m % CLUSTERS < 4, 20)
    narrow = stores.nearest(asked.tolist(), 20, where={"source": ("0000.md",)})
    assert sorted(i for i, _ in narrow) == ["0000", "0006", "000c", "0012", "0018"]
    both = stores.nearest(asked.tolist(), 500, where={"language": ("de",), "rare": ("true",)})
    rare = {str(p) for p in both and [i for i, _ in both]}
    assert len(rare) == 25
    assert all(int(i, 16) % CLUSTERS == 0 for i in rare)
    assert stores.nearest(asked.tolist(), 20, where={"language": ("xx",)}) == []


def test_more_than_there_are_is_all_of_them(stores: Stores, vectors: NDArray[np.float32]) -> None:
    assert len(stores.nearest(vectors[0].tolist(), 5000)) == COUNT


def test_none_of_many_texts_that_are_nearly_the_same_is_lost(tmp_path: Path) -> None:
    drawing = np.random.default_rng(1)
    same = np.ones((70, DIMENSION), np.float32) + 1e-4 * drawing.standard_normal((70, DIMENSION)).astype(np.float32)
    same[33] = drawing.standard_normal(DIMENSION)
    stores = Stores(tmp_path, Manifest(tmp_path / "manifest.sqlite"))
    passages = [Document(id=f"{n:04x}", page_content=str(n), metadata={}) for n in range(70)]
    stores.put_vectors(passages, same)
    document = StoredDocument("a.md", "d", "indexed", metadata={"source": "a.md"}, text="x")
    stores.manifest.replace([(document, passages)])
    stores.settle()
    assert stores.nearest(same[33].tolist(), 10)[0][0] == "0021"
    assert len(stores.nearest(same[33].tolist(), 70)) == 70
    stores.close()


# -- after a loss ---------------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for n in range(12):
        (folder / f"d{n}.md").write_text(f"# Document {n}\n\nThe fee number {n} is {n * 7} francs.\n")
    return folder


def synced(folder: Path, corpus: Path) -> FakeEmbedder:
    """The embedder of one more sync, after which all is as it should be."""
    embedder = FakeEmbedder()
    index = Index.open(folder, embedder)
    index.sync(corpus)
    assert index.check() == []
    assert index.search("Document 5", 1, mode="dense")[0].passage.metadata["source"] == "d5.md"
    assert index.search("fee", 5, mode="dense", where={"source": "d7.md"})[0].passage.metadata["source"] == "d7.md"
    index.close()
    return embedder


@pytest.mark.parametrize("loss", ["graph", "file", "half of the file", "slots", "both"])
def test_what_one_place_has_lost_comes_from_the_other_and_nothing_is_embedded(
    tmp_path: Path, corpus: Path, loss: str
) -> None:
    folder = tmp_path / "index"
    made = synced(folder, corpus).encoded
    file = folder / "vectors.f32"
    if loss in ("graph", "both"):
        shutil.rmtree(folder / "chroma")
    if loss in ("file", "both"):
        file.unlink()
    if loss == "half of the file":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if loss == "slots":  # as in an index that was made before there was a file
        manifest = Manifest(folder / "manifest.sqlite")
        manifest.free_slots(manifest.passage_ids())
        manifest.close()
    assert made == 12
    assert synced(folder, corpus).encoded == (12 if loss == "both" else 0)


def test_a_file_that_was_cut_off_is_an_error_that_names_it_and_no_wrong_answer(tmp_path: Path, corpus: Path) -> None:
    synced(tmp_path / "index", corpus)
    (tmp_path / "index" / "vectors.f32").write_bytes(b"")
    index = Index.open(tmp_path / "index", FakeEmbedder())
    with pytest.raises(StoreBroken, match=r"vectors\.f32"):
        index.search("Document 5", 1, mode="dense")
    index.close()


def test_a_slot_is_taken_again(tmp_path: Path, corpus: Path) -> None:
    synced(tmp_path / "index", corpus)
    size = (tmp_path / "index" / "vectors.f32").stat().st_size
    (corpus / "d3.md").unlink()
    (corpus / "d4.md").write_text("# Document 4\n\nNow it says something else.\n")
    (corpus / "new.md").write_text("# New\n\nA new one.\n")
    synced(tmp_path / "index", corpus)
    (corpus / "d5.md").write_text("# Document 5\n\nAnd this one too.\n")
    synced(tmp_path / "index", corpus)
    file = tmp_path / "index" / "vectors.f32"
    assert file.stat().st_size <= size + 2 * size // 12


def test_vectors_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "v.f32")
    file.write([2, 0], [[3, 4], [0, 2]])
    assert file.rows(2) == 3
    assert file.read([0, 1, 2], 2).tolist() == pytest.approx(np.array([[0, 1], [0, 0], [0.6, 0.8]]))
    assert file.similarities([0, 5], np.array([0, 2])).tolist() == pytest.approx([1, 0.8])
    file.write([5], [[0, 0]])
    assert file.rows(2) == 6
    with pytest.raises(StoreBroken, match="has 6 vectors"):
        file.read([6], 2)


def test_a_key_that_another_process_brought_can_be_filtered_by(tmp_path: Path) -> None:
    reader, writer = Manifest(tmp_path / "m.sqlite"), Manifest(tmp_path / "m.sqlite")
    assert reader.metadata_keys() == frozenset()
    writer.replace([(StoredDocument("a.md", "d", "indexed", metadata={"kind": "rule"}, text="x"), [])])
    assert reader.metadata_keys() == {"kind"}
    writer.forget(["a.md"])
    assert reader.metadata_keys() == frozenset()


# -- a graph that was being written ---------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path: Path) -> tuple[Path, Path]:
    """A corpus and its index, whose graph is large enough that Chroma has written it down."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    chosen = random.Random(0)
    for n in range(3):
        said = [" ".join(f"word{chosen.randrange(500)}" for _ in range(30)) for _ in range(400)]
        parts = "\n\n".join(f"## Part {i}\n\n{text}" for i, text in enumerate(said))
        (corpus / f"d{n}.md").write_text(f"# Document {n}\n\n{parts}\n")
    index = Index.open(tmp_path / "index", FakeEmbedder())
    assert index.sync(corpus).passages >= 1200
    index.close()
    return corpus, tmp_path / "index"


def graph_files(folder: Path) -> dict[Path, int]:
    (metadata,) = folder.glob("chroma/*/index_metadata.pickle")
    return {file: file.stat().st_ino for file in metadata.parent.iterdir()}


def finds_by_graph(index: Index) -> None:
    index.stores.exact = 0
    for source in ("d0.md", "d1.md", "d2.md"):
        for passage in index.passages_of(source)[::97]:
            (vector,) = index.embedder.embed_documents([context(passage)])
            ((_, similarity),) = index.stores.nearest(vector, 1)
            assert similarity == pytest.approx(1, abs=1e-5)


def test_a_graph_that_was_not_written_to_its_end_is_not_loaded_and_made_anew(large: tuple[Path, Path]) -> None:
    corpus, folder = large
    (folder / "graph.changing").write_text(json.dumps({"chroma/x/data_level0.bin": [1, 2]}))
    links = next(file for file in graph_files(folder) if file.name == "link_lists.bin")
    links.write_bytes(links.read_bytes()[:5000])  # Chroma takes its process along when it loads this
    index = Index.open(folder, FakeEmbedder())
    finds_by_graph(index)
    assert index.search("Part 1-7", 1, mode="dense", where={"source": "d1.md"})
    assert index.check() == ["1200 passages lack their words or their vector"]
    index.close()
    embedder = FakeEmbedder()
    index = Index.open(folder, embedder)
    index.sync(corpus)
    assert embedder.encoded == 0
    assert not (folder / "graph.changing").exists()
    assert index.check() == []
    finds_by_graph(index)
    assert len(index.stores._dense.ids()) == len(index)
    index.close()


def test_a_graph_whose_files_were_not_touched_is_gone_on_with(large: tuple[Path, Path]) -> None:
    corpus, folder = large
    before = graph_files(folder)
    stores = Stores(folder, Manifest(folder / "manifest.sqlite"))
    with pytest.raises(KeyboardInterrupt), stores._changing():
        raise KeyboardInterrupt
    stores.close()
    assert (folder / "graph.changing").exists()
    index = Index.open(folder, FakeEmbedder())
    index.sync(corpus)
    assert graph_files(folder) == before
    assert not (folder / "graph.changing").exists()
    finds_by_graph(index)
    index.close()


def test_a_graph_that_was_not_touched_and_cannot_be_read_is_made_anew_too(large: tuple[Path, Path]) -> None:
    corpus, folder = large
    next(file for file in graph_files(folder) if file.name == "header.bin").unlink()
    stores = Stores(folder, Manifest(folder / "manifest.sqlite"))
    with pytest.raises(KeyboardInterrupt), stores._changing():
        raise KeyboardInterrupt
    stores.close()
    index = Index.open(folder, FakeEmbedder())
    index.sync(corpus)
    assert index.check() == []
    finds_by_graph(index)
    index.close()


def test_who_is_killed_while_mending_begins_anew(large: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, folder = large
    (folder / "graph.changing").write_text("{}")
    index = Index.open(folder, FakeEmbedder())
    with monkeypatch.context() as killed:
        killed.setattr(Stores, "mended", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            index.sync(corpus)
    index.close()
    assert (folder / "graph.changing").exists()
    index = Index.open(folder, FakeEmbedder())
    finds_by_graph(index)
    index.sync(corpus)
    assert index.check() == []
    finds_by_graph(index)
    index.close()
