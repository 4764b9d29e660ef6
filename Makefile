# Everything runs in .venv, which `make setup` makes; a target that needs it makes it first.
VENV ?= .venv
# The first Python that runs (a pyenv shim may not) and that the package is for.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>&- && \
	echo $$python && break; done)
# A path or git URL of upstream detectron2 to build instead of the pinned wheel.
DETECTRON2 ?=
# Processes that run the tests, each with one thread.
WORKERS ?= 2
BIN := $(VENV)/bin
DONE := $(VENV)/.setup-done
# uv where there is one. pip's -qq hides warnings, such as one for each package and place that a
# machine's pip.conf names in vain; it shows errors.
INSTALL = $(if $(shell command -v uv),uv pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -qq)

.PHONY: setup demo test fast check docs clean again

setup: $(DONE)

# Asked for another detectron2, the set-up runs again.
$(DONE): requirements.txt pyproject.toml tools/install_detectron2.py $(if $(DETECTRON2),again)
	$(if $(PYTHON),,$(error no python3.11, python3.12, python3.13 or python3 of 3.11 to 3.13 runs \
		here: install one, or run `make setup PYTHON=PATH`))
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -c requirements.txt -e ".[train,docs,dev]"
	$(BIN)/python tools/install_detectron2.py $(DETECTRON2)
	touch $@

demo: setup
	$(BIN)/ava-det demo

# The whole suite, and the fast lane, which needs no real data of ../shared.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

fast: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(BIN)/pyrefly check

# The site of docs/, in site/; a warning, such as a link that leads nowhere, is a failure.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) runs site
