"""Whether a document is in force follows from its days and its status."""

from __future__ import annotations

from datetime import date

import pytest

from sectorkit.times import is_in_force

DAYS = {"valid_from": date(2025, 1, 1), "valid_to": date(2027, 1, 1)}


@pytest.mark.parametrize("status", ["draft", "withdrawn", "Draft", "WITHDRAWN"])
@pytest.mark.parametrize("days", [{}, DAYS, {"valid_to": DAYS["valid_to"]}])
def test_a_draft_and_what_was_withdrawn_are_never_in_force(status: str, days: dict[str, date]) -> None:
    assert not is_in_force({**days, "status": status}, date(2026, 1, 1))


def test_what_was_superseded_was_in_force_in_its_time() -> None:
    assert is_in_force({**DAYS, "status": "superseded"}, date(2026, 1, 1))
    assert not is_in_force({**DAYS, "status": "superseded"}, date(2027, 1, 2))
    assert not is_in_force({"status": "superseded"}, date(2026, 1, 1))
