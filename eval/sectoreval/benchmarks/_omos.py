"""OMoS-QA's data, for the three benchmarks on it: pages for newcomers by German local governments, in five languages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sectoreval.benchmark import Case
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import read_jsonl
from sectorkit.errors import UnknownName

LANGUAGES = ("de", "en", "fr", "ar", "uk")
SPLITS = ("train", "dev", "test")


def chosen(context: Context, default: str) -> list[str]:
    """The languages that questions are asked in: `--set languages=de,ar`. UnknownName for another."""
    languages = context.option("languages", default).split(",")
    for language in languages:
        if language not in LANGUAGES:
            raise UnknownName("language of OMoS-QA", language, list(LANGUAGES))
    return languages


def entries(folder: Path, language: str, split: str) -> list[dict[str, Any]]:
    """The records of a split, as upstream has them."""
    path = folder / "dataset" / "languages" / language / "splits" / f"{split}_{language}.jsonl"
    return [entry for _, entry in read_jsonl(path)]


def page(entry: dict[str, Any]) -> str:
    return f"{entry['city']}-{entry['pageId']}"


@cache
def pages(folder: Path, language: str) -> Corpus:
    """All 617 pages in one language; its questions are those of the test split that their page answers."""
    texts: dict[str, BeirDocument] = {}
    questions: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        for entry in entries(folder, language, split):
            texts[page(entry)] = BeirDocument(page(entry), "", entry["context"], {"city": entry["city"]})
            if split == "test" and entry["answers"]:
                questions[str(entry["id"])] = entry["question"]
                qrels[str(entry["id"])] = {page(entry): 1}
    return Corpus(f"omos-qa-{language}", list(texts.values()), questions, qrels)


def searched(context: Context, default: str) -> str:
    """The language of the pages: `--set pages=de`; else that of the questions, or German where they are of several."""
    languages = chosen(context, default)
    language = context.option("pages", languages[0] if len(languages) == 1 else "de")
    if language not in LANGUAGES:
        raise UnknownName("language of OMoS-QA", language, list(LANGUAGES))
    return language


def cases(context: Context, *, default: str, answerable_only: bool) -> list[Case]:
    """The test split's questions in the chosen languages, in the order of the data, language by language.

    A question in another language is about the same page, of which the gold lines are the same. `context` of a gold is
    the page in the language that is searched.
    """
    folder = context.data("omos_qa")
    split = context.option("split", "test")
    if split not in SPLITS:
        raise UnknownName("split of OMoS-QA", split, list(SPLITS))
    contexts = {entry["id"]: entry["context"] for entry in entries(folder, searched(context, default), split)}
    return [
        Case(
            f"{language}-{entry['id']}", entry["question"],
            {
                "question": entry["question"], "right": [page(entry)], "qrels": {page(entry): 1},
                "lines": entry["answers"], "context": contexts[entry["id"]], "language": language,
            },
            cluster=page(entry), groups={"language": language, "city": entry["city"]},
        )
        for language in chosen(context, default)
        for entry in entries(folder, language, split)
        if entry["answers"] or not answerable_only
    ]  # fmt: skip
