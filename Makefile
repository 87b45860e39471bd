# The front door. `make scan` audits, `make test` tests everything; `make help` lists the rest.
SHELL = /bin/sh
PYTHON ?= python3
INVENTORY ?= inventory.example.yaml
REPORT ?= mailaudit-report.html
VENV = .venv
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help scan test check fast lab bench docs snapshots clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1\t\2/p' Makefile | expand -t 14

# The example inventory must end with 0 although its hosts have findings on purpose.
FAIL_ON = $(if $(filter inventory.example.yaml,$(INVENTORY)),never,high)

scan: $(VENV)/.installed  ## scan INVENTORY (default: the recorded example hosts) and write an HTML report
	@$(BIN)/mailaudit scan -i $(INVENTORY) --fail-on $(FAIL_ON) --report terminal --report html:$(REPORT) $(ARGS)

test: $(VENV)/.installed-dev  ## everything: packages, lint, types, contracts, tests, lab, browser
	@$(BIN)/python tests/everything.py

fast: $(VENV)/.installed-dev  ## lint, types, contracts and the tests that need neither root nor a browser
	@$(BIN)/python tests/everything.py --fast

check: $(VENV)/.installed-dev  ## lint, types and import contracts only
	@$(BIN)/python tests/everything.py --check

lab: $(VENV)/.installed-dev  ## only the tests against real servers (root)
	@$(BIN)/pytest -m lab -n0 tests/lab

bench: $(VENV)/.installed-dev  ## the figures of docs/performance.md (root)
	@$(BIN)/python -m benchmarks

snapshots: $(VENV)/.installed-dev  ## record the example snapshots anew from the lab (root)
	@$(BIN)/python -m tests.snapshots.record

docs: $(VENV)/.installed-dev  ## regenerate what is generated: rule pages, command line, README blocks
	@$(BIN)/python docs/generate.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mailaudit needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu install python3-venv" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing mailaudit into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing mailaudit and its test tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
