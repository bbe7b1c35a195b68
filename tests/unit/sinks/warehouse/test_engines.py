"""Both engines on a real disk: rows and offsets together, views, upkeep, and readers beside the writer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from schemas.records import resource_key
from schemas.typed.columns import Column, ColumnTable
from sinks.warehouse import opening
from sinks.warehouse.engines.duckdb_file import FILE
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.engines.lake import attached
from sinks.warehouse.errors import Fenced, Refused, Unusable, WrongQuery
from sinks.warehouse.query import result, statuses
from sinks.warehouse.rows.batch import Offsets, batch_of
from sinks.warehouse.rows.records import BadRecord, LoadedOutcome, Place, Record
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.loaded_changes import PRODUCT, START, SYNCED, change, layouts

TOPIC = "changes.shopify.product"
OUTCOME = {
    "delivery_id": "d", "source": "my-shop", "provider": "shopify", "tenant": "", "key": "k", "event_type": "products/update",
    "outcome": "changed", "reason": "changed", "detail": "", "event_ids": ("e",), "received_at": START, "decided_at": START,
    "topic": "webhooks.raw", "partition": 0, "offset": 0,
}  # fmt: skip

READER = """
import sys
from pathlib import Path
from sinks.warehouse.query import result
from sinks.warehouse.settings import WarehouseSettings

engine, folder, statement = sys.argv[1:]
print(result(WarehouseSettings(engine, Path(folder), False), statement).to_pylist())
"""


@pytest.fixture(params=["ducklake", "duckdb"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new warehouse of each engine."""
    return WarehouseSettings(request.param, tmp_path / "warehouse", False)


@pytest.fixture
def warehouse(settings: WarehouseSettings) -> Iterator[Warehouse]:
    """Give that warehouse, open for writing."""
    with closing(opening.writer(settings)) as opened:
        yield opened


def load(warehouse: Warehouse, *records: Record, stored: Offsets | None = None, product: ColumnTable = PRODUCT) -> None:
    """Apply records as one batch."""
    known = warehouse.offsets() if stored is None else stored
    warehouse.apply(batch_of(records, known, layouts(product), SYNCED))


def rows(settings: WarehouseSettings, sql: str) -> list[tuple[Any, ...]]:
    """Return the result of a statement."""
    found = result(settings, sql)
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def titles(settings: WarehouseSettings) -> list[tuple[Any, ...]]:
    """Return the current titles and whether they are of a deleted product, by id."""
    return rows(settings, 'SELECT id, title, _penstock_deleted FROM my_shop."product" ORDER BY id')


def test_current_is_the_fold_and_history_is_everything(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Later batches replace a resource's row; a deletion marks it; the history has each change once."""
    load(warehouse, change(0, "1", op="c"), change(1, "2", op="c"), change(2, "1"))
    load(warehouse, change(3, "2"), change(4, "1", op="d", document={"id": 1, "title": "title 2"}))

    assert titles(settings) == [(1, "title 2", True), (2, "title 3", False)]
    history = rows(settings, "SELECT count(*), count(DISTINCT _event_id) FROM my_shop.product_history")
    assert history == [(5, 5)]
    assert warehouse.offsets() == {(TOPIC, 0): 5}


def test_change_from_a_lower_lane_does_not_overwrite(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """An earlier change that is read in a later batch, from another topic, is history only."""
    load(warehouse, change(9))
    load(warehouse, change(4, topic=f"{TOPIC}.low"))

    assert titles(settings) == [(1, "title 9", False)]
    assert rows(settings, "SELECT count(*) FROM my_shop.product_history") == [(2,)]


def test_copy_on_another_topic_is_one_change(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """A route may send a change to two topics, which are read in different batches."""
    load(warehouse, change(1))
    load(warehouse, change(1, topic="vip"))

    assert rows(settings, "SELECT count(*) FROM my_shop.product_history") == [(1,)]


def test_batch_that_was_read_twice_is_refused_whole(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Offsets that another loader has moved end this one, and nothing of its batch is written."""
    load(warehouse, change(0))

    with pytest.raises(Fenced):
        load(warehouse, change(0), change(1, "2"), stored={})

    assert titles(settings) == [(1, "title 0", False)]
    assert warehouse.offsets() == {(TOPIC, 0): 1}


def test_new_columns_are_added(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """A column table that grew gives its tables, histories and views the new column; older rows have nothing there."""
    grown = ColumnTable("shopify", "product", "", (*PRODUCT.columns, Column("hue", "string", "Its colour.")))
    load(warehouse, change(0, "1", document={"id": 1, "hue": "red"}))
    load(warehouse, change(1, "2", document={"id": 2, "hue": "blue"}), product=grown)

    assert rows(settings, "SELECT id, hue, _extra FROM my_shop.product ORDER BY id") == [
        (1, None, '{"hue":"red"}'),
        (2, "blue", None),
    ]
    for relation in ("my_shop.product_history", "my_shop.product_versions", "my_shop_fivetran.product"):
        assert rows(settings, f"SELECT count(hue) FROM {relation}") == [(1,)]  # noqa: S608 - names of the test


def test_column_table_that_grew_between_two_starts(settings: WarehouseSettings) -> None:
    """An upgrade brings columns: the next process adds them, and rows from before keep what they had in `_extra`."""
    grown = ColumnTable("shopify", "product", "", (*PRODUCT.columns, Column("hue", "string", "Its colour.")))
    with closing(opening.writer(settings)) as warehouse:
        load(warehouse, change(0, "1", document={"id": 1, "hue": "red"}))
    with closing(opening.writer(settings)) as warehouse:
        load(warehouse, change(1, "2", document={"id": 2, "hue": "blue"}), product=grown)
    with closing(opening.writer(settings)) as warehouse:  # and one that was downgraded writes on
        load(warehouse, change(2, "3", document={"id": 3, "hue": "green"}))

    assert rows(settings, "SELECT id, hue, _extra FROM my_shop.product ORDER BY id") == [
        (1, None, '{"hue":"red"}'),
        (2, "blue", None),
        (3, None, '{"hue":"green"}'),
    ]


def test_renamed_source_has_a_schema_of_its_own(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """To Penstock it is another source: the old schema stays as it was, and resources come into the new one as they change."""
    load(warehouse, change(0, "1"), change(1, "2"))
    load(warehouse, change(2, "1", source="new-shop"))

    assert titles(settings) == [(1, "title 0", False), (2, "title 1", False)]
    assert rows(settings, "SELECT id, title FROM new_shop.product") == [(1, "title 2")]


def test_tenant_that_comes_late_shares_the_tables(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """The same id of two tenants is two rows, told apart by `_tenant`."""
    late = {"tenant": "b.example", "key": resource_key("shopify", "my-shop", "b.example", "product", "1")}
    load(warehouse, change(0, "1"))
    load(warehouse, change(1, "1", **late))
    load(warehouse, change(2, "1"))

    found = rows(settings, "SELECT id, _tenant, title FROM my_shop.product ORDER BY _tenant")
    assert found == [(1, "", "title 2"), (1, "b.example", "title 1")]


def test_children_are_joined_by_the_id_of_their_parent(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """The parent's column has the type of its id, also where it comes in a later batch than the first child without one."""
    child = {"resource_type": "variant", "topic": "changes.shopify.variant", "document": {"id": 7, "sku": "s"}}
    load(warehouse, change(0, "7", **child))
    load(warehouse, change(1, "1"), change(2, "8", **child, parent_key=change(1, "1").key))

    joined = "SELECT p.title, v._key FROM my_shop.product p JOIN my_shop.product_variant v ON v.product_id = p.id"
    assert rows(settings, joined) == [("title 1", change(2, "8", **child).key)]
    assert rows(settings, "SELECT count(*) FROM my_shop.product_variant WHERE product_id IS NULL") == [(1,)]


def test_source_named_like_the_views_of_another(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """`my-shop-fivetran` and the compatible views of `my-shop` keep out of each other's way."""
    load(warehouse, change(0, "1"), change(1, "2", source="my-shop-fivetran"))

    assert rows(settings, "SELECT id FROM my_shop_fivetran.product") == [(1,)]
    assert rows(settings, "SELECT id FROM my_shop_fivetran_source.product") == [(2,)]


def test_columns_are_known_after_a_restart(settings: WarehouseSettings) -> None:
    """A new process goes on with the tables that there are."""
    for offset in range(3):
        with closing(opening.writer(settings)) as warehouse:
            load(warehouse, change(offset, str(offset)))

    assert len(titles(settings)) == 3


def test_versions_say_from_when_to_when(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Each state is valid until the next; the deletion ends the last one and is no state itself."""
    deleted = change(7, op="d", document={"id": 1, "title": "title 3"})
    load(warehouse, change(1, op="c"), change(3), deleted, change(2, "2", op="c"))

    at = [START + timedelta(seconds=second) for second in (1, 2, 3, 7)]
    assert rows(
        settings,
        "SELECT id, title, _valid_from, _valid_to, _is_current FROM my_shop.product_versions ORDER BY id, _valid_from",
    ) == [
        (1, "title 1", at[0], at[2], False),
        (1, "title 3", at[2], at[3], False),
        (2, "title 2", at[1], None, True),
    ]


def test_views_have_the_names_that_models_expect(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Models made for Fivetran find its two columns."""
    load(warehouse, change(1))

    assert rows(settings, "SELECT title, _fivetran_synced, _fivetran_deleted FROM my_shop_fivetran.product") == [
        ("title 1", SYNCED, False)
    ]


def test_outcomes_and_bad_records_are_kept(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Outcomes have a table; so have records that make no row, with their bytes."""
    bad = BadRecord(Place("changes.x", 2, 5), "not_avro", "expected Avro", b"\x01")
    load(warehouse, LoadedOutcome(Place("deliveries.outcomes", 0, 0), OUTCOME), bad)

    assert rows(settings, "SELECT delivery_id, outcome, event_ids, origin, cause FROM _penstock_outcomes") == [
        ("d", "changed", '["e"]', "webhook", None)
    ]
    assert rows(settings, 'SELECT topic, partition, "offset", value FROM _penstock_bad_records') == [
        ("changes.x", 2, 5, b"\x01")
    ]


def test_outcomes_of_an_earlier_version_stay(settings: WarehouseSettings) -> None:
    """Their table gets the columns that it lacks; rows from before have nothing there."""
    with closing(opening.writer(settings)) as warehouse:
        load(warehouse, LoadedOutcome(Place("deliveries.outcomes", 0, 0), OUTCOME))
    for column in ("origin", "cause"):
        write(settings, f"ALTER TABLE _penstock_outcomes DROP COLUMN {column}")
    retried = OUTCOME | {"delivery_id": "e", "origin": "retry", "cause": "webhooks.raw-0-0"}

    with closing(opening.writer(settings)) as warehouse:
        load(warehouse, LoadedOutcome(Place("deliveries.outcomes", 0, 1), retried))

    assert rows(settings, "SELECT delivery_id, origin, cause FROM _penstock_outcomes ORDER BY 1") == [
        ("d", None, None),
        ("e", "retry", "webhooks.raw-0-0"),
    ]


def test_value_that_cannot_be_kept_writes_nothing(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """One impossible cell refuses the batch, so that the loader can find it; no row and no offset of it stays."""
    load(warehouse, change(0))

    with pytest.raises(Refused):
        load(warehouse, change(1, "2"), change(2, "3", raw_offset=2**70))

    assert titles(settings) == [(1, "title 0", False)]
    assert warehouse.offsets() == {(TOPIC, 0): 1}


def test_second_writer_is_refused(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Two writers would corrupt the catalogue."""
    with pytest.raises(Unusable, match=f"process {os.getpid()} writes to this warehouse"):
        opening.writer(settings)


def test_another_process_reads_while_the_warehouse_is_open(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """An analyst's process sees the committed rows."""
    load(warehouse, change(0))
    statement = "SELECT title FROM my_shop.product"
    arguments = [settings.engine, str(settings.folder), statement]

    done = subprocess.run(
        [sys.executable, "-c", READER, *arguments], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout == "[{'title': 'title 0'}]\n", done.stderr


@pytest.mark.parametrize("sql", ["DROP TABLE my_shop.product", "DELETE FROM my_shop.product", "SELEC 1"])
def test_query_changes_nothing(warehouse: Warehouse, settings: WarehouseSettings, sql: str) -> None:
    """What is not a query of the warehouse is an error with DuckDB's own words."""
    load(warehouse, change(0))

    with pytest.raises(WrongQuery):
        result(settings, sql)

    assert len(titles(settings)) == 1


def test_compaction_leaves_the_rows_and_no_orphan(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Many small files become few, the rows stay, and every file on disk belongs to the newest snapshot."""
    for offset in range(6):
        load(warehouse, change(offset, str(offset % 2)))
    before = titles(settings)
    orphan = settings.folder / "data" / "my_shop" / "product" / "left-by-a-kill.parquet"
    if settings.engine == "ducklake":
        orphan.write_bytes(b"PAR1")

    warehouse.compact(0)

    assert titles(settings) == before
    assert not orphan.exists()
    assert files_on_disk(settings) == files_in_use(settings)


def test_backup_is_a_warehouse(warehouse: Warehouse, settings: WarehouseSettings, tmp_path: Path) -> None:
    """A copy opens as the original does, and goes on from its offsets."""
    load(warehouse, change(0))
    warehouse.backup(tmp_path / "copy")
    copied = WarehouseSettings(settings.engine, tmp_path / "copy", False)
    load(warehouse, change(1))

    with closing(opening.writer(copied)) as copy:
        assert copy.offsets() == {(TOPIC, 0): 1}
        load(copy, change(1, "2"))

    assert titles(copied) == [(1, "title 0", False), (2, "title 1", False)]
    assert titles(settings) == [(1, "title 1", False)]


def test_status_counts_rows(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Rows, deleted ones among them, and the newest change."""
    load(warehouse, change(0), change(1, "2", op="d"))

    (status,) = statuses(settings)

    assert (status.schema, status.table, status.rows, status.deleted) == ("my_shop", "product", 2, 1)
    assert (status.newest, status.synced) == ("2026-01-01T00:00:01Z", "2026-02-01T00:00:00Z")


def test_changed_views_are_made_anew_after_a_start(settings: WarehouseSettings) -> None:
    """An upgrade may change a view's query: the first rows of a table bring its views up to date."""
    with closing(opening.writer(settings)) as opened:
        load(opened, change(0))
    write(settings, "CREATE OR REPLACE VIEW my_shop_fivetran.product AS SELECT 1 AS older")

    with closing(opening.writer(settings)) as opened:
        load(opened, change(1, "2"))

    assert rows(settings, "SELECT title FROM my_shop_fivetran.product ORDER BY 1") == [("title 0",), ("title 1",)]


def test_unchanged_views_are_left_alone_after_a_start(tmp_path: Path) -> None:
    """Each start would make them anew, in a snapshot of its own."""
    settings = WarehouseSettings("ducklake", tmp_path / "warehouse", False)
    for number in range(2):
        with closing(opening.writer(settings)) as opened:
            load(opened, change(number, str(number)))

    made = "SELECT count(*) FROM ducklake_snapshots('warehouse') WHERE map_contains(changes, 'views_created')"
    assert rows(settings, made) == [(1,)]


def write(settings: WarehouseSettings, statement: str) -> None:
    """Run a statement as an older version of the writer would have."""
    if settings.engine == "duckdb":
        connection = duckdb.connect(str(settings.folder / FILE))
    else:
        connection = attached(opening.lake(settings), is_read_only=False)
    with closing(connection):
        connection.execute(statement)


def files_on_disk(settings: WarehouseSettings) -> set[str]:
    """Return the names of the Parquet files of a DuckLake."""
    return {file.name for file in settings.folder.rglob("*.parquet")}


def files_in_use(settings: WarehouseSettings) -> set[str]:
    """Return those that its newest snapshot reads."""
    if settings.engine != "ducklake":
        return set()
    tables = rows(
        settings,
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'warehouse' AND "
        "table_type = 'BASE TABLE'",
    )
    found: set[str] = set()
    for schema, table in tables:
        listed = rows(settings, f"FROM ducklake_list_files('warehouse', '{table}', schema => '{schema}')")
        found |= {Path(str(name)).name for row in listed for name in row if str(name).endswith(".parquet")}
    return found
