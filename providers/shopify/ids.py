"""Names the resources of Shopify's classic webhooks, by the rules in `topics`.

The ingress calls these with the few fields that name a resource, the pipeline with the whole body: both get the same id.
"""

from providers.outline import at
from providers.reading import text_id
from providers.shopify.topics import TopicRule
from schemas.records import Document

_NUMBERED_SEPARATELY = frozenset({"DiscountAutomaticNode", "DiscountCodeNode", "DiscountNode"})


def resource_id(rule: TopicRule, body: Document, shop: str | None) -> str | None:
    """Return the id of a classic webhook's resource, None if the body does not name it; `shop` is the shop's domain."""
    if rule.is_of_shop:
        return text_id(shop.lower()) if shop else None
    if rule.is_composite:
        parts = _parts(rule, body)
        return None if parts is None else text_id(":".join(_escaped(part) for part in parts))
    return _first_id(body, rule.id_paths)


def parent_of(rule: TopicRule, body: Document) -> tuple[str, str] | None:
    """Return the type and id of the resource that a classic webhook's resource belongs to, None if it is a root."""
    if not rule.parent_type:
        return None
    parts = _parts(rule, body) if rule.is_composite else None
    parent_id = _first_id(body, rule.parent_paths) if parts is None else parts[0]
    return (rule.parent_type, parent_id) if parent_id else None


def plain_id(value: object) -> str | None:
    """Return a number, a token, or the end of a gid, as text: `7` for `gid://shopify/Product/7`.

    So a product has the same id whether a topic sends its number, its gid or both. The gid of an inventory level contains
    two ids, its location and, as a parameter, its item; it becomes `item:location`, as from the two fields. Automatic and
    code discounts share a resource type and are numbered separately, so that their ids keep the type of the gid.
    """
    text = text_id(value)
    if text is None or not text.startswith("gid://"):
        return text
    path, _, parameters = text.partition("?")
    rest, _, tail = path.rpartition("/")
    kind = rest.rpartition("/")[2]
    if kind in _NUMBERED_SEPARATELY and tail:
        return f"{kind}:{tail}"
    item = parameters.removeprefix("inventory_item_id=") if parameters.startswith("inventory_item_id=") else ""
    return (f"{item}:{tail}" if item else tail) or None


def _parts(rule: TopicRule, body: Document) -> list[str] | None:
    """Return the ids that make up a composite id, None if the body lacks one."""
    for paths in (rule.id_paths, rule.other_paths):
        parts = [plain_id(at(body, path)) for path in paths]
        known = [part for part in parts if part]
        if len(known) == len(parts) > 1:
            return known
        if known and ":" in known[0] and len(parts) == 1:  # one gid with all parts
            return known[0].split(":")
    return None


def _escaped(part: str) -> str:
    """Return a part of a composite id without the colon that joins the parts; ids of Shopify's own have none."""
    return part.replace("%", "%25").replace(":", "%3A")


def _first_id(body: Document, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        found = plain_id(at(body, path))
        if found is not None:
            return found
    return None
