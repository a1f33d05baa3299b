"""Who may import whom, and where each heavy library lives."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = sorted(p.parent.name for p in (ROOT / "apps").glob("*/__init__.py"))
HOMES = {
    "chromadb": ["shared/sectorkit/retrieval/dense.py"],
    "tantivy": ["shared/sectorkit/retrieval/lexical.py"],
    "sentence_transformers": ["shared/sectorkit/retrieval/compiled.py", "shared/sectorkit/retrieval/rerank.py"],
    "openvino": ["shared/sectorkit/retrieval/compiled.py"],
    "gradio": ["shared/sectorkit/ui/", *(f"apps/{app}/page.py" for app in APPS)],
    "ir_measures": ["shared/sectorkit/bench/measures.py"],
    "inspect_ai": ["eval/sectoreval/"],
}
SOURCES = [p for root in ("shared", "eval", "apps") for p in sorted((ROOT / root).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def test_there_is_something_to_check() -> None:
    assert "governance_search" in APPS
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    names = imported(path)
    if relative.startswith("shared/"):
        assert not names & {"sectoreval", *APPS}, "sectorkit imports nothing of ours"
    elif relative.startswith("apps/"):
        others = set(APPS) - {relative.split("/")[1]}
        assert not names & {"sectoreval", *others}, "an app imports sectorkit only"
    elif not relative.startswith("eval/sectoreval/benchmarks/"):
        assert not names & set(APPS), "the harness reaches apps through load_app"


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_has_one_home(library: str) -> None:
    users = [p.relative_to(ROOT).as_posix() for p in SOURCES if library in imported(p)]
    strays = [user for user in users if not any(user.startswith(home) for home in HOMES[library])]
    assert not strays


def test_no_heavy_library_is_imported_with_the_command_line() -> None:
    heavy = [
        "chromadb",
        "tantivy",
        "sentence_transformers",
        "torch",
        "gradio",
        "langchain_core",
        "rich",
        "pydantic",
        "ir_measures",
    ]
    code = f"import sys, sectorkit.cli; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_an_app_imports_no_store_no_model_and_no_page() -> None:
    heavy = ["chromadb", "tantivy", "sentence_transformers", "torch", "gradio"]
    code = (
        "import sys; from sectorkit.app import load_app; load_app('governance_search');"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("app", APPS)
def test_an_app_fits_in_one_reading(app: str) -> None:
    lines = sum(
        len(p.read_text(encoding="utf-8").splitlines())
        for p in (ROOT / "apps" / app).glob("*.py")
        if p.name != "build_corpus.py"
    )
    # Triage is mostly rules, which are code that a reader must be able to check, and a page of three steps: nine files.
    assert lines < {"healthcare_triage": 1_760}.get(app, 300)


def test_nothing_that_is_committed_names_a_registry_or_a_download_address() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js", "download.py" + "torch.org"]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        text = (ROOT / name).read_bytes()
        assert not [host for host in hosts if host.encode() in text], name
