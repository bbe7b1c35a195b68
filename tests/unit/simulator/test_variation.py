"""Variations of a payload: each is a newer version of the same resource, as its provider's own rules read it."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.base import Parsed, Sample
from providers.registry import PROVIDERS, provider
from schemas.codec import document_json
from schemas.records import Snapshot
from simulator.history import Scene
from simulator.sample_payloads import WRITERS
from simulator.signing import raw_delivery, signed
from simulator.variation import new_delivery_id, renewed, varied

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD = Scene(4711, 1, NOW - timedelta(days=1))


def snapshot(name: str, body: bytes) -> Snapshot:
    """Return the resource that a provider reads from a body."""
    rules = provider(name)
    topic, _ = WRITERS[name](OLD)
    request = signed(rules, Sample(body, topic, "id", NOW), b"secret")
    parsed = rules.parse(raw_delivery(rules, "source", request, NOW))
    assert isinstance(parsed, Parsed)
    return parsed.snapshots[0]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_variation_is_a_newer_version_with_other_content(name: str) -> None:
    """Its id is kept; its time, where the provider sends one, is later than that of the payload and of earlier variations."""
    body = document_json(WRITERS[name](OLD)[1])

    original, first, second = (snapshot(name, text) for text in (body, *(varied(name, body, n, NOW) for n in (1, 2))))

    assert original.resource_id == first.resource_id == second.resource_id
    assert original.document != first.document != second.document
    for older, newer in ((original, first), (first, second)):
        if older.version and newer.version:
            assert older.version < newer.version
        if older.event_time and newer.event_time:
            assert older.event_time <= newer.event_time


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[1]", b'"text"'])
def test_what_is_no_object_is_sent_as_it_is(body: bytes) -> None:
    """A load of unreadable bodies is a load, too."""
    assert varied("shopify", body, 1, NOW) == body
    assert renewed("stripe", body, "evt_1") == body


def test_delivery_ids_look_like_the_providers() -> None:
    """A person can distinguish them."""
    assert [new_delivery_id(name, "x") for name in ("stripe", "standard", "github")] == ["evt_x", "msg_x", "x"]
