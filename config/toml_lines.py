"""Finds the line of each key of a TOML text, so that an error can point to it; tomllib records no lines."""

import tomllib
from collections.abc import Iterator, Mapping

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Location = tuple[str | int, ...]
"""Keys and array indexes from the root: `("sources", 1, "provider")`."""

_KEY_TYPES = frozenset({"bare_key", "quoted_key", "dotted_key"})


def key_lines(text: str) -> dict[Location, int]:
    """Return the line, counted from 1, of every table, key and array element of a valid TOML text."""
    tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode())
    lines: dict[Location, int] = {(): 1}
    array_lengths: dict[Location, int] = {}
    for node in tree.root_node.named_children:
        for location, line in _top_level(node, array_lengths):
            lines.setdefault(location, line)
    return lines


def line_of(location: Location, lines: Mapping[Location, int]) -> int:
    """Return the line of a key, or of the nearest enclosing table if the key itself is not in the file."""
    while location not in lines:
        location = location[:-1]
    return lines[location]


def _top_level(node: Node, array_lengths: dict[Location, int]) -> Iterator[tuple[Location, int]]:
    if node.type == "pair":
        yield from _pair((), node)
    if node.type not in {"table", "table_array_element"}:
        return
    header, *pairs = node.named_children
    location = _header_location(_key_parts(header), node.type == "table_array_element", array_lengths)
    for depth in range(1, len(location) + 1):
        yield location[:depth], _line(node)
    for pair in pairs:
        if pair.type == "pair":
            yield from _pair(location, pair)


def _header_location(parts: list[str], opens_element: bool, array_lengths: dict[Location, int]) -> Location:
    """Return the location of a header; an array of tables on the way means its latest element."""
    location: Location = ()
    for part in parts[:-1]:
        location = (*location, part)
        if location in array_lengths:
            location = (*location, array_lengths[location] - 1)
    location = (*location, parts[-1])
    if not opens_element:
        return location
    array_lengths[location] = array_lengths.get(location, 0) + 1
    return (*location, array_lengths[location] - 1)


def _pair(base: Location, pair: Node) -> Iterator[tuple[Location, int]]:
    key, *values = pair.named_children
    parts = _key_parts(key)
    for depth in range(1, len(parts) + 1):
        yield (*base, *parts[:depth]), _line(pair)
    for value in values:
        yield from _value((*base, *parts), value)


def _value(base: Location, value: Node) -> Iterator[tuple[Location, int]]:
    if value.type == "inline_table":
        for pair in value.named_children:
            if pair.type == "pair":
                yield from _pair(base, pair)
    if value.type == "array":
        elements = [element for element in value.named_children if element.type != "comment"]
        for index, element in enumerate(elements):
            yield (*base, index), _line(element)
            yield from _value((*base, index), element)


def _key_parts(key: Node) -> list[str]:
    """Return the unquoted parts of a key, outermost first, as tomllib reads them."""
    text = (key.text or b"").decode()
    table = tomllib.loads(f"{text} = 0") if key.type in _KEY_TYPES else {}
    parts: list[str] = []
    while table:
        name, inner = next(iter(table.items()))
        parts.append(name)
        table = inner if isinstance(inner, dict) else {}
    return parts


def _line(node: Node) -> int:
    return node.start_point.row + 1
