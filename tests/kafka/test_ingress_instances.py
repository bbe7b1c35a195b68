"""Several ingress instances on one port with a real Kafka: killed under load, stopped, without Kafka, upgraded."""

import asyncio
import itertools
import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ingress.delivery.spool_file import Row, SpoolFile
from local.kafka import RunningKafka, start_kafka
from tests.kafka.test_spool_drain import drained
from tests.support.builders.deliveries import spooled_headers
from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import ONE_SHOP, IngressProcess
from tests.support.processes.instances import instances, metric
from tests.support.processes.posting_clients import Connection, Ledger, attempt, post_request, post_until_accepted
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
SECRET = b"made-up"
COUNT, CLIENTS = 3, 32
POSTS, SPOOLED = 500, 60
TIMEOUT_S = 60.0


@pytest.fixture
def source() -> str:
    """Return a source name that no other test uses."""
    return f"shop-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[RunningKafka]:
    """Give a Kafka that a test may kill; the Kafka that later runs on its directory also ends with the block."""
    running = start_kafka(tmp_path / "kafka")
    yield running
    with suppress(ProcessLookupError):
        running.stop()


def configured(kafka: str, source: str) -> str:
    """Return a penstock.toml with one source."""
    return ONE_SHOP.format(kafka=kafka, source=source, secret=SECRET.decode())


def requests(source: str) -> Iterator[tuple[str, bytes]]:
    """Yield signed deliveries with their ids, without end."""
    for number in itertools.count():
        yield f"{source}-{number}", post_request(source, SECRET, f"{source}-{number}")


def spooled(process: IngressProcess) -> float:
    """Return the number of deliveries in an instance's spool."""
    return metric(process, "penstock_spool_deliveries")


async def until_accepted(ledger: Ledger, count: int) -> None:
    """Return once that many deliveries have been answered with 200."""
    async with asyncio.timeout(TIMEOUT_S):
        while len(ledger.accepted) < count:  # noqa: ASYNC110  # a fact of the other tasks, with a deadline
            await asyncio.sleep(0.005)


async def test_one_of_three_killed_under_load_loses_nothing_accepted(kafka: str, tmp_path: Path, source: str) -> None:
    """Posts to three instances, each killed once and restarted: the port stays open, deliveries answered with 200 are kept."""
    ledger, over = Ledger(), asyncio.Event()
    with instances(tmp_path, configured(kafka, source), COUNT) as crew:
        for each in crew:
            each.until_ready()
        with RawReader(kafka) as raw:
            posts = itertools.takewhile(lambda _: not over.is_set(), requests(source))
            posting = asyncio.create_task(post_until_accepted(crew[0].port, posts, CLIENTS, ledger))
            for killed in crew:
                await until_accepted(ledger, len(ledger.accepted) + POSTS)
                os.kill(killed.child.pid, signal.SIGKILL)
                await asyncio.to_thread(killed.child.wait, TIMEOUT_S)
                await until_accepted(ledger, len(ledger.accepted) + POSTS)  # the others still accept
                await asyncio.to_thread(killed.start)
            over.set()
            await asyncio.wait_for(posting, TIMEOUT_S)

            kept = [delivery.delivery_id for delivery in raw.deliveries(source)]

    assert ledger.accepted - set(kept) == set()
    assert len(kept) < len(ledger.accepted) + COUNT * CLIENTS + len(ledger.refused) + 1, (
        "only what got no 200 may lie there twice"
    )
    assert set(ledger.refused) <= {503}


async def test_one_of_three_told_to_stop_loses_and_doubles_nothing(kafka: str, tmp_path: Path, source: str) -> None:
    """SIGTERM ends one instance in order, and its clients continue with the others."""
    ledger, over = Ledger(), asyncio.Event()
    with instances(tmp_path, configured(kafka, source), COUNT) as crew:
        for each in crew:
            each.until_ready()
        with RawReader(kafka) as raw:
            posts = itertools.takewhile(lambda _: not over.is_set(), requests(source))
            posting = asyncio.gather(*(_post_once(crew[0].port, posts, ledger) for _ in range(CLIENTS)))
            await until_accepted(ledger, POSTS)
            crew[0].child.terminate()
            code = await asyncio.to_thread(crew[0].child.wait, TIMEOUT_S)
            await until_accepted(ledger, len(ledger.accepted) + POSTS)
            over.set()
            await asyncio.wait_for(posting, TIMEOUT_S)

            kept = Counter(delivery.delivery_id for delivery in raw.deliveries(source))

    assert code == 0, crew[0].log_text()
    assert ledger.refused == []
    assert ledger.accepted - set(kept) == set()
    assert set(kept.values()) == {1}
    assert crew[0].events()[-1]["unpublished"] == 0


async def _post_once(port: int, posts: Iterator[tuple[str, bytes]], ledger: Ledger) -> None:
    """Post each delivery once, over a new connection after the server has closed the old one."""
    connection = Connection(port)
    for delivery_id, request in posts:
        await attempt(connection, delivery_id, request, ledger)
        if connection.is_hung_up:
            connection.close()
    connection.close()


async def test_each_spool_drains_when_its_instance_is_back(
    own_kafka: RunningKafka, tmp_path: Path, source: str
) -> None:
    """Kafka away, deliveries spooled, one instance killed: two drain when Kafka is back, the third on its restart."""
    kafka, port = own_kafka.bootstrap_servers, int(own_kafka.bootstrap_servers.rpartition(":")[2])
    ledger = Ledger()
    with instances(tmp_path, configured(kafka, source), COUNT) as crew:
        for each in crew:
            each.until_ready()
        own_kafka.child.kill()
        for delivery_id, request in itertools.islice(requests(source), SPOOLED):
            connection = Connection(crew[0].port)  # one per post, so that every instance gets some
            await attempt(connection, delivery_id, request, ledger)
            connection.close()
        assert len(ledger.accepted) == SPOOLED
        assert all(map(spooled, crew))
        left = spooled(crew[2])
        os.kill(crew[2].child.pid, signal.SIGKILL)
        crew[2].child.wait(TIMEOUT_S)

        again = await asyncio.to_thread(start_kafka, own_kafka.data_dir, port)
        try:
            until(lambda: sum(map(spooled, crew[:2])) == 0, TIMEOUT_S, "the two that run have drained")
            with RawReader(kafka) as raw:
                crew[2].start()
                until(
                    lambda: metric(crew[2], "penstock_spool_drained_total") == left, TIMEOUT_S, "the third has drained"
                )
                assert len({delivery.delivery_id for delivery in raw.deliveries(source)}) == left
        finally:
            again.stop()


def test_spool_of_the_former_layout_is_published(kafka: str, tmp_path: Path, source: str) -> None:
    """The command drains `<port>-1.sqlite`, left by a process under --workers, beside a running instance."""
    with instances(tmp_path, configured(kafka, source), 1) as (alone,):
        alone.until_ready()
        left = SpoolFile(tmp_path / "0" / "data" / "spool" / f"{alone.port}-1.sqlite")
        headers = spooled_headers("shopify", source)
        left.change([Row(seq, b"key", b"%d" % seq, headers, 1000.0) for seq in (1, 2)], [])
        left.close()
        with RawReader(kafka) as raw:
            code, said = drained(tmp_path / "0")

            assert f"{alone.port}-1.sqlite: 2 deliveries published, nothing left" in said
            assert (code, f"{alone.port}.sqlite: in use by an ingress" in said) == (2, True)
            assert [delivery.body for delivery in raw.deliveries(source)] == [b"1", b"2"]
