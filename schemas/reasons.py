"""Every reason of every outcome, with its meaning. Reasons are persisted: a consumer may select by them.

`tests/unit/schemas/test_reasons.py` holds the list against the code that gives the reasons.
"""

from typing import Final

from msgspec import Struct

from schemas.records import OutcomeName


class Reason(Struct, frozen=True):
    """One fixed word in `deliveries.outcomes`, and what it tells."""

    outcome: OutcomeName
    name: str
    meaning: str


REASONS: Final[tuple[Reason, ...]] = (
    Reason("changed", "created", "Nothing was stored of the resource, or it had been deleted."),
    Reason("changed", "updated", "The document differs from the stored one in fields that are not volatile."),
    Reason("changed", "deleted", "The resource is gone."),
    Reason("changed", "read", "A reconciliation saw the resource for the first time."),
    Reason("changed", "corrected", "A replay's correction: consumers now have the correct state."),
    Reason("duplicate", "delivery_id", "The delivery was decided before."),
    Reason("duplicate", "same_version_and_content", "Another delivery showed the same content of that version."),
    Reason("duplicate", "other_rendering", "The delivery was decided before, in another API version of the provider."),
    Reason("stale", "older_than_stored", "A newer version was decided before."),
    Reason("stale", "parent_deleted", "It shows a child as it was before its parent was deleted."),
    Reason(
        "stale", "changed_since_replay", "A correction came too late: a newer delivery was decided after the replay."
    ),
    Reason("unchanged", "no_difference", "Only volatile fields differ; the stored version advances."),
    Reason("unchanged", "already_deleted", "A second deletion of a deleted resource."),
    Reason("unchanged", "reference", "It only names its resource, which was read before and is not read any more."),
    Reason("unchanged", "same_read", "The read that answered an earlier delivery shows what this one tells of."),
    Reason("unchanged", "not_read", "Of the hydration's own record: the read failed, and what waited for it is dead."),
    Reason("filtered", "handshake", "The provider tests the address; nothing has changed."),
    Reason("filtered", "test", "The provider marked the delivery as a test with made-up content."),
    Reason("filtered", "no_route", "Routes exist, but none selects the change."),
    Reason("filtered", "paused", "The configuration pauses the resource; nothing was stored."),
    Reason("filtered", "dropped", "A person gave a dead letter up; the detail says who, when and why."),
    Reason(
        "filtered",
        "write_declared",
        "It declares a write of the user's own program; the change that shows it has origin `self`.",
    ),
    Reason("filtered", "write_ignored", "It declares a write to a source that recognises none any more."),
    Reason("filtered", "no_filter_matches", "Neither the document before nor the one after matches a filter."),
    Reason("filtered", "no_included_field_changed", "None of the `include_fields` differs."),
    Reason("dead", "unreadable", "The body is not JSON that can be read."),
    Reason("dead", "unknown_shape", "The body names no resource by the provider's rules."),
    Reason("dead", "misnamed", "The signed body contradicts the topic or event in the unsigned header."),
    Reason("dead", "reused_delivery_id", "The delivery id was used before for another content of that version."),
    Reason("dead", "too_large", "An output record would exceed Kafka's size limit."),
    Reason("dead", "internal_error", "The code failed on it; the detail names the place."),
    Reason("dead", "not_read", "Its resource could not be read, however often it was tried."),
    Reason(
        "pending",
        "awaits_read",
        "It only names its resource, which is being read. On `deliveries.pending`, never final.",
    ),
)
