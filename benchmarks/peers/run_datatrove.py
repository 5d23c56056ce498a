"""FineWeb's pipeline as datatrove's own example has it, with one worker.

python run_datatrove.py crawl|text INPUT OUTPUT LANGUAGE_MODEL
"""

import shutil
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
    URLFilter,
)
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.lid import FT176LID
from fsspec.core import strip_protocol
from huggingface_hub import cached_assets_path


def run(workload: str, documents: Path, output: Path) -> None:
    """Run the pipeline of a workload; the corpus comes into ``output/corpus``."""
    folder = str(documents.parent)
    if workload == "crawl":
        read = [
            WarcReader(folder, glob_pattern=documents.name, default_metadata={"dump": "benchmark"}),
            URLFilter(),
            Trafilatura(favour_precision=True),
        ]
    else:
        read = [JsonlReader(folder, glob_pattern=documents.name)]
    filtered = [
        *read,
        LanguageFilter(),
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
        JsonlWriter(f"{output}/filtered"),
    ]
    config = MinhashConfig(
        hash_config=HashConfig(hash_fc="sha1", precision=64),
        num_buckets=14,
        hashes_per_bucket=8,
        n_grams=5,
    )
    passed = JsonlReader(f"{output}/filtered")
    signed = [passed, MinhashDedupSignature(f"{output}/signatures", config=config)]
    matched = [MinhashDedupBuckets(f"{output}/signatures", f"{output}/buckets", config=config)]
    clustered = [MinhashDedupCluster(f"{output}/buckets", f"{output}/remove", config=config)]
    final = [
        passed,
        MinhashDedupFilter(f"{output}/remove"),
        PIIFormatter(),
        ParquetWriter(f"{output}/corpus"),
    ]
    stages = [(filtered, 1), (signed, 1), (matched, config.num_buckets), (clustered, 1), (final, 1)]
    for number, (stage, tasks) in enumerate(stages):
        logs = f"{output}/logs-{number}"
        LocalPipelineExecutor(pipeline=stage, tasks=tasks, workers=1, logging_dir=logs).run()


def place_language_model(model: str) -> None:
    """Put the model where datatrove keeps what it has downloaded: nothing is fetched in a run."""
    cache = cached_assets_path("datatrove", namespace="lid", subfolder=FT176LID.MODEL_SUBFOLDER)
    path = cache / strip_protocol(FT176LID.MODEL_URL).replace("/", "_")
    if not path.exists():
        shutil.copy(model, path)
        path.with_name(f"{path.name}.completed").touch()


if __name__ == "__main__":
    place_language_model(sys.argv[4])
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
