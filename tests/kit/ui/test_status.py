"""The status strip."""

from __future__ import annotations

import pytest

from sectorkit.runtime import Stage
from sectorkit.ui import status


def stages(documents: str, model: str, **changes: object) -> tuple[Stage, Stage]:
    return Stage("documents", documents, "214 passages"), Stage("model", model, "tiny <b>", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("documents", "model", "searchable", "words"),
    [
        ("waiting", "waiting", False, "your question runs as soon as the documents are open"),
        ("working", "ready", False, "your question runs as soon as the documents are open"),
        ("failed", "ready", False, "could not be opened"),
        ("working", "working", True, "You can search already"),
        ("ready", "working", True, "You can search already"),
        ("ready", "failed", True, "The model is not available: search only."),
        ("working", "ready", True, "being brought up to date"),
        ("ready", "ready", True, "Ready."),
        ("ready", "off", True, "Search only"),
    ],
)
def test_the_headline_says_what_one_can_do(documents: str, model: str, searchable: bool, words: str) -> None:
    assert words in status.headline(stages(documents, model), searchable=searchable)


def test_a_ready_strip_is_one_quiet_line() -> None:
    html = status.strip(stages("ready", "ready"), searchable=True)
    assert "progress" not in html
    assert "214 passages · tiny &lt;b&gt;" in html


def test_a_reranker_that_there_is_none_of_is_named_while_things_load_and_not_for_ever() -> None:
    none = Stage("reranker", "off", "none; SECTORKIT_RERANK_MODEL names one")
    loading = status.strip((*stages("ready", "working"), none), searchable=True)
    assert "SECTORKIT_RERANK_MODEL" in loading
    quiet = status.strip((*stages("ready", "ready"), none), searchable=True)
    assert "sk-ready" in quiet
    assert "SECTORKIT_RERANK_MODEL" not in quiet


def test_a_reranker_that_was_refused_stays_on_the_page_with_its_reason() -> None:
    refused = Stage("reranker", "failed", "the reranker x is refused")
    html = status.strip((*stages("ready", "ready"), refused), searchable=True)
    assert "Reranker" in html
    assert "the reranker x is refused" in html


def test_progress_is_shown_with_its_share_and_without_one() -> None:
    known = status.strip(stages("ready", "working", fraction=0.42), searchable=True)
    assert 'value="0.420"' in known
    assert "42%" in known
    unknown = status.strip(stages("ready", "working"), searchable=True)
    assert "<progress" in unknown
    assert "value=" not in unknown
