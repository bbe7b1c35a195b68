"""Decides whether what a complete list lacks is looked for by id, and then deleted where the provider has no such resource. Pure.

A right that was taken away, or a broken list, hides many resources at once, and a read by id does not find these either. So a
person is asked when more are absent than a day may delete.
Source: shared experience of other tools (rows that were deleted because a listing had failed).
"""

from typing import Final

MOST_SHARE: Final = 0.05
MOST: Final = 1_000


def most_absent(stored: int) -> int:
    """Return how many of so many stored resources may be gone: 5 %, at most 1,000, and always one."""
    return max(1, min(MOST, int(stored * MOST_SHARE)))


def question(absent: int, stored: int, resource: str) -> str:
    """Return what a person is asked, "" if so few are absent that each may be looked for."""
    if absent <= most_absent(stored):
        return ""
    return (
        f"{absent:,} of {stored:,} stored {resource} resources are not in the provider's complete list; nothing was deleted. "
        "Does the token still see all of them? If so, `penstock reconcile --delete-absent` looks for each of them by id, "
        "and deletes what is gone"
    )
