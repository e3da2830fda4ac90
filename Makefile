# Every target is one line, or a script that says what it does. SUITE="sqlite web" chooses suites; `scripts/test -list` names them.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-long lint fmt gen
SUITE ?=

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what tests need (Debian, Ubuntu); looks only, when nothing is missing
	@scripts/setup

build: ## the one binary, ./six
	CGO_ENABLED=0 go build -trimpath -tags nomsgpack -ldflags="-s -w" -o six .

demo: ## a street with generated data on http://127.0.0.1:8080
	go run . demo

test: ## everything that is checked, closing on "N passed, N failed"; SUITE=name for a part
	@scripts/test $(SUITE)

test-long: ## the tests that take long: soak, volume, crashes
	@scripts/test -long $(SUITE)

lint: setup ## go vet and golangci-lint
	go vet ./...
	.tools/bin/golangci-lint run

fmt: ## format the Go files
	@scripts/gofmt -w

gen: ## write docs/openapi.yaml and web/dist anew
	@scripts/gen
