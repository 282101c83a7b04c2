# `make run` starts the assistant, `make test` tests it. Both install first; nothing is installed outside this folder.
SHELL := /bin/sh
PYTHON := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
INSTALLED := .venv/.installed
TESTED_WITH := .venv/.for-tests
export RASA_TELEMETRY_ENABLED := false
export UV_NO_CONFIG := 1
export SQLALCHEMY_SILENCE_UBER_WARNING := 1

.PHONY: run test setup lock titles traceability hazards template clean

run: setup
	@exec $(PYTHON) -W ignore -m sijbot.cli run

test: $(TESTED_WITH)
	@$(PYTHON) -W ignore -m sijbot.cli train
	@$(PYTHON) -W ignore -m pytest --controls --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder tests/unit tests/content tests/project tests/records tests/documents tests/action_server tests/cli tests/conversations tests/stories tests/adapters tests/deploy
	@$(PYTHON) -W ignore -m pytest --controls tests/faults

setup: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml packages/no-tensorflow/pyproject.toml packages/no-tensorflow/tensorflow/__init__.py packages/no-tensorflow/keras/__init__.py
	@command -v $(UV) >/dev/null 2>&1 || { echo "Getting the installer (uv) into .uv …"; \
		python3 -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv; } \
		|| { rm -rf .uv; echo "Could not make .uv: python3 with its venv module and a network are needed (Debian: apt install python3-venv)."; exit 1; }
	@echo "Installing into .venv …"
	@$(UV) venv --quiet --clear --python 3.11 .venv \
		|| { echo "Python 3.11 is needed: it is neither here nor could uv fetch it. Install Python 3.11 and try again."; exit 1; }
	@$(UV) pip sync --quiet --python $(PYTHON) --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(PYTHON) --no-deps ./packages/no-tensorflow --editable .
	@touch $@

$(TESTED_WITH): $(INSTALLED) requirements-test.lock
	@echo "Installing what the tests need …"
	@$(UV) pip install --quiet --python $(PYTHON) --require-hashes --requirement requirements-test.lock
	@touch $@

lock:
	@env -u UV_NO_CONFIG $(PYTHON) scripts/lock.py $(abspath $(UV))

titles: setup
	@$(PYTHON) -m scripts.titles

traceability: setup
	@$(PYTHON) -m scripts.traceability

hazards: setup
	@$(PYTHON) -m scripts.hazards

# Rasa with the real TensorFlow, for `sijbot bench --against-template` alone: half a gigabyte
template:
	@$(UV) venv --quiet --clear --python 3.11 .venv-template
	@$(UV) pip install --quiet --python .venv-template/bin/python --override packages/template/overrides.txt rasa==3.6.21 "setuptools<71"

clean:
	rm -rf .venv .venv-template .uv var models .rasa
