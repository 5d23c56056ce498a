"""The recipe: one YAML file that says everything of a run, checked before anything starts."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, field_validator, model_validator

from filters.extraction import ExtractorName
from filters.minhash import MinHashSignature, bands_for
from filters.opt_out import OptOutName
from filters.passages import SENTENCES, Unit
from pipelines.edit_entry import EditEntry
from pipelines.family_entry import ALL, FamilyEntry, resolved
from pipelines.input_entry import Input
from pipelines.recipe_rules import Rules
from pipelines.step_entry import StepEntry

# FineWeb's (arXiv 2406.17557, section 3.4).
_BANDS, _ROWS = 14, 8


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Extract(_Section):
    """How HTML becomes text, and the limits of one document."""

    extractor: ExtractorName = "resiliparse"
    timeout_seconds: float = Field(10.0, gt=0)
    max_html_bytes: int = Field(10_000_000, gt=0)
    max_memory_bytes: int = Field(2 * 1024**3, gt=0)


class Language(_Section):
    """Which fastText model identifies the language, on how much of the text, and line by line."""

    model: str = "lid.176"
    max_characters: int = Field(1_000, gt=0)
    lines: bool = False


class Gates(_Section):
    """What `score` leaves out early, to save work; counted and listed like everything else."""

    languages: list[str] | None = None
    min_language_score: float = Field(0.0, ge=0, le=1)
    min_characters: int = Field(1, ge=1)
    blocked_domains: str | None = None
    url: list[str] = []
    opt_out: list[OptOutName] = []
    keep_text: bool = False


class Model(_Section):
    """A trained model: its path or the name of one that comes along, alone or as `path`."""

    path: str
    label: str = "__label__positive"

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str) else data


class Models(_Section):
    """Learned scores; each is computed where its model is given."""

    harmful: Model | None = None
    quality: list[Model] = Field(
        [], description="The first that is for a document's language scores it."
    )
    reference: list[Model] = Field(
        [], description="The first that is for a document's language scores it."
    )

    @field_validator("quality", "reference", mode="before")
    @classmethod
    def _one_alone(cls, data: Any) -> Any:
        if data is None:
            return []
        return data if isinstance(data, list) else [data]


class Dedup(_Section):
    """How duplicates are found, exact and near, and which copy of a cluster stays."""

    exact: list[Literal["url", "text"]] = ["text"]
    near: bool = True
    shingle: int = Field(5, ge=1)
    permutations: int = Field(112, ge=1)
    seed: int = Field(1, ge=0)
    threshold: float | None = Field(None, gt=0, lt=1)
    bands: int | None = Field(None, ge=1)
    rows: int | None = Field(None, ge=1)
    verify: Literal["estimated", "exact"] | None = None
    min_similarity: float | None = Field(None, gt=0, le=1)
    scope: Literal["global", "dump"] = "global"
    against: list[str] = []
    prefer: list[str] = ["quality.score", "length.tokens"]
    partitions: int | None = Field(None, ge=1, le=65_536)
    components: Literal["auto", "one_process", "rounds"] = "auto"

    @model_validator(mode="after")
    def _fits_together(self) -> "Dedup":
        if not self.near and not self.exact:
            raise ValueError("`near: false` with `exact: []` finds nothing; say `dedup: null`")
        if self.threshold is not None and (self.bands or self.rows):
            raise ValueError("give `threshold`, or `bands` and `rows`, not both")
        if self.threshold is not None and self.permutations < 2:
            raise ValueError("a `threshold` needs 2 `permutations` or more")
        bands, rows = self.bands or _BANDS, self.rows or _ROWS
        if self.near and self.threshold is None and bands * rows > self.permutations:
            raise ValueError(
                f"{bands} bands of {rows} rows need {bands * rows} permutations;"
                f" `permutations` is {self.permutations}"
            )
        if self.min_similarity is not None and self.verify is None:
            raise ValueError("`min_similarity` needs `verify: estimated` or `verify: exact`")
        return self

    def bands_and_rows(self) -> tuple[int, int]:
        """Return the bands and the rows of each, as given or as the threshold has it."""
        if self.threshold is None:
            return self.bands or _BANDS, self.rows or _ROWS
        return bands_for(threshold=self.threshold, permutations=self.permutations)

    def least_similarity(self) -> float:
        """Return the similarity from which a verified pair is a pair of duplicates."""
        given = self.min_similarity or self.threshold
        if given is not None:
            return given
        bands, rows = self.bands_and_rows()
        return float((1 / bands) ** (1 / rows))

    def signature(self) -> MinHashSignature | None:
        """Return what computes the signatures that this section needs, if it needs any."""
        if not self.near:
            return None
        return MinHashSignature(
            shingle=self.shingle, permutations=self.permutations, seed=self.seed
        )


class Passages(_Section):
    """Which repeated passages the step `passages` takes out of documents."""

    unit: Unit = "line"
    sentences: int = Field(SENTENCES, ge=1)
    min_characters: int = Field(1, ge=1)
    keep: Literal["best", "none"] = "best"
    prefer: list[str] = ["quality.score", "length.tokens"]
    near_paragraphs: float | None = Field(None, gt=0, le=1)
    partitions: int = Field(64, ge=1, le=65_536)


class Decompose(_Section):
    """Sequences of 2^k tokens from one document each, as in Dataset Decomposition."""

    long_documents: Literal["random", "greedy"] = "random"
    shortest_remainder: int | None = None
    target_token: bool = False
    end_of_text: bool | str = True
    seed: int = Field(0, ge=0)


class Buckets(_Section):
    """Power-of-two length buckets in tokens: whole documents, sequences or windows of chapters."""

    smallest: int = 256
    largest: int = 65_536
    shard_bytes: int = Field(256_000_000, gt=0)
    shuffle_seed: int | None = Field(None, ge=0)
    decompose: Decompose | None = None
    chapter_windows: dict[int, tuple[int, int]] | None = None

    @property
    def unit(self) -> str:
        """What a row of the corpus is, in the plural."""
        if self.decompose is not None:
            return "sequences"
        return "documents" if self.chapter_windows is None else "windows"

    @field_validator("smallest", "largest")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value < 1 or value & (value - 1):
            raise ValueError(f"{value} is no power of two")
        return value

    @field_validator("chapter_windows")
    @classmethod
    def _bounds_in_order(
        cls, bands: dict[int, tuple[int, int]] | None
    ) -> dict[int, tuple[int, int]] | None:
        for band, (shortest, longest) in (bands or {}).items():
            if not 1 <= shortest <= longest:
                raise ValueError(f"{band}: the bounds {shortest} and {longest} are out of order")
        return bands

    @model_validator(mode="after")
    def _in_order(self) -> "Buckets":
        if self.smallest > self.largest:
            raise ValueError(f"smallest {self.smallest} is above largest {self.largest}")
        if self.decompose is not None:
            if self.chapter_windows is not None:
                raise ValueError("`decompose` and `chapter_windows` exclude each other")
            shortest = self.decompose.shortest_remainder or 1
            if shortest & (shortest - 1) or not 1 <= shortest < max(2, self.smallest):
                raise ValueError(
                    f"decompose.shortest_remainder {shortest} is no power of two below smallest"
                    f" {self.smallest}"
                )
        return self


class Sample(_Section):
    """Which of the documents that pass the rules `select` keeps, by a score of each."""

    signal: str
    policy: Literal["top_share", "pareto", "proportional"]
    share: float | None = Field(None, gt=0, le=1)
    alpha: float | None = Field(None, gt=0, allow_inf_nan=False)
    seed: int = Field(0, ge=0, lt=1 << 64)
    keep_null: bool = True

    @model_validator(mode="after")
    def _fits_the_policy(self) -> "Sample":
        if self.policy == "top_share" and self.share is None:
            raise ValueError("`policy: top_share` needs `share`, such as 0.1 for the best tenth")
        if self.policy == "pareto" and self.share is not None:
            raise ValueError("`policy: pareto` takes `alpha` and no `share`")
        if self.policy != "pareto" and self.alpha is not None:
            raise ValueError(f"`alpha` is for `policy: pareto`, not for {self.policy}")
        return self


class Limits(_Section):
    """When a stage gives up, and how much work one shard holds."""

    max_error_rate: float = Field(0.05, ge=0, le=1)
    shard_bytes: int = Field(64_000_000, gt=0)


class Runner(_Section):
    """Where the run takes place: a runner's name, alone or as `name`, and Beam's options for it."""

    name: str = "local"
    options: dict[str, bool | int | float | str | list[str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    def flags(self) -> list[str]:
        """Return the options as flags of the command line."""
        flags = []
        for name, value in self.options.items():
            if value is True:
                flags.append(f"--{name}")
            elif value is not False:
                values = value if isinstance(value, list) else [value]
                flags += [f"--{name}={of_option}" for of_option in values]
        return flags


class Recipe(_Section):
    """A complete run."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    input: Annotated[list[Input], Field(min_length=1)]
    output: str
    extract: Extract = Extract()
    edits: list[EditEntry] = []
    language: Language = Language()
    gates: Gates = Gates()
    steps: list[StepEntry] = []
    signals: list[FamilyEntry] = Field(
        default_factory=lambda: resolved([FamilyEntry.model_validate(ALL)])
    )
    models: Models = Models()
    tokenizer: str = "default"
    dedup: Dedup | None = Dedup()
    passages: Passages | None = None
    rules: Rules = Rules.model_validate({})
    sample: Sample | None = None
    buckets: Buckets = Buckets()
    limits: Limits = Limits()
    runner: Runner = Runner()

    @field_validator("output")
    @classmethod
    def _as_listed(cls, output: str) -> str:
        # As listings have it: files below `./out` are listed as `out/…`, and one that no record
        # names is taken for a leftover.
        return output.rstrip("/") if "://" in output else str(Path(output))

    @field_validator("signals")
    @classmethod
    def _resolved(cls, entries: list[FamilyEntry]) -> list[FamilyEntry]:
        return resolved(entries)
