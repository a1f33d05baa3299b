"""Warnings of a section are shown wherever a step of it is cited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sectorkit.answer import Answer, Citation, Request
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.index import Index
from sectorkit.safety import with_warnings

TEXT = """# Oil change

## 1. Draining

1. Stop the machine.

DANGER: The vessel is under pressure. Lock it out.

2. Open the drain plug. A warning: hot oil runs out, as the text says.

## 2. Filling

注意：不要过量加油。

1. Fill in 40 L of oil.

## 3. Repair

WARNING: Only electricians work here.

### 3.1 Fuse

Warning – fuses stay hot.

1. Pull the fuse.

### 3.2 Relay

CAUTION

Never by force.

1. Pull the relay.

DANGER: Before opening:

- switch off
- lock out

2. Open the box.

## 4. Papers

1. Write the hours into the log. WARNING signs are ordered by the office.
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("safety")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "oil.md").write_text(TEXT, encoding="utf-8")
    index = Index.open(folder / "index", FakeEmbedder())
    index.sync(folder / "corpus")
    yield index
    index.close()


def answered(index: Index, *quotes: str) -> Answer:
    text = index.document("oil.md").text
    cited = [
        Citation(n, "p", "oil.md", "Oil change", "", q, text.index(q), text.index(q) + len(q))
        for n, q in enumerate(quotes, 1)
    ]
    return with_warnings(Request("how?"), Answer("how?", "supported", "so [1]", citations=tuple(cited)), index)


@pytest.mark.parametrize(
    ("quote", "warnings"),
    [
        ("Stop the machine.", ["DANGER: The vessel is under pressure. Lock it out."]),
        ("Open the drain plug.", ["DANGER: The vessel is under pressure. Lock it out."]),
        ("Fill in 40 L of oil.", ["注意：不要过量加油。"]),
        ("Pull the fuse.", ["WARNING: Only electricians work here.", "Warning – fuses stay hot."]),
        (
            "Pull the relay.",
            [
                "WARNING: Only electricians work here.",
                "CAUTION\n\nNever by force.",
                "DANGER: Before opening:\n\nswitch off\nlock out",
            ],
        ),
        ("Write the hours into the log.", []),
    ],
)
def test_a_step_brings_the_warnings_of_its_section_and_of_no_other(
    quote: str, warnings: list[str], index: Index
) -> None:
    assert [warning.quote for warning in answered(index, quote).warnings] == warnings


def test_a_warning_is_a_quote_with_its_place(index: Index) -> None:
    (warning,) = answered(index, "Open the drain plug.").warnings
    assert index.document("oil.md").text[warning.start : warning.end].strip() == warning.quote
    assert "Draining" in warning.locator
    assert warning.n == 0


def test_two_steps_of_one_section_bring_a_warning_once(index: Index) -> None:
    found = answered(index, "Stop the machine.", "Open the drain plug.", "Fill in 40 L of oil.").warnings
    assert [warning.quote[:6] for warning in found] == ["DANGER", "注意：不要过"]


def test_an_answer_without_citations_has_none(index: Index) -> None:
    assert answered(index).warnings == ()
