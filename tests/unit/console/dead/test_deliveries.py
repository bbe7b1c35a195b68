"""The deliveries that answer a letter: what of the original they keep, and what today's configuration says."""

import json

from msgspec.structs import replace

from console.dead import deliveries
from console.dead.deliveries import Sender, unreadable
from console.dead.letters import Letter, Letters
from providers.generic import Generic, GenericOptions
from providers.registry import provider
from schemas.records import Document, RawDelivery
from streams.steps.origin import lineage_of, notes_of
from tests.support.builders.dead_letters import death, received
from tests.support.builders.deliveries import second

ANN = Sender("ann", second(100))
SENT = replace(
    received(4, "first", b'{"product": {"id": 7}}', key="first", headers={"x-webhook-event": "product.updated"}),
    provider="generic",
    source="acme",
    event_type="product.updated",
)
MENDED = Generic(GenericOptions(id_path="product.id"))


def letter(of: RawDelivery = SENT) -> tuple[Letter, Document]:
    """Return the letter of a delivery, and its record."""
    letters, record = Letters(), death(of, 10)
    letters.add_death(record, (0, 0), is_selected=True)
    return letters.standings()[0].letter, record


def test_retry_is_the_same_delivery_and_says_so() -> None:
    """Body, id, provider's headers and times are the original's; a source that is gone changes nothing else."""
    made = deliveries.retried(*letter(), None, ANN)

    assert (made.body, made.delivery_id, made.key, made.received_at) == (SENT.body, "first", "first", SENT.received_at)
    assert made.headers["x-webhook-event"] == "product.updated"
    lineage = lineage_of(made)
    assert (lineage.origin, lineage.cause, lineage.attempt) == ("retry", "webhooks.raw-0-4", 2)
    assert lineage.first_at == second(10)
    assert notes_of(made) == ("retried by ann at 2026-01-31T12:01:40+00:00",)


def test_retry_has_the_key_that_the_configuration_names_now() -> None:
    """Otherwise the resource would be on two partitions, and on one of them it would be created again."""
    made = deliveries.retried(*letter(), MENDED, ANN)

    assert (made.key, made.event_type) == ("generic|acme||product|7", "product.updated")


def test_key_follows_the_event_type_that_was_read() -> None:
    """The header that names it now was not kept: the type and the key still agree, as the worker will decide them."""
    other = Generic(GenericOptions(id_path="product.id", event_header="x-event"))
    made = deliveries.retried(*letter(), other, ANN)

    (snapshot,) = other.parse(made).snapshots  # type: ignore[union-attr]  # it can be read
    assert made.key == f"generic|acme||{snapshot.resource_type}|{snapshot.resource_id}"


def test_retry_has_the_provider_that_the_source_has_now() -> None:
    """With the event type that this provider reads."""
    shown = {"id": "prod_1", "object": "product"}
    body = json.dumps({"id": "evt_1", "object": "event", "type": "product.updated", "data": {"object": shown}}).encode()
    made = deliveries.retried(*letter(replace(SENT, body=body, event_type="unknown")), provider("stripe"), ANN)

    assert (made.provider, made.event_type, made.delivery_id) == ("stripe", "product.updated", "first")
    assert made.key == "stripe|acme||product|prod_1"


def test_second_retry_counts_on_and_keeps_nothing_of_the_first() -> None:
    """Neither its headers nor its position."""
    first = replace(deliveries.retried(*letter(), None, ANN), partition=0, offset=9)
    made = deliveries.retried(*letter(first), None, Sender("bob", second(200)))

    lineage = lineage_of(made)
    assert (lineage.cause, lineage.attempt, lineage.first_at) == ("webhooks.raw-0-4", 3, second(10))
    assert notes_of(made) == ("retried by bob at 2026-01-31T12:03:20+00:00",)


def test_edited_copy_has_an_id_and_an_editor() -> None:
    """The id names the original; another edit has another id."""
    made = deliveries.edited(*letter(), b'{"product": {"id": 8}}', "application/json", MENDED, ANN)

    assert made.delivery_id.startswith("first.edited-")
    assert (made.key, made.body) == ("generic|acme||product|8", b'{"product": {"id": 8}}')
    assert (lineage_of(made).origin, lineage_of(made).edited_by) == ("edited", "ann")


def test_retried_copy_keeps_its_editor() -> None:
    """The copy was dead again; its body is still not the provider's."""
    copy = replace(deliveries.edited(*letter(), b"[]", "", None, ANN), partition=0, offset=9)
    made = deliveries.retried(*letter(copy), None, Sender("bob", second(200)))

    assert (made.delivery_id, lineage_of(made).edited_by) == (copy.delivery_id, "ann")
    assert lineage_of(made).cause == "webhooks.raw-0-4"


def test_drop_is_short_and_follows_the_letter() -> None:
    """The same key is the same partition; the reason is cut between characters."""
    made = deliveries.dropped(letter()[0], "ä" * 400, ANN)

    assert (made.key, made.body.decode()) == ("first", "ä" * 250)
    assert (lineage_of(made).origin, made.received_at) == ("drop", ANN.now)


def test_copy_is_read_before_it_is_published() -> None:
    """By the provider that would read it."""
    readable = deliveries.edited(*letter(), b'{"product": {"id": 8}}', "application/json", MENDED, ANN)
    broken = deliveries.edited(*letter(), b"{", "application/json", MENDED, ANN)

    assert unreadable(readable, MENDED) is None
    assert unreadable(broken, MENDED).reason == "unreadable"  # type: ignore[union-attr]  # it cannot be read
    assert "no source 'acme'" in unreadable(readable, None).detail  # type: ignore[union-attr]  # nothing reads it
