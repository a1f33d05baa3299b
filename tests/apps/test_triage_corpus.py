"""Healthcare triage's guidance, and the questions to it with the words that answer them."""

from __future__ import annotations

from collections import Counter

from healthcare_triage import APP
from healthcare_triage.assessment import _topics
from sectorkit.golden import locate, read_golden
from sectorkit.retrieval.index import Index


def test_every_golden_quote_stands_in_its_document(index: Index) -> None:
    golden = read_golden(APP.golden)
    assert len(golden) >= 80
    assert sum(not case.answerable for case in golden) >= 20
    assert set(Counter(case.language for case in golden)) == {"en", "es", "fr", "zh", "ar"}
    assert [(case.id, quote) for case in golden for quote in case.evidence if locate(quote, index) is None] == []


def test_every_topic_says_what_is_an_emergency_what_to_ask_and_when_to_call_again(index: Index) -> None:
    for path in sorted(APP.corpus.glob("*.md")):
        sentences, questions, net = _topics(index).of(path.name)
        assert "emergency" in {level for level, _ in sentences}, path.name
        assert questions, path.name
        assert 2 <= len(net) <= 3, path.name
        calls = ("Call an ambulance if", "Be seen today if", "Call again if")
        assert all(quote.quote.removeprefix("- ").startswith(calls) for quote in net), path.name
