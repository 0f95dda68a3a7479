# Everything that one does with this repository. `make` alone lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# The interpreter of the project; the cluster's own scripts run with any python3, before there is an environment.
PYTHON ?= python3.11
CLUSTER := python3 -m tests.cluster
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest
# More words for pytest, for instance: make unit PYTEST_ARGS="-k queue".
PYTEST_ARGS ?=
CODE := operator workloads tests demo

# uv trusts a list of certificates of its own unless it is told to trust the machine's.
export UV_NATIVE_TLS := 1
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Environment

$(BIN)/uv: requirements/installer.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: name it by PYTHON=…" >&2; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/installer.txt
	@touch $@

# The stamp is written last: an environment that was left half made is made again.
$(VENV)/complete: $(BIN)/uv requirements/dev.txt pyproject.toml
	@started=$$SECONDS; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement requirements/dev.txt; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	touch $@; echo "  $$((SECONDS - started)) s  the environment $(VENV) from the lock files"

.PHONY: venv
venv: $(VENV)/complete ## Make the Python environment .venv from the lock files

LOCK := $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --no-annotate pyproject.toml

.PHONY: lock
lock: $(BIN)/uv ## Pin what pyproject.toml asks for, with hashes, in requirements/*.txt (keeps what is pinned; UPGRADE=1 looks anew)
	@flags="$(if $(UPGRADE),--upgrade)"; \
	$(LOCK) $$flags --extra installer --output-file requirements/installer.txt; \
	$(LOCK) $$flags --extra flight-delays --no-deps --output-file requirements/flight-delays.txt; \
	$(LOCK) $$flags --extra gateway --no-deps --output-file requirements/gateway.txt; \
	$(LOCK) $$flags --extra clients --output-file requirements/clients.txt; \
	$(LOCK) $$flags --extra operator --output-file requirements/operator.txt; \
	$(LOCK) $$flags --extra mlflow --extra s3 --output-file requirements/mlflow.txt; \
	$(LOCK) $$flags --extra runtime --constraint requirements/mlflow.txt --output-file requirements/runtime.txt; \
	$(LOCK) $$flags --extra installer --extra build --extra dev --extra gateway --extra operator --extra mlflow --extra runtime --output-file requirements/dev.txt

.PHONY: generate
generate: venv ## Write what is generated: CRDs, the chart's rules, reference docs
	@$(BIN)/python -m soloist generate
	@$(BIN)/python -m tests.chart.values_table

##@ Checks, fastest first

.PHONY: fmt
fmt: venv ## Format the code, and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet $(CODE) || true
	@$(BIN)/ruff format --quiet $(CODE)

.PHONY: lint
lint: venv ## Look for mistakes, misformatted code and misspelled words
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check --quiet $(CODE)
	@$(BIN)/codespell $$(git ls-files | grep -vE '^(requirements/|tests/cluster/go(-outside)?/go\.(mod|sum))')

.PHONY: arch
arch: venv ## Check the layers: who may import whom, and what lies where
	@PYTHONPATH=operator:workloads $(BIN)/lint-imports --no-logo
	@$(PYTEST) tests/unit/test_layout.py -q $(PYTEST_ARGS)

.PHONY: type
type: venv ## Check types, strictly
	@$(BIN)/mypy

.PHONY: unit
unit: venv ## Test the pure parts
	@$(PYTEST) tests/unit -n 2 --dist loadfile $(PYTEST_ARGS)

.PHONY: golden
golden: venv ## Compare what kinds desire with what was reviewed (UPDATE_GOLDEN=1 rewrites it)
	@$(PYTEST) tests/golden $(PYTEST_ARGS)

.PHONY: property
property: venv ## Test with invented specs and worlds
	@$(PYTEST) tests/property -n 2 --dist worksteal $(PYTEST_ARGS)

.PHONY: workloads
workloads: venv ## Test what runs inside pods: steps and servers as real processes, answers beside MLflow's own
	@$(PYTEST) tests/workloads -n 2 --dist loadfile $(PYTEST_ARGS)

.PHONY: gateway
gateway: venv ## Test the gateway: the real Envoy on loopback, with pods that fail, die and come back
	@$(PYTEST) tests/gateway $(PYTEST_ARGS)

.PHONY: apiserver
apiserver: venv binaries ## Test on a real API server
	@$(PYTEST) tests/apiserver -n 2 --dist loadfile $(PYTEST_ARGS)

.PHONY: chart
chart: venv binaries ## Test the Helm chart: rendered, checked against schemas, installed on a real API server
	@$(PYTEST) tests/chart -n 2 --dist loadfile $(PYTEST_ARGS)

.PHONY: e2e
e2e: venv ## Test whole stories on a cluster (brought up, and taken down if it wasn't up; SOLOIST_KEEP=1 leaves it)
	@$(CLUSTER) run $(BIN)/python -m tests.e2e $(PYTEST_ARGS)

# On a new machine the long part, building Kubernetes and the images, goes on beside the quick tiers.
.PHONY: test
test: ## Everything, fastest first, from nothing: packages, environment, cluster
	@$(CLUSTER) packages
	@$(CLUSTER) warm
	@$(MAKE) --no-print-directory lint arch type
	@$(MAKE) --no-print-directory unit golden property workloads gateway
	@$(MAKE) --no-print-directory apiserver chart
	@$(MAKE) --no-print-directory e2e

.PHONY: verify
verify: generate ## Generate anew, check all but e2e, and fail when that changed a file
	@$(MAKE) --no-print-directory lint arch type unit golden property workloads gateway apiserver chart
	@changed=$$(git status --porcelain); [ -z "$$changed" ] || { echo "Changed or not committed:" >&2; echo "$$changed" >&2; exit 1; }

##@ Measuring

.PHONY: endurance
endurance: venv ## Endpoints under long load while something happens: docs/benchmarks/endurance.md (REPEATS=2, REQUESTS=60000, PER_SECOND=500)
	@$(CLUSTER) run $(PYTEST) tests/endurance $(PYTEST_ARGS)

.PHONY: bench
bench: venv ## Measure serving beside other servers, a core each: docs/benchmarks/ (REPEATS=5, DURATION=30 seconds, ONLY=part of a name)
	@$(BIN)/python -m tests.benchmarks --repeats $(or $(REPEATS),5) --seconds $(or $(DURATION),30) --only "$(ONLY)"

##@ Cluster

.PHONY: binaries
binaries:
	@$(CLUSTER) build

.PHONY: cluster-up
cluster-up: ## Bring the cluster up: local, kind, or CONTEXT=name REGISTRY=host/path
	@$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## Take the cluster down; binaries and images stay cached
	@$(CLUSTER) down

.PHONY: images
images: ## Build the images that changed and bring them to the cluster
	@$(CLUSTER) images

.PHONY: dev
dev: ## Run the operator of this checkout in the cluster, within seconds of an edit
	@$(CLUSTER) dev

.PHONY: demo
demo: ## A project end to end: cluster, platform, pipeline, model, prediction
	@python3 -m demo
