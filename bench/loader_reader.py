"""Records when rows become visible to another process, as `python -m bench.loader_reader ENGINE FOLDER FILE`.

Reports on stdout when it reads. At SIGTERM it writes `<monotonic seconds> <delivery id>` for each row into the file.
"""

import signal
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from sinks.warehouse import opening
from sinks.warehouse.errors import WarehouseError
from sinks.warehouse.settings import WarehouseSettings

POLL_S = 0.2
NEW = "SELECT _delivery_id, _penstock_synced_at FROM bench.product_history WHERE _penstock_synced_at > ?"


def run(engine: Any, folder: Path, file: Path) -> None:
    """Look for new rows until SIGTERM, each time over a connection of its own, as an analyst's next query does."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    settings = WarehouseSettings(engine, folder / "warehouse", False)
    newest, seen = datetime.now(UTC), list[str]()
    print("reading", flush=True)
    while not stopping:
        try:
            with closing(opening.reader(settings)) as reader:
                rows = reader.execute(NEW, [newest]).fetchall()
        except (WarehouseError, duckdb.Error):  # the loader has the file of `duckdb`
            continue
        at_s = time.monotonic()
        seen += [f"{at_s} {delivery_id}\n" for delivery_id, _ in rows]
        newest = max((synced_at for _, synced_at in rows), default=newest)
        time.sleep(POLL_S)
    file.write_text("".join(seen))


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
