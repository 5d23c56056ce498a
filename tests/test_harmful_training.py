import json
import pickle
import random
from pathlib import Path

import pytest

from filters.text_view import TextView
from models.classifier import ClassifierSettings
from models.harmful import HarmfulContent
from models.harmful_evaluation import (
    NAMES,
    PAPER,
    SAME,
    UNSEEN,
    evaluate_harmful,
    without_near_copies,
)
from models.harmful_training import HarmfulSettings, train_harmful
from models.labelled_text import LabelledText

pytestmark = pytest.mark.lmplz

SETTINGS = HarmfulSettings(classifier=ClassifierSettings(buckets=1_000, quantise=False, epochs=20))
INSULTS = ["idiot", "moron", "scum", "vermin"]
PLACES = ["garden", "harbour", "library", "station", "market", "bridge"]


def sentences(source: str, count: int, *, seed: int) -> list[LabelledText]:
    chosen = random.Random(seed)
    made = []
    for number in range(count):
        place, other = chosen.sample(PLACES, 2)
        if number % 2:
            insult = chosen.choice(INSULTS)
            text = f"you {insult} of the {place} near the {other} number {number} get out"
        else:
            text = f"the {place} near the {other} opens at number {number} this week"
        made.append(LabelledText(text, positive=bool(number % 2), source=source))
    return made


TEXTS = [*sentences("forum", 80, seed=1), *sentences("chat", 80, seed=2)]
GENERAL = [
    LabelledText(f"a {place} was built in {year}", positive=False, source="news")
    for place in PLACES
    for year in range(1900, 1910)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HarmfulContent:
    folder = tmp_path_factory.mktemp("model") / "harmful"
    return train_harmful(TEXTS, GENERAL, folder, languages=("en",), settings=SETTINGS)


def scores(model: HarmfulContent, text: str, language: str | None = "en") -> dict[str, float]:
    signals = model.compute(TextView(text, language=language))
    return {name: float(value) for name, value in signals.items() if value is not None}


def test_every_score_tells_harm(model: HarmfulContent) -> None:
    bad = scores(model, "You moron of the library, get out!")
    good = scores(model, "The library near the bridge opens this week.")
    assert list(bad) == [signal.name for signal in model.signals]
    assert bad["harmful.perplexity"] < good["harmful.perplexity"]
    for name in ("harmful.log_ratio", "harmful.classifier", "harmful.score"):
        assert bad[name] > good[name]
    assert bad["harmful.score"] > model.threshold > good["harmful.score"]


def test_another_language_and_no_word_have_no_score(model: HarmfulContent) -> None:
    assert scores(model, "Du Idiot", language="de") == {}
    assert scores(model, "idiot", language=None) == {}
    assert scores(model, " \n") == {}


def test_it_is_pickled_without_its_models(model: HarmfulContent) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert len(pickle.dumps(model)) < 500
    assert scores(again, "you idiot") == scores(model, "you idiot")


def test_the_same_texts_give_the_same_bytes(model: HarmfulContent, tmp_path: Path) -> None:
    train_harmful(TEXTS, GENERAL, tmp_path, languages=("en",), settings=SETTINGS)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in Path(model.path).iterdir()}
    assert set(made) == {"harmful.binary", "reference.binary", "classifier.bin", "model.json"}


def test_one_class_is_refused(tmp_path: Path) -> None:
    harmful = [text for text in TEXTS if text.positive]
    with pytest.raises(ValueError, match="one class only"):
        train_harmful(harmful, GENERAL, tmp_path, settings=SETTINGS)


def test_a_folder_that_is_damaged_is_refused(model: HarmfulContent, tmp_path: Path) -> None:
    for path in Path(model.path).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "reference.binary").write_bytes(b"mmap lm")
    with pytest.raises(ValueError, match="is no n-gram model"):
        HarmfulContent(path=str(tmp_path)).load()
    description = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**description, "kind": "quality"}))
    with pytest.raises(ValueError, match="of kind `quality`, and not `harmful`"):
        HarmfulContent(path=str(tmp_path)).load()
    with pytest.raises(ValueError, match="no folder of a trained model"):
        HarmfulContent(path=str(tmp_path / "missing")).load()


def test_three_protocols_side_by_side() -> None:
    results = evaluate_harmful(TEXTS, GENERAL, SETTINGS)
    told = {(result.protocol, result.source, result.score) for result in results}
    assert {(protocol, name) for protocol, _, name in told} == {
        (protocol, name) for protocol in (PAPER, SAME, UNSEEN) for name in NAMES
    }
    assert {source for protocol, source, _ in told if protocol == UNSEEN} == {"forum", "chat"}
    unseen = {
        (result.source, result.score): result for result in results if result.protocol == UNSEEN
    }
    assert unseen["forum", "score"].auc > 0.95
    assert unseen["forum", "score"].chosen.recall > 0.8


def test_near_copies_are_left_out() -> None:
    def text(words: str) -> LabelledText:
        return LabelledText(words, positive=True, source="s")

    long = "one two three four five six seven eight nine ten eleven twelve"
    other, short = text("a wholly different row of words"), text("one two")
    assert without_near_copies(
        [text(f"{long} thirteen"), text(long), other, short], [text(long)]
    ) == [other, short]
