"""How long a worker takes to restore its tables, and how much memory it then holds.

The changelogs of a worker with a million products of 2 kB are written as a worker writes them; then a worker starts on an empty
disk. The rate covers all partitions together; seconds count while `worker.restoring` exists. Afterwards it decides deliveries of
random products among them, reading every table from disk; its memory is sampled all the while.
"""

import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Producer

from bench.fill import create_raw
from bench.peer_job import PARTITIONS
from bench.stack import Process, Stack, running_worker
from schemas.codec import encode_row, raw_headers, time_us
from schemas.records import LatestState, SeenVersion, resource_key
from schemas.topics import RAW, changelog_topic, described
from simulator.shop_deliveries import FIRST_ID, SOURCE, START, STEP_S, kept, product

APP = "restore"
SIZE = (1, 1, 4)  # variants, images, paragraphs: 2 kB
BODIES = 20_000  # distinct ones; each product has one of them under its own id
TIMEOUT_S = 900.0
LOOK_EVERY_S = 0.1


def restore(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return the rate of a restore and the memory during and after it."""
    products, deliveries = (200_000, 10_000) if is_quick else (1_000_000, 50_000)
    row_bytes = _fill(stack, products)
    print(f"  {products} products written", file=sys.stderr)
    with running_worker(stack, APP) as process:
        begun = _Watch(process, stack)
        seconds, cpu_s = begun.restored()
        restored_mb = begun.highest_mb
        print(f"  {2 * products / seconds:,.0f} records/s, {restored_mb:.0f} MB", file=sys.stderr)
        _feed(stack, products, deliveries)
        begun.decided(deliveries)
        return {
            "products": products,
            "row_bytes": row_bytes,
            "partitions": PARTITIONS,
            "records": 2 * products,
            "seconds": round(seconds, 1),
            "records_per_s": round(2 * products / seconds),
            "megabytes_per_s": round(products * row_bytes / seconds / 1e6),
            "worker_cpu_us_per_record": round(1e6 * cpu_s / (2 * products), 1),
            "highest_mb_restoring": round(restored_mb),
            "deliveries_afterwards": deliveries,
            "highest_mb": round(begun.highest_mb),
            "mb_at_rest": round(process.memory_mb()),
        }


class _Watch:
    """Samples a worker's memory repeatedly while it waits for a condition."""

    def __init__(self, process: Process, stack: Stack) -> None:
        self.highest_mb = 0.0
        self._process = process
        self._stack = stack
        self._restoring = stack.directory / f"worker-{APP}" / "worker.restoring"

    def restored(self) -> tuple[float, float]:
        """Return the duration of the restore in seconds, and the CPU time that the worker used meanwhile."""
        self._until(self._restoring.exists, "the restore to begin")
        begun, cpu_s = time.monotonic(), self._process.cpu_s()
        self._until(lambda: not self._restoring.exists(), "the restore to end")
        return time.monotonic() - begun, self._process.cpu_s() - cpu_s

    def decided(self, deliveries: int) -> None:
        """Wait until this many deliveries are decided."""
        self._until(lambda: sum(self._stack.ends("deliveries.outcomes").values()) >= deliveries, "every outcome")

    def _until(self, is_true: Any, what: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not is_true():
            self._process.fail_if(time.monotonic() > deadline, f"waited {TIMEOUT_S:.0f} s for {what}")
            self.highest_mb = max(self.highest_mb, self._process.memory_mb())
            time.sleep(LOOK_EVERY_S)


def _fill(stack: Stack, products: int) -> float:
    """Write both changelogs and return the mean size of a row of *latest*, key included."""
    create_raw(stack)
    for table in ("seen", "latest"):
        topic = changelog_topic(APP, table)
        stack.create(topic, PARTITIONS, described(topic).settings)
    producer, written = _producer(stack), 0
    for key, row, version_us in _rows(products):
        while len(producer) >= 50_000:
            producer.poll(0.1)
        producer.produce(changelog_topic(APP, "latest"), row, key)
        seen = encode_row(SeenVersion((row[:16],), (f"{SOURCE}-{key[-36:].decode()}",)))
        producer.produce(changelog_topic(APP, "seen"), seen, key + f"\0v{version_us}".encode())
        written += len(key) + len(row)
    producer.flush(120)
    return written / products


def _rows(products: int) -> Iterator[tuple[bytes, bytes, int]]:
    version_us = time_us(START) or 0
    bodies = [product(number, 0, 0, SIZE) for number in range(min(BODIES, products))]
    for number in range(products):
        like = number % len(bodies)
        body = bodies[like].replace(b"%d" % (FIRST_ID + like), b"%d" % (FIRST_ID + number))
        key = resource_key("shopify", SOURCE, "", "product", str(FIRST_ID + number)).encode()
        state = LatestState(version_us, version_us, body[:16], body, False, "0e4c8e1a-0000-5000-8000-000000000000")
        yield key, encode_row(state), version_us


def _feed(stack: Stack, products: int, deliveries: int) -> None:
    """Write newer versions of random products to the raw topic."""
    chance, producer = random.Random(1), _producer(stack)  # noqa: S311  # reproducible, no secret
    for number in range(deliveries):
        body = product(chance.randrange(products), STEP_S, 1, SIZE)
        delivery = kept(body, f"{SOURCE}-after-{number}", STEP_S)
        producer.produce(RAW, delivery.body, delivery.key.encode(), headers=[*raw_headers(delivery)])
        producer.poll(0)
    producer.flush(120)


def _producer(stack: Stack) -> Producer:
    return Producer({
        "bootstrap.servers": stack.kafka,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",  # as in the worker
        "linger.ms": 20,
        "log_level": 0,
    })  # fmt: skip
