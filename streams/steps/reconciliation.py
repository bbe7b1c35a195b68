"""What a reconciliation hears of a read that it has asked for, once the read is decided."""

from schemas.codec import time_us
from schemas.fetches import FetchResult
from schemas.reconciliation import Decided
from schemas.records import Change, Outcome, RawDelivery, resource_key
from streams.steps.origin import is_listed
from streams.steps.routing import RoutedChange


def decided_of(delivery: RawDelivery, read: FetchResult, outcome: Outcome, routed: tuple[RoutedChange, ...]) -> Decided:
    """Return what became of a read.

    A change counts although no route selects it, because the stored state was repaired. It does not if the read answers a
    delivery, too: then nothing was missed.
    """
    key = resource_key(delivery.provider, delivery.source, delivery.tenant, read.resource_type, read.resource_id)
    if not is_listed(delivery):
        return Decided(read.run, key)
    change = next((one.change for one in routed if one.change.resource_key == key), None)
    if change is None and routed:  # only a part of it differs, such as a variant
        return Decided(read.run, key, "u", _at_us(routed[0].change))
    is_read = read.status != "failed" and outcome.outcome != "dead"
    return Decided(
        read.run, key, None if change is None else change.op, None if change is None else _at_us(change), is_read
    )


def _at_us(change: Change) -> int | None:
    return time_us(change.version or change.event_time)
