"""Masking: what tells who a person is goes; what a clinician needs stays."""

from __future__ import annotations

import time

import pytest

from sectorkit.masking import masked


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("My name is John Smith and my chest hurts, call me on 020 7946 0958.", "My name is [name] and my chest hurts, call me on [number]."),
        ("DOB 12/03/1956, NHS 943 476 5919, MRN 00123456", "DOB [date], NHS [number], MRN [number]"),
        ("I live at 12 High Street. Write to ana.p@example.org", "I live at [address] Write to [e-mail]"),
        ("Mrs. de Silva fell on 2024-05-06", "Mrs. [name] fell on [date]"),
        ("Me llamo Ana María López, tengo 54 años, vivo en Calle de Alcalá 45", "Me llamo [name], tengo 54 años, vivo en [address]"),
        ("Je m'appelle Jean-Luc Dupont, 12 rue de la Paix, née le 03/04/1990", "Je m'appelle [name], [address], née le [date]"),
        ("我叫王小明，今年54岁，胸痛，电话13812345678", "我叫[name]，今年54岁，胸痛，电话[number]"),
        ("اسمي محمد علي، عندي ألم في الصدر، هاتفي 0501234567", "اسمي [name]، عندي ألم في الصدر، هاتفي [number]"),
    ],
)  # fmt: skip
def test_identifiers_are_masked(said: str, kept: str) -> None:
    assert masked(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "BP 120/80, then 130/85; pulse 118, temp 39.4, sats 93 %, pain 8/10, for 10-12 hours",
        "I am 54 years old and 32 weeks pregnant; I took 1000 mg three times, 20 000 steps a day",
        "心率150，体温39.4，血压 90/60",
    ],
)
def test_measures_are_left_as_they_are(said: str) -> None:
    assert masked(said) == said


def test_a_long_text_is_masked_quickly() -> None:
    began = time.monotonic()
    masked("My name is A b C 12 High rue de la 1 2 3 (4) +5 - 6.7 " * 400 + "1 " * 5_000 + "a@" * 5_000)
    assert time.monotonic() - began < 2
