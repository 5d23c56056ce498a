# Everything here works on a fresh machine with Python 3.11 or later, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data

.PHONY: help quickstart test real bench bench-memory bench-buckets bench-dedup bench-signals lint types format models check-models lmplz lock clean system-packages test-torch prism test-spark test-hdfs test-prism test-image bench-runners bench-report bench-extraction extraction-model hostile crash fuzz audit bench-score count-work screenshots bench-report-error

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# uv installs in seconds what pip needs minutes for; both take the same hashed lock file.
$(BIN)/thresher: pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/dev: $(BIN)/thresher requirements-dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

quickstart: $(BIN)/thresher  ## install, run the main job on the sample, say where to look
	$(BIN)/thresher run configs/quickstart.yaml

test: $(VENV)/dev system-packages  ## install what tests need and run them
	@$(MAKE) --no-print-directory lmplz || echo "  left out:    the tests marked \`lmplz\`"
	$(BIN)/pytest -n auto -q $(PYTEST_OPTIONS)

# On Linux PyPI's PyTorch brings CUDA, 5 GB, so it is no part of what developers install.
$(VENV)/torch: | $(VENV)/dev
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --target $@ \
	  --constraint requirements-dev.txt torch

test-torch: $(VENV)/torch  ## test the data set of PyTorch with PyTorch itself, in a folder of its own
	PYTHONPATH=$< $(BIN)/pytest -q -m torch tests/test_torch_loader.py

system-packages:
	@sh tests/system_packages.sh chromium

real: $(BIN)/thresher  ## run the recipes over the real archives and books of DATA
	@test ! -e out/real/spgc || rm -r out/real/spgc
	@test -d $(DATA) || { echo "make real: no folder $(DATA); give one as DATA=folder" >&2; exit 2; }
	$(BIN)/thresher run configs/commoncrawl.yaml --set output=out/real/web \
	  --set 'input.0.paths=["$(DATA)/warc/**.warc*", "$(DATA)/warc/**.arc*", "$(DATA)/warc/**.wacz"]'
	$(BIN)/thresher run configs/gutenberg.yaml --set output=out/real/books \
	  --set 'input.0.paths=["$(DATA)/gutenberg", "$(DATA)/dedup/pg_editions/books"]'
	$(BIN)/thresher export out/real/books --format spgc --into out/real/spgc
	$(BIN)/thresher run configs/decompose.yaml --set output=out/real/sequences \
	  --set 'input.0.paths=["$(DATA)/warc/**.warc*", "$(DATA)/warc/**.arc*", "$(DATA)/warc/**.wacz"]' \
	  --set 'input.1.paths=["$(DATA)/gutenberg", "$(DATA)/dedup/pg_editions/books"]'
	$(BIN)/thresher plan-curriculum out/real/sequences/corpus --tokens-per-step 2^17
	$(BIN)/thresher run configs/novels.yaml --set output=out/real/novels \
	  --set 'input.0.paths=["$(DATA)/gutenberg"]'

bench: $(VENV)/dev  ## beside the peers, each in an environment of its own: time, memory, what is kept
	$(BIN)/python -m benchmarks.side_by_side $(DATA) $(BENCH_OPTIONS)

count-work: $(VENV)/dev  ## instructions and bytes of each step, beside the baseline; fails above it
	@sh tests/system_packages.sh valgrind
	@command -v valgrind >/dev/null || exit 2
	$(BIN)/python -m benchmarks.work_count $(COUNT_OPTIONS)

bench-score: $(BIN)/thresher  ## what a page costs in score, beside reading and extracting it
	$(BIN)/python -m benchmarks.score_cost $(DATA)/warc/built_from_gold_html/gold-sample.warc.gz \
	  $(DATA)/warc/chatnoir_copycat_commoncrawl/small-sample-1213893279526_0.from-arc.warc.gz

bench-signals: $(VENV)/dev  ## what the rule signals cost and decide, beside datatrove
	$(BIN)/python -m benchmarks.signals $(DATA)
	$(BIN)/python -m benchmarks.agreement $(DATA)

bench-buckets: $(BIN)/thresher  ## decomposition beside two packings; speed and memory of sequences
	$(BIN)/python -m benchmarks.bucket_cost $(DATA)

# The peers in an environment of their own: they want other versions of what they share with us.
$(VENV)/peers: benchmarks/dedup_peers.txt
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench-dedup: $(BIN)/thresher $(VENV)/peers  ## what deduplication costs, how that grows, and beside peers
	$(BIN)/python -m benchmarks.dedup_scale $(DATA)/dedup/pg_editions/books --peers $(VENV)/peers/bin/python
	$(BIN)/python -m benchmarks.dedup_curve $(DATA)/dedup/pg_editions/books docs/s-curve.svg

$(VENV)/spark: $(VENV)/dev requirements-spark.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-spark.txt
	@touch $@

test-spark: $(VENV)/spark  ## a Spark cluster on loopback: same files, also when a worker is killed
	@command -v java >/dev/null || { echo "make test-spark: no java; install Java 17 or later" >&2; exit 2; }
	$(BIN)/pytest -q -m spark tests/test_spark.py tests/test_large_elements.py $(PYTEST_OPTIONS)

# The servers, of the version of Hadoop's client that PySpark brings.
$(VENV)/hdfs: | $(VENV)/spark
	@command -v mvn >/dev/null || { echo "make test-hdfs: no mvn; install Maven" >&2; exit 2; }
	rm -rf $@.partial
	client=$$(ls $(VENV)/lib/python*/site-packages/pyspark/jars/hadoop-client-api-*.jar); \
	  version=$${client##*hadoop-client-api-}; \
	  mvn --quiet dependency:copy -DoutputDirectory=$(abspath $@.partial) \
	  -Dartifact=org.apache.hadoop:hadoop-client-minicluster:$${version%.jar}
	mv $@.partial $@

test-hdfs: $(VENV)/hdfs  ## HDFS on loopback: a run, its resumption and its repetition
	$(BIN)/pytest -q tests/test_hdfs.py $(PYTEST_OPTIONS)

test-prism: $(VENV)/dev $(BIN)/prism  ## Beam's portable runner: same files, with workers that have the wheel
	$(BIN)/pytest -q -m prism tests/test_prism.py tests/test_large_elements.py $(PYTEST_OPTIONS)

test-image: $(VENV)/dev  ## hadolint, and the steps of the Dockerfile in a clean root
	$(BIN)/hadolint Dockerfile flex_template/Dockerfile
	@command -v debootstrap >/dev/null || { echo "make test-image: install debootstrap" >&2; exit 2; }
	$(BIN)/python -m tests.image_in_clean_root

bench-runners: $(BIN)/thresher  ## what a runner costs over the bare functions, and with two cores
	$(BIN)/python -m benchmarks.runners $(DATA)/warc/built_from_gold_html/gold-sample.warc.gz

bench-report: $(VENV)/dev  ## a million documents in the report, beside scoring; a move of a handle
	$(BIN)/python -m benchmarks.report_scale configs/quickstart.yaml
	$(BIN)/python -m benchmarks.report_interaction

screenshots: $(VENV)/dev system-packages  ## the pictures of the report in docs/, by headless Chromium
	$(BIN)/python -m tests.report_screenshots

bench-report-error: $(BIN)/thresher  ## how often the truth is within the error that the report states
	$(BIN)/python -m benchmarks.report_error $(DATA)

hostile: $(BIN)/thresher  ## score every hostile input, made and real: nothing lost, no crash, no hang
	$(BIN)/python -m reliability.hostile $(wildcard $(DATA)/warc)
	$(BIN)/python -m reliability.dense_texts

bench-memory: $(VENV)/dev  ## what score, dedup and select hold at 10 MB, 100 MB and 500 MB of archives
	$(BIN)/python -m reliability.memory $(DATA)

crash: $(BIN)/thresher  ## kill every stage at random moments, fill disks, take inputs away; rerun
	$(BIN)/python -m reliability.crashes --rounds 50

fuzz: $(VENV)/dev  ## fuzz the readers and the text view for FUZZ_SECONDS each
	$(BIN)/python -m reliability.fuzzing --seconds $(or $(FUZZ_SECONDS),120)

# It asks the package registry about every package of the lock file.
audit: $(VENV)/dev  ## known vulnerabilities of the locked packages; needs the network
	$(BIN)/uvx pip-audit --strict --require-hashes --disable-pip -r requirements.txt

lint: $(VENV)/dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev  ## mypy
	$(BIN)/mypy

format: $(VENV)/dev  ## put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lmplz: $(BIN)/lmplz  ## build the trainer of n-gram models, KenLM's lmplz, into the environment
$(BIN)/lmplz: | $(BIN)/thresher
	sh models/build_lmplz.sh $(BIN)

prism: $(BIN)/prism  ## build Beam's Prism runner, of our Beam's version, into the environment
$(BIN)/prism: requirements.txt | $(BIN)/thresher
	@command -v go >/dev/null || { echo "make prism: needs Go; see https://go.dev/dl" >&2; exit 2; }
	GOBIN=$(abspath $(BIN)) go install "github.com/apache/beam/sdks/v2/go/cmd/prism@v$$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' $<)"
	@touch $@

models: $(BIN)/thresher lmplz  ## train the shipped tokenizer and models from DATA
	$(BIN)/python -m models.tokens $(DATA)
	$(BIN)/thresher train shipped $(DATA)

check-models: $(BIN)/thresher lmplz  ## train them again and compare their bytes with those here
	rm -rf out/models
	$(BIN)/thresher train shipped $(DATA) --into out/models
	for model in out/models/*; do diff -r -x README.md $$model models/data/$${model##*/} || exit 1; done

extraction-model: $(VENV)/dev  ## train the shipped model of `extractor: blocks` from DATA
	$(BIN)/python -m models.extraction_training $(DATA)

bench-extraction: $(VENV)/dev  ## how well extractors find articles, and what they cost
	$(BIN)/python -m benchmarks.extraction $(DATA)

lock: $(VENV)/dev  ## renew the lock files from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo pyspark | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate -c requirements-dev.txt - -o requirements-spark.txt

clean:  ## remove what runs and builds leave behind
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
