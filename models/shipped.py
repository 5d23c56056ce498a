"""The models that come along: what each is trained on, and training them all again."""

from pathlib import Path

from models.harmful_training import train_harmful
from models.labelled_text import LabelledText, prepared
from models.published_data import general_english, harmful_english
from models.quality_data import quality_chinese, quality_english
from models.quality_training import train_quality

FOLDER = Path(__file__).parent / "data"
"""Where they are loaded from."""


def harmful_texts(data: Path) -> tuple[list[LabelledText], list[LabelledText]]:
    """Return the labelled and the general texts of ``en-harmful``, as models see them."""
    return prepared(harmful_english(data)), prepared(general_english(data))


def quality_texts(data: Path, name: str) -> list[LabelledText]:
    """Return the labelled texts of ``en-quality`` or ``zh-quality``, as models see them."""
    read = {"en-quality": quality_english, "zh-quality": quality_chinese}[name]
    return prepared(read(data))


def train_shipped(data: Path, into: Path) -> None:
    """Train every model that comes along: the same data give the same bytes.

    Raises:
        OSError: the data lack a file.
        NoTrainerError: KenLM's programs are not there.
    """
    texts, general = harmful_texts(data)
    train_harmful(texts, general, into / "en-harmful", languages=("en",))
    for name, language in (("en-quality", "en"), ("zh-quality", "zh")):
        train_quality(quality_texts(data, name), into / name, languages=(language,))
