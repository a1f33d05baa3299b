"""Other processes that ask while one syncs: a short run of `tests/bench/readers.py`, which says what must hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sectorkit.retrieval.manifest import Manifest

READERS = Path(__file__).parents[2] / "bench/readers.py"


def test_two_readers_see_nothing_but_whole_documents_while_another_process_syncs() -> None:
    arguments = ["--readers", "2", "--documents", "20", "--rounds", "1", "--quiet", "1", "--seed", "3"]
    done = subprocess.run([sys.executable, str(READERS), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 readers, 1 syncs: 0 errors, 0 hangs" in done.stdout


def test_who_looked_before_the_stores_were_cleared_up_looks_again(tmp_path: Path) -> None:
    """Chroma's picture of that moment would name what is gone, until the next change."""
    manifest = Manifest(tmp_path / "manifest.sqlite")
    manifest.note(["gone"])
    before = manifest.generation
    manifest.settle()
    assert manifest.generation > before
    before = manifest.generation
    manifest.settle()
    assert manifest.generation == before, "nothing was to be cleared up"
    manifest.close()
