"""A file of column tables is read as written, and a wrong one is refused with its place and the remedy."""

import msgspec
import pytest

from schemas.typed.columns import Column, ColumnTable, ColumnTableError, column_table, column_tables, table_of

GOOD = """
doc = "An order of a shop."
source = "a package 1.0 (MIT)"
[columns]
id = { kind = "long", doc = "Identifies the order." }
total_price = { kind = "decimal", doc = "Total, in the order's currency." }
created_at = { kind = "time", doc = "When the order was created." }
"""


def test_file_becomes_a_table_in_its_order() -> None:
    """The order of columns is that of the file, because encoded records depend on it."""
    assert table_of("shopify", "order", GOOD) == ColumnTable(
        provider="shopify",
        resource="order",
        source="a package 1.0 (MIT)",
        columns=(
            Column("id", "long", "Identifies the order."),
            Column("total_price", "decimal", "Total, in the order's currency."),
            Column("created_at", "time", "When the order was created."),
        ),
        doc="An order of a shop.",
    )


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('kind = "long"', 'kind = "int"', "shop/order.toml: column 'id': expected kind to be one of boolean, long, "),
        ("Identifies the order.", " ", "column 'id': expected doc to be a text that says something, found ' '"),
        ("Identifies the order.", "TODO", "column 'id': expected doc to be a sentence that ends in a full stop"),
        ('"An order of a shop."', "7", "shop/order.toml: expected doc to be a text that says something, found 7"),
        ('source = "a package 1.0 (MIT)"', "", "expected source to be a text that says something, found None"),
        ("total_price =", '"total.price" =', "column 'total.price': expected a name of letters, digits and _"),
        (
            "total_price =",
            "_extra =",
            "column '_extra': expected a name of letters, digits and _ that starts with a letter",
        ),
        ("total_price =", "id =", "shop/order.toml: expected TOML, found: "),  # a column twice
        ('kind = "time", ', "", "column 'created_at': expected { kind ="),
        ("[columns]", "[fields]", "expected doc, source and [columns], found fields"),
    ],
)
def test_wrong_file_is_refused_with_its_place(good: str, bad: str, message: str) -> None:
    """The text of the error names the file and column, what was expected, and what came."""
    with pytest.raises(ColumnTableError) as refused:
        table_of("shop", "order", GOOD.replace(good, bad, 1))

    assert message in str(refused.value)


def test_table_without_columns_is_refused() -> None:
    """A resource without columns stays a generic document: it has no file."""
    with pytest.raises(ColumnTableError, match=r"expected \[columns\] with at least one column"):
        table_of("shop", "order", 'doc = "An order."\nsource = "none"\n[columns]\n')


@pytest.mark.parametrize(
    ("provider", "resource"), [("shopify", "theme"), ("generic", "order"), ("..", "typed/shopify/order")]
)
def test_resource_without_a_file_has_no_table(provider: str, resource: str) -> None:
    """Nothing is raised: its values stay generic documents. A name never becomes a path."""
    assert column_table(provider, resource) is None


def test_table_is_read_once() -> None:
    """The encoder asks for each delivery's table, and gets the same frozen one."""
    table = column_table("shopify", "order")

    assert table is not None
    assert column_table("shopify", "order") is table
    assert table in column_tables()
    assert msgspec.structs.fields(ColumnTable)[3].name == "columns"
