"""A captured body, posted again under other headers: what an attacker with one of the providers' own samples can do.

Shopify and GitHub sign the body alone. Every sample is posted under every other topic or event; the refused and accepted
ones measure the promise in docs/guarantees.md.
"""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from providers import base
from providers.base import Parsed, Unparsed
from providers.github.events import RULES
from providers.github.provider import GitHub
from providers.shopify.provider import Shopify
from providers.shopify.topics import topic_rule
from schemas.records import RawDelivery, Snapshot
from tests.support.builders.corpora import corpora, shopify_payloads
from tests.support.builders.provider_requests import NOW

PAYLOADS = dict(shopify_payloads())
DELETIONS = sorted(topic for topic in PAYLOADS if topic_rule(topic).is_deletion)
MAIN_RESOURCES = frozenset({"collection", "customer", "draft_order", "inventory_item", "location", "order", "product"})
SHOWING = sorted(
    topic
    for topic in PAYLOADS
    if topic_rule(topic).resource_type in MAIN_RESOURCES and not topic_rule(topic).is_deletion
)
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact", "app/uninstalled")
ALIKE = {"app/uninstalled": "shop/update"}  # both show the shop, and nothing else
GITHUB = [(file.parent.name, file.read_bytes()) for file in sorted((corpora() / "github").glob("*/*.json"))]
GITHUB_EVENTS = sorted({name.partition(".")[0] for name in RULES})
# `watch` is only ever `started`; a deleted one would look exactly like a deleted repository.
NEVER_DELETED = {"watch"}


def shopify(topic: str, body: bytes, **headers: str) -> Parsed | Unparsed | base.TestDelivery:
    """Return what the pipeline reads in a body that was posted under a topic."""
    sent = {"x-shopify-topic": topic} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Shopify().parse(RawDelivery("d", "shopify", "acme", topic, NOW, "k", body, headers=sent))


def github(event: str, body: bytes) -> tuple[Snapshot, ...]:
    """Return the resources that the pipeline finds in a body that was posted as an event."""
    headers = {"x-github-delivery": "guid"}
    parsed = GitHub().parse(RawDelivery("d", "github", "acme", event, NOW, "k", body, headers=headers))
    return parsed.snapshots if isinstance(parsed, Parsed) else ()


@pytest.mark.parametrize("topic", SHOWING)
def test_shown_resource_is_not_deleted_by_its_own_body(topic: str) -> None:
    """The worst case of a captured update: its body under the topic that deletes."""
    (deletion,) = [d for d in DELETIONS if topic_rule(d).resource_type == topic_rule(topic).resource_type]

    parsed = shopify(deletion, PAYLOADS[topic])

    assert isinstance(parsed, Unparsed)
    assert parsed.reason == "misnamed"


@pytest.mark.parametrize("topic", SHOWING)
def test_body_is_of_no_other_main_resource(topic: str) -> None:
    """The id of an order is not taken for that of a product if the body has a gid, as all main resources' have."""
    own = topic_rule(topic).resource_type
    taken = [
        other
        for other in [*SHOWING, *DELETIONS]
        if topic_rule(other).resource_type in MAIN_RESOURCES - {own}
        and isinstance(shopify(other, PAYLOADS[topic]), Parsed)
    ]

    assert taken == []


@pytest.mark.parametrize("request_topic", COMPLIANCE)
def test_no_other_body_asks_to_delete_data(request_topic: str) -> None:
    """An unrequested redaction would make people delete data."""
    taken = [
        topic
        for topic, body in PAYLOADS.items()
        if topic not in {request_topic, ALIKE.get(request_topic)} and isinstance(shopify(request_topic, body), Parsed)
    ]

    assert taken == []
    assert isinstance(shopify(request_topic, PAYLOADS[request_topic]), Parsed)


@pytest.mark.parametrize("action", ["update", "delete"])
def test_header_of_the_new_events_names_no_other_resource(action: str) -> None:
    """Shopify's new Events name the resource in an unsigned header; it does not override the id in a signed body."""
    headers = {"shopify_topic": "Product", "shopify_action": action, "shopify_resource_id": "gid://shopify/Product/8"}

    assert isinstance(shopify(f"product/{action}", b'{"id":7,"title":"Jacket"}', **headers), Unparsed)
    assert isinstance(shopify(f"product/{action}", b'{"id":8,"title":"Jacket"}', **headers), Parsed)
    assert isinstance(shopify(f"product/{action}", b'{"title":"Jacket"}', **headers), Parsed)


@pytest.mark.parametrize(("ahead_s", "is_believed"), [(-86_400, True), (0, True), (300, True), (301, False)])
def test_time_from_the_future_is_not_believed(ahead_s: int, is_believed: bool) -> None:
    """An unsigned time far ahead would make every later delivery stale."""
    time = NOW + timedelta(seconds=ahead_s)
    sent = RawDelivery("d", "shopify", "acme", "products/delete", NOW, "k", b'{"id":7}', event_time=time)

    parsed = Shopify().parse(sent)

    assert isinstance(parsed, Parsed)
    assert parsed.snapshots[0].event_time == (time if is_believed else None)


def test_no_event_is_deleted_as_another() -> None:
    """GitHub signs the action and not the event: a deleted comment must not delete the issue beside it."""
    deleted: Counter[tuple[str, str]] = Counter()
    for own, body in GITHUB:
        for event in GITHUB_EVENTS:
            for posted in (body, _as_deleted(own, body)):
                deleted[own, event] += event != own and any(shown.is_deleted for shown in github(event, posted))

    assert [pair for pair, count in deleted.items() if count] == []


def _as_deleted(event: str, body: bytes) -> bytes:
    payload = msgspec.json.decode(body)
    if "action" not in payload or event in NEVER_DELETED:
        return body
    return msgspec.json.encode(payload | {"action": "deleted"})
