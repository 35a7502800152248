# `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(or $(shell test -x .tools/bin/uv && echo .tools/bin/uv),$(shell command -v uv),.tools/bin/uv)
SYNC := $(UV) pip sync --quiet --require-hashes --compile-bytecode
export UV_NO_PROGRESS := 1
export UV_PYTHON_PREFERENCE ?= system
export RASA_TELEMETRY_ENABLED := false

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## install what is missing, train what has changed, serve
	@.venv/bin/bot run

test: install test-install ## the same set-up, then all tests
	@.venv/bin/bot prepare
	@.venv/bin/python -m pytest

bench: install test-install ## measure training, start, memory, latency and throughput, beside stock Rasa
	@.venv/bin/python -m benchmarks.service
	@.venv/bin/python -m benchmarks.safety
	@.venv/bin/python -m benchmarks.masking
	@.venv/bin/python -m benchmarks.widget

bench-publishing: install test-install ## from "Publish" to live under a load of visitors, and what they notice
	@.venv/bin/python -m benchmarks.publishing

bench-understanding: install ## accuracy on public data sets, robustness of the live release: make bench-understanding DATA=../shared/benchmarks
	@.venv-rasa/bin/python -m benchmarks.understanding $(DATA)
	@.venv/bin/python -m benchmarks.robustness

bench-library: install test-install ## how it grows with 10, 100, 1,000 conditions: make bench-library DATA=../shared/benchmarks
	@.venv/bin/python -m benchmarks.library $(DATA)

soak: install test-install ## loads and faults, each message held against the database, and a million generated inputs; an hour or two
	@.venv/bin/bot prepare
	@.venv/bin/python -m benchmarks.soak
	@INPUTS=100 .venv/bin/python -m pytest tests/test_generated.py tests/channels/test_any_call.py

screenshots: install test-install ## take the pictures of docs/images anew, and of every state of the widget in var/screenshots
	@.venv/bin/python -m tests.screenshots
	@.venv/bin/python -m tests.widget.screenshots

sbom: .venv-audit/.installed ## write the bills of materials (CycloneDX) of both locks into var/sbom
	@mkdir -p var/sbom; for part in app rasa; do \
	  .venv-audit/bin/cyclonedx-py requirements requirements/$$part.txt --output-reproducible --of JSON -o var/sbom/$$part.cdx.json || exit 1; done; ls var/sbom/*

audit: .venv-audit/.installed ## known vulnerabilities in both locks, but for requirements/audit-exceptions.toml
	@.venv-audit/bin/python requirements/audit.py

install: .venv/.installed .venv-rasa/.installed ## uv and both environments, as locked
test-install: .venv/.test-installed

lock: .tools/bin/uv ## write the lock files anew from requirements/*.in
	@for part in app:3.13 rasa:3.10 test:3.13 audit:3.13 uv:3.8; do \
	  $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version $${part#*:} \
	    requirements/$${part%:*}.in -o requirements/$${part%:*}.txt || exit 1; done

clean: ## remove environments, models and the database
	rm -rf .venv .venv-rasa .tools var models/candidates models/releases models/encoder models/live

.tools/bin/uv: requirements/uv.txt
	@command -v uv >/dev/null && exit 0; echo "installing uv"; \
	{ $(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt; } \
	|| { echo "make: $(PYTHON) can't make an environment with pip; install python3-venv, or uv itself, and run make again" >&2; exit 1; }

.venv/.installed: requirements/app.txt | .tools/bin/uv
	@echo "installing the environment of gateway, actions and editor (Python 3.13)"
	@$(UV) venv --quiet --allow-existing --python 3.13 .venv
	@$(SYNC) --python .venv/bin/python requirements/app.txt
	@echo "$(CURDIR)" > "$$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/pamphlet.pth"
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m bot "$$@"\n' > .venv/bin/bot && chmod +x .venv/bin/bot
	@rm -f .venv/.test-installed; touch $@

.venv-rasa/.installed: requirements/rasa.txt | .tools/bin/uv
	@echo "installing the environment of Rasa (Python 3.10), about 3 GB"
	@$(UV) venv --quiet --allow-existing --python 3.10 .venv-rasa
	@$(SYNC) --python .venv-rasa/bin/python requirements/rasa.txt
	@touch $@

.venv-audit/.installed: requirements/audit.txt | .tools/bin/uv
	@$(UV) venv --quiet --allow-existing --python 3.13 .venv-audit
	@$(SYNC) --python .venv-audit/bin/python requirements/audit.txt
	@touch $@

.venv/.test-installed: requirements/test.txt .venv/.installed
	@$(UV) pip install --quiet --require-hashes --compile-bytecode --python .venv/bin/python -r requirements/test.txt
	@touch $@

.PHONY: help sbom audit run test bench bench-publishing bench-understanding bench-library soak screenshots install test-install lock clean
