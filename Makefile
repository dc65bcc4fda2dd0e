# make demo   sets everything up and runs the first journey: init, train, serve, predict
# make test   sets everything up and runs the tests
# make cover  the same, with the coverage of their own process: it takes half as long again
# make lint   style and types
# make docs   the documentation, into docs/_build/html
# make bench  the benchmarks; on a quiet machine, about half an hour
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test cover lint docs linkcheck bench lock clean

demo: $(VENV)/.ready
	$(BIN)/python examples/first_journey.py

# Beside each other what can be, and then, one by one, what wants the machine for itself.
# With its byte code, each odyssey that a test starts is there in half the time.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.ready
	$(BIN)/python -m pytest -m "not alone" -n 4 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -m alone

cover: $(VENV)/.ready
	$(BIN)/python -m pytest -m "not alone" -n 4 --dist loadfile --no-loadscope-reorder \
		--cov --cov-report=
	$(BIN)/python -m pytest -m alone --cov --cov-append --cov-report=term:skip-covered

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd "app_template/{{cookiecutter.app_name}}" && ../../$(BIN)/mypy \
		--config-file ../../pyproject.toml --cache-dir ../../.mypy_cache rocket

docs: $(VENV)/.ready
	$(BIN)/python -m sphinx -W -n -b html docs docs/_build/html

# Asks the web whether what the pages point to is still there.
linkcheck: $(VENV)/.ready
	$(BIN)/python -m sphinx -n -b linkcheck docs docs/_build/linkcheck

bench: $(VENV)/.ready
	$(BIN)/python -m benchmarks all

# The versions that the tests run with, resolved from pyproject.toml.
lock: $(VENV)/.ready
	$(BIN)/uv pip compile --quiet --universal --extra dev --python-version 3.11 \
		--no-emit-index-url --no-annotate -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

# Without byte code each start takes three times as long; all cores make it at once, where some files
# are for other Pythons and have none. pip must resolve (no --no-deps): two packages of the CDK have
# files of the same names, and only so the right one is installed last.
$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-dev.lock
	-PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@
