"""A reader scans for a minute without pause, while the loader commits and compacts."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from sinks.warehouse import opening
from tests.support.oracle.loaded_rows import assert_rows_equal
from tests.support.processes.loaders import Feed, changes_of, history_count, loader, scan_of
from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]
HELD_S = 60.0


def test_reader_of_a_minute(kafka: str, registry: str, tmp_path: Path) -> None:
    """No scan within the minute sees fewer rows than one before it; afterwards everything written meanwhile is there, once."""
    source = f"reader-{uuid.uuid4().hex[:8]}"
    feed, stopping = Feed(kafka, registry, source), threading.Event()
    before = feed.write(10)
    more = "batch_rows = 500\nbatch_s = 0.1\ncompact_every = 2\n"
    with loader(tmp_path, kafka, registry, source, "ducklake", more) as loading, ThreadPoolExecutor(1) as feeder:
        loading.start()
        until(lambda: history_count(loading) >= before, 300, "the first rows", poll_s=1)
        written = feeder.submit(feed.run, stopping)
        try:
            with closing(opening.reader(loading.settings)) as reader:
                scan = scan_of(loading)
                seen, ends_s = reader.execute(scan).fetchall(), time.monotonic() + HELD_S
                while time.monotonic() < ends_s:
                    older, seen = seen, reader.execute(scan).fetchall()
                    assert seen >= older
        finally:
            stopping.set()
        count = before + written.result()
        until(lambda: history_count(loading) >= count, 300, f"{count} changes", poll_s=1)

        assert len(loading.events("warehouse_compacted")) > 2
        assert not loading.events("compaction_failed")
        assert_rows_equal(loading, changes_of(kafka, registry, source))
        assert loading.stop() == 0
