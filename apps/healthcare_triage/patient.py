"""The patient: what was said, with age, pregnancy and vital signs, from a form or out of the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sectorkit.errors import RequestError
from sectorkit.mentions import folded

MAX_CHARACTERS = 20_000
_YEARS = {"year": 1.0, "month": 1 / 12, "week": 7 / 365.25, "day": 1 / 365.25}
_UNITS = {
    "year": r"years?|yrs?|y|anos?|ans?|岁|周岁|سن(?:ه|وات|ين)|عام(?:ا|ان)?|اعوام",
    "month": r"months?|mos?|mths?|mes(?:es)?|mois|个?月大?|اشهر|شهر(?:ا|ين)?|شهور",
    "week": r"weeks?|wks?|semanas?|semaines?|周大?|个?星期大?|اسابيع|اسبوع(?:ا|ين)?",
    "day": r"days?|dias?|jours?|天大?|ايام|يوم(?:ا|ين)?",
}
_UNIT = "|".join(f"(?P<{name}{{n}}>{words})" for name, words in _UNITS.items())
_CHILD = r"baby|babies|infant|newborn|child|son|daughter|toddler|boy|girl|kid|bebe|nino|nina|hijo|hija|lactante|recien nacid[oa]|fils|fille|enfant|nourrisson|garcon|petite?|grandson|granddaughter|nephew|niece"
# Only where it can be an age: "3 weeks old", "aged 3", "I'm 54", "my baby is 3 weeks", "54 F": and not "for 3 weeks".
_AGES = tuple(
    re.compile(pattern.replace("UNIT", _UNIT.format(n="")))
    for pattern in (
        r"(?<![\d.,])(?P<n>\d{1,3}(?:\.5)?)\s*-?\s*(?:UNIT)[\s-]*(?:old|of age|/?o)(?!\w)",
        r"(?<![\d.,])(?P<n>\d{1,3})\s*(?P<year>y/?o|yo|f|m)(?![\w/])",
        r"\bage[d]?:?\s*(?P<n>\d{1,3})(?:\s*(?:UNIT)\b)?",
        r"\b(?:i am|i'm|he is|she is|he's|she's)\s+(?P<n>\d{1,3})(?!\s*-?\s*(?:weeks?|months?|days?|cm|kg|%|/|-|\.\d))(?P<year>)(?!\d)",
        r"\b(?:tiene|edad:?|age(?:e|s)? de|il a|elle a)\s+(?:de\s+)?(?P<n>\d{1,3}(?:\.5)?)\s*(?:UNIT)\b(?!\s*(?:de|con|enceinte|que))",
        rf"\b(?:{_CHILD})\b(?:\W+\w+){{0,2}}?\W+(?:is|a|de|tiene|of)\s+(?P<n>\d{{1,3}}(?:\.5)?)\s*(?:UNIT)\b(?!\s*(?:pregnant|gone|along|de|con|gestation|enceinte))",
        rf"\b(?:{_CHILD})\s+(?:de|of)\s+(?P<n>\d{{1,3}})\s*(?:UNIT)\b(?=\s+con\b)",
        r"\b(?:he is|she is|he's|she's|it is|it's)\s+(?P<n>\d{1,2})\s*(?:UNIT)\b(?=\s*(?:[,.;:]|and\b|with\b|$))",
        r"(?<![\d.,])(?P<n>\d{1,2})\s*(?P<month>m/?o)(?=\s*(?:[mf]|male|female|boy|girl|fever|with)\b)",
        r"(?<![\d.,前了过])(?P<n>\d{1,3})\s*(?P<year>岁|周岁)",
        r"(?<![\d.,])(?P<n>\d{1,3})\s*(?:UNIT)的?(?:宝宝|婴儿|孩子|女儿|儿子|新生儿|女婴|男婴|小孩|娃)",
        r"(?<!孕)(?:出生|生下来|才|刚)\s*(?P<n>\d{1,3})\s*(?:UNIT)",
        r"(?<![\d.,])(?P<n>\d{1,3})\s*(?P<month>个月大)",
        r"(?:عمر(?:ي|ه|ها|هم)?|ابن|بنت)\s*(?P<n>\d{1,3})\s*(?:UNIT)",
        r"(?:رضيع|طفل|ابني|بنتي|ابنتي|رضيعي)\w*\s+(?:\w+\s+){0,2}?(?P<n>\d{1,3})\s*(?:UNIT)",
        r"(?<!hace )(?<!depuis )(?<!desde )(?<!durante )(?<!pendant )\b(?P<n>\d{1,3})\s*(?P<year>anos|ans)\b",
    )
)
_NUMBERS = {
    word: str(number)
    for number, words in enumerate(
        (
            "one un una une 一", "two dos deux 两 二", "three tres trois 三", "four cuatro quatre 四", "five cinco cinq 五", "six seis 六",
            "seven siete sept 七", "eight ocho huit 八", "nine nueve neuf 九", "ten diez dix 十", "eleven once onze 十一", "twelve doce douze 十二",
        ), start=1,
    )
    for word in words.split()
    if word.isalpha()
}  # fmt: skip
_NUMBER = re.compile(
    rf"\b(?:{'|'.join(w for w in _NUMBERS if w.isascii())})(?=[\s-]+(?:{'|'.join(_UNITS.values())})\b)|(?:十[一二]|[一二两三四五六七八九十])(?=岁|个月|周|天)"
)
_SHORT_UNITS = {"m": "months", "w": "weeks", "d": "days", "yo": "years", "/52": "weeks", "/12": "months", "/7": "days"}
_SHORT_AGE = re.compile(r"^(\d{1,3})\s*(m|w|d|yo|/52|/12|/7)$")  # as notes write it
_WIDE = str.maketrans("：，％／．（）٫٪", ":,%/.().%")
_HALF = re.compile(r"(\d)\s*(?:and a half|y medi[oa]\b|et demie?\b|و ?نصف?(?!\w)|度半)")
_A_MONTH_OLD = re.compile(r"(?<![\d-])(?<!\d )(?<!teen )(?<!ty )\b(?:an?[\s-]+)?(?=(?:day|week|month|year)[\s-]+old\b)")
_WEEKS = re.compile(r"(?:^|[,.;:])\s*(?:[1-3]\d|4[0-2])\s*(?:weeks?|wks?)\s*(?=[,.;:]|and\b|with\b|bleeding|leaking|$)")
_OWN = re.compile(r"\b(?:i am|i'm|im|tengo|j'ai)\W+$|عمري\W*$|我今?年?$")
_BABY = re.compile(
    r"\b(?:newborn|baby|infant|neonate|bebe|recien nacid[oa]|lactante|nourrisson|nouveau[- ]ne)s?\b|婴儿|宝宝|新生儿|رضيع|مولود|حديث الولاده"
)
_OF_CHILD = re.compile(
    rf"\b(?:{_CHILD})s?\b|孩子|儿子|女儿|小孩|娃|(?<!\w)(?:ابني|ابنتي|بنتي|طفلي|طفلتي|طفل|طفله)(?!\w)"
)
_GIVES_BIRTH = re.compile(
    r"\b(?<!not )(?<!no )(?<!no estoy )(?<!no esta )(?<!pas )(?:pregnan\w*|expecting|embaraza\w*|enceinte|embarazo|grossesse|postpartum|gave birth|c-section|accouch\w*|di a luz|parto)\b"
    # "32 weeks gone", "G2P1", "EDD", "I'm due", "my wife is 36 weeks", and in Spanish and French "I am of 30 weeks", "at my 7th month"
    r"|\b(?:\d{1,2}\s*(?:weeks?|wks?|months?)\s*(?:gone|along|gestation|preg)|g\d\s*p\d|edd|edc|due date|(?:i'm|i am|she's|she is|wife is|baby is) due|in (?:her|my) \d{1,2}(?:st|nd|rd|th) (?:week|month))\b"
    r"|\b(?:i'm|i am|she's|she is|(?:wife|girlfriend|partner|fiancee)(?: is|'s)) (?:now |about |at )?(?:[4-9]|[1-3]\d|4[0-2])\s*(?:weeks?|wks?)\b(?! (?:old|post|into|in|since|after|out|clean|sober|late|overdue))"
    r"|\b(?:estoy|esta|voy|va) de (?:casi )?\d{1,2}\s*(?:semanas|meses)\b|\b(?:suis|est) a (?:mon |son )?\d{1,2}e?\s*(?:semaines?|mois|sa)\b(?! de (?!grossesse))|\b\d{1,2} ?sa\b"
    r"|(?<!没)(?<!没有)(?<!未)怀孕|孕\d|孕期|孕妇|产后|怀了?\d+个?[周月]|(?<!غير )(?<!لست )(?<!ليست )(?:حامل|الحمل)|الولاده|ولدت|(?:في |ب)(?:ال)?شهر(?:ي|ها)? ?(?:ال)?(?:رابع|خامس|سادس|سابع|ثامن|تاسع)"
)


@dataclass(frozen=True)
class Patient:
    """What is known. `ages` are in years: several where the text names several people; none where nothing does.

    `sure` is whether the age is the form's. `vitals` are readings by name, "118 /min", as a form or the text gave them; `pregnant` includes six weeks after birth.
    `confirmed` are signs that somebody said yes to when asked, each with the words of question and answer. `fold` is the text as
    `folded` gives it, and `numbers` the same with its numbers as digits.
    """

    said: str
    ages: tuple[float, ...] = ()
    sex: str | None = None
    pregnant: bool = False
    vitals: Mapping[str, str] = field(default_factory=dict)
    consciousness: str = ""
    sure: bool = False
    baby: bool = False
    child: bool = False
    problem: str = ""
    confirmed: Mapping[str, str] = field(default_factory=dict)
    fold: tuple[str, Sequence[int]] | None = field(default=None, repr=False)
    numbers: str = field(default="", repr=False)

    def groups(self) -> Iterator[tuple[str, float | None]]:
        """Whom rules may take the patient for, with the age: `adult`, `child`, `infant` and `pregnancy`.

        Only an age of the form stands alone. What the text says of ages and children adds to an adult and takes nothing away, since
        "my son is at school and I have chest pain" names a child who is not the patient; "my baby" is taken for a newborn.
        """
        known: list[float | None] = list(self.ages)
        if not self.sure:
            known += [0.0] * self.baby + [3.0] * self.child
            if not any(age is not None and age >= 16 for age in known):
                known.append(None)
        for age in dict.fromkeys(known):
            yield "adult" if age is None or age >= 16 else "infant" if age < 1 else "child", age
            if self.pregnant and (age is None or age >= 10):
                yield "pregnancy", age
        if self.pregnant and self.sure and all(age is not None and age < 10 for age in known):
            yield "pregnancy", None  # the form's age is the baby's


def read_patient(
    said: str,
    *,
    age: str | None = None,
    sex: str | None = None,
    pregnant: bool | None = None,
    vitals: Mapping[str, str] | None = None,
    confirmed: Mapping[str, str] | None = None,
) -> Patient:
    """What a form says, and of the text what it does not. RequestError where nothing or too much was said;
    an age that is none becomes the patient's `problem`."""
    if not said.strip():
        raise RequestError("nothing was said yet: what is the matter, in a few words?")
    if len(said) > MAX_CHARACTERS:
        raise RequestError(f"the text has {len(said):,} characters, and {MAX_CHARACTERS:,} are the limit; shorten it")
    fold = folded(said)
    plain = _A_MONTH_OLD.sub("1 ", _HALF.sub(r"\1.5", _NUMBER.sub(lambda m: _NUMBERS[m[0]], fold[0].translate(_WIDE))))
    for two, unit in (("سنتان", "سنه"), ("سنتين", "سنه"), ("شهرين", "شهر"), ("شهران", "شهر"), ("اسبوعين", "اسبوع")):
        plain = plain.replace(two, f"2 {unit}")
    given = {name: text.strip() for name, text in (vitals or {}).items() if text and text.strip()}
    state = given.pop("consciousness", "").casefold()
    sure, problem = bool(age and age.strip()), ""
    young = [(_years(match), _whose(plain, match)) for pattern in _AGES for match in pattern.finditer(plain)]
    ages = tuple(dict.fromkeys(years for years, _ in young if years <= 115))
    try:
        mixed = (
            _years(m) for p in _AGES for m in p.finditer(plain) if m["n"] == (age or "").strip()
        )  # "6", "6 weeks old"
        ages = (age_of(age or ""), *(years for years in mixed if years < 2)) if sure else ages
    except RequestError as error:  # the rules must answer all the same
        sure, problem = False, str(error)
    grown = any(16 <= age < 60 for age in ages)
    bears = pregnant if pregnant is not None else bool(_GIVES_BIRTH.search(plain) or (grown and _WEEKS.search(plain)))
    baby = bool(_BABY.search(plain)) and not any(years < 2 and whose in ("baby", "") for years, whose in young)
    child = bool(_OF_CHILD.search(plain)) and not any(years < 16 and whose != "own" for years, whose in young)
    return Patient(said, ages, sex, bears, given, state, sure, baby, child, problem, dict(confirmed or {}), fold, plain)


def age_of(text: str) -> float:
    """The age that a form gives, in years: "54", "5 weeks", "14 months". RequestError where it is none."""
    plain = _SHORT_AGE.sub(lambda m: f"{m[1]} {_SHORT_UNITS[m[2]]}", folded(text.strip())[0])
    if plain == "newborn":
        return 0.0
    match = re.fullmatch(rf"(?P<n>\d{{1,3}}(?:[.,]\d)?)\s*(?:{_UNIT.format(n='')})?(?:\s*old)?", plain)
    years = _years(match) if match else None
    if years is None or years > 125:
        raise RequestError(f"the age {text!r} is not understood; write it as 54 years, 14 months or 5 weeks")
    return years


def _whose(plain: str, match: re.Match[str]) -> str:
    """Whose age it is by the nearest word for somebody: "own", "baby", "child", or nothing where there is none."""
    start, end = match.start("n"), match.end()
    if _OWN.search(plain[max(0, start - 12) : start]):
        return "own"
    near = _OF_CHILD.finditer(plain, max(0, start - 25), end + 12)
    nearest = min(near, key=lambda m: max(start - m.end(), m.start() - end), default=None)
    return "" if nearest is None else "baby" if _BABY.fullmatch(nearest[0]) else "child"


def _years(match: re.Match[str]) -> float:
    said = match.groupdict()
    unit = next((name for name in _YEARS if said.get(name)), "year")
    return float(said["n"].replace(",", ".")) * _YEARS[unit]
