"""Opposites that share their words, and the same things said in other words."""

from __future__ import annotations

import pytest

from sectorkit.polarity import denies, opposed

OPPOSITES = [
    ("The card is transferable.", "The card is not transferable."),
    ("Die Karte ist übertragbar.", "Die Karte ist nicht übertragbar."),
    ("Der Rabatt gilt für Hunde.", "Der Rabatt gilt nicht mehr für Hunde."),
    ("The sound must exceed 45 dB.", "The sound must not exceed 45 dB."),
    ("Later than 15 days after the notice.", "No later than 15 days after the notice."),
    ("The weight is at least 25 per cent.", "The weight is at most 25 per cent."),
    ("Le loyer peut dépasser 4 %.", "Le loyer ne peut pas dépasser 4 %."),
    ("Smoking is allowed.", "Smoking is forbidden."),
    ("Le stationnement est autorisé.", "Le stationnement est interdit."),
    ("本规定适用于酒吧。", "本规定不适用于酒吧。"),
    ("Le conseil a adopté la délibération.", "Le conseil a rejeté la délibération."),
    ("房东同意。", "房东不同意。"),
    ("居民可以申请。", "非居民可以申请。"),
    ("租金可以超过百分之四。", "租金不得超过百分之四。"),
    ("يسمح بالتدخين في المباني العامة", "لا يسمح بالتدخين في المباني العامة"),
]
ALIKE = [
    ("The limit is 45 dB.", "The sound must not exceed 45 dB."),
    ("Smoking is prohibited.", "Smoking is not allowed."),
    ("At most two months' rent.", "Not more than two months' rent."),
    ("It may not be higher than 45 dB.", "It must not exceed 45 dB."),
    ("There is no fee.", "It is free of charge."),
    ("It is illegal.", "It is prohibited."),
    ("不收费", "免费"),
    ("不能超过45", "不得超过45"),
    ("Ne peut dépasser 4 %.", "Au plus 4 %."),
    ("最多两个月", "不得超过两个月"),
    ("Ordinance No. 12 applies.", "Ordinance 12 applies."),
    ("The council meets in the town hall.", "The council meets."),
    ("الاجتماع في المجلس", "الاجتماع في المباني"),
]


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposites_are_told_apart(one: str, other: str) -> None:
    assert opposed(one, other)
    assert opposed(other, one)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_says_the_same_is_not_opposed(one: str, other: str) -> None:
    assert not opposed(one, other)
    assert not opposed(other, one)


def test_a_limit_denies_nothing() -> None:
    assert not denies("The sound must not exceed 45 dB.")
    assert denies("The sound is not measured.")
