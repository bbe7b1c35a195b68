"""Writes an object of Shopify's GraphQL API as a classic webhook writes it, by the tables in `graphql_fields`.

Both describe the same resource with different names: `{id descriptionHtml tags}` against `{"id": 7, "body_html": …}`. No input
makes these functions raise.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from providers.base import Unparsed
from providers.reading import read_json, text_id
from providers.shopify.graphql_fields import FIELDS, ID_FORMS, MINOR_UNITS, TYPE_OF_FIELD, VERBATIM, FieldRule
from schemas.records import Document

GID: Final = "gid://shopify/"
MAX_DEPTH = 64  # deeper than any query may be (Shopify allows far less), and far from Python's limit
_TYPENAME = "__typename"
_CONNECTION: Final = frozenset({"nodes", "edges", "pageInfo", "totalCount", _TYPENAME})
_BAG: Final = frozenset({"shopMoney", "presentmentMoney"})
_MONEY: Final = frozenset({"amount", "currencyCode", _TYPENAME})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_AMOUNT: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def as_webhook(resource_type: str, node: Document, depth: int = 0) -> Document:
    """Return a GraphQL object with the names and forms of a webhook; a field without a rule keeps its snake_case name."""
    rules, document = FIELDS.get(resource_type, {}), _id_fields(resource_type, node)
    for name, value in node.items():
        rule = rules.get(name)
        if rule is not None:
            document |= _by_rule(rule, name, value, depth)
        elif name not in _IDS:
            document.setdefault(snake(name), _structural(name, value, depth))
    return document


def partial_lists(resource_type: str, node: Document) -> frozenset[str]:
    """Return the fields of the webhook below which a connection may have more elements than the query asked for."""
    rules = FIELDS.get(resource_type, {})
    return frozenset(
        _name(rules.get(name), name) for name, value in node.items() if _has_more(value, 0) and name not in VERBATIM
    )


def id_fields(resource_type: str, gid: object) -> Document:
    """Return a gid as the webhooks of its resource write it: `{"id": 7, "admin_graphql_api_id": "gid://…/7"}`.

    Empty if it is no gid.
    """
    if not (isinstance(gid, str) and gid.startswith(GID)):
        return {}
    number = _number(gid)
    form = ID_FORMS.get(resource_type, "number_and_gid")
    if form == "id_is_gid":
        return {"id": gid}
    if form == "gid" or not isinstance(number, int):
        return {"admin_graphql_api_id": gid}
    return {"id": number} if form == "number" else {"id": number, "admin_graphql_api_id": gid}


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """Return a GraphQL name as a webhook's: `templateSuffix` becomes `template_suffix`."""
    return _CAMEL.sub("_", name).lower()


_IDS: Final = frozenset({"id", "legacyResourceId", _TYPENAME})


def _id_fields(resource_type: str, node: Document) -> Document:
    fields = id_fields(resource_type, node.get("id"))
    if not fields and "id" in node:
        fields = {"id": node["id"]}
    legacy = _number(node.get("legacyResourceId"))
    return fields if legacy is None else {"id": legacy, **fields}


def _number(value: object) -> int | str | None:
    """Return the id in a gid or text as a number, as text if it is none: `7` for `gid://shopify/Product/7?x=y`."""
    text = text_id(value)
    if text is None:
        return None
    tail = text.rpartition("/")[2].partition("?")[0] if text.startswith("gid://") else text
    return int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 40 else tail or None


def _structural(name: str, value: Any, depth: int) -> Any:
    if name in VERBATIM or depth >= MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [_structural(name, element, depth + 1) for element in value]
    if not isinstance(value, dict):
        return value
    if _is_connection(value):
        return [_structural(name, element, depth + 1) for element in _elements(value)]
    if value.keys() & _BAG:
        return {snake(key): _money(money) for key, money in value.items() if key != _TYPENAME}
    if "amount" in value and value.keys() <= _MONEY:
        return _money(value)
    return as_webhook(TYPE_OF_FIELD.get(name, ""), value, depth + 1)


def _by_rule(rule: FieldRule, name: str, value: Any, depth: int) -> Document:
    """Return the webhook's fields for one GraphQL field; a value of an unexpected shape keeps its GraphQL name."""
    if value is None and rule.names:
        return dict.fromkeys(rule.names)
    match rule.form:
        case "renamed":
            return {rule.names[0]: _structural(name, value, depth)}
        case "money":
            return {rule.names[0]: _amount(value)}
        case "money_set":
            return _money_bag(rule, value, _structural(name, value, depth))
        case "member":
            return _member(rule, name, value, depth)
        case "inlined":
            is_object = isinstance(value, dict) and depth < MAX_DEPTH
            found = as_webhook(TYPE_OF_FIELD.get(name, ""), value, depth + 1) if is_object else {}
        case _:
            found = _of_scalar(rule, value)
    return found or {snake(name): _structural(name, value, depth)}


def _of_scalar(rule: FieldRule, value: Any) -> Document:
    """Return the webhook's fields for a value without resources in it, empty if its shape is unexpected."""
    name = rule.names[0]
    match rule.form:
        case "lower" | "hyphenated" if isinstance(value, str):
            return {name: value.lower().replace("_", "-") if rule.form == "hyphenated" else value.lower()}
        case "joined" if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return {name: ", ".join(value)}
        case "translated" if isinstance(value, str) and value in rule.values:
            return {name: rule.values[value]}
        case "integer" if isinstance(_number(value), int):
            return {name: _number(value)}
        case "options" | "attributes" | "quantities":
            return _of_pairs(rule, value)
        case "json" if isinstance(value, str):
            read = read_json(value.encode("utf-8", "replace"))
            return {} if isinstance(read, Unparsed) else {name: read}
        case _:
            return {}


def _of_pairs(rule: FieldRule, value: Any) -> Document:
    """Return the webhook's fields for a list of objects that each have a name and a value."""
    name = rule.names[0]
    match rule.form:
        case "options" if _are_objects(value, "value"):
            values = [option["value"] for option in value]
            return dict.fromkeys(rule.names) | dict(zip(rule.names, values, strict=False))
        case "attributes" if _are_objects(value, "key"):
            return {name: [{"name": pair["key"], "value": pair.get("value")} for pair in value]}
        case "quantities" if _are_objects(value, "quantity"):
            return {named["name"]: named["quantity"] for named in value if named.get("name") in rule.names}
        case _:
            return {}


def _are_objects(value: object, needed: str) -> bool:
    return isinstance(value, list) and all(isinstance(element, dict) and needed in element for element in value)


def _name(rule: FieldRule | None, name: str) -> str:
    return rule.names[0] if rule is not None and rule.names else snake(name)


def _member(rule: FieldRule, name: str, value: Any, depth: int) -> Document:
    found = None
    if isinstance(value, dict):
        found = next((value[key] for key in rule.path if value.get(key) is not None), None)
        if found is not None and value.keys() <= {*rule.path, _TYPENAME}:
            return {rule.names[0]: _member_value(rule, found)}
    whole = {snake(name): _structural(name, value, depth)}
    return whole if found is None else {rule.names[0]: _member_value(rule, found)} | whole


def _member_value(rule: FieldRule, found: Any) -> Any:
    return _number(found) if "id" in rule.path else found


def _money_bag(rule: FieldRule, value: Any, mapped: Any) -> Document:
    fields = {rule.names[0]: mapped}
    shop = value.get("shopMoney") if isinstance(value, dict) else None
    if len(rule.names) > 1 and isinstance(shop, dict) and "amount" in shop:
        fields[rule.names[1]] = _amount(shop)
    return fields


def _money(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    money = {snake(name): amount for name, amount in value.items() if name != _TYPENAME}
    return money | {"amount": _amount(value)} if "amount" in value else money


def _amount(value: Any) -> Any:
    """Return an amount as text with at least the decimals of its currency, two if it is unknown; no digit is lost.

    GraphQL leaves out final zeros ("398.0"), the webhooks do not ("398.00").
    """
    amount, currency = (value.get("amount"), value.get("currencyCode")) if isinstance(value, dict) else (value, None)
    text = str(amount) if isinstance(amount, int | Decimal) and not isinstance(amount, bool) else amount
    if not isinstance(text, str) or not _PLAIN_AMOUNT.fullmatch(text):
        return amount
    whole, _, decimals = text.partition(".")
    digits = decimals.rstrip("0").ljust(MINOR_UNITS.get(currency, 2) if isinstance(currency, str) else 2, "0")
    return f"{whole}.{digits}" if digits else whole


def _is_connection(value: Mapping[str, Any]) -> bool:
    return value.keys() <= _CONNECTION and (
        isinstance(value.get("nodes"), list) or isinstance(value.get("edges"), list)
    )


def _elements(connection: Mapping[str, Any]) -> list[Any]:
    """Return the nodes of a connection; null, a node that the app may not read, is left out."""
    nodes = connection.get("nodes")
    if not isinstance(nodes, list):
        nodes = [edge.get("node") for edge in connection["edges"] if isinstance(edge, dict)]
    return [node for node in nodes if node is not None]


def _has_more(value: Any, depth: int) -> bool:
    """Say whether a value is or contains a connection that does not say that it is complete."""
    if depth >= MAX_DEPTH:
        return True
    if isinstance(value, list):
        return any(_has_more(element, depth + 1) for element in value)
    if not isinstance(value, dict):
        return False
    if _is_connection(value):
        page = value.get("pageInfo")
        is_whole = (
            isinstance(page, dict) and page.get("hasNextPage") is False and page.get("hasPreviousPage") is not True
        )
        return not is_whole or any(_has_more(element, depth + 1) for element in _elements(value))
    return any(_has_more(element, depth + 1) for element in value.values())
