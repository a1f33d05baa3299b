"""Make the environments of a checkout: `.venv` for the apps, `.venv-vllm` for the model server.

    python3 deploy/environments.py app | dev | vllm | peers

`.venv-peers` holds what `tests/bench/peers.py` compares Sectorkit with, and nothing else needs it.

Standard library only, since it runs before anything is installed. Nothing is done where an environment was made
from the same requirements before. Downloads are cached below SECTORKIT_HOME, unless UV_CACHE_DIR names a place.

vLLM lives apart because its pins would rule the apps'. torch comes from PIP_FIND_LINKS where that is set, and from
the build that uv picks for this machine's hardware elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "deploy" / "requirements"
VENV, VENV_VLLM, VENV_PEERS = ROOT / ".venv", ROOT / ".venv-vllm", ROOT / ".venv-peers"
UV = "uv==0.13.9"
OVERRIDES = "overrides-cpu.txt"


def main(target: str) -> None:
    """Make the environment that `target` names; SystemExit with the next step where that fails."""
    if sys.version_info < (3, 11):
        raise SystemExit(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; run make PYTHON=python3.12"
        )
    if target == "app" and (VENV / ".made-dev").exists():
        target = "dev"  # it holds all that the app needs, and is kept up to date as what it is
    if target == "app":
        files, venv, project = ["app.txt", "torch.txt"], VENV, True
    elif target == "dev":
        files, venv, project = ["dev.txt", "torch.txt"], VENV, True
    elif target == "vllm":
        files, venv, project = (["vllm-gpu.txt"] if has_gpu() else ["vllm-cpu.txt", OVERRIDES]), VENV_VLLM, False
    elif target == "peers":
        files, venv, project = ["peers.txt", "torch.txt"], VENV_PEERS, False
    else:
        raise SystemExit("usage: environments.py app | dev | vllm | peers")
    if target == "vllm" and sys.platform != "linux":
        print(
            "!! there is no vLLM for this system: name a model server in SECTORKIT_LLM_URL, or search without a model",
            flush=True,
        )
        return
    inputs = [REQUIREMENTS / name for name in files] + ([ROOT / "pyproject.toml"] if project else [])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs) + sys.version.encode()).hexdigest()
    stamp = venv / f".made-{target}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    started = time.monotonic()
    print(f"==> making {venv.name} ({', '.join(files)})", flush=True)
    uv = bootstrap_uv()
    if not project:
        make_venv(venv, "--without-pip")
    # What vLLM asks for and what breaks beside the CPU build is overridden here too: a compiled file leaves it out,
    # and an installer would bring it back as somebody's dependency.
    flag = {OVERRIDES: "--override"}
    install(uv, venv, [argument for name in files for argument in (flag.get(name, "-r"), REQUIREMENTS / name)])
    if project:
        install(uv, venv, ["--no-deps", "-e", ROOT])
    stamp.write_text(digest)
    print(f"==> {venv.name} is ready ({time.monotonic() - started:.0f} s)", flush=True)


def make_venv(venv: Path, *options: str) -> None:
    """A virtual environment, made anew where one was left half made."""
    if (venv / "bin" / "python").exists() and (options or any(venv.glob("lib/python*/site-packages/pip"))):
        return
    if subprocess.run([sys.executable, "-m", "venv", "--clear", *options, venv], check=False).returncode:
        shutil.rmtree(venv, ignore_errors=True)
        raise SystemExit(
            "no virtual environment could be made; on Debian or Ubuntu: sudo apt-get install python3-venv, then again"
        )


def bootstrap_uv() -> Path:
    """uv, installed into `.venv` by pip: the one package that pip installs."""
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        make_venv(VENV)
        command = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir", UV]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit("uv could not be installed; is a package index reachable? try: pip download uv")
    return uv


def install(uv: Path, venv: Path, what: list[str | Path]) -> None:
    """`uv pip install` into `venv`; SystemExit where it fails."""
    env = os.environ | {"UV_CACHE_DIR": str(download_cache()), "UV_PYTHON_DOWNLOADS": "never"}
    if venv == VENV_PEERS:
        env["UV_LINK_MODE"] = "copy"  # LlamaIndex reads word lists by nltk, which refuses hard-linked files
    command = [uv, "pip", "install", "--python", venv / "bin" / "python", *what]
    if find_links := os.environ.get("PIP_FIND_LINKS"):
        env.setdefault("UV_FIND_LINKS", ",".join(find_links.split()))
    elif "-r" in what:
        command += ["--torch-backend", "auto" if has_gpu() else "cpu"]
    if subprocess.run(command, env=env, check=False).returncode:
        free = shutil.disk_usage(ROOT).free / 2**30
        raise SystemExit(
            f"installing into {venv.name} failed ({free:.1f} GB free, 6 GB needed): see above, then run it again"
        )


def download_cache() -> Path:
    """Where downloads are kept."""
    home = Path(os.environ.get("SECTORKIT_HOME") or Path.home() / ".cache" / "sectorkit")
    return Path(os.environ.get("UV_CACHE_DIR") or home / "downloads")


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU with a working driver."""
    smi = shutil.which("nvidia-smi")
    return smi is not None and subprocess.run([smi, "-L"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")
