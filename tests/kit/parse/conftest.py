"""What holds of every document that was read, however broken its file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sectorkit.retrieval.parse import ParsedDocument

Check = Callable[[ParsedDocument], None]


@pytest.fixture(scope="session")
def check() -> Check:
    """Blocks ascend, and none is empty or has white space at its ends."""

    def check(document: ParsedDocument) -> None:
        end = 0
        for block in document.blocks:
            assert block.start >= end
            end = block.end
            assert document.text[block.start : block.end].strip() == document.text[block.start : block.end] != ""

    return check
