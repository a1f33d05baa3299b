"""What is quoted where no model's words hold: the nearest sentence first, and one that gives an answer."""

from __future__ import annotations

from langchain_core.documents import Document

from sectorkit.answer import Evidence
from sectorkit.fakes import FakeEmbedder
from sectorkit.nearest import nearest_spans
from sectorkit.retrieval.passage import Hit

CLINICS = "Clinics with a birth ward\nStella Maris, Harbour Road 4, has three rooms.\nSaint Anne, Mill Lane 9, has five.\nAn ambulance comes at any hour."


def near(asked: str, text: str) -> list[str]:
    embedder = FakeEmbedder(dimension=512)
    said = {"source": "doc.md", "title": "Document", "locator": "", "start": 0, "end": len(text)}
    evidence = Evidence(1, Hit(Document(id="p", page_content=text, metadata=said), 1.0), text)
    found = nearest_spans(embedder.embed_query(asked), [evidence], vectors=embedder.embed_documents, asked=asked)
    return [one.span.text for one in found]


def test_what_only_says_the_question_again_comes_with_what_follows_it() -> None:
    first, *others = near("Which clinics with a birth ward are there?", CLINICS)
    assert first == "\n".join(CLINICS.split("\n")[:3])
    assert others == ["An ambulance comes at any hour."], "and nothing is quoted twice"
    asked = "Where is a birth ward?\nAt Stella Maris, Harbour Road 4."
    assert near("Is there a birth ward?", asked)[0] == asked
    assert near("How many rooms has Stella Maris?", CLINICS)[0] == "Stella Maris, Harbour Road 4, has three rooms."


def test_a_short_answer_that_is_a_number_stands_by_itself() -> None:
    assert near("What is the limit in mixed zones?", "The limit in mixed zones is 50. Bars may apply for more.")[0] == (
        "The limit in mixed zones is 50."
    )


def test_a_row_that_says_the_question_again_takes_no_other_row_along() -> None:
    rows = "Pump: P-12 | Zone: North\nPump: P-13 | Zone: South"
    assert near("Pump P-12 in zone North?", rows)[0] == rows.split("\n")[0]


def test_characters_that_are_words_count_as_what_is_new() -> None:
    text = "住宅区夜间噪声限值是多少？\n住宅区夜间噪声不得超过45分贝。\n酒吧每年可以申请六次例外。"
    assert near("住宅区夜间噪声限值是多少？", text)[0].startswith(
        "住宅区夜间噪声限值是多少？\n住宅区夜间噪声不得超过45分贝。"
    )
