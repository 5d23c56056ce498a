"""The signal families of this package by the name that a recipe calls them."""

from filters.c4 import C4Quality
from filters.exact import ExactHashes
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality, GopherRepetition
from filters.length import Length
from filters.minhash import MinHashSignature
from filters.nemo_curator import NemoCurator
from filters.redpajama import RedPajama
from filters.refinedweb import RefinedWebLines
from filters.signals import SignalFamily

FAMILIES: dict[str, type[SignalFamily]] = {
    "gopher_quality": GopherQuality,
    "gopher_repetition": GopherRepetition,
    "c4": C4Quality,
    "fineweb": FineWebQuality,
    "refinedweb": RefinedWebLines,
    "redpajama": RedPajama,
    "nemo_curator": NemoCurator,
    "length": Length,
    "exact": ExactHashes,
    "minhash": MinHashSignature,
}
