# `make demo` shows the whole story, `make test` proves it. Everything installs into .venv; nothing else is touched.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt
DATA := .github-data
ARGS ?=
# The tests start hundreds of Python processes, and each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
COVERED := --cov --cov-report=term --cov-fail-under=95
# The first Python that is new enough; `make PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(shell for found in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$found -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$found && break; done)

.PHONY: demo test check bench bench-peers soak test-github test-agents install clean tools

install: $(VENV)/.installed

demo: tools $(VENV)/.installed
	@$(BIN)/ao demo $(ARGS)

# All of it, held to the coverage; with ARGS only what they choose.
test: tools $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not github and not soak and not agents" $(or $(ARGS),$(COVERED))

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The long versions of the crash, load and fuzz tests.
soak: tools $(VENV)/.dev
	$(BIN)/python -m pytest -m soak $(ARGS)

# Held against what GitHub publishes; fetched once into $(DATA).
test-github: tools $(VENV)/.dev
	@PYTHON=$(BIN)/python sh tests/conformance/fetch.sh $(DATA)
	$(BIN)/python -m pytest -m github $(ARGS)

# With the real agent programs, where they are installed.
test-agents: tools $(VENV)/.dev
	$(BIN)/python -m pytest -m agents $(ARGS)

bench: tools $(VENV)/.dev
	@$(BIN)/python -m bench $(ARGS)

bench-peers: tools $(VENV)/.dev
	@$(BIN)/python -m bench --peers $(ARGS)

clean:
	rm -rf $(VENV) $(DATA) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -prune -exec rm -rf {} +

tools:
	@command -v git >/dev/null || { echo "git is missing: apt install git, or https://git-scm.com/downloads" >&2; exit 2; }
	@command -v tmux >/dev/null || { echo "tmux is missing: apt install tmux, or brew install tmux" >&2; exit 2; }

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: apt install python3 python3-venv, or https://www.python.org/downloads; a Python elsewhere: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments: apt install python3-venv" >&2; exit 2; }
	@echo "Installing into $(VENV), once: about a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "Installing what the tests need, once"
	@$(PIP) -e '.[dev]'
	@touch $@
