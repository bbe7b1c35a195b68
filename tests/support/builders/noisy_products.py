"""A noisy provider: deliveries of products with updates, ties, duplicates, stale and unchanged ones, on `webhooks.raw`.

On request some products have variants that come, change and go, some of them by their own topic.
"""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public by its documentation
from msgspec.structs import replace

from schemas import codec
from schemas.records import Document, RawDelivery, resource_key
from schemas.topics import MAX_RECORD_BYTES, RAW, described
from tests.support.kafka.end_offsets import end_of

START = datetime(2026, 1, 1, tzinfo=UTC)
VARIANTS = 3  # the maximum of a product


def ensure_raw(kafka: str, app: str, partitions: int = 4) -> None:
    """Create `webhooks.raw` unless it exists; else let a new application begin at its end, behind other tests' records."""
    admin = AdminClient({"bootstrap.servers": kafka})
    known = admin.list_topics(timeout=10).topics.get(RAW)
    if known is None:
        topic = NewTopic(RAW, partitions, config=dict(described(RAW).settings))
        admin.create_topics([topic])[RAW].result()
        return
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"penstock.{app}"})
    places = [TopicPartition(RAW, partition) for partition in known.partitions]
    for place in places:
        place.offset = end_of(consumer, RAW, place.partition)
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def noisy_products(
    source: str, count: int, resources: int, seed: int = 1, family_every: int | None = None
) -> Iterator[RawDelivery]:
    """Yield deliveries: about 80 % real updates, the rest ties, retries, second subscriptions, stale and unchanged ones.

    With `family_every`, one product in that many has variants.
    """
    rng = random.Random(seed)  # noqa: S311  # reproducible noise, no secret
    sent: list[RawDelivery] = []
    titles: dict[int, str] = {}
    for number in range(count):
        resource, second = rng.randrange(resources), number // resources
        kind = rng.random()
        if sent and kind < 0.08:
            yield rng.choice(sent[-500:])  # the same delivery again: a retry
            continue
        if kind < 0.12:
            second = max(0, second - rng.randrange(1, 4))  # overtaken by newer ones
        is_repeated = kind > 0.9 and resource in titles  # only the update time is new
        title = titles[resource] if is_repeated else f"title {number}"
        titles[resource] = title
        delivery_id, has_variants = f"{source}-{number}", family_every is not None and resource % family_every == 0
        variants = _variants(rng, resource, second) if has_variants else None
        delivery = product(source, resource, second, title, delivery_id, variants, is_deleted=0.12 < kind < 0.125)
        if variants and 0.125 < kind < 0.16:
            delivery = _by_own_topic(delivery, rng.choice(variants))
        sent.append(delivery)
        yield delivery


def product(
    source: str,
    resource: int,
    second: int,
    title: str,
    delivery_id: str,
    variants: list[Document] | None = None,
    *,
    is_deleted: bool = False,
) -> RawDelivery:
    """Return one delivery of a product, as the ingress would publish it."""
    product_id, time = 10**15 + resource, START + timedelta(seconds=second)
    document: dict[str, object] = {"id": product_id}
    if not is_deleted:
        document |= {"title": title, "vendor": "Nike", "updated_at": time.isoformat(), "body_html": "x" * 300}
        document |= {} if variants is None else {"variants": variants}
    topic = "products/delete" if is_deleted else "products/update"
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": delivery_id,
        "x-shopify-triggered-at": time.isoformat(),
    }
    key = resource_key("shopify", source, "product", str(product_id))
    body = msgspec.json.encode(document)
    return RawDelivery(delivery_id, "shopify", source, topic, time, key, body, event_time=time, headers=headers)


def _variants(rng: random.Random, resource: int, second: int) -> list[Document]:
    """Return some of a product's variants; each keeps its price and update time now and then."""
    product_id = 10**15 + resource
    shown = [place for place in range(VARIANTS) if rng.random() < 0.8]
    return [
        {
            "id": 10 * product_id + place,
            "product_id": product_id,
            "price": f"{rng.randrange(4)}.00",
            "updated_at": updated,
        }
        for place in shown
        for updated in [(START + timedelta(seconds=max(0, second - rng.randrange(2)))).isoformat()]
    ]


def _by_own_topic(shown: RawDelivery, variant: Document) -> RawDelivery:
    """Return a delivery of `variants/in_stock` instead of the product's, with a field that the product's list lacks."""
    headers = {**shown.headers, "x-shopify-topic": "variants/in_stock"}
    body = msgspec.json.encode(variant | {"inventory_quantity": 5})
    return replace(shown, event_type="variants/in_stock", body=body, headers=headers)


def feed(kafka: str, deliveries: Iterator[RawDelivery], per_second: int | None = None) -> int:
    """Publish deliveries on `webhooks.raw` as the ingress does, at most that many a second; return their number."""
    started = time.monotonic()
    producer = Producer({
        "bootstrap.servers": kafka, "enable.idempotence": True, "linger.ms": 20, "partitioner": "murmur2_random",
        "message.max.bytes": MAX_RECORD_BYTES,
    })  # fmt: skip
    count = 0
    for delivery in deliveries:
        producer.produce(RAW, delivery.body, delivery.key.encode(), headers=[*codec.raw_headers(delivery)])
        count += 1
        ahead_s = count / per_second - (time.monotonic() - started) if per_second else 0
        producer.poll(max(0, ahead_s))
    assert producer.flush(60) == 0
    return count
