# make help lists what there is. PYTHON chooses the interpreter of the environment (3.10 or newer).
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
PIP := $(RUN)/pip --disable-pip-version-check -q
PYTEST := $(RUN)/python -m pytest -n 2 --dist loadfile tests
SOURCES := edgeq_host edgeq_runtime tests examples bench tools setup.py
DEVICE_PYTHON := $(addprefix edgeq_runtime/,__init__.py abi.py agent.py buffers.py native.py store.py threads.py) edgeq_host/setup/device_program.py examples/04_camera_loop.py
C_FILES = $(shell git ls-files 'edgeq_runtime/csrc/*.[ch]' 'firmware/*.[ch]' 'bench/*.[ch]' 'examples/*.[ch]' 'tools/*.[ch]' ':!:*/third_party/*')

.PHONY: help demo test test-fast test-all lint fmt build agents firmware bench bench-arm bench-cortexm fuzz wheels clean tools

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.host build ## set up, then take the digits model from check to profile on this machine
	$(RUN)/python examples/02_digits_end_to_end.py

test: $(VENV)/.dev tools build agents lint ## set up, then every check and test that CI runs
	$(PYTEST) -m "not slow and not exhaustive"
	$(PYTEST) -m "slow and not exhaustive" --durations=15

test-fast: $(VENV)/.dev build agents ## the tests for every edit: under 2 minutes
	$(PYTEST) -m "not slow and not exhaustive"

test-all: TOOLS_FOR = all
test-all: $(VENV)/.dev tools build agents lint ## also the exhaustive sweeps: before a release
	$(PYTEST) --durations=15

lint: $(VENV)/.dev ## ruff, mypy --strict, clang-format, Python 3.6 syntax of the device side
	$(RUN)/ruff check $(SOURCES)
	$(RUN)/ruff format --check $(SOURCES)
	$(RUN)/mypy
	@clang-format --dry-run -Werror $(C_FILES)
	$(RUN)/vermin -q -t=3.6- --violations --no-tips $(DEVICE_PYTHON)

fmt: $(VENV)/.dev ## format Python and C
	$(RUN)/ruff check --fix $(SOURCES)
	$(RUN)/ruff format $(SOURCES)
	clang-format -i $(C_FILES)

build: $(VENV)/.host ## compile the runtime library and the agent for this machine
	@$(RUN)/python -m edgeq_runtime.build

agents: $(VENV)/.cross ## compile agent and library for every kind of device (x86-64, 64-bit Arm, ARMv7) into build/devices
	@$(RUN)/python -m edgeq_runtime.build devices

firmware: $(VENV)/.host ## compile the images of the microcontrollers (arm-none-eabi-gcc) into build/firmware
	@$(RUN)/python -m edgeq_runtime.build firmware

bench: $(VENV)/.dev build ## the goals on x86 beside what is measured now, into docs/benchmarks.md
	$(RUN)/python -m bench
	@if grep -q amx_int8 /proc/cpuinfo; then $(RUN)/python -m bench --without-amx; fi

bench-arm: $(VENV)/.dev tools build ## the goals on 64-bit Arm in emulated instructions, into docs/benchmarks.md
	$(RUN)/python -m bench.arm

bench-cortexm: $(VENV)/.dev tools build ## the goals on Cortex-M in emulated instructions, into docs/benchmarks.md
	$(RUN)/python -m bench.cortexm

FUZZERS = $(basename $(notdir $(wildcard edgeq_runtime/csrc/fuzz/*.c)))

fuzz: $(VENV)/.dev ## fuzz the file reader, its container, signatures and the frame decoder for 10 minutes each (clang)
	$(RUN)/python -m edgeq_runtime.build fuzz
	set -e; for f in $(FUZZERS); do mkdir -p build/corpus/$$f; build/fuzz/$$f -max_total_time=600 build/corpus/$$f tests/data/$$f; done

wheels: $(VENV)/.dev ## build the wheels of edgeq-runtime (for each kind of device) and edgeq (for any) into dist/
	@$(RUN)/python tools/wheels.py dist

clean: ## remove what was built, not the environment
	rm -rf build dist edgeq_runtime/lib

tools: ## install the compilers and checkers that the tests need (Debian, as root), or say what is missing
	@tools/install.sh $(TOOLS_FOR)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.host: pyproject.toml edgeq_runtime/pyproject.toml constraints.txt | $(VENV)/bin/python
	@command -v cc >/dev/null || { echo "edgeq needs a C compiler: install gcc or clang (Debian: apt-get install gcc)" >&2; exit 1; }
	$(PIP) install -c constraints.txt -e ./edgeq_runtime -e .
	@touch $@

$(VENV)/.cross: $(VENV)/.host
	$(PIP) install -c constraints.txt -e '.[cross]'
	@touch $@

$(VENV)/.dev: $(VENV)/.host
	$(PIP) install -c constraints.txt -e ./edgeq_runtime -e '.[dev]'
	@touch $@
