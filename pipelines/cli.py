"""The command line."""

import argparse
import errno
import io
import json
import logging
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from pipelines import (
    evaluate_command,
    export,
    fetch,
    inspect_command,
    percentiles,
    plan_curriculum,
    train_command,
    verify_command,
)
from pipelines.errors import StageError, TemplateWritten, UserError

if TYPE_CHECKING:
    # Importing Beam takes seconds: each command does so when it knows that it needs it.
    from pipelines.recipe import Recipe
    from pipelines.stages import Outcome, Run

_INTERRUPTED = 130
_RESUMES = "what is finished stays, and a rerun goes on from there"
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_TAKES_WORKERS = ("run", "score", "dedup", "passages", "report", "select")
_TAKES_BEAM_FLAGS = (
    *(*_TAKES_WORKERS, "check"),
    # These read an output, which may lie in a store that needs options.
    *("verify", "why", "inspect", "percentiles"),
)
_TAKES_THRESHOLDS = ("run", "report", "select", "check")
# What Beam warns of in every run: that BigQuery is not installed, and that its local workers have
# no folder for registered types.
_BEAM_NOISE = re.compile("bigquery client libraries|semi_persistent_directory")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``thresher``.

    Returns:
        0 if all is well, 1 if the work failed, 2 for a mistake of the user's, 130 if interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of ASCII alone gets a question mark: no reason to end a finished run.
            stream.reconfigure(errors="replace")
    parser = _parser()
    words = sys.argv[1:] if arguments is None else arguments
    known, flags = parser.parse_known_args(evaluate_command.spelled_out(words))
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    takes_beam_flags = known.command in _TAKES_BEAM_FLAGS or evaluate_command.reads_output(known)
    if flags and not takes_beam_flags:
        parser.error(f"unknown option {flags[0]}")
    known.flags = flags
    _log_to_stderr()
    try:
        with ExitStack() as known.held_until_the_end:
            exit_code: int = known.run(known)
    except UserError as error:
        errors.print(Text(f"thresher: {error}"))
        return 2
    except StageError as error:
        errors.print(Text(f"thresher: {error}"))
        return 1
    except TemplateWritten as written:
        errors.print(Text(f"thresher: the job is in {written}; nothing has run yet"))
        return 0
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        resumes = known.command in _TAKES_WORKERS
        errors.print(Text(f"thresher: {error}{f'; {_RESUMES}' if resumes else ''}"))
        return 1
    except KeyboardInterrupt:
        errors.print(f"thresher: interrupted; {_RESUMES}")
        return _INTERRUPTED
    return exit_code


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.addFilter(lambda record: not _BEAM_NOISE.search(record.getMessage()))
    form = "%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, handlers=[handler])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="thresher",
        description="Turn web crawls and Project Gutenberg into pretraining shards:"
        " score once, choose thresholds many times.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"thresher {version('thresher')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, run, told in (
        ("run", _run, "score, dedup, report and select; what is up to date is not done again"),
        ("score", _score, "read the dumps; write every document with every signal"),
        (
            "dedup",
            _dedup,
            "find clusters of exact and near duplicates among the scored documents",
        ),
        ("passages", _passages, "take out lines, paragraphs or sentences that the corpus repeats"),
        ("report", _report, "write report.html: what each threshold would keep"),
        ("select", _select, "write the documents that the rules keep, in length buckets"),
        ("check", _check, "validate a recipe and print its plan; nothing is written"),
        (
            "signals",
            _signals,
            "list the signals: name, type, unit, meaning, source, threshold",
        ),
    ):
        _add_command(commands, name, run, told)
    fetch.add_parser(commands)
    plan_curriculum.add_parser(commands)
    export.add_parser(commands)
    train_command.add_parser(commands)
    evaluate_command.add_parser(commands)
    verify_command.add_parser(commands)
    inspect_command.add_parser(commands)
    percentiles.add_parser(commands)
    return parser


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    told: str,
) -> None:
    parser = commands.add_parser(name, help=told, description=told, allow_abbrev=False)
    parser.set_defaults(run=run)
    parser.add_argument(
        "recipe",
        metavar="RECIPE",
        nargs="?" if name == "signals" else None,
        help="the recipe, a YAML file",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="override a key of the recipe, such as rules.gopher.word_count.min=100; repeatable",
    )
    if name in _TAKES_THRESHOLDS:
        parser.add_argument(
            "--thresholds",
            metavar="FILE",
            help="take the rules of a file that the report's page wrote, not the recipe's",
        )
    if name == "signals":
        parser.add_argument("--markdown", action="store_true", help="print the page of the docs")
    if name in ("check", "signals"):
        return
    parser.add_argument(
        "--runner",
        help="local (default), spark, flink, dataflow or prism, with the options set that a run"
        " wants there; or a runner by Beam's name. Beam's own options are passed through",
    )
    parser.add_argument("--workers", type=_positive, help="local worker processes (all cores)")
    parser.add_argument(
        "--max-memory",
        metavar="SIZE",
        help="such as 4GiB: what all local processes may hold together; what can't run within"
        " it is refused",
    )
    if name in ("run", "dedup"):
        parser.add_argument(
            "--against",
            metavar="INDEX",
            action="append",
            default=[],
            help="leave out what an earlier corpus has: the `index` folder of its output;"
            " repeatable; the same as dedup.against",
        )
    if name == "report":
        parser.add_argument("--text", action="store_true", help="print the report as well")
        parser.add_argument(
            "--plots",
            metavar="FOLDER",
            help="write each signal's histogram with its threshold, and the funnel, as SVG and PNG",
        )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes")
    return int(text)


def _open(arguments: argparse.Namespace) -> "Run":
    from pipelines import memory_limit
    from pipelines.stages import Run

    recipe, runner, flags = _load(arguments)
    memory = arguments.max_memory and memory_limit.given(
        arguments.max_memory, recipe=recipe, runner=runner, workers=arguments.workers, flags=flags
    )
    run = Run(
        recipe=recipe,
        console=_console(),
        runner=runner,
        workers=arguments.workers,
        memory=memory,
        flags=flags,
    )
    held: ExitStack = arguments.held_until_the_end
    if memory:
        held.enter_context(memory.kept())
    return held.enter_context(run)


def _load(arguments: argparse.Namespace) -> tuple["Recipe", str, list[str]]:
    """Return the recipe, the runner and Beam's flags, with which its paths can be reached."""
    from pipelines import recipe_file, storage
    from pipelines.runners import check_reached, check_template, pipeline_options

    if against := getattr(arguments, "against", None):
        # As an override, so that the commands named next carry it too.
        arguments.overrides.append(f"dedup.against={json.dumps(against)}")
    thresholds = getattr(arguments, "thresholds", None)
    recipe = recipe_file.load(arguments.recipe, arguments.overrides, thresholds)
    runner, flags = _runner_of(recipe, arguments)
    workers = getattr(arguments, "workers", None)
    # A mistake in the flags is told before any work.
    options = pipeline_options(runner=runner, workers=workers, flags=flags, total_bytes=0)
    check_reached(runner, options, [recipe.output, *_input_paths(recipe)])
    check_template(arguments.command, options)
    storage.configure(options)
    return recipe, runner, flags


def _runner_of(recipe: "Recipe", arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the runner and Beam's flags: the recipe's, unless the command line names another."""
    named = getattr(arguments, "runner", None)
    flags = [] if named not in (None, recipe.runner.name) else recipe.runner.flags()
    return named or recipe.runner.name, [*flags, *arguments.flags]


def _input_paths(recipe: "Recipe") -> list[str]:
    return [path for entry in recipe.input for path in entry.paths]


def _run(arguments: argparse.Namespace) -> int:
    from pipelines.publication import is_published, publish
    from pipelines.summary import print_summary

    run = _open(arguments)
    outcomes = [run.score(), run.dedup(), run.report(), run.select()]
    done = [outcome for outcome in outcomes if outcome is not None]
    if not any(outcome.made_now for outcome in done) and is_published(run):
        run.console.print(
            f"{run.recipe.name}: nothing to do, {run.recipe.output} is up to date", markup=False
        )
        _say(run.console, f"report:  {run.recipe.output}/report.html")
        return 0
    publish(run)
    print_summary(run.console, run.recipe, done)
    output = run.recipe.output
    written = [
        file
        for shard in done[-1].manifest["shards"]
        for file in shard["files"]
        if file["path"].startswith("corpus/")
    ]
    size = sum(file["bytes"] for file in written) / 1e6
    _say(
        run.console,
        f"corpus:  {output}/corpus ({len(written):,} files, {size:,.1f} MB)",
        f"report:  {output}/report.html",
        "next:    open the report, change a rule in the recipe, and run"
        f" `{_command('select', arguments)}`: nothing is scored again",
    )
    return 0


def _score(arguments: argparse.Namespace) -> int:
    run = _open(arguments)
    return _finish(run, run.score(), _command("dedup", arguments))


def _dedup(arguments: argparse.Namespace) -> int:
    run = _open(arguments)
    outcome = run.dedup()
    if outcome is None:
        _say(run.console, f"{run.recipe.name}: the recipe says `dedup: null`, nothing to do")
        return 0
    return _finish(run, outcome, _command("report", arguments))


def _passages(arguments: argparse.Namespace) -> int:
    run = _open(arguments)
    outcome = run.passages()
    output = run.recipe.output
    if outcome is None:
        _say(run.console, f"{run.recipe.name}: the recipe has no `passages`, nothing to do")
        return 0
    removed = outcome.manifest["removed"]
    _say(
        run.console,
        f"removed: {removed['passages']:,} passages of {removed['characters']:,} characters;"
        f" {removed['near_paragraphs']:,} near-duplicate paragraphs of"
        f" {removed['near_characters']:,} in their documents",
    )
    return _finish(run, outcome, f"a recipe with `format: parquet, paths: [{output}/passages]`")


def _report(arguments: argparse.Namespace) -> int:
    from pipelines import report
    from pipelines.checks import check_writable
    from pipelines.summary import selection_of

    run = _open(arguments)
    if arguments.plots:
        check_writable(arguments.plots, "--plots")
    run.report()
    selection = selection_of(run.recipe)
    # Thresholds to look at go before those of the last selection.
    content = report.write_page(run.recipe, None if arguments.thresholds else selection)
    if arguments.text:
        print(report.as_text(content))
    if arguments.plots:
        # Matplotlib takes a second to load, which no other command needs.
        from pipelines.report_plots import write_plots

        written = write_plots(content, arguments.plots)
        _say(run.console, f"plots:   {len(written)} files in {arguments.plots}")
    _say(
        run.console,
        f"report:  {run.recipe.output}/report.html",
        f"next:    {_command('select', arguments)}",
    )
    return 0


def _select(arguments: argparse.Namespace) -> int:
    from pipelines.publication import is_published, publish

    run = _open(arguments)
    outcome = run.select()
    if outcome.made_now or not is_published(run):
        publish(run)
    if arguments.thresholds:
        _say_predicted(run.console, arguments.thresholds, outcome.counters.written)
    return _finish(run, outcome, f"look at {run.recipe.output}/corpus")


def _say_predicted(console: Console, thresholds: str, documents: int) -> None:
    from pipelines import recipe_file

    if predicted := recipe_file.load_thresholds(thresholds).predicted:
        _say(
            console,
            f"kept:    {documents:,} documents; the report predicted"
            f" {predicted.documents:,.0f} ± {predicted.documents_error:,.0f}",
        )


def _command(name: str, arguments: argparse.Namespace) -> str:
    """Return the command that takes the next step with the same recipe and overrides."""
    settings = [word for override in arguments.overrides for word in ("--set", override)]
    if name in _TAKES_THRESHOLDS and getattr(arguments, "thresholds", None):
        settings += ["--thresholds", arguments.thresholds]
    # In an environment that is not activated the command goes by its path.
    program = "thresher" if shutil.which("thresher") else os.path.relpath(sys.argv[0])
    return shlex.join([program, name, arguments.recipe, *settings])


def _finish(run: "Run", outcome: "Outcome", following: str) -> int:
    from pipelines.summary import print_summary

    if not outcome.made_now:
        _say(run.console, f"{outcome.stage}: nothing to do, {run.recipe.output} is up to date")
        return 0
    print_summary(run.console, run.recipe, [outcome])
    _say(run.console, f"next:    {following}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from pipelines.checks import check
    from pipelines.plan import plan
    from pipelines.plan_text import plan_lines, rules_table

    recipe, _, _ = _load(arguments)
    console = _console()
    shards = plan(recipe)
    check(recipe)
    _say(console, *plan_lines(recipe, shards))
    if rules := recipe.rules.thresholds():
        console.print(rules_table(rules))
    return 0


def _signals(arguments: argparse.Namespace) -> int:
    from filters.edits import signals_of
    from filters.registry import EDITS
    from pipelines import recipe_file, signal_list
    from pipelines.document_scorer import DocumentScorer, declared_families

    if arguments.recipe:
        signals = DocumentScorer(recipe_file.load(arguments.recipe, arguments.overrides)).signals
    else:
        signals = [signal for family in declared_families() for signal in family.signals]
        signals += signals_of(make() for make in EDITS.values())
    if arguments.markdown:
        print(signal_list.as_markdown(signals), end="")
    else:
        _console().print(signal_list.as_table(signals))
    return 0


def _console() -> Console:
    console = Console(highlight=False)
    # A log has no edge that a table must fit.
    return console if console.is_terminal else Console(highlight=False, width=140)


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
