"""Decides and encodes deliveries sequentially, with tables in memory and no Kafka: the program that `bench.profile` samples.

`python -m bench.decide SECONDS small|large` prints the CPU time of one delivery in microseconds.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice

from config.model import Configuration
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import RAW
from simulator.history import Mix
from simulator.shop_deliveries import LARGE, STEP_S, kept, mixed, product
from streams.pipeline import Tables, process
from streams.worker.encoder import Encoder
from streams.worker.settings import compiled_routes

BATCH = 2_000
PRODUCTS = 500
Stored = dict[str, dict[bytes, bytes]]


class _Everything:
    """A stand-in for the registry and the topics: every schema has an id, and every topic exists."""

    def prefix(self, _topic: str, _name: str, _typed: object = None) -> bytes:
        return codec.wire_prefix(1)

    def ensure(self, _topic: str) -> None:
        return


def run(seconds: float, size: str) -> float:
    """Decide for this much CPU time and return the time of one delivery, in microseconds."""
    deliveries = mixed(Mix(10_000_000, PRODUCTS), Counter()) if size == "small" else _large()
    stored: Stored = {"seen": {}, "latest": {}}
    routes = compiled_routes(Configuration())
    encoder = Encoder(_Everything(), _Everything(), routes)  # type: ignore[arg-type]
    spent_s, decided = 0.0, 0
    while spent_s < seconds:
        batch = [(delivery, codec.raw_headers(delivery)) for delivery in islice(deliveries, BATCH)]
        began_s = time.process_time()
        for index, (delivery, headers) in enumerate(batch):
            read = codec.raw_delivery(delivery.key.encode(), delivery.body, headers, (RAW, 0, index))
            result = process(read, Tables(stored["seen"], stored["latest"]), routes)
            encoder.records(read, result, time.time_ns() // 1000)
            stored["seen"].update(result.writes.seen)
            stored["latest"].update(result.writes.latest)
        spent_s, decided = spent_s + time.process_time() - began_s, decided + len(batch)
    return 1e6 * spent_s / decided


def _large() -> Iterator[RawDelivery]:
    for number in count():
        version = number // PRODUCTS
        body = product(number % PRODUCTS, version * STEP_S, version, LARGE)
        yield kept(body, f"large-{number}", version * STEP_S)


if __name__ == "__main__":
    print(f"{run(float(sys.argv[1]), sys.argv[2]):.1f}")
