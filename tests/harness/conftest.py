"""What the harness's tests share."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def benchmark_data() -> Path:
    """The folder of the benchmarks' data: SECTOREVAL_DATA_DIR, or the one beside the checkout."""
    folder = Path(os.environ.get("SECTOREVAL_DATA_DIR") or Path(__file__).parents[3] / "shared" / "benchmarks")
    if not folder.is_dir():
        pytest.skip("no benchmark data here; SECTOREVAL_DATA_DIR names them")
    return folder


_spec = importlib.util.spec_from_file_location("fake_model", Path(__file__).with_name("fake_model.py"))
assert _spec is not None
assert _spec.loader is not None
_module = sys.modules.setdefault(_spec.name, importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(_module)
FakeModel = _module.FakeModel


@pytest.fixture
def model() -> Iterator[Any]:
    """A running fake model; name its `url` in SECTORKIT_LLM_URL."""
    fake = FakeModel()
    fake.start()
    yield fake
    fake.stop()
