"""The app's image: pinned, not root, without secrets, torch and CUDA."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
INSTRUCTION = re.compile(r"^([A-Z]+) (.*)$", re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    return INSTRUCTION.findall(text.replace("\\\n", " "))


def requirements(name: str) -> dict[str, str]:
    """Package to the rest of its line."""
    lines = (ROOT / "deploy" / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0]: line.partition("==")[2] for line in lines if line and not line.startswith("#")}


def test_the_base_images_are_pinned() -> None:
    images = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert images
    for image in images:
        assert ":" in image
        assert not image.endswith(":latest")
        assert "slim" in image


def test_it_does_not_run_as_root() -> None:
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users
    assert all(part.isdigit() and int(part) > 0 for part in users[-1].split(":"))
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("ENTRYPOINT")


def test_it_holds_no_secret_and_fetches_nothing_by_hand() -> None:
    for name, rest in instructions():
        assert name not in ("ADD", "ARG"), "ADD fetches, and an ARG stays in the image's history"
        assert not re.search(r"(?i)token|password|secret|_key\b|curl|wget|https?://", rest)
        assert not re.search(r"\.env\b", rest)


def test_what_it_copies_is_there_and_is_sent_to_the_builder() -> None:
    sources = []
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            sources += rest.split()[:-1]
    admitted = (ROOT / "deploy" / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in admitted, source
    assert admitted[1] == "*", "nothing is sent but what is named"


def test_its_command_is_one_of_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = next(rest for name, rest in instructions() if name == "ENTRYPOINT")
    command = next(rest for name, rest in instructions() if name == "CMD")
    assert entry.strip('[]"') in project["scripts"]
    from sectorkit.cli import _parser

    _parser().parse_args([part.strip(' "') for part in command.strip("[]").split(",")])


def test_its_packages_are_the_apps_own_without_torch_and_cuda() -> None:
    image, app = requirements("image.txt"), requirements("app.txt")
    heavy = re.compile(r"^(torch|nvidia|cuda|cupy|triton|vllm|transformers|sentence-transformers|safetensors|gguf)")
    assert not [package for package in image if heavy.match(package)]
    assert image.items() <= app.items(), "compile it again: it differs from app.txt"


def test_its_packages_are_all_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[<>=\[; ]", dependency)[0].lower() for dependency in project["dependencies"]}
    assert wanted <= set(requirements("image.txt"))


def test_requirements_name_no_address() -> None:
    text = (ROOT / "deploy" / "requirements" / "image.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|@|--|^/|^\.", text, re.MULTILINE)
