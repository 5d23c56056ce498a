"""The signal families and the edits of this package by the name that a recipe calls them."""

from filters.banned_words import BannedWords
from filters.c4 import C4Quality
from filters.c4_edit import C4Lines
from filters.edits import Edit
from filters.evalweb import EvalWeb
from filters.exact import ExactHashes
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality, GopherRepetition
from filters.length import Length
from filters.minhash import MinHashSignature
from filters.moscar import Moscar
from filters.nemo_curator import NemoCurator
from filters.normalisation import FixText, UnicodeForm, WhiteSpace
from filters.opt_out import OptOut
from filters.oscar import Oscar
from filters.pangu import PanGu
from filters.pii import PersonalData
from filters.redpajama import RedPajama
from filters.refinedweb import RefinedWebLines
from filters.signals import SignalFamily
from filters.url_rules import UrlRules

FAMILIES: dict[str, type[SignalFamily]] = {
    "gopher_quality": GopherQuality,
    "gopher_repetition": GopherRepetition,
    "c4": C4Quality,
    "fineweb": FineWebQuality,
    "refinedweb": RefinedWebLines,
    "redpajama": RedPajama,
    "nemo_curator": NemoCurator,
    "length": Length,
    "evalweb": EvalWeb,
    "pangu": PanGu,
    "moscar": Moscar,
    "oscar": Oscar,
    "exact": ExactHashes,
    "minhash": MinHashSignature,
    "url_rules": UrlRules,
    "banned_words": BannedWords,
    "opt_out": OptOut,
}

EDITS: dict[str, type[Edit]] = {
    "ftfy": FixText,
    "unicode": UnicodeForm,
    "whitespace": WhiteSpace,
    "pii": PersonalData,
    "c4_lines": C4Lines,
}
