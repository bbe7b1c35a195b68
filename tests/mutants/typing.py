"""Mutants in the column tables, what they are made from, and what reads them: `schemas/typed/` and `schemas/generate/`."""

from typing import Final

from tests.mutants.mutant import Mutant

_TABLES: Final = "tests/unit/schemas/generate/test_tables.py"
_SOURCES: Final = "tests/unit/schemas/generate/test_sources.py"

TYPING: Final = (
    Mutant(
        "new_column_comes_first",
        "Typed values: a new column moves all others, so that records that are already on the topic are read wrongly.",
        "schemas/generate/tables.py",
        "(*columns, *added)",
        "(*added, *columns)",
        (f"{_TABLES}::test_reviewed_columns_keep_place_kind_and_sentence",),
    ),
    Mutant(
        "dropped_table_is_deleted",
        "Typed values: a resource that its source no longer has becomes a generic document, and its topic a mixture.",
        "schemas/generate/tables.py",
        "return sorted((*known, *found), key=",
        "return sorted(found, key=",
        (f"{_TABLES}::test_table_of_a_dropped_resource_stays",),
    ),
    Mutant(
        "older_version_tells_the_type",
        "Typed values: a type that a provider has corrected stays wrong, and every value of the column misfits.",
        "schemas/generate/fields.py",
        "for version in versions:",
        "for version in reversed(versions):",
        (f"{_SOURCES}::test_shopify_versions_add_what_the_newest_lacks",),
    ),
    Mutant(
        "money_is_text",
        "Typed values: a Shopify price is text, which cannot be summed.",
        "schemas/generate/shopify.py",
        'return "decimal"',
        'return ""',
        (f"{_SOURCES}::test_shopify_kinds_come_from_types_and_names",),
    ),
    Mutant(
        "package_is_not_checked",
        "Supply chain: a package that was replaced at its registry writes the column tables.",
        "schemas/generate/packages.py",
        "if found != package.sha256:",
        "if len(found) != len(package.sha256):",
        ("tests/unit/schemas/generate/test_packages.py::test_archive_with_another_hash_is_refused",),
    ),
    Mutant(
        "unknown_kind_is_read",
        "Typed values: a misspelt kind is noticed only when the first record is encoded.",
        "schemas/typed/columns.py",
        'if entry["kind"] not in KINDS:',
        'if not entry["kind"]:',
        ("tests/unit/schemas/typed/test_columns.py::test_wrong_file_is_refused_with_its_place",),
    ),
    Mutant(
        "resource_type_becomes_a_path",
        "Typed values: the type of a generic source, which its sender chooses, reads files outside the tables.",
        "schemas/typed/columns.py",
        "if not (is_column_name(provider) and is_column_name(resource)):",
        "if not provider:",
        ("tests/unit/schemas/typed/test_columns.py::test_resource_without_a_file_has_no_table",),
    ),
)
