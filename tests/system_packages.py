"""Install what the tests of the browser and of OCR need from the distribution, where that may be done: Debian or Ubuntu,
as root.

Elsewhere it names what is missing; those tests then skip, loudly. Under CI the browser's fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Chinese sample documents need a font, or screenshots show boxes.
PACKAGES = {
    "chromium": Path("/usr/bin/chromium"),
    "fonts-noto-cjk": Path("/usr/share/fonts/opentype/noto"),
    "tesseract-ocr": Path("/usr/bin/tesseract"),
}


def main() -> int:
    missing = [name for name, path in PACKAGES.items() if not path.exists()]
    if "chromium" in missing and shutil.which("google-chrome"):
        missing.remove("chromium")
    if not missing:
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print(f"!! missing: {', '.join(missing)}; the tests that need it will be skipped", file=sys.stderr)
        return 0
    print(f"==> installing {', '.join(missing)} from the distribution", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            print(f"!! {' '.join(command)} failed: {done.stderr[-500:]}", file=sys.stderr)
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
