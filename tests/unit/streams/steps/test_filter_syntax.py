"""The grammar of filters: how each text is parsed, and where an error points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.steps.filter import FilterSyntaxError, compile_filter
from streams.steps.filter_syntax import MAX_BYTES, MAX_DEPTH, And, Node, Not, Or, Term, parse_filter


def shape(node: Node) -> str:
    """Return a tree as text with every pair of parentheses."""
    match node:
        case Term():
            return node.text
        case Not(part):
            return f"not {shape(part)}"
        case And(parts):
            return "(" + " and ".join(map(shape, parts)) + ")"
        case Or(parts):
            return "(" + " or ".join(map(shape, parts)) + ")"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a:1", "a:1"),
        ("a:1 b:2", "(a:1 and b:2)"),
        ("a:1 AND b:2", "(a:1 and b:2)"),
        ("a:1 OR b:2", "(a:1 or b:2)"),
        ("a:1 OR b:2 AND c:3", "((a:1 or b:2) and c:3)"),  # OR binds tighter than AND
        ("a:1 AND b:2 OR c:3", "(a:1 and (b:2 or c:3))"),
        ("a:1 b:2 OR c:3 d:4", "(a:1 and (b:2 or c:3) and d:4)"),
        ("(a:1 AND b:2) OR c:3", "((a:1 and b:2) or c:3)"),
        ("a:1 OR b:2 OR c:3", "(a:1 or b:2 or c:3)"),
        ("-a:1", "-a:1"),
        ("NOT a:1", "NOT a:1"),
        ("-a:1 OR b:2", "(-a:1 or b:2)"),
        ("-(a:1 OR b:2)", "not (a:1 or b:2)"),
        ("NOT (a:1 b:2)", "not (a:1 and b:2)"),
        ("-(-(a:1))", "not not a:1"),
        ("-(-a:1)", "not -a:1"),
        ("  a:1   b:2\n\tOR  c:3 ", "(a:1 and (b:2 or c:3))"),
        ("( a:1 )", "a:1"),
        ("((a:1))", "a:1"),
        ("AND:1 OR:2 NOT:3", "(AND:1 and OR:2 and NOT:3)"),  # names of fields like any other
        ("a:AND b:OR", "(a:AND and b:OR)"),
    ],
)
def test_connectives_are_read_in_shopifys_order(text: str, read: str) -> None:
    """OR first, then AND and the mere space; - and NOT belong to the next term or group."""
    assert shape(parse_filter(text)) == read


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("vendor:Nike", ("vendor",), "Nike"),
        ("line_items.properties.name:x", ("line_items", "properties", "name"), "x"),
        (r"first_name:Bob\:Norman", ("first_name",), "Bob:Norman"),
        (r"a:\(x\)\\", ("a",), r"(x)\ "[:-1]),
        (r"a\:b:c", ("a:b",), "c"),
        (r"a\.b.c:d", ("a.b", "c"), "d"),
        ('a:"b c"', ("a",), "b c"),
        ("a:'b c'", ("a",), "b c"),
        (r'a:"b \"c\" \\ : ( )"', ("a",), 'b "c" \\ : ( )'),
        ("a:'it\\'s'", ("a",), "it's"),
        ('a:"it\'s"', ("a",), "it's"),
        ("a:O'Neil", ("a",), "O'Neil"),
        ('a:""', ("a",), ""),
        ("a:-5", ("a",), "-5"),
        ("a:b-c", ("a",), "b-c"),
        ("a-b:c", ("a-b",), "c"),
        ("a:active,draft", ("a",), "active,draft"),  # a comma is a character like any other
        (r"a:b\*", ("a",), "b*"),
        ('a:"b*c"', ("a",), "b*c"),
        (
            "metafields.namespace:app--{app-id}--my_namespace",
            ("metafields", "namespace"),
            "app--{app-id}--my_namespace",
        ),
        ("größe:Ä", ("größe",), "Ä"),
    ],
)
def test_names_and_values_are_unescaped(text: str, path: tuple[str, ...], value: str) -> None:
    """Backslash escapes the next character; quotes take everything up to the closing one."""
    term = parse_filter(text)

    assert isinstance(term, Term)
    assert (term.path, term.value, term.is_prefix, term.is_existence) == (path, value, False, False)


@pytest.mark.parametrize(
    ("text", "value", "is_prefix", "is_existence"),
    [
        ("a:b*", "b", True, False),
        ('a:"b c"*', "b c", True, False),
        (r"a:b\\*", "b\\", True, False),
        (r"a:\**", "*", True, False),
        ("a:*", "", False, True),
        ("-a:*", "", False, True),
        (r"a:\*", "*", False, False),
        ('a:"*"', "*", False, False),
    ],
)
def test_star_at_the_end_is_a_prefix_and_alone_existence(
    text: str, value: str, is_prefix: bool, is_existence: bool
) -> None:
    """Escaped or quoted it is a star."""
    term = parse_filter(text)

    assert isinstance(term, Term)
    assert (term.value, term.is_prefix, term.is_existence) == (value, is_prefix, is_existence)


@pytest.mark.parametrize(
    ("text", "caret", "expected"),
    [
        ("", 0, "a term such as vendor:Nike"),
        ("   ", 0, "a term such as vendor:Nike"),
        ("John Smith", 0, "a bare word does not say in which field to look"),
        ("norm*", 0, "a bare word"),
        ('status:x AND ("sale shopper" OR VIP)', 14, "a bare word"),
        ("a:1 and b:2", 4, "AND, OR and NOT in capital letters"),
        ("a:1 AND", 4, "on both sides of AND and OR"),
        ("AND a:1", 0, "on both sides of AND and OR"),
        ("a:1 AND OR b:2", 8, "on both sides of AND and OR"),
        ("a:1 OR ", 4, "on both sides of AND and OR"),
        ("- a:1", 1, "right after -, without a space"),
        ("--a:1", 1, "only one - or NOT"),
        ("NOT NOT a:1", 4, "only one - or NOT"),
        ("-NOT a:1", 1, "only one - or NOT"),
        ("NOT(a:1)", 0, "a space after NOT"),
        ("NOT", 0, "a space after NOT"),
        ("-", 1, "a term such as vendor:Nike"),
        ("a:", 2, "a value right after the comparator"),
        ("a: 1", 2, "a value right after the comparator"),
        ("a:> 1", 3, "a value right after the comparator"),
        ("a :1", 0, "a bare word"),
        (":1", 0, "the name of a field before the colon"),
        ("a::1", 2, "a colon in it is written"),
        ("a:b:c", 3, "a colon in a value is written"),
        ("metafields.namespace:$app:x", 25, "a colon in a value is written"),
        ("a:=1 b::2", 7, "a colon in it is written"),
        ("a:(b)", 2, "a parenthesis in it is written"),
        ("a:1)", 3, "no closing parenthesis"),
        ("a:1 ) b:2", 3, "no closing parenthesis"),
        ("(a:1", 4, "a closing parenthesis"),
        ("(a:1 AND (b:2)", 14, "a closing parenthesis"),
        ("()", 1, "before the closing parenthesis"),
        ("a:1(b:2)", 3, "a space before the opening parenthesis"),
        ("(a:1)(b:2)", 5, "a space before the opening parenthesis"),
        ("(a:1)b:2", 5, "a space or the end"),
        ('a:"x', 2, "a closing quote"),
        ("a:'x\\'", 2, "a closing quote"),
        ('a:"x"y', 5, "a space or the end"),
        ("a:b\\", 3, "a character after the backslash"),
        ("a:\\", 2, "a character after the backslash"),
        ("a:*b", 2, "* at the end of a value only"),
        ("a:b*c", 3, "* at the end of a value only"),
        ("a:b**", 3, "* at the end of a value only"),
        ("a:>*", 3, "a value to compare with"),
        ("a:>=10*", 6, "without *"),
        ("a:>abc", 3, "a number, a quoted date or now"),
        ("a:>'abc'", 3, "a number, a quoted date or now"),
        ("a:>'now'", 3, "a number, a quoted date or now"),
        ("a:>2020-10-21", 3, "quote the date: '2020-10-21'"),
        ("a:>'2020-13-41'", 3, "a number, a quoted date or now"),
        ("a:>>1", 3, "a number, a quoted date or now"),
        ("a..b:1", 0, "names with one dot between them"),
        (".a:1", 0, "names with one dot between them"),
        ("b:2 a.:1", 4, "names with one dot between them"),
        ("  a:1 b:", 8, "a value right after the comparator"),  # leading spaces count
    ],
)
def test_error_points_at_the_place_and_says_what_belongs_there(text: str, caret: int, expected: str) -> None:
    """The last line of the message is a caret under the wrong character of the line above."""
    with pytest.raises(FilterSyntaxError) as caught:
        compile_filter(text)

    says, shown, pointer = str(caught.value).split("\n")
    assert says.startswith("expected ")
    assert expected in says
    assert (caught.value.position, shown, pointer) == (caret, f"  {text}", " " * (caret + 2) + "^")


def test_long_filter_is_shown_round_the_error() -> None:
    """The caret stays on the screen."""
    with pytest.raises(FilterSyntaxError) as caught:
        compile_filter("a:" + "x" * 500 + " bare " + "b:" + "y" * 500)

    _, shown, pointer = str(caught.value).split("\n")
    assert shown[pointer.index("^") :].startswith("bare b:yyy")
    assert (shown[:3], shown[-1]) == ("  …", "…")
    assert len(shown) < 140


@pytest.mark.parametrize("text", ["a:" + "x" * MAX_BYTES, "a:" + "ä" * (MAX_BYTES // 2), "(" * MAX_BYTES + "a:1"])
def test_filter_that_is_too_long_is_refused(text: str) -> None:
    """The limit applies before parsing."""
    with pytest.raises(FilterSyntaxError, match="at most 4096 bytes"):
        compile_filter(text)


def test_filter_of_the_greatest_length_is_read() -> None:
    """The limit itself is allowed."""
    compile_filter("a:" + "x" * (MAX_BYTES - 2))


@pytest.mark.parametrize("opening", ["(", "-("])
def test_nesting_is_bounded(opening: str) -> None:
    """Fifty parentheses are read and evaluated, one more is refused, and two thousand break nothing."""
    deep = compile_filter(opening * MAX_DEPTH + "a:1" + ")" * MAX_DEPTH)

    assert deep.matches({"a": 1})
    for depth in (MAX_DEPTH + 1, 1000):
        with pytest.raises(FilterSyntaxError, match="nested at most 50 deep"):
            compile_filter(opening * depth + "a:1" + ")" * depth)


@pytest.mark.parametrize(
    ("text", "columns"),
    [("title:日本語 x", 13), ("title:e\u0301 x", 8), ("title:é x", 8), ("title:\tx", 6), ("a:1\nx", 4)],
)
def test_caret_stands_under_the_place_also_after_wide_characters(text: str, columns: int) -> None:
    """Chinese takes two columns, an accent of its own none; the line keeps its shape with any white space."""
    error = error_of(text)

    assert str(error).splitlines()[-1] == " " * (2 + columns) + "^"


pieces = st.sampled_from(
    ["a:", "b", " ", " AND ", " OR ", "NOT ", "-", "(", ")", *"<>=*:\\'\"1.\n", "now", "'2026-01-01'"]
)


@given(st.lists(pieces, max_size=15).map("".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Any text raises no other exception, and the position of an error lies within it."""
    error = error_of(text)

    assert error is None or 0 <= error.position <= len(text)
    assert error is None or str(error).endswith("^")


def error_of(text: str) -> FilterSyntaxError | None:
    """Return a text's error, None after it was parsed and evaluated on a document."""
    try:
        compile_filter(text).matches({"a": [1, "b", None]})
    except FilterSyntaxError as error:
        return error
    return None
