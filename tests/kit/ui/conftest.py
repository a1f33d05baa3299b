"""The pretended runtime of the browser tests serves the fast ones too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "browser"))
