"""The resources that deliveries wait for, from the records of `deliveries.pending` and of the standings. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from sys import intern

from msgspec import Struct

from schemas.codec import us_time
from schemas.fetches import Standing, account_key
from schemas.records import Document, key_parts
from streams.steps.origin import position_text

PATIENCE_S = 60.0  # a read that has not been tried by then waits for its account, not for others to come along


class WaitingDelivery(Struct, frozen=True):
    """One delivery that waits."""

    delivery_id: str
    event_type: str
    topic: str
    partition: int
    offset: int
    since: datetime

    @property
    def position(self) -> str:
        """Return its position as the command line names it."""
        return position_text(self.topic, self.partition, self.offset)


class Waiting(Struct):
    """One resource, and the deliveries that wait for it, oldest first, all of one partition, which has their row.

    `raw_key` is their key on `webhooks.raw`. After partitions were added a resource may be waited for in two.
    `standing` says what was tried; None if no read of it has failed. `account` says why nothing of its account is read.
    """

    resource_key: str
    raw_key: str
    reason: str
    detail: str
    deliveries: list[WaitingDelivery]
    standing: Standing | None = None
    account: Standing | None = None

    @property
    def account_key(self) -> str:
        """Return the key of the account that it belongs to."""
        return account_key(self.provider, self.source, self.tenant)

    @property
    def provider(self) -> str:
        """Return the kind of sender."""
        return key_parts(self.resource_key).provider

    @property
    def source(self) -> str:
        """Return the source."""
        return key_parts(self.resource_key).source

    @property
    def tenant(self) -> str:
        """Return the tenant."""
        return key_parts(self.resource_key).tenant

    @property
    def resource_type(self) -> str:
        """Return the resource's type."""
        return key_parts(self.resource_key).resource_type

    @property
    def resource_id(self) -> str:
        """Return the resource's id."""
        return key_parts(self.resource_key).resource_id

    @property
    def since(self) -> datetime:
        """Return since when the oldest delivery waits, UTC."""
        return self.deliveries[0].since

    @property
    def newest(self) -> WaitingDelivery:
        """Return the delivery with the highest offset: a read that answers it answers all."""
        return self.deliveries[-1]

    @property
    def tries(self) -> int:
        """Return how many reads of it have failed."""
        return 0 if self.standing is None else self.standing.attempts

    @property
    def why(self) -> str:
        """Return why it waits, as a sentence."""
        told = self.account or self.standing
        return self.detail if told is None else told.detail

    @property
    def next_try(self) -> datetime | None:
        """Return when it, or anything of its account, is tried next, UTC; None if no read has failed."""
        times = [told.due_us for told in (self.account, self.standing) if told is not None]
        return us_time(max(times, default=None))

    def is_held(self, now: datetime) -> bool:
        """Say whether it waits for its account's quota: no read was tried, although it was not asked for just now."""
        is_tried = self.standing is not None or self.account is not None
        return not is_tried and (now - self.since).total_seconds() > PATIENCE_S


def joined(
    records: Iterable[tuple[bytes, Document | None]], standings: Callable[[Collection[str]], Mapping[str, Standing]]
) -> list[Waiting]:
    """Return what waits, the longest wait first, from records with their keys, oldest first; None is a tombstone.

    `standings` returns what is known of keys of resources and accounts. In memory are the deliveries that wait, 500 bytes each.
    """
    pending: dict[bytes, tuple[str, str, str, str, WaitingDelivery]] = {}
    for key, record in records:
        if record is None:
            pending.pop(key, None)
        else:
            texts = (intern(record[name]) for name in ("resource_key", "key", "reason", "detail"))
            pending[key] = (*texts, _delivery(record))  # type: ignore[assignment]  # there are four
    found: dict[tuple[str, int], Waiting] = {}
    for name, raw_key, reason, detail, one in sorted(pending.values(), key=lambda part: part[-1].offset):
        waiting = found.setdefault((name, one.partition), Waiting(name, raw_key, reason, detail, []))
        waiting.deliveries.append(one)
    known = standings({key for waiting in found.values() for key in (waiting.resource_key, waiting.account_key)})
    for waiting in found.values():
        waiting.standing, waiting.account = known.get(waiting.resource_key), known.get(waiting.account_key)
    return sorted(found.values(), key=lambda one: (one.since, one.resource_key))


def _delivery(record: Document) -> WaitingDelivery:
    topic = intern(record["topic"])
    return WaitingDelivery(
        record["delivery_id"],
        intern(record["event_type"]),
        topic,
        record["partition"],
        record["offset"],
        record["since"],
    )
