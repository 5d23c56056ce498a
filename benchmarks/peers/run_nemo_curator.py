"""NeMo Curator's heuristic English pipeline on the CPU, its own configuration file.

Added: language identification before it; Parquet instead of JSONL behind it. Its fuzzy
deduplication needs a GPU.

python run_nemo_curator.py INPUT OUTPUT LANGUAGE_MODEL
"""

import gzip
import shutil
import sys
from pathlib import Path
from typing import Any

import nemo_curator.config
from hydra import compose, initialize_config_dir
from nemo_curator.backends.ray_data import RayDataExecutor
from nemo_curator.config.run import create_pipeline_from_yaml
from nemo_curator.core.client import RayClient


def run(documents: Path, output: Path, model: str) -> None:
    """Run the pipeline; the corpus comes into ``output/corpus``."""
    folder = Path(nemo_curator.config.__file__).parent / "text"
    # It reads no compressed files.
    plain = output / "input.jsonl"
    with gzip.open(documents) as packed, plain.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    with initialize_config_dir(str(folder), version_base=None):
        recipe = compose(
            "heuristic_filter_english_pipeline",
            overrides=[f"input_path={plain}", f"output_path={output}/corpus"],
        )
    recipe.stages.insert(1, language_filter(model))
    recipe.stages[-1]._target_ = "nemo_curator.stages.text.io.writer.ParquetWriter"
    # With fewer its chain of an actor and tasks waits for itself for ever.
    client = RayClient(num_cpus=4)
    client.start()
    try:
        create_pipeline_from_yaml(recipe).run(RayDataExecutor())
    finally:
        client.stop()


def language_filter(model: str) -> dict[str, Any]:
    """Return the configuration of the stage that keeps English."""
    return {
        "_target_": "nemo_curator.stages.text.filters.score_filter.ScoreFilter",
        "filter_obj": {
            "_target_": "nemo_curator.stages.text.filters.fasttext.fasttext_filters.FastTextLangId",
            "model_path": model,
            "min_langid_score": 0.65,
        },
        "text_field": "text",
        "score_field": "language",
    }


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
