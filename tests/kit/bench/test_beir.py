"""Reading BEIR's format: what is accepted, and what is refused by its line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sectorkit.bench.beir import read_beir
from sectorkit.errors import ConfigurationError, SectorkitError, UnknownName

Write = Callable[..., Path]
HEADER = "query-id\tcorpus-id\tscore\n"


def refusal(folder: Path, split: str = "test") -> str:
    with pytest.raises(ConfigurationError) as refused:
        list(read_beir(folder, split).documents())
    return str(refused.value)


def test_a_benchmark_is_its_split_and_says_how_many_queries_are_outside(write: Write) -> None:
    data = read_beir(write(qrels=HEADER + "q1\tbulky\t1\nq1\twaste\t0\n"))
    assert (dict(data.queries), data.all_queries, data.notes) == ({"q1": "bulky waste"}, 3, ())
    assert data.qrels == {"q1": {"bulky": 1, "waste": 0}}
    assert [d.id for d in data.documents()] == ["bins", "bulky", "waste", "noise", "parking"]
    assert set(data.sha256) == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv"}


def test_a_split_that_there_is_not_is_answered_with_those_that_there_are(write: Write) -> None:
    folder = write(split="dev")
    with pytest.raises(UnknownName, match="known: dev"):
        read_beir(folder)


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(write: Write, missing: str) -> None:
    folder = write()
    (folder / missing).unlink()
    with pytest.raises(SectorkitError, match=missing.split("/")[0]):
        read_beir(folder)


def test_a_folder_that_is_none_is_told_what_one_holds(tmp_path: Path) -> None:
    assert "corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "not JSON"),
        ('["_id"]', "not an object"),
        ('{"text": "x"}', '"_id" should be text'),
        ('{"_id": "", "text": "x"}', '"_id" should be text'),
        ('{"_id": true, "text": "x"}', '"_id" should be text'),
        ('{"_id": "\\ud800", "text": "x"}', "half of a character"),
        ('{"_id": "b"}', '"text"'),
        ('{"_id": "b", "text": null}', '"text"'),
        ('{"_id": "a", "text": "x"}', "'a' stands on line 1 already"),
        (b'{"_id": "b", "text": "caf\xe9"}', "not UTF-8"),
        ("[" * 100_000, "not JSON"),
    ],
)
@pytest.mark.parametrize("file", ["corpus", "queries"])
def test_a_malformed_line_is_named_by_its_number(write: Write, file: str, line: str | bytes, words: str) -> None:
    line = line if isinstance(line, bytes) else line.encode()
    said = refusal(write(**{file: b'{"_id": "a", "text": "x"}\n\n' + line + b"\n"}, qrels=HEADER + "q1\ta\t1\n"))
    assert f"{file}.jsonl, line 3: " in said
    assert words in said


@pytest.mark.parametrize("file", ["corpus", "queries"])
def test_an_empty_file_is_refused(write: Write, file: str) -> None:
    assert f"{file}.jsonl is empty" in refusal(write(**{file: "\n"}))


@pytest.mark.parametrize(
    ("qrels", "words"),
    [
        ("", "holds no judgements"),
        (HEADER, "holds no judgements"),
        (HEADER + "q1\tbulky\n", "line 2: 2 columns, and 3 should stand there"),
        (HEADER + "q1\tbulky\thigh\n", "line 2: the score 'high' is not a whole number"),
        (HEADER + "q1\tbulky\t0.5\n", "line 2: the score '0.5' is not a whole number"),
        (HEADER + "q1\tbulky\tnan\n", "line 2: the score 'nan' is not a whole number"),
        (HEADER + "q1\tbulky\t1\nq1\tbulky\t2\n", "line 3: 'q1' and 'bulky' are judged 2 here and 1 above"),
        ("a\tb\tc\nq1\tbulky\t1\n", "line 1: the header should be query-id <tab> corpus-id <tab> score"),
        ("q1 0 bulky 1\nq1 bulky 1\n", "line 2: 3 columns, and 4 should stand there"),
        (HEADER + "zz\tbulky\t1\n", "none of the 1 queries"),
    ],
)
def test_judgements_that_cannot_be_read_are_refused_with_the_next_step(write: Write, qrels: str, words: str) -> None:
    assert words in refusal(write(qrels=qrels))


@pytest.mark.parametrize(
    ("qrels", "note"),
    [
        ("q1\tbulky\t1\nq2\tnoise\t2\n", "test.tsv has no header: its columns were read as query-id, corpus-id, score"),
        ("q1 0 bulky 1\nq2 Q0 noise 2\n", "query 0 document score, as in TREC"),
    ],
)
def test_no_line_of_judgements_without_a_header_is_lost(write: Write, qrels: str, note: str) -> None:
    data = read_beir(write(qrels=qrels))
    assert data.qrels == {"q1": {"bulky": 1}, "q2": {"noise": 2}}
    assert note in data.notes[0]


def test_columns_go_by_their_header(write: Write) -> None:
    data = read_beir(write(qrels="score\tcorpus_id\tquery_id\n2.0\tbulky\tq1\n"))
    assert data.qrels == {"q1": {"bulky": 2}}


def test_queries_without_a_text_or_a_relevant_document_are_counted(write: Write) -> None:
    data = read_beir(write(qrels=HEADER + "q1\tbulky\t1\nq2\tnoise\t0\nq2\twaste\t-1\nzz\tbulky\t1\n"))
    assert set(data.queries) == {"q1", "q2"}
    assert [note.split(":")[0] for note in data.notes] == [
        "1 queries of the split have no text in queries.jsonl",
        "1 queries have no relevant document",
    ]


def test_a_mark_other_line_ends_numbers_as_ids_and_gzip_are_read(write: Write) -> None:
    folder = write(
        corpus=b'\xef\xbb\xbf{"_id": 1, "text": "a"}\r\n{"_id": "\xc3\xa9/..", "text": "b"}\r\n',
        queries=b'{"_id": 7, "text": "a"}\r\n', qrels=b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\r\n7\t1\t1\r\n",
    )  # fmt: skip
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress((folder / "corpus.jsonl").read_bytes()))
    (folder / "corpus.jsonl").unlink()
    data = read_beir(folder)
    assert [document.id for document in data.documents()] == ["1", "é/.."]
    assert data.qrels == {"7": {"1": 1}}
    (folder / "corpus.jsonl.gz").write_bytes(b"\x1f\x8b broken")
    assert "cannot be read" in refusal(folder)


def test_a_documents_metadata_is_what_can_be_filtered_by(write: Write) -> None:
    said: dict[str, Any] = {"kind": "rule", "year": 2021, "tags": ["a"], "none": None}
    data = read_beir(
        write(corpus=[{"_id": "a", "text": "x", "metadata": said}, {"_id": "b", "text": "", "title": "T"}])
    )
    first, second = data.documents()
    assert (dict(first.metadata), first.title, second.title) == ({"kind": "rule", "year": 2021}, "", "T")
