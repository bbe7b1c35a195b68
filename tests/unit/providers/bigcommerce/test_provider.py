"""BigCommerce's rules over payloads written from its documentation: it publishes no sample under a licence."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from providers.base import Envelope, Parsed, Refused, Sample, SignedRequest, Unparsed, Verified
from providers.bigcommerce.provider import BigCommerce
from schemas.records import resource_key
from tests.support.builders.payload_mutations import mutated
from tests.support.builders.properties import examples
from tests.support.builders.provider_requests import NOW, raw_delivery

SECRET = b"made-up-client-secret"
FIXTURES = {
    file.stem: msgspec.json.decode(file.read_bytes())
    for file in sorted((Path(__file__).parents[3] / "fixtures" / "bigcommerce").glob("*.json"))
}
CART, LINE_ITEM = "5f0e7c7a-2f6d-4c55-9a51-0c2f6a1d9e33", "a7c1d1b2-64fe-49c1-8a0b-3f9f2f0d7c10"
STORE = "store|k3v9x2"

# Fixture: the resources as type|id, and the root that carries the key if it is another resource.
EXPECTED: dict[str, tuple[list[str], str]] = {
    "brand_metafield_updated": (["metafield|brand:27:18"], "brand|27"),
    "cart_converted": ([f"cart|{CART}"], ""),
    "cart_coupon_applied": ([f"cart|{CART}"], ""),
    "cart_created": ([f"cart|{CART}"], ""),
    "cart_line_item_deleted": ([f"cart_line_item|{LINE_ITEM}"], f"cart|{CART}"),
    "category_created": (["category|64"], ""),
    "channel_cart_abandoned": ([f"cart|{CART}"], ""),
    "channel_cart_line_items_created": ([f"cart_line_item|{LINE_ITEM}"], f"cart|{CART}"),
    "channel_category_product_assigned": (["product_category_assignment|msg_1"], "product|311"),
    "channel_category_tree_updated": (["category_tree|2"], ""),
    "channel_category_updated": (["category|64"], ""),
    "channel_created": (["channel|3"], ""),
    "channel_currency_updated": (["settings_currency|3:any"], ""),
    "channel_locale_added": (["settings_locale|msg_1"], ""),
    "channel_metafield_created": (["metafield|channel:3:6"], "channel|3"),
    "channel_order_message_created": (["order_message|msg_1"], "order|480"),
    "channel_order_refund_created": (["order_refund|msg_1"], "order|480"),
    "channel_order_updated": (["order|480"], ""),
    "channel_route_updated": (["settings_route|3:1003:any"], ""),
    "channel_script_created": (["script|0c9a7c9e-6f43-4b3b-9a0f-d3b5f3c0a001"], ""),
    "channel_settings_updated": (["settings_search_context_filters|3:64"], ""),
    "channel_site_updated": (["settings_site|1003"], ""),
    "channel_social_links_updated": (["social_media_links|3"], ""),
    "company_address_created": (["company_address|52:7"], "company|52"),
    "company_superadmin_assignment_updated": (["company_superadmin|52:any"], "company|52"),
    "company_updated": (["company|52"], ""),
    "company_user_deleted": (["company_user|52:321"], "company|52"),
    "customer_address_created": (["customer_address|118"], "customer|75"),
    "customer_login_access_updated": (["customer_login_access|75"], "customer|75"),
    "customer_updated": (["customer|75"], ""),
    "delivery_exception": (["webhook|21"], ""),
    "location_metafield_created": (["metafield|location:2:5"], "location|2"),
    "location_updated": (["location|2"], ""),
    "option_updated": (["option|shared_option:12"], ""),
    "order_message_created": (["order_message|9"], "order|480"),
    "order_refund_created": (["order_refund|14"], "order|480"),
    "order_status_updated": (["order|480"], ""),
    "order_transaction_created": (["order_transaction|480:218840119"], "order|480"),
    "price_list_assignment_updated": (["price_list_assignment|6:3:2"], STORE),
    "price_list_record_updated": (["price_list_record|6:977:EUR"], STORE),
    "price_list_records_created": (["price_list_record|6:977:EUR", "price_list_record|8:978:EUR"], STORE),
    "price_list_updated": (["price_list|6"], STORE),
    "price_lists_deleted": (["price_list|6", "price_list|8"], STORE),
    "product_created": (["product|311"], ""),
    "product_deleted": (["product|311"], ""),
    "product_inventory_updated": (["product_inventory|311"], "product|311"),
    "product_metafield_created": (["metafield|product:311:18"], "product|311"),
    "product_unassigned": (["product_channel_assignment|3:311"], "product|311"),
    "product_updated_override": (["product|311"], ""),
    "shipment_created": (["shipment|31"], "order|480"),
    "sku_created": (["sku|977"], "product|311"),
    "sku_inventory_order_updated": (["sku_inventory|650"], "product|311"),
    "stock_changed": (["inventory|311:977:2"], "product|311"),
    "store_information_updated": ([STORE], ""),
    "subscriber_created": (["subscriber|90"], ""),
    "superadmin_updated": (["superadmin|321"], ""),
    "variant_metafield_deleted": (["metafield|variant:977:19"], "variant|977"),
}


def test_every_fixture_is_expected() -> None:
    """A fixture without an expectation would prove nothing."""
    assert set(FIXTURES) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_notification_names_its_resources(name: str) -> None:
    """Every documented shape of `data` gives the resources it is about, under the key of their root."""
    names, root = EXPECTED[name]

    envelope, parsed = _read(FIXTURES[name])

    assert isinstance(parsed, Parsed), parsed
    assert [f"{snapshot.resource_type}|{snapshot.resource_id}" for snapshot in parsed.snapshots] == names
    assert {"|".join(snapshot.parent) if snapshot.parent else "" for snapshot in parsed.snapshots} == {root}
    assert envelope.key == f"bigcommerce|acme|{envelope.tenant}|{root or names[0]}"
    assert envelope.event_type == FIXTURES[name]["scope"].rstrip("/")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_notification_is_the_document_until_it_is_fetched(name: str) -> None:
    """The document is the whole notification, about one resource; a deletion has none; no field is a version."""
    _, parsed = _read(FIXTURES[name])

    assert isinstance(parsed, Parsed)
    for snapshot in parsed.snapshots:
        assert snapshot.version is None
        assert snapshot.event_time == (datetime(2026, 1, 31, 12, tzinfo=UTC) if "subscriber" not in name else None)
        assert snapshot.is_deleted is (name.endswith(("_deleted", "_unassigned")))
        if not snapshot.is_deleted:
            assert snapshot.document is not None
            assert snapshot.document | {"data": None} == FIXTURES[name] | {"data": None}


def test_batch_shows_each_record_with_its_own_data() -> None:
    """In a batch, each document holds its one record; a record named twice appears once, as last named."""
    first, second = FIXTURES["price_list_records_created"]["data"]

    _, parsed = _read(FIXTURES["price_list_records_created"] | {"data": [first, second, first | {"again": True}]})

    assert isinstance(parsed, Parsed)
    documents = [snapshot.document or {} for snapshot in parsed.snapshots]
    assert [document["data"] for document in documents] == [first | {"again": True}, second]


def test_one_metafield_has_one_name_in_both_scopes() -> None:
    """The general scope and the resource's own scope announce the same metafield."""
    specific = FIXTURES["location_metafield_created"]
    general = specific | {
        "scope": "store/metafield/created",
        "data": specific["data"] | {"resource_type": "location"},
    }

    assert _read(specific)[0].key == _read(general)[0].key


def test_equal_hashes_are_different_deliveries() -> None:
    """Create, update and delete of one product share the body's hash: it identifies nothing."""
    created, deleted = _read(FIXTURES["product_created"], "msg_1")[0], _read(FIXTURES["product_deleted"], "msg_2")[0]

    assert FIXTURES["product_created"]["hash"] == FIXTURES["product_deleted"]["hash"]
    assert (created.delivery_id, deleted.delivery_id) == ("msg_1", "msg_2")


@pytest.mark.parametrize(
    "change",
    [
        {"scope": None},
        {"scope": ""},
        {"scope": "x" * 201},
        {"data": None},
        {"data": []},
        {"data": [{"id": 1}, 2]},
        {"data": {"id": None}},
        {"data": {"id": {}}},
        {"scope": "store/priceLists/deleted", "data": {"price_list_ids": []}},
        {"scope": "store/priceLists/deleted", "data": {"price_list_ids": [None]}},
        {"scope": "store/metafield/created", "data": {"metafield_id": 1, "resource_id": "2"}},
    ],
)
def test_notification_without_a_resource_has_an_unknown_shape(change: dict[str, Any]) -> None:
    """Such a delivery is kept under its own id and becomes a dead letter."""
    envelope, parsed = _read(FIXTURES["product_created"] | change)

    assert envelope.key == envelope.delivery_id
    assert isinstance(parsed, Unparsed)
    assert parsed.reason == "unknown_shape"


def test_store_without_producer_is_named_by_its_number() -> None:
    """The store's hash is in `producer`; the numeric id is the fallback."""
    envelope, _ = _read(FIXTURES["store_information_updated"] | {"producer": None})

    assert envelope.key == "bigcommerce|acme|1000042|store|1000042"


@settings(max_examples=examples(500), deadline=None)
@given(payload=mutated(list(FIXTURES.values())))
def test_mutated_notification_is_identified_and_parsed_alike(payload: Any) -> None:
    """For any value in any position nothing raises, and where `parse` finds a resource `identify` knew its root."""
    envelope, parsed = _read(payload)

    if isinstance(parsed, Parsed):
        root = parsed.snapshots[0]
        parent = root.parent or (root.resource_type, root.resource_id)
        assert envelope.key == resource_key("bigcommerce", "acme", envelope.tenant, *parent)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(missing: str) -> None:
    """The signature covers id and time, so without one of them there is nothing to check."""
    request = _request(b"{}")
    headers = {name: value for name, value in request.headers.items() if name != missing}

    verdict = BigCommerce().verify(SignedRequest(headers, b"{}"), [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == "missing_signature"
    assert missing in verdict.detail


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"webhook-signature": "v1,!!"}, "malformed_signature"),
        ({"webhook-signature": "v2,AAAA"}, "malformed_signature"),
        ({"webhook-timestamp": "noon"}, "malformed_signature"),
        ({"webhook-id": "é\udcff"}, "malformed_signature"),
        ({"webhook-id": "msg_2"}, "wrong_signature"),
        ({"webhook-timestamp": "1769860000"}, "wrong_signature"),
    ],
)
def test_changed_header_is_refused(changes: dict[str, str], reason: str) -> None:
    """Id and timestamp are signed; a malformed header is distinguished from a forgery."""
    request = _request(b"{}")

    verdict = BigCommerce().verify(SignedRequest({**request.headers, **changes}, b"{}"), [SECRET], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == reason


def test_one_right_signature_among_several_is_enough() -> None:
    """Entries of other versions and broken ones are skipped."""
    request = _request(b"{}")
    several = f"v1a,xx v1,broken {request.headers['webhook-signature']}"
    changed = SignedRequest({**request.headers, "webhook-signature": several}, b"{}")

    assert BigCommerce().verify(changed, [b"other", SECRET], NOW + timedelta(seconds=299)) == Verified(1)


def _request(body: bytes, delivery_id: str = "msg_1") -> SignedRequest:
    sample = Sample(body=body, topic="", delivery_id=delivery_id, now=NOW)
    return SignedRequest(BigCommerce().sign(sample, SECRET), body)


def _read(payload: Any, delivery_id: str = "msg_1") -> tuple[Envelope, Parsed | Unparsed]:
    request = _request(msgspec.json.encode(payload), delivery_id)
    envelope = BigCommerce().identify("acme", request)
    return envelope, BigCommerce().parse(raw_delivery("bigcommerce", envelope, request))
