"""Language of a text, as an ISO 639-1 code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache

_SAMPLE = 4000
_LOCK = threading.Lock()

# The identifier knows 97 languages and, on a short text, prefers rare neighbours (Wu for Chinese): these are the
# ones that a user is told about.
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


@cache
def _classify() -> Callable[[str], tuple[str, float]]:
    from py3langid import langid

    langid.set_languages(sorted(NAMES))
    return langid.classify  # type: ignore[no-any-return]


def detect_language(text: str) -> str:
    """ISO 639-1 code of the language that `text` is mostly in; "und" where there are no letters."""
    sample = text[:_SAMPLE]
    if not any(character.isalpha() for character in sample):
        return "und"
    with _LOCK:
        return str(_classify()(sample)[0])
