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
    Mutant(
        "record_of_older_columns_is_copied",
        "What was emitted before: after a table has grown, `before` is bytes of another schema, which no reader can take.",
        "streams/steps/typed_records.py",
        "latest is not None and latest.columns == typed.fingerprint else None",
        "latest is not None else None",
        ("tests/unit/streams/worker/test_typed_records.py::test_record_of_other_columns_is_made_again",),
    ),
    Mutant(
        "refused_columns_make_a_topic_text",
        "A topic has one form: a typed one gets documents as text when two workers register at the same time.",
        "streams/worker/encoder.py",
        "            if typed is None or self._registry.is_typed(topic):\n",
        "            if typed is None:\n",
        (
            "tests/unit/streams/worker/test_typed_records.py::test_typed_topic_that_refuses_new_columns_is_not_made_text",
        ),
    ),
    Mutant(
        "last_route_decides_the_columns",
        "A topic has one schema: two routes lead orders and products to one topic, and each registers its own.",
        "streams/steps/typed_topics.py",
        "kind if found.get(topic, kind) == kind else None",
        "kind",
        ("tests/unit/streams/steps/test_typed_topics.py::test_topic_that_several_kinds_may_reach_stays_text",),
    ),
    Mutant(
        "typed_documents_are_read_as_rows",
        "Readers show what the provider sent: `tail`, `explain` and a replay's comparison get columns instead of the document.",
        "schemas/typed/reading.py",
        "document_json(document(record[name], cast(Kinds, self._kinds)))",
        "document_json(record[name])",
        ("tests/unit/streams/worker/test_typed_records.py::test_change_and_state_are_typed",),
    ),
    Mutant(
        "drift_is_told_every_time",
        "Drift is reported once: with each delivery that shows a new field the counter rises and the log grows.",
        "streams/steps/drift.py",
        'for drift in dict.fromkeys(found) if f"{drift.kind} {drift.field}" not in names]',
        "for drift in dict.fromkeys(found)]",
        ("tests/unit/streams/steps/test_drift.py::test_field_that_leaves_its_column_is_told_once",),
    ),
    Mutant(
        "partial_rendering_is_drift",
        "Drift that matters: a sender's `include_fields` makes every left-out field vanish.",
        "streams/steps/drift.py",
        "if snapshot.document is None or snapshot.is_partial or snapshot.is_shared:",
        "if snapshot.document is None:",
        ("tests/unit/streams/steps/test_drift.py::test_partial_rendering_shows_nothing_about_what_it_leaves_out",),
    ),
)
