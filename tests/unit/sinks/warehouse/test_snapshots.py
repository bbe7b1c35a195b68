"""What readers of a DuckLake see while its files are merged: the rows of their snapshot, in each query of a transaction."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sinks.warehouse import opening
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.engines.lake_files import TOGETHER
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.loaded_changes import SYNCED, change, layouts

ROWS = 20  # in a batch: fewer than ten stay in the catalogue, where nothing is merged
KEEP_S = 3600.0
COUNT = "SELECT count(*), count(DISTINCT _event_id) FROM my_shop.product_history"


@pytest.fixture
def settings(tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new lake."""
    return WarehouseSettings("ducklake", tmp_path / "warehouse", False)


@pytest.fixture
def warehouse(settings: WarehouseSettings) -> Iterator[Warehouse]:
    """Give that lake, with one file fewer than are merged."""
    with closing(opening.writer(settings)) as opened:
        for number in range(TOGETHER - 1):
            add(opened, number)
        yield opened


def add(warehouse: Warehouse, number: int) -> None:
    """Write the batch of a number."""
    changes = [change(number * ROWS + row, str(row)) for row in range(ROWS)]
    warehouse.apply(batch_of(changes, warehouse.offsets(), layouts(), SYNCED))


def history_files(settings: WarehouseSettings) -> set[str]:
    """Return the names of the files of the history."""
    return {file.name for file in (settings.folder / "data/my_shop/product_history").glob("*.parquet")}


def of(batches: int) -> list[tuple[int, int]]:
    """Return what `COUNT` gives for so many batches."""
    return [(batches * ROWS, batches * ROWS)]


def test_named_snapshot_stays(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Its rows are the same after its files were merged with later ones."""
    with closing(opening.reader(settings)) as reader:
        (newest,) = reader.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('warehouse')").fetchall()[0]
        add(warehouse, TOGETHER - 1)
        warehouse.compact(KEEP_S)

        assert reader.execute(f"{COUNT} AT (VERSION => {newest})").fetchall() == of(TOGETHER - 1)
        assert reader.execute(COUNT).fetchall() == of(TOGETHER)


@pytest.mark.parametrize("condition", ["", " WHERE _raw_offset >= 0"])
def test_transaction_of_several_queries_stays(
    warehouse: Warehouse, settings: WarehouseSettings, condition: str
) -> None:
    """It has one snapshot for all of its queries, whether or not they skip rows by the statistics of files."""
    with closing(opening.reader(settings)) as reader:
        reader.execute("BEGIN TRANSACTION")
        assert reader.execute(COUNT + condition).fetchall() == of(TOGETHER - 1)
        add(warehouse, TOGETHER - 1)
        warehouse.compact(KEEP_S)

        assert reader.execute(COUNT + condition).fetchall() == of(TOGETHER - 1)
        reader.execute("COMMIT")
        assert reader.execute(COUNT + condition).fetchall() == of(TOGETHER)


def test_replaced_files_are_kept_for_a_time(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Queries that have begun read the files that were merged; once no kept snapshot needs them, they are deleted."""
    add(warehouse, TOGETHER - 1)
    replaced = history_files(settings)
    warehouse.compact(KEEP_S)
    merged = history_files(settings) - replaced

    assert len(replaced) == TOGETHER
    assert len(merged) == 1
    warehouse.compact(0)
    assert history_files(settings) == merged


def test_few_files_of_a_size_are_left_alone(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Or each compaction would write every row again."""
    before = history_files(settings)

    warehouse.compact(0)

    assert history_files(settings) == before
