# What a person types here. Every target brings what it needs: uv, the virtual environment, and where it can, packages
# of the system (scripts/bootstrap says what, and asks when it may not).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export PYTHON ?=
BIN := .venv/bin
# The forge's one heavy part. It is not in requirements.lock: its default build brings gigabytes of CUDA, and running
# Casava OS needs none of it. The version is the [forge] extra's.
TORCH = $(shell sed -n 's/^forge = \["\(torch==[^"]*\)".*/\1/p' pyproject.toml)

.PHONY: help setup demo test check bench screenshots crash lock forge test-forge model embed clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## .venv with every pinned package (compiles llama.cpp once: about 3 minutes on two cores)
	@scripts/bootstrap venv

demo: setup ## a messy folder, a handful of requests, a changeset, an undo (Docker or bubblewrap)
	@scripts/bootstrap sandbox
	@scripts/demo

test: check ## the checks, then every test that needs no torch, on real sandboxes (gets a Docker daemon)
	@scripts/bootstrap docker
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)  # they wait for sandboxes more than for processors

check: setup ## format, lint, types, floors, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m casava_os.generate --check

bench: setup ## whole-command times and their parts
	@scripts/bootstrap docker
	$(BIN)/python -m bench $(BENCH_ARGS)

screenshots: setup ## the README's pictures of the shell, from the real one (docs/shell-*.svg)
	@scripts/bootstrap docker
	$(BIN)/python scripts/screenshots.py

crash: setup ## kills commits, undos, recoveries and stacks at every labelled point and 1,200 random instants; prints the counts
	$(BIN)/python -m tests.crash $(CRASH_ARGS)
	@scripts/bootstrap docker
	$(BIN)/python -m tests.infra.crash

lock: ## pin versions and hashes after a change of pyproject.toml (UPGRADE=1: the newest of everything)
	$$(scripts/bootstrap uv) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		$(if $(UPGRADE),--upgrade) --no-config --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--quiet --output-file requirements.lock

forge: setup ## what makes a kernel model: torch
	@$(BIN)/python -c 'import importlib.metadata as m, sys; sys.exit(m.version("torch").split("+")[0] != "$(TORCH)"[7:])' 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'

test-forge: forge ## the forge's tests, those of the network too
	$(BIN)/python -m pytest tests/forge $(PYTEST_ARGS)

model: forge ## the kernel model anew, from nothing: an hour and a half on two cores (FORGE_ARGS="--minutes 180 --threads 2")
	$(BIN)/python -m casava_os.forge make $(FORGE_ARGS)

embed: forge ## the embedding model anew (FORGE_ARGS="--teacher FOLDER --pairs FILE --minutes 60")
	$(BIN)/python -m casava_os.forge embed make $(FORGE_ARGS)

clean: ## what the tools left; the environment stays
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find casava_os syscalls apps sandbox config tests -name __pycache__ -type d -prune -exec rm -rf {} +
