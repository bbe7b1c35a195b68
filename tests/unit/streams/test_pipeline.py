"""The whole pure pipeline over plain dicts: published and stored records, and their event ids."""

import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Parsed
from providers.registry import provider
from schemas.codec import time_us
from schemas.records import Document, RawDelivery, resource_key
from streams.pipeline import Tables, process
from streams.steps.dedup import MAX_KEPT
from streams.steps.event_id import EVENT_NAMESPACE, uuid5
from streams.steps.filter import compile_filter
from streams.steps.passthrough import RawRoute
from streams.steps.routing import Paused, Route, Routes
from tests.support.builders.deliveries import ROUTES, SOURCE, Pipeline, delivery, real_delivery, second, snapshot

EVENT_IDS = [
    "96d77905-b9cc-5be1-aa14-dda895e175a2",
    "8ccbdfa7-e236-5cba-8f0c-a35dc1dc651f",
    "1e625978-9043-5bb2-9cd8-6bef718d3641",
    "fa34482a-b95b-5714-ad1f-7123be518b45",
]

# --- The change itself -----------------------------------------------------------------------------------------------


def test_change_holds_both_documents_and_what_differs() -> None:
    """A data team sees before, after, the pointers and the provider's times."""
    pipeline = Pipeline()

    pipeline.show({"id": 7, "title": "A"}, version=1)
    pipeline.show({"id": 7, "title": "B"}, version=2, at=3)

    change = pipeline.changes[1]
    assert (change.op, change.before, change.after) == ("u", b'{"id":7,"title":"A"}', b'{"id":7,"title":"B"}')
    assert (change.changed, change.version, change.event_time) == (("/title",), second(2), second(3))
    assert change.resource_key == "scripted|acme||product|7"


def test_deletion_shows_the_last_known_document() -> None:
    """`before` is the deleted document, `after` is empty, and the next creation starts without one."""
    pipeline = Pipeline()

    pipeline.show({"id": 7}, version=1)
    pipeline.show(None, at=2)
    pipeline.show({"id": 7}, version=3)

    assert [(c.op, c.before, c.after) for c in pipeline.changes] == [
        ("c", None, b'{"id":7}'),
        ("d", b'{"id":7}', None),
        ("c", None, b'{"id":7}'),
    ]


def test_numbers_keep_every_digit_from_body_to_change() -> None:
    """Ids beyond 2**64 and money pass through parsing, storing and comparing unrounded."""
    body = b'{"id":123456789012345678901234567890,"price":19.90,"updated_at":"2026-01-31T12:00:00Z"}'

    result = Pipeline(Routes({})).decide(real_delivery("generic", body, "order.updated"))

    assert result.routed_changes[0].change.after == (
        b'{"id":123456789012345678901234567890,"price":19.90,"updated_at":"2026-01-31T12:00:00Z"}'
    )
    assert result.routed_changes[0].change.resource_id == "123456789012345678901234567890"


def test_unchanged_delivery_is_stored_for_the_next_comparison() -> None:
    """The volatile fields of an unchanged delivery are in the next change's `before`."""
    pipeline = Pipeline()

    for number, title in enumerate(["A", "A", "B"]):
        shown = snapshot({"title": title, "updated_at": number}, version=number, volatile=["updated_at"])
        pipeline.decide(delivery(shown, delivery_id=str(number)))

    assert pipeline.outcomes == ["changed created", "unchanged no_difference", "changed updated"]
    assert pipeline.changes[1].before == b'{"title":"A","updated_at":1}'


def test_stale_delivery_leaves_the_stored_state_alone() -> None:
    """An older delivery changes nothing except that it is remembered."""
    pipeline = Pipeline()
    pipeline.show({"title": "B"}, version=2)
    before = dict(pipeline.latest)

    result = pipeline.show({"title": "A"}, version=1)

    assert (pipeline.latest, result.writes.latest) == (before, {})
    assert len(result.writes.seen) == 1


def test_retry_writes_nothing() -> None:
    """A delivery id that was decided before costs no write."""
    pipeline = Pipeline()
    pipeline.show({"title": "A"}, version=1, by="x")

    result = pipeline.show({"title": "A"}, version=1, by="x")

    assert (result.writes.seen, result.writes.latest, result.routed_changes) == ({}, {}, ())


def test_deleting_without_time_keeps_the_stored_version() -> None:
    """The stored row still has the last version, so that older updates stay stale."""
    pipeline = Pipeline()
    pipeline.show({"title": "A"}, version=2)

    pipeline.show(None)

    stored = pipeline.stored()
    assert (stored.is_deleted, stored.document, stored.version_us) == (True, None, time_us(second(2)))


def test_stored_state_names_the_change_that_led_to_it() -> None:
    """An unchanged delivery keeps the event id of the change before it."""
    pipeline = Pipeline()
    pipeline.show({"title": "A"}, version=1)
    pipeline.show({"title": "A"}, version=2)

    assert pipeline.stored().event_id == pipeline.changes[0].event_id


# --- Event ids -------------------------------------------------------------------------------------------------------


def test_event_id_is_persisted() -> None:
    """The ids of a fixed history: a change in their computation changes the ids stored in warehouses."""
    pipeline = Pipeline()

    pipeline.show({"title": "A"}, version=1)
    pipeline.show({"title": "B"}, version=1)
    pipeline.show({"title": "A"}, version=1)
    pipeline.show(None, at=2, by="x")

    assert [change.event_id for change in pipeline.changes] == EVENT_IDS


def test_flips_within_one_version_never_share_an_id() -> None:
    """This holds after more flips than are remembered one by one."""
    pipeline = Pipeline()

    for number in range(3 * MAX_KEPT):
        pipeline.show({"title": "AB"[number % 2]}, version=1)

    assert len({change.event_id for change in pipeline.changes}) == len(pipeline.changes) == 3 * MAX_KEPT


def test_event_without_version_shares_no_id_with_a_later_one() -> None:
    """The same content at the same event time, with another delivery in between that had no time at all."""
    pipeline = Pipeline()

    for number in range(6):
        pipeline.show({"title": "AB"[number % 2]}, at=1 if number % 2 == 0 else None)

    assert len({change.event_id for change in pipeline.changes}) == len(pipeline.changes) == 6


def test_same_content_of_two_resources_has_two_ids() -> None:
    """The resource is part of the id."""
    pipeline = Pipeline()

    pipeline.decide(delivery(*[snapshot({"title": "A"}, 1, resource_id=name) for name in "12"]))

    first, other = pipeline.changes
    assert first.event_id != other.event_id


# --- Several resources in one delivery -------------------------------------------------------------------------------


def test_delivery_of_several_resources_has_one_outcome() -> None:
    """The resource with the strongest outcome decides the delivery's; every event is named."""
    pipeline = Pipeline()
    pipeline.decide(delivery(snapshot({"title": "A"}, 1, resource_id="1")))

    shown = [snapshot({"title": title}, 2, resource_id=name) for name, title in [("1", "A"), ("2", "B"), ("3", "C")]]
    result = pipeline.decide(delivery(*shown, delivery_id="second"))

    assert result.outcome.outcome == "changed"
    assert result.outcome.event_ids == tuple(routed.change.event_id for routed in result.routed_changes)
    assert [routed.change.resource_id for routed in result.routed_changes] == ["2", "3"]


@pytest.mark.parametrize("version", [1, None])
def test_one_resource_shown_twice_in_one_delivery_ends_in_the_last_state(version: float | None) -> None:
    """A page edited twice in one push: the delivery's own id does not make its second half a duplicate."""
    pipeline = Pipeline()

    result = pipeline.decide(delivery(*[snapshot({"title": title}, version) for title in "ABA"]))

    a, b = b'{"title":"A"}', b'{"title":"B"}'
    assert [(e.change.op, e.change.before, e.change.after) for e in result.routed_changes] == [
        ("c", None, a),
        ("u", a, b),
        ("u", b, a),
    ]
    assert len(set(result.outcome.event_ids)) == 3


def test_retry_of_a_delivery_that_shows_one_resource_twice_is_a_duplicate() -> None:
    """Both halves were decided before."""
    pipeline = Pipeline()
    shown = delivery(*[snapshot({"title": title}, 1) for title in "AB"])
    pipeline.decide(shown)

    result = pipeline.decide(shown)

    assert (result.outcome.outcome, result.outcome.reason) == ("duplicate", "delivery_id")
    assert result.writes.seen == {}


def test_child_knows_its_parent() -> None:
    """`parent_key` is the parent's resource key."""
    child = msgspec.structs.replace(snapshot({"id": 8}, 1, resource_id="8"), parent=("cart", "5"))

    result = Pipeline().decide(delivery(child))

    assert result.routed_changes[0].change.parent_key == "scripted|acme||cart|5"


# --- Routes ----------------------------------------------------------------------------------------------------------


def test_change_that_no_route_selects_is_filtered_and_remembered() -> None:
    """The next delivery is compared with it although it was not routed."""
    pipeline = Pipeline(Routes(ROUTES.providers, (Route("orders", resource="order"),)))

    pipeline.show({"title": "A"}, version=1)
    pipeline.show({"title": "A"}, version=2)

    assert pipeline.outcomes == ["filtered no_route", "unchanged no_difference"]
    assert pipeline.changes == []


@pytest.mark.parametrize(
    "routes", [(Route("orders", resource="order"),), (Route("b", filter=compile_filter("title:B")),)]
)
def test_change_that_goes_nowhere_is_still_the_current_state(routes: tuple[Route, ...]) -> None:
    """`state.*` shows every resource's current state, regardless of the routes."""
    pipeline = Pipeline(Routes(ROUTES.providers, routes))

    (routed,) = pipeline.show({"title": "A"}, version=1).routed_changes

    assert (routed.goes_out, routed.topics, routed.projected) == (False, (), ())
    assert routed.change.after == b'{"title":"A"}'
    assert pipeline.results[0].outcome.event_ids == ()


def test_paused_resource_is_left_as_it_is() -> None:
    """Neither table learns of it, so that the first delivery after the pause shows the whole change at once."""
    running, paused = ROUTES, Routes(ROUTES.providers, paused=frozenset({("acme", None, "product")}))
    pipeline = Pipeline(running)
    pipeline.show({"title": "A"}, version=1)
    stored = (dict(pipeline.seen), dict(pipeline.latest))

    pipeline.routes = paused
    held = [pipeline.show({"title": title}, version, by=title) for title, version in (("B", 2), ("C", 3))]
    assert (pipeline.seen, pipeline.latest) == stored
    assert [result.routed_changes for result in held] == [(), ()]
    pipeline.routes = running
    pipeline.show({"title": "C"}, version=3, by="C")
    pipeline.show({"title": "B"}, version=2, by="B")

    assert pipeline.outcomes == [
        "changed created",
        "filtered paused",
        "filtered paused",
        "changed updated",
        "stale older_than_stored",
    ]
    assert (pipeline.changes[1].before, pipeline.changes[1].after) == (b'{"title":"A"}', b'{"title":"C"}')


@pytest.mark.parametrize(
    "paused",
    [
        ("acme", None, "order"),
        ("other", None, "product"),
        ("acme", "shop-b", "product"),
        ("acme", "shop-b", None),
    ],
)
def test_pause_is_of_one_resource_of_one_source(paused: Paused) -> None:
    """Everything else goes on."""
    pipeline = Pipeline(Routes(ROUTES.providers, paused=frozenset({paused})))

    pipeline.show({"title": "A"}, version=1)

    assert pipeline.outcomes == ["changed created"]


def test_only_the_paused_of_several_resources_is_held() -> None:
    """The rest of the delivery is decided, and speaks for it."""
    pipeline = Pipeline(Routes(ROUTES.providers, paused=frozenset({("acme", None, "product")})))
    other = msgspec.structs.replace(snapshot({"n": 1}, 1), resource_type="variant")

    result = pipeline.decide(delivery(snapshot({"title": "A"}, 1), other))

    assert pipeline.outcomes == ["changed created"]
    assert [routed.change.resource_type for routed in result.routed_changes] == ["variant"]


def test_raw_routes_alone_leave_changes_on_their_default_topic() -> None:
    """They take deliveries, and do not affect changes."""
    pipeline = Pipeline(Routes(ROUTES.providers, raw=(RawRoute("copies", "copies"),)))

    (routed,) = pipeline.show({"title": "A"}, version=1).routed_changes

    assert routed.topics == ("changes.scripted.product",)


def test_change_of_no_included_field_is_filtered() -> None:
    """The outcome's reason is the route's."""
    route = Route("prices", filter=compile_filter("title:*"), include_fields=("price",))
    pipeline = Pipeline(Routes(ROUTES.providers, (route,)))

    pipeline.show({"title": "A", "price": 1}, version=1)
    pipeline.show({"title": "B", "price": 1}, version=2)
    pipeline.show({"price": 2}, version=3)
    pipeline.show({"price": 3}, version=4)

    assert pipeline.outcomes == [
        "changed created",
        "filtered no_included_field_changed",
        "changed updated",  # the title is removed: it leaves
        "filtered no_filter_matches",
    ]


def test_volatile_field_that_a_route_includes_makes_no_change() -> None:
    """The provider's volatile fields also apply to a projected document."""
    pipeline = Pipeline(Routes(ROUTES.providers, (Route("prices", include_fields=("price", "updated_at")),)))

    for number, title in enumerate("AB"):
        shown = snapshot({"title": title, "price": 1, "updated_at": number}, number, volatile=["updated_at"])
        pipeline.decide(delivery(shown, delivery_id=title))

    assert pipeline.outcomes == ["changed created", "filtered no_included_field_changed"]


# --- Real providers --------------------------------------------------------------------------------------------------

PRODUCT: Document = {"id": 7, "title": "A", "updated_at": "2026-01-31T12:00:00Z"}
ISSUE: Document = {
    "action": "opened",
    "issue": {"id": 7, "title": "A", "updated_at": "2026-01-31T12:00:00Z"},
    "repository": {"id": 1},
}
STRIPE: Document = {
    "id": "evt_1",
    "object": "event",
    "type": "product.updated",
    "created": 1769860800,
    "data": {"object": {"id": "prod_7", "object": "product", "name": "A"}},
}
BIGCOMMERCE: Document = {
    "scope": "store/product/updated",
    "store_id": "1",
    "data": {"type": "product", "id": 7},
    "hash": "ab",
    "created_at": 1769860800,
    "producer": "stores/example",
}
STANDARD: Document = {"type": "invoice.paid", "timestamp": "2026-01-31T12:00:00Z", "data": {"id": "7"}}


@pytest.mark.parametrize(
    ("provider", "event_type", "body", "topic"),
    [
        ("shopify", "products/update", PRODUCT, "changes.shopify.product"),
        ("github", "issues", ISSUE, "changes.github.issue"),
        ("stripe", "product.updated", STRIPE, "changes.stripe.product"),
        ("bigcommerce", "store/product/updated", BIGCOMMERCE, "changes.bigcommerce.product"),
        ("standard", "invoice.paid", STANDARD, "changes.standard.other"),
        ("shopery", "order-updated", PRODUCT, "changes.shopery.order"),
        ("generic", "order.updated", PRODUCT, "changes.generic.other"),
        ("github", "invented", ISSUE, "changes.github.other"),
        ("shopify", "inventions/update", PRODUCT, "changes.shopify.other"),
    ],
)
def test_first_delivery_creates_and_its_retry_is_a_duplicate(
    provider: str, event_type: str, body: Document, topic: str
) -> None:
    """Every provider's delivery becomes one change on its default topic, and its retry none."""
    pipeline = Pipeline(Routes({}))
    shown = real_delivery(provider, msgspec.json.encode(body), event_type)

    first = pipeline.decide(shown)
    retry = pipeline.decide(shown)

    assert (first.outcome.outcome, first.outcome.reason) == ("changed", "created")
    assert [routed.topics for routed in first.routed_changes] == [(topic,)]
    assert (retry.outcome.outcome, retry.outcome.reason) == ("duplicate", "delivery_id")


def test_listed_type_has_its_topic_and_keeps_its_key() -> None:
    """Sources of a generic provider each list their own; a topic does not influence a resource's key."""
    listed = provider("generic", None, frozenset({"order"}))
    pipeline = Pipeline(Routes({SOURCE: listed, "another": provider("generic")}))
    body = msgspec.json.encode(PRODUCT)

    results = [
        pipeline.decide(real_delivery("generic", body, event, event, source=source))
        for source, event in ((SOURCE, "order.updated"), (SOURCE, "quote.updated"), ("another", "order.updated"))
    ]

    routed_changes = [routed for result in results for routed in result.routed_changes]
    assert [routed.topics[0] for routed in routed_changes] == [
        "changes.generic.order",
        "changes.generic.other",
        "changes.generic.other",
    ]
    assert [routed.change.resource_key for routed in routed_changes] == [
        f"generic|{SOURCE}||order|7",
        f"generic|{SOURCE}||quote|7",
        "generic|another||order|7",
    ]


def test_shopify_deletion_follows_its_updates() -> None:
    """A product is created, updated, deleted, and a late update is stale."""
    pipeline = Pipeline(Routes({}))

    pipeline.decide(shopify("products/create", PRODUCT, 1))
    pipeline.decide(shopify("products/update", PRODUCT | {"title": "B", "updated_at": "2026-01-31T12:00:05Z"}, 5))
    pipeline.decide(shopify("products/delete", {"id": 7}, 9))
    pipeline.decide(shopify("products/update", PRODUCT | {"title": "C", "updated_at": "2026-01-31T12:00:08Z"}, 8))

    assert pipeline.outcomes == [
        "changed created",
        "changed updated",
        "changed deleted",
        "stale older_than_stored",
    ]


@pytest.mark.parametrize(
    ("provider", "body", "reason"),
    [
        ("myspace", b"{}", "unknown_shape"),
        ("unknown", b"", "unknown_shape"),
        ("shopify", b"{", "unreadable"),
        ("shopify", b"[]", "unknown_shape"),
        ("github", b"\xff", "unreadable"),
        ("generic", b'{"id":1e99999999999999999999}', "unreadable"),
    ],
)
def test_delivery_that_cannot_be_read_is_dead_and_stores_nothing(provider: str, body: bytes, reason: str) -> None:
    """Dead with the reason, no change, no write, no exception."""
    result = process(real_delivery(provider, body), Tables({}, {}), Routes({}))

    assert (result.outcome.outcome, result.outcome.reason, result.routed_changes) == ("dead", reason, ())
    assert (result.writes.seen, result.writes.latest) == ({}, {})


def test_configured_provider_counts_only_for_its_own_deliveries() -> None:
    """A source that was moved to another provider does not read the old one's deliveries with the new one's rules."""
    shown = real_delivery("shopify", msgspec.json.encode(PRODUCT), "products/update")

    result = process(shown, Tables({}, {}), ROUTES)

    assert result.outcome.outcome == "changed"
    assert list(result.writes.latest) == [resource_key("shopify", "acme", "", "product", "7").encode()]


def test_scripted_provider_shows_what_a_test_says() -> None:
    """The builders' own provider returns the given snapshots."""
    shown = [snapshot({"id": 7}, 1, 2, volatile=["x"]), snapshot(None, resource_id="8")]

    assert ROUTES.providers["acme"].parse(delivery(*shown)) == Parsed(tuple(shown))


def shopify(topic: str, body: Document, triggered_s: float) -> RawDelivery:
    """Return a Shopify delivery with an id of its own."""
    shown = real_delivery("shopify", msgspec.json.encode(body), topic, f"delivery-{triggered_s}")
    return msgspec.structs.replace(shown, event_time=second(triggered_s))


@given(st.text(st.characters(codec="utf-8")))
def test_event_ids_are_uuids_of_version_5(name: str) -> None:
    """A standard library computes the same event id."""
    assert uuid5(name) == str(uuid.uuid5(EVENT_NAMESPACE, name))


def test_delivery_with_one_contradiction_applies_nothing() -> None:
    """If one of several resources has a known id with another content, the whole delivery becomes a dead letter."""
    pipeline = Pipeline()
    pipeline.decide(delivery(snapshot({"title": "A"}, 1), delivery_id="x"))
    stored = dict(pipeline.latest), dict(pipeline.seen)

    both = [snapshot({"title": "new"}, 1, resource_id="8"), snapshot({"title": "B"}, 1)]
    result = pipeline.decide(delivery(*both, delivery_id="x"))

    assert (result.outcome.outcome, result.outcome.reason) == ("dead", "reused_delivery_id")
    assert result.routed_changes == ()
    assert (pipeline.latest, pipeline.seen) == stored
