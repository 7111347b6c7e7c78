# Everything runs from a clean clone with only make and a Python of at least 3.11. Each target makes `.venv` first.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# A stamp is newer than pyproject.toml exactly when its set of packages is installed. `demo` needs no developer's tool.
DEMO_STAMP := .venv/.demo-installed
DEV_STAMP := .venv/.dev-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-long unit lint types contracts check format clean

help: ## Shows this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(DEV_STAMP) ## Makes .venv with everything that a developer needs

demo: $(DEMO_STAMP) ## Diagnoses a slow example: under 3 minutes once set up
	$(BIN)/fitdoctor diagnose examples/slow_pipeline.py

test: $(DEV_STAMP) ## Runs the tests, end-to-end ones on real trainings included
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile

test-long: $(DEV_STAMP) ## Runs the tests that take minutes each: trials in many processes, children that die or hang
	$(BIN)/python -m pytest -m long

unit: $(DEV_STAMP) ## Runs the tests that need no framework: seconds
	$(BIN)/python -m pytest -m "not e2e"

lint: $(DEV_STAMP) ## Checks style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP) ## Checks types, strictly
	$(BIN)/mypy

contracts: $(DEV_STAMP) ## Checks that imports run one way
	$(BIN)/lint-imports

check: lint types contracts test ## Everything that must hold before a change is merged

format: $(DEV_STAMP) ## Rewrites the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Removes .venv, caches and recordings
	rm -rf .venv .fitdoctor .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python of at least 3.11 was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(DEMO_STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing fitdoctor and what its examples train with into .venv (a minute or two, once)"
	$(PIP) install -e '.[demo]'
	@touch $@

$(DEV_STAMP): pyproject.toml $(DEMO_STAMP)
	@echo "Installing the developer's tools into .venv"
	$(PIP) install -e '.[demo,dev]'
	test -d .venv/keras-3.12 || $(PIP) install --no-deps --target .venv/keras-3.12 'keras==3.12.*'  # for tests
	$(PIP) install torch==2.13.0  # this very version comes without gigabytes of CUDA, so it is no range in pyproject.toml
	$(PIP) install --no-deps 'tf_keras>=2.21,<2.22'  # it wants the package tensorflow, which would come on top of tensorflow-cpu
	@touch $@
