import itertools
import json
import pickle
from pathlib import Path

import pytest
from datatrove.utils.perplexity import KenlmModel
from hypothesis import given
from hypothesis import strategies as st

from filters.text_view import TextView
from models.labelled_text import LabelledText
from models.ngram import NgramSettings
from models.reference import ReferenceModel, ReferencePerplexity, normalise, normalised_lines
from models.reference_training import evaluate_reference, train_reference

SETTINGS = NgramSettings(order=3)
PLACES = ["garden", "harbour", "library", "station", "market", "bridge"]
GOOD = [
    f"The {place} near the {other} was built in {1900 + number}.\nIt opens at nine."
    for number in range(20)
    for place, other in itertools.pairwise(PLACES)
]
POOR = [f"click here {place} !!! buy cheap {number}" for number in range(9) for place in PLACES]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ReferenceModel:
    folder = tmp_path_factory.mktemp("model") / "reference"
    return train_reference(GOOD, folder, languages=("en",), vocabulary=500, ngrams=SETTINGS)


# datatrove makes one zero of a number, cc_net one of each digit.
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Nd"]), max_size=80))
def test_lines_are_normalised_as_datatrove_does_it(text: str) -> None:
    assert normalise(text) == KenlmModel("", "en").normalize(text.strip())


def test_lines_without_anything_left_are_no_lines() -> None:
    assert normalised_lines(TextView("Über\n\n\u0301\n – \n１２")) == ["uber", "-", "00"]


@pytest.mark.lmplz
def test_good_text_has_the_lower_perplexity(model: ReferenceModel) -> None:
    def perplexity(text: str) -> float:
        value = ReferencePerplexity(models=[model]).compute(TextView(text, language="en"))
        assert value["reference.perplexity"] is not None
        return float(value["reference.perplexity"])

    assert perplexity("The bridge near the market was built in 1899.") < 10
    assert perplexity("Buy cheap here!!! Click click") > 50


@pytest.mark.lmplz
def test_perplexity_is_a_piece_and_ends_of_lines_count(model: ReferenceModel) -> None:
    lines = ["The library opens.", "It was built in 1912"]
    alone = [model.perplexity(TextView(line)) or 0 for line in lines]
    pieces = [
        len(model._pieces.encode(normalise(line))) + 1  # the sum needs the lengths
        for line in lines
    ]
    together = model.perplexity(TextView("\n\n".join(lines)))
    weighted = alone[0] ** (pieces[0] / sum(pieces)) * alone[1] ** (pieces[1] / sum(pieces))
    assert together == pytest.approx(weighted)


@pytest.mark.lmplz
def test_another_language_and_no_piece_have_no_perplexity(model: ReferenceModel) -> None:
    scorer = pickle.loads(pickle.dumps(ReferencePerplexity(models=[model])))
    for text, language in (("Der Markt", "de"), ("market", None), ("\u0301 \n", "en"), ("", "en")):
        view = TextView(text, language=language)
        assert scorer.compute(view) == {"reference.perplexity": None}


@pytest.mark.lmplz
def test_the_same_texts_give_the_same_bytes(model: ReferenceModel, tmp_path: Path) -> None:
    train_reference(GOOD, tmp_path, languages=("en",), vocabulary=500, ngrams=SETTINGS)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in Path(model.path).iterdir()}
    assert set(made) == {"pieces.model", "good.binary", "model.json"}


@pytest.mark.lmplz
def test_a_source_of_good_text_that_was_not_seen() -> None:
    texts = [
        *(LabelledText(text, positive=True, source="ab"[number % 2])
          for number, text in enumerate(GOOD)),
        *(LabelledText(text, positive=False, source="shop") for text in POOR),
    ]  # fmt: skip
    results = list(evaluate_reference(texts, vocabulary=500, ngrams=SETTINGS))
    assert [(result.source, result.texts) for result in results] == [("a", 50), ("b", 50)]
    for result in results:
        assert result.auc > 0.99
        assert result.median < result.other_median
    with pytest.raises(ValueError, match="two sources of good text, and ordinary text"):
        list(evaluate_reference(texts[:10]))


@pytest.mark.lmplz
def test_too_little_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no text to train on"):
        train_reference([" \n"], tmp_path)
    with pytest.raises(ValueError, match=r"SentencePiece: .*Vocabulary size is smaller"):
        train_reference(GOOD, tmp_path, vocabulary=5)


@pytest.mark.lmplz
def test_a_folder_that_is_damaged_is_refused(model: ReferenceModel, tmp_path: Path) -> None:
    for path in Path(model.path).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name, told in (
        ("pieces.model", "not a SentencePiece model"),
        ("good.binary", "is no n-gram model"),
    ):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(b"mmap lm")
        with pytest.raises(ValueError, match=told):
            ReferenceModel(path=str(tmp_path)).load()
        (tmp_path / name).write_bytes(whole)
    description = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**description, "kind": "quality"}))
    with pytest.raises(ValueError, match="of kind `quality`, and not `reference`"):
        ReferenceModel(path=str(tmp_path)).load()
