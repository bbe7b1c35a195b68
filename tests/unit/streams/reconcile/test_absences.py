"""How many absent resources are looked for before a person is asked."""

import pytest

from streams.reconcile.absences import most_absent, question


@pytest.mark.parametrize(
    ("stored", "most"), [(0, 1), (1, 1), (39, 1), (40, 2), (1_000, 50), (20_000, 1_000), (1_000_000, 1_000)]
)
def test_a_twentieth_at_most_a_thousand(stored: int, most: int) -> None:
    """And always one."""
    assert most_absent(stored) == most
    assert question(most, stored, "product") == ""
    assert f"{most + 1:,} of {stored:,} stored product" in question(most + 1, stored, "product")
