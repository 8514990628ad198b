# Two commands matter to a newcomer: `make demo` and `make test`. Both start from a bare clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
# How many tests run at once (most wait for something most of the time), and what else pytest is told:
# make test TESTS="tests/unit -k tiles"
WORKERS ?= $(shell echo $$((2 * $$(nproc))))
TESTS ?=
# What was asked for, also where make calls itself.
ASKED ?= $(MAKECMDGOALS)
export PYTHON ASKED

.PHONY: help demo test soak check bench docs venv lock system clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## 5 March 2026 again: a change that must not ship, and what stops it when it does
	@scripts/alert-tools promtool
	@$(BIN)/interlock demo

# Workers read one another's bytecode: compiling every test for its checks is a third of a minute of each.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

test: ## every test but the ones that take minutes
	@$(MAKE) --no-print-directory -j 2 $(DEV) system
	@$(PYTEST) -n $(WORKERS) -m "not soak" $(TESTS)

soak: $(DEV) system ## the tests that take minutes to hours
	@$(PYTEST) -n 2 -m soak $(TESTS)

check: $(DEV) ## ruff, formatting, types and the import contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(DEV) ## every benchmark (hours), or: make bench ONLY="judge ledger"; rewrites docs/measurements.md
	@$(BIN)/python scripts/measurements.py $(ONLY)

docs: $(DEV) ## write docs/reference/ and the README's screen from the code
	@$(BIN)/python docs/generate.py

venv: $(DEV) ## the environment in .venv, for editors and shells

lock: $(DEV) ## pin newer versions of everything in requirements/*.lock
	@$(BIN)/python scripts/lock.py

clean: ## remove the environment and every cache
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	@find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

system:
	@scripts/system-packages
	@scripts/alert-tools amtool

$(RUNTIME): requirements/runtime.lock pyproject.toml scripts/environment
	@scripts/environment runtime
	@touch $@

$(DEV): requirements/dev.lock pyproject.toml scripts/environment
	@scripts/environment dev
	@touch $(RUNTIME) $@
