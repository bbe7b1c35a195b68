"""PostgreSQL as the warehouse keeps what the other engines keep, and what only a shared server can break."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from schemas.typed.columns import Column, ColumnTable
from sinks.warehouse import opening
from sinks.warehouse.engines.engine import REBUILD, Warehouse
from sinks.warehouse.errors import Fenced, Refused, Unavailable, Unusable, WrongQuery
from sinks.warehouse.query import result
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.records import LoadedOutcome, Place
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.loaded_changes import PRODUCT, SYNCED, change, layouts
from tests.support.processes.postgres import PASSWORD, PostgresServer, access, postgres_server, query
from tests.unit.sinks.warehouse.test_engines import (  # noqa: F401 - the same promises, kept by another engine
    OUTCOME,
    load,
    rows,
    test_batch_that_was_read_twice_is_refused_whole,
    test_change_from_a_lower_lane_does_not_overwrite,
    test_columns_are_known_after_a_restart,
    test_compaction_leaves_the_rows_and_no_orphan,
    test_copy_on_another_topic_is_one_change,
    test_current_is_the_fold_and_history_is_everything,
    test_new_columns_are_added,
    test_outcomes_and_bad_records_are_kept,
    test_query_changes_nothing,
    test_status_counts_rows,
    test_value_that_cannot_be_kept_writes_nothing,
    test_versions_say_from_when_to_when,
    test_views_have_the_names_that_models_expect,
    titles,
    warehouse,
)

pytestmark = pytest.mark.databases


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new warehouse."""
    return WarehouseSettings("postgres", tmp_path, False, access(dsn))


def test_outcomes_of_an_earlier_version_stay(settings: WarehouseSettings, dsn: str) -> None:
    """Their table gets the columns that it lacks; rows from before have nothing there."""
    with closing(opening.writer(settings)) as earlier:
        load(earlier, LoadedOutcome(Place("deliveries.outcomes", 0, 0), OUTCOME))
    query(dsn, "ALTER TABLE _penstock_outcomes DROP COLUMN origin, DROP COLUMN cause")
    retried = OUTCOME | {"delivery_id": "e", "origin": "retry", "cause": "webhooks.raw-0-0"}

    with closing(opening.writer(settings)) as later:
        load(later, LoadedOutcome(Place("deliveries.outcomes", 0, 1), retried))

    assert rows(settings, "SELECT delivery_id, origin, cause FROM _penstock_outcomes ORDER BY 1") == [
        ("d", None, None),
        ("e", "retry", "webhooks.raw-0-0"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"document": {"id": 2, "title": "a\0b"}},  # PostgreSQL's text has no NUL
        {"event_type": "\ud800"},  # and UTF-8 has no lone surrogates
    ],
)
def test_text_that_postgres_cannot_keep_is_refused(
    warehouse: Warehouse,  # noqa: F811 - the fixture
    settings: WarehouseSettings,
    fields: dict[str, object],
) -> None:
    """The loader isolates the record then; nothing of its batch is written."""
    batch = batch_of([change(0), change(1, "2", **fields)], {}, layouts(), SYNCED)

    with pytest.raises(Refused):
        warehouse.apply(batch)

    assert warehouse.offsets() == {}
    load(warehouse, change(0))
    assert titles(settings) == [(1, "title 0", False)]


def test_key_that_no_index_holds_is_refused(warehouse: Warehouse) -> None:  # noqa: F811 - the fixture
    """An id of thousands of random characters is a fault of its record, and not of a database that is away."""
    long = "".join(f"{number * 2_654_435_761 % 2**32:08x}" for number in range(1_500))

    with pytest.raises(Refused):
        load(warehouse, change(0, key=f"shopify|my-shop||product|{long}"))


def test_json_is_kept_as_it_was_written(warehouse: Warehouse, settings: WarehouseSettings) -> None:  # noqa: F811 - the fixture
    """Numbers keep their digits, and an escaped NUL is no fault in a field that is JSON."""
    load(warehouse, change(0, document={"id": 1, "options": ["a\0b", 1.50]}))

    assert rows(settings, "SELECT options FROM my_shop.product") == [('["a\\u0000b",1.5]',)]


def test_row_forgets_what_its_newest_document_lacks(warehouse: Warehouse, settings: WarehouseSettings) -> None:  # noqa: F811 - the fixture
    """A column that a later batch does not even name is null, not what it was."""
    parent = "shopify|my-shop||order|7"
    load(warehouse, change(0, "1", parent_key=parent))
    load(warehouse, change(1, "1"))

    assert rows(settings, "SELECT order_id, title FROM my_shop.product") == [(None, "title 1")]


def test_long_names_stay_apart(warehouse: Warehouse, settings: WarehouseSettings) -> None:  # noqa: F811 - the fixture
    """PostgreSQL cuts names off after 63 bytes: the schema of the views would be that of the tables."""
    source = "s" * 63
    load(warehouse, change(0, source=source))

    (schema,) = rows(
        settings,
        "SELECT table_schema FROM information_schema.views WHERE table_schema LIKE 's%' AND table_name = 'product'",
    )
    assert schema[0] != source
    assert rows(settings, f'SELECT title FROM "{schema[0]}".product') == [("title 0",)]  # noqa: S608 - a name of the test


def test_views_of_others_and_rights_survive_a_new_column(
    warehouse: Warehouse,  # noqa: F811 - the fixture
    settings: WarehouseSettings,
    dsn: str,
) -> None:
    """Analysts build on the views; a column that is added neither breaks nor drops what they built."""
    load(warehouse, change(0, "1", document={"id": 1, "hue": "red"}))
    query(dsn, "CREATE VIEW mine AS SELECT title FROM my_shop.product_versions")
    grown = ColumnTable("shopify", "product", "", (Column("hue", "string", "Its colour."), *PRODUCT.columns))
    load(warehouse, change(1, "2", document={"id": 2, "hue": "blue", "title": "new"}), product=grown)

    assert rows(settings, "SELECT title FROM mine ORDER BY title") == [("new",), (None,)]
    assert rows(settings, "SELECT count(hue) FROM my_shop.product_versions") == [(1,)]


def test_table_of_someone_else_is_left_alone(warehouse: Warehouse, dsn: str) -> None:  # noqa: F811 - the fixture
    """A schema with the name of a source that others use is not extended."""
    query(dsn, "CREATE SCHEMA my_shop")
    query(dsn, "CREATE TABLE my_shop.product (sku text)")

    with pytest.raises(Unusable, match="is not a table of Penstock"):
        load(warehouse, change(0))

    assert query(dsn, "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'my_shop'") == [(1,)]


def test_second_writer_is_refused(
    warehouse: Warehouse,  # noqa: F811 - the fixture
    settings: WarehouseSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One session holds the warehouse, wherever its process runs."""
    monkeypatch.setattr("sinks.warehouse.engines.postgres.connection.CLAIM_S", 0.2)

    with pytest.raises(Unusable, match=r"the session [0-9]+ \(penstock load, from 127.0.0.1.*writes to this warehouse"):
        opening.writer(settings)


def test_writer_that_lost_its_session_is_fenced(settings: WarehouseSettings) -> None:
    """A pooler, or a network that failed, may leave two writers: the offsets tell the one that came too late."""
    with closing(opening.writer(settings)) as first:
        load(first, change(0))
        first.reopen()
        with closing(opening.writer(settings)) as second:
            load(second, change(1))
        with pytest.raises(Fenced):
            load(first, change(1), stored={("changes.shopify.product", 0): 1})


def test_server_that_crashes_is_unavailable_until_it_is_back(tmp_path: Path) -> None:
    """Sessions end and new ones are refused meanwhile; then the stored offsets are those of the last commit."""
    with postgres_server() as server:
        settings = WarehouseSettings("postgres", tmp_path, False, access(server.database()))
        with closing(opening.writer(settings)) as warehouse:
            load(warehouse, change(0))
            server.crash()
            for _ in range(2):
                with pytest.raises(Unavailable):
                    warehouse.offsets()
                warehouse.reopen()
            server.start()

            assert warehouse.offsets() == {("changes.shopify.product", 0): 1}


@pytest.mark.parametrize(
    "sql",
    [
        "COMMIT; DELETE FROM my_shop.product",
        "DO $$ BEGIN DELETE FROM my_shop.product; END $$",
        "DO $$ BEGIN COMMIT; DELETE FROM my_shop.product; END $$",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "WITH gone AS (DELETE FROM my_shop.product RETURNING 1) SELECT * FROM gone",
        "SET TRANSACTION READ WRITE",
        "COMMIT",
    ],
)
def test_query_cannot_write(warehouse: Warehouse, settings: WarehouseSettings, sql: str) -> None:  # noqa: F811 - the fixture
    """No way out of the transaction that cannot write."""
    load(warehouse, change(0))

    with pytest.raises(WrongQuery):
        result(settings, sql)

    assert len(titles(settings)) == 1


def test_every_type_becomes_arrow(settings: WarehouseSettings) -> None:
    """What Arrow has a type for keeps it, and the rest is text; a column of nulls too."""
    found = result(
        settings,
        "SELECT 1::smallint a, 12.50::numeric b, 'x'::text c, null::bigint d, '{\"a\": 1.50}'::jsonb e, "
        "'10.0.0.1'::inet f, timestamptz '2026-01-01 01:00+01' g, interval '1 day' h, array[1,2] i, 'NaN'::numeric j",
    )

    cells = {
        name: (str(column.type), str(column[0])) for name, column in zip(found.column_names, found.columns, strict=True)
    }
    assert cells == {
        "a": ("int16", "1"),
        "b": ("decimal128(4, 2)", "12.50"),
        "c": ("string", "x"),
        "d": ("int64", "None"),
        "e": ("string", '{"a": 1.50}'),
        "f": ("string", "10.0.0.1"),
        "g": ("timestamp[us, tz=UTC]", "2026-01-01 00:00:00+00:00"),
        "h": ("duration[us]", "1 day, 0:00:00"),
        "i": ("list<item: int64>", "[1, 2]"),
        "j": ("double", "nan"),
    }


def test_query_without_rows_has_columns(warehouse: Warehouse, settings: WarehouseSettings) -> None:  # noqa: F811 - the fixture
    """A result without rows keeps its names and types."""
    load(warehouse, change(0))

    found = result(settings, "SELECT id, title FROM my_shop.product WHERE false")

    assert (found.num_rows, found.column_names) == (0, ["id", "title"])


def test_emptied_warehouse_keeps_tables_and_rights(warehouse: Warehouse, settings: WarehouseSettings, dsn: str) -> None:  # noqa: F811 - the fixture
    """What a rebuild begins with: no rows, no offsets, and everything that others built on the tables."""
    load(warehouse, change(0))
    query(dsn, "CREATE VIEW mine AS SELECT title FROM my_shop.product")

    warehouse.empty()

    assert warehouse.offsets() == {REBUILD: 0}
    assert rows(settings, "SELECT * FROM mine") == []
    load(warehouse, change(0))
    assert rows(settings, "SELECT * FROM mine") == [("title 0",)]


def test_password_is_in_no_message(server: PostgresServer, tmp_path: Path, dsn: str) -> None:
    """A wrong password, a missing database, a dsn that is none: the message says what is wrong and shows no secret."""
    for wrong in (dsn.replace("dbname=", "dbname=no"), dsn.replace("user=penstock", "user=nobody"), "no dsn"):
        with pytest.raises(Unusable) as refused:
            result(WarehouseSettings("postgres", tmp_path, False, access(wrong)), "SELECT 1")
        assert PASSWORD not in str(refused.value)


def test_driver_error_is_retried(warehouse: Warehouse, dsn: str) -> None:  # noqa: F811 - the fixture
    """A session that an administrator ends is a database that is away for a moment."""
    load(warehouse, change(0))
    with psycopg.connect(dsn, password=PASSWORD, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'penstock load' "
            "AND datname = current_database()"
        )
    with pytest.raises(Unavailable):
        load(warehouse, change(1), stored={("changes.shopify.product", 0): 1})
    warehouse.reopen()
    load(warehouse, change(1))
