"""A change and its state of which Kafka shows only one for a while.

Kafka ends a transaction in one partition after the other, so a reader may see one record of it before another. Two
transactions, one of each topic, hold that moment.
"""

from contextlib import closing
from datetime import UTC, datetime
from typing import Literal

from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by its documentation
    AdminClient,
    NewTopic,
    OffsetSpec,
)

from broker.schema_registry import Registry
from schemas import codec
from schemas.records import Change, RawDelivery
from schemas.topics import described
from tests.support.waiting import until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "generic|desk||ticket|1"
TIMEOUT_S = 30.0

Name = Literal["change", "state"]


class HalfVisible:
    """The topics of a resource type, with one partition each, and one change in them."""

    def __init__(self, kafka: str, registry: str, resource: str) -> None:
        self.resource = resource
        self._names: dict[Name, str] = {"change": f"changes.{resource}", "state": f"state.{resource}"}
        self._producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"test.{resource}"})
        self._plain = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
        self._admin = AdminClient({"bootstrap.servers": kafka})
        new = [NewTopic(name, 1, config=dict(described(name).settings)) for name in self._names.values()]
        for created in self._admin.create_topics(new).values():
            created.result(TIMEOUT_S)
        with closing(Registry(registry)) as schemas:
            self._values = self._encoded(schemas)
        self._rest: list[Name] = []
        self._is_open = True
        self._producer.init_transactions(TIMEOUT_S)

    def begin(self, later: Name) -> None:
        """Write the change so that Kafka shows it and hides its state, or so that it hides the change, without a state yet."""
        self._producer.begin_transaction()
        if later == "state":
            self._plain.produce(self._names["change"], self._values["change"], KEY)
            self._plain.flush(TIMEOUT_S)
            self._write("state")
        else:
            self._write("change")
            self._rest = ["state"]

    def end(self) -> None:
        """Write what is missing, commit, and wait until Kafka shows it everywhere; nothing if that was done."""
        if not self._is_open:
            return
        for name in self._rest:
            self._write(name)
        self._producer.commit_transaction(TIMEOUT_S)
        self._is_open = False
        until(self._is_visible, TIMEOUT_S, "the transaction is visible in both topics")

    def _is_visible(self) -> bool:
        """Say whether nothing is undecided any more: Kafka confirms a commit before it has told every partition."""
        wanted = {TopicPartition(name, 0): OffsetSpec.latest() for name in self._names.values()}  # type: ignore[no-untyped-call]
        committed, everything = (
            [end.result().offset for end in self._admin.list_offsets(wanted, isolation_level=level).values()]
            for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
        )
        return committed == everything

    def _write(self, name: Name) -> None:
        self._producer.produce(self._names[name], self._values[name], KEY)
        self._producer.flush(TIMEOUT_S)

    def _encoded(self, schemas: Registry) -> dict[Name, bytes | None]:
        delivery = RawDelivery("1", "generic", "desk", "ticket.changed", NOW, KEY, b"{}")
        change = Change(
            "id", "u", KEY, "ticket", "1", ("/title",), b'{"title":"wrong"}', b'{"title":"right"}', NOW, NOW
        )
        prefixes = {name: schemas.prefix(topic, name) for name, topic in self._names.items()}
        return {
            "change": codec.encode_change(prefixes["change"], change, delivery, 0),
            "state": codec.encode_state(prefixes["state"], change, delivery, 0),
        }
