"""The products with children: the benchmark's expectation matches the pipeline's result."""

import msgspec
import pytest

from bench.families import CHANGED, VARIANTS, body_bytes, expected_events, families
from config.model import Configuration
from schemas import codec
from streams.pipeline import Tables, process
from streams.worker.settings import compiled_routes


@pytest.mark.parametrize("has_children", [True, False])
def test_the_pipeline_makes_as_many_events_as_expected(has_children: bool) -> None:
    """In two rounds over all variants a creation makes one event for each resource in it, an update three (or one)."""
    products, versions = 2, 2 * VARIANTS // CHANGED + 2
    routes = msgspec.structs.replace(compiled_routes(Configuration()), children=has_children)
    seen: dict[bytes, bytes] = {}
    latest: dict[bytes, bytes] = {}

    events = 0
    for index, delivery in enumerate(families(products, versions)):
        headers = codec.raw_headers(delivery)
        read = codec.raw_delivery(delivery.key.encode(), delivery.body, headers, ("webhooks.raw", 0, index))
        result = process(read, Tables(seen, latest), routes)
        seen.update(result.writes.seen)
        latest.update(result.writes.latest)
        events += len(result.outcome.event_ids)

    assert events == expected_events(products, versions, has_children)


def test_a_body_is_as_long_as_the_issue_says() -> None:
    """About 5.9 kB, like the product of the ingress benchmarks."""
    assert 5_800 <= body_bytes() <= 6_100
