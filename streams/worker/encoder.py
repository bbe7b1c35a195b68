"""Encodes a decision as the records of a transaction, checks their sizes, and creates missing topics."""

from collections.abc import Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from broker.errors import IncompatibleSchema
from broker.outgoing import Record
from broker.schema_registry import Registry
from broker.topic_admin import Topics
from config.model import Replication
from schemas import codec
from schemas.codec import SchemaName
from schemas.fetches import FetchRequest, account_key, encode_request
from schemas.reconciliation import encode as encode_decided
from schemas.records import Change, Lineage, Outcome, RawDelivery
from schemas.topics import DEAD, MAX_RECORD_BYTES, OUTCOMES, PENDING, fetches_topic, reconciliation_topic
from schemas.typed.resource import TypedResource
from streams.pipeline import Result
from streams.steps.hydration import is_fetch, result_of
from streams.steps.origin import lineage_of, notes_of
from streams.steps.outcome import with_notes
from streams.steps.passthrough import copy_topics, noted
from streams.steps.reconciliation import decided_of
from streams.steps.routing import RoutedChange, Routes
from streams.steps.typed_topics import TypedTopics

SPARE_BYTES = 64 * 1024  # of a record's limit, for the key, headers and batch overhead

BY_DEFAULT = Replication()

log = structlog.get_logger()


class _Form(Struct, frozen=True):
    """How a topic holds documents: the prefix of its messages, and the resource whose records it has, None for JSON text."""

    prefix: bytes
    typed: TypedResource | None


class Encoder:
    """Encodes decisions as records; registers schemas and creates topics on first use."""

    def __init__(self, registry: Registry, topics: Topics, routes: Routes, app: str = "capture") -> None:
        self._app = app
        self._registry = registry
        self._topics = topics
        self._routes = routes
        self._typed_topics = TypedTopics(routes)
        self._forms: dict[tuple[str, str, str], _Form] = {}

    def records(self, delivery: RawDelivery, result: Result, now_us: int) -> list[Record]:
        """Return the records of a decision: changes, states, passthrough copies, and its outcome, or what says that it waits."""
        records: list[Record] = []
        for routed in result.routed_changes:
            self._add_change(records, delivery, routed, now_us)
        for answered in result.answers:
            lineage = replace(lineage_of(answered.delivery), cause=delivery.delivery_id)
            self._add_outcome(records, answered.outcome, answered.delivery, now_us, lineage)
            records.append(Record(PENDING, codec.pending_key(answered.delivery), None))
        copies = copy_topics(delivery, self._routes.raw) if self._routes.raw else ()  # 1 us of some 50 per delivery
        records.extend(self._copy(topic, delivery) for topic in copies)
        if result.request is not None:
            self._add_request(records, result.request, result.outcome, delivery, now_us)
        else:
            told = with_notes(noted(result.outcome, copies), notes_of(delivery))
            self._add_outcome(records, result.outcome, delivery, now_us, lineage_of(delivery), told)
        if is_fetch(delivery):
            self._add_decided(records, delivery, result)
        return records

    def _add_decided(self, records: list[Record], delivery: RawDelivery, result: Result) -> None:
        """Add what a reconciliation counts: what became of a read that it has asked for."""
        read = result_of(delivery)
        if read is None or not read.run:
            return
        topic = reconciliation_topic(self._app)
        self._topics.ensure(topic)
        account = account_key(delivery.provider, delivery.source, delivery.tenant)
        records.append(
            Record(
                topic,
                account.encode(),
                encode_decided(decided_of(delivery, read, result.outcome, result.routed_changes)),
            )
        )

    def _add_outcome(
        self,
        records: list[Record],
        outcome: Outcome,
        delivery: RawDelivery,
        now_us: int,
        lineage: Lineage,
        told: Outcome | None = None,
    ) -> None:
        """Add the outcome of a delivery, as `told` with notes in its detail, and its dead letter if it is dead."""
        if outcome.outcome == "dead":
            letter = codec.encode_dead(self._prefix(DEAD, "dead"), outcome, delivery, now_us, lineage)
            records.append(Record(DEAD, delivery.key.encode(), letter))
        value = codec.encode_outcome(self._prefix(OUTCOMES, "outcome"), told or outcome, delivery, now_us, lineage)
        records.append(Record(OUTCOMES, delivery.delivery_id.encode(), value))

    def _add_request(
        self, records: list[Record], request: FetchRequest, outcome: Outcome, delivery: RawDelivery, now_us: int
    ) -> None:
        """Add what says that a delivery waits, and the request for what it waits for."""
        value = codec.encode_pending(self._prefix(PENDING, "pending"), outcome, delivery, request.resource_key, now_us)
        topic = fetches_topic(self._app)
        self._topics.ensure(topic)
        records.append(Record(PENDING, codec.pending_key(delivery), value))
        records.append(Record(topic, request.account.encode(), encode_request(request)))

    def _add_change(self, records: list[Record], delivery: RawDelivery, routed: RoutedChange, now_us: int) -> None:
        change, key = routed.change, routed.change.resource_key.encode()
        parts = [(topic, change) for topic in routed.topics] + [(part.topic, part.change) for part in routed.projected]
        records.extend(Record(topic, key, self._change(topic, part, delivery, now_us)) for topic, part in parts)
        topic = self._routes.state_topic(delivery.provider, delivery.source, change.resource_type)
        records.append(Record(topic, key, self._state(topic, change, delivery, now_us)))

    def _change(self, topic: str, change: Change, delivery: RawDelivery, now_us: int) -> bytes:
        form = self._form(topic, "change", delivery.provider, change.resource_type)
        if form.typed is None:
            return codec.encode_change(form.prefix, change, delivery, now_us)
        typed = typed_change(change, form.typed)
        return codec.encode_change(form.prefix, typed, delivery, now_us, form.typed.encode_change)

    def _state(self, topic: str, change: Change, delivery: RawDelivery, now_us: int) -> bytes | None:
        form = self._form(topic, "state", delivery.provider, change.resource_type)
        if form.typed is None:
            return codec.encode_state(form.prefix, change, delivery, now_us)
        typed = replace(change, after=_record_after(change, form.typed))
        return codec.encode_state(form.prefix, typed, delivery, now_us, form.typed.encode_state)

    def _form(self, topic: str, name: SchemaName, provider: str, resource_type: str) -> _Form:
        """Return how a topic holds the documents of a resource type; it is registered the first time."""
        form = self._forms.get((topic, provider, resource_type))
        if form is None:
            self._topics.ensure(topic)
            typed = self._typed_topics.resource(topic, provider, resource_type)
            form = self._registered(topic, name, typed)
            self._forms[topic, provider, resource_type] = form
        return form

    def _registered(self, topic: str, name: SchemaName, typed: TypedResource | None) -> _Form:
        """Return a topic's form: a topic that began with documents as text, before its resource had columns, keeps them."""
        try:
            return _Form(self._registry.prefix(topic, name, typed), typed)
        except IncompatibleSchema:
            if typed is None or self._registry.is_typed(topic):
                raise
        log.warning("topic_stays_untyped", topic=topic, resource=typed.name)
        return _Form(self._registry.prefix(topic, name), None)

    def _copy(self, topic: str, delivery: RawDelivery) -> Record:
        self._topics.ensure(topic)
        return Record(topic, delivery.key.encode(), delivery.body, codec.copied_headers(delivery))

    def _prefix(self, topic: str, name: codec.SchemaName) -> bytes:
        self._topics.ensure(topic)
        return self._registry.prefix(topic, name)


def typed_change(change: Change, typed: TypedResource) -> Change:
    """Return a change whose `before` and `after` are records of its resource; those that are not at hand are made."""
    return replace(
        change,
        before=change.record_before or _record(change.before, typed),
        after=_record_after(change, typed),
    )


def _record_after(change: Change, typed: TypedResource) -> bytes | None:
    return change.record_after or _record(change.after, typed)


def _record(text: bytes | None, typed: TypedResource) -> bytes | None:
    return None if text is None else typed.encode(codec.document(text)).body


def too_large(records: Sequence[Record]) -> Record | None:
    """Return the first record that is too large for Kafka, None if all fit."""
    limit = MAX_RECORD_BYTES - SPARE_BYTES
    for record in records:  # a generator would take three times as long, for every delivery
        if record.value is not None and len(record.value) > limit:
            return record
    return None
