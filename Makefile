# Two commands: `make demo` opens the apps on a real model, `make test` passes the tests. Both set up what they need.
PYTHON ?= python3
ARGS ?=
# Where a container sets it, every process would compile its libraries anew: 6 s of each command, more of vLLM's start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint format bench setup dev vllm peers corpus requirements clean

help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: setup $(if $(SECTORKIT_LLM_URL),,vllm)  ## set up everything and open the apps on a real model (Ctrl-C stops)
	@.venv/bin/sectorkit demo $(ARGS)

test: dev vllm  ## set up everything and pass the tests
	@.venv/bin/python tests/system_packages.py
	@.venv/bin/python -m pytest $(ARGS)

lint: dev  ## ruff, mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: dev  ## let ruff fix what it can
	.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

bench: dev vllm peers  ## measure what docs/BENCHMARKS.md states
	.venv/bin/python tests/bench/run.py $(ARGS)

setup:
	@$(PYTHON) deploy/environments.py app

dev:
	@$(PYTHON) deploy/environments.py dev

vllm:
	@$(PYTHON) deploy/environments.py vllm

peers:
	@$(PYTHON) deploy/environments.py peers

corpus: dev  ## build the PDF and DOCX of the sample corpus from their sources
	for app in apps/*/build_corpus.py; do .venv/bin/python $$app; done

requirements: dev  ## pin the dependencies anew after a change in pyproject.toml
	deploy/requirements/compile.sh $(ARGS)

clean:  ## remove the environments (the cache folder stays)
	rm -rf .venv .venv-vllm .venv-peers
