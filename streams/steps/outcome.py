"""Step 5 of 5: sums up what became of a delivery's resources in one outcome."""

from collections.abc import Sequence
from typing import Final

from schemas.records import Outcome, OutcomeName

PRECEDENCE: Final[tuple[OutcomeName, ...]] = ("changed", "filtered", "unchanged", "stale", "duplicate", "dead")
"""Of several resources in one delivery the one that did most speaks for it."""


def summarise(parts: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a delivery from those of its resources, in their order; all event ids are kept."""
    if len(parts) == 1:
        return parts[0]
    leading = min(parts, key=lambda part: PRECEDENCE.index(part.outcome))
    return Outcome(
        leading.outcome,
        leading.reason,
        leading.detail,
        tuple(event_id for part in parts for event_id in part.event_ids),
    )
