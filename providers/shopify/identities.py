"""What names and what orders each of Shopify's resources, as rows of a table for docs/semantics.md."""

from msgspec import Struct

from providers.shopify.children import CHILDREN
from providers.shopify.topics import TopicRule, topic_rule
from providers.shopify.types import TOPICS

EACH_DELIVERY = "each delivery"
_UPDATED = "its update time, else the event's time"
_EVENT = "the event's time"


class Identity(Struct, frozen=True):
    """One resource type: what names a resource of it within its shop, and what orders its versions."""

    resource_type: str
    named_by: str
    ordered_by: str


def identities() -> tuple[Identity, ...]:
    """Return a row for each resource type that Shopify's documented topics show or list, by name."""
    rules = [topic_rule(f"{family}/{action}") for family, actions in TOPICS.items() for action in actions.split()]
    own = {rule.resource_type: Identity(rule.resource_type, _named_by(rule), _ordered_by(rule)) for rule in rules}
    listed = {
        rule.resource_type: Identity(rule.resource_type, "`id`", _UPDATED if rule.version else "its parent's time")
        for rules_of_type in CHILDREN.values()
        for rule in rules_of_type
    }
    return tuple(sorted((listed | own).values(), key=lambda row: row.resource_type))


def _named_by(rule: TopicRule) -> str:
    if rule.is_notice:
        return EACH_DELIVERY
    if rule.is_of_shop:
        return "the shop"
    names = [f"`{path}`" for path in rule.id_paths]
    return " and ".join(names) if rule.is_composite else ", else ".join(names)


def _ordered_by(rule: TopicRule) -> str:
    return _EVENT if rule.is_notice or rule.is_of_shop else _UPDATED
