"""Typed documents in the records of a decision: what the topics get, and what the table keeps for the next change."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from broker.errors import IncompatibleSchema
from broker.outgoing import Record
from schemas import codec
from schemas.codec import SchemaName
from schemas.records import Document, RawDelivery
from schemas.typed.reading import MessageReader
from schemas.typed.resource import TypedResource, typed_resource
from streams.pipeline import Tables, process
from streams.steps.routing import Route, Routes
from streams.worker import encoder as encoders
from streams.worker.encoder import Encoder
from tests.support.builders.deliveries import START

KEY = b"shopify|acme||product|7"
FIRST: Document = {"id": 7, "title": "Shirt", "updated_at": "2026-01-01T00:00:00Z", "colour": "red", "vendor": None}
SECOND: Document = {**FIRST, "title": "Coat", "updated_at": "2026-01-02T00:00:00Z"}


class Schemas:
    """A registry and a Kafka that have everything; topics in `texts` have documents as text since before."""

    def __init__(self, *texts: str, is_typed: bool = False) -> None:
        self.readers: dict[int, MessageReader] = {}
        self.texts = texts
        self._is_typed = is_typed

    def prefix(self, topic: str, name: SchemaName, typed: TypedResource | None = None) -> bytes:
        """Return a prefix of its own for each schema."""
        if typed is not None and topic in self.texts:
            raise IncompatibleSchema("incompatible")
        number = len(self.readers) + 1
        self.readers[number] = MessageReader(codec.schema_text(name) if typed is None else typed.schema_text(name))
        return codec.wire_prefix(number)

    def is_typed(self, topic: str) -> bool:  # noqa: ARG002  # as the registry names it
        """Say what the newest schema of a topic is."""
        return self._is_typed

    def ensure(self, topic: str) -> None:
        """Every topic exists."""

    def read(self, record: Record) -> tuple[bool, Document]:
        """Return whether a record's documents are typed, and the record with documents as text."""
        message = record.value or b""
        reader = self.readers[codec.schema_id(message)]
        return reader.is_typed, reader.record(message)


class Shop:
    """A pipeline with tables in memory, and the records that it makes."""

    def __init__(self, *routes: Route, schemas: Schemas | None = None) -> None:
        self.schemas = schemas or Schemas()
        self.routes = Routes({}, routes)
        self.latest: dict[bytes, bytes] = {}
        self._seen: dict[bytes, bytes] = {}
        self._encoder = Encoder(cast(Any, self.schemas), cast(Any, self.schemas), self.routes)

    def send(self, document: Document) -> list[Record]:
        """Decide a delivery and return its records without the outcome."""
        body = codec.document_json(document)
        text = body.decode()
        delivery = RawDelivery(text, "shopify", "acme", "products/update", START, KEY.decode(), body)
        result = process(delivery, Tables(self._seen, self.latest), self.routes)
        self._seen.update(result.writes.seen)
        self.latest.update(result.writes.latest)
        return self._encoder.records(delivery, result, 1)[:-1]


def json_of(document: Document) -> str:
    """Return a document as canonical text."""
    return codec.document_json(document).decode()


def test_change_and_state_are_typed() -> None:
    """Documents come back as they were, with the field that has no column."""
    shop = Shop()
    shop.send(FIRST)
    change, state = (shop.schemas.read(record) for record in shop.send(SECOND))

    assert (change[0], state[0]) == (True, True)
    assert (change[1]["before"], change[1]["after"]) == (json_of(FIRST), json_of(SECOND))
    assert state[1]["document"] == json_of(SECOND)


def test_record_before_is_a_copy_of_the_stored_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not encoded again: only the new document is."""
    shop = Shop()
    shop.send(FIRST)

    def encoded(text: bytes | None, typed: TypedResource) -> bytes | None:
        assert text is None, f"{typed.name} was encoded again"
        return None

    monkeypatch.setattr(encoders, "_record", encoded)
    change, _ = shop.send(SECOND)

    stored = codec.decode_latest(shop.latest[KEY])
    assert stored.record is not None
    assert (change.value or b"").count(stored.record) == 1


@pytest.mark.parametrize("edit", [{"columns": b"of before", "record": b"\x00"}, {"columns": b"", "record": None}])
def test_record_of_other_columns_is_made_again(edit: dict[str, Any]) -> None:
    """A table that has grown, or a row of a version that stored no records: the stored text tells."""
    shop = Shop()
    shop.send(FIRST)
    shop.latest[KEY] = codec.encode_row(replace(codec.decode_latest(shop.latest[KEY]), **edit))

    change, _ = shop.send(SECOND)

    assert shop.schemas.read(change)[1]["before"] == json_of(FIRST)


def test_narrowed_change_is_typed_too() -> None:
    """With the included fields only, before and after."""
    route = Route("r", provider="shopify", resource="product", topic="titles", include_fields=("title",))
    shop = Shop(route)
    shop.send(FIRST)
    is_typed, change = shop.schemas.read(shop.send(SECOND)[0])

    assert is_typed
    assert (change["before"], change["after"]) == ('{"id":7,"title":"Shirt"}', '{"id":7,"title":"Coat"}')


def test_deletion_has_the_last_document_before() -> None:
    """And nothing after; the state is a tombstone."""
    shop = Shop()
    shop.send(FIRST)
    body = b'{"id":7}'
    delivery = RawDelivery("gone", "shopify", "acme", "products/delete", START, KEY.decode(), body)
    result = process(delivery, Tables({}, shop.latest), shop.routes)
    change, state, _ = Encoder(cast(Any, shop.schemas), cast(Any, shop.schemas), shop.routes).records(
        delivery, result, 1
    )

    record = shop.schemas.read(change)[1]
    assert (record["op"], record["before"], record["after"]) == ("d", json_of(FIRST), None)
    assert state.value is None


def test_topic_that_began_as_text_stays_text() -> None:
    """Its consumers could not read records; other topics are typed."""
    shop = Shop(schemas=Schemas("changes.shopify.product"))
    (change_is_typed, change), (state_is_typed, _) = (shop.schemas.read(record) for record in shop.send(FIRST))

    assert (change_is_typed, state_is_typed) == (False, True)
    assert change["after"] == json_of(FIRST)


def test_typed_topic_that_refuses_new_columns_is_not_made_text() -> None:
    """Two workers may register at once, or a column was retyped by hand: that is no reason to change the topic's form."""
    shop = Shop(schemas=Schemas("changes.shopify.product", is_typed=True))

    with pytest.raises(IncompatibleSchema):
        shop.send(FIRST)


def test_fingerprint_tells_columns_apart() -> None:
    """By names, kinds and order, not by their descriptions."""
    product, order = typed_resource("shopify", "product"), typed_resource("shopify", "order")

    assert product is not None
    assert order is not None
    assert product.fingerprint != order.fingerprint
