"""NeMo Curator's shares of characters, as signals.

Those of its heuristic filters that no other family holds, as in its code
(NVIDIA-NeMo/Curator, ``nemo_curator/stages/text/filters/heuristic/string.py``). data-juicer's
special characters are left out: on web pages they are the share of letters over again, which
OSCAR's noise is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from filters.bounds import Bounds
from filters.characters import DIGIT, WHITE_SPACE
from filters.language_codes import standard_tag
from filters.signals import Signal, SignalValue
from filters.text_view import TextView

# What NeMo Curator does not call "non-alphanumeric": ends of sentences and lines count as letters.
_IS_OTHER = np.array([not (chr(code).isalnum() or chr(code) in "\n?!,.") for code in range(128)])
_PARENTHESES = "{}⟨⟩[]()"
_URL = re.compile(r"https?://[^\s<>\"]++")


@dataclass(frozen=True, kw_only=True)
class NemoCurator:
    r"""The shares of a text's characters that are of one kind.

    NeMo Curator gives an empty text the ratio 1, to drop it; here an empty text has no ratios. Its
    white space is five characters of ASCII, here it is Unicode's. Its pattern of an address stops
    at the first slash behind the host; here an address goes on to white space, a quote or an angle
    bracket.

    >>> values = NemoCurator().compute(TextView("See [1]: https://example.com/a"))
    >>> values["nemo.parenthesis_ratio"], values["nemo.url_ratio"]
    (0.06666666666666667, 0.7)
    """

    signals = tuple(
        Signal(
            name=f"nemo.{share}_ratio",
            type="float64",
            unit="ratio",
            meaning=f"Share of the characters that {what}.",
            source=f"NeMo Curator, filters/heuristic/string.py ({rule})",
            threshold=Bounds(max=most),
        )
        for share, what, rule, most in (
            ("white_space", "are white space", "WhiteSpaceFilter", 0.25),
            ("digit", "are decimal digits, of any script", "NumbersFilter", 0.15),
            (
                "parenthesis",
                "are round, square, curly or angle brackets",
                "ParenthesesFilter",
                0.1,
            ),
            ("url", "stand in web addresses", "UrlsFilter", 0.2),
            (
                "non_alphanumeric",
                "are no English letters, digits, newlines or ? ! , . (spaces count); null where "
                "the language is known and is not English",
                "NonAlphaNumericFilter",
                0.25,
            ),
        )
    )

    def compute(self, view: TextView) -> Mapping[str, SignalValue]:
        """Count characters by their kind."""
        characters = len(view.text)
        values: dict[str, SignalValue] = dict.fromkeys(signal.name for signal in self.signals)
        if not characters:
            return values
        values |= {
            "nemo.white_space_ratio": view.count_characters(WHITE_SPACE) / characters,
            "nemo.digit_ratio": view.count_characters(DIGIT) / characters,
            "nemo.parenthesis_ratio": sum(map(view.text.count, _PARENTHESES)) / characters,
            "nemo.url_ratio": _in_urls(view.text) / characters,
        }
        if view.language is None or standard_tag(view.language) == "en":
            # What is not ASCII is counted with a control, and what no line holds is white space.
            others = int(view.ascii_counts[_IS_OTHER].sum())
            others += view.stripped_characters - view.text.count("\n")
            values["nemo.non_alphanumeric_ratio"] = others / characters
        return values


def _in_urls(text: str) -> int:
    # Few pages spell out an address, and one search of the whole page tells.
    return sum(map(len, _URL.findall(text))) if "://" in text else 0
