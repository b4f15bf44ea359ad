# Two commands do all the set-up on a fresh machine that has Python (3.11 or newer) and pip:
#   make demo    stimuli, web study, simulated participants and report of Blume's experiment 2
#   make test    every check
# PYTHON=python3.12 chooses another interpreter; DEMO=folder another place for the demo.

PYTHON ?= python3
DEMO ?= studies/demo
VENV := .venv
BIN := $(VENV)/bin
UV := .tools/bin/uv
TORCH := 2.13.0
TORCH_NEEDS := filelock fsspec jinja2 markupsafe mpmath networkx setuptools sympy typing-extensions
MIEN := $(BIN)/mien
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Without kept bytecode every process compiles all its packages again: 2.6 times the work.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check system bench validate lock cast voices clean

demo: $(VENV)/ready-torch
	$(MIEN) check protocols/*.yaml
	$(MIEN) plan protocols/blume2024-experiment2.yaml
	$(MIEN) generate --generator context-face protocols/blume2024-experiment2.yaml -o $(DEMO)
	$(MIEN) study build $(DEMO)
	$(MIEN) simulate $(DEMO) -n 80
	$(MIEN) rate $(DEMO)
	$(MIEN) report $(DEMO)
	@echo
	@echo "stimuli:  $(DEMO)/stimuli/contact-sheet.png"
	@echo "study:    $(MIEN) study serve $(DEMO)    (then open the address that it prints)"
	@echo "report:   $(DEMO)/report/report.html"

# What failed beside other work runs once more alone: a late timer is forgiven, a fault is not.
test: check system $(VENV)/ready-r $(VENV)/ready-torch
	$(BIN)/python -m pytest -n 3 --dist loadfile \
		|| $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

# Style, import arrows and type hints; warnings fail.
check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/pyright --warnings

# What the tests of the browser and of R need: installed where apt-get and root are at hand.
system:
	@sh tests/system.sh

# Speed and memory of every step, printed; minutes.
bench: $(VENV)/ready
	$(BIN)/python -m tests.bench

# Slow checks: coverage and false alarms over 8,000 simulated studies; 300 small models beside R's;
# a whole visit in a browser; the study server killed twenty times under load; the published studies
# until their lists are full, and their reports.
validate: $(VENV)/ready
	$(BIN)/python -m tests.validate
	$(BIN)/python -m tests.validate_talking_face
	$(BIN)/python -m tests.stress
	$(BIN)/python -m tests.full_visit
	$(BIN)/python -m tests.killing
	$(BIN)/python -m tests.four_studies

# The cast is shipped as data; this makes it again from its seeds (PyTorch and Anny, gigabytes).
cast: $(UV)
	$(UV) venv -q --clear --python $(PYTHON) .venv-cast
	$(UV) pip sync -q --python .venv-cast/bin/python --require-hashes locks/cast.lock.txt
	.venv-cast/bin/python -m stimuli.actors.casting

# So are the voices; needs the program flite, too (apt-get install flite). Prints what it measured.
voices: $(UV)
	$(UV) venv -q --clear --python $(PYTHON) .venv-voices
	$(UV) pip sync -q --python .venv-voices/bin/python --require-hashes locks/voices.lock.txt
	.venv-voices/bin/python -m stimuli.voices.make

$(UV): locks/uv.lock.txt
	$(PYTHON) -m pip install -q --disable-pip-version-check --upgrade --require-hashes --target .tools -r locks/uv.lock.txt
	@touch $(UV)

$(VENV)/ready: $(UV) locks/mien.lock.txt pyproject.toml
	$(UV) venv -q --clear --python $(PYTHON) $(VENV)
	$(UV) pip sync -q --python $(BIN)/python --require-hashes locks/mien.lock.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation --no-index -e .
	@touch $(VENV)/ready

# PyTorch: its own wheel without CUDA where pip finds it, else PyPI's with the libraries it asks for.
TORCH_PIP := $(PYTHON) -m pip --python $(BIN)/python install -q --disable-pip-version-check
$(VENV)/ready-torch: $(VENV)/ready locks/torch.lock.txt locks/torch-cpu.lock.txt
	@if $(TORCH_PIP) --no-deps --require-hashes -r locks/torch-cpu.lock.txt 2>/dev/null \
	  || { $(TORCH_PIP) --no-deps --require-hashes -r locks/torch.lock.txt \
	  && $(TORCH_PIP) torch==$(TORCH); }; \
	then $(TORCH_PIP) --no-deps --require-hashes -r locks/torch-needs.lock.txt && touch $@; \
	else echo "PyTorch could not be installed: the tests of networks skip"; fi

# The reference engine (pymer4) beside mien, where R is; in ABI mode rpy2 needs no compiler.
$(VENV)/ready-r: $(VENV)/ready locks/r.lock.txt | system
	@if ! command -v R >/dev/null 2>&1; then echo "R is not here: the tests of pymer4 skip"; \
	elif RPY2_CFFI_MODE=ABI $(UV) pip install -q --python $(BIN)/python --require-hashes \
	  --no-binary rpy2 --no-build-isolation-package rpy2 -r locks/r.lock.txt; then touch $@; \
	else echo "pymer4 could not be installed: its tests skip"; fi

# Pins names, versions and hashes, and no address.
lock: $(UV)
	$(UV) pip compile -q pyproject.toml --extra stimuli --extra web --extra analysis --extra video --extra models --extra dev \
	  --override locks/without-torch.txt --no-emit-package torch --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o locks/mien.lock.txt
	$(UV) pip compile -q pyproject.toml --extra stimuli --extra cast \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o locks/cast.lock.txt
	$(UV) pip compile -q pyproject.toml --extra stimuli --extra voices \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o locks/voices.lock.txt
	printf '%s\n' $(TORCH_NEEDS) | $(UV) pip compile -q - --no-deps -c locks/mien.lock.txt \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o locks/torch-needs.lock.txt
	echo torch==$(TORCH) | $(UV) pip compile -q - --no-deps \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o locks/torch.lock.txt
	$(UV) pip compile -q pyproject.toml --extra r -c locks/mien.lock.txt \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o locks/r.lock.txt

clean:
	rm -rf $(VENV) .venv-cast .venv-voices .tools build dist *.egg-info
