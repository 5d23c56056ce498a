import math
import sys
from pathlib import Path

import kenlm
import pytest

from models.ngram import NgramSettings, NoTrainerError, train_ngram

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 3


@pytest.mark.lmplz
def test_what_was_in_the_text_is_likelier_than_what_was_not(tmp_path: Path) -> None:
    train_ngram(TEXTS, tmp_path / "m.binary", NgramSettings(order=3))
    model = kenlm.Model(str(tmp_path / "m.binary"))
    assert model.order == 3
    assert model.score("the cat sat on the log") > model.score("mat the on log cat the")
    total = sum(10 ** model.score(word, bos=False, eos=False) for word in ("cat", "dog", "zebra"))
    assert 0 < total < 1


@pytest.mark.lmplz
@pytest.mark.parametrize(
    "settings",
    [
        NgramSettings(order=2),
        NgramSettings(order=3, prune=(0, 0, 1), quantise_bits=8),
        NgramSettings(order=2, trie=False),
    ],
)
def test_the_same_text_gives_the_same_bytes(tmp_path: Path, settings: NgramSettings) -> None:
    for name in ("a", "b"):
        train_ngram(TEXTS, tmp_path / name, settings)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert math.isfinite(kenlm.Model(str(tmp_path / "a")).score("zebra"))


@pytest.mark.lmplz
@pytest.mark.parametrize(
    ("texts", "told"),
    [([], "no text to train on"), ([" "], "no text"), (["one two"] * 9, "order 5 is too high")],
)
def test_too_little_text_is_refused(tmp_path: Path, texts: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        train_ngram(texts, tmp_path / "m", NgramSettings(order=5))
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"order": 7}, "order is 7; KenLM takes 1 to 6"),
        ({"order": 0}, "order is 0"),
        ({"quantise_bits": 1}, "quantise_bits is 2 to 25"),
        ({"quantise_bits": 8, "trie": False}, "only a trie is quantised"),
        ({"prune": (1, 0)}, "it never falls"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        NgramSettings(**settings)  # type: ignore[arg-type]


def test_without_the_trainer_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoTrainerError, match="needs KenLM's `lmplz`: `make lmplz` builds it"):
        train_ngram(TEXTS, tmp_path / "m", NgramSettings())
