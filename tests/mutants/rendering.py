"""Mutants of renderings and ids: what a partial document leaves out, what names a resource, what is no data."""

from typing import Final

from tests.mutants.mutant import Mutant

_IDS = "tests/unit/providers/shopify/test_ids.py"

RENDERING: Final = (
    Mutant(
        "discounts_share_their_numbers",
        "Two things never share a resource: automatic and code discounts are numbered separately.",
        "providers/shopify/ids.py",
        "    if kind in _NUMBERED_SEPARATELY and tail:\n",
        "    if False:\n",
        (f"{_IDS}::test_two_things_do_not_share_a_resource",),
    ),
    Mutant(
        "test_notification_is_data",
        "Tests are no data: the made-up order of the admin's button becomes a change.",
        "providers/shopify/provider.py",
        '.lower() == "true":\n',
        '.lower() == "never":\n',
        ("tests/contract/test_test_deliveries.py::test_test_notification_is_no_data",),
    ),
)
