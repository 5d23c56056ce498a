"""``thresher evaluate``: how good a score is on unseen sources, and rules are by labels."""

import argparse
import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pipelines import train_command
from pipelines.errors import UserError
from pipelines.sweep_plot import draw_sweeps
from pipelines.table_cells import inert

if TYPE_CHECKING:
    from models.harmful_evaluation import Evaluated
    from models.labelled_text import LabelledText
    from pipelines.label_evaluation import Evaluated as EvaluatedRule
    from pipelines.label_evaluation import Share

_THRESHOLD_COLUMNS = ("threshold", "precision", "recall", "f1", "macro_f1", "accuracy", "flagged")

_BY_LABELS = "labels"


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """Return ``evaluate --labels FILE OUTPUT`` as ``evaluate labels --labels FILE OUTPUT``.

    >>> spelled_out(["evaluate", "--labels", "labels.jsonl", "out"])
    ['evaluate', 'labels', '--labels', 'labels.jsonl', 'out']
    """
    first, rest = list(arguments[:1]), list(arguments[1:])
    by_labels = any(word.partition("=")[0] == "--labels" for word in rest)
    if first == ["evaluate"] and by_labels and rest[0] != _BY_LABELS:
        return [*first, _BY_LABELS, *rest]
    return [*first, *rest]


def reads_output(arguments: argparse.Namespace) -> bool:
    """Tell whether the command reads the output of a run, which may lie in a remote store."""
    return getattr(arguments, "kind", None) == _BY_LABELS


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``evaluate`` to the commands."""
    parser = commands.add_parser(
        "evaluate",
        help="test rules by labelled documents, or train and test a score across sources",
        description="Test rules by labelled documents (--labels FILE OUTPUT), or train and test a"
        " score across sources: the tables of the model cards.",
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, evaluate in (("harmful", _harmful), ("quality", _quality)):
        command = kinds.add_parser(kind, help=f"{kind} from labelled text of several sources")
        train_command.add_labelled_options(command)
        command.set_defaults(run=_run, evaluate=evaluate)
        if kind == "harmful":
            train_command.add_classifier_options(command)
            _add_sweep_options(command)
    reference = kinds.add_parser("reference", help="good text against ordinary text")
    train_command.add_labelled_options(reference)
    train_command.add_reference_options(reference)
    reference.set_defaults(run=_run_reference)
    shipped = kinds.add_parser("shipped", help="the models that come along, from their data")
    shipped.add_argument("model", choices=("en-harmful", "en-quality", "zh-quality", "language"))
    shipped.add_argument("data", type=Path, metavar="DATA")
    _add_sweep_options(shipped)
    train_command.add_classifier_options(shipped)
    shipped.set_defaults(run=_shipped)
    by_labels = kinds.add_parser(_BY_LABELS, help="the rules of a run, by documents marked by hand")
    by_labels.add_argument("output", metavar="OUTPUT", help="the output folder of a run")
    by_labels.add_argument(
        "--labels",
        type=Path,
        required=True,
        metavar="FILE",
        help='lines of {"id": …, "label": "good" or "bad"}, as report.html downloads them',
    )
    by_labels.add_argument(
        "--thresholds",
        type=Path,
        metavar="FILE",
        help="test the rules of a thresholds file, not those of the run's recipe",
    )
    by_labels.add_argument("--json", action="store_true", help="print the figures as JSON")
    by_labels.set_defaults(run=_by_labels)


def _add_sweep_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sweep",
        type=Path,
        metavar="CSV",
        help="write what each of 100 thresholds of harm gets right",
    )
    parser.add_argument("--plot", type=Path, metavar="SVG", help="draw it")


def _run(arguments: argparse.Namespace) -> int:
    texts = train_command.labelled(arguments)
    ordinary = train_command.general(arguments)
    return _told(lambda: arguments.evaluate(texts, ordinary, arguments))


def _run_reference(arguments: argparse.Namespace) -> int:
    texts = train_command.labelled_as_written(arguments)
    ordinary = train_command.general_as_written(arguments)
    return _told(lambda: _reference([*texts, *ordinary], arguments))


def _shipped(arguments: argparse.Namespace) -> int:
    from models import shipped
    from models.language_accuracy import accuracy

    def evaluate() -> None:
        if arguments.model == "en-harmful":
            _harmful(*shipped.harmful_texts(arguments.data), arguments)
        elif arguments.model == "language":
            columns = ("identifier", "language", "mistaken for", "texts", "accuracy")
            rows = [
                (
                    *(row.identifier, row.language),
                    "" if row.mistaken_for is None else "{} {:.0%}".format(*row.mistaken_for),
                    *(str(row.texts), f"{row.exact:.4f}", f"{row.macrolanguage:.4f}"),
                )
                for row in accuracy(arguments.data)
            ]
            _print((*columns, "macrolanguage as one"), rows)
        else:
            _quality(shipped.quality_texts(arguments.data, arguments.model), [], arguments)

    return _told(evaluate)


def _by_labels(arguments: argparse.Namespace) -> int:
    from pipelines.finished_output import opened
    from pipelines.label_evaluation import counted, evaluate, labelled_rows, read_labels
    from pipelines.recipe_file import load_thresholds
    from pipelines.trace.document import Output

    labels = read_labels(arguments.labels)
    output = Output(opened(arguments.output, arguments.flags))
    if arguments.thresholds:
        rules = load_thresholds(str(arguments.thresholds)).rules.thresholds()
    else:
        rules = list(output.rules.values())
    rows = labelled_rows(output.scored_paths, labels, rules)
    found = evaluate(rows, labels, rules)
    known = [labels[name] for name in rows["id"].to_pylist()]
    unknown = len(labels) - len(known)
    if arguments.json:
        figures = {part: [of.as_json() for of in rules] for part, rules in found.items()}
        print(json.dumps({"labels": counted(known), "unknown": unknown, **figures}, indent=1))
        return 0
    print(", ".join(f"{count:,} {label}" for label, count in counted(known).items()))
    if unknown:
        print(f"{unknown:,} labelled documents are not among the scores")
    _print_rules("over all labels", found["all"])
    if found["beside"]:
        _print_rules("over the documents labelled beside the rule's own threshold", found["beside"])
    return 0


def _print_rules(title: str, rules: "Sequence[EvaluatedRule]") -> None:
    columns = ("rule", "bound", "precision", "recall", "good lost", "good of the kept")
    _print(
        columns,
        [
            (
                of.rule,
                "" if of.bound is None else f"{of.bound:,g}",
                *map(_share, (of.precision, of.recall, of.good_lost, of.kept_good)),
            )
            for of in rules
        ],
        title=f"{title}, with 95 % intervals",
    )


def _share(of: "Share") -> str:
    if of.share is None:
        return "none"
    return f"{of.share:.2f} ({of.low:.2f} to {of.high:.2f}; {of.count:,} of {of.of:,})"


def _told(evaluate: Callable[[], None]) -> int:
    from models.ngram import NoTrainerError

    try:
        evaluate()
    except (ValueError, NoTrainerError) as error:
        raise UserError(f"evaluate: {error}") from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from None
    return 0


def _harmful(
    texts: "Sequence[LabelledText]",
    ordinary: "Sequence[LabelledText]",
    arguments: argparse.Namespace,
) -> None:
    from models.harmful_evaluation import evaluate_harmful
    from models.harmful_training import HarmfulSettings

    settings = HarmfulSettings(classifier=train_command.classifier_settings(arguments))
    results = evaluate_harmful(texts, ordinary, settings)
    _print(
        ("protocol", "source", "unit", "score", "AUC", "macro-F1", "precision", "recall"),
        [
            (
                result.protocol.partition(":")[0],
                *(result.source, result.unit, result.score, f"{result.auc:.3f}"),
                *(f"{result.chosen.macro_f1:.3f}", f"{result.chosen.precision:.3f}"),
                f"{result.chosen.recall:.3f}",
            )
            for result in results
        ],
    )
    if arguments.sweep:
        _write_sweeps(arguments.sweep, results)
    if arguments.plot:
        arguments.plot.write_text(draw_sweeps(results), encoding="utf-8")


def _write_sweeps(path: Path, results: "Iterable[Evaluated]") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("protocol", "source", "unit", "score", *_THRESHOLD_COLUMNS))
        for result in results:
            place = (result.protocol, inert(result.source), result.unit, result.score)
            for at in result.swept:
                writer.writerow((*place, *(getattr(at, name) for name in _THRESHOLD_COLUMNS)))


def _quality(
    texts: "Sequence[LabelledText]",
    ordinary: "Sequence[LabelledText]",
    arguments: argparse.Namespace,
) -> None:
    from models.quality_training import KNOWN, evaluate_quality

    results = list(evaluate_quality([*texts, *ordinary]))
    rows = [
        (
            *(result.positive, result.negative, f"{result.auc:.3f}", f"{result.calibration:.3f}"),
            *(f"{result.chosen.precision:.3f}", f"{result.chosen.recall:.3f}"),
        )
        for result in results
    ]
    alone = [of for of in results if KNOWN in (of.positive, of.negative)]
    pairs = [of for of in results if of not in alone]
    for name, part in (("mean, one source unseen", alone), ("mean, both unseen", pairs)):
        rows.append((name, "", f"{sum(of.auc for of in part) / len(part):.3f}", "", "", ""))
    _print(("good source", "other source", "AUC", "calibration error", "precision", "recall"), rows)


def _reference(texts: "Sequence[LabelledText]", arguments: argparse.Namespace) -> None:
    from models.reference_training import evaluate_reference

    results = evaluate_reference(
        texts,
        vocabulary=arguments.vocabulary,
        ngrams=train_command.ngram_settings(arguments),
    )
    _print(
        ("good source", "texts", "median perplexity", "of ordinary text", "AUC"),
        [
            (
                *(result.source, f"{result.texts:,}", f"{result.median:.1f}"),
                *(f"{result.other_median:.1f}", f"{result.auc:.3f}"),
            )
            for result in results
        ],
    )


def _print(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=160)
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in columns[:4] else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
