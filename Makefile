# Each target sets up what it needs; PYTHON names another interpreter: 3.11 or 3.12, which requirements.lock is for (DADApy
# needs numpy 1, which has no wheels for later ones; the package without it takes 3.13 too: make test-numpy2).
# TORCH=cpu installs torch without CUDA.
PYTHON ?= python3
TORCH ?= default
.DELETE_ON_ERROR:
.PHONY: demo test test-numpy2 test-slurm test-conda lint format generated docs lock bench

# The package is installed in editable mode: `vae-geometry` is a command of .venv, and runs the source in src/.
# uv takes seconds where its cache is full, pip minutes; pip is for networks that only its own settings know.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 13) else "Python 3.11 or 3.12 is needed for requirements.lock, this is %d.%d; run: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	grep -vE '$(if $(filter cpu,$(TORCH)),^(cuda|nvidia|triton)-?,^$$)' requirements.lock > .venv/requirements.lock
	.venv/bin/python -m pip install --quiet "$$(grep '^uv==' requirements.lock)"
	.venv/bin/uv pip install --quiet --python .venv $(if $(filter cpu,$(TORCH)),--torch-backend cpu) -r .venv/requirements.lock || \
	.venv/bin/python -m pip install --quiet $(if $(filter cpu,$(TORCH)),--extra-index-url https://download.pytorch.org/whl/cpu) -r .venv/requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

demo: .venv/installed
	PATH="$(CURDIR)/.venv/bin:$$PATH" snakemake --cores all --configfile=sweeps/demo.yaml --logger rich
	@echo "The figures are in results/figures/digits/, the tables in results/tables/."

# The tests on SLURM and with conda wait more than they compute (and are skipped where there is none): they run beside the
# others.
test: .venv/installed
	export PATH="$(CURDIR)/.venv/bin:$$PATH"; log=$$(mktemp); \
	python -m pytest tests/slurm tests/conda > $$log 2>&1 & waiting=$$!; \
	python -m pytest --ignore=tests/slurm --ignore=tests/conda; status=$$?; \
	wait $$waiting || status=$$?; cat $$log; rm $$log; exit $$status

# The geometry on numpy 2, in an environment of its own: the package and what it needs, without DADApy, which needs numpy 1.
test-numpy2:
	$(PYTHON) -m venv .venv-numpy2
	.venv-numpy2/bin/python -m pip install --quiet --editable '.[train,efficientnet]' 'numpy>=2' 'hypothesis>=6.100' 'pytest>=8' 'scikit-dimension>=0.5,<0.6'
	.venv-numpy2/bin/python -m pytest tests/unit/geometry

# SLURM_SCRIPTS=folder: start-slurm.sh and stop-slurm.sh in it start and stop a SLURM; else the running one is used.
test-slurm: .venv/installed
	$(if $(SLURM_SCRIPTS),bash $(SLURM_SCRIPTS)/start-slurm.sh)
	PATH="$(CURDIR)/.venv/bin:$$PATH" python -m pytest tests/slurm; \
	status=$$?; $(if $(SLURM_SCRIPTS),bash $(SLURM_SCRIPTS)/stop-slurm.sh;) exit $$status

# Makes the rules' conda environment (minutes, gigabytes) and runs a small sweep in it; conda must be on PATH.
test-conda: .venv/installed
	PATH="$(CURDIR)/.venv/bin:$$PATH" VAE_GEOMETRY_TEST_CONDA=1 python -m pytest tests/conda

# IMAGES=resources/datasets/cifar10/test.npz measures on them, else on scikit-learn's digits and on random images.
bench: .venv/installed
	.venv/bin/python benchmarks/training.py $(if $(IMAGES),--images $(IMAGES))
	.venv/bin/python benchmarks/geometry.py $(if $(IMAGES),--images $(IMAGES))
	.venv/bin/python benchmarks/monitor.py
	.venv/bin/python benchmarks/startup.py
	.venv/bin/python benchmarks/fidelity.py $(if $(IMAGES),--images $(IMAGES) --points 5000)

lint: .venv/installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile workflow
	.venv/bin/mypy
	PATH="$(CURDIR)/.venv/bin:$$PATH" snakemake --lint

format: .venv/installed
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/snakefmt Snakefile workflow

# What is made from the code: the schema of the config and pages of docs/reference/.
generated: .venv/installed
	.venv/bin/python docs/generate.py

# The documentation as a site, which opens from disk: site/index.html. A dead link is an error.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict
	@echo "Open site/index.html."

# Resolve the ranges of pyproject.toml again: requirements.lock for everything, envs/compute.yaml for the rules.
lock: .venv/installed
	.venv/bin/uv pip compile pyproject.toml --extra train --extra lightning --extra efficientnet --extra verify --group dev --universal --python-version 3.11 --no-annotate --no-header > .lock
	{ echo "# Exact versions of everything, for Python 3.11 and 3.12. Made by: make lock"; cat .lock; } > requirements.lock
	.venv/bin/uv pip compile pyproject.toml --extra train --extra efficientnet --extra verify --constraint requirements.lock --universal --python-version 3.11 --no-annotate --no-header > .lock
	{ sed '/- pip:/q' envs/compute.yaml; sed 's/.*/      - "&"/' .lock; } > .lock.yaml
	mv .lock.yaml envs/compute.yaml
	rm .lock
