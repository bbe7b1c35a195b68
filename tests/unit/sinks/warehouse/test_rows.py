"""From changes to rows: names, cells, what becomes of values that fit no column."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.registry import PROVIDERS, provider
from schemas.typed.columns import Kind
from sinks.warehouse.rows.batch import TableRows, batch_of
from sinks.warehouse.rows.cells import CELLS
from sinks.warehouse.rows.names import HISTORY, VERSIONS, compatible_schema, schema_name, table_name
from sinks.warehouse.rows.records import BadRecord, LoadedChange, Place
from tests.support.builders.loaded_changes import SYNCED, change, layouts

SOURCES = st.lists(
    st.sampled_from(["my-shop", "source", "main", "pg", "public", "fivetran", "history"]), min_size=1, max_size=4
).map("-".join)
OTHER = {"id": 7, "survey": True}


def table(*changes: LoadedChange) -> TableRows:
    """Return the only table that changes make rows of."""
    (made,) = batch_of(changes, {}, layouts(), SYNCED).tables
    return made


def row(*changes: LoadedChange) -> dict[str, Any]:
    """Return the first row of the only table, by column."""
    made = table(*changes)
    return dict(zip((column.name for column in made.all_columns), made.rows[0], strict=True))


@pytest.mark.parametrize(("kind", "value", "cell"), [
    ("boolean", True, True),
    ("boolean", 1, None),
    ("long", 2**63 - 1, 2**63 - 1),
    ("long", 2**63, None),
    ("long", True, None),
    ("string", "a", "a"),
    ("string", 1, None),
    ("time", "2026-01-01T02:00:00+02:00", datetime(2026, 1, 1, tzinfo=UTC)),
    ("time", "2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, microsecond=500_000, tzinfo=UTC)),
    ("time", "2026-01-01t00:00:00z", datetime(2026, 1, 1, tzinfo=UTC)),
    ("time", "2026-01-01", None),
    ("time", "2026-01-01T00:00:00", None),              # whose midnight?
    ("time", "0001-01-01T00:00:00+14:00", None),
    ("seconds", 1_767_225_600, datetime(2026, 1, 1, tzinfo=UTC)),
    ("seconds", 10**15, None),
    ("decimal", "12.50", Decimal("12.50")),
    ("decimal", "1_000", None),
    ("decimal", "NaN", None),
    ("decimal", "0.1234567890", Decimal("0.123456789")),
    ("decimal", "0.1234567891", None),
    ("decimal", "1" + "0" * 29, None),
    ("number", Decimal("1E+3"), Decimal("1E+3")),
    ("number", "1", None),
    ("json", {"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
])  # fmt: skip
def test_cell_holds_what_fits(kind: Kind, value: object, cell: object) -> None:
    """A value of the kind becomes a cell; any other becomes none, and so is kept in `_extra`."""
    assert CELLS[kind](value) == cell


def test_row_has_typed_columns_and_the_rest() -> None:
    """Fields with a column are typed; unknown ones and misfits are in `_extra`; a null is null."""
    document = {"id": 1, "title": None, "price": "9.90", "weight": "heavy", "options": [1], "hue": "red"}

    made = row(change(3, document=document))

    assert (made["id"], made["title"], made["price"], made["options"]) == (1, None, Decimal("9.90"), "[1]")
    assert (made["weight"], made["_extra"]) == (None, '{"hue":"red","weight":"heavy"}')
    assert (made["_key"], made["_source"], made["_op"]) == ("shopify|my-shop||product|1", "my-shop", "u")
    assert (made["_penstock_deleted"], made["_penstock_synced_at"]) == (False, SYNCED)


def test_deleted_resource_keeps_its_last_values() -> None:
    """A soft delete marks the row; its columns are those of the last document."""
    made = row(change(3, op="d", document={"id": 1, "title": "last"}))

    assert (made["id"], made["title"], made["_penstock_deleted"], made["_op"]) == (1, "last", True, "d")


def test_deletion_of_an_unknown_resource_has_its_id() -> None:
    """Without any document the id comes from the change."""
    made = row(change(3, resource_id="42", op="d", before=None))

    assert (made["id"], made["title"], made["_penstock_deleted"]) == (42, None, True)


def test_child_names_its_parent() -> None:
    """A child has a column with its parent's id, typed as the parent's own id is."""
    child = change(1, resource_type="variant", document={"id": 5, "sku": "s"}, parent_key="shopify|my-shop||product|1")
    orphan = change(2, "6", resource_type="variant", document={"id": 6})

    made = table(child, orphan)

    parent = [column.name for column in made.columns].index("product_id")
    assert made.name.table == "product_variant"
    assert (made.columns[parent].type, [cells[parent] for cells in made.rows]) == ("bigint", [1, None])


def test_resource_without_a_column_table_is_a_document() -> None:
    """Its row has the id and the document as JSON."""
    made = row(change(1, resource_type="order", document={"id": 1, "total": "1.00"}))

    assert (made["id"], made["document"], made["_extra"]) == ("1", '{"id":1,"total":"1.00"}', None)


def test_unlisted_types_share_one_table() -> None:
    """A type from an unsigned header makes no table of its own, as it makes no topic."""
    made = table(*(change(n, str(n), resource_type=f"survey_{n}", document=OTHER) for n in range(3)))

    assert (made.name.schema, made.name.table, len(made.rows)) == ("my_shop", "other", 3)
    assert [cells[0] for cells in made.rows] == ["survey_0", "survey_1", "survey_2"]


def test_last_change_wins() -> None:
    """Of a batch each resource's last change goes to the current table; all go to the history."""
    made = table(change(1, "1"), change(2, "2"), change(3, "1"))

    assert (len(made.rows), made.winners) == (3, [2, 1])


def test_late_lane_does_not_win() -> None:
    """A change that was read after a later one of the same resource, from another lane, is only history."""
    later, earlier = change(9), change(4, topic="changes.shopify.product.low")

    made = table(later, earlier)

    assert (len(made.rows), made.winners) == (2, [0])


def test_offsets_that_begin_anew_win() -> None:
    """If `webhooks.raw` was made anew, its offsets are lower and the emission is later: it wins."""
    old, new = change(9), change(10, raw_offset=0)

    assert table(old, new).winners == [1]


def test_copy_of_a_change_is_one_row() -> None:
    """A route may send one change to two topics; its event id tells."""
    assert len(table(change(1), change(1, topic="vip")).rows) == 1


def test_broken_document_is_isolated() -> None:
    """A change whose document is no JSON object becomes a bad record, and the others become rows."""
    batch = batch_of([change(1, after="[1]"), change(2), change(3, after="{")], {}, layouts(), SYNCED)

    assert [bad.place.offset for bad in batch.bad] == [1, 3]
    assert [len(rows.rows) for rows in batch.tables] == [1]


def test_offsets_cover_every_record() -> None:
    """A batch ends behind its last record of each partition, and starts where the warehouse stands."""
    bad = BadRecord(Place("changes.x", 1, 7), "not_avro", "expected Avro", b"")

    batch = batch_of([change(4), bad, change(5)], {("changes.x", 1): 7}, layouts(), SYNCED)

    assert batch.ends == {("changes.shopify.product", 0): 6, ("changes.x", 1): 8}
    assert batch.starts == {("changes.x", 1): 7}


@pytest.mark.parametrize(
    ("source", "schema"), [("my-shop", "my_shop"), ("public", "source_public"), ("pg-x", "source_pg_x")]
)
def test_schema_of_a_source(source: str, schema: str) -> None:
    """A schema has the source's name; names that databases keep for themselves get a prefix."""
    assert schema_name(source) == schema


@given(st.lists(SOURCES, min_size=2, max_size=6, unique=True))
def test_no_two_sources_share_a_schema(sources: list[str]) -> None:
    """Neither a schema of rows nor one of compatible views, whatever the sources are called."""
    schemas = [schema_name(source) for source in sources]
    schemas += [compatible_schema(schema) for schema in schemas]

    assert len(set(schemas)) == len(schemas)
    assert not {"main", "public", "temp"} & set(schemas)


def test_type_named_like_a_history_has_a_table_of_its_own() -> None:
    """A generic source may list `product` and `product_history`, and even what would be made of the latter."""
    own = ("product", "product_history", "product_history_resource", "product_versions")
    tables = [table_name("generic", resource_type, own) for resource_type in own]

    assert tables == [
        "product",
        "product_history_resource",
        "product_history_resource_resource",
        "product_versions_resource",
    ]


def test_no_two_types_of_a_provider_share_a_table() -> None:
    """No table is another type's, or its history or view."""
    for name in PROVIDERS:
        own = provider(name).resource_types
        tables = [table_name(name, resource_type, own) for resource_type in own]
        derived = {f"{table}{suffix}" for table in tables for suffix in (HISTORY, VERSIONS)}
        assert len(set(tables)) == len(tables), name
        assert not derived & set(tables), name
