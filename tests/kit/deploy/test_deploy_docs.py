"""docs/DEPLOY.md and the files under deploy/ name only what exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sectorkit.app import app_names
from sectorkit.cli import _parser
from sectorkit.models.catalogue import load_catalogue
from sectorkit.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "DEPLOY.md"
FILES = sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
VARIABLE = re.compile(r"SECTORKIT_[A-Z][A-Z_]*[A-Z]")
COMMAND = re.compile(r"(?:^|[\s`/])sectorkit ((?:models|index|ask|search|demo|settings)\b[^`\n#]*)", re.MULTILINE)


def guide() -> str:
    return GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*FILES, GUIDE], ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    known = {f"SECTORKIT_{field.upper()}" for field in Settings.model_fields}
    assert set(VARIABLE.findall(path.read_text(encoding="utf-8"))) <= known


def test_every_command_in_the_guide_is_one_of_ours() -> None:
    commands = COMMAND.findall(guide())
    assert len(commands) >= 10
    for command in commands:
        words = shlex.split(command.replace("NAME", "minilm-l6-v2"))
        if len(words) > 1 or words[0] == "demo":  # `models list` and not `models` alone
            options = _parser().parse_args(words)
            if getattr(options, "model", None) and words[0] == "models":
                assert options.model in load_catalogue(), command
            if isinstance(getattr(options, "app", None), str):
                assert options.app in app_names(), command


def test_every_make_target_in_the_guide_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word
        for line in re.findall(r"(?:^|[`\s])make ((?:[a-z]+ ?)+)(?=$|[`\n]|[A-Z]+=)", guide(), re.MULTILINE)
        for word in line.split()
    }
    assert named
    assert named <= targets


def test_every_file_in_the_guide_exists_or_is_the_readers_own() -> None:
    own = {"deploy/.env", "deploy/mine.yaml", "deploy/documents.yaml"}
    for name in set(re.findall(r"deploy/[\w.-]+", guide())) - own:
        assert (ROOT / name).exists(), name


def test_the_guide_says_what_was_not_run() -> None:
    assert guide().count("**not run**") >= 2


def test_the_guide_names_the_models_that_the_profiles_serve() -> None:
    served = set(re.findall(r'"--served-model-name",\s+"([^"]+)"', (ROOT / "deploy/compose.yaml").read_text()))
    assert served
    for model in served:
        assert model in guide(), model


@pytest.mark.parametrize("path", [*FILES, GUIDE], ids=lambda path: path.name)
def test_no_path_of_one_machine_and_no_package_index_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/root\b|/wor[k]/|/home/\w|find-links [^<]|index-url h", text)
    assert not re.search(r"https?://(?!127\.0\.0\.1|example\.org|chat:|embed:|chroma:|localhost)", text)
