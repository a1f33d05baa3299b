"""Build the PDF and DOCX files of the sample corpus from sources/: python apps/governance_search/build_corpus.py"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sectorkit.samples import About, build_corpus

if __name__ == "__main__":
    build_corpus(Path(__file__).parent, About("City of Velmora", datetime(2026, 1, 1)))
