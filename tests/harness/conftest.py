"""What the harness's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmark_data() -> Path:
    """The folder of the benchmarks' data: SECTOREVAL_DATA_DIR, or the one beside the checkout."""
    folder = Path(os.environ.get("SECTOREVAL_DATA_DIR") or Path(__file__).parents[3] / "shared" / "benchmarks")
    if not folder.is_dir():
        pytest.skip("no benchmark data here; SECTOREVAL_DATA_DIR names them")
    return folder
