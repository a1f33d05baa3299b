"""The catalogue that ships is sound, and a user's own entries join it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sectorkit.errors import ConfigurationError, UnknownName
from sectorkit.models.catalogue import TIERS, ModelSpec, chosen_chat, default_chat, find_model, load_catalogue
from sectorkit.models.hardware import Gpu, Hardware, detect
from sectorkit.settings import Settings

CPU = Hardware("cpu", (), 16.0, 2, frozenset())


def gpu(memory: float) -> Hardware:
    return Hardware("gpu", (Gpu("a GPU", memory),), 64.0, 8, frozenset())


def test_every_tier_has_a_qwen_or_a_deepseek_to_chat_with() -> None:
    chats = [s for s in load_catalogue().values() if s.kind == "chat"]
    for tier in TIERS:
        assert any("qwen" in s.name or "deepseek" in s.name for s in chats if s.tier == tier), tier


def test_both_families_come_in_several_sizes() -> None:
    names = list(load_catalogue())
    assert sum("qwen" in n for n in names) >= 6
    assert sum("deepseek" in n for n in names) >= 4


def test_every_entry_pins_a_commit_or_says_main() -> None:
    for spec in load_catalogue().values():
        assert spec.revision == "main" or len(spec.revision) == 40, spec.name


def test_what_runs_without_a_hub_names_its_uploaders() -> None:
    with_wheels = {n: s.wheels for n, s in load_catalogue().items() if s.wheels}
    assert set(with_wheels) == {
        "qwen2.5-coder-0.5b",
        "qwen2.5-coder-1.5b",
        "smollm2-135m",
        "embeddinggemma-300m",
        "minilm-l6-v2",
    }
    for wheels in with_wheels.values():
        assert wheels
        assert "third party" in wheels.note
        assert wheels.requirements[0].count("==") == 1


def test_parts_are_numbered_from_one() -> None:
    wheels = find_model("qwen2.5-coder-0.5b").wheels
    assert wheels
    assert wheels.requirements[0].endswith("part1==0.9.0")
    assert len(wheels.requirements) == 6


def test_embeddinggemma_is_prompted_as_it_was_trained() -> None:
    spec = find_model("embeddinggemma-300m", "embedding")
    assert spec.as_query("torque {title}") == "task: search result | query: torque {title}"
    assert spec.as_passage("12 Nm") == "title: none | text: 12 Nm"
    assert spec.as_passage("{title} 12 Nm", "a {text}") == "title: a {text} | text: {title} 12 Nm"


def test_rerankers_are_there_to_be_named_and_none_is_a_default() -> None:
    rerankers = [s for s in load_catalogue().values() if s.kind == "reranker"]
    assert {s.tier for s in rerankers} >= {"edge", "laptop", "workstation", "server"}
    assert not any(s.verified or s.wheels for s in rerankers)
    assert Settings().rerank_model is None


def test_an_unknown_name_lists_the_known_ones_of_its_kind() -> None:
    with pytest.raises(UnknownName, match="embeddinggemma-300m") as caught:
        find_model("smollm2-135m", "embedding")
    assert "qwen2.5-coder-0.5b" not in str(caught.value)


def test_a_user_adds_a_model_and_replaces_one(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(
        '[ours]\nkind = "chat"\ntier = "laptop"\ntitle = "Ours"\nrepo = "us/ours"\nlicence = "MIT"\n'
        'parameters = "1B"\nsize_gb = 2\ncontext = 4096\nevidence_tokens = 500\n'
    )
    assert find_model("ours", home=tmp_path).repo == "us/ours"
    assert "smollm2-135m" in load_catalogue(tmp_path)
    assert "ours" not in load_catalogue()


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("kind = 'chat'", "tier"),
        ("not toml", "not valid TOML"),
        ("[x]\nkind = 'chat'\nvllm_gpu = ['--trust-remote-code']", "remote code is never trusted"),
        ("[x]\nkind = 'chat'\nvllm_gpu = ['--trust_remote_code=true']", "remote code is never trusted"),
        ("[x]\ncolour = 'red'", "colour"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, entry: str, complaint: str) -> None:
    (tmp_path / "catalogue.toml").write_text(entry if entry.startswith(("[", "not")) else f"[x]\n{entry}")
    with pytest.raises(ConfigurationError, match=complaint):
        load_catalogue(tmp_path)


def test_an_embedder_without_a_dimension_is_refused() -> None:
    entry = find_model("minilm-l6-v2").model_dump() | {"dimension": None}
    with pytest.raises(ValueError, match="dimension"):
        ModelSpec.model_validate(entry)


def test_the_default_is_what_the_machine_can_run() -> None:
    assert default_chat(CPU).name == "qwen2.5-coder-0.5b"
    assert default_chat(gpu(3)).name == "qwen2.5-coder-0.5b"
    sizes = [default_chat(gpu(memory)).size_gb for memory in (5, 16, 30, 48, 80)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)
    assert all(default_chat(gpu(m)).size_gb < m for m in (5, 16, 30, 48, 80))


def test_detection_never_fails_and_reads_this_machine() -> None:
    hardware = detect()
    assert hardware.cores >= 1
    assert hardware.memory_gb > 0.1
    assert (hardware.kind == "gpu") == bool(hardware.gpus)
    assert str(hardware)


def test_a_driver_tool_that_answers_nonsense_counts_as_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'No devices were found'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert detect().kind == "cpu"
    tool.write_text("#!/bin/sh\necho 'NVIDIA L4, 23034'\necho 'NVIDIA L4, 23034'\n")
    assert [round(g.memory_gb) for g in detect().gpus] == [22, 22]


def test_reading_the_catalogue_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'httpx', 'huggingface_hub', 'langchain_core', 'openai', 'rich'}"
    code = f"import sys, sectorkit.models.catalogue; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_named_chat_model_goes_before_the_default() -> None:
    assert chosen_chat(Settings(chat_model="smollm2-135m")) == find_model("smollm2-135m")
    assert chosen_chat(Settings(chat_model="auto")) == default_chat(detect())
    with pytest.raises(UnknownName):
        chosen_chat(Settings(chat_model="minilm-l6-v2"))  # no chat model
