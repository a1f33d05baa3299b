"""Sets for peers.py: documents and questions with their right documents, read from public benchmarks as upstream has them.

s10        451 sections of a telephone's manual, 49 questions (Apache-2.0)
omos-LL    OMoS-QA: 617 pages of German cities in de, en, fr, ar or uk, the test split's answerable questions (CC BY 4.0)
medquad    answers about health: all that are judged related or better for 60 consumers' questions, and others, drawn
           by a seed, up to 2,000 (CC BY 4.0)
lecoqa     1,445 articles of Chinese statutes, 309 questions of laypeople, test split (MIT)
FOLDER     any benchmark in BEIR's format
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lexical import load

from sectorkit.bench.beir import read_beir

SEED = 0
MEDQUAD = 2000


@dataclass(frozen=True)
class BenchSet:
    """`documents` by file name, their title on the first line; `qrels` is by a question's key, then by file name."""

    name: str
    documents: Mapping[str, str]
    questions: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


def read_set(name: str, data: Path, *, documents: int | None = None, questions: int | None = None) -> BenchSet:
    """A set, cut down to so many documents and questions where that is asked; right documents stay.

    Raises UnknownName for a name that is none, OSError and ConfigurationError for files that are missing.
    """
    texts, asked, right = _read(name, data)
    chosen = _sample(sorted(asked), questions)
    wanted = {document for key in chosen for document in right[key]} & texts.keys()
    limit = documents or (MEDQUAD if name == "medquad" else None)
    if limit is not None:
        wanted = {document for key in asked for document in right[key]} & texts.keys() if questions is None else wanted
        wanted |= set(_sample(sorted(texts.keys() - wanted), max(0, limit - len(wanted))))
        texts = {key: text for key, text in texts.items() if key in wanted}
    # Neutral names: no system gets to know more of a document by its name.
    files = {key: f"{number:05}.txt" for number, key in enumerate(texts)}
    return BenchSet(
        name,
        {files[key]: text for key, text in texts.items()},
        {key: asked[key] for key in chosen},
        {key: {files.get(d, d): score for d, score in right[key].items()} for key in chosen},
    )


def _sample(keys: list[str], limit: int | None) -> list[str]:
    return keys if limit is None or limit >= len(keys) else sorted(random.Random(SEED).sample(keys, limit))


def _read(name: str, data: Path) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    """Texts by document, questions by key, and the right documents of each."""
    if name.startswith("omos-"):
        return _omos(data / "governance/omos-qa/dataset/languages", name.removeprefix("omos-"))
    if name in ("s10", "medquad", "lecoqa"):
        task = load(name, data, "test")
        texts = {str(p.id): _titled(p.metadata["title"], p.page_content) for p in task.passages}
        asked = {str(number): question for number, (question, _) in enumerate(task.questions)}
        return texts, asked, {str(n): dict.fromkeys(found, 1) for n, (_, found) in enumerate(task.questions)}
    benchmark = read_beir(Path(name))
    texts = {d.id: text for d in benchmark.documents() if (text := _titled(d.title, d.text))}
    return texts, dict(benchmark.queries), {key: dict(found) for key, found in benchmark.qrels.items()}


def _omos(data: Path, language: str) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    texts: dict[str, str] = {}
    asked: dict[str, str] = {}
    right: dict[str, dict[str, int]] = {}
    for split in ("train", "dev", "test"):
        lines = (data / language / "splits" / f"{split}_{language}.jsonl").read_text(encoding="utf-8").splitlines()
        for number, case in enumerate(map(json.loads, lines)):
            page = f"{case['city']}-{case['pageId']}"
            texts[page] = case["context"]
            if split == "test" and case["answers"]:
                asked[str(number)], right[str(number)] = case["question"], {page: 1}
    return texts, asked, right


def _titled(title: str, text: str) -> str:
    return text if not title or text.startswith(title) else f"{title}\n\n{text}".strip()
