# `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(or $(shell test -x .tools/bin/uv && echo .tools/bin/uv),$(shell command -v uv),.tools/bin/uv)
BESIDE = --numprocesses 2 --dist loadfile --no-loadscope-reorder  # how many tests run beside each other; each has services of its own
SYNC = $(UV) pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.13
export UV_NO_PROGRESS := 1
export UV_PYTHON_PREFERENCE ?= system
export RASA_TELEMETRY_ENABLED := false

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## install what is missing, train what has changed, serve
	@.venv/bin/bot run

test: install test-install ## the same set-up, then all tests
	@.venv/bin/bot prepare
	@OPENBLAS_NUM_THREADS=1 .venv/bin/python -m pytest --durations 10 $(BESIDE)

check: lint ## the daily round, under a minute: lint, form, types, layering, docs, content, what we rely on in Rasa
	@.venv/bin/bot check
	@.venv/bin/python -m pytest -q tests/rasa tests/house/test_layering.py tests/house/test_docs.py

lint: install test-install ## ruff's rules and form, mypy's types
	@.venv/bin/ruff check . && .venv/bin/ruff format --check --quiet . \
	|| { echo "make: ruff found something; .venv/bin/ruff check --fix . && .venv/bin/ruff format . mends most of it" >&2; exit 1; }
	@.venv/bin/mypy

bench: install test-install ## measure training, start, memory, latency and throughput; STOCK=--stock: beside stock Rasa, in an environment of its own
	@.venv/bin/python -m benchmarks.service $(STOCK)
	@.venv/bin/python -m benchmarks.safety
	@.venv/bin/python -m benchmarks.masking --shut
	@.venv/bin/python -m benchmarks.widget

bench-safety: install ## dangers heard and false alarms of the live release, on messages that nothing was tuned on
	@.venv/bin/python -m benchmarks.safety --rounds var/safety-rounds.json
	@.venv/bin/python -m benchmarks.safety --talks tests/safety/rounds/talks-of-several.jsonl
	@.venv/bin/python -m benchmarks.safety --languages tests/safety/rounds/other-languages.jsonl

bench-publishing: install test-install ## from "Publish" to live under a load of visitors, and what they notice
	@.venv/bin/python -m benchmarks.publishing

bench-understanding: install ## accuracy on public data sets, robustness of the live release: make bench-understanding DATA=../shared/benchmarks
	@.venv/bin/python -m benchmarks.understanding $(DATA)
	@.venv/bin/python -m benchmarks.robustness
	@.venv/bin/python -m benchmarks.asked tests/asked/first-22.jsonl tests/asked/first-23.jsonl
	@.venv/bin/python -m benchmarks.talks tests/asked/talk-03.jsonl tests/asked/talk-04.jsonl

bench-library: install test-install ## how it grows with 10, 100, 1,000 conditions: make bench-library DATA=../shared/benchmarks
	@.venv/bin/python -m benchmarks.library $(DATA)

bench-articles: install test-install ## how well an article is understood that has few phrases of its own, or none: make bench-articles DATA=../shared/benchmarks
	@.venv/bin/python -m benchmarks.articles $(DATA)

soak: install test-install ## loads and faults, each message held against the database, and a million generated inputs; an hour or two
	@.venv/bin/bot prepare
	@.venv/bin/python -m benchmarks.soak
	@INPUTS=100 .venv/bin/python -m pytest tests/web/test_generated.py tests/channels/test_any_call.py

screenshots: install test-install ## take the pictures of docs/images anew, and of every state of the widget in var/screenshots
	@.venv/bin/python -m tests.screenshots
	@.venv/bin/python -m tests.widget.screenshots

sbom: .venv-audit/.installed ## write the bill of materials (CycloneDX) of the lock into var/sbom
	@mkdir -p var/sbom; .venv-audit/bin/cyclonedx-py requirements requirements/app.txt --output-reproducible --of JSON -o var/sbom/app.cdx.json; ls var/sbom/*

audit: .venv-audit/.installed ## known vulnerabilities in the lock, but for requirements/audit-exceptions.toml
	@.venv-audit/bin/python requirements/audit.py

install: .venv/.installed ## uv and the environment, as locked
test-install: .venv/.test-installed

lock: .tools/bin/uv ## write the lock files anew from pyproject.toml: requirements/*.txt, with hashes
	@$(COMPILE) pyproject.toml -o requirements/app.txt
	@$(COMPILE) pyproject.toml --group test -c requirements/app.txt -o requirements/test.txt
	@$(COMPILE) --group audit -o requirements/audit.txt

check-lock: .tools/bin/uv ## whether the lock files are what pyproject.toml asks for
	@for part in app test audit; do cp requirements/$$part.txt .tools/$$part.before; done
	@$(MAKE) --no-print-directory lock
	@for part in app test audit; do cmp -s requirements/$$part.txt .tools/$$part.before || \
	  { echo "requirements/$$part.txt is not what pyproject.toml asks for; it is written anew: commit it" >&2; exit 1; }; done

clean: ## remove the environment, models and the database
	rm -rf .venv .venv-stock .tools var models/candidates models/releases models/encoder models/live

writable:
	@test -w . || { echo "make: $(CURDIR) can't be written to: take a folder of your own, or change its owner" >&2; exit 1; }

.tools/bin/uv: requirements/uv.txt | writable
	@mkdir -p .tools; command -v uv >/dev/null && exit 0; echo "installing uv"; \
	{ $(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt; } \
	|| { echo "make: $(PYTHON) can't make an environment with pip; install python3-venv, or uv itself, and run make again" >&2; exit 1; }

# uv names the Python that it looks for where there is none; the rest of what it says is kept for who has to mend it.
.venv/.installed: requirements/app.txt pyproject.toml | writable .tools/bin/uv
	@echo "installing Pamphlet and Rasa (Python 3.13)"
	@$(UV) venv --quiet --allow-existing --python 3.13 .venv \
	|| { echo "make: there is no Python 3.13 here; install it (python3.13 with its venv), or let uv: UV_PYTHON_PREFERENCE=managed make run" >&2; exit 1; }
	@$(SYNC) requirements/app.txt \
	|| { echo "make: the packages could not be installed; is there a network, and room on the disk? make run goes on where it stopped" >&2; exit 1; }
	@$(UV) pip install --quiet --no-deps --python .venv/bin/python --editable .
	@rm -f .venv/.test-installed; touch $@

.venv/.test-installed: requirements/test.txt .venv/.installed
	@$(UV) pip install --quiet --require-hashes --compile-bytecode --python .venv/bin/python -r requirements/test.txt
	@touch $@

.venv-audit/.installed: requirements/audit.txt | .tools/bin/uv
	@$(UV) venv --quiet --allow-existing --python 3.13 .venv-audit
	@$(UV) pip sync --quiet --require-hashes --python .venv-audit/bin/python requirements/audit.txt
	@touch $@

.PHONY: help writable sbom audit run test check lint bench bench-publishing bench-understanding bench-library bench-articles soak screenshots install test-install lock check-lock clean
