"""Where each of Stripe's objects is read: `GET /v1/{plural}/{id}` for almost all, the exceptions as data.

Source: the class URLs of stripe-python 16.1.0, Stripe's API reference 2026-06-24.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from providers.stripe.names import SINGLETON
from providers.stripe.types import RESOURCE_TYPE_OF

# `{0}` is the resource id, or its first part where that is a relation (`acct_1:card_payments`), `{1}` the second part.
_EXCEPTIONS: Final[Mapping[str, str]] = {
    "apple_pay_domain": "/v1/apple_pay/domains/{0}",
    "balance": "/v1/balance",
    "balance_settings": "/v1/balance_settings",
    "capability": "/v1/accounts/{0}/capabilities/{1}",
    "cash_balance": "/v1/customers/{0}/cash_balance",
    "scheduled_query_run": "/v1/sigma/scheduled_query_runs/{0}",
    "tax_settings": "/v1/tax/settings",
    "three_d_secure": "/v1/3d_secure/{0}",
    "v2_money_management_financial_address": "/v2/money_management/financial_addresses/{0}",
}

# Made once and never shown again, or below another object that the event may not name.
_UNREADABLE: Final = """
    account_link account_session alipay_account application bank_account billing_alert_triggered
    billing_credit_balance_summary billing_meter_event billing_meter_event_adjustment billing_meter_event_summary
    billing_portal_session bitcoin_receiver bitcoin_transaction card connect_collection_transfer
    credit_note_line_item customer_balance_transaction customer_cash_balance_transaction customer_session discount
    entitlements_active_entitlement_summary ephemeral_key fee_refund financial_connections_account_owner
    financial_connections_account_ownership funding_instructions issuing_card_details item line_item login_link
    payment_intent_amount_details_line_item person product_feature recipient_transfer reserve_transaction
    setup_attempt source_mandate_notification source_transaction tax_association tax_calculation_line_item
    tax_deducted_at_source tax_transaction_line_item terminal_connection_token terminal_onboarding_link
    terminal_refund transfer_reversal treasury_financial_account_features usage_record
    usage_record_summary v2_billing_meter_event v2_billing_meter_event_adjustment v2_billing_meter_event_session
    v2_core_account_link v2_core_account_person v2_core_account_person_token v2_core_account_token
"""
_WITHOUT_PATH: Final = frozenset(_UNREADABLE.split())
_PLAIN: Final[Mapping[str, str]] = {
    resource_type: f"/{object_type.replace('.', '/')}s/{{0}}"
    if object_type.startswith("v2.")
    else f"/v1/{object_type.replace('.', '/')}s/{{0}}"
    for object_type, resource_type in RESOURCE_TYPE_OF.items()
}

READABLE: Final = (_PLAIN.keys() - _WITHOUT_PATH) | _EXCEPTIONS.keys()
"""The resource types that can be read by their id alone; a thin event's URL reads those of any type."""


def path_of(resource_type: str, resource_id: str) -> str | None:
    """Return the path of an object, None if its type has none or the id does not fit it."""
    if resource_type not in READABLE:
        return None
    template = _EXCEPTIONS.get(resource_type) or _PLAIN[resource_type]
    parts = resource_id.split(":", 1) if "{1}" in template else [resource_id]
    if resource_id in ("", ".", "..") or ("{1}" in template and len(parts) < 2):
        return None
    if "{0}" not in template and resource_id != SINGLETON:
        return None
    return template.format(*(quote(part, safe="") for part in parts))


def collection_of(resource_type: str) -> str | None:
    """Return the path of the list of all objects of a type, None if these are not listed below a path of their own."""
    path = path_of(resource_type, "id")
    return path.removesuffix("/id") if path is not None and path.endswith("/id") else None
