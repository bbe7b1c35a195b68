"""Flaws in what the project hands out beside its code: its license, and pages that are made from the code."""

from typing import Final

from tests.flaws.flaw import Flaw

GOVERNING: Final = (
    Flaw(
        "license_is_not_distributed",
        "Whoever installs Penstock may use it: the wheel names a license and does not hold its text.",
        "pyproject.toml",
        'license-files = ["LICENSE"]\n',
        "license-files = []\n",
        ("tests/unit/test_governance.py::test_distribution_carries_the_license",),
    ),
)
