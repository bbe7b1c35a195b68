"""Stripe's object types: each has a separate topic, and no other type has one.

By the part before the last dot of the name that Stripe gives an object in its field `object` (`billing.alert`), and with the
`v2.` of the second API. Objects without events (lists, search results, the event itself) are omitted. So are previews, whose
names are not stable: their changes go to `other` until Stripe releases them.
Source: `OBJECT_CLASSES` and `V2_OBJECT_CLASSES` of stripe-python 16.1.0, for retired objects those of 2.76.0 and 5.5.0, and
the fixtures of stripe/openapi.
"""

from collections.abc import Mapping
from typing import Final

from providers.reading import topic_name

OBJECTS: Final[Mapping[str, str]] = {
    "": """
        account account_link account_session alipay_account apple_pay_domain application application_fee balance
        balance_settings balance_transaction bank_account bitcoin_receiver bitcoin_transaction capability card
        cash_balance charge confirmation_token connect_collection_transfer country_spec coupon credit_note
        credit_note_line_item customer customer_balance_transaction customer_cash_balance_transaction
        customer_session discount dispute ephemeral_key exchange_rate fee_refund file file_link
        funding_instructions invoice invoice_payment invoice_rendering_template invoiceitem issuer_fraud_record
        item line_item login_link mandate order order_return payment_attempt_record payment_intent
        payment_intent_amount_details_line_item payment_link payment_method payment_method_configuration
        payment_method_domain payment_record payout person plan price product product_feature promotion_code
        quote recipient recipient_transfer refund reserve_transaction review scheduled_query_run setup_attempt
        setup_intent shipping_rate sku source source_mandate_notification source_transaction subscription
        subscription_item subscription_schedule tax_code tax_deducted_at_source tax_id tax_rate three_d_secure
        token topup transfer transfer_reversal usage_record usage_record_summary webhook_endpoint
    """,
    "apps": "install secret",
    "billing": """
        alert alert_triggered credit_balance_summary credit_balance_transaction credit_grant feedback_option
        meter meter_event meter_event_adjustment meter_event_summary
    """,
    "billing_portal": "configuration session",
    "checkout": "session",
    "climate": "order product supplier",
    "entitlements": "active_entitlement active_entitlement_summary feature",
    "financial_connections": "account account_owner account_ownership authorization session transaction",
    "forwarding": "request",
    "identity": "verification_report verification_session",
    "issuing": """
        authorization card card_details cardholder dispute personalization_design physical_bundle settlement
        token transaction
    """,
    "product_catalog": "trial_offer",
    "radar": "early_fraud_warning payment_evaluation value_list value_list_item",
    "reporting": "report_run report_type",
    "reserve": "hold plan release",
    "sigma": "sigma_api_query",
    "tax": """
        association calculation calculation_line_item location registration settings transaction
        transaction_line_item
    """,
    "terminal": "configuration connection_token location onboarding_link reader refund",
    "test_helpers": "test_clock",
    "three_d_secure": "authentication",
    "treasury": """
        credit_reversal debit_reversal financial_account financial_account_features inbound_transfer
        outbound_payment outbound_transfer received_credit received_debit transaction transaction_entry
    """,
    "v2.billing": "meter_event meter_event_adjustment meter_event_session",
    "v2.commerce": "product_catalog_import",
    "v2.core": "account account_link account_person account_person_token account_token event event_destination",
    "v2.core.vault": "gb_bank_account us_bank_account",
    "v2.money_management": """
        adjustment financial_account financial_address financial_address_credit_simulation inbound_transfer
        outbound_payment outbound_setup_intent payout_intent payout_method payout_methods_bank_account_spec
        received_credit recipient_verification transaction transaction_entry
    """,
}

RESOURCE_TYPE_OF: Final[Mapping[str, str]] = {
    object_type: topic_name(object_type)
    for family, names in OBJECTS.items()
    for object_type in (f"{family}.{name}" if family else name for name in names.split())
}
"""The resource type of each object type, so that a delivery need not compute it."""

OBJECT_TYPES: Final = frozenset(RESOURCE_TYPE_OF.values())
