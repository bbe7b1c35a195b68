"""Stripe's objects as its API shows them: which deliveries need a read, and what a read object tells. Pure.

An event contains the whole object, in the same shape as the API. So only two kinds need a read: thin events, which contain a
reference, and objects with lists that are cut after their first page.
"""

from datetime import datetime
from typing import Final

from providers.api import Wanted
from providers.base import Parsed, Unparsed
from providers.outline import at
from providers.stripe import paths
from providers.stripe.children import CHILDREN, VOLATILE
from providers.stripe.names import object_id, resource_type_of
from providers.stripe.paths import path_of
from providers.stripe.provider import API_VERSIONS, NOTIFICATION, TEST_MODE
from providers.stripe.ranks import state_rank
from schemas.records import Document, RawDelivery, Snapshot

READABLE: Final = paths.READABLE
"""The resource types that can be read by their id; a thin event's URL reads those of any type."""

FIRST_API: Final = "v1_"
_LIST: Final = "list"


def needs_read(snapshot: Snapshot) -> bool:
    """Say whether a delivery's snapshot lacks content that a read would bring.

    A deletion in a thin event needs one too: it is about a notification, and only the read is about the object.
    """
    if _is_thin(snapshot):
        return True
    return snapshot.document is not None and bool(cut_lists(snapshot.document))


def wanted(snapshot: Snapshot, delivery: RawDelivery) -> Wanted | None:
    """Return how to read what a delivery's snapshot is about; None if nothing can, such as a line of an invoice.

    The object of a thin event has the type that it has in snapshot events: both become one resource.
    """
    if not _is_thin(snapshot):
        resource_type, resource_id, document = snapshot.resource_type, snapshot.resource_id, None
    else:
        resource_type = snapshot.resource_type.removeprefix(FIRST_API)
        resource_id, document = snapshot.resource_id, snapshot.document
    reference, context = at(document, "related_object.url"), at(document, "context")
    reference = reference if isinstance(reference, str) and is_reference(reference) else ""
    if not reference and path_of(resource_type, resource_id) is None:
        return None
    account = context if isinstance(context, str) else account_of(delivery.tenant)
    return Wanted(resource_type, resource_id, reference, account, delivery.api_version)


def parse_fetched(resource_type: str, document: Document, read_at: datetime) -> Parsed | Unparsed:
    """Return what a read object tells; `read_at` is the time at which the read started (aware UTC).

    Almost no object has an update time, so the read is ordered among the events by its own time. In whole seconds, as events
    are: a change right after the read has the same second, and must not count as older than the read. Among equals the rank
    decides, then arrival. A deleted object is `{id, object, deleted: true}`; a cancelled subscription stays readable.
    """
    object_type = document.get("object")
    if not isinstance(object_type, str) or resource_type_of(object_type) != resource_type:
        return Unparsed("unknown_shape", f"expected a {resource_type}, as the object's field object says")
    resource_id = object_id(object_type, document)
    if resource_id is None:
        return Unparsed("unknown_shape", f"expected a {resource_type} with an id")
    is_deleted = document.get("deleted") is True
    snapshot = Snapshot(
        resource_type=resource_type,
        resource_id=resource_id,
        document=None if is_deleted else document,
        event_time=read_at.replace(microsecond=0),
        is_deleted=is_deleted,
        volatile=VOLATILE,
        children=CHILDREN.get(resource_type, ()),
        state_rank=0 if is_deleted else state_rank("", document, None),
    )
    return Parsed((snapshot,))


def cut_lists(stripe_object: Document) -> dict[str, str]:
    """Return, by top-level field, the path at which each list that is cut goes on; without a path it cannot be read."""
    return {
        field: value["url"]
        for field, value in stripe_object.items()
        if isinstance(value, dict)
        and value.get("object") == _LIST
        and value.get("has_more") is True
        and isinstance(value.get("data"), list)
        and is_reference(value.get("url"))
    }


def is_reference(url: object) -> bool:
    """Say whether a URL in an object is a path of Stripe's API, so that a key is sent nowhere else."""
    if not isinstance(url, str) or not url.startswith(("/v1/", "/v2/")) or not (url.isascii() and url.isprintable()):
        return False
    return not any(part in ("", ".", "..") for part in url.partition("?")[0].split("/")[1:]) and "\\" not in url


def account_of(tenant: str) -> str:
    """Return the account in a tenant: `acct_1` for `acct_1:test`, "" for the endpoint's own account in either mode."""
    account = tenant.removesuffix(TEST_MODE).removesuffix(":")
    return account if tenant != TEST_MODE else ""


def _is_thin(snapshot: Snapshot) -> bool:
    """Say whether a snapshot is a notification about an object; a notification about nothing needs no read."""
    document = snapshot.document
    if document is None:
        return snapshot.resource_type.startswith(API_VERSIONS)
    return document.get("object") == NOTIFICATION and isinstance(document.get("related_object"), dict)
