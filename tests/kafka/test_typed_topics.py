"""Typed topics on a real Kafka and registry: a column table that grows over data that is there, and topics that began as text."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from broker.schema_registry import Registry
from config import loading
from schemas import codec
from schemas.codec import SchemaName
from schemas.typed.columns import Column, column_tables
from schemas.typed.resource import TypedResource
from streams.worker.settings import compiled_routes
from tests.support.builders.noisy_products import ensure_raw, feed, noisy_products
from tests.support.oracle.ledger import Ledger, OutcomeCount, assert_adds_up, committed, recompute
from tests.support.processes.workers import Workers, configured, running, wait_until

pytestmark = pytest.mark.kafka
DELIVERIES, RESOURCES = 400, 40
OLDER = "tests.support.processes.older_tables"
ROUTE = """
[[routes]]
name = "products"
source = "{source}"
resource = "product"
topic = "{topic}"
"""


class Shop:
    """A source whose products have a topic of their own, and its worker, older or present."""

    def __init__(self, kafka: str, registry: str, workers: Workers, outcomes: OutcomeCount, source: str) -> None:
        self._servers = kafka, registry
        self._workers = workers
        self._outcomes = outcomes
        self._deliveries = noisy_products(source, DELIVERIES, RESOURCES)
        self.source = source
        self.topic = topic_of(source)

    def decide(self, count: int, app: str) -> None:
        """Send the next deliveries and let a worker decide all of them."""
        wanted = self._outcomes() + feed(self._servers[0], islice(self._deliveries, count))
        self._workers.start(0, app=app)
        wait_until(lambda: self._outcomes() >= wanted, "an outcome for each")
        assert self._workers.children[0].stop(20) == 0

    def schema_ids(self) -> set[int]:
        """Return the ids of the schemas that the topic's changes are written with."""
        return {codec.schema_id(message.value() or b"") for message in committed(self._servers[0], self.topic)}

    def assert_right(self) -> None:
        """Compare all changes, documents included, with a recomputation from the raw deliveries."""
        ledger = Ledger.read(*self._servers, self.source)
        expected = recompute(ledger.raw, compiled_routes(loading.load(self._workers.configuration, {})))
        assert_adds_up(ledger, expected)
        decided = [routed.change for result in expected.results.values() for routed in result.routed_changes]
        texts = {change.event_id: (text(change.before), text(change.after)) for change in decided}
        assert texts == {change["event_id"]: (change["before"], change["after"]) for change in ledger.changes}


@pytest.fixture
def shop(kafka: str, registry: str, tmp_path: Path) -> Iterator[Shop]:
    """Give a shop that has sent nothing yet."""
    unique = uuid.uuid4().hex[:8]
    source, app = f"shop-{unique}", f"app-{unique}"
    ensure_raw(kafka, app)
    route = ROUTE.format(source=source, topic=topic_of(source))
    with (
        closing(OutcomeCount(kafka, registry, source)) as outcomes,
        running(tmp_path, configured(kafka, registry, source, app) + route) as workers,
    ):
        yield Shop(kafka, registry, workers, outcomes, source)


def topic_of(source: str) -> str:
    """Return the topic to which a source's products go."""
    return f"changes.{source}"


def text(document: bytes | None) -> str | None:
    """Return a document's text as a record has it."""
    return None if document is None else document.decode()


def columns_of(registry: str, number: int) -> list[str]:
    """Return the names of the columns in a change's schema."""
    schema = msgspec.json.decode(httpx.get(f"{registry}/schemas/ids/{number}", trust_env=False).json()["schema"])
    (before,) = (field for field in schema["fields"] if field["name"] == "before")
    return [field["name"] for field in before["type"][1]["fields"] if "kind" in field]


def test_table_may_grow_over_existing_topics_and_state(shop: Shop, registry: str) -> None:
    """A worker with new columns goes on over changes, states and *latest* that one without them has written."""
    shop.decide(DELIVERIES // 2, OLDER)
    (older,) = shop.schema_ids()
    shop.decide(DELIVERIES // 2, "streams.app")
    (newer,) = shop.schema_ids() - {older}

    before, now = columns_of(registry, older), columns_of(registry, newer)
    assert now[: len(before)] == before
    assert now[len(before) :] == ["variant_gids", "variants", "vendor"]
    shop.assert_right()


def test_topic_that_began_as_text_stays_so(shop: Shop, registry: str, tmp_path: Path) -> None:
    """As when a resource gets its column table with an upgrade: the worker says so, and nobody has to do anything."""
    with closing(Registry(registry)) as schemas:
        as_text = schemas.register(f"{shop.topic}-value", "change")

    shop.decide(DELIVERIES, "streams.app")

    assert shop.schema_ids() == {as_text}
    log = (tmp_path / "worker-0.log").read_text()
    assert f'"topic": "{shop.topic}", "resource": "shopify/product", "event": "topic_stays_untyped"' in log
    shop.assert_right()


@pytest.mark.parametrize("name", ["change", "state"])
def test_registry_takes_every_column_table(registry: str, name: SchemaName) -> None:
    """And the next version of each with one more column, which must read all that the first has written."""
    added = Column("added_by_the_test", "json", "A new field.")
    with closing(Registry(registry)) as schemas:
        for table in column_tables():
            subject = f"grown-{uuid.uuid4().hex}-value"
            first, second = (
                schemas.register(subject, name, TypedResource(each))
                for each in (table, replace(table, columns=(*table.columns, added)))
            )
            assert first != second
