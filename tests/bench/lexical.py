"""Search by words alone, in nine languages: hit@1, Recall@10 and MRR@10, by the index of words as it is.

    .venv/bin/python tests/bench/lexical.py --data-dir BENCHMARKS [--split test] [--only lecoqa omos-de ...]

`BENCHMARKS` holds the public sets below as upstream has them. No embedder takes part: a page is cut at about 220 x 4
characters. Tuning is done on `--split train` (of OMoS-QA: train and dev); the sets without a split are only reported.

    lecoqa     Chinese statutes: the 1,445 articles that any question names, a layperson's questions (MIT)
    omos-LL    OMoS-QA: 617 pages in de, en, fr, ar, uk, and questions in the same language (CC BY 4.0)
    xquad-LL   XQuAD: 240 paragraphs in en, es, ar, ru, hi, zh; no split (CC BY-SA 4.0)
    s10        451 sections of a telephone's manual, 49 questions; no split (Apache-2.0)
    medquad    16,373 answers about health, 60 questions by consumers with an answer judged related or better; no split (CC BY 4.0)
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from langchain_core.documents import Document
from lxml import etree

from sectorkit.models.hardware import described
from sectorkit.retrieval.chunk import chunk
from sectorkit.retrieval.lexical import LexicalIndex
from sectorkit.retrieval.parse import parse
from sectorkit.stats import interval

NAMES = (
    "lecoqa",
    *(f"omos-{language}" for language in ("de", "en", "fr", "ar", "uk")),
    *(f"xquad-{language}" for language in ("en", "es", "ar", "ru", "hi", "zh")),
    "s10",
    "medquad",
)


class Task(NamedTuple):
    """Passages whose metadata's `source` is what is to be found, and `(question, right sources)`."""

    passages: list[Document]
    questions: list[tuple[str, set[str]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES)
    options = parser.parse_args()
    print(f"split {options.split}, where there is one; {described()}")
    print("| set | n | hit@1 | Recall@10 | MRR@10 | indexed in s | ms a question |\n|---|---|---|---|---|---|---|")
    for name in options.only:
        task = load(name, options.data_dir, options.split)
        with tempfile.TemporaryDirectory() as folder:
            index = LexicalIndex(Path(folder))
            began = time.perf_counter()
            index.update(add=task.passages)
            indexed = time.perf_counter()
            sources = {str(p.id): str(p.metadata["source"]) for p in task.passages}
            found = [_ranked(index, question, sources) for question, _ in task.questions]
            spent = (time.perf_counter() - indexed) / len(task.questions)
        cases = [(ranked, right) for ranked, (_, right) in zip(found, task.questions, strict=True)]
        first = [float(bool(right & set(ranked[:1]))) for ranked, right in cases]
        recall = [len(right & set(ranked)) / len(right) for ranked, right in cases]
        reciprocal = [next((1 / n for n, s in enumerate(ranked, 1) if s in right), 0.0) for ranked, right in cases]
        scores = f"{interval(first)} | {interval(recall)} | {interval(reciprocal)}"
        print(f"| {name} | {len(cases)} | {scores} | {indexed - began:.1f} | {1000 * spent:.1f} |", flush=True)


def _ranked(index: LexicalIndex, question: str, sources: dict[str, str]) -> list[str]:
    """The first ten distinct sources."""
    return list(dict.fromkeys(sources[i] for i, _ in index.search(question, 60)))[:10]


def load(name: str, data: Path, split: str) -> Task:
    kind, _, language = name.partition("-")
    if kind == "omos":
        return _omos(data / "governance/omos-qa/dataset/languages" / language / "splits", language, split)
    if kind == "xquad":
        return _xquad(data / f"trust/xquad/xquad.{language}.json")
    if kind == "lecoqa":
        return _lecoqa(data / "governance/lecoqa/data", split)
    return _s10(data / "manufacturing/emanual-qa/s10") if kind == "s10" else _medquad(data)


def _passage(source: str, text: str, title: str = "") -> Document:
    return Document(id=source, page_content=text, metadata={"source": source, "title": title})


def _lecoqa(data: Path, split: str) -> Task:
    articles: dict[str, str] = {}
    for record in json.loads((data / "queries.json").read_text(encoding="utf-8")):
        articles |= record["相关法规"]
    asked = json.loads((data / f"example/{split}.json").read_text(encoding="utf-8"))
    questions = [(record["问题"], set(record["相关法规"])) for record in asked if record["相关法规"]]
    return Task([_passage(name, text.strip(), name) for name, text in articles.items()], questions)


def _omos(data: Path, language: str, split: str) -> Task:
    pages: dict[str, str] = {}
    questions = []
    for part in ("train", "dev", "test"):
        for case in map(json.loads, (data / f"{part}_{language}.jsonl").read_text(encoding="utf-8").splitlines()):
            page = f"{case['city']}-{case['pageId']}"
            pages[page] = case["context"]
            if case["answers"] and (part == "test") == (split == "test"):
                questions.append((case["question"], {page}))
    passages = []
    with tempfile.TemporaryDirectory() as folder:
        for page, text in pages.items():
            file = Path(folder, f"{page}.txt")
            file.write_text(text, encoding="utf-8")
            parsed = parse(file)
            metadata = {"title": parsed.title or page}
            passages += chunk(parsed, source=page, metadata=metadata, count=lambda part: len(part) // 4)
    return Task(passages, questions)


def _xquad(file: Path) -> Task:
    passages, questions = [], []
    for a, article in enumerate(json.loads(file.read_text(encoding="utf-8"))["data"]):
        for n, paragraph in enumerate(article["paragraphs"]):
            passages.append(_passage(f"{a}.{n}", paragraph["context"]))
            questions += [(asked["question"], {f"{a}.{n}"}) for asked in paragraph["qas"]]
    return Task(passages, questions)


def _s10(data: Path) -> Task:
    sections = json.loads((data / "s10_manual_corpus.json").read_text(encoding="utf-8"))
    paths = {
        key: ">".join(sections[part]["title"] for part in section["section_hierarchy"].split(">"))
        for key, section in sections.items()
    }
    passages = [_passage(key, " ".join(section["text"]), section["title"]) for key, section in sections.items()]
    with (data / "s10_50_questions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    asked = [(row["question"], {key for key, path in paths.items() if path == row["section_path"]}) for row in rows]
    return Task(passages, [(question, right) for question, right in asked if right])


def _medquad(data: Path) -> Task:
    home = data / "healthcare/medquad-liveqa-retrieval"
    passages = list(_answers(home / "medquad"))
    known = {str(p.id) for p in passages}
    right: dict[str, set[str]] = {}
    (judged,) = (home / "qrels").iterdir()
    for line in judged.read_text(encoding="utf-8").splitlines():
        number, judgment, answer = line.split()
        key = answer.removesuffix(".txt")
        if judgment[0] != "1" and key in known:
            right.setdefault(number, set()).add(key)
    (asked,) = (home / "liveqa/TestDataset").glob("*w-summaries*.xml")
    questions = []
    for question in etree.parse(asked).iter("NLM-QUESTION"):
        text = " ".join(question.findtext(f"Original-Question/{part}") or "" for part in ("SUBJECT", "MESSAGE"))
        if found := right.get(question.get("qid", "").removeprefix("TQ")):
            questions.append((text, found))
    return Task(passages, questions)


def _answers(folder: Path) -> Iterator[Document]:
    for file in sorted(folder.glob("*/*.xml")):
        document = etree.parse(file).getroot()
        for pair in document.iter("QAPair"):
            key = f"{document.get('source')}_{document.get('id')}_Sec{pair.get('pid')}"
            if answer := (pair.findtext("Answer") or "").strip():
                yield _passage(key, answer, document.findtext("Focus") or "")


if __name__ == "__main__":
    main()
