"""What a provider marked as a test is no data."""

import msgspec
import pytest

from providers import base
from providers.base import Parsed, SignedRequest
from providers.registry import provider
from providers.shopify.provider import Shopify
from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline, real_delivery
from tests.support.builders.shopify_events import delivery

SHOPIFY = Shopify()


@pytest.mark.parametrize("value", ["true", "True"])
@pytest.mark.parametrize("header", ["x-shopify-test", "shopify-test"])
def test_test_notification_is_no_data(header: str, value: str) -> None:
    """The admin's "send test notification" shows an order that does not exist."""
    headers = {"x-shopify-topic": "orders/create", header: value}
    posted = SignedRequest(headers, b'{"id":820982911946154508,"updated_at":"2026-01-31T12:00:00Z"}')
    pipeline = Pipeline(Routes({"acme": provider("shopify")}))

    result = pipeline.decide(delivery(posted, "delivery-1"))

    assert isinstance(SHOPIFY.parse(delivery(posted, "delivery-1")), base.TestDelivery)
    assert (result.outcome.outcome, result.outcome.reason) == ("filtered", "test")
    assert result.outcome.detail
    assert (pipeline.latest, pipeline.seen) == ({}, {})


def test_ping_of_a_stripe_event_destination_is_no_data() -> None:
    """The dashboard and the API send it on demand; no event destination has changed."""
    event = {
        "id": "evt_test_1",
        "object": "v2.core.event",
        "type": "v2.core.event_destination.ping",
        "created": "2026-01-31T12:00:00.000Z",
        "related_object": {"id": "ed_test_1", "type": "v2.core.event_destination"},
    }
    pipeline = Pipeline(Routes({"acme": provider("stripe")}))

    pipeline.decide(real_delivery("stripe", msgspec.json.encode(event), str(event["type"]), "evt_test_1", {}))

    assert pipeline.outcomes == ["filtered test"]
    assert (pipeline.latest, pipeline.seen) == ({}, {})


@pytest.mark.parametrize("value", ["false", ""])
def test_delivery_that_is_no_test_is_decided(value: str) -> None:
    """Shopify used to send the header with every delivery."""
    headers = {"x-shopify-topic": "orders/create", "x-shopify-test": value}

    assert isinstance(SHOPIFY.parse(delivery(SignedRequest(headers, b'{"id":7}'), "d")), Parsed)
