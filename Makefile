# Every target installs what it needs into .venv; nothing else on the machine is touched, but by test-proxies, test-databases and test-containers as root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STREAMS := bench/peers/streams
# Bytecode is kept, or each start compiles everything again, but not beside the sources.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode

.DEFAULT_GOAL := help
.PHONY: help setup check test test-unit test-kafka test-proxies test-databases test-containers docs schemas charts test-charts soak mutants run bench sbom lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.installed ## create .venv with hash-pinned dependencies

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "penstock needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --require-hashes --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -q -e .
	@touch $@

check: setup ## format, lint, types, layers, unit tests (about a minute on two idle cores)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/unit tests/contract -q -n logical

test: check test-kafka ## everything: check, then the tests on a real Kafka

test-unit: setup ## unit and contract tests only
	$(BIN)/python -m pytest tests/unit tests/contract -n logical

test-kafka: setup ## tests on a real Kafka, real processes, real HTTP
	$(BIN)/python -m pytest tests/kafka tests/e2e -m "not soak" -n 2 --dist loadfile

test-proxies: setup ## ambiguous requests behind real nginx, HAProxy and Go (as root on Debian it installs nginx and haproxy)
	@tests/proxies/install.sh
	$(BIN)/python -m pytest tests/proxies

test-databases: setup ## the loader on a real PostgreSQL, killed under it; alert rules (as root on Debian it installs postgresql and prometheus)
	@tests/databases/install.sh
	$(BIN)/python -m pytest tests/databases -n 1

test-containers: setup ## the compose file on a container engine: the machine's, or as root on Debian one of its own (CONTAINERS="-k scale")
	$(BIN)/python -m tests.containers $(CONTAINERS)

docs: setup ## write the generated parts of docs/ again
	$(BIN)/python -m tests.mutants.document
	$(BIN)/python -m config.reference docs/configuration.md
	$(BIN)/python -m tests.support.builders.decision_cases
	$(BIN)/python -m tests.support.builders.child_cases
	$(BIN)/python -m tests.support.builders.naming_tables
	$(BIN)/python -m tests.support.builders.analysts_page
	$(BIN)/python -m console.reference docs

schemas: setup ## bring the column tables in schemas/typed/ up to date with their sources (needs npm and a network)
	$(BIN)/python -m schemas.generate

charts: setup .venv-charts/.installed ## render deploy/kubernetes and the tests' manifests from the Helm chart
	$(BIN)/python -m tests.charts write

test-charts: setup .venv-charts/.installed ## lint and render the Helm chart with Helm (built once: minutes), validate the manifests
	$(BIN)/python -m tests.charts check
	$(BIN)/python -m pytest tests/charts tests/unit/deploy -q

.venv-charts/.installed: tests/charts/requirements.lock
	@test -x .venv-charts/bin/python || $(PYTHON) -m venv .venv-charts
	.venv-charts/bin/python -m pip install --require-hashes --disable-pip-version-check -q -r $<
	@touch $@

soak: setup ## minutes of strange requests, of faults on three brokers, and of killed loaders (PENSTOCK_FUZZ_CASES, PENSTOCK_CHAOS_SECONDS)
	@tests/databases/install.sh
	$(BIN)/python -m pytest tests/kafka -m soak
	$(BIN)/python -m pytest tests/soak -s

mutants: setup ## plant known mutants in a copy, one at a time, and see each caught (MUTANTS="--quick": those that need no Kafka)
	$(BIN)/python -m tests.mutants $(MUTANTS)

run: setup ## start all of Penstock here, send sample deliveries, ask the warehouse about them
	$(BIN)/penstock up --sample

bench: setup .venv-bench/.installed $(STREAMS)/target/built ## rates and latencies beside the bare parts and peers (BENCH="sustained --quick"; BENCH=endurance: 22 minutes)
	$(BIN)/python -m bench $(BENCH)

.venv-bench/.installed: bench/peers/requirements.lock
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --require-hashes --disable-pip-version-check -q -r $<
	@touch $@

# Without a JDK and Maven, or where they fail, nothing is built, and the benchmark says that this peer is left out.
$(STREAMS)/target/built: $(STREAMS)/pom.xml $(wildcard $(STREAMS)/src/penstock/bench/*.java)
	@rm -rf $(@D)
	@if command -v javac >/dev/null && command -v mvn >/dev/null; then mvn -q -B -f $< compile && touch $@ || true; fi

SBOM := penstock.cdx.json
sbom: .venv-sbom/.installed .venv-runtime/.installed ## what the image holds, as CycloneDX (SBOM=penstock.cdx.json)
	.venv-sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
		--output-reproducible --of JSON -o $(SBOM) .venv-runtime

.venv-sbom/.installed: deploy/sbom/requirements.lock
	@test -x .venv-sbom/bin/python || $(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/python -m pip install --require-hashes --disable-pip-version-check -q -r $<
	@touch $@

.venv-runtime/.installed: requirements-runtime.lock .venv-sbom/.installed
	@test -x .venv-runtime/bin/python || $(PYTHON) -m venv --without-pip .venv-runtime
	.venv-sbom/bin/python -m pip --python .venv-runtime/bin/python install --require-hashes --disable-pip-version-check -q -r $<
	@touch $@

lock: setup ## pin the dependencies again (needs uv, installed into .venv for this only)
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra ingress --extra worker --extra warehouse --universal --python-version 3.11 \
		--generate-hashes --no-header -q -c requirements.lock -o requirements-runtime.lock
	$(BIN)/uv pip compile --group build --universal --python-version 3.11 \
		--generate-hashes --no-header -q -c requirements.lock -o requirements-build.lock
	$(BIN)/uv pip compile --group sbom --universal --python-version 3.11 \
		--generate-hashes --no-header -q -o deploy/sbom/requirements.lock
	$(BIN)/uv pip compile bench/peers/requirements.in --universal --python-version 3.11 \
		--generate-hashes --no-header -q -o bench/peers/requirements.lock
	$(BIN)/uv pip compile tests/charts/requirements.in --universal --python-version 3.11 \
		--generate-hashes --no-header -q -o tests/charts/requirements.lock

clean: ## remove what the targets made (.venv, caches, local state)
	rm -rf $(VENV) .venv-bench .venv-sbom .venv-runtime .venv-charts penstock.cdx.json $(STREAMS)/target .penstock build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
