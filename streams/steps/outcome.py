"""Step 5 of 5: summarises the outcomes of a delivery's resources as one outcome."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from schemas.records import Outcome, OutcomeName

PRECEDENCE: Final[tuple[OutcomeName, ...]] = (
    "changed",
    "filtered",
    "unchanged",
    "stale",
    "duplicate",
    "dead",
    "pending",
)
"""The first outcome in this order among a delivery's resources is the delivery's outcome."""


def summarise(parts: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a delivery from those of its resources, in order; all event ids are kept."""
    if len(parts) == 1:
        return parts[0]
    leading = min(parts, key=lambda part: PRECEDENCE.index(part.outcome))
    return Outcome(
        leading.outcome,
        leading.reason,
        leading.detail,
        tuple(event_id for part in parts for event_id in part.event_ids),
    )


def with_notes(outcome: Outcome, notes: Sequence[str]) -> Outcome:
    """Return the outcome with these sentences after its detail; outcome, reason and events stay unchanged."""
    if not notes:
        return outcome
    return replace(outcome, detail="; ".join(text for text in (outcome.detail, *notes) if text))
