"""A number whose exponent no decimal can hold: identified by the delivery, dead in the pipeline, and nothing raises."""

import pytest

from providers.base import SignedRequest, Unparsed
from providers.registry import PROVIDERS, provider
from schemas.records import RawDelivery
from tests.support.builders.deliveries import START

BODY = b'{"id":1e99999999999999999999,"scope":"store/product/updated","data":{"id":1e99999999999999999999}}'


@pytest.mark.parametrize("name", PROVIDERS)
def test_number_beyond_every_decimal_never_raises(name: str) -> None:
    """Raised in the ingress, a signed body would be answered 503, and be retried without end."""
    envelope = provider(name).identify("acme", SignedRequest({}, BODY))
    delivery = RawDelivery(envelope.delivery_id, name, "acme", envelope.event_type, START, envelope.key, BODY)

    parsed = provider(name).parse(delivery)

    assert envelope.key == envelope.delivery_id
    assert isinstance(parsed, Unparsed)
    assert parsed.reason == "unreadable"
