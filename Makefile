# Everything stands on `install`: a virtual environment with the `vipbook` command in it.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
APT := DEBIAN_FRONTEND=noninteractive apt-get

.PHONY: install debian chromium nft demo test unit coverage lint docs docs-output bench bench-vips clean

install: $(READY)

$(READY): pyproject.toml constraints.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Python 3.11 or newer is needed; this is $$(python3 --version)" >&2; exit 2; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "error: python3 has no venv here; mend: apt-get install -y python3-venv" >&2; exit 2; }
	python3 -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--config-settings editable_mode=compat --editable '.[dev]'
	@touch $(READY)

# The lab's Debian packages: installed when root, named when not.
debian: install
	@missing=$$($(BIN)/python -m lab.preflight) || exit 2; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ]; then \
		echo "error: missing Debian packages; mend: sudo apt-get install -y $$missing" >&2; exit 2; fi; \
	$(APT) update -qq && $(APT) install -y -qq --no-install-recommends $$missing

demo: debian
	@PATH="$(CURDIR)/$(BIN):$$PATH" lab/demo.sh

# Four labs side by side, since they mostly wait; a lab without work takes over tests of another one.
test: debian chromium nft .tools/promtool
	$(BIN)/python -m pytest -n 3 --durations=10 tests/unit tests/browser
	$(BIN)/python -m pytest -n 4 --dist worksteal --durations=10 tests/lab

# The HTML report is opened by a real browser; without one those tests are skipped, but not in CI.
chromium:
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ]; then \
		echo "note: no chromium; for its tests: sudo apt-get install -y chromium" >&2; exit 0; fi; \
	$(APT) update -qq && $(APT) install -y -qq --no-install-recommends chromium fonts-dejavu-core

# Some unit tests hand our rules to the real nft, in a network namespace of their own.
nft:
	@if command -v nft >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ]; then \
		echo "note: no nft; for its tests: sudo apt-get install -y nftables" >&2; exit 0; fi; \
	$(APT) update -qq && $(APT) install -y -qq --no-install-recommends nftables

# Checks the alert rules. The package would start a server, so nothing of it is installed.
.tools/promtool:
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && chmod 755 "$$work" && cd "$$work" && \
	{ apt-get -qq download prometheus 2>/dev/null || { apt-get -qq update && apt-get -qq download prometheus; }; } && \
	dpkg-deb -x prometheus_*.deb tree && mkdir -p "$(CURDIR)/.tools" && cp tree/usr/bin/promtool "$(CURDIR)/$@"

# Without root and without a lab.
unit: install
	$(BIN)/python -m pytest -n auto -m 'not slow' tests/unit

# Lines and branches that the unit tests run; what the lab alone proves counts as missed.
coverage: install
	$(BIN)/python -m pytest -n auto --cov --cov-report=term tests/unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck lab/*.sh lab/el/*.sh docs/*.sh templates/helpers/*
	# Parts of one script: what they use is set, or split into words, by the parts before them, or by vipbook (@…@).
	$(BIN)/shellcheck --shell=sh --exclude=SC1091,SC2012,SC2015,SC2034,SC2086,SC2154,SC2170 templates/undo/*.sh templates/questions/*.sh
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs --quiet build --strict

docs: install
	$(BIN)/mkdocs serve

# What the documentation shows, recorded anew from a lab.
docs-output: debian
	@PATH="$(CURDIR)/$(BIN):$$PATH" docs/record.sh

# What ten VIPs cost beside one: from the answers to the verdicts, without a lab.
bench-vips: install
	@$(BIN)/python -m tests.bench.vips

bench: debian
	@PATH="$(CURDIR)/$(BIN):$$PATH" lab/bench.sh

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache
