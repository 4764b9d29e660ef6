# Everything runs in .venv, which `make setup` makes; a target that needs it makes it first.
PYTHON ?= python3.11
# A path or git URL of upstream detectron2 to build instead of the pinned wheel.
DETECTRON2 ?=
BIN := .venv/bin
DONE := .venv/.setup-done

.PHONY: setup demo test check clean again

setup: $(DONE)

# Asked for another detectron2, the set-up runs again.
$(DONE): requirements.txt pyproject.toml tools/install_detectron2.py $(if $(DETECTRON2),again)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python tools/install_detectron2.py $(DETECTRON2)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: setup
	$(BIN)/python tools/demo.py

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(BIN)/pyrefly check

.PHONY: docs
# The site of docs/, in site/; a warning, such as a link that leads nowhere, is a failure.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

clean:
	rm -rf .venv runs
