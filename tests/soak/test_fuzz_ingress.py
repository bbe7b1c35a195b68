"""A million strange requests: no fault, no hang, no growth, and only signed deliveries on the topic.

PENSTOCK_FUZZ_CASES is their number (one in twenty-five over a socket, as whole connections), PENSTOCK_FUZZ_SEED repeats a
run. Random choices are sequential, but connections are answered in any order: over the socket, the failure's text contains
the bytes of the failing case.
"""

import asyncio
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.builders.provider_requests import SENDERS
from tests.support.fuzz.client import WireClient
from tests.support.fuzz.ingress import FuzzedDoor, fuzz
from tests.support.fuzz.requests import seeded
from tests.support.fuzz.wire import LIMIT_BYTES
from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.waiting import until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("PENSTOCK_FUZZ_CASES", "1000000"))
SEED = int(os.environ.get("PENSTOCK_FUZZ_SEED", "20260131"))
WIRE_CASES = max(200, CASES // 25)
STALLED_CASES = min(100, WIRE_CASES // 10)
PROGRESS_S = 10.0
STEP = 1000
MB = 1024 * 1024
GROWTH_BYTES = 32 * MB  # A leak of 100 bytes a request is 77 MB in process.
RUN = uuid.uuid4().hex[:8]


class Progress:
    """One line every 10 s, and one at the end: the running case, the progress, the process's memory."""

    def __init__(self, what: str, cases: int, pid: int) -> None:
        self._what, self._cases = what, cases
        self._process = psutil.Process(pid)
        self._began_s = self._told_s = time.monotonic()
        self._say(f"{cases} cases, PENSTOCK_FUZZ_SEED={SEED}")

    def rss_bytes(self) -> int:
        """Return the process's resident memory."""
        return int(self._process.memory_info().rss)

    def tell(self, done: int) -> None:
        """Write a line if one is due."""
        now_s = time.monotonic()
        if done == self._cases or now_s - self._told_s >= PROGRESS_S:
            self._told_s = now_s
            self._say(f"{done} cases in {now_s - self._began_s:.0f} s, RSS {self.rss_bytes() / MB:.0f} MB")

    def _say(self, line: str) -> None:
        sys.stdout.write(f"\n{self._what}: {line}")
        sys.stdout.flush()


async def test_in_process() -> None:
    """Every request gets the required status; accepted ones are on the topic once, as sent; the memory stays."""
    cases, progress = CASES - WIRE_CASES, Progress("in process", CASES - WIRE_CASES, os.getpid())
    fuzzed, random, warm_rss_bytes = FuzzedDoor(), seeded(SEED), 0

    for done in range(0, cases, STEP):
        await fuzz(fuzzed, random, min(STEP, cases - done))
        progress.tell(min(done + STEP, cases))
        if done <= cases // 5:
            warm_rss_bytes = progress.rss_bytes()

    assert progress.rss_bytes() - warm_rss_bytes < GROWTH_BYTES
    assert sum(fuzzed.statuses.values()) == cases


@pytest.fixture
def process(kafka: str, tmp_path: Path) -> Iterator[IngressProcess]:
    """Give a ready ingress with a source for every provider and a small limit for bodies."""
    tables = [
        f'[[sources]]\nname = "{sender.name}-{RUN}"\nprovider = "{sender.name}"\n'
        f'secrets = ["text:{sender.secret.decode()}"]\n'
        for sender in SENDERS
    ]
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n[ingress]\nbody_limit_bytes = {LIMIT_BYTES}\n' + "".join(tables)
    with running_ingress(tmp_path, text) as started:
        started.until_ready()
        yield started


@pytest.mark.kafka
def test_over_a_socket(process: IngressProcess, kafka: str) -> None:
    """Every connection is answered or closed, the process stays healthy, and the topic holds the signed deliveries, once."""
    with RawReader(kafka) as raw:
        client = WireClient(process.port, RUN, seeded(SEED))
        progress = Progress("over a socket", WIRE_CASES, process.child.pid)
        files, warm_rss_bytes = psutil.Process(process.child.pid).num_fds(), 0
        asyncio.run(client.send_stalled(STALLED_CASES))

        for done in range(0, WIRE_CASES, STEP):
            asyncio.run(client.send_many(min(STEP, WIRE_CASES - done)))
            progress.tell(min(done + STEP, WIRE_CASES))
            if done <= WIRE_CASES // 5:
                warm_rss_bytes = progress.rss_bytes()

        assert progress.rss_bytes() - warm_rss_bytes < GROWTH_BYTES
        assert (process.get("/healthz").status_code, process.get("/readyz").status_code) == (200, 200)
        until(lambda: psutil.Process(process.child.pid).num_fds() <= files + 8, 30, "all connections are closed")
        assert _held_bytes(process) == 0
        _assert_kept(raw, client)
    sys.stdout.write(f"\nanswers: {dict(client.statuses)}\nconnections: {dict(client.kinds)}\n")
    assert _faults(process) == []


def _faults(process: IngressProcess) -> list[dict[str, Any]]:
    """Return the fault events in the process's log; every line of the log must be JSON."""
    return [event for event in process.events() if event["event"] == "request_failed" or "exception" in event]


def _held_bytes(process: IngressProcess) -> float:
    """Return the bytes that all connections still hold: a byte that one never released stays in the sum."""
    (line,) = [
        line for line in process.get("/metrics").text.splitlines() if line.startswith("penstock_ingress_held_bytes ")
    ]
    return float(line.split()[1])


def _assert_kept(raw: RawReader, client: WireClient) -> None:
    bodies = Counter(delivery.body for sender in SENDERS for delivery in raw.deliveries(f"{sender.name}-{RUN}"))
    shopery = Counter(delivery.body for delivery in raw.deliveries(f"shopery-{RUN}"))  # its bodies are not signed
    assert client.accepted <= bodies.keys()
    assert (bodies - shopery).keys() <= client.allowed
    assert max(bodies[body] for body in client.accepted) == 1
