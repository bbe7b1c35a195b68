"""Requests as each provider would send them, for tests that hold for every provider."""

from datetime import UTC, datetime

from msgspec import Struct

from providers import received
from providers.base import Envelope, Parsed, Provider, Sample, SignedRequest
from providers.registry import provider
from schemas.records import RawDelivery, resource_key
from simulator.signing import signed

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


class Sender(Struct, frozen=True):
    """One provider with the parts of its requests; `signature_headers` are all headers that can carry its signature."""

    name: str
    topic: str
    body: bytes
    signature_headers: tuple[str, ...]
    malformed: str = "no signature at all"
    signs_time: bool = False
    signs_body: bool = True
    secret: bytes = b"a made-up secret"
    wrong_secret: bytes = b"another secret"

    @property
    def provider(self) -> Provider:
        """Return the provider's rules."""
        return provider(self.name)

    def request(self, now: datetime = NOW, delivery_id: str = "delivery-1") -> SignedRequest:
        """Return a request that verifies with `secret` at `now`."""
        sample = Sample(body=self.body, topic=self.topic, delivery_id=delivery_id, now=now)
        return signed(self.provider, sample, self.secret)


SENDERS = (
    Sender("shopify", "products/update", b'{"id":7,"updated_at":"2026-01-31T12:00:00Z"}', ("x-shopify-hmac-sha256",)),
    Sender(
        "bigcommerce",
        "store/product/updated",
        b'{"scope":"store/product/updated","store_id":"1","data":{"type":"product","id":7},"hash":"ab",'
        b'"created_at":1769860800,"producer":"stores/example"}',
        ("webhook-signature",),
        signs_time=True,
    ),
    Sender(
        "github",
        "issues",
        b'{"action":"opened","issue":{"id":7,"updated_at":"2026-01-31T12:00:00Z"},"repository":{"id":1}}',
        ("x-hub-signature-256", "x-hub-signature"),
    ),
    Sender(
        "stripe",
        "product.updated",
        b'{"id":"evt_1","object":"event","type":"product.updated","created":1769860800,'
        b'"data":{"object":{"id":"prod_7","object":"product"}}}',
        ("stripe-signature",),
        signs_time=True,
    ),
    Sender("shopery", "order-created", b'{"id":7}', ("x-shopery-secret",), malformed="", signs_body=False),
    Sender(
        "standard",
        "invoice.paid",
        b'{"type":"invoice.paid","timestamp":"2026-01-31T12:00:00Z","data":{"id":"7"}}',
        ("webhook-signature",),
        signs_time=True,
        secret=b"whsec_YSBtYWRlLXVwIHNlY3JldCBrZXk=",
        wrong_secret=b"whsec_YW5vdGhlciBtYWRlLXVwIGtleQ==",
    ),
    Sender("generic", "order.updated", b'{"id":7}', ("x-webhook-signature",)),
)


def raw_delivery(provider_name: str, envelope: Envelope, request: SignedRequest) -> RawDelivery:
    """Return the delivery as it would be on `webhooks.raw`."""
    return received.raw_delivery(provider(provider_name), "acme", request, envelope, NOW)


def assert_agreement(sender: Sender, topic: str, body: bytes) -> None:
    """Fail unless the ingress and the pipeline find one root resource in the body."""
    headers = {name: topic if value == sender.topic else value for name, value in sender.request().headers.items()}
    request = SignedRequest(headers, body)
    envelope = sender.provider.identify("acme", request)
    delivery = raw_delivery(sender.name, envelope, request)
    parsed = sender.provider.parse(delivery)
    if isinstance(parsed, Parsed):
        root = parsed.snapshots[0]
        parent = root.parent or (root.resource_type, root.resource_id)
        assert envelope.key == resource_key(sender.name, "acme", delivery.tenant, *parent)
