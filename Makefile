# Every target sets up what it needs in this checkout, once; afterwards it is quick and works offline.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
WARM := $(VENV)/.warm
CLIENT := $(VENV)/bin/tovector

.DEFAULT_GOAL := help
.PHONY: demo up test sure checks fix bench torture restore-drill quality lock help

demo: $(WARM) ## vectorize the shipped samples on the real stack; results go to demo-output/
	@exec $(RUN) -m dev demo

up: $(WARM) ## start the whole stack in the foreground (PORT= and TOVECTOR_HOME= override); Ctrl-C stops it
	@exec $(RUN) -m dev up --with-parent

test: $(WARM) ## run every test against a real Postgres and Redis, with coverage
	@$(RUN) -m pytest -n 3 --cov --cov-report=term

sure: checks test ## all that CI does: format, lint, types, import contracts, tests

checks: $(CLIENT) ## the checks of `sure` without the tests
	@echo "checking: format"
	@$(VENV)/bin/ruff format --check --quiet .
	@echo "checking: lint"
	@$(VENV)/bin/ruff check --quiet .
	@echo "checking: types"
	@$(VENV)/bin/basedpyright
	@echo "checking: import contracts"
	@$(VENV)/bin/lint-imports --no-logo
	@echo "checking: secrets"
	@$(RUN) -m dev.leaks

fix: $(READY) ## format the code, mend what the linter can, write generated files anew
	@$(VENV)/bin/ruff check --quiet --fix . || true
	@$(VENV)/bin/ruff format .
	@$(RUN) -m dev generate

bench: $(WARM) ## measure the ratios of docs/benchmarks.md on the real stack
	@exec $(RUN) -m tests.benchmarks

torture: $(WARM) ## break the running stack in every way we know and count what is lost
	@exec $(RUN) -m tests.torture

restore-drill: $(READY) ## back a house with a past up, restore it, check it from all sides, and time it
	@exec $(RUN) -m tests.drill

quality: $(WARM) ## compare the engine with other tracers, on drawings whose truth is known
	@exec $(RUN) -m tests.quality

lock: $(READY) ## resolve pyproject.toml into requirements.lock (hashed, for every platform)
	@$(VENV)/bin/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--no-header --no-annotate --quiet -o requirements.lock
	@echo "requirements.lock is new; the next command installs it"

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

# The stamp is newer than the lock when everything in it is installed.
$(READY): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "tovector needs Python 3.11, 3.12 or 3.13 as python3 (or PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "tovector needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) -V). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(RUN) || echo "set-up: making $(VENV) with $$($(PYTHON) -V)"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@test -x $(VENV)/bin/uv || { echo "set-up: installing uv" && \
		awk '/^[^ ]/ { on = /^uv==/ } on' requirements.lock > $(VENV)/uv.lock && \
		$(RUN) -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.lock; }
	@echo "set-up: installing the packages of requirements.lock (once; half a minute at most on a fast line)"
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(RUN) --require-hashes -r requirements.lock \
		2> $(VENV)/uv.log || { echo "set-up: uv could not reach the packages, trying pip, which may know a mirror" && \
		$(RUN) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock; } || \
		{ cat $(VENV)/uv.log; exit 1; }
	@touch $@
	@echo "set-up: done"

# The command `tovector` runs from this checkout. uv writes it by itself: no network, a moment.
$(CLIENT): $(READY) pyproject.toml
	@$(VENV)/bin/uv pip install --quiet --offline --no-deps --python $(RUN) --editable .
	@touch $@

# The engine's inner loops are compiled once per machine and after each change to them.
$(WARM): $(CLIENT) $(wildcard workers/engine/*.py)
	@echo "set-up: compiling the engine (once; two to three minutes)"
	@$(RUN) -m workers.engine
	@touch $@
