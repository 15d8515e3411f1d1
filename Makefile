# Lapsewatch. `make demo` and `make test` are all the set-up there is; each calls `make setup` first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV := uv==0.13.9
COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
ARGS ?=
BULK ?=

# Runs under any Python, so that an old one is told in a line what is wanted.
CHECK_PYTHON := import sys; \
	sys.version_info >= (3, 11) or sys.exit("Lapsewatch needs Python 3.11 or newer; $(PYTHON) is " \
	+ sys.version.split()[0] + ". Name another one: make setup PYTHON=python3.12")
CHECK_VENV := import importlib.util as u, sys; \
	all(map(u.find_spec, ("venv", "ensurepip"))) or sys.exit("Lapsewatch needs the venv module of Python; " \
	"on Debian and Ubuntu: apt-get install python3-venv")

.PHONY: help setup demo run test lint score bench simulate drill screenshots requirements clean

help: ## list what can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

setup: $(STAMP) ## install everything into .venv and static/vendor; quick when nothing changed
	@$(BIN)/python -m dashboard.vendor

$(STAMP): requirements.txt requirements-dev.txt requirements.in pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Lapsewatch needs Python 3.11 or newer; there is no $(PYTHON)" >&2; exit 1; }
	@$(PYTHON) -c '$(CHECK_PYTHON)'
	@$(PYTHON) -c '$(CHECK_VENV)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo 'Installing the pinned requirements into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements.txt -r requirements-dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@test -x $(BIN)/lapsewatch && touch $@

demo: setup ## the console with a simulator and a sample registry on http://127.0.0.1:8000
	@$(BIN)/lapsewatch demo $(ARGS)

run: setup ## the console for real use, on SQLite and an embedded queue
	@$(BIN)/lapsewatch run $(ARGS)

test: setup ## every test, on SQLite and, where its programs are found, on PostgreSQL
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

lint: setup ## style, types, templates, and the one way that imports run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --check templates
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports

score: setup ## how well real WHOIS replies are read, where that data lies beside the checkout
	@PYTHONPATH=. $(BIN)/python tests/score/whois.py $(ARGS)

bench: setup ## the speed figures as ratios; ARGS=--json for machines
	@PYTHONPATH=. $(BIN)/python tests/bench/run.py $(ARGS)

simulate: setup ## cost and finds of each rhythm of checking over two years; ARGS="--domains 20000" for a look
	@PYTHONPATH=. $(BIN)/python tests/simulate/run.py $(ARGS)

drill: setup ## workers killed at random: paces (ARGS="--seconds 900 --day 300") and bulk actions (BULK="--kills 5")
	@PYTHONPATH=. $(BIN)/python tests/drill/run.py $(ARGS)
	@PYTHONPATH=. $(BIN)/python tests/drill/bulk.py $(BULK)

screenshots: setup ## renew the pictures in docs/
	@PYTHONPATH=. $(BIN)/python tests/browser/screenshots.py $(ARGS)

requirements: setup ## pin anew what the requirements*.in files ask for; ARGS=--upgrade for the newest
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(BIN)/python -m venv "$$tools" && "$$tools/bin/pip" install --quiet --disable-pip-version-check '$(UV)' && \
	"$$tools/bin/uv" $(COMPILE) $(ARGS) requirements.in -o requirements.txt && \
	"$$tools/bin/uv" $(COMPILE) $(ARGS) requirements-dev.in -o requirements-dev.txt && \
	"$$tools/bin/uv" $(COMPILE) $(ARGS) --no-deps requirements-assets.in -o requirements-assets.txt

clean: ## remove what set-up and tests made; var/ (your data) stays
	rm -rf $(VENV) static/vendor build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
