"""Mutants in what names a resource and what orders it within one second: `providers/stripe/` and `providers/bigcommerce/`."""

from typing import Final

from tests.mutants.mutant import Mutant

_KNOWN_BUGS: Final = "tests/contract/test_known_bugs.py"
_STRIPE_NAMES: Final = "tests/unit/providers/stripe/test_names.py"

IDENTIFYING: Final = (
    Mutant(
        "creation_is_not_the_first_of_its_second",
        "Order of a resource: a creation that arrives after an update of the same second undoes it.",
        "providers/stripe/ranks.py",
        "        return CREATION\n",
        "        return 0\n",
        ("tests/contract/test_stripe_life_cycles.py::test_any_order_of_arrival_ends_in_the_last_state[product]",),
    ),
    Mutant(
        "way_back_is_older",
        "Every real change once: a state to which a subscription returns within one second is lost.",
        "providers/stripe/ranks.py",
        'return max(rank, ranks.of(previous)) if isinstance(previous, dict) and "status" in previous else rank',
        "return rank",
        ("tests/contract/test_stripe_life_cycles.py::test_way_back_is_not_older_than_the_state_it_leaves",),
    ),
    Mutant(
        "missing_id_merges",
        "One resource, one key: two objects without an id are taken for one.",
        "providers/stripe/provider.py",
        "return Found(resource_type, occurrence_id, stripe_object, is_occurrence=True)",
        "return Found(resource_type, SINGLETON, stripe_object, is_occurrence=True)",
        (f"{_STRIPE_NAMES}::test_different_objects_are_different_resources",),
    ),
    Mutant(
        "owner_is_not_part_of_the_name",
        "One resource, one key: the capability of one account is taken for that of another.",
        "providers/stripe/names.py",
        'return f"{owner}:{own_id}" if owner else own_id',
        "return own_id",
        (f"{_STRIPE_NAMES}::test_different_objects_are_different_resources",),
    ),
    Mutant(
        "ingress_does_not_read_what_names_a_thin_event",
        "Order of a resource: the ingress partitions a thin event by another key than the pipeline stores it under.",
        "providers/stripe/provider.py",
        '    "object",\n    "type",\n    "created",\n',
        '    "type",\n    "created",\n',
        (f"{_KNOWN_BUGS}::test_thin_event_has_one_key_at_the_ingress_and_in_the_pipeline",),
    ),
    Mutant(
        "thin_event_replaces_the_object",
        "The last state is kept: a notification replaces the document of the object that it is about.",
        "providers/stripe/provider.py",
        'prefix = "" if resource_type.startswith(API_VERSIONS) else "v1_"',
        'prefix = ""',
        (f"{_KNOWN_BUGS}::test_thin_event_does_not_replace_the_object_it_is_about",),
    ),
    Mutant(
        "notification_without_id_is_named_by_its_parent",
        "One resource, one key: all messages of an order are one, because their deliveries name only the order.",
        "providers/bigcommerce/provider.py",
        "return Found(rule.resource_type, notice.occurrence_id, parent, is_occurrence=True)",
        'return Found(rule.resource_type, ":".join(parent or ()), parent, is_occurrence=True)',
        ("tests/unit/providers/bigcommerce/test_rules.py::test_different_things_are_different_resources",),
    ),
)
