"""dolma's own commands with one process: WARC to documents, taggers, Bloom filter, mixer.

python run_dolma.py crawl|text INPUT OUTPUT LANGUAGE_MODEL
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from dolma.cli.main import main
from dolma.taggers.language import FastTextEnglishLanguageDocumentTagger

TAGGERS = ["ft_lang_id_en_doc_v2", "gopher_v2", "c4_v2", "pii_regex_with_counts_fast_v2"]


def run(workload: str, documents: Path, output: Path) -> None:
    """Run the commands of a workload; the corpus comes into ``output/corpus``."""
    made = str(output / "documents/*.gz")
    if workload == "crawl":
        destination = str(output / "documents")
        words = ["warc", "--documents", str(documents), "--destination", destination]
        words += ["--source_name", "benchmark", "--linearizer", "resiliparse", "--processes", "1"]
        main(words)
    else:
        (output / "documents").mkdir()
        shutil.copy(documents, output / "documents")
    words = ["tag", "--documents", made, "--experiment", "rules", "--processes", "1"]
    main([*words, "--taggers", *TAGGERS])
    (output / "dedupe.json").write_text(json.dumps(dedupe(made, output)))
    main(["-c", str(output / "dedupe.json"), "dedupe"])
    mixer = Path(__file__).with_name("dolma.yaml").read_text().replace("OUTPUT", str(output))
    (output / "mix.yaml").write_text(mixer)
    main(["-c", str(output / "mix.yaml"), "mix"])


def dedupe(documents: str, output: Path) -> dict[str, Any]:
    """Return the configuration of the deduplication of whole texts."""
    return {
        "documents": [documents],
        "dedupe": {
            "name": "duplicates",
            "documents": {"key": "$.text", "attribute_name": "duplicate_text"},
            "skip_empty": True,
        },
        "bloom_filter": {
            "file": str(output / "bloom.bin"),
            "read_only": False,
            "estimated_doc_count": 100_000,
            "desired_false_positive_rate": 1e-6,
        },
        "processes": 1,
    }


# lid.176 from the disk, where dolma would fetch it. Its processes import this file anew.
FastTextEnglishLanguageDocumentTagger.MODEL_PATH = sys.argv[4]

if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
