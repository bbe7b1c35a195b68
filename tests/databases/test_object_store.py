"""DuckLake outgrown: the catalogue in PostgreSQL, the files in an object store, configured as a user does."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.loading import load as load_configuration
from sinks.warehouse import opening
from sinks.warehouse.errors import Unavailable
from sinks.warehouse.settings import WarehouseSettings, warehouse_settings
from tests.support.builders.loaded_changes import change
from tests.support.processes.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, object_store
from tests.support.processes.postgres import PASSWORD
from tests.unit.sinks.warehouse.test_engines import files_in_use, load, rows, titles

pytestmark = pytest.mark.databases
PLACE = ("changes.shopify.product", 0)
CONFIGURATION = """
[warehouse]
engine = "ducklake"
dsn = "{dsn}"
password = "env:DATABASE"
data = "s3://lake/{prefix}"
[warehouse.s3]
access_key = "env:ACCESS"
secret_key = "env:SECRET"
endpoint = "{endpoint}"
url_style = "path"
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    """Give a running object store."""
    with object_store(tmp_path) as running:
        yield running


def settings_of(directory: Path, dsn: str, store: ObjectStore, secret: str = SECRET_KEY) -> WarehouseSettings:
    """Return the settings of a configuration."""
    file = directory / "penstock.toml"
    file.write_text(CONFIGURATION.format(dsn=dsn, prefix="warehouse", endpoint=store.endpoint))
    environ = {"DATABASE": PASSWORD, "ACCESS": ACCESS_KEY, "SECRET": secret}
    return warehouse_settings(load_configuration(file, environ), directory, environ)


def test_lake_in_an_object_store(tmp_path: Path, dsn: str, store: ObjectStore) -> None:
    """Rows are read as they were written; compaction leaves the files that are in use, and no other."""
    settings = settings_of(tmp_path, dsn, store)
    with closing(opening.writer(settings)) as warehouse:
        for batch in range(4):
            load(warehouse, *(change(50 * batch + number, str(number)) for number in range(50)))
        before, many = titles(settings), len(store.names("warehouse/"))
        warehouse.compact(0)

    assert len(before) == 50
    assert titles(settings) == before
    assert rows(settings, "SELECT count(*), count(DISTINCT _event_id) FROM my_shop.product_history") == [(200, 200)]
    assert len(store.names("warehouse/")) < many
    assert store.names("warehouse/") == files_in_use(settings)


def test_store_that_is_away_is_unavailable(tmp_path: Path, dsn: str) -> None:
    """Nothing of the batch is written, and no message shows a secret."""
    with object_store(tmp_path) as store:
        settings = settings_of(tmp_path, dsn, store)
        warehouse = opening.writer(settings)
        load(warehouse, *(change(number, str(number)) for number in range(50)))
    with closing(warehouse):
        with pytest.raises(Unavailable) as away:
            load(warehouse, *(change(50 + number, str(number)) for number in range(50)), stored={PLACE: 50})

        warehouse.reopen()
        assert warehouse.offsets() == {PLACE: 50}
        assert SECRET_KEY not in str(away.value)
        assert PASSWORD not in str(away.value)
