"""MedQuAD and LiveQA: consumers' health questions, with graded judgements of answers by the NIH.

The corpus is the answers of upstream's nine open folders (16,407). Only judgements that resolve to one of them count: 60
questions have an answer judged related or better. Unjudged answers count as wrong, and "judged@10" says how many of the
ten were judged at all: the pool is shallow. LiveQA's own score is that of the first answer, 0 to 3, here over
these 60: the sources that most judgements name were withdrawn upstream, so it is not comparable with published ones.

`--set folders=core` leaves out the two collections on rare and genetic diseases, two thirds of the answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectoreval.measures import Measure, mean
from sectoreval.rankings import HIT_5, RETRIEVAL, score_ranking
from sectoreval.searching import search
from sectorkit.bench.beir import BeirDocument
from sectorkit.errors import ConfigurationError, UnknownName

FOLDERS = ("all", "core")
_RARE = ("2_GARD_QA", "3_GHR_QA")


def cases(context: Context) -> list[Case]:
    """The 60 questions with a related answer in the corpus, as the person wrote them: subject and message."""
    return [
        Case(key, text, {"question": text, "qrels": judged})
        for key, (text, judged) in questions(context.data("medquad_liveqa"), _folders(context)).items()
    ]


def _folders(context: Context) -> str:
    folders = context.option("folders", "all")
    if folders not in FOLDERS:
        raise UnknownName("set of folders", folders, list(FOLDERS))
    return folders


@cache
def questions(folder: Path, folders: str) -> dict[str, tuple[str, dict[str, int]]]:
    """Question and judgements (answer -> 0 to 3) by id, of questions with some answer above 0 in the corpus."""
    from lxml import etree

    known = {document.id for document in answers(folder, folders).documents}
    judged: dict[str, dict[str, int]] = {}
    (path,) = sorted((folder / "qrels").glob("All-qrels*.txt"))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        parts = line.split()
        if len(parts) != 3 or parts[1][:1] not in "1234":
            raise ConfigurationError(f"{path}, line {number}: not question, judgement and answer; correct or remove it")
        if (answer := parts[2].removesuffix(".txt")) in known:
            judged.setdefault(parts[0], {})[answer] = int(parts[1][0]) - 1
    (asked,) = sorted((folder / "liveqa/TestDataset").glob("*w-summaries*.xml"))
    found: dict[str, tuple[str, dict[str, int]]] = {}
    for question in etree.parse(asked).iter("NLM-QUESTION"):
        key = str(question.get("qid", "")).removeprefix("TQ")
        text = " ".join(question.findtext(f"Original-Question/{part}") or "" for part in ("SUBJECT", "MESSAGE")).strip()
        if any(score > 0 for score in judged.get(key, {}).values()):
            found[key] = text, judged[key]
    return found


def _documents(context: Context) -> Corpus:
    return answers(context.data("medquad_liveqa"), _folders(context))


@cache
def answers(folder: Path, folders: str) -> Corpus:
    """The corpus; its questions are left to `questions`, which has to know it."""
    return Corpus(f"medquad-{folders}", list(_answers(folder, folders)), {"0": "what is it?"}, {"0": {"none": 1}})


def _answers(folder: Path, folders: str) -> Iterator[BeirDocument]:
    from lxml import etree

    seen: set[str] = set()
    for path in sorted((folder / "medquad").glob("*/*.xml")):
        if folders == "core" and path.parent.name in _RARE:
            continue
        document = etree.parse(path).getroot()
        title = document.findtext("Focus") or ""
        for pair in document.iter("QAPair"):
            key = f"{document.get('source')}_{document.get('id')}_Sec{pair.get('pid')}"
            if (text := (pair.findtext("Answer") or "").strip()) and key not in seen:
                seen.add(key)
                yield BeirDocument(key, title, text)


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    scored = score_ranking(gold, reply)
    ranking = list(reply["ranking"]) if reply else []
    first = gold["qrels"].get(ranking[0], 0) if ranking else 0
    values = {
        **scored.values, "first": float(first), "judged": sum(d in gold["qrels"] for d in ranking) / 10,
        "succ2": float(first >= 1), "succ3": float(first >= 2), "succ4": float(first >= 3),
    }  # fmt: skip
    return Scored(values, scored.outcome, scored.said, scored.expected)


BENCHMARK = Benchmark(
    name="medquad_liveqa",
    title="MedQuAD, consumers' health questions",
    sector="healthcare",
    source="medquad_liveqa",
    arms=("lexical", "dense", "hybrid", "reranked"),
    measures=(
        RETRIEVAL[1],
        *(m for m in RETRIEVAL if m is not RETRIEVAL[1]),
        mean(HIT_5, about="a related answer is among the first five"),
        Measure(
            "avgScore", ("first",), "LiveQA's own score of the first answer, 0 to 3; unjudged is 0", bounds=(0.0, 3.0)
        ),
        mean("succ@2+", "succ2", about="the first answer is related or better"),
        mean("succ@3+", "succ3", about="the first answer is right, if incomplete"),
        mean("succ@4+", "succ4", about="the first answer is excellent"),
        mean("judged@10", "judged", about="share of the first ten that anybody judged"),
    ),
    cases=cases,
    solve=lambda context, arm: search(context, arm, opened=context.index(_documents(context))),
    score=score,
    needs_model=False,
    options=("folders",),
    documents=_documents,
)
