"""What names an object of Stripe where its own `id` is not enough, as data. Every other object is named by its `id` alone.

A path may refer to another object by its id, or contain that object (an expanded field). An object that none of these rules
names is an occurrence of its own, named by its event: two objects never share a resource because an id is missing.
Source: the objects without an `id` in stripe-python 16.1.0 and in the fixtures of stripe/openapi; for the formats before 2014 the
samples of that time, in which a dispute is part of its charge and a subscription of its customer.
"""

from collections.abc import Mapping
from typing import Final

from providers.outline import at
from providers.reading import text_id, topic_name
from providers.stripe.types import RESOURCE_TYPE_OF
from schemas.records import Document

# Each account and mode, which are the tenant, has exactly one of these; its id is `SINGLETON`.
SINGLETONS: Final = frozenset({"balance", "balance_settings", "tax.settings"})
SINGLETON: Final = "self"

# The event's preview is not the later invoice, and must not be among the invoices.
PREVIEWS: Final[Mapping[str, str]] = {"invoice.upcoming": "upcoming_invoice"}

# Objects without an id, by the object that has one of them: of the alternatives the first whose paths all have a value.
# Discounts have no id only in versions in which a customer or a subscription has at most one. A preview belongs to a subscription
# (in newer versions below `parent`). `customer_account` replaces `customer` for customers of the second API.
WITHOUT_ID: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "billing.alert_triggered": (("customer", "alert"),),
    "billing.credit_balance_summary": (("customer",), ("customer_account",)),
    "cash_balance": (("customer",), ("customer_account",)),
    "discount": (("subscription",), ("customer",), ("customer_account",)),
    "dispute": (("charge",),),
    "entitlements.active_entitlement_summary": (("customer",),),
    "subscription": (("customer",),),
    "upcoming_invoice": (
        ("subscription",),
        ("parent.subscription_details.subscription",),
        ("customer",),
        ("customer_account",),
    ),
}

# Objects whose id is unique only within another object: `card_payments` of an account, a line of an invoice (in old versions the
# id of its subscription).
WITHIN: Final[Mapping[str, str]] = {"capability": "account", "line_item": "invoice"}

_PREVIEWED: Final = frozenset(PREVIEWS.values())
PATHS: Final = frozenset(
    (*WITHIN.values(), *(path for alternatives in WITHOUT_ID.values() for paths in alternatives for path in paths))
)
"""Every path above: what the ingress has to read of an object besides its id and type."""


def resource_type_of(object_type: str) -> str:
    """Return the resource type of an object type, whether it is in the table or not: `billing_meter` for `billing.meter`."""
    return RESOURCE_TYPE_OF.get(object_type) or topic_name(object_type)


def object_id(object_type: str, stripe_object: Document) -> str | None:
    """Return what names an object within its account, None if nothing does.

    Only some versions give a preview an id of its own, so it is named by its owner wherever it tells that.
    """
    own_id = text_id(stripe_object.get("id"))
    if own_id is None or object_type in _PREVIEWED:
        named = _id_of_owner(object_type, stripe_object) or own_id
        return SINGLETON if named is None and object_type in SINGLETONS else named
    if object_type not in WITHIN:
        return own_id
    owner = referred_id(stripe_object, WITHIN[object_type])
    return f"{owner}:{own_id}" if owner else own_id


def related_object_id(object_type: str, own_id: object, url: object) -> str | None:
    """Return what names the related object of a thin event within its account, None if nothing does.

    Where its id is not enough, its owner is that in the URL: `/v1/accounts/acct_1/capabilities/card_payments`.
    """
    named = text_id(own_id)
    segments = url.split("/") if object_type in WITHIN and isinstance(url, str) else []
    return f"{segments[-3]}:{named}" if named and len(segments) > 3 else named


def referred_id(stripe_object: Document, path: str) -> str | None:
    """Return the id in a field that refers to another object; an expanded field contains that object."""
    reference = at(stripe_object, path)
    return text_id(reference.get("id") if isinstance(reference, dict) else reference)


def _id_of_owner(object_type: str, stripe_object: Document) -> str | None:
    for paths in WITHOUT_ID.get(object_type, ()):
        parts = [part for path in paths if (part := referred_id(stripe_object, path))]
        if len(parts) == len(paths):
            return ":".join(parts)
    return None
