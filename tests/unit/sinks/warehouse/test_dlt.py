"""A destination of dlt keeps the tables, whatever is repeated and however late it comes."""

from contextlib import closing
from pathlib import Path

import pytest

from schemas.typed.columns import Column, ColumnTable
from sinks.warehouse import opening
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.errors import Refused, Unusable
from sinks.warehouse.rows.records import BadRecord, LoadedOutcome, Place
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.loaded_changes import PRODUCT, change
from tests.unit.sinks.warehouse.test_engines import (  # noqa: F401 - the same promises, kept by another engine
    OUTCOME,
    load,
    rows,
    test_batch_that_was_read_twice_is_refused_whole,
    test_change_from_a_lower_lane_does_not_overwrite,
    test_copy_on_another_topic_is_one_change,
    test_current_is_the_fold_and_history_is_everything,
    test_status_counts_rows,
    titles,
    warehouse,
)

PLACE = ("changes.shopify.product", 0)


@pytest.fixture
def settings(tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new warehouse."""
    return WarehouseSettings("dlt", tmp_path / "warehouse", False, destination="duckdb")


def test_rows_without_their_offsets_are_written_again(
    settings: WarehouseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between rows and offsets, the next loader reads the same changes: none is doubled, and offsets follow rows."""
    changes = [change(0, "1", op="c"), change(1, "2", op="c"), change(2, "1")]
    with closing(opening.writer(settings)) as killed:
        load(killed, change(0, "3", partition=1))
        monkeypatch.setattr("sinks.warehouse.engines.dlt_destination.offset_rows", _killed)
        with pytest.raises(KeyboardInterrupt):
            load(killed, *changes)
        monkeypatch.undo()
    assert len(titles(settings)) == 3

    with closing(opening.writer(settings)) as warehouse:  # noqa: F811 - one of its own
        assert PLACE not in warehouse.offsets()
        load(warehouse, *changes)
        assert warehouse.offsets()[PLACE] == 3

    assert rows(settings, "SELECT count(*), count(DISTINCT _event_id) FROM my_shop.product_history") == [(4, 4)]
    assert len(titles(settings)) == 3


def _killed(_: object) -> None:
    raise KeyboardInterrupt


def test_working_folder_may_be_lost(settings: WarehouseSettings) -> None:
    """A container without a volume: tables, columns and offsets are learned from the destination."""
    grown = ColumnTable("shopify", "product", "", (*PRODUCT.columns, Column("hue", "string", "Its colour.")))
    with closing(opening.writer(settings)) as first:
        load(first, change(0, "1"))
    with closing(opening.writer(settings)) as second:
        assert second.offsets() == {PLACE: 1}
        load(second, change(1, "2", document={"id": 2, "hue": "blue"}), product=grown)

    assert rows(settings, "SELECT id, hue FROM my_shop.product ORDER BY id") == [(1, None), (2, "blue")]


def test_outcomes_and_bad_records_are_kept_once(warehouse: Warehouse, settings: WarehouseSettings) -> None:  # noqa: F811 - the fixture
    """Repeated, they are the same rows."""
    bad = BadRecord(Place("changes.x", 2, 5), "not_avro", "expected Avro", b"\x01")
    outcome = LoadedOutcome(Place("deliveries.outcomes", 0, 0), OUTCOME)
    for _ in range(2):
        load(warehouse, outcome, bad)

    assert rows(settings, "SELECT delivery_id, outcome FROM penstock._penstock_outcomes") == [("d", "changed")]
    assert rows(settings, "SELECT topic, partition, value FROM penstock._penstock_bad_records") == [
        ("changes.x", 2, b"\x01")
    ]


def test_value_that_cannot_be_kept_leaves_the_offsets(warehouse: Warehouse) -> None:  # noqa: F811 - the fixture
    """One impossible cell refuses the batch, so that the loader can find it."""
    with pytest.raises(Refused):
        load(warehouse, change(0), change(2, "3", raw_offset=2**70))

    assert warehouse.offsets() == {}


@pytest.mark.parametrize("destination", ["filesystem", "nowhere"])
def test_destination_that_cannot_repeat_is_refused(tmp_path: Path, destination: str) -> None:
    """Only to append would double what a killed loader had written; the message says so before anything is read."""
    with pytest.raises(Unusable, match=r"warehouse\.destination"):
        opening.writer(WarehouseSettings("dlt", tmp_path, False, destination=destination))
