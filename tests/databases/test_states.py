"""Rows of states in warehouses that are in a database: what is promised of one in a folder, and a rebuild of each."""

import subprocess
import uuid
from pathlib import Path

import pytest

from local.guard import spawn
from sinks.warehouse.settings import WarehouseSettings
from tests.databases.test_load import settings_text
from tests.kafka.test_load_rebuild import (
    CHANGES,
    CURRENT,
    DELETED,
    HISTORY,
    finish_rebuild,
    loaded_normally,
    of,
    truncate,
)
from tests.support.processes.loaders import (
    PENSTOCK,
    Feed,
    Loader,
    changes_of,
    kafka_of_loaders,  # noqa: F401 - the fixture `kafka` of this module: a rebuild reads what all tests have written
    loader,
)
from tests.support.processes.postgres import PostgresServer, access
from tests.support.waiting import until
from tests.unit.sinks.warehouse.test_states import (  # noqa: F401 - the same promises, kept in a database
    test_change_of_a_state_is_there_once,
    test_later_one_wins,
    test_state_on_a_former_topic_is_older,
    test_state_that_is_not_used_moves_the_offset,
    test_state_without_a_change_is_a_row_without_history,
    test_tombstone_leaves_the_row_of_a_change,
    test_tombstone_marks_the_row_of_a_state,
    warehouse,
)

pytestmark = pytest.mark.databases


@pytest.fixture(params=["postgres", "ducklake"])
def settings(request: pytest.FixtureRequest, dsn: str, tmp_path: Path) -> WarehouseSettings:
    """Give the settings of a new warehouse of each engine."""
    return WarehouseSettings(request.param, tmp_path / "warehouse", False, access(dsn))


@pytest.mark.kafka
@pytest.mark.parametrize(("engine", "resource"), [("postgres", "collection"), ("ducklake", "theme")])
def test_rebuild_has_what_retention_took(
    kafka: str, registry: str, server: PostgresServer, tmp_path: Path, engine: str, resource: str
) -> None:
    """It has every resource, with its last change, and what is left of the history once; run again, it has the same."""
    source, topic = (
        f"rebuild-{uuid.uuid4().hex[:8]}",
        f"changes.loaded.{resource}",
    )  # no other test truncates or reads it
    with loader(tmp_path, kafka, registry, source, engine, settings_text(server, engine)) as loading:
        before = loaded_normally(loading, Feed(kafka, registry, source, 200, resource), resource)
        truncate(kafka, topic)
        left = [change["event_id"] for change in changes_of(kafka, registry, source, topic)]

        for _ in range(2):
            finish_rebuild(loading)

            assert (loading.rows(of(resource, CURRENT)), loading.rows(of(resource, DELETED))) == before
            assert [row["_event_id"] for row in loading.rows(of(resource, HISTORY))] == sorted(left)
        assert 0 < len(left) < CHANGES


@pytest.mark.kafka
@pytest.mark.parametrize(("engine", "resource"), [("postgres", "discount"), ("ducklake", "metaobject")])
def test_killed_rebuild_goes_on(
    kafka: str, registry: str, server: PostgresServer, tmp_path: Path, engine: str, resource: str
) -> None:
    """The loader refuses the half of a warehouse, and says what to do; the next run completes it."""
    source = f"rebuild-{uuid.uuid4().hex[:8]}"
    with loader(tmp_path, kafka, registry, source, engine, settings_text(server, engine)) as loading:
        before = loaded_normally(loading, Feed(kafka, registry, source, 200, resource), resource)
        child = spawn([PENSTOCK, "warehouse", "rebuild"], log=loading.log, environment=loading.environment)
        try:
            until(lambda: len(places(loading)) > 1 or child.exit_code() is not None, 120, "a batch", poll_s=0.05)
        finally:
            child.kill()
        assert "_rebuild" in places(loading), "it was killed in the middle"

        done = subprocess.run(
            [PENSTOCK, "load"], env=loading.environment, capture_output=True, text=True, check=False, timeout=120
        )
        finish_rebuild(loading)

        assert done.returncode == 3, done.stdout + done.stderr
        assert "run penstock warehouse rebuild again" in done.stdout + done.stderr
        assert (loading.rows(of(resource, CURRENT)), loading.rows(of(resource, DELETED))) == before
        assert "_rebuild" not in places(loading)


def places(loading: Loader) -> set[str]:
    """Return the topics with stored offsets, and the note of a rebuild; nothing before there is one."""
    found = {row["topic"] for row in loading.rows("SELECT topic FROM _penstock_offsets")}
    return found if "_rebuild" in found else set()
