"""Runs one peer's MinHash over documents, in an environment of its own; prints what it took.

python dedup_peers.py datatrove documents.jsonl folder
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def datatrove(documents: Path, folder: Path) -> Callable[[], int]:
    """Return what runs the four stages with FineWeb's parameters and counts what stays."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    signatures, buckets, remove, kept = (
        str(folder / name) for name in ("signatures", "buckets", "remove", "kept")
    )
    reader = JsonlReader(str(documents.parent), glob_pattern=documents.name)
    stages = [
        [reader, MinhashDedupSignature(output_folder=signatures, config=config)],
        [MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)],
        [MinhashDedupCluster(input_folder=buckets, output_folder=remove, config=config)],
        [reader, MinhashDedupFilter(input_folder=remove), JsonlWriter(kept, compression=None)],
    ]

    def run() -> int:
        for number, stage in enumerate(stages):
            tasks = config.num_buckets if number == 1 else 1
            logs = str(folder / f"logs-{number}")
            LocalPipelineExecutor(pipeline=stage, tasks=tasks, workers=1, logging_dir=logs).run()
        return sum(path.read_bytes().count(b"\n") for path in Path(kept).iterdir())

    return run


def text_dedup(documents: Path, folder: Path) -> Callable[[], int]:
    """Return what runs its MinHash with the same parameters and counts what stays."""
    import datasets
    from text_dedup.minhash import main

    arguments = {
        "path": "json",
        "data_files": str(documents),
        "split": "train",
        "cache_dir": str(folder / "cache"),
        "output": str(folder / "kept"),
        "column": "text",
        "ngram": 5,
        "num_perm": 112,
        "b": 14,
        "r": 8,
        "hash_bits": 64,
        "num_proc": 1,
    }
    words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]

    def run() -> int:
        main(words, standalone_mode=False)
        return len(datasets.load_from_disk(str(folder / "kept")))

    return run


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    peer = {"datatrove": datatrove, "text-dedup": text_dedup}[sys.argv[1]]
    run_peer = peer(Path(sys.argv[2]), Path(sys.argv[3]))
    # What a peer needs to start is not counted, as it is not for thresher.
    wall, cpu = time.perf_counter(), cpu_seconds()
    kept_documents = run_peer()
    seconds = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}
    print(json.dumps({"kept": kept_documents, **seconds}))
