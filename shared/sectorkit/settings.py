"""Settings: everything that a user can configure, in one typed place.

Each field is an environment variable with the prefix `SECTORKIT_` (`SECTORKIT_HOME`, `SECTORKIT_LLM_URL`, ...),
or a line of a `.env` file in the working directory. An unknown `SECTORKIT_` line in `.env` or a value out of
range is an error that names the field. Nothing below the command line reads the environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sectorkit.errors import ConfigurationError


def default_home() -> Path:
    """The cache folder: models, downloads, indexes, logs. Nothing else is written outside a checkout."""
    return Path.home() / ".cache" / "sectorkit"


class Settings(BaseSettings):
    """Typed settings. `Settings()` reads the environment; tests pass keywords."""

    model_config = SettingsConfigDict(
        env_prefix="SECTORKIT_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default_factory=default_home, description="cache folder: models, indexes, logs")

    llm_url: str | None = Field(None, description="base URL of an OpenAI-compatible server, with its /v1")
    llm_key: SecretStr | None = Field(None, description="API key for llm_url")
    llm_model: str | None = Field(None, description="model name at llm_url; by default the first it lists")
    chat_model: str = Field("auto", description="catalogue name of the chat model that is served here")

    embed_model: str = Field("embeddinggemma-300m", description="catalogue name of the embedding model")
    embed_url: str | None = Field(None, description="OpenAI-style embeddings server; without it, in process")
    embed_key: SecretStr | None = Field(None, description="API key for embed_url")

    rerank_model: str | None = Field(
        None, description="catalogue name of a reranker, or its name at rerank_url; by default none is used"
    )
    rerank_url: str | None = Field(None, description="base URL of a server with /rerank, with its /v1; else in process")
    rerank_key: SecretStr | None = Field(None, description="API key for rerank_url")

    chroma_url: str | None = Field(None, description="http(s)://host:port of a Chroma server; else embedded")

    vllm_python: Path | None = Field(None, description="Python that has vLLM; by default .venv-vllm's beside this")
    model_port: int = Field(0, ge=0, le=65535, description="port of the model server; 0 takes a free one")
    model_start_timeout: float = Field(900, gt=0, description="seconds to wait for the model server")

    host: str = Field("127.0.0.1", description="address that the UI listens on")
    port: int = Field(7860, ge=0, le=65535, description="port that the UI listens on")
    root_path: str = Field("", description="path prefix where a reverse proxy serves the UI")

    answer_timeout: float = Field(300, gt=0, description="seconds until a model's answer is given up")
    audit: bool = Field(True, description="keep the log of questions, shown passages and decisions")
    audit_texts: bool | None = Field(
        None, description="keep what people wrote in that log, too; by default not of apps about persons"
    )

    @field_validator("home", "vllm_python")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path else None

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def indexes_dir(self) -> Path:
        return self.home / "indexes"

    @property
    def servers_dir(self) -> Path:
        return self.home / "servers"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    def vllm_executable(self) -> Path:
        """The Python of vLLM's own environment; ConfigurationError where there is none."""
        python = self.vllm_python or Path(sys.prefix).parent / ".venv-vllm" / "bin" / "python"
        if not python.exists():
            raise ConfigurationError(
                f"no vLLM environment at {python}; make one with `make vllm`, or name a running "
                "OpenAI-compatible server in SECTORKIT_LLM_URL"
            )
        return python


def read_settings() -> Settings:
    """Settings from the environment; ConfigurationError names each bad field."""
    known = {f"SECTORKIT_{name.upper()}" for name in Settings.model_fields}
    for name in dotenv_values(".env"):
        if name.upper().startswith("SECTORKIT_") and name.upper() not in known:
            raise ConfigurationError(f".env: {name} is no setting; see: sectorkit settings")
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"SECTORKIT_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("bad settings: " + "; ".join(lines)) from None
