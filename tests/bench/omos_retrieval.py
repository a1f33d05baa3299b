"""Recall@10 of page retrieval on OMoS-QA: all German pages, questions in five languages, three modes.

    .venv/bin/python tests/bench/omos_retrieval.py --data-dir BENCHMARKS [--split test] [--embedder NAME]

`BENCHMARKS` holds `governance/omos-qa/dataset` as upstream has it. Each page becomes a text file, the files are
indexed as any user's folder would be, and a hit counts where it lies in the page that the question was asked about.
Only questions that their page answers are asked. Tuning is done on `--split dev`.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache
from pathlib import Path

from sectorkit.app import load_app
from sectorkit.models.hardware import described
from sectorkit.parts import open_embedder, open_index
from sectorkit.settings import Settings, read_settings
from sectorkit.stats import interval, paired

LANGUAGES = ("de", "en", "fr", "ar", "uk")
MODES = ("lexical", "dense", "hybrid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "dev", "test"), default="test")
    parser.add_argument("--embedder", default="embeddinggemma-300m")
    options = parser.parse_args()
    settings = read_settings().model_copy(update={"embed_model": options.embedder})
    data = options.data_dir / "governance" / "omos-qa" / "dataset" / "languages"
    pages = write_pages(data, settings)
    index = open_index(settings, load_app("governance_search"), open_embedder(settings), corpus=pages)
    began = time.perf_counter()
    print(
        index.sync(pages, progress=lambda message, share=None: None).summary(),
        f"in {time.perf_counter() - began:.0f} s",
    )
    index.embedder.embed_query = cache(index.embedder.embed_query)  # type: ignore[method-assign]  # of two modes alike
    print(f"{options.embedder}; split {options.split}; {described()}")
    print("| language | n | " + " | ".join(f"{m} Recall@10" for m in MODES) + " | hybrid - dense |")
    print("|---|---|" + "---|" * (len(MODES) + 1))
    for language in LANGUAGES:
        lines = (data / language / "splits" / f"{options.split}_{language}.jsonl").read_text(encoding="utf-8")
        cases = [case for case in map(json.loads, lines.splitlines()) if case["answers"]]
        found = {mode: [found_page(index, case, mode) for case in cases] for mode in MODES}
        gain = paired(found["hybrid"], found["dense"])
        scores = " | ".join(str(interval(found[mode])) for mode in MODES)
        print(f"| {language} | {len(cases)} | {scores} | {gain.signed} |", flush=True)
    index.close()


def write_pages(data: Path, settings: Settings) -> Path:
    folder = settings.home / "benchmarks" / "omos-qa-de"
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "dev", "test"):
        for line in (data / "de" / "splits" / f"{split}_de.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            (folder / page(case)).write_text(case["context"], encoding="utf-8")
    return folder


def page(case: dict[str, object]) -> str:
    return f"{case['city']}-{case['pageId']}.txt"


def found_page(index, case, mode: str) -> float:  # type: ignore[no-untyped-def]
    """1.0 where the gold page is among the first ten distinct pages."""
    hits = index.search(case["question"], 100, mode=mode, depth=100)
    pages = list(dict.fromkeys(str(hit.passage.metadata["source"]) for hit in hits))
    return float(page(case) in pages[:10])


if __name__ == "__main__":
    main()
