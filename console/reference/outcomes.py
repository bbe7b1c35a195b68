"""The outcomes with all their reasons, from `schemas/reasons.py`."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from schemas.reasons import REASONS
from schemas.records import OutcomeName

MEANINGS: Final[Mapping[OutcomeName, str]] = {
    "changed": "At least one change event was published.",
    "duplicate": "It had been processed already.",
    "stale": "Something newer was decided before.",
    "unchanged": "Nothing differs that counts.",
    "filtered": "It was right, but no topic gets a change.",
    "dead": "It could not be processed; kept on `deliveries.dead`.",
    "pending": "It waits; kept on `deliveries.pending` until it ends as one of the others.",
}


def outcomes_section() -> Iterator[str]:
    """Yield the lines of the section about outcomes."""
    yield "| outcome | reason | meaning |"
    yield "|---|---|---|"
    for outcome, reasons in groupby(REASONS, key=lambda reason: reason.outcome):
        yield f"| `{outcome}` | | {MEANINGS[outcome]} |"
        yield from (f"| | `{reason.name}` | {reason.meaning} |" for reason in reasons)
