# Everything a newcomer needs: `make train`, `make test`. `make help` lists the rest.
# The environment is made once and again only when pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest
# Processes that share the tests out, file by file, so that what a file makes once is made once: two, for each holds a PyTorch of
# its own and more of them take the processor from each other. `make test WORKERS=0` runs them in one, which a debugger needs.
# One that is killed ends the whole, and the test it was at is named: after a restart pytest-xdist 3.8 waits for ever (its issue 784).
WORKERS ?= 2
SHARED := -n $(WORKERS) --dist loadfile --max-worker-restart 0

# One thread an operation: small tensors gain nothing from two, and on a busy machine lose tenfold.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev train test test-avx2 test-all parity lint format costs fuzz settings bench docs clean

# What `make test` leaves out.
QUICK := not slow and not gpu and not parity

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.installed  ## make .venv and install sonde in it

setup-dev: $(VENV)/.installed-dev  ## the same with what tests and linting need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 ..."; exit 2; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing sonde and what it needs (torch is large; only this first time)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing sonde, what it needs and the tools for tests and linting"
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing sonde, what it needs and what builds its pages"
	@$(PIP) -e '.[docs]'
	@touch $@ $(VENV)/.installed

# The run chooses its own threads.
train: setup  ## train the default job on the embedded digits; offline, under a minute
	@env -u OMP_NUM_THREADS $(BIN)/sonde train digits $(ARGS)

test: setup-dev  ## the quick tests
	@$(PYTEST) -q $(SHARED) -m "$(QUICK)" $(ARGS)

# torch and oneDNN have other kernels there, other sums and no bfloat16 of their own: what hangs on the processor shows here.
# Processors of other kinds pass over the two names.
test-avx2: setup-dev  ## the numeric packages as a processor without AVX-512 sees them
	@ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 $(PYTEST) -q $(SHARED) -m "$(QUICK)" tests/nn tests/models tests/contracts $(ARGS)

test-all: setup-dev  ## every test this machine can run, the slow ones too
	@$(PYTEST) -q $(SHARED) -m "not parity" $(ARGS)

# In an environment of its own: transformers, torchvision and timm are peers to compare with, never dependencies. The last two
# without theirs, for they would bring another PyTorch than the one that is tested; what timm reads on import and sonde does
# not comes first.
.parity/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@$(BIN)/python -m venv .parity
	@.parity/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' huggingface_hub==2.4.0 \
	  transformers==5.24.0
	@.parity/bin/python -m pip install --quiet --disable-pip-version-check --no-deps torchvision==0.28.0 timm==1.0.31
	@touch $@

parity: .parity/.installed  ## compare models with torchvision's, timm's and Hugging Face's
	@.parity/bin/python -m pytest -q -m parity $(ARGS)

lint: setup-dev  ## ruff, pyright and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

format: setup-dev  ## rewrite the code in the project's layout
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Those that measure; environments.py makes what peers need on first use, parity has a target of its own, and unchanged asks for a
# revision to compare with.
BENCHMARKS := $(filter-out environments parity summary unchanged,$(basename $(notdir $(shell grep -ls __main__ benchmarks/*.py))))

costs: setup-dev  ## count the models' parameters and FLOPs anew: sonde/models/costs.json
	@$(BIN)/python -m sonde.models.count

fuzz: setup-dev  ## read 50,000 files and run folders that were changed at random (FUZZ_SEED: the first)
	FUZZ_CASES=$${FUZZ_CASES:-40000} $(BIN)/python -m pytest tests/fuzz --timeout 0 -q $(ARGS)

settings: setup-dev  ## write the settings that sonde.train, fit, steps and resume list in their signatures: sonde/settings.py
	@$(BIN)/python -m sonde.run.settings_file

bench: setup-dev  ## measure beside the peers (over two hours), write benchmarks/results and the table of docs/results.md; BENCHMARKS=name for one
	@for name in $(BENCHMARKS); do echo "benchmarks.$$name"; env -u OMP_NUM_THREADS $(BIN)/python -m benchmarks.$$name $(ARGS) || exit 1; done

# Only pages: nothing is trained. The variable silences an advertisement of the theme's.
docs: $(VENV)/.installed-docs  ## build the guide and the reference: site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open site/index.html"

clean:  ## remove the environments and the built pages
	rm -rf $(VENV) .parity site
