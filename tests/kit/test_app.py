"""What an app says of its pages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sectorkit.app import SectorApp, load_app
from sectorkit.errors import ConfigurationError, UnknownName


def app(folder: Path) -> SectorApp:
    return SectorApp("mine", "Mine", "", folder / "corpus", "")


def test_examples_of_a_page_come_from_the_file_beside_the_corpus(tmp_path: Path) -> None:
    assert app(tmp_path).page_examples("Form") == []
    (tmp_path / "examples.toml").write_text('[[Form]]\nlabel = "Öl"\nvalues = ["a"]\n', encoding="utf-8")
    assert app(tmp_path).page_examples("Form") == [{"label": "Öl", "values": ["a"]}]
    assert app(tmp_path).page_examples("Other") == []


@pytest.mark.parametrize("text", ["[[Form", "[[Form]]\nvalues = []", "[[Form]]\nlabel = 1", "Form = 3", "Form = [3]"])
def test_a_file_of_examples_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "examples.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"examples\.toml holds no examples"):
        app(tmp_path).page_examples("Form")


@pytest.mark.parametrize(
    ("name", "titles"), [("manufacturing_qa", ("Diagnose", "Tables")), ("healthcare_triage", ("Triage",))]
)
def test_the_forms_of_the_apps_offer_examples(name: str, titles: tuple[str, ...]) -> None:
    assert all(len(load_app(name).page_examples(title)) >= 3 for title in titles)


def test_a_copied_app_that_kept_its_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copied_app" / "corpus").mkdir(parents=True)
    (tmp_path / "copied_app" / "__init__.py").write_text(
        "from pathlib import Path\nfrom sectorkit.app import SectorApp\n"
        'APP = SectorApp(name="first_app", title="A", tagline="", corpus=Path(), instructions="")\n',
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ConfigurationError, match="apps/copied_app makes an app named 'first_app'; name it 'copied_app'"
    ):
        load_app("copied_app")


@pytest.mark.parametrize(
    ("code", "corpus", "why"),
    [
        ("APP = SectorApp(name='mine_app')", True, "mine_app cannot be loaded: TypeError: .*title"),
        ("APP = SectorApp(name='mine_app', nonsense=1)", True, "nonsense"),
        ("from nowhere_at_all import x\nAPP = SectorApp()", True, "nowhere_at_all"),
        ("def made():\n    return SectorApp()\nAPP = made()", True, "makes no app: write APP = SectorApp"),
        ("APP = SectorApp()", False, "has no folder corpus/"),
    ],
)
def test_a_package_that_is_no_app_is_told_why(
    code: str, corpus: bool, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_app").mkdir()
    if corpus:
        (tmp_path / "mine_app" / "corpus").mkdir()
    (tmp_path / "mine_app" / "__init__.py").write_text(f"from sectorkit.app import SectorApp\n{code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_app", raising=False)
    with pytest.raises(ConfigurationError, match=why):
        load_app("mine_app")


def test_an_unknown_app_is_told_which_there_are() -> None:
    with pytest.raises(UnknownName, match="governance_search"):
        load_app("no_such_app")
