"""The word index by itself: what a kill can leave in its folder, and what common words may cost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sectorkit.retrieval.lexical import LexicalIndex
from sectorkit.retrieval.passage import Passage


def passage(n: int, more: str = "") -> Passage:
    metadata = {"source": f"d{n}.md", "title": f"Document {n}", "start": 0, "end": 9}
    return Passage(id=f"p{n}", page_content=f"subject{n} of the city{more}", metadata=metadata)


def test_a_kill_between_the_files_and_the_commit_does_not_block_the_next_writer(tmp_path: Path) -> None:
    """A removal writes its file before the commit that names it; the next try wants a file of the same name."""
    first = LexicalIndex(tmp_path / "words")
    first.update(add=[passage(n) for n in range(5)])
    shutil.copytree(tmp_path / "words", tmp_path / "killed")
    first.update(remove=["p2"])
    left = [*(tmp_path / "words").glob("*.del"), tmp_path / "words" / ".managed.json"]
    assert len(left) > 1, "a removal has a file of its own"
    for file in left:
        shutil.copy(file, tmp_path / "killed")
    killed = LexicalIndex(tmp_path / "killed")
    assert len(killed) == 5
    killed.update(remove=["p2"])
    assert killed.ids() == {"p0", "p1", "p3", "p4"}


def test_common_words_are_left_out_where_they_would_cost_too_much_and_rare_ones_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = LexicalIndex(tmp_path)
    index.update(add=[passage(n, " zebra" if n == 7 else "") for n in range(40)])
    assert len(index.search("the zebra city", 40)) == 40
    monkeypatch.setattr("sectorkit.retrieval.lexical._POSTINGS", 10)
    monkeypatch.setattr("sectorkit.retrieval.lexical._POSTINGS_A_PASSAGE", 0.5)
    assert [i for i, _ in index.search("the zebra city", 40)] == ["p7"]
    assert len(index.search("the city", 40)) == 40
    assert index.search("giraffe", 40) == []
    monkeypatch.setattr("sectorkit.retrieval.lexical._POSTINGS_A_PASSAGE", 1.5)
    assert len(index.search("the zebra city", 40)) == 40, "the more passages, the more"


def test_a_story_does_not_drown_what_it_asks(tmp_path: Path) -> None:
    """Words that many documents share, each by chance, outweigh two rare ones where all of them count."""
    common = [
        f"{a}{b}{c}" for a in ("ka", "lo", "mi", "nu") for b in ("ro", "se", "ti", "vu") for c in ("pa", "qe", "wi")
    ]
    index = LexicalIndex(tmp_path)
    chatter = [passage(n, f" {' '.join(common[n % 2 :: 2])}") for n in range(40)]
    index.update(add=[*chatter, passage(50, " zebra hoof")])
    story = " ".join(common)
    assert index.search(f"{story} zebra hoof", 1)[0][0] == "p50"
    assert index.search(story, 1)[0][0] != "p50"
