"""Polarity: whether a sentence denies, and which way its limits point, in the languages of the sample corpora.

Two sentences that share nearly all of their words can say opposite things: "is transferable" and "is not
transferable", "must exceed 45" and "must not exceed 45". Words of denial are counted, limits are read as directions.
"""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["up", "down"]

# A limit from above: at most so much. Read first, since "not more than" holds "more than".
_AT_MOST = (
    r"\b(?:no|not)\s+(?:be\s+|last\s+)?(?:more|longer|later|higher|greater|larger)\s+than\b|\b(?:not|n't|never)\s+(?:to\s+)?exceed\w*"
    r"|\bat (?:the )?most\b|\bat the latest\b|\bup to\b|\bmaximum\b|\bnot above\b|\bwithin\b"
    r"|\b(?:ne|n')\s*(?:\w+\s+)?(?:pas\s+)?(?:dépass|excéd)\w*(?:\s+pas)?|\bau (?:plus(?: tard)?|maximum)\b|\bjusqu'à\b"
    r"|\bhöchstens\b|\bmaximal\b|\bspätestens\b|\bbis zu\b|\bnicht\s+(?:mehr|länger|höher|später|über)\s+(?:als\b|(?=\d))"
    r"|不(?:得|应|能|可|宜|可以)?(?:超过|高于|大于|多于|迟于|晚于)|最多|至多|最迟|最晚|以内|以下|لا (?:يتجاوز|يزيد|تتجاوز|تزيد)|كحد أقصى"
)
_AT_LEAST = (
    r"\b(?:no|not)\s+(?:be\s+|last\s+)?(?:less|fewer|lower|earlier|sooner|smaller|shorter)\s+than\b|\bat (?:the )?least\b|\bminimum\b"
    r"|\bnot below\b|\bau (?:moins|minimum|plus tôt)\b|\bpas moins de\b|\bmindestens\b|\bfrühestens\b|\bnicht weniger als\b"
    r"|不(?:得|应|能|可|宜|可以)?(?:少于|低于|早于|小于)|至少|最少|最早|以上|(?:على الأقل|كحد أدنى)"
)
_OVER = (
    r"\b(?:more|longer|later|higher|greater|larger) than\b|\bexceed\w*|\babove\b|\bplus (?:de|tard que)\b|\bdépass\w+"
    r"|\bexcéd\w+|\b(?:mehr|länger|höher|später) als\b|\büberschreit\w+|超过|高于|大于|多于|أكثر من|يتجاوز|تتجاوز"
)
_UNDER = (
    r"\b(?:less|fewer|lower|earlier|smaller|shorter) than\b|\bbelow\b|\bmoins de\b|\bweniger als\b|\bunter\b(?=\s+\d)"
    r"|少于|低于|小于|不足|أقل من"
)
_LIMITS: tuple[tuple[str, Direction], ...] = (
    (_AT_MOST, "down"),
    (_AT_LEAST, "up"),
    (_OVER, "up"),
    (_UNDER, "down"),
)
_BOUNDS = [(re.compile(pattern, re.IGNORECASE), direction) for pattern, direction in _LIMITS]

_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|none|nothing|nobody|\w+n't|ne|n'|pas|jamais|aucune?|sans|ni|non"
    r"|kein\w*|nicht|nie|niemals|ohne|weder|sin|nunca)\b"
    r"|不(?![仅但断过管论少足]|同(?!意))|没有|没|尚未|未(?=经|能|曾|在|被|按|满|获)|(?<!除)非(?!常)|免(?=收|交|缴|征|费)|无(?=需|须|权|法|效|人|故|偿)|勿|(?<!\w)(?:لا|لم|لن|ليس|ليست|بدون|دون|غير)(?!\w)",
    re.IGNORECASE,
)
_PROHIBITION = re.compile(
    r"\b(?:prohibit\w*|forbid\w*|forbade|bann(?:ed|ing)|ban(?:s)?|refus\w+|interdi\w+|défend(?:u|ue|us|ues)|verboten\w*"
    r"|untersagt\w*|reject\w*|rejet\w+|illegal\w*|unlawful\w*|illégal\w*|invalid\w*|exempt\w*|gratuit\w*|free of charge"
    r"|kostenlos\w*)\b|禁止|严禁|(?<!\w)(?:يحظر|يمنع|ممنوع|محظور)(?:ة|ون)?(?!\w)",
    re.IGNORECASE,
)
# "No." before a number is a number's name; a title such as "No 12" denies nothing.
_NUMERO = re.compile(r"\bno\.?\s*(?=\d)|\bn°", re.IGNORECASE)


def denies(text: str) -> bool:
    """Whether `text` says that something is not so, or may not be done. Limits ("not more than 45") deny nothing."""
    return _denies(_without_bounds(text)[0])


def opposed(first: str, second: str) -> bool:
    """Whether one text denies what the other says, or their limits all point in opposite directions."""
    return limits_oppose(first, second) or denies(first) != denies(second)


def limits_oppose(first: str, second: str) -> bool:
    """Whether both texts have limits, and none of the one points the way of any of the other: "at least 5", "at most 5"."""
    ours, theirs = _without_bounds(first)[1], _without_bounds(second)[1]
    return bool(ours and theirs) and not ours & theirs


def denials(text: str) -> int:
    """How many words of denial a text has: two texts of several statements deny as much only with as many."""
    return len(_NEGATION.findall(_without_bounds(text)[0]))


def _denies(rest: str) -> bool:
    return bool(_NEGATION.search(rest)) != bool(_PROHIBITION.search(rest))


def _without_bounds(text: str) -> tuple[str, frozenset[Direction]]:
    rest = _NUMERO.sub(" ", text.replace("’", "'"))
    found: set[Direction] = set()
    for pattern, direction in _BOUNDS:
        rest, count = pattern.subn(" ", rest)
        if count:
            found.add(direction)
    return rest, frozenset(found)
