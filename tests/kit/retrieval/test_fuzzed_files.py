"""Damaged files of every format in a sync: a short run of `tests/bench/fuzz.py`, which says what must hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "bench/fuzz.py"


def test_a_hundred_damaged_files_are_read_or_reported(tmp_path: Path) -> None:
    command = [sys.executable, str(FUZZ), "-n", "100", "--seed", "3", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 violations; seed 3" in done.stdout
