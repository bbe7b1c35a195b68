"""The resources of a GitHub delivery: which rule applies to it, how many main objects it has, and what each is called."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from providers.base import Unparsed
from providers.github.events import RULES, TODAYS_NAME
from providers.github.rule import SCOPES, Listed, Rule, own
from providers.outline import at
from providers.reading import ResourceNames, text_id, topic_name
from schemas.records import Document


class Occasion(Struct, frozen=True):
    """One delivery, whole or in outline, with the headers that identify its resources.

    `payload` is the body's JSON object. `guid` is the same for every hook that receives the event. `is_removed`: the main object
    is one of a list of those that are gone.
    """

    event: str
    payload: Document
    guid: str
    target: str | None
    is_removed: bool = False

    @property
    def action(self) -> str:
        """Return the action, "" if the event has none."""
        action = self.payload.get("action")
        return action if isinstance(action, str) else ""


def todays_name(event_type: str) -> str:
    """Return the event without its action, by the name that it has today."""
    event = event_type.partition(".")[0]
    return TODAYS_NAME.get(event, event)


def rule_of(occasion: Occasion) -> Rule:
    """Return the rule of the event and action, else of the event."""
    event = occasion.event
    rule = RULES.get(f"{event}.{occasion.action}") or RULES.get(event)
    if rule:
        return rule
    # An event newer than this table: usually there is an object of its name; otherwise the delivery is the resource.
    if text_id(at(occasion.payload.get(event), "id")):
        return own(event, topic_name(event))
    return Rule(topic_name(event), ("@delivery",))


def resources(rule: Rule, occasion: Occasion) -> list[tuple[Rule, Occasion]]:
    """Return every resource that a payload shows: the main objects first, never none; then those beside them."""
    shown = [(rule, single) for single in main_objects(rule, occasion)]
    for other in rule.beside:
        if other.needs is None or at(occasion.payload, other.needs) is not None:
            singles = _elements(other.each, occasion) if other.each else [occasion]
            shown += [(other, single) for single in singles if isinstance(named(other, single)[1], ResourceNames)]
    return shown


def main_objects(rule: Rule, occasion: Occasion) -> list[Occasion]:
    """Return one occasion per main object; never empty."""
    return (_elements(rule.each, occasion) if rule.each else []) or [occasion]


def _elements(lists: Sequence[Listed], occasion: Occasion) -> list[Occasion]:
    payload = occasion.payload
    return [
        replace(occasion, payload=payload | {listed.name: element}, is_removed=listed.is_removed)
        for listed in lists
        if isinstance(elements := payload.get(listed.field), list)
        for element in elements
    ]


def named(rule: Rule, occasion: Occasion) -> tuple[Rule, ResourceNames | Unparsed]:
    """Return the names of the resource, and the rule that found them: the first whose ids are all there."""
    parts = [_id_at(path, occasion) for path in rule.ids]
    known = [part for part in parts if part]
    if len(known) == len(parts):
        parent_id = _id_at(rule.parent[1], occasion) if rule.parent else None
        parent = (rule.parent[0], parent_id) if rule.parent and parent_id else None
        return rule, ResourceNames(rule.resource_type, ":".join(known), parent)
    if rule.or_else is not None:
        other, found = named(rule.or_else, occasion)
        if isinstance(found, ResourceNames):
            return other, found
    missing = ", ".join(path for path, part in zip(rule.ids, parts, strict=True) if not part)
    return rule, Unparsed("unknown_shape", f"expected {occasion.event} to name its {rule.resource_type} by {missing}")


def _id_at(path: str, occasion: Occasion) -> str | None:
    if not path.startswith("@"):
        return text_id(at(occasion.payload, path))
    if path == "@delivery":
        return occasion.guid
    if path == "@target":
        return occasion.target or "-"
    scopes = ((prefix, text_id(at(occasion.payload, place))) for place, prefix in SCOPES[path])
    return next((f"{prefix}{scope}" for prefix, scope in scopes if scope), None)
