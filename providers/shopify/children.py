"""The lists in Shopify's documents whose elements are separate resources.

A product's payload contains its first 100 variants and, in `variant_gids`, the ids of all. A customer's contains the ten most
recently updated addresses. Variants, fulfillments and refunds have separate topics; their payloads differ from the elements here.
Source: Shopify's webhook reference 2026-04, its sample payloads.
"""

from collections.abc import Mapping
from typing import Final

from providers.shopify.times import VOLATILE
from schemas.records import ChildRule

MAX_VARIANTS = 100
MAX_ADDRESSES = 10
UPDATED = "updated_at"

CHILDREN: Final[Mapping[str, tuple[ChildRule, ...]]] = {
    "product": (
        ChildRule(
            "variant", "variants", is_shared=True, version=UPDATED, limit=MAX_VARIANTS, id_list_field="variant_gids"
        ),
        ChildRule("product_image", "images", version=UPDATED),
        ChildRule("product_option", "options"),
    ),
    "order": (
        ChildRule("order_line_item", "line_items"),
        ChildRule("order_shipping_line", "shipping_lines"),
        ChildRule("fulfillment", "fulfillments", is_shared=True, version=UPDATED),
        ChildRule("refund", "refunds", is_shared=True),
    ),
    "customer": (ChildRule("customer_address", "addresses", limit=MAX_ADDRESSES, member="default_address"),),
}

SHARED: Final = frozenset(rule.resource_type for rules in CHILDREN.values() for rule in rules if rule.is_shared)

# The update time of a child that is shown is no more a change of its parent than the parent's own. Those in `variant_gids` count:
# they are all that a product shows of the variants beyond its first hundred.
VOLATILE_OF_PARENTS: Final[Mapping[str, frozenset[str]]] = {
    resource_type: VOLATILE.union(f"{rule.field}.{rule.version}" for rule in rules if rule.version)
    for resource_type, rules in CHILDREN.items()
}
"""By type of parent, the fields whose change alone is no change."""
