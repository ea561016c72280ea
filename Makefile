# `make` alone lists the targets. Nothing here needs configuring; PG_CONFIG=/path/to/pg_config chooses
# another PostgreSQL than the newest one installed.
SHELL := /bin/sh
export PATH := $(HOME)/.cargo/bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help bootstrap build demo test unit regress pytest e2e lint fmt-check clippy ruff types laws \
        reference reference-check \
        format install uninstall bench soak matrix clean

VENV := .venv/bin
ARGS ?=
REGRESS ?=
TESTS ?= tests/e2e
VERSIONS ?= 16 17 18

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## install what is missing: PostgreSQL with headers, libclang, a virtual environment
	@scripts/bootstrap

build: bootstrap ## build the release library
	@scripts/cargo build --release

demo: build ## a CSV file and a SQLite database joined with a local table (ARGS=--once exits by itself)
	@scripts/demo $(ARGS)

test: build ## all tests: cargo, pg_regress, pytest; ends with a count of each
	@scripts/test

unit: bootstrap ## only the unit tests of the pure crates
	@scripts/test unit

regress: build ## only pg_regress (REGRESS="name prefix_" chooses, ARGS=--accept takes over the output)
	@scripts/regress $(REGRESS) $(ARGS)

pytest: bootstrap ## only the Python tests without a server
	@scripts/test python

e2e: build ## only the Python tests with a server (TESTS=tests/e2e/test_x.py ARGS="-k name" chooses)
	@$(VENV)/python -m pytest $(TESTS) $(ARGS)

lint: fmt-check clippy ruff types laws reference-check ## rustfmt, clippy, ruff, pyright, the laws of the design, the reference

fmt-check: bootstrap
	cargo fmt --all --check

# The release profile shares build scripts and procedural macros with `make build`.
clippy: bootstrap
	scripts/cargo clippy --release --workspace --lib --bins --tests -- -D warnings

ruff: bootstrap
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types: bootstrap
	$(VENV)/basedpyright

laws: bootstrap
	scripts/laws

reference: bootstrap ## write docs/reference from the docstrings
	scripts/reference

reference-check: bootstrap
	scripts/reference --check

format: bootstrap ## rustfmt and ruff, in place
	cargo fmt --all
	$(VENV)/ruff check --fix-only --quiet .
	$(VENV)/ruff format .

install: build ## install into the real PostgreSQL (the newest, or PG_CONFIG's)
	@scripts/install --real

uninstall: ## remove what `make install` installed
	@scripts/install --real --remove

bench: build ## side-by-side benchmarks; prints a table and writes JSON
	@$(VENV)/python bench/run.py $(ARGS)

soak: build ## long runs that watch memory
	@$(VENV)/python bench/soak.py $(ARGS)

matrix: bootstrap ## build and test on other PostgreSQL versions (VERSIONS="16 17 18")
	@scripts/matrix $(VERSIONS)

clean: ## remove everything that was built, the private PostgreSQL and the virtual environment
	@scripts/clean
