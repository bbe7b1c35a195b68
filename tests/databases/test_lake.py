"""DuckLake with its catalogue in PostgreSQL keeps what it keeps with one in SQLite, and loaders of other machines are refused."""

from contextlib import closing
from pathlib import Path

import pytest

from sinks.warehouse import opening
from sinks.warehouse.engines.engine import REBUILD, Warehouse
from sinks.warehouse.errors import Unavailable, Unusable
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.loaded_changes import change
from tests.support.processes.postgres import PASSWORD, access, postgres_server, query
from tests.unit.sinks.warehouse.test_engines import (  # noqa: F401 - the same promises, kept with another catalogue
    load,
    rows,
    test_batch_that_was_read_twice_is_refused_whole,
    test_compaction_leaves_the_rows_and_no_orphan,
    test_current_is_the_fold_and_history_is_everything,
    test_new_columns_are_added,
    test_query_changes_nothing,
    test_status_counts_rows,
    test_value_that_cannot_be_kept_writes_nothing,
    titles,
    warehouse,
)

pytestmark = pytest.mark.databases
PLACE = ("changes.shopify.product", 0)


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new warehouse."""
    return WarehouseSettings("ducklake", tmp_path / "warehouse", False, access(dsn))


def test_loader_of_another_machine_is_refused(
    warehouse: Warehouse,  # noqa: F811 - the fixture
    settings: WarehouseSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another folder has another lock; the catalogue is the same."""
    monkeypatch.setattr("sinks.warehouse.engines.postgres.connection.CLAIM_S", 0.2)
    elsewhere = WarehouseSettings("ducklake", tmp_path / "elsewhere", False, settings.database)

    with pytest.raises(Unusable, match="writes to this warehouse"):
        opening.writer(elsewhere)


def test_lock_that_was_lost_is_taken_again_before_a_batch(
    warehouse: Warehouse,  # noqa: F811 - the fixture
    settings: WarehouseSettings,
    dsn: str,
) -> None:
    """A session that an administrator ends takes the lock along; nothing is written without it."""
    load(warehouse, change(0))
    ending = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'penstock load' "
        "AND datname = current_database()"
    )
    query(dsn, ending)

    with pytest.raises(Unavailable):
        load(warehouse, change(1), stored={PLACE: 1})
    warehouse.reopen()
    load(warehouse, change(1))

    held = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert query(dsn, held) == [(1,)]
    assert titles(settings) == [(1, "title 1", False)]


def test_catalogue_that_crashes_is_unavailable_until_it_is_back(tmp_path: Path) -> None:
    """No error shows the password, and afterwards the stored offsets are those of the last commit."""
    with postgres_server() as server:
        settings = WarehouseSettings("ducklake", tmp_path, False, access(server.database()))
        with closing(opening.writer(settings)) as warehouse:
            load(warehouse, change(0))
            server.crash()
            with pytest.raises(Unavailable) as away:
                load(warehouse, change(1), stored={PLACE: 1})
            warehouse.reopen()
            with pytest.raises(Unusable) as unreadable:
                titles(settings)
            server.start()

            assert PASSWORD not in str(away.value) + str(unreadable.value)
            assert warehouse.offsets() == {PLACE: 1}


def test_emptied_lake_is_loaded_again(warehouse: Warehouse, settings: WarehouseSettings) -> None:  # noqa: F811 - the fixture
    """What a rebuild begins with: no rows and no offsets."""
    load(warehouse, change(0))
    warehouse.empty()

    assert (warehouse.offsets(), titles(settings)) == ({REBUILD: 0}, [])
    load(warehouse, change(0))
    assert len(titles(settings)) == 1


def test_backup_says_what_to_do(warehouse: Warehouse, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """A copy of the folder would be half of the warehouse."""
    with pytest.raises(Unusable, match=r"first the catalogue \(pg_dump"):
        warehouse.backup(tmp_path / "copy")
