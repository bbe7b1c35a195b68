"""A real loader process for tests, and changes for it to load."""

import json
import os
import random
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from broker import topic_reader
from broker.schema_registry import Registry
from broker.topic_admin import Topics
from config.loading import load
from local.guard import Child, spawn
from schemas import codec
from schemas.records import Change, Document, Outcome, RawDelivery, resource_key
from schemas.topics import OUTCOMES
from schemas.typed.resource import typed_resource
from sinks.warehouse.errors import Unusable
from sinks.warehouse.query import result
from sinks.warehouse.settings import WarehouseSettings, warehouse_settings
from streams.worker.encoder import typed_change
from tests.support.kafka.broker import broker
from tests.support.waiting import until

TOPIC = "changes.loaded.product"  # of these tests alone: some of them write what other readers take for broken
START = datetime(2026, 1, 1, tzinfo=UTC)
IN_A_TRANSACTION = 25
PENSTOCK = str(Path(sys.executable).parent / "penstock")


@pytest.fixture(scope="module", name="kafka")
def kafka_of_loaders() -> Iterator[str]:
    """Give a Kafka of a module: on the shared one a loader would load the sources of all other tests too."""
    with broker() as bootstrap_servers:
        yield bootstrap_servers


class Loader:
    """One `penstock load` with a configuration and a data directory of its own."""

    def __init__(self, directory: Path, kafka: str, registry: str, source: str, engine: str, more: str = "") -> None:
        self.directory = directory
        self.schema = source.replace("-", "_")
        self.log = directory / "loader.log"
        self.log.touch()
        self.configuration = directory / "penstock.toml"
        self.configuration.write_text(
            f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n'
            f'[worker]\napp = "{source}"\n[[sources]]\nname = "{source}"\nprovider = "shopify"\n'
            f'secrets = ["text:made-up"]\n[warehouse]\nengine = "{engine}"\noperations_port = 0\n{more}'
        )
        self._child: Child | None = None

    @property
    def settings(self) -> WarehouseSettings:
        """Return where it keeps rows."""
        return warehouse_settings(load(self.configuration, {}), self.directory)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        return {
            **os.environ,
            "PENSTOCK_CONFIG": str(self.configuration),
            "PENSTOCK_DATA_DIR": str(self.directory),
        }

    def start(self, *command: str) -> None:
        """Start it, and return once it reads. `command` replaces `penstock load`."""
        before = len(self.events("loader_started"))
        arguments = command or (PENSTOCK, "load")
        self._child = spawn(arguments, log=self.log, environment=self.environment)
        until(lambda: len(self.events("loader_started")) > before or self.has_ended, 120, "a loader that has started")
        assert not self.has_ended, self.log.read_text()[-4_000:]

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        assert self._child is not None
        return self._child.pid

    @property
    def has_ended(self) -> bool:
        """Say whether the process has ended by itself."""
        return self._child is not None and self._child.exit_code() is not None

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends by itself, and return its exit code."""
        child = self._child
        assert child is not None
        until(lambda: child.exit_code() is not None, timeout_s, "the loader ends by itself", poll_s=0.1)
        code = child.exit_code()
        assert code is not None
        return code

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._child is not None
        assert not self.has_ended, self.log.read_text()[-4_000:]
        self._child.kill()

    def stop(self) -> int:
        """End it with SIGTERM and return its exit code."""
        assert self._child is not None
        return self._child.stop(60)

    def end(self) -> None:
        """End it, whatever state it is in."""
        if self._child is not None and not self.has_ended:
            self._child.kill()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of an event."""
        lines = self.log.read_text(errors="replace").splitlines()
        found = (json.loads(line) for line in lines if f'"{name}"' in line)
        return [event for event in found if event.get("event") == name]

    def get(self, path: str) -> httpx.Response:
        """Return the answer of its operations port."""
        port = self.events("loader_started")[-1]["operations_port"]
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10, trust_env=False)

    def rows(self, sql: str) -> list[Document]:
        """Return the result of a statement, in which `{s}` is the source's schema; nothing before there are tables."""
        found: list[Document] = result(self.settings, sql.format(s=self.schema)).to_pylist()
        return found


@contextmanager
def loader(directory: Path, kafka: str, registry: str, source: str, engine: str, more: str = "") -> Iterator[Loader]:
    """Give a loader, not yet started, that ends with the block."""
    made = Loader(directory, kafka, registry, source, engine, more)
    try:
        yield made
    except BaseException as error:
        error.add_note(made.log.read_text()[-4_000:])
        raise
    finally:
        made.end()


class Feed:
    """Writes changes, states and outcomes of a source as a worker does: in transactions, of which some are aborted."""

    def __init__(
        self,
        kafka: str,
        registry: str,
        source: str,
        resources: int = 300,
        resource: str = "product",
        in_a_transaction: int = IN_A_TRANSACTION,
    ) -> None:
        self._in_a_transaction = in_a_transaction
        self._source = source
        self._resource = resource
        self._typed = typed_resource("shopify", resource)
        self._topic, self._state_topic = f"changes.loaded.{resource}", f"state.loaded.{resource}"
        self._resources = resources
        self._rng = random.Random(11)  # noqa: S311 - reproducible
        self._documents: dict[int, bytes] = {}
        self._raw_offset = 0
        topics = Topics({"bootstrap.servers": kafka}, 4)
        topics.ensure(self._topic)
        topics.ensure(self._state_topic)
        topics.ensure(OUTCOMES)
        with closing(Registry(registry)) as opened:
            self._prefix = opened.prefix(self._topic, "change", self._typed)
            self._state_prefix = opened.prefix(self._state_topic, "state", self._typed)
            self._outcome_prefix = opened.prefix(OUTCOMES, "outcome")
        self._producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"feed-{uuid.uuid4().hex}"})
        self._producer.init_transactions(30)

    def write(self, transactions: int = 1) -> int:
        """Write transactions; return the number of changes that were committed."""
        return sum(self._transaction() for _ in range(transactions))

    def run(self, stopping: threading.Event) -> int:
        """Write five transactions a second until told to stop; return the number of committed changes."""
        written = 0
        while not stopping.wait(0.2):
            written += self.write()
        return written

    def _transaction(self) -> int:
        is_aborted = self._rng.random() < 0.1
        stored = dict(self._documents)
        self._producer.begin_transaction()
        for _ in range(self._in_a_transaction):
            self._change(self._rng.randrange(self._resources))
        if is_aborted:
            self._producer.flush(30)  # so that the records are on the topic, for readers to skip
            self._producer.abort_transaction(30)
            self._documents = stored
            return 0
        self._producer.commit_transaction(30)
        return self._in_a_transaction

    def _change(self, number: int) -> None:
        self._raw_offset += 1
        before = self._documents.get(number)
        is_deletion = before is not None and self._rng.random() < 0.05
        after = None if is_deletion else b'{"id":%d,"title":"title %d"}' % (number, self._raw_offset)
        op: Any = "d" if is_deletion else "u" if before else "c"
        time = START + timedelta(milliseconds=self._raw_offset)
        key = resource_key("shopify", self._source, "", self._resource, str(number))
        made = Change(uuid.uuid4().hex, op, key, self._resource, str(number), (), before, after, time, time)
        delivery = RawDelivery(
            f"d{self._raw_offset}", "shopify", self._source, f"{self._resource}s/update", time, key, b"", partition=0,
            offset=self._raw_offset,
        )  # fmt: skip
        emitted_us = codec.time_us(time) or 0
        self._produce(made, delivery, emitted_us)
        outcome = codec.encode_outcome(
            self._outcome_prefix, Outcome("changed", "changed", "", (made.event_id,)), delivery, emitted_us
        )
        self._producer.produce(OUTCOMES, outcome, delivery.delivery_id)
        if after is None:
            self._documents.pop(number)
        else:
            self._documents[number] = after

    def _produce(self, made: Change, delivery: RawDelivery, emitted_us: int) -> None:
        """Write a change and its state, typed if the resource has columns."""
        typed, partition = self._typed, int(made.resource_id) % 4
        if typed is None:
            value = codec.encode_change(self._prefix, made, delivery, emitted_us)
            state = codec.encode_state(self._state_prefix, made, delivery, emitted_us)
        else:
            made = typed_change(made, typed)
            value = codec.encode_change(self._prefix, made, delivery, emitted_us, typed.encode_change)
            state = codec.encode_state(self._state_prefix, made, delivery, emitted_us, typed.encode_state)
        self._producer.produce(self._topic, value, made.resource_key, partition=partition)
        self._producer.produce(self._state_topic, state, made.resource_key, partition=partition)


def changes_of(kafka: str, registry: str, source: str, topic: str = TOPIC) -> list[Document]:
    """Return the committed changes of a source, each partition's in order."""
    with closing(Registry(registry)) as opened, topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        messages = topic_reader.read(reader, topic_reader.ranges(reader, topic))
        values = [topic_reader.value_of(message) for message in messages]
        found = [opened.decode(value) for value in values if value.startswith(b"\0")]  # others are tests' bad records
    return [change for change in found if change["source"]["source"] == source]


def history_count(loading: Loader) -> int:
    """Return how many changes the history holds; 0 before there is one."""
    try:
        tables = loading.rows("SELECT 1 AS one FROM information_schema.tables WHERE table_schema = '{s}'")
    except Unusable:  # started, and nothing opened yet
        return 0
    if not tables:
        return 0
    return int(loading.rows('SELECT count(*) AS n FROM "{s}".product_history')[0]["n"])


def assert_outcomes(loading: Loader, changes: list[Document]) -> None:
    """Compare the outcomes of a source's deliveries with its changes: one each."""
    source = loading.schema.replace("_", "-")
    found = loading.rows(f"SELECT delivery_id FROM _penstock_outcomes WHERE source = '{source}' ORDER BY 1")  # noqa: S608 - a test's name
    assert [row["delivery_id"] for row in found] == sorted(change["source"]["delivery_id"] for change in changes)


def scan_of(loading: Loader) -> str:
    """Return a query of all changes of a source."""
    return f'SELECT count(*), count(DISTINCT _event_id) FROM "{loading.schema}".product_history'  # noqa: S608 - a test's name
