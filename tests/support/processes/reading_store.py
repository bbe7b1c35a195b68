"""A source whose deliveries have to be read, its workers, and what they decided."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broker import topic_reader
from broker.schema_registry import Registry
from schemas.fetches import Standing, decode_standing
from schemas.records import RawDelivery
from schemas.topics import PENDING, standings_topic
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.notices import Notice
from simulator.providers.clock import Clock
from tests.support.builders.noisy_products import ensure_raw, feed
from tests.support.builders.store_callbacks import callbacks
from tests.support.oracle.ledger import Ledger, OutcomeCount
from tests.support.processes.workers import Workers, running

STORE, TOKEN = "s1abc", "token-of-the-store"


def bigcommerce() -> FakeBigCommerce:
    """Return a BigCommerce with one store, whose clock is right."""
    made = FakeBigCommerce(Clock(datetime.now(UTC), speed=1.0))
    made.add_store(STORE, TOKEN)
    return made


class Store:
    """One source of one application, its workers, and what they decided."""

    def __init__(self, workers: Workers, kafka: str, registry: str, source: str, app: str) -> None:
        self.workers = workers
        self.source = source
        self.app = app
        self._kafka, self._registry = kafka, registry
        self.outcomes = OutcomeCount(kafka, registry, source)

    def post(self, notices: Iterable[Notice]) -> int:
        """Write the deliveries of callbacks; return their number."""
        return self.write(callbacks(self.source, notices))

    def write(self, deliveries: Iterable[RawDelivery]) -> int:
        """Write deliveries; return their number."""
        return feed(self._kafka, iter(deliveries))

    def ledger(self) -> Ledger:
        """Return everything that a reader of committed records sees."""
        return Ledger.read(self._kafka, self._registry, self.source)

    def answered(self) -> Callable[[], bool]:
        """Return a condition: nothing waits, and every record has its outcome."""
        return lambda: not self.pending() and self.outcomes() == len(Ledger.read_raw(self._kafka, self.source))

    def stopped(self) -> list[Standing]:
        """Return what people are told of the accounts of which nothing is read."""
        found: dict[bytes, Standing] = {}
        with topic_reader.consumer({"bootstrap.servers": self._kafka}) as reader:
            for message in topic_reader.read(reader, topic_reader.ranges(reader, standings_topic(self.app))):
                if (key := topic_reader.key_of(message)).count(b"|") == 2:
                    found.pop(key, None)
                    if value := topic_reader.value_of(message):
                        found[key] = decode_standing(value)
        return list(found.values())

    def pending(self) -> dict[bytes, dict[str, Any]]:
        """Return what waits, by key."""
        found: dict[bytes, dict[str, Any]] = {}
        with (
            closing(Registry(self._registry)) as schemas,
            topic_reader.consumer({"bootstrap.servers": self._kafka}) as reader,
        ):
            for message in topic_reader.read(reader, topic_reader.ranges(reader, PENDING)):
                key, value = message.key() or b"", message.value()
                if value is None:
                    found.pop(key, None)
                elif self.source.encode() in value:
                    found[key] = schemas.decode(value)
        return found


@contextmanager
def reading(directory: Path, kafka: str, registry: str, lines: str, url: str) -> Iterator[Store]:
    """Give a source whose provider's API is served at an address."""
    source, app = f"store-{uuid.uuid4().hex[:8]}", f"hydration-{uuid.uuid4().hex[:8]}"
    ensure_raw(kafka, app)
    configuration = f"""
[kafka]
bootstrap_servers = "{kafka}"
[registry]
url = "{registry}"
[worker]
app = "{app}"
[[sources]]
name = "{source}"
secrets = ["text:made-up"]
api_url = "{url}"
{lines}
"""
    with running(directory, configuration) as workers:
        made = Store(workers, kafka, registry, source, app)
        with closing(made.outcomes):
            yield made


def assert_adds_up(ledger: Ledger) -> None:
    """Every record has exactly one outcome, and no change is there twice."""
    decided = Counter((outcome["partition"], outcome["offset"]) for outcome in ledger.outcomes)
    assert decided == Counter((raw.partition, raw.offset) for raw in ledger.raw)
    emitted = Counter(change["event_id"] for change in ledger.changes)
    assert [event_id for event_id, number in emitted.items() if number > 1] == []
