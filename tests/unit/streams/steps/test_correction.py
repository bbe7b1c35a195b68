"""A correction in the pipeline: it applies only while the stored state is the one that it replaces."""

import json
from typing import Any

import msgspec

from schemas import codec
from schemas.records import Correction, Document, RawDelivery
from streams.pipeline import Result
from streams.steps.correction import EVENT_TYPE, HEADER, correction_delivery, is_correction
from streams.steps.passthrough import RawRoute, copy_topics
from streams.steps.routing import Route, Routes
from tests.support.builders.deliveries import (
    RESOURCE,
    ROUTES,
    SOURCE,
    START,
    Pipeline,
    Scripted,
    delivery,
    second,
    snapshot,
)

WRONG: Document = {"id": 7, "title": "Lamp", "price": None}
RIGHT: Document = {"id": 7, "title": "Lamp", "price": "10.00"}


def correction(
    replaces: str, before: Document | None = WRONG, after: Document | None = RIGHT, **fields: Any
) -> RawDelivery:
    """Return the delivery of a correction of product 7."""
    was, right = (None if one is None else codec.document_json(one).decode() for one in (before, after))
    made = Correction(RESOURCE, "7", None, "product.updated", replaces, was, right, second(1))
    return correction_delivery(Scripted.name, SOURCE, msgspec.structs.replace(made, **fields), START)


def shown_wrongly() -> tuple[Pipeline, str]:
    """Return a pipeline with a wrong stored state, and the id of the change that made it."""
    pipeline = Pipeline()
    pipeline.show(WRONG, version=1, by="first")
    return pipeline, pipeline.changes[0].event_id


def told(result: Result) -> str:
    """Return outcome and reason."""
    return f"{result.outcome.outcome} {result.outcome.reason}"


def test_correction_is_one_change_from_what_consumers_have_to_what_is_right() -> None:
    """The event has the correction's id; the row has the right content and version."""
    pipeline, event_id = shown_wrongly()
    made = correction(event_id)

    result = pipeline.decide(made)

    change = pipeline.changes[-1]
    assert told(result) == "changed corrected"
    assert (change.event_id, change.op, change.changed) == (made.delivery_id, "u", ("/price",))
    assert (json.loads(change.before or b""), json.loads(change.after or b"")) == (WRONG, RIGHT)
    assert pipeline.stored().document == codec.document_json(RIGHT)
    assert pipeline.stored().version_us == codec.time_us(second(1))


def test_correction_counts_volatile_fields_no_more_than_others_do() -> None:
    """`changed` of a correction means the same as for every change."""
    pipeline, event_id = shown_wrongly()

    pipeline.decide(correction(event_id, after={**RIGHT, "seen_at": 2}, volatile=("seen_at",)))

    assert pipeline.changes[-1].changed == ("/price",)


def test_correction_twice_is_a_duplicate() -> None:
    """Published by two replays, or twice by one."""
    pipeline, event_id = shown_wrongly()

    decided = [told(pipeline.decide(correction(event_id))) for _ in range(2)]

    assert decided == ["changed corrected", "duplicate delivery_id"]


def test_correction_of_what_has_changed_since_is_stale() -> None:
    """A delivery between the replay and its correction is newer, even without a time."""
    pipeline, event_id = shown_wrongly()
    pipeline.show({**WRONG, "title": "Chair"}, at=None)

    assert told(pipeline.decide(correction(event_id))) == "stale changed_since_replay"
    assert json.loads(pipeline.stored().document or b"")["title"] == "Chair"


def test_correction_deletes_what_never_was() -> None:
    """A resource made by a bug is deleted; the operation follows from both sides."""
    pipeline, event_id = shown_wrongly()

    pipeline.decide(correction(event_id, after=None, version=None))

    assert pipeline.changes[-1].op == "d"
    assert pipeline.stored().is_deleted


def test_correction_creates_what_was_dropped() -> None:
    """No state is stored, and none is replaced."""
    pipeline = Pipeline()

    pipeline.decide(correction("", before=None))

    assert [change.op for change in pipeline.changes] == ["c"]


def test_correction_sends_what_went_unnoticed() -> None:
    """The stored document is right already; consumers have an older one."""
    pipeline = Pipeline()
    pipeline.show(RIGHT, version=1)

    pipeline.decide(correction(pipeline.changes[0].event_id))

    assert pipeline.changes[-1].changed == ("/price",)


def test_next_try_of_the_delivery_shows_what_is_known() -> None:
    """The provider sends the delivery again after the fix: a duplicate, not an id used twice."""
    pipeline, event_id = shown_wrongly()
    pipeline.decide(correction(event_id))

    assert told(pipeline.show(RIGHT, version=1, by="first")) == "duplicate delivery_id"


def test_child_is_in_the_index_after_its_correction() -> None:
    """It is deleted with its parent."""
    pipeline = Pipeline()
    pipeline.show(RIGHT, version=1)
    pipeline.decide(correction("", before=None, resource_type="variant", resource_id="71", parent=(RESOURCE, "7")))

    pipeline.show(None, at=9)

    assert [(change.op, change.resource_type) for change in pipeline.changes[-2:]] == [
        ("d", RESOURCE),
        ("d", "variant"),
    ]


def test_routes_go_by_the_event_type_of_the_delivery_that_was_right() -> None:
    """A consumer of `product.*` gets the correction of such a change."""
    routes = Routes(ROUTES.providers, (Route("r", event_type="product.*", topic="t"),))
    pipeline = Pipeline(routes)

    taken = pipeline.decide(correction("", before=None))
    left = pipeline.decide(correction("", before=None, resource_id="8", event_type="order.paid"))

    assert taken.routed_changes[0].topics == ("t",)
    assert told(left) == "filtered no_route"


def test_paused_resource_is_left_alone() -> None:
    """A pause applies to corrections, too."""
    pipeline = Pipeline(msgspec.structs.replace(ROUTES, paused=frozenset({(SOURCE, RESOURCE)})))

    assert told(pipeline.decide(correction("", before=None))) == "filtered paused"


def test_raw_routes_get_no_corrections() -> None:
    """Raw routes take a provider's deliveries only."""
    assert copy_topics(correction(""), [RawRoute("all", "copies")]) == ()


def test_only_the_header_makes_a_correction() -> None:
    """Event type and body are chosen by a sender."""
    body = correction("").body
    forged = msgspec.structs.replace(delivery(snapshot(RIGHT, 1), event_type=EVENT_TYPE), body=body)

    assert not is_correction(forged)


def test_unreadable_correction_is_dead() -> None:
    """A newer version may have written it."""
    broken = msgspec.structs.replace(correction(""), body=b"{}", headers={HEADER: "1"})

    assert told(Pipeline().decide(broken)) == "dead unreadable"


def test_delivery_id_names_what_is_put_right() -> None:
    """The same mistake with the same repair has the same id, in any replay; another content has another."""
    later = correction_delivery(Scripted.name, SOURCE, codec.decode_correction(correction("event-1").body), second(99))

    assert later.delivery_id == correction("event-1").delivery_id
    assert correction("event-1").delivery_id != correction("event-1", after=None).delivery_id
