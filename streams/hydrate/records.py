"""The records that follow from a read: a delivery on `webhooks.raw`, or the request again; and what people are told meanwhile."""

import uuid
from datetime import UTC, datetime

from msgspec.structs import replace

from broker.outgoing import Record, raw_record
from schemas.fetches import HEADER, NO_DELIVERY, FetchRequest, Standing, encode_request, encode_result, encode_standing
from schemas.records import RawDelivery
from schemas.topics import DELAYS_S, RAW, delay_topic, fetches_topic, standings_topic
from streams.hydrate.policy import Again, Decision, Publish
from streams.steps.origin import CAUSE, ORIGIN, position_text

RETRY = 1  # the priority of what failed before: behind what is new


def records_of(app: str, request: FetchRequest, decision: Decision) -> list[Record]:
    """Return the records of a decision; none for a request that is kept in memory."""
    topic, key = standings_topic(app), request.resource_key.encode()
    match decision:
        case Publish():
            return [_delivery_record(request, decision), Record(topic, key, None)]
        case Again(again, in_s):
            told = Standing(again.attempts, again.due_us, again.detail)
            later = replace(again, priority=max(again.priority, RETRY)) if again.attempts else again
            return [_again_record(app, later, in_s), Record(topic, key, encode_standing(told))]
    return []


def account_record(app: str, account: str, standing: Standing | None) -> Record:
    """Return the record that tells people why nothing of an account is read; one without a value takes it back."""
    value = None if standing is None else encode_standing(standing)
    return Record(standings_topic(app), account.encode(), value)


def request_record(app: str, request: FetchRequest) -> Record:
    """Return the record of a request that may be tried now."""
    return Record(fetches_topic(app), request.account.encode(), encode_request(request))


def _again_record(app: str, request: FetchRequest, in_s: float) -> Record:
    """Return a request that waits: for long on a topic of that delay, for seconds in the memory of its owner."""
    fitting = [name for name, delay_s in DELAYS_S.items() if delay_s <= in_s]
    topic = delay_topic(app, fitting[-1]) if fitting else fetches_topic(app)
    return Record(topic, request.account.encode(), encode_request(request))


def _delivery_record(request: FetchRequest, publish: Publish) -> Record:
    is_answer = request.answers != NO_DELIVERY
    cause = position_text(RAW, request.raw_partition, request.answers) if is_answer else request.run
    delivery = RawDelivery(
        f"read-{uuid.uuid4()}",
        request.provider,
        request.source,
        f"penstock/{publish.result.status}",
        datetime.now(UTC),
        request.raw_key,
        publish.body,
        api_version=publish.api_version or request.api_version,
        headers={HEADER: encode_result(publish.result).decode(), ORIGIN: request.origin, CAUSE: cause},
        tenant=request.tenant,
    )
    # The partition of what waits, whatever the number of partitions is now: its table has the row.
    return raw_record(delivery, request.raw_partition)
