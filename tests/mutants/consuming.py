"""Mutants in what data teams copy: the example that mirrors a topic, and the generated reference."""

from typing import Final

from tests.mutants.mutant import Mutant

BOOTSTRAP = "tests/kafka/test_examples.py::test_bootstrap_waits_for_what_is_not_decided"

CONSUMING: Final = (
    Mutant(
        "labels_of_a_variable_are_left_out",
        "The reference is what the code says: metrics whose labels are in a variable are listed without any.",
        "console/reference/metrics.py",
        "        given = lists.get(given.id)\n",
        "        given = None\n",
        (
            "tests/unit/console/reference/test_metrics.py::test_declaration_is_found_with_its_labels",
            "tests/unit/console/reference/test_files.py::test_files_are_up_to_date",
        ),
    ),
    Mutant(
        "further_fields_violate_the_schema",
        "A provider may add fields: every document with one violates the JSON Schema of its resource.",
        "console/reference/json_schemas.py",
        '        "additionalProperties": True,\n',
        '        "additionalProperties": False,\n',
        ("tests/unit/console/reference/test_json_schemas.py::test_document_is_valid",),
    ),
    Mutant(
        "hidden_states_are_not_waited_for",
        "A bootstrap has no gap: a state that Kafka still hides while its change is visible is in neither part.",
        "docs/examples/mirror.py",
        "self.ends(self.state, IsolationLevel.READ_UNCOMMITTED)",
        "self.ends(self.state, IsolationLevel.READ_COMMITTED)",
        (f"{BOOTSTRAP}[state]",),
    ),
    Mutant(
        "changes_are_followed_from_behind_open_transactions",
        "A bootstrap has no gap: the change of a transaction that is open while it begins is never read.",
        "docs/examples/mirror.py",
        "self.ends(self.changes, IsolationLevel.READ_COMMITTED)",
        "self.ends(self.changes, IsolationLevel.READ_UNCOMMITTED)",
        (f"{BOOTSTRAP}[change]",),
    ),
    Mutant(
        "end_of_changes_is_noted_too_late",
        "A bootstrap has no gap: what changes while `state.*` is read is in neither part.",
        "docs/examples/mirror.py",
        "        self.assign(noted)\n",
        "        noted = self.ends(self.changes, IsolationLevel.READ_COMMITTED)\n        self.assign(noted)\n",
        (f"{BOOTSTRAP}[change]",),
    ),
)
