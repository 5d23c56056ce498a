"""How often the truth is within the error that the report states, on real archives.

Run it from the repository: ``python -m benchmarks.report_error DATA``. It scores the archives below
``DATA/warc`` once, looks for duplicates, and lets `select` count what each of some rule sets keeps.
Then it takes many samples, much smaller than the corpus, and estimates the same counts from each.
A sample is another one by a salt in the documents' ids and the clusters' numbers.

``--made`` takes made clusters of 9 to 400 copies instead, and nothing else: the hardest case for a
sample that holds 16 of them. ``--differ 0.2`` says that members differ from their cluster a fifth
as much as clusters do from each other.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.cli import main as thresher
from pipelines.recipe_file import load
from pipelines.report import thresholds
from pipelines.report_estimate import Estimator
from pipelines.report_sample import Sample
from pipelines.schema import CLUSTERS, MATCHING

RECIPE = "configs/commoncrawl.yaml"
RULES: dict[str, Any] = {
    "Gopher's quality": {"use": ["gopher_quality"]},
    "Gopher's repetition": {"use": ["gopher_repetition"]},
    "C4": {"use": ["c4"]},
    "FineWeb": {"use": ["gopher_repetition", "gopher_quality", "c4", "fineweb"]},
    "300 words": {"gopher.word_count": {"min": 300}},
    "2,000 words": {"gopher.word_count": {"min": 2000}},
    "quality 0.5": {"quality.score": {"min": 0.5}},
    "harmful 0.1": {"harmful.score": {"max": 0.1}},
}
MEASURES = ("documents", "tokens")


@dataclass(frozen=True)
class Corpus:
    """Scored documents with their clusters, file by file."""

    files: Sequence[tuple[pa.RecordBatch, pa.RecordBatch]]

    @classmethod
    def of(cls, output: Path) -> "Corpus":
        """Read the output of `score` and `dedup`."""
        files = []
        for path in sorted((output / "scored").glob("*.parquet")):
            scored = pq.read_table(path)
            scored = scored.drop_columns([name for name in MATCHING if name in scored.schema.names])
            clusters = pq.read_table(output / "clusters" / path.name)
            if scored.num_rows:
                parts = (scored, clusters)
                files.append(tuple(part.combine_chunks().to_batches()[0] for part in parts))
        return cls(files)

    def sampled(self, *, rows: int, salt: int) -> Estimator:
        """Take a sample of at most so many rows."""
        sample = Sample(limit=rows)
        for scored, clusters in self.files:
            ids = pc.binary_join_element_wise(scored["id"], str(salt), "/")
            numbers = pc.add(pc.multiply(clusters["cluster"], 1_000), salt)
            tokens = scored["length.tokens"].to_numpy(zero_copy_only=False)
            sample.add(
                scored.set_column(scored.schema.get_field_index("id"), "id", ids),
                clusters.set_column(clusters.schema.get_field_index("cluster"), "cluster", numbers),
                tokens=tokens,
                sizes_in_bytes=pc.binary_length(scored["text"]).to_numpy(zero_copy_only=False),
            )
        table = sample.table()
        assert table is not None
        return Estimator(sample, table)


def main() -> None:
    """Print for each rule set the truth, the mean estimate and error, and how often it held."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--made", action="store_true")
    parser.add_argument("--differ", type=float, default=0.2)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--samples", type=int, default=200)
    arguments = parser.parse_args()
    if arguments.made:
        corpus, truths, rules = _made(arguments.differ)
        _measure(corpus, truths, rules, rows=arguments.rows, samples=arguments.samples)
        return
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "web"
        kinds = json.dumps(
            [f"{arguments.data}/warc/**.{kind}*" for kind in ("warc", "arc", "wacz")]
        )
        settings = ["--set", f"output={output}", "--set", f"input.0.paths={kinds}"]
        # All languages: the gate would leave a third of the documents.
        settings += ["--set", "gates.languages=null", "--set", "gates.min_language_score=0"]
        for stage in ("score", "dedup"):
            assert thresher([stage, RECIPE, *settings]) == 0
        truths, rules = {}, {}
        for name, chosen in RULES.items():
            here = [*settings, "--set", f"rules={json.dumps(chosen)}"]
            assert thresher(["select", RECIPE, *here]) == 0
            truths[name] = _kept(output)
            rules[name] = thresholds(load(RECIPE, here[1::2]))
        _measure(Corpus.of(output), truths, rules, rows=arguments.rows, samples=arguments.samples)


def _kept(output: Path) -> dict[str, float]:
    manifest = json.loads((output / "manifests" / "select.json").read_text())
    tokens = sum(manifest["figures"]["bucket_tokens"].values())
    return {"documents": manifest["counters"]["out"], "tokens": tokens}


def _made(
    differ: float,
) -> tuple[Corpus, dict[str, dict[str, float]], dict[str, list[dict[str, Any]]]]:
    generator = np.random.default_rng(0)
    sizes = generator.integers(9, 400, 400)
    cluster = np.repeat(np.arange(len(sizes)), sizes)
    rank = np.concatenate([np.arange(size) for size in sizes])
    count = len(cluster)
    # The best of a cluster have more of the signal than the others, as a preference brings about.
    within = generator.normal(0, 1, count) - rank / 200
    value = generator.normal(0, 1, len(sizes))[cluster] + differ * within
    tokens = generator.integers(100, 2_000, count)
    scored = pa.RecordBatch.from_pydict(
        {
            "id": [f"{place:032x}" for place in range(count)],
            "source": ["made"] * count,
            "url": [None] * count,
            "text": ["text"] * count,
            "length.tokens": tokens,
            "made.value": value,
        }
    )
    columns = {"document": scored["id"], "cluster": cluster, "size": sizes[cluster], "rank": rank}
    clusters = pa.RecordBatch.from_pydict(
        {**columns, "keep": rank == 0, "reason": [None] * count, "similarity": [None] * count},
        CLUSTERS,
    )
    truths: dict[str, dict[str, float]] = {}
    rules: dict[str, list[dict[str, Any]]] = {}
    for bound in (0.0, 1.0, 2.0, 3.0, 4.0):
        name = f"made.value ≥ {bound:g}"
        passed = np.flatnonzero(value >= bound)
        first = passed[np.unique(cluster[passed], return_index=True)[1]]
        removed = count - len(passed)
        truths[name] = {
            "documents": len(first),
            "tokens": int(tokens[first].sum()),
            "removes": removed,
        }
        rules[name] = [
            {"signal": "made.value", "min": bound, "max": None, "languages": {}, "keep_null": True}
        ]
    return Corpus([(scored, clusters)]), truths, rules


def _measure(
    corpus: Corpus,
    truths: dict[str, dict[str, float]],
    rules: dict[str, list[dict[str, Any]]],
    *,
    rows: int,
    samples: int,
) -> None:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for salt in range(samples):
        estimator = corpus.sampled(rows=rows, salt=salt)
        for name, chosen in rules.items():
            told = estimator.estimate(chosen, smallest=256, largest=65_536)
            figures = {**told["kept"], "removes": told["rules"][0]["removes"]}
            for measure in truths[name]:
                of = figures[measure]
                found.setdefault((name, measure), []).append((of["estimate"], of["error"]))
    documents = sum(scored.num_rows for scored, _ in corpus.files)
    print(f"{documents} documents, {samples} samples of at most {rows} rows")
    within = 0
    for (name, measure), pairs in found.items():
        estimates, errors = np.array(pairs).T
        true = truths[name][measure]
        held = np.abs(estimates - true) <= errors
        within += int(held.sum())
        print(
            f"{name}, {measure}: {true:.0f}; estimated {estimates.mean():.1f}"
            f" ± {errors.mean():.1f}; within the error {held.mean():.1%}"
        )
    print(f"all: {within / (samples * len(found)):.1%}")


if __name__ == "__main__":
    main()
