# Everything a newcomer needs: `make annotate` and `make test`. Both set up .venv themselves.
PYTHON ?= python3
FILE ?= tests/data/sample.flac
ARGS ?=
CHROMIUM ?= chromium
BIN := .venv/bin
PYANNOTE := .venv-pyannote/bin
PIP_INSTALL := -m pip --disable-pip-version-check install --quiet --quiet

.DEFAULT_GOAL := help
.PHONY: help annotate test check ui browser contract bench bench-live bench-voices test-pyannote image-check lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

annotate: .venv/.runtime  ## Print the transcript of the sample call, or of another: make annotate FILE=my.mp3 ARGS="--language en"
	@$(BIN)/callannotate annotate $(ARGS) "$(FILE)"

test: .venv/.dev web/static/index.html browser clients/js/dist/.built tests/contract/node_modules/.installed  ## Run the tests, those of the web page in Chromium too: ARGS=tests/web for some of them
	@CHROMIUM=$(CHROMIUM) $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/.dev tests/contract/node_modules/.installed ui/node_modules/.installed  ## Check the style, the types, the direction of the imports and the documents
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/callannotate contracts --check
	@npm --prefix tests/contract run --silent check
	@npm --prefix ui run --silent check

ui: web/static/index.html  ## Build the web page into web/static (Node.js 20 or newer and npm are needed)

contract: .venv/.dev  ## Run the contract suites: against servers of their own, or make contract URL=http://host:port
	@$(BIN)/python -m tests.contract $(URL) $(ARGS)

bench: .venv/.dev $(if $(QUICK),,.venv-pyannote/.installed)  ## Measure against the peers: QUICK=1 for three minutes, DATA=DIR adds WAV and RTTM
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(DATA),--data "$(DATA)") $(ARGS)

bench-live: .venv/.dev  ## Measure live sessions: ARGS="delay streams" for some of it, or --help
	@$(BIN)/python -m benchmarks.live $(ARGS)

bench-voices: .venv/.dev  ## Measure how well known voices are recognised: ARGS="--output docs/voices-figures.md"
	@$(BIN)/python -m benchmarks.voices $(ARGS)

test-pyannote: .venv-pyannote/.installed  ## Compare the networks with torch and run the engine pyannote (installs 5 GB beside)
	@$(PYANNOTE)/python -m pytest tests/pyannote $(ARGS)

image-check: .venv/.dev  ## Build the container image without an engine, run it and check it (root on Debian; ARGS=--help)
	@$(BIN)/python -m deploy.image_check $(ARGS)

lock: .venv/.dev  ## Resolve the requirements anew into locks/
	@$(BIN)/uv pip compile --group build $(LOCK) --output-file locks/build.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --group build --extra convert --output-file locks/runtime.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --group build --extra convert --extra dev --extra bench --constraint locks/runtime.lock --output-file locks/dev.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --group build --extra convert --extra pyannote --extra pyannote-test --constraint locks/dev.lock --output-file locks/pyannote.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --constraint locks/runtime.lock --output-file locks/image.lock
	@$(BIN)/uv pip compile --group contacts $(LOCK) --constraint locks/dev.lock --output-file deploy/radicale/requirements.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra pyannote --constraint locks/pyannote.lock --output-file locks/image-pyannote.lock

clean:  ## Remove what make has installed
	rm -rf .venv .venv-pyannote tests/contract/node_modules ui/node_modules web/static clients/js/node_modules clients/js/dist

LOCK := --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --universal --python-version 3.11 --quiet --no-header --no-annotate

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; try: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv

.venv/.runtime: locks/runtime.lock pyproject.toml | .venv/bin/python
	@echo "Installing what CallAnnotate needs into .venv ..." >&2
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r locks/runtime.lock
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: locks/dev.lock .venv/.runtime
	@echo "Installing what the tests need into .venv ..." >&2
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r locks/dev.lock
	@touch $@

tests/contract/node_modules/.installed: tests/contract/package-lock.json
	@echo "Installing the checks of the documents, and newman (Node.js 20 or newer and npm are needed) ..." >&2
	@cd tests/contract && npm ci --silent
	@touch $@

clients/js/node_modules/.installed: clients/js/package-lock.json
	@echo "Installing what builds the client in JavaScript (Node.js 20 or newer and npm are needed) ..." >&2
	@cd clients/js && npm ci --silent
	@touch $@

clients/js/dist/.built: clients/js/node_modules/.installed clients/js/package.json clients/js/tsconfig.json $(wildcard clients/js/src/*.ts)
	@echo "Building the client in JavaScript into clients/js/dist ..." >&2
	@rm -rf clients/js/dist
	@npm --prefix clients/js run --silent build
	@touch $@

ui/node_modules/.installed: ui/package-lock.json
	@echo "Installing what builds the web page (Node.js 20 or newer and npm are needed) ..." >&2
	@cd ui && npm ci --silent
	@touch $@

# What it is made of, but not what the build itself writes there.
UI_SOURCES := $(filter-out ui/src/api/schema.ts ui/src/docs/asyncapi.json, $(shell find ui/src ui/public ui/scripts -type f)) \
	$(wildcard ui/*.html ui/*.ts ui/*.json clients/js/src/*.ts) contracts/openapi.yaml asyncapi/asyncapi.yaml

web/static/index.html: ui/node_modules/.installed $(UI_SOURCES)
	@echo "Building the web page into web/static ..." >&2
	@npm --prefix ui run --silent build -- --logLevel warn

browser:
	@command -v $(CHROMIUM) >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		echo "Installing Chromium, in which the web page is tested ..." >&2 && apt-get update -qq && apt-get install -qq --yes chromium >/dev/null; } || { \
		echo "The web page is tested in Chromium, which is not there. Install it (on Debian: sudo apt-get install chromium)," >&2; \
		echo "or name a browser of its kind: make test CHROMIUM=/path/to/it" >&2; exit 1; }

.venv-pyannote/.installed: locks/pyannote.lock pyproject.toml
	@$(PYTHON) -m venv .venv-pyannote
	@echo "Installing pyannote.audio and torch into .venv-pyannote (5 GB) ..." >&2
	@$(PYANNOTE)/python $(PIP_INSTALL) --require-hashes -r locks/pyannote.lock
	@$(PYANNOTE)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
