"""The whole product in a browser: real documents, a real embedder, a real vLLM server, a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sectorkit.app import SectorApp
from sectorkit.runtime import Runtime

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer
    from sectorkit.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.server]


@pytest.fixture
def running(session_settings: Settings, llm_server: ModelServer, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime of two documents on the running model server."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "waste.md").write_text(
        "# Waste ordinance\n\n## Article 3 Bulky waste\n\n"
        "The fee for a bulky waste collection is 35 VLM. A collection is booked by telephone.\n"
    )
    (corpus / "noise.md").write_text("# Noise ordinance\n\n## Article 4\n\nMusic must not exceed 45 dB(A) at night.\n")
    settings = session_settings.model_copy(update={"llm_url": llm_server.url, "home": tmp_path / "home"})
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models").symlink_to(session_settings.models_dir.resolve())
    runtime = Runtime(settings, [SectorApp("city", "City rules", "Ask.", corpus, "You answer questions.")])
    runtime.start()
    yield runtime
    runtime.close()


def test_a_question_is_answered_by_a_real_model_and_its_source_opened(
    running: Runtime, served: Any, open_page: Any
) -> None:
    from sectorkit.ui.server import create_app

    page = open_page(served(create_app(running)))
    running.wait(timeout=120)
    page.wait_for_selector(".sk-status.sk-settled")
    page.fill(".sk-question textarea", "What is the fee for a bulky waste collection?")
    page.press(".sk-question textarea", "Enter")
    page.wait_for_selector(".sk-reading li", timeout=60_000)
    page.wait_for_selector(".sk-draft .sk-text", timeout=120_000)
    page.wait_for_selector("article.sk-answer[data-verdict]", timeout=120_000)
    assert page.get_attribute("article.sk-answer", "data-verdict") in ("supported", "partial")
    assert "35 VLM" in page.inner_text(".sk-text")
    page.click(".sk-text .sk-cite")
    page.wait_for_selector("#sk-panel mark")
    assert "The fee for a bulky waste collection is 35 VLM." in page.inner_text("#sk-panel mark")
    assert "Waste ordinance" in page.inner_text("#sk-panel")
