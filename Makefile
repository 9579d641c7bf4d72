# make run   sets up .venv and opens the demo live
# make test  sets up .venv and runs ruff, mypy, import-linter and the tests
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test lint clean

run: $(READY)
	$(BIN)/subspacelens-tui demo

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m compileall -q subspacelens_tui tests tools validation benchmarks

# torch first and alone: an open range resolved together with the rest may fetch another build.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt pip
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	touch $(READY)

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
