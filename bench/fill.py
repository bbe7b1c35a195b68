"""Writes deliveries to `webhooks.raw` like the ingress: at once, or behind a gate that reveals them all at one moment."""

from collections import Counter
from collections.abc import Iterable
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bench.peer_job import PARTITIONS
from bench.stack import Offsets, Stack
from schemas.codec import raw_headers
from schemas.records import RawDelivery
from schemas.topics import RAW, described
from simulator.history import Mix
from simulator.shop_deliveries import mixed

IN_FLIGHT = 15_000
TIMEOUT_S = 60.0
GATE_TIMEOUT_S = 600.0


def create_raw(stack: Stack, partitions: int = PARTITIONS) -> None:
    """Create `webhooks.raw` with its settings."""
    stack.create(RAW, partitions, described(RAW).settings)


def fill_mixed(stack: Stack, is_quick: bool) -> tuple[Mix, Counter[str]]:
    """Write the deliveries that the contestants read in turns; return the mix, and the expected number of each outcome."""
    mix = Mix(40_000, 8_000) if is_quick else Mix(200_000, 40_000)
    expected: Counter[str] = Counter()
    create_raw(stack)
    fill(stack, mixed(mix, expected))
    return mix, expected


def fill(stack: Stack, deliveries: Iterable[RawDelivery]) -> None:
    """Write deliveries and wait until Kafka has stored them."""
    producer = _producer(stack, {"enable.idempotence": True})
    _produce(producer, deliveries, {})
    producer.flush(TIMEOUT_S)


class Gate:
    """Deliveries in one open transaction: a `read_committed` consumer sees none of them, then all at once.

    So processes can be started, joined and idle before the first delivery, and no producer runs beside them afterwards.
    """

    def __init__(self, stack: Stack, name: str, deliveries: Iterable[RawDelivery]) -> None:
        """Write the deliveries; `name` is the transactional id."""
        limits = {"transaction.timeout.ms": int(1000 * GATE_TIMEOUT_S)}
        self.ends: Offsets = {}
        """The offset after the last delivery of each partition that got one."""
        self._producer = _producer(stack, {"transactional.id": name, **limits})
        self._producer.init_transactions(TIMEOUT_S)
        self._producer.begin_transaction()
        _produce(self._producer, deliveries, self.ends)
        self._producer.flush(TIMEOUT_S)

    def open(self) -> None:
        """Commit, which reveals the deliveries."""
        self._producer.commit_transaction(TIMEOUT_S)


def _produce(producer: Producer, deliveries: Iterable[RawDelivery], ends: Offsets) -> None:
    for delivery in deliveries:
        while len(producer) >= IN_FLIGHT:
            producer.poll(0.1)
        producer.produce(
            RAW,
            delivery.body,
            delivery.key.encode(),
            headers=[*raw_headers(delivery)],
            on_delivery=partial(_note, ends),
        )


def _note(ends: Offsets, error: KafkaError | None, message: Message) -> None:
    if error is not None:
        raise KafkaException(error)
    partition, offset = message.partition() or 0, message.offset() or 0
    ends[partition] = max(ends.get(partition, 0), offset + 1)


def _producer(stack: Stack, settings: dict[str, object]) -> Producer:
    return Producer({
        "bootstrap.servers": stack.kafka,
        "partitioner": "murmur2_random",
        "linger.ms": 20,
        "log_level": 0,
        "queue.buffering.max.messages": 20_000,
        **settings,
    })  # fmt: skip
