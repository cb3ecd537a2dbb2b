# Volmacht: run it, test it, measure it. `make` alone says what there is.
#
# One environment, .venv, for everything. Running installs requirements/run.txt; testing adds
# requirements/test.txt, whose pins are compiled as a superset of run.txt, so neither
# undoes the other. Every requirement is pinned by hash. A stamp file remembers what was
# installed: a second start installs nothing and needs no network.

PYTHON ?= python3
BIN := .venv/bin
# Ours are installed in place, without fetching anything: setuptools stands in run.txt.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
export CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.DEFAULT_GOAL := help
.PHONY: help run test test-browser test-interop bench fmt lock clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

run: .venv/.run ## start the demo village: broker, simulated ACM, voucher service (Ctrl-C stops it)
	@exec $(BIN)/volmacht demo

test: .venv/.test ## format, lint, types, doors between rooms, and all tests but the two below
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -n 2 --dist loadfile -m "not browser and not interop" --ignore tests/browser --ignore tests/interop tests

test-browser: .venv/.browser ## the story in a real browser; needs Chromium, or CHROMIUM=/path
	@test -x "$(CHROMIUM)" || { echo "No Chromium here: apt-get install chromium, or set CHROMIUM=/path/to/it."; exit 1; }
	$(PYTEST) -m browser tests/browser

test-interop: .venv/.test tests/interop/node/node_modules/.package-lock.json ## a stock OpenID client, nginx with TLS, container files
	@command -v nginx >/dev/null || test -x /usr/sbin/nginx || { echo "No nginx here: apt-get install nginx."; exit 1; }
	@command -v docker-compose >/dev/null || { echo "No docker-compose here: apt-get install docker-compose."; exit 1; }
	$(PYTEST) -m interop tests/interop

bench: .venv/.test ## all benchmarks, or one: make bench B=guard
	@for one in $(if $(B),bench/$(B).py,$(wildcard bench/*.py)); do echo "== $$one"; $(BIN)/python $$one || exit 1; done

fmt: .venv/.test ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/.test ## recompile requirements/*.txt from pyproject.toml (make lock UPGRADE=--upgrade renews)
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) pyproject.toml --extra test -c requirements/run.txt -o requirements/test.txt
	$(LOCK) pyproject.toml --extra test --extra browser -c requirements/test.txt -o requirements/browser.txt

clean: ## forget the environment; the data in .volmacht stay
	rm -rf .venv tests/interop/node/node_modules

# Where packages were fetched from is nobody's business and differs per house: no addresses.
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links $(UPGRADE)

.venv/.made:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here: install Python 3.11 or newer, or set PYTHON=/path/to/it."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V). Set PYTHON=/path/to/a/newer/one."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments: apt-get install python3-venv."; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.made requirements/run.txt pyproject.toml guard/pyproject.toml
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation -e . -e ./guard
	@touch $@

.venv/.test: .venv/.run requirements/test.txt
	$(INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

.venv/.browser: .venv/.test requirements/browser.txt
	$(INSTALL) --require-hashes -r requirements/browser.txt
	@touch $@

tests/interop/node/node_modules/.package-lock.json: tests/interop/node/package-lock.json
	@command -v node >/dev/null && node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' || \
		{ echo "Node 20 or newer is needed, with npm: see nodejs.org, or your distribution."; exit 1; }
	cd tests/interop/node && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@
