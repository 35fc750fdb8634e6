# The verbs of the project. Nothing but python3 (3.11 or later, with venv) and make is needed.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1

.PHONY: help install demo test soak lint docs console pictures results peers bench fuzz chaos clean
help:
	@echo "make demo    build a market, train the cascade, serve it at http://127.0.0.1:8080 (ARGS=\"--once --json FILE\")"
	@echo "make test    the whole test suite     make lint   linters and types"
	@echo "make soak    an hour of traffic: flat memory, nothing lost (ARGS=\"--minutes 15 --rate 50 --json FILE\")"
	@echo "make chaos   kill servers and stores under load, then audit: ARGS=\"--events 100000 --store sqlite|postgresql|redis\""
	@echo "make docs    regenerate the references make bench  benchmarks beside peers (make peers installs them)"
	@echo "make console build the console's script and style (needs npm)       make pictures  its screenshots (Chromium)"
	@echo "make fuzz    coverage-guided fuzzing of the decoders (TARGET=events ARGS=\"-runs=100000 -seed=1\")"
	@echo "make results run every study at the scale small, and write docs/results.md (ONLY=\"nann mbct\" for some)"

# torch first and by its exact version: any looser request may pull a CUDA build of several gigabytes; modules are
# compiled when they are first imported: compiling all beforehand costs a fifth of the time and of the space
.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-compile torch==2.13.0
	$(BIN)/pip install --quiet --no-compile --editable ".[dev]"
	touch $@

install: .venv/installed

demo: install
	$(BIN)/adcascade demo $(ARGS)

test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

soak: install
	$(BIN)/python -m tests.load.soak $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/interrogate --quiet src tests
	$(BIN)/codespell src tests docs benchmarks README.md CHANGELOG.md LOG.md

docs: install
	$(BIN)/python -m adcascade.cli.reference
	$(BIN)/python -m adcascade.server.openapi
	$(BIN)/python -m adcascade.server.dashboard
	$(BIN)/python -m adcascade.studies.pages

# what the wheel ships below src/adcascade/console/static; only who changes console/ needs it
console:
	cd console && npm ci --silent && npm run --silent build

pictures: install
	$(BIN)/python -m tests.console.pictures

# a claim that fails is a result too: the page says so, and make goes on
results: install
	for slug in $(or $(ONLY),$$($(BIN)/python -c "from adcascade.studies import STUDIES; print(*STUDIES)")); do \
		$(BIN)/adcascade reproduce $$slug --json docs/results/$$slug.json --plot docs/results/$$slug.png; \
		[ $$? -le 1 ] || exit 1; done
	$(BIN)/python -m adcascade.studies.pages

# FuxiCTR, hnswlib and others, in an environment of their own
peers:
	benchmarks/peers/setup.sh

# a bar that does not hold is a result too: the page says so, and make goes on (ONLY="training nann" for some);
# REPEAT=3 judges the medians of three runs
REPEAT ?= 1
bench: install
	for name in $(or $(ONLY),$(basename $(notdir $(wildcard benchmarks/*.py)))); do echo "== $$name"; \
		$(BIN)/adcascade bench $$name --repeat $(REPEAT) --json docs/performance/$$name.json; [ $$? -le 1 ] || exit 1; done
	$(BIN)/python -m adcascade.bench.pages
	$(BIN)/python -m adcascade.bench.scale_page

# until something is found; ARGS="-runs=100000 -seed=1" ends. TARGET: a key of tests/fuzz/targets.py
TARGET ?= openrtb
fuzz: install
	$(BIN)/python -m tests.fuzz.run $(TARGET) $(ARGS)

# throw-away PostgreSQL or Redis unless --url is given; all options: ARGS=--help
chaos: install
	$(BIN)/python -m adcascade.chaos $(ARGS)

clean:
	rm -rf .venv build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
