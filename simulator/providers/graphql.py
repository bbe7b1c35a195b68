"""Executes the queries that Penstock sends over plain values: enough of GraphQL for a fake, with costs, and no library.

Supported: one query or mutation with variables, aliases, arguments, nested selections and inline fragments on a type. A field
that a value does not have is an error, as it is at the provider. The texts themselves are validated in the tests, by graphql-core
against a schema.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

MAX_FIRST: Final = 250
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|[_A-Za-z]\w*|-?\d+(?:\.\d+)?|[!$()\[\]{}:=@|]')
_IGNORED: Final = re.compile(r"(?:[\s,]|#[^\n]*)*")


class QueryError(Exception):
    """A query that is refused; `code` is the error's, the text its message."""

    def __init__(self, message: str, code: str = "undefinedField") -> None:
        super().__init__(message)
        self.code = code


class Field(Struct, frozen=True):
    """A field that is asked for, or, with `on`, an inline fragment."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    fields: tuple["Field", ...]
    on: str = ""


class Variable(Struct, frozen=True):
    """An argument whose value comes with the query."""

    name: str


class Connection(Struct, frozen=True):
    """The elements of a connection, from which `node` makes those of a page, which is cut by `first` and `after`.

    A cursor is the number of elements before it, or with `key`, by which the elements are sorted, the key of the last one: then
    a page begins behind that, whatever was added or removed.
    """

    elements: Sequence[Any]
    node: Callable[[Any], Any]
    key: Callable[[Any], list[Any]] | None = None


Resolver = Callable[[Mapping[str, Any]], Any]
"""A field with arguments: returns its value."""


class Executed(Struct, frozen=True):
    """What a query brought, and the objects in it, which are what it cost."""

    data: dict[str, Any]
    cost: int


def parse(text: str) -> tuple[Field, ...]:
    """Return the fields of a query; `QueryError` for a text that is none."""
    parser = _Parser(text)
    fields = parser.operation()
    if parser.peek():
        raise QueryError(f"expected the end of the query, got {parser.peek()}", "syntax")
    return fields


def requested_cost(fields: tuple[Field, ...], length: int = 1) -> int:
    """Return the most objects that a query may bring: one for each, two more for a connection; fragments count once."""
    total = 0
    for field in fields:
        if field.on:
            total += requested_cost(field.fields, length)
        elif field.fields:
            first, ids = field.arguments.get("first"), field.arguments.get("ids")
            if isinstance(first, int):
                total += 3 + requested_cost(field.fields, first)
            else:
                factor = len(ids) if isinstance(ids, list) else length if field.name == "nodes" else 1
                total += factor * (1 + requested_cost(field.fields))
    return total


def with_variables(fields: tuple[Field, ...], variables: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields with the values of their variables; `QueryError` for one that is missing."""

    def value(argument: Any) -> Any:
        if isinstance(argument, Variable):
            if argument.name not in variables:
                raise QueryError(
                    f"Variable ${argument.name} of type ID! was provided invalid value", "INVALID_VARIABLE"
                )
            return variables[argument.name]
        return argument

    return tuple(
        Field(
            field.name,
            field.alias,
            {name: value(argument) for name, argument in field.arguments.items()},
            with_variables(field.fields, variables),
            field.on,
        )
        for field in fields
    )


def execute(fields: tuple[Field, ...], root: Mapping[str, Any]) -> Executed:
    """Return what the fields are in a value; `QueryError` for a field that it does not have."""
    data, cost = _selected(fields, root)
    return Executed(data, cost)


def _selected(fields: tuple[Field, ...], value: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    selected: dict[str, Any] = {}
    total = 0
    for field in fields:
        if field.on:
            if value.get("__typename") != field.on:
                continue
            inner, cost = _selected(field.fields, value)
            selected |= inner
        else:
            selected[field.alias], cost = _resolved(field, value)
        total += cost
    return selected, total


def _resolved(field: Field, value: Mapping[str, Any]) -> tuple[Any, int]:
    if field.name not in value:
        kind = value.get("__typename", "QueryRoot")
        raise QueryError(f"Field '{field.name}' doesn't exist on type '{kind}'")
    found = value[field.name]
    if callable(found):
        found = found(field.arguments)
    if isinstance(found, Connection):
        found, extra = _page(found, field.arguments), 2
    else:
        extra = 0
    completed, cost = _completed(field, found)
    return completed, cost + extra


def _completed(field: Field, found: Any) -> tuple[Any, int]:
    if isinstance(found, list | tuple):
        parts = [_completed(field, element) for element in found]
        return [part for part, _ in parts], sum(cost for _, cost in parts)
    if isinstance(found, Mapping):
        if not field.fields:
            raise QueryError(f"Field must have selections (field '{field.name}')", "selectionMismatch")
        selected, cost = _selected(field.fields, found)
        return selected, 1 + cost
    if field.fields and found is not None:
        raise QueryError(f"Selections can't be made on scalars (field '{field.name}')", "selectionMismatch")
    return found, 0


def _page(connection: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page."""
    first, after = arguments.get("first"), arguments.get("after")
    if not isinstance(first, int) or not 0 < first <= MAX_FIRST:
        raise QueryError(f"expected first from 1 to {MAX_FIRST}, got {first}", "BAD_REQUEST")
    start = _start(connection, after) if isinstance(after, str) else 0
    end = start + first
    last = _cursor(connection, min(end, len(connection.elements)))
    page = {"__typename": "PageInfo", "hasNextPage": end < len(connection.elements), "endCursor": last}
    nodes = [connection.node(element) for element in connection.elements[start:end]]
    return {"nodes": nodes, "pageInfo": page}


def _start(connection: Connection, after: str) -> int:
    """Return how many elements are before a cursor."""
    try:
        if connection.key is None:
            return int(after)
        last = json.loads(base64.b64decode(after, validate=True))
        return sum(connection.key(element) <= last for element in connection.elements)
    except (ValueError, TypeError) as error:
        raise QueryError(f"Invalid cursor for current pagination sort: {after}", "INVALID_CURSOR") from error


def _cursor(connection: Connection, end: int) -> str | None:
    if connection.key is None:
        return str(end)
    return base64.b64encode(json.dumps(connection.key(connection.elements[end - 1])).encode()).decode() if end else None


class _Parser:
    """Reads one query or mutation, token by token."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        position = _skipped(text, 0)
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                raise QueryError(f"expected a token at {position}", "syntax")
            self._tokens.append(token[0])
            position = _skipped(text, token.end())
        self._next = 0

    def peek(self) -> str:
        """Return the next token, "" at the end."""
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def take(self, expected: str = "") -> str:
        """Return the next token and go on behind it."""
        token = self.peek()
        if not token or (expected and token != expected):
            raise QueryError(f"expected {expected or 'a token'}, got {token or 'the end'}", "syntax")
        self._next += 1
        return token

    def operation(self) -> tuple[Field, ...]:
        """Return the fields of the operation; types of variables are not checked."""
        if self.peek() in ("query", "mutation"):
            self.take()
            while self.peek() != "{":
                self.take()
        return self.selection()

    def selection(self) -> tuple[Field, ...]:
        """Return the fields in braces."""
        self.take("{")
        fields = []
        while self.peek() != "}":
            fields.append(self.field())
        self.take("}")
        return tuple(fields)

    def field(self) -> Field:
        """Return a field, or an inline fragment."""
        if self.peek() == "...":
            self.take()
            self.take("on")
            return Field("", "", {}, on=self.take(), fields=self.selection())
        name = alias = self.take()
        if self.peek() == ":":
            self.take()
            name = self.take()
        arguments = self.arguments() if self.peek() == "(" else {}
        return Field(name, alias, arguments, self.selection() if self.peek() == "{" else ())

    def arguments(self) -> dict[str, Any]:
        """Return the arguments in parentheses."""
        self.take("(")
        arguments = {}
        while self.peek() != ")":
            name = self.take()
            self.take(":")
            arguments[name] = self.value()
        self.take(")")
        return arguments

    def value(self) -> Any:
        """Return a number, a text, a list, a variable, or the name of an enum."""
        token = self.take()
        if token == "$":  # noqa: S105  no password
            return Variable(self.take())
        if token == "[":  # noqa: S105  no password
            values = []
            while self.peek() != "]":
                values.append(self.value())
            self.take("]")
            return values
        if token.startswith('"'):
            return token[1:-1]
        return int(token) if token.lstrip("-").isdigit() else token


def _skipped(text: str, position: int) -> int:
    found = _IGNORED.match(text, position)
    return found.end() if found else position
