"""Mentions: which of a list of things a text says there are, by words in several languages; what it denies is none of them.

Things are given with the phrases that name them:

    mentions = Mentions({"chest pain": {"en": ["chest (pain*|tight*)", "pain* .. chest"], "zh": ["胸痛"]}})
    mentions.of("No fever, but a pain in my chest")      # {"chest pain": [Mention("pain in my chest", 17, 33)]}

In a phrase, `pain*` stands for every word that begins so, `(a|b c)` for one of several, `(my)?` for what may be missing, `..` for
up to six words between, `~` for a space or a hyphen that may be missing, and `#` for a number of ten or more, which is none of milligrams or the like. All languages are looked for at once, since a message may mix them. Case, accents and the vowel signs
of Arabic make no difference. Where it is unclear whether something is denied, it counts as mentioned.

Of what only sounds like a thing, "can't breathe through my nose", `instead` says that it is none: {"blocked nose": ["breathless"]}. Things of
`now` count as they are now: "sepsis", and neither "history of sepsis" nor "sepsis three years ago".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sectorkit.errors import SectorkitError

_BETWEEN = r"[^\w.;:!?。；！？،؛\n]+"  # two words of one phrase
_APART = r"[^\w.,;:!?。；！？，،؛\n]+"  # within a gap
# The last word of a gap does not deny what follows: "lips are not blue", "my arm hurts, no weakness" have neither.
_NOT = r"(?!(?:not|isnt|arent|wasnt|werent|no|never|without|مو|مش|مب|ليس|ليست|بدون|بلا)(?!\w))"
_GAP = rf"(?:(?:{_APART}[\w']+){{0,5}}{_APART}{_NOT}[\w']+)?{_APART}"
_HAN = "\u3400-\u9fff"
_WORD = re.compile(rf"\s*(?:[{_HAN}]|[^\s{_HAN}]+)")
_HAN_GAP = r"[^。；！？，,.;!?\n]{0,6}(?!(?<=不)[痛疼晕肿])"
_ARABIC = "\u0600-\u06ff"
_ATTACHED = r"(?:[وفبلك]{0,2}(?:ال)?|لل)"  # and, so, in, for, as, the: written as one with an Arabic word
_PIECE = re.compile(r"\.\.|\(|\)|\||\?|[^\s()|?]+|\s+")
_LETTERS = {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": "", "’": "'", "‘": "'", "`": "'", "ʼ": "'"}

# -- denial ------------------------------------------------------------------------------------------------------------

# "I do not have", "there is no": and not "cannot stop vomiting", "no relief from the pain", "not only".
_HAVE = r"(?:have|has|had|having|been|feel|feels|feeling|got|get|gets|any|see|notice|noticed|suffer|develop|developed|complain|report|reports)(?! (?:so |very |too |quite |at all )?(?:well|good|right|ok|okay|great|myself|himself|herself|better|normal|fine)\b)"
# "never had such a headache", "haven't had pain like this before" say that it is there.
_UNLIKE = r"(?! [^.;]{0,60}\b(?:like (?:this|that)|before|such|(?:this|that|so|as) (?:bad|badly|strong|severe|much|intense)|been (?:so|this|that) \w+)\b)"
# What happens to a patient, or does not: "didn't pass out".
_DOES = r"(?:actually |even |really )?(?:pass|faint|vomit|throw|black|lose|lost|bleed|bled|hurt|hit|bang|swell|swollen|swelled|chok|fall|fallen|collaps)"
_ON_THINNERS = r"(?:(?:on|take|takes|taking|use|uses) )(?:any |a |the )?(?:blood thin|thinners|anti-?coag|warfarin|coumadin|apixaban|eliquis|rivaroxaban|xarelto|edoxaban|dabigatran|heparin)"
# An English "no" is none of these, which a Spanish one often is: "no puede respirar y le duele el pecho" denies nothing.
_SPANISH = r"(?:me|te|se|le|les|lo|la|los|las|nos|es|son|esta|estoy|estan|estamos|pued\w+|podia|pudo|aguant\w+|respir\w+|reaccion\w+|respond\w+|contest\w+|despiert\w+|quier\w+|bebe|come|comio|toma|tomo|orin\w+|mea|para|dej\w+|solo|sabe|sabemos|mejor\w+|baja\w*|ced\w+|cierra|puso|duerm\w+|habl\w+|camin\w+|anda|muev\w+|moverse|traga\w*|sopor\w+|recuerd\w+|reconoc\w+|ve|veo|oye|entiend\w+)\b"
_DENIED = re.compile(
    rf"\b(?:no(?! (?:denying|good|bowel|urine|stools?|wet|pulse|breath|breathing|power|strength|signs? of life|relief|improvement|better|longer|idea|doubt|matter|one|body|appetite|help|change|use|sleep|sooner|response|reaction|feeling|sensation|movement|movements|way|will|time|wonder|ambulance|insulin|food|i|im|ive|he|she|it|we|they)\b)(?! {_SPANISH})(?! (?:tien\w*|teng\w*|hay|he|ha|present\w*|sient\w*|refier\w*)\b)"
    r"|nor|neither|without(?! (?:warning|stopping|reason|any warning|(?:a |any )?(?:doubt|question)))|denies|denied|denying|negative for|free of|absence of|rules out|ruled out"
    r"|no longer(?= (?:short of breath|breathless|wheez|vomit|bleed|cough|fever|nause|dizzy))"
    rf"|(?:not(?! (?:been able|able))|never|do(?:es)?n'?t|did ?n'?t|has ?n'?t|have ?n'?t|is ?n'?t|are ?n'?t|was ?n'?t|had ?n'?t){_UNLIKE} (?:\w+ )?{_HAVE}|not any|nothing like"
    r"|(?:not|is ?n'?t|are ?n'?t|was ?n'?t)(?= (?:at all |really |been )?(?:confused|suicidal|drowsy|sleepy|unconscious|pregnant|dizzy|breathless|short of breath|bleeding|vomiting|wheezing|dehydrated|floppy|sweating|jaundiced|feverish|febrile|on (?:any )?(?:oxygen|o2)|breathing (?:fast|hard|heav)))"
    rf"|(?:not|never|is ?n'?t|are ?n'?t|was ?n'?t|were ?n'?t)(?= (?:at all |really |been |even |ever )?(?:knocked|vomited|been sick|fainted|passed out|blacked out|drooling|slurr\w*|droop\w*|sudden\w*|numb|weak|blue|swollen|stiff|bloody|{_ON_THINNERS})(?! (?:like (?:this|that)|before|such)\b))"
    rf"|never(?= {_DOES}\w*(?![^.;]{{0,40}}\b(?:like (?:this|that)|before|such|so)\b))|(?:do(?:es)?(?:nt|n't| not))(?= {_ON_THINNERS})"
    rf"|no(?= (?:me |se |ha |he )?(?:vomit|desmay|perd\w* el conocimiento|perdi el conocimiento))|no(?= (?:tom|us)\w+ (?:anticoagul|sintrom|warfarin|acenocumarol))|pas(?= (?:perdu connaissance|vomi|tombe\w* dans les pommes))"
    r"|no(?= respira\w* (?:rapid|agitad|mal))|ne(?= respire\w* pas (?:vite|mal|fort))|do(?:es)?n'?t(?= want to (?:kill|die|hurt|harm|end))"
    rf"|(?:did|does|do|has|have|had)(?:nt|n't| not)(?= {_DOES})"
    r"|sin(?! (?:parar|cesar|motivo|control|aire|pulso|avisar|fuerza|conocimiento|sentido|poder|dejar))|niega\w*|niego|nego|ningun\w*|tampoco|ni|nunca (?:he|ha|tuv\w+)(?! [^.;,]{0,40}\b(?:tan|tanto|tanta|asi|igual|como (?:este|esta|hoy|ahora)))"
    r"|no (?:tiene|tengo|tienen|hay|ha tenido|he tenido|ha|he|presenta|siente|siento|tenemos|tenia|refiere|le duele|me duele|veo)(?: \w+)?"
    r"|sans(?! (?:arret|cesse|prevenir|raison|pouvoir|force|connaissance|pouls|s'arreter|air))|pas de|aucun\w*|nie|jamais eu(?! (?:aussi|autant|si|un tel|une telle|de tel|pareil|tellement))"
    r"|n'(?:ai|a|as|ont|avons|avait|y a|eu)(?: \w+)? (?:pas|plus|aucun\w*|jamais)(?: eu)?"
    r"|ne (?:ressen\w+|presente\w*|souffr\w+|vomi\w*|tousse\w*|saigne\w*|se plaint|sen\w+) (?:pas|plus))(?=\W|$)"
    rf"|\bpas d'|没有(?!力|反应(?!迟钝|差)|呼吸(?![困急费不道问异])|意识(?![障不模丧])|知觉(?![障异丧])|脉搏|精神|胃口|食欲|征兆)|没(?!法|办法|力|反应|知觉|意识|气|呼吸|脉搏|多久|站稳|吃|睡|完没了|看清|打疫苗|有力|有反应|有呼吸|有意识|有知觉|有脉搏|精神|胃口)|并无|无(?![法力缘故论]|明显诱因|征兆|意识(?![障不模丧])|反应(?!迟钝|差)|呼吸(?![困急费不道问异])|脉搏)|否认|未见|未诉|未吸"
    rf"|不(?![停仅光只止住着了下断])(?=[{_HAN}]?(?:发烧|发热|痛|疼|咳|吐|晕|出血|肿|胸闷|头痛|头晕|腹泻|拉肚子|恶心|气短|呼吸困难))"
    rf"|(?<![{_ARABIC}])(?:لا يوجد|لا توجد|لا يعاني|لا تعاني|لا اعاني|لا اشعر|لا يشكو|لا تشكو|ليس (?:لدي|لديه|لديها|عندي|عنده|عندها|هناك)|ليس(?! فقط)|(?:بدون|بلا|دون|من غير|من دون)(?! (?:سبب|توقف|مقدمات|وعي|علاج|ان|ما))|ما عند(?:ي|ه|ها)ش|معند(?:ي|ه|ها)ش|مفيش|مافيش|ينفي|تنفي|خالي من|ما عندي|ما عنده|ما في|ولا(?! شي)|(?:لا|و?ما|مش)(?= (?:ب?ي|ب?ت)(?:نزف|تقيا|سعل))|(?:و?ما|و?لم|ولا)(?= (?:يفقد|تفقد|فقد|فقدت|يستفرغ|تستفرغ|استفرغ\w*|تقيا\w*|اغمي|اغمى|يغم))|لا(?= (?:الم|حمي|حراره|قيء|نزيف|اسهال|دوخه|طفح|سعال|تورم|ضيق))|لم يكن|لم(?! (?:يعد|تعد|ينم|تنم|يتحسن|تتحسن|يتوقف|تتوقف|يستجب|تستجب|يستيقظ|تستيقظ)))(?![{_ARABIC}])"
)
_ANOTHERS = re.compile(
    r"\b(?:died (?:of|from)|passed away from|family history of|runs in (?:the|my) family|murio de|antecedentes? familiar(?:es)?|(?:est )?morte? d(?:e|')|antecedents? famil\w+)\b|死于|家族史|توفي بسبب|ماتت? بسبب"
)
# What turns a denial round: "I can't say there is no chest pain", "no pain until this morning". The part in which it stands denies nothing.
_UNDENIED = re.compile(
    r"\b(?:until|till|hasta (?:hoy|ayer|que|hace|esta)|jusqu'a (?:hier|aujourd'hui|ce|cette)"
    r"|(?:can'?t|cannot|can not|couldn'?t|wouldn'?t|won'?t|don'?t|not) (?:say|deny|exclude|rule out|swear|be sure)"
    r"|not (?:as (?:if|though)|like) [^.;,]{0,20}\b(?:no|not|never|\w+nt)|no es que [^.;,]{0,20}\bno|(?:est|suis) pas (?:que|comme si) [^.;,]{0,20}\b(?:n'\w+|ne|pas)|no (?:puedo|puede|se puede) (?:decir|negar|descartar)|no niego|not that (?:i|he|she|it|we|they) (?:do|does|did|have|has)(?:nt| not)|(?:peux|peut) pas (?:dire|nier|exclure))\b"
    r"|不能(?:说|否认|排除)|不是没有|并非没有|直到|لا (?:استطيع|يمكن) (?:القول|انكار|استبعاد)|لا انكر"
)
# "no fever he is vomiting", without a comma, begins anew; "no pain when he is resting" does not.
_ANEW = re.compile(
    r"(?<!that )(?<!if )(?<!when )(?<!whether )(?<!because )(?<!since )(?<!while )(?<!unless )(?<!as )(?<!say )(?<!says )(?<!think )(?<!denies )(?<!denied )"
    r"\b(?:just (?=\w)|(?<!no )(?<!any )(?<!or )(?<!nor )(?<!of )sudden\w* |(?:i'm|he's|she's|they're|we're) |(?:i|he|she|it|they|we) (?:have|has|had|am|is|are|was|were|feels?|got|cant|cannot|can't|keeps?|fainted|collapsed)|(?:my|his|her) \w+ (?:hurts?|aches?|is|are|feels?))\b"
)
# What "no" denies by itself, with or without a comma behind it: "no meds chest pain", "no history of heart trouble crushing chest pain".
_ALONE = re.compile(
    r"\s*(?:(?:known|other|regular|current|daily|drug|food|past|medical|surgical|family|significant|relevant|prior|previous|history|of|any|home|hx|conocidas?|connues?) )*"
    r"(?:meds?|medications?|medicines?|allergy|allergies|nkda|history|hx|pmhx?|surger(?:y|ies)|comorbidit\w+|alergias?|medicamentos|medicacion|antecedentes|allergies?|traitements?|antecedents?"
    r"|(?:heart|cardiac|lung|kidney|liver|medical|health|blood) (?:trouble|troubles|diseases?|problems?|conditions?|issues?|history))\b(?: conocid\w+| connues?| a la \w+)?(?!\s+(?:of|with|for|to|de|d'|or|nor|o|ni|ou)\b)"
)
# What was, and is not now: from such a word up to what brings the present back, and the part of a list with "three years ago".
_HISTORY = re.compile(
    r"(?:(?<!day )(?<!days )(?<!hour )(?<!hours )(?<!hr )(?<!week )(?<!weeks )\b(?:history of|hx(?: of)?|h/o|pmhx?|past medical history|previous|prior(?! to)|antecedentes?|antecedents?|atcd)\b|既往|曾经|(?<!\w)(?:تاريخ مرضي|سوابق)(?!\w)).*?"
    r"(?=[.;!?。；！？\n]|$|\b(?:[\w-]+ ){1,2}(?:on|per|by|via) (?:ekg|ecg|cta?|mri|imaging|x-?ray|ultrasound|scan)\b|(?<=, )(?:acute |new )?(?:n?stemi|sdh|sah|ich|iph|sepsis|dka|hhs|sbo|u?gib)\s*(?:[.;]|$)|(?<=, )(?:acute|active) |(?<!history of )(?<!hx of )(?<!hx )(?<!h/o )(?<!previous )(?<!antecedentes de )(?<!antecedents de )\b(?:e?stridor|cornage)\b|喉?喘鸣|喉鸣|(?<!\w)صرير"
    r"|\b(?:now|today|but|presents?|presenting|here|c/o|complain\w*|arrives?|sent|came|has|having|is|ahora|hoy|maintenant)\b|现|今)"
)
_AGO = re.compile(
    r"\b(?:(?:years?|yrs|months) ago|in (?:19|20)\d\d|last year|as a child|hace (?:\w+ )?(?:anos?|meses)|il y a (?:\w+ )?(?:ans?|mois)|en (?:19|20)\d\d)\b|年前|去年|病史|后遗症"
    r"|(?<!\w)(?:قبل|من|منذ) (?:\w+ )?(?:سنوات|سنه|سنين|سنتين|اشهر|شهور)(?!\w)"
)
_BEHIND = re.compile(
    r"[ \t]*(?:[:：][ \t]*|[-–—]+[ \t]+|\([ \t]*)?(?:\bnone\b|\babsent\b|\bnegative\b|\bdenied\b|\bno\b(?=\s*(?:[,.;)\n]|$))|\(-\)|（-）|阴性)"
)
_CLAUSE = re.compile(
    r"[.;!?。；！？؛，،\n]+(?!\d)| [-–—]+ |[:：]+(?= *\w+ )"
    r"|(?<!\w)(?:but|however|although|though|except|yet|now|pero|aunque|sino|excepto|ahora|mais|sauf|cependant|maintenant)(?!\w)|但是|但|不过|可是|只是|而是|除了|现在|(?<!\w)(?:لكن|ولكن|بس|الا ان|الان)(?!\w)"
)
_COMMA = re.compile(r"[,、/]|(?<!\w)(?:or|and|nor|y|o|u|et|ou)(?!\w)|[和或与及]|(?<!\w)(?:او|و)(?!\w)")
# What denies a whole list, "denies fever, cough"; and what shows that there is one, "no fever, cough or rash".
_OF_LISTS = re.compile(r"denie|denying|negative|free of|absence|ruled|rules|nieg|nego|nie|否认|ينفي|تنفي")
_LISTED = re.compile(r"\b(?:or|nor|o|u|ni|ou)\b|[、/或]|(?<!\w)او(?!\w)")
# A part of a list that says something of its own ends what was denied ahead of it: "no fever, he has a stiff neck", "denies pain, can't walk".
_STATES = re.compile(
    r"\b(?:no|not|never|cant|cannot|wont|couldnt|unable|hardly|barely|stopped|lost|took|taken|passed|fell|hit|woke|swallowed|drank|vomited|fainted|collapsed"
    r"|puede|puedo|perdio|perdi|cayo|tomo|trago|ne|n'\w+|plus"
    r"|says?|said|wants?|wanted|tells?|told|reports?|states?|stated|describes?|admits?|endorses?|complains?|dice|quiere|refiere|dit|veut"
    r"|i|he|she|it|they|we|have|has|had|is|are|was|were|am|got|feels?|with|started|since|there|my|his|her|very|just|only|some|slight\w*|mild|severe|sudden\w*|increasing\w*|crushing|worst|terrible|unbearable|worse|worsening|constant|ongoing|for \w+ (?:days?|hours?|weeks?|minutes?)"
    r"|tengo|tiene|solo|solamente|algo|juste|seulement|un peu|hay|esta|estan|estoy|con|es|mi|su|desde|me|le|se|duele|dio|tuvo|a|il|elle|elles|ca|j'ai|ai|est|avec|depuis|mon|ma|son|sa|vomit|parle|saigne)\b|有(?!无)|是|他|她|我|(?<!\w)(?:لدي|لديه|لديها|عندي|عنده|عندها|مع|هو|هي|يعاني|تعاني)(?!\w)"
)


@dataclass(frozen=True)
class Mention:
    """`text[start:end]` of what was said; `words` are those, as they were written."""

    words: str
    start: int
    end: int


class Mentions:
    """Finds things in a text by their phrases; made once, and then quick: a few milliseconds for a thousand phrases and a message.

    `things` are phrases by name and language; of a thing within a mention of its `instead` there is none, and those of `now` have to be
    now. SectorkitError names a phrase that cannot be read.
    """

    def __init__(
        self,
        things: Mapping[str, Mapping[str, Sequence[str]]],
        instead: Mapping[str, Collection[str]] | None = None,
        now: Collection[str] = (),
    ) -> None:
        self._instead, self._now = instead or {}, frozenset(now)
        self._phrases = [
            (name, _Phrase(phrase, f"{name}, {language}"))
            for name, languages in things.items()
            for language, phrases in languages.items()
            for phrase in phrases
        ]

    def of(self, text: str, fold: tuple[str, Sequence[int]] | None = None) -> dict[str, list[Mention]]:
        """What the text says there is: each thing with the places where it does, in the order of the text. `fold` is folded(text), if it
        was made already."""
        plain, places = fold or folded(text)
        met = list(self._met(plain))
        denied = _denied(plain, [start for _, start, _ in met])
        meant = [(set(self._instead[name]), start, end) for name, start, end in met if name in self._instead]
        past = _past(plain) if any(name in self._now for name, _, _ in met) else b""
        found: dict[str, list[Mention]] = {}
        for name, start, end in met:
            if (name in self._now and past[start]) or any(
                name in those and first <= start and end <= last and end - start < last - first
                for those, first, last in meant
            ):
                continue
            if not denied[start] and not _BEHIND.match(plain, end):
                first, last = places[start], places[end - 1] + 1
                found.setdefault(name, []).append(Mention(text[first:last], first, last))
        for name, mentions in found.items():
            found[name] = sorted(dict.fromkeys(mentions), key=lambda mention: mention.start)
        return found

    def affirmed(self, text: str) -> str:
        """The text without the words that are denied or said of somebody else, for what takes "no fever" for a fever, such as vectors."""
        plain, places = folded(text)
        starts = [start for _, start, _ in self._met(plain)]
        denied = {place for place, is_denied in zip(places, _denied(plain, starts), strict=False) if is_denied}
        return _WORD.sub(lambda m: "" if denied.intersection(range(*m.span())) else m[0], text).strip()

    def _met(self, plain: str) -> Iterator[tuple[str, int, int]]:
        """Where a folded text has the phrases of things, denied or not: name, start, end."""
        for name, phrase in self._phrases:
            if any(word in plain for word in phrase.anchors):
                match = phrase.pattern.search(plain)
                while match:  # "no rash, but the rash does not fade": the second rash begins one, too
                    yield (name, *match.span())
                    match = phrase.pattern.search(plain, match.start() + 1)


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
    goes on only where it denied one of them, "no fever or cough", and not "no allergies, chest pain"; and behind a comma only in what is a
    list, "no fever, cough or rash", and not "no fever, chest pain"."""
    denied = bytearray(len(plain) + 1)
    for start, end in _parts(_CLAUSE, plain, 0, len(plain)):
        carried, listed, before = False, False, start
        for a, b in _parts(_COMMA, plain, start, end):
            carried = carried and (listed or "," not in plain[before:a] or bool(_LISTED.search(plain, a, end)))
            before = b
            undenied = _UNDENIED.search(plain, a, b)
            while own := (not undenied and _DENIED.search(plain, a, b)) or _ANOTHERS.search(plain, a, b):
                anew, alone = _ANEW.search(plain, own.end(), b), _ALONE.match(plain, own.end(), b)
                stop = min(anew.start() if anew else b, alone.end() if alone else b)
                a, last = stop, own.start() + 1  # what begins with it is no denial: "no pulse"
                carried = stop == b and any(own.start() < at < b for at in starts)
                listed = bool(_OF_LISTS.match(own[0]))
                denied[last:a] = b"\x01" * (a - last)
            if a == b:
                continue
            if carried and not _STATES.search(plain, a, b):
                denied[a:b] = b"\x01" * (b - a)
            elif plain[a:b].strip():
                carried = False
    return denied


def _past(plain: str) -> bytearray:
    """For each character whether it is told of the past."""
    past = bytearray(len(plain) + 1)
    spans = [match.span() for match in _HISTORY.finditer(plain)]
    if _AGO.search(plain):
        parts = [part for clause in _parts(_CLAUSE, plain, 0, len(plain)) for part in _parts(_COMMA, plain, *clause)]
        spans += [part for part in parts if _AGO.search(plain, *part)]
    for start, end in spans:
        past[start:end] = b"\x01" * (end - start)
    return past


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
    body = re.escape(word.rstrip("*")).replace(r"\~", r"[ -]?").replace(
        r"\#", r"\d{2,}(?!\d)(?! ?(?:mg|mcg|ug|ml|milli|micro|iu\b|units\b))"
    ) + (r"\w*" if word.endswith("*") else "")
    return f"{_ATTACHED}{body}" if re.match(f"[{_ARABIC}]", word) else body
