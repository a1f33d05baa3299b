"""The sample corpus of the governance app: what it must hold, and that its files are what their sources say."""

from __future__ import annotations

import re
import runpy
import shutil
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from governance_search import APP
from sectorkit.errors import UnknownName
from sectorkit.golden import locate, read_golden
from sectorkit.injection import injected_spans
from sectorkit.models.catalogue import find_model
from sectorkit.retrieval.corpus import METADATA_FILE, scan
from sectorkit.retrieval.known import is_current, read_known
from sectorkit.retrieval.language import detect_language
from sectorkit.retrieval.parse import ParsedDocument, parse
from sectorkit.settings import Settings

FOLDER = APP.corpus.parent
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True)
class Parsed:
    """The corpus as it parses; it stands in for the one method of an index that `locate` needs."""

    documents: dict[str, ParsedDocument]

    def document(self, source: str) -> ParsedDocument:
        if source not in self.documents:
            raise UnknownName("document", source, list(self.documents))
        return self.documents[source]


@pytest.fixture(scope="module")
def corpus() -> Parsed:
    files, skipped = scan(APP.corpus)
    assert skipped == []
    return Parsed({file.source: parse(file.path) for file in files})


@pytest.fixture(scope="module")
def declared() -> dict[str, dict[str, object]]:
    return tomllib.loads((APP.corpus / METADATA_FILE).read_text(encoding="utf-8"))


def word_count(text: str) -> float:
    """Words between white space that hold a letter or digit; of Chinese, a word for each one and a half characters,
    the mean length of a Chinese word."""
    latin = HAN.sub(" ", text).split()
    return sum(any(c.isalnum() for c in word) for word in latin) + len(HAN.findall(text)) / 1.5


def test_there_is_enough_to_search(corpus: Parsed) -> None:
    assert len(corpus.documents) >= 15
    assert sum(word_count(document.text) for document in corpus.documents.values()) >= 30_000


def test_words_are_counted_in_every_script() -> None:
    assert word_count("Two words | — 35 VLM") == 4
    assert word_count("押金不得超过两个") == pytest.approx(8 / 1.5)


@pytest.mark.parametrize("suffix", [".md", ".html", ".pdf", ".docx"])
def test_every_format_is_there_more_than_once(corpus: Parsed, suffix: str) -> None:
    assert sum(source.endswith(suffix) for source in corpus.documents) >= 2


@pytest.mark.parametrize("language", ["en", "fr", "zh"])
def test_every_language_is_there_and_is_what_is_declared(
    corpus: Parsed, declared: dict[str, dict[str, object]], language: str
) -> None:
    of_it = [source for source, entry in declared.items() if entry["language"] == language]
    assert len(of_it) >= 3
    assert {detect_language(corpus.document(source).text) for source in of_it} == {language}


def test_every_document_is_declared_and_no_other(corpus: Parsed, declared: dict[str, dict[str, object]]) -> None:
    assert set(declared) == set(corpus.documents)
    for source, entry in declared.items():
        assert {"title", "language", "kind", "issuer", "valid_from", "status"} <= set(entry), source


def test_every_document_is_read_whole_and_has_an_outline(corpus: Parsed) -> None:
    for source, document in corpus.documents.items():
        assert document.notes == (), source
        assert sum(block.kind == "heading" for block in document.blocks) >= 3, source


def test_one_rule_is_superseded_by_another_that_begins_the_day_after(declared: dict[str, dict[str, object]]) -> None:
    (old,) = [source for source, entry in declared.items() if entry["status"] == "superseded"]
    (new,) = [source for source, entry in declared.items() if entry.get("supersedes") == old]
    ended, began = declared[old]["valid_to"], declared[new]["valid_from"]
    assert (began - ended).days == 1  # type: ignore[operator]
    assert declared[new]["status"] == "in_force"


def test_exactly_the_documented_one_addresses_a_model(corpus: Parsed) -> None:
    aimed = {s: injected_spans(d.text) for s, d in corpus.documents.items() if injected_spans(d.text)}
    assert set(aimed) == {"submission-taxi-consultation.html"}
    assert len(aimed["submission-taxi-consultation.html"]) == 1
    assert "submission, carries a paragraph aimed at language models" in (FOLDER / "README.md").read_text(
        encoding="utf-8"
    )


# -- golden questions ---------------------------------------------------------------------------------------------


def test_there_are_enough_questions_with_and_without_an_answer() -> None:
    cases = read_golden(APP.golden)
    assert len(cases) >= 40
    assert sum(not case.answerable for case in cases) >= 10
    assert len({case.id for case in cases}) == len({case.question for case in cases}) == len(cases)


def test_questions_come_in_every_language_and_some_cross_it(declared: dict[str, dict[str, object]]) -> None:
    cases = read_golden(APP.golden)
    assert min(Counter(case.language for case in cases)[language] for language in ("en", "fr", "zh")) >= 5
    crossing = [c for c in cases if any(declared[q.source]["language"] != c.language for q in c.evidence)]
    assert len(crossing) >= 3


def test_every_question_is_in_the_language_that_it_says() -> None:
    wrong = [case.id for case in read_golden(APP.golden) if detect_language(case.question) != case.language]
    assert wrong == []


def test_every_golden_quote_stands_in_its_document_and_says_something(corpus: Parsed) -> None:
    quotes = [(case.id, quote) for case in read_golden(APP.golden) for quote in case.evidence]
    assert [(name, quote) for name, quote in quotes if locate(quote, corpus) is None] == []  # type: ignore[arg-type]
    assert [(name, quote) for name, quote in quotes if len(quote.text.strip()) < 6] == []


def test_the_readme_states_the_counts(corpus: Parsed) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    cases = read_golden(APP.golden)
    assert f"holds {len(corpus.documents)} sample documents" in readme
    assert f"holds {len(cases)} questions" in readme
    assert f"{sum(not case.answerable for case in cases)} have no answer" in readme


# -- built files --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh build of the PDF and DOCX files, beside a copy of the script and its sources."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copy(FOLDER / "build_corpus.py", folder)
    shutil.copytree(FOLDER / "sources", folder / "sources")
    (folder / "corpus").mkdir()
    shutil.copy(APP.corpus / METADATA_FILE, folder / "corpus")
    runpy.run_path(str(folder / "build_corpus.py"), run_name="__main__")
    return folder / "corpus"


def test_every_pdf_and_docx_is_built_from_its_source(built: Path, corpus: Parsed) -> None:
    made = {path.name for path in built.iterdir()} - {METADATA_FILE}
    assert made == {source for source in corpus.documents if source.endswith((".pdf", ".docx"))}
    for name in sorted(made):
        fresh, kept = parse(built / name), corpus.document(name)
        assert (fresh.text, fresh.blocks, fresh.title) == (kept.text, kept.blocks, kept.title), name


def test_the_same_sources_give_the_same_bytes(built: Path) -> None:
    before = {path.name: path.read_bytes() for path in built.iterdir() if path.suffix in (".pdf", ".docx")}
    runpy.run_path(str(built.parent / "build_corpus.py"), run_name="__main__")
    assert [name for name, content in before.items() if (built / name).read_bytes() != content] == []


def test_the_vectors_that_come_with_it_are_of_these_documents_and_of_the_model_that_is_used() -> None:
    model = find_model(Settings().embed_model, "embedding")
    known = read_known(APP.vectors, f"{model.name}@{model.revision}")
    assert is_current(APP.vectors, APP.corpus), "the documents changed: sectorkit index vectors governance_search"
    assert len(known) > 400
    for vector in known.values():
        assert vector.shape == (model.dimension,)
        assert sum(float(x) ** 2 for x in vector) == pytest.approx(1, abs=0.01)
