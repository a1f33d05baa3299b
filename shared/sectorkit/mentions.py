"""Mentions: which of a list of things a text says there are, by words in several languages; what it denies is none of them.

Things are given with the phrases that name them:

    mentions = Mentions({"chest pain": {"en": ["chest (pain*|tight*)", "pain* .. chest"], "zh": ["胸痛"]}})
    mentions.of("No fever, but a pain in my chest")      # {"chest pain": [Mention("pain in my chest", 17, 33)]}

In a phrase, `pain*` stands for every word that begins so, `(a|b c)` for one of several, `(my)?` for what may be missing, `..` for
up to six words between, `~` for a space or a hyphen that may be missing, and `#` for a number of ten or more. All languages are looked for at once, since a message may mix them. Case, accents and the vowel signs
of Arabic make no difference. Where it is unclear whether something is denied, it counts as mentioned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sectorkit.errors import SectorkitError

_BETWEEN = r"[^\w.;:!?。；！？،؛\n]+"  # two words of one phrase
_APART = r"[^\w.,;:!?。；！？，،؛\n]+"  # within a gap
_GAP = rf"(?:{_APART}[\w']+){{0,6}}{_APART}"
_HAN = "\u3400-\u9fff"
_HAN_GAP = r"[^。；！？，,.;!?\n]{0,6}"
_ARABIC = "\u0600-\u06ff"
_ATTACHED = r"(?:[وفبلك]{0,2}(?:ال)?|لل)"  # and, so, in, for, as, the: written as one with an Arabic word
_PIECE = re.compile(r"\.\.|\(|\)|\||\?|[^\s()|?]+|\s+")
_LETTERS = {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": "", "’": "'", "‘": "'", "`": "'", "ʼ": "'"}

# -- denial ------------------------------------------------------------------------------------------------------------

# "I do not have", "there is no": and not "cannot stop vomiting", "no relief from the pain", "not only".
_HAVE = r"(?:have|has|had|having|been|feel|feels|feeling|got|get|gets|been|any|see|notice|noticed|suffer|develop|developed|complain|report|reports)"
# What happens to a patient, or does not: "didn't pass out".
_DOES = r"(?:actually |even |really )?(?:pass|faint|vomit|throw|black|lose|lost|bleed|bled|hurt|hit|bang|swell|swollen|swelled|chok|fall|fallen|collaps)"
# An English "no" is none of these, which a Spanish one often is: "no puede respirar y le duele el pecho" denies nothing.
_SPANISH = r"(?:me|te|se|le|les|lo|la|los|las|nos|es|son|esta|estoy|estan|estamos|pued\w+|podia|pudo|aguant\w+|respir\w+|reaccion\w+|respond\w+|contest\w+|despiert\w+|quier\w+|bebe|come|comio|toma|tomo|orin\w+|mea|para|dej\w+|solo|sabe|sabemos|mejor\w+|baja\w*|ced\w+|cierra|puso|duerm\w+|habl\w+|camin\w+|anda|muev\w+|moverse|traga\w*|sopor\w+|recuerd\w+|reconoc\w+|ve|veo|oye|entiend\w+)\b"
_DENIED = re.compile(
    rf"\b(?:no(?! (?:relief|improvement|better|longer|idea|doubt|matter|one|body|appetite|help|change|use|sleep|sooner|response|reaction|feeling|sensation|movement|movements|way|will|time|wonder|ambulance|insulin|food)\b)(?! {_SPANISH})(?! (?:tien|teng|hay|he|ha|present|sient|refier))"
    r"|nor|neither|without(?! (?:warning|stopping|reason|any warning))|denies|denied|denying|negative for|free of|absence of|rules? out"
    rf"|(?:not(?! (?:been able|able))|never(?! [^.;]{{0,40}}\b(?:like this|like that|before)\b)|do(?:es)?n'?t|did ?n'?t|has ?n'?t|have ?n'?t|is ?n'?t|are ?n'?t|was ?n'?t|had ?n'?t) (?:\w+ )?{_HAVE}|not any|nothing like"
    r"|(?:not|is ?n'?t|are ?n'?t|was ?n'?t)(?= (?:at all |really |been )?(?:confused|suicidal|drowsy|sleepy|unconscious|pregnant|dizzy|breathless|short of breath|bleeding|vomiting|wheezing|dehydrated|floppy|sweating|jaundiced|feverish|febrile))|do(?:es)?n'?t(?= want to (?:kill|die|hurt|harm|end))"
    rf"|(?:did|does|do|has|have|had)(?:nt|n't| not)(?= {_DOES})"
    r"|sin(?! (?:parar|cesar|motivo|control|aire|pulso|avisar|fuerza|conocimiento|sentido|poder|dejar))|niega\w*|niego|nego|ningun\w*|tampoco|ni|nunca (?:he|ha|tuv\w+)"
    r"|no (?:tiene|tengo|tienen|hay|ha tenido|he tenido|ha|he|presenta|siente|siento|tenemos|tenia|refiere|le duele|me duele|veo)(?: \w+)?"
    r"|sans(?! (?:arret|cesse|prevenir|raison|pouvoir|force|connaissance|pouls|s'arreter|air))|pas de|aucun\w*|nie|jamais eu"
    r"|n'(?:ai|a|as|ont|avons|avait|y a|eu)(?: \w+)? (?:pas|plus|aucun\w*|jamais)(?: eu)?"
    r"|ne (?:ressen\w+|presente\w*|souffr\w+|vomi\w*|tousse\w*|saigne\w*|se plaint|sen\w+) (?:pas|plus))(?=\W|$)"
    rf"|\bpas d'|没有(?!力|反应|呼吸|意识|知觉|脉搏|精神|胃口|食欲|征兆)|没(?!法|办法|力|反应|知觉|意识|气|呼吸|脉搏|多久|站稳|吃|睡|完没了|看清|打疫苗|有力|有反应|有呼吸|有意识|有知觉|有脉搏|精神|胃口)|并无|无(?![法力缘故论]|明显诱因|征兆|意识|反应|呼吸|脉搏)|否认|未见|未诉"
    rf"|不(?![停仅光只止住着了下断])(?=[{_HAN}]?(?:发烧|发热|痛|疼|咳|吐|晕|出血|肿|胸闷|头痛|头晕|腹泻|拉肚子|恶心|气短|呼吸困难))"
    rf"|(?<![{_ARABIC}])(?:لا يوجد|لا توجد|لا يعاني|لا تعاني|لا اعاني|لا اشعر|لا يشكو|لا تشكو|ليس (?:لدي|لديه|لديها|عندي|عنده|عندها|هناك)|ليس(?! فقط)|(?:بدون|بلا|دون|من غير|من دون)(?! (?:سبب|توقف|مقدمات|وعي|علاج|ان|ما))|ما عند(?:ي|ه|ها)ش|معند(?:ي|ه|ها)ش|مفيش|مافيش|ينفي|تنفي|خالي من|ما عندي|ما عنده|ما في|ولا(?! شي)|لا(?= (?:الم|حمي|حراره|قيء|نزيف|اسهال|دوخه|طفح|سعال|تورم|ضيق))|لم يكن|لم(?! (?:يعد|تعد|ينم|تنم|يتحسن|تتحسن|يتوقف|تتوقف|يستجب|تستجب|يستيقظ|تستيقظ)))(?![{_ARABIC}])"
)
_ANOTHERS = re.compile(
    r"\b(?:died (?:of|from)|passed away from|family history of|runs in (?:the|my) family|murio de|antecedentes? familiar(?:es)?|(?:est )?morte? d(?:e|')|antecedents? famil\w+)\b|死于|家族史|توفي بسبب|ماتت? بسبب"
)
_BEHIND = re.compile(
    r"[ \t]*(?:[:：][ \t]*|\([ \t]*)?(?:\bnone\b|\babsent\b|\bnegative\b|\bdenied\b|\bno\b(?=\s*(?:[,.;)\n]|$))|\(-\)|（-）|阴性)"
)
_CLAUSE = re.compile(
    r"[.;!?。；！？؛，،\n]+(?!\d)| [-–—]+ |[:：]+(?= *\w+ )"
    r"|(?<!\w)(?:but|however|although|though|except|yet|now|pero|aunque|sino|excepto|ahora|mais|sauf|cependant|maintenant)(?!\w)|但是|但|不过|可是|只是|而是|除了|现在|(?<!\w)(?:لكن|ولكن|الا ان|الان)(?!\w)"
)
_COMMA = re.compile(r"[,、/]|(?<!\w)(?:or|and|nor|y|o|u|ni|et|ou)(?!\w)|[和或与及]|(?<!\w)(?:او|و)(?!\w)")
# A part of a list that says something of its own ends what was denied ahead of it: "no fever, he has a stiff neck".
_STATES = re.compile(
    r"\b(?:i|he|she|it|they|we|have|has|had|is|are|was|were|am|got|feels?|with|started|since|there|my|his|her|very|severe|sudden\w*|increasing\w*"
    r"|tengo|tiene|hay|esta|estan|estoy|con|es|mi|su|desde|me|le|se|duele|dio|tuvo|a|il|elle|elles|ca|j'ai|ai|est|avec|depuis|mon|ma|son|sa|vomit|parle|saigne)\b|有(?!无)|是|他|她|我|(?<!\w)(?:لدي|لديه|لديها|عندي|عنده|عندها|مع|هو|هي|يعاني|تعاني)(?!\w)"
)


@dataclass(frozen=True)
class Mention:
    """`text[start:end]` of what was said; `words` are those, as they were written."""

    words: str
    start: int
    end: int


class Mentions:
    """Finds things in a text by their phrases; made once, and then quick: a few milliseconds for a thousand phrases and a message.

    `things` are phrases by name and language. SectorkitError names a phrase that cannot be read.
    """

    def __init__(self, things: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._phrases = [
            (name, _Phrase(phrase, f"{name}, {language}"))
            for name, languages in things.items()
            for language, phrases in languages.items()
            for phrase in phrases
        ]

    def of(self, text: str) -> dict[str, list[Mention]]:
        """What the text says there is: each thing with the places where it does, in the order of the text."""
        plain, places = folded(text)
        met = [
            (name, *match.span())
            for name, phrase in self._phrases
            if any(word in plain for word in phrase.anchors)
            for match in phrase.pattern.finditer(plain)
        ]
        denied = _denied(plain, [start for _, start, _ in met])
        found: dict[str, list[Mention]] = {}
        for name, start, end in met:
            if not denied[start] and not _BEHIND.match(plain, end):
                first, last = places[start], places[end - 1] + 1
                found.setdefault(name, []).append(Mention(text[first:last], first, last))
        for name, mentions in found.items():
            found[name] = sorted(dict.fromkeys(mentions), key=lambda mention: mention.start)
        return found


def folded(text: str) -> tuple[str, list[int]]:
    """The text in lower case, without accents and vowel signs, and for each character of it its place in `text`."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        form: Literal["NFKD", "NFD"] = "NFKD" if character.isalnum() else "NFD"  # a Chinese comma stays one
        for c in unicodedata.normalize(form, character.casefold()):
            for plain in _LETTERS.get(c, c):
                if not unicodedata.combining(plain):
                    letters.append(plain)
                    places.append(place)
    for n in range(len(letters) - 2, 0, -1):  # "didn't" and "didnt" are one word
        if letters[n - 1 : n + 2] == ["n", "'", "t"]:
            del letters[n], places[n]
    return "".join(letters), places


def _denied(plain: str, starts: Sequence[int]) -> bytearray:
    """For each character whether what begins there is denied, or said of somebody else. `starts` are where things are named: a denial
    goes on behind a comma only where it denied one of them, "no fever, cough", and not "no allergies, chest pain"."""
    denied = bytearray(len(plain) + 1)
    for start, end in _parts(_CLAUSE, plain, 0, len(plain)):
        carried = False
        for a, b in _parts(_COMMA, plain, start, end):
            own = _DENIED.search(plain, a, b) or _ANOTHERS.search(plain, a, b)
            if own:
                carried = any(own.start() < start < b for start in starts)
                denied[own.start() + 1 : b] = b"\x01" * (
                    b - own.start() - 1
                )  # what begins with it is no denial: "no pulse"
            elif carried and not _STATES.search(plain, a, b):
                denied[a:b] = b"\x01" * (b - a)
            elif plain[a:b].strip():
                carried = False
    return denied


def _parts(separator: re.Pattern[str], plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for match in separator.finditer(plain, start, end):
        yield at, match.start()
        at = match.end()
    yield at, end


class _Phrase:
    """A phrase as a pattern, and words of which a text with the phrase has one at least: they are quicker to look for."""

    def __init__(self, phrase: str, where: str) -> None:
        plain = folded(phrase.strip())[0]
        han = bool(re.search(f"[{_HAN}]", plain))
        try:
            pattern, rest, self.anchors = _sequence(_PIECE.findall(plain), han=han)
            if rest or not re.search(r"\w", plain):
                raise ValueError("a word is missing, or a parenthesis")
        except ValueError as error:
            raise SectorkitError(f"{where}: the phrase {phrase!r} cannot be read ({error})") from None
        self._source = pattern if han else rf"(?<![\w']){pattern}(?!\w)"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a text first has one of its words."""
        return re.compile(self._source)


def _sequence(pieces: Sequence[str], *, han: bool) -> tuple[str, list[str], tuple[str, ...]]:
    """The pattern of words that follow on each other, up to the end of their parenthesis, the pieces behind it, and its anchors."""
    pattern, joint, rest = "", "", list(pieces)
    anchors: tuple[str, ...] = ("",)
    while rest and rest[0] not in (")", "|"):
        piece = rest.pop(0)
        if piece.isspace():
            joint = joint or ("" if han else _BETWEEN)
            continue
        if piece == "..":
            joint = _HAN_GAP if han else _GAP
            while rest and rest[0].isspace():
                rest.pop(0)
            if not pattern or not rest or rest[0] in (")", "|"):
                raise ValueError("it begins or ends with a gap")
            continue
        if piece == "(":
            body, rest, own = _group(rest, han=han)
        else:
            body, own = _word(piece), (max(re.split(r"[*~#]", piece), key=len),)
        if rest[:1] != ["?"]:
            pattern, joint = pattern + joint + body, ""
            anchors = max(anchors, own, key=lambda words: min(map(len, words)))
            continue
        rest.pop(0)
        if piece != "(":
            raise ValueError("what may be missing stands in parentheses")
        if pattern:
            pattern += f"(?:{joint}{body})?"
        else:  # what is missing takes the space behind it along
            behind = bool(rest) and rest[0].isspace() and not han
            pattern = f"(?:{body}{_BETWEEN if behind else ''})?"
            rest = rest[1:] if behind else rest
        joint = ""
    return pattern, rest, anchors


def _group(pieces: Sequence[str], *, han: bool) -> tuple[str, list[str], tuple[str, ...]]:
    """The pattern of alternatives up to their closing parenthesis, the pieces behind it, and their anchors."""
    alternatives: list[str] = []
    anchors: list[str] = []
    rest = list(pieces)
    while True:
        pattern, rest, own = _sequence(rest, han=han)
        if not rest or not pattern:
            raise ValueError("a parenthesis is empty or not closed")
        alternatives.append(pattern)
        anchors += own
        if rest.pop(0) == ")":
            return f"(?:{'|'.join(alternatives)})", rest, tuple(anchors)


def _word(word: str) -> str:
    if word in ("?", "*"):
        raise ValueError(f"there is nothing ahead of {word}")
    body = re.escape(word.rstrip("*")).replace(r"\~", r"[ -]?").replace(r"\#", r"\d{2,}") + (
        r"\w*" if word.endswith("*") else ""
    )
    return f"{_ATTACHED}{body}" if re.match(f"[{_ARABIC}]", word) else body
