"""The script keeps what was reviewed, appends what is new, and says what it would change."""

import tomllib
from pathlib import Path

from schemas.generate.__main__ import run, write
from schemas.generate.fields import Field
from schemas.generate.tables import differences, text, unwritten, updated
from schemas.typed.columns import Column, ColumnTable, column_table, table_of

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


def test_committed_tables_are_what_the_script_writes(tmp_path: Path) -> None:
    """A source that shows what a table has already changes nothing but the source's name; what is new is appended."""
    committed = [
        column_table("shopify", "order"),
        column_table("stripe", "charge"),
        column_table("bigcommerce", "cart"),
    ]
    tables = [table for table in committed if table is not None]
    sources = {
        table.provider: (
            table.source,
            {table.resource: (Field("id", TEXT), Field("brand_new_id", LONG), Field("odd", TEXT))},
        )
        for table in tables
    }

    changes, missing = run(sources, tables, tmp_path)

    assert len(tables) == 3
    for table in tables:
        name = f"{table.provider}/{table.resource}"
        assert [line for line in changes if line.startswith(name)] == [
            f"{name}: new column brand_new_id (long)",
            f"{name}: new column odd (string)",
        ]
        assert f"schemas/typed/{name}.toml: odd needs a sentence: write its doc" in missing
        written = (tmp_path / f"{name}.toml").read_text(encoding="utf-8")
        assert written == text(table) + (
            'brand_new_id = { kind = "long", doc = "Id of the brand new." }\nodd = { kind = "string", doc = "" }\n'
        )


def test_check_writes_nothing() -> None:
    """It says the same."""
    changes, missing = run({"shopify": (SOURCE, {"order": (Field("id", LONG),)})}, [REVIEWED], None)

    assert changes == ["shopify/order: new column id (long)", "shopify/order: source is now a package 2.0 (MIT)"]
    assert missing == []
