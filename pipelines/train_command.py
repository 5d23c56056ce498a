"""``thresher train``: learned scores from labelled text or from the user's own scored crawl."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pipelines.errors import UserError

if TYPE_CHECKING:
    from models.classifier import ClassifierSettings
    from models.labelled_text import LabelledText
    from models.ngram import NgramSettings


FILES: dict[str, Any] = {
    "nargs": "+",
    "type": Path,
    "metavar": "FILE",
    "help": ".jsonl, .csv, .tsv (.gz) or .parquet",
}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``train`` to the commands."""
    parser = commands.add_parser(
        "train",
        help="train a score: harmful content, quality or likeness to good text",
        description="Train a score from labelled text or from a scored crawl.",
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    harmful = kinds.add_parser("harmful", help="n-gram models and a classifier of harmful content")
    add_labelled_options(harmful)
    add_ngram_options(harmful, order=3, prune=(0, 0, 1))
    add_classifier_options(harmful)
    harmful.set_defaults(run=_run, train=_harmful)
    quality = kinds.add_parser("quality", help="a classifier of good against ordinary text")
    add_labelled_options(quality)
    quality.set_defaults(run=_run, train=_quality)
    reference = kinds.add_parser("reference", help="pieces and an n-gram model of good text alone")
    reference.add_argument("files", **FILES)
    reference.add_argument("--text", default="text", metavar="COLUMN", help="the text (text)")
    add_reference_options(reference)
    reference.set_defaults(run=_run_reference)
    for command in (harmful, quality, reference):
        command.add_argument("--into", type=Path, required=True, metavar="FOLDER")
        command.add_argument(
            "--language", nargs="*", default=[], metavar="CODE", help="score these languages only"
        )
    shipped = kinds.add_parser("shipped", help="the models that come along, from a folder of data")
    shipped.add_argument("data", type=Path, metavar="DATA")
    shipped.add_argument(
        "--into", type=Path, metavar="FOLDER", help="where they go (where they are loaded from)"
    )
    shipped.set_defaults(run=_shipped)


def add_labelled_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where labelled text is."""
    parser.add_argument("files", **FILES)
    parser.add_argument("--text", default="text", metavar="COLUMN", help="the text (text)")
    parser.add_argument("--source", metavar="COLUMN", help="where a text is from (the file)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--label", default="label", metavar="COLUMN", help="the label (label)")
    which.add_argument(
        "--where",
        metavar="SIGNAL",
        help="a stored true/false signal of a scored crawl, such as url.ut1_adult, as the label",
    )
    parser.add_argument(
        "--positive",
        nargs="+",
        default=["1", "True", "true", "positive"],
        metavar="LABEL",
        help="the labels of harmful, or of good, text (1 True true positive)",
    )
    parser.add_argument(
        "--general", nargs="*", default=[], type=Path, metavar="FILE", help="more ordinary text"
    )


def add_classifier_options(parser: argparse.ArgumentParser) -> None:
    """Add the option that decides how large, and how slow to train, the classifier is."""
    parser.add_argument(
        "--subword-buckets",
        type=int,
        default=100_000,
        metavar="N",
        help="vectors that subwords share (100000); fewer make a smaller classifier",
    )


def add_ngram_options(parser: argparse.ArgumentParser, *, order: int, prune: Sequence[int]) -> None:
    """Add the options that say how n-gram models are estimated and stored."""
    parser.add_argument(
        "--order", type=int, default=order, metavar="N", help=f"longest n-gram ({order})"
    )
    told = " ".join(map(str, prune)) or "none"
    parser.add_argument(
        "--prune",
        type=int,
        nargs="*",
        default=list(prune),
        metavar="COUNT",
        help=f"for each order, n-grams seen at most so often are left out ({told})",
    )
    parser.add_argument(
        "--quantise", type=int, default=8, metavar="BITS", help="bits a probability (8); 0: floats"
    )


def ngram_settings(arguments: argparse.Namespace) -> "NgramSettings":
    """Return how n-gram models are estimated and stored.

    Raises:
        ValueError: a value is out of range.
    """
    from models.ngram import NgramSettings

    return NgramSettings(
        order=arguments.order, prune=arguments.prune, quantise_bits=arguments.quantise or None
    )


def add_reference_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a model of good text."""
    add_ngram_options(parser, order=5, prune=())
    parser.add_argument(
        "--vocabulary", type=int, default=65_536, metavar="N", help="the most pieces (65536)"
    )


def classifier_settings(arguments: argparse.Namespace) -> "ClassifierSettings":
    """Return the settings of the classifier of harmful content."""
    from models.classifier import ClassifierSettings

    return ClassifierSettings(
        smallest_subword=3, largest_subword=5, buckets=arguments.subword_buckets
    )


def labelled(arguments: argparse.Namespace) -> "list[LabelledText]":
    """Read the labelled texts that the options name, as models of words see them.

    Raises:
        UserError: a file can't be read, or lacks a column.
    """
    from models.labelled_text import prepared

    return prepared(labelled_as_written(arguments))


def labelled_as_written(arguments: argparse.Namespace) -> "list[LabelledText]":
    """Read the labelled texts that the options name.

    Raises:
        UserError: a file can't be read, or lacks a column.
    """
    from models.labelled_text import read_labelled

    found = []
    for path in arguments.files:
        try:
            texts = read_labelled(
                path,
                text=arguments.text,
                label=arguments.where or arguments.label,
                positive=["True"] if arguments.where else arguments.positive,
                source=arguments.source,
            )
        except ValueError as error:
            raise UserError(f"{path}: {error}") from None
        found += texts
    return found


def general(arguments: argparse.Namespace) -> "list[LabelledText]":
    """Read the ordinary texts that the options name, as models of words see them.

    Raises:
        UserError: a file can't be read, or lacks the column of the text.
    """
    from models.labelled_text import prepared

    return prepared(general_as_written(arguments))


def general_as_written(arguments: argparse.Namespace) -> "list[LabelledText]":
    """Read the ordinary texts that the options name.

    Raises:
        UserError: a file can't be read, or lacks the column of the text.
    """
    from models.labelled_text import LabelledText

    return [
        LabelledText(text, positive=False, source=path.name)
        for path in arguments.general
        for text in _texts(path, arguments.text)
    ]


def _texts(path: Path, column: str) -> list[str]:
    from models.labelled_text import read_rows

    try:
        return [str(row[column]) for row in read_rows(path) if row[column]]
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    except KeyError:
        raise UserError(f"{path}: no column `{column}` (--text)") from None


def _run(arguments: argparse.Namespace) -> int:
    texts, ordinary = labelled(arguments), general(arguments)
    return _trained(
        arguments,
        lambda: arguments.train(arguments, texts, ordinary),
        texts=len(texts) + len(ordinary),
    )


def _run_reference(arguments: argparse.Namespace) -> int:
    texts = [text for path in arguments.files for text in _texts(path, arguments.text)]
    return _trained(arguments, lambda: _reference(arguments, texts), texts=len(texts))


def _trained(arguments: argparse.Namespace, train: Callable[[], None], *, texts: int) -> int:
    from models.ngram import NoTrainerError

    try:
        train()
    except (ValueError, NoTrainerError) as error:
        raise UserError(f"train {arguments.kind}: {error}") from None
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{arguments.into}: trained on {texts:,} texts", markup=False)
    console.print(
        f"next:    models: {{{arguments.kind}: {arguments.into}}} in the recipe", markup=False
    )
    return 0


def _harmful(
    arguments: argparse.Namespace,
    texts: "Sequence[LabelledText]",
    ordinary: "Sequence[LabelledText]",
) -> None:
    from models.harmful_training import HarmfulSettings, train_harmful

    train_harmful(
        texts,
        ordinary,
        arguments.into,
        languages=tuple(arguments.language),
        settings=HarmfulSettings(
            ngrams=ngram_settings(arguments), classifier=classifier_settings(arguments)
        ),
    )


def _quality(
    arguments: argparse.Namespace,
    texts: "Sequence[LabelledText]",
    ordinary: "Sequence[LabelledText]",
) -> None:
    from models.quality_training import train_quality

    train_quality([*texts, *ordinary], arguments.into, languages=tuple(arguments.language))


def _reference(arguments: argparse.Namespace, texts: Sequence[str]) -> None:
    from models.reference_training import train_reference

    train_reference(
        texts,
        arguments.into,
        languages=tuple(arguments.language),
        vocabulary=arguments.vocabulary,
        ngrams=ngram_settings(arguments),
    )


def _shipped(arguments: argparse.Namespace) -> int:
    from models.ngram import NoTrainerError
    from models.shipped import FOLDER, train_shipped

    try:
        train_shipped(arguments.data, arguments.into or FOLDER)
    except NoTrainerError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; DATA lacks it") from None
    return 0
