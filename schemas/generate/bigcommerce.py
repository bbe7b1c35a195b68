"""BigCommerce: its reference has no licence, so these are names and types alone, as facts, written down here by hand.

Until a resource is fetched, its document is the notification; so each table has the fields of both. Fetched ones have the form
of the V3 API, orders that of V2. There dates are RFC 2822 and stay text, as do exchange rates: a column holds nine decimals.
Source: BigCommerce's REST reference (catalog, customers, carts V3; orders V2) and its webhook overview, April 2026.
"""

from collections.abc import Mapping
from typing import Final

from schemas.generate.fields import Field, Resources

SOURCE: Final = "BigCommerce's public API reference, 2026-04 (names and types only)"

_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "bool": ("boolean", ""),
    "decimal": ("string", "decimal"),
    "int": ("integer", ""),
    "json": ("object", ""),
    "number": ("number", ""),
    "seconds": ("integer", "seconds"),
    "text": ("string", ""),
    "time": ("string", "time"),
}

_NOTIFICATION: Final = """
    text: scope store_id hash producer
    json: data
    seconds: created_at
"""

FACTS: Final[Mapping[str, str]] = {
    "cart": """
        text: id parent_id
        int: customer_id channel_id version
        text: email locale
        json: currency
        bool: tax_included
        number: base_amount discount_amount manual_discount_amount cart_amount
        json: coupons discounts line_items redirect_urls
        time: created_time updated_time
    """,
    "category": """
        int: id category_id tree_id parent_id
        text: name description
        int: views sort_order
        text: page_title search_keywords
        json: meta_keywords
        text: meta_description layout_file
        bool: is_visible
        text: default_product_sort image_url
        json: custom_url url
    """,
    "customer": """
        int: id
        text: email first_name last_name company phone registration_ip_address notes tax_exempt_category
        int: customer_group_id address_count attribute_count origin_channel_id
        bool: accepts_product_review_abandoned_cart_emails
        json: authentication addresses attributes form_fields store_credit_amounts channel_ids segment_ids
        text: shopper_profile_id
        time: date_created date_modified
    """,
    "order": """
        int: id customer_id status_id
        text: status date_created date_modified date_shipped
        decimal: subtotal_ex_tax subtotal_inc_tax subtotal_tax base_shipping_cost shipping_cost_ex_tax shipping_cost_inc_tax
        decimal: shipping_cost_tax base_handling_cost handling_cost_ex_tax handling_cost_inc_tax handling_cost_tax
        decimal: base_wrapping_cost wrapping_cost_ex_tax wrapping_cost_inc_tax wrapping_cost_tax
        decimal: total_ex_tax total_inc_tax total_tax refunded_amount store_credit_amount gift_certificate_amount
        decimal: discount_amount coupon_discount
        int: shipping_cost_tax_class_id handling_cost_tax_class_id wrapping_cost_tax_class_id
        int: items_total items_shipped shipping_address_count
        text: payment_method payment_status
        json: payment_provider_id
        text: ip_address ip_address_v6 geoip_country geoip_country_iso2
        int: currency_id default_currency_id
        text: currency_code default_currency_code currency_exchange_rate store_default_currency_code
        text: store_default_to_transactional_exchange_rate staff_notes customer_message customer_locale
        bool: order_is_digital is_deleted is_email_opt_in is_tax_inclusive_pricing
        text: ebay_order_id
        json: fees billing_address products shipping_addresses coupons form_fields consignments
        int: channel_id
        text: cart_id order_source external_source external_id external_merchant_id credit_card_type
        text: custom_status tax_provider_id external_order_id
    """,
    "product": """
        int: id
        text: name type sku description
        number: weight width depth height price cost_price retail_price sale_price map_price calculated_price
        int: tax_class_id
        text: product_tax_code
        json: categories
        int: brand_id inventory_level inventory_warning_level
        text: inventory_tracking
        number: fixed_cost_shipping_price
        bool: is_free_shipping is_visible is_featured
        json: related_products
        text: warranty bin_picking_number layout_file upc search_keywords availability availability_description
        text: gift_wrapping_options_type
        json: gift_wrapping_options_list
        int: sort_order
        text: condition
        bool: is_condition_shown
        int: order_quantity_minimum order_quantity_maximum
        text: page_title
        json: meta_keywords
        text: meta_description
        int: view_count
        time: preorder_release_date
        text: preorder_message
        bool: is_preorder_only is_price_hidden
        text: price_hidden_label
        json: custom_url
        text: open_graph_type open_graph_title open_graph_description
        bool: open_graph_use_meta_description open_graph_use_product_name open_graph_use_image
        text: gtin mpn
        time: date_created date_modified date_last_imported
        int: reviews_rating_sum reviews_count total_sold base_variant_id option_set_id
        text: option_set_display
        json: custom_fields bulk_pricing_rules images videos variants options modifiers primary_image
    """,
    "sku": """
        int: id product_id sku_id
        text: sku
        number: price calculated_price sale_price retail_price map_price cost_price weight calculated_weight
        number: width height depth fixed_cost_shipping_price
        bool: is_free_shipping purchasing_disabled
        text: purchasing_disabled_message image_url upc mpn gtin
        int: inventory_level inventory_warning_level
        text: bin_picking_number
        json: option_values
    """,
}
"""The fields of each resource, in lines of `type: names`."""


def resources(facts: Mapping[str, str] = FACTS) -> Resources:
    """Return the fields of each resource: its own, then those of the notification."""
    return {name: (*_fields(lines), *_fields(_NOTIFICATION)) for name, lines in facts.items()}


def _fields(lines: str) -> list[Field]:
    fields = []
    for line in lines.strip().splitlines():
        word, _, names = line.strip().partition(": ")
        json_type, form = _TYPES[word]
        fields += [Field(name, frozenset({json_type}), form) for name in names.split()]
    return fields
