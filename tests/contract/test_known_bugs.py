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
    return msgspec.structs.replace(
        delivery,
        event_time=envelope.event_time,
        received_at=START + timedelta(seconds=1),
        key=envelope.key,
        tenant=envelope.tenant,
        api_version=envelope.api_version,
    )


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


def test_creation_in_the_second_of_an_update_does_not_undo_it() -> None:
    """stripe/stripe-cli#418: `customer.subscription.updated` (active) overtakes `…created` (incomplete) within one second."""
    active = {"id": "sub_1", "object": "subscription", "status": "active"}
    updated = stripe("evt_2", "customer.subscription.updated", active)
    created = stripe("evt_1", "customer.subscription.created", active | {"status": "incomplete"})

    pipeline = decided(updated, created)

    assert pipeline.outcomes == ["changed created", "stale older_than_stored"]
    assert last_state(pipeline)["status"] == "active"


def test_disputes_without_id_are_those_of_their_charges() -> None:
    """Stripe's format of 2013: a dispute has no id; two of them must not become one."""
    deliveries = [
        stripe(f"evt_{charge}", "charge.dispute.created", {"object": "dispute", "charge": charge, "amount": 1})
        for charge in ("ch_A", "ch_B")
    ]

    pipeline = decided(*deliveries)

    assert pipeline.outcomes == ["changed created"] * 2
    assert [change.resource_id for change in pipeline.changes] == ["ch_A", "ch_B"]


@pytest.mark.parametrize(
    "related", [{}, {"related_object": None}, {"related_object": {"id": "mtr_1", "type": "billing.meter"}}]
)
def test_thin_event_has_one_key_at_the_ingress_and_in_the_pipeline(related: Document) -> None:
    """stripe-python: `v1.billing.meter.no_meter_found` has no related object, and went to the partition of another key."""
    event = {
        "id": "evt_x",
        "object": "v2.core.event",
        "type": "v1.billing.meter.no_meter_found",
        "created": "2026-01-31T12:00:00.000Z",
        **related,
    }
    body = msgspec.json.encode(event)

    envelope = provider("stripe").identify("acme", SignedRequest({}, body))
    pipeline = decided(identified("stripe", event, {}))

    assert [change.resource_key for change in pipeline.changes] == [envelope.key]


def test_thin_event_does_not_replace_the_object_it_is_about() -> None:
    """Its notification shows nothing of the meter, whose document comes with snapshot events."""
    meter = {"id": "mtr_1", "object": "billing.meter", "status": "active"}
    notified = {
        "id": "evt_2",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "created": "2026-01-31T12:00:05.000Z",
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
    }

    pipeline = decided(stripe("evt_1", "billing.meter.created", meter), identified("stripe", notified, {}))

    assert [(change.op, change.resource_type) for change in pipeline.changes] == [
        ("c", "billing_meter"),
        ("c", "v1_billing_meter"),
    ]
