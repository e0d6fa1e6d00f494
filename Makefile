# `make` alone prints this help. Every target does the set-up it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
SOURCES := webhook worker ops whatsapp store devstack examples tests bench docs/mkdocs_links.py

.DEFAULT_GOAL := help
INBOX := examples/inbox
.PHONY: help setup demo inbox types test bench bench-outbound bench-media bench-frontends chaos fuzz lint format snapshot screenshots docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(VENV)/.installed node_modules/.installed ## dependencies only: Python into .venv, npm into node_modules

# The story alone needs no browser, so --once builds nothing for one.
demo: setup $(if $(findstring --once,$(DEMO_ARGS)),,inbox) ## a conversation through all three flows, then an inbox (DEMO_ARGS=--once ends by itself)
	@$(PY) -m devstack run --app -- $(PY) -m examples.demo $(DEMO_ARGS)

inbox: setup $(INBOX)/dist/index.html ## builds the example inbox (examples/inbox/)

types: setup ## writes the types of the database anew after a migration, TypeScript and Python
	@$(PY) -m devstack run -- $(PY) -m devstack.typegen > $(INBOX)/src/database.types.tmp
	@mv $(INBOX)/src/database.types.tmp $(INBOX)/src/database.types.ts
	@$(PY) -m devstack run -- $(PY) -m devstack.typegen python > examples/bot/database_types.tmp
	@mv examples/bot/database_types.tmp examples/bot/database_types.py

# Six parts, three side by side, the longest first, each on a stack of its own: they mostly wait. One alone when TEST_ARGS
# asks for some.
test: setup inbox ## every test, on fresh local stacks (TEST_ARGS="-k name" for some)
ifdef TEST_ARGS
	@$(PY) -m devstack run -- $(PY) -m pytest $(TEST_ARGS)
else
	@$(MAKE) --no-print-directory --output-sync --jobs=3 \
	  test-worker test-outside test-product test-attack test-devstack test-plans
endif

.PHONY: test-devstack test-worker test-outside test-product test-attack test-plans
# What a plan is made of, statistics and dead rows, is to be a test's own: plans are looked at on a stack of their own.
PLANS := $(wildcard tests/store/test_*_plans.py tests/frontends/test_*_plans.py) tests/store/test_stale_statistics.py
test-devstack:
	@$(PY) -m devstack run -- $(PY) -m pytest -q tests/devstack

test-worker:
	@$(PY) -m devstack run -- $(PY) -m pytest -q tests/worker

# As users, operators and places where it runs meet it.
OUTSIDE := tests/browser tests/deploy tests/frontends tests/ops tests/test_demo.py tests/test_docs.py tests/test_quickstart.py
test-outside:
	@$(PY) -m devstack run -- $(PY) -m pytest -q $(OUTSIDE) $(PLANS:%=--ignore=%)

test-product:
	@$(PY) -m devstack run -- $(PY) -m pytest -q --ignore=tests/devstack --ignore=tests/worker --ignore=tests/attack \
	  $(OUTSIDE:%=--ignore=%) $(PLANS:%=--ignore=%)

test-plans:
	@$(PY) -m devstack run -- $(PY) -m pytest -q $(PLANS)

test-attack:
	@$(PY) -m devstack run -- $(PY) -m pytest -q tests/attack

bench: setup ## inbound under load against an empty and a naive receiver, ten minutes (BENCH_ARGS="--quick ours")
	@$(PY) -m devstack run -- $(PY) -m bench.inbound $(BENCH_ARGS)

# The outside queues are installed where they are measured: named, or no part is.
OUTBOUND_PARTS := ours two few naive queues latency claim memory
QUEUES_ASKED := $(if $(filter $(OUTBOUND_PARTS),$(BENCH_ARGS)),$(filter queues,$(BENCH_ARGS)),all)

bench-outbound: setup $(if $(QUEUES_ASKED),$(VENV)/.bench-installed) ## outbound: throughput, latency, claims, memory, outside queues, fifteen minutes
	@$(PY) -m devstack run -- $(PY) -m bench.outbound $(BENCH_ARGS)

bench-media: setup ## files: a document beside curl, pictures beside a naive way, latency, four minutes (BENCH_ARGS="--quick document")
	@$(PY) -m devstack run -- $(PY) -m bench.media $(BENCH_ARGS)

bench-frontends: setup ## the inbox in full tables, beside plain SQL, fifteen minutes (BENCH_ARGS="--quick search", "--full")
	@$(PY) -m devstack run -- $(PY) -m bench.frontends $(BENCH_ARGS)

# A seed says what is sent and when who dies; KILL_SEED and FUZZ_SEED bring one back.
chaos: setup ## receivers, workers and Postgres killed under load for minutes (CHAOS_KILLS=200 CHAOS_SENDS=5000 CHAOS_FILES=400)
	@CHAOS_KILLS=$${CHAOS_KILLS:-200} CHAOS_ROUNDS=$${CHAOS_ROUNDS:-3} CHAOS_PER_SECOND=$${CHAOS_PER_SECOND:-300} \
	  CHAOS_SENDS=$${CHAOS_SENDS:-5000} CHAOS_SEND_KILLS=$${CHAOS_SEND_KILLS:-40} \
	  CHAOS_FILES=$${CHAOS_FILES:-400} CHAOS_FILE_KILLS=$${CHAOS_FILE_KILLS:-100} $(PY) -m devstack run -- \
	  $(PY) -m pytest -q -s tests/attack/test_inbound_kills.py tests/attack/test_arrows.py \
	  tests/attack/test_outbound_kills.py tests/attack/test_media_kills.py

fuzz: setup ## broken bodies through the whole way in (FUZZ_BODIES=100000)
	@FUZZ_BODIES=$${FUZZ_BODIES:-100000} $(PY) -m devstack run -- $(PY) -m pytest -q -s tests/attack/test_fuzz.py

# FROM is a tag or commit whose migrations are unchanged today; none: the newest release.
.PHONY: soak test-upgrade test-upgrade-bites
test-upgrade: setup ## the release before on today's schema under load, then replaced by today's (FROM=v0.1.0), two minutes
	@$(PY) -m tests.upgrade $(FROM)

test-upgrade-bites: setup
	@UPGRADE_BITES=1 $(PY) -m devstack run -- $(PY) -m pytest -q tests/upgrade

soak: setup ## mixed traffic for SOAK_MINUTES=20: memory, files and lags end where they began
	@SOAK_MINUTES=$${SOAK_MINUTES:-20} $(PY) -m devstack run -- $(PY) -m bench.soak

lint: setup ## style, types and import contracts
	@$(VENV)/bin/ruff check $(SOURCES)
	@$(VENV)/bin/ruff format --check --quiet $(SOURCES)
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache

format: setup ## lays the sources out
	@$(VENV)/bin/ruff format $(SOURCES)
	@$(VENV)/bin/ruff check --fix --quiet $(SOURCES)

snapshot: setup ## writes supabase/schema.snapshot.sql and what `wabase doctor` expects anew after a migration
	@$(PY) -m devstack run -- sh -c '$(PY) -m devstack.installation > ops/installation.tmp && \
	  $(PY) -m devstack.snapshot > supabase/schema.snapshot.tmp'
	@mv ops/installation.tmp ops/installation.json
	@mv supabase/schema.snapshot.tmp supabase/schema.snapshot.sql

screenshots: setup inbox ## takes the pictures in docs/images anew, with Chromium
	@$(PY) -m devstack run --app -- $(PY) -m tests.browser.screenshots

docs: $(VENV)/.docs-installed ## the documentation as a site, in site/
	@$(VENV)/bin/mkdocs build --quiet --strict

clean: ## removes what set-up and runs have made
	rm -rf $(VENV) node_modules $(INBOX)/node_modules $(INBOX)/dist .devstack site *.egg-info

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Wabase needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@echo "Installing Python packages into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.bench-installed: requirements-bench.lock $(VENV)/.installed
	@echo "Installing the outside queues into $(VENV) …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

$(VENV)/.docs-installed: requirements-docs.lock $(VENV)/.installed
	@echo "Installing MkDocs into $(VENV) …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

# `install` and not `ci`: the lock knows the platforms its registry had; others are resolved by their pinned version.
node_modules/.installed: package-lock.json
	@node -e 'process.exit(Number(process.versions.node.split(".")[0] < 20))' 2>/dev/null || \
	  { echo "Wabase needs Node 20 or newer for its local stack"; exit 1; }
	@echo "Installing PostgreSQL, PostgREST and the Supabase CLI into node_modules …"
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(INBOX)/node_modules/.installed: $(INBOX)/package-lock.json | node_modules/.installed
	@echo "Installing Vite, TypeScript and supabase-js into $(INBOX)/node_modules …"
	@npm install --prefix $(INBOX) --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(INBOX)/dist/index.html: $(INBOX)/node_modules/.installed $(wildcard $(INBOX)/*.html $(INBOX)/src/*.ts $(INBOX)/src/styles/*)
	@cd $(INBOX) && npm run --silent typecheck && npm run --silent build -- --logLevel=warn
