"""What each fault of a fake provider is for a client: a failure as a value."""

from collections.abc import Sequence
from typing import Final

from providers.api import Failure, Throttled, Unavailable
from simulator.providers.faults import Fault

FAILURES: Final[Sequence[tuple[Fault, type[Failure]]]] = [
    ("error", Unavailable),
    ("unavailable", Unavailable),
    ("throttled", Throttled),
    ("reset", Unavailable),
    ("torn", Unavailable),
    ("stall", Unavailable),
]
