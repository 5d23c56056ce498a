"""What a training run over a decomposed corpus would see, before it is started."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.buckets import Bucket, batch_counts, check_step
from training.curricula import Curriculum


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlan:
    """What an epoch takes of one bucket.

    Attributes:
        bucket: Its name, the tokens of a sequence.
        sequences: How many it has.
        tokens: Their tokens.
        odds: The share of the draws that it gets while no bucket is empty.
        steps: Its batches in an epoch.
        batch: Sequences of one batch.
        left_out: Sequences that fill no batch.
    """

    bucket: int
    sequences: int
    tokens: int
    odds: float
    steps: int
    batch: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run sees.

    Attributes:
        buckets: Each bucket's part.
        epochs: How often the corpus is read.
        steps: Steps of all epochs.
        tokens: Tokens of all steps.
        sequence_length: Mean length of a sequence, weighted by tokens.
        context: Mean number of tokens that a token sees before it; all are of its own document.
        attention: Causal attention's cost as a share of what the same tokens cost when they are
            cut into chunks of ``chunk`` tokens: pairs of positions against pairs of positions.
        chunk: The length of those chunks.
    """

    buckets: Sequence[BucketPlan]
    epochs: int
    steps: int
    tokens: int
    sequence_length: float
    context: float
    attention: float
    chunk: int


def plan(
    buckets: Sequence[Bucket],
    *,
    tokens_per_step: int,
    curriculum: Curriculum,
    epochs: int = 1,
    ranks: int = 1,
    chunk: int | None = None,
) -> Plan:
    """Work out what a run would see.

    Args:
        buckets: The corpus, as :func:`training.reader.read_buckets` lists it.
        tokens_per_step: Tokens of all ranks in a step.
        curriculum: The curriculum.
        epochs: How often the corpus is read.
        ranks: How many processes train together.
        chunk: The sequence length of concat-and-chunk to compare with; the longest bucket if None.

    Raises:
        ValueError: A step can't be cut into whole sequences.
    """
    check_step(list(buckets), tokens_per_step=tokens_per_step, ranks=ranks)
    batches = batch_counts(list(buckets), tokens_per_step=tokens_per_step, drop_last=True)
    weights = curriculum.odds([bucket.bucket for bucket in buckets])
    all_odds = sum(weights.values())
    parts = [
        BucketPlan(
            bucket=of.bucket,
            sequences=of.sequences,
            tokens=of.tokens,
            odds=weights[of.bucket] / all_odds,
            steps=batches[of.bucket],
            batch=tokens_per_step // of.bucket,
            left_out=of.sequences - batches[of.bucket] * (tokens_per_step // of.bucket),
        )
        for of in buckets
    ]
    steps = sum(part.steps for part in parts)
    chunk = chunk or buckets[-1].bucket
    length = _mean([(part.bucket, part.steps) for part in parts])
    return Plan(
        buckets=parts,
        epochs=epochs,
        steps=steps * epochs,
        tokens=steps * tokens_per_step * epochs,
        sequence_length=length,
        context=(length - 1) / 2 if steps else 0.0,
        attention=(length + 1) / (chunk + 1) if steps else 0.0,
        chunk=chunk,
    )


def _mean(weighted: Sequence[tuple[float, int]]) -> float:
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total else 0.0
