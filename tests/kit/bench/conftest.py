"""A tiny benchmark in BEIR's format, whose rankings by words are plain to see."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

CORPUS = {
    "bins": "The brown bin is emptied every two weeks.",
    "bulky": "Bulky waste is collected by appointment; bulky waste costs 35 VLM.",
    "waste": "Waste goes into the bin of its kind, and some of it goes to the depot on the hill instead.",
    "noise": "Music must not exceed 45 decibels at night.",
    "parking": "A resident's card is valid for one year.",
}
QUERIES = {"q1": "bulky waste", "q2": "music at night", "q3": "xylograph"}
QRELS = {"q1": {"waste": 1}, "q2": {"noise": 2, "parking": 0}, "q3": {"parking": 1}}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a benchmark; what is given takes the place of the tiny one, as text, bytes or objects."""

    def write(
        *, corpus: Any = None, queries: Any = None, qrels: Any = None, split: str = "test", name: str = "tiny"
    ) -> Path:
        folder = tmp_path / name
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        if corpus is None:
            corpus = [{"_id": i, "title": "", "text": text, "metadata": {"kind": i[0]}} for i, text in CORPUS.items()]
        if queries is None:
            queries = [{"_id": i, "text": text} for i, text in QUERIES.items()]
        put(folder / "corpus.jsonl", corpus)
        put(folder / "queries.jsonl", queries)
        put(folder / "qrels" / f"{split}.tsv", table(QRELS) if qrels is None else qrels)
        return folder

    return write


def put(path: Path, content: Any) -> None:
    if isinstance(content, list):
        content = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def table(qrels: Mapping[str, Mapping[str, int]]) -> str:
    rows = [f"{query}\t{document}\t{score}" for query, judged in qrels.items() for document, score in judged.items()]
    return "\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n"
