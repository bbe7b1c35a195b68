"""Tests for simulator/providers/graphql.py."""

from typing import Any

import pytest

from simulator.providers.graphql import Connection, QueryError, execute, parse, requested_cost, with_variables

ROOT: dict[str, Any] = {
    "shop": {"__typename": "Shop", "name": "A"},
    "node": lambda arguments: {"__typename": "Product", "id": arguments["id"], "title": "T"},
    "nodes": lambda arguments: [{"__typename": "Product", "id": gid} if gid else None for gid in arguments["ids"]],
    "items": Connection(range(1, 6), lambda number: {"__typename": "Item", "id": number}),
    "tags": ["a", "b"],
    "nothing": None,
}


@pytest.mark.parametrize(
    ("text", "variables", "data"),
    [
        ("{ shop { name } }", {}, {"shop": {"name": "A"}}),
        (
            "query { s: shop { n: name __typename } tags }",
            {},
            {"s": {"n": "A", "__typename": "Shop"}, "tags": ["a", "b"]},
        ),
        (
            '{ node(id: "x") { id ... on Product { title } ... on Order { name } } }',
            {},
            {"node": {"id": "x", "title": "T"}},
        ),
        ("query($i: ID!) { node(id: $i) { id } }", {"i": "y"}, {"node": {"id": "y"}}),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["y", ""]}, {"nodes": [{"id": "y"}, None]}),
        ("{ nothing { id } } # a comment", {}, {"nothing": None}),
    ],
)
def test_query_is_answered(text: str, variables: dict[str, Any], data: dict[str, Any]) -> None:
    """Aliases, arguments, variables, fragments, lists and null are as in GraphQL."""
    assert execute(with_variables(parse(text), variables), ROOT).data == data


def test_connection_has_pages() -> None:
    """Pages follow each other without a gap or an overlap, and the last says that it is the last."""
    seen: list[int] = []
    after, has_next = "", True
    while has_next:
        position = f', after: "{after}"' if after else ""
        text = f"{{ items(first: 2{position}) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}"
        page = execute(parse(text), ROOT).data["items"]
        seen += [node["id"] for node in page["nodes"]]
        after, has_next = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]

    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ shop { title } }", "undefinedField"),
        ("{ shop }", "selectionMismatch"),
        ("{ tags { id } }", "selectionMismatch"),
        ("{ shop { name { first } } }", "selectionMismatch"),
        ("{ items(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ("{ items { nodes { id } } }", "BAD_REQUEST"),
        ("query($i: ID!) { node(id: $i) { id } }", "INVALID_VARIABLE"),
        ("{ shop { name }", "syntax"),
        ("{ shop { name } } x", "syntax"),
        ("{ ? }", "syntax"),
    ],
)
def test_other_queries_are_refused(text: str, code: str) -> None:
    """A field that does not exist is an error, not null."""
    with pytest.raises(QueryError) as refused:
        execute(with_variables(parse(text), {}), ROOT)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ tags }", 0),
        ("{ shop { name } }", 1),
        ("{ items(first: 10) { nodes { id } pageInfo { hasNextPage } } }", 3 + 10 + 1),
        ("{ items(first: 10) { nodes { id owner { id } } } }", 3 + 20),
        ('{ nodes(ids: ["a", "b", "c"]) { ... on Product { id shop { name } } } }', 6),
    ],
)
def test_query_costs_what_it_may_bring(text: str, cost: int) -> None:
    """One point for each object, two more for a connection."""
    assert requested_cost(parse(text)) == cost


def test_actual_cost_is_what_it_brought() -> None:
    """Five of ten elements are charged, and nothing for null."""
    fields = parse('{ items(first: 10) { nodes { id } pageInfo { hasNextPage } } nodes(ids: ["a", ""]) { id } }')

    assert (requested_cost(fields), execute(fields, ROOT).cost) == (14 + 2, 3 + 5 + 1 + 1)
