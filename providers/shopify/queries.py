"""The GraphQL queries that read Shopify's resources, and what they cost at most. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from providers.shopify.graphql import GID
from providers.shopify.selections import SELECTIONS, connection, points

MAX_IDS: Final = 250
"""The longest array that a query may have."""

INVENTORY_LEVEL: Final = "inventory_level"
SCOPES: Final = tuple(dict.fromkeys(selection.right for selection in SELECTIONS.values()))
"""The rights of a token that reads every type of `SELECTIONS`."""

CHECK: Final = "query { shop { myshopifyDomain } currentAppInstallation { accessScopes { handle } } }"


class Query(Struct, frozen=True):
    """A query's text and variables, and for each resource where the reply has it."""

    text: str
    variables: Mapping[str, Any]
    places: tuple[tuple[str | int, ...], ...]


def resources_query(resource_type: str, resource_ids: Sequence[str]) -> Query:
    """Return the query for several resources of one type, each with the first page of its long connection."""
    if resource_type == INVENTORY_LEVEL:
        return _levels_query(resource_ids)
    selection = SELECTIONS[resource_type]
    text = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {selection.graphql_type} {{ {selection.text} }} }} }}"
    gids = [gid(resource_type, resource_id) for resource_id in resource_ids]
    return Query(text, {"ids": gids}, tuple(("nodes", position) for position in range(len(gids))))


def page_query(resource_type: str, resource_id: str, after: str) -> Query:
    """Return the query for a further page of a resource's long connection, with the update time as it is then."""
    selection = SELECTIONS[resource_type]
    if selection.paged is None:
        raise ValueError(f"expected a type with a long connection, got {resource_type}")
    page = connection(selection.paged, selection.paged.page, "$after")
    fields = f"__typename ... on {selection.graphql_type} {{ updatedAt {page} }}"
    text = f"query($id: ID!, $after: String!) {{ node(id: $id) {{ {fields} }} }}"
    return Query(text, {"id": gid(resource_type, resource_id), "after": after}, (("node",),))


def resource_cost(resource_type: str) -> int:
    """Return what one resource costs at most within `resources_query`."""
    item = 1 if resource_type == INVENTORY_LEVEL else 0
    return 1 + item + points(SELECTIONS[resource_type].text)


def page_cost(resource_type: str) -> int:
    """Return what `page_query` costs at most, 0 for a type without a long connection."""
    paged = SELECTIONS[resource_type].paged
    return 1 + points(connection(paged, paged.page)) if paged else 0


def is_gid_number(resource_type: str, resource_id: str) -> bool:
    """Say whether an id is one that Shopify gives its resources: one that is not would fail a whole query."""
    parts = resource_id.split(":") if resource_type == INVENTORY_LEVEL else [resource_id]
    expected = 2 if resource_type == INVENTORY_LEVEL else 1
    return len(parts) == expected and all(part.isascii() and part.isdigit() for part in parts)


def gid(resource_type: str, resource_id: str) -> str:
    """Return the global id of a resource."""
    return f"{GID}{SELECTIONS[resource_type].graphql_type}/{resource_id}"


def _levels_query(resource_ids: Sequence[str]) -> Query:
    """Return the query for inventory levels: by item and location, because their own id is made of neither alone."""
    names, fields = [], []
    variables: dict[str, Any] = {}
    selection = SELECTIONS[INVENTORY_LEVEL].text
    for position, resource_id in enumerate(resource_ids):
        item_id, _, location_id = resource_id.partition(":")
        names.append(f"$i{position}: ID!, $l{position}: ID!")
        level = f"inventoryLevel(locationId: $l{position}) {{ {selection} }}"
        fields.append(f"r{position}: inventoryItem(id: $i{position}) {{ {level} }}")
        variables |= {f"i{position}": f"{GID}InventoryItem/{item_id}", f"l{position}": f"{GID}Location/{location_id}"}
    places = tuple((f"r{position}", "inventoryLevel") for position in range(len(resource_ids)))
    return Query(f"query({', '.join(names)}) {{ {' '.join(fields)} }}", variables, places)
