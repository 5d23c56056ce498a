"""What an audit raises: an output is not what it says of itself."""

from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa
import pydantic

from pipelines.errors import StageError, UserError
from pipelines.storage import StoreError

_MOST_CHARACTERS = 600

Content = TypeVar("Content")


class DiscrepancyError(StageError):
    """Something is not as it is written.

    Attributes:
        path: The file.
        what: What of it is not so.
        expected: What was to be there.
        found: What is there.
    """

    def __init__(self, path: str, what: str, *, expected: Any, found: Any) -> None:
        self.path = path
        self.what = what
        self.expected = _told(expected)
        self.found = _told(found)
        super().__init__(f"{path}: {what}: expected {self.expected}, found {self.found}")


def _told(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def same(path: str, what: str, *, expected: Any, found: Any) -> None:
    """Raise a discrepancy where two values differ; of mappings, name the first key that does."""
    if expected == found:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        key = min(
            key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
        )
        same(
            path,
            f"{what} {key}",
            expected=expected.get(key, "nothing"),
            found=found.get(key, "nothing"),
        )
    raise DiscrepancyError(path, what, expected=expected, found=found)


def parsed(path: str, what: str, parse: Callable[[], Content]) -> Content:
    """Return what ``parse`` makes of a file.

    Raises:
        DiscrepancyError: it can't be made.
        StoreError: the store failed.
    """
    try:
        return parse()
    except StoreError:
        raise
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        found = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        raise DiscrepancyError(path, "content", expected=what, found=found) from error
    except (pa.ArrowException, OSError, UserError) as error:
        raise DiscrepancyError(path, "content", expected=what, found=error) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        found = f"{type(error).__name__}: {error}"
        raise DiscrepancyError(path, "content", expected=what, found=found) from error
