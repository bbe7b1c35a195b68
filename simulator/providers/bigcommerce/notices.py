"""The webhooks that BigCommerce sends for a change of a store, from the same documents that its API shows. Pure."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from schemas.codec import document_json
from schemas.records import Document

SCOPES: Final = {
    "cart": "store/cart",
    "category": "store/category",
    "customer": "store/customer",
    "customer_address": "store/customer/address",
    "location": "store/inventory/location",
    "order": "store/order",
    "product": "store/product",
    "shipment": "store/shipment",
}
STOCK_SCOPE: Final = "store/channel/*/inventory/product/stock_changed"  # with a literal asterisk


class Notice(Struct, frozen=True):
    """One webhook: its scope and its body, which names the resource and says hardly anything else."""

    scope: str
    body: bytes


class Changed(Struct, frozen=True):
    """One change of one resource; `before` is None for a new one, `after` for a deleted one."""

    kind: str
    resource_id: str
    before: Document | None
    after: Document | None


def notices(store_hash: str, changed: Changed, now: datetime) -> list[Notice]:
    """Return the webhooks of a change, in order; a change that changes nothing has none."""
    if changed.before == changed.after:
        return []
    return [_notice(store_hash, scope, data, now) for scope, data in _scopes(changed)]


def _scopes(changed: Changed) -> Iterator[tuple[str, dict[str, Any]]]:
    verb = "created" if changed.before is None else "deleted" if changed.after is None else "updated"
    document = changed.after or changed.before or {}
    if changed.kind == "inventory":
        yield STOCK_SCOPE, {**_identity(document), "location_id": int(changed.resource_id.rpartition(":")[2])}
        return
    yield f"{SCOPES[changed.kind]}/{verb}", _data(changed, document)
    if changed.kind == "cart" and verb == "created":  # a new cart is also updated
        yield "store/cart/updated", _data(changed, document)
    if changed.kind == "order" and verb == "updated":
        yield from _status_scopes(changed)
    if changed.kind == "product":
        yield from _stock_scopes(changed)
        yield from _sku_scopes(changed)


def _data(changed: Changed, document: Document) -> dict[str, Any]:
    match changed.kind:
        case "customer_address":
            return {"type": "customer", "id": document["id"], "address": {"customer_id": document["customer_id"]}}
        case "shipment":
            return {"type": "shipment", "id": document["id"], "orderId": document["order_id"]}
        case "location":
            return {"location_id": document["id"]}
        case kind:
            return {"type": kind, "id": document["id"]}


def _identity(document: Document) -> dict[str, Any]:
    identity = document["identity"]
    return {"variant_id": identity["variant_id"], "product_id": identity["product_id"]}


def _status_scopes(changed: Changed) -> Iterator[tuple[str, dict[str, Any]]]:
    before, after = changed.before or {}, changed.after or {}
    if before.get("status_id") != after.get("status_id"):
        status = {"previous_status_id": before.get("status_id"), "new_status_id": after.get("status_id")}
        yield "store/order/statusUpdated", {"type": "order", "id": after["id"], "status": status}


def _stock_scopes(changed: Changed) -> Iterator[tuple[str, dict[str, Any]]]:
    before, after = changed.before, changed.after
    if before and after and before["inventory_level"] != after["inventory_level"]:
        inventory = {"product_id": after["id"], "method": "absolute", "value": after["inventory_level"]}
        yield "store/product/inventory/updated", {"type": "product", "id": after["id"], "inventory": inventory}


def _sku_scopes(changed: Changed) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the webhooks of variants; a base variant has no SKU of V2, so it has none."""
    before, after = _skus(changed.before), _skus(changed.after)
    for sku_id in sorted(before.keys() | after.keys()):
        variant = after.get(sku_id) or before[sku_id]
        verb = "created" if sku_id not in before else "deleted" if sku_id not in after else "updated"
        if before.get(sku_id) != after.get(sku_id):
            sku = {"product_id": variant["product_id"], "variant_id": variant["id"]}
            yield f"store/sku/{verb}", {"type": "sku", "id": sku_id, "sku": sku}


def _skus(product: Document | None) -> dict[int, Document]:
    return {variant["sku_id"]: variant for variant in (product or {}).get("variants", ()) if variant["sku_id"]}


def _notice(store_hash: str, scope: str, data: dict[str, Any], now: datetime) -> Notice:
    body = {
        "scope": scope,
        "store_id": str(1_000_000 + int(hashlib.sha1(store_hash.encode(), usedforsecurity=False).hexdigest()[:4], 16)),
        "data": data,
        # In BigCommerce's samples created, updated and deleted of one resource share one hash, as if `data` alone were hashed.
        "hash": hashlib.sha1(document_json(data), usedforsecurity=False).hexdigest(),
        "created_at": int(now.timestamp()),
        "producer": f"stores/{store_hash}",
    }
    return Notice(scope, document_json(body))
