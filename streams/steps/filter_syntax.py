"""The parser of filters: turns text into a tree of terms, or an error that points at the wrong character.

Source: Shopify's "API search syntax" and "Filter your events" (docs/filters.md). A space means `AND`, and `OR` binds tighter
than `AND`: `a:1 b:2 OR c:3` is a and (b or c), unlike in SQL, Python or Lucene.
"""

import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from msgspec import Struct
from msgspec.structs import replace

from providers.times import any_instant
from streams.steps.filter_errors import FilterSyntaxError, complaint, position

MAX_BYTES = 4096  # people must be able to read a filter; the longest documented one has 200
MAX_DEPTH = 50  # of parentheses: bounds the recursion of `matches`
Comparator = Literal[":", ":<", ":>", ":<=", ":>="]

GRAMMAR: Final = r"""
    start: query
    query: either ((_AND | _SPACE) either)*
    either: signed (_OR signed)*
    ?signed: factor | negation
    negation: (MINUS | NOT) factor
    ?factor: term | group
    group: LPAR query _RPAR
    term: FIELD COMPARATOR (WORD | QUOTED)

    _AND.2: /\s+AND\s+/
    _OR.2: /\s+OR\s+/
    NOT.2: /NOT\s+/
    MINUS: "-"
    LPAR: /\(\s*/
    _RPAR.3: /\s*\)/
    FIELD: /(?:\\.|[^\s:\\()"'-])(?:\\.|[^\s:\\()])*(?=:)/s
    COMPARATOR: /:(?:<=|>=|<|>)?/
    QUOTED.2: /(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\*?/s
    WORD: /(?:\\.|[^\s:\\()"'])(?:\\.|[^\s:\\()])*/s
    _SPACE: /\s+/
"""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*", re.ASCII | re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PATH_PART = re.compile(r"((?:\\.|[^.\\])*)(?:\.|\Z)", re.DOTALL)
_LEADING_STAR = re.compile(r"(?:\\.|[^\\*])*\*", re.DOTALL)


class Term(Struct, frozen=True):
    """One comparison: a field, a comparator and a value, perhaps negated.

    `text` is as written, modifier included. `operand` is the value as a number or time, None if it is only text.
    """

    text: str
    path: tuple[str, ...]
    comparator: Comparator
    value: str
    operand: Decimal | datetime | Literal["now"] | None = None
    is_prefix: bool = False
    is_existence: bool = False
    is_negated: bool = False


class Not(Struct, frozen=True):
    """A negated group."""

    part: "Node"


class And(Struct, frozen=True):
    """All of these."""

    parts: tuple["Node", ...]


class Or(Struct, frozen=True):
    """Any of these."""

    parts: tuple["Node", ...]


Node = Term | Not | And | Or


def parse_filter(text: str) -> Node:
    """Return the tree of a filter; raise FilterSyntaxError if the text is invalid."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise FilterSyntaxError(text, len(text), f"at most {MAX_BYTES} bytes")
    bare = text.strip()
    start = text.find(bare)
    try:
        return cast(Node, _parser().parse(bare))
    except (UnexpectedCharacters, UnexpectedToken) as error:
        position, expected = complaint(bare, error)
    except _Misplaced as misplaced:
        position, expected = misplaced.position, misplaced.expected
    raise FilterSyntaxError(text, start + position, expected)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Tree())


class _Misplaced(Exception):
    """A text that the grammar accepts but the semantics forbid."""

    def __init__(self, position: int, expected: str) -> None:
        self.position, self.expected = position, expected


class _Built(Struct, frozen=True):
    """A node and the depth of parentheses in it."""

    node: Node
    depth: int = 0


class _Tree(Transformer[Token, Node]):
    """Builds the nodes bottom-up while the text is parsed: no recursion, whatever the nesting."""

    def start(self, children: list[_Built]) -> Node:
        """Return the whole tree."""
        return children[0].node

    def query(self, children: list[_Built]) -> _Built:
        """Return the conjunction of several terms."""
        return _joined(And, children)

    def either(self, children: list[_Built]) -> _Built:
        """Return the disjunction of several terms."""
        return _joined(Or, children)

    def group(self, children: list[Any]) -> _Built:
        """Return the content of parentheses."""
        opening, inner = children
        if inner.depth >= MAX_DEPTH:
            raise _Misplaced(position(opening), f"parentheses nested at most {MAX_DEPTH} deep")
        return _Built(inner.node, inner.depth + 1)

    def negation(self, children: list[Any]) -> _Built:
        """Return the negation of a term or group."""
        modifier, inner = children
        if isinstance(inner.node, Term) and not inner.depth:
            return _Built(replace(inner.node, text=modifier + inner.node.text, is_negated=True))
        return _Built(Not(inner.node), inner.depth)

    def term(self, children: list[Token]) -> _Built:
        """Return one comparison."""
        field, comparator, value = children
        path = tuple(_unescaped(part) for part in _parts(field))
        if "" in path:
            raise _Misplaced(position(field), "names with one dot between them")
        return _Built(_compared(Term("".join(children), path, cast(Comparator, str(comparator)), ""), value))


def _joined(kind: type[And] | type[Or], children: list[_Built]) -> _Built:
    if len(children) == 1:
        return children[0]
    return _Built(kind(tuple(child.node for child in children)), max(child.depth for child in children))


def _parts(field: str) -> list[str]:
    """Return the names of a dotted path, still escaped."""
    return [match[1] for match in _PATH_PART.finditer(field) if match[0]] + ([""] if field.endswith(".") else [])


def _compared(term: Term, value: Token) -> Term:
    """Return the term with its value: text, a prefix, existence, a number or a time."""
    is_quoted = value.type == "QUOTED"
    if value == "*":
        return replace(_equality(term, value, "a value to compare with"), is_existence=True)
    text, is_prefix = str(value), value.endswith("*") and not _is_escaped(value)
    if is_prefix:
        _equality(term, value, "a number, a quoted date or now, without *")
        text = text[:-1]
    star = None if is_quoted else _LEADING_STAR.match(text)
    if star:
        raise _Misplaced(position(value) + star.end() - 1, r"* at the end of a value only; a literal one is written \*")
    text = _unescaped(text[1:-1] if is_quoted else text)
    term = replace(term, value=text, is_prefix=is_prefix)
    return replace(term, operand=_operand(term, value, is_quoted=is_quoted))


def _equality(term: Term, value: Token, expected: str) -> Term:
    if term.comparator != ":":
        raise _Misplaced(position(value) + len(value) - 1, f"after {term.comparator} {expected}")
    return term


def _operand(term: Term, value: Token, *, is_quoted: bool) -> Decimal | datetime | Literal["now"] | None:
    number = Decimal(term.value) if _NUMBER.fullmatch(term.value) else None
    if term.comparator == ":" or number is not None:
        return number
    if term.value == "now" and not is_quoted:
        return "now"
    time = any_instant(term.value) if _DATE.fullmatch(term.value) else None
    if time is None or not is_quoted:
        hint = f"; quote the date: '{term.value}'" if time else ""
        raise _Misplaced(position(value), f"a number, a quoted date or now after {term.comparator}{hint}")
    return time


def _is_escaped(value: str) -> bool:
    """Say whether a backslash escapes the last character."""
    head = value[:-1]
    return (len(head) - len(head.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
