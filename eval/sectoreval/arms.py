"""Arms: the named ways to run the same cases. What differs between two arms is what their difference measures."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from sectorkit.errors import UnknownName

Arm: TypeAlias = Literal["closed_book", "guided", "rules", "both", "lexical", "dense", "hybrid", "reranked", "oracle"]

ARMS: Final[dict[Arm, str]] = {
    "closed_book": "the model alone, without documents",
    "guided": "the model alone, which chooses with the nearest guidance before it",
    "rules": "the app's own rules, without documents and without a model",
    "both": "the app's rules and guidance, and a model that can raise what they say",
    "lexical": "passages found by words",
    "dense": "passages found by vectors",
    "hybrid": "passages found by words and vectors, as the apps search",
    "reranked": "the same, ordered by a reranker",
    "oracle": "passages of the right documents alone, as many as the app's prompt holds",
}
SEARCHES: Final[tuple[Arm, ...]] = ("lexical", "dense", "hybrid", "reranked")

assert set(ARMS) == set(get_args(Arm))


def check_arms(wanted: list[str], benchmark: str, known: tuple[Arm, ...]) -> list[Arm]:
    """The arms by name, each once, in order. UnknownName lists those that the benchmark has."""
    found = {str(arm): arm for arm in known}
    for name in wanted:
        if name not in found:
            raise UnknownName(f"arm of {benchmark}", name, list(found))
    return [found[name] for name in dict.fromkeys(wanted)]
