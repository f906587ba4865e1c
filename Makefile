# make run   clone to a finished main job        make test   clone to a passed suite
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: run test lint types contracts baseline check bench plants docs long clean

run: $(STAMP)
	$(BIN)/cellfab run configs/scenarios/ess_from_4680.yaml

test: $(STAMP)
	$(BIN)/pytest -n 2 --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

# What has moved in the shipped scenarios; after a change that is meant: cellfab baseline save shipped
baseline: $(STAMP)
	$(BIN)/cellfab baseline check shipped

check: lint types contracts test baseline

bench: $(STAMP)
	$(BIN)/python benchmarks/serial_line.py
	$(BIN)/python benchmarks/quality_chain.py
	$(BIN)/python benchmarks/main_job.py

# What a kWh costs in the plants of 20 GWh a year, by account: the tables of docs/cost.md.
plants: $(STAMP)
	$(BIN)/python benchmarks/plant_cost.py

# The page of all steps, from the steps' own texts.
docs: $(STAMP)
	$(BIN)/cellfab steps --page > docs/steps.md

# Checks too long for every change.
long: $(STAMP)
	$(BIN)/pytest -n 2 --run-slow -m slow
	HYPOTHESIS_PROFILE=hunt $(BIN)/pytest -n 2 tests/line/test_properties.py tests/core/test_ledger.py

$(STAMP): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
