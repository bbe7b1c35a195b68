"""Builds a warehouse anew from `state.*` and the change topics, beside the old one, and replaces that when it is complete.

Change topics may have lost old records to retention, and have all history that is left. `state.*` has the newest state of every
resource.

Analysts read the old one meanwhile. Killed anywhere, the next run goes on where this one was: the new warehouse has its own
offsets, and a missing folder is the sign of an interrupted exchange.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from broker import topic_reader
from broker.schema_registry import Registry
from schemas.typed.columns import column_table
from sinks.consumer import Partition, SinkConsumer
from sinks.warehouse import opening
from sinks.warehouse.decoding import decoder
from sinks.warehouse.engines.engine import REBUILD, Warehouse
from sinks.warehouse.engines.lock import claim
from sinks.warehouse.loader import CHANGES, Loader, Reads
from sinks.warehouse.rows.shape import Layouts
from sinks.warehouse.rows.states import Uses, states_batch
from sinks.warehouse.settings import LoaderSettings
from sinks.warehouse.states import is_state_topic, state_of

Advance = Callable[[int], None]
Wants = Callable[[str], bool]


def total(settings: LoaderSettings) -> int:
    """Return about how many records a rebuild reads."""
    found = _ranges(settings, lambda topic: is_state_topic(topic) or settings.wants(topic))
    return sum(high - low for low, high in found.values())


def rebuild(settings: LoaderSettings, uses: Uses, advance: Advance) -> int:
    """Build the warehouse anew, and return the number of records read by this run; `advance` receives them as they are read.

    `uses` says which states belong into it. Records that come meanwhile are the loader's. Raises `Unusable` while a loader runs.
    A warehouse that is not in one folder is emptied and filled again: to exchange tables in a database would drop what others
    have built on them.
    """
    if not settings.warehouse.is_in_folder:
        with closing(opening.writer(settings.warehouse)) as warehouse:
            if REBUILD not in warehouse.offsets():
                warehouse.empty()
            read = _load_all(settings, uses, warehouse, advance)
            warehouse.filled()
            return read
    folder = settings.warehouse.folder
    _finish_exchange(folder)
    with closing(claim(folder)):
        beside = replace(settings, warehouse=replace(settings.warehouse, folder=_beside(folder)))
        with closing(opening.writer(beside.warehouse)) as warehouse:
            read = _load_all(beside, uses, warehouse, advance)
            warehouse.compact(0)
        folder.rename(_replaced(folder))
        _finish_exchange(folder)
    return read


def _load_all(settings: LoaderSettings, uses: Uses, warehouse: Warehouse, advance: Advance) -> int:
    """Load states, then changes: whatever they overlap in, the engine keeps the later one."""
    states = Reads(state_of, partial(states_batch, uses))
    read = _load(settings, warehouse, is_state_topic, states, advance)
    return read + _load(settings, warehouse, settings.wants, CHANGES, advance)


def _load(settings: LoaderSettings, warehouse: Warehouse, wants: Wants, reads: Reads, advance: Advance) -> int:
    """Load what wanted topics hold now, from the offsets that the new warehouse has."""
    ends = {partition: high for partition, (low, high) in _ranges(settings, wants).items() if high > low}
    with (
        closing(Registry(settings.registry)) as registry,
        closing(SinkConsumer(settings.kafka, f"{settings.group}.rebuild", wants)) as consumer,
    ):
        layouts = Layouts(column_table, settings.own_types)
        loader = Loader(consumer, decoder(registry), warehouse, layouts, settings.limits, reads=reads)
        return loader.run_until(lambda positions: _has_read(positions, ends), advance)


def _has_read(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> bool:
    return all(positions.get(partition, 0) >= end for partition, end in ends.items())


def _ranges(settings: LoaderSettings, wants: Wants) -> dict[Partition, tuple[int, int]]:
    with topic_reader.consumer(settings.kafka) as reader:
        wanted = [name for name in topic_reader.topics(reader) if wants(name)]
        parts = [part for name in wanted for part in topic_reader.ranges(reader, name)]
    return {(part.topic, part.partition): (part.low, part.high) for part in parts}


def _finish_exchange(folder: Path) -> None:
    """Put a complete new warehouse in the place that the old one has left, and remove the old one."""
    if _replaced(folder).exists():
        if not folder.exists():
            _beside(folder).rename(folder)
        shutil.rmtree(_replaced(folder))


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.rebuild")


def _replaced(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.replaced")
