import gzip
from pathlib import Path

import pytest

from filters.segmentation import characters, is_unspaced, segment


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("中华人民共和国万岁", ["中华", "人民", "共和国", "万岁"]),
        ("コーヒーを飲む", ["コーヒー", "を", "飲む"]),
        ("ทุกคนมีสิทธิ", ["ทุก", "คน", "มี", "สิทธิ"]),
        ("ທຸກຄົນເກີດມາ", ["ທຸກຄົນ", "ເກີດ", "ມາ"]),
        ("មនុស្សទាំងអស់", ["មនុស្ស", "ទាំងអស់"]),
        ("လူတိုင်းသည်", ["လူ", "တိုင်း", "သည်"]),
    ],
)
def test_words_of_unspaced_scripts(run: str, words: list[str]) -> None:
    assert segment(run) == words
    assert all(map(is_unspaced, words))


@pytest.mark.parametrize("word", ["", "Tōkyō", "한국어", "7", "\u0301", "བོད"])
def test_other_scripts_are_spaced(word: str) -> None:
    assert not is_unspaced(word)


@pytest.mark.real_data
@pytest.mark.parametrize("language", ["zh", "ja", "th"])
def test_words_of_real_sentences_are_words(real_data: Path, language: str) -> None:
    """Between a character a word, as without a dictionary, and a sentence a word."""
    path = next((real_data / "langid" / "lingua_sentences").glob(f"{language}.txt*"))
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    runs = [run for run in text.split() if is_unspaced(run)][:500]
    words = [word for run in runs for word in segment(run)]
    assert "".join(words) == "".join(runs)
    units = [len(characters(word)) for word in words if is_unspaced(word)]
    assert 1.2 < sum(units) / len(units) < 5
