"""Masking: the obvious identifiers of a person in a text, by patterns, replaced by what they were.

E-mail and web addresses, numbers of telephones, records, cards and accounts, dates, postal addresses, and names behind words that
announce them ("my name is", "Mr", "me llamo", "je m'appelle", "我叫", "اسمي"). A name that nothing announces stays: this makes a log less
harmful and no text anonymous. Measures such as "120/80", "39.4" or "118 bpm" are left as they are.
"""

from __future__ import annotations

import re

_NAME = r"[^\W\d_][\w'’-]*"
_CAPITAL = r"(?-i:[A-ZÀ-ÖØ-Þ][\w'’-]*)"
_MASKS = tuple(
    (word, re.compile(pattern, re.IGNORECASE))
    for word, pattern in (
        ("e-mail", r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"),
        ("address", r"\b(?:https?://|www\.)\S+"),
        ("date", r"(?<![\d/])\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?![\d/])|(?<!\d)(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2}(?!\d)"),
        ("date", r"(?<!\d)(?:19|20)\d\d\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*[日号]"),
        ("date", r"\b(?:born|d\.?o\.?b\.?|date of birth|nacid[oa]|née?|fecha de nacimiento)\b[ :]*(?:on |in |el |le )?\d{1,4}(?:[ ./-]+[\w.]{1,10}){0,2}?[ ./-]+\d{2,4}"),
        ("number", r"(?<![\d.,])(?:[+0(]|(?=[\d .()/-]*\d{4}))\(?\d{1,}\)?(?:[ .()/-]{1,2}\d{2,}){2,}(?!\d|[.,]\d)|(?<![\d.,])\+?\d{6,}(?!\d|[.,]\d)"),
        ("number", r"\b[A-Z]{1,3}[ -]?\d{5,}[A-Z]?\b"),
        ("address", rf"\b\d{{1,4}}[a-z]?,? (?:{_CAPITAL} ){{1,3}}(?:street|st|road|rd|avenue|ave|lane|drive|square|close|court|way)\b\.?"),
        ("address", rf"\b\d{{1,4}},? (?:rue|avenue|boulevard|bd|place|impasse|chemin) [\w' -]*?{_CAPITAL}(?: {_CAPITAL})*"),
        ("address", rf"\b(?:calle|avenida|avda\.?|plaza|paseo) (?:\w{{1,4}} ){{0,2}}{_CAPITAL}(?: {_CAPITAL})*,? ?\d{{0,4}}"),
    )
)  # fmt: skip
# The words that announce a name stay; what follows them goes.
_ANNOUNCED = (
    re.compile(
        r"\b(?i:(?:my|his|her|their|the patient's|the child's) (?:full )?name is|name[sd]?\s*[:=]|me llamo|se llama|mi nombre es|"
        rf"je m'appelle|il s'appelle|elle s'appelle|mon nom est)\s*(?P<name>{_NAME}(?: {_CAPITAL}){{0,3}})"
    ),
    re.compile(rf"\b(?i:nom|nombre)\s*:\s*(?P<name>{_CAPITAL}(?: {_CAPITAL}){{0,3}})"),
    re.compile(
        rf"\b(?i:patient)\s*:\s*(?P<name>{_CAPITAL}(?: {_CAPITAL}){{1,3}})"
    ),  # and not "Patient: Bleeding since"
    re.compile(
        rf"\b(?:Mr|Mrs|Ms|Miss|Mme|Mlle|Monsieur|Madame|Sra?|Señora?|Don|Doña)\b\.? (?P<name>(?:de |van |von |al-|el-)?{_CAPITAL}(?:[ -]{_CAPITAL}){{0,3}})"
    ),
    re.compile(
        r"(?:我叫|我的名字是|他叫|她叫|孩子叫|姓名[:：]?)\s*(?![不头肚疼痛胸腰救])(?P<name>[\u4e00-\u9fff]{2,4}?)(?=[,，。;；、\s]|$|今年|是|有)"
    ),
    re.compile(
        r"(?:اسمي|اسمه|اسمها|اسم المريض(?:ة)?)\s*:?\s*(?P<name>[\u0621-\u064a]+(?: [\u0621-\u064a]+(?=\s*[،,.؛]))?)(?=[،,.؛\s]|$)"
    ),
)


def masked(text: str) -> str:
    """The text with each identifier as "[date]", "[e-mail]", "[number]", "[address]" or "[name]"."""
    for pattern in _ANNOUNCED:
        text = pattern.sub(
            lambda m: f"{m[0][: m.start('name') - m.start()]}[name]{m[0][m.end('name') - m.start() :]}", text
        )
    for word, pattern in _MASKS:
        text = pattern.sub(f"[{word}]", text)
    return text


_COURTESY = re.compile(
    r"(?:(?<=^)|(?<=[.!?,;\n。！？，؟،]))\s*+(?:"
    # "HI" is a glucose meter's "too high to read", and a short for homicidal ideas.
    r"(?-i:[Hh]ello|Hi|hi|[Hh]ey|[Gg]ood (?:morning|afternoon|evening|day)|[Dd]ear)\b(?:,? (?:there|doctor|doc|nurse|all|everyone|team)\b)?(?=\s*[.,!;:\n]|\s*$|\s+(?:I|my|we)\b)"
    r"|(?:many )?thank(?:s| you)\b(?: (?:so|very) much)?(?: in advance)?(?: for (?:your|the|any|all your) (?:time|help|advice|answer|reply|call|support))?(?=\s*[.,!;]|\s*$)"
    r"|(?:my (?:full )?name is|me llamo|mi nombre es|je m'appelle|mon nom est) \[name\](?: (?:and|y|et)\b)?"
    r"|(?:hola|buen[oa]s (?:dias|días|tardes|noches)|bonjour|bonsoir|salut)\b(?:,? (?:doctora?|docteur|a todos|à tous)\b)?(?=\s*[.,!;:\n]|\s*$)"
    r"|(?:(?:muchas )?gracias|merci(?: beaucoup| d'avance)?)\b(?: (?:por|de|pour) (?:su|tu|vuestr[oa]|votre|ton|la) (?:tiempo|ayuda|atención|respuesta|temps|aide|réponse))?(?=\s*[.,!;]|\s*$)"
    r"|(?:您好|你好|医生好)(?![像几多久转不])|谢谢(?:您|你|医生)?(?=\s*[.,!;。！，；]|\s*$)|我(?:叫|的名字是)\[name\]"
    r"|(?:السلام عليكم(?: ورحمة الله(?: وبركاته)?)?|مرحبا|صباح الخير|مساء الخير|شكرا(?: (?:لكم|لك|جزيلا))?|اسمي \[name\])(?!\w)"
    r")\s*+[.,!;:。！，；،]*+\s*+",
    re.IGNORECASE,
)


def without_courtesies(text: str) -> str:
    """A masked text without greetings, thanks and introductions ("My name is [name]."), which say nothing of a complaint.

    A vector takes them for a part of it. Of a text of nothing else, nothing is left.
    """
    while (shorter := _COURTESY.sub(" ", text).strip()) != text:
        text = shorter
    return text
