"""What settings and a server's own words make of a prompt's limits, and of a reranker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sectorkit.errors import ConfigurationError, PullError, UnknownName
from sectorkit.models.catalogue import find_model
from sectorkit.parts import limits_for, open_reranker
from sectorkit.settings import Settings

BGE = find_model("bge-reranker-v2-m3", "reranker")


def test_a_model_of_the_catalogue_is_known_wherever_it_is_served(tmp_path: Path) -> None:
    for url in (None, "http://elsewhere:8000/v1"):
        limits = limits_for(Settings(home=tmp_path, llm_url=url), "qwen2.5-coder-0.5b", 8192)
        assert (limits.context, limits.evidence, limits.declines, limits.rules) == (8192, 900, False, False)


@pytest.mark.parametrize(
    ("parameters", "asked"), [("0.6B", False), ("135M", False), ("1.6T (49B active)", True), ("4B", True), ("?", True)]
)
def test_the_smallest_models_are_not_asked_by_rules(parameters: str, asked: bool, tmp_path: Path) -> None:
    entry = f'["mine"]\nkind = "chat"\ntier = "edge"\ntitle = "Mine"\nrepo = "me/mine"\nlicence = "MIT"\nparameters = "{parameters}"\n'
    entry += "size_gb = 1.0\ncontext = 4096\nevidence_tokens = 900\n"
    (tmp_path / "catalogue.toml").write_text(entry, encoding="utf-8")
    assert limits_for(Settings(home=tmp_path), "mine", 4096).rules is asked


def test_a_model_that_nobody_knows_is_told_that_it_may_decline(tmp_path: Path) -> None:
    limits = limits_for(Settings(home=tmp_path), "somebodys-model", None)
    assert limits.declines
    assert limits.rules
    assert limits.context == 4096
    assert limits.answer == 256


def test_an_answer_takes_no_more_than_a_quarter_of_a_small_context(tmp_path: Path) -> None:
    assert limits_for(Settings(home=tmp_path), "somebodys-model", 512).answer == 128


def test_no_reranker_is_used_unless_one_is_named(tmp_path: Path) -> None:
    assert open_reranker(Settings(home=tmp_path)) is None
    with pytest.raises(ConfigurationError, match=r"RERANK_URL names http://x/v1; name the model too"):
        open_reranker(Settings(home=tmp_path, rerank_url="http://x/v1"))
    with pytest.raises(UnknownName, match="bge-reranker-v2-m3"):
        open_reranker(Settings(home=tmp_path, rerank_model="minilm-l6-v2"))


def test_a_server_may_call_its_reranker_what_it_likes(tmp_path: Path, reranking: Any) -> None:
    for name, fingerprint in (("jina-reranker", "jina-reranker@unknown"), (BGE.name, f"{BGE.name}@{BGE.revision}")):
        found = open_reranker(
            Settings(home=tmp_path, rerank_model=name, rerank_url=reranking.url, rerank_key=SecretStr("swordfish"))
        )
        assert found is not None
        assert found.reranker.fingerprint == fingerprint
    assert set(reranking.keys) == {"Bearer swordfish"}
    assert {request["model"] for request in reranking.requests} == {"jina-reranker", BGE.name}


def test_a_reranker_that_is_not_here_and_that_no_hub_gives_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PullError, match="no model hub answers from here"):
        open_reranker(Settings(home=tmp_path, rerank_model=BGE.name))
