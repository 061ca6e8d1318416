# `make run` and `make test` need only Python 3.11 and make.
.DEFAULT_GOAL := help
.PHONY: help run demo test test-browser test-processes test-all faults cluster openapi bench-availability bench-ingest bench-pages bench-scale bench-silence lint audit sbom image check messages lock screenshots
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' statusboard/__init__.py)
# --require-hashes installs only the locked versions.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
# One process per core, each with its own database. Files keep their order: browser tests run last.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

run: $(VENV)/ready ## Start Statusboard (web server and worker); stop with Ctrl-C
	@STATUSBOARD_GENERATE_SECRETS=1 exec $(BIN)/python manage.py serve

demo: $(VENV)/ready ## Start a separate Statusboard with a simulated Z-API and sample callbacks
	@export PORT=$${PORT:-8000} ZAPI_PORT=$${ZAPI_PORT:-8090}; \
	env -u DATABASE_URL DEMO=on DATA_DIR=data/demo PUBLIC_BASE_URL=http://localhost:$$PORT \
		ZAPI_BASE_URL=http://127.0.0.1:$$ZAPI_PORT $(BIN)/python manage.py serve --demo

bench-pages: $(VENV)/ready-dev ## Measure pages on a large database; ARGS="--messages 5000000" as in the targets
	@$(BIN)/python -m bench.pages $(ARGS)

bench-availability: $(VENV)/ready-dev ## Measure callbacks during slow clients and busy pages (needs nginx and PostgreSQL)
	@$(BIN)/python -m bench.availability $(ARGS)

bench-ingest: $(VENV)/ready-dev .venv-bench/ready ## Measure the webhook (needs wrk, pgbench and PostgreSQL)
	@$(BIN)/python -m bench.ingest $(ARGS)

bench-scale: $(VENV)/ready-dev ## Measure growth, indexes and retention; ARGS="--messages 10000000 --purged 1000000"
	@$(BIN)/python -m bench.scale $(ARGS)

bench-silence: $(VENV)/ready-dev ## Back-test silence alerts: false alarms, time to detect
	@$(BIN)/python -m bench.silence

test: $(VENV)/ready-dev ## Run the quick tests (no browser, no real processes)
	@$(PYTEST) -m "not browser and not processes and not faults" $(ARGS)

test-browser: $(VENV)/ready-dev ## Run the tests that open pages in Chromium
	@$(PYTEST) -m browser $(ARGS)

test-processes: $(VENV)/ready-dev ## Run the tests that start and break real processes
	@$(PYTEST) -m "processes or faults" $(ARGS)

test-all: $(VENV)/ready-dev ## Run every test, as .ci/run does
	@$(PYTEST) $(ARGS)

faults: $(VENV)/ready-dev ## Break real processes at full length (half an hour)
	@FAULT_KILLS=20 FAULT_ROUNDS=5 FAULT_SECONDS=30 FAULT_EXAMPLES=2000 HOSTILE_EXAMPLES=10000 \
		$(BIN)/python -m pytest tests/faults tests/webhooks/test_hostile_requests.py tests/processes/test_hostile.py -rA $(ARGS)

cluster: $(VENV)/ready-dev ## Break each part of a highly available installation (needs Patroni, etcd, PgBouncer, HAProxy)
	@CLUSTER_FAULTS=all $(BIN)/python -m pytest tests/cluster -q -s $(ARGS)

openapi: $(VENV)/ready-dev ## Write docs/webhook.openapi.yaml
	@$(BIN)/python manage.py spectacular --urlconf messages.webhooks.urls --validate --fail-on-warn \
		--custom-settings messages.webhooks.schema.SETTINGS --file docs/webhook.openapi.yaml

screenshots: $(VENV)/ready-dev ## Save an image of every page in screenshots/ (needs Chromium)
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/browser/screenshots.py

lint: $(VENV)/ready-dev ## Check style, types, templates, deployment files, migrations and settings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@git ls-files 'templates/*.html' -z | xargs -0 $(BIN)/djade --target-version 5.2 --check
	@$(BIN)/hadolint deploy/docker/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/docker/compose.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/python -W error manage.py makemigrations --check --dry-run
	@$(BIN)/python -W error manage.py check_migrations
	@PUBLIC_BASE_URL=https://board.example.com $(BIN)/python -W error manage.py check --deploy --fail-level WARNING

audit: $(VENV)/ready-dev ## Check the locked libraries for known vulnerabilities (needs PyPI)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt

# A copy of pyproject.toml names the version, which the original reads from the package.
sbom: $(VENV)/ready-dev ## Write sbom.cdx.json, the list of libraries as CycloneDX
	@sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml > sbom.toml
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject sbom.toml --mc-type application \
		--output-reproducible --output-file sbom.cdx.json requirements.txt; \
		status=$$?; rm -f sbom.toml; exit $$status

image: ## Build the container image statusboard:latest (needs Docker)
	@docker build --file deploy/docker/Dockerfile --tag statusboard:latest --tag statusboard:$(VERSION) \
		--build-arg VERSION=$(VERSION) --build-arg COMMIT=$$(git rev-parse --short=12 HEAD) .

check: lint test ## Run the checks for a commit

messages: $(VENV)/ready-dev ## Collect and compile translations (needs gettext)
	@$(BIN)/python manage.py makemessages --locale pt_BR --no-obsolete --no-wrap --add-location file \
		--ignore $(VENV) --ignore data --ignore tests --ignore bench
	@$(BIN)/python manage.py compilemessages --locale pt_BR --ignore $(VENV)

lock: $(VENV)/ready-dev ## Lock requirements*.in as requirements*.txt, with hashes
	@for name in requirements requirements-dev requirements-bench; do \
		$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header \
			--python-version 3.11 $$name.in -o $$name.txt; done

$(VENV)/ready: requirements.txt
	@echo "Setting up a virtual environment in $(VENV) (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Statusboard needs Python 3.11 or newer. Choose one: PYTHON=python3.11 make run"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

# The projects that the webhook is compared with.
.venv-bench/ready: requirements-bench.txt
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@
