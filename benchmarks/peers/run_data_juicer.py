"""data-juicer's own executor over its recipe for web text, one process.

python run_data_juicer.py INPUT OUTPUT LANGUAGE_MODEL
"""

import os
import shutil
import sys
from pathlib import Path


def run(documents: Path, output: Path) -> None:
    """Run the recipe; the corpus comes into ``output/corpus``."""
    from data_juicer.config import init_configs
    from data_juicer.core import DefaultExecutor

    recipe = str(Path(__file__).with_name("data_juicer.yaml"))
    arguments = ["--config", recipe, "--dataset_path", str(documents)]
    arguments += ["--export_path", str(output / "corpus/corpus.parquet"), "--work_dir", str(output)]
    DefaultExecutor(init_configs(arguments)).run()


if __name__ == "__main__":
    work = Path(sys.argv[2])
    os.environ["DATA_JUICER_CACHE_HOME"] = str(work / "cache")
    os.environ["HF_HOME"] = str(work / "huggingface")
    models = work / "cache/models"
    models.mkdir(parents=True)
    shutil.copy(sys.argv[3], models / "lid.176.bin")
    run(Path(sys.argv[1]), work)
