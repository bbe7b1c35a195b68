"""Every delivery answered with 200 is on Kafka, whether the ingress was killed under load or stopped in order."""

import asyncio
import uuid
from pathlib import Path

import pytest

from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import ONE_SHOP, IngressProcess, running_ingress
from tests.support.processes.posting_clients import Ledger, post_request, post_until_accepted, post_until_hung_up

pytestmark = pytest.mark.kafka
SECRET = b"made-up"
POSTS, KILLS, CLIENTS = 4_000, 3, 32
DRAINED_POSTS = 1_500
TIMEOUT_S = 60.0


@pytest.fixture
def source() -> str:
    """Return a source name that no other test uses."""
    return f"shop-{uuid.uuid4().hex[:8]}"


def configured(kafka: str, source: str) -> str:
    """Return a penstock.toml with one source."""
    return ONE_SHOP.format(kafka=kafka, source=source, secret=SECRET.decode())


async def test_sigkill_under_load_loses_nothing_accepted(kafka: str, tmp_path: Path, source: str) -> None:
    """4,000 posts by 32 clients, three SIGKILLs and restarts: every delivery answered with 200 is on the topic."""
    requests = [(f"kill-{number}", post_request(source, SECRET, f"kill-{number}")) for number in range(POSTS)]
    ledger = Ledger()
    with running_ingress(tmp_path, configured(kafka, source)) as process:
        process.until_ready()
        with RawReader(kafka) as raw:
            posting = asyncio.create_task(post_until_accepted(process.port, requests, CLIENTS, ledger))
            for kill in range(1, KILLS + 1):
                await accepted(ledger, kill * POSTS // (KILLS + 1))
                process.child.kill()
                await asyncio.to_thread(process.start)
            await asyncio.wait_for(posting, TIMEOUT_S)

            kept = [delivery.delivery_id for delivery in raw.deliveries(source)]

    assert len(ledger.accepted) == POSTS
    assert ledger.accepted - set(kept) == set()
    assert len(kept) < POSTS + KILLS * CLIENTS + len(ledger.refused) + 1, "only what got no 200 may lie there twice"
    assert set(ledger.refused) <= {503}


async def test_sigterm_answers_what_got_in(kafka: str, tmp_path: Path, source: str) -> None:
    """Stopped under load, the ingress answers every post that reached it, logs its end, and exits with 0."""
    ledger = Ledger()
    with running_ingress(tmp_path, configured(kafka, source)) as process:
        process.until_ready()
        with RawReader(kafka) as raw:
            posting = asyncio.create_task(
                post_until_hung_up(process.port, lambda name: post_request(source, SECRET, name), CLIENTS, ledger)
            )
            await accepted(ledger, DRAINED_POSTS)
            process.child.terminate()
            await asyncio.wait_for(posting, TIMEOUT_S)
            code = await asyncio.to_thread(process.child.wait, TIMEOUT_S)

            kept = [delivery.delivery_id for delivery in raw.deliveries(source)]

    assert code == 0
    assert ledger.unanswered == []
    assert ledger.refused == []
    assert sorted(kept) == sorted(ledger.accepted)
    assert unpublished(process) == 0


async def accepted(ledger: Ledger, count: int) -> None:
    """Return once that many deliveries have been answered with 200."""
    async with asyncio.timeout(TIMEOUT_S):
        while len(ledger.accepted) < count:  # noqa: ASYNC110  # a fact of the other tasks, with a deadline
            await asyncio.sleep(0.005)


def unpublished(process: IngressProcess) -> int:
    """Return how many records the ingress says it left behind."""
    return sum(event["unpublished"] for event in process.events() if event["event"] == "ingress_stopped")
