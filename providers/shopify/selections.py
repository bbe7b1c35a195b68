"""What Penstock reads of Shopify's resources, as data: for each type the GraphQL fields that its classic webhook shows too.

`graphql_fields` says how each of them is called and written there. Left out are fields that GraphQL does not have, and those
that the webhooks of the same version do not show. Ids of images are not the same in both.
Source: Shopify's GraphQL Admin API 2026-07 and webhook reference 2026-04.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

MAX_QUERY_COST: Final = 1_000
"""The most that one query may cost, in points, whatever the store's quota."""

_BAG: Final = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_PAGE: Final = "pageInfo { hasNextPage endCursor }"
_VARIANT: Final = """
    id legacyResourceId title sku barcode price compareAtPrice position inventoryPolicy inventoryQuantity taxable
    createdAt updatedAt selectedOptions { name value } inventoryItem { legacyResourceId }
"""
_MAILING_ADDRESS: Final = """
    firstName lastName name company address1 address2 city province provinceCode country countryCodeV2 zip phone
"""
_CUSTOMER: Final = """
    id legacyResourceId createdAt updatedAt firstName lastName state note verifiedEmail multipassIdentifier taxExempt
    taxExemptions defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }
"""
_LINE_ITEM: Final = f"""
    id title name sku vendor variantTitle quantity currentQuantity unfulfilledQuantity requiresShipping taxable isGiftCard
    customAttributes {{ key value }} product {{ legacyResourceId }} variant {{ legacyResourceId }}
    originalUnitPriceSet {_BAG} totalDiscountSet {_BAG}
"""
_ORDER: Final = f"""
    id legacyResourceId name createdAt updatedAt processedAt closedAt cancelledAt cancelReason confirmed confirmationNumber
    test note email phone poNumber sourceName sourceIdentifier tags clientIp currencyCode presentmentCurrencyCode
    customerLocale taxesIncluded taxExempt estimatedTaxes dutiesIncluded paymentGatewayNames displayFinancialStatus
    displayFulfillmentStatus totalWeight customAttributes {{ key value }}
    totalPriceSet {_BAG} subtotalPriceSet {_BAG} totalTaxSet {_BAG} totalDiscountsSet {_BAG} totalShippingPriceSet {_BAG}
    currentShippingPriceSet {_BAG}
    currentTotalPriceSet {_BAG} currentSubtotalPriceSet {_BAG} currentTotalTaxSet {_BAG} currentTotalDiscountsSet {_BAG}
    totalOutstandingSet {{ shopMoney {{ amount currencyCode }} }}
    totalTipReceivedSet {{ shopMoney {{ amount currencyCode }} }}
    billingAddress {{ {_MAILING_ADDRESS} latitude longitude }} shippingAddress {{ {_MAILING_ADDRESS} latitude longitude }}
    customer {{ {_CUSTOMER} }}
    shippingLines(first: 5) {{
      nodes {{
        id title code source carrierIdentifier phone isRemoved
        originalPriceSet {_BAG} discountedPriceSet {_BAG} currentDiscountedPriceSet {_BAG}
      }}
      {_PAGE}
    }}
"""


class Paged(Struct, frozen=True):
    """A connection that is read to its end: its field, what is read of a node, and how many nodes a page has.

    `first` nodes are read together with the resource: enough for most, and few enough to read many resources at once.
    """

    field: str
    node: str
    first: int
    page: int


class Selection(Struct, frozen=True):
    """What is read of one type: its name in GraphQL, the right that it needs, its fields, and the connection that is long."""

    graphql_type: str
    right: str
    fields: str
    paged: Paged | None = None

    @property
    def text(self) -> str:
        """Return the fields with the first page of the connection."""
        return f"{self.fields} {connection(self.paged, self.paged.first)}" if self.paged else self.fields


def connection(paged: Paged, first: int, after: str = "") -> str:
    """Return the selection of one page of a connection; `after` is a variable with a cursor, "" for the first page."""
    position = f", after: {after}" if after else ""
    return f"{paged.field}(first: {first}{position}) {{ nodes {{ {paged.node} }} {_PAGE} }}"


SELECTIONS: Final[Mapping[str, Selection]] = {
    "product": Selection(
        "Product",
        "read_products",
        """
        id legacyResourceId title descriptionHtml vendor productType handle status tags templateSuffix createdAt updatedAt
        publishedAt hasVariantsThatRequiresComponents category { id name fullName } options { id name position values }
        """,
        Paged("variants", _VARIANT, first=20, page=200),
    ),
    "variant": Selection("ProductVariant", "read_products", f"{_VARIANT} product {{ legacyResourceId }}"),
    "customer": Selection(
        "Customer",
        "read_customers",
        f"""
        {_CUSTOMER} defaultAddress {{ id {_MAILING_ADDRESS} }}
        addressesV2(first: 10) {{ nodes {{ id {_MAILING_ADDRESS} }} {_PAGE} }}
        """,
    ),
    "order": Selection("Order", "read_orders", _ORDER, Paged("lineItems", _LINE_ITEM, first=10, page=80)),
    "collection": Selection(
        "Collection",
        "read_products",
        "id legacyResourceId handle title descriptionHtml sortOrder templateSuffix updatedAt",
    ),
    "inventory_item": Selection(
        "InventoryItem",
        "read_inventory",
        f"""
        id legacyResourceId sku createdAt updatedAt requiresShipping tracked countryCodeOfOrigin provinceCodeOfOrigin
        harmonizedSystemCode unitCost {{ amount currencyCode }} measurement {{ weight {{ value unit }} }}
        countryHarmonizedSystemCodes(first: 10) {{ nodes {{ countryCode harmonizedSystemCode }} {_PAGE} }}
        """,
    ),
    "inventory_level": Selection(
        "InventoryLevel",
        "read_inventory",
        'id updatedAt quantities(names: ["available"]) { name quantity }',
    ),
}
"""By resource type."""

_BRACE: Final = re.compile(r"(\w+)(?:\(([^)]*)\))?\s*\{|\}")
_FIRST: Final = re.compile(r"first: (\d+)")


@lru_cache(maxsize=1024)
def points(selection: str) -> int:
    """Return what a selection costs at most, in points: one for each object, two more for each connection, none for scalars.

    Shopify documents the one point for an object; what it takes for a connection is never more, and for a long one far less.
    Source: Shopify's "API limits"; Shopify developer community, thread 23101.
    """
    total, factors, length = 0, [1], 1
    for brace in _BRACE.finditer(selection):
        if brace[0] == "}":
            factors.pop()
            continue
        factor = factors[-1] * (length if brace[1] == "nodes" else 1)
        first = _FIRST.search(brace[2] or "")
        length = int(first[1]) if first else length
        total += factor * (3 if first else 1)
        factors.append(factor)
    return total
