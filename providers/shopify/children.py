"""What Shopify's documents list as resources of their own.

A product's payload holds its first 100 variants and, in `variant_gids`, the names of all. A customer's holds the ten addresses
updated last. Variants, fulfillments and refunds have topics of their own, whose payloads differ from the lists' elements.
Source: Shopify's webhook reference 2026-04, its sample payloads.
"""

from collections.abc import Mapping
from typing import Final

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
