"""A sample of the soak's strange requests: every answer is right, none is a fault, and memory does not grow."""

import gc
import tracemalloc
from datetime import timedelta
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.builders.properties import examples
from tests.support.builders.provider_requests import NOW
from tests.support.fuzz.ingress import FuzzedDoor, fuzz
from tests.support.fuzz.requests import fuzz_request, seeded

SEED = 20260131  # arbitrary; the soak takes others
CASES, WARM_UP_CASES, MEASURED_CASES = examples(8000), 1500, 1500
GROWTH_BYTES = 256 * 1024  # One body kept per request would be 0.3 MB, one record of a request 3 MB.


@settings(
    max_examples=examples(150),
    derandomize=True,
    deadline=timedelta(seconds=5),  # for a hang; the machine may be busy
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.randoms(use_true_random=False))
async def test_smallest_strange_request_is_found(random: Random) -> None:
    """Hypothesis makes the choices, so that a failure is shrunk to the least strange request that causes it."""
    await FuzzedDoor().check(fuzz_request(random, NOW))


async def test_strange_requests_are_answered_rightly() -> None:
    """Thousands of requests of all providers get the required status; those with 200 are on the topic once, as sent."""
    ingress = FuzzedDoor()

    await fuzz(ingress, seeded(SEED), CASES)

    assert set(ingress.statuses) == {200, 400, 401, 404, 405, 413, 415, 501}
    assert CASES / 4 < ingress.statuses[200] < CASES  # else the sample would prove little


async def test_strange_requests_leave_no_memory_behind() -> None:
    """Once warm, the ingress keeps no memory of answered requests."""
    ingress, random = FuzzedDoor(), seeded(SEED)
    tracemalloc.start()
    try:
        await fuzz(ingress, random, WARM_UP_CASES)
        before = _traced_bytes()
        await fuzz(ingress, random, MEASURED_CASES)
        grown = _traced_bytes() - before
    finally:
        tracemalloc.stop()

    assert grown < GROWTH_BYTES


def _traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
