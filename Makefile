# make demo: see an edge found and noise refused.   make test: linters, types, layers, tests.
.PHONY: demo test test-all lint honest sabotage bench docs clean
READY := .venv/ready
RUN := .venv/bin/python -m
# The demo's own workspace lies under its folder; a second call prints the verdicts that stand there.
DEMO ?= demo

demo: $(READY)
	@.venv/bin/edgeproof demo --out $(DEMO)

test: lint
	@$(RUN) pytest -q -n 2 --dist loadfile -p randomly --randomly-seed=1 -m "not slow and not study and not browser"

test-all: lint
	@tools/setup-browser
	@tools/setup-mlflow
	@tools/setup-lightning
	@tools/setup-box2d
	@tools/setup-sb3
	@tools/setup-postgres
	@$(RUN) pytest -q -n 2 --dist loadfile --ignore tests/sabotage
	@$(MAKE) --no-print-directory sabotage

honest: $(READY)
	@$(RUN) pytest -q -n 2 -m "not slow" tests/honest

# one-line faults in a copy of the source: each must turn a test red
sabotage: $(READY)
	@$(RUN) pytest -q -n 2 tests/sabotage

lint: $(READY)
	@.venv/bin/ruff format --check --quiet . && .venv/bin/ruff check --quiet . && .venv/bin/lint-imports && .venv/bin/pyright

docs: $(READY)
	@$(RUN) pytest -q tests/story/test_docs.py

# make bench NAME=panel
bench: $(READY)
	@.venv/bin/python benchmarks/$(NAME).py $(ARGS)

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml constraints.txt tools/setup
	@tools/setup
