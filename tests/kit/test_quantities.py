"""Numbers and their units, as several languages write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.quantities import holds, numbers, quantities


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("55 dB(A) from 22:00", {"55", "22:00"}),
        ("1,200.50 VLM", {"1200.5"}),
        ("1 200,50 VLM", {"1200.5"}),
        ("12 500 and 12,500", {"12500"}),
        ("3.5 %", {"3.5"}),
        ("in 2021, 2022.", {"2021", "2022"}),
        ("from 06:00 and from 6:00", {"6:00"}),
        ("٤٥ يوما", {"45"}),
        ("5½ days", {"5.5"}),
        ("every three weeks, one of two", {"3", "2"}),
        ("trente jours, zwölf Monate", {"30", "12"}),
        ("自搬入之日起二十一日内", {"21"}),
        ("不得超过百分之三点五", {"3.5"}),
        ("三万五千元以下", {"35000"}),
        ("第三条 十分 统一", set()),
        ("CO2 in 45 m² at the A4, see note¹", {"45"}),
        ("none", set()),
    ],
)
def test_numbers_are_read_in_every_spelling(text: str, found: set[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("source", "claim", "agree"),
    [
        ("within 30 days", "in 30 days", True),
        ("within thirty days", "in 30 days", True),
        ("dans les 30 jours", "within 30 days", True),
        ("三十天内", "within 30 days", True),
        ("within 30 days", "in 30 months", False),
        ("三十天", "三十年", False),
        ("costs 35 VLM", "costs 35 percent", False),
        ("VLM 35", "35 VLM", True),
        ("35 per cent", "35 %", True),
        ("limit 45", "45 dB(A)", True),
        ("20 days or 20 VLM", "20 VLM", True),
        ("45 dB(A)", "50 dB(A)", False),
        ("1 March 2024", "on March 1, 2024", True),
        ("1 March 2024", "1 May 2024", False),
        ("1er mars 2025", "1er mai 2025", False),
        ("22:00", "10 p.m.", True),
        ("6 a.m.", "6 p.m.", False),
        ("18h30", "18:30", True),
        ("18h30", "18 h 45", False),
        ("£20", "$20", False),
        ("5 °C", "-5 °C", False),
        ("30 days", "seventy days", False),
        ("25 days", "twenty-five days", True),
    ],
)
def test_a_number_agrees_where_its_unit_does(source: str, claim: str, agree: bool) -> None:
    assert holds(quantities(source), quantities(claim)) is agree


@given(st.text())
def test_any_text_is_read_and_agrees_with_itself(text: str) -> None:
    assert holds(quantities(text), quantities(text))
