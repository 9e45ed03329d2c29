# make demo: the whole chain on scikit-learn's digits.   make test: the tests.   make paper slides: PDFs in paper/build
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: demo test faults lint paper slides bench install clean

demo: $(VENV)/ready
	$(RUN) -m experiments.pipeline experiment=demo

test: $(VENV)/test
	$(RUN) -m pytest -n 3 --dist worksteal

faults: $(VENV)/test
	$(RUN) -m experiments.bench.faults

lint: $(VENV)/test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

paper: $(VENV)/ready
	$(RUN) -m paper.build

slides: $(VENV)/ready
	$(RUN) -m paper.build slides

bench: $(VENV)/bench
	$(RUN) -m experiments.bench all $(ARGS)

install: $(VENV)/ready

clean:
	rm -rf $(VENV) paper/build

$(VENV)/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Lutra needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@"$(PYTHON)" -c 'import venv, ensurepip' || \
	  { echo "Python's venv is missing: on Debian, apt install python3-venv"; exit 2; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/ready: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo 'Installing into $(VENV): PyTorch alone is several GB, so this takes minutes.'
	$(RUN) -m pip install --editable .
	@touch $@

$(VENV)/test: $(VENV)/ready
	$(RUN) -m pip install --editable '.[dev]'
	@touch $@

$(VENV)/bench: $(VENV)/ready
	$(RUN) -m pip install --editable '.[bench]'
	@touch $@
