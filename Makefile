# Everything a fresh machine needs besides this file is Python 3.11.
#   make run    set up, then fetch the demo web, write Parquet and a report, and query it
#   make test   set up, then lint, type-check and test
#   make flink  get a Flink cluster for trials; needs Java 17 and Maven
#   make spark  get a job server and Spark for trials; needs Java 17 and Maven
#   make prism  build Prism, the engine of `newsbeam stream`; needs Go, takes minutes
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test lint prism flink spark clean
.DEFAULT_GOAL := run

# Ubuntu and Debian call it python3.11, pyenv and containers often only python3.
$(READY): setup.py pyproject.toml Makefile
	@command -v $(PYTHON) >/dev/null || { echo "newsbeam needs Python 3.11: 'make PYTHON=/path/to/python3.11'"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

run: $(READY)
	$(BIN)/newsbeam demo --output out/demo

test: $(READY) lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Outside the tree: one build serves every checkout. The version is that of Beam in the virtual environment.
prism: $(READY)
	@command -v go >/dev/null || { echo "Prism is built with Go: https://go.dev/doc/install"; exit 2; }
	version=$$($(BIN)/python -c 'from importlib.metadata import version; print(version("apache-beam"))') && \
	GOBIN=$$HOME/.cache/newsbeam/prism-$$version go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$$version

# A Flink cluster and Beam's job server for it, for trials: benchmarks/flink_cluster.py. Needs Java 17 and Maven.
FLINK := $(HOME)/.cache/newsbeam/flink-1.19
flink: $(READY)
	@command -v mvn >/dev/null || { echo "the job server is put together by Maven: apt install maven"; exit 2; }
	mkdir -p $(FLINK) && cp benchmarks/flink/pom.xml $(FLINK)/ && cd $(FLINK) && mvn -q -B package
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(FLINK)/cluster apache-flink-libraries==1.19.3

# Beam's job server for Spark and a Spark to run it on, for trials: docs/engines.md. Needs Java 17 and Maven.
SPARK := $(HOME)/.cache/newsbeam/spark-3.5
spark: $(READY)
	@command -v mvn >/dev/null || { echo "the job server is put together by Maven: apt install maven"; exit 2; }
	mkdir -p $(SPARK) && cp benchmarks/spark/pom.xml $(SPARK)/ && cd $(SPARK) && mvn -q -B package
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(SPARK)/cluster pyspark==3.5.0

clean:
	rm -rf $(VENV) build *.egg-info out .pytest_cache .mypy_cache .ruff_cache
