"""How the report writes numbers and what a crawl wrote."""

import math
import re
from collections.abc import Mapping

_LEAST_PERCENT = 0.01

# Controls other than tab and newline, what reorders the text around it, what hides text.
_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069"
    "\\u200b\\u2060-\\u2064\\ufeff\\U000e0000-\\U000e007f]"
)
_CONTROL_PICTURES = 0x2400


def visible(text: str) -> str:
    r"""Return text with control characters, and those that reorder or hide text, made visible.

    >>> visible("a\x00b\u202ec")
    'a␀b⟨U+202E⟩c'
    """

    def picture(match: re.Match[str]) -> str:
        code = ord(match.group())
        return chr(_CONTROL_PICTURES + code) if code < ord(" ") else f"⟨U+{code:04X}⟩"

    return _CONTROL.sub(picture, text)


def count(number: float) -> str:
    """Return a whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,.0f}"


def share(part: float) -> str:
    """Return a share as a percentage.

    >>> [share(part) for part in (0, 0.00001, 0.01234, 0.505, 1)]
    ['0 %', '<0.01 %', '1.23 %', '50.5 %', '100 %']
    """
    percent = 100 * part
    if 0 < percent < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT} %"
    return f"{percent:.{2 if percent < 10 else 1}f}".rstrip("0").rstrip(".") + " %"


def figure(value: float) -> str:
    """Return a signal's value in four digits, or all digits of a whole number.

    >>> [figure(value) for value in (12345, 0.98765, 1234.5, 5e-7)]
    ['12,345', '0.9877', '1,234', '5e-07']
    """
    return count(value) if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"


def bucket_name(bucket: int) -> str:
    """Return what a length bucket holds, in tokens.

    >>> bucket_name(1024), bucket_name(65537)
    ('up to 1,024', '65,537 and more')
    """
    # The open bucket is named by its lower bound, which is no power of two.
    return f"up to {bucket:,}" if bucket.bit_count() == 1 else f"{bucket:,} and more"


def estimate(number: Mapping[str, float]) -> str:
    """Return an estimated count with its sampling error, rounded up, if it has one.

    >>> estimate({"estimate": 12345.2, "error": 67.8}), estimate({"estimate": 12, "error": 0})
    ('12,345 ± 68', '12')
    """
    told, error = count(number["estimate"]), math.ceil(number["error"] - 1e-3)
    return f"{told} ± {count(error)}" if error > 0 else told
