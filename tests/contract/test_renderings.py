"""Renderings: what a rendering leaves out is unknown, not removed."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from schemas.records import Document, RawDelivery
from streams.steps.routing import Routes
from tests.contract.test_known_bugs import CREATED_S, decided, identified, last_state
from tests.support.builders.deliveries import Pipeline

WHOLE = {"id": 7, "title": "Jacket", "body_html": "<p>Warm</p>", "vendor": "Acme"}
SLIM = {"id": 7, "title": "Jacket"}
OLD: dict[str, Any] = {"api_version": "2022-11-15", "charges": {"data": [{"id": "ch_1"}]}}
NEW: dict[str, Any] = {"api_version": "2024-06-20", "latest_charge": "ch_1"}


def shopify(document: Document, minute: int, delivery_id: str, api_version: str = "2026-07") -> RawDelivery:
    """Return a shop's delivery about product 7."""
    headers = {
        "x-shopify-topic": "products/update",
        "x-shopify-webhook-id": delivery_id,
        "x-shopify-api-version": api_version,
    }
    return identified("shopify", document | {"updated_at": f"2026-01-31T12:{minute:02}:00Z"}, headers)


def intent(event_id: str, api_version: str, created_s: int = CREATED_S, **fields: Any) -> RawDelivery:
    """Return Stripe's event about a payment intent."""
    shown = {"id": "pi_1", "object": "payment_intent", "amount": 5, **fields}
    body = {"id": event_id, "type": "payment_intent.amount_updated", "created": created_s, "data": {"object": shown}}
    return identified("stripe", body | {"api_version": api_version}, {})


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_slim_subscription_removes_nothing(order: tuple[int, ...]) -> None:
    """shopify_app#1183: a second subscription with fields=id,title,updated_at lost the description of the first."""
    shown = [shopify(WHOLE, 0, "w1"), shopify(SLIM, 0, "w2"), shopify(WHOLE, 5, "w3"), shopify(SLIM, 5, "w4")]

    pipeline = decided(*(shown[index] for index in order))

    changed = [change.changed for change in pipeline.changes]
    assert last_state(pipeline).items() >= WHOLE.items()
    assert all(set(pointers) <= {"/body_html", "/vendor"} for pointers in changed)
    assert all(change.after is not None for change in pipeline.changes)


@pytest.mark.parametrize("minutes", [(0, 0), (0, 5)])
def test_fields_of_an_older_document_are_added(minutes: tuple[int, int]) -> None:
    """Whole, then slim, arrive in reverse order: what only the older one shows is not lost, and what is newer stays."""
    whole, slim = shopify(WHOLE, minutes[0], "w1"), shopify(SLIM | {"title": "Coat"}, minutes[1], "w2")

    for shown in ([whole, slim], [slim, whole]):
        pipeline = decided(*shown)

        last = last_state(pipeline)
        assert last.keys() == {*WHOLE, "updated_at"}
        assert minutes == (0, 0) or (last["title"], last["updated_at"]) == ("Coat", "2026-01-31T12:05:00Z")
    assert {change.version for change in pipeline.changes} == {pipeline.changes[0].version}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_event_that_an_older_api_version_shows_adds_its_fields(order: tuple[int, int]) -> None:
    """Two endpoints with two versions of the API, and two events of which the older one arrives last."""
    shown = [intent("evt_1", **OLD), intent("evt_2", created_s=CREATED_S + 1, **NEW)]

    last = last_state(decided(*(shown[index] for index in order)))

    assert last.keys() >= {"charges", "latest_charge"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("kind", ["orders", "products", "customers", "draft_orders"])
def test_creation_is_the_first_of_its_second(kind: str, order: tuple[int, int]) -> None:
    """Shopify sends orders/create and orders/paid of one second in any order: the order stays paid."""
    topics = (f"{kind}/create", f"{kind}/update" if kind != "orders" else "orders/paid")
    shown = [
        identified(
            "shopify",
            {"id": 7, "status": topic, "updated_at": "2026-01-31T12:00:00Z"},
            {"x-shopify-topic": topic, "x-shopify-webhook-id": topic},
        )
        for topic in topics
    ]

    assert last_state(decided(*(shown[index] for index in order)))["status"] == topics[1]


def test_slim_subscription_beside_a_whole_one_is_one_creation() -> None:
    """In the order of the report: whole, slim, whole, slim."""
    pipeline = decided(shopify(WHOLE, 0, "w1"), shopify(SLIM, 0, "w2"), shopify(WHOLE, 5, "w3"), shopify(SLIM, 5, "w4"))

    assert pipeline.outcomes == ["changed created", *["unchanged no_difference"] * 3]


def test_whole_document_still_removes() -> None:
    """What is gone from a list of a whole document is gone."""
    first = WHOLE | {"tags": ["a", "b"], "options": [{"id": 1}, {"id": 2}]}

    pipeline = decided(shopify(first, 0, "w1"), shopify(first | {"tags": ["a"], "options": [{"id": 1}]}, 1, "w2"))

    assert last_state(pipeline)["tags"] == ["a"]
    assert last_state(pipeline)["options"] == [{"id": 1}]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_same_event_in_another_api_version_is_a_duplicate(order: tuple[int, int]) -> None:
    """stripe-java#1177: two endpoints with two versions get one event; the second is no forgery."""
    shown = [intent("evt_1", **OLD), intent("evt_1", **NEW)]

    pipeline = decided(*(shown[index] for index in order), shown[order[1]], shown[order[0]])

    assert pipeline.outcomes == [
        "changed created",
        "duplicate other_rendering",
        "duplicate other_rendering",
        "duplicate delivery_id",
    ]


def test_other_content_in_the_same_version_stays_suspicious() -> None:
    """Only another version explains another content under a known id."""
    pipeline = decided(intent("evt_1", **OLD), intent("evt_1", **OLD | {"amount": 6}))

    assert pipeline.outcomes == ["changed created", "dead reused_delivery_id"]


@pytest.mark.parametrize("order", list(permutations((OLD, NEW, OLD, NEW))))
def test_two_versions_lose_no_field(order: tuple[dict[str, Any], ...]) -> None:
    """In any order of versions: without a declared version, none of them is known to be whole."""
    shown = [intent(f"evt_{index}", created_s=CREATED_S + index, **fields) for index, fields in enumerate(order)]

    state = last_state(decided(*shown))

    assert (state["latest_charge"], state["charges"]) == ("ch_1", {"data": [{"id": "ch_1"}]})


def test_declared_version_is_whole() -> None:
    """What a document of the source's own version leaves out is gone; other versions only add."""
    pipeline = Pipeline(Routes({}, api_versions={"acme": "2024-06-20"}))
    for number, version in enumerate((OLD, NEW, OLD, NEW)):
        pipeline.decide(intent(f"evt_{number}", created_s=CREATED_S + number, **version))

    states = [msgspec.json.decode(change.after or b"{}") for change in pipeline.changes]

    assert ["charges" in state for state in states] == [True, False, True, False]
    assert ["latest_charge" in state for state in states] == [False, True, True, True]


@pytest.mark.parametrize("fields", [{}, {"tags": ""}])
def test_object_of_another_id_in_the_same_place_is_not_merged(fields: Document) -> None:
    """An order moves to another customer: what a slim document does not show of that one is not what the former had."""
    former, latter = {"id": 1, "email": "a@example.com", "phone": "1"}, {"id": 2, "email": "b@example.com"}

    pipeline = decided(
        shopify({"id": 7, "note": "n", "customer": former}, 0, "w1"),
        shopify({"id": 7, "customer": latter} | fields, 1, "w2"),
    )

    assert last_state(pipeline)["customer"] == latter
    assert last_state(pipeline)["note"] == "n"


def test_event_merges_no_object_of_another_id() -> None:
    """The same for what Shopify's Next Gen Events show."""
    gid = "gid://shopify/"
    customer = {"id": 1, "admin_graphql_api_id": f"{gid}Customer/1", "email": "a@example.com", "phone": "1"}
    order = {"id": 7, "customer": customer, "updated_at": "2026-01-31T12:00:00Z"}
    node = {"id": f"{gid}Order/7", "customer": {"id": f"{gid}Customer/2"}, "updatedAt": "2026-01-31T12:00:01Z"}
    event = {"topic": "Order", "action": "update", "data": {"order": node}}

    pipeline = decided(
        identified("shopify", order, {"x-shopify-topic": "orders/updated", "x-shopify-webhook-id": "w1"}),
        identified("shopify", event, {"shopify-topic": "Order", "shopify-webhook-id": "w2"}),
    )

    assert last_state(pipeline)["customer"] == {"id": 2, "admin_graphql_api_id": f"{gid}Customer/2"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_subscription_without_the_update_time_makes_no_whole_document_stale(order: tuple[int, ...]) -> None:
    """Its event's time is later than the update time of the same change, which another subscription shows whole."""
    triggered = {"x-shopify-topic": "products/update", "x-shopify-triggered-at": "2026-01-31T12:00:10.5Z"}
    earlier = {"x-shopify-topic": "products/update", "x-shopify-triggered-at": "2026-01-31T12:00:05.5Z"}
    shown = [
        identified("shopify", {"id": 7, "title": "New"}, triggered | {"x-shopify-webhook-id": "w1"}),
        identified(
            "shopify",
            WHOLE | {"updated_at": "2026-01-31T12:00:05Z"},
            earlier | {"x-shopify-webhook-id": "w2"},
        ),
        identified(
            "shopify",
            WHOLE | {"title": "New", "vendor": "Other", "updated_at": "2026-01-31T12:00:10Z"},
            triggered | {"x-shopify-webhook-id": "w3"},
        ),
    ]

    state = last_state(decided(*(shown[index] for index in order)))

    assert state == WHOLE | {"title": "New", "vendor": "Other", "updated_at": "2026-01-31T12:00:10Z"}
