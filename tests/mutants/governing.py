"""Mutants in distributed files other than code: the license, and pages generated from the code."""

from typing import Final

from tests.mutants.mutant import Mutant

GOVERNING: Final = (
    Mutant(
        "license_is_not_distributed",
        "The license comes with the wheel: it names a license and does not contain its text.",
        "pyproject.toml",
        'license-files = ["LICENSE"]\n',
        "license-files = []\n",
        ("tests/unit/test_governance.py::test_distribution_carries_the_license",),
    ),
    Mutant(
        "default_changes_without_its_page",
        "The reference is true: docs/configuration.md names another default than the code has.",
        "config/model.py",
        "seen_days: Annotated[StrictInt, Field(ge=1, le=365)] = 7",
        "seen_days: Annotated[StrictInt, Field(ge=1, le=365)] = 14",
        ("tests/unit/config/test_reference.py::test_page_is_up_to_date",),
    ),
    Mutant(
        "limit_of_a_number_is_not_shown",
        "The reference is whole: a limit that is checked is not on the page.",
        "config/reference.py",
        'schema.get("minimum", schema.get("ge")), schema.get("maximum", schema.get("le"))',
        'schema.get("minimum"), schema.get("maximum")',
        ("tests/unit/config/test_reference.py::test_row_says_type_default_unit_and_limits",),
    ),
)
