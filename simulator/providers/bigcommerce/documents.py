"""Made-up resources of a BigCommerce store, with the fields that its API shows.

Names and types are those of BigCommerce's REST reference (see `schemas/generate/bigcommerce.py`); the values are our own.
"""

from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Final

from schemas.records import Document

COLOURS: Final = ("Red", "Green", "Blue", "Black", "White", "Yellow")
STATUSES: Final = {
    0: "Incomplete",
    1: "Pending",
    2: "Shipped",
    7: "Awaiting Payment",
    10: "Completed",
    11: "Awaiting Fulfillment",
}


def iso_time(time: datetime) -> str:
    """Return a time as V3 writes it, in whole seconds."""
    return time.replace(microsecond=0).isoformat()


def mail_time(time: datetime) -> str:
    """Return a time as V2 writes it (RFC 2822), in whole seconds."""
    return format_datetime(time.replace(microsecond=0))


def product(number: int, now: datetime, variants: int = 1, images: int = 1) -> Document:
    """Return a product with everything that `include` can show; its first variant is the base variant if it is the only one."""
    return {
        "id": number,
        "name": f"Lamp {number}",
        "type": "physical",
        "sku": f"LAMP-{number}",
        "description": f"<p>Lamp number {number}.</p>",
        "weight": Decimal("1.5"),
        "width": 0,
        "depth": 0,
        "height": 0,
        "price": Decimal("49.90"),
        "cost_price": 0,
        "retail_price": 0,
        "sale_price": 0,
        "map_price": 0,
        "calculated_price": Decimal("49.90"),
        "tax_class_id": 0,
        "product_tax_code": "",
        "categories": [23],
        "brand_id": 7,
        "option_set_id": None,
        "option_set_display": "right",
        "inventory_level": 12 * variants,
        "inventory_warning_level": 2,
        "inventory_tracking": "variant" if variants > 1 else "product",
        "reviews_rating_sum": 0,
        "reviews_count": 0,
        "total_sold": 3,
        "fixed_cost_shipping_price": 0,
        "is_free_shipping": False,
        "is_visible": True,
        "is_featured": False,
        "related_products": [-1],
        "warranty": "",
        "bin_picking_number": "",
        "layout_file": "",
        "upc": "",
        "mpn": "",
        "gtin": "",
        "search_keywords": "lamp, light",
        "availability": "available",
        "availability_description": "",
        "gift_wrapping_options_type": "any",
        "gift_wrapping_options_list": [],
        "sort_order": 0,
        "condition": "New",
        "is_condition_shown": False,
        "order_quantity_minimum": 0,
        "order_quantity_maximum": 0,
        "page_title": "",
        "meta_keywords": [],
        "meta_description": "",
        "date_created": iso_time(now),
        "date_modified": iso_time(now),
        "view_count": 0,
        "preorder_release_date": None,
        "preorder_message": "",
        "is_preorder_only": False,
        "is_price_hidden": False,
        "price_hidden_label": "",
        "custom_url": {"url": f"/lamp-{number}/", "is_customized": False},
        "base_variant_id": number * 1000 if variants == 1 else None,
        "open_graph_type": "product",
        "open_graph_title": "",
        "open_graph_description": "",
        "open_graph_use_meta_description": True,
        "open_graph_use_product_name": True,
        "open_graph_use_image": True,
        "variants": [variant(number, index, is_base=variants == 1) for index in range(variants)],
        "images": [image(number, index) for index in range(images)],
        "primary_image": image(number, 0) if images else None,
        "custom_fields": [{"id": number * 10, "name": "Material", "value": "Brass"}],
        "bulk_pricing_rules": [],
        "options": [],
        "modifiers": [],
        "videos": [],
    }


def variant(product_number: int, index: int, *, is_base: bool = False) -> Document:
    """Return a variant of a product; a base variant has no SKU of V2 and no options."""
    colour = COLOURS[index % len(COLOURS)]
    option = {
        "id": 100 + index,
        "label": f"{colour} {index}",
        "option_id": product_number,
        "option_display_name": "Colour",
    }
    return {
        "id": product_number * 1000 + index,
        "product_id": product_number,
        "sku": f"LAMP-{product_number}{'' if is_base else f'-{index}'}",
        "sku_id": None if is_base else product_number * 1000 + 500 + index,
        "price": None if is_base else Decimal("49.90") + index,
        "calculated_price": Decimal("49.90") + (0 if is_base else index),
        "sale_price": None,
        "retail_price": None,
        "map_price": None,
        "cost_price": 0,
        "weight": None,
        "calculated_weight": Decimal("1.5"),
        "width": None,
        "height": None,
        "depth": None,
        "is_free_shipping": False,
        "fixed_cost_shipping_price": None,
        "purchasing_disabled": False,
        "purchasing_disabled_message": "",
        "image_url": "",
        "upc": "",
        "mpn": "",
        "gtin": "",
        "inventory_level": 12,
        "inventory_warning_level": 2,
        "bin_picking_number": "",
        "option_values": [] if is_base else [option],
    }


def image(product_number: int, index: int) -> Document:
    """Return an image of a product."""
    return {
        "id": product_number * 100 + index,
        "product_id": product_number,
        "image_file": f"l/{product_number}/lamp-{index}.jpg",
        "is_thumbnail": index == 0,
        "sort_order": index,
        "description": "",
        "url_standard": f"https://images.example/{product_number}/{index}.jpg",
        "date_modified": "2026-01-05T09:00:00+00:00",
    }


def category(number: int) -> Document:
    """Return a category; it has no update time."""
    return {
        "id": number,
        "parent_id": 0,
        "name": f"Category {number}",
        "description": "",
        "views": 0,
        "sort_order": 0,
        "page_title": "",
        "search_keywords": "",
        "meta_keywords": [""],
        "meta_description": "",
        "layout_file": "category.html",
        "is_visible": True,
        "default_product_sort": "use_store_settings",
        "image_url": "",
        "custom_url": {"url": f"/category-{number}/", "is_customized": False},
    }


def customer(number: int, now: datetime) -> Document:
    """Return a customer with everything that `include` can show but addresses, which are resources of their own."""
    return {
        "id": number,
        "email": f"customer{number}@example.com",
        "first_name": "Ada",
        "last_name": f"Number {number}",
        "company": "",
        "phone": "",
        "registration_ip_address": "",
        "notes": "",
        "tax_exempt_category": "",
        "customer_group_id": 0,
        "address_count": 1,
        "attribute_count": 0,
        "origin_channel_id": 1,
        "channel_ids": None,
        "accepts_product_review_abandoned_cart_emails": True,
        "authentication": {"force_password_reset": False},
        "date_created": iso_time(now),
        "date_modified": iso_time(now),
        "attributes": [],
        "form_fields": [],
        "store_credit_amounts": [{"amount": Decimal("0.00")}],
        "shopper_profile_id": f"profile-{number}",
        "segment_ids": [],
    }


def customer_address(number: int, customer_number: int) -> Document:
    """Return an address of a customer; it has no update time."""
    return {
        "id": number,
        "customer_id": customer_number,
        "first_name": "Ada",
        "last_name": f"Number {customer_number}",
        "company": "",
        "address1": f"{number} Example Street",
        "address2": "",
        "city": "Sampleton",
        "state_or_province": "Sample State",
        "postal_code": "12345",
        "country": "United States",
        "country_code": "US",
        "phone": "",
        "address_type": "residential",
        "form_fields": [],
    }


def cart(cart_id: str, now: datetime) -> Document:
    """Return a cart with one line."""
    line = {
        "id": f"{cart_id[:-4]}line",
        "product_id": 1,
        "variant_id": 1000,
        "quantity": 1,
        "list_price": Decimal("49.90"),
    }
    return {
        "id": cart_id,
        "parent_id": None,
        "customer_id": 0,
        "channel_id": 1,
        "version": 1,
        "email": "",
        "locale": "en",
        "currency": {"code": "EUR"},
        "tax_included": False,
        "base_amount": Decimal("49.90"),
        "discount_amount": 0,
        "manual_discount_amount": 0,
        "cart_amount": Decimal("49.90"),
        "coupons": [],
        "discounts": [],
        "line_items": {"physical_items": [line], "digital_items": [], "gift_certificates": [], "custom_items": []},
        "created_time": iso_time(now),
        "updated_time": iso_time(now),
    }


_ORDER_AMOUNTS: Final = (
    "base_handling_cost", "base_shipping_cost", "base_wrapping_cost", "coupon_discount", "discount_amount",
    "gift_certificate_amount", "handling_cost_ex_tax", "handling_cost_inc_tax", "handling_cost_tax", "refunded_amount",
    "shipping_cost_ex_tax", "shipping_cost_inc_tax", "shipping_cost_tax", "store_credit_amount", "subtotal_tax", "total_tax",
    "wrapping_cost_ex_tax", "wrapping_cost_inc_tax", "wrapping_cost_tax",
)  # fmt: skip
_ORDER_TEXTS: Final = (
    "credit_card_type", "customer_message", "date_shipped", "ebay_order_id", "external_merchant_id", "external_order_id",
    "geoip_country", "geoip_country_iso2", "ip_address", "ip_address_v6", "payment_status", "staff_notes", "tax_provider_id",
)  # fmt: skip


def order(number: int, now: datetime, lines: int = 1) -> Document:
    """Return an order with its products and shipping addresses, which the API shows as links and lists of their own."""
    total = f"{Decimal('49.90') * lines:.4f}"
    return {
        "id": number,
        "customer_id": 0,
        "date_created": mail_time(now),
        "date_modified": mail_time(now),
        **_status(11),
        **dict.fromkeys(_ORDER_AMOUNTS, "0.0000"),
        **dict.fromkeys(_ORDER_TEXTS, ""),
        **dict.fromkeys(("subtotal_ex_tax", "subtotal_inc_tax", "total_ex_tax", "total_inc_tax"), total),
        "shipping_cost_tax_class_id": 2,
        "handling_cost_tax_class_id": 2,
        "wrapping_cost_tax_class_id": 3,
        "items_total": lines,
        "items_shipped": 0,
        "shipping_address_count": 1,
        "payment_method": "Manual",
        "payment_provider_id": None,
        "order_is_digital": False,
        "currency_id": 1,
        "currency_code": "EUR",
        "currency_exchange_rate": "1.0000000000",
        "default_currency_id": 1,
        "default_currency_code": "EUR",
        "store_default_currency_code": "EUR",
        "store_default_to_transactional_exchange_rate": "1.0000000000",
        "customer_locale": "en",
        "is_deleted": False,
        "is_email_opt_in": False,
        "is_tax_inclusive_pricing": False,
        "channel_id": 1,
        "cart_id": f"00000000-0000-4000-8000-{number:012d}",
        "order_source": "manual",
        "external_source": None,
        "external_id": None,
        "billing_address": _address(number),
        "products": [order_product(number, index) for index in range(lines)],
        "shipping_addresses": [{"id": number * 10, "order_id": number, **_address(number)}],
        "coupons": {"url": f"https://api.example/v2/orders/{number}/coupons", "resource": f"/orders/{number}/coupons"},
        "consignments": {"url": f"https://api.example/v2/orders/{number}/consignments"},
        "fees": {"url": f"https://api.example/v2/orders/{number}/fees", "resource": f"/orders/{number}/fees"},
        "form_fields": [],
    }


def order_status(status_id: int) -> Document:
    """Return the fields that give an order a status."""
    return _status(status_id)


def order_product(order_number: int, index: int) -> Document:
    """Return a line of an order."""
    return {
        "id": order_number * 1000 + index,
        "order_id": order_number,
        "product_id": 1 + index,
        "variant_id": 1000 + index,
        "name": f"Lamp {1 + index}",
        "sku": f"LAMP-{1 + index}",
        "quantity": 1,
        "price_ex_tax": "49.9000",
        "price_inc_tax": "49.9000",
        "total_ex_tax": "49.9000",
        "total_inc_tax": "49.9000",
    }


def shipment(number: int, order_number: int, now: datetime) -> Document:
    """Return a shipment of an order; it has no update time."""
    return {
        "id": number,
        "order_id": order_number,
        "customer_id": 0,
        "order_address_id": order_number * 10,
        "date_created": mail_time(now),
        "tracking_number": f"TRACK{number}",
        "merchant_shipping_cost": "0.0000",
        "shipping_method": "None",
        "comments": "",
        "shipping_provider": "",
        "items": [{"order_product_id": order_number * 1000, "product_id": 0, "quantity": 1}],
    }


def inventory(product_number: int, index: int, on_hand: int) -> Document:
    """Return the stock of a variant at a location, as that location's list shows it: without the location."""
    shown = variant(product_number, index)
    return {
        "identity": {"sku": shown["sku"], "variant_id": shown["id"], "product_id": product_number},
        "available_to_sell": on_hand,
        "total_inventory_onhand": on_hand,
        "settings": {"safety_stock": 0, "is_in_stock": on_hand > 0, "warning_level": 2, "bin_picking_number": ""},
    }


def location(number: int) -> Document:
    """Return a place with stock."""
    return {
        "id": number,
        "code": f"LOCATION-{number}",
        "label": f"Location {number}",
        "type_id": "PHYSICAL",
        "enabled": True,
    }


def store(store_hash: str) -> Document:
    """Return a store's own information."""
    return {
        "id": store_hash,
        "name": "Example Lamps",
        "domain": "lamps.example",
        "currency": "EUR",
        "plan_level": "Standard",
    }


def _status(status_id: int) -> Document:
    return {"status_id": status_id, "status": STATUSES[status_id], "custom_status": STATUSES[status_id]}


def _address(number: int) -> dict[str, Any]:
    return {
        "first_name": "Ada",
        "last_name": f"Number {number}",
        "street_1": f"{number} Example Street",
        "city": "Sampleton",
        "zip": "12345",
        "country": "United States",
        "country_iso2": "US",
        "email": f"customer{number}@example.com",
    }
