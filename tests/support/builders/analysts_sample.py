"""A small shop, its billing and its code: changes whose figures tests work out by hand and docs/analysts.md shows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from providers.registry import PROVIDERS, provider
from schemas.codec import document_json
from schemas.records import Document, resource_key
from schemas.typed.columns import column_table
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.records import LoadedChange, LoadedOutcome, Place
from sinks.warehouse.rows.shape import Layouts

SYNCED = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOURCES: Mapping[str, str] = {"my-shop": "shopify", "billing": "stripe", "code": "github"}
TENANTS: Mapping[str, str] = {"my-shop": "my-shop.myshopify.com", "billing": "", "code": ""}


def load_sample(warehouse: Warehouse) -> None:
    """Load the sample as one batch."""
    own = {name: frozenset(provider(name).resource_types) for name in PROVIDERS}
    changes = sample_changes()
    warehouse.apply(batch_of([*changes, *map(_outcome, changes)], {}, Layouts(column_table, own), SYNCED))


def sample_changes() -> list[LoadedChange]:
    """Return all changes, in the order of their deliveries."""
    story = _Story()
    _orders(story)
    _products(story)
    _stock(story)
    _subscriptions(story)
    _pull_requests(story)
    return story.changes


class _Story:
    """Changes one after the other, each with the offset of its delivery."""

    def __init__(self) -> None:
        self.changes: list[LoadedChange] = []
        self._documents: dict[str, bytes] = {}

    def tell(
        self,
        source: str,
        resource_type: str,
        at: str,
        document: Document,
        *,
        resource_id: str = "",
        parent: tuple[str, str] | None = None,
        is_deleted: bool = False,
        tenant: str | None = None,
        changed: Sequence[str] = (),
    ) -> None:
        """Add a change; `parent` is the type and id of the resource that this one belongs to."""
        offset = len(self.changes)
        account = TENANTS[source] if tenant is None else tenant
        resource_id = resource_id or str(document["id"])
        key = resource_key(SOURCES[source], source, account, resource_type, resource_id)
        before, after = self._documents.get(key), document_json(document)
        self._documents[key] = after
        time = datetime.fromisoformat(at).replace(tzinfo=UTC)
        self.changes.append(
            LoadedChange(
                Place(f"changes.{SOURCES[source]}.{resource_type}", 0, offset),
                str(uuid5(NAMESPACE_OID, f"{source} {resource_type} {resource_id} {offset}")),
                "d" if is_deleted else "c" if before is None else "u",
                key,
                account,
                resource_type,
                resource_id,
                None if parent is None else resource_key(SOURCES[source], source, account, *parent),
                tuple(changed),
                None if before is None else before.decode(),
                None if is_deleted else after.decode(),
                time,
                time,
                time,
                time,
                SOURCES[source],
                source,
                f"delivery-{offset}",
                f"{resource_type}/changed",
                None,
                0,
                offset,
            )
        )


def _orders(story: _Story) -> None:
    """Five orders that count, on two days, one of them in yen and one of another shop; a test and a deleted one do not."""

    def order(number: int, at: str, total: str, **more: Any) -> Document:
        base = {"id": number, "name": f"#{number}", "created_at": f"{at}Z", "currency": "EUR", "test": False}
        return {**base, "total_price": total, "current_total_price": total, **more}

    first, second = "2026-11-02T10:00:00", "2026-11-03T23:30:00"
    line = {"id": 10010, "title": "Track jacket", "sku": "TJ-S", "quantity": 1, "price": "79.00"}
    story.tell("my-shop", "order", first, order(1001, first, "79.00"))
    story.tell("my-shop", "order_line_item", first, line, parent=("order", "1001"))
    story.tell("my-shop", "order", first, order(1002, first, "158.00"))
    story.tell("my-shop", "order", first, order(1003, first, "20.00"))
    story.tell("my-shop", "order", first, order(1004, first, "9000", currency="JPY"))
    story.tell("my-shop", "order", second, order(1005, second, "11.50", created_at="2026-11-04T08:30:00+09:00"))
    story.tell("my-shop", "order", second, order(1006, second, "500.00", test=True))
    story.tell("my-shop", "order", second, order(1007, second, "70.00"))
    story.tell("my-shop", "order", second, order(1008, second, "33.00"), tenant="other.myshopify.com")
    refunded = order(1002, first, "158.00", current_total_price="79.00", financial_status="partially_refunded")
    story.tell(
        "my-shop", "order", "2026-11-05T09:00:00", refunded, changed=("/current_total_price", "/financial_status")
    )
    cancelled = order(1003, first, "20.00", cancelled_at="2026-11-05T10:00:00Z")
    story.tell("my-shop", "order", "2026-11-05T10:00:00", cancelled, changed=("/cancelled_at",))
    story.tell("my-shop", "order", "2026-11-06T10:00:00", order(1007, second, "70.00"), is_deleted=True)


def _products(story: _Story) -> None:
    """A jacket in two sizes: one is made cheaper, retitled at the same price and deleted, the other comes back."""
    jacket = {"id": 7, "title": "Track jacket", "vendor": "Nike", "status": "active", "penstock_demo": {"shelf": 4}}

    def size(number: int, name: str, price: str, **more: Any) -> Document:
        return {"id": number, "product_id": 7, "title": name, "sku": f"TJ-{name[0]}", "price": price, **more}

    parent = ("product", "7")
    story.tell("my-shop", "product", "2026-11-01T09:00:00", jacket)
    for at, document, is_deleted in (
        ("2026-11-01T09:00:00", size(71, "Small", "79.00", inventory_item_id=710), False),
        ("2026-11-01T09:00:00", size(72, "Medium", "79.00"), False),
        ("2026-11-04T12:00:00", size(71, "Small", "69.00", inventory_item_id=710), False),
        ("2026-11-05T12:00:00", size(71, "Small, new", "69.00", inventory_item_id=710), False),
        ("2026-11-06T12:00:00", size(72, "Medium", "79.00"), True),
        ("2026-11-08T12:00:00", size(72, "Medium", "75.00"), False),
        ("2026-11-09T12:00:00", size(71, "Small, new", "69.00", inventory_item_id=710), True),
    ):
        story.tell("my-shop", "variant", at, document, parent=parent, is_deleted=is_deleted)


def _stock(story: _Story) -> None:
    """One item in two shops, which are named; the second is deleted."""
    story.tell("my-shop", "location", "2026-11-01T09:00:00", {"id": 1, "name": "Main Street"})
    for at, place, available, is_deleted in (
        ("2026-11-01T09:00:00", 1, 10, False),
        ("2026-11-01T09:00:00", 2, 4, False),
        ("2026-11-02T10:00:00", 1, 9, False),
        ("2026-11-02T11:00:00", 1, 9, False),
        ("2026-11-03T10:00:00", 2, 4, True),
    ):
        level = {"inventory_item_id": 710, "location_id": place, "available": available, "updated_at": f"{at}Z"}
        story.tell("my-shop", "inventory_level", at, level, resource_id=f"710-{place}", is_deleted=is_deleted)


def _subscriptions(story: _Story) -> None:
    """Three in euros, of which one is a trial at first and one is cancelled in October; one in yen; one metered."""

    def price(
        amount: int | None, interval: str, count: int = 1, currency: str = "eur", usage: str = "licensed"
    ) -> Document:
        recurring = {"interval": interval, "interval_count": count, "usage_type": usage}
        return {"id": f"price_{amount}", "currency": currency, "unit_amount": amount, "recurring": recurring}

    def subscribe(at: str, name: str, status: str, currency: str = "eur", *, is_deleted: bool = False) -> None:
        document = {"id": f"sub_{name}", "status": status, "currency": currency, "customer": f"cus_{name}"}
        story.tell("billing", "subscription", at, document, is_deleted=is_deleted)

    def put(at: str, name: str, cost: Document, quantity: int, *, is_deleted: bool = False) -> None:
        document = {"id": f"si_{name}", "subscription": f"sub_{name}", "price": cost, "quantity": quantity}
        parent = ("subscription", f"sub_{name}")
        story.tell("billing", "subscription_item", at, document, parent=parent, is_deleted=is_deleted)

    subscribe("2026-09-10T00:00:00", "monthly", "active")
    put("2026-09-10T00:00:00", "monthly", price(1000, "month"), 3)
    subscribe("2026-09-15T00:00:00", "yearly", "trialing")
    put("2026-09-15T00:00:00", "yearly", price(25000, "year"), 1)
    subscribe("2026-09-20T00:00:00", "yen", "active", "jpy")
    put("2026-09-20T00:00:00", "yen", price(3000, "month", 3, "jpy"), 1)
    subscribe("2026-09-20T00:00:00", "weekly", "past_due")
    put("2026-09-20T00:00:00", "weekly", price(300, "week"), 1)
    put("2026-10-05T00:00:00", "monthly", price(1000, "month"), 5)
    subscribe("2026-10-15T00:00:00", "yearly", "active")
    subscribe("2026-10-20T00:00:00", "weekly", "canceled", is_deleted=True)
    put("2026-10-20T00:00:00", "weekly", price(300, "week"), 1, is_deleted=True)
    subscribe("2026-10-25T00:00:00", "metered", "active")
    put("2026-10-25T00:00:00", "metered", price(2, "month", usage="metered"), 1)


def _pull_requests(story: _Story) -> None:
    """Three merged ones, of which one is deleted with its repository, and an open one."""

    def request(number: int, opened: str, merged: str | None) -> Document:
        return {
            "id": 500 + number,
            "number": number,
            "title": f"Change {number}",
            "state": "open" if merged is None else "closed",
            "created_at": f"{opened}Z",
            "merged_at": None if merged is None else f"{merged}Z",
            "user": {"login": "octavia"},
            "additions": 10 * number,
            "deletions": number,
            "base": {"repo": {"full_name": "acme/pipes"}},
        }

    story.tell("code", "pull_request", "2026-11-02T10:00:00", request(1, "2026-11-02T08:00:00", "2026-11-02T10:00:00"))
    story.tell("code", "pull_request", "2026-11-04T08:30:00", request(2, "2026-11-03T08:00:00", "2026-11-04T08:30:00"))
    story.tell("code", "pull_request", "2026-11-05T08:00:00", request(3, "2026-11-05T08:00:00", None))
    gone = request(4, "2026-11-05T08:00:00", "2026-11-05T09:00:00")
    story.tell("code", "pull_request", "2026-11-05T09:00:00", gone)
    story.tell("code", "pull_request", "2026-11-06T09:00:00", gone, is_deleted=True)


def _outcome(change: LoadedChange) -> LoadedOutcome:
    fields = {
        "delivery_id": change.delivery_id,
        "source": change.source,
        "provider": change.provider,
        "tenant": change.tenant,
        "key": change.key,
        "event_type": change.event_type,
        "outcome": "changed",
        "reason": {"c": "created", "u": "updated", "d": "deleted"}[change.op],
        "detail": "",
        "event_ids": (change.event_id,),
        "received_at": change.received_at,
        "decided_at": change.emitted_at,
        "topic": "webhooks.raw",
        "partition": 0,
        "offset": change.raw_offset,
    }
    return LoadedOutcome(Place("deliveries.outcomes", 0, change.raw_offset), fields)
