# Holdfast: every command here works from a fresh clone, as root on Debian 12, and can be run again at any time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test lint docs simulate cluster cluster-down images install uninstall bench generate

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
TOOLS := $(CURDIR)/.localkube/bin
NAMESPACE ?= keptn-system
TAG ?= dev
# Set REGISTRY to push the images there, or LOAD to a command that takes an image archive, when CLUSTER=current.
REGISTRY ?=
LOAD ?=

ifeq ($(CLUSTER),current)
  ifeq ($(strip $(KUBECONFIG)),)
    export KUBECONFIG := $(HOME)/.kube/config
  endif
  NEEDS_CLUSTER :=
else
  export KUBECONFIG := $(CURDIR)/.localkube/kubeconfig
  NEEDS_CLUSTER := cluster
endif
export PATH := $(TOOLS):$(PATH)

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: install ## the main job on a real cluster, to look at
	@$(PY) -m examples.demo

test: lint install ## lint, types, unit, simulation and end-to-end tests
	@KUBECONFIG_HOLDFAST="$$KUBECONFIG" $(PY) -m pytest tests

lint: $(VENV)/.ready ## style, types and import layers
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

docs: $(VENV)/.ready ## the documentation as a site, into .site/
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet
	@echo "the site is in .site/; to read and search it: $(PYTHON) -m http.server --directory .site"

simulate: $(VENV)/.ready ## rollouts full of faults in simulated time: SEEDS=20000 FIRST=0, SECONDS=120, SEED=7 to replay, STORY=1, COSTS=1, MUTATIONS=1
	@$(PY) -m tests.simulation$(if $(COSTS),.costs)$(if $(MUTATIONS),.mutations.mutants) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(STORY),--story)

cluster: ## a real one-node Kubernetes on this machine
	@$(PYTHON) -m localkube up

cluster-down: ## stop it, and leave nothing behind
	@$(PYTHON) -m localkube down

images: ## build the product image, the two runner images and the one of tests and examples
	@$(PYTHON) -m images
	@$(PYTHON) -m images --test-images

install: $(NEEDS_CLUSTER) $(VENV)/.ready ## build, load and install with Helm, wait until ready
	@$(PY) helm/install.py --namespace $(NAMESPACE) --tag $(TAG) $(if $(filter current,$(CLUSTER)),--current) \
	  $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(LOAD),--load "$(LOAD)")

uninstall: ## take the Helm release away; CRDs and objects stay
	@helm uninstall holdfast --namespace $(NAMESPACE)

bench: install ## the performance figures, each beside its floor
	@$(PY) -m bench

generate: $(VENV)/.ready ## write what is generated: CRDs, their reference in docs, the manifests for people without Helm, the story in docs
	@$(PY) -m app.api.crds
	@$(PY) -m docsite.reference
	@$(PY) helm/render.py
	@$(PY) -m tests.simulation.telling.docs

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -qy python3-venv; }
	@echo "installing the Python packages of the project into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
