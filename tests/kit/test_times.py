"""Whether a document is in force follows from its days and its status."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sectorkit.times import is_in_force, standing

DAYS = {"valid_from": date(2025, 1, 1), "valid_to": date(2027, 1, 1)}


@pytest.mark.parametrize("status", ["draft", "withdrawn", "Draft", "WITHDRAWN"])
@pytest.mark.parametrize("days", [{}, DAYS, {"valid_to": DAYS["valid_to"]}])
def test_a_draft_and_what_was_withdrawn_are_never_in_force(status: str, days: dict[str, date]) -> None:
    assert not is_in_force({**days, "status": status}, date(2026, 1, 1))


def test_what_was_superseded_was_in_force_in_its_time() -> None:
    assert is_in_force({**DAYS, "status": "superseded"}, date(2026, 1, 1))
    assert not is_in_force({**DAYS, "status": "superseded"}, date(2027, 1, 2))


@pytest.mark.parametrize("status", ["superseded", "Repealed", "obsolete", "replaced"])
def test_what_was_superseded_on_an_unknown_day_is_not_in_force_today_and_was_once(status: str) -> None:
    today = date.today()
    assert not is_in_force({"status": status}, today)
    assert not is_in_force({"status": status}, today - timedelta(days=400))  # a given day: nobody knows
    assert is_in_force({"status": status}, today - timedelta(days=400), today - timedelta(days=400))
    assert is_in_force({"status": status}, date(2019, 1, 1), today)
    assert not is_in_force({"status": status, "valid_from": today}, date(2019, 1, 1), date(2019, 12, 31))


def test_any_day_of_a_span_will_do() -> None:
    assert is_in_force(DAYS, date(2019, 1, 1), date(2025, 1, 1))
    assert is_in_force(DAYS, date(2027, 1, 1), date(2030, 1, 1))
    assert not is_in_force(DAYS, date(2019, 1, 1), date(2024, 12, 31))
    assert not is_in_force({**DAYS, "status": "draft"}, date(2019, 1, 1), date(2030, 1, 1))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, ""),
        ({"status": "in_force"}, ""),
        ({"status": "In force"}, ""),
        ({"status": "final", "valid_to": "2020-01-01"}, ""),
        ({"status": "Superseded", "valid_to": "2023-06-30"}, "superseded since 2023-06-30"),
        ({"status": "repealed"}, "repealed since an unknown day"),
        ({"status": "DRAFT"}, "draft"),
        ({"status": "under_review"}, "under review"),
    ],
)
def test_a_reader_is_told_how_a_document_stands(metadata: dict[str, str], words: str) -> None:
    assert standing(metadata) == words
