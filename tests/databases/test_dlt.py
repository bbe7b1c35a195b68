"""dlt with PostgreSQL as its destination: another driver, whose errors must be told apart."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sinks.warehouse import opening
from sinks.warehouse.engines.engine import Warehouse
from sinks.warehouse.errors import Refused, Unavailable
from sinks.warehouse.settings import Credentials, WarehouseSettings
from tests.support.builders.loaded_changes import change
from tests.support.processes.postgres import PASSWORD, USER, PostgresServer, postgres_server, query
from tests.unit.sinks.warehouse.test_engines import load

pytestmark = pytest.mark.databases
PLACE = ("changes.shopify.product", 0)


def settings_of(folder: Path, server: PostgresServer, dsn: str) -> WarehouseSettings:
    """Return the settings of a warehouse in a database."""
    url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{dsn.rpartition('=')[2]}"
    return WarehouseSettings("dlt", folder, False, destination="postgres", credentials=Credentials(f"text:{url}", {}))


@pytest.fixture
def opened(server: PostgresServer, dsn: str, tmp_path: Path) -> Iterator[Warehouse]:
    """Give a new warehouse, open for writing."""
    with closing(opening.writer(settings_of(tmp_path, server, dsn))) as made:
        yield made


def test_current_is_the_fold_and_history_is_everything(opened: Warehouse, dsn: str) -> None:
    """What comes late or twice from other topics changes nothing."""
    load(opened, change(0), change(1, "2"), change(9))
    load(opened, change(4, topic="changes.shopify.product.low"))
    load(opened, change(9, topic="vip"))

    assert query(dsn, "SELECT id, title FROM my_shop.product ORDER BY id") == [(1, "title 9"), (2, "title 1")]
    assert query(dsn, "SELECT count(*), count(DISTINCT _event_id) FROM my_shop.product_history") == [(4, 4)]


def test_value_that_the_destination_refuses_is_found(opened: Warehouse) -> None:
    """PostgreSQL's text has no NUL. dlt tries again and then gives up; it is the record's fault all the same."""
    load(opened, change(0))

    with pytest.raises(Refused):
        load(opened, change(1, document={"id": 1, "title": "a\0b"}))

    opened.reopen()
    assert opened.offsets() == {PLACE: 1}


def test_destination_that_crashes_is_unavailable_until_it_is_back(tmp_path: Path) -> None:
    """No message shows the password."""
    with (
        postgres_server() as server,
        closing(opening.writer(settings_of(tmp_path, server, server.database()))) as warehouse,
    ):
        load(warehouse, change(0))
        server.crash()
        for _ in range(2):
            with pytest.raises(Unavailable) as away:
                warehouse.offsets()
            assert PASSWORD not in str(away.value)
            warehouse.reopen()
        server.start()

        load(warehouse, change(1))
        assert warehouse.offsets() == {PLACE: 2}
