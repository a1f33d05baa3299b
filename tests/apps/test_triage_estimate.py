"""The estimate of healthcare triage: learned from written examples, above the rules' floor and never under it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthcare_triage import APP, estimate
from healthcare_triage.assessment import Assessment, assess
from healthcare_triage.estimate import COSTS, digest, examples, learned_file, searched_text, shipped
from healthcare_triage.page import reasons_html
from healthcare_triage.patient import read_patient
from healthcare_triage.rules import FOLDER, LEVELS, Rules
from healthcare_triage.signing import entry
from sectorkit.errors import ConfigurationError, ServerUnavailable
from sectorkit.fakes import FakeEmbedder
from sectorkit.learned import Learned, learn, read_learned
from sectorkit.retrieval.index import Index
from sectorkit.settings import Settings

RULES = Rules()
EMBEDDERS = ("embeddinggemma-300m", "minilm-l6-v2")


class Wordy(FakeEmbedder):
    """A fake embedder that something was learned for."""

    def __init__(self) -> None:
        super().__init__(fingerprint="wordy@1")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index.open(tmp_path_factory.mktemp("index"), Wordy())
    opened.sync(APP.corpus)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def words() -> Learned:
    """What a bag of words learns of all examples' texts in English of two kinds of writers: little, and enough here."""
    some = [one for one in examples() if one.writer.startswith(("messages", "children"))]
    vectors = [Wordy().embed_query(searched_text(one.said)) for one in some]
    classes, writers = [LEVELS.index(one.level) for one in some], [one.writer for one in some]
    texts = [one.said for one in some]
    return learn(vectors, classes, writers, texts=texts, fingerprint="wordy@1", of=digest())[0]


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch, words: Learned) -> None:
    some = tuple(one for one in examples() if one.writer.startswith(("messages", "children")))
    monkeypatch.setattr(estimate, "examples", lambda: some)
    monkeypatch.setattr("healthcare_triage.assessment.shipped", lambda fingerprint: words)


def found(said: str, index: Index, **known: str) -> Assessment:
    return assess(read_patient(said, **known), RULES, index)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EMBEDDERS)
def test_what_is_shipped_was_learned_from_the_examples_as_they_are(name: str) -> None:
    learned = shipped(f"{name}@whatever")
    assert learned is None  # another revision makes other vectors
    learned = read_learned(learned_file(name))
    assert learned.of == digest()
    assert shipped(learned.fingerprint) is not None
    assert learned.vectors.shape[0] == len(learned.weights) == len(examples())


def test_every_example_is_one_and_no_two_are_alike() -> None:
    for file in sorted((FOLDER / "examples").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            read = json.loads(line)
            assert read["said"].strip() == read["said"] != ""
            assert read["level"] in LEVELS
            assert set(read.get("may", [])) <= set(LEVELS)
            assert 1 <= read.get("esi", 3) <= 5
            assert read["because"]
    said = Counter(" ".join(one.said.casefold().split()) for one in examples())
    assert max(said.values()) == 1
    levels = Counter(one.level for one in examples())
    assert min(levels.values()) > 1_000


def test_no_example_shares_eight_words_in_a_row_with_a_case_that_measures_it() -> None:
    def rows(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.casefold())
        return {tuple(words[at : at + 8]) for at in range(len(words) - 7)}

    files = [FOLDER / f"cases-{which}.jsonl" for which in ("held-out", "writers")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    measured = set().union(*(rows(json.loads(line)["said"]) for line in lines))
    assert len(measured) > 1_000
    shared = [one.writer for one in examples() if rows(one.said) & measured]
    assert shared == []


def test_an_emergency_costs_most_to_miss_and_to_be_right_costs_nothing() -> None:
    assert [row[at] for at, row in enumerate(COSTS)] == [0, 0, 0, 0]
    assert all(list(row) == [abs(at - said) for said in range(4)] for at, row in enumerate(COSTS[:3]))
    assert COSTS[3][:3] == (15, 10, 5)


def test_an_example_s_own_words_get_its_level_and_bring_it_up(index: Index, taught: None) -> None:
    one = next(one for one in examples() if one.writer == "messages-1" and one.level == "self-care")
    made = found(one.said, index).estimate
    assert made is not None
    assert made.shares["self-care"] > 0.4
    assert sum(made.shares.values()) == pytest.approx(1, abs=1e-5)
    assert made.alike[0] == one
    assert len(made.alike) == 3


def test_what_no_example_is_like_is_left_to_the_guidance(index: Index, taught: None) -> None:
    assert found("qwertz asdfgh yxcvbn", index).estimate is None
    assert found("Hello, thank you for your time.", index).estimate is None


@pytest.mark.usefixtures("taught")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([
    "I have a cold", "my back hurts", "My chest has a crushing pain", "he is not breathing", "no fever", "I took too many tablets", "it is itchy", "She is unresponsive",
]), min_size=1, max_size=4))  # fmt: skip
def test_the_estimate_never_goes_under_the_rules(index: Index, sentences: list[str]) -> None:
    said = ". ".join(sentences)
    made = found(said, index)
    floor = RULES.floor(read_patient(said)).level or LEVELS[0]
    assert LEVELS.index(made.level) >= LEVELS.index(floor)
    if made.raised_by == "examples":
        assert made.estimate is not None
        assert made.level == made.estimate.level


def test_answers_do_not_change_the_estimate(index: Index, taught: None) -> None:
    before = found("I have a cold and my nose runs", index)
    after = assess(
        read_patient("I have a cold and my nose runs", confirmed={"fever": "Is there a fever? Yes"}), RULES, index
    )
    assert before.estimate is not None
    assert before.estimate == after.estimate
    assert LEVELS.index(after.level) >= LEVELS.index(before.level)


def test_where_nothing_was_learned_it_is_said_and_the_guidance_stands_in(index: Index) -> None:
    made = found("I burnt my hand with hot water", index)
    assert made.estimate is None
    assert made.raised_by in ("rules", "guidance")
    assert "Nothing was learned from the examples" in " ".join(made.notes)


def test_where_it_fails_the_level_is_still_made_and_it_is_said(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ServerUnavailable("the embeddings are away")

    monkeypatch.setattr("healthcare_triage.assessment.shipped", away)
    made = found("He is not breathing", index)
    assert made.level == "emergency"
    assert "the embeddings are away" in " ".join(made.notes)


@pytest.mark.parametrize("vector", [[float("nan")] * 256, [None] * 256, [1.0] * 3])
def test_a_vector_that_is_none_makes_no_estimate(
    vector: list[float], words: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = Wordy()
    monkeypatch.setattr(embedder, "embed_query", lambda text: vector)
    with pytest.raises(ServerUnavailable, match="no vector of its kind"):
        estimate.estimate("I have a cold", words, embedder)


def test_examples_that_were_changed_since_are_said_to_be(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    monkeypatch.setattr(estimate, "digest", lambda: "another")
    shipped.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"learn anew: python -m healthcare_triage\.estimate"):
            shipped(read_learned(learned_file("minilm-l6-v2")).fingerprint)
    finally:
        shipped.cache_clear()


def test_a_line_that_is_no_example_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    monkeypatch.setattr(estimate, "_files", lambda: [file])
    for line in ('{"said": "a", "level": "dire", "because": "b"}', '{"said": "a"}', "{", "[]"):
        examples.cache_clear()
        file.write_text(f'{{"said": "a", "level": "urgent", "because": "b"}}\n{line}\n', encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"mine\.jsonl, line 2"):
            examples()
    examples.cache_clear()


def test_how_likely_each_level_is_and_like_which_examples_is_shown(index: Index, taught: None) -> None:
    made = found("my little boy has a runny nose and a cough, he drinks and plays", index)
    assert made.estimate is not None
    page = reasons_html("healthcare_triage", made)
    assert "written examples" in page
    assert all(one.because.split()[0] in page for one in made.estimate.alike)
    assert page.index("Self-care</td>") > page.index("Emergency</td>")  # the most urgent first
    logged = entry(made)
    assert set(logged["estimate"]) == set(LEVELS)
    assert "runny" not in json.dumps(logged)


@pytest.mark.embedder
@pytest.mark.parametrize("name", EMBEDDERS)
def test_the_real_embedder_makes_the_vectors_that_were_learned_from(session_settings: Settings, name: str) -> None:
    from sectorkit.models.catalogue import find_model
    from sectorkit.retrieval.embed import LocalEmbedder

    folder = session_settings.models_dir / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not here")
    embedder, learned = LocalEmbedder(find_model(name), folder), read_learned(learned_file(name))
    assert learned.fingerprint == embedder.fingerprint
    for at in range(0, len(examples()), 500):
        similar = learned.similar(embedder.embed_query(searched_text(examples()[at].said)))
        assert similar[at] > 0.99
        assert similar.argmax() == at


@pytest.mark.embedder
def test_with_a_real_embedder_the_clear_cases_are_clear(session_settings: Settings) -> None:
    from sectorkit.models.catalogue import find_model
    from sectorkit.retrieval.embed import LocalEmbedder

    embedder = LocalEmbedder(find_model("minilm-l6-v2"), session_settings.models_dir / "minilm-l6-v2")
    learned = shipped(embedder.fingerprint)
    assert learned is not None
    for said, levels in (
        ("Sudden crushing chest pain going down my left arm, sweating and short of breath", {"emergency"}),
        ("I have a runny nose and sneeze since yesterday, no fever, I feel fine otherwise", {"self-care"}),
        ("I need a new prescription for my contraceptive pill next week", {"routine", "self-care"}),
    ):
        made = estimate.estimate(said, learned, embedder)
        assert made is not None
        assert made.level in levels, (said, made.shares)
    assert estimate.estimate("The hydraulic pump leaks oil onto the conveyor", learned, embedder) is None


@pytest.mark.parametrize("name", EMBEDDERS)
def test_the_kept_weights_are_those_of_the_kept_vectors(name: str) -> None:
    """They solve the regression's equations, (kernel + ridge) weights = levels - mean, of which some rows are looked at."""
    kept, rows = read_learned(learned_file(name)), np.arange(0, len(examples()), 100)
    units = kept.vectors / np.linalg.norm(kept.vectors.astype(float), axis=1, keepdims=True)
    kernel = np.exp(-2 * (1 - units[rows] @ units.T))
    wanted = np.eye(4)[[LEVELS.index(examples()[at].level) for at in rows]] - kept.mean
    assert kernel @ kept.weights + 0.1 * kept.weights[rows] == pytest.approx(wanted, abs=2e-3)
