"""Rows of states, in both engines: no resource is missing, no later change is overwritten, nothing is in a history twice."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from config.model import Configuration
from sinks.warehouse import opening
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.records import BadRecord, LoadedChange, Place, Record
from sinks.warehouse.rows.states import Uses, states_batch
from sinks.warehouse.settings import WarehouseSettings
from sinks.warehouse.states import uses
from tests.support.builders.loaded_changes import START, SYNCED, change, layouts
from tests.unit.sinks.warehouse.test_engines import rows

TOPIC = "state.shopify.product"
CURRENT = "SELECT id, title, _penstock_deleted, _raw_offset FROM my_shop.product ORDER BY id"


@pytest.fixture(params=["ducklake", "duckdb"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new warehouse of each engine."""
    return WarehouseSettings(request.param, tmp_path / "warehouse", False)


@pytest.fixture
def warehouse(settings: WarehouseSettings) -> Iterator[Warehouse]:
    """Give that warehouse, open for writing."""
    with closing(opening.writer(settings)) as opened:
        yield opened


def state(offset: int, led_by: LoadedChange, **fields: Any) -> LoadedChange:
    """Return the state that a change has led to, as the loader reads it at an offset."""
    made = replace(led_by, place=Place(TOPIC, 0, offset), op="r", before=None, event_time=None, api_version=None)
    return replace(made, raw_partition=-1, raw_offset=-1, **fields)


def tombstone(offset: int, led_by: LoadedChange) -> LoadedChange:
    """Return the tombstone behind the deletion of a resource. Kafka received it when the next changes were decided already."""
    return replace(
        state(offset, led_by, op="d", after=None, event_id=""), emitted_at=led_by.emitted_at + timedelta(minutes=1)
    )


def add_states(warehouse: Warehouse, *records: Record, used: Uses = lambda _state: True) -> None:
    """Apply records of `state.*` as one batch."""
    warehouse.apply(states_batch(used, records, warehouse.offsets(), layouts(), SYNCED))


def add_changes(warehouse: Warehouse, *records: Record) -> None:
    """Apply changes as one batch."""
    warehouse.apply(batch_of(records, warehouse.offsets(), layouts(), SYNCED))


def in_order(states_first: bool, states: Callable[[], None], changes: Callable[[], None]) -> None:
    """Apply states and changes in one order or the other."""
    for step in (states, changes) if states_first else (changes, states):
        step()


def history(settings: WarehouseSettings) -> list[tuple[Any, ...]]:
    """Return the ids of all changes in the history, with duplicates."""
    return rows(settings, "SELECT _event_id FROM my_shop.product_history ORDER BY 1")


def test_state_without_a_change_is_a_row_without_history(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Retention took the change: the resource is there all the same, with the id of that change and nothing made up."""
    add_states(warehouse, state(0, change(7)))

    assert rows(settings, CURRENT) == [(1, "title 7", False, None)]
    known = "SELECT _event_id, _version, _emitted_at, _event_time, _received_at, _raw_partition FROM my_shop.product"
    at = START + timedelta(seconds=7)
    assert rows(settings, known) == [(change(7).event_id, at, at, None, None, None)]
    assert history(settings) == []


@pytest.mark.parametrize("states_first", [True, False])
def test_change_of_a_state_is_there_once(warehouse: Warehouse, settings: WarehouseSettings, states_first: bool) -> None:
    """Whichever is read first, the row is that of the change, which has its place, and the history has it once."""
    in_order(
        states_first, partial(add_states, warehouse, state(0, change(7))), partial(add_changes, warehouse, change(7))
    )

    assert rows(settings, CURRENT) == [(1, "title 7", False, 7)]
    assert history(settings) == [(change(7).event_id,)]


@pytest.mark.parametrize("states_first", [True, False])
def test_later_one_wins(warehouse: Warehouse, settings: WarehouseSettings, states_first: bool) -> None:
    """A state older than a change loses to it, and one newer than a change wins, in either order of reading."""
    deleted = change(9, op="d", document={"id": 1, "title": "title 3"})
    states = partial(add_states, warehouse, state(0, change(3)), state(1, change(8, "2")))
    in_order(states_first, states, partial(add_changes, warehouse, change(2, "2"), deleted))

    assert rows(settings, CURRENT) == [(1, "title 3", True, 9), (2, "title 8", False, None)]
    assert len(history(settings)) == 2


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_tombstone_marks_the_row_of_a_state(
    warehouse: Warehouse, settings: WarehouseSettings, is_one_batch: bool
) -> None:
    """A resource whose deletion is on no topic any more is not shown as alive; one that came again is."""
    records = [state(0, change(1)), state(1, change(2, "2")), tombstone(2, change(3)), tombstone(3, change(4, "2"))]
    records.append(state(4, change(5, "2")))
    for part in [records] if is_one_batch else [[record] for record in records]:
        add_states(warehouse, *part)

    assert rows(settings, CURRENT) == [(1, "title 1", True, None), (2, "title 5", False, None)]
    assert warehouse.offsets() == {(TOPIC, 0): 5}


def test_state_on_a_former_topic_is_older(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """A type that got a topic of its own leaves its last state on the former one, where nothing replaces it."""
    former = replace(state(9, change(1)), place=Place("state.shopify.other", 0, 9))
    add_states(warehouse, state(0, change(5)), former)

    assert rows(settings, CURRENT) == [(1, "title 5", False, None)]


def test_tombstone_leaves_the_row_of_a_change(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Its deletion comes from the change topic, with all that is known of it; of what was never there no table is made."""
    add_changes(warehouse, change(1))
    add_states(warehouse, tombstone(0, change(2)), tombstone(1, change(3, "1", resource_type="order")))

    assert rows(settings, CURRENT) == [(1, "title 1", False, 1)]
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'order'"
    assert rows(settings, tables) == [(0,)]


def test_state_that_is_not_used_moves_the_offset(warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """What a route keeps from the loader makes no row, and a record that is no state is kept apart."""
    bad = BadRecord(Place(TOPIC, 0, 2), "not_avro", "expected a state", b"x")
    add_states(warehouse, state(0, change(0)), state(1, change(1, "2")), bad, used=lambda one: one.resource_id == "1")

    assert rows(settings, CURRENT) == [(1, "title 0", False, None)]
    assert rows(settings, "SELECT reason FROM _penstock_bad_records") == [("not_avro",)]
    assert warehouse.offsets() == {(TOPIC, 0): 3}


SOURCE = {"name": "my-shop", "provider": "shopify", "secrets": ["text:made-up"]}


@pytest.mark.parametrize(
    ("routes", "is_used"),
    [
        ([], True),
        ([{"name": "r", "mode": "raw", "topic": "copies"}], True),
        ([{"name": "r"}], True),
        ([{"name": "r", "resource": "product", "topic": "mine", "priority": "high"}], True),
        ([{"name": "r", "resource": "order"}], False),
        ([{"name": "r", "source": "my-shop", "tenant": "other"}], False),
        ([{"name": "r", "filter": "vendor:Acme"}], False),
        ([{"name": "r", "include_fields": ["title"]}], False),
        ([{"name": "r", "operations": ["c", "u"]}], False),
        ([{"name": "r", "event_type": "products/update"}], False),
        ([{"name": "some", "filter": "vendor:Acme"}, {"name": "all", "provider": "shopify"}], True),
    ],
)
def test_states_fill_gaps_only_where_a_route_takes_everything(routes: list[dict[str, Any]], is_used: bool) -> None:
    """A rebuild shows nothing that a filter or a projection keeps from the loader."""
    configuration = Configuration.model_validate({"sources": [SOURCE], "routes": routes})

    assert uses(configuration)(state(0, change(0))) is is_used
