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

from providers.base import Sample
from providers.shopify.provider import Shopify
from schemas import codec
from schemas.records import Document, RawDelivery
from schemas.topics import MAX_RECORD_BYTES, RAW, described
from simulator.history import Mix, Scene, noise
from simulator.signing import raw_delivery, signed
from tests.support.kafka.end_offsets import end_of

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=10)
SECRET = b"made-up"
FIRST_ID = 10**15
VARIANTS = 3  # that a product can have
OWN_TOPIC_EVERY = 29  # so many deliveries, one that shows a variant and not its product
_SHOPIFY = Shopify()


def ensure_raw(kafka: str, app: str, partitions: int = 4) -> None:
    """Create `webhooks.raw` unless it exists; else let a new application begin at its end, behind other tests' records."""
    admin = AdminClient({"bootstrap.servers": kafka})
    known = admin.list_topics(timeout=10).topics.get(RAW)
    if known is None:
        topic = NewTopic(RAW, partitions, config=dict(described(RAW).settings))
        admin.create_topics([topic])[RAW].result()
        return
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"penstock.{app}"})
    positions = [TopicPartition(RAW, partition) for partition in known.partitions]
    for position in positions:
        position.offset = end_of(consumer, RAW, position.partition)
    consumer.commit(offsets=positions, asynchronous=False)
    consumer.close()


def noisy_products(
    source: str, count: int, resources: int, seed: int = 1, family_every: int | None = None
) -> Iterator[RawDelivery]:
    """Yield deliveries: two thirds are newer versions, the rest ties, retries, second subscriptions, stale and unchanged ones.

    With `family_every`, one product in that many has variants.
    """
    mix = Mix(
        count, resources, repeated=0.08, overtaken=0.04, unchanged=0.07, doubled=0.03, tied=0.15, deleted=0.005,
        recent=500, seed=seed,
    )  # fmt: skip
    for turn in noise(mix, START, STEP):
        scene, delivery_id = turn.scene, f"{source}-{turn.number}"
        is_family = family_every is not None and scene.number % family_every == 0
        variants = _variants(scene) if is_family and scene.verb != "deleted" else None
        if variants and turn.number % OWN_TOPIC_EVERY == 0:  # with a field that the product's list lacks
            shown = variants[0] | {"inventory_quantity": 5}
            yield _delivery(source, "variants/in_stock", shown, scene.moment, delivery_id)
            continue
        second, title = int((scene.moment - START).total_seconds()), f"title {scene.content}"
        yield product(source, scene.number, second, title, delivery_id, variants, is_deleted=scene.verb == "deleted")


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
    """Return one delivery of a product, as the ingress would store it."""
    document: Document = {"id": FIRST_ID + resource}
    moment = START + timedelta(seconds=second)
    if is_deleted:
        return _delivery(source, "products/delete", document, moment, delivery_id)
    document |= {"title": title, "vendor": "Nike", "updated_at": moment.isoformat(), "body_html": "x" * 300}
    document |= {} if variants is None else {"variants": variants}
    return _delivery(source, "products/update", document, moment, delivery_id)


def _delivery(source: str, topic: str, document: Document, moment: datetime, delivery_id: str) -> RawDelivery:
    sample = Sample(msgspec.json.encode(document), topic, delivery_id, moment)
    return raw_delivery(_SHOPIFY, source, signed(_SHOPIFY, sample, SECRET), moment)


def _variants(scene: Scene) -> list[Document]:
    """Return some of a product's variants, each of which keeps its price and update time now and then."""
    product_id, moment_s = FIRST_ID + scene.number, int(scene.moment.timestamp())
    chance = random.Random(f"{product_id} {scene.content} {moment_s}")  # noqa: S311  # reproducible noise, no secret
    return [
        {
            "id": 10 * product_id + position,
            "product_id": product_id,
            "price": f"{chance.randrange(4)}.00",
            "updated_at": (scene.moment - chance.randrange(2) * STEP).isoformat(),
        }
        for position in range(VARIANTS)
        if chance.random() < 0.8
    ]


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
