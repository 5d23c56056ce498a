"""Filters and formatters as users of datatrove write their own."""

# mypy: disable-error-code="misc,import-not-found"

from typing import Any, ClassVar

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.utils._import_utils import check_required_dependencies


class NoPoems(BaseFilter):
    """Drops what calls itself a poem, with no reason; leaves a score on the rest."""

    name = "No poems"

    def filter(self, doc: Document) -> bool:
        doc.metadata["poem_score"] = 0.25
        return "poem" not in doc.text


class Batched(BaseFilter):
    """Drops short texts; decides over batches alone."""

    name = "Batched"

    def __init__(self, shortest: int = 10) -> None:
        super().__init__()
        self.shortest = shortest

    def filter(self, doc: Document) -> bool:
        raise NotImplementedError

    def filter_batch(self, batch: list[Document]) -> list[Any]:
        return [len(doc.text) >= self.shortest or (False, "short") for doc in batch]


class Shout(BaseFormatter):
    """Makes capitals of the text."""

    name = "Shout"

    def format(self, text: str) -> str:
        return text.upper()


class Empty(BaseFormatter):
    """Leaves nothing."""

    name = "Empty"

    def format(self, text: str) -> str:
        return " \n"


class Divides(BaseFilter):
    """Fails on texts that hold no comma."""

    name = "Divides"

    def filter(self, doc: Document) -> bool:
        return bool(1 / doc.text.count(","))


class Unwritable(BaseFilter):
    """Leaves something in the metadata that JSON has no form for."""

    name = "Unwritable"

    def filter(self, doc: Document) -> bool:
        doc.metadata["words"] = {doc.text}
        return True


class NeedsMore(BaseFilter):
    """Needs a package that nobody has."""

    name = "Needs more"
    _requires_dependencies: ClassVar = [("no_such_module", "no-such-package")]

    def filter(self, doc: Document) -> bool:
        return True


class NeedsMoreLater(BaseFilter):
    """Needs a package that nobody has once it looks at a document."""

    name = "Needs more later"

    def filter(self, doc: Document) -> bool:
        import no_such_module

        return bool(no_such_module)


class NeedsWords(BaseFilter):
    """Needs a package as datatrove's word tokenizers do."""

    name = "Needs words"

    def filter(self, doc: Document) -> bool:
        check_required_dependencies("English words", ["no_such_module"])
        return True
