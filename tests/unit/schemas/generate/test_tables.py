"""The script keeps what was reviewed, appends what is new, and says what it would change."""

import tomllib
from pathlib import Path

from schemas.generate.__main__ import write
from schemas.generate.fields import Field
from schemas.generate.tables import differences, text, unwritten, updated
from schemas.typed.columns import Column, ColumnTable, table_of

SOURCE = "a package 2.0 (MIT)"
LONG, TEXT = frozenset({"integer"}), frozenset({"string"})
REVIEWED = ColumnTable(
    provider="shopify",
    resource="order",
    source="a package 1.0 (MIT)",
    columns=(Column("zone", "json", "Our own words."), Column("gone", "long", "A field of the past.")),
    doc="An order, reviewed.",
)


def order(*fields: Field, existing: ColumnTable | None = None) -> ColumnTable:
    """Return the table of orders after a look at a source with these fields."""
    (table,) = updated("shopify", SOURCE, {"order": fields}, {"order": existing} if existing else {})
    return table


def test_new_table_has_the_id_first_and_a_sentence_where_the_name_says_enough() -> None:
    """A field that no Avro record can have stays in `_extra`; a sentence that is missing is left to a person."""
    table = order(
        Field("odd", TEXT),
        Field("created_at", TEXT, "time"),
        Field("b2b?", TEXT),
        Field("_extra", TEXT),
        Field("id", LONG),
    )

    assert table == ColumnTable(
        provider="shopify",
        resource="order",
        source=SOURCE,
        columns=(
            Column("id", "long", "Identifies the order at Shopify."),
            Column("odd", "string", ""),
            Column("created_at", "time", "When the order was created."),
        ),
        doc="An order of Shopify.",
    )
    assert unwritten(table) == ["schemas/typed/shopify/order.toml: odd needs a sentence: write its doc"]
    assert differences(None, table) == ["shopify/order: new table of 3 columns"]


def test_reviewed_columns_keep_place_kind_and_sentence() -> None:
    """Also one that the source has dropped or that it now gives another type; what is new comes last, even an id."""
    table = order(Field("id", LONG), Field("zone", TEXT), existing=REVIEWED)

    assert table.columns == (*REVIEWED.columns, Column("id", "long", "Identifies the order at Shopify."))
    assert table.doc == "An order, reviewed."
    assert differences(REVIEWED, table) == [
        "shopify/order: new column id (long)",
        "shopify/order: source is now a package 2.0 (MIT)",
    ]


def test_second_run_changes_nothing() -> None:
    """The script is repeatable."""
    first = order(Field("id", LONG), Field("zone", TEXT), existing=REVIEWED)

    assert differences(first, order(Field("id", LONG), Field("zone", TEXT), existing=first)) == []


def test_table_of_a_dropped_resource_stays() -> None:
    """Its topic still has records."""
    assert updated("shopify", SOURCE, {}, {"order": REVIEWED}) == [REVIEWED]


def test_file_reads_back_as_the_table(tmp_path: Path) -> None:
    """Quotes and backslashes in sentences are kept."""
    odd = ColumnTable(
        "shopify", "order", "s", (Column("id", "long", 'A "quoted" \\ sentence of ours, naïve.'),), "An order."
    )

    write(tmp_path, odd)

    written = (tmp_path / "shopify" / "order.toml").read_text(encoding="utf-8")
    assert written == text(odd)
    assert list(tomllib.loads(written)) == ["doc", "source", "columns"]
    assert table_of("shopify", "order", written) == odd
