# Each target makes what it needs first; what is missing is said in one sentence.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made-from

.DEFAULT_GOAL := help
.PHONY: help env demo test check bench up format faults clocks clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

env: $(STAMP) ## make the environment in .venv

$(STAMP): requirements/runtime.txt requirements/dev.txt pyproject.toml deploy/env.sh
	@bash deploy/env.sh "$(PYTHON)" "$(VENV)"
	@touch $@

demo: env ## play real data through the whole platform (KAFKA=1: on a real Kafka)
	@$(BIN)/moat demo $(if $(KAFKA),--kafka) $(DEMO)

up: env ## run the platform here until Ctrl-C
	@$(BIN)/moat up $(UP)

# A run starts some hundred processes: each would compile our sources anew where Python is told to keep nothing of it.
test: export PYTHONDONTWRITEBYTECODE =
test: env ## every test, on a real PostgreSQL and a real Kafka (TEST="-k words" for some)
	@$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=10 $(TEST)

check: env ## formatting, lint, types, import rules, generated files
	@$(BIN)/ruff format --check . && echo "formatted"
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/moat contracts --check

format: env ## put the code in order
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: env ## the table of speed and memory, with ratios (BENCH="m1 r1" for some rows)
	@$(BIN)/python -m tests.bench $(BENCH)

faults: env ## the long run of the crash tests
	@$(BIN)/python -m pytest tests/faults -m long $(TEST)

clocks: env ## the long run of the clocks: 100,000 stories, every clock change of every zone (MOAT_STORIES_SEED repeats one)
	@$(BIN)/python -m pytest tests/unit/clocks -m long $(TEST)

clean: ## remove what was made
	@rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
