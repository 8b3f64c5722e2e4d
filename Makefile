# make help lists the targets. CI runs make test, through .ci/run.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

FUZZTIME ?= 30s
MODULE ?=
N ?=
SEED ?=
BACKEND ?=
BACKEND_SECRET ?=
export FUZZTIME MODULE N SEED BACKEND BACKEND_SECRET
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOBUILD = CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)'
TOOLS = $(CURDIR)/bin/tools

.PHONY: help build build-product build-dev demo test test-packages lint lint-format lint-vet lint-staticcheck \
	lint-workflows tools fuzz histories cost bench chaos rename clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: build-product build-dev ## Build bin/onboarding (the product) and bin/onboarding-dev (embedded Temporal, demo).
	@echo "build: version $(VERSION); see bin/onboarding --help and bin/onboarding-dev --help"

build-product:
	@echo "build: bin/onboarding"
	@$(GOBUILD) -o bin/onboarding ./cmd/onboarding

# Built as the tests are, so that the Temporal Server is compiled once for both.
build-dev:
	@echo "build: bin/onboarding-dev (the first build compiles the Temporal Server: about 6 minutes on two cores)"
	@cd dev && go build -ldflags '-X main.version=$(VERSION)' -o ../bin/onboarding-dev ./cmd/onboarding-dev

demo: build ## Run everything on this machine and take one customer through; ONCE=1 exits after the handoff, BACKEND=URL hands off to you too.
	@echo "demo: bin/onboarding-dev demo; it says what to open, and keeps its files in .demo/"
	@exec bin/onboarding-dev demo $(if $(filter-out 0,$(ONCE)),--once) $${BACKEND:+--backend "$$BACKEND" --backend-secret "$$BACKEND_SECRET"}

test: lint test-packages ## Run everything that CI runs: lint, and all tests of both modules.
	@echo "test: root module, with the race detector (needs a C compiler)"
	@go test -race ./...
	@echo "test: without the race detector, the property test's 200,000 simulations and what sealing allocates"
	@go test ./onboarding
	@go test -run Allocates ./privacy
	@echo "test: dev module, on a real Temporal Server (its first build takes about 6 minutes on two cores)"
	@# The longest first, three packages at a time: they mostly wait.
	@cd dev && go test -timeout 20m -p 3 ./e2e ./demo ./chaos ./...
	@echo "test: all passed"

test-packages:
	@scripts/install-test-packages.sh

lint: lint-format lint-vet lint-staticcheck lint-workflows ## Check format, go vet, staticcheck and the determinism of workflows.
	@echo "lint: clean"

lint-format:
	@echo "lint: gofmt"
	@files=$$(gofmt -l .); if [[ -n $$files ]]; then \
		printf 'lint: not formatted, run gofmt -w on:\n%s\n' "$$files" >&2; exit 1; fi

lint-vet:
	@echo "lint: go vet, in the root module and in dev/"
	@go vet ./...
	@cd dev && go vet ./...

lint-staticcheck: tools
	@echo "lint: staticcheck, in the root module and in dev/ (its first run there takes a minute or two)"
	@$(TOOLS)/staticcheck ./...
	@cd dev && $(TOOLS)/staticcheck ./...

# The tests of workflows hold a change that is wrong on purpose, hence without them.
lint-workflows: tools
	@echo "lint: workflowcheck; what it may overlook is in workflowcheck.config.yaml"
	@$(TOOLS)/workflowcheck -test=false -config workflowcheck.config.yaml ./workflows/...

tools:
	@go build -C tools -o $(TOOLS)/ honnef.co/go/tools/cmd/staticcheck go.temporal.io/sdk/contrib/tools/workflowcheck

fuzz: ## Fuzz each Fuzz target of the root module for FUZZTIME (30s).
	@scripts/fuzz.sh "$$FUZZTIME"

histories: build-dev ## Record the histories that the replay test replays; those that are there are kept.
	@echo "histories: into workflows/testdata/histories; read the README there first"
	@bin/onboarding-dev histories workflows/testdata/histories

cost: ## Print what an approved onboarding costs: history events and billable actions.
	@cd dev && go test -count=1 -v -run '^TestCost' ./e2e

bench: build ## Measure the bridge and whole onboardings, each against something else in one run; QUICK=1 takes half a minute.
	@echo "bench: bin/onboarding-dev bench; takes four or five minutes and wants the machine for itself"
	@exec bin/onboarding-dev bench $(if $(filter-out 0,$(QUICK)),--quick)

chaos: build ## Take N (500) onboardings through kills and faults, then compare each with the sandbox; SEED repeats a plan.
	@echo "chaos: bin/onboarding-dev chaos; takes about three minutes, and says where the logs are if something differs"
	@exec bin/onboarding-dev chaos $${N:+--n "$$N"} $${SEED:+--seed "$$SEED"}

rename: ## Give the project its address: make rename MODULE=example.com/x/kyc.
	@scripts/rename.sh "$$MODULE"

clean: ## Remove what was built (bin/) and what the demo kept (.demo/).
	@echo "clean: removing bin/ and .demo/"
	@rm -rf bin .demo
