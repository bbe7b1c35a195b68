"""Known bugs of other systems with these providers' webhooks: each is reproduced here, and Penstock does not have it."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import permutations

import msgspec
import pytest

from providers.base import SignedRequest
from providers.registry import provider
from schemas.records import Document, RawDelivery
from streams.steps.routing import Routes
from tests.support.builders.deliveries import START, Pipeline, real_delivery

CREATED_S = 1_769_860_800
PRODUCT = {"id": 7, "title": "Jacket", "updated_at": "2026-01-31T12:00:00Z"}


def stripe(event_id: str, event_type: str, stripe_object: Document, created_s: int = CREATED_S) -> RawDelivery:
    """Return a Stripe event."""
    event = {"id": event_id, "type": event_type, "created": created_s, "data": {"object": stripe_object}}
    return identified("stripe", event, {})


def identified(name: str, body: Document, headers: Mapping[str, str]) -> RawDelivery:
    """Return a delivery with the id and the event type that the provider's own rules find."""
    text = msgspec.json.encode(body)
    envelope = provider(name).identify("acme", SignedRequest(headers, text))
    delivery = real_delivery(name, text, envelope.event_type, envelope.delivery_id, headers)
    return msgspec.structs.replace(delivery, event_time=envelope.event_time, received_at=START + timedelta(seconds=1))


def decided(*deliveries: RawDelivery) -> Pipeline:
    """Return a pipeline that has decided these."""
    pipeline = Pipeline(Routes({}))
    for delivery in deliveries:
        pipeline.decide(delivery)
    return pipeline


def last_state(pipeline: Pipeline) -> Document:
    """Return the document of the last change of the resource itself, without children."""
    changes = [change for change in pipeline.changes if change.parent_key is None]
    return dict(msgspec.json.decode(changes[-1].after or b"{}"))


def test_update_of_the_same_second_is_not_ignored() -> None:
    """stripe/sync-engine#268: a subscription's second event of one second was dropped, so the trial stayed active."""
    trial = {"id": "sub_1", "object": "subscription", "status": "trialing", "items": {"data": [{"id": "si_trial"}]}}
    ending = stripe("evt_1", "customer.subscription.trial_will_end", trial)
    switched = stripe("evt_2", "customer.subscription.updated", trial | {"items": {"data": [{"id": "si_bought"}]}})

    pipeline = decided(ending, switched)

    assert pipeline.outcomes == ["changed created", "changed updated"]
    assert last_state(pipeline)["items"] == {"data": [{"id": "si_bought"}]}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_paid_invoice_is_paid_in_whatever_order_its_second_arrives(order: tuple[int, ...]) -> None:
    """PostHog/posthog#98651: one payment makes three events of one second; out of order, the invoice stayed open."""
    invoice = {"id": "in_1", "object": "invoice", "status": "open"}
    events = [
        stripe("evt_1", "invoice.updated", invoice),
        stripe("evt_2", "invoice.paid", invoice | {"status": "paid"}),
        stripe("evt_3", "invoice.payment_succeeded", invoice | {"status": "paid"}),
    ]

    assert last_state(decided(*(events[index] for index in order)))["status"] == "paid"


def test_update_with_the_stored_update_time_is_not_ignored() -> None:
    """WebhookDB replaces a row only where `updated_at` is strictly newer, and loses the second update of one second."""
    headers = {"x-shopify-topic": "products/update"}
    first = identified("shopify", PRODUCT, headers | {"x-shopify-webhook-id": "w1"})
    second = identified("shopify", PRODUCT | {"title": "Coat"}, headers | {"x-shopify-webhook-id": "w2"})

    pipeline = decided(first, second)

    assert pipeline.outcomes == ["changed created", "changed updated"]
    assert last_state(pipeline)["title"] == "Coat"


def test_two_issues_of_one_event_type_are_two_deliveries() -> None:
    """Estuary's webhook source suggests `X-GitHub-Event`, the event's type, as the document's id: each would replace the last."""
    headers = {"x-github-event": "issues"}
    bodies = [
        {"action": "opened", "issue": {"id": number, "number": number, "updated_at": "2026-01-31T12:00:00Z"}}
        for number in (1, 2)
    ]
    deliveries = [
        identified("github", body, headers | {"x-github-delivery": f"guid-{index}"})
        for index, body in enumerate(bodies)
    ]

    assert [delivery.delivery_id for delivery in deliveries] == ["guid-0", "guid-1"]
    assert decided(*deliveries).outcomes == ["changed created", "changed created"]


def test_deliveries_of_one_merchant_action_are_not_repetitions() -> None:
    """Shopify's Event-Id is shared by all deliveries of one action; taken for the delivery id, all but one are lost."""
    headers = {"x-shopify-event-id": "one-action", "x-shopify-topic": "products/update"}
    product = identified("shopify", PRODUCT, headers | {"x-shopify-webhook-id": "w1"})
    again = identified(
        "shopify",
        PRODUCT | {"updated_at": "2026-01-31T12:00:01Z", "title": "Coat"},
        headers | {"x-shopify-webhook-id": "w2"},
    )

    assert [product.delivery_id, again.delivery_id] == ["w1", "w2"]
    assert decided(product, again).outcomes == ["changed created", "changed updated"]


def test_deletion_with_the_hash_of_the_creation_is_a_deletion() -> None:
    """BigCommerce's `hash` is shared by created, updated and deleted of one resource; as an id it hides the deletion."""
    deliveries = [
        identified(
            "bigcommerce",
            {
                "scope": f"store/product/{what}",
                "store_id": "1025646",
                "data": {"type": "product", "id": 205},
                "hash": "7ee67cd1cf2ca60bc1aa9e5fe957d2de373be4ca",
                "created_at": CREATED_S + index,
                "producer": "stores/abc",
            },
            {"webhook-id": f"msg_{index}"},
        )
        for index, what in enumerate(("created", "updated", "deleted"))
    ]

    assert decided(*deliveries).outcomes[-1] == "changed deleted"
    assert [change.op for change in decided(*deliveries).changes] == ["c", "u", "d"]
