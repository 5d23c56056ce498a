"""The published rule sets under one name each: a recipe's building blocks.

The thresholds stand in the declarations of the signals, in the module of each family; a set says
which of them go together.

Bounds are inclusive, as in datatrove, which made FineWeb: it drops what is beyond a bound. Where
the sources differ:

- FineWeb's section 3.6 drops what is equal to a bound too, and has 0.1 for duplicated lines where
  its Table 2 and datatrove have 0.01; the rule on newlines is in datatrove alone.
- EvalWeb drops a page of 200 characters, and mOSCAR's appendix keeps what is above 100 bytes: the
  first figure that they keep is the bound here. PanGu-α and OSCAR keep their bound.
- mOSCAR drops pages of fewer than 3 nodes before it looks at the nodes: a line is a node here.
- C4's paper has 5 sentences and lines of 3 words in its first version, as datatrove has, and 3
  sentences and lines of 5 words in the last one, as C4's released code has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from filters.banned_words import BannedWords
from filters.bounds import Bounds
from filters.c4 import C4Quality
from filters.evalweb import EvalWeb
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality, GopherRepetition
from filters.moscar import Moscar
from filters.nemo_curator import NemoCurator
from filters.oscar import Oscar
from filters.pangu import PanGu
from filters.refinedweb import RefinedWebLines
from filters.signals import SignalFamily
from filters.url_rules import UrlRules


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleSet(Mapping[str, Bounds]):
    """A named set of rules: a mapping of signals to the bounds of what is kept.

    Attributes:
        source: The paper with its section or table.
        bounds: The rules.
    """

    source: str
    bounds: Mapping[str, Bounds]

    def __getitem__(self, signal: str) -> Bounds:
        return self.bounds[signal]

    def __iter__(self) -> Iterator[str]:
        return iter(self.bounds)

    def __len__(self) -> int:
        return len(self.bounds)


def _thresholds(*families: SignalFamily, source: str = "") -> dict[str, Bounds]:
    """Return the published threshold of each signal that has one and is of the source."""
    return {
        signal.name: signal.threshold
        for family in families
        for signal in family.signals
        if signal.threshold is not None and signal.source.startswith(source)
    }


RULE_SETS: dict[str, RuleSet] = {
    "gopher_quality": RuleSet(
        source="Gopher, arXiv 2112.11446, appendix A.1.1 (quality filtering)",
        bounds=_thresholds(GopherQuality()),
    ),
    "gopher_repetition": RuleSet(
        source="Gopher, arXiv 2112.11446, Table A1",
        bounds=_thresholds(GopherRepetition()),
    ),
    "gopher": RuleSet(
        source="Gopher, arXiv 2112.11446, appendix A.1.1 and Table A1",
        bounds=_thresholds(GopherQuality(), GopherRepetition()),
    ),
    "fineweb": RuleSet(
        source="FineWeb, arXiv 2406.17557, section 3.6 and Table 2, as in datatrove",
        bounds=_thresholds(FineWebQuality()),
    ),
    "c4": RuleSet(
        source="C4, arXiv 1910.10683, section 2.2, without the rule on terminal punctuation, as "
        "FineWeb uses it (arXiv 2406.17557, section 3.5)",
        bounds=_thresholds(C4Quality()),
    ),
    "refinedweb": RuleSet(
        source="RefinedWeb, arXiv 2306.01116, appendix G.2, without the rules that it takes over "
        "from Gopher",
        bounds=_thresholds(RefinedWebLines(), source="RefinedWeb"),
    ),
    "dclm": RuleSet(
        source="DCLM, arXiv 2406.11794, as in its dclm_baseline_refinedweb.yaml, without the rules "
        "that it takes over from Gopher",
        bounds=_thresholds(RefinedWebLines(), source="DCLM"),
    ),
    "nemo_curator": RuleSet(
        source="NeMo Curator, the defaults of its heuristic filters that have no other set here; "
        "it calls one of them adapted from Gopher, arXiv 2112.11446",
        bounds=_thresholds(NemoCurator(), source="NeMo Curator"),
    ),
    "evalweb_zh": RuleSet(
        source="EvalWeb (ChineseWebText), arXiv 2311.01149, as in the code released with it",
        bounds={"length.characters": Bounds(min=201), **_thresholds(EvalWeb())},
    ),
    "pangu": RuleSet(
        source="PanGu-α, arXiv 2104.12369, as restated in arXiv 2309.16298, appendix F",
        bounds={
            "length.characters": Bounds(min=150),
            "evalweb.chinese_character_ratio": Bounds(min=0.6),
            **_thresholds(PanGu()),
        },
    ),
    "moscar": RuleSet(
        source="mOSCAR, arXiv 2406.08707, section 3 and appendix A.4, without toxic words",
        bounds={"length.lines": Bounds(min=3), **_thresholds(Moscar())},
    ),
    "oscar": RuleSet(
        source="OSCAR 22.01, arXiv 2201.06642: no quality warning, and the filter of records",
        bounds={"length.lines": Bounds(min=5), **_thresholds(Oscar())},
    ),
    "c4_banned_words": RuleSet(
        source="C4, arXiv 1910.10683, section 2.2: no banned word at all",
        bounds=_thresholds(BannedWords(), source="C4"),
    ),
    "moscar_banned_words": RuleSet(
        source="mOSCAR, arXiv 2406.08707, toxicity filtering: fewer than two different ones",
        bounds=_thresholds(BannedWords(), source="mOSCAR"),
    ),
    "refinedweb_url": RuleSet(
        source="RefinedWeb, arXiv 2306.01116, section 3.1 and appendix G.1, as in datatrove",
        bounds=_thresholds(UrlRules()),
    ),
}
