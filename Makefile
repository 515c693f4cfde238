PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
ROOT ?= $(DEMO)/archive
INBOX ?= $(DEMO)/inbox
STAMP := $(VENV)/.installed
SIDE_BY_SIDE := -n 3 --dist loadfile

.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(STAMP) ## make .venv and install artgan into it

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(STAMP)

$(DEMO)/inbox: | $(STAMP)
	$(BIN)/artgan sample --folder $@

demo: $(STAMP) ## digitize the generated sample archive, from scans to report (6 to 13 minutes)
	$(BIN)/artgan sample --folder $(DEMO)/inbox
	$(BIN)/artgan nightly --root $(DEMO)/archive --inbox $(DEMO)/inbox --preset demo
	@echo "Open $(DEMO)/archive/reports/index.html, or ask: $(BIN)/artgan query \"select collection, count(*) from scans group by 1\" --root $(DEMO)/archive"

serve: $(STAMP) $(filter $(DEMO)/inbox,$(INBOX)) ## run server, schedule, forms and workers: make serve ROOT=... INBOX=...
	$(BIN)/artgan serve --root $(ROOT) --inbox $(INBOX) $(if $(filter $(DEMO)/%,$(ROOT)),--preset demo)

test: $(STAMP) ## run the tests, without those marked slow
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

test-slow: $(STAMP) ## run the tests marked slow
	$(BIN)/python -m pytest -m "slow and not postgres" $(SIDE_BY_SIDE)

test-postgres: $(STAMP) ## run the Prefect server on Debian's postgresql, and on it with redis-server
	$(BIN)/python -m pytest tests/deployments/test_postgres.py

check: $(STAMP) ## lint, types, import direction, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m artgan.catalog.dictionary | diff - data/dictionary.md

fix: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dictionary: $(STAMP) ## write data/dictionary.md from the schema
	$(BIN)/python -m artgan.catalog.dictionary > data/dictionary.md

audit: $(STAMP) ## known weaknesses of what is installed, and a bill of materials (sbom.json)
	test -x .audit/bin/pip-audit || { $(PYTHON) -m venv .audit && .audit/bin/python -m pip install --quiet --disable-pip-version-check -r deployments/audit.txt; }
	$(BIN)/python -m deployments.audit .audit/bin $(BIN)/python --bom sbom.json

bench: $(STAMP) ## run all benchmarks and append their results
	$(BIN)/python benchmarks/run.py

clean: ## remove the demo archive
	rm -rf $(DEMO)

.PHONY: help setup demo serve test test-slow test-postgres check fix dictionary audit bench clean
