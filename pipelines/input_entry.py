"""An entry of a recipe's ``input``: a format with its paths, and the reader of its files."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipelines.readers.gutenberg import GutenbergReader
from pipelines.readers.jsonl import JsonlReader
from pipelines.readers.parquet import ParquetReader
from pipelines.readers.records import Reader
from pipelines.readers.warc import WarcReader


class _Input(pydantic.BaseModel, extra="forbid", frozen=True):
    paths: Annotated[
        list[str],
        Field(min_length=1, description="Files, folders or globs; `@file` reads a list of paths."),
    ]


class WarcInput(_Input):
    """Web archives: WARC, WET and ARC, plain or compressed."""

    format: Literal["warc"]
    max_record_bytes: int = Field(20_000_000, gt=0)

    def reader(self) -> Reader:
        """Return the reader of this input's files."""
        return WarcReader(max_record_bytes=self.max_record_bytes)


class GutenbergInput(_Input):
    """Project Gutenberg books: loose texts, zip files, the weekly archive."""

    format: Literal["gutenberg"]
    catalogue: str | None = None
    max_book_bytes: int = Field(50_000_000, gt=0)
    public_domain_only: bool = False
    split_over: int | None = Field(None, gt=0)

    def reader(self) -> Reader:
        """Return the reader of this input's files."""
        return GutenbergReader(
            catalogue=self.catalogue,
            max_book_bytes=self.max_book_bytes,
            public_domain_only=self.public_domain_only,
            split_over=self.split_over,
        )


class _Columns(_Input):
    text: str = "text"
    id: str = "id"
    url: str = "url"
    date: str = "date"


class JsonlInput(_Columns):
    """Documents as lines of JSON, plain or compressed."""

    format: Literal["jsonl"]

    def reader(self) -> Reader:
        """Return the reader of this input's files."""
        return JsonlReader(text=self.text, id=self.id, url=self.url, date=self.date)


class ParquetInput(_Columns):
    """Documents as rows of Parquet."""

    format: Literal["parquet"]

    def reader(self) -> Reader:
        """Return the reader of this input's files."""
        return ParquetReader(text=self.text, id=self.id, url=self.url, date=self.date)


Input = Annotated[
    WarcInput | GutenbergInput | JsonlInput | ParquetInput, Field(discriminator="format")
]
