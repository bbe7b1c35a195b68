"""Shopify's own sample of every topic: identified, parsed and joined with the other topics of its resource."""

import re
from itertools import groupby
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Parsed, Sample, SignedRequest, Unparsed, Verified
from providers.shopify.provider import Shopify
from providers.shopify.topics import topic_rule
from schemas.records import Snapshot, resource_key
from tests.support.builders.corpora import corpora, read_corpus, shopify_payloads
from tests.support.builders.payload_mutations import mutated
from tests.support.builders.provider_requests import NOW, SENDERS, assert_agreement, raw_delivery

SHOPIFY = Shopify()
PAYLOADS = dict(shopify_payloads())
TOPIC_CLASSES: dict[str, list[str]] = read_corpus("shopify/TOPIC_CLASSES.json")
DELIVERY = "delivery-1"

# In the samples these two show `id: null`: a deletion without an id cannot be applied.
NAMELESS_DELETIONS = {"collection_publications/delete", "product_publications/delete"}
# Deleted by an id while all other topics have a token: cannot be joined, see the topic table.
UNJOINABLE = {"checkout"}
# Each sample shows another id.
UNEQUAL_SAMPLES = {
    *("selling_plan_group", "subscription_billing_cycle", "subscription_billing_cycle_edit", "subscription_contract"),
}


@pytest.mark.parametrize("topic", sorted(PAYLOADS.keys() - NAMELESS_DELETIONS))
def test_sample_is_verified_and_both_readings_agree(topic: str) -> None:
    """Each sample passes the ingress, and the key of its record is that of the root resource that `parse` finds."""
    request = _request(topic)
    assert isinstance(SHOPIFY.verify(request, [b"secret"], NOW), Verified)

    envelope = SHOPIFY.identify("acme", request)
    snapshot = _snapshot(topic)

    root = snapshot.parent or (snapshot.resource_type, snapshot.resource_id)
    assert envelope.key == resource_key("shopify", "acme", envelope.tenant, *root)
    assert (envelope.event_type, envelope.delivery_id) == (topic, DELIVERY)
    assert envelope.event_time == snapshot.event_time == NOW


@pytest.mark.parametrize("topic", sorted(NAMELESS_DELETIONS))
def test_deletion_without_an_id_is_a_dead_letter(topic: str) -> None:
    """A deletion without an id is reported, instead of being lost."""
    request = _request(topic)

    parsed = SHOPIFY.parse(raw_delivery("shopify", SHOPIFY.identify("acme", request), request))

    assert isinstance(parsed, Unparsed)
    assert parsed.reason == "unknown_shape"


def test_every_documented_topic_has_a_resource_type_fit_for_a_kafka_topic() -> None:
    """All 219 topics of 2026-04, those without a sample included, lead to a lower snake name."""
    lines = (corpora() / "shopify" / "TOPICS-2026-04.tsv").read_text().splitlines()[1:]
    types = {line.split("\t")[0]: topic_rule(line.split("\t")[0]).resource_type for line in lines}

    assert len(types) >= 200
    assert [topic for topic, name in types.items() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_all_topics_of_one_resource_share_its_id_and_its_partition() -> None:
    """Created, updated and deleted: one resource, whether a topic shows its number, its gid or both."""
    snapshots = [_snapshot(topic) for topic in sorted(PAYLOADS.keys() - NAMELESS_DELETIONS)]
    named = sorted((each for each in snapshots if each.resource_id != DELIVERY), key=lambda each: each.resource_type)

    for resource_type, group in groupby(named, key=lambda each: each.resource_type):
        seen = list(group)
        if resource_type not in UNJOINABLE | UNEQUAL_SAMPLES:
            assert len({each.resource_id for each in seen}) == 1, resource_type
        assert len({each.parent is None for each in seen}) == 1, resource_type


def test_ids_beyond_double_precision_keep_every_digit() -> None:
    """Ids of Shopify's samples pass 2**53; read as floating point they would name another resource."""
    assert _snapshot("products/update").resource_id == "788032119674292922"
    assert _snapshot("products/update").document == msgspec.json.decode(PAYLOADS["products/update"])


@pytest.mark.parametrize("topic", [entry.split(" ")[0] for entry in TOPIC_CLASSES["wrapped in one key"]])
def test_wrapped_topics_are_unwrapped(topic: str) -> None:
    """The 19 topics that put the resource into one key show its fields, not the key."""
    wrapped = msgspec.json.decode(PAYLOADS[topic])
    [inner] = wrapped.values()
    snapshot = _snapshot(topic)

    assert snapshot.document == (None if snapshot.is_deleted else inner)


@pytest.mark.parametrize("topic", sorted(TOPIC_CLASSES["full (id + gid + updated_at)"]))
def test_update_time_is_the_version(topic: str) -> None:
    """Documents with `updated_at` are ordered by it, except a deletion and a notice, which are no versions."""
    snapshot = _snapshot(topic)

    assert (snapshot.version is None) == (snapshot.is_deleted or snapshot.resource_id == DELIVERY)


def test_deletions_show_no_document() -> None:
    """A deletion has no content and no version even where Shopify sends the last known fields."""
    deletions = [topic for topic in PAYLOADS.keys() - NAMELESS_DELETIONS if _snapshot(topic).is_deleted]

    assert len(deletions) >= 30
    for topic in deletions:
        snapshot = _snapshot(topic)
        assert (snapshot.document, snapshot.version, snapshot.event_time) == (None, None, NOW), topic


@pytest.mark.parametrize(
    ("topic", "resource", "parent"),
    [
        ("products/delete", ("product", "788032119674292922"), None),
        ("variants/in_stock", ("variant", "642667041472713922"), ("product", "788032119674292922")),
        ("refunds/create", ("refund", "890088186047892319"), ("order", "820982911946154508")),
        ("fulfillments/update", ("fulfillment", "123456"), ("order", "820982911946154508")),
        ("order_transactions/create", ("order_transaction", "120560818172775265"), ("order", "820982911946154508")),
        ("orders/edited", ("order_edit", "78912328793123780"), ("order", "820982911946154508")),
        (
            "inventory_levels/disconnect",
            ("inventory_level", "271878346596884015:24826418"),
            ("inventory_item", "271878346596884015"),
        ),
        ("checkouts/update", ("checkout", "123123123"), None),
        ("checkouts/delete", ("checkout", "981820079255243500"), None),
        ("carts/update", ("cart", "exampleCartId"), None),
        ("metaobjects/delete", ("metaobject", "123"), None),
        ("app_subscriptions/update", ("app_subscription", "1029266952"), None),
        ("product_listings/remove", ("product_listing", "788032119674292922"), ("product", "788032119674292922")),
        ("customer.tags_added", ("customer_tags_added", DELIVERY), ("customer", "1")),
        ("fulfillment_orders/moved", ("fulfillment_order_moved", DELIVERY), ("fulfillment_order", "1")),
        ("fulfillment_orders/merged", ("fulfillment_order_merged", DELIVERY), ("fulfillment_order", "1")),
        ("fulfillment_holds/released", ("fulfillment_hold", "1"), ("fulfillment_order", "1")),
        ("locales/destroy", ("locale", "fr-CA"), None),
        ("customer_account_settings/update", ("customer_account_settings", "example.myshopify.com"), None),
        ("customers/data_request", ("customer_data_request", "9999"), None),
        ("customers/redact", ("customer_redact_request", DELIVERY), None),
        ("shop/redact", ("shop_redact_request", DELIVERY), None),
        ("shop/update", ("shop", "548380009"), None),
        ("app/uninstalled", ("app_uninstalled", DELIVERY), ("shop", "548380009")),
    ],
)
def test_topic_names_its_resource(topic: str, resource: tuple[str, str], parent: tuple[str, str] | None) -> None:
    """One case of every kind of id and every kind of parent."""
    snapshot = _snapshot(topic)

    assert (snapshot.resource_type, snapshot.resource_id) == resource
    assert snapshot.parent == parent


@pytest.mark.parametrize("topic", ["customers/redact", "customers/data_request", "shop/redact"])
def test_compliance_request_deletes_nothing(topic: str) -> None:
    """A customer's redaction request is a record of its own, and outlives the customer that it names."""
    snapshot = _snapshot(topic)

    assert not snapshot.is_deleted
    assert snapshot.parent is None
    assert snapshot.document is not None


ORIGINALS = {topic: msgspec.json.decode(body) for topic, body in PAYLOADS.items()}


@given(topic=st.sampled_from(sorted(PAYLOADS)), changed=mutated(list(ORIGINALS.values())))
def test_ingress_and_pipeline_compute_one_key(topic: str, changed: Any) -> None:
    """Whatever a body of any topic shows under this one: one function names the root for both."""
    request = SignedRequest(_request(topic).headers, msgspec.json.encode(changed))
    envelope = SHOPIFY.identify("acme", request)
    parsed = SHOPIFY.parse(raw_delivery("shopify", envelope, request))

    if isinstance(parsed, Parsed):
        (snapshot,) = parsed.snapshots
        root = snapshot.parent or (snapshot.resource_type, snapshot.resource_id)
        assert envelope.key == resource_key("shopify", "acme", envelope.tenant, *root)


def test_no_two_things_in_the_samples_share_a_resource() -> None:
    """All samples show one shop's things: what has another gid, or belongs to another family of topics, is another resource."""
    gids: dict[tuple[str, str], set[str]] = {}
    for topic in PAYLOADS.keys() - NAMELESS_DELETIONS:
        snapshot, body = _snapshot(topic), ORIGINALS[topic]
        gid = body.get("admin_graphql_api_id") or body.get("id")
        if isinstance(gid, str) and gid.startswith("gid://") and snapshot.resource_id != DELIVERY:
            gids.setdefault((snapshot.resource_type, snapshot.resource_id), set()).add(gid)

    # The gid in the body of a redeem code is its discount's.
    assert {name: found for name, found in gids.items() if len(found) > 1} == {}
    assert len(gids) > 30


@pytest.mark.parametrize("topic", sorted(PAYLOADS)[::10])
def test_payload_of_another_provider_does_no_harm(topic: str) -> None:
    """A source configured with the wrong provider still gives outcomes, not exceptions."""
    for sender in SENDERS:
        assert_agreement(sender, topic, PAYLOADS[topic])


def _request(topic: str) -> SignedRequest:
    sample = Sample(body=PAYLOADS[topic], topic=topic, delivery_id=DELIVERY, now=NOW)
    return SignedRequest(SHOPIFY.sign(sample, b"secret"), sample.body)


def _snapshot(topic: str) -> Snapshot:
    request = _request(topic)
    parsed = SHOPIFY.parse(raw_delivery("shopify", SHOPIFY.identify("acme", request), request))
    assert isinstance(parsed, Parsed), parsed
    [snapshot] = parsed.snapshots
    return snapshot
