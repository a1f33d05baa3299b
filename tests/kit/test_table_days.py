"""Times that a question names become bounds for a column of dates; what only looks like a time does not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.query import Operator
from sectorkit.table_days import all_meet, periods

YEAR = 2025
DAYS = [date(2025, 3, 4), date(2025, 6, 16), date(2025, 12, 31)]


def bounds(text: str) -> list[str]:
    """All bounds that a text names, as ">= 2025-06-01"."""
    return [f"{op} {day}" for period in periods(text, YEAR) for op, day in period.bounds]


def meets(text: str, day: date) -> bool:
    """Whether a row of that day meets all bounds that a text names."""
    return all(all_meet(bound, [day]) for period in periods(text, YEAR) for bound in period.bounds)


def within(first: str, last: str) -> list[str]:
    return [f">= {first}", f"<= {last}"]


@pytest.mark.parametrize(
    "text",
    [
        "2025-06-16", "on 16 june 2025", "on june 16, 2025", "june 16 2025", "june 16th, 2025", "on the 16th of june 2025", "on 16 june",
        "2025年6月16日", "6月16日",
    ],
)  # fmt: skip
def test_a_day_is_itself_however_it_is_written(text: str) -> None:
    assert bounds(text) == within("2025-06-16", "2025-06-16")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("in june 2025", "2025-06-01", "2025-06-30"), ("in june", "2025-06-01", "2025-06-30"), ("in february 2024", "2024-02-01", "2024-02-29"),
        ("in sept. 2025", "2025-09-01", "2025-09-30"), ("dec 2025", "2025-12-01", "2025-12-31"), ("may 2025", "2025-05-01", "2025-05-31"),
        ("2025年2月", "2025-02-01", "2025-02-28"), ("6月", "2025-06-01", "2025-06-30"),
        ("in 2024", "2024-01-01", "2024-12-31"), ("during the 1998 season", "1998-01-01", "1998-12-31"), ("2024年", "2024-01-01", "2024-12-31"),
    ],
)  # fmt: skip
def test_a_month_and_a_year_are_all_their_days(text: str, first: str, last: str) -> None:
    assert bounds(text) == within(first, last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("in the first half of 2025", "2025-01-01", "2025-06-30"), ("2nd half of 2025", "2025-07-01", "2025-12-31"), ("h1 2024", "2024-01-01", "2024-06-30"),
        ("in the third quarter of 2025", "2025-07-01", "2025-09-30"), ("1st quarter 2025", "2025-01-01", "2025-03-31"),
        ("in q2 2024", "2024-04-01", "2024-06-30"), ("q4/2025", "2025-10-01", "2025-12-31"), ("in q3", "2025-07-01", "2025-09-30"),
        ("2025年上半年", "2025-01-01", "2025-06-30"), ("2025年下半年", "2025-07-01", "2025-12-31"),
    ],
)  # fmt: skip
def test_halves_and_quarters_are_their_months(text: str, first: str, last: str) -> None:
    assert bounds(text) == within(first, last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("between 3 and 21 march 2025", "2025-03-03", "2025-03-21"), ("from 3 to 21 march", "2025-03-03", "2025-03-21"),
        ("between 1st and 3rd may 2024", "2024-05-01", "2024-05-03"), ("from 16 june 2025 to 3 july 2025", "2025-06-16", "2025-07-03"),
        ("from 16 june 2025 to the end of the year", "2025-06-16", "2025-12-31"),
    ],
)  # fmt: skip
def test_a_span_is_from_its_first_day_to_its_last(text: str, first: str, last: str) -> None:
    assert bounds(text) == within(first, last)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("before 16 june 2025", "< 2025-06-16"), ("before june 2025", "< 2025-06-01"), ("earlier than 2025", "< 2025-01-01"),
        ("2025年6月16日之前", "< 2025-06-16"), ("2025年6月以前", "< 2025-06-01"), ("before revision b came into force on 16 june", "< 2025-06-16"),
        ("until 16 june 2025", "<= 2025-06-16"), ("until the end of june 2025", "<= 2025-06-30"), ("by the end of june 2026", "<= 2026-06-30"),
        ("before the end of june 2025", "<= 2025-06-30"), ("up to june 2025", "<= 2025-06-30"), ("until the end of the year", "<= 2025-12-31"),
        ("2026年3月31日之前（含当日）", "<= 2026-03-31"), ("2026年3月31日（含当日）之前", "<= 2026-03-31"), ("到2025年6月", "<= 2025-06-30"),
        ("until the repair on 16 june 2025", "<= 2025-06-16"),
        ("since june 2025", ">= 2025-06-01"), ("from 16 june 2025", ">= 2025-06-16"), ("starting 2025-06-16", ">= 2025-06-16"),
        ("2025年6月以来", ">= 2025-06-01"), ("自2025年6月16日", ">= 2025-06-16"), ("从2025年6月16日起", ">= 2025-06-16"),
        ("since the change on 16 june 2025", ">= 2025-06-16"),
        ("after 16 june 2025", "> 2025-06-16"), ("after june 2025", "> 2025-06-30"), ("later than 2025", "> 2025-12-31"),
        ("after the end of june 2025", "> 2025-06-30"), ("after revision b came into force on 16 june 2025", "> 2025-06-16"),
    ],
)  # fmt: skip
def test_a_word_before_or_behind_a_time_says_on_which_side_of_it(text: str, bound: str) -> None:
    assert bounds(text) == [bound]


@pytest.mark.parametrize(
    "text",
    [
        "between 16 june 2025 and 3 july 2025", "between 16 june and 3 july", "16 june to 3 july 2025", "between 2025-06-16 and 2025-07-03",
        "2025年6月16日到2025年7月3日", "2025年6月16日至7月3日",
    ],
)  # fmt: skip
def test_a_span_may_cross_months(text: str) -> None:
    met = [d for d in (date(2025, 6, 15), date(2025, 6, 16), date(2025, 6, 30), date(2025, 7, 3), date(2025, 7, 4)) if meets(text, d)]  # fmt: skip
    assert met == [date(2025, 6, 16), date(2025, 6, 30), date(2025, 7, 3)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("in june or july 2025", "2025-06-01", "2025-07-31"), ("in 2024 and 2025", "2024-01-01", "2025-12-31")],
)
def test_two_times_that_follow_on_each_other_are_one(text: str, first: str, last: str) -> None:
    assert bounds(text) == within(first, last)


def test_prior_to_is_before() -> None:
    assert bounds("prior to 16 june 2025") == ["< 2025-06-16"]


def test_after_a_month_is_behind_its_last_day_in_chinese_as_well() -> None:
    assert bounds("2025年6月之后") == bounds("after june 2025")


@pytest.mark.parametrize("text", ["in the second half", "in the second half, and why"])
def test_a_half_at_the_end_of_a_sentence_is_a_half(text: str) -> None:
    assert bounds(text) == within("2025-07-01", "2025-12-31")


@pytest.mark.parametrize(("text", "day"), [("16 jun 2025", "2025-06-16"), ("jul 3, 2025", "2025-07-03")])
def test_every_month_may_be_shortened(text: str, day: str) -> None:
    assert bounds(text) == within(day, day)


@pytest.mark.parametrize(
    "text",
    [
        "31 february 2025", "june 31, 2025", "february 30", "2025-02-30", "2025-13-01", "2025年2月30日", "2025年13月", "the third half of 2025",
        "h3 2025", "between 30 and 31 february 2025",
    ],
)  # fmt: skip
def test_a_day_that_there_is_not_is_none(text: str) -> None:
    assert periods(text, YEAR) == []


@pytest.mark.parametrize(
    "text",
    [
        "what may happen", "may i ask", "the troops march", "decide", "sepal", "marching", "the second line", "in the first shift", "12025 pieces", "2,025 pieces",
        "2025.5 mm", "0.2025 mm", "lot 2025-118", "p40-25-2025", "20251", "1899", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert periods(text, YEAR) == []


@pytest.mark.parametrize("text", ["more than 2000 eur", "2000 pieces", "serial sp2025"])
def test_a_number_with_a_unit_and_a_code_are_no_years(text: str) -> None:
    assert periods(text, YEAR) == []


def test_a_code_that_begins_with_digits_is_no_year() -> None:
    assert periods("lot 2025x", YEAR) == []


@pytest.mark.parametrize("text", ["over 2000 pieces in june", "part 1998-3 in june"])
def test_a_number_is_not_the_year_of_a_month(text: str) -> None:
    assert bounds(text)[-2:] == within("2025-06-01", "2025-06-30")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("scrap before 16 june 2025 on line 1", "before 16 june 2025"), ("scrap until the end of june 2025.", "until the end of june 2025"),
        ("scrap in june 2025 on line 1", "in june 2025"), ("2026年3月31日之前（含当日）到期", "2026年3月31日之前（含当日）"), ("from 3 to 21 march, please", "from 3 to 21 march"),
    ],
)  # fmt: skip
def test_a_period_covers_the_words_that_say_it(text: str, seen: str) -> None:
    (period,) = periods(text, YEAR)
    assert text[period.start : period.end] == seen


def test_a_month_without_a_year_is_of_the_year_that_the_text_names() -> None:
    assert bounds("in june, and in july 2024")[:2] == within("2024-06-01", "2024-06-30")


@given(st.text(alphabet="0123456789-/., abcdefjunmarybeforesincthq年月日上下半至到之前含（）", max_size=60))
def test_any_text_has_periods_that_lie_within_it(text: str) -> None:
    found = periods(text, YEAR)
    assert all(0 <= period.start < period.end <= len(text) for period in found)


@pytest.mark.parametrize(
    ("op", "day", "all_"),
    [
        ("<", date(2026, 1, 1), True), ("<", date(2025, 12, 31), False), ("<=", date(2025, 12, 31), True), ("<=", date(2025, 12, 30), False),
        (">", date(2025, 3, 3), True), (">", date(2025, 3, 4), False), (">=", date(2025, 3, 4), True), (">=", date(2025, 3, 5), False),
    ],
)  # fmt: skip
def test_a_bound_that_all_days_meet_is_known_as_one(op: Operator, day: date, all_: bool) -> None:
    assert all_meet((op, day), DAYS) is all_


def test_no_days_meet_any_bound() -> None:
    assert all_meet(("<", date(2025, 1, 1)), [])
