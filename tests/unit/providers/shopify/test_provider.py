"""Shopify's headers, its new Events, and the ids that its topics share."""

import msgspec
import pytest

from providers.base import Envelope, Parsed, SignedRequest, Verified
from providers.shopify.provider import Shopify
from providers.shopify.topics import singular
from schemas.records import Snapshot
from tests.support.builders.provider_requests import NOW, raw_delivery

SHOPIFY = Shopify()
CLASSIC = {
    "x-shopify-topic": "products/update",
    "x-shopify-webhook-id": "webhook-1",
    "x-shopify-event-id": "event-1",
    "x-shopify-shop-domain": "example.myshopify.com",
    "x-shopify-api-version": "2026-07",
    "x-shopify-triggered-at": "2026-01-31T12:00:00.123456Z",
}
EVENTS = {
    "shopify-topic": "ProductVariant",
    "shopify-action": "update",
    "shopify-webhook-id": "webhook-2",
    "shopify-resource-id": "gid://shopify/ProductVariant/9",
}


def test_envelope_is_read_from_the_headers() -> None:
    """The delivery id is the webhook id; the event id is shared by deliveries of other topics and would drop them."""
    assert _identify(CLASSIC, b'{"id":7}') == Envelope(
        "webhook-1",
        "products/update",
        "shopify|acme|example.myshopify.com|product|7",
        NOW,
        "2026-07",
        "example.myshopify.com",
    )


def test_delivery_without_webhook_id_goes_by_its_body() -> None:
    """Every delivery has an id, the same for the same bytes."""
    first, again, other = (_identify({}, body).delivery_id for body in (b'{"id":7}', b'{"id":7}', b'{"id":8}'))

    assert first == again != other


@pytest.mark.parametrize(
    ("body", "resource_id"),
    [
        (b'{"id":7}', "7"),
        (b'{"id":7,"admin_graphql_api_id":"gid://shopify/Product/7"}', "7"),
        (b'{"admin_graphql_api_id":"gid://shopify/Product/7"}', "7"),
        (b'{"id":"gid://shopify/Product/7"}', "7"),
        (b'{"id":null,"admin_graphql_api_id":"gid://shopify/Product/7?shard=1"}', "7"),
        (b'{"id":"token"}', "token"),
        (b'{"id":1.5}', "webhook-1"),
        (b'{"id":"gid://shopify/ProductFeed/"}', "webhook-1"),
        (b"{}", "webhook-1"),
    ],
)
def test_number_and_gid_are_one_id(body: bytes, resource_id: str) -> None:
    """A deletion shows the number alone, an update both, some topics the gid alone: one resource."""
    assert _identify(CLASSIC, body).key == f"shopify|acme|example.myshopify.com|product|{resource_id}"
    assert _snapshot(CLASSIC, body).resource_id == resource_id


def test_order_child_without_order_stands_for_itself() -> None:
    """Without the parent's id the resource is its own root."""
    headers = {**CLASSIC, "x-shopify-topic": "refunds/create"}

    assert _identify(headers, b'{"id":5,"order_id":null}').key == "shopify|acme|example.myshopify.com|refund|5"
    assert _snapshot(headers, b'{"id":5,"order_id":null}').parent is None


def test_events_name_the_resource_in_a_header() -> None:
    """The new Events agree with the classic topics on resource types; their id comes from the header."""
    assert _identify(EVENTS, b'{"data":{}}') == Envelope(
        "webhook-2", "product_variant/update", "shopify|acme||variant|9", None, None
    )
    assert _snapshot(EVENTS, b'{"data":{}}').document == {
        "id": 9,
        "admin_graphql_api_id": "gid://shopify/ProductVariant/9",
    }


def test_events_of_an_inventory_level_share_the_classic_id() -> None:
    """The gid of a level holds location and item; the key is item and location, like the classic fields."""
    headers = {
        "shopify-topic": "InventoryLevel",
        "shopify-resource-id": "gid://shopify/InventoryLevel/24826418?inventory_item_id=271878346596884015",
    }

    assert _snapshot(headers, b"{}").resource_id == "271878346596884015:24826418"


def test_events_delete_is_a_deletion() -> None:
    """The action decides."""
    snapshot = _snapshot({**EVENTS, "shopify-action": "delete"}, b"{}")

    assert snapshot.is_deleted
    assert snapshot.document is None


def test_events_win_where_both_families_are_present() -> None:
    """Shopify's own library prefers the new headers."""
    envelope = _identify({**CLASSIC, **EVENTS}, b'{"id":7}')

    assert (envelope.delivery_id, envelope.event_type) == ("webhook-2", "product_variant/update")


def test_events_about_a_customer_are_no_notices() -> None:
    """`customer/update` of the Events is the whole customer, `customer.tags_added` of the classic topics a notice."""
    headers = {
        "shopify-topic": "Customer",
        "shopify-action": "update",
        "shopify-resource-id": "gid://shopify/Customer/3",
    }

    assert _snapshot(headers, b"{}").resource_type == "customer"


def test_resource_id_header_of_a_classic_delivery_is_ignored() -> None:
    """Only the Events document it, and no header is signed."""
    headers = {**CLASSIC, "shopify-resource-id": "gid://shopify/Product/1"}

    assert _identify(headers, b'{"id":7}').key == "shopify|acme|example.myshopify.com|product|7"


def test_either_header_carries_the_signature() -> None:
    """The same key and HMAC under both names, the vector of Shopify's own tests."""
    signature = "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="
    for name in ("shopify-hmac-sha256", "x-shopify-hmac-sha256"):
        request = SignedRequest({name: signature}, b'{"foo": "bar"}')
        assert SHOPIFY.verify(request, [b"old", b"test_secret_key"], NOW) == Verified(secret_index=1)


def test_occurrence_time_of_the_body_serves_where_the_header_lacks() -> None:
    """Shopify's libraries treat triggered-at as optional."""
    headers = {"x-shopify-topic": "discounts/delete"}
    body = b'{"admin_graphql_api_id":"gid://shopify/DiscountNode/1","deleted_at":"2026-01-31T12:00:00.123456Z"}'

    assert _snapshot(headers, body).event_time == NOW


def test_unknown_topic_follows_the_rule() -> None:
    """Topics that Shopify adds later need no release of Penstock."""
    headers = {**CLASSIC, "x-shopify-topic": "gift_boxes/delete"}
    snapshot = _snapshot(headers, b'{"id":1}')

    assert (snapshot.resource_type, snapshot.resource_id, snapshot.is_deleted) == ("gift_box", "1", True)


@pytest.mark.parametrize(
    ("plural", "name"),
    [
        ("products", "product"),
        ("companies", "company"),
        ("draft_orders", "draft_order"),
        ("reverse_deliveries", "reverse_delivery"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("purchases", "purchase"),
        ("status", "status"),
        ("payment_terms", "payment_terms"),
        ("app_purchases_one_time", "app_purchase_one_time"),
        ("customers_marketing_consent", "customer_marketing_consent"),
        ("shop", "shop"),
    ],
)
def test_plural_becomes_singular(plural: str, name: str) -> None:
    """Resource types are singular, so that classic topics, new Events and routes use one word."""
    assert singular(plural) == name


@pytest.mark.parametrize(
    ("body", "resource_id", "has_version"),
    [
        (b'{"id":7,"title":"A","updated_at":"2026-01-31T12:00:00Z"}', "7", True),
        (b'{"admin_graphql_api_id":"gid://shopify/Product/7","title":"A"}', "7", False),
        (b'{"id":7,"metafields":[{"id":1,"namespace":"my","key":"k","value":"v"}]}', "7", False),
        (b'{"title":"A","updated_at":"2026-01-31T12:00:00Z"}', "webhook-1", True),
    ],
)
def test_subscription_with_fewer_fields_shows_the_same_product(
    body: bytes, resource_id: str, has_version: bool
) -> None:
    """`include_fields` and metafields change the document, not the name; without an id it is an occurrence, not a product."""
    snapshot = _snapshot(CLASSIC, body)

    assert (snapshot.resource_type, snapshot.resource_id) == ("product", resource_id)
    assert snapshot.document == msgspec.json.decode(body)
    assert (snapshot.version is not None, snapshot.event_time, snapshot.is_deleted) == (has_version, NOW, False)


def _identify(headers: dict[str, str], body: bytes) -> Envelope:
    return SHOPIFY.identify("acme", SignedRequest(headers, body))


def _snapshot(headers: dict[str, str], body: bytes) -> Snapshot:
    request = SignedRequest(headers, body)
    parsed = SHOPIFY.parse(raw_delivery("shopify", SHOPIFY.identify("acme", request), request))
    assert isinstance(parsed, Parsed), parsed
    return parsed.snapshots[0]


def test_update_time_of_a_child_that_is_shown_is_volatile_in_its_parent() -> None:
    """Not that in `variant_gids`: it is all that a product shows of the variants beyond its first hundred."""
    body = b'{"id":7,"variants":[{"id":1,"updated_at":"2026-01-31T12:00:00Z"}]}'

    product, order = _snapshot(CLASSIC, body), _snapshot(CLASSIC | {"x-shopify-topic": "orders/updated"}, b'{"id":7}')

    assert product.volatile - order.volatile == {"variants.updated_at", "images.updated_at"}
    assert order.volatile - product.volatile == {"fulfillments.updated_at"}
    assert "updated_at" in product.volatile & order.volatile
