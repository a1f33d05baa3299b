"""A module in a process of its own: what it says comes back, and who does not want it any more ends it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sectorkit.apart import last_words, run_apart


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chatty.py").write_text(
        "import sys\nprint('x' * 1_000_000)\nprint('line\\nno weights', file=sys.stderr)\nsys.exit(int(sys.argv[1]))\n"
    )
    (tmp_path / "endless.py").write_text("import time, pathlib\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_what_it_says_however_much_and_how_it_ends_come_back() -> None:
    done = run_apart("chatty", "3", going_on=lambda: None)
    assert (done.returncode, len(done.stdout)) == (3, 1_000_001)
    assert last_words(done) == "no weights"


def test_a_process_that_was_killed_is_said_to_have_lacked_memory() -> None:
    done = run_apart("chatty", "0", going_on=lambda: None)
    done.returncode = -9
    assert "memory runs out" in last_words(done)


def test_it_ends_when_nobody_wants_it_any_more() -> None:
    asked: list[float] = []

    def going_on() -> None:
        asked.append(time.monotonic())
        if len(asked) == 3:
            raise RuntimeError("closing")

    with pytest.raises(RuntimeError, match="closing"):
        run_apart("endless", going_on=going_on)
    assert time.monotonic() - asked[0] < 10
