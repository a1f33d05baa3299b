"""Everything that docs/BENCHMARKS.md states, measured again: `make bench`.

make bench ARGS="--data-dir BENCHMARKS"     # or SECTOREVAL_DATA_DIR; without it, the public sets are left out
make bench ARGS="--only scale,overhead"
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = (
    "startup", "overhead", "kills", "fuzz", "readers", "scale", "table_questions", "report_drafts", "lexical", "peers", "harness", "evaluation",
)  # fmt: skip
OF_DATA = {"lexical", "peers", "harness", "evaluation"}  # need --data-dir


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default=os.environ.get("SECTOREVAL_DATA_DIR"), metavar="DIR")
    parser.add_argument("--only", default=",".join(SCRIPTS), help="some of them, with commas between")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(SCRIPTS):
        parser.error(f"no such script: {', '.join(unknown)}; there are: {', '.join(SCRIPTS)}")
    failed = []
    for name in chosen:
        arguments = ["--data-dir", options.data_dir] if name in OF_DATA else []
        if None in arguments:
            print(f"\n== {name}: left out, since it needs --data-dir")
            continue
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, HERE / f"{name}.py", *arguments], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
