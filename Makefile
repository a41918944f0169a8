# Everything a developer runs. Needs python3 (3.11-3.13), make and the package index; all of it goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SPARK := .venv/.spark
CORES := 2
FUZZ_TIMES ?= 20
DATABASES ?= sqlite postgresql
PYTEST := $(BIN)/python -m pytest -n $(CORES) --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-all fuzz bench lint format types imports delivery lock lock-peers schema clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(STAMP)  ## set everything up in .venv

$(STAMP): requirements/dev.lock pyproject.toml client/pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Lineal needs Python 3.11, 3.12 or 3.13, and %s is %d.%d. Name another with: make PYTHON=python3.12" % (sys.executable, *v))'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv; the first time takes a minute …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e ./client -e .
	@touch $@

$(SPARK): requirements/spark.lock $(STAMP)
	@echo "Installing Spark for its test; it has 450 MB …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/spark.lock
	@touch $@

demo: $(STAMP)  ## run the main job on real data, then keep the server running (DEMO_EXIT=1: stop it)
	@$(BIN)/python examples/demo.py

up: $(STAMP)  ## start an empty server in .lineal
	@$(BIN)/lineal up

# A browser does the same on either database, and the views it asks are tested on both: PostgreSQL's browsers wait for test-all.
test: $(STAMP)  ## every test but the slow ones, on SQLite and on PostgreSQL (DATABASES=sqlite: on one)
	$(foreach database,$(DATABASES),$(PYTEST) --database $(database) -m "not slow$(if $(filter postgresql,$(database)), and not browser)" &&) true

test-all: $(STAMP) $(SPARK)  ## every test
	@bash .ci/install-servers
	$(foreach database,$(DATABASES),$(PYTEST) --database $(database) &&) true

fuzz: $(STAMP)  ## requests that nobody would send, for half an hour or so, on both databases (FUZZ_TIMES=20)
	$(foreach database,$(DATABASES),FUZZ_TIMES=$(FUZZ_TIMES) $(PYTEST) --database $(database) tests/fuzz &&) true

lint: $(STAMP) types imports delivery  ## style, types, import directions, images and workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/api.py

imports: $(STAMP)
	$(BIN)/lint-imports

delivery: $(STAMP)
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --no-progress --quiet --min-severity medium --config .github/zizmor.yml .github/workflows

format: $(STAMP)  ## mend what can be mended by itself
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(STAMP)  ## measure speed beside the physical limits and other tools, into docs/benchmarks.md (NAME=ingest PEERS=none QUICK=1)
	$(BIN)/python -m bench $(NAME) --write $(if $(PEERS),--peers $(PEERS)) $(if $(BENCH_DATABASE),--database $(BENCH_DATABASE)) $(if $(QUICK),--quick)

schema: $(STAMP)  ## write the OpenAPI document that the client's tests hold the server to
	LINEAL_HOME=$$(mktemp -d) $(BIN)/python manage.py spectacular --format openapi-json --file tests/client/openapi.json --validate --fail-on-warn

lock: $(STAMP)  ## resolve the dependencies anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-package lineal --no-header --quiet --group dev --extra frames --extra otel \
	  -o requirements/dev.lock pyproject.toml client/pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --quiet --group spark -o requirements/spark.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-package lineal --no-header --quiet --extra otel --constraint requirements/dev.lock \
	  -o requirements/server.lock pyproject.toml client/pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --quiet --group build --constraint requirements/dev.lock -o requirements/build.lock

lock-peers: $(STAMP)  ## resolve anew what the benchmark's other tools need
	$(foreach peer,mlflow trackio aim wandb,$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade -o bench/peers/$(peer).lock bench/peers/$(peer).txt &&) true

clean:  ## remove what install and demo made
	rm -rf .venv demo-home .lineal .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
