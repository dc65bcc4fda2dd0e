# make demo   sets everything up and takes the tour: an app's whole life, in a sandbox
# make test   sets everything up and runs the tests
# make cover  the same, with the coverage of their own process: it takes half as long again;
#             cover-quick leaves out what goes from end to end; both write coverage.xml and htmlcov/
# make lint   style and types
# make docs   the documentation, into docs/_build/html
# make bench  the benchmarks; on a quiet machine, about half an hour
# make audit  asks whether a vulnerability is known of a package that is locked
# make release  the wheel, the sdist, their contents and sums, into dist/
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV = $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python
# What audits and releases is no part of what develops and tests.
TOOLS := $(VENV)-release
DIST := dist
RUNTIME := build/runtime.txt
QUICKLY := -m "not alone" -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo test cover cover-quick lint docs linkcheck bench lock audit dist release clean

demo: $(VENV)/.ready
	$(BIN)/odyssey tour

# Beside each other what can be, and then, one by one, what wants the machine for itself.
# With its byte code, each odyssey that a test starts is there in half the time.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.ready
	$(BIN)/python -m pytest $(QUICKLY)
	$(BIN)/python -m pytest -m alone tests/e2e

REPORTS := --cov-report=term:skip-covered --cov-report=xml --cov-report=html

cover: $(VENV)/.ready
	$(BIN)/python -m pytest $(QUICKLY) --cov --cov-report=
	$(BIN)/python -m pytest -m alone tests/e2e --cov --cov-append $(REPORTS)

cover-quick: $(VENV)/.ready
	$(BIN)/python -m pytest $(QUICKLY) --ignore tests/e2e --cov $(REPORTS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd "app_template/{{cookiecutter.app_name}}" && ../../$(BIN)/mypy \
		--config-file ../../pyproject.toml --cache-dir ../../.mypy_cache rocket

docs: $(VENV)/.ready
	$(BIN)/python -m sphinx -W -n -a -b html -d docs/_build/doctrees docs docs/_build/html

# Asks the web whether what the pages point to is still there.
linkcheck: $(VENV)/.ready
	$(BIN)/python -m sphinx -n -b linkcheck docs docs/_build/linkcheck

bench: $(VENV)/.ready
	$(BIN)/python -m benchmarks all

# The versions that the tests run with, resolved from pyproject.toml.
lock: $(VENV)/.ready
	$(BIN)/uv pip compile --quiet --universal --extra dev --python-version 3.11 \
		--no-emit-index-url --no-annotate -o requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --group release --python-version 3.11 \
		--no-emit-index-url --no-annotate --generate-hashes -o requirements-release.lock

# Strictly: a package that the service knows nothing of would else count as one without a fault.
audit: $(TOOLS)/.ready
	$(TOOLS)/bin/pip-audit --strict --no-deps --disable-pip --desc off -r requirements-dev.lock || \
		{ echo "audit: not passed: a vulnerability is named above, or pypi.org could not be asked"; exit 1; }

# From the last commit alone, at its time: the same commit makes the same bytes.
dist: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
dist: $(VENV)/.ready
	rm -rf $(DIST) build/source && mkdir -p $(DIST) build/source
	git archive HEAD | tar -x -C build/source
	$(BIN)/python -m build --no-isolation --outdir $(DIST) build/source
	cd $(DIST) && sha256sum odyssey-*.tar.gz odyssey-*.whl > SHA256SUMS

# What comes with the wheel is what pip takes today, where it is not what the tests ran with.
release: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
release: dist $(TOOLS)/.ready
	$(BIN)/uv pip compile --quiet --universal --extra sandbox --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --constraint requirements-dev.lock -o $(RUNTIME) pyproject.toml
	$(TOOLS)/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml \
		-o $(DIST)/odyssey.cdx.json $(RUNTIME)
	cd $(DIST) && sha256sum odyssey.cdx.json >> SHA256SUMS

clean:
	rm -rf $(VENV) $(TOOLS) build dist docs/_build htmlcov coverage.xml .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

# uv does beside each other what pip does one after another; where it does not reach what pip is set
# up to reach, pip does it. Two packages of the CDK have files of the same names, and aws-cdk-lib's must
# be there in the end: pip installs it after what it needs, uv in any order, and so once more.
# Without byte code each start takes three times as long; all cores make it at once, but for the CDK's
# hundreds of services. Where some files are for other Pythons, they have none.
$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep ^uv== $<)"
	$(UV) -r $< && $(UV) --no-deps --reinstall "$$(grep ^aws-cdk-lib== $<)" || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r $<
	-PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q -j 0 -x '/(aws_cdk|sympy|tests)/' \
		$(VENV)/lib >/dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(TOOLS)/.ready: requirements-release.lock
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-release.lock
	touch $@
