"""The deliveries that answer a letter: the same payload again, an edited copy, or the word that it is given up. Pure."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from console.dead.letters import Letter
from providers.base import Parsed, Provider, SignedRequest, Unparsed
from providers.received import OUR_OWN
from schemas.records import Document, Lineage, RawDelivery, resource_key
from streams.steps.origin import MAX_REASON_BYTES, dropped_id, edited_id, lineage_headers

UNNAMED: Final = frozenset({"", "unknown"})  # the event type of a delivery that names none


class Sender(Struct, frozen=True):
    """Who wants it, and when."""

    by: str
    now: datetime


def retried(letter: Letter, record: Document, provider: Provider | None, sender: Sender) -> RawDelivery:
    """Return the same payload again: exact bytes, provider's headers and delivery id.

    `provider` is that of the source as it is configured now, None for a source that is gone.
    """
    lineage = Lineage("retry", letter.position, letter.attempts + 1, letter.first_at, letter.edited_by)
    return _marked(_identified(_as_received(record), provider), lineage, sender)


def edited(
    letter: Letter, record: Document, body: bytes, content_type: str, provider: Provider | None, sender: Sender
) -> RawDelivery:
    """Return a copy with another body, under an id of its own (see `edited_id`)."""
    lineage = Lineage("edited", letter.position, letter.attempts + 1, letter.first_at, sender.by)
    received = _as_received(record)
    copy = replace(received, delivery_id=edited_id(received.delivery_id, body), body=body, content_type=content_type)
    return _marked(_identified(copy, provider), lineage, sender)


def dropped(letter: Letter, reason: str, sender: Sender) -> RawDelivery:
    """Return the delivery that says that a letter is given up. It goes where the letter's own came from, behind its retries."""
    return RawDelivery(
        dropped_id(letter.delivery_id, letter.position),
        letter.provider,
        letter.source,
        letter.event_type,
        sender.now,
        letter.key,
        reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode(),
        "text/plain",
        headers=lineage_headers(
            Lineage("drop", letter.position, letter.attempts, letter.first_at), sender.by, sender.now
        ),
        tenant=letter.tenant,
    )


def unreadable(delivery: RawDelivery, provider: Provider | None) -> Unparsed | None:
    """Return why a delivery would be dead again at once, None if its provider can read it."""
    if provider is None:
        return Unparsed("unknown_shape", f"no source {delivery.source!r} in the configuration, so nothing reads it")
    parsed = provider.parse(delivery)
    return parsed if isinstance(parsed, Unparsed) else None


def _as_received(record: Document) -> RawDelivery:
    headers = {name: value for name, value in record["headers"].items() if not name.startswith(OUR_OWN)}
    return RawDelivery(
        record["delivery_id"],
        record["provider"],
        record["source"],
        record["event_type"],
        record["received_at"],
        record["key"],
        record["body"],
        record["content_type"],
        headers=headers,
        tenant=record.get("tenant", ""),
    )


def _identified(delivery: RawDelivery, provider: Provider | None) -> RawDelivery:
    """Return a delivery with the envelope that its ingress would give it now, under its own id.

    A mended configuration may name the resource that the former one did not. The key must follow: it chooses the partition,
    and a resource's state is in one partition only.
    """
    if provider is None:
        return delivery
    headers = {"content-type": delivery.content_type, **delivery.headers}
    envelope = provider.identify(delivery.source, SignedRequest(headers, delivery.body))
    has_resource = envelope.key != envelope.delivery_id
    identified = replace(
        delivery,
        provider=provider.name,
        event_type=delivery.event_type if envelope.event_type in UNNAMED else envelope.event_type,
        key=envelope.key if has_resource else delivery.key,
        tenant=envelope.tenant if has_resource else delivery.tenant,
        event_time=envelope.event_time,
        api_version=envelope.api_version,
    )
    if identified.event_type == envelope.event_type:
        return identified
    # The header with the event type was not kept, because another configuration read another one.
    return replace(identified, key=_root_key(identified, provider) or identified.key)


def _root_key(delivery: RawDelivery, provider: Provider) -> str | None:
    parsed = provider.parse(delivery)
    if not isinstance(parsed, Parsed):
        return None
    root = parsed.snapshots[0]
    return resource_key(
        provider.name, delivery.source, delivery.tenant, *(root.parent or (root.resource_type, root.resource_id))
    )


def _marked(delivery: RawDelivery, lineage: Lineage, sender: Sender) -> RawDelivery:
    return replace(delivery, headers={**delivery.headers, **lineage_headers(lineage, sender.by, sender.now)})
