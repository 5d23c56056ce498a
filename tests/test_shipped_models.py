"""The models that come along: their size, what they say of plain cases, and their making."""

from collections.abc import Callable
from pathlib import Path

import pytest

from filters.text_view import TextView
from models import model_folder
from models.harmful import HarmfulContent
from models.labelled_text import LabelledText, prepared
from models.quality import QualityClassifier, QualityModel
from models.quality_data import quality_chinese, quality_english
from models.quality_training import train_quality
from models.shipped import FOLDER


def test_they_are_small_and_each_has_a_card() -> None:
    assert model_folder.shipped() == ["en-harmful", "en-quality", "zh-quality"]
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    models = [path for path in files if path.name != "tokenizer.json"]
    assert sum(path.stat().st_size for path in models) < 10_000_000
    for name in model_folder.shipped():
        card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
        for part in ("## Data", "## Licence", "## Held-out figures", "## Known weaknesses"):
            assert part in card


def test_harm_is_told_from_its_mention() -> None:
    model = HarmfulContent(path="en-harmful")

    def score(text: str) -> float:
        value = model.compute(TextView(text, language="en"))["harmful.score"]
        assert value is not None
        return float(value)

    assert score("You are a fucking idiot and everybody hates you, bitch.") > model.threshold
    assert score("The library opened in 1912 and was rebuilt after the war.") < model.threshold


def test_a_page_of_prose_is_above_a_page_of_offers() -> None:
    model = QualityClassifier(models=[QualityModel(path="en-quality")])

    def score(text: str) -> float:
        value = model.compute(TextView(text, language="en"))["quality.score"]
        assert value is not None
        return float(value)

    prose = "The treaty was signed in 1648 and ended a war of thirty years in central Europe. " * 3
    offers = "Login | Register | Cart (0)\nBUY NOW!!! free shipping click here\nHome Contact\n" * 3
    assert score(prose) > 0.8 > 0.2 > score(offers)


# The models of harm take minutes: `make check-models` compares all of them.
@pytest.mark.real_data
@pytest.mark.parametrize(("language", "read"), [("zh", quality_chinese), ("en", quality_english)])
def test_the_same_data_give_the_bytes_that_come_along(
    real_data: Path, tmp_path: Path, language: str, read: Callable[[Path], list[LabelledText]]
) -> None:
    train_quality(prepared(read(real_data)), tmp_path, languages=(language,))
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (FOLDER / f"{language}-quality" / path.name).read_bytes()
