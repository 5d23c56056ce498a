"""Training n-gram models with KenLM's ``lmplz`` and ``build_binary``.

The two programs are not in KenLM's wheel: ``make lmplz`` builds them from its source distribution
into the environment, beside the interpreter.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HOW_TO_GET_LMPLZ = "`make lmplz` builds it into the environment (docs/models.md)"
LARGEST_ORDER = 6
"""KenLM's models hold at most 6-grams (``KENLM_MAX_ORDER``), in its wheel too."""


class NoTrainerError(RuntimeError):
    """``lmplz`` or ``build_binary`` is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NgramSettings:
    """How an n-gram model is estimated and stored.

    Attributes:
        order: The longest n-gram, in words.
        prune: For each order from 1 up, n-grams that occur at most so often are left out; the
            last number holds for the orders after it. Empty: nothing is left out, as in the paper.
        trie: Store a trie, which is smaller, and not a hash table, which is faster.
        quantise_bits: Bits of a stored probability (2 to 25), a trie's only; None stores floats.

    Raises:
        ValueError: a value is out of range, or quantised without a trie.
    """

    order: int = 3
    prune: Sequence[int] = ()
    trie: bool = True
    quantise_bits: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.order <= LARGEST_ORDER:
            raise ValueError(f"order is {self.order}; KenLM takes 1 to {LARGEST_ORDER}")
        if self.quantise_bits is not None and not (self.trie and 2 <= self.quantise_bits <= 25):
            raise ValueError("quantise_bits is 2 to 25, and only a trie is quantised")
        if list(self.prune) != sorted(self.prune) or len(self.prune) > self.order:
            raise ValueError(f"prune is {list(self.prune)}; it never falls, one number an order")


def trainer(name: str) -> str:
    """Return the path of ``lmplz`` or ``build_binary``.

    Raises:
        NoTrainerError: it is neither beside the interpreter nor on the PATH.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise NoTrainerError(f"training an n-gram model needs KenLM's `{name}`: {HOW_TO_GET_LMPLZ}")
    return found


def train_ngram(
    texts: Iterable[str], into: Path, settings: NgramSettings, *, memory: str = "1G"
) -> None:
    """Estimate a model by modified Kneser-Ney (Heafield 2013) and write it in binary form.

    The same texts in the same order give the same bytes.

    Args:
        texts: Each one sentence of tokens between spaces, as the model will be asked.
        into: The file to write.
        settings: How.
        memory: What ``lmplz`` may use to sort; past that it sorts on disk.

    Raises:
        NoTrainerError: KenLM's programs are not there.
        ValueError: there is no text, or too little of it for the order.
    """
    estimate, build = trainer("lmplz"), trainer("build_binary")
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        sentences, arpa = Path(folder, "sentences"), Path(folder, "model.arpa")
        longest = 0
        with sentences.open("w", encoding="utf-8") as file:
            for text in texts:
                longest = max(longest, len(text.split()))
                file.write(text + "\n")
        if not longest:
            raise ValueError("no text to train on")
        if settings.order > longest + 2:
            raise ValueError(
                f"order {settings.order} is too high for the data: the longest text has"
                f" {longest} tokens"
            )
        _run(
            [
                *(estimate, "-o", str(settings.order), "-S", memory, "-T", folder),
                # So little text may lack n-grams that occur once, twice, three times.
                *("--discount_fallback", "--text", str(sentences), "--arpa", str(arpa)),
                *(["--prune", *map(str, settings.prune)] if settings.prune else []),
            ]
        )
        quantise = settings.quantise_bits
        bits = [] if quantise is None else ["-q", str(quantise), "-b", str(quantise)]
        partial = Path(folder, "model.binary")
        kind = "trie" if settings.trie else "probing"
        _run([build, "-T", f"{folder}/", *bits, kind, str(arpa), str(partial)])
        partial.replace(into)


def _run(command: list[str]) -> None:
    # The arguments are ours: no shell sees them.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-3:]
        raise ValueError(f"{Path(command[0]).name} failed: {' '.join(last)[:300]}")
