"""Mutants in how times are read and what they order: `providers/` and what the pipeline says of unreadable ones."""

from typing import Final

from tests.mutants.mutant import Mutant

_REPORTED: Final = "tests/contract/test_reported_times.py"

TIMING: Final = (
    Mutant(
        "attempt_time_orders",
        "Order of a resource: an old delivery that is retried late wins, because its attempt is the newest.",
        "providers/standard.py",
        "event_time=times.event_time or (",
        "event_time=times.event_time or delivery.received_at or (",
        (f"{_REPORTED}::test_without_any_time_arrival_orders",),
    ),
    Mutant(
        "milliseconds_are_no_times",
        "Order of a resource: an older update from a sender that writes milliseconds wins by arriving later.",
        "providers/times.py",
        "    (_EARLIEST_S * 1_000, _LATEST_S * 1_000, 1_000),\n",
        "",
        (f"{_REPORTED}::test_late_retry_of_an_older_update_is_stale",),
    ),
    Mutant(
        "unreadable_time_is_silent",
        "One true outcome: a time that cannot be read leaves the order to arrival, and nothing says so.",
        "streams/pipeline.py",
        "return Result(with_notes(outcome, parsed.notes), routed_changes, writes, told)",
        "return Result(outcome, routed_changes, writes, told)",
        (f"{_REPORTED}::test_unreadable_time_is_in_the_outcome",),
    ),
    Mutant(
        "part_deletes_the_whole",
        "Every real change once: a customer is deleted with the first card that is removed.",
        "providers/reading.py",
        'return verb if _names_same(subject, resource_type or resource_of_event(event_type)) else ""',
        "return verb",
        (f"{_REPORTED}::test_part_that_is_deleted_does_not_delete_the_whole",),
    ),
    Mutant(
        "creation_ties_with_an_update",
        "In order: a creation that the update of its second overtook replaces it.",
        "providers/reading.py",
        "return 1 if _verb_of(event_type, resource_type) in _CREATIONS else 2",
        "return 2",
        (f"{_REPORTED}::test_creation_is_the_first_of_its_second",),
    ),
    Mutant(
        "volatile_option_is_ignored",
        "Every real change once: each view of a page is a change, although the source says that it is none.",
        "providers/generic.py",
        "frozenset((*self.options.time_paths, *self.options.volatile))",
        "frozenset(self.options.time_paths)",
        (f"{_REPORTED}::test_volatile_fields_alone_are_no_change",),
    ),
)
