# make help lists what can be made. Everything builds without a C compiler; only the race detector needs one.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VERSION  ?= 0.1.0
COMMIT   := $(shell git describe --always --dirty --abbrev=9 --exclude='*' 2>/dev/null || echo unknown)
PREFIX   ?= /usr/local
DESTDIR  ?=
PROGRAMS := rbee queen-rbee rbee-hive llm-worker-rbee
PACKAGES ?= ./...

# What make bundles makes: os/arch, or os/arch/backend for the engine of a GPU (linux/amd64/vulkan, linux/amd64/cuda).
BUNDLES  ?= linux/amd64 linux/arm64 darwin/arm64

# How long one fuzz target runs; which benchmarks, of how many runs their medians are, and how often each is repeated.
FUZZTIME    ?= 10s
BENCH       ?= .
BENCH_RUNS  ?= 20
BENCH_COUNT ?= 1

LDFLAGS := -s -w -X rbee/internal/version.number=$(VERSION) -X rbee/internal/version.commit=$(COMMIT)
GO      := CGO_ENABLED=0 go
BUILD   := $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
TOOL    := $(GO) tool -modfile=tools.mod
# Where Go code lies; gofmt takes no package patterns.
CODE    := $(wildcard actors bench cmd deploy internal messages supervisor)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  VERSION, PREFIX, DESTDIR, PACKAGES, FUZZTIME, BENCH, BENCH_RUNS, BENCH_COUNT may be set: make test PACKAGES=./internal/...'

## build

.PHONY: build
build: ## build the four programs into bin/
	@.ci/prerequisites build
	$(BUILD) -o bin/ $(PROGRAMS:%=./cmd/%)

.PHONY: engine
engine: build ## fetch and verify the engine libraries into lib/rbee/
	@.ci/prerequisites demo
	@bin/rbee engine install --dir lib/rbee >/dev/null

.PHONY: demo
demo: ## from a fresh clone to an answer, leaving nothing
	@.ci/prerequisites build demo
	@$(MAKE) engine
	bin/rbee infer --node localhost --model demo --prompt "hello world"

.PHONY: bundles
bundles: ## make bundles/: what is sent to nodes of each kind (BUNDLES) over SSH
	@.ci/prerequisites build demo
	@for b in $(BUNDLES); do \
		IFS=/ read -r os arch backend <<<"$$b"; \
		GOOS=$$os GOARCH=$$arch $(BUILD) -o "dist/$$os-$$arch/" ./cmd/rbee-hive ./cmd/llm-worker-rbee; \
		$(GO) run -ldflags '$(LDFLAGS)' ./deploy/bundle/makebundle \
			-programs "dist/$$os-$$arch" -engines dist/engine -out bundles -backend "$$backend" "$$os/$$arch"; \
	done

.PHONY: install
install: engine ## install programs, engine and man pages below DESTDIR/PREFIX
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/rbee'
	install -m 0755 $(PROGRAMS:%=bin/%) '$(DESTDIR)$(PREFIX)/bin/'
	cp -R -P lib/rbee/. '$(DESTDIR)$(PREFIX)/lib/rbee/'
	bin/rbee man '$(DESTDIR)$(PREFIX)/share/man/man1' >/dev/null

.PHONY: clean
clean: ## remove what was built and fetched
	rm -rf bin lib dist bundles

## test

.PHONY: test
test: engine ## run all tests, then audit from outside what they left
	@.ci/prerequisites hosts
	@CGO_ENABLED=0 .ci/test -shuffle=on -timeout 9m $(PACKAGES)

.PHONY: race
race: engine ## run all tests under the race detector (needs a C compiler)
	@.ci/prerequisites race hosts
	@CGO_ENABLED=1 GORACE='atexit_sleep_ms=0 halt_on_error=1 suppressions=$(CURDIR)/.ci/race-suppressions' .ci/test -race -shuffle=on -timeout 30m $(PACKAGES)

.PHONY: e2e
e2e: engine ## run the tests of the whole tree only (TestTree...), and OpenAI's npm client (needs node and a registry)
	@.ci/prerequisites hosts
	@CGO_ENABLED=0 .ci/test -tags e2e -count=1 -timeout 15m -run '^TestTree' ./...

.PHONY: faults
faults: engine ## run the full fault matrix: every process, signal and moment (TestFault...)
	@CGO_ENABLED=0 RBEE_FAULTS=full .ci/test -count=1 -timeout 60m -run '^TestFault' ./...

.PHONY: vulkan
vulkan: engine ## run the tests on a Vulkan device (Debian, for one made of software: libvulkan1 mesa-vulkan-drivers)
	@bin/rbee engine install --backend vulkan --dir lib/vulkan >/dev/null
	@CGO_ENABLED=0 RBEE_TEST_VULKAN='$(CURDIR)/lib/vulkan' RBEE_ENGINE_DIR='$(CURDIR)/lib/rbee' go test -tags vulkan -count=1 -timeout 15m -run '^TestVulkan' ./internal/treetest
	@CGO_ENABLED=0 GGML_VK_VISIBLE_DEVICES=0 RBEE_ENGINE_DIR='$(CURDIR)/lib/vulkan' go test -tags vulkan -count=1 -timeout 15m -run '^TestVulkan' ./internal/engine/llamacpp

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(CODE) | sort | while IFS=: read -r file func; do \
		echo "$$(dirname "$$file") $${func#func }"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")"; \
	done

.PHONY: bench
bench: engine ## measure (some 15 minutes, as root); results, goals and the facts of the machine go to bench/results/
	@.ci/prerequisites hosts
	@mkdir -p bench/results
	@{ echo "# make bench BENCH='$(BENCH)' BENCH_RUNS=$(BENCH_RUNS) BENCH_COUNT=$(BENCH_COUNT), $(VERSION)+$(COMMIT)"; \
		echo "# $$(uname -srm), $$(getconf _NPROCESSORS_ONLN) cores, $$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n1), load $$(cut -d' ' -f1 /proc/loadavg 2>/dev/null)"; \
		RBEE_ENGINE_DIR='$(CURDIR)/lib/rbee' $(GO) test ./bench -run '^$$' -bench '$(BENCH)' -runs $(BENCH_RUNS) -count $(BENCH_COUNT) -timeout 60m; \
	} | tee bench/results/bench.txt
	@[ $(BENCH_COUNT) -lt 4 ] || $(TOOL) benchstat bench/results/bench.txt

## check

.PHONY: check
check: cross lint gen-check ## all that needs no running: cross-compile, lint, gen-check

.PHONY: cross
cross: ## compile everything for every platform, tests included
	@for p in linux/amd64 linux/arm64 darwin/arm64; do \
		echo "compile for $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(BUILD) -o "dist/$${p/\//-}/" $(PROGRAMS:%=./cmd/%); \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) vet ./...; \
	done

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l $(CODE)); [ -z "$$unformatted" ] || { echo "gofmt -w needed:"; echo "$$unformatted"; exit 1; }
	@$(GO) vet ./...
	@$(TOOL) staticcheck ./...

.PHONY: vuln
vuln: ## look for known vulnerabilities (asks vuln.go.dev)
	@$(TOOL) govulncheck ./...

# gen writes below GEN; gen-check lets it write elsewhere and compares.
GEN ?= .

.PHONY: gen
gen: ## generate the protobuf code and NOTICE anew
	@.ci/prerequisites gen
	@mkdir -p '$(GEN)'
	@protoc --plugin=protoc-gen-go="$$($(TOOL) -n protoc-gen-go)" --go_out='$(GEN)' --go_opt=module=rbee messages/*.proto
	@$(GO) run ./internal/testkit/cmd/notice ./... >'$(GEN)/NOTICE.new'
	@mv '$(GEN)/NOTICE.new' '$(GEN)/NOTICE'

.PHONY: gen-check
gen-check: ## fail if generated files are not what gen would write
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
		$(MAKE) gen GEN="$$dir"; \
		(cd "$$dir" && find . -type f) | while read -r f; do diff -u "$$f" "$$dir/$$f" || { echo "make gen, and commit $$f"; exit 1; }; done
