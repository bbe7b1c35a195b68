"""Mutants of renderings and ids: what a partial document leaves out, what names a resource, what is no data."""

from typing import Final

from tests.mutants.mutant import Mutant

RENDERING: Final = (
    Mutant(
        "test_notification_is_data",
        "Tests are no data: the made-up order of the admin's button becomes a change.",
        "providers/shopify/provider.py",
        '.lower() == "true":\n',
        '.lower() == "never":\n',
        ("tests/contract/test_test_deliveries.py::test_test_notification_is_no_data",),
    ),
)
