"""The check of a reranker: a few questions, each of which must find its own answer among the others'.

A reranker that is served without its template, whose head was never trained, or whose scores are the wrong way round
gives numbers like any other. English must pass, since every reranker reads it; where another language does not, the
caller is told and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sectorkit.errors import ConfigurationError
from sectorkit.retrieval.rerank import Reranker, trouble

# Long and short answers in turn, so that no rule of length finds them; the answers to the others are the nonsense.
_ENGLISH = (
    (
        "How long may a parked trailer stay in the street?",
        "A trailer without a towing vehicle may be left on a public road for two weeks at most.",
    ),
    (
        "Which oil does the gearbox need?",
        "Fill the gearbox with 1.5 litres of mineral oil of viscosity class 220, and check its level once a month "
        "while the machine stands still.",
    ),
    (
        "When should a child with a fever see a doctor?",
        "A child should see a doctor if its temperature stays above 39 degrees for more than two days.",
    ),
    ("Who signs the annual accounts?", "The annual accounts are signed by the treasurer."),
)
_OTHERS: Mapping[str, Sequence[tuple[str, str]]] = {
    "German": (
        (
            "Wie lange darf ein Anhänger auf der Straße stehen?",
            "Ein Anhänger ohne Zugfahrzeug darf höchstens zwei Wochen auf einer öffentlichen Straße stehen.",
        ),
        ("Welches Öl braucht das Getriebe?", "Das Getriebe wird mit 1,5 Litern mineralischem Öl gefüllt."),
        (
            "Wann muss ein Kind mit Fieber zum Arzt?",
            "Bleibt das Fieber länger als zwei Tage über 39 Grad, muss ein Arzt das Kind sehen.",
        ),
    ),
    "French": (
        (
            "Combien de temps une remorque peut-elle rester dans la rue ?",
            "Une remorque dételée ne peut rester plus de deux semaines sur la voie publique.",
        ),
        ("Quelle huile faut-il au réducteur ?", "Le réducteur se remplit de 1,5 litre d'huile minérale."),
        (
            "Quand un enfant qui a de la fièvre doit-il voir un médecin ?",
            "Si la fièvre dépasse 39 degrés pendant plus de deux jours, l'enfant doit voir un médecin.",
        ),
    ),
    "Chinese": (
        ("挂车可以在路边停放多久？", "没有牵引车的挂车在公共道路上最多停放两周。"),
        ("齿轮箱要用什么油？", "齿轮箱加注一点五升矿物油，停机时每月检查一次油位。"),
        ("孩子发烧什么时候要看医生？", "体温超过三十九度并持续两天以上时，孩子要去看医生。"),
    ),
    "Arabic": (
        (
            "كم من الوقت يجوز أن تقف المقطورة في الشارع؟",
            "لا يجوز أن تقف المقطورة من دون مركبة قاطرة في الطريق العام أكثر من أسبوعين.",
        ),
        ("ما الزيت الذي تحتاجه علبة التروس؟", "تُملأ علبة التروس بلتر ونصف من الزيت المعدني."),
        (
            "متى يجب أن يرى الطبيب طفلا مصابا بالحمى؟",
            "يجب أن يرى الطبيب الطفل إذا بقيت الحمى فوق 39 درجة أكثر من يومين.",
        ),
    ),
}


@dataclass(frozen=True)
class CheckedReranker:
    """A reranker that passed its check in English; `weak_in` names the languages in which it did not."""

    reranker: Reranker
    weak_in: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.reranker.name + (f" (not for {', '.join(self.weak_in)})" if self.weak_in else "")


def check_reranker(reranker: Reranker) -> CheckedReranker:
    """Ask it sixteen questions, of which those in English must find their answers.

    Raises ConfigurationError where one does not, and ServerUnavailable where the reranker is away.
    """
    if wrong := _wrong(reranker, _ENGLISH):
        raise ConfigurationError(
            f"the reranker {reranker.name} is refused: {wrong}. A language model made a reranker needs its template, "
            "and a model its trained head; sectorkit models serve gives those of the catalogue what they need. "
            "Correct that, choose another in SECTORKIT_RERANK_MODEL, or unset it"
        )
    return CheckedReranker(reranker, tuple(name for name, cases in _OTHERS.items() if _wrong(reranker, cases)))


def _wrong(reranker: Reranker, cases: Sequence[tuple[str, str]]) -> str | None:
    """What is wrong, in words, at the first question where something is; None where each finds its own answer."""
    answers = [answer for _, answer in cases]
    for n, (question, answer) in enumerate(cases):
        scores = reranker.scores(question, answers)
        if wrong := trouble(scores, len(answers)):
            return f"it gave {wrong}"
        if min(scores) == max(scores):
            return f"it scores every text {scores[0]:g}"
        first = max(range(len(scores)), key=lambda m: (scores[m], m != n))  # of two alike, the one that is wrong
        if first != n:
            return (
                f"asked {question!r}, it puts {answers[first]!r} ({scores[first]:.3g}) "
                f"before {answer!r} ({scores[n]:.3g})"
            )
    return None
