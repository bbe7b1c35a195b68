"""The analysts' views on PostgreSQL: the same figures, and no view stops the loader or takes others along."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from schemas.typed.columns import column_table
from sinks.warehouse import opening
from sinks.warehouse.engines.statements import MARK
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.shape import Layouts
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.analysts_sample import load_sample, sample_changes
from tests.support.builders.loaded_changes import SYNCED
from tests.support.processes.postgres import PASSWORD, PostgresServer, access, query
from tests.unit.sinks.warehouse.views.test_analytics import (  # noqa: F401 - the same figures, from another engine
    OWN,
    rows,
    test_inventory_over_time,
    test_monthly_recurring_revenue,
    test_orders_per_day,
    test_product_price_history,
    test_time_to_merge,
)

pytestmark = pytest.mark.databases
ORDERS = "my_shop_analytics.orders_per_day"
COUNT = f"SELECT sum(orders) FROM {ORDERS}"  # noqa: S608 - a constant

DAYS = f"SELECT day FROM {ORDERS}"  # noqa: S608 - likewise


@pytest.fixture(scope="module")
def warehouse(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> WarehouseSettings:
    """Give a warehouse that holds the sample."""
    settings = WarehouseSettings("postgres", tmp_path_factory.mktemp("views"), False, access(server.database()))
    with closing(opening.writer(settings)) as opened:
        load_sample(opened)
    return settings


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a warehouse that holds the orders of the sample."""
    made = WarehouseSettings("postgres", tmp_path, False, access(dsn))
    add(made, "order")
    return made


def add(settings: WarehouseSettings, *resource_types: str) -> None:
    """Load the sample's changes of some resource types by a writer of its own."""
    wanted = [one for one in sample_changes() if one.resource_type in resource_types]
    with closing(opening.writer(settings)) as opened:
        opened.apply(batch_of(wanted, opened.offsets(), Layouts(column_table, OWN), SYNCED))


def add_again(settings: WarehouseSettings) -> None:
    """Load an order by a loader that has just started."""
    (*_, last) = [one for one in sample_changes() if one.resource_type == "order"]
    with closing(opening.writer(settings)) as opened:
        opened.apply(batch_of([last], opened.offsets(), Layouts(column_table, OWN), SYNCED))


def make_older(dsn: str) -> None:
    """Put a view of an older version, with another type of a column, in the place of one."""
    query(dsn, f"DROP VIEW {ORDERS}")
    query(dsn, f"CREATE VIEW {ORDERS} AS SELECT 'a day'::text AS day")
    query(dsn, f"COMMENT ON VIEW {ORDERS} IS '{MARK}older'")


def test_unchanged_view_is_left_alone(settings: WarehouseSettings, dsn: str) -> None:
    """A start changes no view: that would wait for every query that runs."""
    versions = "SELECT oid, xmin::text FROM pg_class WHERE relname IN ('orders_per_day', 'order_versions') ORDER BY 1"
    before = query(dsn, versions)

    add_again(settings)

    assert len(before) == 2
    assert query(dsn, versions) == before


def test_changed_view_is_made_anew(settings: WarehouseSettings, dsn: str) -> None:
    """An upgrade may change a column's type, which CREATE OR REPLACE refuses."""
    make_older(dsn)

    add_again(settings)

    assert query(dsn, COUNT) == [(6,)]


def test_changed_view_that_others_build_on_stays(settings: WarehouseSettings, dsn: str) -> None:
    """To drop it would take theirs along; rows are written all the same."""
    make_older(dsn)
    query(dsn, f"CREATE VIEW mine AS SELECT day FROM {ORDERS}")  # noqa: S608 - a constant
    query(dsn, 'DELETE FROM my_shop."order"')

    add_again(settings)

    assert query(dsn, "SELECT day FROM mine") == [("a day",)]
    assert query(dsn, 'SELECT count(*) FROM my_shop."order"') == [(1,)]


def test_view_of_someone_else_stays(settings: WarehouseSettings, dsn: str) -> None:
    """One that an analyst has made under the same name has no comment of Penstock's."""
    query(dsn, f"DROP VIEW {ORDERS}")
    query(dsn, f"CREATE VIEW {ORDERS} AS SELECT 7 AS orders")

    add_again(settings)

    assert query(dsn, COUNT) == [(7,)]


def test_query_that_holds_a_view_stops_no_rows(
    settings: WarehouseSettings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that has read the view keeps the new one away for as long as it lasts; the next start makes it."""
    monkeypatch.setattr("sinks.warehouse.engines.postgres.views.WAIT", "100ms")
    make_older(dsn)
    query(dsn, 'DELETE FROM my_shop."order"')
    with psycopg.connect(dsn, password=PASSWORD) as reader:
        reader.execute(DAYS.encode())

        add_again(settings)

        assert query(dsn, 'SELECT count(*) FROM my_shop."order"') == [(1,)]
        assert query(dsn, DAYS) == [("a day",)]
    add_again(settings)
    assert ("a day",) not in query(dsn, DAYS)


def test_table_that_comes_later_gives_its_names(dsn: str, tmp_path: Path) -> None:
    """A view without one of its tables has nulls there, of the type that the table's column has."""
    settings = WarehouseSettings("postgres", tmp_path, False, access(dsn))
    add(settings, "inventory_level")
    query(dsn, "CREATE VIEW mine AS SELECT DISTINCT location FROM my_shop_analytics.inventory_over_time ORDER BY 1")
    before = query(dsn, "SELECT * FROM mine")
    add(settings, "location")

    assert before == [(None,)]
    assert query(dsn, "SELECT * FROM mine") == [("Main Street",), (None,)]
