"""Settings: read once from the environment, typed, with errors that name the field and never show a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sectorkit.errors import ConfigurationError
from sectorkit.settings import Settings, default_home, read_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a `.env`, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECTORKIT_HOME", raising=False)
    return tmp_path


def test_without_an_environment_all_has_a_default_and_only_this_machine_is_served() -> None:
    settings = read_settings()
    assert settings.home == default_home() == Path.home() / ".cache" / "sectorkit"
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert settings.llm_url is settings.embed_url is settings.chroma_url is None
    assert settings.audit is True


def test_everything_is_kept_below_home(folder: Path) -> None:
    settings = Settings(home=folder / "cache")
    for place in (settings.models_dir, settings.indexes_dir, settings.servers_dir, settings.logs_dir):
        assert place.parent == folder / "cache"


def test_every_field_says_what_it_is_for_and_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    untouched = read_settings()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        monkeypatch.setenv(f"SECTORKIT_{name.upper()}", "0" if name == "audit" else "1")
    settings = read_settings()
    unread = [name for name in Settings.model_fields if getattr(settings, name) == getattr(untouched, name)]
    assert unread == []


def test_values_are_of_their_type(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PORT": "0", "AUDIT": "no", "ANSWER_TIMEOUT": "2.5", "VLLM_PYTHON": "/opt/python"}.items():
        monkeypatch.setenv(f"SECTORKIT_{name}", value)
    settings = read_settings()
    assert (settings.port, settings.audit, settings.answer_timeout) == (0, False, 2.5)
    assert settings.vllm_python == Path("/opt/python")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("MODEL_PORT", "high"),
        ("MODEL_START_TIMEOUT", "0"),
        ("ANSWER_TIMEOUT", "soon"),
        ("AUDIT", "perhaps"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SECTORKIT_{name}", value)
    with pytest.raises(ConfigurationError, match=rf"^bad settings: SECTORKIT_{name}: "):
        read_settings()


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTORKIT_PORT", "x")
    monkeypatch.setenv("SECTORKIT_AUDIT", "perhaps")
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert "SECTORKIT_PORT: " in str(refused.value)
    assert "SECTORKIT_AUDIT: " in str(refused.value)


def test_a_variable_that_is_empty_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `SECTORKIT_LLM_URL=`, a line of an environment file that nobody filled in."""
    for name in ("HOME", "LLM_URL", "LLM_MODEL", "EMBED_URL", "CHROMA_URL", "VLLM_PYTHON", "PORT"):
        monkeypatch.setenv(f"SECTORKIT_{name}", "")
    assert read_settings() == Settings()
    monkeypatch.undo()
    assert read_settings().home == default_home()


def test_a_dotenv_file_is_read_and_the_environment_goes_before_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("SECTORKIT_PORT=7001\nSECTORKIT_HOST=0.0.0.0\nOTHER=1\n")
    monkeypatch.setenv("SECTORKIT_PORT", "7002")
    assert (read_settings().port, read_settings().host) == (7002, "0.0.0.0")


def test_a_misspelt_line_of_a_dotenv_file_is_named(folder: Path) -> None:
    (folder / ".env").write_text("SECTORKIT_LMM_URL=http://127.0.0.1:8101/v1\n")
    with pytest.raises(ConfigurationError, match="SECTORKIT_LMM_URL"):
        read_settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTORKIT_LLM_KEY", "swordfish")
    monkeypatch.setenv("SECTORKIT_EMBED_KEY", "swordfish")
    settings = read_settings()
    assert settings.llm_key is not None
    assert settings.llm_key.get_secret_value() == "swordfish"
    assert "swordfish" not in f"{settings!r} {settings} {settings.llm_key}"
    monkeypatch.setenv("SECTORKIT_PORT", "x")
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert "swordfish" not in str(refused.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_a_missing_vllm_is_said_with_both_ways_out(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"make vllm.*SECTORKIT_LLM_URL"):
        Settings(vllm_python=folder / "python").vllm_executable()
    (folder / "python").touch()
    assert Settings(vllm_python=folder / "python").vllm_executable() == folder / "python"
