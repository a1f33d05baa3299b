"""What drafts of reports cite and leave to people, over the plant's golden reports: `python tests/bench/report_drafts.py`.

Needs the embedder that the settings name; takes a minute on two cores.
"""

from __future__ import annotations

import json
from datetime import date
from time import perf_counter

from manufacturing_qa import APP
from manufacturing_qa.diagnosis import diagnose, read_plant
from manufacturing_qa.report import report
from sectorkit.drafts import FILL, docx, markdown
from sectorkit.golden import Quote, locate
from sectorkit.parts import current_index, open_embedder
from sectorkit.settings import read_settings

WRITTEN = date(2026, 2, 2)


def main() -> None:
    settings = read_settings()
    index = current_index(settings, APP, open_embedder(settings))
    index.sync(APP.corpus)
    plant = read_plant(index)
    cited, filled, seconds = [], [], []
    for line in (APP.corpus.parent / "golden-reports.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        began = perf_counter()
        found = diagnose(case["machine"], case["symptoms"], case["readings"], plant=plant, index=index, on=WRITTEN)
        draft = report(case["form"], found, plant=plant, index=index, made=WRITTEN)
        text = markdown(draft)
        docx(draft)
        seconds.append(perf_counter() - began)
        for said in case["must_cite"]:
            start, end = locate(Quote(said["source"], said["quote"]), index) or (0, 0)
            cited.append(any(c.source == said["source"] and c.start < end and start < c.end for c in draft.sources))
        left = " ".join(part.casefold() for part in text.splitlines() if FILL in part)
        filled += [all(word in left for word in field.casefold().split()) for field in case["to_fill"]]
        print(f"{case['id']}: {len(draft.sources)} sources, {seconds[-1]:.1f} s")
    print(
        f"cited {sum(cited)} of {len(cited)} quotes that a report needs; left to people {sum(filled)} of {len(filled)} fields"
    )
    index.close()


if __name__ == "__main__":
    main()
