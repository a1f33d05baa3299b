"""A benchmark's corpus as files: every id has a file, and every file is found again by its id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sectorkit.bench.beir import read_beir
from sectorkit.bench.documents import write_documents
from sectorkit.retrieval.corpus import scan
from sectorkit.retrieval.parse import parse

Write = Callable[..., Path]


def test_ids_of_any_kind_become_files_inside_the_folder(write: Write, tmp_path: Path) -> None:
    ids = ["../up", "a/b", ".hidden", "Doc", "doc", "é 中", "x" * 500, "x" * 501, "..", "metadata.toml", "%2E.", "a\\b"]
    data = read_beir(write(corpus=[{"_id": i, "text": f"text {n}"} for n, i in enumerate(ids)]))
    written = write_documents(data, tmp_path / "files")
    files, skipped = scan(tmp_path / "files")
    assert skipped == []
    assert sorted(written.ids.values()) == sorted(ids)
    assert {file.source for file in files} == set(written.ids)
    assert len({source.casefold() for source in written.ids}) == len(ids), "where capitals do not count"
    for file in files:
        assert file.path.read_text(encoding="utf-8-sig") == f"text {ids.index(written.ids[file.source])}"


def test_texts_titles_and_metadata_survive_whatever_they_hold(write: Write, tmp_path: Path) -> None:
    corpus: list[dict[str, Any]] = [
        {"_id": "a", "title": 'The "title"\n of\t\x00\x7f it', "text": "# not a heading\n\n* x",
         "metadata": {"a.b": 'q"', "": 1, "valid_to": "unknown", "valid_from": "2024-05-31", "share": 0.5}},
        {"_id": "b", "text": "%PDF-1.4 is how it begins"},
        {"_id": "c", "title": "Only a title", "text": " "},
        {"_id": "d", "title": "", "text": "\n"},
        {"_id": "e", "text": "half \ud800 of a character"},
        {"_id": "f", "text": "Long " * 100},
    ]  # fmt: skip
    import json

    written = write_documents(read_beir(write(corpus="\n".join(map(json.dumps, corpus)))), tmp_path / "files")
    assert written.empty == ("d",)
    files = {written.ids[file.source]: file for file in scan(written.folder)[0]}
    texts = {i: parse(file.path).text for i, file in files.items()}
    assert texts["a"] == "# not a heading\n\n* x", "a text is no Markdown"
    assert texts["b"] == "%PDF-1.4 is how it begins"
    assert texts["c"] == "Only a title"
    assert texts["e"] == "half � of a character"
    titles = {i: str(file.metadata["title"]) for i, file in files.items()}
    assert titles["a"] == 'The "title" of it'
    assert titles["b"] == texts["b"], "a title that stands in its passage is not put before it again"
    assert texts["f"].startswith(titles["f"])
    assert len(titles["f"]) <= 80
    extra = {key: value for key, value in files["a"].metadata.items() if key != "title"}
    assert extra == {"a.b": 'q"', "": 1, "valid_from": "2024-05-31", "share": 0.5}, "a day that is none is left out"


def test_files_are_written_once_and_follow_the_corpus(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    write_documents(read_beir(write()), folder)
    (folder / "bins.txt").write_text("left alone")
    write_documents(read_beir(write()), folder)
    assert (folder / "bins.txt").read_text() == "left alone"
    written = write_documents(read_beir(write(corpus=[{"_id": "new", "text": "x"}])), folder)
    assert [file.source for file in scan(folder)[0]] == list(written.ids) == ["new.txt"]


def test_a_run_that_was_killed_while_writing_is_made_good(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    write_documents(read_beir(write()), folder)
    (folder / ".written").unlink()
    (folder / "bins.txt").unlink()
    write_documents(read_beir(write()), folder)
    assert (folder / "bins.txt").exists()
