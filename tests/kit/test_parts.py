"""What settings and a server's own words make of a prompt's limits."""

from __future__ import annotations

from pathlib import Path

from sectorkit.parts import limits_for
from sectorkit.settings import Settings


def test_a_model_of_the_catalogue_is_known_wherever_it_is_served(tmp_path: Path) -> None:
    for url in (None, "http://elsewhere:8000/v1"):
        limits = limits_for(Settings(home=tmp_path, llm_url=url), "qwen2.5-coder-0.5b", 8192)
        assert (limits.context, limits.evidence, limits.declines) == (8192, 900, False)


def test_a_model_that_nobody_knows_is_told_that_it_may_decline(tmp_path: Path) -> None:
    limits = limits_for(Settings(home=tmp_path), "somebodys-model", None)
    assert limits.declines
    assert limits.context == 4096
    assert limits.answer == 256


def test_an_answer_takes_no_more_than_a_quarter_of_a_small_context(tmp_path: Path) -> None:
    assert limits_for(Settings(home=tmp_path), "somebodys-model", 512).answer == 128
