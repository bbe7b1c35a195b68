"""Mutants in the decision about a delivery: `providers/`, `streams/pipeline.py` and `streams/steps/`."""

from typing import Final

from tests.mutants.mutant import Mutant

_DECISIONS: Final = "tests/unit/streams/steps/test_decisions.py"

DECIDING: Final = (
    Mutant(
        "older_version_wins",
        "Order of a resource: what overtook is dropped, and what was overtaken is emitted.",
        "streams/steps/dedup.py",
        "return (shown_us, snapshot.state_rank) < (stored_us, latest.state_rank)",
        "return (shown_us, snapshot.state_rank) > (stored_us, latest.state_rank)",
        ("tests/unit/streams/steps/test_dedup.py::test_is_older_compares_versions_then_event_times",),
    ),
    Mutant(
        "tie_is_stale",
        "Every real change once: of two contents within one second the later is lost.",
        "streams/steps/dedup.py",
        "return (shown_us, snapshot.state_rank) < (stored_us, latest.state_rank)",
        "return (shown_us, snapshot.state_rank) <= (stored_us, latest.state_rank)",
        ("tests/unit/streams/steps/test_dedup.py::test_is_older_compares_versions_then_event_times",),
    ),
    Mutant(
        "update_in_the_second_of_the_delete_wins",
        "Order of a resource: an update stamped with the second of the delete brings a deleted resource back.",
        "streams/steps/dedup.py",
        "return shown_us <= stored_us",
        "return shown_us < stored_us",
        (f"{_DECISIONS}::test_situation_is_decided_as_documented",),
    ),
    Mutant(
        "staleness_asked_first",
        "One true outcome: a repetition of an old delivery ends as stale instead of duplicate.",
        "streams/steps/dedup.py",
        """    if seen is not None:
        if delivery.delivery_id in seen.delivery_ids:
""",
        """    if latest is not None and is_older(snapshot, latest):
        return DedupVerdict("stale", "older_than_stored", "a newer version of this resource was decided before")
    if seen is not None:
        if delivery.delivery_id in seen.delivery_ids:
""",
        ("tests/unit/streams/steps/test_dedup.py::test_dedup_gives_the_reason",),
    ),
    Mutant(
        "seen_row_not_written",
        "Every real change once: a retry after another content of the same version is emitted again.",
        "streams/pipeline.py",
        'writes.seen[f"{subject.key}\\0{subject.tag}".encode()] = codec.encode_row(row)',
        "codec.encode_row(row)",
        (f"{_DECISIONS}::test_situation_is_decided_as_documented",),
    ),
    Mutant(
        "unchanged_does_not_advance_the_version",
        "Order of a resource: after a touched but equal document, an older one is taken for news.",
        "streams/pipeline.py",
        "    writes.latest[subject.key.encode()] = codec.encode_row(_state(subject, change, typed))\n    if change is None:\n",
        "    if change is not None:\n"
        "        writes.latest[subject.key.encode()] = codec.encode_row(_state(subject, change, typed))\n"
        "    else:\n",
        (f"{_DECISIONS}::test_situation_is_decided_as_documented",),
    ),
    Mutant(
        "delete_forgets_the_version",
        "Order of a resource: an update older than the delete brings a deleted resource back.",
        "streams/pipeline.py",
        "    if change is not None:\n        event_id = change.event_id\n",
        "    if change is not None:\n        event_id = change.event_id\n"
        "    if subject.text is None:\n        version_us = event_time_us = None\n",
        (f"{_DECISIONS}::test_situation_is_decided_as_documented",),
    ),
    Mutant(
        "event_ids_are_random",
        "Every real change once: a replay, or a second loader, cannot tell that it has seen a change before.",
        "streams/steps/event_id.py",
        '    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"',
        "    return str(uuid.uuid4())",
        (f"{_DECISIONS}::test_same_history_makes_the_same_ids",),
    ),
    Mutant(
        "flip_back_shares_an_id",
        "Every real change once: A, B and A again within one second have two events under one id, of which loaders keep one.",
        "streams/pipeline.py",
        '{subject.fingerprint.hex()}\\0{op}\\0{earlier}")',
        '{subject.fingerprint.hex()}\\0{op}")',
        ("tests/unit/streams/test_pipeline.py::test_flips_within_one_version_never_share_an_id",),
    ),
    Mutant(
        "diff_ignores_the_last_element",
        "Every real change once: a change in the last element of a list is taken for no change.",
        "streams/steps/diff.py",
        "for index in range(max(len(old), len(new))):",
        "for index in range(max(len(old), len(new)) - 1):",
        ("tests/unit/streams/steps/test_diff.py::test_diff_points_at_what_differs",),
    ),
    Mutant(
        "vanished_child_stays",
        "Children go with their parent: one that a whole list does not name any more is never deleted.",
        "streams/steps/child_index.py",
        "for child_id in self._vanished(found):",
        "for child_id in ():",
        (f"{_DECISIONS}::test_family_is_decided_as_documented",),
    ),
    Mutant(
        "deleted_parent_leaves_its_children",
        "Children go with their parent: they outlive its deletion.",
        "streams/pipeline.py",
        "for child in child_index.orphans(parent, rows):",
        "for child in ():",
        (f"{_DECISIONS}::test_family_is_decided_as_documented",),
    ),
    Mutant(
        "stale_delivery_has_no_outcome",
        "One outcome per accepted delivery: the books do not add up by the stale ones.",
        "streams/worker/encoder.py",
        "        records.append(Record(OUTCOMES, delivery.delivery_id.encode(), value))\n",
        '        if outcome.outcome != "stale":\n'
        "            records.append(Record(OUTCOMES, delivery.delivery_id.encode(), value))\n",
        ("tests/unit/streams/worker/test_encoder.py::test_every_delivery_has_one_outcome",),
    ),
    Mutant(
        "signature_compared_by_its_beginning",
        "Nothing unverified gets in: eight bytes of a signature can be found by trying.",
        "providers/signature.py",
        "hmac.compare_digest(expected, value)",
        "hmac.compare_digest(expected[:8], value[:8])",
        ("tests/unit/providers/test_signature.py::test_every_byte_of_a_signature_counts",),
    ),
    Mutant(
        "timestamp_of_the_future_is_fresh",
        "Nothing unverified gets in: a captured request signed ahead of time stays valid for as long.",
        "providers/signature.py",
        "    if -age_s > tolerance_s:",
        "    if -age_s > 1e12:",
        ("tests/contract/test_refusals.py::test_timestamp_is_fresh_within_five_minutes_both_ways",),
    ),
    Mutant(
        "every_name_makes_a_topic",
        "Names in headers that are not signed make no topics: one captured body makes as many as it is posted names.",
        "schemas/topics.py",
        "return resource_type if resource_type in own else OTHER",
        "return resource_type",
        ("tests/unit/console/check/test_reachable_topics.py::test_no_name_leads_beyond",),
    ),
    Mutant(
        "state_topics_are_not_bounded",
        "Names in headers that are not signed make no topics: those with states are made for every name.",
        "streams/steps/routing.py",
        "return state_topic(provider, resource_type, self._own_types(provider, source))",
        "return state_topic(provider, resource_type, {resource_type})",
        ("tests/unit/console/check/test_reachable_topics.py::test_no_name_leads_beyond",),
    ),
    Mutant(
        "listed_types_are_not_heeded",
        "Nothing moves that is configured: the changes of a listed type go to other.",
        "providers/registry.py",
        "resource_types = frozenset(source.options.resource_types)",
        "resource_types: frozenset[str] = frozenset()",
        ("tests/unit/providers/test_resource_types.py::test_source_lists_types_of_its_own",),
    ),
)
