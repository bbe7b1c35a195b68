"""Shopify's resources as its GraphQL API shows them, made from the documents of its webhooks.

This is the inverse of what Penstock does, written apart from it and field by field: a field that Penstock names wrongly finds no
counterpart here. Source: Shopify's GraphQL Admin API reference 2026-07.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from schemas.records import Document
from simulator.providers.graphql import Connection

Node = dict[str, Any]
GID = "gid://shopify/"


def product(document: Document) -> Node:
    """Return a `Product` with all of its variants."""
    return {
        **_identity("Product", document),
        **_times(document, "created_at", "updated_at", "published_at"),
        "title": document.get("title"),
        "descriptionHtml": document.get("body_html"),
        "vendor": document.get("vendor"),
        "productType": document.get("product_type"),
        "handle": document.get("handle"),
        "status": str(document.get("status", "active")).upper(),
        "tags": _tags(document),
        "templateSuffix": document.get("template_suffix"),
        "hasVariantsThatRequiresComponents": document.get("has_variants_that_requires_components", False),
        "category": None,
        "options": [
            {
                "__typename": "ProductOption",
                "id": f"{GID}ProductOption/{option['id']}",
                "name": option["name"],
                "position": option["position"],
                "values": option["values"],
            }
            for option in document.get("options", ())
        ],
        "variants": Connection(document.get("variants", ()), lambda each: variant(each, document)),
    }


def variant(document: Document, of_product: Document) -> Node:
    """Return a `ProductVariant`."""
    names = [option["name"] for option in of_product.get("options", ())] or ["Title"]
    values = [document.get(f"option{number}") for number in (1, 2, 3)]
    item_id = document.get("inventory_item_id")
    return {
        **_identity("ProductVariant", document),
        **_times(document, "created_at", "updated_at"),
        "title": document.get("title"),
        "sku": document.get("sku"),
        "barcode": document.get("barcode"),
        "price": _decimal(document.get("price")),
        "compareAtPrice": _decimal(document.get("compare_at_price")),
        "position": document.get("position"),
        "inventoryPolicy": str(document.get("inventory_policy", "deny")).upper(),
        "inventoryQuantity": document.get("inventory_quantity"),
        "taxable": document.get("taxable"),
        "selectedOptions": [
            {"__typename": "SelectedOption", "name": name, "value": value}
            for name, value in zip(names, values, strict=False)
            if value is not None
        ],
        "inventoryItem": None if item_id is None else _reference("InventoryItem", item_id),
        "product": _reference("Product", of_product["id"]),
    }


def customer(document: Document) -> Node:
    """Return a `Customer` with its addresses."""
    email, phone, default = (document.get(name) for name in ("email", "phone", "default_address"))
    return {
        **_identity("Customer", document),
        **_times(document, "created_at", "updated_at"),
        "firstName": document.get("first_name"),
        "lastName": document.get("last_name"),
        "state": str(document.get("state", "disabled")).upper(),
        "note": document.get("note"),
        "verifiedEmail": document.get("verified_email"),
        "multipassIdentifier": document.get("multipass_identifier"),
        "taxExempt": document.get("tax_exempt"),
        "taxExemptions": document.get("tax_exemptions", []),
        "defaultEmailAddress": {"__typename": "CustomerEmailAddress", "emailAddress": email} if email else None,
        "defaultPhoneNumber": {"__typename": "CustomerPhoneNumber", "phoneNumber": phone} if phone else None,
        "defaultAddress": _address(default),
        "addressesV2": Connection(document.get("addresses", ()), _address),
    }


def order(document: Document) -> Node:
    """Return an `Order` with its lines; money comes as in GraphQL, without final zeros."""
    cancelled = document.get("cancel_reason")
    return {
        **_identity("Order", document),
        **_times(document, "created_at", "updated_at", "processed_at", "closed_at", "cancelled_at"),
        **{
            field: document.get(name)
            for field, name in {
                "name": "name",
                "confirmed": "confirmed",
                "confirmationNumber": "confirmation_number",
                "test": "test",
                "note": "note",
                "email": "email",
                "phone": "phone",
                "poNumber": "po_number",
                "sourceName": "source_name",
                "sourceIdentifier": "source_identifier",
                "clientIp": "browser_ip",
                "currencyCode": "currency",
                "presentmentCurrencyCode": "presentment_currency",
                "customerLocale": "customer_locale",
                "taxesIncluded": "taxes_included",
                "taxExempt": "tax_exempt",
                "estimatedTaxes": "estimated_taxes",
                "dutiesIncluded": "duties_included",
                "paymentGatewayNames": "payment_gateway_names",
            }.items()
        },
        "tags": _tags(document),
        "cancelReason": cancelled.upper() if isinstance(cancelled, str) else None,
        "totalWeight": str(document.get("total_weight", 0)),
        "displayFinancialStatus": str(document.get("financial_status", "pending")).upper(),
        "displayFulfillmentStatus": {
            None: "UNFULFILLED",
            "fulfilled": "FULFILLED",
            "partial": "PARTIALLY_FULFILLED",
            "restocked": "RESTOCKED",
        }[document.get("fulfillment_status")],
        "customAttributes": _attributes(document.get("note_attributes", ())),
        **{
            field: _bag(document.get(f"{name}_set"))
            for field, name in {
                "totalPriceSet": "total_price",
                "subtotalPriceSet": "subtotal_price",
                "totalTaxSet": "total_tax",
                "totalDiscountsSet": "total_discounts",
                "totalShippingPriceSet": "total_shipping_price",
                "currentShippingPriceSet": "current_shipping_price",
                "currentTotalPriceSet": "current_total_price",
                "currentSubtotalPriceSet": "current_subtotal_price",
                "currentTotalTaxSet": "current_total_tax",
                "currentTotalDiscountsSet": "current_total_discounts",
            }.items()
        },
        "totalOutstandingSet": _bag_of(document.get("total_outstanding"), document),
        "totalTipReceivedSet": _bag_of(document.get("total_tip_received"), document),
        "billingAddress": _address(document.get("billing_address")),
        "shippingAddress": _address(document.get("shipping_address")),
        "customer": customer(document["customer"]) if document.get("customer") else None,
        "lineItems": Connection(document.get("line_items", ()), _line_item),
        "shippingLines": Connection(document.get("shipping_lines", ()), _shipping_line),
    }


def collection(document: Document) -> Node:
    """Return a `Collection`."""
    sort_order = document.get("sort_order")
    return {
        **_identity("Collection", document),
        **_times(document, "updated_at"),
        "handle": document.get("handle"),
        "title": document.get("title"),
        "descriptionHtml": document.get("body_html"),
        "sortOrder": sort_order.upper().replace("-", "_") if isinstance(sort_order, str) else None,
        "templateSuffix": document.get("template_suffix"),
    }


def inventory_item(document: Document) -> Node:
    """Return an `InventoryItem`, without its levels."""
    units = {"g": "GRAMS", "kg": "KILOGRAMS", "oz": "OUNCES", "lb": "POUNDS"}
    cost, unit = document.get("cost"), document.get("weight_unit")
    weight = None if unit is None else {"__typename": "Weight", "value": document["weight_value"], "unit": units[unit]}
    return {
        **_identity("InventoryItem", document),
        **_times(document, "created_at", "updated_at"),
        "sku": document.get("sku"),
        "requiresShipping": document.get("requires_shipping"),
        "tracked": document.get("tracked"),
        "countryCodeOfOrigin": document.get("country_code_of_origin"),
        "provinceCodeOfOrigin": document.get("province_code_of_origin"),
        "harmonizedSystemCode": document.get("harmonized_system_code"),
        "unitCost": None if cost is None else _money(cost, "USD"),
        "measurement": {"__typename": "InventoryItemMeasurement", "weight": weight},
        "countryHarmonizedSystemCodes": Connection(document.get("country_harmonized_system_codes", ()), _customs_code),
    }


def inventory_level(document: Document) -> Node:
    """Return an `InventoryLevel` with the quantities that are asked for by name."""
    item_id, location_id = document["inventory_item_id"], document["location_id"]

    def quantities(arguments: Mapping[str, Any]) -> list[Node]:
        return [
            {"__typename": "InventoryQuantity", "name": name, "quantity": document["available"]}
            for name in arguments["names"]
        ]

    return {
        "__typename": "InventoryLevel",
        "id": f"{GID}InventoryLevel/{location_id}?inventory_item_id={item_id}",
        **_times(document, "updated_at"),
        "quantities": quantities,
        "item": _reference("InventoryItem", item_id),
        "location": _reference("Location", location_id),
    }


def location(document: Document, levels: Callable[[Mapping[str, Any]], Connection]) -> Node:
    """Return a `Location` with its inventory levels."""
    return {**_identity("Location", document), "inventoryLevels": levels}


def event(document: Document) -> Node:
    """Return a `BasicEvent`."""
    names = {"PRODUCT": "Product", "ORDER": "Order", "COLLECTION": "Collection"}
    return {
        "__typename": "BasicEvent",
        "id": f"{GID}BasicEvent/{document['id']}",
        "action": document["action"],
        "createdAt": utc(document["created_at"]),
        "subjectType": document["subject_type"],
        "subjectId": f"{GID}{names[document['subject_type']]}/{document['subject_id']}",
    }


def utc(text: str | None, end: str = "Z") -> str | None:
    """Return a time in UTC, whatever the shop's zone is."""
    return None if text is None else f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%S}{end}"


def _identity(kind: str, document: Document) -> Node:
    return {"__typename": kind, "id": f"{GID}{kind}/{document['id']}", "legacyResourceId": str(document["id"])}


def _reference(kind: str, number: int) -> Node:
    return {"__typename": kind, "id": f"{GID}{kind}/{number}", "legacyResourceId": str(number)}


def _times(document: Document, *names: str) -> Node:
    """Return times under their GraphQL names, in UTC whatever the shop's zone is."""
    return {_camel(name): utc(document.get(name)) for name in names}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _tags(document: Document) -> list[str]:
    return [tag for tag in str(document.get("tags") or "").split(", ") if tag]


def _decimal(amount: str | None) -> str | None:
    """Return an amount as GraphQL writes it: without final zeros, but for one."""
    if amount is None:
        return None
    whole, _, decimals = f"{Decimal(amount).normalize():f}".partition(".")
    return f"{whole}.{decimals or '0'}"


def _money(amount: str, currency: str) -> Node:
    return {"__typename": "MoneyV2", "amount": _decimal(amount), "currencyCode": currency}


def _bag(money_set: Document | None) -> Node | None:
    if money_set is None:
        return None
    shop, presentment = money_set["shop_money"], money_set["presentment_money"]
    return {
        "__typename": "MoneyBag",
        "shopMoney": _money(shop["amount"], shop["currency_code"]),
        "presentmentMoney": _money(presentment["amount"], presentment["currency_code"]),
    }


def _bag_of(amount: str | None, document: Document) -> Node | None:
    """Return the bag of an amount that the webhook shows in the shop's currency alone."""
    if amount is None:
        return None
    return {"__typename": "MoneyBag", "shopMoney": _money(amount, document["currency"])}


def _attributes(pairs: list[Document]) -> list[Node]:
    return [{"__typename": "Attribute", "key": pair["name"], "value": pair["value"]} for pair in pairs]


def _address(address: Document | None) -> Node | None:
    if address is None:
        return None
    fields = {
        "firstName": "first_name",
        "lastName": "last_name",
        "provinceCode": "province_code",
        "countryCodeV2": "country_code",
        **{
            name: name
            for name in (
                *("name", "company", "address1", "address2", "city", "province", "country", "zip", "phone"),
                *("latitude", "longitude"),
            )
        },
    }
    shown = {"__typename": "MailingAddress", **{field: address.get(name) for field, name in fields.items()}}
    gid = f"{GID}MailingAddress/{address.get('id', 1)}?model_name={'CustomerAddress' if 'id' in address else 'Address'}"
    return {**shown, "id": gid}


def _customs_code(code: Document) -> Node:
    return {
        "__typename": "CountryHarmonizedSystemCode",
        "countryCode": code["country_code"],
        "harmonizedSystemCode": code["harmonized_system_code"],
    }


def _line_item(line: Document) -> Node:
    product_id, variant_id = line.get("product_id"), line.get("variant_id")
    return {
        "__typename": "LineItem",
        "id": f"{GID}LineItem/{line['id']}",
        "title": line.get("title"),
        "name": line.get("name"),
        "sku": line.get("sku"),
        "vendor": line.get("vendor"),
        "variantTitle": line.get("variant_title"),
        "quantity": line.get("quantity"),
        "currentQuantity": line.get("current_quantity"),
        "unfulfilledQuantity": line.get("fulfillable_quantity"),
        "requiresShipping": line.get("requires_shipping"),
        "taxable": line.get("taxable"),
        "isGiftCard": line.get("gift_card"),
        "customAttributes": _attributes(line.get("properties", [])),
        "product": None if product_id is None else _reference("Product", product_id),
        "variant": None if variant_id is None else _reference("ProductVariant", variant_id),
        "originalUnitPriceSet": _bag(line.get("price_set")),
        "totalDiscountSet": _bag(line.get("total_discount_set")),
    }


def _shipping_line(line: Document) -> Node:
    return {
        "__typename": "ShippingLine",
        "id": f"{GID}ShippingLine/{line['id']}",
        "title": line.get("title"),
        "code": line.get("code"),
        "source": line.get("source"),
        "carrierIdentifier": line.get("carrier_identifier"),
        "phone": line.get("phone"),
        "isRemoved": line.get("is_removed"),
        "originalPriceSet": _bag(line.get("price_set")),
        "discountedPriceSet": _bag(line.get("discounted_price_set")),
        "currentDiscountedPriceSet": _bag(line.get("current_discounted_price_set")),
    }
