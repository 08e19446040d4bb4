# make run    create .venv, install, open the app on the embedded model
# make test   lint, types, tests (with a real browser where there is one; CI insists on it)
# make lint   lint and types only
# make bench  speed and memory, as ratios inside one run
# make bench-page  the page in a headless Chromium, against its aims
# make gallery  search and record the gallery of the embedded model again (some minutes on one CPU thread)
# make train  train the embedded model again (about 90 minutes on one CPU thread)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=
TSC    := node_modules/.bin/tsc
TSC_FLAGS := --allowJs --checkJs --noEmit --strict --target es2023 --lib es2023,dom,dom.iterable --module esnext --moduleResolution bundler

.PHONY: run test lint bench bench-page gallery train format
.DEFAULT_GOAL := run

# torch first and pinned: a looser requirement would pull several gigabytes of CUDA packages
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(STAMP)
	$(BIN)/credit-viz serve $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -x $(TSC) ]; then $(TSC) $(TSC_FLAGS) credit_viz/web/static/*.js; else echo "no TypeScript: types of the page's modules are not checked (npm install --no-save typescript@5)"; fi

test: lint
	@if command -v node >/dev/null; then node --test tests/js/*.test.js; elif [ -n "$$CI" ]; then echo "node is missing" >&2; exit 1; else echo "no node: JavaScript unit tests skipped"; fi
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term --cov-fail-under=95 $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m credit_viz.bench $(ARGS)

bench-page: $(STAMP)
	$(BIN)/python -m credit_viz.bench.page $(ARGS)

gallery: $(STAMP)
	$(BIN)/python -m credit_viz.tiny.gallery $(ARGS)

train: $(STAMP)
	$(BIN)/python -m credit_viz.tiny.train --out build/tiny $(ARGS)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
