"""Reads of resources that callbacks only name: their rate against a store without a quota, and how long a callback waits.

The store is a process of its own, which takes its share of the two cores. First callbacks of as many products come at once; then
bursts of five callbacks each; then 50 callbacks a second of different products. Last come complete deliveries of a shop, at 200 a
second, alone and while callbacks of all products wait: what reads cost those that need none.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer
from msgspec.structs import replace

from bench.fill import create_raw, fill
from bench.hydrate_store import STORE, TOKEN
from bench.outcomes import committed
from bench.peer_job import PARTITIONS
from bench.stack import Offsets, Process, Stack, running
from providers.base import SignedRequest
from providers.bigcommerce.provider import BigCommerce
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import OUTCOMES, RAW, described
from simulator.load_figures import percentiles
from simulator.shop_deliveries import SMALL, kept, product

PRODUCTS, QUICK_PRODUCTS = 20_000, 4_000
BURST = 5
RATE, SECONDS, QUICK_SECONDS = 50, 30, 10
TIMEOUT_S = 600.0
LIVE_RATE, LIVE_PRODUCTS, WARM_S = 200, 500, 3
LOOK_EVERY_S = 1.0
SOURCE = "bench-store"
_CONFIGURED = """
[[sources]]
name = "bench-store"
provider = "bigcommerce"
secrets = ["text:made-up"]
api_token = "text:{token}"
api_url = "{url}"
"""


def hydrate(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return reads per second, callbacks per read, and the time from a callback to its outcome."""
    products, seconds = (QUICK_PRODUCTS, QUICK_SECONDS) if is_quick else (PRODUCTS, SECONDS)
    create_raw(stack)
    stack.create(OUTCOMES, PARTITIONS, described(OUTCOMES).settings)
    with _running(stack, products) as worker:
        at_once = _answered(stack, worker, _callbacks(range(products), "first"), products)
        print(f"  at once: {at_once['reads_per_s']:,} reads/s", file=sys.stderr)
        bursts = [number for number in range(products // 10) for _ in range(BURST)]
        burst = _answered(stack, worker, _callbacks(bursts, "burst"), len(bursts))
        print(f"  bursts of {BURST}: {burst['callbacks_per_read']} callbacks a read", file=sys.stderr)
        steady = _steady(stack, worker, seconds, products)
        print(f"  {RATE}/s: {steady['callback_to_outcome']}", file=sys.stderr)
        live = _live(stack, worker, seconds, products)
        print(f"  live deliveries at {LIVE_RATE}/s: {live}", file=sys.stderr)
    return {"products": products, "at_once": at_once, "bursts": burst, "steady": steady, "live": live}


@contextmanager
def _running(stack: Stack, products: int) -> Iterator[Process]:
    """Run the store and a worker that reads it."""
    command = [sys.executable, "-m", "bench.hydrate_store", str(products)]
    with running("store", command, stack.directory) as store:
        store.wait_until(lambda: b"serving" in store.log.read_bytes(), "the store")
        url = store.log.read_text().split()[1]
        file = stack.configuration("hydrate")
        file.write_text(file.read_text() + _CONFIGURED.format(token=TOKEN, url=url))
        data_dir = stack.directory / "worker-hydrate"
        worker = [sys.executable, "-m", "console.cli", "worker", "--config", str(file), "--data-dir", str(data_dir)]
        with running("worker", worker, stack.directory, {"PENSTOCK_WORKER_OPERATIONS_PORT": "0"}) as process:
            yield process


def _answered(stack: Stack, worker: Process, deliveries: Iterable[RawDelivery], count: int) -> dict[str, Any]:
    """Write callbacks at once and wait for their outcomes."""
    begin, cpu_s = stack.ends(OUTCOMES), worker.cpu_s()
    fill(stack, deliveries)
    found = _outcomes(stack, worker, begin, count)
    times = sorted(found["fetch"])
    seconds = max(0.001, (times[-1] - times[0]) / 1e6)
    return {
        "callbacks": count,
        "reads": len(times),
        "reads_per_s": round((len(times) - 1) / seconds),
        "callbacks_per_read": round(count / len(times), 2),
        "worker_cpu_us_per_callback": round(1e6 * (worker.cpu_s() - cpu_s) / count),
    }


def _steady(stack: Stack, worker: Process, seconds: int, products: int) -> dict[str, Any]:
    """Write callbacks at a constant rate, and take the time from each to its outcome."""
    begin, count = stack.ends(OUTCOMES), RATE * seconds
    _write(stack, _callbacks((n % products for n in range(count)), "steady"), RATE)
    waits = _outcomes(stack, worker, begin, count)["webhook_ms"]
    return {"rate": RATE, "callbacks": count, "callback_to_outcome": percentiles(sorted(waits))}


def _live(stack: Stack, worker: Process, seconds: int, products: int) -> dict[str, Any]:
    """Return the time from a complete delivery to its outcome in milliseconds, alone and beside reads of all products."""
    _shop_waits(stack, worker, WARM_S, "warm", 0)  # topics are created, schemas registered
    alone = _shop_waits(stack, worker, seconds, "alone", 0)
    fill(stack, _callbacks(range(products), "beside"))
    beside = _shop_waits(stack, worker, seconds, "beside", products)
    return {"rate": LIVE_RATE, "alone": alone, "beside_reads": beside}


def _shop_waits(stack: Stack, worker: Process, seconds: int, name: str, callbacks: int) -> dict[str, float | None]:
    """Write a shop's deliveries at a constant rate, until their outcomes and those of so many callbacks are there."""
    begin, count = stack.ends(OUTCOMES), LIVE_RATE * seconds
    _write(stack, _shop(count, name), LIVE_RATE)
    return percentiles(sorted(_outcomes(stack, worker, begin, callbacks, count)["live_ms"]))


def _write(stack: Stack, deliveries: Iterable[RawDelivery], rate: int) -> None:
    """Write deliveries at a constant rate."""
    producer, started_s = (
        Producer({"bootstrap.servers": stack.kafka, "partitioner": "murmur2_random"}),
        time.monotonic(),
    )
    for number, delivery in enumerate(deliveries):
        time.sleep(max(0.0, started_s + number / rate - time.monotonic()))
        producer.produce(RAW, delivery.body, delivery.key.encode(), headers=[*codec.raw_headers(delivery)])
        producer.poll(0)
    producer.flush(60)


def _outcomes(stack: Stack, worker: Process, begin: Offsets, count: int, live: int = 0) -> dict[str, list[float]]:
    """Wait for the outcomes of so many callbacks and live deliveries; return when reads were decided, and all waits."""
    schema = codec.parse_schema(codec.schema_text("outcome"))
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        found: dict[str, list[float]] = {"fetch": [], "webhook_ms": [], "live_ms": []}
        for message in committed(stack, OUTCOMES, begin):
            outcome = codec.decode(message.value() or b"", schema)
            decided = outcome["decided_at"]
            if outcome["origin"] == "fetch":
                found["fetch"].append(decided.timestamp() * 1e6)
            else:
                name = "webhook_ms" if outcome["source"] == SOURCE else "live_ms"
                found[name].append((decided - outcome["received_at"]).total_seconds() * 1_000)
        if len(found["webhook_ms"]) >= count and len(found["live_ms"]) >= live:
            return found
        worker.fail_if(time.monotonic() > deadline_s, f"{len(found['webhook_ms'])} of {count} callbacks answered")
        time.sleep(LOOK_EVERY_S)


def _shop(count: int, name: str) -> Iterator[RawDelivery]:
    """Yield updates of products whose deliveries are complete."""
    for number in range(count):
        now = datetime.now(UTC)
        yield replace(
            kept(product(number % LIVE_PRODUCTS, number, number, SMALL), f"{name}-{number}", number), received_at=now
        )


def _callbacks(numbers: Iterable[int], name: str) -> Iterable[RawDelivery]:
    provider = BigCommerce()
    for place, number in enumerate(numbers):
        now = datetime.now(UTC)
        body = (
            b'{"scope":"store/product/updated","store_id":"1","data":{"type":"product","id":%d},"hash":"%040x",'
            b'"created_at":%d,"producer":"stores/%s"}' % (number, place, int(now.timestamp()) - 3_600, STORE.encode())
        )
        request = SignedRequest({"webhook-id": f"{name}-{place}", "content-type": "application/json"}, body)
        envelope = provider.identify(SOURCE, request)
        yield RawDelivery(
            envelope.delivery_id, "bigcommerce", SOURCE, envelope.event_type, now, envelope.key, body,
            event_time=envelope.event_time, tenant=envelope.tenant,
        )  # fmt: skip
