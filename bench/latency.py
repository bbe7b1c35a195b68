"""From the POST's answer to the change that a `read_committed` consumer can read: ingress, Kafka and one worker together.

Every post is a real update of a product, so every post must come out as a change. Constant arrival (open loop).
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.ingress import PATH
from bench.peer_job import PARTITIONS
from bench.stack import Process, Stack, running, running_ingress, running_worker
from providers.shopify.types import RESOURCE_TYPES
from schemas.topics import RAW, changes_topic, described
from simulator.load_figures import OK, Phase, Posts, percentiles
from simulator.load_generator import open_loop
from simulator.shop_deliveries import LARGE, body_bytes, requests

RATES = (200, 1_000)
CHANGES = changes_topic("shopify", "product", RESOURCE_TYPES)
PRODUCTS = 200
WARM_POSTS = 200  # a worker's first transactions create topics and register schemas; these posts are not counted
SETTLE_S = 30.0
Read = dict[str, float]


def latency(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return the latencies at each rate."""
    for topic in (RAW, CHANGES):
        stack.create(topic, PARTITIONS, described(topic).settings)
    duration_s = 5 if is_quick else 20
    built = requests(PATH, WARM_POSTS + duration_s * sum(RATES), PRODUCTS)
    rows, begin = [], WARM_POSTS
    with running_ingress(stack, "ingress") as (_, port), running_worker(stack, "latency") as worker:
        _post(stack, worker, port, built[:WARM_POSTS], WARM_POSTS)
        for rate in RATES:
            end = begin + rate * duration_s
            file = stack.directory / f"read-{rate}"
            command = [sys.executable, "-m", "bench.reader", stack.kafka, CHANGES, str(file)]
            with running(f"reader-{rate}", command, stack.directory) as reader:
                reader.wait_until(partial(_says, reader, b"reading"), "its partitions")
                posts = _post(stack, worker, port, built[begin:end], rate)
            rows.append(_row(rate, posts, begin, _read(file)))
            print(f"  {rate}/s: p99 {rows[-1]['answered_to_readable']['p99_ms']} ms", file=sys.stderr)
            begin = end
    return {"body_bytes": body_bytes(LARGE), "partitions": PARTITIONS, "rates": rows}


def _says(process: Process, words: bytes) -> bool:
    return words in process.log.read_bytes()


def _post(stack: Stack, worker: Process, port: int, built: list[bytes], rate: int) -> Posts:
    """Post each request once, and wait until the worker has committed them all."""
    posts = open_loop(port, built.__getitem__, [Phase(rate, len(built) / rate)])
    stack.wait_committed("penstock.latency", RAW, SETTLE_S, worker)
    return posts


def _read(file: Path) -> Read:
    pairs = (line.split() for line in file.read_text().splitlines())
    return {delivery_id: float(at_s) for at_s, delivery_id in pairs}


def _row(rate: int, posts: Posts, begin: int, read: Read) -> dict[str, Any]:
    readable_s = [read.get(f"post-{begin + number}", 0.0) for number in range(len(posts.due_s))]
    return {
        "rate": rate,
        "posts": len(posts.due_s),
        "answered_200": posts.status.count(OK),
        "changes_read": len(read),
        "answered_to_readable": _percentiles(posts.answered_s, readable_s),
        "due_to_readable": _percentiles(posts.due_s, readable_s),
        "due_to_answered": _percentiles(posts.due_s, posts.answered_s),
    }


def _percentiles(from_s: Sequence[float], to_s: Sequence[float]) -> dict[str, float | None]:
    return percentiles(sorted(1000 * (to - start) for start, to in zip(from_s, to_s, strict=True) if start and to))
