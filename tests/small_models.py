"""Models that are small enough to be made for a test."""

import fasttext
import pytest

# An n-gram model in ARPA form, small enough to work out by hand.
ARPA = """\
\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<unk>\t0
0\t<s>\t-0.5
-1.0\t</s>\t0
-0.5\tbad\t-0.3
-0.7\tword\t-0.2

\\2-grams:
-0.1\t<s> bad
-0.2\tbad word
-0.3\tword </s>

\\end\\
"""


@pytest.fixture(scope="session")
def harmful_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of an n-gram model for KenLM."""
    path = tmp_path_factory.mktemp("harmful") / "harmful.arpa"
    path.write_text(ARPA)
    return str(path)


@pytest.fixture(scope="session")
def quality_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("quality")
    good, poor = "the theorem follows from the lemma", "click here buy now cheap"
    lines = [f"__label__positive {good}", f"__label__negative {poor}"] * 50
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    model = fasttext.train_supervised(str(folder / "train.txt"), epoch=20, dim=8, thread=1, seed=1)
    model.save_model(str(folder / "quality.bin"))
    return str(folder / "quality.bin")
