"""Whole webhook documents of Shopify, as its fake keeps them: every field that a read shows has a value of its own."""

from schemas.records import Document

UPDATED = "2026-01-31T07:00:00-05:00"
CREATED = "2026-01-30T07:00:00-05:00"


def product(number: int = 7, variants: int = 2) -> Document:
    """Return a product with all of its variants."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Product/{number}",
        "title": "T-Shirt",
        "body_html": "<b>An example</b>",
        "vendor": "Acme",
        "product_type": "Shirts",
        "handle": "t-shirt",
        "status": "active",
        "published_scope": "web",
        "tags": "a, b",
        "template_suffix": None,
        "created_at": CREATED,
        "updated_at": UPDATED,
        "published_at": CREATED,
        "has_variants_that_requires_components": False,
        "category": None,
        "options": [{"id": 3, "product_id": number, "name": "Size", "position": 1, "values": ["S", "M"]}],
        "images": [{"id": 1, "src": "https://example.com/1.png"}],
        "variants": [variant(each, number) for each in range(1, variants + 1)],
    }


def variant(number: int, product_id: int = 7) -> Document:
    """Return a variant as its product lists it."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{number}",
        "product_id": product_id,
        "title": "S",
        "sku": f"sku-{number}",
        "barcode": None,
        "price": "19.90",
        "compare_at_price": "24.00",
        "position": number,
        "inventory_policy": "deny",
        "inventory_quantity": 5,
        "old_inventory_quantity": 6,
        "taxable": True,
        "created_at": CREATED,
        "updated_at": UPDATED,
        "option1": "S",
        "option2": None,
        "option3": None,
        "image_id": None,
        "inventory_item_id": 1_000 + number,
    }


def customer(number: int = 8) -> Document:
    """Return a customer with two addresses."""
    default = _address(1) | {"id": 21, "customer_id": number, "country_name": "Canada", "default": True}
    other = _address(2) | {"id": 22, "customer_id": number, "country_name": "Canada", "default": False}
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Customer/{number}",
        "created_at": CREATED,
        "updated_at": UPDATED,
        "first_name": "Bob",
        "last_name": "Biller",
        "state": "enabled",
        "note": "likes ice cream",
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "email": "bob@example.com",
        "phone": None,
        "currency": "USD",
        "addresses": [default, other],
        "default_address": default,
    }


def order(number: int = 9) -> Document:
    """Return an order with two lines and a shipping line, in two currencies."""
    address = _address(1) | {"latitude": 45, "longitude": -75}
    buyer = {name: value for name, value in customer().items() if name not in ("addresses", "default_address")}
    sums = (
        *("total_price", "subtotal_price", "total_tax", "total_discounts", "current_total_price"),
        *("current_subtotal_price", "current_total_tax", "current_total_discounts"),
    )
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": "#1234",
        "order_number": 1234,
        "token": "made-up",
        **dict.fromkeys(("created_at", "processed_at"), CREATED),
        **dict.fromkeys(("updated_at", "cancelled_at"), UPDATED),
        "closed_at": None,
        "cancel_reason": "customer",
        "confirmed": True,
        "confirmation_number": "XPAV284CT",
        "test": False,
        "note": "as a gift",
        "note_attributes": [{"name": "gift", "value": "yes"}],
        "email": "bob@example.com",
        "phone": None,
        "po_number": "PO-1",
        "source_name": "web",
        "source_identifier": None,
        "tags": "a, b",
        "browser_ip": "192.0.2.1",
        "currency": "EUR",
        "presentment_currency": "JPY",
        "customer_locale": "en",
        "taxes_included": False,
        "tax_exempt": False,
        "estimated_taxes": False,
        "duties_included": False,
        "payment_gateway_names": ["visa"],
        "financial_status": "partially_refunded",
        "fulfillment_status": "partial",
        "total_weight": 1133,
        **dict.fromkeys(sums, "398.00"),
        **{f"{name}_set": _money_set("398.00") for name in sums},
        "total_shipping_price_set": _money_set("10.00"),
        "current_shipping_price_set": _money_set("9.50"),
        "total_outstanding": "1.50",
        "total_tip_received": "0.00",
        "billing_address": address,
        "shipping_address": address,
        "customer": buyer,
        "line_items": [_line_item(each) for each in (31, 32)],
        "shipping_lines": [
            {
                "id": 41,
                "title": "Standard",
                "code": "std",
                "source": "shopify",
                "carrier_identifier": None,
                "phone": None,
                "is_removed": False,
                "price": "10.00",
                "price_set": _money_set("10.00"),
                "discounted_price": "9.50",
                "discounted_price_set": _money_set("9.50"),
                "current_discounted_price_set": _money_set("9.50"),
                "tax_lines": [],
            }
        ],
        "refunds": [],
        "fulfillments": [],
    }


def collection(number: int = 10) -> Document:
    """Return a collection."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Collection/{number}",
        "handle": "new",
        "title": "New",
        "body_html": "<b>",
        "sort_order": "best-selling",
        "template_suffix": None,
        "updated_at": UPDATED,
        "published_at": CREATED,
        "published_scope": "web",
    }


def inventory_item(number: int = 11) -> Document:
    """Return an inventory item."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/InventoryItem/{number}",
        "sku": "sku-1",
        "created_at": CREATED,
        "updated_at": UPDATED,
        "requires_shipping": True,
        "cost": "2.50",
        "country_code_of_origin": "CA",
        "province_code_of_origin": "ON",
        "harmonized_system_code": "123456",
        "tracked": True,
        "country_harmonized_system_codes": [{"country_code": "US", "harmonized_system_code": "1234567890"}],
        "weight_value": 3,
        "weight_unit": "kg",
    }


def inventory_level(item: int = 11, location: int = 12) -> Document:
    """Return an inventory level."""
    return {
        "inventory_item_id": item,
        "location_id": location,
        "available": -2,
        "updated_at": UPDATED,
        "admin_graphql_api_id": f"gid://shopify/InventoryLevel/{location}?inventory_item_id={item}",
    }


def _line_item(number: int) -> Document:
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{number}",
        "title": "T-Shirt",
        "name": "T-Shirt - S",
        "sku": "sku-1",
        "vendor": "Acme",
        "variant_title": "S",
        "quantity": 2,
        "current_quantity": 2,
        "fulfillable_quantity": 1,
        "requires_shipping": True,
        "taxable": True,
        "gift_card": False,
        "grams": 100,
        "product_id": 7,
        "variant_id": 1,
        "properties": [{"name": "engraving", "value": "B"}],
        "price": "199.00",
        "price_set": _money_set("199.00"),
        "total_discount": "0.00",
        "total_discount_set": _money_set("0.00"),
        "tax_lines": [],
    }


def _money_set(amount: str) -> Document:
    return {
        "shop_money": {"amount": amount, "currency_code": "EUR"},
        "presentment_money": {"amount": "5000", "currency_code": "JPY"},
    }


def _address(number: int) -> Document:
    return {
        "first_name": "Bob",
        "last_name": "Biller",
        "name": "Bob Biller",
        "company": None,
        "address1": f"{number} Street",
        "address2": None,
        "city": "Ottawa",
        "province": "Ontario",
        "province_code": "ON",
        "country": "Canada",
        "country_code": "CA",
        "zip": "K2P 2L8",
        "phone": "555-555-5555",
    }
