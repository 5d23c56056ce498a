"""``thresher plan-curriculum``: what a training run over a decomposed corpus would see."""

import argparse
import re
from typing import get_args

from rich.console import Console
from rich.table import Table

from pipelines.errors import UserError
from training.buckets import read_buckets
from training.curricula import Curriculum, Name
from training.plan import Plan, plan


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``plan-curriculum`` to the commands."""
    told = "print what a training run over a decomposed corpus would see"
    parser = subparsers.add_parser(
        "plan-curriculum", help=told, description=told, allow_abbrev=False
    )
    parser.add_argument("corpus", metavar="CORPUS", help="the folder of bucket=256, bucket=512, …")
    parser.add_argument(
        "--tokens-per-step",
        type=_tokens,
        metavar="TOKENS",
        help="tokens of all ranks in a step, such as 524288 or 2^19 (the longest bucket, once"
        " a rank)",
    )
    parser.add_argument("--curriculum", choices=get_args(Name), default="grow-p2")
    parser.add_argument("--cycles", type=int, default=8, help="growths an epoch (8)")
    parser.add_argument("--epochs", type=int, default=1, help="how often the corpus is read (1)")
    parser.add_argument("--ranks", type=int, default=1, help="processes that train together (1)")
    parser.add_argument(
        "--chunk",
        type=_tokens,
        metavar="TOKENS",
        help="sequence length of concat-and-chunk to compare with (the longest bucket)",
    )
    parser.set_defaults(run=_run)


def _tokens(text: str) -> int:
    found = re.fullmatch(r"(\d+)(?:(?:\^|\*\*)(\d{1,2}))?", text, re.ASCII)
    number = int(found[1]) ** int(found[2] or 1) if found else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of tokens such as 524288 or 2^19")
    return number


def _run(arguments: argparse.Namespace) -> int:
    if min(arguments.epochs, arguments.ranks) < 1:
        raise UserError("--epochs and --ranks must be 1 or more")
    try:
        buckets = read_buckets(arguments.corpus)
        step = arguments.tokens_per_step or buckets[-1].bucket * arguments.ranks
        planned = plan(
            buckets,
            tokens_per_step=step,
            curriculum=Curriculum(name=arguments.curriculum, cycles=arguments.cycles),
            epochs=arguments.epochs,
            ranks=arguments.ranks,
            chunk=arguments.chunk,
        )
    except (OSError, ValueError) as error:
        raise UserError(" ".join(str(error).split())) from None
    _print(planned, step)
    return 0


def _print(planned: Plan, step: int) -> None:
    console = Console(highlight=False)
    table = Table("bucket", title="an epoch", title_justify="left")
    for column in ("sequences", "tokens", "odds", "batch", "steps", "left out"):
        table.add_column(column, justify="right")
    for of in planned.buckets:
        table.add_row(
            f"{of.bucket:,}",
            f"{of.sequences:,}",
            f"{of.tokens:,}",
            f"{of.odds:.1%}",
            f"{of.batch:,}",
            f"{of.steps:,}",
            f"{of.left_out:,}",
        )
    console.print(table)
    for line in (
        f"steps:      {planned.steps:,} of {step:,} tokens in {planned.epochs:,} epochs:"
        f" {planned.tokens:,} tokens",
        f"sequence:   {planned.sequence_length:,.0f} tokens on average over the tokens",
        f"context:    {planned.context:,.0f} tokens before a token, all of its own document",
        f"attention:  {planned.attention:.1%} of concat-and-chunk at {planned.chunk:,} tokens",
    ):
        console.print(line, soft_wrap=True)
