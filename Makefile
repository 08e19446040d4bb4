# make run    create .venv, install what running needs, open the app on the embedded model
# make test   install what tests need; lint, types, tests (with a real browser where there is one; CI insists on it)
# make lint   lint and types only
# make bench  speed and memory, as ratios inside one run
# make bench-page  the page in a headless Chromium, against its aims
# make gallery  search and record the gallery of the embedded model again (some minutes on one CPU thread)
# make study  the study of assets/study again, with its verification, picture and words (about an hour on two CPU threads;
#             an interrupted one goes on from build/study; remove that folder to measure its time anew)
# make train  train the embedded model again (about 90 minutes on one CPU thread)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS   ?=
TSC    := node_modules/.bin/tsc
TSC_FLAGS := --allowJs --checkJs --noEmit --strict --target es2023 --lib es2023,dom,dom.iterable --module esnext --moduleResolution bundler

.PHONY: run test lint bench bench-page gallery study train format
.DEFAULT_GOAL := run

# torch first and pinned: a looser requirement would pull several gigabytes of CUDA packages
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) $$(grep '^torch==' constraints.txt)
	$(PIP) -c constraints.txt -e '.[lab]'
	@touch $@

$(DEV): $(STAMP)
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

run: $(STAMP)
	$(BIN)/credit-viz serve $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -x $(TSC) ]; then $(TSC) $(TSC_FLAGS) credit_viz/web/static/*.js; else echo "no TypeScript: types of the page's modules are not checked (npm install --no-save typescript@5)"; fi

test: lint
	@if command -v node >/dev/null; then node --test tests/js/*.test.js; elif [ -n "$$CI" ]; then echo "node is missing" >&2; exit 1; else echo "no node: JavaScript unit tests skipped"; fi
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term --cov-fail-under=95 $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m credit_viz.bench $(ARGS)

bench-page: $(DEV)
	$(BIN)/python -m credit_viz.bench.page $(ARGS)

gallery: $(STAMP)
	$(BIN)/python -m credit_viz.tiny.gallery $(ARGS)

# the prompts are other ones than the model card's, from which the recommended knobs were read
STUDY_PROMPTS := --tasks all --prompts-seed 60000 --workers 2

study: $(DEV)
	mkdir -p build/study
	$(BIN)/credit-viz sweep $(STUDY_PROMPTS) --prompts 50 --block-length 8,16,32,64 --out build/study/sweep \
	    --arm "vanilla: steps=unset,48,32,16,8" \
	    --arm "threshold: threshold=0.5,0.6,0.7,0.8,0.85,0.9,0.93,0.95,0.96,0.97,0.975,0.98,0.985,0.99,0.993,0.995,0.997,0.998,0.999,0.9995" \
	    --arm "entropy-bound: gamma=0.005,0.01,0.02,0.035,0.05,0.075,0.1,0.15,0.2,0.3,0.5,1" \
	    --arm "credit: beta=0.8,0, alpha=0.2,0.4,0.7,1,1.5,3, threshold=0.8,0.9,0.95,0.97,0.98,0.99,0.995,0.998" \
	    > build/study/sweep.txt
	$(BIN)/python -m credit_viz.study verify build/study --prompts 400
	$(BIN)/credit-viz tune $(STUDY_PROMPTS) --prompts 200 --train-prompts 60 --trials 30 --block-length 32,64 \
	    --arm "credit: alpha=0..2, beta=0..1, threshold=0.6..0.999" --arm "threshold: threshold=0.6..0.999" \
	    --arm "entropy-bound: gamma=0.005..1" --out build/study/tune --json > build/study/tune.json
	$(BIN)/credit-viz attribute $(STUDY_PROMPTS) --prompts 200 --block-length 64 --arm "credit: threshold=0.98" \
	    --out build/study/attribute --json > build/study/attribute.json
	$(BIN)/python -m credit_viz.study ship build/study

train: $(STAMP)
	$(BIN)/python -m credit_viz.tiny.train --out build/tiny $(ARGS)

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
