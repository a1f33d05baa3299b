"""The evaluations of docs/BENCHMARKS.md, by the harness: each command as it stands there, one after the other.

    .venv/bin/python tests/bench/evaluation.py --data-dir BENCHMARKS [--only mtrag_govt,golden]

Hours on two cores. What was answered before is not asked again; reports are below the cache folder, in runs/.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

SMALLEST, SMALL, LARGER = "smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
ARMS = "closed_book,hybrid,oracle"
RUNS = (
    "omos_qa_retrieval lecoqa_retrieval",
    "medquad_liveqa --embedder minilm-l6-v2",
    f"mtrag_govt --arms {ARMS} --limit 100 --model {SMALL}",
    f"omos_qa_lines --arms oracle,hybrid --limit 100 --model {SMALL}",
    f"omos_qa_abstention --limit 100 --model {SMALL}",
    f"qmsum_committee --arms {ARMS} --model {SMALL}",
    f"emanual_s10 --arms {ARMS} --model {SMALL}",
    f"golden --arms closed_book,hybrid --model {SMALL}",
    f"failuresensoriq --arms closed_book --debias permuted,calibrated --limit 100 --model {SMALL}",
    f"medqa medmcqa mmlu_med --limit 100 --model {SMALL}",
    f"pubmedqa --arms {ARMS} --limit 100 --model {SMALL}",
    f"ai4i_readings --arms hybrid --model {SMALL}",
    f"ai4i_readings --arms hybrid --set limits=changed --model {SMALL}",
    f"fmea_qa --model {SMALL}",
    f"fmea_qa --arms hybrid --set tables=off --model {SMALL}",
    f"golden --set app=manufacturing_qa --arms closed_book,hybrid --model {SMALL}",
    f"failuresensoriq --arms closed_book,hybrid --limit 200 --model {SMALL}",
    *(f"failuresensoriq --arms closed_book,hybrid --limit 100 --model {model}" for model in (SMALLEST, LARGER)),
    *(f"pubmedqa --arms closed_book,oracle --limit 100 --model {model}" for model in (SMALLEST, LARGER)),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--only", default="", help="benchmarks, with commas between")
    options = parser.parse_args()
    environment = os.environ | {"SECTOREVAL_DATA_DIR": str(options.data_dir)}
    sectoreval = Path(sys.executable).with_name("sectoreval")
    failed = 0
    for run in RUNS:
        if options.only and not set(options.only.split(",")) & set(run.split()):
            continue
        print(f"\n== sectoreval run {run}", flush=True)
        failed += bool(subprocess.run([sectoreval, "run", *run.split()], env=environment, check=False).returncode)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
