"""Tests for providers/bigcommerce/fetched.py and reads.py: from a notification to what is read, and from that to a snapshot."""

from datetime import timedelta

import pytest

from providers.api import Wanted
from providers.base import Parsed
from providers.bigcommerce.fetched import fetched_snapshot
from providers.bigcommerce.provider import BigCommerce
from providers.bigcommerce.reads import READ_WITH_PARENT, READINGS, wanted
from providers.bigcommerce.rules import CHILDREN, RESOURCE_TYPES
from providers.outline import at
from schemas.records import Document, RawDelivery, Snapshot
from schemas.typed.columns import column_table
from schemas.typed.encode import encoder
from simulator.providers.bigcommerce import documents
from simulator.providers.bigcommerce.notices import Changed, notices
from simulator.providers.clock import START

CART = "5f0e7c7a-2f6d-4c55-9a51-0c2f6a1d9e33"
NOTIFICATION = {"scope", "store_id", "hash", "producer", "data", "created_at"}
OTHER_API = {"category": {"category_id", "tree_id", "url"}}  # fields of category trees alone
ELSEWHERE = {
    "cart": {"redirect_urls"},  # every read would make new ones
    "customer": {"addresses"},  # resources of their own
    "product": {"date_last_imported", "options", "modifiers", "videos"},  # with options a page has ten products only
}
SAMPLES: dict[str, Document] = {
    "cart": documents.cart(CART, START),
    "category": documents.category(23),
    "customer": documents.customer(75, START),
    "order": documents.order(480, START),
    "product": documents.product(311, START, variants=2),
    "sku": documents.variant(311, 1),
}


def snapshots(kind: str, before: Document | None, after: Document | None, resource_id: str = "") -> list[Snapshot]:
    """Return what the notifications of a change show."""
    told = notices("k3v9x2", Changed(kind, resource_id, before, after), START)
    parsed = [
        BigCommerce().parse(RawDelivery("msg_1", "bigcommerce", "shop", notice.scope, START, "", notice.body))
        for notice in told
    ]
    return [snapshot for one in parsed if isinstance(one, Parsed) for snapshot in one.snapshots]


LATER = START + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("cart", documents.cart(CART, LATER)),
        ("customer", documents.customer(75, LATER)),
        ("order", documents.order(480, LATER)),
        ("product", documents.product(311, LATER)),
    ],
)
def test_time_of_the_document_is_its_version(kind: str, document: Document) -> None:
    """ISO 8601 of V3 and RFC 2822 of V2 become the same instant."""
    assert fetched_snapshot(kind, "1", document).version == LATER


@pytest.mark.parametrize(
    ("kind", "document", "parent"),
    [
        ("category", documents.category(23), None),
        ("customer_address", documents.customer_address(118, 75), ("customer", "75")),
        ("shipment", documents.shipment(31, 480, START), ("order", "480")),
        ("inventory", documents.inventory(311, 2, 9), ("product", "311")),
    ],
)
def test_document_without_a_time_has_no_version(kind: str, document: Document, parent: tuple[str, str] | None) -> None:
    """What BigCommerce gives no update time is ordered by the time of the read; its root is that of its notification."""
    snapshot = fetched_snapshot(kind, "1", document)

    assert snapshot == Snapshot(kind, "1", document, parent=parent)


def test_product_brings_its_variants_and_images() -> None:
    """The lists are complete, so a variant that is missing in the next document is gone."""
    snapshot = fetched_snapshot("product", "311", SAMPLES["product"])

    assert [(rule.resource_type, rule.field, rule.limit) for rule in snapshot.children] == [
        ("sku", "variants", None),
        ("product_image", "images", None),
    ]
    assert all(rule.resource_type in RESOURCE_TYPES for rules in CHILDREN.values() for rule in rules)


def test_variant_has_one_name() -> None:
    """In the list of its product, and in its own notifications."""
    product = SAMPLES["product"]

    told = {snapshot.resource_id for snapshot in snapshots("product", None, product) if snapshot.resource_type == "sku"}

    assert told == {str(variant["id"]) for variant in product["variants"]}


def test_time_alone_is_no_change() -> None:
    """A product that was only looked at, or saved as it was, is unchanged."""
    assert fetched_snapshot("product", "311", SAMPLES["product"]).volatile == {"date_modified", "view_count"}


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_document_fills_the_columns_of_its_type(kind: str) -> None:
    """Every column but those of the notification and of other APIs; no value misfits, and only few fields have no column."""
    table = column_table("bigcommerce", kind)
    assert table is not None
    names = {column.name for column in table.columns}
    document = SAMPLES[kind]

    encoded = encoder(table)(document)

    assert names - document.keys() == NOTIFICATION | OTHER_API.get(kind, set()) | (
        ELSEWHERE.get(kind, set()) - document.keys()
    )
    assert encoded.misfits == ()
    assert encoded.unknown == ()


# --- From the notification to what is read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "document", "resource_id", "expected"),
    [
        ("product", documents.product(311, START), "311", [Wanted("product", "311")]),
        ("category", documents.category(23), "23", [Wanted("category", "23")]),
        ("customer", documents.customer(75, START), "75", [Wanted("customer", "75")]),
        (
            "customer_address",
            documents.customer_address(118, 75),
            "118",
            [Wanted("customer_address", "118", context="75")],
        ),
        ("cart", documents.cart(CART, START), CART, [Wanted("cart", CART), Wanted("cart", CART)]),
        ("order", documents.order(480, START), "480", [Wanted("order", "480")]),
        ("shipment", documents.shipment(31, 480, START), "31", [Wanted("shipment", "31", context="480")]),
        ("location", documents.location(1), "1", [Wanted("location", "1")]),
        (
            "inventory",
            documents.inventory(311, 2, 9),
            "311:311002:1",
            [Wanted("inventory", "311:311002:1", context="311")],
        ),
    ],
)
def test_notification_says_what_to_read(
    kind: str, document: Document, resource_id: str, expected: list[Wanted]
) -> None:
    """A new resource is read by what its notification names; a deleted one needs no read."""
    assert [wanted(snapshot) for snapshot in snapshots(kind, None, document, resource_id)] == expected
    if kind != "inventory":  # a new level, even if there is no stock any more
        assert [wanted(snapshot) for snapshot in snapshots(kind, document, None, resource_id)] == [None]


def test_stock_and_variants_are_read_with_their_product() -> None:
    """One read answers all notifications of a product that is saved."""
    before = documents.product(311, START, variants=3)
    variants = [{**variant, "price": 1} for variant in before["variants"][:2]]
    after = {**before, "inventory_level": 3, "variants": variants}

    told = snapshots("product", before, after)

    assert [(one.resource_type, one.is_deleted) for one in told] == [
        ("product", False),
        ("product_inventory", False),
        ("sku", False),
        ("sku", False),
        ("sku", True),
    ]
    assert {wanted(snapshot) for snapshot in told} == {Wanted("product", "311")}


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot("price_list", "3", {}),
        Snapshot("order_message", "msg_2a", {}, parent=("order", "480")),
        Snapshot("product", "msg_2a", {}),
        Snapshot("inventory", "msg_2a", {}, parent=("product", "311")),
        Snapshot("shipment", "31", {}),
        Snapshot("sku", "650", {}),  # without its product there is no way to it
    ],
)
def test_what_cannot_be_read_stays_a_notification(snapshot: Snapshot) -> None:
    """As it is without credentials."""
    assert wanted(snapshot) is None


def test_table_names_known_types_and_documented_rights() -> None:
    """Every row is of a type that notifications have, and of a type with parts the parent is readable."""
    assert READINGS.keys() <= RESOURCE_TYPES
    assert READ_WITH_PARENT.keys() <= RESOURCE_TYPES
    assert set(READ_WITH_PARENT.values()) <= READINGS.keys()
    for kind, reading in READINGS.items():
        document = SAMPLES.get(kind)
        if document is not None and reading.version is not None:
            assert at(document, reading.version)
