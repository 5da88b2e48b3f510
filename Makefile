# Every target with a text after `##` is listed by `make help`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCKS := requirements/bootstrap.txt requirements/dev.txt
CODE := activities api casework tests workflows $(wildcard bench worker.py)

# Releases younger than this stay out of the lock: broken ones are withdrawn, mirrors catch up.
LOCK_AGE ?= 14 days
UV_LOCK = env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(BIN)/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-header --exclude-newer "$(LOCK_AGE)"

# How many test processes; TESTS narrows what runs: make test TESTS="tests/test_project.py -k host"
JOBS ?= 2
TESTS ?=

# Where the processes that are started by hand listen, on 127.0.0.1.
PORT ?= 8000
TEMPORAL_PORT ?= 7233
TEMPORAL_UI_PORT ?= 8233

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Install everything into .venv, as locked

$(STAMP): $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Casework needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not one of them:" >&2; \
		echo "say which one to use, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv package" >&2; \
		echo "(python3-venv on Debian and Ubuntu)." >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--requirement requirements/bootstrap.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Run the whole system here with sample cases (ONCE=1: one tour, then end)
	$(BIN)/casework demo $(if $(ONCE),--once)

.PHONY: test
test: $(STAMP) browser ## Run all tests (JOBS=2, TESTS="paths and options for pytest")
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadgroup $(TESTS)

.PHONY: histories
histories: $(STAMP) ## Record the histories anew that changed workflows have to replay
	CASEWORK_RECORD_HISTORIES=1 $(BIN)/pytest --numprocesses $(JOBS) tests/workflows/test_paths.py tests/workflows/test_enrollment_drive.py
	$(BIN)/python -m tests.workflows.test_replay

.PHONY: bench
bench: $(STAMP) ## Compare cases with bare workflows, and acts over HTTP with bare updates
	$(BIN)/python -m bench.cases

.PHONY: bench-drive
bench-drive: $(STAMP) ## Open 10,537 cases on PostgreSQL (ROWS=500: fewer, WORKERS=2: processes)
	$(BIN)/python -m bench.drive $(if $(ROWS),--rows $(ROWS)) $(if $(WORKERS),--workers $(WORKERS))

.PHONY: bench-statements
bench-statements: $(STAMP) ## Count Temporal's own SQL for a case (TEXTS=1: by statement)
	$(BIN)/python -m bench.statements $(if $(TEXTS),--texts)

.PHONY: drill
drill: $(STAMP) ## Take parts away under load and compare SQL with histories (OUTAGES=60, SEED=1, REPORT=file)
	$(BIN)/python -m bench.outages --outages $(or $(OUTAGES),60) --seed $(or $(SEED),1) \
		$(if $(REPORT),--report $(REPORT))

.PHONY: check
check: $(STAMP) ## Check style, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

.PHONY: format
format: $(STAMP) ## Format the code and fix what can be fixed without a person
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: migrate
migrate: $(STAMP) ## Bring the application database to the newest schema
	$(BIN)/casework migrate

.PHONY: temporal
temporal: $(STAMP) ## Run a Temporal server for trying out (TEMPORAL_PORT=7233, TEMPORAL_UI_PORT=8233)
	@mkdir -p var
	$(BIN)/temporal server start-dev --db-filename var/temporal.db \
		--port $(TEMPORAL_PORT) --ui-port $(TEMPORAL_UI_PORT)

.PHONY: serve
serve: $(STAMP) ## Serve the API and the public pages (PORT=8000)
	$(BIN)/casework serve --port $(PORT)

.PHONY: worker
worker: $(STAMP) ## Run a worker
	$(BIN)/python worker.py

.PHONY: browser
browser: $(STAMP) ## Install a Chromium for the browser tests when there is none
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium; \
	else \
		$(BIN)/playwright install chromium || { \
			echo "No browser: install the package chromium and run this again." >&2; exit 1; }; \
	fi > /dev/null

.PHONY: lock
lock: $(STAMP) ## Resolve the dependencies again and write requirements/
	$(UV_LOCK) pyproject.toml --extra local --group dev --upgrade --output-file requirements/dev.txt
	$(UV_LOCK) pyproject.toml --no-annotate --constraint requirements/dev.txt \
		--upgrade --output-file requirements/runtime.txt
	echo uv | $(UV_LOCK) --no-annotate --constraint requirements/dev.txt \
		--upgrade --output-file requirements/bootstrap.txt -

.PHONY: sbom
sbom: $(STAMP) ## List what the software is made of: build/sbom.json, CycloneDX
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements/runtime.txt --pyproject pyproject.toml \
		--index-url "" --output-reproducible --of JSON --output-file build/sbom.json

.PHONY: clean
clean: ## Remove the environment and what tools left behind
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
