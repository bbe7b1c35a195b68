"""Requests of the simulator are those that the ingress verifies and stores, for every provider."""

from datetime import UTC, datetime

import pytest
from starlette.types import Message

from ingress.observability.metrics import Metrics
from ingress.receive import Receiver
from ingress.settings import Settings
from ingress.sources import Secret, Source
from providers.base import Refused, Sample, Verified
from schemas.codec import raw_headers
from simulator.signing import FORGER, http_request, raw_delivery, signed
from tests.support.builders.provider_requests import NOW, SENDERS, Sender
from tests.support.kafka.memory_topic import MemoryTopic


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
def test_signed_request_is_verified_and_a_forgers_is_not(sender: Sender) -> None:
    """The provider that signs is the one that checks."""
    sample = Sample(sender.body, sender.topic, "delivery-1", NOW)

    verdicts = [
        sender.provider.verify(signed(sender.provider, sample, secret), [sender.secret], NOW)
        for secret in (sender.secret, FORGER)
    ]

    assert [type(verdict) for verdict in verdicts] == [Verified, Refused]


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
async def test_record_is_the_one_that_the_ingress_makes(sender: Sender) -> None:
    """Deliveries that tests and benchmarks put on the topic themselves do not differ from posted ones."""
    request, topic = sender.request(), MemoryTopic()
    source = Source("acme", sender.provider, (Secret(sender.secret, ref="env:SECRET"),))
    receiver = Receiver(Settings({}), {"acme": source}, topic, Metrics([source]), lambda: NOW)

    async def whole() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    answer = await receiver.receive("acme", pairs, whole)

    made = raw_delivery(sender.provider, "acme", request, NOW)
    assert answer.status == 200
    assert topic.records == [(made.key.encode(), made.body, raw_headers(made))]


def test_post_has_its_length_and_all_headers() -> None:
    """A server can read the next request on the same connection."""
    request = SENDERS[0].request(datetime(2026, 1, 31, tzinfo=UTC))

    head, _, body = http_request("/v1/acme", request).partition(b"\r\n\r\n")

    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    assert line == "POST /v1/acme HTTP/1.1"
    assert headers == {"host": "127.0.0.1", "content-length": str(len(body)), **request.headers}
    assert body == request.body
