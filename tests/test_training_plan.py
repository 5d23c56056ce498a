from pathlib import Path

import pytest

from pipelines.cli import main
from tests.decomposed_corpus import write_sequences
from training.buckets import read_buckets
from training.curricula import Curriculum
from training.packing import concatenate_and_chunk, figures
from training.plan import BucketPlan, Plan, plan
from training.reader import SequenceReader


def test_a_plan_worked_out_by_hand(tmp_path: Path) -> None:
    write_sequences(tmp_path, {4: 10, 8: 9, 16: 2})
    curriculum = Curriculum(name="grow-linear", cycles=2)
    found = plan(read_buckets(str(tmp_path)), tokens_per_step=16, curriculum=curriculum, epochs=3)
    # Steps of 16 tokens: 2 of fours, 4 of eights, 2 of sixteens.
    length = (2 * 4 + 4 * 8 + 2 * 16) / 8
    assert found == Plan(
        buckets=[
            BucketPlan(bucket=4, sequences=10, tokens=40, odds=0.5, steps=2, batch=4, left_out=2),
            BucketPlan(bucket=8, sequences=9, tokens=72, odds=1 / 3, steps=4, batch=2, left_out=1),
            BucketPlan(bucket=16, sequences=2, tokens=32, odds=1 / 6, steps=2, batch=1, left_out=0),
        ],
        epochs=3,
        steps=24,
        tokens=384,
        sequence_length=length,
        context=(length - 1) / 2,
        attention=(length + 1) / 17,
        chunk=16,
    )


def test_a_plan_is_what_the_reader_gives(tmp_path: Path) -> None:
    write_sequences(tmp_path, {4: 101, 8: 60, 16: 33})
    found = plan(
        read_buckets(str(tmp_path)), tokens_per_step=64, curriculum=Curriculum(), epochs=2, ranks=4
    )
    batches = [
        batch
        for rank in range(4)
        for batch in SequenceReader(str(tmp_path), tokens_per_step=64, epochs=2, rank=rank, ranks=4)
    ]
    assert found.tokens == sum(batch.input_ids.size for batch in batches)
    assert found.steps == len(batches) // 4
    pairs = sum(batch.input_ids.shape[0] * batch.bucket * (batch.bucket + 1) for batch in batches)
    chunked = figures(concatenate_and_chunk([found.tokens], context=16), [found.tokens])
    assert found.attention == pytest.approx(pairs / 2 / chunked.attention)
    before = sum(batch.input_ids.shape[0] * batch.bucket * (batch.bucket - 1) for batch in batches)
    assert found.context == pytest.approx(before / 2 / found.tokens)


def test_the_command_prints_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sequences(tmp_path, {256: 16, 512: 9})
    words = ["plan-curriculum", str(tmp_path), "--tokens-per-step", "2^11", "--chunk", "1024"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "│ 256    │        16 │  4,096 │ 66.7% │     8 │     2 │        0 │" in told
    assert "│ 512    │         9 │  4,608 │ 33.3% │     4 │     2 │        1 │" in told
    assert "steps:      4 of 2,048 tokens in 1 epochs: 8,192 tokens" in told
    assert "attention:  37.6% of concat-and-chunk at 1,024 tokens" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: no bucket=… with Parquet shards in this folder"),
        (["corpus", "--tokens-per-step", "100"], "must be a multiple of 512"),
        (["corpus", "--cycles", "0"], "1 cycle or more, not 0"),
        (["corpus", "--epochs", "0"], "--epochs and --ranks must be 1 or more"),
    ],
)
def test_mistakes_are_told_in_a_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sequences(Path("corpus"), {256: 16, 512: 9})
    assert main(["plan-curriculum", *words]) == 2
    assert message in capsys.readouterr().err
