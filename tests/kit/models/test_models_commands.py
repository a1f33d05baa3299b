"""What `sectorkit models ...` prints and does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sectorkit.errors import ConfigurationError, CorruptModel, PullError, UnknownName
from sectorkit.models import commands
from sectorkit.models.catalogue import load_catalogue
from sectorkit.models.manifest import write_manifest
from sectorkit.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def place(settings: Settings, name: str) -> Path:
    folder = settings.models_dir / name
    folder.mkdir(parents=True)
    for file in ("config.json", "model.safetensors"):
        (folder / file).write_text("{}")
    write_manifest(folder, model=name, source="wheels", revision="x==1")
    return folder


def test_the_list_shows_tiers_states_and_the_default(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    place(settings, "smollm2-135m")
    commands.list_models(settings)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert all(name in out for name in load_catalogue(settings.home)), "names are what one copies"
    assert "qwen2.5-coder-0.5b*" in out
    assert "embeddinggemma-300m*" in out
    (row,) = [line for line in out.splitlines() if "smollm2-135m" in line]
    assert "pulled" in row
    assert "Apache-2.0" in row
    assert "deepseek-v4.1-flash" in out
    assert "cluster" in out


def test_pulling_what_is_here_checks_it(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    place(settings, "smollm2-135m")
    commands.pull_model(settings, "smollm2-135m")
    assert "smollm2-135m is in" in capsys.readouterr().out


def test_pulling_what_is_damaged_fetches_it_afresh(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place(settings, "smollm2-135m")
    (folder / "model.safetensors").write_text("[]")

    def fetch(spec: Any, *, work: Path, progress: Any) -> tuple[Path, str]:
        ready = work / "hub"
        ready.mkdir()
        for file in ("config.json", "model.safetensors"):
            (ready / file).write_text("{}")
        return ready, "c" * 40

    monkeypatch.setattr("sectorkit.models.pull.hub_answers", lambda: True)
    monkeypatch.setattr("sectorkit.models.pull.fetch_hub", fetch)
    commands.pull_model(settings, "smollm2-135m")
    assert "fetching it afresh" in capsys.readouterr().out
    commands.verify_model(settings, "smollm2-135m")
    assert "all 2 files" in capsys.readouterr().out


def test_verifying_a_damaged_model_says_what_to_do(settings: Settings) -> None:
    folder = place(settings, "smollm2-135m")
    (folder / "config.json").write_text("[]")
    with pytest.raises(CorruptModel, match="sectorkit models pull smollm2-135m"):
        commands.verify_model(settings, "smollm2-135m")
    with pytest.raises(PullError, match="is not here"):
        commands.verify_model(settings, "minilm-l6-v2")


def test_an_unknown_model_is_refused(settings: Settings) -> None:
    with pytest.raises(UnknownName):
        commands.pull_model(settings, "gpt")


def test_serving_without_vllm_fails_before_it_downloads(settings: Settings) -> None:
    without = settings.model_copy(update={"vllm_python": settings.home / "none"})
    with pytest.raises(ConfigurationError, match="make vllm"):
        commands.serve(without, "smollm2-135m")
    assert not settings.models_dir.exists()


def test_status_and_stop_with_nothing_running(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    commands.status(settings)
    commands.stop(settings)
    assert "sectorkit models serve" in capsys.readouterr().out
    with pytest.raises(UnknownName):
        commands.stop(settings, "smollm2-135m")


def test_status_shows_what_another_url_serves(settings: Settings, llm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    commands.status(settings.model_copy(update={"llm_url": llm.url}))
    assert "serves tiny" in capsys.readouterr().out
