"""``thresher train``: learned scores from labelled text or from the user's own scored crawl."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipelines.errors import UserError

if TYPE_CHECKING:
    from models.classifier import ClassifierSettings
    from models.labelled_text import LabelledText


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``train`` to the commands."""
    parser = commands.add_parser(
        "train",
        help="train a score: harmful content or quality",
        description="Train a score from labelled text or from a scored crawl.",
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    harmful = kinds.add_parser("harmful", help="n-gram models and a classifier of harmful content")
    add_labelled_options(harmful)
    harmful.add_argument("--order", type=int, default=3, metavar="N", help="longest n-gram (3)")
    harmful.add_argument(
        "--prune",
        type=int,
        nargs="*",
        default=[0, 0, 1],
        metavar="COUNT",
        help="for each order, n-grams seen at most so often are left out (0 0 1); none: unpruned",
    )
    harmful.add_argument(
        "--quantise", type=int, default=8, metavar="BITS", help="bits a probability (8); 0: floats"
    )
    add_classifier_options(harmful)
    harmful.set_defaults(run=_run, train=_harmful)
    quality = kinds.add_parser("quality", help="a classifier of good against ordinary text")
    add_labelled_options(quality)
    quality.set_defaults(run=_run, train=_quality)
    for command in (harmful, quality):
        command.add_argument("--into", type=Path, required=True, metavar="FOLDER")
        command.add_argument(
            "--language", nargs="*", default=[], metavar="CODE", help="score these languages only"
        )
    shipped = kinds.add_parser("shipped", help="the models that come along, from a folder of data")
    shipped.add_argument("data", type=Path, metavar="DATA")
    shipped.set_defaults(run=_shipped)


def add_labelled_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where labelled text is."""
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help=".jsonl, .csv, .tsv (.gz) or .parquet"
    )
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


def classifier_settings(arguments: argparse.Namespace) -> "ClassifierSettings":
    """Return the settings of the classifier of harmful content."""
    from models.classifier import ClassifierSettings

    return ClassifierSettings(
        smallest_subword=3, largest_subword=5, buckets=arguments.subword_buckets
    )


def labelled(arguments: argparse.Namespace) -> "list[LabelledText]":
    """Read the labelled texts that the options name, as models see them.

    Raises:
        UserError: a file can't be read, or lacks a column.
    """
    from models.labelled_text import prepared, read_labelled

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
    return prepared(found)


def general(arguments: argparse.Namespace) -> "list[LabelledText]":
    """Read the ordinary texts that the options name.

    Raises:
        UserError: a file can't be read, or lacks the column of the text.
    """
    from models.labelled_text import LabelledText, prepared, read_rows

    found = []
    for path in arguments.general:
        try:
            rows = [str(row[arguments.text]) for row in read_rows(path)]
        except ValueError as error:
            raise UserError(f"{path}: {error}") from None
        except KeyError:
            raise UserError(f"{path}: no column `{arguments.text}` (--text)") from None
        found += [LabelledText(text, positive=False, source=path.name) for text in rows]
    return prepared(found)


def _run(arguments: argparse.Namespace) -> int:
    from models.ngram import NoTrainerError

    texts, ordinary = labelled(arguments), general(arguments)
    try:
        arguments.train(arguments, texts, ordinary)
    except (ValueError, NoTrainerError) as error:
        raise UserError(f"train {arguments.kind}: {error}") from None
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{arguments.into}: trained on {len(texts) + len(ordinary):,} texts", markup=False
    )
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
    from models.ngram import NgramSettings

    ngrams = NgramSettings(
        order=arguments.order, prune=arguments.prune, quantise_bits=arguments.quantise or None
    )
    train_harmful(
        texts,
        ordinary,
        arguments.into,
        languages=tuple(arguments.language),
        settings=HarmfulSettings(ngrams=ngrams, classifier=classifier_settings(arguments)),
    )


def _quality(
    arguments: argparse.Namespace,
    texts: "Sequence[LabelledText]",
    ordinary: "Sequence[LabelledText]",
) -> None:
    from models.quality_training import train_quality

    train_quality([*texts, *ordinary], arguments.into, languages=tuple(arguments.language))


def _shipped(arguments: argparse.Namespace) -> int:
    from models.ngram import NoTrainerError
    from models.shipped import train_shipped

    try:
        train_shipped(arguments.data)
    except NoTrainerError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; DATA lacks it") from None
    return 0
