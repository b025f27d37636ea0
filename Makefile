# Every target sets up what it needs: a clone, Python 3.11 or later, and nothing activated.
# The environment lives in .venv inside the clone and is made again only when pyproject.toml changes.

PYTHON ?= python3
BIN := .venv/bin

# Stamps: what has been installed. The demo needs less than the tests, so it has its own.
VENV := .venv/.made
RUNTIME := .venv/.runtime
DEV := .venv/.dev
FUZZ := .venv/.fuzz
MUTANTS := .venv/.mutants

# Options of fuzz and mutants, for the command line.
SECONDS = 60
TARGET = all
INPUT =
ONLY =
JOBS = 1

# Which servers test-real tests, and which clients test-clients; all where it is empty.
SERVERS =
CLIENTS =

# Quiet while it works, everything when it fails.
PIP := $(BIN)/python -m pip --disable-pip-version-check install
QUIETLY = > .venv/install.log 2>&1 || { cat .venv/install.log >&2; exit 1; }

.PHONY: help demo test test-real test-clients check bench figures fuzz mutants picture clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## run the main job against the built-in simulator
	@$(BIN)/tokenweir demo

test: $(DEV) ## run all tests, and the examples in docstrings
	@$(BIN)/python -m pytest

test-real: $(DEV) ## run the tests against real servers, installed into build/real (SERVERS="mlx llama-server")
	@$(BIN)/python -m tests.real $(SERVERS)

test-clients: $(DEV) ## run real clients against the gateway, installed into build/clients (CLIENTS="curl langchain")
	@$(BIN)/python -m tests.clients $(CLIENTS)

check: $(DEV) ## lint, formatting, and types by two checkers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

bench: $(DEV) ## measure, and print the tables
	@$(BIN)/python -m benchmarks

figures: $(DEV) ## how often the cumulative detector errs, over 10,000 natural texts
	@$(BIN)/python -m benchmarks.detect_figures

fuzz: $(FUZZ) ## look for input that breaks a decoder (SECONDS=60 TARGET=all JOBS=1 INPUT=base64)
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --target $(TARGET) --jobs $(JOBS) $(if $(INPUT),--input $(INPUT))

mutants: $(MUTANTS) ## look for changes to a module that its tests do not notice (ONLY=stages/take.py JOBS=1)
	@$(BIN)/python -m tests.mutants --jobs $(JOBS) --only $(ONLY)

picture: $(DEV) ## draw docs/demo.svg again, from a real run
	@$(BIN)/python docs/picture.py

clean: ## remove all that make has made, .venv too
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "tokenweir needs Python 3.11 or later, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv
	@touch $@

$(RUNTIME): pyproject.toml | $(VENV)
	@echo "installing tokenweir into .venv (once)"
	@$(PIP) -e '.[cli]' $(QUIETLY)
	@touch $@

# Dependency groups need pip 25.1. What is installed here is more than the demo needs.
$(DEV): pyproject.toml | $(VENV)
	@echo "installing tokenweir and its development tools into .venv (once)"
	@$(PIP) --upgrade 'pip>=25.1' $(QUIETLY)
	@$(PIP) -e '.[all]' --group dev $(QUIETLY)
	@touch $(RUNTIME) $@

$(FUZZ): $(DEV)
	@$(PIP) --group fuzz $(QUIETLY)
	@touch $@

$(MUTANTS): $(DEV)
	@$(PIP) --group mutants $(QUIETLY)
	@touch $@
