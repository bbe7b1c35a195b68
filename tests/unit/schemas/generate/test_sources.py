"""Each form of source is read into the fields and kinds that its tables need. The samples are ours."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.generate import bigcommerce, github, shopify, stripe
from schemas.generate.fields import Field, Resources, SourceError, kind

TEXT, NULL = {"type": "string"}, {"type": "null"}
TIME = {"type": ["null", "string"], "format": "date-time"}


def kinds(fields: tuple[Field, ...]) -> dict[str, str]:
    """Return the kind of each field."""
    return {field.name: kind(field) for field in fields}


def shopify_files(versions: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the files of a package with the properties of topics, by version and topic."""
    return {
        f"package/schemas/{version}/{topic}.json": json.dumps({"type": "object", "properties": properties}).encode()
        for version, topics in versions.items()
        for topic, properties in topics.items()
    }


def test_shopify_kinds_come_from_types_and_names() -> None:
    """Samples know no money, and no time where they had none: the name tells."""
    properties = {
        "id": {"type": "integer"},
        "updated_at": TIME,
        "cancelled_at": NULL,
        "note": NULL,
        "total_discounts": TEXT,
        "compare_at_price": NULL,
        "price_type": TEXT,
        "total_price_set": NULL,
        "weight": {"type": ["integer", "number"]},
        "cost": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "tags": {"type": "array"},
        "taxable": {"type": ["boolean", "null"]},
    }
    files = shopify_files({"2026-07": {"orders/create": properties}})

    found = shopify.resources(files, {"order": "orders/create"}, ["2026-07"])

    assert kinds(found["order"]) == {
        "id": "long",
        "updated_at": "time",
        "cancelled_at": "time",
        "note": "string",
        "total_discounts": "decimal",
        "compare_at_price": "decimal",
        "price_type": "string",
        "total_price_set": "json",
        "weight": "number",
        "cost": "json",  # several types
        "tags": "json",
        "taxable": "boolean",
    }


def test_shopify_versions_add_what_the_newest_lacks() -> None:
    """A source may subscribe with an older version; where both have a field, the newest tells its type."""
    files = shopify_files({
        "2026-07": {"orders/create": {"id": {"type": "integer"}}},
        "2026-04": {"orders/create": {"phone": TEXT, "id": TEXT}, "orders/paid": {"note": TEXT}},
    })  # fmt: skip

    found = shopify.resources(files, {"order": "orders/create orders/paid"}, ["2026-07", "2026-04"])

    assert kinds(found["order"]) == {"id": "long", "phone": "string", "note": "string"}


def test_shopify_children_are_the_elements_of_a_list_or_an_object() -> None:
    """An address stands in a list, the default one alone."""
    one, other = {"properties": {"id": {"type": "integer"}}}, {"properties": {"zip": TEXT}, "type": "object"}
    properties = {"addresses": {"type": "array", "items": one}, "default_address": other}
    files = shopify_files({"2026-07": {"customers/create": properties}})

    found = shopify.resources(
        files, {"address": "customers/create:addresses customers/create:default_address"}, ["2026-07"]
    )

    assert kinds(found["address"]) == {"id": "long", "zip": "string"}


def test_github_fields_come_from_all_actions_through_references() -> None:
    """A type that differs between two actions makes the field JSON; another event with the same beginning is not read."""
    schemas = {
        "webhook-issues-opened": {"properties": {"issue": {"$ref": "#/components/schemas/issue"}}},
        "webhook-issues-closed": {
            "properties": {
                "issue": {
                    "allOf": [
                        {"$ref": "#/components/schemas/issue"},
                        {"properties": {"closed_at": TIME, "type": {"type": "object"}}},
                    ]
                }
            }
        },
        "webhook-issues-review-done": {"properties": {"issue": {"properties": {"wrong": TEXT}}}},
        "issue": {
            "properties": {
                "id": {"type": "integer"},
                "type": TEXT,
                "labels": {"type": "array", "items": {"properties": {"color": TEXT}}},
            }
        },
    }
    files = {github.FILE: json.dumps({"components": {"schemas": schemas}}).encode()}

    found = github.resources(files, {"issue": "issues:issue", "issue_label": "issues:issue.labels"})

    assert kinds(found["issue"]) == {"id": "long", "type": "json", "labels": "json", "closed_at": "time"}
    assert kinds(found["issue_label"]) == {"color": "string"}


def test_stripe_classes_are_read_without_being_imported() -> None:
    """Amounts are whole numbers, times Unix seconds; a reference is an id, whatever it may be expanded to."""
    newest = b'''
class Charge(Object):
    """Not ours."""
    OBJECT_NAME: ClassVar[Literal["charge"]] = "charge"
    class Nested(StripeObject):
        ignored: str
    id: str
    amount: int
    created: int
    due_date: Optional[int]
    rate: Optional[float]
    paid: bool
    deleted: Optional[Literal[True]]
    status: Union[Literal["failed", "pending"], str]
    customer: Optional[ExpandableField["Customer"]]
    address: Optional["Address"]
    nested: Optional[Nested]
    lines: List[str]
    unit_amount_decimal: Optional[Decimal]
raise RuntimeError("imported")
'''
    older = b"class Charge:\n    id: int\n    invoice: Optional[str]\n"

    found = stripe.resources(
        {"stripe/_charge.py": newest}, {"stripe/_charge.py": older}, classes={"charge": "_charge.Charge"}
    )

    assert kinds(found["charge"]) == {
        "id": "string",
        "amount": "long",
        "created": "seconds",
        "due_date": "seconds",
        "rate": "number",
        "paid": "boolean",
        "deleted": "boolean",
        "status": "string",
        "customer": "string",
        "address": "json",
        "nested": "json",
        "lines": "json",
        "unit_amount_decimal": "decimal",
        "invoice": "string",
    }


def test_bigcommerce_facts_are_followed_by_the_notification() -> None:
    """Until it is fetched, a resource is its notification."""
    found = bigcommerce.resources({"cart": "text: id\nnumber: cart_amount"})

    assert kinds(found["cart"]) == {
        "id": "string",
        "cart_amount": "number",
        "scope": "string",
        "store_id": "string",
        "hash": "string",
        "producer": "string",
        "data": "json",
        "created_at": "seconds",
    }


def _stripe_without_the_class() -> Resources:
    return stripe.resources({"stripe/_charge.py": b"x = 1"}, classes={"charge": "_charge.Charge"})


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: shopify.resources({}, {"order": "orders/create"}, ["2026-07"]), "Shopify 2026-07: expected a schema"),
        (lambda: github.resources({}), "GitHub: expected the file package/generated/api.github.com.json"),
        (_stripe_without_the_class, "Stripe: expected the class Charge in stripe/_charge.py, found none"),
    ],
)
def test_source_of_another_form_is_refused(read: Any, message: str) -> None:
    """A package that has been reordered must not silently yield empty tables."""
    with pytest.raises(SourceError, match=message):
        read()
