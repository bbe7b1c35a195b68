"""Sessions of the reconciliation, a real Kafka, a fake BigCommerce: killed at every page, and not fooled by what is absent."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from prometheus_client import CollectorRegistry

from broker import topic_reader
from broker.outgoing import Record, queue
from broker.topic_admin import Topics
from broker.topic_reader import value_of
from config.model import Configuration
from providers.bigcommerce.listing import BigCommerceLister
from providers.listing import Lister
from schemas import codec
from schemas.codec import time_us
from schemas.fetches import FetchRequest, account_key, decode_request
from schemas.reconciliation import SCHEDULE, Asked, Decided, Kind, Report, Schedule, encode, request_run
from schemas.records import LatestState, resource_key
from schemas.topics import changelog_topic, fetches_topic, progress_topic, reconciliation_topic
from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.faults import Fault
from simulator.providers.serving import Server, serving
from streams.reconcile import account
from streams.reconcile.index import Index
from streams.reconcile.listers import Listers
from streams.reconcile.metrics import Metrics
from streams.reconcile.reconciler import ensure_topics
from streams.reconcile.session import Session, Setting
from tests.support.processes.reading_store import STORE, TOKEN, bigcommerce

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]
SOURCE = "stores"
ACCOUNT = account_key("bigcommerce", SOURCE, STORE)
PAGE = 4
OLD = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


class _Killed(Exception):
    """A session ends here as if its process had been killed."""


class SmallPages(Listers):
    """Listers whose pages are so short that there are many."""

    def of(self, provider: str, name: str, tenant: str) -> Lister | None:
        """Return a lister with short pages."""
        source = self.source(name)
        assert (provider, tenant) == ("bigcommerce", STORE)
        assert source is not None
        assert source.api_url is not None
        return BigCommerceLister(tenant, lambda: TOKEN, source.api_url, page_size=PAGE)


class Mortal(Session):
    """A session that is killed at its n-th transaction: before it, or when it is committed and the process does not know."""

    lives = 1_000_000
    is_after = False

    def _transact(self, records: Sequence[Record], offsets: list[TopicPartition], metadata: object) -> None:
        self.lives -= 1
        if self.lives == 0 and not self.is_after:
            self._producer.begin_transaction()
            for record in records:  # Kafka has a part of it, which nobody may see
                queue(self._producer, record)
            self._producer.flush(10)
            raise _Killed
        super()._transact(records, offsets, metadata)
        if self.lives == 0:
            raise _Killed


class Shop:
    """A fake store, what is stored of it, and the reconciliation of one worker."""

    def __init__(self, kafka: str, server: Server, fake: FakeBigCommerce, directory: Path) -> None:
        self.kafka, self.fake, self._directory = {"bootstrap.servers": kafka}, fake, directory
        self.app = f"reconcile-{uuid.uuid4().hex[:8]}"
        source = {
            "name": SOURCE,
            "provider": "bigcommerce",
            "verify": "none",
            "tenants": [STORE],
            "api_url": server.url,
        }
        source |= {"api_token": f"text:{TOKEN}", "reconcile": ["product"]}
        loaded = {"worker": {"app": self.app}, "sources": [source], "reconcile": {"enabled": False}}
        self.configuration = Configuration.model_validate(loaded)
        ensure_topics(self.kafka, self.configuration)
        Topics(self.kafka, 4).ensure(changelog_topic(self.app, "latest"))
        self._index = 0
        self.run = ""

    def has(self, *numbers: int, at: datetime = OLD) -> None:
        """Let the provider have products."""
        for number in numbers:
            self.fake.put(STORE, "product", product(number, at))

    def stored(self, *numbers: int, at: datetime = OLD) -> None:
        """Let products be stored, as of a time."""
        rows = [
            Record(changelog_topic(self.app, "latest"), _key(number).encode(), codec.encode_row(_row(at)))
            for number in numbers
        ]
        self._produce(rows)

    def ask(self, kind: Kind = "reconcile", **fields: object) -> None:
        """Ask for a run."""
        self.run = f"run-{uuid.uuid4().hex[:6]}"
        asked = Asked(self.run, kind, SOURCE, time.time_ns() // 1_000, "a test", **fields)  # type: ignore[arg-type]
        self._produce([Record(reconciliation_topic(self.app), SOURCE.encode(), encode(asked), partition=0)])

    def every_day(self) -> None:
        """Let the daily run be due, which was made yesterday."""
        loaded = self.configuration.model_dump() | {"reconcile": {"enabled": True, "daily_at": "00:00"}}
        self.configuration = Configuration.model_validate(loaded)
        yesterday = Schedule(time.time_ns() // 1_000 - 86_400_000_000)
        self._produce([Record(progress_topic(self.app), SCHEDULE, encode(yesterday), partition=0)])
        self.run = "daily-"

    def decide(self, requests: Sequence[FetchRequest]) -> None:
        """Tell the run that its reads have changed something, as a worker would."""
        self._produce(
            [
                Record(
                    reconciliation_topic(self.app),
                    one.account.encode(),
                    encode(Decided(one.run, one.resource_key, "u")),
                )
                for one in requests
            ]
        )

    def session(self) -> Mortal:
        """Return a session of a process that has just started."""
        self._index += 1
        index = Index(self.kafka, changelog_topic(self.app, "latest"), self._directory / str(self._index))
        listers = SmallPages(self.configuration, {})
        return Mortal(Setting(self.kafka, self.configuration, "w1"), listers, index, Metrics(CollectorRegistry()))

    async def live(self, *, deaths: bool = False) -> Report:
        """Let sessions live, each killed at its second transaction, until the run has its report."""
        for life in range(60):
            session = await asyncio.to_thread(self.session)
            if deaths:
                session.lives, session.is_after = 2, life % 2 == 1
            try:
                report = await self._until_reported(session)
            except _Killed:
                continue
            finally:
                await session.close()
                session._index.close()
            return report
        raise AssertionError("no report after so many lives")

    async def _until_reported(self, session: Session) -> Report:
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            await session.turn()
            known = session._progress.get((ACCOUNT, "product"))
            if known is None:
                continue
            walk = known.walk
            if walk is not None and walk.is_listed and walk.decided < walk.asks:
                run = request_run(walk.task.asked.run, "product")
                waiting = [one for one in self.requests() if one.run == run]
                if walk.decided == 0:
                    self.decide(waiting)
                    await asyncio.sleep(0.3)
            if known.last is not None and known.last.run.startswith(self.run):
                return known.last
        raise AssertionError("no report within a minute")

    def requests(self) -> list[FetchRequest]:
        """Return the requests for reads that a reader of committed records sees."""
        return [decode_request(value) for value in self._values(fetches_topic(self.app))]

    def _values(self, topic: str) -> list[bytes]:
        with topic_reader.consumer(self.kafka) as reader:
            return [value_of(message) for message in topic_reader.read(reader, topic_reader.ranges(reader, topic))]

    def _produce(self, records: Sequence[Record]) -> None:
        producer = Producer({**self.kafka, "partitioner": "murmur2_random"})
        for record in records:
            queue(producer, record)
        assert producer.flush(30) == 0


@pytest.fixture
def fake() -> FakeBigCommerce:
    """Give a BigCommerce with one store, whose clock is right."""
    return bigcommerce()


@pytest.fixture
def shop(kafka: str, fake: FakeBigCommerce, tmp_path: Path) -> Iterator[Shop]:
    """Give a store of which nothing is stored."""
    with serving(bigcommerce_app(fake), fake.faults) as server:
        yield Shop(kafka, server, fake, tmp_path)


async def test_killed_at_every_page_it_asks_for_each_resource_once(shop: Shop) -> None:
    """Of 22 products on six pages some are newer, some unknown, one is gone; sessions die around every transaction."""
    shop.has(*range(1, 23))
    shop.stored(*range(1, 19))
    shop.stored(3, 9, at=OLD - timedelta(hours=1))  # their webhooks were lost, as those of 19 to 22
    shop.stored(99)
    shop.ask()
    report = await shop.live(deaths=True)

    asked = Counter(int(request.resource_id) for request in shop.requests())
    assert asked == Counter([3, 9, 19, 20, 21, 22, 99])
    assert (report.status, report.looked_at, report.pages, report.missed) == ("complete", 22, 6, 6)
    assert (report.absent, report.asked, report.repaired) == (1, 0, 7)

    shop.ask()  # a quiet day
    again = await shop.live()
    assert (again.missed, again.looked_at, again.absent) == (0, 0, 0)
    assert again.since_us == report.started_us - 600 * 1_000_000


async def test_hidden_half_is_a_question(shop: Shop) -> None:
    """A right was taken away: the list lacks half of what is stored, and nothing is looked for."""
    shop.has(*range(1, 9))
    shop.stored(*range(1, 17))
    shop.ask()
    report = await shop.live()

    assert (report.absent, report.asked, report.status, shop.requests()) == (8, 8, "complete", [])
    assert report.question.startswith("8 of 16 stored product resources are not in")


async def test_list_that_fails_half_way_shows_nothing_gone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends as failed, and the next one begins where it did; what it had found already is read all the same."""
    monkeypatch.setattr(account, "PAUSES_S", (0.02,))
    shop.has(*range(1, 11))
    shop.stored(*range(1, 9), 99)
    errors: list[Fault] = ["error"] * account.MOST_FAILURES
    shop.fake.faults.next(None, None, *errors)
    shop.ask()
    failed = await shop.live()
    assert (failed.status, failed.pages, failed.absent) == ("failed", 2, 0)
    assert shop.requests() == []
    shop.ask()
    report = await shop.live()

    assert (report.since_us, report.status, report.absent) == (None, "complete", 1)
    assert sorted(request.resource_id for request in shop.requests()) == ["10", "9", "99"]


async def test_lagging_list_deletes_nothing(shop: Shop) -> None:
    """A product that was created a moment ago is stored, and not in the list yet: it is newer than the run, or found by id."""
    shop.has(*range(1, 5))
    shop.fake.faults.search_lag_s = 300.0
    shop.fake.clock.advance(400)  # these are old enough for the list
    shop.fake.put(STORE, "product", product(9, datetime.now(UTC)))
    shop.stored(*range(1, 5))
    shop.stored(9, at=datetime.now(UTC) + timedelta(seconds=30))
    shop.ask()
    report = await shop.live()

    assert (report.status, report.looked_at, report.absent, shop.requests()) == ("complete", 4, 0, [])


async def test_daily_run_is_planned_once(shop: Shop) -> None:
    """By the owner of the first partition, when its time of day has passed since the last; a restart plans none again."""
    shop.has(1)
    shop.every_day()
    report = await shop.live()
    again = await asyncio.to_thread(shop.session)
    for _ in range(20):
        await again.turn()
    await again.close()

    assert (report.status, report.repaired, report.run[:6]) == ("complete", 1, "daily-")
    assert len(shop.requests()) == 1


async def test_dry_run_and_backfill(shop: Shop) -> None:
    """The one asks for nothing and moves nothing, the other for everything."""
    shop.has(1, 2)
    shop.stored(1)
    shop.ask(is_dry=True)
    dry = await shop.live()
    assert (dry.status, dry.missed, shop.requests()) == ("dry", 1, [])
    shop.ask("backfill")
    whole = await shop.live()

    assert (whole.status, whole.missed, whole.since_us) == ("complete", 2, None)
    assert {(one.resource_id, one.origin, one.priority) for one in shop.requests()} == {
        ("1", "backfill", 2),
        ("2", "backfill", 2),
    }


def _key(number: int) -> str:
    return resource_key("bigcommerce", SOURCE, STORE, "product", str(number))


def _row(at: datetime) -> LatestState:
    return LatestState(time_us(at), None, b"", b"{}", shown_by="read")
