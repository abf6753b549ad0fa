# SPDX-License-Identifier: GPL-2.0-only
# make run      install what is missing, then the main job on the distribution's kernel
# make test     install what is missing, then lint, types, unit and end-to-end tests
# make install  .venv/bin/harness
# make unit     only the quick tests

PYTHON ?= python3
VENV := .venv
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: run test unit lint install clean

run: install
	$(VENV)/bin/harness run configs/default.yaml

test: lint unit
	$(VENV)/bin/pytest tests -m "e2e or slow"

unit: install
	$(VENV)/bin/pytest tests/unit -m "not slow" -n auto --dist loadfile

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

install: .make/packages $(VENV)/bin/harness

# Packages are asked for by name; apt is only called, and its lists only refreshed, when one is missing.
.make/packages: configs/packages.txt
	@mkdir -p .make
	@missing=$$(sed 's/#.*//' $< | awk 'NF { print $$1 }' | while read -r name; do \
		dpkg-query -W -f '$${db:Status-Status}\n' "$$name" 2>/dev/null | grep -qx installed || echo "$$name"; \
	done); \
	if [ -n "$$missing" ]; then \
		echo "installing:" $$missing; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $$missing; \
	fi
	@touch $@

# Hashes are required, so that what is installed is what was tested.
$(VENV)/bin/harness: pyproject.toml requirements.lock | .make/packages
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) .make .mypy_cache .ruff_cache .pytest_cache
