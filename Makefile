# Weir's commands. Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK   := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url

EXTRAS := postgres redis otlp parquet train energy # what the suite needs; Presidio has a file and an environment of its own

.DEFAULT_GOAL := help
.PHONY: help setup dev demo serve test check format lock compiled bench eval-complexity eval-sensitivity vllm clients presidio matrix clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo "Setting up $(VENV) (once; a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing the checking and testing tools ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.runtime  ## make .venv with the weir command in it
dev: $(VENV)/.dev  ## the same, with the tools for checking and testing

demo: setup  ## run the main job on stand-in engines and show it
	@$(BIN)/weir demo

serve: setup  ## the demo, and stay up
	@$(BIN)/weir demo --stay

test: dev  ## the whole suite
	@$(BIN)/python -m pytest

check: dev  ## formatting, lints, types, import arrows
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: dev  ## mend formatting and what lints can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:  ## resolve the dependencies anew (needs uv)
	$(LOCK) pyproject.toml $(EXTRAS:%=--extra %) --group dev -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt pyproject.toml -o requirements/runtime.txt
	$(LOCK) -c requirements/dev.txt --group build -o requirements/build.txt
	$(LOCK) -c requirements/dev.txt pyproject.toml --extra presidio -o requirements/presidio.txt
	$(LOCK) -c requirements/dev.txt --group build --group compile -o requirements/compile.txt
	$(LOCK) --group clients -o requirements/clients.txt
	$(LOCK) --group clients-llama-index -o requirements/clients-llama-index.txt

# Weir compiled to C (ADR 15), for whom a core's worth of requests matters; everything else here runs the sources.
compiled: dev  ## Weir compiled, as .venv-compiled/bin/weir and a wheel in dist/ (gcc; minutes)
	@$(BIN)/python -m compiling --wheel dist
	@test -x .venv-compiled/bin/python || $(PYTHON) -m venv .venv-compiled
	@.venv-compiled/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes \
	  -r requirements/runtime.txt
	@.venv-compiled/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --force-reinstall \
	  "$$(ls -t dist/weir_gateway-*-cp*.whl | head -1)"
	@.venv-compiled/bin/weir --version

bench: dev  ## throughput and latency against nginx, as ratios, as Python and compiled
	@$(BIN)/python -m bench

DATA := ../shared/data

eval-complexity: dev  ## measure the score on the shared routing data (some minutes)
	@$(BIN)/weir eval-complexity $(DATA)/routing \
	  --require 'prompt:mmlu>=0.6' --require 'prompt:mmlu_pro>=0.57' --require 'prompt:llmrouter>=0.72' \
	  --require 'subject:mmlu>=0.54' --require 'subject:llmrouter>=0.6' --require 'transfer:mean>=0.57' \
	  --require 'lead:mean@100>=0' --require 'lead:mean@300>=0' --require 'lead:mean@1000>=0' \
	  --require 'curve:together@100>=0.59' --require 'curve:together@300>=0.63' --require 'curve:together@1000>=0.65'

eval-sensitivity: dev  ## measure the labels on the shared sensitivity data
	@$(BIN)/weir eval-sensitivity --data $(DATA)/sensitivity

# A real vLLM for the integration tests: 2.5 GB, so it lives outside the checkout and is kept between runs.
VLLM_NEEDS := ../shared/vllm/requirements-vllmcpu.txt
CACHE      := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/weir

vllm:  ## install the real vLLM (CPU) that the integration tests use, once
	@test -f $(VLLM_NEEDS) || { echo "No $(VLLM_NEEDS): tests against a real vLLM will be skipped."; exit 0; }; \
	venv=$(CACHE)/vllm-$$(sha256sum $(VLLM_NEEDS) | cut -c1-12); \
	test -f $$venv/.complete || { echo "Installing vLLM for CPU into $$venv (3-5 minutes) ..."; \
	  $(PYTHON) -m venv --clear $$venv && \
	  $$venv/bin/python -m pip --disable-pip-version-check --quiet install --no-deps -r $(VLLM_NEEDS) && \
	  touch $$venv/.complete; }

# Other people's libraries, which the client suites run through Weir: kept like vLLM, apart from Weir's own packages.
CLIENTS := requirements/clients.txt requirements/clients-llama-index.txt
NODE    := tests/clients/node

clients:  ## install the Python and Node libraries that the client suites use, once
	@for needs in $(CLIENTS); do venv=$(CACHE)/clients-$$(sha256sum $$needs | cut -c1-12); \
	  test -f $$venv/.complete && continue; echo "Installing $$needs into $$venv (a minute or so) ..."; \
	  $(PYTHON) -m venv --clear $$venv && \
	  $$venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $$needs && \
	  touch $$venv/.complete || exit 1; done
	@command -v npm >/dev/null || { echo "No npm: the suites of Node clients will be skipped."; exit 0; }; \
	modules=$(CACHE)/node-$$(sha256sum $(NODE)/package-lock.json | cut -c1-12); \
	test -f $$modules/.complete || { echo "Installing Node libraries into $$modules ..."; \
	  mkdir -p $$modules && cp $(NODE)/package.json $(NODE)/package-lock.json $$modules/ && \
	  npm ci --prefix $$modules --ignore-scripts --no-audit --no-fund --silent && \
	  touch $$modules/.complete; }

# Presidio, with spaCy behind it: 0.4 GB, kept like the others; Weir's process for it may be any interpreter's.
PRESIDIO := requirements/presidio.txt

presidio:  ## install Presidio, which its integration tests use, once
	@venv=$(CACHE)/presidio-$$(sha256sum $(PRESIDIO) | cut -c1-12); \
	test -f $$venv/.complete || { echo "Installing Presidio into $$venv (a minute or so) ..."; \
	  $(PYTHON) -m venv --clear $$venv && \
	  $$venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $(PRESIDIO) && \
	  touch $$venv/.complete; }

matrix: dev clients  ## run the client suites, and write docs/clients.md from what they found
	@WEIR_WRITE_MATRIX=1 $(BIN)/python -m pytest tests/clients -q

clean:  ## remove what the targets made
	rm -rf $(VENV) .venv-compiled dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
