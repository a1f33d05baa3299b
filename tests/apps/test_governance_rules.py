"""Governance document search: its rules, its corpus and its golden questions, without a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from governance_search import APP
from sectorkit.answer import Answer, Citation, Request
from sectorkit.fakes import FakeEmbedder
from sectorkit.golden import locate, read_golden
from sectorkit.injection import injected_spans
from sectorkit.retrieval.index import Index, SyncReport
from sectorkit.times import asked_about, is_in_force, mark_superseded


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Index, SyncReport]]:
    index = Index.open(tmp_path_factory.mktemp("index"), FakeEmbedder())
    yield index, index.sync(APP.corpus)
    index.close()


TODAY = (date.today(), date.today())


@pytest.mark.parametrize(
    ("question", "span"),
    [
        ("What is the noise limit?", TODAY),
        ("What were the thresholds in 2020?", (date(2020, 1, 1), date(2020, 12, 31))),
        ("2020年的采购门槛是多少？", (date(2020, 1, 1), date(2020, 12, 31))),
        ("Quels seuils entre 2019 et 2021 ?", (date(2019, 1, 1), date(2021, 12, 31))),
        ("Which rule applied on 2023-06-30?", (date(2023, 6, 30), date(2023, 6, 30))),
        ("Which rule applied on 2023-13-45?", (date(2023, 1, 1), date(2023, 12, 31))),
        ("A contract of 12020 VLM?", TODAY),
        ("Which rule applied between 2019-01-01 and 2021-12-31?", (date(2019, 1, 1), date(2021, 12, 31))),
        ("May I spend 2000 VLM, or VLM 2010, without three quotes?", TODAY),
        ("My house was built in 1975. May I add a floor?", TODAY),
        ("What does Ordinance No. 2022-21 say about glass?", TODAY),
        ("Que dit le règlement n° 2024 sur les chiens ?", TODAY),
        ("What has changed since 2019?", (date(2019, 1, 1), max(TODAY[1], date(2019, 12, 31)))),
        ("Which rules from before 2022 still apply?", (date(1900, 1, 1), date(2022, 12, 31))),
        ("2022年以后的规定", (date(2022, 1, 1), TODAY[1])),
        ("What does the Waste ordinance 2022 say?", (date(2022, 1, 1), TODAY[1])),
        ("What does the 2019 procurement rule say?", (date(2019, 1, 1), TODAY[1])),
        ("How did the council vote in spring 2024?", (date(2024, 1, 1), date(2024, 12, 31))),
    ],
)
def test_rules_are_asked_for_as_of_the_day_that_the_question_names(
    question: str, span: tuple[date, date], synced: tuple[Index, SyncReport]
) -> None:
    assert asked_about(Request(question), synced[0]).as_of == span


def test_a_day_that_the_caller_gave_stays(synced: tuple[Index, SyncReport]) -> None:
    span = (date(2022, 1, 1), date(2022, 1, 1))
    assert asked_about(Request("in 2020?", as_of=span), synced[0]).as_of == span


def test_an_answer_from_a_superseded_rule_says_so(synced: tuple[Index, SyncReport]) -> None:
    cited = Citation(1, "p", "procurement-rule-2019.pdf", "Procurement rule 2019", "", "q", 0, 1, "superseded")
    marked = mark_superseded(Request("q"), Answer("q", "supported", "t [1]", citations=(cited,)), synced[0])
    assert "No longer in force: Procurement rule 2019" in marked.notes[0]


def test_the_corpus_is_what_it_should_be(synced: tuple[Index, SyncReport]) -> None:
    index, report = synced
    assert not report.failed
    assert not report.skipped
    documents = index.documents()
    assert len(documents) >= 15
    assert {Path(d.source).suffix for d in documents} == {".md", ".html", ".pdf", ".docx"}
    assert {d.metadata["language"] for d in documents} == {"en", "fr", "zh"}
    assert (
        sum(len(index.document(d.source).text.split()) for d in documents) > 28_000
    )  # Chinese counts as one word a line
    kinds = Counter(d.metadata["kind"] for d in documents)
    assert {"ordinance", "procurement-rule", "minutes", "guidance", "audit", "decision"} <= set(kinds)


def test_the_two_revisions_are_told_apart_by_their_dates(synced: tuple[Index, SyncReport]) -> None:
    index, _ = synced
    old, new = (index.passages_of(f"procurement-rule-{year}.pdf")[0] for year in (2019, 2023))
    in_2020, today = (date(2020, 1, 1), date(2020, 12, 31)), TODAY
    assert [is_in_force(p.metadata, *in_2020) for p in (old, new)] == [True, False]
    assert [is_in_force(p.metadata, *today) for p in (old, new)] == [False, True]


def test_exactly_one_document_addresses_the_model(synced: tuple[Index, SyncReport]) -> None:
    index, _ = synced
    aimed = [d.source for d in index.documents() if injected_spans(index.document(d.source).text)]
    assert aimed == ["submission-taxi-consultation.html"]


def test_every_golden_quote_stands_in_its_document(synced: tuple[Index, SyncReport]) -> None:
    index, _ = synced
    cases = read_golden(APP.golden)
    lost = [(case.id, quote) for case in cases for quote in case.evidence if locate(quote, index) is None]
    assert lost == []


def test_the_golden_set_is_large_enough_to_mean_something() -> None:
    cases = read_golden(APP.golden)
    assert len(cases) >= 40
    assert sum(not case.answerable for case in cases) >= 10
    assert {case.language for case in cases} == {"en", "fr", "zh"}
