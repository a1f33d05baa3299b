"""Injection: text inside documents that addresses the model instead of the reader.

Documents are data. A paragraph that tries to instruct a model is kept out of the prompt and can support no claim;
the user is told which document holds it. The patterns are a net with wide meshes, in the languages of the sample
corpora: what slips through still cannot make the app act, since no answer triggers an action.
"""

from __future__ import annotations

import re

_PATTERNS = [
    r"(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|preceding|your)\b"
    r"[^.\n]{0,30}\b(?:instructions?|prompts?)\b",
    # Rules are what such documents are about: only an order to ignore them is none of theirs.
    r"(?:^|[.:!]\s+|\bplease\s+|\bnow\s+|\band\s+)(?:ignore|disregard|forget)\b[^.\n]{0,20}\b(?:previous|prior|above|your)\b"
    r"[^.\n]{0,30}\b(?:rules?|directions?|context)\b",
    r"(?:ignore|disregard|forget|override) all (?:of )?(?:the )?(?:instructions|prompts)",
    r"\b(?:note|message|instruction|attention)s?\b[^.\n]{0,30}\b(?:to|for)\b[^.\n]{0,30}"
    r"\b(?:(?:ai|automated|virtual|digital|helpful) assistants?|language models?|chat ?bots?|llms?|ai (?:system|model|agent)s?)\b",
    r"\b(?:you are (?:now )?(?:an?|the)|act as|pretend to be)\b[^.\n]{0,30}"
    r"\b(?:(?:ai|automated|virtual|helpful) assistant|language model|chat ?bot|llm|ai (?:system|model))\b",
    r"\b(?:do not|don't|never)\b[^.\n]{0,20}\b(?:mention|reveal|disclose)\b[^.\n]{0,20}"
    r"\b(?:this (?:note|instruction|message)|these instructions|system prompt)",
    r"(?:ignore[zr]?|oublie[zr]?|ne tene[zr] pas compte)\b[^.\n]{0,40}\b(?:instructions?|consignes?)",
    r"(?:忽略|无视|忘记|不要理会)[^。\n]{0,12}(?:指令|指示|提示|规则|说明)",
    r"(?:ignoriere|vergiss|missachte)\b[^.\n]{0,40}\b(?:anweisung|instruktion|vorgabe)",
    r"(?:ignora|olvida)\b[^.\n]{0,40}\binstrucciones",
    r"(?:تجاهل|انس)[^.\n]{0,30}(?:التعليمات|الأوامر)",
    r"<\|?(?:im_start|im_end|system|endoftext)\|?>|\[/?INST\]|<</?SYS>>",
]
_INJECTION = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)


def injected_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the paragraphs (lines) of `text` that try to instruct a model."""
    spans: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        if _INJECTION.search(line):
            spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def without_injections(text: str) -> str:
    """`text` with those paragraphs taken out."""
    for start, end in reversed(injected_spans(text)):
        text = text[:start] + text[end:].removeprefix("\n")
    return text.strip()
