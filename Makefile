.DEFAULT_GOAL := help
.PHONY: help train test test-heavy test-slow survive lint format dashboard bench gpu data clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
CPP = $(wildcard src/operations/cpp/*) $(wildcard tests/operations/*.cc)
WARNINGS := -std=c++17 -Wall -Wextra -Werror

help:  ## Explain every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

train: $(READY)  ## Train: digits by default; make train ARGS="+experiment=resnet20 +profile=quick"
	$(RUN) src.train $(ARGS)

test: $(READY)  ## Run the quick tests
	$(RUN) pytest -n 2 --dist worksteal -m "not heavy and not slow" $(ARGS)

test-heavy: $(READY)  ## Run the tests that take longer
	$(RUN) pytest -n 2 --dist worksteal -m "heavy and not slow" $(ARGS)

test-slow: $(READY)  ## Run the tests that take longest, such as thirty steps of the deepest networks
	$(RUN) pytest -n 2 --dist worksteal -m slow $(ARGS)

survive: $(READY)  ## Kill a run a hundred times at random moments and compare bits: make survive KILLS=100
	KILLS=$(or $(KILLS),100) $(RUN) pytest tests/test_survival.py -s -m slow -k random

lint: $(READY)  ## Check format, style and types
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(VENV)/bin/clang-format --dry-run --Werror $(CPP)
	$(CXX) $(WARNINGS) -fsyntax-only -Isrc/operations/cpp -isystem $$($(VENV)/bin/python -c 'import jax; print(jax.ffi.include_dir())') $(filter %.cc,$(CPP))

format: $(READY)  ## Format the code
	$(RUN) ruff format .
	$(RUN) ruff check --fix .
	$(VENV)/bin/clang-format -i $(CPP)

dashboard: $(READY)  ## Show all runs in TensorBoard
	$(RUN) tensorboard.main --logdir runs $(ARGS)

bench: $(READY)  ## Measure; writes docs/performance.md and results/benchmarks/DEVICE/*.json
	$(RUN) benchmarks.run $(ARGS)

gpu: $(READY)  ## Measure what only a GPU can show (docs/gpu.md): make gpu SECONDS=570; SCALE=.01 rehearses it anywhere
	$(RUN) benchmarks.gpu $(if $(SCALE),scale=$(SCALE)) $(if $(SECONDS),seconds=$(SECONDS)) $(ARGS)

data: $(READY)  ## Prepare a TFDS data set: make data NAME=cifar10 (in a throw-away environment with TensorFlow)
	@test -n "$(NAME)" || { echo "error: make data needs a name, like make data NAME=cifar10" >&2; exit 2; }
	$(RUN) src.data.prepare $(NAME)

clean:  ## Remove the environment and all caches of tools; runs and results stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

$(READY): requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit("error: Python 3.11 to 3.13 is needed; set PYTHON=" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	touch $(READY)
