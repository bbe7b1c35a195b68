"""Reads Shopify's Next Gen Events: names the resource, and returns it as a classic webhook would show it.

An event's body is an envelope: `{topic, action, handle, fields_changed, query_variables, data}`. `topic` is a type of the GraphQL
API (`ProductVariant`), and `data` the result of the subscriber's own query: absent without a query, with null for what is gone.
Since 2026-09-16 `fields_changed` is `{added, updated, removed}` of paths, before that an array of them, and the headers no longer
name the resource.
Source: Shopify's Events reference and delivery structure 2026-10; changelog "Updates to Events payloads", 2026-09-16.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from providers.base import SignedRequest, Unparsed
from providers.outline import at
from providers.reading import read_object, text_id, topic_name
from providers.shopify.children import CHILDREN, SHARED
from providers.shopify.graphql import GID, as_webhook, id_fields, partial_lists
from providers.shopify.ids import plain_id
from providers.shopify.times import VERSION_FIELDS, VOLATILE, believed_time, first_instant
from providers.shopify.topics import TopicRule, events_rule, singular
from schemas.records import Document, RawDelivery, Snapshot

PARENTS: Final[Mapping[str, tuple[str, str]]] = {
    "customer_payment_method": ("customer", "customer"),
    "fulfillment": ("order", "order"),
    "fulfillment_event": ("order", "order"),
    "inventory_level": ("inventory_item", "item"),
    "order_transaction": ("order", "order"),
    "payment_schedule": ("payment_terms", "paymentTerms"),
    "refund": ("order", "order"),
    "tender_transaction": ("order", "order"),
    "variant": ("product", "product"),
}
"""The parent's type, and the GraphQL field with the parent, of resources that have the same parent in classic webhooks.

The parent determines the partition, so a query for one of these has to ask for it.
"""

_ENVELOPE: Final = frozenset({"fields_changed", "query_variables", "data"})
_ROOT: Final = re.compile(r"[A-Za-z]+\[(?:id: )?'?(gid://shopify/[^'\]]+)'?\]")
_IDS: Final = ("id", "legacyResourceId")
_MAX_PATHS = 8  # every path of an event begins with the same resource


def is_event(headers: Mapping[str, str]) -> bool:
    """Say whether a delivery is a Next Gen Event; its headers take precedence if those of classic webhooks are sent too."""
    return "shopify-topic" in headers


def event_root(request: SignedRequest) -> tuple[str, tuple[str, str | None] | None]:
    """Return the event type and the type and id of the root resource; no root if the body is unreadable.

    The body is read whole, because any of its parts may name the resource.
    """
    headers, event = request.headers, read_object(request.body, request.content_type)
    if isinstance(event, Unparsed):
        return _event_type(headers, {}), None
    event_type = _event_type(headers, event)
    rule, names = events_rule(event_type), event_names(headers, event)
    return event_type, _parent(rule, names, event) or (rule.resource_type, names.resource_id)


def event_snapshots(rule: TopicRule, body: Document, delivery: RawDelivery) -> tuple[Snapshot, ...] | None:
    """Return what an event shows: its resource, then those that belong to it; None for a deletion of nothing.

    The subscriber's own query shapes it, so its documents are partial and list no children.
    """
    names = event_names(delivery.headers, body)
    if rule.is_deletion and names.resource_id is None:
        return None
    parent, event_time = _parent(rule, names, body), believed_time(delivery)
    resource_type, resource_id = rule.resource_type, names.resource_id or delivery.delivery_id
    if rule.is_deletion:
        return (Snapshot(resource_type, resource_id, None, event_time=event_time, is_deleted=True, parent=parent),)
    node = _node(names, body)
    document = as_webhook(resource_type, node) | id_fields(resource_type, names.given or names.header)
    root = partial_snapshot(resource_type, resource_id, node, document)
    root = replace(root, event_time=event_time, parent=parent)
    return (root, *_beside(root, names, body))


class EventNames(Struct, frozen=True):
    """What an event says about its resource: its type in GraphQL, and its ids as written, `header` being the unsigned one."""

    topic: str
    given: str | None
    header: str | None

    @property
    def field(self) -> str:
        """Return what a query calls it: `productVariant`."""
        return _field(self.topic)

    @property
    def resource_id(self) -> str | None:
        """Return the id; the signed body decides if it has one."""
        return plain_id(self.given or self.header)


def event_names(headers: Mapping[str, str], body: Document) -> EventNames:
    """Return the names of an event's resource."""
    topic = headers.get("shopify-topic", "")
    return EventNames(topic, next(_ids(topic, body), None), text_id(headers.get("shopify-resource-id")))


def contradicts(headers: Mapping[str, str], body: Document) -> str | None:
    """Return why a signed body cannot belong to the unsigned headers, None if there is no contradiction."""
    for name in ("topic", "action"):
        signed, sent = text_id(body.get(name)), headers.get(f"shopify-{name}")
        if signed and sent and _is_envelope(body) and topic_name(signed) != topic_name(sent):
            return f"expected the {name} {topic_name(sent)}, as in the header, got the body of {topic_name(signed)}"
    return None


def _event_type(headers: Mapping[str, str], body: Document) -> str:
    topic = topic_name(headers.get("shopify-topic", ""))
    action = headers.get("shopify-action") or (text_id(body.get("action")) if _is_envelope(body) else None)
    return f"{topic}/{topic_name(action)}" if action else topic


def _is_envelope(body: Document) -> bool:
    return bool(body.keys() & _ENVELOPE) or body.keys() >= {"topic", "action"}


def _field(topic: str) -> str:
    return topic[:1].lower() + topic[1:]


def _ids(topic: str, body: Document) -> Iterator[str]:
    """Yield the resource's id from each place in the body that has it."""
    field, result = _field(topic), body.get("data")
    found = (
        at(body, f"query_variables.{field}Id"),
        *(at(body, f"data.{field}.{name}") for name in _IDS),
        *(body.get(name) for name in ("id", "admin_graphql_api_id")),
        *(gid for gid in (at(node, "id") for node in _nodes(result)) if _kind(gid) == topic),
        *_roots(body.get("fields_changed")),
    )
    for value in found:
        if plain_id(value) is not None:
            yield str(value)


def _nodes(result: object) -> list[Document]:
    return [node for node in result.values() if isinstance(node, dict)] if isinstance(result, dict) else []


def _roots(changed: object) -> list[str]:
    """Return the gids with which the paths of `fields_changed`, in either form, begin."""
    lists = changed.values() if isinstance(changed, dict) else (changed,)
    paths = [path for found in lists if isinstance(found, list) for path in found[:_MAX_PATHS]]
    matches = [_ROOT.match(path) for path in paths if isinstance(path, str)]
    return [match.group(1) for match in matches if match]


def _kind(gid: object) -> str:
    """Return the type in a gid, "" if it is none: `Product` for `gid://shopify/Product/7`."""
    if not isinstance(gid, str) or not gid.startswith(GID):
        return ""
    kind, slash, _ = gid[len(GID) :].partition("/")
    return kind if slash else ""


def _parent(rule: TopicRule, names: EventNames, body: Document) -> tuple[str, str] | None:
    """Return the parent of an event's resource: the one that it has in classic webhooks, so that both share a partition."""
    if rule.resource_type not in PARENTS:
        return None
    parent_type, field = PARENTS[rule.resource_type]
    item, colon, _ = (names.resource_id or "").partition(":")
    if rule.resource_type == "inventory_level" and colon:
        return parent_type, item
    node = _node(names, body)
    ids = (
        at(body, f"query_variables.{field}Id"),
        *(at(node, f"{field}.{name}") for name in _IDS),
    )
    parent_id = next((found for found in map(plain_id, ids) if found), None)
    return None if parent_id is None else (parent_type, parent_id)


def _node(names: EventNames, body: Document) -> Document:
    """Return what the event shows of its resource as GraphQL has it; empty if it shows nothing.

    The query may call it by another name (an alias): then it is the object with the resource's id. A body without an envelope
    is the resource itself.
    """
    if not _is_envelope(body):
        return body
    node = at(body, f"data.{names.field}")
    if isinstance(node, dict):
        return node
    return next((other for other in _nodes(body.get("data")) if _is_named(other, names)), {})


def _is_named(node: Mapping[str, Any], names: EventNames) -> bool:
    return _kind(node.get("id")) == names.topic and plain_id(node.get("id")) == names.resource_id


def partial_snapshot(resource_type: str, resource_id: str, node: Document, document: Document) -> Snapshot:
    """Return the snapshot of a GraphQL object, `node`, written as a webhook writes it, `document`."""
    return Snapshot(
        resource_type,
        resource_id,
        document,
        first_instant(document, VERSION_FIELDS),
        volatile=VOLATILE,
        is_shared=resource_type in SHARED,
        is_partial=True,
        partial_lists=partial_lists(resource_type, node),
    )


def _beside(root: Snapshot, names: EventNames, body: Document) -> Iterator[Snapshot]:
    """Yield the children of an event's resource that its query returns beside it, such as the variant whose price changed."""
    result = body.get("data")
    listed = {rule.resource_type for rule in CHILDREN.get(root.resource_type, ())}
    for field, node in result.items() if isinstance(result, dict) else ():
        kind = _kind(node.get("id")) if isinstance(node, dict) and field != names.field else ""
        resource_type, resource_id = singular(topic_name(kind)), plain_id(node["id"]) if kind else None
        if resource_type in listed and resource_id is not None:
            child = partial_snapshot(resource_type, resource_id, node, as_webhook(resource_type, node))
            version, parent = child.version or root.version, (root.resource_type, root.resource_id)
            yield replace(child, version=version, event_time=root.event_time, parent=parent)
