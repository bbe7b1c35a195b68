"""What readers of a warehouse get on standard output is their result alone, and times are in UTC."""

from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from sinks.warehouse import opening
from sinks.warehouse.settings import WarehouseSettings


@pytest.mark.parametrize("engine", ["ducklake", "duckdb"])
def test_slow_query_draws_no_progress(engine: Literal["ducklake", "duckdb"], tmp_path: Path) -> None:
    """DuckDB draws a bar on standard output once a query takes two seconds, unless it is told not to."""
    settings = WarehouseSettings(engine, tmp_path / "warehouse", False)
    with closing(opening.writer(settings)) as made:
        made.offsets()
    with closing(opening.reader(settings)) as reader:
        found = reader.execute("SELECT current_setting('enable_progress_bar'), current_setting('TimeZone')").fetchone()

    assert found == (False, "UTC")
