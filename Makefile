PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/prerank.stamp

# The longest come first. What is timed runs alone, after the others.
BENCHMARKS := help_latency triton_prune unseen_kernel observing unseen_spaces unseen_devices unseen_families unseen_shapes \
    nas_bench_101 calibration cell_and_graph notations feasibility optuna_limits
TIMED := large_networks optuna_cost triton_cost inference backends results

# What an installation depends on: an edited file is seen through its link, a new or a removed one is not.
define INSTALLED
cksum pyproject.toml constraints.txt; \
find __init__.py py.typed surrogate search_spaces integrations \
    \( -name '*.py' -o -name py.typed -o -path '*/weights/*' \) -type f | LC_ALL=C sort
endef

.PHONY: venv search test soak check train leave-out benchmarks

# The import fails when build/, where the links live, was deleted or when the checkout was moved.
venv:
	@if ! ($(INSTALLED)) | cmp -s - $(STAMP) || ! $(BIN)/python -c 'import prerank' 2>/dev/null; then \
	    echo 'installing prerank into .venv (a few minutes the first time)' && \
	    rm -f $(STAMP) && \
	    { test -x $(BIN)/python || $(PYTHON) -m venv .venv; } && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	        -c constraints.txt -e '.[dev]' --config-settings editable_mode=strict && \
	    ($(INSTALLED)) > $(STAMP); \
	fi

search: venv
	@$(BIN)/python examples/nas_bench_101_search.py

test: venv
	@$(BIN)/pytest --numprocesses=logical --maxprocesses=8 --dist=worksteal

# Thousands of random studies, and processes killed in the middle of a shared one; ten minutes.
soak: venv
	@$(BIN)/python benchmarks/optuna_soak.py

# The measured tables are not part of the repository: their folder is PRERANK_DATA.
train: venv
	@$(BIN)/python benchmarks/train_checkpoint.py --out surrogate/weights

# Checkpoints that lack what the benchmarks of unseen spaces, kernels and devices ask.
leave-out: venv
	@$(BIN)/python benchmarks/leave_out.py

# What the shipped and the leave-out checkpoints reach, without training anything. Those that train or search for hours are run by
# hand: code_accuracy, optuna_samplers, ablations, tile_words.
benchmarks: venv
	@echo 'two benchmarks at a time, on one thread each; what each finds is printed when it is done'
	@OMP_NUM_THREADS=1 $(MAKE) --no-print-directory $(if $(filter output-sync,$(.FEATURES)),--output-sync) -j2 $(BENCHMARKS:%=measure-%)
	@$(MAKE) --no-print-directory -j1 $(TIMED:%=measure-%)

measure-%:
	@started=$$(date +%s) && $(BIN)/python benchmarks/$*.py && echo "$*: $$(( $$(date +%s) - started )) s"

check: venv
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
