"""How a delivery came, as its outcome and its dead letter say it."""

import itertools
from typing import get_args

import pytest
from msgspec.structs import replace

from schemas import codec
from schemas.records import Lineage, OriginName, Outcome, RawDelivery
from streams.steps.correction import HEADER as CORRECTION
from streams.steps.origin import (
    AT,
    ATTEMPT,
    BY,
    CAUSE,
    FIRST_AT,
    HEADERS,
    ORIGIN,
    cause_of,
    dropped_id,
    edited_id,
    given_up,
    lineage_headers,
    lineage_of,
    notes_of,
    origin_of,
    original_id,
    position_text,
)
from tests.support.builders.deliveries import Pipeline, delivery, second, snapshot

CAUSED = "webhooks.raw-3-1234"


def marked(**headers: str) -> RawDelivery:
    """Return a delivery with these headers and one of its provider."""
    return replace(delivery(), headers={"x-shopify-topic": "products/update", **headers})


def test_delivery_of_a_provider_is_a_webhook() -> None:
    """It answers none, and it is the first attempt."""
    assert lineage_of(marked()) == Lineage("webhook", None, 1, None, None)


@pytest.mark.parametrize("origin", get_args(OriginName))
def test_header_says_how_a_delivery_came(origin: OriginName) -> None:
    """Every origin can be told."""
    assert origin_of(marked(**{ORIGIN: origin})) == origin


def test_correction_is_of_a_replay() -> None:
    """Its own header is older than the one for origins."""
    assert lineage_of(marked(**{CORRECTION: "1"})) == Lineage("replay")


@pytest.mark.parametrize("origin", ["", "Retry", "webhook ", "webhooks.raw"])
def test_unknown_origin_is_a_webhook(origin: str) -> None:
    """A record of another producer cannot make an origin that the schema's readers do not know."""
    assert origin_of(marked(**{ORIGIN: origin})) == "webhook"


def test_lineage_survives_the_record() -> None:
    """What the command line writes is what the worker reads from `webhooks.raw`."""
    headers = lineage_headers(Lineage("edited", CAUSED, 3, second(1), "ann"), "bob", second(9))
    sent = marked(**headers)

    read = codec.raw_delivery(b"k", b"{}", codec.raw_headers(sent), ("webhooks.raw", 3, 1300))

    assert set(headers) == set(HEADERS)
    assert lineage_of(read) == Lineage("edited", CAUSED, 3, second(1), "ann")
    assert cause_of(read) == CAUSED == position_text("webhooks.raw", 3, 1234)


def test_retry_of_an_edited_copy_still_names_the_editor() -> None:
    """Whoever sent it again did not change its body."""
    lineage = Lineage("retry", CAUSED, 3, second(1), "ann")
    sent = marked(**lineage_headers(lineage, "bob", second(9)))

    assert lineage_of(sent) == lineage
    assert notes_of(sent) == ("retried by bob at 2026-01-31T12:00:09+00:00",)


@pytest.mark.parametrize("delivery_id", ["first", ".edited-", "hook:GUID", ""])
def test_derived_ids_name_the_original(delivery_id: str) -> None:
    """Also those of a copy that was edited again; another body makes another id, the same body the same."""
    edited = edited_id(delivery_id, b"{}")

    assert edited.startswith(delivery_id)
    assert edited == edited_id(edited, b"{}") != edited_id(delivery_id, b"[]")
    assert original_id(edited) == original_id(dropped_id(edited, CAUSED)) == original_id(delivery_id)


@pytest.mark.parametrize(("header", "text"), [
    (ATTEMPT, "many"), (ATTEMPT, "-1"), (ATTEMPT, "9999999999"), (ATTEMPT, "²"), (ATTEMPT, "0"),
    (FIRST_AT, "soon"), (FIRST_AT, "2026-01-31T12:00:00"),
])  # fmt: skip
def test_value_that_is_none_counts_as_missing(header: str, text: str) -> None:
    """The worker decides the delivery all the same."""
    lineage = lineage_of(marked(**{ORIGIN: "retry", CAUSE: CAUSED, BY: "ann", AT: "now", header: text}))

    assert lineage == Lineage("retry", CAUSED)


def test_dropped_letter_is_filtered_and_stores_nothing() -> None:
    """The delivery that says so has an outcome like any other, with the person's words."""
    headers = lineage_headers(Lineage("drop", CAUSED), "ann", second(9))
    dropped = replace(delivery(snapshot({"id": 7})), headers=headers, body=b"of a test shop")

    result = Pipeline().decide(dropped)

    assert result.outcome == Outcome("filtered", "dropped", "a dead letter was given up: of a test shop")
    assert (result.routed_changes, result.writes.latest, result.writes.seen) == ((), {}, {})
    assert notes_of(dropped) == ("dropped by ann at 2026-01-31T12:00:09+00:00",)


def test_provider_cannot_drop() -> None:
    """Its body is decided, whatever it says."""
    assert given_up(marked()) is None
    assert notes_of(marked()) == ()


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(("again", "retry", "retry", "drop", "edited"), 3))))
def test_answers_in_any_order_emit_once(order: tuple[str, ...]) -> None:
    """A letter is retried twice while its provider delivers it again and a person drops it: its change goes out once."""
    pipeline, shown = Pipeline(), delivery(snapshot({"id": 7}, version=1), delivery_id="first")
    copy = replace(shown, delivery_id=edited_id("first", shown.body))
    origins: dict[str, OriginName] = {"retry": "retry", "drop": "drop", "edited": "edited", "again": "webhook"}

    decided = [
        pipeline.decide(replace(copy if name == "edited" else shown, headers={ORIGIN: origins[name]})).outcome
        for name in order
    ]

    names = ["dropped" if outcome.reason == "dropped" else outcome.outcome for outcome in decided]
    sent = [name for name in names if name != "dropped"]
    assert sent == ["changed", *["duplicate"] * (len(sent) - 1)]
