# `make demo` and `make test` are the whole set-up on a fresh machine with Python 3.11 and make.
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)
BIN := .venv/bin
SPEED ?= 1
OUTPUT ?= recordings
SECONDS ?= 60
# Hundreds of processes are started: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
PYTEST = $(BIN)/python -m pytest -q -m "not slow and not players"

.PHONY: demo test test-clients test-live test-service test-media test-formats test-core test-slow fuzz players clients bench bench-api lint format events synth lock up clean help

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/local ## Play a call into the local stack; its files go to recordings/ (SPEED=2 plays it faster)
	$(BIN)/python -m infra.local.demo --speed $(SPEED) --output $(OUTPUT)

up: .venv/local ## Keep the local stack running on fixed ports until Ctrl-C
	$(BIN)/python -m infra.local up

test: .venv/dev clients ## Lint and all tests but the slow ones
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync=target \
		test-live test-service test-core test-media test-formats lint

# What plays calls in real time goes first, then what waits for agents; what computes takes what they leave. A fourth
# lane left them too little now and then.
AFTER = nice -n 19

test-live: .venv/dev clients
	$(PYTEST) tests/e2e
	$(PYTEST) tests/clients

MEDIA := $(addprefix tests/isotrack/,media pipeline)
FORMATS := $(addprefix tests/isotrack/,codecs matroska rtp)

test-media: .venv/dev
	$(AFTER) $(PYTEST) $(MEDIA)

test-formats: .venv/dev
	$(AFTER) $(PYTEST) $(FORMATS)

test-core: .venv/dev
	$(AFTER) $(PYTEST) tests $(addprefix --ignore=,$(MEDIA) $(FORMATS)) \
		$(addprefix --ignore=tests/,e2e clients infra capture_agent players)

test-service: .venv/dev
	nice -n 10 $(PYTEST) tests/infra tests/capture_agent

test-clients: .venv/dev clients ## Only the published client libraries, against the local stack
	$(PYTEST) tests/clients

test-slow: .venv/dev ## The tests that take minutes
	$(BIN)/python -m pytest -m slow

bench: .venv/dev ## Measure the engine beside its peers, into benchmarks/README.md (installs them by apt)
	benchmarks/peers/install.sh
	$(BIN)/python -m benchmarks.remux

bench-api: .venv/dev ## Measure the HTTP and WebSocket APIs on the local stack, into docs/api-latency.md
	$(BIN)/python -m benchmarks.api

fuzz: .venv/dev ## Throw damaged input at every parser for SECONDS; what fails becomes a test in tests/data/fuzz
	$(BIN)/python -m tests.fuzz $(SECONDS)

PLAYERS := ffmpeg mkvtoolnix gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	gstreamer1.0-plugins-bad gstreamer1.0-libav chromium

players: .venv/dev ## Play files of every codec in mkvtoolnix, FFmpeg, GStreamer and Chromium (installs them by apt)
	@if [ "$$(id -u)" = 0 ] && ! dpkg -s $(PLAYERS) >/dev/null 2>&1; then \
		apt-get update -qq; apt-get install -y -qq --no-install-recommends $(PLAYERS); fi
	$(BIN)/python -m pytest -q -m players tests/players

# The published JavaScript clients, by the npm of the Node that a wheel brought. Without a registry of npm
# their tests are skipped, and say so; CI insists on them (ISOTRACK_CLIENTS_REQUIRED).
CLIENTS := tests/clients/js
NODE = $(shell $(BIN)/python -c 'from infra.node import bundled_node; print(bundled_node())')
NPM = $(NODE) $(dir $(NODE))../lib/node_modules/npm/bin/npm-cli.js
clients: $(CLIENTS)/node_modules/.package-lock.json

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json | .venv/dev
	@echo "installing $<"
	@$(NPM) ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund --loglevel=error \
		&& touch $@ || echo "npm cannot install $<: the tests of these clients are skipped"

lint: .venv/dev ## Format, style, types, layers
	$(AFTER) $(BIN)/ruff format --check --quiet .
	$(AFTER) $(BIN)/ruff check --quiet .
	$(AFTER) $(BIN)/mypy
	$(AFTER) $(BIN)/lint-imports --no-cache

format: .venv/dev ## Format the code
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --fix --quiet .

events: .venv/dev ## Write the schemas, samples and OpenAPI documents of events/ anew
	$(BIN)/python -m events.generate
	$(BIN)/python -m capture_agent openapi > events/agent.openapi.json

synth: .venv/dev ## Write infra/template.json anew
	$(BIN)/python -m infra.template

# One resolution for all: the smaller sets are cut out of the developers' one.
COMPILE = $(BIN)/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-annotate \
	--python-version 3.11 --universal
lock: .venv/dev ## Pin all dependencies anew, with hashes
	$(COMPILE) --all-extras --group dev pyproject.toml -o requirements/dev.txt
	for set in agent:agent control:functions media:functions,media local:agent,functions,media,local; do \
		$(COMPILE) $$(echo $${set#*:} | tr ',' '\n' | sed 's/^/--extra /') -c requirements/dev.txt \
			pyproject.toml -o requirements/$${set%%:*}.txt; \
	done
	echo uv | $(COMPILE) - -o requirements/uv.txt

# The environment is made once, and grown when more is needed. The project itself is put on the path
# by a path file: its packages are importable from anywhere, without building it.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Isotrack needs Python 3.11")'
	$(PYTHON) -m venv .venv
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/isotrack.pth"

# uv installs in seconds what takes pip minutes; where it cannot (a mirror only pip knows), pip does.
.venv/bin/uv: requirements/uv.txt | .venv/bin/python
	-$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<

.venv/local: requirements/local.txt | .venv/bin/uv
	$(call install,$<)
	@touch $@

.venv/dev: requirements/dev.txt | .venv/bin/uv
	$(call install,$<)
	@touch $@ .venv/local

define install
@echo "installing $(1)"
@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) \
	|| $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
endef

clean: ## Remove what was made
	rm -rf .venv $(CLIENTS)/node_modules recordings cdk.out .mypy_cache .ruff_cache .pytest_cache
